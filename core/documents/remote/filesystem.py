"""Files at any address that fsspec knows: buckets, SFTP, WebDAV, GitHub. Only what changed since is fetched.

What signs in is the environment's, as each library documents it; nothing of it is kept or shown. Knows nothing of what
a file says.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from core.documents.archives import MAX_ARCHIVE_BYTES, check_file_size, is_readable
from core.documents.remote.addresses import scheme_of
from core.documents.remote.mirror import FetchResult, Mirror
from core.documents.walk import Refusal, is_left_out
from core.errors import DocumentError

FILES = 100_000  # of one source
EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs", "sftp": "sftp", "ssh": "sftp"}
EXTRAS |= {"webdav": "webdav", "webdavs": "webdav"}
STALLED = 600.0  # seconds in which nothing comes: whoever waits goes on
_HERE = {"file", "local", "asynclocal", "memory", "http", "https", "data", "reference", "dir", "dirfs", "generic"}
_HERE |= {
    "blockcache",
    "filecache",
    "simplecache",
    "cached",
    "zip",
    "tar",
    "libarchive",
    "git",
    "dask",
    "jlab",
    "jupyter",
}
_MARKS = (
    "ETag",
    "etag",
    "sha",
    "md5Hash",
    "generation",
    "LastModified",
    "mtime",
    "modified",
    "updated",
    "created",
    "size",
)


def knows_scheme(scheme: str) -> bool:
    """Whether anything reads such addresses, were its library installed."""
    from fsspec.registry import known_implementations, registry  # noqa: PLC0415 - it takes long to import

    return scheme in EXTRAS or scheme in known_implementations or scheme in registry


class RemoteFolder:
    """A folder, or one file, behind fsspec."""

    def __init__(self, address: str, *, here: bool = False) -> None:
        """`here`: also what lies in this process or on this machine, which nobody names by an address.

        Raises:
            DocumentError: it names something here, or has another address in it.
        """
        if scheme_of(address) == "git":
            raise DocumentError(f"{address} cannot be read: name Git repositories by git+https:// or git+ssh://.")
        if "::" in address:
            raise DocumentError(
                f"{address} cannot be read: it is several addresses, chained by ::. Name the last of them."
            )
        if not here and scheme_of(address) in _HERE:
            raise DocumentError(f"{address} cannot be read: {scheme_of(address)}:// is nothing that lies elsewhere.")
        self._address = address

    async def located(self) -> str:
        """The address as it is."""
        return self._address

    async def fetch(self, mirror: Mirror) -> FetchResult:
        """As the port says. It is ended soon where whoever waits is cancelled."""
        work = _Work(asyncio.get_running_loop())
        work.begin(lambda: self._fetched(mirror, work))
        try:
            while not work.result.done():
                await asyncio.wait([work.result], timeout=STALLED / 10)
                if work.idle > STALLED and not work.result.done():
                    raise DocumentError(f"{self._address} has sent nothing for {STALLED / 60:.0f} minutes.")
            return work.result.result()
        finally:
            work.stopped = True

    def _fetched(self, mirror: Mirror, work: _Work) -> FetchResult:
        result, kept = FetchResult(), set[str]()
        try:
            files, root, found = self._listed()
        except DocumentError:
            raise
        except Exception as error:  # each library has errors of its own
            raise DocumentError(f"{self._address} cannot be read: {_reason(error)}") from error
        for path, facts in sorted(found.items()):
            work.go_on()
            source = _joined(self._address, path.removeprefix(root).lstrip("/"))
            if not _is_wanted(path.removeprefix(root), source, facts, result):
                continue
            mark, known = _mark(facts), mirror.pages.get(source)
            if known is None or not mark or known.mark != mark:
                try:
                    data = _bytes(files, path, facts)
                    work.go_on()
                    mirror.put(source, path, data, mark=mark)
                except Exception as error:  # noqa: BLE001 - as above; it keeps what it had
                    result.refused.append(Refusal(source, f"It cannot be read: {_reason(error)}"))
                    kept |= {source} & mirror.pages.keys()
                    continue
            kept.add(source)
        work.go_on()
        mirror.keep_only(kept)
        mirror.save()
        return result

    def _listed(self) -> tuple[Any, str, Mapping[str, Any]]:
        """The file system, the path in it, and what it says of each file below."""
        import fsspec  # noqa: PLC0415 - it takes long to import

        scheme = scheme_of(self._address)
        try:
            if scheme in {"sftp", "ssh"}:  # fsspec's own would trust any host
                import sshfs  # noqa: F401, PLC0415 - it takes its place
            files, root = fsspec.core.url_to_fs(self._address, skip_instance_cache=True, use_listings_cache=False)
        except (ImportError, ValueError) as error:
            if scheme in EXTRAS:
                raise DocumentError(
                    f"{scheme}:// needs a library that is not installed. Install it: "
                    f"pip install 'attune[{EXTRAS[scheme]}]'"
                ) from None
            raise DocumentError(f"{self._address} cannot be read: {error}") from None
        found = files.find(root, detail=True)
        if not found:
            raise DocumentError(f"There are no files at {self._address}.")
        if len(found) > FILES:
            raise DocumentError(f"{self._address} holds over {FILES:,} files. Name folders in it one by one.")
        root = root.rstrip("/")
        return files, root, {path: facts for path, facts in found.items() if facts.get("type") == "file"}


class _Work:
    """What a thread of its own does, which holds nobody up: a library that never answers is left behind."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.result: asyncio.Future[FetchResult] = loop.create_future()
        self.stopped = False
        self._loop = loop
        self._last = time.monotonic()

    @property
    def idle(self) -> float:
        """For how many seconds nothing has come."""
        return time.monotonic() - self._last

    def go_on(self) -> None:
        """Something has come.

        Raises:
            asyncio.CancelledError: nobody waits for it any more; it is no reason to leave a file out.
        """
        if self.stopped:
            raise asyncio.CancelledError
        self._last = time.monotonic()

    def begin(self, fetch: Callable[[], FetchResult]) -> None:
        """Start."""
        threading.Thread(target=self._run, args=(fetch,), name="attune-fetch", daemon=True).start()

    def _run(self, fetch: Callable[[], FetchResult]) -> None:
        try:
            settle = partial(self._settle, fetch(), None)
        except BaseException as error:  # noqa: BLE001 - whoever waits gets it
            settle = partial(self._settle, None, error)
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(settle)

    def _settle(self, found: FetchResult | None, error: BaseException | None) -> None:
        if self.result.done() or self.stopped:
            return
        if error is not None:
            self.result.set_exception(error)
        elif found is not None:
            self.result.set_result(found)


def _bytes(files: Any, path: str, facts: Mapping[str, Any]) -> bytes:
    """A file; where its size is unknown, no more of it than may be read.

    Raises:
        DocumentError: it is too large.
    """
    if facts.get("size") is not None:
        return bytes(files.cat_file(path))
    name = PurePosixPath(path)
    data = bytes(files.cat_file(path, 0, MAX_ARCHIVE_BYTES + 1))
    check_file_size(len(data), name)
    return data


def _is_wanted(inside: str, source: str, facts: Mapping[str, Any], result: FetchResult) -> bool:
    """Whether a file is read; notes why not, but of what nobody means."""
    path = PurePosixPath(inside or source)
    if any(is_left_out(part) for part in path.parts if part != "/"):
        return False
    if not is_readable(path):
        result.skipped.append(source)
        return False
    try:
        check_file_size(int(facts.get("size") or 0), path)
    except DocumentError as error:
        result.refused.append(Refusal(source, str(error)))
        return False
    return True


def _mark(facts: Mapping[str, Any]) -> str:
    """What a file's version is told by; nothing where only its size is known."""
    said = {name: str(facts[name]) for name in _MARKS if facts.get(name) is not None}
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32] if said.keys() - {"size"} else ""


def _joined(address: str, inside: str) -> str:
    return f"{address.rstrip('/')}/{inside}" if inside else address


def _reason(error: Exception) -> str:
    """What went wrong, without what may have been given to sign in."""
    if isinstance(error, DocumentError):
        return str(error)
    return f"{type(error).__name__}: {str(error)[:200] or 'no reason was given'}".rstrip(".") + "."
