"""Slack's export archives → talks: names for ids, threads gathered over days, what nobody wrote left out.

Reads public channels only: private ones and direct messages were never meant for everybody. Knows nothing of ZIP, files
or passages, nor of how a message is read: parts come from a function.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from html import unescape
from pathlib import PurePosixPath

from core.documents.chats import ChannelDay, ChatMessage, named, short
from core.documents.slack_words import Json, whole_message
from core.errors import DocumentError

Read = Callable[[str], bytes]
"""The bytes of a part, by its name."""

SHOWN_PARTS = 5  # of those left out that are named

_PEOPLE = ("users.json", "org_users.json")  # the latter of an organisation with several workspaces
_CHANNELS = "channels.json"
_PRIVATE = {"groups.json", "dms.json", "mpims.json"}
_DAY = re.compile(r"\d{4}-\d\d-\d\d\.json")
_MARKUP = re.compile(r"<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>")
_STAMP = re.compile(r"[0-9]{1,10}(?:\.[0-9]{1,9})?")
_GROUPS = r"(?:channel|group|im|mpim)_"
# Subtypes of what a program notes down: who came and went, what was pinned or deleted. All others are what was written.
_NOTED = re.compile(
    rf"{_GROUPS}.*|bot_(?:add|remove|enable|disable)|tombstone|(?:un)?pinned_item|message_(?:deleted|replied|changed)"
    r"|ekm_access_denied|app_conversation_.*|joiner_notification.*|reminder_(?:add|delete)|huddle_thread|sh_room_.*"
    r"|(?:tabbed_)?canvas_updated|document_mention|assistant_app_thread"
)


def is_export(names: Iterable[str]) -> bool:
    """Whether an archive with parts of these names is a Slack export."""
    parts = set(names)
    return _CHANNELS in parts and not parts.isdisjoint(_PEOPLE)


def root_of(names: Iterable[str]) -> str | None:
    """The folder of an archive that is a Slack export, with a slash behind it; empty where all of it is."""
    parts = set(names)
    roots = (name.removesuffix(_CHANNELS) for name in sorted(parts) if PurePosixPath(name).name == _CHANNELS)
    return next((root for root in roots if any(f"{root}{people}" in parts for people in _PEOPLE)), None)


def is_part(name: str) -> bool:
    """Whether a file of this name, by its path in the export, is one of those that are read here."""
    folder, _, file = name.rpartition("/")
    return bool(_DAY.fullmatch(file)) if folder else file in {_CHANNELS, *_PEOPLE, *_PRIVATE}


def talks(names: Iterable[str], read: Read) -> Iterator[ChannelDay]:
    """What was said in each public channel on each day.

    Raises:
        DocumentError: the export is not as Slack makes it.
    """
    days = defaultdict(list)
    for name in sorted(names):
        folder, _, file = name.rpartition("/")
        if _DAY.fullmatch(file):
            days[folder].append(name)
    channels = _channels(read)
    called = {str(channel.get("id")): named(name) for name, channel in channels.items()}
    for part in sorted({*names} & {*_PEOPLE}):
        called |= {str(person.get("id")): _person(person) for person in _json(read, part)}
    for name, channel in channels.items():
        messages = _as_they_stand(message for part in days[name] for message in _json(read, part))
        yield from _talks(channel, messages, called)


def beside(names: Iterable[str], read: Read) -> tuple[list[str], str]:
    """What lies in an export beside its messages and may be read as documents, and a note on what is left out.

    A canvas or a file is everybody's where all of the export is, or where it lies with a public channel's messages.
    """
    others = [name for name in names if not is_part(name)]
    private = private_parts(names)
    public = _channels(read)
    open_to_all = [
        name
        for name in others
        if not name.endswith(".json") and (not private or ("/" in name and name.partition("/")[0] in public))
    ]
    left = sorted({*others} - {*open_to_all})
    shown = ", ".join(left[:SHOWN_PARTS]) + (f" and {len(left) - SHOWN_PARTS} more" if len(left) > SHOWN_PARTS else "")
    notes = [f"Private conversations in the export were left out ({', '.join(private)})."] if private else []
    notes += [f"Parts of the export that hold no messages were left out: {shown}."] if left else []
    return open_to_all, " ".join(notes)


def private_parts(names: Iterable[str]) -> list[str]:
    """The lists of private conversations that an export has."""
    return sorted(_PRIVATE & set(names))


def _channels(read: Read) -> dict[str, Json]:
    """Each channel once, by its name."""
    return {str(channel.get("name")): channel for channel in _json(read, _CHANNELS)}


def _as_they_stand(messages: Iterable[Json]) -> list[Json]:
    """The messages as they are now, where an export notes down how they were changed or deleted."""
    standing: dict[str, Json] = {}
    for message in messages:
        inner = message.get("message")
        if message.get("subtype") == "message_deleted":
            standing.pop(str(message.get("deleted_ts")), None)
        elif message.get("subtype") == "message_changed" and isinstance(inner, dict):
            standing[str(inner.get("ts"))] = inner
        else:
            standing[f"{message.get('ts')}"] = message
    return list(standing.values())


def _talks(channel: Json, messages: list[Json], called: Mapping[str, str]) -> Iterator[ChannelDay]:
    replies: dict[str, list[ChatMessage]] = defaultdict(list)
    roots: dict[str, Json] = {}
    for message in sorted(filter(_is_written, messages), key=lambda message: float(message["ts"])):
        thread = str(message.get("thread_ts") or message["ts"])
        if thread == message["ts"] or thread not in roots:  # one whose beginning is not in the export stands alone
            roots[message["ts"]] = message
        else:
            replies[thread].append(_said(message, called))
    by_day: dict[str, list[ChatMessage]] = defaultdict(list)
    for ts, message in roots.items():
        said = _said(message, called, tuple(replies[ts]))
        by_day[said.day].append(said)
    about = (channel.get(name) for name in ("purpose", "topic"))
    topic = next((str(one["value"]) for one in about if isinstance(one, dict) and one.get("value")), "")
    for day, said_that_day in sorted(by_day.items()):
        yield ChannelDay(f"#{named(channel.get('name'))}", day, tuple(said_that_day), _readable(topic, called))
        topic = short(topic)  # whole once: every day is a document


def _is_written(message: Json) -> bool:
    if not _STAMP.fullmatch(str(message.get("ts"))) or _NOTED.fullmatch(str(message.get("subtype") or "")):
        return False
    return bool(whole_message(message))


def _said(message: Json, called: Mapping[str, str], replies: tuple[ChatMessage, ...] = ()) -> ChatMessage:
    moment = datetime.fromtimestamp(float(message["ts"]), UTC)
    profiles = [message.get(name) for name in ("user_profile", "bot_profile")]
    given = [profile.get(key) for profile in profiles if isinstance(profile, dict) for key in ("real_name", "name")]
    user = str(message.get("user") or "")
    who = next(filter(None, (called.get(user), message.get("username"), *given, user, "somebody")))
    text = _readable(whole_message(message), called)
    return ChatMessage(named(who), moment.date().isoformat(), f"{moment:%H:%M}", text, replies=replies)


def _readable(text: str, called: Mapping[str, str]) -> str:
    """Slack's markup as Markdown; `called` has the names of people and channels by their ids."""

    def shown(match: re.Match[str]) -> str:
        sign, target, label = match[1], match[2], match[3]
        if sign == "@":
            return f"@{called.get(target) or label or target}"
        if sign == "#":
            return f"#{label or called.get(target) or target}"
        if sign == "!":
            return label if target.startswith("date^") and label else f"@{(label or target).lstrip('@')}"
        return f"[{label}]({target})" if label and label != target else target

    return unescape(_MARKUP.sub(shown, text)).strip()


def _person(person: Json) -> str:
    profile = person.get("profile")
    real = profile.get("real_name") if isinstance(profile, dict) else ""
    return named(real or person.get("real_name") or person.get("name") or person.get("id"))


def _json(read: Read, name: str) -> list[Json]:
    try:
        found = json.loads(read(name))
    except (ValueError, RecursionError):
        raise DocumentError(f"Its part {name} is broken. Export it again.") from None
    if not isinstance(found, list):
        raise DocumentError(f"Its part {name} is not in Slack's format. Export it again.")
    return [each for each in found if isinstance(each, dict)]
