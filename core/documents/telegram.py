"""Telegram's export as JSON → talks: one for each chat and day.

In an export of everything, only groups and channels are read: private chats were never meant for everybody. Knows
nothing of files or passages.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from core.documents.chats import ChannelDay, ChatMessage, named

FILE = "result.json"  # what Telegram calls an export
_SHARED = ("group", "channel", "supergroup")
_MARKS = {"bold": "**", "italic": "_", "code": "`", "strikethrough": "~~"}


def export_of(data: bytes) -> dict[str, Any] | None:
    """The export in `data`, or None where it is some other JSON."""
    if b'"messages"' not in data:
        return None
    try:
        found = json.loads(data)
    except ValueError:
        return None
    is_chat = isinstance(found, dict) and isinstance(found.get("messages"), list) and "type" in found and "id" in found
    is_all = isinstance(found, dict) and isinstance(found.get("chats"), dict) and "list" in found["chats"]
    return found if is_chat or is_all else None


def talks(export: Mapping[str, Any]) -> Iterator[ChannelDay]:
    """What was said in each chat on each day."""
    for chat in _chats(export):
        texts = {message.get("id"): message for message in chat["messages"] if isinstance(message, dict)}
        by_day: dict[str, list[ChatMessage]] = defaultdict(list)
        for message in texts.values():
            said = _said(message, texts)
            if said:
                by_day[said.day].append(said)
        for day, said_that_day in sorted(by_day.items()):
            yield ChannelDay(named(chat.get("name") or "Chat"), day, tuple(said_that_day))


def leaves_out(export: Mapping[str, Any]) -> int:
    """How many private chats of an export are not read."""
    return len(export["chats"]["list"]) - len(_chats(export)) if "chats" in export else 0


def _chats(export: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if "chats" not in export:
        return [export]
    return [chat for chat in export["chats"]["list"] if str(chat.get("type", "")).endswith(_SHARED)]


def _said(message: Mapping[str, Any], texts: Mapping[Any, Mapping[str, Any]]) -> ChatMessage | None:
    text, moment = _text(message), str(message.get("date", ""))
    if message.get("type") != "message" or not text or "T" not in moment:
        return None
    day, _, time = moment.partition("T")
    answered = texts.get(message.get("reply_to_message_id"))
    to = _who(answered) if answered and answered.get("type") == "message" else ""
    return ChatMessage(_who(message), day, time[:5], text, to)


def _who(message: Mapping[str, Any]) -> str:
    return named(message.get("from") or message.get("from_id") or "somebody")


def _text(message: Mapping[str, Any]) -> str:
    parts = message.get("text", "")
    text = parts if isinstance(parts, str) else "".join(_part(part) for part in parts)
    file = message.get("file_name")
    return "\n".join(part for part in (text.strip(), f"(file: {file})" if file else "") if part)


def _part(part: Any) -> str:
    if isinstance(part, str):
        return part
    text = str(part.get("text", ""))
    if part.get("type") == "text_link":
        return f"[{text}]({part.get('href', '')})"
    if part.get("type") == "pre":
        return f"\n```\n{text}\n```\n"
    mark = _MARKS.get(part.get("type", ""), "")
    return f"{mark}{text}{mark}"
