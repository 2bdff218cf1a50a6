"""The app's manifest and what the doctor sees in Slack."""

from __future__ import annotations

import json
from typing import Any

import pytest
from redis.asyncio import Redis
from typer.testing import CliRunner

from bots.__main__ import app
from bots.on_slack import doctor_texts
from bots.on_slack import manifest as slack_manifest
from bots.on_slack.doctor import SlackConfig, findings
from bots.on_slack.manifest import Feature, manifest
from bots.platform import Check, CheckStatus
from core.errors import ConfigurationError
from tests.bots.slack_world import QUESTION, SCOPES, world
from tests.doubles.slack_server import SlackServer
from tests.doubles.slack_state import Workspace


def test_the_scenarios_run_with_the_manifests_scopes() -> None:
    """What the fake Slack grants in every scenario is what the manifest asks for: no more, no less."""
    assert set(slack_manifest.scopes()) == SCOPES


async def test_the_manifests_events_are_enough(redis: Redis) -> None:
    """Subscribed to what the manifest lists and nothing else, mentions, threads, messages, emoji and tabs arrive."""
    async with world(redis) as there:
        there.server.subscribed = set(slack_manifest.events())
        ts = there.people.say("UANN", "C1", f"<@UBOT> {QUESTION}")
        private = there.people.say("UANN", "G1", f"<@UBOT> {QUESTION}")
        direct = there.people.say("UANN", there.space.dm("UANN"), QUESTION)
        there.people.open_home("UANN")
        await there.settled()
        there.people.say("UANN", "C1", "And travel with the agency?", thread=ts)
        there.people.react("UANN", "C1", there.space.answers("C1", ts)[0]["ts"], "+1")
        await there.settled()
        assert [len(there.answers(*place)) for place in (("C1", ts), ("G1", private), ("DUANN", direct))] == [2, 1, 1]
        assert "UANN" in there.space.homes
        assert sum(sent.payload["event"]["type"] == "reaction_added" for sent in there.server.sent) == 1
        there.check()


def test_a_manifest_for_http_names_the_address_everywhere() -> None:
    """With an address Slack delivers there: events, interactions and commands."""
    made = manifest(url="https://bot.example/")
    assert made["settings"]["socket_mode_enabled"] is False
    assert made["settings"]["event_subscriptions"]["request_url"] == "https://bot.example/slack/events"
    assert made["settings"]["interactivity"]["request_url"] == "https://bot.example/slack/events"
    assert {command["url"] for command in made["features"]["slash_commands"]} == {"https://bot.example/slack/events"}


def test_a_manifest_keeps_to_slacks_limits() -> None:
    """Names and descriptions are within what Slack takes, and all of it is JSON."""
    made = manifest("A name that is much longer than Slack allows it to be")
    assert len(made["display_information"]["name"]) <= 35
    assert len(made["display_information"]["description"]) <= 140
    assert all(len(command["description"]) <= 2000 for command in made["features"]["slash_commands"])
    assert all(len(shortcut["name"]) <= 24 for shortcut in made["features"]["shortcuts"])
    assert json.loads(json.dumps(made)) == made


@pytest.mark.parametrize("feature", Feature)
def test_a_feature_that_is_left_out_asks_for_nothing(feature: Feature) -> None:
    """Its scopes and events are not in the manifest."""
    made = manifest(features=frozenset(Feature) - {feature})
    needs = slack_manifest.NEEDS[feature]
    assert not set(needs.scopes) & set(made["oauth_config"]["scopes"]["bot"])
    assert not set(needs.events) & set(made["settings"]["event_subscriptions"]["bot_events"])


async def looked_at(workspace: Workspace, **settings: Any) -> dict[str, Check]:
    async with SlackServer(workspace) as server:
        listed = frozenset({"workspace:slack/T1"})
        given = {"bot_token": "xoxb-1", "app_token": "xapp-1", "api": server.api, "listed": listed, **settings}
        set_up = SlackConfig(**given)
        return {finding.name: finding async for finding in findings(set_up)}


async def test_the_doctor_finds_everything_in_place() -> None:
    """Token, scopes and Socket Mode are good; of the events it says what to look at."""
    found = await looked_at(Workspace(scopes=set(SCOPES)))
    assert [finding.mark for finding in found.values()] == [
        CheckStatus.GOOD,
        CheckStatus.GOOD,
        CheckStatus.GOOD,
        CheckStatus.GOOD,
        CheckStatus.CARE,
    ]
    assert "message.channels" in found["slack events"].fix


@pytest.mark.parametrize("scope", sorted(SCOPES))
async def test_the_doctor_names_each_scope_that_is_missing(scope: str) -> None:
    """Whichever it is, its name is said, and how to get it."""
    found = await looked_at(Workspace(scopes=SCOPES - {scope}))
    assert found["slack scopes"].mark is not CheckStatus.GOOD
    assert scope in found["slack scopes"].found
    assert "attune slack manifest" in found["slack scopes"].fix


@pytest.mark.parametrize(
    ("settings", "name", "fix"),
    [
        ({"bot_token": "xapp-1"}, "slack token", "Bot User OAuth Token"),
        ({"bot_token": "xoxb-wrong"}, "slack token", "Bot User OAuth Token"),
        ({"app_token": "xoxb-1"}, "slack app token", "connections:write"),
        ({"app_token": "xapp-wrong"}, "socket mode", "connections:write"),
        ({"app_token": ""}, "slack delivery", "ATTUNE_SLACK_APP_TOKEN"),
    ],
)
async def test_the_doctor_says_the_fix(settings: dict[str, str], name: str, fix: str) -> None:
    """What is wrong is named, with what to do about it."""
    found = await looked_at(Workspace(scopes=set(SCOPES)), **settings)
    assert found[name].mark is CheckStatus.BAD
    assert fix in found[name].fix


async def test_a_network_that_is_down_is_no_bad_token() -> None:
    """What to check is the network or the proxy; nobody is sent for a new token."""
    found = await looked_at(Workspace(scopes=set(SCOPES)), api="http://127.0.0.1:9/")
    for name in ("slack token", "socket mode"):
        assert found[name].found.startswith("Slack cannot be reached (")
        assert found[name].fix == doctor_texts.FIX_NETWORK


@pytest.mark.parametrize("event", ["app_mention", "message.channels", "message.im", "reaction_added"])
async def test_the_doctor_sees_subscriptions_with_a_configuration_token(event: str) -> None:
    """With such a token it compares the app's manifest with its own."""
    workspace = Workspace(scopes=set(SCOPES))
    workspace.manifest = manifest()
    workspace.manifest["settings"]["event_subscriptions"]["bot_events"].remove(event)
    found = await looked_at(workspace, config_token="xoxe-1")  # noqa: S106
    assert found["slack events"].mark is CheckStatus.BAD
    assert event in found["slack events"].found


@pytest.mark.parametrize("feature", Feature)
async def test_the_doctor_asks_for_no_events_of_a_feature_that_was_left_out(feature: Feature) -> None:
    """An app made without a feature lacks its scopes, which is said, and nothing else."""
    made = manifest(features=frozenset(Feature) - {feature})
    workspace = Workspace(scopes=set(made["oauth_config"]["scopes"]["bot"]), manifest=made)
    found = await looked_at(workspace, config_token="xoxe-1")  # noqa: S106
    assert [name for name, check in found.items() if check.mark is not CheckStatus.GOOD] == ["slack scopes"]
    assert (found["slack scopes"].mark, str(feature) in found["slack scopes"].found) == (CheckStatus.CARE, True)


async def test_the_doctor_says_who_is_let_in() -> None:
    """Where the lists name nobody of the workspace, it says what to write, with the workspace's own id."""
    found = await looked_at(Workspace(scopes=set(SCOPES)), listed=frozenset({"workspace:slack/T2"}))
    assert found["slack people"].mark is CheckStatus.CARE
    assert "ATTUNE_ALLOW=workspace:slack/T1" in found["slack people"].fix


async def test_an_installation_for_a_whole_organisation_is_refused() -> None:
    """It would seem to work, and answer in no workspace: the doctor says so."""
    found = await looked_at(Workspace(scopes=set(SCOPES), organisation=True))
    assert found["slack token"].mark is CheckStatus.BAD
    assert "each workspace" in found["slack token"].fix


def test_the_command_prints_a_manifest_that_can_be_pasted() -> None:
    """`attune slack manifest` is JSON, with what was left out left out; what makes no sense is said in a sentence."""
    run = CliRunner().invoke
    printed = run(app, ["slack", "manifest", "--name", "Ask", "--without", "files"])
    made = json.loads(printed.stdout)
    assert made["display_information"]["name"] == "Ask"
    assert "files:read" not in made["oauth_config"]["scopes"]["bot"]
    assert isinstance(run(app, ["slack", "manifest", "--without", "telepathy"]).exception, ConfigurationError)
