"""What somebody pressed → an event, and the modal that is opened at once where one is.

A press that makes the bot say something in a thread waits its turn there; the others wait for nobody.
Knows nothing of the inbox or of what follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bots import texts
from bots.language import translated
from bots.on_slack import blocks as slack_blocks
from bots.on_slack import texts as slack_texts
from bots.on_slack.events import EventKind, personal_event
from bots.on_slack.limits import ID_CHARS
from bots.on_slack.render import Block
from core.domain import Conversation
from core.inbox import Event

IN_THREAD = (
    slack_blocks.PLAIN,
    slack_blocks.QUIZ,
    slack_blocks.SHORTER,
    slack_blocks.LONGER,
    slack_blocks.FORMAL,
)


def press_event(body: Mapping[str, Any], action: Mapping[str, Any]) -> tuple[Event, Block | None]:
    """The event of one press, and the modal to open."""
    team, user = body["team"]["id"], body["user"]["id"]
    chosen = action.get("selected_option") or action
    value, name = str(chosen.get("value") or ""), str(action["action_id"])
    message: Mapping[str, Any] = body.get("message") or {}
    channel = str(body.get("channel", {}).get("id", ""))
    root = str(message.get("thread_ts") or message.get("ts") or "")
    kept = {
        "action": name,
        "value": value,
        "channel": channel,
        "ts": str(message.get("ts") or body.get("container", {}).get("message_ts") or ""),
        "root": root,
        "response_url": str(body.get("response_url") or ""),
        "view": "",
        "home": (body.get("view") or {}).get("type") == "home",
    }
    key = f"{name}:{action['action_ts']}"
    view, around = _view(name, value, user, f"{key}:{user}"), body.get("view") or {}
    modal = view or (around if around.get("type") == "modal" else {})  # a new one, or that in which it was pressed
    kept["view"] = str(modal.get("external_id") or "")
    event = personal_event(team, user, EventKind.PRESS, key, kept)
    if name.startswith(IN_THREAD) and channel and root:
        event = replace(event, conversation=Conversation("slack", team, channel, root))
    return event, view


def _view(action: str, value: str, user: str, key: str) -> Block | None:
    """The modal that this press opens. Only whoever asked is asked what was wrong."""
    if action.startswith(slack_blocks.FEEDBACK):
        about, asker = slack_blocks.asked_by(value)
        verdict, _, answer = about.partition(":")
        return slack_blocks.reasons_modal(answer) if verdict == "down" and asker in {"", user} else None
    titles = {
        slack_blocks.SOURCE: translated(slack_texts.SOURCE_TITLE),
        slack_blocks.WHY: translated(texts.WHY),
        slack_blocks.COPY: translated(texts.COPY),
        slack_blocks.PREFS: translated(texts.PREFS_TITLE),
    }
    return slack_blocks.loading(titles[action], key[:ID_CHARS]) if action in titles else None
