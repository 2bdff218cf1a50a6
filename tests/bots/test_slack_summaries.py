"""Slack's threads, summed up for whoever asks in them."""

from __future__ import annotations

from redis.asyncio import Redis

from core.domain import Prompt
from tests.bots.slack_world import World, world
from tests.doubles.slack_people import text_of

AT = "<@UBOT>"


def script(prompt: Prompt) -> str:
    """One bullet for each line that was read."""
    return "\n".join(f"- {line}" for line in prompt.passages[0].text.splitlines())


async def discuss(slack: World, *said: tuple[str, str]) -> str:
    """A thread in which people write; its first message."""
    (user, text), *rest = said
    root = slack.people.say(user, "C1", text)
    for user, text in rest:
        slack.people.say(user, "C1", text, thread=root)
    await slack.settled()  # the bot takes no part yet
    return root


async def test_a_thread_is_summed_up_where_it_stands(redis: Redis) -> None:
    """Each point leads to the message that says it, by people's names, and what was read is said."""
    async with world(redis) as slack:
        slack.generator.script = script
        slack.space.users["UANN"]["profile"] = {"display_name": "Ann"}
        slack.space.users["UBEN"]["real_name"] = "Ben Berg"
        root = await discuss(
            slack, ("UANN", "The printer on floor two is broken"), ("UBEN", "<@UANN> I will repair it on Monday")
        )
        slack.people.say("UANN", "C1", f"{AT} summarise", thread=root)
        await slack.settled()
        [answer] = slack.answers("C1", root)
        assert "In short" in answer
        assert f"https://fake.slack.example/archives/C1/p{root.replace('.', '')}?thread_ts={root}&cid=C1" in answer
        assert "Ann I will repair it on Monday" in answer
        assert "Ben Berg" in answer
        assert "I read 2 messages by 2 people." in answer
        assert "UANN" not in answer
        slack.check()


async def test_a_thread_as_a_table(redis: Redis) -> None:
    """Slack's tables have no links: those stand below, by number."""
    async with world(redis) as slack:
        slack.generator.script = script
        root = await discuss(
            slack, ("UANN", "I'll carry the printer | scanner on Monday"), ("UBEN", "I'll repair the lamp on Friday")
        )
        slack.people.say("UANN", "C1", f"{AT} action items as a table", thread=root)
        await slack.settled()
        answer = slack.space.answers("C1", root)[0]
        [table] = [block for block in answer["blocks"] if block["type"] == "table"]
        cells = [[cell["text"] for cell in row] for row in table["rows"]]
        assert cells[0] == ["#", "What", "Said by"]
        assert [row[0] for row in cells[1:]] == ["1", "2"]
        assert "printer | scanner" in cells[1][1]
        assert text_of(answer).count("https://fake.slack.example/archives/C1/p") == 2
        slack.check()


async def test_a_thread_is_read_page_by_page_as_it_is_now(redis: Redis) -> None:
    """Edited messages as they are, deleted ones not at all; the bot's own and those without words are counted."""
    async with world(redis) as slack:
        slack.generator.script = script
        root = slack.people.say("UANN", "C1", "Report number zero is late")
        stamps = [
            slack.people.say("UBEN", "C1", f"Report {name} is late", thread=root)
            for name in ("alpha", "bravo", "carbon")
        ]
        for _ in range(250):
            ts = slack.space.ts()
            slack.space.messages["C1"][ts] = {"ts": ts, "user": "UBEN", "thread_ts": root, "text": ""}
        slack.people.say("UBEN", "C1", f"{AT} summarise", thread=root)
        await slack.settled()
        slack.people.edit("C1", stamps[0], "Report alpha is ready")
        slack.people.delete("C1", stamps[1])
        slack.people.say("UBEN", "C1", f"{AT} Fass bitte zusammen", thread=root)
        await slack.settled()
        last = slack.answers("C1", root)[-1]
        assert "alpha is ready" in last
        assert "bravo" not in last
        assert "I read 3 messages by 2 people. Left out: 1 of mine, 250 without words." in last
        slack.check()


async def test_decisions_and_tasks_are_asked_for(redis: Redis) -> None:
    """In a thread in which the bot takes part nobody has to name it."""
    async with world(redis) as slack:
        slack.generator.script = script
        root = await discuss(
            slack,
            ("UANN", "Where do we move the printer?"),
            ("UBEN", "Decision: the printer moves to floor three"),
            ("UANN", "I'll carry the printer on Monday"),
        )
        slack.people.say("UANN", "C1", f"{AT} what was decided?", thread=root)
        await slack.settled()
        slack.people.say("UBEN", "C1", "action items?", thread=root)
        await slack.settled()
        decided, to_do = slack.answers("C1", root)
        assert "Decided" in decided
        assert "moves to floor three" in decided
        assert "carry" not in decided
        assert "I'll carry the printer on Monday" in to_do
        slack.check()


async def test_what_somebody_missed_in_a_channel(redis: Redis) -> None:
    """Once an admin has that on: what was written outside threads since they last wrote; nothing is kept."""
    async with world(redis) as slack:
        slack.generator.script = script
        slack.space.channels["C1"]["creator"] = "UBEN"
        slack.people.say("UBEN", "C1", "The roof leaks")
        slack.people.say("UANN", "C1", "I saw that")
        last = slack.people.say("UBEN", "C1", "The roof is repaired now")
        slack.people.say("UBEN", "C1", "The wall is wet, too", thread=last)
        await slack.settled()
        before = slack.people.say("UANN", "C1", f"{AT} what did I miss?")
        await slack.settled()
        assert "!catchup on" in slack.answers("C1", before)[0]
        refused = slack.people.say("UANN", "C1", f"{AT} !catchup on")
        switched = slack.people.say("UBEN", "C1", f"{AT} !catchup on")
        await slack.settled()
        assert "Only whoever made this channel" in slack.answers("C1", refused)[0]
        assert "From now on anyone" in slack.answers("C1", switched)[0]
        keys = {key for key in await redis.keys("*") if b"heard" in key}
        asked = slack.people.say("UANN", "C1", f"{AT} summarise this channel")
        missed = slack.people.say("UBEN", "C1", f"{AT} what did I miss?")
        await slack.settled()
        [whole] = slack.answers("C1", asked)
        assert all(part in whole for part in ("The roof leaks", "repaired now"))
        assert "wet" not in whole
        assert f"https://fake.slack.example/archives/C1/p{last.replace('.', '')})" in whole
        assert {key for key in await redis.keys("*") if b"heard" in key} == keys
        off = slack.people.say("UBEN", "C1", f"{AT} !catchup off")
        await slack.settled()
        again = slack.people.say("UBEN", "C1", f"{AT} what did I miss?")
        await slack.settled()
        assert "only threads" in slack.answers("C1", off)[0]
        assert "!catchup on" in slack.answers("C1", again)[0]
        assert slack.answers("C1", missed)
        slack.check()


async def test_what_somebody_missed_in_a_thread(redis: Redis) -> None:
    """Is what was written since their last message in it."""
    async with world(redis) as slack:
        slack.generator.script = script
        root = await discuss(
            slack, ("UBEN", "The roof leaks"), ("UANN", "I saw that"), ("UBEN", "The roof is repaired now")
        )
        slack.people.say("UANN", "C1", f"{AT} what did I miss?", thread=root)
        await slack.settled()
        [answer] = slack.answers("C1", root)
        assert "repaired now" in answer
        assert "leaks" not in answer
        slack.people.say("UBEN", "C1", f"{AT} anything new?", thread=root)
        await slack.settled()
        assert "nobody has written here" in slack.answers("C1", root)[-1]
        slack.check()


async def test_of_a_very_long_thread_the_last_messages_are_read(redis: Redis) -> None:
    """However many came between: what somebody missed is what came last, and a decision is found there."""
    async with world(redis) as slack:
        slack.generator.script = script
        root = await discuss(slack, ("UANN", "Where do we all go?"))
        for number in range(2100):
            ts = slack.space.ts()
            said = {2030: "Decision: everybody goes home on Friday", 2060: "I read all of this"}.get(number, "")
            user = "UANN" if number == 2060 else "UBEN"
            slack.space.messages["C1"][ts] = {"ts": ts, "user": user, "thread_ts": root, "text": said}
        slack.people.say("UBEN", "C1", "The bus leaves at noon", thread=root)
        slack.people.say("UANN", "C1", f"{AT} what did I miss?", thread=root)
        await slack.settled()
        slack.people.say("UANN", "C1", f"{AT} what was decided?", thread=root)
        await slack.settled()
        missed, decided = slack.answers("C1", root)
        assert "The bus leaves at noon" in missed
        assert "go home" not in missed
        assert "from the middle" not in missed
        assert "everybody goes home on Friday" in decided
        assert "from the middle" in decided
        slack.check()


async def test_what_names_the_bot_counts_unless_it_asks_for_minutes(redis: Redis) -> None:
    """Whoever addresses a decision to the bot has decided, too."""
    async with world(redis) as slack:
        slack.generator.script = script
        root = await discuss(slack, ("UANN", "Where do we move the printer?"))
        slack.people.say("UBEN", "C1", f"{AT} Decision: the printer moves to floor four", thread=root)
        await slack.settled()
        slack.people.say("UANN", "C1", f"{AT} what was decided?", thread=root)
        await slack.settled()
        assert "floor four" in slack.answers("C1", root)[-1]
        slack.check()


async def test_what_comes_with_a_forward_is_about_that(redis: Redis) -> None:
    """And not about the thread."""
    async with world(redis) as slack:
        slack.generator.script = script
        root = await discuss(slack, ("UANN", "Where do we move the printer?"), ("UBEN", "To floor three, I hope"))
        forward = {"is_share": True, "is_msg_unfurl": True, "author_name": "Zoe", "text": "The canteen is closed."}
        slack.people.say("UANN", "C1", f"{AT} summarise", thread=root, attachments=[forward])
        await slack.settled()
        assert not any("In short" in answer for answer in slack.answers("C1", root))


async def test_a_day_or_a_channel_that_has_it_off_is_not_summed_up(redis: Redis) -> None:
    """Whoever asks for that is told what can be had, in a thread as outside."""
    async with world(redis) as slack:
        for text in ("summarise this channel", "what was decided today?", "was habe ich verpasst?"):
            slack.people.say("UANN", "C1", f"{AT} {text}")
        root = await discuss(slack, ("UANN", "Where do we move the printer?"), ("UBEN", "Decision: to floor three"))
        slack.people.say("UANN", "C1", f"{AT} what was decided today?", thread=root)
        await slack.settled()
        said = [text_of(each) for each in slack.space.messages["C1"].values()]
        parts = "for which an admin wrote `!catchup on`", "A single day I can't sum up"
        assert sum(all(part in text for part in parts) for text in said) == 4
        assert not any("Decided" in text for text in said)
        slack.check()


async def test_names_are_shown_as_they_are(redis: Redis) -> None:
    """Whatever signs they hold."""
    async with world(redis) as slack:
        slack.generator.script = script
        slack.space.users["UBEN"]["profile"] = {"display_name": "Ben <3 & Co>"}
        root = await discuss(slack, ("UANN", "<@UBEN> repairs the printer"), ("UBEN", "The roof leaks"))
        slack.people.say("UANN", "C1", f"{AT} summarise", thread=root)
        await slack.settled()
        [answer] = slack.answers("C1", root)
        assert "&lt;3" in answer
        assert "Co repairs the printer" in answer
        slack.check()


async def test_what_people_ask_each_other_counts(redis: Redis) -> None:
    """Who does not name the bot asks it nothing."""
    async with world(redis) as slack:
        slack.generator.script = script
        root = await discuss(slack, ("UANN", "What needs to be done?"), ("UBEN", "The roof leaks"))
        slack.people.say("UANN", "C1", f"{AT} summarise and list the action items", thread=root)
        await slack.settled()
        [answer] = slack.answers("C1", root)
        assert "What needs to be done?" in answer
        assert "I read 2 messages by 2 people." in answer
        assert "I found nothing to do in these messages." in answer
        slack.check()


async def test_without_a_discussion_it_is_a_question(redis: Redis) -> None:
    """Below one message, and in private the documents and the last answer are meant."""
    async with world(redis) as slack:
        root = slack.people.say("UBEN", "C1", "How long does transit enrolment take?")
        slack.people.say("UANN", "C1", f"{AT} summarise", thread=root)
        dm = slack.space.dm("UANN")
        slack.people.say("UANN", dm, "next steps?")
        slack.people.say("UANN", dm, "what did I miss?")
        await slack.settled()
        assert not any("mention me in a thread" in text_of(each) for each in slack.space.messages["C1"].values())
        assert not any("In short" in text_of(each) for each in slack.space.messages["C1"].values())
        assert "mention me in a thread" in str([text_of(each) for each in slack.space.messages[dm].values()])
        slack.check()


async def test_a_channel_that_is_closed_to_the_bot_is_said(redis: Redis) -> None:
    """Whoever asks is told what to do."""
    async with world(redis) as slack:
        root = await discuss(slack, ("UANN", "Where do we move the printer?"), ("UBEN", "To floor three"))
        slack.server.fail("conversations.replies", "missing_scope", 9)
        slack.people.say("UANN", "C1", f"{AT} what was decided?", thread=root)
        await slack.settled()
        slack.server.faults.clear()
        assert "can't read this channel" in slack.answers("C1", root)[0]


async def test_where_slack_asks_to_wait_it_is_waited(redis: Redis) -> None:
    """A limit costs time and no answer."""
    async with world(redis) as slack:
        slack.generator.script = script
        root = await discuss(
            slack, ("UANN", "Where do we move the printer?"), ("UBEN", "Decision: it moves to floor three")
        )
        slack.server.fail("conversations.replies", "ratelimited", 2, status=429, retry_after=0)
        slack.people.say("UANN", "C1", f"{AT} what was decided?", thread=root)
        await slack.settled()
        assert "floor three" in slack.answers("C1", root)[0]
        slack.check()


async def test_nothing_of_a_thread_is_kept(redis: Redis) -> None:
    """Neither in the conversation nor anywhere else."""
    async with world(redis) as slack:
        slack.generator.script = script
        root = await discuss(
            slack, ("UANN", "The safe opens with 4711"), ("UBEN", "I will change the number on Monday")
        )
        slack.people.say("UANN", "C1", f"{AT} summarise", thread=root)
        await slack.settled()
        assert "4711" in slack.answers("C1", root)[0]
        for key in await redis.keys("*"):
            assert b"4711" not in await redis.dump(key)
