"""What is new for one person: in documents that they may see, and of what they asked in vain.

Nothing is said that no document says: news are sentences as they stand, and an answer comes from the engine, with its
verdict and its sources, only where what is new is among them. Keeps nothing. Knows nothing of the hour, of platforms or
of sentences around it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

import numpy as np

from core.answering.sources import NEAR, whole
from core.documents.gaps import Gap, GapGroup, grouped
from core.domain import Answer, Document, Message, Outcome, Passage, Person
from core.notices.history import DocumentHistory, mark, new_sentences
from core.notices.schedule import Waiting
from core.notices.watch import Histories
from core.people.interests import unpacked
from core.people.people import People
from core.ports import Embedder, PassageIndex, Usage
from core.readers import audience, may_see, person_reader

SETTLED = timedelta(minutes=1)  # after which what is noted at a moment is there to be read
_ASKED = 30  # questions that the model is asked again for one digest: the others wait for the next ones
_WAITING = 200  # questions that wait, at most
_LOOKED_AT = 50  # changed documents that one digest tells, the earliest: the next one goes on from there
_REMEMBERED = 200  # answers of a person that are looked through for one to a question

Rechecked = Callable[[Message, Callable[[Passage], bool]], Awaitable[Answer | None]]
"""The engine's answer to a message where a passage of the second kind is read for it, of which nothing is kept."""


@dataclass(frozen=True, slots=True)
class DocumentNews:
    """New sentences of one document, in the passage that has the first of them; `is_new`: all of it is."""

    passage: Passage
    said: tuple[str, ...]
    is_new: bool


@dataclass(frozen=True, slots=True)
class AnsweredGap:
    """A question that was asked in vain, and its answer now."""

    gap: Gap
    answer: Answer


@dataclass(frozen=True, slots=True)
class Digest:
    """All that there is to tell of what came after `since`, up to `until`, what matters most first.

    `gaps` are for operators only. `waiting` are marks of questions that are still to be asked again, of what came
    after a moment.
    """

    since: datetime
    until: datetime
    news: tuple[DocumentNews, ...] = ()
    answered: tuple[AnsweredGap, ...] = ()
    gaps: tuple[GapGroup, ...] = ()
    due: int = 0
    waiting: tuple[tuple[str, datetime], ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not (self.news or self.answered or self.gaps or self.due)


class Reviews(Protocol):
    """What somebody wanted to learn, and is to be asked again."""

    async def due(self, message: Message, now: datetime) -> int:
        """How many questions are due that may be seen where `message` is."""
        ...


class Digests:
    """Composes digests over the ports. `rechecked` is the engine's."""

    def __init__(  # noqa: PLR0917 - what an engine is made of
        self,
        people: People,
        index: PassageIndex,
        embedder: Embedder,
        usage: Usage,
        rechecked: Rechecked,
        histories: Histories | None = None,
        reviews: Reviews | None = None,
    ) -> None:
        self._people = people
        self._index = index
        self._embedder = embedder
        self._usage = usage
        self._rechecked = rechecked
        self._histories = histories
        self._reviews = reviews

    async def compose(self, message: Message, since: datetime, until: datetime, waiting: Waiting = ()) -> Digest:
        """What came after `since`, up to `until`, for whoever sent `message`, as they may see it where they did.

        Where that is more than one digest tells, the digest has an earlier `until`. Questions that were `waiting` come
        before all others.
        """
        histories = await self._histories.read() if self._histories else {}
        until = await self._told_up_to(message, histories.values(), since, until)
        changed = {source: one for source, one in histories.items() if one.begun(since, until)}
        news = await self._news(message, changed, since, until)
        first = min([since, *(at for _, at in waiting)])
        newer = {source: one for source, one in histories.items() if one.begun(first, until)}
        answered, rest = await self._answered(message, newer, since, until, dict(waiting)) if newer else ([], ())
        due = await self._reviews.due(message, until) if self._reviews else 0
        return Digest(since, until, tuple(news), tuple(answered), due=due, waiting=tuple(rest)[:_WAITING])

    async def gaps(self, since: datetime, until: datetime) -> tuple[GapGroup, ...]:
        """What everybody asked in vain after `since`, what most people asked for first."""
        gaps = [gap for gap in await self._usage.gaps() if since < gap.asked_at <= until]
        vectors = await self._embedder.embed_questions([gap.question for gap in gaps])
        return tuple(grouped(gaps, vectors)) if gaps else ()

    async def _told_up_to(
        self, message: Message, histories: Iterable[DocumentHistory], since: datetime, until: datetime
    ) -> datetime:
        moments = {one.source: at for one in histories if (at := one.begun(since, until))}
        if len(moments) <= _LOOKED_AT:
            return until
        seen = sorted([at for source, at in moments.items() if await self._seen(source, message)])
        over = len(seen) > _LOOKED_AT and seen[0] < seen[_LOOKED_AT]
        return seen[_LOOKED_AT] - datetime.resolution if over else until

    async def _news(
        self, message: Message, changed: Mapping[str, DocumentHistory], since: datetime, until: datetime
    ) -> list[DocumentNews]:
        latest = sorted(changed.values(), key=lambda one: one.latest, reverse=True)
        found: list[tuple[DocumentNews, list[Passage]]] = []
        for history in latest:
            document = await self._seen(history.source, message)
            if document is None:
                continue
            passages = await whole(document, self._index)
            marks = history.newer(since, until)
            told = {passage: new for passage in passages if (new := new_sentences(passage, marks))}
            if told:
                first, *_ = told
                said = {mark(sentence): sentence for new in told.values() for sentence in new}
                found.append((DocumentNews(first, tuple(said.values()), is_new=history.first > since), list(told)))
        return await self._cared_for(message.person, found)

    async def _seen(self, source: str, message: Message) -> Document | None:
        """The document, where whoever reads may see it; what is theirs alone is no news to them."""
        for document in await self._index.documents(source):
            if may_see(document.readers, audience(message)) and document.readers != (person_reader(message.person),):
                return document
        return None

    async def _cared_for(
        self, person: Person, found: Sequence[tuple[DocumentNews, Sequence[Passage]]]
    ) -> list[DocumentNews]:
        """What the person has to do with or is interested in comes first."""
        wishes, shown = await self._people.wishes(person), await self._people.shown(person)
        directions = [np.asarray(unpacked(one), np.float32) for one in await self._people.directions(person)]
        near = [one for one in directions if one.size == self._embedder.dimension]
        if not (near or shown) or wishes.strength == 0:
            return [news for news, _ in found]
        scored = []
        for news, passages in found:
            vectors = await self._index.vectors([passage.id for passage in passages])
            score = max((float(one @ vector) for one in near for vector in vectors.values()), default=0.0)
            score += news.passage.source in shown
            scored.append((score if score >= NEAR else 0.0, news))
        return [news for _, news in sorted(scored, key=lambda one: -one[0])]

    async def _answered(
        self,
        message: Message,
        changed: Mapping[str, DocumentHistory],
        since: datetime,
        until: datetime,
        waiting: Mapping[str, datetime],
    ) -> tuple[list[AnsweredGap], Waiting]:
        """The person's own questions that were asked in vain, not answered since, and are by what is new.

        With them those that are still to be asked.
        """
        own = [gap for gap in await self._usage.gaps() if gap.person == message.person]
        latest = {gap.question.lower(): gap for gap in sorted(own, key=lambda gap: gap.asked_at)}
        traces = await self._people.recent(message.person, _REMEMBERED) if own else []
        had = {one.question.lower(): one.at for one in reversed(traces) if one.outcome is Outcome.ANSWERED}
        found: list[AnsweredGap] = []
        rest: list[tuple[str, datetime]] = []
        asked_again = 0
        for gap in sorted(latest.values(), key=lambda gap: (waiting.get(_mark(gap), until), until - gap.asked_at)):
            if had.get(gap.question.lower(), gap.asked_at) > gap.asked_at:
                continue
            start = waiting.get(_mark(gap), since)
            if asked_again == _ASKED:
                rest.append((_mark(gap), start))
                continue
            marks = {source: one.newer(max(start, gap.asked_at), until) for source, one in changed.items()}
            asked = replace(message, text=gap.question, quoted="")
            answer = await self._rechecked(asked, partial(_is_new, marks))
            asked_again += answer is not None
            if answer and answer.outcome is Outcome.ANSWERED and _rests_on_news(answer, marks):
                found.append(AnsweredGap(gap, answer))
        return found, rest


def _mark(gap: Gap) -> str:
    """A name of a question, which does not say it."""
    return mark(gap.question.lower()).hex()


def _is_new(marks: Mapping[str, Collection[bytes]], passage: Passage) -> bool:
    return bool(new_sentences(passage, marks.get(passage.source, ())))


def _rests_on_news(answer: Answer, marks: Mapping[str, Collection[bytes]]) -> bool:
    return any(_is_new(marks, source.passage) for source in answer.sources)
