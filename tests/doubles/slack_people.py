"""What people do in the fake Slack: write, edit, delete, react, press, type commands, submit; and what they see.

People press only buttons that are there, and submit only views that are open.
"""

from __future__ import annotations

import re
from typing import Any

from tests.doubles.slack_server import Sent, SlackServer
from tests.doubles.slack_state import Json


class People:
    """The human side of a `SlackServer`."""

    def __init__(self, server: SlackServer) -> None:
        self.server = server
        self.space = server.workspace

    def say(
        self, user: str, channel: str, text: str, *, thread: str = "", files: list[Json] | None = None, **more: Any
    ) -> str:
        """Write a message; its ts. A mention arrives as `message` and as `app_mention`, as in Slack."""
        ts = self.space.ts()
        message: Json = {"type": "message", "user": user, "text": text, "ts": ts, "team": self.space.team, **more}
        if thread:
            message["thread_ts"] = thread
            message["parent_user_id"] = self.space.messages[channel][thread]["user"]
        if files:
            message |= {"subtype": "file_share", "files": files}
        self.space.messages[channel][ts] = message
        event = {**message, "channel": channel, "channel_type": self.kind(channel), "event_ts": ts}
        self.server.event(event)
        if f"<@{self.space.bot_user}>" in text and not self.space.channels[channel].get("is_im"):
            self.server.event({**event, "type": "app_mention"})
        return ts

    def kind(self, channel: str) -> str:
        """What Slack calls a channel of this kind."""
        found = self.space.channels[channel]
        return "im" if found.get("is_im") else "group" if found.get("is_group") else "channel"

    def edit(self, channel: str, ts: str, text: str) -> None:
        """Change a message."""
        before = dict(self.space.messages[channel][ts])
        edited = {"user": before["user"], "ts": self.space.ts()}
        self.space.messages[channel][ts] |= {"text": text, "edited": edited}
        self._changed("message_changed", channel, message=self.space.messages[channel][ts], previous_message=before)

    def delete(self, channel: str, ts: str) -> None:
        """Delete a message; in the place of one with replies Slack leaves a tombstone."""
        before = self.space.messages[channel].pop(ts)
        if self.space.thread(channel, ts):
            gone = {"type": "message", "subtype": "tombstone", "user": "USLACKBOT", "ts": ts, "thread_ts": ts}
            self.space.messages[channel][ts] = {**gone, "text": "This message was deleted."}
            self._changed("message_changed", channel, message=self.space.messages[channel][ts], previous_message=before)
        else:
            self._changed("message_deleted", channel, deleted_ts=ts, previous_message=before)

    def _changed(self, subtype: str, channel: str, **more: Any) -> None:
        ts = self.space.ts()
        event = {"type": "message", "subtype": subtype, "channel": channel, "ts": ts, "event_ts": ts, "hidden": True}
        self.server.event({**event, "channel_type": self.kind(channel), **more})

    def react(self, user: str, channel: str, ts: str, name: str, *, add: bool = True) -> None:
        """Put an emoji on a message, or take it back."""
        message = self.space.messages[channel][ts]
        self.server.event(
            {
                "type": "reaction_added" if add else "reaction_removed",
                "user": user,
                "reaction": name,
                "item_user": message["user"],
                "item": {"type": "message", "channel": channel, "ts": ts},
                "event_ts": self.space.ts(),
            }
        )

    def press(self, user: str, channel: str, ts: str, action: str, *, value: str | None = None) -> Sent:
        """Press a button of a message. Of feedback buttons `value` says which."""
        message = self.space.messages[channel][ts]
        element = _element(message["blocks"], action, value)
        return self._act(user, element, channel=channel, message={**message, "ts": ts})

    def press_in(self, user: str, view: Json, action: str, *, value: str | None = None) -> Sent:
        """Press a button of a view."""
        return self._act(user, _element(view["blocks"], action, value), view=view)

    def press_ephemeral(self, user: str, channel: str, blocks: list[Json], action: str) -> Sent:
        """Press a button of a message that only this person sees."""
        container = {"type": "message", "is_ephemeral": True, "channel_id": channel, "message_ts": self.space.ts()}
        return self._act(user, _element(blocks, action, None), channel=channel, container=container)

    def _act(self, user: str, element: Json, *, channel: str = "", **more: Any) -> Sent:
        payload: Json = {
            "type": "block_actions",
            "user": {"id": user, "team_id": self.space.team},
            "team": {"id": self.space.team},
            "api_app_id": "A1",
            "trigger_id": self._trigger(user),
            "actions": [{**element, "action_ts": self.space.ts()}],
            **more,
        }
        if channel:
            payload |= {"channel": {"id": channel}, "response_url": self.server.response_url()}
            payload.setdefault(
                "container",
                {"type": "message", "channel_id": channel, "message_ts": more["message"]["ts"]}
                if "message" in more
                else {},
            )
        return self.server.deliver("interactive", payload, "interaction")

    def command(self, user: str, channel: str, name: str, text: str = "") -> Sent:
        """Type a slash command, which threads do not have."""
        payload = {
            "command": name,
            "text": text,
            "user_id": user,
            "user_name": user.lower(),
            "channel_id": channel,
            "team_id": self.space.team,
            "api_app_id": "A1",
            "trigger_id": self._trigger(user),
            "response_url": self.server.response_url(),
        }
        return self.server.deliver("slash_commands", payload, "command")

    def shortcut(self, user: str, channel: str, ts: str, callback: str) -> Sent:
        """Choose a message shortcut."""
        payload = {
            "type": "message_action",
            "callback_id": callback,
            "user": {"id": user, "team_id": self.space.team},
            "team": {"id": self.space.team},
            "channel": {"id": channel},
            "message": {**self.space.messages[channel][ts], "ts": ts},
            "message_ts": ts,
            "trigger_id": self._trigger(user),
            "response_url": self.server.response_url(),
        }
        return self.server.deliver("interactive", payload, "interaction")

    def submit(self, user: str, view: Json, values: dict[str, dict[str, Json]] | None = None) -> Sent:
        """Submit an open modal; what is not in `values` stays as it was shown."""
        state = {**_initial(view), **(values or {})}
        payload = {
            "type": "view_submission",
            "user": {"id": user, "team_id": self.space.team},
            "team": {"id": self.space.team},
            "trigger_id": self._trigger(user),
            "view": {**view, "state": {"values": state}, "root_view_id": view["id"], "previous_view_id": None},
        }
        return self.server.deliver("interactive", payload, "interaction")

    def open_home(self, user: str, tab: str = "home") -> None:
        """Look at the app's home tab, or at its messages."""
        channel = self.space.dm(user)
        self.server.event(
            {"type": "app_home_opened", "user": user, "channel": channel, "tab": tab, "event_ts": self.space.ts()}
        )

    def open_pane(self, user: str) -> str:
        """Open the assistant pane: a new thread in the direct messages; its root."""
        channel, ts = self.space.dm(user), self.space.ts()
        root = {"type": "message", "user": self.space.bot_user, "ts": ts, "text": "New Assistant Thread"}
        self.space.messages[channel][ts] = root
        thread = {"user_id": user, "channel_id": channel, "thread_ts": ts, "context": {}}
        self.server.event({"type": "assistant_thread_started", "assistant_thread": thread, "event_ts": ts})
        return ts

    def stop_button(self, user: str, channel: str, thread: str) -> None:
        """Press the Stop that Slack shows while an agent works."""
        self.server.event(
            {"type": "agent_session_stopped", "channel": channel, "thread_ts": thread, "user": user, "event_ts": "1"}
        )

    def upload(self, name: str, data: bytes, **more: Any) -> Json:
        """A file as a message carries it."""
        file = self.space.new_id("F")
        url = f"{self.server.url}/files/{file}"
        self.space.files[file] = {"id": file, "name": name, "size": len(data), "url_private_download": url, **more}
        seen = dict(self.space.files[file])
        self.space.files[file]["data"] = data
        return seen

    def view(self, user: str) -> Json:
        """The modal that this person has in front of them."""
        return next(view for view in reversed(self.space.views.values()) if view["user"] == user)

    def read(self, channel: str, thread: str) -> list[str]:
        """A thread as everybody reads it: who, and what."""
        said = []
        for message in self.space.thread(channel, thread):
            who = "attune" if message["user"] == self.space.bot_user else message["user"]
            said.append(f"{who}: {text_of(message)}")
        return said

    def whispers(self, user: str) -> list[str]:
        """What only this person saw in channels."""
        return [text_of(each) for each in self.space.ephemeral if each["user"] == user]

    def replies(self) -> list[Json]:
        """What went to response addresses, in order."""
        return [post for posts in self.server.responses.values() for post in posts]

    def _trigger(self, user: str) -> str:
        trigger = self.space.new_id("trigger")
        self.space.triggers[trigger] = user
        return trigger


def text_of(message: Json) -> str:
    """What a message shows: streamed text, then blocks; its plain text where it has none of both."""
    parts = [message.get("streamed", "")]
    parts += [cell for chunk in message.get("chunks", []) if chunk["type"] == "blocks" for cell in _texts(chunk)]
    parts += _texts(message.get("blocks") or [])
    shown = "\n".join(part for part in parts if part)
    return re.sub(r"\n{3,}", "\n\n", shown or message.get("text", ""))


def _texts(value: Any) -> list[str]:
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    if not isinstance(value, dict):
        return []
    if isinstance(value.get("text"), str) and value.get("type") != "button":
        return [value["text"]]
    return [text for name, each in value.items() if name != "value" for text in _texts(each)]


def _element(blocks: list[Json], action: str, value: str | None) -> Json:
    """The element that was pressed, as the payload has it."""
    for block in blocks:
        for element in [*block.get("elements", []), block.get("accessory") or {}, block.get("element") or {}]:
            if element.get("action_id") != action:
                continue
            pressed = {"type": element["type"], "action_id": action, "block_id": block.get("block_id", "b")}
            choices = [element[name] for name in ("positive_button", "negative_button") if name in element]
            choices += [*element.get("options", []), element]
            chosen = next((each for each in choices if value is None or each.get("value") == value), None)
            if chosen is None:
                continue
            if element["type"] in {"overflow", "static_select", "radio_buttons"}:
                return {**pressed, "selected_option": chosen}
            return {**pressed, "value": chosen.get("value", "")}
    raise AssertionError(f"there is no {action} to press")


def _initial(view: Json) -> dict[str, dict[str, Json]]:
    """The state of a modal that nobody touched."""
    values: dict[str, dict[str, Json]] = {}
    for block in view["blocks"]:
        element = block.get("element") or block.get("accessory")
        if not element or "action_id" not in element:
            continue
        state: Json = {"type": element["type"]}
        if "options" in element:
            state["selected_option"] = element.get("initial_option")
            state["selected_options"] = element.get("initial_options", [])
        else:
            state["value"] = element.get("initial_value")
        values[block["block_id"]] = {element["action_id"]: state}
    return values
