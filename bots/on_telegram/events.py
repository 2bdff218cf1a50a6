"""What somebody did in Telegram, as small values that can wait in the inbox.

What is kept of an update is what an answer needs, and not the update itself. Knows nothing of the network, of who may
ask, or of answers; `updates` makes these of what Telegram sends.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from pydantic import TypeAdapter, ValidationError

from bots.reception import NotUnderstoodError
from core.domain import Conversation, Person
from core.domain import Message as Asked
from core.inbox import Event
from core.notices.schedule import Subscription
from core.storage.stored import OTHER, UnreadableRecordError

PLATFORM = "telegram"
WORKSPACE = ""  # Telegram has none
_ANSWERED = ("p:", "q:")  # how the data of a button begins that asks for an answer
_IN_TURN = (*_ANSWERED, "l:", "y:")  # … and of one after which the next message has to wait: it may be about the lesson


class UpdateKind(StrEnum):
    """What an update asks for."""

    ASK = "ask"  # a question or a command
    EDIT = "edit"  # of a question
    FILE = "file"  # a document to learn
    FORWARD = "forward"  # somebody else's words
    REFUSE = "refuse"  # a voice message, a photo: something that cannot be read
    TAP = "tap"  # a pressed button
    REACTION = "reaction"
    STOP = "stop"
    JOINED = "joined"  # the bot came into a group
    DIGEST = "digest"  # the hour of one has come; `data` is its name
    NAMELESS = "nameless"  # an administrator who writes as the group


@dataclass(frozen=True, slots=True)
class Incoming:
    """One thing that somebody did. `topic` and `reply_to` are 0 where there is none.

    `text` is without the mention of the bot. `data` is what a button carries, the name of what is refused, or the
    verdict of a reaction; `said` is what the message says that was replied to, or that a button hangs on, or the
    part of it that was quoted. `asker` is whom the message with the button answers, in a group. `to_answer`: it replies
    to an answer of the bot, which the conversation knows.
    """

    kind: UpdateKind
    chat: int
    private: bool
    user: int
    at: datetime
    language: str = ""
    name: str = ""
    title: str = ""
    topic: int = 0
    message: int = 0
    text: str = ""
    data: str = ""
    query: str = ""
    reply_to: int = 0
    said: str = ""
    asker: int = 0
    file: str = ""
    file_name: str = ""
    file_size: int = 0
    to_answer: bool = False

    @property
    def quoted(self) -> str:
        """What a question is about that somebody else wrote."""
        asks = self.kind in {UpdateKind.ASK, UpdateKind.EDIT} and not self.to_answer
        return self.said if asks else ""

    @property
    def answers_another(self) -> bool:
        """Whether it asks about an answer of the bot that may have been somebody else's, who has other turns."""
        asks = self.kind in {UpdateKind.ASK, UpdateKind.EDIT} and not self.text.startswith("/")
        return asks and self.to_answer and not self.private and bool(self.said)

    @property
    def person(self) -> Person:
        """Who did it."""
        return Person(PLATFORM, WORKSPACE, str(self.user))

    @property
    def is_elses(self) -> bool:
        """Whether the button hangs on an answer to somebody else."""
        return self.asker not in {0, self.user}

    @property
    def conversation(self) -> Conversation:
        """Whose turns follow each other: a private chat, one of its topics, or what one person says in a group."""
        thread = str(self.topic or "")
        return Conversation(PLATFORM, WORKSPACE, str(self.chat), thread if self.private else f"{thread}@{self.user}")

    @property
    def lane(self) -> Conversation:
        """What this waits behind. A pressed button need not wait for an answer, unless it asks for one or teaches."""
        talk = self.conversation
        if self.kind is UpdateKind.DIGEST:
            return Conversation(talk.platform, talk.workspace, talk.channel, "digest")
        if self.kind not in {UpdateKind.TAP, UpdateKind.REACTION} or self.data.startswith(_IN_TURN):
            return talk
        return Conversation(talk.platform, talk.workspace, talk.channel, f"{talk.thread}!")

    def asked(
        self, text: str | None = None, channels: frozenset[str] = frozenset(), quoted: str | None = None
    ) -> Asked:
        """The message as the dialogue takes it; `text` and `quoted` in place of its own."""
        said, about = self.text if text is None else text, self.quoted if quoted is None else quoted
        place, asker = self.conversation, self.person
        return Asked(str(self.message), place, asker, said, self.at, self.private, channels, quoted=about)


_INCOMING = TypeAdapter(Incoming)


def group_of(chat: int) -> Conversation:
    """A group, whoever writes there."""
    return Conversation(PLATFORM, WORKSPACE, str(chat))


def to_event(key: str, incoming: Incoming) -> Event:
    """`incoming` as the inbox keeps it."""
    body = _INCOMING.dump_json(incoming, exclude_defaults=True).decode()
    unasked = {UpdateKind.TAP, UpdateKind.REACTION, UpdateKind.JOINED, UpdateKind.DIGEST}
    asks = incoming.kind not in unasked or incoming.data.startswith(_ANSWERED)
    return Event(
        key, incoming.lane, incoming.person, incoming.kind.value, body, datetime.now(UTC), asks, incoming.language
    )


def digest_event(kept: Subscription, key: str, name: str) -> Event:
    """What has the sender send a digest in private."""
    user, at = int(kept.person.user), datetime.now(UTC)
    return to_event(key, Incoming(UpdateKind.DIGEST, user, True, user, at, kept.language, data=name))


def sound(incoming: Incoming) -> Incoming:
    """`incoming`, where everything in it is of its type.

    Raises:
        NotUnderstoodError: something is not: the library takes over what Telegram says without a look at it.
    """
    try:
        return _INCOMING.validate_json(_INCOMING.dump_json(incoming, warnings=False), strict=True)
    except ValueError as error:
        raise NotUnderstoodError(incoming.kind) from error


def from_event(event: Event) -> Incoming:
    """What `to_event` was given.

    Raises:
        UnreadableError: another version of Attune wrote it, or nobody did.
    """
    try:
        return _INCOMING.validate_json(event.body)
    except ValidationError:  # whose text quotes what a person wrote
        raise UnreadableRecordError(OTHER) from None
