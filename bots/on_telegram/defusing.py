"""Runs of text → the same text, in which nothing acts by itself: no mention, command or tag, and no deceptive link.

Telegram looks for these in the text as it is sent, whatever is bold in it, after it has taken some characters out; so
all runs are looked at as one. What is code is left alone, as Telegram does. Pure; knows nothing of Markdown.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby

from bots.on_telegram.pages import EntityStyle, Run
from bots.quiet import JOINER, Label, is_truthful

NEAR = 100  # characters before and behind a link that somebody may read as one with it
ACTING = ("t.me", "telegram.me", "telegram.dog")  # they open no page: they start bots and join groups

_SKIPPED = r"[\u00ad\u0300-\u036f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]*"
_CALLS = re.compile(
    rf"(?<![A-Za-z0-9])@(?={_SKIPPED}\w)"  # a mention
    rf"|(?<![\w/<>])/(?={_SKIPPED}\w+(?![\w/]))"  # a command: pressing it sends it
    rf"|(?<!\w)#(?={_SKIPPED}\w*[^\W\d])"  # a tag
    rf"|(?<!\w)\$(?={_SKIPPED}[A-Z])"
)
_PATH = r"(?:[/?#][^\s<>()]*)?"
_WEB = re.compile(
    rf"(?:(?<![A-Za-z0-9+.-])[a-z0-9+.-]+://|www\.)[^\s<>/?#]+{_PATH}",  # also in the middle of a word
    re.IGNORECASE,
)
_BARE = re.compile(
    rf"(?<![^\W_])(?<!\w@)(?:[^\W_](?:[\w-]*[^\W_])?\.)+[a-z]{{2,24}}(?![\w@-]|://)(?::\d+)?{_PATH}", re.IGNORECASE
)
_ENDS = re.compile(r"[.,;:!?)\]'\"*_~…]+$")  # what ends a sentence rather than an address
_APART = {"", " ", "\n", ".", ",", ";", ":", "!", "?", ")"}
_CODE = {"code", "pre"}


@dataclass(frozen=True, slots=True)
class _Link:
    """A link from one character to another."""

    mark: EntityStyle
    start: int
    end: int


def defused(runs: Iterable[Run]) -> list[Run]:
    """`runs` as they may be sent."""
    return _uncalling(_plain_addresses(_true_links([run for run in runs if run.text])))


def _true_links(runs: Sequence[Run]) -> Sequence[Run]:
    """The links whose text could be taken for another address are none: their address stands behind it, as code.

    That parts what touched, so those that are left are looked at again.
    """
    while True:
        text = "".join(run.text for run in runs)
        false = {link.mark: link for link in _links(runs) if not _is_true(link, text)}
        if not false:
            return runs
        runs = _shown_beside(runs, false, text)


def _shown_beside(runs: Sequence[Run], false: Mapping[EntityStyle, _Link], text: str) -> list[Run]:
    made: list[Run] = []
    at = 0
    for run in runs:
        at += len(run.text)
        lost = [mark for mark in run.marks if mark in false]
        made.append(Run(run.text, tuple(mark for mark in run.marks if mark not in false)))
        ended = [mark for mark in lost if at == false[mark].end]
        made += [shown for mark in ended for shown in _address(mark.url, run.marks, text[at : at + 1])]
    return made


def _links(runs: Sequence[Run]) -> list[_Link]:
    """Every link of `runs`; one mark is one link, also where runs of other links stand between."""
    found: dict[EntityStyle, _Link] = {}
    at = 0
    for run in runs:
        for mark in run.marks:
            if mark.kind == "text_link":
                found[mark] = _Link(mark, found[mark].start if mark in found else at, at + len(run.text))
        at += len(run.text)
    return list(found.values())


def _is_true(link: _Link, text: str) -> bool:
    """Whether a link's text, with what stands right before and behind it, names no other host."""
    before, behind = text[max(link.start - NEAR, 0) : link.start], text[link.end : link.end + NEAR]
    return is_truthful(Label(text[link.start : link.end], before, behind), link.mark.url, never=ACTING)


def _address(address: str, marks: tuple[EntityStyle, ...], behind: str) -> list[Run]:
    """An address in brackets, apart from what stands behind it."""
    return [Run(" ("), Run(address, _as_code(marks, EntityStyle("code"))), Run(")" if behind in _APART else ") ")]


def _as_code(marks: Iterable[EntityStyle], code: EntityStyle) -> tuple[EntityStyle, ...]:
    """Code stands in nothing but quotations."""
    return (*(mark for mark in marks if mark.kind == "blockquote"), code)


def _plain_addresses(runs: Sequence[Run]) -> list[Run]:
    """Addresses that Telegram would make links of by itself: as code where they act or seem others.

    Where one holds what would be a mention elsewhere, the link is made here, so that this can be made none.
    """
    within = _marked(runs, _CODE | {"text_link"})
    text = "".join(" " if done else sign for sign, done in zip("".join(run.text for run in runs), within, strict=True))
    marks: list[EntityStyle | None] = [None] * len(text)
    for match in _addresses(text):
        address = _ENDS.sub("", match[0])
        if address and (mark := _made(address)) is not None:
            marks[match.start() : match.start() + len(address)] = [mark] * len(address)
    return _remarked(runs, marks)


def _addresses(text: str) -> list[re.Match[str]]:
    """What may become a link: with a scheme or `www.`, and bare ones that begin in none of these, but may hold some."""
    web = list(_WEB.finditer(text))
    within = {place for match in web for place in range(*match.span())}
    return [*web, *(match for match in _BARE.finditer(text) if match.start() not in within)]


def _made(address: str) -> EntityStyle | None:
    """What an address that stands in the text has to become, if anything."""
    if not _links_plainly(address):
        return EntityStyle("code")
    return EntityStyle("text_link", url=address) if _CALLS.search(address) and "://" in address else None


def _links_plainly(address: str) -> bool:
    """Whether an address by itself says where it leads, and leads to a page; one within another may lead elsewhere."""
    scheme, _, rest = address.rpartition("://")
    return "://" not in scheme and is_truthful(Label(""), address if scheme else f"https://{rest}", never=ACTING)


def _remarked(runs: Sequence[Run], marks: Sequence[EntityStyle | None]) -> list[Run]:
    """`runs`, with characters marked otherwise as `marks` has it."""
    made: list[Run] = []
    at = 0
    for run in runs:
        places = range(at, at + len(run.text))
        for mark, some in groupby(places, key=lambda place: marks[place]):
            here = list(some)
            made.append(Run(run.text[here[0] - at : here[-1] + 1 - at], _other(run.marks, mark)))
        at += len(run.text)
    return made


def _other(marks: tuple[EntityStyle, ...], mark: EntityStyle | None) -> tuple[EntityStyle, ...]:
    if mark is None:
        return marks
    return _as_code(marks, mark) if mark.kind == "code" else (*marks, mark)


def _uncalling(runs: Sequence[Run]) -> list[Run]:
    """`runs` with an invisible joiner behind each sign that would call somebody, or do something."""
    text = "".join(run.text for run in runs)
    code = _marked(runs, _CODE)
    ends = list(accumulate(len(run.text) for run in runs))
    joiners: dict[int, list[int]] = {}
    for match in _CALLS.finditer(text):
        sign, place = match.start(), match.end()
        if not (code[sign] and code[place]):
            number = bisect_right(ends, sign) + code[sign]  # the joiner stands in no code, but behind it
            joiners.setdefault(number, []).append(place)
    starts = [0, *ends]
    return [_joined(run, starts[number], joiners.get(number, ())) for number, run in enumerate(runs)]


def _joined(run: Run, start: int, places: Iterable[int]) -> Run:
    text, at = "", 0
    for place in places:
        text += run.text[at : place - start] + JOINER
        at = place - start
    return Run(text + run.text[at:], run.marks)


def _marked(runs: Sequence[Run], kinds: set[str]) -> list[bool]:
    """Of each character whether it stands in a mark of one of `kinds`."""
    return [any(mark.kind in kinds for mark in run.marks) for run in runs for _ in run.text]


def plainly(text: str) -> str:
    """Text for a message without any entity, as long as it was: what would act has other signs that look like it."""
    signs = {"@": "\uff20", "/": "\u2215", "#": "\uff03", "$": "\uff04"}
    text = _CALLS.sub(lambda match: signs[match[0]], text)
    for match in _addresses(text):
        if not _links_plainly(match[0]):
            text = text[: match.start()] + _stopped(match[0]) + text[match.end() :]
    return text


def _stopped(address: str) -> str:
    return address.replace(".", "\u2024").replace(":", "\ua789")
