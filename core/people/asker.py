"""Who asks, as far as it may act on one answer: on its form, and on what is read for it.

Pure: `people` fills it from the stores, `core.answering.ranking` lets it tilt p(d|x). Knows no store and no model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from core.domain import Person, Vector, Vectors
from core.people import preferences
from core.people.interests import LearnedProfile, brevity_at
from core.people.preferences import PLAIN, Length, PreferenceKind, Preferences, PreferenceSet, StatedPreference
from core.people.team import Team, uses_of

_OF_FORM = ("length", "tone", "format", "level", "language")


@dataclass(frozen=True, slots=True)
class AnswerForm:
    """What the form of one answer is to be: what was set, what of the stated applies, and the `brevity` learned."""

    preferences: Preferences
    stated: tuple[StatedPreference, ...]
    brevity: float

    @property
    def in_force(self) -> tuple[str, ...]:
        """The wishes that the answer obeys, as a person would write them."""
        chosen, default = self.preferences, Preferences()
        set_ = [
            f"{name} {getattr(chosen, name)}" for name in _OF_FORM if getattr(chosen, name) != getattr(default, name)
        ]
        style = preferences.learned_style(self.brevity)
        return (
            *set_,
            *([f"learned: {style}"] if style else []),
            *(f"{one.polarity} {one.text}" for one in self.stated),
        )


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, as far as it may act on the answer. Without `wishes` nobody in particular."""

    person: Person
    wishes: PreferenceSet = PLAIN
    learned: LearnedProfile = field(default_factory=LearnedProfile)
    team: Team | None = None

    @property
    def stated(self) -> tuple[StatedPreference, ...]:
        """What they stated that could apply to a question."""
        return tuple(one for one in self.wishes.stated if one.kind is not PreferenceKind.FACT)

    @property
    def wished(self) -> list[str]:
        """The same in their words."""
        return [one.text for one in self.stated]

    @property
    def shared_uses(self) -> dict[str, float]:
        """The documents that they have to do with, where they share that with teammates."""
        return uses_of(self.learned.tallies) if self.wishes.shares else {}

    def wishing(self, form: Mapping[str, Any]) -> Asker:
        """The same person, who wants one answer as `form` has it: fields of `Preferences` by name."""
        return replace(self, wishes=replace(self.wishes, preferences=replace(self.wishes.preferences, **form)))

    def form(self, question: str, vector: Vector, stated: Vectors, now: float) -> AnswerForm:
        """What the form of the answer to `question` is to be; `stated` has the vector of each of `self.stated`."""
        applied = preferences.applicable(question, self.stated, stated @ vector)
        return AnswerForm(self.wishes.preferences, applied, self._brevity(now))

    def _brevity(self, now: float) -> float:
        """How much shorter they want answers, as learned; nothing where they set a length or want no learning."""
        if self.wishes.strength == 0 or self.wishes.preferences.length is not Length.NORMAL:
            return 0.0
        return brevity_at(self.learned, now)
