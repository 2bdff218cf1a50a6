"""The part of the port `Memory` that is about people: what they set, what is learned of them, and why.

See `core/ports.py` for the others, and for what holds for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from core.domain import Person
from core.people.interests import LearnedProfile, Signal
from core.people.preferences import Preferences, PreferenceSet
from core.people.team import Contribution
from core.people.traces import Trace


class Profiles(Protocol):
    """What is remembered of people, across restarts."""

    async def preferences(self, person: Person) -> Preferences:
        """What the person set; the defaults for someone new."""
        ...

    async def save_preferences(self, person: Person, preferences: Preferences) -> None:
        """Replace what the person set."""
        ...

    async def wishes(self, person: Person) -> PreferenceSet:
        """All that the person set and said; what `preferences` gives is a part of it."""
        ...

    async def change_wishes(self, person: Person, change: Callable[[PreferenceSet], PreferenceSet]) -> PreferenceSet:
        """Replace what the person set by `change` of it, which may be called again, and give what it is now.

        Nothing that is changed at the same time is lost.
        """
        ...

    async def known(self, person: Person) -> tuple[PreferenceSet, LearnedProfile]:
        """`wishes` and `learned` in one step."""
        ...

    async def signals(self, person: Person) -> list[Signal]:
        """The log of what is learned from, in order."""
        ...

    async def learned(self, person: Person) -> LearnedProfile:
        """What follows from the log."""
        ...

    async def learn(
        self, person: Person, signals: Sequence[Signal], *, without: Collection[str] = ()
    ) -> LearnedProfile:
        """Add `signals` to the log, in place of those with the same id; remove those whose id is in `without`.

        One that was imported takes the place of none that is there.
        The state is always that of the whole log replayed, also where much is learned at the same time.
        """
        ...

    async def trace(self, person: Person, answer: str = "") -> Trace | None:
        """The trace of one of this person's answers, or of the last; None where there is none."""
        ...

    async def traces(self, person: Person, *, limit: int) -> list[Trace]:
        """The traces of this person's last `limit` answers, the latest first."""
        ...

    async def forget_documents(self, sources: Collection[str]) -> None:
        """Take the documents `sources` out of what is kept of all people, in the store's files, too, when it returns.

        That is traces with the passages that are kept there, logs and what follows from them, what teams count, and the
        words of answers that rest on them; the questions stay.
        """
        ...

    async def contribute(self, person: Person, contribution: Contribution) -> None:
        """Replace what the person's use of documents says to their team. Of somebody unknown nothing is kept."""
        ...

    async def contributions(self, platform: str, workspace: str) -> Mapping[str, Contribution]:
        """The contributions of a workspace, by user."""
        ...

    async def forget_interests(self, person: Person) -> None:
        """Remove what was learned of the person, and from what, and what it says to their team."""
        ...
