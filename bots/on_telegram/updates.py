"""Telegram's updates → what somebody did.

An update becomes one `Incoming` or nothing: what is not for the bot is left alone. Knows nothing of the network, of who
may ask, or of answers.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

from telegram import (
    CallbackQuery,
    Chat,
    ChatMember,
    Message,
    MessageEntity,
    MessageOriginChannel,
    MessageOriginChat,
    MessageOriginHiddenUser,
    MessageOriginUser,
    MessageReactionUpdated,
    ReactionTypeEmoji,
    Update,
    User,
)

from bots.courtesies import is_thanks
from bots.on_telegram.events import PLATFORM, WORKSPACE, Incoming, UpdateKind, sound
from bots.on_telegram.words import READABLE, is_quote, quoted_in, replied_to, words_of
from core.documents.archives import is_readable
from core.domain import Person
from core.threads.chats import ChatPost
from core.threads.requests import thread_request

SOMEBODY = "somebody"
GENERAL_TOPIC = 1  # of a forum: has to be left out when something is sent there
ALLOWED_UPDATES = (
    "message",
    "edited_message",
    "callback_query",
    "message_reaction",
    "my_chat_member",
    "chat_member",  # sent to administrators only
    "stopped_message_generation",  # Bot API 10.3
)
_APPROVING = frozenset("👍❤🔥🥰👏😁🎉🤩🙏👌💯🤣⚡🏆😍🤗🫡🆒💘😘😎")
_DISAPPROVING = frozenset("👎🤔🤬😢🤮💩🤡🥱🥴💔🤨😐🖕😡🙈")
_NAMING: list[str | None] = [MessageEntity.MENTION, MessageEntity.TEXT_MENTION, MessageEntity.BOT_COMMAND]
_REFUSED = (
    *("voice", "video_note", "audio", "photo", "video", "animation", "sticker", "location", "contact", "poll"),
    *("dice", "game", "story", "paid_media", "checklist"),
)


_PHOTO = "photo.jpg"  # what Telegram makes of every photo; it has no name


def event_key(bot: int, update: Update) -> str:
    """The same however often Telegram sends an update, and for all photos of an album."""
    album = update.message.media_group_id if update.message and not _brings_file(update.message) else None
    return f"{PLATFORM}:{bot}:album-{album}" if album else f"{PLATFORM}:{bot}:{update.update_id}"


def read(update: Update, me: User) -> Incoming | None:
    """What `update` asks of the bot `me`; None where it is not meant for it.

    Raises:
        NotUnderstoodError: something in it is not of its type; what the library says of others is raised, too.
    """
    incoming = _meant(update, me)
    return None if incoming is None else sound(replace(incoming, at=min(incoming.at, datetime.now(UTC))))


def _meant(update: Update, me: User) -> Incoming | None:
    if update.message is not None:
        return _message(update.message, me, edited=False)
    if update.edited_message is not None:
        return _message(update.edited_message, me, edited=True)
    if update.callback_query is not None:
        return _tap(update.callback_query)
    if update.message_reaction is not None:
        return _reaction(update.message_reaction)
    if update.my_chat_member is not None:
        return _joined(update)
    return _stopped(update)


def overheard(update: Update, me: User) -> tuple[int, ChatPost] | None:
    """What somebody wrote in a group to the others, and in which; None where it says nothing.

    What asks the bot for something is nothing of it; where a message becomes that, its words are gone.
    """
    message = update.message or update.edited_message
    if message is None or message.chat.type not in {Chat.GROUP, Chat.SUPERGROUP} or message.is_automatic_forward:
        return None
    user, chat = message.from_user, message.sender_chat
    said, addressed = _addressed(message, me)
    aside = _is_command(message) or (addressed and thread_request(said) is not None)
    text = "" if aside else said if addressed else words_of(message)
    if user is None or (user.is_bot and chat is None) or not (text.strip() or (aside and update.edited_message)):
        return None
    if chat is not None and chat.id != message.chat.id:  # as a channel: nobody who was let in
        return None
    person = None if chat else Person(PLATFORM, WORKSPACE, str(user.id))
    author = (chat.title if chat else user.full_name) or ""
    topic = int(_around(message)["topic"] or 0)
    post = ChatPost(message.message_id, person, author, text, message.date, topic, _origin(message))
    return message.chat.id, post


def _is_command(message: Message) -> bool:
    return any(entity.type == MessageEntity.BOT_COMMAND and not entity.offset for entity in message.entities)


def _origin(message: Message) -> str:
    """Who wrote what is forwarded in `message`; empty where nothing is."""
    match message.forward_origin:
        case None:
            return ""
        case MessageOriginUser(sender_user=user):
            return user.full_name
        case MessageOriginHiddenUser(sender_user_name=name):
            return name
        case MessageOriginChat(sender_chat=chat) | MessageOriginChannel(chat=chat):
            return chat.title or SOMEBODY
        case _:
            return SOMEBODY


def arrived(update: Update) -> tuple[int, list[Person], datetime] | None:
    """The group that people came into, who, and when."""
    message, change = update.message, update.chat_member
    if message is not None and message.new_chat_members:
        chat, users, at = message.chat.id, [*message.new_chat_members], message.date
    elif change is not None and not _is_in(change.old_chat_member) and _is_in(change.new_chat_member):
        chat, users, at = change.chat.id, [change.new_chat_member.user], change.date
    else:
        return None
    return chat, [Person(PLATFORM, WORKSPACE, str(user.id)) for user in users if not user.is_bot], at


def removed_from(update: Update) -> int | None:
    """The group that the bot is not in any more."""
    change = update.my_chat_member
    return None if change is None or _is_in(change.new_chat_member) else change.chat.id


def _is_in(member: ChatMember) -> bool:
    return member.status not in {ChatMember.LEFT, ChatMember.BANNED} and getattr(member, "is_member", True)


def moved(update: Update) -> tuple[int, int] | None:
    """The old and the new id of a group that became a supergroup."""
    message = update.message
    if message is None or message.migrate_to_chat_id is None:
        return None
    return message.chat.id, message.migrate_to_chat_id


def _message(message: Message, me: User, *, edited: bool) -> Incoming | None:
    user, chat = message.from_user, message.chat
    if user is None or message.is_automatic_forward or chat.type == Chat.CHANNEL:
        return None
    text, addressed = _addressed(message, me)
    if message.sender_chat is not None:
        return _from(message, user, UpdateKind.NAMELESS) if addressed else None
    if user.is_bot or not (addressed or chat.type == Chat.PRIVATE):
        return None
    kind, data = _what(message, edited=edited)
    if kind is None:
        return None
    if kind is UpdateKind.FORWARD and chat.type == Chat.PRIVATE:
        text = words_of(message)
    replied = replied_to(message)
    to_answer = replied is not None and _is(replied.from_user, me) and not is_quote(message)
    return replace(_from(message, user, kind, text, data), to_answer=to_answer)


def _what(message: Message, *, edited: bool) -> tuple[UpdateKind | None, str]:
    """The kind of a message, and the name of what cannot be read."""
    if edited:
        own = message.text and message.forward_origin is None and not _is_elses(message)
        return (UpdateKind.EDIT if own else None), ""
    if message.document is not None and message.animation is None:
        return UpdateKind.FILE, ""
    if _is_elses(message):
        return UpdateKind.FORWARD, ""
    if _brings_file(message) and message.animation is None:
        return UpdateKind.FILE, ""
    if message.text:
        return UpdateKind.ASK, ""
    refused = next((name for name in _REFUSED if getattr(message, name)), None)
    return (UpdateKind.REFUSE, refused) if refused else (None, "")


def _is_elses(message: Message) -> bool:
    """Whether all that it says was said by others before, or is no sentence that somebody wrote to the bot."""
    if message.forward_origin is not None and (message.text or message.caption):
        return True
    return message.chat.type == Chat.PRIVATE and any(getattr(message, name) for name in READABLE)


def _addressed(message: Message, me: User) -> tuple[str, bool]:
    """The text without a mention of the bot, and whether it is meant for the bot."""
    text = message.text or message.caption or ""
    entities = message.parse_entities(_NAMING) | message.parse_caption_entities(_NAMING)
    name = f"@{me.username}".lower()
    replied = message.reply_to_message is not None and _is(message.reply_to_message.from_user, me)
    meant = replied and not is_thanks(text)  # thanks are left alone among people
    for entity, part in entities.items():
        if entity.type == MessageEntity.BOT_COMMAND and entity.offset == 0:
            _, at, whose = part.partition("@")
            if at and f"@{whose}".lower() != name:
                return text, False  # another bot's
            meant = True
        elif part.lower() == name or _is(entity.user, me):
            meant, text = True, text.replace(part, " ", 1)
    return text.strip(" ,:\n"), meant


def _is(user: User | None, me: User) -> bool:
    return user is not None and user.id == me.id


def _from(message: Message, user: User, kind: UpdateKind, text: str = "", data: str = "") -> Incoming:
    done = _by(kind, message.chat, user, message.date)
    return replace(_with_file(done, message), **_around(message), message=message.message_id, text=text, data=data)


def _tap(query: CallbackQuery) -> Incoming | None:
    """A pressed button; of a message too old to be seen only the place is known, and what the button carries."""
    message = query.message
    if query.data is None or message is None:
        return None
    done = _by(UpdateKind.TAP, message.chat, query.from_user, datetime.now(UTC))
    done = replace(done, message=message.message_id, data=query.data, query=query.id)
    if not isinstance(message, Message):
        return done
    done, replied = replace(done, **_around(message)), replied_to(message)
    if replied is None:
        return done
    asker = replied.from_user
    return replace(_with_file(done, replied), asker=asker.id if asker and not (asker.is_bot or done.private) else 0)


def _by(kind: UpdateKind, chat: Chat, user: User, at: datetime) -> Incoming:
    """Who did it, where and when."""
    return Incoming(
        kind,
        chat.id,
        chat.type == Chat.PRIVATE,
        user.id,
        at,
        language=user.language_code or "",
        name=user.first_name,
        title=chat.title or "",
    )


def _around(message: Message) -> dict[str, Any]:
    """The topic that a message stands in, and what it replies to."""
    reply, topic = replied_to(message), message.message_thread_id if message.is_topic_message else 0
    return {
        "topic": 0 if topic in {None, GENERAL_TOPIC} else topic,
        "reply_to": reply.message_id if reply else 0,
        "said": quoted_in(message),
    }


def _brings_file(message: Message) -> bool:
    """Whether a message has a document, or a photo where the text in pictures is recognised."""
    return message.document is not None or (bool(message.photo) and is_readable(PurePath(_PHOTO)))


def _with_file(done: Incoming, message: Message) -> Incoming:
    """`done` with the document that `message` brings, if it brings one."""
    file = message.document
    if file is None and _brings_file(message):
        largest = message.photo[-1]
        return replace(done, file=largest.file_id, file_name=_PHOTO, file_size=largest.file_size or 0)
    if file is None:
        return done
    return replace(done, file=file.file_id, file_name=file.file_name or "document", file_size=file.file_size or 0)


def _reaction(changed: MessageReactionUpdated) -> Incoming | None:
    user = changed.user
    if user is None or user.is_bot:  # somebody who reacts as a channel is nobody in particular
        return None
    emoji = {reaction.emoji for reaction in changed.new_reaction if isinstance(reaction, ReactionTypeEmoji)}
    verdict = "down" if emoji & _DISAPPROVING else "up" if emoji & _APPROVING else "none"
    private = changed.chat.type == Chat.PRIVATE
    return Incoming(
        UpdateKind.REACTION, changed.chat.id, private, user.id, changed.date, message=changed.message_id, data=verdict
    )


def _joined(update: Update) -> Incoming | None:
    change = update.my_chat_member
    if change is None or change.chat.type == Chat.PRIVATE:
        return None
    came = change.new_chat_member.status in {"member", "administrator"}
    was = change.old_chat_member.status in {"member", "administrator"}
    if was or not came or change.chat.type == Chat.CHANNEL:
        return None
    return _by(UpdateKind.JOINED, change.chat, change.from_user, change.date)


def _stopped(update: Update) -> Incoming | None:
    """Telegram's own stop button, which python-telegram-bot does not know yet."""
    stopped = update.api_kwargs.get("stopped_message_generation")
    if not isinstance(stopped, dict) or not isinstance(chat := stopped.get("chat"), dict):
        return None
    who: Any = chat.get("id")  # of what type, is looked at with all the rest
    topic = stopped.get("message_thread_id", 0)
    return Incoming(UpdateKind.STOP, who, private=True, user=who, at=datetime.now(UTC), topic=topic)
