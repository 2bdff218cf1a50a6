"""The methods of the Bot API that the double knows, each as Telegram documents it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.doubles import telegram_rules as rules
from tests.doubles.telegram_rules import BOT, bad

if TYPE_CHECKING:
    from tests.doubles.telegram_server import Chat, TelegramDouble

Json = dict[str, Any]
Method = Callable[["TelegramDouble", Json], Any]
PACED = {"sendMessage", "editMessageText", "editMessageReplyMarkup", "sendDocument", "sendMessageDraft"}
METHODS: dict[str, Method] = {}
DOWNLOAD_BYTES = 20 * 2**20
DRAFT_SECONDS = 30.0
ADMINISTRATOR_MAY = [
    *("can_be_edited", "is_anonymous", "can_manage_chat", "can_delete_messages", "can_manage_video_chats"),
    *("can_restrict_members", "can_promote_members", "can_change_info", "can_invite_users"),
    *("can_post_stories", "can_edit_stories", "can_delete_stories"),
]
OLD_QUERY = "query is too old and response timeout expired or query ID is invalid"


def method(handler: Method) -> Method:
    head, *rest = handler.__name__.split("_")
    METHODS[head + "".join(word.capitalize() for word in rest)] = handler
    return handler


@method
def get_me(double: TelegramDouble, _params: Json) -> Json:
    flags = {"can_join_groups": True, "can_read_all_group_messages": not double.privacy}
    return {**BOT, **flags, "supports_inline_queries": False, "has_topics_enabled": double.topics_in_private}


@method
def send_message(double: TelegramDouble, params: Json) -> Json:
    chat = double.chat(params["chat_id"])
    entities = params.get("entities", [])
    if "parse_mode" in params:
        raise bad("the double reads no markup: send entities")
    rules.check_text(params["text"], entities)
    rules.check_keyboard(params.get("reply_markup"), private=chat.type == "private")
    message = _new(double, chat, params)
    message |= {"text": params["text"], "entities": entities}
    return _kept(double, chat, message, params)


@method
def send_document(double: TelegramDouble, params: Json) -> Json:
    chat = double.chat(params["chat_id"])
    rules.check_text(params.get("caption", ""), params.get("caption_entities", []), rules.CAPTION, empty=True)
    rules.check_keyboard(params.get("reply_markup"), private=chat.type == "private")
    document = params["document"]
    if isinstance(document, str) and document.startswith("attach://"):
        document = params[document.removeprefix("attach://")]
    if not document["data"]:
        raise bad("file must be non-empty")
    message = _new(double, chat, params)
    double.uploads[f"sent/{message['message_id']}"] = document["data"]
    name, size = document["name"], len(document["data"])
    about = {"file_id": f"f{message['message_id']}", "file_unique_id": "u", "file_name": name, "file_size": size}
    message |= {"document": about, "caption": params.get("caption", "")}
    return _kept(double, chat, message, params)


@method
def edit_message_text(double: TelegramDouble, params: Json) -> Json:
    chat, message = _editable(double, params)
    entities = params.get("entities", [])
    rules.check_text(params["text"], entities)
    rules.check_keyboard(params.get("reply_markup"), private=chat.type == "private")
    changed = {"text": params["text"], "entities": entities}
    return _edited(double, message, changed, params.get("reply_markup"))


@method
def edit_message_reply_markup(double: TelegramDouble, params: Json) -> Json:
    chat, message = _editable(double, params)
    rules.check_keyboard(params.get("reply_markup"), private=chat.type == "private")
    return _edited(double, message, {}, params.get("reply_markup"))


@method
def delete_message(double: TelegramDouble, params: Json) -> bool:
    chat = double.chat(params["chat_id"])
    message = chat.messages.get(int(params["message_id"]))
    if message is None:
        raise bad("message to delete not found")
    if not message["from"]["is_bot"] and chat.type != "private":
        raise bad("message can't be deleted")
    del chat.messages[int(params["message_id"])]
    return True


@method
def send_message_draft(double: TelegramDouble, params: Json) -> bool:
    chat = double.chat(params["chat_id"])
    if chat.type != "private":
        raise bad("TEXTDRAFT_PEER_INVALID")
    if not int(params.get("draft_id", 0)):
        raise bad("TEXTDRAFT_ID_INVALID")
    rules.check_text(params.get("text", ""), params.get("entities", []), empty=True)
    drafted = {
        "text": params.get("text", ""),
        "entities": params.get("entities", []),
        "can_stop": params.get("can_stop", False),
    }
    chat.drafts[int(params["draft_id"])] = drafted
    return True


@method
def answer_callback_query(double: TelegramDouble, params: Json) -> bool:
    pressed = double.queries.get(params["callback_query_id"])
    if pressed is None or time.monotonic() - pressed > double.query_seconds:
        raise bad(OLD_QUERY)
    if rules.units(params.get("text", "")) > rules.TOAST:
        raise bad("MESSAGE_TOO_LONG")
    double.queries[params["callback_query_id"]] = None
    double.toasts.append(params.get("text", ""))
    return True


@method
def set_my_commands(double: TelegramDouble, params: Json) -> bool:
    rules.check_commands(params["commands"])
    scope = params.get("scope", {"type": "default"})["type"]
    double.commands[scope, params.get("language_code", "")] = params["commands"]
    return True


@method
def get_my_commands(double: TelegramDouble, params: Json) -> list[Json]:
    scope = params.get("scope", {"type": "default"})["type"]
    return double.commands.get((scope, params.get("language_code", "")), [])


@method
def set_message_reaction(double: TelegramDouble, params: Json) -> bool:
    chat = double.chat(params["chat_id"])
    if int(params["message_id"]) not in chat.messages:
        raise bad("message to react not found")
    emoji = [reaction["emoji"] for reaction in params.get("reaction", [])]
    if len(emoji) > 1:
        raise bad("REACTIONS_TOO_MANY")
    if set(emoji) - rules.REACTIONS:
        raise bad("REACTION_INVALID")
    chat.reactions[int(params["message_id"]), BOT["id"]] = emoji
    return True


@method
def send_chat_action(double: TelegramDouble, params: Json) -> bool:
    double.chat(params["chat_id"])
    if params["action"] not in rules.ACTIONS:
        raise bad("wrong parameter action in request")
    return True


@method
def get_file(double: TelegramDouble, params: Json) -> Json:
    file = double.files.get(params["file_id"])
    if file is None:
        raise bad("wrong file_id or the file is temporarily unavailable")
    if file["file_size"] > DOWNLOAD_BYTES:
        raise bad("file is too big")
    return {**file, "file_path": f"documents/{file['file_id']}"}


@method
def get_chat(double: TelegramDouble, params: Json) -> Json:
    return {**double.chat(params["chat_id"]).json, "accent_color_id": 0, "max_reaction_count": 11}


@method
def get_chat_member(double: TelegramDouble, params: Json) -> Json:
    chat, user = double.chat(params["chat_id"]), {**double.users, BOT["id"]: BOT}.get(int(params["user_id"]))
    if user is None:
        raise bad("PARTICIPANT_ID_INVALID")
    status = chat.members.get(user["id"], "left")
    rights = dict.fromkeys(ADMINISTRATOR_MAY, False) if status == "administrator" else {}
    return {"status": status, "user": user, **rights}


@method
def leave_chat(double: TelegramDouble, params: Json) -> bool:
    double.chat(params["chat_id"]).gone = "bot is not a member of the supergroup chat"
    return True


@method
def set_webhook(double: TelegramDouble, params: Json) -> bool:
    rules.check_webhook(params) if params.get("url") else None
    double.webhook = {key: params[key] for key in ("url", "secret_token", "max_connections") if key in params}
    double.allowed = set(params.get("allowed_updates") or double.allowed)
    return True


@method
def delete_webhook(double: TelegramDouble, params: Json) -> bool:
    double.webhook = {}
    if params.get("drop_pending_updates"):
        double.updates.clear()
    return True


@method
def get_webhook_info(double: TelegramDouble, _params: Json) -> Json:
    known = {key: value for key, value in double.webhook.items() if key != "secret_token"}
    base = {"url": "", "has_custom_certificate": False, "pending_update_count": len(double.updates)}
    return {**base, **known, "allowed_updates": sorted(double.allowed)}


def _new(double: TelegramDouble, chat: Chat, params: Json) -> Json:
    message: Json = {"chat": chat.json, "from": BOT, "date": int(time.time())}
    topic = int(params.get("message_thread_id", 0))
    if topic == 1 or (topic and topic not in chat.topics):
        raise bad("message thread not found")
    if topic:
        message |= {"message_thread_id": topic, "is_topic_message": True}
    reply = params.get("reply_parameters")
    if reply is not None:
        if reply["message_id"] in chat.messages:
            told = {
                key: value for key, value in chat.messages[reply["message_id"]].items() if key != "reply_to_message"
            }
            message["reply_to_message"] = told
        elif not reply.get("allow_sending_without_reply"):
            raise bad("message to be replied not found")
    message["message_id"] = double.new_message_id(chat)
    return message


def _kept(double: TelegramDouble, chat: Chat, message: Json, params: Json) -> Json:
    if params.get("reply_markup"):
        message["reply_markup"] = params["reply_markup"]
    chat.messages[message["message_id"]] = message
    chat.drafts.clear()  # a draft gives way to a message
    double.note(message)
    return message


def _editable(double: TelegramDouble, params: Json) -> tuple[Chat, Json]:
    chat = double.chat(params["chat_id"])
    message = chat.messages.get(int(params["message_id"]))
    if message is None:
        raise bad("message to edit not found")
    if not message["from"]["is_bot"]:
        raise bad("message can't be edited")
    return chat, message


def _edited(double: TelegramDouble, message: Json, changed: Json, markup: Json | None) -> Json:
    after = {**{key: value for key, value in message.items() if key != "reply_markup"}, **changed}
    if markup and markup.get("inline_keyboard"):
        after["reply_markup"] = markup
    if json.dumps(after, sort_keys=True) == json.dumps(message, sort_keys=True):
        same = "message is not modified: specified new message content and reply markup are exactly the same"
        raise bad(f"{same} as a current content and reply markup of the message")
    message.pop("reply_markup", None)
    message.update(after)
    message["edit_date"] = int(time.time())
    double.note(message)
    return message
