"""The bytes of a message → its parts, as the one who gets it sees them: texts, messages in it, files that hang on it.

Broken ones are read as far as they go. Knows nothing of blocks, or of what is in a file.
"""

from __future__ import annotations

import base64
import binascii
import email
import mimetypes
import quopri
import re
from collections.abc import Iterator
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import Compat32
from itertools import islice
from pathlib import PurePosixPath

from core.documents.text import decode
from core.errors import DocumentError

HEADER_CHARACTERS = 4_000  # of one header; what reads parameters copies the rest at each of them
_PARTED = re.compile(
    rb"^content-type:(?:[^\n]|\n[ \t])*?(?:\bboundary\s*+=|\bmessage/rfc822\b)", re.IGNORECASE | re.MULTILINE
)
_MAX_PARTED = 200  # parts that hold parts: a line is compared with the ends of all that it lies in
_ENCODED = re.compile(r"=\?(?P<charset>[^?*\s]+)(?:\*[^?\s]*)?\?(?P<way>[BbQq])\?(?P<text>[^?\r\n]*)\?=")
_RUN = re.compile(r"=\?[^?\s]+\?[BbQq]\?[^?\r\n]*\?=(?:\s*=\?[^?\s]+\?[BbQq]\?[^?\r\n]*\?=)*")
_UUENCODED = re.compile(
    r"^begin [0-7]{3,4} (?P<name>[^\n]{1,200})\n(?P<lines>(?:[ -`]{1,90}\n)++)end[ \t]*$", re.MULTILINE
)
_NAME_CHARACTERS = 120  # of a file

Mail = Message


class _BoundedPolicy(Compat32):
    """Reads of each header as much as takes no time worth mentioning."""

    def header_fetch_parse(self, name: str, value: str) -> str:  # noqa: ARG002 - the signature is the library's
        if len(value) <= HEADER_CHARACTERS:
            return value
        return value[: max(1, value.rfind(",", 0, HEADER_CHARACTERS), value.rfind(" ", 0, HEADER_CHARACTERS))]


def read_message(data: bytes) -> Mail:
    """One message, with all that is in it.

    Raises:
        DocumentError: it holds too many messages or is none.
    """
    message = _message(data)
    if not any(message[name] for name in ("From", "To", "Subject", "Date")):
        raise DocumentError("It is not a message: it has no sender, recipient, subject or date. Save it again.")
    return message


def head_of(data: bytes) -> Mail:
    """What stands above the text of a message."""
    return BytesHeaderParser(policy=_BoundedPolicy()).parsebytes(data)


def parts_of(data: bytes) -> Iterator[Mail]:
    """All that is packed like a message, whether it is one or not.

    Raises:
        DocumentError: it holds too many messages.
    """
    return _message(data).walk()


def _message(data: bytes) -> Mail:
    if sum(1 for _ in islice(_PARTED.finditer(data), _MAX_PARTED + 1)) > _MAX_PARTED:
        raise DocumentError(f"It holds messages in messages, over {_MAX_PARTED} of them. Save them one by one.")
    return email.message_from_bytes(data, policy=_BoundedPolicy())


def header(message: Mail, name: str) -> str:
    """What a header says, on one line, in whatever way it was packed for travel."""
    return " ".join(_unpacked(str(message[name] or "")).split())


def cut_headers(message: Mail) -> set[str]:
    """The names of the headers that are too long to be read whole."""
    return {name.title() for name, value in message.raw_items() if len(str(value)) > HEADER_CHARACTERS}


def text_of(part: Mail) -> tuple[str, tuple[str, ...]]:
    """The text of a part, and notes about a guessed encoding.

    Raises:
        DocumentError: it is no text.
    """
    return decode(content_of(part), part.get_content_charset() or "")


def content_of(part: Mail) -> bytes:
    """The bytes of a part that holds no parts."""
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def messages_of(part: Mail) -> Iterator[Mail]:
    """The messages that an attached message is; also those that were packed for travel, which nobody should do."""
    inner = part.get_payload()
    for message in inner if isinstance(inner, list) else []:
        if not isinstance(message, Mail):
            continue
        packed = message.get_payload()
        if not message.keys() and isinstance(packed, str):
            yield read_message(_decoded(packed, str(part["Content-Transfer-Encoding"] or "")))
        else:
            yield message


def unpacked_files(text: str) -> tuple[str, list[tuple[str, bytes]]]:
    """A text without the files that are written into it as in the days before MIME (uuencode), and those files."""
    files: list[tuple[str, bytes]] = []

    def take(packed: re.Match[str]) -> str:
        try:
            content = b"".join(binascii.a2b_uu(line) for line in packed["lines"].split("\n") if line)
        except (binascii.Error, ValueError):
            return packed.group()
        name = PurePosixPath(packed["name"].replace("\\", "/")).name.strip().lstrip(".")[-_NAME_CHARACTERS:]
        files.append((name or "attachment", content))
        return ""

    return _UUENCODED.sub(take, text), files


def file_name(part: Mail) -> str:
    """What a file that hangs on the message is called, without folders; empty where nothing says so."""
    name = PurePosixPath(_unpacked(part.get_filename() or "").replace("\\", "/")).name
    name = " ".join(name.split()).lstrip(".")[-_NAME_CHARACTERS:]
    return name if not name or PurePosixPath(name).suffix else f"{name}{_suffix(part)}"


def default_name(part: Mail) -> str:
    """A name for a file that has none."""
    return f"attachment{_suffix(part)}"


def _suffix(part: Mail) -> str:
    kind = part.get_content_type()
    return {"message/rfc822": ".eml", "text/plain": ".txt"}.get(kind) or mimetypes.guess_extension(kind) or ""


def _unpacked(text: str) -> str:
    """A header's text: encoded words decoded, and bytes that should have been encoded, too."""
    raw = text.encode("utf-8", "surrogateescape")
    return _RUN.sub(_words, text if raw.isascii() else decode(raw)[0])


def _words(run: re.Match[str]) -> str:
    """Encoded words beside each other are one text: a character may begin in one and end in the next."""
    texts: list[tuple[str, bytes]] = []
    for word in _ENCODED.finditer(run.group()):
        charset, way = word["charset"].lower(), "base64" if word["way"] in "Bb" else "quoted-printable"
        packed = word["text"] if way == "base64" else word["text"].replace("_", " ")
        content = _decoded(packed, way)
        if texts and texts[-1][0] == charset:
            content = texts.pop()[1] + content
        texts.append((charset, content))
    try:
        return "".join(decode(content, charset)[0] for charset, content in texts)
    except DocumentError:
        return run.group()


def _decoded(text: str, way: str) -> bytes:
    data = text.encode("utf-8", "surrogateescape")
    if way.strip().lower() == "quoted-printable":
        return quopri.decodestring(data)
    if way.strip().lower() != "base64":
        return data
    try:
        return base64.b64decode(data + b"=" * (-len(data.strip()) % 4))
    except (binascii.Error, ValueError):
        return data
