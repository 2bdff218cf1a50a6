"""What is said: replies of the dialogue and of its commands. Pure nouns; knows nothing of how any comes about."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from core.domain import Person, Source, Sources
from core.notices.schedule import Waiting
from core.people.traces import Trace

EXPORT_FILE = "attune-profile.json"  # its name where what is kept of somebody is a file
CHOICES_IN_PRIVATE = ("why",)  # commands that a button may stand for, and whose answer is for whoever presses it


@dataclass(frozen=True, slots=True)
class Notice:
    """What a command says; `choices` are rows of buttons, for whoever asked.

    `file` is data that `markdown` holds, too: where a platform has files it is sent as one, below `caption` alone.
    """

    markdown: str
    choices: tuple[tuple[Choice, ...], ...] = ()
    file: str = ""
    caption: str = ""


@dataclass(frozen=True, slots=True)
class SlowNotice:
    """What a command says after a while, when it is made."""

    make: Callable[[], Awaitable[Notice]]


@dataclass(frozen=True, slots=True)
class PersonForgotten:
    """All that is remembered of the person is gone: a bot that keeps something itself removes it now."""

    markdown: str


@dataclass(frozen=True, slots=True)
class AskAgain:
    """A question that is to be answered once more, without personalisation."""

    question: str


@dataclass(frozen=True, slots=True)
class TextWanted:
    """A text that is to be written as `request` says, or that of the answer `reworks`, otherwise."""

    request: str
    reworks: Trace | None = None


@dataclass(frozen=True, slots=True)
class StudyRequest:
    """A course, a quiz or what is known of it is asked for: the command, and what stands behind it."""

    name: str
    rest: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """A button under a reply: pressing it says `command`, without its sign, as if it had been typed.

    `typed` is what is shorter to type just now, where there are no buttons; empty where the text says how.
    """

    label: str
    command: str
    typed: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """What is going on; shown until something else comes."""

    text: str


@dataclass(frozen=True, slots=True)
class Delta:
    """The next characters of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Final:
    """The whole answer: all deltas put together. `nearest` has what comes closest where nothing was found.

    `note` says what is to be known of the answer, or is empty. `answer` is `Answer.id`. `listing` is how the person
    wants the sources shown; where it is off, there are none. `choices` are rows of buttons, for whoever asked.
    `is_text` for what somebody wanted written.
    """

    markdown: str
    sources: tuple[Source, ...] = ()
    nearest: tuple[Source, ...] = ()
    note: str = ""
    answer: str = ""
    listing: Sources = Sources.FULL
    choices: tuple[tuple[Choice, ...], ...] = ()
    is_text: bool = False

    @property
    def openable(self) -> tuple[Source, ...]:
        """What stands under it with a number, to be opened by it."""
        return self.sources or self.nearest


@dataclass(frozen=True, slots=True)
class Problem:
    """Why there is no answer, or none beyond the deltas so far."""

    markdown: str


@dataclass(frozen=True, slots=True)
class DueDigest:
    """A digest that is to be sent: its `title` by itself, and the whole; it tells all that is new `until` a moment.

    `waiting` as in `Digest`.
    """

    person: Person
    name: str
    until: datetime
    title: str
    markdown: str
    with_gaps: bool = False
    waiting: Waiting = ()


CommandReply = Notice | SlowNotice | PersonForgotten | AskAgain | StudyRequest | TextWanted
Reply = Status | Delta | Final | Notice | PersonForgotten | Problem
