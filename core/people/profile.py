"""A profile as its person may understand it: interests in words, made of the log that they were learned from.

Pure. Knows nothing of stores, models or sentences.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from core.domain import Person
from core.people import interests
from core.people.interests import Action, Interest, LearnedProfile, Signal
from core.people.preferences import Level, PreferenceSet

SHOWN = 3  # phrases and documents that an interest is told by
LATELY, ENOUGH = 20, 8  # answers to quiz questions that count, and how many it takes to show a level
HIGH, LOW = 0.85, 0.45  # share of right answers, from which and up to which it is another than the practitioner's


@dataclass(frozen=True, slots=True)
class InterestInWords:
    """One interest as its person may understand it; `weight` is its share of the heaviest, 0 … 1.

    `topics` are titles or headings of what the documents hold near it, as far as whoever looks may see them.
    """

    number: int
    phrases: tuple[str, ...]
    documents: tuple[str, ...]
    weight: float
    since: datetime
    acts: tuple[tuple[Action, int], ...]  # why: what the person did, and how often
    topics: tuple[str, ...] = ()

    @property
    def name(self) -> tuple[str, ...]:
        """What it is told by: its topics; words of the person's questions where the documents hold nothing near it."""
        return self.topics or self.phrases


@dataclass(frozen=True, slots=True)
class Profile:
    """Everything that is kept of a person but for their history. `brevity` above 0 wants answers shorter.

    `quizzed` are the quiz questions that they answered right lately, and all, and `level` the one that those show.
    """

    person: Person
    wishes: PreferenceSet
    interests: tuple[InterestInWords, ...] = ()
    events: int = 0
    brevity: float = 0.0
    quizzed: tuple[int, int] = (0, 0)
    level: Level | None = None


def naming(profile: Profile, seen: Collection[str]) -> Profile:
    """`profile` with the names only of documents that are `seen`."""
    interests = tuple(
        replace(one, documents=tuple(source for source in one.documents if source in seen)) for one in profile.interests
    )
    return replace(profile, interests=interests)


def heaviest_first(interests: Sequence[Interest], now: float) -> list[int]:
    """The places of interests, as they are numbered for their person."""
    return sorted(range(len(interests)), key=lambda place: -interests[place].mass_at(now))


def in_words(signals: Sequence[Signal], learned: LearnedProfile, now: float) -> tuple[InterestInWords, ...]:
    """The interests of `learned`, the heaviest first, by the signals they come from."""
    order = heaviest_first(learned.interests, now)
    most = max(learned.interests[place].mass_at(now) for place in order) or 1.0
    return tuple(
        _told(
            number,
            interests.members(signals, learned.interests, place),
            learned.interests[place],
            learned.interests[place].mass_at(now) / most,
        )
        for number, place in enumerate(order, start=1)
    )


def _told(number: int, members: Sequence[Signal], interest: Interest, weight: float) -> InterestInWords:
    phrases: Counter[str] = Counter(phrase for signal in members for phrase in signal.phrases)
    documents: Counter[str] = Counter(
        source
        for signal in members
        for source in (*signal.shown[:1], *(name for name, _ in signal.credited))
        if source != interests.GONE
    )
    acts: Counter[Action] = Counter(signal.act for signal in members)
    return InterestInWords(
        number,
        tuple(phrase for phrase, _ in phrases.most_common(SHOWN)),
        tuple(source for source, _ in documents.most_common(SHOWN)),
        weight,
        datetime.fromtimestamp(interest.since, UTC),
        tuple(acts.most_common()),
    )


def quizzed(signals: Sequence[Signal]) -> tuple[int, int]:
    """How many quiz questions were answered right lately, of how many."""
    answers = [one.mastered for one in interests.in_order(signals) if one.mastered is not None][-LATELY:]
    return sum(answers), len(answers)


def quiz_level(signals: Sequence[Signal]) -> Level | None:
    """The level that the answers to quiz questions show; None where it is in the middle, or too few tell."""
    right, count = quizzed(signals)
    if count < ENOUGH:
        return None
    return Level.EXPERT if right >= HIGH * count else Level.BEGINNER if right <= LOW * count else None
