"""The nouns of Attune: frozen values that every other module speaks in.

Imports nothing of ours. Knows nothing of models, stores, platforms or files.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

EVERYONE = "everyone"
"""The reader's name that everybody answers to; the others are in `core.readers`."""

SEPARATOR = " › "  # between a title and the headings under it

VECTOR_FORM = "unit-1"
"""How a text becomes a vector beside the model's own files: raise it when a converter, prefix or pooling makes vectors
that do not compare with the earlier ones. Eight bits and floating point do (evals/RESULTS.md), and share one form."""

Vector = NDArray[np.float32]
"""One embedding, shape (dimension,), unit length."""
Vectors = NDArray[np.float32]
"""Embeddings as rows, shape (n, dimension), unit length."""


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who asks. The three parts together are the identity: no part alone is unique."""

    platform: str
    workspace: str
    user: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """Where turns follow each other: a private chat, or a thread of a channel."""

    platform: str
    workspace: str
    channel: str
    thread: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """What one person said at one moment. `id` is the platform's own, unique in its conversation.

    `private` where nobody else reads the answer; then `channels` are those of the workspace that the person belongs to.
    `insiders` where all who read it belong to the workspace. `quoted` is what it is about, of a message that it
    replies to or forwards; without a text, that is what is asked. `zone` is the person's time zone, where it is known.
    `speaks_for`, where any are given, are the readers' names that it speaks for, whoever and wherever its person is.
    """

    id: str
    conversation: Conversation
    person: Person
    text: str
    sent_at: datetime
    private: bool = False
    channels: frozenset[str] = frozenset()
    insiders: bool = True
    quoted: str = ""
    zone: str = ""
    speaks_for: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document, small enough to embed and to cite.

    Passages of one document share `source`, `version` (a hash of the document's bytes) and `readers`; `ordinal` of
    `total` is the place in it, `line` the first line and `page` the page, counted from 1 or 0 where the format has
    none. `author`, `date` (ISO 8601) and `language` are what the document says of itself, or empty.
    """

    id: str
    source: str
    title: str
    headings: tuple[str, ...]
    text: str
    line: int
    ordinal: int
    total: int
    version: str
    readers: tuple[str, ...] = (EVERYONE,)
    page: int = 0
    author: str = ""
    date: str = ""
    language: str = ""

    @property
    def heading_path(self) -> str:
        """Title and headings as one line, as a reader would find the place."""
        return SEPARATOR.join((self.title, *self.headings))


@dataclass(frozen=True, slots=True)
class Document:
    """A document as the index holds it."""

    source: str
    title: str
    version: str
    passages: int
    total: int
    readers: tuple[str, ...] = (EVERYONE,)

    @property
    def complete(self) -> bool:
        """False after an ingestion that was cut off."""
        return self.passages >= self.total

    @property
    def before_first(self) -> Passage:
        """A place before its first passage: all of them follow it."""
        return Passage(
            id="",
            source=self.source,
            title=self.title,
            headings=(),
            text="",
            line=0,
            ordinal=-1,
            total=self.total,
            version=self.version,
            readers=self.readers,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Hit:
    """A passage that a search found, with what the search knows of it."""

    passage: Passage
    vector: Vector
    dense: float  # cosine of question and passage, -1 … 1
    sparse: float  # BM25 score, 0 … ∞; 0 where no word matched


@dataclass(frozen=True, slots=True, eq=False)
class RankedPassage:
    """A passage with p(d|x) among the candidates, and the evidence it comes from."""

    passage: Passage
    probability: float
    dense: float
    sparse: float
    vector: Vector | None = None  # where a search found it
    parts: tuple[Passage, ...] = ()  # those that it was put together from, if several


@dataclass(frozen=True, slots=True)
class Turn:
    """One question and its answer.

    `rests` names the passages that the answer was made from, as they were then (`core.answering.conversations`); None
    for a turn from before that was kept. A turn whose passages do not stand any more has no answer. `quoted` is that of
    `Message`; it is the question, too, where nothing else was said, and has no answer where none was wanted yet.
    """

    person: Person
    question: str
    answer: str
    asked_at: datetime
    rests: tuple[str, ...] | None = None
    quoted: str = ""


@dataclass(frozen=True, slots=True)
class VectorOrigin:
    """An embedder: its name in the settings, the hash of its files, and the form in which its vectors are kept."""

    embedder: str
    digest: str
    form: str = VECTOR_FORM

    def compares(self, other: VectorOrigin) -> bool:
        """Whether vectors of both can stand in one index; a name may change, the model behind it may not."""
        return (self.digest, self.form) == (other.digest, other.form)

    @property
    def mark(self) -> str:
        """A short name of all that has to be the same."""
        return hashlib.sha256(f"{self.digest}\0{self.form}".encode()).hexdigest()[:16]

    def dumped(self) -> str:
        """As text, which `read_origin` reads."""
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True)
class Use:
    """What a document was good for: so many answers, and when last."""

    answers: int
    last: datetime


NO_EVICTION = "noeviction"  # what a store does that discards nothing when it is full


@dataclass(frozen=True, slots=True)
class Footprint:
    """How much a store keeps of people: bytes of one in the middle, and of whom most is kept; `whole`: of all of them.

    `eviction` is what the server does when its memory is full.
    """

    eviction: str
    people: int
    median: int
    most: int
    whole: bool = True


class Mode(StrEnum):
    """How several passages meet in one answer."""

    SEQUENCE = "sequence"  # RAG-Sequence: one row a passage, weighed by the posterior
    TOKEN = "token"  # noqa: S105  # RAG-Token: one row a passage, weighed by the prior
    STUFFED = "stuffed"  # all passages in one prompt


@dataclass(frozen=True, slots=True)
class Decoding:
    """How an answer is decoded. Temperature 0 is greedy; `top_p` and `seed` act above it."""

    mode: Mode = Mode.SEQUENCE
    max_tokens: int = 400
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    floor: float = 1e-3  # a row whose posterior falls under it is dropped
    held_floor: float = 0.05  # … and before the first word, where the rows have been judged
    clear: float = 0.915  # p(held | x, d) from which no less likely passage is read; above 1 all are


class DecodingSummary(StrEnum):
    """How far an answer was decoded as `Decoding.mode` asks."""

    EXACT = "exact"
    JUDGED = "judged"  # on a server: one prompt of the passages that hold the answer, by the model's verdict on each
    APPROXIMATED = "approximated"  # on a server, by a model that gives no verdicts: one prompt of all passages


@dataclass(frozen=True, slots=True)
class Prompt:
    """All that the model reads, in the order it reads it.

    `[system][passage] | [turns][question][person]`: the part left of the bar depends on a passage alone. `priors`
    is p(d|x,u) of each passage; they sum to 1. `check`, where there is one, is asked before the question and answered
    with yes or no, of the first passages: these are the likeliest by p(d|x), whoever asks. A model that judges first
    needs no check. `begun` is the beginning of the answer where it was cut: what is wanted is how it goes on.
    """

    system: str
    passages: tuple[Passage, ...]
    priors: tuple[float, ...]
    turns: tuple[Turn, ...]
    person: str
    question: str
    check: str = ""
    begun: str = ""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Whether each passage of the prompt holds the answer: the model's log-odds of yes against no; None if not read.

    Those of the first passages where only these were asked; all the same where all stand in one prompt.
    """

    log_odds: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """Some characters of an answer, as soon as they are certain.

    `posterior` is p(d | x, u, y) of each passage of the prompt, given all of the answer so far; p(d | x, u, held) where
    `decoded` is JUDGED; empty where the way of decoding has none. `log_likelihood` is log p(y | x, u) of all tokens so
    far.
    """

    text: str
    posterior: tuple[float, ...] = ()
    log_likelihood: float = 0.0
    decoded: DecodingSummary = DecodingSummary.EXACT


@dataclass(frozen=True, slots=True)
class CutOff:
    """The answer used up `Decoding.max_tokens` before its end."""


@dataclass(frozen=True, slots=True)
class QueuePosition:
    """The answer waits for room: `ahead` others come first."""

    ahead: int


@dataclass(frozen=True, slots=True)
class Source:
    """A passage that an answer rests on, numbered as the person sees it."""

    number: int
    passage: Passage


class Sources(StrEnum):
    """How the sources under an answer are listed, as its person wants it."""

    FULL = "full"
    COMPACT = "compact"
    OFF = "off"


class Outcome(StrEnum):
    """How an answer ended."""

    ANSWERED = "answered"
    NOT_FOUND = "not_found"


@dataclass(frozen=True, slots=True)
class ReadingStarted:
    """The engine has found passages and starts to read them."""

    passages: tuple[RankedPassage, ...]


@dataclass(frozen=True, slots=True)
class PortionStarted:
    """There is more than is read at once: notes on portion `number` of `total` are being taken."""

    number: int
    total: int


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer. `nearest` has the closest sections where nothing was found; `decoded` is for the trace.

    `id` is 16 characters that feedback and `/why` name it by; a message that is answered again has the same one.

    `left_out` has the sentences, table rows, lines of code and addresses that were said and not shown, since they name
    what nothing that was read does. Where the model was asked, `held` is p(the documents hold the answer), and
    `log_odds` its verdict on each passage. `listing` is how the person wants to see the sources. `rests` is that of
    `Turn`. `is_text` for one that somebody wanted written, with how many sections of what it is of were left `unread`.
    """

    text: str
    outcome: Outcome
    sources: tuple[Source, ...] = ()
    nearest: tuple[Source, ...] = ()
    decoded: DecodingSummary = DecodingSummary.EXACT
    left_out: tuple[str, ...] = ()
    held: float | None = None
    log_odds: tuple[float | None, ...] = ()
    id: str = ""
    listing: Sources = Sources.FULL
    rests: tuple[str, ...] | None = ()
    is_text: bool = False
    unread: int = 0


AnswerEvent = ReadingStarted | PortionStarted | QueuePosition | Piece | Answer
"""What the engine tells of an answer while it is made, in this order; `Answer` is the last."""
