"""Docutils within bounds: whatever the text, its work grows with the length alone.

It copies what is left of a text at every list, searches the rest of a paragraph for the end of every mark, and nests
as deep as a text does. So it is handed parts of a text, a few thousand characters of a paragraph, and not too deep a
nesting; what goes beyond stays as plain text. Knows nothing of blocks.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

from docutils import nodes, statemachine
from docutils.core import publish_doctree
from docutils.parsers.rst import Parser, languages, states

_LINE_CHARACTERS = 5_000  # a longer line is text without any markup
_PART_CHARACTERS = 10_000  # at least, before the next line that can begin a part
_LONGEST_PART = 4 * _PART_CHARACTERS
_PIECE = 2_000  # characters of a paragraph in which a mark is searched for its end
_PIECES = 10  # of a paragraph; the rest is text
_DEPTH = 12  # indented below each other
_CHAIN = re.compile(r"(?:(?:[-*+•‣⁃]|\(?[\w#]{1,9}[.)]) +){12}")  # lists that begin on one line
_SETTINGS = {
    "_disable_config": True,  # a docutils.conf beside the process is not ours
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "line_length_limit": _LINE_CHARACTERS,  # of a substitution, too
    "report_level": 5,
    "halt_level": 5,
    "syntax_highlight": "none",
    "smart_quotes": False,
}


def doctree(text: str) -> nodes.document:
    """The tree of `text`; everything that reads other files or runs code is turned off."""
    settings = {**_SETTINGS, "warning_stream": io.StringIO()}
    parser = _PartsParser(inliner=_PieceInliner())  # type: ignore[arg-type]  # all that docutils asks of one
    return publish_doctree(text, parser=parser, settings_overrides=settings)


class _PieceInliner:
    """Has docutils' own inliner read a long paragraph piece by piece."""

    def __init__(self) -> None:
        self._inner = states.Inliner()
        self.init_customizations = self._inner.init_customizations
        self.adjust_uri = self._inner.adjust_uri

    def parse(self, text: str, lineno: int, memo: Any, parent: nodes.Element) -> tuple[list[nodes.Node], list[Any]]:
        found: list[nodes.Node] = []
        messages: list[Any] = []
        for number, piece in enumerate(_pieces(text)):
            if number < _PIECES:
                inside, said = self._inner.parse(piece, lineno, memo, parent)
                found += inside
                messages += said
            else:
                found.append(nodes.Text(piece))
        return found, messages


def _pieces(text: str) -> Iterator[str]:
    """`text` in a few thousand characters each, cut at white space where there is any; the last is what remains."""
    start = 0
    for _ in range(_PIECES):
        if len(text) - start <= _PIECE:
            break
        cut = max(text.rfind(" ", start, start + _PIECE), text.rfind("\n", start, start + _PIECE))
        end = cut + 1 if cut > start else start + _PIECE
        yield text[start:end]
        start = end
    yield text[start:]


class _PartsParser(Parser):
    """Hands a text to its state machine in parts."""

    def parse(self, inputstring: str, document: nodes.document) -> None:
        self.setup_parse(inputstring, document)
        machine = _PartsMachine(state_classes=self.state_classes, initial_state=self.initial_state)
        lines = statemachine.string2lines(inputstring, tab_width=8, convert_whitespace=True)
        machine.run_parts(lines, document, self.inliner)
        self.finish_parse()


class _PartsMachine(states.RSTStateMachine):
    """Goes on in the same section, and with the same kinds of titles, from part to part."""

    def run_parts(self, lines: Sequence[str], document: nodes.document, inliner: Any) -> None:
        """What `run` does, part by part."""
        self.language = languages.get_language(document.settings.language_code, document.reporter)
        self.match_titles = True
        inliner.init_customizations(document.settings)
        self.memo = _memo(document, self.language, inliner)
        self.document, self.reporter, self.node = document, document.reporter, document
        for offset, part in _parts(list(_flattened(lines))):
            if len(part) == 1 and _is_plain(part[0]):
                paragraph = nodes.paragraph("", "", nodes.Text(part[0].strip()))
                paragraph.line = offset + 1
                self.node += paragraph
            else:
                self.observers = [document.note_source]  # type: ignore[list-item]  # its stub is wrong
                items = [(document["source"], offset + at) for at in range(len(part))]
                statemachine.StateMachineWS.run(self, statemachine.StringList(part, items=items), offset)
        self.node = self.memo = None


def _memo(document: nodes.document, language: Any, inliner: Any) -> Any:
    """What docutils' nested parsers share."""
    return SimpleNamespace(
        document=document,
        reporter=document.reporter,
        language=language,
        title_styles=[],
        section_level=0,
        section_bubble_up_kludge=False,
        inliner=inliner,
    )


def _parts(lines: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Runs of lines with the number of lines before each: cut where a block begins, around a line that is plain."""
    start = size = 0
    for number, line in enumerate(lines):
        begins = size > _PART_CHARACTERS and line[:1].strip() and not lines[number - 1].strip()
        if number > start and (begins or size > _LONGEST_PART or _is_plain(line) or _is_plain(lines[number - 1])):
            yield start, list(lines[start:number])
            start, size = number, 0
        size += len(line) + 1
    yield start, list(lines[start:])


def _is_plain(line: str) -> bool:
    return len(line) > _LINE_CHARACTERS or bool(_CHAIN.match(line.lstrip()))


def _flattened(lines: Sequence[str]) -> Iterator[str]:
    """Lines that are indented too often below each other stand where the last one may."""
    steps: list[int] = []
    for line in lines:
        text = line.lstrip()
        indent = len(line) - len(text)
        while text and steps and steps[-1] > indent:
            steps.pop()
        if text and indent > (steps[-1] if steps else 0):
            steps.append(indent)
        yield " " * steps[_DEPTH - 1] + text if text and len(steps) > _DEPTH else line
