"""Jupyter notebooks → blocks: Markdown cells with their headings, code cells and what they printed.

Read as the one Markdown text that they amount to; a cell's number is a block's page. Pictures and other rich outputs
are left out. Knows nothing of bytes, files or passages.
"""

from __future__ import annotations

import json
from bisect import bisect
from dataclasses import replace
from typing import Any

from core.documents.blocks import ParsedDocument, fenced
from core.documents.markdown import parse_markdown
from core.errors import DocumentError

_OUTPUT_CHARACTERS = 2_000  # of one cell: a log is no knowledge


def parse_notebook(text: str) -> ParsedDocument:
    """Parse a notebook of format 3 or 4."""
    try:
        notebook = json.loads(text)
        cells = notebook["cells"] if "cells" in notebook else notebook["worksheets"][0]["cells"]
        language = str(notebook.get("metadata", {}).get("kernelspec", {}).get("language", "python"))
        return _document([_markdown(cell, language) for cell in cells])
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        raise DocumentError("It is not a valid notebook. Open it in Jupyter and save it again.") from None


def _document(cells: list[str]) -> ParsedDocument:
    starts, line = [], 1  # the first line of each cell
    for cell in cells:
        starts.append(line)
        line += cell.count("\n") + 2
    document = parse_markdown("\n\n".join(cells))
    blocks = tuple(replace(block, line=0, page=bisect(starts, block.line)) for block in document.blocks)
    return replace(document, blocks=blocks)


def _markdown(cell: dict[str, Any], language: str) -> str:
    source = _joined(cell.get("source", cell.get("input", "")))
    if cell.get("cell_type") != "code":
        return source.strip("\n")
    printed = fenced(_printed(cell)[:_OUTPUT_CHARACTERS], "output")
    return "\n\n".join(part for part in (fenced(source, language), printed) if part)


def _printed(cell: dict[str, Any]) -> str:
    texts = []
    for output in cell.get("outputs", ()):
        texts += [_joined(output.get("text", "")), _joined(output.get("data", {}).get("text/plain", ""))]
    return "\n".join(text.strip("\n") for text in texts if text.strip())


def _joined(lines: Any) -> str:
    return lines if isinstance(lines, str) else "".join(str(line) for line in lines)
