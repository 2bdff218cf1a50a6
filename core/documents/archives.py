"""The bytes of a file → the documents in it: itself, or the members of an archive or of a chat's export.

A member is read only when it is asked for. What Slack exports and somebody unpacked is made an archive again, so that
both are read by the same code. Knows nothing of how a member is parsed or of what the index holds.
"""

from __future__ import annotations

import io
import re
import time
import zipfile
import zlib
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePath, PurePosixPath

from core.documents import packages, slack, telegram
from core.documents.blocks import ParsedDocument
from core.documents.chats import ChannelDay, packed, parse_talk
from core.documents.mail import attached_files, mailbox
from core.documents.parsing import Parser, check_size, is_supported, parser_of
from core.documents.walk import is_left_out
from core.errors import DocumentError

_MAILBOX = ".mbox"
ARCHIVES = {".zip", _MAILBOX}
_MESSAGES = {".eml"}
MAX_ARCHIVE_BYTES = 200 * 1024**2
MAX_UNPACKED_BYTES = 1024**3  # all members that are read, those of archives inside among them
MAX_DEPTH = 2  # archives inside each other
MAX_MEMBERS = 20_000  # of a whole archive, those of archives inside among them
MAX_SECONDS = 900.0  # of the processor, for all of them together; one document has its own limit

_NOTION_TABLE = re.compile(r" [0-9a-f]{32}\.csv\Z")
_OUT = frozenset({"..", "/", "//"})  # parts of a path
_LEADING_OUT = "is left out: its path leads out of the archive. Create the archive again from inside its folder."
_TOO_DEEP = f"It is nested in {MAX_DEPTH} archives, which is the limit. Unpack the outer one."


@dataclass(frozen=True, slots=True)
class Member:
    """A document inside a file; its name is empty where it is the file itself. `read` may raise DocumentError.

    `parse` is None where the format is not supported.
    """

    name: str
    read: Callable[[], bytes]
    parse: Parser | None
    note: str = ""


@dataclass(slots=True)
class _Room:
    """What may still be taken out of an archive, over all archives inside each other."""

    left: int = MAX_UNPACKED_BYTES
    members: int = field(default_factory=lambda: MAX_MEMBERS)
    until: float = field(default_factory=lambda: time.process_time() + MAX_SECONDS)

    def take(self, members: int, size: int) -> None:
        """Raises DocumentError where there is no room for so many members of so many bytes."""
        self.left -= size
        self.members -= members
        if self.left < 0:
            raise DocumentError(f"It unpacks to over {MAX_UNPACKED_BYTES // 1024**2} MB. Split it.")
        if self.members < 0:
            raise DocumentError(f"It holds over {MAX_MEMBERS:,} files, counting archives inside it. Split it.")

    def in_time(self, members: Iterable[Member]) -> Iterator[Member]:
        """`members`, as long as there is time to read them."""
        for member in members:
            if time.process_time() > self.until:
                raise DocumentError(
                    f"It takes more than {MAX_SECONDS / 60:.0f} minutes to read, so reading stopped at "
                    f"{member.name}. Split it."
                )
            yield member


def is_readable(path: PurePath) -> bool:
    """Whether a file of this name can be read: a document or an archive."""
    return is_supported(path) or is_archive(path)


def is_archive(path: PurePath) -> bool:
    """Whether a file of this name is nothing but what holds files."""
    return path.suffix.lower() in ARCHIVES


def holds_others(path: PurePath) -> bool:
    """Whether there may be documents in a file of this name beside the one that it is."""
    return is_archive(path) or path.suffix.lower() in _MESSAGES


def check_file_size(size: int, path: PurePath) -> None:
    """Refuse a file of `size` bytes that is over the limit of its kind.

    Raises:
        DocumentError: it is.
    """
    holds_many = is_archive(path) or path.name == telegram.FILE
    check_size(size, path, MAX_ARCHIVE_BYTES if holds_many else None)


def members(data: bytes, path: PurePath) -> Iterator[Member]:
    """Every document in the file at `path`.

    Raises:
        DocumentError: the file as a whole cannot be read.
    """
    room = _Room()
    if is_archive(path):
        try:
            yield from room.in_time(_opened(data, path, "", 1, room))
        except DocumentError as error:
            raise DocumentError(f"{path.name} cannot be read. {error}") from None
    else:
        yield from room.in_time(_documents(lambda: data, "", path, 1, room))


def _opened(data: bytes, path: PurePath, above: str, depth: int, room: _Room) -> Iterator[Member]:
    """What the archive at `path` holds."""
    return (_messages if path.suffix.lower() == _MAILBOX else _unpacked)(data, above, depth, room)


def _messages(data: bytes, above: str, depth: int, room: _Room) -> Iterator[Member]:
    """Each message of a mailbox, by its day and subject."""
    seen: dict[str, int] = {}
    for name, read in mailbox(data):
        room.take(1, 0)
        seen[name] = seen.get(name, 0) + 1
        numbered = name if seen[name] == 1 else f"{name} ({seen[name]})"
        yield from _documents(read, f"{above}{numbered}.eml", PurePosixPath("message.eml"), depth, room)
    if not seen:
        raise DocumentError("It holds no messages. Export it again.")


def _unpacked(data: bytes, above: str, depth: int, room: _Room) -> Iterator[Member]:
    with packages.opened_zip(data) as archive:
        meant = {part.filename: part for part in archive.infolist() if not part.is_dir() and _is_meant(part.filename)}
        parts = [part for name, part in meant.items() if not _is_part_of_another(name, meant)]  # the later of two
        names = [part.filename for part in parts]
        wanted = [part for part in parts if is_readable(PurePosixPath(part.filename))]
        packages.check_parts(archive, 0)
        room.take(len(parts), sum(part.file_size for part in wanted))
        if (root := slack.root_of(names)) is not None:
            export = {name.removeprefix(root): part for name, part in meant.items() if name.startswith(root)}

            def read(name: str) -> bytes:
                return archive.read(export[name])

            readable, note = slack.beside(export, read)
            yield from _talks(slack.talks(export, read), above + root, note)
            parts = [part for part in parts if not part.filename.startswith(root)] + [export[name] for name in readable]
        for part in parts:
            name, inside = f"{above}{part.filename}", PurePosixPath(part.filename)
            yield from _member(partial(_content, archive, part), name, inside, depth, room)
        for name in dict.fromkeys(_below(part.filename) for part in archive.infolist() if _leads_out(part.filename)):
            yield Member(f"{above}{name}", partial(_refuse, f"{PurePosixPath(name).name} {_LEADING_OUT}"), _never)


def _member(read: Callable[[], bytes], name: str, path: PurePath, depth: int, room: _Room) -> Iterator[Member]:
    if is_archive(path):
        yield from _nested(read, name, depth, room)
    else:
        yield from _documents(read, name, path, depth, room)


def _documents(read: Callable[[], bytes], name: str, path: PurePath, depth: int, room: _Room) -> Iterator[Member]:
    """The document called `name`, and what hangs on it; or the talks in it where it is an export of Telegram."""
    if path.suffix.lower() == ".json":
        try:
            content = read()
            export = telegram.export_of(content)
        except DocumentError as error:
            yield Member(name, partial(_refuse, str(error)), _never)
            return
        if export:
            yield from _talks(telegram.talks(export), f"{name}/" if name else "", telegram.left_out(export))
            return
    yield Member(name, read, parser_of(path))
    if path.suffix.lower() in _MESSAGES:
        yield from _attached(read, f"{name}/" if name else "", depth, room)


def _attached(read: Callable[[], bytes], above: str, depth: int, room: _Room) -> Iterator[Member]:
    """The files that hang on a message; of one that cannot be read, the message says why."""
    try:
        files = attached_files(read())
    except DocumentError:
        return
    room.take(len(files), sum(len(content) for _, content in files))
    for name, content in files:
        yield from _member(partial(bytes, content), f"{above}{name}", PurePosixPath(name), depth, room)


def _nested(read: Callable[[], bytes], name: str, depth: int, room: _Room) -> Iterator[Member]:
    """The members of an archive in an archive; one that cannot be read is a member that says so."""
    try:
        content = read() if depth < MAX_DEPTH else _refuse(_TOO_DEEP)
        yield from _opened(content, PurePosixPath(name), f"{name}/", depth + 1, room)
    except DocumentError as error:
        yield Member(name, partial(_refuse, f"{PurePosixPath(name).name} cannot be read. {error}"), _never)


def _content(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bytes:
    name = PurePosixPath(part.filename)
    if packages.is_encrypted(part):
        raise DocumentError(f"{name.name} is protected by a password. Archive it without one.")
    check_file_size(part.file_size, name)
    try:
        return archive.read(part)  # never more than the size that was checked
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise DocumentError(f"{name.name} is damaged inside its archive ({error}). Create the archive again.") from None


def _talks(talks: Iterator[ChannelDay], above: str, note: str) -> Iterator[Member]:
    seen: dict[str, int] = {}
    for talk in talks:
        name = f"{above}{talk.channel.strip('#').replace('/', '-') or 'chat'}/{talk.day}"
        seen[name] = seen.get(name, 0) + 1  # two chats of one name
        name = name if seen[name] == 1 else f"{name} ({seen[name]})"
        yield Member(name, partial(packed, talk), parse_talk, note)
        note = ""  # said once


def _is_part_of_another(name: str, names: Container[str]) -> bool:
    """Whether it is what a database of Notion shows, beside a file with all of it."""
    return bool(_NOTION_TABLE.search(name)) and f"{name.removesuffix('.csv')}_all.csv" in names


def _is_meant(name: str) -> bool:
    """Neither hidden, nor what a Mac adds to an archive, nor a path that leads out of it."""
    parts = PurePosixPath(name).parts
    return bool(parts) and not any(is_left_out(part) or part in {"__MACOSX", *_OUT} for part in parts)


def _leads_out(name: str) -> bool:
    """Whether somebody means it, though its path leads out of the archive."""
    return not _OUT.isdisjoint(PurePosixPath(name).parts) and not name.endswith("/") and _is_meant(_below(name))


def _below(name: str) -> str:
    """A name without what leads out."""
    return "/".join(part for part in PurePosixPath(name).parts if part not in _OUT)


def _refuse(reason: str) -> bytes:
    raise DocumentError(reason)


def _never(data: bytes) -> ParsedDocument:
    """The parser of what cannot be read in the first place."""
    raise AssertionError(data)


def is_unpacked_export(path: Path) -> bool:
    """Whether `path` is a folder with what Slack exports."""
    return path.is_dir() and slack.is_export(part.name for part in path.iterdir())


def packed_export(folder: Path) -> bytes:
    """The export in `folder` as a ZIP: the same bytes for the same parts; of what cannot be read only the names.

    Raises:
        DocumentError: it is larger than what is unpacked of an archive.
        OSError: a part cannot be read.
    """
    parts = {part.relative_to(folder).as_posix(): part for part in _export_parts(folder)}
    if sum(part.stat().st_size for part in parts.values() if _is_worth_packing(part)) > MAX_UNPACKED_BYTES:
        raise DocumentError(f"{folder.name} is a Slack export of over {MAX_UNPACKED_BYTES // 1024**2} MB. Split it.")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, part in parts.items():
            archive.writestr(zipfile.ZipInfo(name), _part_bytes(name, part), zipfile.ZIP_DEFLATED)
    return content.getvalue()


def _export_parts(folder: Path) -> Iterator[Path]:
    """Everything in it, by its path; nothing that is a link."""
    for part in sorted(folder.rglob("*")):
        if not part.is_symlink() and part.is_file():
            yield part


def _part_bytes(name: str, part: Path) -> bytes:
    """Of the lists of private conversations, and of what cannot be read, no more than that there is one."""
    if slack.private_parts([name]):
        return b"[]"
    return part.read_bytes() if _is_worth_packing(part) else b""


def _is_worth_packing(part: Path) -> bool:
    return is_readable(part) or part.suffix == ".json"
