"""A discussion → its minutes: part by part to points, each carried by posts; many points once more to a few.

    posts → parts → points of each, by the model → those that posts carry → fewer, where only a summary is wanted

Where a part holds nothing of what is wanted, which is the model's verdict, it has no points. What is read is kept
nowhere, and rules nothing: to the model it is a document. Knows nothing of platforms or people's records.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from core.answering.cutting import cut_short
from core.answering.grounding import Grounding, grounded
from core.answering.prompt import REFUSE, passage_block, says_not_found
from core.answering.verdict import Judging, check_text
from core.domain import CutOff, Decoding, Mode, Passage, Piece, Prompt, QueuePosition, Verdicts
from core.people.preferences import Language
from core.ports import Generator
from core.text.languages import ENGLISH, language_of
from core.threads.points import Point, carried, distinct, keeps_facts, lines_of
from core.threads.posts import Discussion, packed, parts_of
from core.threads.requests import MinutesKind, ThreadRequest
from core.threads.signs import signed
from core.writing.limits import Limits, word_count

POINTS_TOKENS = 300  # of the points of one part
FEW = 7  # points of a summary from which it is not summed up again …
FEWEST = 2  # … and to which a part of it may be
POINT_WORDS = 15  # about, of a point, where so many words are wished for
TRANSLATE = "Translate these points into {language}, one bullet for each."
AT_MOST = 5  # points of a part, where no other number is wished for


@dataclass(frozen=True, slots=True)
class PartStarted:
    """Part `number` of `total` is being read."""

    number: int
    total: int


@dataclass(frozen=True, slots=True)
class Minutes:
    """What was made of a discussion: points in their order, and how many of its posts were read.

    `dropped` counts points that no post carries, `over` those that are more than were wished for, `translated` those
    in another language than their posts.
    """

    points: tuple[Point, ...]
    read: int
    dropped: int = 0
    over: int = 0
    translated: int = 0


_QUESTIONS: Mapping[str, Mapping[MinutesKind, str]] = {
    "german": {
        MinutesKind.SUMMARY: "fass diese Diskussion in höchstens {most} Stichpunkten zusammen",
        MinutesKind.DECISIONS: "Liste die Entscheidungen dieser Diskussion auf: was wurde beschlossen?",
        MinutesKind.ACTIONS: "Liste die Aufgaben aus dieser Diskussion auf: wer macht was, und bis wann?",
    },
    ENGLISH: {
        MinutesKind.SUMMARY: "summarise this discussion in at most {most} bullets",
        MinutesKind.DECISIONS: "List the decisions of this discussion: what was agreed?",
        MinutesKind.ACTIONS: "List the action items of this discussion: who does what, and by when.",
    },
}

MinutesEvent = PartStarted | QueuePosition | Minutes


class Minuting:
    """Takes the minutes of discussions; `certainty` as in `AnswerLimits`."""

    def __init__(self, generator: Generator, *, certainty: float) -> None:
        self._generator = generator
        self._certainty = certainty

    async def take(self, discussion: Discussion, request: ThreadRequest) -> AsyncGenerator[MinutesEvent, None]:
        """How far it is, and last the `Minutes`; closing it stops the model."""
        parts = parts_of(discussion.posts, self._generator.count_tokens)
        points: list[Point] = []
        dropped = 0
        for number, part in enumerate(parts, start=1):
            yield PartStarted(number, len(parts))
            block = "\n".join(post.line for post in part)
            async with aclosing(self._lines(discussion.title, block, request)) as steps:
                async for step in steps:
                    if isinstance(step, QueuePosition):
                        yield step
                        continue
                    point = carried(step, part, discussion.authors)
                    points += [point] if point else []
                    dropped += point is None
        points = distinct(points)
        points = signed(request.kind, points, [post for part in parts for post in part])
        most, before = _most(request) or FEW, 2 * len(points)
        while request.kind is MinutesKind.SUMMARY and most < len(points) <= before // 2:
            before = len(points)
            async with aclosing(self._fewer(discussion, points, request)) as fewer:
                async for last in fewer:
                    if isinstance(last, QueuePosition):
                        yield last
                    else:
                        points = last
        kept = shown = within(points, request.limits)
        if request.language and language_of(" ".join(point.text for point in kept)) != request.language:
            async with aclosing(self._translated(discussion.title, kept, request.language)) as steps:
                async for last in steps:
                    if isinstance(last, QueuePosition):
                        yield last
                    else:
                        shown = last
        translated = sum(one is not other for one, other in zip(kept, shown, strict=True))
        yield Minutes(tuple(shown), sum(map(len, parts)), dropped, len(points) - len(kept), translated)

    async def _fewer(
        self, discussion: Discussion, points: Sequence[Point], request: ThreadRequest
    ) -> AsyncGenerator[QueuePosition | list[Point], None]:
        """The same in fewer points, each carried by posts of those that it was made of; last all of them."""
        fewer: list[Point] = []
        for part in packed(points, lambda point: self._generator.count_tokens(f"- {point.text}\n")):
            posts = list({post.id: post for point in part for post in point.posts}.values())
            block, before = "\n".join(f"- {point.text}" for point in part), len(fewer)
            async with aclosing(self._lines(discussion.title, block, request)) as steps:
                async for step in steps:
                    if isinstance(step, QueuePosition):
                        yield step
                    elif point := carried(step, posts, discussion.authors):
                        fewer.append(point)
            if len(fewer) < before + min(len(part), _most(request) or FEWEST, FEWEST):
                fewer[before:] = part
        yield distinct(fewer)

    async def _translated(
        self, title: str, points: Sequence[Point], language: Language
    ) -> AsyncGenerator[QueuePosition | list[Point], None]:
        """The same in another language; last all of them, those as they were whose numbers or names got lost."""
        told: list[Point] = []
        for part in packed(points, lambda point: self._generator.count_tokens(f"- {point.text}\n")):
            said = ""
            passage = Passage("", "", title, (), "\n".join(f"- {point.text}" for point in part), 1, 0, 1, "")
            prompt = Prompt(
                self._generator.protocol.system, (passage,), (1.0,), (), "", TRANSLATE.format(language=language.title())
            )
            async with aclosing(self._generator.generate(prompt, Decoding(Mode.STUFFED, POINTS_TOKENS))) as events:
                async for event in events:
                    if isinstance(event, QueuePosition):
                        yield event
                    elif isinstance(event, Piece):
                        said += event.text
            lines = lines_of(said)
            told += [_put(*pair) for pair in zip(part, lines, strict=True)] if len(lines) == len(part) else part
        yield told

    async def _lines(self, title: str, block: str, request: ThreadRequest) -> AsyncGenerator[QueuePosition | str, None]:
        """What the model makes of a part, line by line."""
        passage = Passage("", "", title, (), block, 1, 0, 1, "")  # without a source, it is kept in no cache
        grounding, said = Grounding([passage_block(passage)]), ""
        events = self._generator.generate(self._prompt(passage, request), Decoding(Mode.STUFFED, POINTS_TOKENS))
        async with aclosing(events), aclosing(grounded(events, grounding)) as shown:
            async for event in shown:
                match event:
                    case QueuePosition():
                        yield event
                    case Verdicts() if not self._holds(event, request):
                        return
                    case Piece(text):
                        said += text
                    case CutOff():
                        said = cut_short(said)
                    case _:
                        pass
        for line in [] if says_not_found(said) else lines_of(said):
            yield line

    def _prompt(self, passage: Passage, request: ThreadRequest) -> Prompt:
        protocol, (question, told) = (
            self._generator.protocol,
            asked(request.kind, passage.text, _most(request) or AT_MOST),
        )
        if protocol.judging is Judging.NONE and self._certainty and request.kind is not MinutesKind.SUMMARY:
            told = f"{REFUSE} {told}".strip()
        check = check_text(question) if protocol.judging is Judging.CHECK and self._certainty else ""
        return Prompt(protocol.system, (passage,), (1.0,), (), told, question, check)

    def _holds(self, verdicts: Verdicts, request: ThreadRequest) -> bool:
        """Whether there is what is wanted; something to sum up is in every discussion."""
        calibration = self._generator.protocol.calibration
        if request.kind is MinutesKind.SUMMARY or calibration is None:
            return True
        return calibration.probability_held(verdicts.log_odds) >= self._certainty


def within(points: Sequence[Point], limits: Limits) -> list[Point]:
    """`points` as far as the limits go, in their order: those that most posts carry, and of these the latest."""
    most, words = limits.items or limits.sentences or len(points), limits.words or sum(map(_words, points))
    best = sorted(points, key=lambda point: (len(point.posts), point.posts[-1].at), reverse=True)
    kept: list[Point] = []
    for point in best:
        if len(kept) < most and (not kept or sum(map(_words, [*kept, point])) <= words):
            kept.append(point)
    return [point for point in points if point in kept]


def _put(point: Point, line: str) -> Point:
    return replace(point, text=line) if keeps_facts(point, line) else point


def _words(point: Point) -> int:
    return word_count(point.text)


def _most(request: ThreadRequest) -> int:
    """How many points are wished for; 0 where that is not said."""
    limits = request.limits
    return limits.items or limits.sentences or (max(limits.words // POINT_WORDS, 1) if limits.words else 0)


def asked(kind: MinutesKind, discussion: str, most: int = AT_MOST) -> tuple[str, str]:
    """What a model is asked, and how it is to answer: in the language of the discussion, whose words it keeps to."""
    language = language_of(discussion)
    question = _QUESTIONS.get(language, _QUESTIONS[ENGLISH])[kind].format(most=most)
    return question, f"Answer in {language.title()}." if language and language not in _QUESTIONS else ""
