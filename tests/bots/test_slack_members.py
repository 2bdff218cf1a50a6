"""Who is one of us in Slack, and what an answer to somebody who is not may draw on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from redis.asyncio import Redis
from slack_sdk.errors import SlackApiError

from bots.on_slack import members as members_of_slack
from bots.on_slack.events import SlackMessage
from bots.on_slack.members import Members, MemberStatus
from core.domain import Passage
from tests.bots.slack_world import QUESTION, World, world
from tests.fakes import HashingEmbedder

OURS, COLLEAGUE, NOBODY = MemberStatus(True), MemberStatus(True, elsewhere=True), MemberStatus(False)
GROUP = "group:slack/T1/S1"


@dataclass
class Slack:
    """A client that says what it was told of one user, one channel and itself."""

    user: Any = None
    me: Any = field(default_factory=lambda: {"team_id": "T1", "enterprise_id": "E1"})
    channel: Any = None

    async def users_info(self, user: str, *, include_locale: bool) -> Any:  # noqa: ARG002
        return {"user": {"id": user, **self.user} if isinstance(self.user, dict) else self.user}

    async def auth_test(self) -> Any:
        if self.me is None:
            raise SlackApiError("no", {"ok": False, "error": "internal_error"})
        return self.me

    async def conversations_info(self, channel: str) -> Any:
        return {"channel": {"id": channel, **self.channel} if isinstance(self.channel, dict) else self.channel}

    async def usergroups_users_list(self, usergroup: str) -> Any:
        return {"users": ["UX"], "id": usergroup}


def said(team: str = "T1", *, private: bool = True, shared: bool = False) -> SlackMessage:
    return SlackMessage(team, "D1" if private else "C1", "1.0", "1.0", "UX", "hi", private=private, shared=shared)


def grid(enterprise: str, *teams: str) -> dict[str, Any]:
    return {"enterprise_user": {"id": "W1", "enterprise_id": enterprise, "enterprise_name": "Org", "teams": [*teams]}}


@pytest.mark.parametrize(
    ("user", "standing"),
    [
        ({"team_id": "T1"}, OURS),
        ({"team_id": "T1", **grid("E1", "T1")}, OURS),
        ({"team_id": "T2", **grid("E1", "T2", "T1")}, OURS),
        ({"team_id": "E1", **grid("E1", "T1")}, OURS),
        ({"team_id": "T2", **grid("E1", "T2")}, COLLEAGUE),
        ({"team_id": "T2", **grid("E1")}, COLLEAGUE),
        ({"team_id": "T9", **grid("E9", "T9")}, NOBODY),
        ({"team_id": "E9", **grid("E9", "T9")}, NOBODY),
        ({"team_id": "T9", **grid("")}, NOBODY),
        ({"team_id": "T9", "enterprise_user": {"id": "W1"}}, NOBODY),
        ({"team_id": "T9", "enterprise_user": {}}, NOBODY),
        ({"team_id": "T9", "enterprise_user": None}, NOBODY),
        ({"team_id": "T9"}, NOBODY),
        ({"team_id": None}, NOBODY),
        ({}, NOBODY),
        *[({"team_id": "T1", mark: True}, NOBODY) for mark in ("is_restricted", "is_ultra_restricted", "is_stranger")],
        *[({"team_id": "T1", mark: True, **grid("E1", "T1")}, NOBODY) for mark in ("is_restricted", "is_bot")],
        ({"team_id": "T1", "deleted": True}, MemberStatus(False, gone=True)),
        ({"team_id": "T2", "deleted": True, **grid("E1", "T1")}, MemberStatus(False, gone=True)),
    ],
)
async def test_who_is_one_of_us(user: dict[str, Any], standing: MemberStatus) -> None:
    """Members of the workspace, and of others of our own Grid; no partner's, guest, app or closed account."""
    members = Members()
    assert await members.standing(Slack(user), said()) == standing  # type: ignore[arg-type]
    assert await members.within(Slack(user), said()) == (standing == OURS)  # type: ignore[arg-type]


@pytest.mark.parametrize("me", [{"team_id": "T1"}, {"team_id": "T1", "enterprise_id": None}, None])
async def test_outside_a_grid_nobody_of_one_is_ours(me: Any) -> None:
    """Nor where Slack does not say whose the bot is; the workspace's own people are, either way."""
    for enterprise in ("E1", "", "None"):
        user = {"team_id": "T9", **grid(enterprise, "T9")}
        assert await Members().standing(Slack(user, me), said()) == NOBODY  # type: ignore[arg-type]
    assert await Members().standing(Slack({"team_id": "T1"}, me), said()) == OURS  # type: ignore[arg-type]


async def test_a_team_that_is_not_the_tokens_makes_nobody_a_member() -> None:
    """What somebody of another organisation presses names their own team, which is not whom the bot serves."""
    members = Members({"group:slack/T9/S1"})
    slack = Slack({"team_id": "T9", **grid("E9", "T9")})
    standing = await members.standing(slack, said("T9"))  # type: ignore[arg-type]
    assert standing == NOBODY
    assert await members.names(slack, said("T9"), standing) == frozenset()  # type: ignore[arg-type]


@pytest.mark.parametrize("reply", [None, [], "user", 7])
async def test_a_reply_of_another_form_makes_nobody_a_member(reply: Any) -> None:
    assert await Members().standing(Slack(reply), said()) == NOBODY  # type: ignore[arg-type]
    members, slack = Members(), Slack(channel=reply)
    assert await members.is_shared(slack, said(private=False))  # type: ignore[arg-type]
    assert not await members.within(slack, said(private=False))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("channel", "shared", "within"),
    [
        ({}, False, True),
        ({"is_ext_shared": True, "is_shared": True}, True, False),
        ({"is_ext_shared": True}, True, False),
        ({"is_org_shared": True, "is_shared": True}, False, False),
        ({"is_ext_shared": False, "is_org_shared": False, "is_shared": False}, False, True),
    ],
)
async def test_who_reads_along_in_a_channel(channel: dict[str, Any], *, shared: bool, within: bool) -> None:
    """Other organisations close a channel; other workspaces of our own only what is for one workspace."""
    members, slack = Members(), Slack(channel=channel)
    assert await members.is_shared(slack, said(private=False)) is shared  # type: ignore[arg-type]
    assert await members.within(slack, said(private=False)) is within  # type: ignore[arg-type]
    assert await members.is_shared(slack, said(private=False, shared=True))  # type: ignore[arg-type]
    assert not await members.within(slack, said(private=False, shared=True))  # type: ignore[arg-type]


async def test_who_waits_for_slack_is_told_what_it_said_a_moment_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rate limit is waited out by the client, for minutes: no question hangs on that, and nobody unknown gets in."""
    monkeypatch.setattr(members_of_slack, "PATIENCE", 0.01)

    class Busy(Slack):
        async def users_conversations(self, **_: Any) -> Any:
            if self.me is None:
                await asyncio.Event().wait()
            return {"channels": [{"id": "C7"}]}

    client, members = Busy(), Members(())
    assert await members.channels(client, "T1", "UX") == {"C7"}
    client.me = None
    assert await members.channels(client, "T1", "UX") == {"C7"}
    assert await members.channels(client, "T1", "UY") == frozenset()


async def test_a_partners_people_answer_to_no_name_of_ours() -> None:
    """Neither to the workspace's, nor to the channel's, nor to a user group's that lists them."""
    slack, members = Slack({"team_id": "T9", **grid("E9", "T9")}), Members({GROUP})
    message = said(private=False)
    standing = await members.standing(slack, message)  # type: ignore[arg-type]
    assert await members.names(slack, message, standing) == frozenset()  # type: ignore[arg-type]


# In the whole: a partner's Grid, and documents for the workspace

TRANSIT = "fourteen days"
SALARIES = "Salaries transit enrolment zeppelins are for the workspace alone"


@pytest.fixture
async def shared(redis: Redis) -> AsyncIterator[World]:
    """A workspace with a document for all of it, and a partner's person in its channel."""
    async with world(redis) as there:
        passage = Passage(
            "00000000-0000-0000-0000-000000000099", "/docs/Pay.md", "Pay", (), SALARIES, 1, 0, 1, "v",
            ("workspace:slack/T1",),
        )  # fmt: skip
        await there.index.upsert([passage], await HashingEmbedder().embed([SALARIES]))
        there.space.add_user("UPARTNER", team_id="T9", **grid("E9", "T9"))
        there.space.channels["C1"]["members"].append("UPARTNER")
        yield there
        there.check()


async def test_a_partners_grid_is_turned_away(shared: World) -> None:
    """Members of another organisation's Enterprise Grid are let in by the name of our workspace as little as others."""
    ts = shared.people.say("UPARTNER", "C1", f"<@UBOT> {QUESTION}")
    direct = shared.people.say("UPARTNER", shared.space.dm("UPARTNER"), QUESTION)
    await shared.settled()
    assert shared.answers("C1", ts) == []
    assert "I only answer members of this workspace" in shared.answers("DUPARTNER", direct)[0]
    assert shared.generator.prompts == []


@pytest.mark.parametrize("user", ["UPARTNER", "UGUEST", "UEXT"])
async def test_who_is_let_in_one_by_one_reads_nothing_of_the_workspaces(shared: World, user: str) -> None:
    """A guest or a partner on the list is answered from what everyone may see."""
    shared.access.allowed.add(f"person:slack/T1/{user}")
    asked = shared.people.say(user, shared.space.dm(user), f"{QUESTION} zeppelins salaries")
    await shared.settled()
    assert shared.answers(f"D{user}", asked)
    assert "zeppelins are" not in str([prompt.passages for prompt in shared.generator.prompts])
    ours = shared.people.say("UANN", shared.space.dm("UANN"), f"{QUESTION} zeppelins salaries")
    await shared.settled()
    assert shared.answers("DUANN", ours)
    assert "zeppelins are" in str(shared.generator.prompts[-1].passages)


@pytest.mark.parametrize("mark", ["is_ext_shared", "is_org_shared"])
async def test_a_channel_with_others_reads_nothing_of_the_workspaces(shared: World, mark: str) -> None:
    """Where people of other workspaces read along, an answer is made of what they may see too."""
    shared.access.allowed.add("channel:slack/T1/C1")
    shared.space.channels["C1"][mark] = True
    ts = shared.people.say("UANN", "C1", f"<@UBOT> {QUESTION} zeppelins salaries")
    await shared.settled()
    assert shared.answers("C1", ts)
    assert "zeppelins are" not in str([prompt.passages for prompt in shared.generator.prompts])


async def test_a_closed_account_is_answered_no_more(shared: World) -> None:
    """Also where it is on the list by name."""
    shared.access.allowed.add("person:slack/T1/UBEN")
    shared.space.users["UBEN"]["deleted"] = True
    asked = shared.people.say("UBEN", shared.space.dm("UBEN"), QUESTION)
    await shared.settled()
    assert TRANSIT not in shared.answers("DUBEN", asked)[0]
    assert shared.generator.prompts == []
