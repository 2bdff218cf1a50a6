"""What a person set and said of how they want to be answered, and which of it applies to a question. Pure.

Choices have a few values each (`Preferences`); what a person states in words of their own is a numbered list; both are
`PreferenceSet`, which remember their last states so that every change can be undone. A wish acts on form and emphasis:
one that states a fact is kept and shown, and never reaches the model. Knows nothing of people, stores or models.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from core.domain import Sources
from core.text.words import content_words, words, words_of

MAX_STATED = 30
MAX_STATED_CHARACTERS = 200
MAX_UNDONE = 20  # changes that can be undone
_LARGEST = 1_000_000  # number of a stated preference
APPLIED = 3  # stated preferences that may enter one prompt
NEAR = 0.25  # cosine of question and preference from which it applies


class Length(StrEnum):
    """How much a person wants to read."""

    SHORT = "short"
    NORMAL = "normal"
    DETAILED = "detailed"


class Tone(StrEnum):
    """How it should sound."""

    PLAIN = "plain"
    FRIENDLY = "friendly"
    FORMAL = "formal"


class Format(StrEnum):
    """How an answer is laid out."""

    PROSE = "prose"
    BULLETS = "bullets"
    STEPS = "steps"


class Level(StrEnum):
    """What may be taken as known."""

    BEGINNER = "beginner"
    PRACTITIONER = "practitioner"
    EXPERT = "expert"


class Language(StrEnum):
    """The language to answer in; `auto` leaves it to the model, as the question has it."""

    AUTO = "auto"
    ARABIC = "arabic"
    CHINESE = "chinese"
    DUTCH = "dutch"
    ENGLISH = "english"
    FRENCH = "french"
    GERMAN = "german"
    ITALIAN = "italian"
    JAPANESE = "japanese"
    KOREAN = "korean"
    POLISH = "polish"
    PORTUGUESE = "portuguese"
    RUSSIAN = "russian"
    SPANISH = "spanish"
    THAI = "thai"
    TURKISH = "turkish"
    VIETNAMESE = "vietnamese"


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a person set with `/prefs`."""

    length: Length = Length.NORMAL
    tone: Tone = Tone.PLAIN
    format: Format = Format.PROSE
    level: Level = Level.PRACTITIONER
    language: Language = Language.AUTO
    sources: Sources = Sources.FULL


class Polarity(StrEnum):
    """What a person wants of what a preference names."""

    LIKE = "like"
    AVOID = "avoid"
    SAY = "say"  # free text, which says for itself


class PreferenceKind(StrEnum):
    """What a stated preference is about."""

    TOPIC = "topic"  # likes and dislikes: applies where the question is near
    STYLE = "style"  # how to answer: applies to every question
    FACT = "fact"  # says how the world is: documents do that, so it never reaches the model


class PreferenceOrigin(StrEnum):
    """Where a stated preference comes from."""

    SAID = "said"
    IMPORTED = "imported"


@dataclass(frozen=True, slots=True)
class StatedPreference:
    """A preference in the person's own words. `scope` has the words that a question can share with it."""

    number: int
    text: str
    polarity: Polarity
    kind: PreferenceKind
    scope: tuple[str, ...]
    origin: PreferenceOrigin
    at: datetime


@dataclass(frozen=True, slots=True)
class PreferenceSet:
    """All that a person set and said. `strength` is how far learning may re-order, in percent.

    `paused`: nothing new is learned. `shares`: similar teammates' taste helps, and this person's helps them.
    `own_level`: they set the level, also where it is the one that everybody has who sets none.
    """

    preferences: Preferences = Preferences()
    stated: tuple[StatedPreference, ...] = ()
    strength: int = 50
    paused: bool = False
    shares: bool = False
    before: tuple[PreferenceSet, ...] = ()  # earlier states without their own `before`, the latest last
    own_level: bool = False

    @property
    def states_level(self) -> bool:
        """Whether the level is the person's word, and nothing that they do says another."""
        return self.own_level or self.preferences.level is not Preferences().level


PLAIN = PreferenceSet(strength=0, paused=True)
"""Of somebody who is answered without personalisation."""


def changed(old: PreferenceSet, new: PreferenceSet) -> PreferenceSet:
    """`new`, from which `undone` leads back to `old`."""
    same = replace(old, before=()) == replace(new, before=())
    before = old.before if same else (*old.before, replace(old, before=()))[-MAX_UNDONE:]
    return replace(new, before=before)


def undone(wishes: PreferenceSet) -> PreferenceSet | None:
    """The state before the last change; None where there is none."""
    return replace(wishes.before[-1], before=wishes.before[:-1]) if wishes.before else None


def with_stated(
    wishes: PreferenceSet, text: str, polarity: Polarity, at: datetime, origin: PreferenceOrigin = PreferenceOrigin.SAID
) -> PreferenceSet:
    """`wishes` with one more preference; what is said a second time takes the place of the first."""
    said = " ".join(text.split())[:MAX_STATED_CHARACTERS]
    others = tuple(one for one in wishes.stated if one.text.lower() != said.lower())
    number = max((one.number for one in wishes.stated), default=0) + 1
    stated = StatedPreference(number, said, polarity, kind_of(said, polarity), _scope(said), origin, at)
    return replace(wishes, stated=(*others, stated))


def sound(wishes: PreferenceSet) -> PreferenceSet:
    """Wishes that somebody wrote elsewhere, within all bounds; what a preference is about is decided here."""
    stated = [
        replace(one, text=text, kind=kind_of(text, one.polarity), scope=_scope(text), origin=PreferenceOrigin.IMPORTED)
        for one in wishes.stated[:MAX_STATED]
        if (text := " ".join(one.text.split())[:MAX_STATED_CHARACTERS])
    ]
    numbers = [one.number for one in stated]
    if len(set(numbers)) < len(numbers) or not all(1 <= number <= _LARGEST for number in numbers):
        stated = [replace(one, number=number) for number, one in enumerate(stated, start=1)]
    return replace(wishes, stated=tuple(stated), strength=min(max(wishes.strength, 0), 100), before=())


def _scope(text: str) -> tuple[str, ...]:
    return tuple(sorted(content_words(text) - _WISHING))


def without_stated(wishes: PreferenceSet, number: int) -> PreferenceSet:
    """`wishes` without the preference of that number; the others keep theirs."""
    return replace(wishes, stated=tuple(one for one in wishes.stated if one.number != number))


# Words in which people wish for something rather than name it.
_WISHING = words_of(
    "always answer avoid dislike enjoy find give hate keep like love make need never please prefer rather really "
    "reply say strongly use want wish write"
)
_OF_ONESELF = words_of("i i'm i'd i've i'll my me we our mine")
_OF_FORM = words_of(
    "abbreviations acronyms answer answers brief briefly bullet bullets caveats code concise detail details emoji "
    "emojis example examples explain formal format headings jargon joke jokes language list lists long metric numbers "
    "paragraph paragraphs plain quote quotes reply replies sentence sentences short shorter simple step steps style "
    "summary summarise summarize table tables term terms tone units words write"
)
_FINITE = r"(?:is|are|was|were|has|have|had|takes|costs|lasts|means|equals|ends|starts|begins|will|must|can)"
_RELATIVE = r"(?:that|which|who|whose|and|but|or)\b"
_CLAIM = re.compile(rf"\b{_FINITE}\b")
_CLAIM_OF_A_THING = re.compile(
    rf"\b(?:the|an?|our|all|every|each|any)\s+(?:(?!{_RELATIVE})[\w'-]+\s+){{1,4}}?{_FINITE}\b"
)


def kind_of(text: str, polarity: Polarity) -> PreferenceKind:
    """What `text` is about. A claim that is no wish and not of the person, or is one of some thing, states a fact."""
    said, lower = words(text), text.lower()
    if _CLAIM_OF_A_THING.search(lower):
        return PreferenceKind.FACT
    if _WISHING.isdisjoint(said) and _OF_ONESELF.isdisjoint(said) and _CLAIM.search(lower):
        return PreferenceKind.FACT
    if polarity is not Polarity.SAY:
        return PreferenceKind.TOPIC
    return PreferenceKind.STYLE if not _OF_FORM.isdisjoint(said) else PreferenceKind.TOPIC


def applicable(
    question: str, stated: Sequence[StatedPreference], cosines: NDArray[np.floating], most: int = APPLIED
) -> tuple[StatedPreference, ...]:
    """Those of `stated` that apply to `question`, whose cosines to it are (stated,): the nearest, at most `most`.

    A topic applies where it is near in meaning or shares a word; a style always does, behind the topics.
    """
    asked = _stems(content_words(question))
    scored: list[tuple[float, int, StatedPreference]] = []
    for one, cosine in zip(stated, cosines.tolist(), strict=True):
        if one.kind is PreferenceKind.FACT:
            continue
        shared = len(asked & _stems(one.scope))
        if one.kind is PreferenceKind.STYLE or shared or cosine >= NEAR:
            topical = one.kind is PreferenceKind.TOPIC
            scored.append((cosine + 0.2 * shared + (1.0 if topical else 0.0), one.number, one))
    chosen = sorted(scored, key=lambda item: (-item[0], -item[1]))[:most]
    return tuple(one for _, _, one in sorted(chosen, key=lambda item: item[1]))


class LearnedStyle(StrEnum):
    """What repeated verdicts make of a length that nobody set."""

    SHORTER = "shorter"
    SHORTEST = "shortest"
    LONGER = "longer"


SLOWLY = 2.5  # verdicts, in today's weight, that one step takes


def learned_style(brevity: float) -> LearnedStyle | None:
    """The style that `brevity` ("too long" less "too short") has led to."""
    if brevity >= 2 * SLOWLY:
        return LearnedStyle.SHORTEST
    if brevity >= SLOWLY:
        return LearnedStyle.SHORTER
    return LearnedStyle.LONGER if brevity <= -SLOWLY else None


def _stems(of: Sequence[str] | set[str]) -> set[str]:
    """Words without the ends that English hangs on them, as far as telling a shared topic needs it."""
    return {re.sub(r"(?:ings?|ed|es|s)$", "", word) if len(word) > 4 else word for word in of}  # noqa: PLR2004
