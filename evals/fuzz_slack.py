"""Events, presses, modals and commands as Slack sends them, one of each shape that Attune makes something of.

Written after Slack's documentation. UANN is a member of the workspace T1, whose channel C1 has the bot; each shape
comes with the kind of its envelope in Socket Mode, which says how it is posted over HTTP, too.
"""

from __future__ import annotations

import json
from typing import Any

Json = dict[str, Any]
Shape = tuple[str, Json]

TS, LATER = "1790000000.000100", "1790000060.000200"
ANSWER = "1790000001.000300"
ACTIONS = (
    ("attune_feedback", f"up:{ANSWER}/UANN"),
    ("attune_feedback", f"down:{ANSWER}/UANN"),
    ("attune_source", f"{ANSWER}:1/UANN"),
    ("attune_why", f"{ANSWER}/UANN"),
    ("attune_plain", f"{ANSWER}/UANN"),
    ("attune_share", "How long is it?"),
    ("attune_prefs", "home"),
    ("attune_run_0", "/prefs length short"),
    ("attune_run_i1", "/prefs remove interest 1"),
    ("attune_learn_me", "me:F1"),
    ("attune_unlearn_0", "0123"),
    ("attune_relearn_0", "0123"),
    ("a_link_somewhere", ""),
)


def _said(text: str, **more: Any) -> Json:
    return {"type": "message", "user": "UANN", "text": text, "ts": TS, "team": "T1", "event_ts": TS, **more}


def _here(**more: Any) -> Json:
    return {"channel": "C1", "channel_type": "channel", **more}


def _events() -> list[Json]:
    asked = "<@UBOT> How long does transit enrolment take?"
    rich = [
        {
            "type": "rich_text",
            "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": asked}]}],
        }
    ]
    file = {"id": "F1", "name": "plan.md", "mimetype": "text/markdown", "size": 9, "url_private_download": "https://x"}
    before, after = _said("How?"), _said("How long?", edited={"user": "UANN", "ts": LATER})
    hidden = _here(type="message", hidden=True, ts=LATER, event_ts=LATER)
    item = {"type": "message", "channel": "C1", "ts": TS}
    thread = {"user_id": "UANN", "context": {"channel_id": "C1"}, "channel_id": "DANN", "thread_ts": TS}
    return [
        _said("How long does transit enrolment take?", channel="DANN", channel_type="im", client_msg_id="c-1"),
        _said(asked, **_here(blocks=rich)),
        {**_said(asked, channel="C1"), "type": "app_mention"},
        _said("and for contractors?", **_here(thread_ts=TS, parent_user_id="UANN", ts=LATER)),
        _said("stop", **_here(thread_ts=TS, ts=LATER)),
        _said("!prefs length short", channel="DANN", channel_type="im"),
        _said("pair ABCD-2345", channel="DANN", channel_type="im"),
        _said("learn this", channel="DANN", channel_type="im", subtype="file_share", files=[file]),
        _said("hello", **_here(subtype="bot_message", bot_id="B1")),
        {**hidden, "subtype": "message_changed", "message": after, "previous_message": before},
        {**hidden, "subtype": "message_deleted", "deleted_ts": TS, "previous_message": _said(asked)},
        {**hidden, "subtype": "message_changed", "message": _said("", subtype="tombstone"), "previous_message": before},
        *(
            {"type": kind, "user": "UANN", "reaction": "+1", "item_user": "UBOT", "item": item, "event_ts": LATER}
            for kind in ("reaction_added", "reaction_removed")
        ),
        {"type": "app_home_opened", "user": "UANN", "channel": "DANN", "tab": "home", "event_ts": TS},
        {"type": "app_home_opened", "user": "UANN", "channel": "DANN", "tab": "messages", "event_ts": TS},
        {"type": "assistant_thread_started", "assistant_thread": thread, "event_ts": TS},
        {"type": "agent_session_stopped", "user": "UANN", "channel": "DANN", "thread_ts": TS, "event_ts": TS},
        {"type": "app_uninstalled"},
        {"type": "link_shared", "user": "UANN", "channel": "C1", "links": [{"url": "https://x", "domain": "x"}]},
    ]


def _callback(event: Json) -> Json:
    authorization = {"enterprise_id": None, "team_id": "T1", "user_id": "UBOT", "is_bot": True}
    return {
        "token": "t",
        "team_id": "T1",
        "api_app_id": "A1",
        "type": "event_callback",
        "event_id": "Ev1",
        "event_time": 1_790_000_000,
        "is_ext_shared_channel": False,
        "authorizations": [authorization],
        "event": event,
    }


def _interaction(kind: str, **more: Any) -> Json:
    who = {"user": {"id": "UANN", "username": "ann", "team_id": "T1"}, "team": {"id": "T1", "domain": "d"}}
    return {"type": kind, **who, "api_app_id": "A1", "token": "t", "trigger_id": "1.2.3", **more}


def _pressed(action: str, value: str) -> Json:
    pressed = {"type": "button", "action_id": action, "block_id": "b", "value": value, "action_ts": LATER}
    message = {"type": "message", "user": "UBOT", "ts": ANSWER, "thread_ts": TS, "text": "Fourteen days."}
    container = {"type": "message", "message_ts": ANSWER, "channel_id": "C1", "is_ephemeral": False}
    place = {"channel": {"id": "C1", "name": "general"}, "container": container, "message": message}
    return _interaction("block_actions", actions=[pressed], **place)


def _view(callback: str, about: str, values: Json) -> Json:
    return {
        "id": "V1",
        "type": "modal",
        "callback_id": callback,
        "hash": "h",
        "private_metadata": about,
        "state": {"values": values},
    }


def _interactions() -> list[Json]:
    option = {"selected_option": {"text": {"type": "plain_text", "text": "short"}, "value": "short"}}
    chosen = {"type": "static_select", **option}
    reason = {"reason": {"in": {"type": "radio_buttons", "selected_option": {"value": "WRONG"}}}}
    boxes = {"type": "checkboxes", "selected_options": [{"value": "a"}]}
    prefs = {
        "length": {"in": chosen},
        "like": {"in": {"type": "plain_text_input", "value": None}},
        "box": {"in": boxes},
    }
    about = json.dumps({"channel": "C1", "ts": TS, "root": TS})
    menu = _pressed("attune_source", "")
    menu["actions"][0] |= {"type": "overflow", "selected_option": {"value": f"{ANSWER}:1/UANN"}}
    message = {"type": "message", "user": "UBEN", "ts": TS, "text": "Lunch is at noon."}
    home = {**_pressed("attune_run_0", "/prefs undo"), "view": {"type": "home", "id": "V2"}}
    return [
        *(_pressed(action, value) for action, value in ACTIONS),
        menu,
        home,
        _interaction("view_submission", view=_view("attune_reasons", ANSWER, reason)),
        _interaction("view_submission", view=_view("attune_prefs", "", prefs)),
        _interaction("view_submission", view=_view("attune_teach", about, {"who": {"in": chosen}})),
        _interaction("view_closed", view=_view("attune_prefs", "", {}), is_cleared=False),
        _interaction("message_action", callback_id="attune_teach", message=message, channel={"id": "C1", "name": "g"}),
        _interaction("block_suggestion", action_id="attune_source", block_id="b", value="x"),
    ]


def _command(name: str, text: str) -> Json:
    place = {"team_id": "T1", "team_domain": "d", "channel_id": "C1", "channel_name": "general", "user_id": "UANN"}
    return {
        "token": "t",
        **place,
        "user_name": "ann",
        "command": name,
        "text": text,
        "trigger_id": "1.2.4",
        "response_url": "",
    }


def deliveries() -> list[Shape]:
    """All shapes."""
    commands = [
        _command("/prefs", ""),
        _command("/prefs", "length short"),
        _command("/ask", "How long?"),
        _command("/x", ""),
    ]
    return [
        *(("events_api", _callback(event)) for event in _events()),
        *(("interactive", shape) for shape in _interactions()),
        *(("slash_commands", shape) for shape in commands),
    ]
