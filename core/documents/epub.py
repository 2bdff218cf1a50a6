"""EPUB → blocks: its chapters in reading order, each read as the HTML it is; a chapter's number is a block's page.

Knows nothing of files or passages.
"""

from __future__ import annotations

import posixpath
import zipfile
from dataclasses import replace
from urllib.parse import unquote
from xml.etree import ElementTree as ET

from core.documents import packages
from core.documents.blocks import Block, BlockKind, ParsedDocument
from core.documents.html import parse_page
from core.documents.properties import book_properties
from core.errors import DocumentError

_NO_BOOK = "It is not a valid EPUB: it lists no chapters. Export it again."


def parse_epub(data: bytes) -> ParsedDocument:
    """Parse a book that is not locked by its publisher."""
    with packages.opened(data) as package:
        place = _package_document(package)
        root = packages.part_of(package, place)
        if root is None:
            raise DocumentError(_NO_BOOK)
        if packages.has_part(package, "META-INF/encryption.xml") and packages.has_part(package, "META-INF/rights.xml"):
            raise DocumentError("It is protected by its publisher (DRM). Leave it out.")
        chapters = dict.fromkeys(_chapters(root, posixpath.dirname(place)))  # each is read once
        blocks: list[Block] = []
        for number, chapter in enumerate(chapters, start=1):
            if packages.has_part(package, chapter):
                blocks += _blocks(package.read(chapter), number)
    return book_properties(root).applied(ParsedDocument("", tuple(blocks)))


def _package_document(package: zipfile.ZipFile) -> str:
    container = packages.part_of(package, "META-INF/container.xml")
    found = container.find(".//{*}rootfile") if container is not None else None
    if found is None:
        raise DocumentError(_NO_BOOK)
    return found.get("full-path", "")


def _chapters(root: ET.Element, folder: str) -> list[str]:
    """The parts that are read, in the order of the spine."""
    parts = {item.get("id"): item for item in root.iterfind(".//{*}manifest/{*}item")}
    read = [parts.get(reference.get("idref")) for reference in root.iterfind(".//{*}spine/{*}itemref")]
    return [
        posixpath.normpath(posixpath.join(folder, unquote(part.get("href", ""))))
        for part in read
        if part is not None and "nav" not in part.get("properties", "").split()
    ]


def _blocks(page: bytes, number: int) -> list[Block]:
    """A chapter's blocks under its title."""
    chapter = parse_page(page)
    blocks = [replace(block, line=0, page=number) for block in chapter.blocks]
    if not chapter.title or not any(block.kind is BlockKind.HEADING for block in blocks):
        return blocks
    return [replace(block, headings=(chapter.title, *block.headings)) for block in blocks]
