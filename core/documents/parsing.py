"""The bytes of a file → a parsed document, whatever its format and encoding.

A format is one function in `PARSERS`, found by suffix. Knows nothing of folders, passages or the index.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from html import unescape
from pathlib import PurePath

from charset_normalizer import from_bytes

from core.documents.blocks import Kind, Outline, ParsedDocument
from core.documents.html import parse_html
from core.documents.markdown import parse_markdown
from core.documents.rst import parse_rst
from core.errors import DocumentError

PARSER_VERSION = 1
"""Raised whenever a parser starts to read the same bytes differently, so that documents are read anew."""
MAX_BYTES = 20 * 1024**2

Parser = Callable[[bytes], ParsedDocument]

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark begins with UTF-16's
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
_PARAGRAPH = re.compile(r"(?:^[^\n]*\S[^\n]*(?:\n|\Z))+", re.MULTILINE)
_SAMPLE_BYTES = 256 * 1024
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
_CONTROL_SHARE = 0.02  # of the characters; prose has none, a binary format has many
_TITLE_CHARACTERS = 200
_FOLDER_PAGES = {"index", "readme"}


def is_supported(path: PurePath) -> bool:
    """Whether a file of this name can be parsed."""
    return path.suffix.lower() in PARSERS


def parse(data: bytes, path: PurePath) -> ParsedDocument:
    """Parse the content of the file at `path`. A document without text has no blocks and a note.

    Raises:
        DocumentError: the content is too large, binary or not what its suffix promises.
    """
    parser = PARSERS.get(path.suffix.lower())
    if parser is None:
        raise DocumentError(_unsupported(path))
    check_size(len(data), path)
    document = _parsed(parser, data, path)
    title = " ".join(unescape(document.title).split())[:_TITLE_CHARACTERS].strip() or _title_from(path)
    if not document.blocks:
        return replace(document, title=title, notes=(*document.notes, "The file holds no text."))
    return replace(document, title=title)


def check_size(size: int, path: PurePath) -> None:
    """Refuse a file of `size` bytes that is over the limit.

    Raises:
        DocumentError: it is.
    """
    if size > MAX_BYTES:
        raise DocumentError(
            f"{path.name} has {size / 1024**2:.1f} MB; the limit is {MAX_BYTES // 1024**2} MB. "
            "Split it into smaller files."
        )


def decode(data: bytes) -> tuple[str, tuple[str, ...]]:
    """Text with plain newlines, and notes about a guessed encoding.

    Raises:
        DocumentError: the bytes are no text.
    """
    text, notes = _decoded(data)
    if len(_CONTROLS.findall(text[:_SAMPLE_BYTES])) > _CONTROL_SHARE * len(text[:_SAMPLE_BYTES]):
        raise DocumentError(_BINARY)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROLS.sub("", text), notes


_BINARY = "The file is binary, not text. Save it as text or in a format that can be read, or leave it out."


def parse_text(text: str) -> ParsedDocument:
    """Plain text: paragraphs between blank lines."""
    outline = Outline()
    line, counted = 1, 0  # counted on from paragraph to paragraph, as a large file has many
    for paragraph in _PARAGRAPH.finditer(text):
        line += text.count("\n", counted, paragraph.start())
        counted = paragraph.start()
        outline.add(Kind.PARAGRAPH, paragraph.group(), line)
    return outline.document()


def _parsed(parser: Parser, data: bytes, path: PurePath) -> ParsedDocument:
    try:
        return parser(data)
    except DocumentError as error:
        raise DocumentError(f"{path.name} cannot be read. {error}") from None
    except RecursionError:
        raise DocumentError(f"{path.name} is nested too deeply to be read. Flatten it or save it as text.") from None
    except Exception as error:  # a parser meets anything that a file can hold; the other files go on
        reason = f"{type(error).__name__}: {error}"
        raise DocumentError(f"{path.name} cannot be parsed ({reason}). Save it anew or leave it out.") from error


def _text_format(parse_decoded: Callable[[str], ParsedDocument]) -> Parser:
    """A parser of text as a parser of bytes."""

    def parse_bytes(data: bytes) -> ParsedDocument:
        text, notes = decode(data)
        document = parse_decoded(text)
        return replace(document, notes=(*notes, *document.notes))

    return parse_bytes


def _decoded(data: bytes) -> tuple[str, tuple[str, ...]]:
    encoding = next((name for mark, name in _BOMS if data.startswith(mark)), None)
    if encoding is None and b"\0" in data:
        raise DocumentError(_BINARY)
    try:
        return data.decode(encoding or "utf-8"), ()
    except UnicodeDecodeError:
        return _mostly_utf8(data) or _guessed(data)


def _mostly_utf8(data: bytes) -> tuple[str, tuple[str, ...]] | None:
    """UTF-8 with a few broken bytes is still UTF-8, where a guess would garble all of it."""
    text = data.decode("utf-8", errors="replace")
    broken = text.count("\ufffd")
    if broken * 10 > sum(character > "\x7f" for character in text) - broken:
        return None
    return text, (f"{broken} broken UTF-8 characters were replaced by \ufffd. Save the file as UTF-8 to mend it.",)


def _guessed(data: bytes) -> tuple[str, tuple[str, ...]]:
    best = from_bytes(data[:_SAMPLE_BYTES]).best()
    if best is None:
        raise DocumentError(_BINARY)
    text = data.decode(best.encoding, errors="replace")
    return text, (f"The encoding was guessed to be {best.encoding}. Save the file as UTF-8 to be sure.",)


def _title_from(path: PurePath) -> str:
    named = path.parent.name if path.stem.lower() in _FOLDER_PAGES and path.parent.name else path.stem
    return re.sub(r"[-_\s]+", " ", named).strip() or path.name


def _unsupported(path: PurePath) -> str:
    what = f"files ending in {path.suffix}" if path.suffix else "files without a suffix"
    return f"{path.name} cannot be read: {what} are not supported. Supported are {', '.join(PARSERS)}."


PARSERS: Mapping[str, Parser] = {
    **dict.fromkeys((".md", ".markdown", ".mdown", ".mkd"), _text_format(parse_markdown)),
    **dict.fromkeys((".txt", ".text"), _text_format(parse_text)),
    **dict.fromkeys((".html", ".htm", ".xhtml"), _text_format(parse_html)),
    **dict.fromkeys((".rst", ".rest"), _text_format(parse_rst)),
}
"""Every format: a suffix and the function that parses its bytes."""
