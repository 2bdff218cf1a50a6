"""What `/why` says: how an answer came about. Markdown, in the language of whoever asks.

Knows nothing of how passages are weighed, nor of platforms.
"""

from __future__ import annotations

import math

from bots import texts
from bots.language import grouped, translated
from core.domain import DecodingSummary, Outcome
from core.people.traces import PassageWeight, Trace

WHY = "Why this answer"
NOTHING_READ = "No document was close enough to read."
SOME_UNREAD = "I read the likeliest sections first, and the others only if none of those is clear."
SHARED_PROMPT = "I read several sections together, so shared words show which of them the answer came from."
NOT_SHOWN = "a section that has since changed or been removed, or that you may no longer see"
WITHOUT_PROFILE = "You asked for it without your preferences."
NOTHING_KNOWN = "Not personalised: I haven't learned anything about you yet."
MOST = 8  # sections that are listed: a text may be made from a hundred
_SMALL = 0.005  # a factor nearer to 1 than this is shown as no change


def why(trace: Trace) -> str:
    """Why an answer is as it is."""
    lines = [f"**{translated(WHY)}** (`{trace.answer}`): {texts.escaped(trace.question)}", ""]
    lines += [f"- {_why_read(passage, trace)}" for passage in trace.passages[:MOST]]
    if (more := len(trace.passages) - MOST) > 0:
        lines.append(f"- {translated(texts.AND_MORE, count=more)}")
    if not trace.passages:
        lines.append(f"- {translated(NOTHING_READ)}")
    if trace.outcome is Outcome.ANSWERED and trace.decoded is not DecodingSummary.EXACT:
        lines += ["", translated(SHARED_PROMPT)]
    lines += _verdict(trace)
    wishes = "; ".join(texts.escaped(wish) for wish in trace.wishes) or translated("none")
    lines += ["", translated("Your preferences that it follows: {wishes}.", wishes=wishes)]
    return "\n".join([*lines, _how_far(trace)])


def _why_read(passage: PassageWeight, trace: Trace) -> str:
    parts = {
        translated("your team"): passage.team,
        translated("your interests"): passage.taste,
        translated("similar teammates"): passage.teammates,
    }
    factors = {name: math.exp(trace.scale * nats) for name, nats in parts.items()}
    moved = ", ".join(f"{name} ×{factor:.2f}" for name, factor in factors.items() if abs(factor - 1) > _SMALL)
    weighed = {
        "place": texts.escaped(passage.place) or translated(NOT_SHOWN),
        "before": f"{passage.impersonal:.0%}",
        "after": f"{passage.personal:.0%}",
        "moved": moved or translated("unchanged"),
    }
    if not passage.read:
        return translated("{place}: {before} → {after} ({moved}); not read", **weighed)
    share = f"{passage.share:.0%}"
    told = translated(
        "{place}: {before} → {after} ({moved}); {share} of the answer comes from it", **weighed, share=share
    )
    if passage.held is None:
        return told
    return translated("{told}; the model is {held} sure that it has the answer", told=told, held=f"{passage.held:.0%}")


def _verdict(trace: Trace) -> list[str]:
    """Whether the documents hold the answer, where the model was asked."""
    if trace.held is None:
        return []
    held = translated("The model is {held} sure that the documents have the answer.", held=f"{trace.held:.0%}")
    return ["", held if all(one.read for one in trace.passages) else f"{held} {translated(SOME_UNREAD)}"]


def _how_far(trace: Trace) -> str:
    if trace.plain:
        return translated(WITHOUT_PROFILE)
    if not trace.events:
        return translated(NOTHING_KNOWN)
    known = translated("Personalised from {actions}.", actions=events_counted(trace.events))
    if trace.scale >= 1:
        return known
    return f"{known} {translated('A limit let {scale} of the reordering through.', scale=f'{trace.scale:.0%}')}"


def events_counted(count: int) -> str:
    """What was learned from."""
    return translated("{count} of your actions", count=grouped(count))
