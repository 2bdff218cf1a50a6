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
from core.people.preferences import PreferenceSet

SHOWN = 3  # phrases and documents that an interest is told by


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
    """Everything that is kept of a person but for their history. `brevity` above 0 wants answers shorter."""

    person: Person
    wishes: PreferenceSet
    interests: tuple[InterestInWords, ...] = ()
    events: int = 0
    brevity: float = 0.0


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
