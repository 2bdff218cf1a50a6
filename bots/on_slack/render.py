"""An answer's Markdown → Slack's blocks, page by page, as it grows.

Knows nothing of how a message is sent, or of what stands around an answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from markdown_it import MarkdownIt

from bots.on_slack.limits import FALLBACK_CHARS, PAGE_CHARS, pieces, shortened
from bots.on_slack.markdown import Flow, MarkdownTable, Segment, Text, escaped, words
from bots.render import clean

Block = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PlacedSegment:
    """A segment and the page it stands on, counted from 0."""

    page: int
    segment: Segment


class Pager:
    """Puts segments on pages of at most `PAGE_CHARS`, with a table at most; open code goes on behind the break."""

    def __init__(self) -> None:
        self.page = 0
        self._chars = 0
        self._table = False
        self._fence = ""

    def place(self, segments: Iterable[Segment]) -> list[PlacedSegment]:
        """Where `segments` stand."""
        return [placed for segment in segments for placed in self._place(segment)]

    def _place(self, segment: Segment) -> list[PlacedSegment]:
        if isinstance(segment, MarkdownTable):
            turn = self._turn() if self._table or self._chars + segment.chars > PAGE_CHARS else []
            self._table = True
            self._chars += segment.chars
            return [*turn, PlacedSegment(self.page, segment)]
        out = []
        for piece in pieces(segment.markdown, PAGE_CHARS // 2):
            if self._chars + len(piece) > PAGE_CHARS:
                out += self._turn()
            self._chars += len(piece)
            out.append(PlacedSegment(self.page, Text(piece, segment.fence)))
        self._fence = segment.fence
        return out

    def _turn(self) -> list[PlacedSegment]:
        before = [PlacedSegment(self.page, Text("\n```\n"))] if self._fence else []
        self.page, self._chars, self._table = self.page + 1, len(self._fence), False
        return [*before, PlacedSegment(self.page, Text(f"{self._fence}\n", self._fence))] if self._fence else before


class Layout:
    """An answer's Markdown, as it grows, on pages."""

    def __init__(self, *, live_links: bool) -> None:
        self._flow = Flow(live_links=live_links)
        self._pager = Pager()

    def add(self, markdown: str) -> list[PlacedSegment]:
        """What can be shown now."""
        return self._pager.place(self._flow.add(markdown))

    def finish(self) -> list[PlacedSegment]:
        """The rest."""
        return self._pager.place(self._flow.finish())


def pages(markdown: str, *, live_links: bool = True) -> list[list[Block]]:
    """A whole text as blocks, message by message; at least one. Links are live for messages with previews off."""
    layout = Layout(live_links=live_links)
    placed = [*layout.add(markdown), *layout.finish()]
    count = max((each.page for each in placed), default=0) + 1
    found = [blocks_of(each.segment for each in placed if each.page == page) for page in range(count)]
    return [page for page in found if page] or [[{"type": "markdown", "text": "…"}]]


def blocks_of(segments: Iterable[Segment]) -> list[Block]:
    """Segments of one page as blocks."""
    blocks: list[Block] = []
    for segment in segments:
        if isinstance(segment, MarkdownTable):
            blocks.append(table_block(segment))
        elif blocks and blocks[-1]["type"] == "markdown":
            blocks[-1]["text"] += segment.markdown
        else:
            blocks.append({"type": "markdown", "text": segment.markdown})
    return [block for block in blocks if block["type"] == "table" or block["text"].strip()]


def table_block(table: MarkdownTable) -> Block:
    """A table as Slack has them."""
    rows = [[{"type": "raw_text", "text": cell} for cell in row] for row in table.rows]
    settings = [{"align": align, "is_wrapped": True} for align in table.alignments]
    return {"type": "table", "rows": rows, "column_settings": settings}


def chunk_of(segment: Segment) -> Block:
    """A segment as a stream takes it."""
    if isinstance(segment, MarkdownTable):
        return {"type": "blocks", "blocks": [table_block(segment)]}
    return {"type": "markdown_text", "text": segment.markdown}


def fallback(markdown: str) -> str:
    """What notifications show: the words alone."""
    tokens = MarkdownIt().enable("table").parse(clean(markdown))
    said = "\n".join(words(token) if token.type == "inline" else token.content for token in tokens if token.content)
    return shortened(escaped(said.strip()), FALLBACK_CHARS) or "…"
