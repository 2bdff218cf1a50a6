"""What a chat platform is to `attune serve`: something that hands events in, and shows what comes of them.

The two halves may run in different processes. Knows no platform, no queue and no model.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from bots.language import Voice
from core.domain import Conversation, Person
from core.inbox import Event, Receipt


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
