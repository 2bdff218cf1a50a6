"""A profile as it travels: written out whole, and taken over within bounds.

What comes from outside is somebody's word. It may restore that person's own state and nothing else: signals are marked
as imported, so that none of them enters what the team counts (`LearnedProfile.done_here`), and everything is of the
form and the size that the product itself could have written. Pure; knows nothing of stores or of the team.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from pydantic import TypeAdapter, ValidationError

from core.errors import InvalidPreferenceError
from core.learning.study import Study
from core.notices.schedule import Subscription
from core.people.interests import KEPT, PHRASES, SLACK, Signal, replay, unpacked
from core.people.preferences import PreferenceSet, sound

MAX_CHARACTERS = 5_000_000  # of a profile
MAX_DOCUMENTS = 32  # of one signal
MAX_NAME = 4096  # characters of a document's name; of a signal's and of a phrase much less
MAX_DIMENSION = 8192  # numbers of a vector
EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)  # before anything was learned anywhere
SKEW = timedelta(days=1)  # that another machine's clock may be ahead
_ROUNDING = 0.01  # of a norm, in float16, and of a sum of shares


@dataclass(frozen=True, slots=True)
class ProfileExport:
    """A profile as it travels."""

    wishes: PreferenceSet
    signals: tuple[Signal, ...] = ()
    version: int = 1
    digest: Subscription | None = None  # shown, and not taken over: where it goes is agreed to there
    study: Study | None = None  # likewise: its questions were not examined there


_EXPORTED = TypeAdapter(ProfileExport)


def written(
    wishes: PreferenceSet,
    signals: Sequence[Signal],
    digest: Subscription | None = None,
    study: Study | None = None,
) -> str:
    """A profile as JSON."""
    return _EXPORTED.dump_json(ProfileExport(wishes, tuple(signals), digest=digest, study=study), indent=1).decode()


def taken_over(text: str, now: datetime) -> ProfileExport:
    """What `text`, that `written` made somewhere, says within all bounds; its signals are marked as imported.

    Raises:
        InvalidPreferenceError: it is none.
    """
    try:
        taken = _EXPORTED.validate_json(text) if len(text) <= MAX_CHARACTERS else None
        if taken is not None and taken.version == 1 and len(taken.signals) <= KEPT + SLACK:
            signals = tuple(_imported(signal, now) for signal in taken.signals)
            replay(signals)  # which fails on what the checks above do not know of
            return ProfileExport(sound(taken.wishes), signals)
    except (ValidationError, ValueError, TypeError, ArithmeticError, RecursionError):
        pass
    raise InvalidPreferenceError("That isn't a profile that I exported. Send all of what `{cmd}prefs export` gave you.")


def _imported(signal: Signal, now: datetime) -> Signal:
    """`signal`, marked as imported and not later than `now`.

    Raises:
        ValueError: Attune never wrote such a one.
    """
    if not (_is_named(signal) and _is_dated(signal.at, now) and _is_direction(signal.vector) and _is_credit(signal)):
        raise ValueError("not one of our signals")
    return replace(signal, at=min(signal.at, now), imported=True)


def _is_named(signal: Signal) -> bool:
    """Whether all names and phrases in it are of a sensible size."""
    sources = (*signal.shown, *(source for source, _ in signal.credited))
    few = len(signal.shown) <= MAX_DOCUMENTS >= len(signal.credited) and len(signal.phrases) <= PHRASES
    short = all(len(name) <= MAX_NAME // 16 for name in (signal.id, *signal.phrases))
    return bool(signal.id) and few and short and all(len(source) <= MAX_NAME for source in sources)


def _is_dated(at: datetime, now: datetime) -> bool:
    return at.tzinfo is not None and EARLIEST <= at <= now + SKEW


def _is_direction(packed: str) -> bool:
    """Whether it is a unit vector, or none."""
    with np.errstate(all="ignore"):  # what overflows is none
        vector = unpacked(packed) if packed else np.ones(1)
        return 0 < vector.size <= MAX_DIMENSION and abs(float(np.linalg.norm(vector)) - 1) <= _ROUNDING


def _is_credit(signal: Signal) -> bool:
    """Whether shares are shares: none below 0, no more than 1 together."""
    shares = [share for _, share in signal.credited]
    return all(share >= 0 for share in shares) and sum(shares) <= 1 + _ROUNDING
