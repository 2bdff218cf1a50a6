"""What platforms deliver, as it waits to be handled: once each, and in order in each conversation.

Pure nouns; the port `Inbox` keeps them. Knows no platform, and nothing of what is in a body.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.domain import Conversation, Person


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a platform sent and that is to be handled once: a question, a pressed button, a reaction.

    `key` begins with the platform's name and is the same however often the platform sends it. `kind` and `body`
    (JSON) are the platform's own. What asks for an answer counts against the limits of how fast people may ask; set
    `asks` False for the rest, such as a pressed button. `language` is the person's, such as `de`, where it is known.
    """

    key: str
    conversation: Conversation
    person: Person
    kind: str
    body: str
    received_at: datetime
    asks: bool = True
    language: str = ""


class Receipt(StrEnum):
    """What became of an event that was handed in."""

    ACCEPTED = "accepted"
    KNOWN = "known"  # it came before: nothing to do
    HURRIED = "hurried"  # the person, or the workspace, asks faster than is allowed
    CROWDED = "crowded"  # too many wait already
    HUSHED = "hushed"  # hurried or crowded again, soon after the person was told: say nothing


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much people may hand in. A minute's worth may come at once."""

    person_minute: int = 20
    workspace_minute: int = 200
    waiting: int = 500  # of everybody together, what is being answered included
    share: float = 0.5  # of `waiting` that one person may take


@dataclass(frozen=True, slots=True)
class Claim:
    """An event that one worker has for itself, as long as it renews the lease.

    `token` names the claim. `deaths` counts the workers that held the event and were not heard of again; `shown` is
    what they had the platform show. `ended`: all of it was seen, only nobody said so. `stopped`: the person wants no
    answer any more.
    """

    event: Event
    token: str
    attempt: int
    deaths: int = 0
    shown: tuple[str, ...] = ()
    ended: bool = False
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class WaitingEvent:
    """An event that has waited for a while, held so that the person can be told: `ahead` others come first."""

    claim: Claim
    ahead: int


class Lease(StrEnum):
    """How it stands with a claim."""

    HELD = "held"
    STOPPED = "stopped"  # held, and the person wants no answer any more
    LOST = "lost"  # it was not renewed in time, and another worker has the event


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that was given up."""

    event: Event
    reason: str
    attempts: int
    at: datetime


EVENT, DEAD_LETTER = "event", "dead letter"


@dataclass(frozen=True, slots=True)
class UnreadableItem:
    """Something that is kept and cannot be read here: its kind, its name, and why. Nothing waits for it.

    Of an `EVENT` or a `DEAD_LETTER` the name is its key, which `retry` and `drop` take.
    """

    kind: str
    key: str
    reason: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Depth:
    """How full the inbox is. `oldest` is the age in seconds of what came first and has no end yet.

    `aside` counts what was set aside since it cannot be read.
    """

    waiting: int
    working: int
    dead: int
    oldest: float
    aside: int = 0
