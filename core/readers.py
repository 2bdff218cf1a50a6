"""Who may see what: a document names its readers, a message has an audience, and one of both must be the same.

A reader is one name: `everyone`, `workspace:slack/T1`, `channel:slack/T1/C1` or `person:slack/T1/U1`. The audience of a
message is all that its answer may be made of: where others read the answer too, what every one of them may see, and not
what the asker alone may. Attune's own guides have a reader that nobody is (`core.answering.guides`). Pure; knows
nothing of what is in a file, of stores or of platforms.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import PurePath
from types import MappingProxyType
from urllib.parse import quote

from core.domain import EVERYONE, Conversation, Message, Person
from core.errors import ConfigurationError

Readers = tuple[str, ...]
"""Names, sorted, each once, at least one."""

GUIDES = "guides"
"""The reader of Attune's own guides. It is in no message's audience, and nobody can name it for a document."""

_NAME = re.compile(r"everyone|workspace:[^/\s]+/[^/\s]*|(?:channel|person):[^/\s]+/[^/\s]*/[^/\s]+")


def workspace_reader(platform: str, workspace: str) -> str:
    """Everybody of a workspace."""
    return f"workspace:{_path(platform, workspace)}"


def channel_reader(platform: str, workspace: str, channel: str) -> str:
    """The members of a channel or group."""
    return f"channel:{_path(platform, workspace, channel)}"


def person_reader(person: Person) -> str:
    """One person."""
    return f"person:{_path(person.platform, person.workspace, person.user)}"


def audience(message: Message) -> frozenset[str]:
    """The readers' names that an answer to `message` may draw on."""
    if message.speaks_for:
        return message.speaks_for
    person, place = message.person, message.conversation
    everybody = {EVERYONE, *([workspace_reader(place.platform, place.workspace)] if message.insiders else ())}
    if not message.private:
        return frozenset(everybody | {place_reader(place)})
    channels = {channel_reader(place.platform, place.workspace, channel) for channel in message.channels}
    return frozenset(everybody | channels | {person_reader(person)})


def alone(person: Person) -> frozenset[str]:
    """The names of somebody of whose channels nothing is known."""
    return frozenset({EVERYONE, workspace_reader(person.platform, person.workspace), person_reader(person)})


def names_with(reader: str) -> frozenset[str]:
    """The names that whoever has the name `reader` surely has, too."""
    kind, _, path = reader.partition(":")
    workspace = "/".join(path.split("/")[:2])
    return frozenset({EVERYONE, reader, *([f"workspace:{workspace}"] if kind in {"channel", "person"} else ())})


def place_reader(place: Conversation) -> str:
    """All who read there, where a place is shared."""
    return channel_reader(place.platform, place.workspace, place.channel)


def shown_in(place: Conversation, seen_by: Collection[str]) -> bool:
    """Whether an answer for the audience `seen_by` was shown to all of a shared place."""
    return place_reader(place) in seen_by and not any(name.startswith("person:") for name in seen_by)


def may_see(readers: Collection[str], names: Collection[str]) -> bool:
    """Whether a document of these readers may be shown to an audience of these names. The guides are no secret."""
    return not {GUIDES, *names}.isdisjoint(readers)


def checked(names: Iterable[str]) -> Readers:
    """Readers as someone wrote them.

    Raises:
        ConfigurationError: one of them is no reader's name, or there is none.
    """
    readers = tuple(sorted({name.strip() for name in names}))
    wrong = next((name for name in readers if not _NAME.fullmatch(name)), None)
    if wrong is not None or not readers:
        what = f"'{wrong}' is not a valid reader" if readers else "No reader is given"
        raise ConfigurationError(
            f"{what}. Write everyone, workspace:slack/T012, channel:slack/T012/C345, channel:telegram//-100678 or "
            "person:slack/T012/U901."
        )
    return readers


def _path(*parts: str) -> str:
    return "/".join(quote(part, safe="@:+-") for part in parts)


def inherited(
    file: PurePath,
    root: PurePath,
    held: Mapping[PurePath, Collection[Readers]],
    decided: Mapping[PurePath, Readers] = MappingProxyType({}),
    default: Readers | None = (EVERYONE,),
) -> Readers | None:
    """The readers of a new file below `root`: those of the documents beside it, or else in the nearest folder above.

    `held` has the readers of the documents that stand directly in each folder, as far as somebody named them, `decided`
    those that a folder was named for, which hold for what comes into it, above `root` too. `default` where there are
    neither. None where they differ, as a guess could show a file to those it was not meant for.
    """
    for folder in file.parents:
        here = {*(held.get(folder, ()) if folder.is_relative_to(root) else ()), *_one(decided.get(folder))}
        if here:
            return here.pop() if len(here) == 1 else None
    below = {readers for folder, each in held.items() if folder.is_relative_to(root) for readers in each}
    if not below:
        return default
    return below.pop() if len(below) == 1 else None


def _one(readers: Readers | None) -> tuple[Readers, ...]:
    return () if readers is None else (readers,)
