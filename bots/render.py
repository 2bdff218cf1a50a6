"""Replies → what a terminal or a pipe shows. Owns every length limit, and what characters may reach a screen.

Text of documents and models is data: escape sequences, control characters and direction overrides are taken
out, so that no document can move the cursor, set a clipboard or dress up as something else.
Knows nothing of how replies come about or of when they are shown.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.constrain import Constrain
from rich.markdown import Markdown
from rich.segment import Segment
from rich.text import Text
from rich.theme import Theme

from bots import texts
from bots.language import command, translated
from bots.replies import Choice, Final
from core.documents.remote.addresses import is_address, link_of, name_of
from core.domain import Passage, Source, Sources

WIDTH = 100  # columns: longer lines are hard to read
ANSWER_CHARS = 40_000  # over twenty screens: something went wrong, and the rest helps nobody
LABEL_CHARS = 120  # a title with its headings

THEME = Theme(
    {  # rich's defaults put code on black, which is a dark bar on a light terminal
        "markdown.code": "cyan",
        "markdown.code_block": "cyan",
        "markdown.h1": "bold underline",
        "markdown.h2": "bold",
        "markdown.h3": "bold",
        "markdown.item.number": "none",
        "markdown.item.bullet": "none",
    }
)

_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"  # OSC
    r"|\x1b[ -/]*[0-~]?"  # two characters, or a lone ESC
)
_BREAKS = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_FORBIDDEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and newline
    r"\u202a-\u202e\u2066-\u2069"  # direction overrides: text that reads otherwise than it is
    r"\U000e0000-\U000e007f]"  # invisible tags
)
_SELF_LINKS = re.compile(r"\[(https?://[^\]\s]+)\]\(\1/?\)")  # an address that is its own text is shown once
_SURROGATES = re.compile(r"[\ud800-\udfff]")  # what an undecodable file name becomes; no output can encode it


def clean(text: str) -> str:
    """`text` without anything that could command a terminal."""
    text = _BREAKS.sub("\n", _ESCAPES.sub("", text))
    return _SURROGATES.sub("\ufffd", _FORBIDDEN.sub("", text))


def one_line(text: str, limit: int = LABEL_CHARS) -> str:
    """`text`, clean, on one line of at most `limit` characters."""
    line = " ".join(clean(text).split())
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def body(markdown: str) -> str:
    """An answer's text, clean and bounded."""
    text = clean(markdown).strip("\n")
    return text if len(text) <= ANSWER_CHARS else text[:ANSWER_CHARS] + translated(texts.CUT)


@dataclass(frozen=True, slots=True)
class FooterLine:
    """A line under an answer, of which the label leads to `link`, if there is one."""

    before: str
    label: str = ""
    behind: str = ""
    link: str = ""

    def __str__(self) -> str:
        return f"{self.before}{self.label}{self.behind}"


@dataclass(frozen=True, slots=True)
class Footer:
    """What stands under an answer, each part of it maybe empty."""

    note: str = ""
    heading: str = ""
    lines: tuple[FooterLine, ...] = ()


def named_place(passage: Passage) -> str:
    """The name of a passage's file, with the page: where the operator keeps it is nobody's business."""
    name = one_line(name_of(passage.source))
    return texts.on_page(name, passage.page) if passage.page else name


def source_line(source: Source, place: Callable[[Passage], str] = named_place) -> FooterLine:
    """`1. Title › Heading — place`."""
    passage = source.passage
    label, behind = one_line(passage.heading_path), f" — {place(passage)}"
    return FooterLine(f"{source.number}. ", label, behind, link_of(passage.source))


def footer(final: Final, place: Callable[[Passage], str] = named_place) -> Footer:
    """An answer's sources, or the nearest sections where nothing was found."""
    shown = final.sources or final.nearest
    if not shown:
        return Footer(final.note)
    heading = translated(texts.SOURCES if final.sources else texts.NEAREST)
    if final.sources and final.listing is Sources.COMPACT:
        titles = dict.fromkeys(one_line(source.passage.title) for source in shown)
        return Footer(final.note, heading, (FooterLine(", ".join(titles)),))
    return Footer(final.note, heading, tuple(source_line(source, place) for source in shown))


def plain(final: Final) -> str:
    """An answer for a pipe: its Markdown as it is, which is readable and loses nothing, then the footer."""
    return "\n\n".join(part for part in (body(final.markdown), _footer_text(final)) if part)


def _footer_text(final: Final) -> str:
    """The footer for whoever has the files."""
    under = footer(final, file_place)
    lines = "\n".join(part for part in (under.note, under.heading, *map(str, under.lines)) if part)
    return "\n\n".join(part for part in (lines, typed_choices(final.choices)) if part)


def typed_choices(rows: Iterable[Iterable[Choice]]) -> str:
    """What can be typed where there are no buttons."""
    return "\n".join(f"{one.label}: {command(one.typed)}" for row in rows for one in row if one.typed)


def file_place(passage: Passage) -> str:
    """The path or address of a passage's file, as it can be opened, with the page or the line."""
    if is_address(passage.source):
        address = one_line(link_of(passage.source) or passage.source, limit=1000)
        return texts.on_page(address, passage.page) if passage.page else address
    path = one_line(short_path(passage.source, home=home_folder(), here=Path.cwd()), limit=1000)
    if passage.page:
        return texts.on_page(path, passage.page)
    return f"{path}:{passage.line}" if passage.line else path


def home_folder() -> Path:
    """This user's home; `/`, under which no path is shortened, where there is none."""
    try:
        return Path.home()
    except RuntimeError:
        return Path("/")


def short_path(path: str, *, home: Path, here: Path) -> str:
    """The shortest of `path`, `~/…` and the path from `here` down; each can be opened as it is."""
    candidates = [path]
    if path.startswith(f"{home}{os.sep}"):
        candidates.append(f"~{path.removeprefix(str(home))}")
    if path.startswith(f"{here}{os.sep}"):
        candidates.append(path.removeprefix(f"{here}{os.sep}"))
    return min(candidates, key=len)


def finished_blocks(markdown: str) -> str:
    """The part of growing Markdown that what follows can no longer change.

    Only whole lines count: half a line can still become anything.
    """
    return "".join(blocks(markdown[: markdown.rfind("\n") + 1])[:-1])


def blocks(markdown: str) -> list[str]:
    """Top-level blocks of `markdown`; joined they are all of it."""
    parser = MarkdownIt().enable("strikethrough").enable("table")  # the same rules as rich's
    tokens = [token for token in parser.parse(markdown) if token.level == 0 and token.nesting >= 0]
    starts = [token.map[0] for token in tokens if token.map]
    lines = markdown.splitlines(keepends=True)
    edges = [0, *starts[1:], len(lines)]
    return ["".join(lines[start:end]) for start, end in itertools.pairwise(edges) if start < end]


def terminal(markdown: str) -> RenderableType:
    """Markdown, laid out for a terminal. Links show their address, since a text can claim another."""
    shown = [_Block(_SELF_LINKS.sub(r"\1", block)) for block in blocks(clean(markdown))]
    return Group(*[part for block in shown for part in (Text(""), block)][1:])


def terminal_footer(final: Final) -> RenderableType | None:
    """The footer in a quieter tone; None where there is nothing to say."""
    text = _footer_text(final)
    return Text(text, style="dim", overflow="fold") if text else None


class Tail:
    """The last rows of `content`, as many as fit: what grows beyond the screen cannot be drawn again."""

    def __init__(self, content: RenderableType, *, spare: int) -> None:
        self._content = content
        self._spare = spare

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        rows = console.render_lines(self._content, options.update(height=None), pad=False)
        for row in rows[-max(console.size.height - self._spare, 1) :]:
            yield from row
            yield Segment.line()


class _Block:
    """One block without the blank rows that rich puts around some kinds.

    Checks what comes out of the layout too: Markdown can write a character as `&#x202E;`.
    """

    def __init__(self, markdown: str) -> None:
        self._content = Constrain(Markdown(markdown, hyperlinks=False, code_theme="ansi_dark"), WIDTH)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        rows = console.render_lines(self._content, options.update(height=None), pad=False)
        while rows and _blank(rows[0]):
            del rows[0]
        while rows and _blank(rows[-1]):
            del rows[-1]
        for row in rows:
            yield from (Segment(clean(segment.text), segment.style) for segment in row if not segment.control)
            yield Segment.line()


def _blank(row: list[Segment]) -> bool:
    return not any(segment.text.strip() for segment in row)
