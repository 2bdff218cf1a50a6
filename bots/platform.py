"""What a chat platform is to Attune: two halves, one that hands events in and one that shows what comes of them.

The halves may run in different processes. Knows no platform, no queue and no model.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from pydantic import TypeAdapter

from bots import texts
from bots.language import Voice
from bots.reception import NotUnderstoodError, Reception
from bots.watching import Watcher
from core.domain import Conversation, Person
from core.inbox import Event, Receipt

if TYPE_CHECKING:  # for `attune doctor`, which needs no engine and is to be quick
    from bots.dialogue import Dialogue
    from core.documents.teaching import Teacher
    from core.notices.schedule import Subscription
    from core.people.access import Access
    from core.ports import Inbox, Usage
    from core.settings import Settings
    from core.threads.chats import ChatLog

_EVENT = TypeAdapter(Event)


class Inlet(Protocol):
    """Where a platform hands in what it receives. Returns within milliseconds, however busy the model is."""

    async def put(self, event: Event) -> Receipt:
        """Keep `event`: whatever the receipt says, it is safe to acknowledge it to the platform.

        HURRIED and CROWDED are told to the person (`texts.HURRIED`, `texts.CROWDED`), all others are not.

        Raises:
            StoreError: it is not kept. Do not acknowledge it, so that the platform sends it again.
        """
        ...

    async def stop(self, conversation: Conversation, person: Person) -> bool:
        """Stop the answer that this person is being given in this conversation; False where there is none."""
        ...


class Delivery(Protocol):
    """What was shown for one event, by this attempt and by those that died before it.

    No platform can be asked to post once, so post something short first, `note` it, and edit the answer into it: a
    death between the two leaves at most a "Searching…" behind, and never a second answer.
    """

    @property
    def attempt(self) -> int:
        """1 the first time."""
        ...

    @property
    def shown(self) -> tuple[str, ...]:
        """The platform's ids of the messages that stand for this event, in the order of `note`."""
        ...

    @property
    def stopped(self) -> bool:
        """Whether the person wants no answer any more."""
        ...

    async def note(self, message_id: str) -> None:
        """Remember a message as soon as the platform has it: a later attempt goes on in it and posts no second one.

        Waits while the store is away. Cancels the caller where another worker has taken the event over.
        """
        ...

    async def ended(self, answer: str = "") -> None:
        """Say that the end was seen, before anything else: whatever dies now, the event is not handled again.

        With `answer` (`Final.answer`), a reaction to one of the messages that were noted finds it.
        """
        ...

    def learning(self) -> AbstractAsyncContextManager[None]:
        """Hold this while something is learned, from its download on: it waits for one of the few places for that.

        Meanwhile others are answered in the place that this event had.
        """
        ...

    async def answer_of(self, message_id: str) -> str | None:
        """The answer that a message in this channel stands for, whatever event it was shown for."""
        ...

    async def messages_of(self, answer: str) -> tuple[str, ...]:
        """The messages in this channel that stand for an answer, in their order."""
        ...


class Receiver(Protocol):
    """The receiving half of a platform. Has no model."""

    def receiving(self, inlet: Inlet) -> AbstractAsyncContextManager[None]:
        """Receive while open; closing stops receiving and waits for what is being handed in."""
        ...


class Sender(Protocol):
    """The answering half of a platform."""

    def sending(self) -> AbstractAsyncContextManager[None]:
        """Hold the connection to the platform while open."""
        ...

    async def handle(self, event: Event, delivery: Delivery) -> None:
        """Do what `event` asks for; returns when the person sees the end of it.

        Cancelled with `delivery.stopped`: show that it was stopped. Cancelled without: show nothing, since another
        worker goes on with it. Events of one conversation come one at a time. After a crash the same event comes
        again. What it raises is logged, and the person is told by `apologise`.
        """
        ...

    async def voice(self, event: Event) -> Voice:
        """How to speak to whoever sent `event`: all else is called within it. Returns within a second or two."""
        ...

    async def waiting(self, event: Event, delivery: Delivery, sentence: str) -> None:
        """Tell the person that `event` has to wait; `note` the message, so that the answer takes its place."""
        ...

    async def apologise(self, event: Event, delivery: Delivery, sentence: str) -> None:
        """Tell the person that `event` will not be handled, and why, in place of what was shown for it."""
        ...


class MembershipUnknownError(Exception):
    """A platform does not say now what somebody belongs to, where it has to be known: to be asked again later."""


class CheckedInlet:
    """An inlet that takes only what can be read again: an event of other types would stop whoever claims it."""

    def __init__(self, inlet: Inlet) -> None:
        self._inlet = inlet

    async def put(self, event: Event) -> Receipt:
        """Keep `event`.

        Raises:
            NotUnderstoodError: something in it is not of its type.
        """
        try:
            _EVENT.validate_json(_EVENT.dump_json(event, warnings=False))
        except ValueError as error:
            raise NotUnderstoodError(event.kind) from error
        return await self._inlet.put(event)

    async def stop(self, conversation: Conversation, person: Person) -> bool:
        """Stop an answer."""
        return await self._inlet.stop(conversation, person)


class CheckStatus(StrEnum):
    """How a check ended."""

    GOOD = "✓"
    CARE = "!"  # works, or will; worth knowing
    BAD = "✗"


@dataclass(frozen=True, slots=True)
class Check:
    """One row: what was looked at, what was found, and what to do about it."""

    mark: CheckStatus
    name: str
    found: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class PlatformServices:
    """What a platform's halves may use besides the dialogue. Only a process that answers has a teacher."""

    access: Access
    usage: Usage
    inbox: Inbox
    chats: ChatLog
    teacher: Teacher | None = None
    watcher: Watcher = field(default_factory=Watcher)
    receptions: dict[str, Reception] = field(default_factory=dict)

    def reception(self, platform: str) -> Reception:
        """What looks after the receiver of a platform, and is asked whether it receives."""
        return self.receptions.setdefault(platform, Reception(platform, self.watcher))


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform: its halves, and what `attune doctor` looks at. `name` is `Person.platform` of its people.

    `own_commands` are those that the platform runs itself, such as `stop`; `hint` ends the help. `digest` makes the
    event, under a key, by which the sender shows the digest of a name in private; without it there are none.
    """

    name: str
    receiver: Callable[[Settings, PlatformServices], Receiver]
    sender: Callable[[Settings, Dialogue, PlatformServices], Sender]
    checks: Callable[[Settings], AsyncIterator[Check]]
    own_commands: tuple[str, ...] = ()
    hint: str = texts.HELP_HINT
    digest: Callable[[Subscription, str, str], Event] | None = None
