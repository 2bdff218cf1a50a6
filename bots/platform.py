"""What a chat platform is to `attune serve`: something that hands events in, and shows what comes of them.

The two halves may run in different processes. Knows no platform, no queue and no model.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from core.domain import Conversation, Person
from core.inbox import Event, Receipt


class Inlet(Protocol):
    """Where a platform hands in what it receives. Returns within milliseconds, however busy the model is."""

    async def put(self, event: Event) -> Receipt:
        """Keep `event`: once it is ACCEPTED or KNOWN it is safe to acknowledge it to the platform."""
        ...

    async def stop(self, conversation: Conversation, person: Person) -> bool:
        """Stop the answer that this person is being given in this conversation; False where there is none."""
        ...


class Delivery(Protocol):
    """What was shown for one event, by this attempt and by those that died before it."""

    @property
    def attempt(self) -> int:
        """1 the first time."""
        ...

    @property
    def shown(self) -> tuple[str, ...]:
        """The platform's ids of the messages that stand for this event, in the order of `note`."""
        ...

    async def note(self, message_id: str) -> None:
        """Remember a message as soon as the platform has it: a later attempt goes on in it and posts no second one."""
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
        """Do what `event` asks for; returns when the person sees the end of it. Cancelled: show that it was stopped.

        Events of one conversation come one at a time. After a crash the same event comes again.
        """
        ...

    async def apologise(self, event: Event, delivery: Delivery, sentence: str) -> None:
        """Tell the person that `event` will not be handled, and why."""
        ...
