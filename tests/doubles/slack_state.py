"""What a Slack workspace holds, and its Web API with the limits and errors that Slack documents.

Written from Slack's reference. Strict: a call that Slack might let pass but that would harm people (a link whose
preview is not turned off, text that names somebody) is noted in `violations`.
"""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.doubles.slack_limits import message_complaints, view_complaints

Json = dict[str, Any]

STREAM_CHARS = 12_000
TEXT_CHARS = 4_000

SCOPES: dict[str, tuple[str, ...]] = {  # one of them is needed
    "chat.postMessage": ("chat:write",),
    "chat.postEphemeral": ("chat:write",),
    "chat.update": ("chat:write",),
    "chat.delete": ("chat:write",),
    "chat.startStream": ("chat:write",),
    "chat.appendStream": ("chat:write",),
    "chat.stopStream": ("chat:write",),
    "assistant.threads.setStatus": ("assistant:write", "chat:write"),
    "assistant.threads.setTitle": ("assistant:write",),
    "assistant.threads.setSuggestedPrompts": ("assistant:write",),
    "agents.sessions.setStatus": ("chat:write",),
    "conversations.info": ("channels:read", "groups:read", "im:read", "mpim:read"),
    "conversations.members": ("channels:read", "groups:read", "im:read", "mpim:read"),
    "conversations.open": ("im:write",),
    "users.info": ("users:read",),
    "usergroups.users.list": ("usergroups:read",),
    "reactions.add": ("reactions:write",),
    "files.info": ("files:read",),
    "files.getUploadURLExternal": ("files:write",),
    "files.completeUploadExternal": ("files:write",),
}
KINDS = {
    "public_channel": "channels:read",
    "private_channel": "groups:read",
    "mpim": "mpim:read",
    "im": "im:read",
}
HISTORY = {"C": "channels:history", "G": "groups:history", "D": "im:history"}


class SlackError(Exception):
    """What the Web API answers with `ok: false`."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.error = error
        self.more = more


@dataclass
class Workspace:
    """People, channels, messages and views of one workspace, and the methods an app may call on them."""

    team: str = "T1"
    bot_user: str = "UBOT"
    bot_id: str = "B1"
    bot_token: str = "xoxb-1"  # noqa: S105 - the fake's
    app_token: str = "xapp-1"  # noqa: S105
    scopes: set[str] = field(default_factory=set)
    users: dict[str, Json] = field(default_factory=dict)
    channels: dict[str, Json] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)
    messages: dict[str, dict[str, Json]] = field(default_factory=dict)
    files: dict[str, Json] = field(default_factory=dict)
    ephemeral: list[Json] = field(default_factory=list)
    views: dict[str, Json] = field(default_factory=dict)
    homes: dict[str, Json] = field(default_factory=dict)
    status: dict[tuple[str, str], str] = field(default_factory=dict)
    titles: dict[tuple[str, str], str] = field(default_factory=dict)
    prompts: dict[tuple[str, str], list[Json]] = field(default_factory=dict)
    sessions: dict[tuple[str, str], str] = field(default_factory=dict)
    triggers: dict[str, str] = field(default_factory=dict)
    calls: list[tuple[str, Json]] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    base_url: str = ""
    organisation: bool = False  # the app was installed for a whole organisation
    on_shown: Callable[[str, Json], None] = lambda _channel, _message: None
    config_token: str = "xoxe-1"  # noqa: S105
    manifest: Json = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._clock = itertools.count(int(time.time()) * 1_000_000, 100)
        self._ids = itertools.count(1)
        self.add_user(self.bot_user, is_bot=True)

    # The set-up

    def add_user(self, user: str, **more: Any) -> str:
        self.users[user] = {"id": user, "team_id": self.team, "name": user.lower(), "deleted": False, **more}
        return user

    def add_channel(self, channel: str, members: list[str], **more: Any) -> str:
        kind = {"C": "is_channel", "G": "is_group", "D": "is_im"}[channel[0]]
        self.channels[channel] = {"id": channel, "name": channel.lower(), kind: True, "members": members, **more}
        self.messages.setdefault(channel, {})
        return channel

    def ts(self) -> str:
        now = next(self._clock)
        return f"{now // 1_000_000}.{now % 1_000_000:06d}"

    def new_id(self, prefix: str) -> str:
        return f"{prefix}{next(self._ids)}"

    # Calls

    def call(self, method: str, args: Json, token: str) -> Json:
        """Answer one call; raises SlackError."""
        self.calls.append((method, args))
        wanted = self.config_token if method == "apps.manifest.export" else self.bot_token
        if token != wanted:
            raise SlackError("not_authed" if not token else "invalid_auth")
        needed = SCOPES.get(method, ())
        if needed and not self.scopes & set(needed):
            raise SlackError("missing_scope", needed=needed[0], provided=",".join(sorted(self.scopes)))
        handler = getattr(self, "do_" + method.replace(".", "_"), None)
        if handler is None:
            raise SlackError("unknown_method")
        result = handler(args) or {}
        shown = self.messages.get(str(result.get("channel")), {}).get(str(result.get("ts")))
        if shown is not None:
            self.on_shown(result["channel"], shown)
        return {"ok": True, **result}

    def do_auth_test(self, _: Json) -> Json:
        return {
            "url": "https://fake.slack.example/",
            "team": "Fake",
            "user": "attune",
            "team_id": self.team,
            "user_id": self.bot_user,
            "bot_id": self.bot_id,
            "is_enterprise_install": self.organisation,
        }

    # ruff: noqa: N802 - methods are called as Slack calls them
    def do_chat_postMessage(self, args: Json) -> Json:
        channel = self._writable(args)
        self._check_content(args, "chat.postMessage")
        if args.get("unfurl_links") is not False or args.get("unfurl_media") is not False:
            self.violations.append("chat.postMessage without unfurl_links=false and unfurl_media=false")
        return self._posted(channel, self._bot_message(args))

    def do_chat_postEphemeral(self, args: Json) -> Json:
        channel = self._writable(args)
        self._check_content(args, "chat.postEphemeral")
        if args.get("user") not in self.channels[channel]["members"]:
            raise SlackError("user_not_in_channel")
        ts = self.ts()
        self.ephemeral.append({**args, "ts": ts})
        return {"message_ts": ts}

    def do_chat_update(self, args: Json) -> Json:
        message = self._own(args)
        if message.get("streaming"):
            raise SlackError("streaming_state_conflict")
        self._check_content(args, "chat.update")
        message.update({name: args[name] for name in ("text", "blocks", "metadata") if name in args})
        if "blocks" not in args and "text" in args:
            message["blocks"] = []
        message["streamed"] = ""
        message["chunks"] = []
        message["edited"] = {"user": self.bot_user, "ts": self.ts()}
        return {"channel": args["channel"], "ts": args["ts"], "text": message.get("text", "")}

    def do_chat_delete(self, args: Json) -> Json:
        message = self._own(args)
        del self.messages[args["channel"]][message["ts"]]
        return {"channel": args["channel"], "ts": message["ts"]}

    def do_chat_startStream(self, args: Json) -> Json:
        channel = self._writable(args)
        if not args.get("thread_ts"):
            raise SlackError("invalid_arguments")
        if not self.channels[channel].get("is_im"):
            if not args.get("recipient_team_id"):
                raise SlackError("missing_recipient_team_id")
            if not args.get("recipient_user_id"):
                raise SlackError("missing_recipient_user_id")
            if args["recipient_user_id"] not in self.users:
                raise SlackError("user_not_found")
        message = {"text": "", "streaming": True, "streamed": "", "chunks": [], "thread_ts": args["thread_ts"]}
        self._append(message, args)
        return self._posted(channel, message)

    def do_chat_appendStream(self, args: Json) -> Json:
        message = self._streaming(args)
        if not args.get("markdown_text") and not args.get("chunks"):
            raise SlackError("no_text")
        self._append(message, args)
        return {"channel": args["channel"], "ts": args["ts"]}

    def do_chat_stopStream(self, args: Json) -> Json:
        message = self._streaming(args)
        if faults := message_complaints(args.get("blocks") or []):
            raise SlackError("invalid_blocks", errors=faults)
        self._append(message, args)
        message.update(streaming=False, blocks=args.get("blocks") or [], metadata=args.get("metadata"))
        self._end_status(args["channel"], message)
        return {"channel": args["channel"], "ts": args["ts"], "message": message}

    def do_assistant_threads_setStatus(self, args: Json) -> Json:
        self._check_thread(args["channel_id"], args["thread_ts"])
        if len(args.get("loading_messages") or []) > 10:
            raise SlackError("too_many_loading_messages")
        key = (args["channel_id"], args["thread_ts"])
        self.status[key] = args["status"]
        if not args["status"]:
            del self.status[key]
        return {}

    def do_assistant_threads_setTitle(self, args: Json) -> Json:
        self._check_thread(args["channel_id"], args["thread_ts"])
        self.titles[args["channel_id"], args["thread_ts"]] = args["title"]
        return {}

    def do_assistant_threads_setSuggestedPrompts(self, args: Json) -> Json:
        prompts = args["prompts"]
        if not 1 <= len(prompts) <= 4 or any(not each.get("title") or not each.get("message") for each in prompts):
            raise SlackError("invalid_arguments")
        self.prompts[args["channel_id"], args.get("thread_ts", "")] = prompts
        return {}

    def do_agents_sessions_setStatus(self, args: Json) -> Json:
        if args["status"] not in {"processing", "active", "suspended", "closed"}:
            raise SlackError("invalid_arguments")
        self.sessions[args["channel_id"], args.get("thread_ts", "")] = args["status"]
        return {}

    def do_conversations_info(self, args: Json) -> Json:
        channel = self._channel(args["channel"])
        return {"channel": {name: value for name, value in channel.items() if name != "members"}}

    def do_conversations_members(self, args: Json) -> Json:
        return self._page("members", self._channel(args["channel"])["members"], args)

    def do_conversations_open(self, args: Json) -> Json:
        user = args["users"]
        if user not in self.users:
            raise SlackError("user_not_found")
        return {"channel": {"id": self.dm(user)}}

    def do_conversations_replies(self, args: Json) -> Json:
        channel = args["channel"]
        self._readable(channel)
        self._check_thread(channel, args["ts"])
        found = [self._seen(each, args) for each in self.thread(channel, args["ts"])]
        return self._page("messages", found, args)

    def do_conversations_history(self, args: Json) -> Json:
        channel = args["channel"]
        self._readable(channel)
        tops = [each for each in self.messages[channel].values() if each.get("thread_ts", each["ts"]) == each["ts"]]
        latest, oldest = args.get("latest", "9" * 12), args.get("oldest", "0")
        among = [each for each in tops if oldest <= each["ts"] <= latest]
        return self._page("messages", [self._seen(each, args) for each in reversed(among)], args)

    def do_users_conversations(self, args: Json) -> Json:
        kinds = set(str(args.get("types", "public_channel")).split(","))
        if missing := {KINDS[kind] for kind in kinds} - self.scopes:
            raise SlackError("missing_scope", needed=min(missing), provided=",".join(sorted(self.scopes)))
        seen = []
        for channel in self.channels.values():
            private = bool(channel.get("is_group") or channel.get("is_private"))
            kind = "im" if channel.get("is_im") else "private_channel" if private else "public_channel"
            visible = not private or self.bot_user in channel["members"]
            if kind in kinds and visible and args.get("user", self.bot_user) in channel["members"]:
                seen.append({"id": channel["id"], "name": channel["name"]})
        return self._page("channels", seen, args)

    def do_users_info(self, args: Json) -> Json:
        if args["user"] not in self.users:
            raise SlackError("user_not_found")
        wanted = str(args.get("include_locale")).lower() in {"true", "1"}
        user = self.users[args["user"]]
        return {"user": user if wanted else {name: value for name, value in user.items() if name != "locale"}}

    def do_usergroups_users_list(self, args: Json) -> Json:
        if args["usergroup"] not in self.groups:
            raise SlackError("no_such_subteam")
        return {"users": self.groups[args["usergroup"]]}

    def do_files_getUploadURLExternal(self, args: Json) -> Json:
        if not args.get("filename") or int(args.get("length") or 0) <= 0:
            raise SlackError("invalid_arguments")
        file = self.new_id("F")
        self.files[file] = {"id": file, "name": args["filename"], "size": int(args["length"])}
        return {"file_id": file, "upload_url": f"{self.base_url}/upload/{file}"}

    def do_files_completeUploadExternal(self, args: Json) -> Json:
        files = [self.files[one["id"]] for one in args["files"]]
        if any(len(one.get("data", b"")) != one["size"] for one in files):
            raise SlackError("file_not_found")
        channel = self._writable({"channel": args.get("channel_id")})
        seen = [{name: one[name] for name in ("id", "name", "size")} for one in files]
        self._posted(channel, {"text": args.get("initial_comment", ""), "blocks": [], "files": seen})
        return {"files": seen}

    def do_views_open(self, args: Json) -> Json:
        user = self.triggers.pop(args["trigger_id"], None)
        if user is None:
            raise SlackError("invalid_trigger_id")
        return {"view": self._view(args["view"], user, kind="modal")}

    def do_views_update(self, args: Json) -> Json:
        by_name = {view.get("external_id"): view for view in self.views.values()}
        view = self.views.get(args.get("view_id", "")) or by_name.get(args.get("external_id") or "\0")
        if view is None:
            raise SlackError("not_found")
        self._check_view(args["view"], "modal")
        kept = {name: view[name] for name in ("id", "user", "hash")}
        view.clear()
        view.update({**args["view"], **kept, "hash": self.new_id("h")})
        return {"view": view}

    def do_views_publish(self, args: Json) -> Json:
        if args["user_id"] not in self.users:
            raise SlackError("user_not_found")
        self._check_view(args["view"], "home")
        self.homes[args["user_id"]] = args["view"]
        return {"view": {**args["view"], "id": self.new_id("V")}}

    def do_files_info(self, args: Json) -> Json:
        if args["file"] not in self.files:
            raise SlackError("file_not_found")
        return {"file": {name: value for name, value in self.files[args["file"]].items() if name != "data"}}

    def do_chat_getPermalink(self, args: Json) -> Json:
        place = f"{args['channel']}/p{args['message_ts'].replace('.', '')}"
        return {"permalink": f"https://fake.slack.example/archives/{place}"}

    def do_apps_manifest_export(self, _: Json) -> Json:
        return {"manifest": self.manifest}

    def do_bots_info(self, _: Json) -> Json:
        return {"bot": {"id": self.bot_id, "app_id": "A1"}}

    def do_reactions_add(self, args: Json) -> Json:
        self._message(args["channel"], args["timestamp"]).setdefault("reactions", []).append(args["name"])
        return {}

    # What is visible

    def dm(self, user: str) -> str:
        """The channel of direct messages between this person and the bot."""
        found = next((c["id"] for c in self.channels.values() if c.get("is_im") and c.get("user") == user), None)
        return found or self.add_channel(f"D{user}", [user, self.bot_user], user=user)

    def thread(self, channel: str, root: str) -> list[Json]:
        among = self.messages[channel].values()
        return [each for each in among if each["ts"] == root or each.get("thread_ts") == root]

    def answers(self, channel: str, root: str) -> list[Json]:
        """The bot's messages in a thread."""
        return [each for each in self.thread(channel, root) if each["user"] == self.bot_user]

    # The rest

    def _channel(self, channel: str) -> Json:
        if channel not in self.channels:
            raise SlackError("channel_not_found")
        return self.channels[channel]

    def _writable(self, args: Json) -> str:
        channel = self._channel(args.get("channel", ""))
        if self.bot_user not in channel["members"]:
            raise SlackError("channel_not_found" if channel.get("is_group") else "not_in_channel")
        if channel.get("is_archived"):
            raise SlackError("is_archived")
        if args.get("thread_ts"):
            self._check_thread(channel["id"], args["thread_ts"])
        return str(channel["id"])

    def _readable(self, channel: str) -> None:
        found = self._channel(channel)
        needed = HISTORY[channel[0]]
        if needed not in self.scopes:
            raise SlackError("missing_scope", needed=needed, provided=",".join(sorted(self.scopes)))
        if self.bot_user not in found["members"]:
            raise SlackError("not_in_channel")

    def _check_thread(self, channel: str, root: str) -> None:
        self._channel(channel)
        if root not in self.messages[channel]:
            raise SlackError("thread_not_found")

    def _message(self, channel: str, ts: str) -> Json:
        self._channel(channel)
        if ts not in self.messages[channel]:
            raise SlackError("message_not_found")
        return self.messages[channel][ts]

    def _own(self, args: Json) -> Json:
        message = self._message(args["channel"], args["ts"])
        if message["user"] != self.bot_user:
            raise SlackError("cant_update_message")
        return message

    def _streaming(self, args: Json) -> Json:
        message = self._own(args)
        if not message.get("streaming"):
            raise SlackError("message_not_in_streaming_state")
        return message

    def _append(self, message: Json, args: Json) -> None:
        chunks = list(args.get("chunks") or [])
        if args.get("markdown_text"):
            chunks.append({"type": "markdown_text", "text": args["markdown_text"]})
        for chunk in chunks:
            if chunk["type"] == "blocks" and (faults := message_complaints(chunk["blocks"])):
                raise SlackError("invalid_blocks", errors=faults)
            if chunk["type"] not in {"markdown_text", "task_update", "plan_update", "blocks"}:
                raise SlackError("invalid_chunks")
        added = "".join(chunk["text"] for chunk in chunks if chunk["type"] == "markdown_text")
        if len(message["streamed"] + added) > STREAM_CHARS:
            raise SlackError("msg_too_long")
        message["streamed"] += added
        message["chunks"] += chunks
        blocks = [{"type": "markdown", "text": added}] if added else []
        self.violations += [f"a stream: {fault}" for fault in message_complaints(blocks)]
        if re.search(r"\]\(https?:", added):
            self.violations.append("a link in a stream, whose preview cannot be turned off")

    def _check_content(self, args: Json, method: str) -> None:
        if not args.get("text") and not args.get("blocks"):
            raise SlackError("no_text")
        if len(args.get("text") or "") > TEXT_CHARS:
            raise SlackError("msg_too_long")
        faults = message_complaints(args.get("blocks") or [])
        names = [fault for fault in faults if fault.startswith("names")]
        self.violations += [f"{method}: {fault}" for fault in names]
        if wrong := [fault for fault in faults if fault not in names]:
            raise SlackError(
                "msg_blocks_too_long" if wrong == ["msg_blocks_too_long"] else "invalid_blocks", errors=wrong
            )

    def _bot_message(self, args: Json) -> Json:
        kept = ("text", "blocks", "metadata", "thread_ts")
        return {name: args[name] for name in kept if args.get(name)}

    def _posted(self, channel: str, message: Json) -> Json:
        ts = self.ts()
        message.update({"type": "message", "ts": ts, "user": self.bot_user, "bot_id": self.bot_id})
        self.messages[channel][ts] = message
        self._end_status(channel, message)
        return {"channel": channel, "ts": ts, "message": message}

    def _end_status(self, channel: str, message: Json) -> None:
        self.status.pop((channel, str(message.get("thread_ts", message["ts"]))), None)

    def _seen(self, message: Json, args: Json) -> Json:
        hidden = {"streaming", "streamed", "chunks"}
        if not args.get("include_all_metadata"):
            hidden.add("metadata")
        shown = {name: value for name, value in message.items() if name not in hidden}
        return {**shown, "text": message.get("streamed") or message.get("text", "")}

    def _page(self, name: str, items: list[Any], args: Json) -> Json:
        start, limit = int(args.get("cursor") or 0), int(args.get("limit") or 100)
        more = str(start + limit) if start + limit < len(items) else ""
        return {name: items[start : start + limit], "response_metadata": {"next_cursor": more}}

    def _check_view(self, view: Json, kind: str) -> None:
        if faults := [*view_complaints(view), *([] if view.get("type") == kind else [f"no {kind}"])]:
            raise SlackError("invalid_arguments", errors=faults)

    def _view(self, view: Json, user: str, *, kind: str) -> Json:
        self._check_view(view, kind)
        stored = {**view, "id": self.new_id("V"), "hash": self.new_id("h"), "user": user}
        self.views[stored["id"]] = stored
        return stored
