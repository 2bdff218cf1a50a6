"""Who may see which words, by the rules alone: what `evals.readers` holds against what the product shows.

Where a change of a document was cut off, the words and readers before and after it may be shown; nothing else ever.
Knows nothing of the product.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

EVERYONE = "everyone"
WORKSPACE = "workspace:slack/T1"
CHANNELS = ("C1", "C2", "C3")
PEOPLE = ("ANN", "BEN", "CAT", "GUS")
GUEST = "GUS"  # of whom the workspace's documents are none of their business
Readers = tuple[str, ...]


def channel_name(channel: str) -> str:
    """The reader's name of a channel."""
    return f"channel:slack/T1/{channel}"


def person_name(user: str) -> str:
    """The reader's name of a person."""
    return f"person:slack/T1/{user}"


ALL_READERS: tuple[Readers, ...] = (
    (EVERYONE,),
    (WORKSPACE,),
    *((channel_name(channel),) for channel in CHANNELS),
    *((person_name(user),) for user in PEOPLE),
    (channel_name("C1"), person_name("BEN")),
)


@dataclass(frozen=True, slots=True)
class Version:
    """What a document says, and for whom."""

    words: frozenset[str]
    readers: Readers


@dataclass
class Known:
    """A document. Several versions where a change was cut off, none where it is gone."""

    versions: list[Version]

    def becomes(self, *versions: Version) -> None:
        """It is this now."""
        self.versions = list(versions)


@dataclass
class Ledger:
    """Documents by name, and who belongs to which channel."""

    documents: dict[str, Known] = field(default_factory=dict)
    members: dict[str, set[str]] = field(
        default_factory=lambda: {"C1": {"ANN", "BEN", "GUS"}, "C2": {"BEN", "CAT"}, "C3": {"ANN"}}
    )

    def visible(self, audience: Collection[str]) -> frozenset[str]:
        """The words that may be shown to an audience."""
        return frozenset().union(
            *(
                version.words
                for document in self.documents.values()
                for version in document.versions
                if not set(version.readers).isdisjoint(audience)
            )
        )

    def alone(self, user: str) -> frozenset[str]:
        """What somebody may see in private: also what their channels may."""
        own = {EVERYONE, person_name(user), *map(channel_name, self.channels_of(user))}
        return frozenset(own if user == GUEST else {*own, WORKSPACE})

    def channels_of(self, user: str) -> frozenset[str]:
        """The channels that somebody belongs to."""
        return frozenset(channel for channel, members in self.members.items() if user in members)


def together(channel: str) -> frozenset[str]:
    """What a channel may see. Its guests read along, as they read everything else there."""
    return frozenset({EVERYONE, WORKSPACE, channel_name(channel)})
