"""Blocks → passages: small enough to embed, whole enough to cite.

Lists, tables and code stay whole where they fit; a cut goes between sections, blocks, items, sentences, words,
in this order. Pure; knows nothing of files, formats, models or the index: tokens are counted by a function.
"""

from __future__ import annotations

import re
import textwrap
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate, groupby, zip_longest

from core.documents.blocks import Block, BlockKind, ParsedDocument
from core.documents.cutting import clipped, framed_pieces, pieces
from core.domain import EVERYONE, Passage
from core.readers import Readers

SPLITTER_VERSION = 1
"""Raised whenever the same blocks are split differently, so that documents are split anew."""

CountTokens = Callable[[str], int]

_CHARACTERS_PER_TOKEN = 12  # a passage has at most this many on average: some tokenizers make a long blob one token
_TINY_SHARE = 8  # a passage under an eighth of the budget joins a neighbour
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*\)")


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of text that is not cut any more; `glue` stands before it when it follows another."""

    text: str
    line: int
    page: int
    glue: str = "\n\n"


@dataclass(frozen=True, slots=True)
class _Draft:
    """A passage that may still join its neighbour."""

    headings: tuple[str, ...]
    parts: tuple[_Part, ...]

    @property
    def text(self) -> str:
        joined = "".join(part.text if at == 0 else part.glue + part.text for at, part in enumerate(self.parts))
        text = textwrap.dedent(joined.strip("\n")).rstrip()
        return text.lstrip() if text.startswith("    ") else text  # four spaces would make it code


def embedding_text(passage: Passage) -> str:
    """What is embedded for a passage: where it stands, then what a reader sees of it."""
    return _embedded(passage.title, passage.headings, passage.text)


def split(
    document: ParsedDocument,
    *,
    source: str,
    version: str,
    readers: Readers = (EVERYONE,),
    budget: int,
    count_tokens: CountTokens,
    namespace: uuid.UUID = uuid.NAMESPACE_URL,
) -> list[Passage]:
    """Passages of `document` whose `embedding_text` has at most `budget` tokens each; link targets count half.

    An id depends on `namespace`, version, source, headings and text; see `passage_ids`.
    """
    splitter = _Splitter(document.title, budget, count_tokens)
    drafts = splitter.merged(draft for section in splitter.sections(document) for draft in splitter.packed(section))
    passages = [
        Passage(
            id="",
            source=source,
            title=splitter.title,
            headings=draft.headings,
            text=draft.text,
            line=draft.parts[0].line,
            ordinal=ordinal,
            total=len(drafts),
            version=version,
            readers=readers,
            page=draft.parts[0].page,
            author=document.author,
            date=document.date,
            language=document.language,
        )
        for ordinal, draft in enumerate(drafts)
    ]
    ids = passage_ids(passages, version, namespace)
    return [replace(passage, id=id_) for passage, id_ in zip(passages, ids, strict=True)]


def passage_ids(passages: Sequence[Passage], version: str, namespace: uuid.UUID) -> list[str]:
    """The ids that the same passages of one document have in a `version` of it.

    Versions share no ids: while a document changes, the old and the new one stand side by side, each whole.
    """
    seen: Counter[str] = Counter()
    ids = []
    for passage in passages:
        name = "\0".join((version, passage.source, passage.title, *passage.headings, "", passage.text))
        seen[name] += 1
        ids.append(str(uuid.uuid5(namespace, f"{name}\0{seen[name]}")))
    return ids


def _embedded(title: str, headings: Sequence[str], text: str) -> str:
    return " › ".join((title, *headings)) + "\n\n" + _visible(text)


def _visible(text: str) -> str:
    """Without the targets of links: an address says little of what a passage is about, in many tokens."""
    return _LINK.sub(r"\1", text)


class _Splitter:
    """Splitting within one budget, for one title."""

    def __init__(self, title: str, budget: int, count_tokens: CountTokens) -> None:
        self._budget = budget
        self._count = count_tokens
        self._most_parts = budget * _CHARACTERS_PER_TOKEN  # of a passage: each has a character
        self.title = self._clipped(title)

    def sections(self, document: ParsedDocument) -> Iterator[tuple[tuple[str, ...], list[Block]]]:
        """Blocks that share their headings; a heading with nothing under it is a section's text itself."""
        blocks = list(_without_full_headings(document.blocks))
        if self.title != document.title and blocks:
            first = blocks[0]
            blocks.insert(0, Block(BlockKind.PARAGRAPH, document.title, first.headings, first.line, first.page))
        for headings, group in groupby(blocks, key=lambda block: block.headings):
            section = list(group)
            fitted = self._fitted(headings)
            if fitted != headings:
                first = section[0]
                section.insert(0, Block(BlockKind.PARAGRAPH, "\n".join(headings), headings, first.line, first.page))
            yield fitted, section

    def packed(self, section: tuple[tuple[str, ...], list[Block]]) -> list[_Draft]:
        """The blocks of a section, as many to a draft as fit; a tiny rest takes something from the one before."""
        drafts = list(self._filled(section))
        if len(drafts) > 1 and self._tiny(drafts[-1]):
            drafts[-2:] = self._evened(*drafts[-2:])
        return drafts

    def _evened(self, first: _Draft, second: _Draft) -> list[_Draft]:
        """The same parts, cut where the larger of both is smallest."""
        parts = (*first.parts, *second.parts)
        lengths = list(accumulate(len(part.glue) + len(part.text) for part in parts))
        for at in sorted(range(1, len(parts)), key=lambda at: max(lengths[at - 1], lengths[-1] - lengths[at - 1])):
            halves = [_Draft(first.headings, half) for half in (parts[:at], parts[at:])]
            if all(self._fits(half.headings, half.text) for half in halves):
                return halves
        return [first, second]

    def _filled(self, section: tuple[tuple[str, ...], list[Block]]) -> Iterator[_Draft]:
        headings, blocks = section
        parts = tuple(self._parts(headings, blocks))
        start = 0
        while start < len(parts):
            end = start + self._most(headings, parts[start : start + self._most_parts])
            lead = parts[end - 1 : end] if end < len(parts) and _leads(parts[end - 1]) and end - start > 1 else ()
            yield _Draft(headings, parts[start : end - len(lead)])
            start = end
            if lead and self._fits(headings, _Draft(headings, (*lead, parts[end])).text):
                start = end - 1
            elif lead:
                yield _Draft(headings, lead)

    def _most(self, headings: tuple[str, ...], parts: tuple[_Part, ...]) -> int:
        """How many of `parts` fit together, at least one; found by doubling, then halving."""

        def fit(count: int) -> bool:
            return self._fits(headings, _Draft(headings, parts[:count]).text)

        low, high = 1, 2
        while high <= len(parts) and fit(high):
            low, high = high, high * 2
        high = min(high, len(parts) + 1)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if fit(middle) else (low, middle)
        return low

    def merged(self, drafts: Iterator[_Draft]) -> list[_Draft]:
        """Drafts, the tiny ones joined to the one before them; their own headings stay as lines of the text."""
        done: list[_Draft] = []
        for draft in drafts:
            joined = self._joined(done[-1], draft) if done else None
            if joined:
                done[-1] = joined
            else:
                done.append(draft)
        return done

    def _joined(self, first: _Draft, second: _Draft) -> _Draft | None:
        shared = _shared(first.headings, second.headings)
        tiny = [self._tiny(first), self._tiny(second)]
        apart = first.headings[:1] != second.headings[:1]
        if not (all(tiny) if apart else any(tiny)):
            return None
        joined = _Draft(shared, (*_under(shared, first), *_under(shared, second)))
        return joined if self._fits(shared, joined.text) else None

    def _parts(self, headings: tuple[str, ...], blocks: list[Block]) -> Iterator[_Part]:
        lead = ""  # "You can:" stays with the beginning of the list that follows
        for block in blocks:
            if self._fits(headings, f"{lead}\n\n{block.text}" if block.kind is BlockKind.LIST else block.text):
                yield _Part(block.text, block.line, block.page)
            elif block.kind in {BlockKind.TABLE, BlockKind.CODE}:
                fits = partial(self._fits, headings)
                yield from (_Part(text, line, block.page) for text, line in framed_pieces(block, fits))
            else:
                yield from self._slices_of(headings, block)
            leads = block.text.endswith(":") and self._fits(headings, block.text * 2)
            lead = block.text if leads else ""

    def _slices_of(self, headings: tuple[str, ...], block: Block) -> Iterator[_Part]:
        """Running text or a list, cut but not yet packed, so that the first piece can fill a passage up."""
        offset, glue = 0, "\n\n"
        for text in pieces(block, partial(self._fits, headings)):
            if text.strip():
                yield _Part(text, block.line_at(offset), block.page, glue)
                glue = ""
            offset += text.count("\n")

    def _fits(self, headings: Sequence[str], text: str) -> bool:
        if len(text) > self._budget * _CHARACTERS_PER_TOKEN:  # first, as counting the tokens of a huge text is slow
            return False
        seen = _embedded(self.title, headings, text)
        tokens = self._count(seen)
        targets = self._count(text) - self._count(_visible(text)) if "](" in text else 0
        return tokens + max(0, targets) // 2 <= self._budget

    def _tiny(self, draft: _Draft) -> bool:
        return self._count(_visible(draft.text)) * _TINY_SHARE < self._budget

    def _fitted(self, headings: tuple[str, ...]) -> tuple[str, ...]:
        """Headings that leave half of the budget to the text: each clipped, the outer ones dropped."""
        fitted = tuple(self._clipped(heading) for heading in headings)
        while fitted and self._count(_embedded(self.title, fitted, "")) * 2 > self._budget:
            fitted = fitted[1:]
        return fitted

    def _clipped(self, heading: str) -> str:
        """A heading of at most a quarter of the budget."""
        room = self._budget // 4

        def fits(text: str) -> bool:
            return len(text) <= room * _CHARACTERS_PER_TOKEN and self._count(text) <= room

        return clipped(heading, fits)


def _without_full_headings(blocks: Sequence[Block]) -> Iterator[Block]:
    """Headings whose section holds something go, since its passages carry them; the others are text."""
    for block, following in zip_longest(blocks, blocks[1:]):
        if block.kind is not BlockKind.HEADING:
            yield block
        elif (
            following is None
            or following.headings[: len(block.headings)] != block.headings
            or (following.kind is BlockKind.HEADING and following.headings == block.headings and block.headings)
        ):
            yield Block(BlockKind.PARAGRAPH, block.text, block.headings[:-1], block.line, block.page)


def _leads(part: _Part) -> bool:
    return part.text.rstrip().endswith(":")


def _shared(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    length = 0
    while length < min(len(first), len(second)) and first[length] == second[length]:
        length += 1
    return first[:length]


def _under(shared: tuple[str, ...], draft: _Draft) -> Iterator[_Part]:
    """The parts of a draft, with those of its headings as lines that `shared` does not have."""
    line, page = draft.parts[0].line, draft.parts[0].page
    for depth, heading in enumerate(draft.headings[len(shared) :], start=len(shared) + 2):
        yield _Part("#" * min(depth, 6) + f" {heading}", line, page)
    yield from draft.parts[:1] if draft.headings == shared else (_Part(draft.parts[0].text, line, page),)
    yield from draft.parts[1:]
