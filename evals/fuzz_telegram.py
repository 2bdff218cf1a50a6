"""Updates as Telegram sends them, one of each shape that Attune makes something of, and some that it leaves alone.

Written after the Bot API's documentation. Ann (7) is let in; 66 is a stranger; -100500 is a group that is let in.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

NOW = 1_790_000_000
ANN: Json = {
    "id": 7,
    "is_bot": False,
    "first_name": "Ann",
    "last_name": "Lee",
    "username": "ann",
    "language_code": "en",
}
EVE: Json = {"id": 66, "is_bot": False, "first_name": "Eve", "language_code": "de"}
BOT: Json = {"id": 12345, "is_bot": True, "first_name": "Attune", "username": "attune_bot"}
HOME: Json = {"id": 7, "type": "private", "first_name": "Ann", "username": "ann"}
AWAY: Json = {"id": 66, "type": "private", "first_name": "Eve"}
TEAM: Json = {"id": -100_500, "type": "supergroup", "title": "Team", "is_forum": True}
ANSWER = "0123456789abcdef"
BUTTONS = ("u", "d", "n", "r", "s", "o", "b", "w", "p", "c", "v", "l", "x", "a", "z")
FILE: Json = {
    "file_id": "doc0",
    "file_unique_id": "u0",
    "file_name": "plan.md",
    "mime_type": "text/markdown",
    "file_size": 9,
}
KEYBOARD: Json = {"inline_keyboard": [[{"text": "👍", "callback_data": f"u:{ANSWER}:1"}]]}


def _said(text: str, chat: Json = HOME, by: Json = ANN, **more: Any) -> Json:
    return {"message_id": 41, "from": by, "chat": chat, "date": NOW, "text": text, **more}


def _entity(kind: str, text: str, offset: int = 0) -> Json:
    return {"type": kind, "offset": offset, "length": len(text)}


def _command(text: str, chat: Json = HOME, by: Json = ANN, **more: Any) -> Json:
    return _said(text, chat, by, entities=[_entity("bot_command", text.split(maxsplit=1)[0])], **more)


def _sent(kind: str, content: Any, **more: Any) -> Json:
    said = _said("", **more)
    return {**{name: value for name, value in said.items() if name != "text"}, kind: content}


def _answered(chat: Json = HOME, **more: Any) -> Json:
    asked = _said("How long is parental leave?", chat)
    return _said("Twenty weeks.", chat, BOT, reply_to_message=asked, reply_markup=KEYBOARD, **more)


def _pressed(data: str, chat: Json = HOME, by: Json = ANN) -> Json:
    return {"id": "77", "from": by, "message": _answered(chat), "chat_instance": "1", "data": data}


def _member(status: str) -> Json:
    return {"user": BOT, "status": status}


def _reaction(chat: Json, *new: Json) -> Json:
    return {"chat": chat, "message_id": 40, "user": ANN, "date": NOW, "old_reaction": [], "new_reaction": list(new)}


def updates() -> list[Json]:
    """All shapes, each with a number of its own."""
    return [{"update_id": 1000 + number, **content} for number, content in enumerate(_contents())]


def _contents() -> list[Json]:
    photo = [{"file_id": "p", "file_unique_id": "q", "width": 90, "height": 60, "file_size": 1}]
    mention = _said("@attune_bot how long?", TEAM, entities=[_entity("mention", "@attune_bot")])
    topic = {**mention, "message_thread_id": 12, "is_topic_message": True}
    origin = {"type": "user", "sender_user": EVE, "date": NOW}
    voice = {"file_id": "v", "file_unique_id": "w", "duration": 3, "mime_type": "audio/ogg"}
    sticker = {"file_id": "s", "file_unique_id": "t", "type": "regular", "width": 1, "height": 1}
    sticker |= {"is_animated": False, "is_video": False}
    messages = [
        _said("How long is parental leave?"),
        _said("How long is parental leave?", AWAY, EVE),
        mention,
        topic,
        _said("and for contractors?", TEAM, reply_to_message=_answered(TEAM)),
        *(_command(text) for text in ("/start", "/stop", "/prefs", "/prefs length short", "/open 1", "/why", "/gaps")),
        _command("/learn", reply_to_message=_said("Lunch is at noon.")),
        _command("/start ABCD-2345", AWAY, EVE),
        _command("/private@attune_bot how long?", TEAM),
        _sent("document", FILE, caption="learn this"),
        _sent("photo", photo, media_group_id="9", caption="see"),
        _sent("voice", voice),
        _sent("sticker", sticker),
        _said("Somebody else's words", forward_origin=origin),
        _said("As the group", TEAM, sender_chat=TEAM, entities=[_entity("mention", "@attune_bot")]),
        _sent("migrate_to_chat_id", -100_600),
        _sent("new_chat_members", [BOT], chat=TEAM),
        _said(
            "See https://example.org",
            entities=[_entity("url", "https://example.org", 4)],
            quote={"text": "a", "position": 0},
        ),
    ]
    joined = {"chat": TEAM, "from": ANN, "date": NOW}
    joined |= {"old_chat_member": _member("left"), "new_chat_member": _member("member")}
    gone = {"chat": HOME, "message_id": 3, "date": 0}  # a message too old to be seen
    emoji = [{"type": "emoji", "emoji": "👍"}, {"type": "custom_emoji", "custom_emoji_id": "5"}, {"type": "paid"}]
    return [
        *({"message": message} for message in messages),
        {"edited_message": {**_said("How long is sick leave?"), "edit_date": NOW}},
        *({"callback_query": _pressed(f"{act}:{ANSWER}:1:1")} for act in BUTTONS),
        {"callback_query": _pressed("c:length short", TEAM)},
        {"callback_query": {**_pressed(f"o:{ANSWER}:1:1", TEAM, EVE)}},
        {"callback_query": {**_pressed(f"w:{ANSWER}:1"), "message": gone}},
        {"message_reaction": _reaction(HOME, emoji[0])},
        {"message_reaction": _reaction(TEAM, *emoji)},
        {"my_chat_member": joined},
        {"stopped_message_generation": {"chat": HOME, "draft_id": 5, "message_thread_id": 0}},
        {"channel_post": _said("News", {"id": -100_700, "type": "channel", "title": "News"})},
        {
            "poll": {
                "id": "1",
                "question": "?",
                "options": [],
                "total_voter_count": 0,
                "is_closed": False,
                "is_anonymous": True,
                "type": "regular",
                "allows_multiple_answers": False,
                "allows_revoting": False,
                "members_only": False,
            }
        },
    ]
