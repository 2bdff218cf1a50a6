"""What Telegram's Bot API accepts, as its documentation has it: lengths in UTF-16, entities, buttons, commands.

Pure checks that raise `RefusedError`. Where it leaves open whether Telegram refuses or only ignores, they refuse.
"""

from __future__ import annotations

import re
from typing import Any

TOKEN = "12345:" + "a" * 35
BOT: dict[str, Any] = {"id": 12345, "is_bot": True, "first_name": "Attune", "username": "attune_bot"}
TEXT, CAPTION, ENTITIES, PAYLOAD, TOAST = 4096, 1024, 100, 64, 200
FREE = {"bold", "italic", "underline", "strikethrough", "spoiler"}  # may contain all but code, and be in all but code
CODE = {"pre", "code"}
QUOTES = {"blockquote", "expandable_blockquote"}
KINDS = FREE | CODE | QUOTES | {"text_link", "text_mention", "custom_emoji"}
REACTIONS = set(
    "👍👎❤🔥🥰👏😁🤔🤯😱🤬😢🎉🤩🤮💩🙏👌🕊🤡🥱🥴😍🐳🌚🌭💯🤣⚡🍌🏆💔🤨😐🍓🍾💋🖕😈😴😭🤓👻👀🎃🙈😇😨🤝✍🤗🫡🎅🎄☃💅🤪🗿🆒💘🙉🦄😘💊🙊😎👾😡"
)
ACTIONS = {"typing", "upload_document", "upload_photo", "find_location"}
UPDATES = {
    "message", "edited_message", "channel_post", "edited_channel_post", "callback_query", "message_reaction",
    "message_reaction_count", "my_chat_member", "chat_member", "chat_join_request", "inline_query", "poll",
    "stopped_message_generation",
}  # fmt: skip
UNASKED = UPDATES - {"message_reaction", "message_reaction_count", "chat_member", "stopped_message_generation"}
_NOTHING = re.compile("[\\s\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\u00ad\u034f]*")


class RefusedError(Exception):
    """An answer that is not ok."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code, self.description, self.parameters = code, description, parameters


def bad(description: str) -> RefusedError:
    return RefusedError(400, f"Bad Request: {description}")


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def part(text: str, entity: dict[str, Any]) -> str:
    """What an entity covers."""
    raw = text.encode("utf-16-le")[2 * entity["offset"] : 2 * (entity["offset"] + entity["length"])]
    return raw.decode("utf-16-le")


def check_text(text: str, entities: list[dict[str, Any]], limit: int = TEXT, *, empty: bool = False) -> None:
    if "\ud800" <= max(text, default="") <= "\udfff" or any("\ud800" <= c <= "\udfff" for c in text):
        raise bad("strings must be encoded in UTF-8")
    if not empty and _NOTHING.fullmatch(text):
        raise bad("message text is empty")
    if units(text) > limit:
        raise bad("message is too long")
    if len(entities) > ENTITIES:
        raise bad("too many entities")
    for entity in entities:
        check_entity(text, entity)
    for number, one in enumerate(entities):
        for other in entities[number + 1 :]:
            check_pair(one, other)


def check_entity(text: str, entity: dict[str, Any]) -> None:
    if entity["type"] not in KINDS:
        raise bad(f"unsupported entity {entity['type']}")
    unknown = set(entity) - {"type", "offset", "length", "url", "user", "language", "custom_emoji_id"}
    if unknown:
        raise bad(f"entity has fields {unknown}")
    if entity["offset"] < 0 or entity["length"] <= 0 or entity["offset"] + entity["length"] > units(text):
        raise bad("ENTITY_BOUNDS_INVALID")
    try:
        covered = part(text, entity)
    except UnicodeDecodeError:
        raise bad("entity begins or ends in the middle of a UTF-16 symbol") from None
    if not covered.strip():
        raise bad("entity is empty")
    if entity["type"] == "text_link" and not re.match(r"(?i)(https?|tg|ton)://\S", entity.get("url", "")):
        raise bad("ENTITY_TEXTURL_INVALID")


def check_pair(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Entities are apart, or one lies in the other and may."""
    ends = [(entity["offset"], entity["offset"] + entity["length"]) for entity in (one, other)]
    if ends[0][1] <= ends[1][0] or ends[1][1] <= ends[0][0]:
        return
    holds = ends[0][0] <= ends[1][0] and ends[0][1] >= ends[1][1]
    held = ends[1][0] <= ends[0][0] and ends[1][1] >= ends[0][1]
    if not (holds or held):
        raise bad("entities overlap")
    kinds = {one["type"], other["type"]}
    if one["type"] == other["type"] or kinds <= QUOTES:
        raise bad("an entity is nested in its like")
    if kinds & CODE and not kinds & QUOTES:
        raise bad("code contains another entity, or is in one")
    if not kinds & (FREE | QUOTES):
        raise bad("entities that cannot contain each other")


def check_keyboard(markup: dict[str, Any] | None, *, private: bool) -> None:
    if markup is None or "inline_keyboard" not in markup:
        return
    for button in [button for row in markup["inline_keyboard"] for button in row]:
        actions = set(button) - {"text", "style", "icon_custom_emoji_id"}
        if not button.get("text") or len(actions) != 1:
            raise bad("inline keyboard button must have a text and exactly one action")
        if "callback_data" in button and not 1 <= len(button["callback_data"].encode()) <= PAYLOAD:
            raise bad("BUTTON_DATA_INVALID")
        if "url" in button and not button["url"].startswith(("https://", "http://", "tg://")):
            raise bad("BUTTON_URL_INVALID")
        if "web_app" in button and not private:
            raise bad("BUTTON_TYPE_INVALID")
    if sum(len(row) for row in markup["inline_keyboard"]) > 100:
        raise bad("REPLY_MARKUP_TOO_LONG")


def check_commands(commands: list[dict[str, str]]) -> None:
    if len(commands) > 100:
        raise bad("BOT_COMMANDS_TOO_MUCH")
    for command in commands:
        if not re.fullmatch(r"[a-z0-9_]{1,32}", command["command"]):
            raise bad("BOT_COMMAND_INVALID")
        if not 1 <= len(command["description"]) <= 256:
            raise bad("BOT_COMMAND_DESCRIPTION_INVALID")


def check_webhook(params: dict[str, Any]) -> None:
    if not params["url"].startswith("https://"):
        raise bad("bad webhook: An HTTPS URL must be provided for webhook")
    if not re.fullmatch(r"[A-Za-z0-9_-]{0,256}", params.get("secret_token", "")):
        raise bad("secret token contains unallowed characters")
    if wrong := set(params.get("allowed_updates", [])) - UPDATES:
        raise bad(f"unknown updates {wrong}")
