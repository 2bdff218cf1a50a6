"""What Slack delivers → what it means: who said what where; and events for the inbox, each under its own name.

Pure. One text that arrives as `message` and as `app_mention`, however often, has one key.
Knows nothing of connections, of the inbox or of what follows from an event.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from bots.command_table import commands_with
from bots.courtesies import is_about_the_bot, is_thanks
from bots.reception import NotUnderstoodError
from core.documents.slack_words import forwarded, forwarded_words, own_words
from core.domain import Conversation, Person
from core.inbox import Event
from core.storage.stored import OTHER, UnreadableRecordError, values_of

Json = Mapping[str, Any]

PLATFORM = "slack"
HEARD_SUBTYPES = {"", "file_share", "thread_broadcast", "me_message"}
STOP_WORDS = {"stop", "/stop", "!stop", "halt"}

_MENTION = re.compile(r"<@(?P<user>[UW][A-Z0-9]*)(?:\|(?P<name>[^<>]*))?>")
_TOKEN = re.compile(r"<(?P<kind>[@#!]?)(?P<what>[^<|>]*)(?:\|(?P<label>[^<>]*))?>")  # Slack writes &lt; for the rest
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_STAMP = re.compile(r"[0-9]{1,10}(?:\.[0-9]{1,9})?")
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))
OWN_COMMANDS = ("stop", "unlearn")
_ALONE = {one.name for one in commands_with(OWN_COMMANDS)}  # commands that a message is where it says no more
_OFTEN = {"daily", "weekly", "on", "off", "täglich", "wöchentlich", "an", "aus"}  # behind the word digest
_THUMBS = {":+1:": "👍", ":thumbsup:": "👍", ":-1:": "👎", ":thumbsdown:": "👎"}


class EventKind(StrEnum):
    """What an event asks for."""

    ASK = "ask"
    DELETED = "deleted"
    WHISPER = "whisper"  # a slash command: the answer is for one person's eyes
    PRESS = "press"
    MODAL = "modal"  # a modal that was opened and waits to be filled
    SUBMIT = "submit"
    REACTION = "reaction"
    HOME = "home"
    PANE = "pane"
    DIGEST = "digest"  # the hour of one has come


@dataclass(frozen=True, slots=True)
class SlackMessage:
    """A message that a person wrote, as it travels in the body of an event.

    `root` is the first message of its thread. `home` is the workspace of the person's account. `edited` is when it was
    changed, if it was. `files` have id and name. `quoted` is what the messages say that are forwarded in it, and is its
    `text`, too, where the person said nothing to them.
    """

    team: str
    channel: str
    ts: str
    root: str
    user: str
    text: str
    private: bool = False
    mentioned: bool = False
    home: str = ""
    shared: bool = False
    edited: str = ""
    files: tuple[tuple[str, str], ...] = ()
    quoted: str = ""

    @property
    def is_forward(self) -> bool:
        """Whether all of it are somebody else's words: they are nobody's command here."""
        return bool(self.quoted) and self.text == self.quoted

    @property
    def in_thread(self) -> bool:
        """Whether it answers an earlier message."""
        return self.root != self.ts

    @property
    def conversation(self) -> Conversation:
        """The thread."""
        return Conversation(PLATFORM, self.team, self.channel, self.root)

    @property
    def person(self) -> Person:
        """Who wrote it."""
        return Person(PLATFORM, self.team, self.user)


def named(value: object) -> str:
    """An id of Slack's: of a person, a channel, a workspace.

    Raises:
        NotUnderstoodError: it is none.
    """
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise NotUnderstoodError("no id")
    return value


def stamped(value: object) -> str:
    """The id of a message, which is a moment.

    Raises:
        NotUnderstoodError: it is none.
    """
    if not isinstance(value, str) or not _STAMP.fullmatch(value):
        raise NotUnderstoodError("no moment")
    return value


def said(body: Json, bot_user: str) -> SlackMessage | None:
    """The message in an event's payload; None where no person wrote it, or it is not there any more.

    Raises:
        NotUnderstoodError: an id in it is none; what else is not as Slack sends it raises what it raises.
    """
    event: Json = body.get("event", {})
    subtype, message = str(event.get("subtype", "")), event
    if subtype == "message_changed":
        message = event.get("message", {})
        before = event.get("previous_message", {})
        if own_words(message) == own_words(before):  # a preview was added, a thread got a reply
            return None
        subtype = str(message.get("subtype", ""))
    if subtype not in HEARD_SUBTYPES or message.get("bot_id") or message.get("app_id") or not message.get("user"):
        return None
    if message["user"] in {bot_user, "USLACKBOT"}:
        return None
    team, ts = named(body["team_id"]), stamped(message["ts"])
    own, quoted = own_words(message), forwarded_words(message)
    files = [file for one in (message, *forwarded(message)) for file in one.get("files") or ()]
    return SlackMessage(
        team=team,
        channel=named(event["channel"]),
        ts=ts,
        root=stamped(message.get("thread_ts") or ts),
        user=named(message["user"]),
        text=own or quoted,
        private=event.get("channel_type") == "im" or str(event["channel"]).startswith("D"),
        mentioned=f"<@{bot_user}" in own,
        home=named(message.get("user_team") or message.get("team") or team),
        shared=bool(body.get("is_ext_shared_channel")),
        edited=stamped(message["edited"]["ts"]) if message is not event and message.get("edited") else "",
        files=tuple((named(file["id"]), str(file.get("name") or "file")) for file in files),
        quoted=quoted,
    )


def for_others(message: SlackMessage, bot_user: str) -> bool:
    """Whether a message begins by talking to somebody else."""
    first = _MENTION.match(message.text.strip())
    return first is not None and first["user"] != bot_user


def is_stop(message: SlackMessage) -> bool:
    """Whether it asks to stop the answer."""
    said_now = plain_text(_MENTION.sub("", message.text)).strip(" .!").lower()
    return said_now in STOP_WORDS and not message.is_forward


def is_courtesy(text: str) -> bool:
    """Whether a message says thanks or yes and asks nothing: among people, that is not for the bot to answer."""
    return is_thanks(plain_text(_MENTION.sub("", text)))


def question(text: str, bot_user: str) -> str:
    """What was asked, as plain words: Slack's tokens resolved, the bot's own name left out, commands as `/command`."""
    own = re.compile(rf"<@{re.escape(bot_user)}(?:\|[^<>]*)?>[:,]?\s*")
    return as_command(plain_text(own.sub("", text)).strip())


def as_command(text: str) -> str:
    """`prefs length short` and `!prefs` as `/prefs …`: in threads Slack has no slash commands."""
    if re.match(r"![a-z]", text):
        return f"/{text[1:]}"
    if is_about_the_bot(text):
        return "/help"
    if text in _THUMBS:
        return _THUMBS[text]
    first, _, rest = text.partition(" ")
    word, rest = first.lower(), rest.strip().lower()
    whole = word == "prefs" or (word in _ALONE and not rest)
    if whole or (word == "forget" and rest == "everything") or (word == "digest" and rest.split()[0] in _OFTEN):
        return f"/{text}"
    return text


def plain_text(text: str) -> str:
    """Text as Slack sends it → as the person sees it."""
    shown = _TOKEN.sub(_resolved, text)
    for entity, character in _ENTITIES:
        shown = shown.replace(entity, character)
    return shown


def _resolved(match: re.Match[str]) -> str:
    kind, what, label = match["kind"], match["what"], match["label"]
    match kind:
        case "@":
            return f"@{label or what}"
        case "#":
            return f"#{label or what}"
        case "!":
            return label or f"@{what.partition('^')[0]}"
    address = what.removeprefix("mailto:")
    return what if not label else label if label in {what, address} else f"{label} ({what})"


def ask_event(message: SlackMessage) -> Event:
    """A question: once, whether it came as `message`, as `app_mention` or several times. An edit is another."""
    version = f":{message.edited}" if message.edited else ""
    key = f"{PLATFORM}:{message.team}:{message.channel}:{message.ts}{version}"
    return event_of(key, message.conversation, message.person, EventKind.ASK, asdict(message))


def deleted_event(message: SlackMessage) -> Event:
    """A question that its author took back; `message` is what it was."""
    key = f"{PLATFORM}:{message.team}:{message.channel}:{message.ts}:deleted"
    return event_of(key, message.conversation, message.person, EventKind.DELETED, asdict(message))


def deleted(body: Json, bot_user: str) -> SlackMessage | None:
    """The message that was deleted, if one was and a person's. One with replies becomes a tombstone instead."""
    event = body.get("event", {})
    tombstone = event.get("message", {}).get("subtype") == "tombstone"
    if event.get("subtype") != "message_deleted" and not tombstone:
        return None
    before = {**event.get("previous_message", {}), "channel": event.get("channel")}
    return said({**body, "event": {**before, "channel_type": event.get("channel_type", "")}}, bot_user)


def personal_event(team: str, user: str, kind: EventKind, name: str, body: Json) -> Event:
    """Something that concerns one person and no conversation: it does not wait behind their questions.

    Raises:
        NotUnderstoodError: an id in it is none, or something in it is neither text nor a list or mapping of texts.
    """
    lane = Conversation(PLATFORM, named(team), "person", named(user))
    if not all(_is_kept(part) for part in body.values()):
        raise NotUnderstoodError(kind)
    return event_of(f"{PLATFORM}:{kind}:{team}:{user}:{name}", lane, Person(PLATFORM, team, user), kind, body)


def _is_kept(part: object) -> bool:
    """Whether an event's body may carry this: texts, and the inputs of a modal."""
    if isinstance(part, dict):
        return all(map(_is_kept, part.values()))
    if isinstance(part, list):
        return all(isinstance(each, str) for each in part)
    return isinstance(part, str | bool)


def event_of(key: str, conversation: Conversation, person: Person, kind: EventKind, body: Json) -> Event:
    """What is kept of something in the inbox."""
    asks = kind in {EventKind.ASK, EventKind.WHISPER}
    return Event(key, conversation, person, kind.value, json.dumps(body), datetime.now(UTC), asks)


def said_in(event: Event) -> SlackMessage:
    """The message in an event's body.

    Raises:
        UnreadableError: another version of Attune wrote it, or nobody did.
    """
    values = body_of(event)
    known = {name.name for name in fields(SlackMessage)}
    try:
        files = tuple((str(id_), str(name)) for id_, name in values.pop("files", ()))
        return SlackMessage(**{name: value for name, value in values.items() if name in known}, files=files)
    except (TypeError, ValueError):
        raise UnreadableRecordError(OTHER) from None


def body_of(event: Event) -> dict[str, Any]:
    """What else an event carries.

    Raises:
        UnreadableError: another version of Attune wrote it, or nobody did.
    """
    return values_of(event.body)


def kind_of(event: Event) -> EventKind:
    """What an event asks for.

    Raises:
        UnreadableError: another version of Attune wrote it, and asks for what is unknown here.
    """
    try:
        return EventKind(event.kind)
    except ValueError:
        raise UnreadableRecordError(OTHER) from None


def sent_at(ts: str) -> datetime:
    """The moment in a message's id, which is not to come."""
    return min(datetime.fromtimestamp(float(stamped(ts)), UTC), datetime.now(UTC))
