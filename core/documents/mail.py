"""EML → blocks: who wrote to whom and when, then the message as text.

Attachments are named, not read. Knows nothing of files or passages.
"""

from __future__ import annotations

import email
from email.message import EmailMessage
from email.policy import default
from email.utils import getaddresses

from core.documents.blocks import Block, Kind, ParsedDocument
from core.documents.html import parse_html
from core.documents.text import decode, parse_text
from core.errors import DocumentError

_HEADERS = ("From", "To", "Cc", "Date", "Subject")


def parse_mail(data: bytes) -> ParsedDocument:
    """Parse one message; its subject is the title."""
    message = email.message_from_bytes(data, policy=default)
    if not any(message[header] for header in ("From", "To", "Subject", "Date")):
        raise DocumentError("It is no message: it has no sender, receiver, subject or date. Save it anew.")
    lines = [f"{name}: {' '.join(str(message[name]).split())}" for name in _HEADERS if message[name]]
    head = Block(Kind.PARAGRAPH, "\n".join(lines), (), 0)
    attached = [str(part.get_filename()) for part in message.iter_attachments() if part.get_filename()]
    notes = (f"Attachments are not read: {', '.join(attached)}. Save them as files beside it.",) if attached else ()
    names = [name or address for name, address in getaddresses([str(message["From"] or "")])]
    return ParsedDocument(
        " ".join(str(message["Subject"] or "").split()),
        (head, *_body(message)),
        notes,
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
