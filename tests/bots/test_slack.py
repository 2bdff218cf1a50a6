"""Conversations in Slack, through the real slack-bolt against a strict fake: over Socket Mode and over HTTP."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from bots import texts
from bots.on_slack.markdown import escaped
from core.answering import prompt
from tests.bots.slack_world import GROUP, QUESTION, SCOPES, TEXTS, World, world


async def test_a_mention_is_answered_once_in_its_thread(slack: World) -> None:
    """A mention arrives as two events and is one question: one answer, with sources and feedback, in the thread."""
    ts = slack.people.say("UANN", "C1", f"<@UBOT> {QUESTION}")
    await slack.settled()
    (answer,) = slack.answers("C1", ts)
    assert TEXTS["Transit"] in answer
    assert "Transit.md" in answer
    kinds = [block["type"] for block in slack.space.answers("C1", ts)[0]["blocks"]]
    assert kinds == ["context", "actions", "context_actions"]
    assert [sent.payload["event"]["type"] for sent in slack.server.sent] == ["message", "app_mention"]


async def test_a_thread_goes_on_without_a_second_mention(slack: World) -> None:
    """Once named in a thread, the bot answers there; talk of others, elsewhere or to others stays unanswered."""
    ts = slack.people.say("UANN", "C1", f"<@UBOT> {QUESTION}")
    other = slack.people.say("UBEN", "C1", "How do I book travel?")
    await slack.settled()
    slack.people.say("UBEN", "C1", "How do I book travel with the agency?", thread=ts)
    slack.people.say("UBEN", "C1", "<@UANN> how do I book travel with the agency?", thread=ts)
    slack.people.say("UBEN", "C1", "Travel with the agency?", thread=other)
    await slack.settled()
    first, second = slack.answers("C1", ts)
    assert (TEXTS["Transit"] in first, TEXTS["Travel"] in second) == (True, True)
    assert slack.answers("C1", other) == []


async def test_what_was_left_out_is_said_under_the_answer(slack: World) -> None:
    """An answer without its invention says so; one of which nothing is left is replaced by the refusal."""
    slack.generator.script = lambda _: "It takes fourteen days. Log in at https://transit.example."
    ts = slack.people.say("UANN", "C1", f"<@UBOT> {QUESTION}")
    await slack.settled()
    (answer,) = slack.answers("C1", ts)
    assert "It takes fourteen days. Log in at …" in answer
    assert escaped(texts.LEFT_OUT) in answer
    slack.generator.script = lambda _: "Log in at https://transit.example."
    ts = slack.people.say("UANN", "C1", f"<@UBOT> {QUESTION}")
    await slack.settled()
    (answer,) = slack.answers("C1", ts)
    assert prompt.NOT_FOUND in answer
    assert "Log in" not in answer
    assert "Transit" in answer


async def test_thanks_in_a_thread_are_left_alone(socket: World) -> None:
    """In a thread thanks get no answer; to the bot alone they get a word, and a greeting the help, without a search."""
    ts = socket.people.say("UANN", "C1", f"<@UBOT> {QUESTION}")
    await socket.settled()
    socket.people.say("UBEN", "C1", "Thanks a lot!", thread=ts)
    alone = socket.people.say("UANN", socket.space.dm("UANN"), "great, thank you")
    greeting = socket.people.say("UANN", "DUANN", "Hello")
    await socket.settled()
    assert len(socket.answers("C1", ts)) == 1
    assert "You're welcome" in socket.answers("DUANN", alone)[0]
    assert "what I can do" in socket.answers("DUANN", greeting)[0]
    assert len(socket.generator.prompts) == 1
    assert socket.space.titles == {}


async def test_a_direct_message_is_answered_and_titles_its_thread(slack: World) -> None:
    """In a direct message nobody has to name the bot; the thread is called after the question."""
    channel = slack.space.dm("UANN")
    ts = slack.people.say("UANN", channel, QUESTION)
    await slack.settled()
    (answer,) = slack.answers(channel, ts)
    assert TEXTS["Transit"] in answer
    assert slack.space.titles[channel, ts] == QUESTION


async def test_the_pane_suggests_what_to_ask(socket: World) -> None:
    """The assistant pane opens with prompts, and then with what this person asks."""
    channel, root = socket.space.dm("UANN"), socket.people.open_pane("UANN")
    await socket.settled()
    first = socket.space.prompts[channel, root]
    ts = socket.people.say("UANN", channel, QUESTION, thread=root)
    await socket.settled()
    again = socket.people.open_pane("UANN")
    await socket.settled()
    assert 1 <= len(first) <= 4
    assert QUESTION in [prompt["message"] for prompt in socket.space.prompts[channel, again]]
    assert TEXTS["Transit"] in socket.answers(channel, root)[-1]
    assert ts in socket.space.messages[channel]


async def test_what_is_not_kept_is_not_acknowledged(slack: World) -> None:
    """Where the inbox is away, Slack is not told that all is well, sends again, and the answer comes."""
    slack.server.ack_seconds = 1.0
    slack.hub.broken = 2
    ts = slack.people.say("UANN", "C1", f"<@UBOT> {QUESTION}")
    await slack.settled()
    assert len(slack.answers("C1", ts)) == 1
    assert max(sent.attempts for sent in slack.server.sent) > 1


async def test_an_event_that_comes_twice_is_answered_once(slack: World) -> None:
    """Deliveries that Slack repeats are the same question."""
    slack.server.duplicate_next = 4
    ts = slack.people.say("UANN", "C1", f"<@UBOT> {QUESTION}")
    await slack.settled()
    assert len(slack.answers("C1", ts)) == 1


async def test_an_edited_question_is_answered_anew_in_the_same_place(slack: World) -> None:
    """The first answer becomes the second; a preview that Slack adds changes nothing."""
    ts = slack.people.say("UANN", "C1", f"<@UBOT> {QUESTION}")
    await slack.settled()
    (before,) = slack.space.answers("C1", ts)
    slack.people.edit("C1", ts, f"<@UBOT> {QUESTION}")
    slack.people.edit("C1", ts, "<@UBOT> How do I book travel with the agency?")
    await slack.settled()
    (after,) = slack.space.answers("C1", ts)
    assert after["ts"] == before["ts"]
    assert TEXTS["Travel"] in slack.answers("C1", ts)[0]
    assert TEXTS["Transit"] not in slack.answers("C1", ts)[0]


async def test_the_answer_to_a_deleted_question_goes_too(slack: World) -> None:
    """Who takes a question back takes its answer back, and no other."""
    ts = slack.people.say("UANN", "C1", f"<@UBOT> {QUESTION}")
    await slack.settled()
    second = slack.people.say("UANN", "C1", "How do I book travel with the agency?", thread=ts)
    await slack.settled()
    slack.people.delete("C1", second)
    await slack.settled()
    (left,) = slack.answers("C1", ts)
    assert TEXTS["Transit"] in left
    slack.people.delete("C1", ts)
    await slack.settled()
    assert slack.answers("C1", ts) == []


async def test_what_others_take_back_is_not_kept(socket: World) -> None:
    """A deleted message that was not for the bot leaves no trace in the inbox, as it left none when it was written."""
    ts = socket.people.say("UBEN", "C1", "Lunch?")
    inside = socket.people.say("UANN", "C1", "Yes!", thread=ts)
    await socket.settled()
    socket.people.delete("C1", inside)
    socket.people.delete("C1", ts)
    await socket.settled()
    assert socket.hub.deliveries == {}


async def test_a_thread_that_slack_does_not_tell_in_time_is_asked_again(socket: World) -> None:
    """Under a rate limit a follow-up is not acknowledged, comes again, and is answered."""
    socket.server.ack_seconds = 3.0
    ts = socket.people.say("UANN", "C1", "Who knows about travel?")
    socket.space.messages["C1"][ts]["text"] += " <@UBOT>"  # named before the bot came up
    socket.server.fail("conversations.replies", "ratelimited", status=429, retry_after=30)
    asked = socket.people.say("UANN", "C1", QUESTION, thread=ts)
    await socket.settled()
    assert TEXTS["Transit"] in socket.answers("C1", ts)[0]
    (sent,) = [sent for sent in socket.server.sent if sent.payload["event"]["ts"] == asked]
    assert (sent.attempts, sent.acked) == (2, True)


async def test_a_feature_that_was_left_out_takes_no_other_with_it(redis: Redis) -> None:
    """Without private channels the bot still sees which public ones somebody belongs to."""
    scopes = SCOPES - {"groups:read", "groups:history", "mpim:read", "mpim:history"}
    async with world(redis, scopes=scopes) as there:
        client = there.hub.sender._clients
        place = await client.of("T1")
        assert await there.hub.sender._members.channels(place.client, "T1", "UANN") == {"C1"}


@pytest.mark.parametrize(
    "more",
    [
        {"bot_id": "B2"},
        {"subtype": "bot_message", "bot_id": "B2"},
        {"subtype": "channel_join"},
        {"subtype": "channel_topic"},
        {"app_id": "A2"},
    ],
)
async def test_what_no_person_wrote_is_not_answered(socket: World, more: dict) -> None:
    """Other apps, and what Slack itself says in a channel, are no questions."""
    ts = socket.people.say("UBEN", socket.space.dm("UBEN"), QUESTION, **more)
    await socket.settled()
    assert socket.answers(socket.space.dm("UBEN"), ts) == []


async def test_own_messages_are_not_answered(socket: World) -> None:
    """The bot never talks to itself."""
    channel = socket.space.dm("UANN")
    ts = socket.people.say("UBOT", channel, QUESTION, bot_id="B1")
    await socket.settled()
    assert len(socket.answers(channel, ts)) == 1  # the message itself


async def test_guests_and_strangers_are_turned_away_by_a_word_to_them_alone(slack: World) -> None:
    """People who are no members of the workspace get no answer, and only they read why."""
    for user in ("UGUEST", "UEXT"):
        ts = slack.people.say(user, "C1", f"<@UBOT> {QUESTION}")
        await slack.settled()
        assert slack.answers("C1", ts) == []
        assert "only answer members of this workspace" in slack.people.whispers(user)[0]
    assert slack.generator.prompts == []


async def test_nobody_gets_in_before_a_list_or_a_code_lets_them(slack: World) -> None:
    """An unlisted person is answered after writing a code in a direct message, and in channels codes do not count."""
    slack.access.allowed.clear()
    code = await slack.doors.new_code()
    channel = slack.space.dm("UANN")
    first = slack.people.say("UANN", channel, QUESTION)
    slack.people.say("UANN", "C1", f"<@UBOT> pair {code}")
    await slack.settled()
    assert "for a pairing code, and send me `pair code`" in slack.answers(channel, first)[0].lower()
    assert "direct message" in slack.people.whispers("UANN")[0]
    wrong = slack.people.say("UANN", channel, "pair WRON-GONE")
    right = slack.people.say("UANN", channel, f"pair {code}")
    await slack.settled()
    assert "isn't valid" in slack.answers(channel, wrong)[0]
    assert "Welcome" in slack.answers(channel, right)[0]
    last = slack.people.say("UANN", channel, QUESTION)
    await slack.settled()
    assert TEXTS["Transit"] in slack.answers(channel, last)[0]


async def test_a_user_group_on_the_list_lets_its_members_in(socket: World) -> None:
    """Who belongs to a listed user group is answered anywhere, others nowhere."""
    socket.access.allowed = {GROUP}
    socket.space.groups["S1"] = ["UANN"]
    ann = socket.people.say("UANN", "C1", f"<@UBOT> {QUESTION}")
    ben = socket.people.say("UBEN", "C1", f"<@UBOT> {QUESTION}")
    await socket.settled()
    assert (len(socket.answers("C1", ann)), len(socket.answers("C1", ben))) == (1, 0)


async def test_a_channel_on_the_list_lets_its_members_in(socket: World) -> None:
    """Who asks in a listed channel is answered; elsewhere they are not."""
    socket.access.allowed = {"channel:slack/T1/C1"}
    here = socket.people.say("UANN", "C1", f"<@UBOT> {QUESTION}")
    there = socket.people.say("UANN", "G1", f"<@UBOT> {QUESTION}")
    await socket.settled()
    assert (len(socket.answers("C1", here)), len(socket.answers("G1", there))) == (1, 0)


async def test_a_shared_channel_is_silent_until_it_is_listed(socket: World) -> None:
    """Where another organisation reads along, nothing is answered unless the operator named that channel."""
    socket.space.channels["C1"]["is_ext_shared"] = True
    ts = socket.people.say("UANN", "C1", f"<@UBOT> {QUESTION}")
    await socket.settled()
    assert socket.answers("C1", ts) == []
    assert "another organisation" in socket.people.whispers("UANN")[0]
    socket.access.allowed.add("channel:slack/T1/C1")
    ts = socket.people.say("UANN", "C1", f"<@UBOT> {QUESTION}")
    await socket.settled()
    assert len(socket.answers("C1", ts)) == 1


async def test_who_asks_too_fast_is_told(socket: World) -> None:
    """A refusal of the inbox is a sentence for the one who asked."""
    from core.inbox import Receipt  # noqa: PLC0415

    socket.hub.refuse = Receipt.HURRIED
    socket.people.say("UANN", "C1", f"<@UBOT> {QUESTION}")
    await socket.settled()
    await socket.until(lambda: bool(socket.people.whispers("UANN")))
    assert "take in at once" in socket.people.whispers("UANN")[0]


async def test_http_deliveries_without_slacks_signature_are_refused(redis: Redis) -> None:
    """What was not signed with the secret never reaches the inbox."""
    async with world(redis, http=True) as there:
        there.server.signing_secret = "somebody else's"  # noqa: S105
        there.people.say("UANN", "C1", f"<@UBOT> {QUESTION}")
        await there.server.settled()
        assert there.hub.deliveries == {}
        assert not any(sent.acked for sent in there.server.sent)


async def test_a_new_socket_takes_over_when_slack_asks_for_it(socket: World) -> None:
    """Refreshed or cut off in the middle of questions, the connection comes back and every question has one answer."""
    asked = []
    for turn in range(6):
        asked.append(socket.people.say("UANN", "C1", f"<@UBOT> {QUESTION} ({turn})"))
        if turn % 3 == 1:
            await socket.server.refresh()
    await socket.settled()
    assert [len(socket.answers("C1", ts)) for ts in asked] == [1] * 6
    assert socket.server.connections >= 2
