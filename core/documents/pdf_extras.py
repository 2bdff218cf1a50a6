"""What a PDF holds beside the text of its pages, which is not read: told so that whoever ingests it knows.

Knows nothing of what it says.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from pdfminer.pdftypes import resolve1
from pdfminer.psparser import PSLiteral

_LARGE = 0.05  # of a page: smaller pictures are logos and icons
_MOST = 1_000  # annotations of a page, that are looked at
_SILENT = {"Link", "Popup", "Widget", "FileAttachment"}  # annotations that are no comments


class Extra(StrEnum):
    """What was not read, as a note names it."""

    VALUES = "Values in the fields of forms"
    COMMENTS = "Comments"
    ATTACHMENTS = "Attachments"
    PICTURES = "Pictures beside text"


def extras(page: Any) -> frozenset[Extra]:
    """What is on a page of pdfplumber beside its text and its pictures."""
    return frozenset(found for each in _annotations(page) if (found := _kind(each)))


def has_attachments(catalog: dict[str, Any]) -> bool:
    """Whether files lie in a PDF."""
    names = resolve1(catalog.get("Names"))
    return isinstance(names, dict) and bool(resolve1(names.get("EmbeddedFiles")))


def large_pictures(page: Any) -> frozenset[int]:
    """The pictures of a page that may say something: the same on another page has the same number."""
    area = _LARGE * float(page.width) * float(page.height)
    large = [image for image in page.images if float(image["width"]) * float(image["height"]) > area]
    return frozenset(getattr(image.get("stream"), "objid", None) or -at for at, image in enumerate(large, start=1))


def _annotations(page: Any) -> Iterator[dict[str, Any]]:
    found = resolve1(page.page_obj.annots)
    for each in (found if isinstance(found, list) else [])[:_MOST]:
        annotation = resolve1(each)
        if isinstance(annotation, dict):
            yield annotation


def _kind(annotation: dict[str, Any]) -> Extra | None:
    subtype = _name(annotation.get("Subtype"))
    if subtype == "FileAttachment":
        return Extra.ATTACHMENTS
    if subtype == "Widget":
        parent = resolve1(annotation.get("Parent"))
        fields = [annotation, parent] if isinstance(parent, dict) else [annotation]
        return Extra.VALUES if any(_is_filled_in(field) for field in fields) else None
    said = resolve1(annotation.get("Contents"))
    return Extra.COMMENTS if subtype not in _SILENT and isinstance(said, bytes) and said.strip() else None


def _is_filled_in(field: dict[str, Any]) -> bool:
    value = resolve1(field.get("V"))
    if isinstance(value, PSLiteral):
        return _name(value) not in {"Off", ""}
    return isinstance(value, bytes | list) and bool(value)  # a dictionary is a signature


def _name(value: Any) -> str:
    name = getattr(resolve1(value), "name", "")
    return name.decode(errors="replace") if isinstance(name, bytes) else str(name)
