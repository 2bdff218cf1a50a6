"""What `RayGenerator` and `deploy/ray_serve.py` say to each other: JSON over HTTP, of an answer one line an event.

    GET  /model         the `ModelCard`
    POST /generate      a `Question`; lines, of which the last is an end or a failure
    POST /read_ahead    a `Reading`
    POST /retain        a `Retention`
    GET  /statistics    the figures of each replica's cache

Numbers keep all their digits, so an answer is the same as from a model on this machine. Does no I/O.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum

from pydantic import BaseModel, TypeAdapter

from core.answering.verdict import Protocol
from core.domain import CutOff, Decoding, Passage, Piece, Prompt, QueuePosition, Verdicts

Event = Piece | QueuePosition | Verdicts | CutOff
STATISTICS = TypeAdapter(dict[str, dict[str, float]])


class ModelCard(BaseModel):
    """What a worker has to know of the model; `tokenizer` is its `tokenizer.json`."""

    name: str
    context_tokens: int
    protocol: Protocol
    says_likelihoods: bool
    tokenizer: str

    @property
    def mark(self) -> str:
        """A short name of the model: of what prompts depend on, and of what its verdicts are worth."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    @property
    def prompting(self) -> tuple[object, ...]:
        """What prompts depend on: the same for a model that was only fitted anew."""
        return self.context_tokens, self.protocol.judging, self.protocol.system, self.tokenizer


class Question(BaseModel):
    """A prompt, how it is to be answered, and the mark of the model that it was made for."""

    prompt: Prompt
    decoding: Decoding
    mark: str

    @property
    def reads(self) -> tuple[tuple[str, float], ...]:
        """The document of each passage, and how probable the passage is; one of no document stands for itself."""
        passages = zip(self.prompt.passages, self.prompt.priors, strict=True)
        return tuple((one.source or one.id, prior) for one, prior in passages)


class Reading(BaseModel):
    """Passages that are to be read when nobody asks."""

    system: str
    passages: list[Passage]


class Retention(BaseModel):
    """The documents (source, version) of which what was read stays."""

    documents: list[tuple[str, str]]


class Failure(StrEnum):
    """Why an answer does not come, or not to its end."""

    BUSY = "busy"  # all replicas have as much as they take: worth another try
    GONE = "gone"  # the replica died: worth another try
    CHANGED = "changed"  # the model is another one than the prompt was made for
    LONG = "long"  # the prompt leaves no room for an answer
    FAILED = "failed"


class Line(BaseModel):
    """One event of an answer, its end, or a failure with a sentence. Of what it is none of, it says nothing."""

    piece: Piece | None = None
    queue: QueuePosition | None = None
    verdicts: Verdicts | None = None
    cut: bool = False
    end: bool = False
    failure: Failure | None = None
    sentence: str = ""

    @classmethod
    def of(cls, event: Event) -> Line:
        """The line that says `event`."""
        match event:
            case Piece():
                return cls(piece=event)
            case QueuePosition():
                return cls(queue=event)
            case Verdicts():
                return cls(verdicts=event)
            case CutOff():
                return cls(cut=True)

    @property
    def event(self) -> Event | None:
        """What it says; None for an end or a failure."""
        return self.piece or self.verdicts or self.queue or (CutOff() if self.cut else None)

    def dumped(self) -> bytes:
        """As it travels."""
        return self.model_dump_json(exclude_defaults=True).encode() + b"\n"
