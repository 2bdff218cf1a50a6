"""What Word files and workbooks hold beside the text that is read → notes: one for each kind, so that none is missed.

Knows nothing of blocks, values or layout.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator

from core.documents import packages

_WORD = "word/document.xml"
_WORD_KINDS = {"comments": "Comments", "header": "Headers", "footer": "Footers"}
_SHEET_KINDS = {"comments": "Comments", "drawing": "Text boxes"}
_SHOWN = 80  # characters of what was left out
_LISTED = 5  # sheets in a note


def of_word(package: zipfile.ZipFile) -> Iterator[str]:
    """Notes on comments, and on headers and footers that say more than a number."""
    for kind, named in _WORD_KINDS.items():
        parts = dict.fromkeys(packages.related(package, _WORD, f"/{kind}").values())
        texts = [text for part in parts for text in _texts(package, part) if any(map(str.isalpha, text))]
        if said := " … ".join(dict.fromkeys(texts)):
            yield f"{named} were left out: {said if len(said) <= _SHOWN else f'{said[: _SHOWN - 1].rstrip()}…'}"


def of_workbook(package: zipfile.ZipFile, sheets: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Notes on the comments and text boxes of sheets, each of which has a title and a part."""
    found: dict[str, list[str]] = {kind: [] for kind in _SHEET_KINDS}
    seen: set[str] = set()
    for title, sheet in sheets:
        for kind, titles in found.items():
            parts = set(packages.related(package, sheet, f"/{kind}").values()) - seen
            seen |= parts
            if any(True for part in parts for _ in _texts(package, part)):
                titles.append(title)
    for kind, titles in found.items():
        if titles:
            more = f" and {len(titles) - _LISTED} more" if len(titles) > _LISTED else ""
            yield f"{_SHEET_KINDS[kind]} were left out in these sheets: {', '.join(titles[:_LISTED])}{more}."


def _texts(package: zipfile.ZipFile, part: str) -> Iterator[str]:
    """What each paragraph or comment of a part says."""
    root = packages.part_of(package, part)
    for element in root.iter() if root is not None else ():
        if element.tag.endswith(("}p", "}comment")):
            said = "".join(child.text or "" for child in element.iter() if child.tag.endswith("}t"))
            if said.strip():
                yield " ".join(said.split())
