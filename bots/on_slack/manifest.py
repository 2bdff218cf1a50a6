"""The manifest of Attune's Slack app: what it is called, may do and hears of. Made from one list of features.

What the code calls and listens to stands here once; a test runs every scenario with exactly these scopes and events.
Knows no settings and no connection.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from bots.on_slack import blocks as slack_blocks
from bots.on_slack import texts as slack_texts
from core.errors import ConfigurationError

MAX_NAME, MAX_DESCRIPTION = 35, 140
NEW_APP = "https://api.slack.com/apps?new_app=1&manifest_json="


class Feature(StrEnum):
    """What an operator can leave out."""

    CHANNELS = "channels"  # mentions and threads in channels
    PRIVATE = "private-channels"
    REACTIONS = "reactions"
    FILES = "files"  # teaching by a shared file
    EXPORTS = "exports"  # what is kept of somebody, sent to them as a file
    GROUPS = "user-groups"  # allow-lists by user group
    AGENT = "agent"  # the assistant pane: status, titles, prompts, Stop


@dataclass(frozen=True, slots=True)
class FeatureNeeds:
    """What a feature takes."""

    scopes: tuple[str, ...]
    events: tuple[str, ...] = ()


ALWAYS = FeatureNeeds(
    ("chat:write", "commands", "im:history", "im:read", "im:write", "users:read"), ("message.im", "app_home_opened")
)
NEEDS: Mapping[Feature, FeatureNeeds] = {
    Feature.CHANNELS: FeatureNeeds(
        ("app_mentions:read", "channels:history", "channels:read"), ("app_mention", "message.channels")
    ),
    Feature.PRIVATE: FeatureNeeds(
        ("groups:history", "groups:read", "mpim:history", "mpim:read"), ("message.groups", "message.mpim")
    ),
    Feature.REACTIONS: FeatureNeeds(("reactions:read",), ("reaction_added", "reaction_removed")),
    Feature.FILES: FeatureNeeds(("files:read",)),
    Feature.EXPORTS: FeatureNeeds(("files:write",)),
    Feature.GROUPS: FeatureNeeds(("usergroups:read",)),
    Feature.AGENT: FeatureNeeds(("assistant:write",), ("agent_session_stopped",)),
}


def scopes(features: frozenset[Feature] = frozenset(Feature)) -> list[str]:
    """The bot scopes that these features take."""
    return sorted({*ALWAYS.scopes, *(scope for feature in features for scope in NEEDS[feature].scopes)})


def events(features: frozenset[Feature] = frozenset(Feature)) -> list[str]:
    """The events that these features listen to."""
    return sorted({*ALWAYS.events, *(event for feature in features for event in NEEDS[feature].events)})


def manifest(name: str = "Attune", features: frozenset[Feature] = frozenset(Feature), url: str = "") -> dict[str, Any]:
    """The app's manifest, as Slack takes it.

    With `url` (https://…), Slack delivers there instead of over Socket Mode.
    """
    address = f"{url.rstrip('/')}/slack/events" if url else ""
    return {
        "display_information": {"name": name[:MAX_NAME], "description": slack_texts.ABOUT[:MAX_DESCRIPTION]},
        "features": _shown(name, features, address),
        "oauth_config": {"scopes": {"bot": scopes(features)}},
        "settings": {
            "event_subscriptions": {
                "bot_events": events(features),
                **({"request_url": address} if url else {}),
            },
            "interactivity": {"is_enabled": True, **({"request_url": address} if url else {})},
            "org_deploy_enabled": False,
            "socket_mode_enabled": not url,
            "token_rotation_enabled": False,
        },
    }


def manifest_text(name: str = "Attune", without: Iterable[str] = (), url: str = "", *, link: bool = False) -> str:
    """The manifest to paste, without the features of these names; or a `link` to Slack's form for a new app with it.

    Raises:
        ConfigurationError: one of them is none.
    """
    left_out = set(without)
    if unknown := left_out - set(Feature):
        raise ConfigurationError(f"There is no feature {min(unknown)}. Choose from: {', '.join(Feature)}.")
    made = manifest(name, frozenset(Feature) - {Feature(each) for each in left_out}, url)
    if link:
        return NEW_APP + quote(json.dumps(made, separators=(",", ":"), ensure_ascii=False), safe="")
    return json.dumps(made, indent=2)


def _shown(name: str, features: frozenset[Feature], address: str) -> dict[str, Any]:
    """What people see of the app: its tabs, commands, shortcut and pane."""
    commands = [
        {"command": "/prefs", "description": slack_texts.COMMAND_PREFS, "usage_hint": "[length short]"},
        {"command": "/ask", "description": slack_texts.COMMAND_ASK, "usage_hint": "How do I get a laptop?"},
    ]
    shortcut = {"name": slack_texts.SHORTCUT, "type": "message", "callback_id": slack_blocks.TEACH}
    about: dict[str, Any] = {
        "app_home": {
            "home_tab_enabled": True,
            "messages_tab_enabled": True,
            "messages_tab_read_only_enabled": False,
        },
        "bot_user": {"display_name": name[:MAX_NAME], "always_online": True},
        "shortcuts": [{**shortcut, "description": slack_texts.SHORTCUT_ABOUT}],
        "slash_commands": [
            {**command, "should_escape": False, **({"url": address} if address else {})} for command in commands
        ],
    }
    if Feature.AGENT in features:
        prompts = [{"title": slack_texts.PANE_HELP, "message": "help"}]
        about["agent_view"] = {"agent_description": slack_texts.ABOUT, "suggested_prompts": prompts}
    return about
