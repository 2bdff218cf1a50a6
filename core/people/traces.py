"""Why an answer is as it is: kept with it, for `/why`, and for what is learned when its asker thinks something of it.

Pure nouns. Knows nothing of stores, or of how a trace is told.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from core.domain import DecodingSummary, Outcome, Person, Source

CARRIED = 0.01  # share of an answer from which a passage had a part in it


@dataclass(frozen=True, slots=True)
class PassageWeight:
    """A passage that was to be read: p(d|x), p(d|x,u), what moved it (in nats, before the bound), its citation share.

    `held` is p(held | x, d), the model's verdict, None where it gave none; `read` is false where it was not needed.
    """

    passage: str
    source: str
    place: str  # title and headings
    impersonal: float
    personal: float
    team: float = 0.0
    taste: float = 0.0
    teammates: float = 0.0
    share: float = 0.0
    held: float | None = None
    read: bool = True


@dataclass(frozen=True, slots=True)
class Trace:
    """One answer, by its asker. `asked` is the question's vector, `vector` that of what is learned from the answer.

    `wishes` are those that were obeyed.

    `gate` is the entropy gate g(x), `scale` what the bound on KL left of the tilt, 1 being all. `held` is p(held | x),
    None where the model was not asked; `decoded` how far it was decoded as it should be.
    """

    answer: str
    person: Person
    question: str
    at: datetime
    audience: tuple[str, ...]
    outcome: Outcome
    passages: tuple[PassageWeight, ...] = ()
    sources: tuple[Source, ...] = ()
    nearest: tuple[str, ...] = ()
    vector: str = ""
    wishes: tuple[str, ...] = ()
    events: int = 0
    gate: float = 0.0
    scale: float = 1.0
    plain: bool = False
    held: float | None = None
    decoded: DecodingSummary = DecodingSummary.EXACT
    asked: str = ""


def rests_on(trace: Trace, sources: Collection[str]) -> bool:
    """Whether the answer may have words of the documents `sources`: it cites one, or one carried a part of it."""
    if trace.outcome is not Outcome.ANSWERED:
        return False
    cited = {one.passage.source for one in trace.sources}
    return not cited.isdisjoint(sources) or any(
        one.share >= CARRIED and one.source in sources for one in trace.passages
    )


def without(trace: Trace, sources: Collection[str]) -> Trace:
    """`trace` as if it had never had anything to do with the documents `sources`."""
    gone = {one.passage.heading_path for one in trace.sources if one.passage.source in sources}
    return replace(
        trace,
        passages=tuple(one for one in trace.passages if one.source not in sources),
        sources=tuple(one for one in trace.sources if one.passage.source not in sources),
        nearest=tuple(place for place in trace.nearest if place not in gone),
    )
