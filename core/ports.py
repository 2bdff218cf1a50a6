"""What the engine asks of the outside world. Adapters in `core/adapters` answer.

Every method may raise an error of `core.errors`; no foreign exception passes a port.
Implementations are safe to call from many tasks of one event loop.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol as Port

from core.answering.verdict import Protocol
from core.documents.gaps import Gap
from core.domain import (
    Conversation,
    CutOff,
    Decoding,
    Document,
    Footprint,
    Hit,
    Passage,
    Person,
    Piece,
    Prompt,
    QueuePosition,
    Turn,
    Use,
    Vector,
    VectorOrigin,
    Vectors,
    Verdicts,
)
from core.inbox import Claim, DeadLetter, Depth, Event, Lease, Receipt, UnreadableItem, WaitingEvent
from core.learning.study import CourseRecord, Study
from core.notices.schedule import Subscription
from core.people.feedback import WeeklyCounts
from core.people.interests import LearnedProfile, Signal
from core.people.preferences import PreferenceSet
from core.people.team import Contribution
from core.people.traces import Trace


class Embedder(Port):
    """Texts to unit vectors."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        ...

    @property
    def max_tokens(self) -> int:
        """Tokens of a text that are read; what is longer is cut."""
        ...

    @property
    def dense_weight(self) -> float:
        """α of `core.answering.retrieval`: what its cosines count beside words."""
        ...

    def count_tokens(self, text: str) -> int:
        """Tokens in `text`, without the special ones."""
        ...

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed what documents say: shape (len(texts), dimension), float32, rows of unit length, in the same order."""
        ...

    async def embed_questions(self, questions: Sequence[str]) -> Vectors:
        """The same for what is asked, where the model tells questions from what answers them."""
        ...


class Generator(Port):
    """The language model, p(y | x, d, u)."""

    @property
    def name(self) -> str:
        """The model's name, as a person may be told it."""
        ...

    @property
    def context_tokens(self) -> int:
        """Tokens that prompt and answer may have together."""
        ...

    @property
    def protocol(self) -> Protocol:
        """How it is to be asked, and what its verdicts are worth."""
        ...

    @property
    def says_likelihoods(self) -> bool:
        """Whether its pieces say how likely their words are."""
        ...

    def count_tokens(self, text: str) -> int:
        """Tokens in `text`."""
        ...

    def read_ahead(self, system: str, passages: Sequence[Passage]) -> None:
        """Read `passages` when nobody asks, so that questions about them are answered sooner. Returns at once."""
        ...

    async def retain(self, documents: Collection[tuple[str, str]]) -> None:
        """Forget what was read of other documents than these (source, version)."""
        ...

    def generate(
        self, prompt: Prompt, decoding: Decoding
    ) -> AsyncGenerator[Piece | QueuePosition | Verdicts | CutOff, None]:
        """Answer `prompt`, streaming. Closing or cancelling the generator stops the model within one step.

        `CutOff` comes last where the tokens were used up before the end; where the prompt has `begun`, so does the
        answer, and only what follows comes. `Verdicts` come once before the first piece where the protocol has them:
        always from a model that judges first, whose rows then weigh p(d|x,u) · p(held|x,d); from one that is asked
        where the prompt has a check.

        Raises:
            PromptTooLongError: the prompt leaves no room for an answer.
        """
        ...


class PassageIndex(Port):
    """Passages, found by meaning and by words."""

    async def upsert(self, passages: Sequence[Passage], vectors: Vectors) -> None:
        """Add or replace passages by id; durable when it returns. `vectors` has one row a passage."""
        ...

    async def search(self, text: str, vector: Vector, *, audience: Collection[str], limit: int) -> list[Hit]:
        """The union of the `limit` nearest by cosine and the `limit` best by BM25, in no order of importance.

        Both look only at passages of which a reader is in `audience`. `dense` and `sparse` are exact for every hit. A
        word that no passage seems to hold is searched for in the spellings that it may have been meant to have.
        """
        ...

    async def vectors(self, ids: Sequence[str]) -> Mapping[str, Vector]:
        """The stored vectors of those ids that exist."""
        ...

    async def passages(self, ids: Sequence[str]) -> Mapping[str, Passage]:
        """Those of these ids that exist, as they are now."""
        ...

    async def following(self, passages: Sequence[Passage], *, count: int) -> list[Passage]:
        """The `count` passages behind each of `passages` in its version of its document, each once, in no order."""
        ...

    async def documents(self, source: str | None = None) -> list[Document]:
        """Every version of every document, or of one, by source. One source has two versions while it changes."""
        ...

    async def remove(self, source: str, *, keep_version: str | None = None) -> None:
        """Remove a document's passages, except those of `keep_version`. An unknown source is no error."""
        ...

    async def clear_away(self) -> None:
        """Have what was removed leave the files of the index, too, when it returns.

        A server that others run does so by rules of its own.
        """
        ...

    async def count(self) -> int:
        """Passages in the index."""
        ...

    async def origin(self) -> VectorOrigin | None:
        """By what its vectors were made; None where nobody noted it."""
        ...

    async def set_origin(self, origin: VectorOrigin) -> None:
        """Note by what its vectors were made. From then on it is refused to whoever stands for another origin."""
        ...


class Memory(Port):
    """What is remembered of conversations and of people, across restarts."""

    async def wishes(self, person: Person) -> PreferenceSet:
        """All that the person set and said; the defaults for someone new."""
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

    async def turns(self, conversation: Conversation, *, limit: int) -> list[Turn]:
        """The last `limit` turns, oldest first."""
        ...

    async def append(self, conversation: Conversation, turn: Turn, trace: Trace | None = None) -> None:
        """Add a turn, and why its answer is as it is, in place of a trace of the same name; the oldest of both go."""
        ...

    async def forget_history(self, person: Person) -> None:
        """Remove the person's turns in every conversation, the traces of them, and words of them in the log."""
        ...

    async def forget(self, person: Person) -> None:
        """Remove all that is kept of the person: what they set, their turns, and what was learned of them."""
        ...

    async def study(self, person: Person) -> Study:
        """What the person studies; nothing for someone new."""
        ...

    async def change_study(self, person: Person, change: Callable[[Study], Study]) -> Study:
        """Replace it by `change` of it, which may be called again, and give what it is now; as `change_wishes` does."""
        ...

    async def course_records(self) -> list[CourseRecord]:
        """How far those got in courses of their team who agreed to be counted; nothing says who they are."""
        ...

    async def subscription(self, person: Person) -> Subscription | None:
        """The digest that somebody asked for."""
        ...

    async def unsubscribe(self, person: Person) -> None:
        """Forget the digest of somebody."""
        ...

    async def change_subscription(
        self, person: Person, change: Callable[[Subscription | None], Subscription | None], due: datetime | None = None
    ) -> None:
        """Replace a subscription by `change` of it, which may be called again; with `due` that is when it comes next.

        None stays none, and one that cannot be read is put aside before another is kept.
        """
        ...

    async def due(self, now: datetime) -> list[tuple[Person, datetime]]:
        """Whose digests are due, the longest overdue first."""
        ...

    async def put_off(self, person: Person, due: datetime, to: datetime) -> None:
        """The digest that was `due` is next due at `to`, or never if nobody wants it; one changed since stays."""
        ...

    async def take_pace(self, seconds: float) -> bool:
        """Whether a digest may be begun now, by whoever asks: one in so many `seconds`."""
        ...

    async def answer_key(self) -> bytes:
        """What the names of answers are made with: made at the first call, the same for all processes from then on."""
        ...

    async def ping(self) -> None:
        """Return when the store answers."""
        ...

    async def sweep(self) -> None:
        """Let go what is older than it is kept; as often as anybody likes."""
        ...

    async def footprint(self) -> Footprint:
        """How much is kept of people."""
        ...

    async def finish_forgetting(self) -> None:
        """Go on where a process was killed while it forgot, so that nothing of it stays on the disk."""
        ...


class Usage(WeeklyCounts, Port):
    """What documents were good for, and what they lack: for the operator, never for a prompt."""

    async def note_cited(self, sources: Sequence[str], at: datetime) -> None:
        """Count one answer for each of the documents `sources`."""
        ...

    async def uses(self) -> Mapping[str, Use]:
        """How often each source was cited, and when last; sources that are gone may be among them."""
        ...

    async def forget_documents(self, sources: Sequence[str], titles: Collection[str] = ()) -> None:
        """Drop what is counted of the documents `sources`, and from gaps their `titles` as what came closest."""
        ...

    async def note_gap(self, gap: Gap) -> None:
        """Keep a question that went unanswered; the oldest beyond the kept number go."""
        ...

    async def gaps(self) -> list[Gap]:
        """The questions that went unanswered, oldest first."""
        ...

    async def take_back(self, gap: Gap) -> None:
        """Drop this very gap, and no other of the same question."""
        ...

    async def keep_vectors(self, gaps: Sequence[Gap]) -> None:
        """Keep the vectors of `gaps` with those of them that are still there."""
        ...

    async def forget(self, person: Person) -> None:
        """Drop what the person asked."""
        ...


class Inbox(Port):
    """What platforms delivered, kept until somebody has seen the end of it.

    Events of one conversation are claimed one at a time, in the order in which they were put; people take turns. A
    claim is named by a `token` of the claimer's choice, so that a call may be repeated when its reply was lost.
    """

    async def put(self, event: Event) -> Receipt:
        """Keep `event`, once; durable when it returns."""
        ...

    async def stop(self, conversation: Conversation, person: Person) -> bool:
        """Stop what this person waits for, or is being given, in this conversation; False where there is nothing."""
        ...

    async def claim(self, token: str) -> Claim | None:
        """The next event for this worker; None where all that waits is in work. What dead workers held comes first.

        What cannot be read is no event: it is set aside after a few tries.
        """
        ...

    async def waiting(self, token: str, *, seconds: float) -> WaitingEvent | None:
        """Hold an event that has waited for `seconds` and whose person was not told so yet. `release` gives it back."""
        ...

    async def renew(self, tokens: Sequence[str]) -> Mapping[str, Lease]:
        """Say that these claims are worked on. To be called again well before the lease ends."""
        ...

    async def note(self, token: str, message_id: str) -> bool:
        """Remember what the platform shows for the event; False where the claim is lost."""
        ...

    async def ended(self, token: str, answer: str) -> bool:
        """Remember that all of it was seen, and which answer (or "") it was; False where the claim is lost."""
        ...

    async def answer_of(self, conversation: Conversation, message_id: str) -> str | None:
        """The answer that a message shown in this conversation's channel stands for."""
        ...

    async def messages_of(self, conversation: Conversation, answer: str) -> tuple[str, ...]:
        """The messages in this conversation's channel that stand for an answer, in the order they were noted."""
        ...

    async def done(self, token: str) -> None:
        """Forget the event but for its key: the next of its conversation may come. A lost claim is no error."""
        ...

    async def release(self, token: str, *, pause: float = 0.0) -> None:
        """Give the event back, to be claimed first, or not before `pause` seconds. A lost claim is no error."""
        ...

    async def bury(self, token: str, reason: str) -> None:
        """Give the event up: it becomes a dead letter. A lost claim is no error."""
        ...

    async def set_aside(self, token: str, reason: str) -> None:
        """Put an event aside that cannot be read, so that nothing waits for it. A lost claim is no error."""
        ...

    async def listen(self, seconds: float) -> list[str]:
        """Return when something new may be claimed, with the tokens whose answers are to stop; or after `seconds`."""
        ...

    async def dead(self) -> list[DeadLetter]:
        """What was given up and can be read, oldest first."""
        ...

    async def aside(self) -> list[UnreadableItem]:
        """What is kept, in the inbox or beside it, and cannot be read here."""
        ...

    async def retry(self, key: str) -> bool:
        """Put a dead letter, or an event set aside, behind its conversation again; False where there is none."""
        ...

    async def drop(self, key: str) -> bool:
        """Forget a dead letter, or an event that was set aside; False where there is none."""
        ...

    async def forget(self, person: Person) -> None:
        """Drop the person's dead letters and what was set aside of theirs, in the store's files, too.

        What waits still gets its answer.
        """
        ...

    async def depth(self) -> Depth:
        """How full it is."""
        ...
