"""Telegram's export as JSON → talks: one for each chat and day.

In an export of everything, only groups and channels are read: private chats were never meant for everybody. A poll, a
checklist, a contact and a place are put in words here, for live messages, too. Knows nothing of files or passages.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from core.documents.chats import ChannelDay, ChatMessage, named
from core.text.words import words_of

FILE = "result.json"  # what Telegram calls an export
_SHARED = ("group", "channel", "supergroup")
_MARKS = {"bold": "**", "italic": "_", "code": "`", "strikethrough": "~~"}
# What is said beside a message, or put in words of its own; whatever else is an object is read, too.
_KNOWN = words_of(
    "text text_entities poll todo_list contact_information location_information inline_bot_buttons reactions "
    "contact_vcard forwarded_from from"
)
_READ = words_of("title name question text description caption explanation url link game_title")  # of such an object
_FLAT = ("game_title", "game_description", "performer", "title")

Json = Mapping[str, Any]


def export_of(data: bytes) -> dict[str, Any] | None:
    """The export in `data`, or None where it is some other JSON."""
    if b'"messages"' not in data:
        return None
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return None
    is_chat = isinstance(found, dict) and isinstance(found.get("messages"), list) and "type" in found and "id" in found
    is_all = isinstance(found, dict) and isinstance(found.get("chats"), dict) and "list" in found["chats"]
    return found if is_chat or is_all else None


def talks(export: Json) -> Iterator[ChannelDay]:
    """What was said in each chat on each day."""
    for chat in _shared(export):
        by_id = {_id(message): message for message in _each(chat.get("messages"))}
        topics = _topics(by_id)
        by_day: dict[str, list[ChatMessage]] = defaultdict(list)
        for number, message in by_id.items():
            said = _said(message, by_id, topics.get(number, ""))
            if said:
                by_day[said.day].append(said)
        for day, said_that_day in sorted(by_day.items()):
            yield ChannelDay(named(chat.get("name") or "Chat"), day, tuple(said_that_day))


def left_out(export: Json) -> str:
    """What of an export is not read, as sentences."""
    chats = _shared(export)
    notes = ["Private chats in the export were left out."] if len(chats) < len(_chats(export)) else []
    silent = Counter(
        _text(message.get("media_type")).replace("_", " ") or ("photo" if "photo" in message else "message")
        for chat in chats
        for message in _each(chat.get("messages"))
        if message.get("type") == "message" and not _words(message)
    )
    if silent:
        kinds = ", ".join(f"{count} × {kind}" for kind, count in sorted(silent.items()))
        notes.append(f"Messages without a word were left out ({kinds}).")
    return " ".join(notes)


def _chats(export: Json) -> list[Json]:
    return list(_each(export["chats"]["list"])) if "chats" in export else [export]


def _shared(export: Json) -> list[Json]:
    chats = _chats(export)
    return [chat for chat in chats if str(chat.get("type", "")).endswith(_SHARED)] if "chats" in export else chats


def _each(value: Any) -> Iterator[Json]:
    return (each for each in value if isinstance(each, dict)) if isinstance(value, list) else iter(())


def _id(message: Json) -> str:
    return str(message.get("id"))


def _topics(by_id: Mapping[str, Json]) -> dict[str, str]:
    """The topic of a forum that each message stands in: what is said there answers its beginning, directly or not."""
    topics: dict[str, str] = {}
    for number, message in by_id.items():
        if message.get("action") == "topic_created":
            topics[number] = named(_text(message.get("title")))
        elif "reply_to_peer_id" not in message and (topic := topics.get(str(message.get("reply_to_message_id")))):
            topics[number] = topic
    return topics


def _said(message: Json, by_id: Mapping[str, Json], topic: str) -> ChatMessage | None:
    text, moment = _words(message), str(message.get("date", ""))
    if message.get("type") != "message" or not text or "T" not in moment:
        return None
    day, _, time = moment.partition("T")
    here = "reply_to_peer_id" not in message  # else it answers what was said in another chat
    answered = by_id.get(str(message.get("reply_to_message_id"))) if here else None
    to = _who(answered) if answered and answered.get("type") == "message" else ""
    if "forwarded_from" in message:  # null where the account is gone
        text = f"Forwarded from {named(message['forwarded_from'] or 'somebody')}:\n{text}"
    return ChatMessage(_who(message), day, time[:5], text, to, topic=topic)


def _who(message: Json) -> str:
    return named(message.get("from") or message.get("author") or message.get("from_id") or "somebody")


# What a message says


def _words(message: Json) -> str:
    """The text, then what comes with it."""
    file = message.get("file_name")
    parts = [
        _text(message.get("text") or message.get("text_entities")),
        _poll(message.get("poll")),
        _todo(message.get("todo_list")),
        _contact(message.get("contact_information")),
        _place(message),
        *(_text(message.get(name)) for name in _FLAT),
        *("\n".join(_strings(value)) for name, value in message.items() if name not in _KNOWN),
        f"(file: {file})" if file else "",
    ]
    return "\n".join(part for part in parts if part)


def _text(value: Any) -> str:
    """A text, or its parts, as Markdown."""
    parts = value if isinstance(value, list) else [value]
    return "".join(map(_part, parts)).strip()


def _part(part: Any) -> str:
    if not isinstance(part, dict):
        return part if isinstance(part, str) else ""
    kind, text = str(part.get("type", "")), str(part.get("text", ""))
    if kind == "text_link":
        return f"[{text}]({part.get('href', '')})"
    if kind == "pre":
        return f"\n```{part.get('language') or ''}\n{text}\n```\n"
    if kind == "blockquote":
        return "\n" + "\n".join(f"> {line}" for line in text.splitlines()) + "\n"
    mark = _MARKS.get(kind, "")
    return f"{mark}{text}{mark}"


def _poll(poll: Any) -> str:
    if not isinstance(poll, dict):
        return ""
    answers = [(_text(answer.get("text")), answer.get("voters")) for answer in _each(poll.get("answers"))]
    return poll_words(_text(poll.get("question")), answers)


def _todo(todo: Any) -> str:
    if not isinstance(todo, dict):
        return ""
    tasks = [*_each(todo.get("answers")), *_each(todo.get("items"))]
    done = [bool(task.get("completed_by") or task.get("completed") or task.get("done")) for task in tasks]
    return checklist_words(
        _text(todo.get("title")), zip((_text(task.get("text")) for task in tasks), done, strict=True)
    )


def _contact(contact: Any) -> str:
    if not isinstance(contact, dict):
        return ""
    name = f"{_text(contact.get('first_name'))} {_text(contact.get('last_name'))}"
    return contact_words(name, _text(contact.get("phone_number")))


def _place(message: Json) -> str:
    where = message.get("location_information")
    at = (where.get("latitude"), where.get("longitude")) if isinstance(where, dict) else ()
    return place_words([_text(message.get("place_name")), _text(message.get("address"))], at)


def _strings(value: Any) -> Iterator[str]:
    """What can be read in an object of unknown shape."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield from (text for name, text in each.items() if name in _READ and isinstance(text, str) and text)
            waiting += [inner for inner in reversed(each.values()) if isinstance(inner, dict | list)]
        elif isinstance(each, list):
            waiting += reversed(each)


def poll_words(
    question: str, options: Iterable[tuple[str, Any]], *, right: Collection[int] = (), because: str = ""
) -> str:
    """A poll or a quiz: what is asked, what one can choose, how many chose it, and what is right."""
    lines = [f"Poll: {question}"]
    for place, (text, voters) in enumerate(options):
        votes = f" ({voters} {'vote' if voters == 1 else 'votes'})" if isinstance(voters, int) and voters else ""
        lines.append(f"- {text}{votes}{' ✓' if place in right else ''}")
    return "\n".join([*lines, because] if because else lines)


def checklist_words(title: str, tasks: Iterable[tuple[str, bool]]) -> str:
    """A checklist and its tasks, with those that are done."""
    return "\n".join([title, *(f"- {'✓ ' if done else ''}{text}" for text, done in tasks)]).strip()


def contact_words(name: str, phone: str) -> str:
    """Somebody's name and number."""
    return f"Contact: {', '.join(part for part in (' '.join(name.split()), phone) if part)}"


def place_words(names: Sequence[str], at: Sequence[Any]) -> str:
    """A place by its name and address, and where it is."""
    where = [*(name for name in names if name), ", ".join(str(number) for number in at)]
    said = ", ".join(part for part in where if part)
    return f"Place: {said}" if said else ""
