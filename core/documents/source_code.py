"""Source code and configuration → code blocks under the names of their definitions.

Cut where a line at the left margin defines something, by what such lines look like in common languages: cheap,
and a miss only makes a larger block. Knows no grammar of any language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.documents.blocks import Outline, ParsedDocument

_SUFFIXES = """
    c .c .h  cpp .cc .cpp .cxx .hpp  csharp .cs  css .css .scss  elixir .ex  go .go  graphql .graphql  hcl .tf
    ini .ini .cfg .conf .properties  java .java  js .js .mjs .cjs  json .json  jsx .jsx  julia .jl  kotlin .kt  lua .lua
    perl .pl  php .php  powershell .ps1  proto .proto  python .py .pyi  r .r  ruby .rb  rust .rs  scala .scala
    sh .sh .bash .zsh  sql .sql  swift .swift  toml .toml  ts .ts  tsx .tsx  yaml .yaml .yml
"""


def _languages() -> Iterator[tuple[str, str]]:
    language = ""
    for word in _SUFFIXES.split():
        if word.startswith("."):
            yield word, language
        else:
            language = word


LANGUAGES = dict(_languages())
"""The language of a fence, by the suffix of a file."""

_WORDS = (
    r"(?:export |default |async |public |private |protected |static |final |abstract |pub(?:\([^)]*\))? |unsafe |"
    r"sealed |data |open |internal |inline |override |declare )*"
)
_KINDS = (
    r"(?:def|class|function\*?|func|fn|interface|type|enum|struct|trait|impl|mod|module|namespace|record|object|"
    r"protocol|extension|message|service|resource|macro_rules!)"
)
_DEFINITION = re.compile(
    rf"^{_WORDS}{_KINDS}\s+(?:\([^)]*\)\s*)?(?:<[^>]*>\s*)?[\"']?(?P<named>[\w.:$]+)"  # def x, func (r R) x
    r"|^(?:export )?(?:const|let|var)\s+(?P<assigned>[\w$]+)\s*=\s*(?:async\s*)?(?:function\b|\([^)]*\)\s*=>|\w+\s*=>)"
    r"|^(?P<script>[\w-]+)\s*\(\)\s*\{"  # a function of a shell
    r"|^(?:[A-Za-z_][\w:<>,*&]*\s+)+[*&]?(?P<typed>[A-Za-z_]\w*)\s*\([^;]*$"  # int main(…
    r"|^(?i:create)\s+(?i:or\s+replace\s+)?(?P<made>(?i:table|view|function|procedure|index|trigger)\s+[\w.\"]+)"
    r"|^\[+(?P<section>[^\[\]]+)\]+\s*$"  # of an INI or TOML file
)
_ATTACHED = re.compile(r"^(?:@|#\[|//|/\*| \*|#|--|\"\"\")")  # decorators and comments right above a definition
_NOT_A_NAME = {"if", "for", "while", "switch", "return", "else", "catch"}


def parse_code(text: str, language: str) -> ParsedDocument:
    """Parse `text`, written in `language`; what stands above the first definition has no heading."""
    outline = Outline("\0")  # no definition is the title
    lines = text.split("\n")
    for name, start, end in _sections(lines):
        outline.heading(1, name, start + 1)
        outline.code("\n".join(lines[start:end]), language, start + 1)
    return ParsedDocument("", outline.document().blocks)


def _sections(lines: list[str]) -> Iterator[tuple[str, int, int]]:
    """Name, first line and the line after the last one, counted from 0, of each definition and what precedes."""
    name, start = "", 0
    for number, line in enumerate(lines):
        found = _name(line)
        if found:
            cut = _first_attached(lines, number, start)
            yield name, start, cut
            name, start = found, cut
    yield name, start, len(lines)


def _name(line: str) -> str:
    match = _DEFINITION.match(line) if line and not line[0].isspace() else None
    found = next((group for group in match.groups() if group), "") if match else ""
    return "" if found in _NOT_A_NAME else found.rstrip(":")


def _first_attached(lines: list[str], number: int, start: int) -> int:
    while number > start and _ATTACHED.match(lines[number - 1]):
        number -= 1
    return number
