"""Which sources are read again and again: where they are, for whom, how often, and how it went last.

One file of the data folder, `sources.json`; it goes into backups, and holds no secret. What was fetched of a source is
beside it, in `mirrors`. Knows nothing of how a source is fetched.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from core.documents.remote.addresses import INSIDE, WEB, folder_of, is_address, page_key, scheme_of, within
from core.errors import DocumentError
from core.readers import Readers
from core.storage.durable import write_whole
from core.storage.folder_lock import locked

FILE_NAME = "sources.json"
MIRRORS = "mirrors"
RETRY = timedelta(minutes=5)  # at first; twice as long after each failure, up to the source's own schedule

_EXACT = 2**32  # longer than any address
_SCHEME = re.compile(r"^https?:")


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """A source: an address, or the path of a folder here. `every` is in seconds; 0: only when it is named.

    `private`: it lies on the operator's own network, and was named there; `here`: it may be this machine. `moved`:
    where its page was found in the end.
    """

    address: str
    readers: Readers | None = None
    every: int = 0
    site: bool = False
    private: bool = False
    here: bool = True
    tried: datetime | None = None
    read: datetime | None = None  # when last all went well
    failing: datetime | None = None  # since when it has failed
    failure: str = ""
    moved: str = ""

    @property
    def remote(self) -> bool:
        """Whether it lies elsewhere."""
        return is_address(self.address)

    @property
    def next(self) -> datetime | None:
        """When it is read again."""
        if not self.every:
            return None
        if self.tried is None:
            return datetime.min.replace(tzinfo=UTC)
        pause = timedelta(seconds=self.every)
        if self.failing is not None:
            pause = min(pause, max(RETRY, self.tried - self.failing))
        return self.tried + pause

    def covers(self, source: str) -> bool:
        """Whether a document is of this source, unless of a nearer one."""
        return self.nearness(source) > 0

    def names(self, page: str) -> bool:
        """Whether this is the address of the source, or another of the same page."""
        return page_key(page) in {page_key(self.address), page_key(self.moved or self.address)}

    def nearness(self, source: str) -> int:
        """How near a document is to this source: above 0 where it covers it, more than any site where it names it."""
        if source == self.address:
            return _EXACT + 1
        if scheme_of(self.address) not in WEB:
            return len(self.address) if within(source, self.address) else 0
        if self.names(source.partition(INSIDE)[0]):
            return _EXACT
        root = folder_of(self.address)
        held = self.site and within(*(_SCHEME.sub("http:", one) for one in (source, root)))
        return len(root) if held else 0

    def succeeded(self, now: datetime) -> SourceRecord:
        """After it was read."""
        return replace(self, tried=now, read=now, failing=None, failure="")

    def failed(self, now: datetime, reason: str) -> SourceRecord:
        """After it could not be read."""
        return replace(self, tried=now, failing=self.failing or now, failure=reason)


_RECORDS = TypeAdapter(list[SourceRecord])


class SourceRecords:
    """The records of one data folder, shared by all processes on it."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._file = data / FILE_NAME

    def read(self) -> list[SourceRecord]:
        """All of them, by address.

        Raises:
            DocumentError: they are damaged.
        """
        try:
            return read_sources(self._file.read_bytes(), self._file)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise DocumentError(f"{self._file} cannot be read: {error.strerror}. Change its permissions.") from None

    def find(self, address: str) -> SourceRecord | None:
        """The one at this very address."""
        return next((record for record in self.read() if record.address == address), None)

    def owner(self, address: str) -> Callable[[str], bool]:
        """Whether a document is of the source at `address`: the nearest one counts."""
        records = self.read()

        def owns(source: str) -> bool:
            nearest = max(records, key=lambda one: one.nearness(source), default=None)
            return nearest is not None and nearest.address == address and nearest.covers(source)

        return owns

    def keep(self, record: SourceRecord) -> None:
        """Add or replace a record."""
        self.replace(lambda now: [*(one for one in now if one.address != record.address), record])

    def change(self, address: str, change: Callable[[SourceRecord], SourceRecord]) -> None:
        """Change a record, if it is still there."""
        self.replace(lambda now: [change(one) if one.address == address else one for one in now])

    def forget(self, *addresses: str) -> None:
        """Drop the records of these, and what was fetched of them."""
        self.replace(lambda now: [one for one in now if one.address not in addresses])
        for address in addresses:
            shutil.rmtree(self.mirror(address), ignore_errors=True)
            with self.alone(address) as alone:
                if alone:
                    self.mirror(address).with_suffix(".lock").unlink(missing_ok=True)

    def replace(self, change: Callable[[list[SourceRecord]], list[SourceRecord]], *, anew: bool = False) -> None:
        """Change what is recorded, one process at a time; `anew`: whatever is there.

        Raises:
            DocumentError: it is damaged, or cannot be written.
        """
        try:
            self._data.mkdir(mode=0o700, parents=True, exist_ok=True)
            with locked(self._file.with_suffix(".lock"), os.O_RDWR | os.O_CREAT):
                now = sorted(change([] if anew else self.read()), key=lambda record: record.address)
                write_whole(self._file, _RECORDS.dump_json(now, indent=1) + b"\n")
        except OSError as error:
            raise DocumentError(f"{self._file} cannot be written: {error.strerror}. Free some space.") from error

    def mirror(self, address: str) -> Path:
        """The folder with what was fetched of a source."""
        return self._data / MIRRORS / hashlib.sha256(address.encode()).hexdigest()[:20]

    @contextmanager
    def alone(self, address: str) -> Iterator[bool]:
        """Hold a source, so that no other process reads it meanwhile; False where one does."""
        folder = self._data / MIRRORS
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with ExitStack() as stack:
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
            descriptor = os.open(self.mirror(address).with_suffix(".lock"), flags, 0o600)
            stack.callback(os.close, descriptor)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True


def read_sources(written: bytes, file: Path) -> list[SourceRecord]:
    """Records as `file` has them.

    Raises:
        DocumentError: they are damaged.
    """
    try:
        return _RECORDS.validate_json(written)
    except ValidationError:
        raise DocumentError(
            f"{file}, which records the sources of documents and who may see them, is damaged. Restore it from a "
            "backup (attune restore), or move it away and ingest the addresses again, with --readers."
        ) from None
