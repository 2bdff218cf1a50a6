"""What office documents and books say of themselves: title, author, date, language.

Knows nothing of their text.
"""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass, replace
from xml.etree import ElementTree as ET

from core.documents.blocks import ParsedDocument
from core.documents.packages import part_of

_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?)?")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")
_NO_AUTHORS = {"python-docx", "openpyxl", "unknown", "user", "administrator", "microsoft office user"}


@dataclass(frozen=True, slots=True)
class Properties:
    """Each is empty where the document says nothing that can be used."""

    title: str = ""
    author: str = ""
    date: str = ""
    language: str = ""

    def applied(self, document: ParsedDocument) -> ParsedDocument:
        """`document` with these, its own title first."""
        title = document.title.strip("\0") or self.title
        return replace(document, title=title, author=self.author, date=self.date, language=self.language)


def core_properties(package: zipfile.ZipFile) -> Properties:
    """Those of an office document; the date is when it was last changed."""
    root = part_of(package, "docProps/core.xml")
    if root is None:
        return Properties()
    author, changed = _text(root, "creator"), _text(root, "modified") or _text(root, "created")
    return Properties(
        title=_text(root, "title"),
        author="" if author.casefold() in _NO_AUTHORS else author,
        date=iso_date(changed),
        language=language_tag(_text(root, "language")),
    )


def book_properties(metadata: ET.Element) -> Properties:
    """Those of an EPUB's package document."""
    return Properties(
        title=_text(metadata, "title"),
        author=_text(metadata, "creator"),
        date=iso_date(_text(metadata, "date")),
        language=language_tag(_text(metadata, "language")),
    )


def iso_date(text: str) -> str:
    """The ISO 8601 date that `text` begins with, or nothing."""
    found = _DATE.match(text.strip())
    return found.group() if found else ""


def language_tag(text: str) -> str:
    """`text` if it looks like the tag of a language, or nothing."""
    return text.strip().replace("_", "-") if _LANGUAGE.fullmatch(text.strip()) else ""


def _text(root: ET.Element, name: str) -> str:
    """The text of the first element of this name, whatever its namespace."""
    found = root.find(f".//{{*}}{name}")
    return " ".join((found.text or "").split()) if found is not None else ""
