"""Slack's export archives → talks: names for ids, threads gathered over days, what nobody wrote left out.

Reads public channels only: private ones and direct messages were never meant for everybody. Knows nothing of ZIP, files
or passages: parts come from a function.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from html import unescape
from typing import Any

from core.documents.chats import ChannelDay, ChatMessage, named, short
from core.documents.slack_words import whole_message
from core.errors import DocumentError

Read = Callable[[str], bytes]
"""The bytes of a part, by its name."""

_LISTS = {"channels.json", "users.json"}
_PRIVATE = {"groups.json", "dms.json", "mpims.json"}
_DAY = re.compile(r"\d{4}-\d\d-\d\d\.json")
_MARKUP = re.compile(r"<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>")
_STAMP = re.compile(r"[0-9]{1,10}(?:\.[0-9]{1,9})?")
_WRITTEN = {None, "bot_message", "thread_broadcast", "me_message", "file_share", "file_comment"}  # subtypes


def is_export(names: Iterable[str]) -> bool:
    """Whether an archive with parts of these names is a Slack export."""
    return set(names) >= _LISTS


def is_part(name: str) -> bool:
    """Whether a file of this name, by its path in the export, is one of those that are read here."""
    folder, _, file = name.rpartition("/")
    return bool(_DAY.fullmatch(file)) if folder else file in {*_LISTS, *_PRIVATE}


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
    people = {person["id"]: _person(person) for person in _json(read, "users.json")}
    listed = {channel["name"]: channel for channel in _json(read, "channels.json")}  # each is read once
    for channel in listed.values():
        messages = [message for name in days[channel["name"]] for message in _json(read, name)]
        yield from _talks(channel, messages, people)


def private_parts(names: Iterable[str]) -> list[str]:
    """The lists of private conversations that an export has."""
    return sorted(_PRIVATE & set(names))


def _talks(channel: Mapping[str, Any], messages: list[Any], people: Mapping[str, str]) -> Iterator[ChannelDay]:
    replies: dict[str, list[ChatMessage]] = defaultdict(list)
    roots: dict[str, dict[str, Any]] = {}
    for message in sorted(filter(_is_written, messages), key=lambda message: float(message["ts"])):
        thread = message.get("thread_ts", message["ts"])
        if thread == message["ts"] or thread not in roots:  # one whose beginning is not in the export stands alone
            roots[message["ts"]] = message
        else:
            replies[thread].append(_said(message, people))
    by_day: dict[str, list[ChatMessage]] = defaultdict(list)
    for ts, message in roots.items():
        said = _said(message, people, tuple(replies[ts]))
        by_day[said.day].append(said)
    topic = str((channel.get("purpose") or {}).get("value") or (channel.get("topic") or {}).get("value") or "")
    for day, said_that_day in sorted(by_day.items()):
        yield ChannelDay(f"#{named(channel['name'])}", day, tuple(said_that_day), _readable(topic, people))
        topic = short(topic)  # whole once: every day is a document


def _is_written(message: Any) -> bool:
    if not isinstance(message, dict) or not _STAMP.fullmatch(str(message.get("ts"))):
        return False
    return message.get("subtype") in _WRITTEN and bool(whole_message(message))


def _said(message: Mapping[str, Any], people: Mapping[str, str], replies: tuple[ChatMessage, ...] = ()) -> ChatMessage:
    moment = datetime.fromtimestamp(float(message["ts"]), UTC)
    given = message.get("username") or (message.get("user_profile") or {}).get("real_name")
    who = people.get(message.get("user", "")) or given or message.get("user") or "somebody"
    text = _readable(whole_message(message), people)
    return ChatMessage(named(who), moment.date().isoformat(), f"{moment:%H:%M}", text, replies=replies)


def _readable(text: str, people: Mapping[str, str]) -> str:
    """Slack's markup as Markdown."""

    def shown(match: re.Match[str]) -> str:
        sign, target, label = match[1], match[2], match[3]
        if sign == "@":
            return f"@{people.get(target) or label or target}"
        if sign == "#":
            return f"#{label or target}"
        if sign == "!":
            return f"@{(label or target).lstrip('@')}"
        return f"[{label}]({target})" if label and label != target else target

    return unescape(_MARKUP.sub(shown, text)).strip()


def _person(person: Mapping[str, Any]) -> str:
    profile = person.get("profile") or {}
    return named(profile.get("real_name") or person.get("real_name") or person.get("name") or person["id"])


def _json(read: Read, name: str) -> list[Any]:
    try:
        found = json.loads(read(name))
    except ValueError:
        raise DocumentError(f"Its part {name} is broken. Export it again.") from None
    if not isinstance(found, list):
        raise DocumentError(f"Its part {name} is not in Slack's format. Export it again.")
    return found
