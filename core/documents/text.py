"""Bytes → text, whatever their encoding, and plain text → blocks.

Guesses only where nothing says what the encoding is, and says so. Knows nothing of files or passages.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from dataclasses import replace

from charset_normalizer import from_bytes

from core.documents.blocks import BlockKind, Outline, ParsedDocument
from core.errors import DocumentError

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark begins with UTF-16's
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
_NOT_DECLARED = {"ascii", "utf-8", "idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"}
_WIDE = ("utf-16", "utf-32")
_TOO_SHORT = 40  # bytes: the frequencies of letters say nothing
_BYTEWISE = ("iso8859", "cp125", "koi8", "mac-")
_WIDER = {"iso8859-1": "cp1252", "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949"}
"""What programs write that say they write the other; as browsers read it."""
_PARAGRAPH = re.compile(r"(?:^[^\n]*\S[^\n]*(?:\n|\Z))+", re.MULTILINE)
_SAMPLE_BYTES = 256 * 1024
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")  # lone surrogates among them
_CONTROL_SHARE = 0.02  # of the characters; prose has none, a binary format has many
_BINARY = "The file is binary, not text. Save it as text or in a supported format, or leave it out."


def text_format(parse_decoded: Callable[[str], ParsedDocument]) -> Callable[[bytes], ParsedDocument]:
    """A parser of text as a parser of bytes."""

    def parse_bytes(data: bytes) -> ParsedDocument:
        text, notes = decode(data)
        document = parse_decoded(text)
        return replace(document, notes=(*notes, *document.notes))

    return parse_bytes


def decode(data: bytes, declared: str = "") -> tuple[str, tuple[str, ...]]:
    """Text with plain newlines, and notes about a guessed encoding, where it is not the one `declared`.

    Raises:
        DocumentError: the bytes are no text.
    """
    text, notes = _as_declared(data, declared) or _decoded(data)
    if len(_CONTROLS.findall(text[:_SAMPLE_BYTES])) > _CONTROL_SHARE * len(text[:_SAMPLE_BYTES]):
        raise DocumentError(_BINARY)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return printed(text), notes


def printed(text: str) -> str:
    """`text` without the characters that are never printed."""
    return _CONTROLS.sub("", text)


def parse_text(text: str) -> ParsedDocument:
    """Plain text: paragraphs between blank lines."""
    outline = Outline()
    line, counted = 1, 0  # counted on from paragraph to paragraph, as a large file has many
    for paragraph in _PARAGRAPH.finditer(text):
        line += text.count("\n", counted, paragraph.start())
        counted = paragraph.start()
        outline.add(BlockKind.PARAGRAPH, paragraph.group(), line)
    return outline.document()


def _as_declared(data: bytes, declared: str) -> tuple[str, tuple[str, ...]] | None:
    """Text in the encoding that something says it has, unless that is unknown, no encoding of text, or wrong."""
    try:
        name = codecs.lookup(declared.strip().strip("\"'")).name
    except (LookupError, ValueError):
        return None
    wide = name.startswith(_WIDE)
    if name in _NOT_DECLARED or (wide and b"\0" not in data) or any(data.startswith(mark) for mark, _ in _BOMS):
        return None
    if name.startswith(_BYTEWISE) and (text := _strictly(data, "utf-8")) is not None:
        return text, ()  # mislabelled: text of other encodings is not UTF-8 by chance
    encoding = _WIDER.get(name, name)
    text = _strictly(data, encoding)
    return (text, ()) if text is not None else _mostly(data, encoding)


def _strictly(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeError, LookupError):  # a codec of something else than text
        return None


def _decoded(data: bytes) -> tuple[str, tuple[str, ...]]:
    encoding = next((name for mark, name in _BOMS if data.startswith(mark)), None)
    if encoding is None and b"\0" in data:
        raise DocumentError(_BINARY)
    try:
        return data.decode(encoding or "utf-8"), ()
    except UnicodeDecodeError:
        return _mostly(data, "utf-8") or _guessed(data)


def _mostly(data: bytes, encoding: str) -> tuple[str, tuple[str, ...]] | None:
    """UTF-8 with a few broken bytes is still UTF-8, where a guess would garble all of it."""
    try:
        text = data.decode(encoding, errors="replace")
    except (UnicodeError, LookupError):
        return None
    broken = text.count("\ufffd")
    if broken * 10 > sum(character > "\x7f" for character in text) - broken:
        return None
    name = encoding.upper()
    characters = f"1 invalid {name} character was" if broken == 1 else f"{broken} invalid {name} characters were"
    return text, (f"{characters} replaced by \ufffd. Save the file as UTF-8 to correct that.",)


def _guessed(data: bytes) -> tuple[str, tuple[str, ...]]:
    best = from_bytes(data[:_SAMPLE_BYTES]).best() if len(data) > _TOO_SHORT else None
    if best is None and len(data) > _TOO_SHORT:
        raise DocumentError(_BINARY)
    encoding = best.encoding if best else "cp1252"
    text = data.decode(encoding, errors="replace")
    return text, (f"The encoding was guessed as {encoding}. Save the file as UTF-8 to be sure.",)
