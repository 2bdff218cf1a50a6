"""Which platforms the settings connect: the one place that knows all of them.

Each platform adds a few lines here, and imports its modules where they are opened. Knows nothing of how any works.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bots.dialogue import Dialogue
from bots.platform import Receiver, Sender
from core.settings import Settings


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform's two halves, built where they are needed. `name` is `Person.platform` of its people.

    `own_commands` are those that the platform runs itself, such as `stop`.
    """

    name: str
    receiver: Callable[[Settings], Receiver]
    sender: Callable[[Settings, Dialogue], Sender]
    own_commands: tuple[str, ...] = ()


def configured(settings: Settings) -> list[Platform]:  # noqa: ARG001 - no platform is here yet
    """The platforms that have their tokens."""
    return []
