"""Which platforms the settings connect: the one place that knows all of them.

Each platform adds a few lines here, and imports its modules where they are opened. Knows nothing of how any works.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bots import texts
from bots.dialogue import Dialogue
from bots.platform import Receiver, Sender
from bots.reception import Reception
from bots.service.observing import Watcher
from core.documents.teaching import Teacher
from core.people.access import Access
from core.ports import Inbox, Usage
from core.settings import Settings


@dataclass(frozen=True, slots=True)
class PlatformServices:
    """What a platform's halves may use besides the dialogue. Only a process that answers has a teacher."""

    access: Access
    usage: Usage
    inbox: Inbox
    teacher: Teacher | None = None
    watcher: Watcher = field(default_factory=Watcher)
    receptions: dict[str, Reception] = field(default_factory=dict)

    def reception(self, platform: str) -> Reception:
        """What looks after the receiver of a platform, and is asked whether it receives."""
        return self.receptions.setdefault(platform, Reception(platform, self.watcher))


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform's two halves, built where they are needed. `name` is `Person.platform` of its people.

    `own_commands` are those that the platform runs itself, such as `stop`; `hint` ends the help.
    """

    name: str
    receiver: Callable[[Settings, PlatformServices], Receiver]
    sender: Callable[[Settings, Dialogue, PlatformServices], Sender]
    own_commands: tuple[str, ...] = ()
    hint: str = texts.HELP_HINT


def configured(settings: Settings) -> list[Platform]:
    """The platforms that have their tokens."""
    found = []
    if settings.telegram_token is not None:
        from bots.on_telegram.platform import telegram  # noqa: PLC0415

        found.append(telegram())
    if settings.slack_bot_token is not None:
        from bots.on_slack.platform import slack  # noqa: PLC0415

        found.append(slack())
    return found
