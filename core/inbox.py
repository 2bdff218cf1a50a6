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
    (JSON) are the platform's own.
    """

    key: str
    conversation: Conversation
    person: Person
    kind: str
    body: str
    received_at: datetime


class Receipt(StrEnum):
    """What became of an event that was handed in."""

    ACCEPTED = "accepted"
    KNOWN = "known"  # it came before: nothing to do
    HURRIED = "hurried"  # the person, or the workspace, asks faster than is allowed
    CROWDED = "crowded"  # too many wait already
