"""EML → blocks: who wrote to whom and when, then the message as text.

Attachments are named, not read. Knows nothing of files or passages.
"""

from __future__ import annotations

import email
import re
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import getaddresses
from itertools import islice
from typing import Any, cast

from core.documents.blocks import Block, BlockKind, ParsedDocument
from core.documents.html import parse_html
from core.documents.text import decode, parse_text
from core.errors import DocumentError

_HEADERS = ("From", "To", "Cc", "Date", "Subject")
_HEADER_CHARACTERS = 4_000  # the library that reads headers copies the rest of one at each word
_PARTED = re.compile(
    rb"^content-type:(?:[^\n]|\n[ \t])*?(?:\bboundary\s*+=|\bmessage/rfc822\b)", re.IGNORECASE | re.MULTILINE
)
_MAX_PARTED = 200  # parts that hold parts: a line is compared with the ends of all that it lies in


class _BoundedPolicy(EmailPolicy):
    """Reads of each header as much as takes no time worth mentioning."""

    def header_fetch_parse(self, name: str, value: str) -> Any:
        if len(value) > _HEADER_CHARACTERS:
            value = value[: max(1, value.rfind(",", 0, _HEADER_CHARACTERS), value.rfind(" ", 0, _HEADER_CHARACTERS))]
        return super().header_fetch_parse(name, value)


def parse_mail(data: bytes) -> ParsedDocument:
    """Parse one message; its subject is the title."""
    if sum(1 for _ in islice(_PARTED.finditer(data), _MAX_PARTED + 1)) > _MAX_PARTED:
        raise DocumentError(f"It holds messages in messages, over {_MAX_PARTED} of them. Save them one by one.")
    message = cast("EmailMessage", email.message_from_bytes(data, policy=_BoundedPolicy()))
    if not any(message[header] for header in ("From", "To", "Subject", "Date")):
        raise DocumentError("It is not a message: it has no sender, recipient, subject or date. Save it again.")
    lines = [f"{name}: {' '.join(str(message[name]).split())}" for name in _HEADERS if message[name]]
    head = Block(BlockKind.PARAGRAPH, "\n".join(lines), (), 0)
    attached = [str(part.get_filename()) for part in message.iter_attachments() if part.get_filename()]
    notes = [f"Attachments were not read: {', '.join(attached)}. Save them as files next to it."] if attached else []
    cut = {name.title() for name, value in message.raw_items() if len(str(value)) > _HEADER_CHARACTERS}
    notes += [
        f"Only the beginning of {name} was read: it has over {_HEADER_CHARACTERS:,} characters."
        for name in _HEADERS
        if name in cut
    ]
    names = [name or address for name, address in getaddresses([str(message["From"] or "")])]
    return ParsedDocument(
        " ".join(str(message["Subject"] or "").split()),
        (head, *_body(message)),
        tuple(notes),
        author=names[0] if names else "",
        date=_date(message),
    )


def _body(message: EmailMessage) -> tuple[Block, ...]:
    part = message.get_body(("plain", "html"))
    if part is None:
        return ()
    content = part.get_content()
    text = content if isinstance(content, str) else decode(bytes(content))[0]
    text = text.replace("\r\n", "\n")
    parsed = parse_html(text) if part.get_content_subtype() == "html" else parse_text(text)
    # lines of a part that was packed for travel are not those of the file
    return tuple(Block(block.kind, block.text, block.headings, 0) for block in parsed.blocks)


def _date(message: EmailMessage) -> str:
    header = message["Date"]
    sent = getattr(header, "datetime", None)
    return sent.isoformat() if sent else ""
