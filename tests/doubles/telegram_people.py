"""How people use the double: they write, edit, press, react and leave; and what stands on their screens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.doubles.telegram_rules import BOT, part
from tests.doubles.telegram_server import Chat, TelegramDouble

Json = dict[str, Any]
WAIT = 90.0  # seconds until a test gives up; nothing is measured


@dataclass
class Shown:
    """A message as it stands on a screen."""

    id: int
    who: str
    text: str
    entities: list[Json] = field(default_factory=list)
    keyboard: list[list[str]] = field(default_factory=list)
    document: str = ""
    topic: int = 0
    edited: bool = False
    reply_to: int = 0

    def parts(self, kind: str) -> list[str]:
        """What stands in entities of that kind."""
        return [part(self.text, entity) for entity in self.entities if entity["type"] == kind]

    @property
    def buttons(self) -> list[str]:
        return [button for row in self.keyboard for button in row]


@dataclass
class Place:
    """A chat as one person, or nobody in particular, sees it."""

    double: TelegramDouble
    chat: Chat

    def shown(self, topic: int = 0) -> list[Shown]:
        """All messages that stand in the chat, or in one of its topics."""
        return [shown(m) for m in self.chat.messages.values() if not topic or m.get("message_thread_id") == topic]

    def said(self) -> list[Shown]:
        """What the bot said."""
        return [message for message in self.shown() if message.who == BOT["first_name"]]

    async def until(self, true: Callable[[Place], Any]) -> Any:
        """Wait until something is so; fails with what stands in the chat instead."""
        deadline = time.monotonic() + WAIT
        while not (found := true(self)):
            assert time.monotonic() < deadline, f"it never was so: {self.shown()}, {self.double.refused}"
            with suppress(TimeoutError):
                async with asyncio.timeout(0.05), self.double.changed:
                    await self.double.changed.wait()
        return found

    async def answered(self, count: int = 1, button: str = "👍") -> list[Shown]:
        """Wait for so many finished answers."""
        found = await self.until(lambda place: len(place.finished(button)) >= count and place.finished(button))
        return list(found)

    def finished(self, button: str = "👍") -> list[Shown]:
        return [message for message in self.said() if any(button in name for name in message.buttons)]


def shown(message: Json) -> Shown:
    keyboard = message.get("reply_markup", {}).get("inline_keyboard", [])
    return Shown(
        message["message_id"],
        message["from"]["first_name"],
        str(message.get("text", message.get("caption", ""))),
        message.get("entities", []),
        [[button["text"] for button in row] for row in keyboard],
        message.get("document", {}).get("file_name", ""),
        message.get("message_thread_id", 0),
        "edit_date" in message,
        message.get("reply_to_message", {}).get("message_id", 0),
    )


@dataclass
class User:
    """Somebody with an account. `private` is their chat with the bot."""

    double: TelegramDouble
    id: int
    name: str
    language: str = "en"

    def __post_init__(self) -> None:
        about = {"id": self.id, "is_bot": False, "first_name": self.name, "language_code": self.language}
        self.double.users[self.id] = self.json = about
        self.private = Place(self.double, Chat(self.id, "private", self.name))
        self.double.chats[self.id] = self.private.chat

    async def say(self, text: str, place: Place | None = None, **more: Any) -> int:
        """Write a message. Returns its id."""
        entities = (
            [{"type": "bot_command", "offset": 0, "length": len(text.split(maxsplit=1)[0])}] if text[:1] == "/" else []
        )
        at = text.find(f"@{BOT['username']}")
        if at >= 0 and not entities:
            entities.append({"type": "mention", "offset": at, "length": len(BOT["username"]) + 1})
        return await self.send({"text": text, "entities": entities, **more}, place)

    async def send(self, content: Json, place: Place | None = None) -> int:
        """Send anything: `content` is what the message has beside who, when and where."""
        place = place or self.private
        topic, reply = content.pop("topic", 0), content.pop("reply_to", 0)
        chat = place.chat
        message = {"chat": chat.json, "from": self.json, "date": int(time.time()), **content}
        message["message_id"] = self.double.new_message_id(chat)
        if topic:
            message |= {"message_thread_id": topic, "is_topic_message": True}
        if reply:
            kept = chat.messages[reply]
            message["reply_to_message"] = {key: kept[key] for key in kept if key != "reply_to_message"}
        chat.messages[message["message_id"]] = message
        if self._reaches_bot(chat, message):
            await self.double.post("message", message)
        return int(message["message_id"])

    def _reaches_bot(self, chat: Chat, message: Json) -> bool:
        """In groups, with privacy on and no rights, only commands, mentions of the bot and replies to it do."""
        sees_all = not self.double.privacy or chat.members.get(BOT["id"]) == "administrator"
        if chat.type == "private" or sees_all or chat.gone:
            return not chat.gone
        entities = message.get("entities", []) + message.get("caption_entities", [])
        text = str(message.get("text", message.get("caption", "")))
        called = any(f"@{BOT['username']}" in part(text, entity) for entity in entities if entity["type"] == "mention")
        command = any(entity["type"] == "bot_command" for entity in entities)
        replied = message.get("reply_to_message", {}).get("from", {}).get("id") == BOT["id"]
        return called or command or replied

    async def edit(self, message_id: int, text: str, place: Place | None = None) -> None:
        message = (place or self.private).chat.messages[message_id]
        message |= {"text": text, "edit_date": int(time.time())}
        await self.double.post("edited_message", message)

    async def press(self, label: str, message: Shown, place: Place | None = None) -> str:
        """Press the first button whose label has `label` in it. Returns the id of the query."""
        kept = (place or self.private).chat.messages[message.id]
        rows = kept.get("reply_markup", {}).get("inline_keyboard", [])
        found = [button for row in rows for button in row if label in button["text"]]
        assert found, f"no button {label!r} in {rows}"
        return await self.press_data(found[0]["callback_data"], kept)

    async def press_data(self, data: str, message: Json) -> str:
        query = f"q{len(self.double.queries) + 1}"
        self.double.queries[query] = time.monotonic()
        pressed = {"id": query, "from": self.json, "message": message, "chat_instance": "1", "data": data}
        await self.double.post("callback_query", pressed)
        return query

    async def react(self, message_id: int, emoji: str, place: Place | None = None) -> None:
        """React to a message; an empty emoji takes the reaction back."""
        chat = (place or self.private).chat
        before = chat.reactions.get((message_id, self.id), [])
        after = [emoji] if emoji else []
        chat.reactions[message_id, self.id] = after
        old, new = ([{"type": "emoji", "emoji": one} for one in each] for each in (before, after))
        about = {"chat": chat.json, "message_id": message_id, "user": self.json, "date": int(time.time())}
        await self.double.post("message_reaction", {**about, "old_reaction": old, "new_reaction": new})

    async def stop_draft(self) -> None:
        """Press the stop button that Telegram shows beside a draft, where the bot asked for one."""
        number, draft = next(iter(self.private.chat.drafts.items()))
        assert draft["can_stop"]
        await self.double.post("stopped_message_generation", {"chat": self.private.chat.json, "draft_id": number})

    async def upload(self, name: str, data: bytes, place: Place | None = None, **more: Any) -> int:
        """Send a document; `size` can claim another size."""
        id_ = f"doc{len(self.double.files)}"
        file = {"file_id": id_, "file_unique_id": id_, "file_size": more.pop("size", len(data))}
        self.double.files[id_] = file
        self.double.uploads[f"documents/{id_}"] = data
        return await self.send({"document": {**file, "file_name": name}, **more}, place)

    async def block(self) -> None:
        self.private.chat.gone = "bot was blocked by the user"
        await self._membership(self.private.chat, "member", "kicked")

    async def _membership(self, chat: Chat, old: str, new: str) -> None:
        states = [
            {"user": BOT, "status": status, **({"until_date": 0} if status == "kicked" else {})}
            for status in (old, new)
        ]
        about = {"chat": chat.json, "from": self.json, "date": int(time.time())}
        await self.double.post("my_chat_member", {**about, "old_chat_member": states[0], "new_chat_member": states[1]})

    async def add_bot(self, place: Place) -> None:
        await self._membership(place.chat, "left", "member")

    async def remove_bot(self, place: Place) -> None:
        place.chat.gone = "bot was kicked from the supergroup chat"
        await self._membership(place.chat, "member", "kicked")


def group(
    double: TelegramDouble, id_: int = -100_500, *members: User, forum: bool = False, title: str = "Team"
) -> Place:
    """A group with the bot in it."""
    chat = Chat(id_, "supergroup", title, is_forum=forum)
    chat.members = {member.id: "member" for member in members} | {BOT["id"]: "member"}
    double.chats[id_] = chat
    return Place(double, chat)


def topic(place: Place, id_: int) -> int:
    place.chat.topics.add(id_)
    return id_
