"""What `/why` says: how an answer came about, in words, and in numbers. Markdown, in the language of whoever asks.

Knows nothing of how passages are weighed, nor of platforms.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from bots import texts
from bots.language import counted, grouped, translated
from core.domain import DecodingSummary, Outcome
from core.people.profile import InterestInWords
from core.people.traces import CARRIED, PassageWeight, Trace

WHY = "Why this answer"
NUMBERS = "In numbers"
NOTHING_READ = "No document was close enough to read."
SOME_UNREAD = "I read the likeliest sections first, and the others only if none of those is clear."
SHARED_PROMPT = "I read several sections together, so shared words show which of them the answer came from."
NOT_SHOWN = "a section that has since changed or been removed, or that you may no longer see"
FROM_ONE = "I read one passage, from {place}, and the answer comes from it."
FROM_FIRST = "I read {passages}; the first one, from {place}, gave the answer."
FROM_ANOTHER = "I read {passages}; one of them, from {place}, gave the answer."
FROM_MOSTLY = "I read {passages}; most of the answer comes from {place}, the rest from {others}."
FROM_SEVERAL = "I read {passages}; the answer comes from {places}."
FROM_NONE = "I read {passages}, the likeliest from {place}, and found no answer in them."
SURE = "The model is sure that the documents have the answer."
FAIRLY_SURE = "The model is fairly sure that the documents have the answer."
UNSURE = "The model isn't quite sure that the documents have the answer."
DOUBTFUL = "The model doubts that the documents have the answer."
UNMOVED = "What I've learned about you changed nothing here."
MOVES = {  # what moved a passage, up or down
    ("taste", True): "Your interests moved {what} up.",
    ("taste", False): "Your interests moved {what} down.",
    ("team", True): "What your team uses moved {what} up.",
    ("team", False): "What your team uses moved {what} down.",
    ("teammates", True): "What similar teammates find useful moved {what} up.",
    ("teammates", False): "What similar teammates find useful moved {what} down.",
}
INTEREST_MOVES = {
    True: "Your interest in {interest} moved {what} up.",
    False: "Your interest in {interest} moved {what} down.",
}
THAT_PASSAGE = "that passage"
GONE = "a section that has changed since, or that you may no longer see"
OTHERS = "others"
WITHOUT_PROFILE = "You asked for it without your preferences."
NOTHING_KNOWN = "Not personalised: I haven't learned anything about you yet."
MOST = 8  # sections that are listed: a text may be made from a hundred
_SMALL = 0.005  # a factor nearer to 1 than this is shown as no change
_TELLING = 0.05  # a factor nearer to 1 than this is not worth a word
_NAMED = 4  # passages in one sentence
_PART, _MOST = 0.1, 0.6  # shares of an answer from which a passage is named, and from which it gave most of it
_SURE, _FAIRLY, _AT_ALL = 0.9, 0.7, 0.5  # p(held) from which the model is said to be so


def why(trace: Trace, interests: Sequence[InterestInWords] = ()) -> str:
    """Why an answer is as it is, in words; `interests` are its asker's, the heaviest first."""
    read = [passage for passage in trace.passages if passage.read]
    carriers = _carriers(trace, read)
    said = [_source(trace, read, carriers) if read else translated(NOTHING_READ)]
    said += _certainty(trace)
    parts = [f"**{translated(WHY)}**: {texts.escaped(trace.question)}", " ".join(said)]
    parts.append(_moved(trace, read, carriers, interests))
    if trace.wishes:
        parts.append(_wishes(trace))
    return "\n\n".join(parts)


def _carriers(trace: Trace, read: Sequence[PassageWeight]) -> list[PassageWeight]:
    """What the answer comes from, most of it first."""
    if trace.outcome is not Outcome.ANSWERED:
        return []
    least = min(_PART, max((passage.share for passage in read), default=0.0))
    parts = [passage for passage in read if passage.share >= max(least, CARRIED)]
    return sorted(parts, key=lambda passage: -passage.share)


def _source(trace: Trace, read: Sequence[PassageWeight], carriers: Sequence[PassageWeight]) -> str:
    passages = counted(len(read), "{count} passage", "{count} passages")
    places = list(dict.fromkeys(_place(passage) for passage in carriers or read[:1]))
    if not carriers:
        return translated(FROM_NONE, passages=passages, place=places[0])
    if len(read) == 1:
        return translated(FROM_ONE, place=places[0])
    if len(places) == 1:
        first = carriers[0] is trace.passages[0]
        return translated(FROM_FIRST if first else FROM_ANOTHER, passages=passages, place=places[0])
    named = places if len(places) <= _NAMED else [*places[: _NAMED - 1], translated(OTHERS)]
    if carriers[0].share < _MOST:
        return translated(FROM_SEVERAL, passages=passages, places=texts.listed(named))
    return translated(FROM_MOSTLY, passages=passages, place=named[0], others=texts.listed(named[1:]))


def _place(passage: PassageWeight) -> str:
    return f"*{texts.escaped(passage.place)}*" if passage.place else translated(GONE)


def _certainty(trace: Trace) -> list[str]:
    """How sure the model was, where it was asked; nothing where it was, and found no answer all the same."""
    if trace.held is None or (trace.outcome is not Outcome.ANSWERED and trace.held >= _FAIRLY):
        return []
    grades = ((_SURE, SURE), (_FAIRLY, FAIRLY_SURE), (_AT_ALL, UNSURE))
    return [translated(next((sentence for least, sentence in grades if trace.held >= least), DOUBTFUL))]


def _moved(
    trace: Trace, read: Sequence[PassageWeight], carriers: Sequence[PassageWeight], interests: Sequence[InterestInWords]
) -> str:
    """What moved the passage that the answer comes from, or else another."""
    if trace.plain:
        return translated(WITHOUT_PROFILE)
    for passage in (*carriers, *read):
        parts = {"taste": passage.taste, "team": passage.team, "teammates": passage.teammates}
        reason = max(parts, key=lambda name: abs(parts[name]))
        nats = trace.scale * parts[reason]
        if abs(math.exp(nats) - 1) <= _TELLING:
            continue
        named = passage.place and [passage] != list(carriers)
        what = _place(passage) if named else translated(THAT_PASSAGE)
        if reason == "taste" and (interest := _interest(passage, trace, interests)):
            return translated(INTEREST_MOVES[nats > 0], interest=f"*{texts.escaped(interest)}*", what=what)
        return translated(MOVES[reason, nats > 0], what=what)
    return translated(UNMOVED if trace.events else NOTHING_KNOWN)


def _interest(passage: PassageWeight, trace: Trace, interests: Sequence[InterestInWords]) -> str:
    """The name of an interest that had to do with a passage's document when the answer was given."""
    about = (one for one in interests if passage.source in one.documents and one.since <= trace.at)
    return next((", ".join(one.name) for one in about if one.name), "")


def _wishes(trace: Trace) -> str:
    wishes = "; ".join(texts.escaped(wish) for wish in trace.wishes) or translated("none")
    return translated("Your preferences that it follows: {wishes}.", wishes=wishes)


def numbers(trace: Trace) -> str:
    """The same in numbers: what each passage was worth before and after, and what moved it."""
    lines = [f"**{translated(WHY)}** (`{trace.answer}`): {texts.escaped(trace.question)}", ""]
    listed = sorted(trace.passages, key=lambda passage: passage.share < CARRIED)  # what carried it comes first
    lines += [f"- {_why_read(passage, trace)}" for passage in listed[:MOST]]
    if (more := len(trace.passages) - MOST) > 0:
        lines.append(f"- {translated(texts.AND_MORE, count=more)}")
    if not trace.passages:
        lines.append(f"- {translated(NOTHING_READ)}")
    if trace.outcome is Outcome.ANSWERED and trace.decoded is not DecodingSummary.EXACT:
        lines += ["", translated(SHARED_PROMPT)]
    lines += _verdict(trace)
    return "\n".join([*lines, "", _wishes(trace), _how_far(trace)])


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
