"""What was fetched of one source: a file a page, and which page each file is, with the mark by which it was fetched.

A page that could not be fetched keeps the file that it had. Knows nothing of how pages are fetched or read.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pydantic import TypeAdapter, ValidationError

from core.documents.remote.addresses import is_address
from core.documents.walk import Refusal
from core.errors import DocumentError
from core.storage.durable import write_whole

MANIFEST = "pages.json"
NAME_BYTES = 200  # of a file's name with its ending; file systems take 255
ENDING_BYTES = 30  # a longer one is no ending
_KEY = 20  # hexadecimal digits of a folder's name


@dataclass(frozen=True, slots=True)
class MirroredPage:
    """A page that was fetched. `mark` and `modified` are what its server told its version by (ETag, Last-Modified).

    `place`: where it was found in the end, if elsewhere than at its address.
    """

    address: str
    file: str
    mark: str = ""
    modified: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class RemoteFiles:
    """Files that stand for documents elsewhere: the source of each, and which sources should be among them."""

    folder: Path
    sources: Mapping[Path, str]
    owns: Callable[[str], bool]


@dataclass(slots=True)
class FetchResult:
    """What one fetching left out, and why. `moved`: where the one page that was asked for lies now."""

    refused: list[Refusal] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    moved: str = ""


class DocumentSource(Protocol):
    """A place where documents lie."""

    async def fetch(self, mirror: Mirror) -> FetchResult:
        """Bring `mirror` in step with the source, as far as it can be reached.

        Raises:
            DocumentError: nothing of it can be reached; the mirror is as it was.
        """
        ...

    async def located(self) -> str:
        """The address that it is kept by: in full, where the one that was named leads to another.

        Raises:
            DocumentError: it cannot be reached.
        """
        ...


_PAGES = TypeAdapter(list[MirroredPage])


class Mirror:
    """The files of one source, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pages = {page.address: page for page in _pages(folder / MANIFEST) if (folder / page.file).is_file()}

    def data(self, address: str) -> bytes:
        """What was fetched of a page that there is."""
        return (self.folder / self.pages[address].file).read_bytes()

    def put(self, address: str, name: str, data: bytes, *, mark: str = "", modified: str = "", place: str = "") -> None:
        """Keep a page; `name` is a path whose last part says the format.

        Raises:
            DocumentError: it cannot be written; what there was of it stays.
        """
        key = hashlib.sha256(address.encode()).hexdigest()[:_KEY]
        *_, above, last = ["", "", *(part for part in name.split("/") if part.strip("."))]
        inside = Path(_safe(above) or "documents", _safe(last) or "page")
        held, new = self.folder / key, self.folder / f"{key}.new"
        try:
            shutil.rmtree(new, ignore_errors=True)
            (new / inside).parent.mkdir(mode=0o700, parents=True)
            (new / inside).write_bytes(data)
            shutil.rmtree(held, ignore_errors=True)
            new.rename(held)
        except OSError as error:
            shutil.rmtree(new, ignore_errors=True)
            raise DocumentError(f"{self.folder} cannot be written: {error.strerror}. Free some space.") from error
        self.pages[address] = MirroredPage(address, Path(key, inside).as_posix(), mark, modified, place)

    def keep_only(self, addresses: set[str]) -> None:
        """Drop all other pages."""
        self.pages = {address: page for address, page in self.pages.items() if address in addresses}

    def save(self) -> None:
        """Write down which pages there are, then delete what is none.

        Raises:
            DocumentError: it cannot be written.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(self.folder / MANIFEST, _PAGES.dump_json(list(self.pages.values()), indent=1))
            kept = {page.file.partition("/")[0] for page in self.pages.values()}
            for left in self.folder.iterdir():
                if left.is_dir() and len(left.name) == _KEY and left.name not in kept:
                    shutil.rmtree(left, ignore_errors=True)
        except OSError as error:
            raise DocumentError(f"{self.folder} cannot be written: {error.strerror}. Free some space.") from error

    def files(self, owns: Callable[[str], bool]) -> RemoteFiles:
        """The files, for an ingestion that keeps what `owns` says in step with them."""
        sources = {self.folder.resolve() / page.file: page.address for page in self.pages.values()}
        return RemoteFiles(self.folder, {file: source for file, source in sources.items() if owns(source)}, owns)


def _pages(manifest: Path) -> list[MirroredPage]:
    """Those of a manifest; none where it is missing or damaged, since all can be fetched again."""
    try:
        pages = _PAGES.validate_json(manifest.read_bytes())
    except (OSError, ValidationError):
        return []
    return [page for page in pages if is_address(page.address) and ".." not in Path(page.file).parts]


def _safe(name: str) -> str:
    """A name that a file can have, with its ending."""
    printed = "".join(sign if sign.isprintable() and sign != os.sep else "_" for sign in name).lstrip(".")
    stem, dot, ending = printed.rpartition(".")
    if not dot or len(ending.encode()) > ENDING_BYTES:
        return _cut(printed, NAME_BYTES)
    return f"{_cut(stem, NAME_BYTES - ENDING_BYTES - 1) or 'page'}.{ending}"


def _cut(name: str, size: int) -> str:
    return name.encode()[:size].decode(errors="ignore").strip()
