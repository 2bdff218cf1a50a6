"""EML → blocks: who wrote to whom and when, then the message as text, and the messages that it passes on.

Of what is there as text and as HTML, the text is read, unless it only stands in for the HTML. Earlier messages that are
quoted, and signatures, are kept. Files that hang on a message are documents of their own (`archives.py`). Knows nothing
of files or passages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.utils import getaddresses, parsedate_to_datetime
from functools import partial

from core.documents import mime
from core.documents.blocks import Block, BlockKind, ParsedDocument
from core.documents.calendars import calendar_of
from core.documents.html import parse_html
from core.documents.mime import Mail
from core.documents.text import parse_text
from core.errors import DocumentError

_HEADERS = ("From", "To", "Cc", "Date", "Subject")
_MESSAGES = {"message/rfc822", "message/global"}
_UNSEEN = {
    *("application/applefile", "application/pgp-encrypted", "application/pgp-signature", "text/x-amp-html"),
    *("application/pkcs7-signature", "application/x-pkcs7-signature"),
}
_LOCKED = {"multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"}
_ICON_BYTES = 20_000  # of a picture inside the text: smaller ones are logos
_QUOTED = re.compile(r"(?:^>[^\n]*(?:\n|\Z))+", re.MULTILINE)
_WORD, _TARGET = re.compile(r"\w{3,}"), re.compile(r"\]\([^()]*\)")
_COVERED = 0.6  # of the words in HTML: less, and the text beside it only stands in for it
_BEGIN = re.compile(rb"(?:\A|\n\r?\n)From [^\n]{0,200}\d\d:\d\d[^\n]{0,100}\n")  # of a message in an mbox
_HEAD_BYTES, _NAME_CHARACTERS = 64 * 1024, 80  # of a message that its name is taken from; of the name
_SIGNATURE = "-- "  # the line above one, which does not go on
_TABLE_LINES = 4  # of a table that is more than a box: its header, the line below it, two rows


@dataclass(slots=True)
class _Content:
    """What a message, or a part of it, holds. `events` are those of its calendars, each once."""

    blocks: list[Block] = field(default_factory=list)
    messages: list[Mail] = field(default_factory=list)
    files: list[tuple[str, bytes]] = field(default_factory=list)
    events: dict[Block, None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, other: _Content) -> None:
        self.blocks += other.blocks
        self.messages += other.messages
        self.files += other.files
        self.events |= other.events
        self.notes += other.notes


def parse_mail(data: bytes) -> ParsedDocument:
    """Parse one message; its subject is the title."""
    message = mime.read_message(data)
    blocks: list[Block] = []
    notes: list[str] = []
    waiting: list[tuple[Mail, tuple[str, ...]]] = [(message, ())]
    while waiting:
        each, above = waiting.pop()
        content = _content(each)
        blocks += _told(each, content, above)
        notes += [*_cut(each), *content.notes]
        inside = [(inner, (*above, mime.header(inner, "Subject") or "Message")) for inner in content.messages]
        waiting += reversed(inside)
    names = [name or address for name, address in getaddresses([mime.header(message, "From")])]
    return ParsedDocument(
        mime.header(message, "Subject"),
        tuple(blocks),
        tuple(dict.fromkeys(notes)),
        author=names[0] if names else "",
        date=_date(message),
    )


def parse_saved_page(data: bytes) -> ParsedDocument:
    """Parse an MHTML file: a page with all that belongs to it, of which the page is read.

    Raises:
        DocumentError: it holds none.
    """
    page = next((part for part in mime.parts_of(data) if part.get_content_type() == "text/html"), None)
    if page is None:
        raise DocumentError("It holds no web page. Save the page again.")
    text, notes = mime.text_of(page)
    document = parse_html(text)
    blocks = tuple(replace(block, line=0, lines=()) for block in document.blocks)
    return replace(document, blocks=blocks, notes=(*notes, *document.notes))


def mailbox(data: bytes) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """The messages of an mbox: a name for each, and what reads it."""
    begins = [found.end() for found in _BEGIN.finditer(data)]
    ends = [found.start() for found in _BEGIN.finditer(data)][1:]
    for begin, end in zip(begins, [*ends, len(data)], strict=True):
        head = mime.head_of(data[begin : min(end, begin + _HEAD_BYTES)])
        name = " ".join(part for part in (_date(head)[:10], mime.header(head, "Subject")[:_NAME_CHARACTERS]) if part)
        yield name.replace("/", "-") or "message", partial(_unescaped, data, begin, end)


def _unescaped(data: bytes, begin: int, end: int) -> bytes:
    return data[begin:end].replace(b"\n>From ", b"\nFrom ")


def attached_files(data: bytes) -> list[tuple[str, bytes]]:
    """The files that hang on a message, or on one that it passes on, by names of which each is there once."""
    files: list[tuple[str, bytes]] = []
    waiting = [mime.read_message(data)]
    while waiting:
        content = _content(waiting.pop())
        files += content.files
        waiting += reversed(content.messages)
    return _distinct(files)


def _distinct(files: Sequence[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    named: dict[str, bytes] = {}
    for name, content in files:
        stem, dot, suffix = name.rpartition(".")
        number, free = 1, name
        while free in named and named[free] != content:
            number += 1
            free = f"{stem or name} ({number}){dot}{suffix if stem else ''}"
        named[free] = content
    return list(named.items())


def _told(message: Mail, content: _Content, above: tuple[str, ...]) -> Iterator[Block]:
    """The blocks of a message under the headings `above`, without the messages that it passes on."""
    if above:
        yield Block(BlockKind.HEADING, above[-1], above, 0)
    lines = [f"{name}: {mime.header(message, name)}" for name in _HEADERS if message[name]]
    if files := _distinct(content.files):
        lines.append(f"Attachments: {', '.join(name for name, _ in files)}")
    if lines:
        yield Block(BlockKind.PARAGRAPH, "\n".join(lines), above, 0)
    for block in (
        *content.blocks,
        *content.events,
    ):  # lines of a part that was packed for travel are not those of the file
        yield replace(block, headings=(*above, *block.headings), line=0, lines=())


def _cut(message: Mail) -> Iterator[str]:
    cut = mime.cut_headers(message)
    for name in _HEADERS:
        if name in cut:
            yield f"Only the beginning of {name} was read: it has over {mime.HEADER_CHARACTERS:,} characters."


def _content(part: Mail) -> _Content:
    kind = part.get_content_type()
    if part.is_multipart() and part.get_content_maintype() == "multipart":
        return _of_parts(part, kind)
    if kind in _MESSAGES and part.is_multipart():
        return _passed_on(part)
    if kind in _UNSEEN:
        return _Content()
    if part.is_multipart():  # of what became of a message
        fields = [f"{name}: {value}" for each in part.get_payload() for name, value in each.items()]  # type: ignore[union-attr]
        return _Content(list(parse_text("\n".join(fields)).blocks))
    name = mime.file_name(part)
    is_text = part.get_content_maintype() in {"text", "multipart"} and not name and not _is_attached(part)
    if is_text or kind == "text/calendar" or name.lower().endswith(".ics"):
        return _text(part, "text/calendar" if name.lower().endswith(".ics") else kind)
    return _file(part, name or mime.default_name(part))


def _of_parts(part: Mail, kind: str) -> _Content:
    inside = [_content(child) for child in part.get_payload() if isinstance(child, Mail)]
    whole = _Content()
    if kind == "multipart/alternative":
        best = _best(inside)
        for each in inside:
            whole.add(each if each is best else _Content([], each.messages, each.files, each.events))
    else:
        for each in inside:
            whole.add(each)
    if kind in _LOCKED:
        whole.notes.append("The message is encrypted, so its text was not read. Save it decrypted.")
    return whole


def _best(ways: Sequence[_Content]) -> _Content | None:
    """Of several ways to say the same, the plainest that says it: the last one is the richest."""
    filled = [way for way in ways if way.blocks]
    return next((way for way in filled if _says(way, filled[-1])), None)


def _says(way: _Content, richest: _Content) -> bool:
    if way is richest:
        return True
    if any(block.kind is BlockKind.TABLE and block.text.count("\n") + 1 >= _TABLE_LINES for block in richest.blocks):
        return False
    wanted = _words(richest)
    return len(wanted & _words(way)) >= _COVERED * len(wanted)


def _words(content: _Content) -> set[str]:
    return {word.lower() for block in content.blocks for word in _WORD.findall(_TARGET.sub("]", block.text))}


def _passed_on(part: Mail) -> _Content:
    try:
        return _Content(messages=list(mime.messages_of(part)))
    except DocumentError as error:
        return _Content(notes=[f"A message that is passed on was not read. {error}"])


def _file(part: Mail, name: str) -> _Content:
    content = mime.content_of(part)
    if name.lower().endswith(".eml"):
        with suppress(DocumentError):
            return _Content(messages=[mime.read_message(content)])
    inside = part.get_content_maintype() == "image" and ("Content-ID" in part or not _is_attached(part))
    if inside and len(content) < _ICON_BYTES:
        return _Content()
    notes = ["The message is encrypted or sealed, so its text was not read. Save it decrypted."]
    return _Content(files=[(name, content)], notes=notes if part.get_content_type() in _LOCKED else [])


def _is_attached(part: Mail) -> bool:
    return part.get_content_disposition() == "attachment"


def _text(part: Mail, kind: str) -> _Content:
    try:
        text, notes = mime.text_of(part)
    except DocumentError as error:
        return _Content(notes=[f"A part of the message was not read. {error}"])
    if kind == "text/html":
        page = parse_html(text, is_titled=True)
        return _Content(list(page.blocks), notes=[*notes, *page.notes])
    if kind == "text/calendar":
        return _invitation(text)
    if str(part.get_param("format", "")).lower() == "flowed":
        text = _reflowed(text, joined=str(part.get_param("delsp", "")).lower() == "yes")
    return _Content(list(_paragraphs(text)), notes=list(notes))


def _invitation(text: str) -> _Content:
    try:
        calendar = calendar_of(text)
    except DocumentError as error:
        return _Content(notes=[f"An invitation in the message was not read. {error}"])
    return _Content(events=dict.fromkeys(calendar.blocks), notes=list(calendar.notes))


def _paragraphs(text: str) -> Iterator[Block]:
    """Plain text, with what it quotes of earlier messages as quotes."""
    place = 0
    for quoted in _QUOTED.finditer(text):
        yield from parse_text(text[place : quoted.start()]).blocks
        yield Block(BlockKind.QUOTE, quoted.group().strip(), (), 0)
        place = quoted.end()
    yield from parse_text(text[place:]).blocks


def _reflowed(text: str, *, joined: bool) -> str:
    """Lines that end in a space go on in the next (RFC 3676); with `joined`, that space is none of the text's."""
    lines: list[tuple[int, list[str]]] = []
    goes_on = False
    for line in text.split("\n"):
        content = line.lstrip(">")
        depth = len(line) - len(content)
        content = content.removeprefix(" ")
        if not goes_on or lines[-1][0] != depth or content == _SIGNATURE:
            lines.append((depth, []))
        goes_on = content.endswith(" ") and content != _SIGNATURE
        lines[-1][1].append(content[:-1] if goes_on and joined else content)
    return "\n".join(f"{'> ' if depth else ''}{''.join(parts)}" for depth, parts in lines)


def _date(message: Mail) -> str:
    sent: datetime | None = None
    with suppress(ValueError, TypeError, IndexError, OverflowError):
        sent = parsedate_to_datetime(mime.header(message, "Date"))
    return sent.isoformat() if sent else ""
