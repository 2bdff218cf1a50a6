"""The bytes of a file → a parsed document, whatever its format.

A format is one function in `PARSERS`, found by suffix; libraries are imported when the first file of their format
comes. Knows nothing of archives, folders, passages or the index.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from html import unescape
from pathlib import PurePath

from core.documents.blocks import Block, ParsedDocument
from core.documents.epub import parse_epub
from core.documents.html import parse_html
from core.documents.mail import parse_mail
from core.documents.markdown import parse_markdown
from core.documents.notebook import parse_notebook
from core.documents.pdf import parse_pdf
from core.documents.pictures import SUFFIXES, parse_picture
from core.documents.recognition import HOW_TO_GET, is_installed
from core.documents.separated import parse_csv, parse_tsv
from core.documents.sheets import parse_workbook
from core.documents.slides import parse_slides
from core.documents.source_code import LANGUAGES, parse_code
from core.documents.text import parse_text, printed, text_format
from core.documents.word import parse_word
from core.errors import DocumentError

PARSER_VERSION = 5
"""Raised whenever a parser starts to read the same bytes differently, so that documents are read anew."""
MAX_BYTES = 20 * 1024**2
MAX_CHARACTERS = 20 * 1024**2  # of text, however small the file was packed

Parser = Callable[[bytes], ParsedDocument]

_TITLE_CHARACTERS = 200
_FOLDER_PAGES = {"index", "readme"}


def is_supported(path: PurePath) -> bool:
    """Whether a file of this name can be parsed."""
    return parser_of(path) is not None


def parser_of(path: PurePath) -> Parser | None:
    """What parses a file of this name, if anything does: an image, where text recognition is installed."""
    suffix = path.suffix.lower()
    return None if suffix in SUFFIXES and not is_installed() else PARSERS.get(suffix)


def parse(data: bytes, path: PurePath) -> ParsedDocument:
    """Parse the content of the file at `path`. A document without text has no blocks and a note.

    Raises:
        DocumentError: the content is too large, binary or not what its suffix promises.
    """
    parser = parser_of(path)
    if parser is None:
        raise DocumentError(unsupported(path))
    check_size(len(data), path)
    return parse_with(parser, data, path)


def parse_with(parser: Parser, data: bytes, path: PurePath) -> ParsedDocument:
    """Parse with `parser` what stands at `path`, which gives the title where nothing else does.

    Raises:
        DocumentError: the content is not what the parser reads, or holds too much text.
    """
    document = _parsed(parser, data, path)
    if sum(len(block.text) for block in document.blocks) > MAX_CHARACTERS:
        raise DocumentError(f"{path.name} holds over {MAX_CHARACTERS // 1024**2} million characters. Split it.")
    blocks = tuple(map(_printed, document.blocks))
    title = _one_line(unescape(document.title))[:_TITLE_CHARACTERS].strip() or _title_from(path)
    author = _one_line(document.author)[:_TITLE_CHARACTERS]
    notes = document.notes if blocks or document.notes else ("The file contains no text.",)
    return replace(document, title=title, author=author, blocks=blocks, notes=notes)


def check_size(size: int, path: PurePath, limit: int | None = None) -> None:
    """Refuse a file of `size` bytes that is over the limit.

    Raises:
        DocumentError: it is.
    """
    limit = limit or MAX_BYTES
    if size > limit:
        raise DocumentError(
            f"{path.name} has {size / 1024**2:.1f} MB; the limit is {limit // 1024**2} MB. Split it into smaller files."
        )


def unsupported(path: PurePath) -> str:
    """The refusal of a file whose format is not supported."""
    if path.suffix.lower() in SUFFIXES and not is_installed():
        return f"{path.name} is an image. {HOW_TO_GET}"
    what = f"files ending in {path.suffix}" if path.suffix else "files without an extension"
    named = [suffix for suffix in PARSERS if suffix not in LANGUAGES]
    return f"{path.name} cannot be read: {what} are not supported. Supported are {', '.join(named)}, .zip, source code."


def _parsed(parser: Parser, data: bytes, path: PurePath) -> ParsedDocument:
    try:
        return parser(data)
    except DocumentError as error:
        raise DocumentError(f"{path.name} cannot be read. {error}") from None
    except RecursionError:
        raise DocumentError(f"{path.name} is nested too deeply to be read. Flatten it or save it as text.") from None
    except MemoryError:
        raise
    except Exception as error:  # a parser meets anything that a file can hold; the other files go on
        reason = f"{type(error).__name__}: {error}"
        raise DocumentError(f"{path.name} cannot be parsed ({reason}). Save it again, or leave it out.") from error


def _printed(block: Block) -> Block:
    """Text of binary formats holds what text files are rid of when they are decoded."""
    return replace(block, text=printed(block.text), headings=tuple(map(printed, block.headings)))


def _one_line(text: str) -> str:
    return " ".join(printed(text).split())


def _title_from(path: PurePath) -> str:
    if path.suffix.lower() in LANGUAGES:
        return path.name
    named = path.parent.name if path.stem.lower() in _FOLDER_PAGES and path.parent.name else path.stem
    return re.sub(r"[-_\s]+", " ", named).strip() or path.name


def _parse_rst(text: str) -> ParsedDocument:
    from core.documents.rst import parse_rst  # noqa: PLC0415 - docutils takes long to import

    return parse_rst(text)


PARSERS: Mapping[str, Parser] = {
    **dict.fromkeys((".md", ".markdown", ".mdown", ".mkd"), text_format(parse_markdown)),
    **dict.fromkeys((".txt", ".text"), text_format(parse_text)),
    **dict.fromkeys((".html", ".htm", ".xhtml"), text_format(parse_html)),
    **dict.fromkeys((".rst", ".rest"), text_format(_parse_rst)),
    ".pdf": parse_pdf,
    **dict.fromkeys(SUFFIXES, parse_picture),
    ".docx": parse_word,
    ".pptx": parse_slides,
    ".epub": parse_epub,
    ".eml": parse_mail,
    **dict.fromkeys((".xlsx", ".xlsm"), parse_workbook),
    ".csv": text_format(parse_csv),
    **dict.fromkeys((".tsv", ".tab"), text_format(parse_tsv)),
    ".ipynb": text_format(parse_notebook),
    **{suffix: text_format(partial(parse_code, language=name)) for suffix, name in LANGUAGES.items()},
}
"""Every format: a suffix and the function that parses its bytes."""
