"""Courses and quizzes as people see them on both platforms and in the terminal, through the real doubles."""

from __future__ import annotations

import re
from pathlib import Path

from redis.asyncio import Redis

from bots import study_texts, team_texts, texts
from bots.on_telegram.buttons import PAYLOAD_BYTES, choice_buttons, read_tap
from bots.render import plain
from bots.replies import Choice, Final
from core.learning.course_files import CourseFolder
from tests.bots.slack_world import World, world
from tests.bots.telegram_home import Home, Wishes, telegram_home
from tests.doubles.slack_people import text_of
from tests.doubles.telegram_people import Place, Shown, User, group
from tests.fakes import quizzing

TEAM = -100_500
GROUP = frozenset({f"channel:telegram//{TEAM}"})
TOPIC = "parental leave"
STANDS = "lead for it"  # how the passage on leave ends: the right option
IN_SLACK = "approves it"


async def question(user: User, text: str, place: Place | None = None) -> Shown:
    """A quiz question that was asked, with its buttons."""
    count = len((place or user.private).finished("A"))
    await user.say(text, place)
    return (await (place or user.private).answered(count + 1, "A"))[-1]


def letter(asked: str, *, right: bool = True, stands: str = STANDS) -> str:
    options = dict(re.findall(r"([A-D])\.\W* (.+)", asked))
    return next(one for one, option in options.items() if (stands in option) is right)


async def settled(home: Home, user: User) -> None:
    await user.private.until(lambda _: not (home.inlet.tasks or home.double.updates))


async def test_a_quiz_in_telegram(redis: Redis, tmp_path: Path):
    """Four letters stand under a question; pressed, they go, and right or wrong, why and the source come."""
    async with telegram_home(redis, tmp_path) as home:
        home.generator.script = quizzing
        ann = User(home.double, 7, "Ann")
        asked = await question(ann, f"/quiz {TOPIC}")
        assert asked.keyboard == [["A", "B", "C", "D"]]
        await ann.press(letter(asked.text, right=False), asked)
        [marked] = await ann.private.answered(1, study_texts.ANOTHER)
        assert marked.text.startswith("❌ Not quite.")
        assert "Leave.md" in marked.text
        await settled(home, ann)
        assert next(one for one in ann.private.shown() if one.id == asked.id).keyboard == []
        assert home.double.refused == []
        old = ann.private.chat.messages[marked.id]
        await ann.press_data(f"q:quiz answer 00000000.1 {letter(asked.text).lower()}", old)
        await ann.private.until(lambda place: any("no open question" in one.text for one in place.said()))
        await settled(home, ann)
        assert next(one for one in ann.private.shown() if one.id == marked.id).keyboard == [[study_texts.ANOTHER]]
        await ann.press_data("q:forget everything", old)
        await settled(home, ann)
        assert not any(texts.FORGOTTEN in one.text for one in ann.private.said())


async def test_a_course_in_telegram_survives_a_kill(redis: Redis, tmp_path: Path):
    """A step whose answer died with its process is told again, once."""
    async with telegram_home(redis, tmp_path) as home:
        home.generator.script = quizzing
        home.generator.pace = 0.05
        ann = User(home.double, 7, "Ann")
        await ann.say(f"/teach {TOPIC}")
        await ann.private.until(lambda _: home.generator.pieces_sent > 3)
        home.inlet.kill()
        [step] = await ann.private.answered(1, "A")
        assert f"Course: {TOPIC}" in step.text
        assert step.keyboard[0] == ["A", "B", "C", "D"]
        await settled(home, ann)
        assert len(ann.private.said()) == 1


async def test_a_quiz_in_a_telegram_group_is_whoever_asked(redis: Redis, tmp_path: Path):
    """Somebody else who presses is told so by a toast, and the question stays open for its own person."""
    async with telegram_home(redis, tmp_path, Wishes(allowed=GROUP)) as home:
        home.generator.script = quizzing
        ann, ben = User(home.double, 7, "Ann"), User(home.double, 8, "Ben")
        team = group(home.double, TEAM, ann, ben)
        asked = await question(ann, f"/quiz@attune_bot {TOPIC}", team)
        await ben.press(letter(asked.text), asked, team)
        await team.until(lambda _: texts.ASKERS_ONLY in home.double.toasts)
        await ann.press(letter(asked.text), asked, team)
        [marked] = await team.answered(1, study_texts.ANOTHER)
        assert marked.text.startswith("✅")
        toasts = len(home.double.toasts)
        await ben.press(study_texts.ANOTHER, marked, team)  # which hangs on the bot's message
        await team.until(lambda _: home.double.toasts[toasts:] == [texts.ASKERS_ONLY])
        for count, words in enumerate(("/progress@attune_bot", "@attune_bot my progress"), start=1):
            await ann.say(words, team)
            await ann.private.until(
                lambda place, count=count: sum(study_texts.PROGRESS in one.text for one in place.said()) == count
            )
        assert not any(study_texts.PROGRESS in one.text for one in team.said())


async def slack_question(there: World, text: str, channel: str = "C1") -> dict:
    ts = there.people.say("UANN", channel, f"<@UBOT> {text}" if channel == "C1" else text)
    await there.settled()
    return there.space.answers(channel, ts)[-1]


def action(message: dict, label: str) -> tuple[str, str]:
    """The id and value of a button."""
    elements = [one for block in message["blocks"] for one in block.get("elements", ()) if one["type"] == "button"]
    found = next(one for one in elements if one["text"]["text"] == label)
    return found["action_id"], found["value"]


async def test_a_quiz_in_slack(redis: Redis):
    """The letters are whoever asked's to press; the answer comes in the thread, once however often it is pressed."""
    async with world(redis) as there:
        there.generator.script = quizzing
        asked = await slack_question(there, "quiz me on transit benefit enrolment")
        name, value = action(asked, letter(text_of(asked), stands=IN_SLACK))
        there.people.press("UBEN", "C1", asked["ts"], name, value=value)
        await there.settled()
        assert texts.ASKERS_ONLY in str(there.people.replies())
        for _ in range(2):
            there.people.press("UANN", "C1", asked["ts"], name, value=value)
        await there.settled()
        said = [text_of(one) for one in there.space.answers("C1", asked["thread_ts"])]
        assert [text.count("✅") for text in said] == [0, 1, 1]
        assert "Transit.md" in said[1]
        question = there.space.messages["C1"][asked["ts"]]
        assert "quiz answer" not in str(question["blocks"])
        chosen = letter(text_of(asked), stands=IN_SLACK)
        assert f"You chose *{chosen}*." in str(question["blocks"])
        assert letter(text_of(question), stands=IN_SLACK) == chosen
        there.check()


async def test_an_old_question_in_slack_gets_a_sentence(redis: Redis):
    """One that was answered by a word has its buttons until one is pressed: that says so, and takes them away."""
    async with world(redis) as there:
        there.generator.script = quizzing
        channel = there.space.dm("UANN")
        asked = await slack_question(there, "quiz me on transit benefit enrolment", channel)
        right = letter(text_of(asked), stands=IN_SLACK)
        other = "A" if right != "A" else "B"
        await slack_question(there, f"!quiz {right}", channel)
        name, value = action(asked, other)
        there.people.press("UANN", channel, asked["ts"], name, value=value)
        await there.settled()
        said = [text_of(one) for one in there.space.answers(channel, asked["thread_ts"])]
        assert "answered already" in said[-1]
        question = there.space.messages[channel][asked["ts"]]
        assert "quiz answer" not in str(question["blocks"])
        assert "You chose" not in str(question["blocks"])
        there.check()


async def test_progress_is_whispered_in_a_slack_channel(redis: Redis):
    """What is known of somebody is for their eyes, asked for in words as by the command."""
    async with world(redis) as there:
        for words in ("!progress", "my progress"):
            ts = there.people.say("UANN", "C1", f"<@UBOT> {words}")
            await there.settled()
            assert there.space.answers("C1", ts) == []
        assert [text.startswith("Nothing yet") for text in there.people.whispers("UANN")] == [True, True]


async def test_a_course_in_slack(redis: Redis):
    """A step, its question and the way on stand in one message; in a private chat the next one follows below."""
    async with world(redis) as there:
        there.generator.script = quizzing
        channel = there.space.dm("UANN")
        asked = await slack_question(there, "!teach transit benefit", channel)
        assert "Course: transit benefit" in text_of(asked)
        label = next(one for one in (study_texts.NEXT, study_texts.GO_ON) if one in str(asked["blocks"]))
        there.people.press("UANN", channel, asked["ts"], *action(asked, label)[:1])
        await there.settled()
        assert len(there.space.answers(channel, asked["thread_ts"])) == 2
        there.check()


def test_the_terminal_says_what_to_type():
    """Without buttons, what can be said next stands below; the letters are explained in the question."""
    rows = ((Choice("A", "quiz answer 1.1 a"),), (Choice("Next step", "teach step 1 2", "teach next"),))
    assert plain(Final("Who?", choices=rows)).endswith("Next step: /teach next")


def test_a_button_fits_into_telegram():
    """The longest command that a button stands for is within the limit."""
    commands = "quiz answer 0123456789abcdef.999999 a", "teach step 0123456789abcdef 999", f"teach team={'x' * 32}"
    markup = choice_buttons([[Choice("", command) for command in commands]], 2**52)
    assert markup is not None
    for one, command in zip(markup.inline_keyboard[0], commands, strict=True):
        assert len(str(one.callback_data).encode()) <= PAYLOAD_BYTES
        tap = read_tap(str(one.callback_data))
        assert tap is not None
        assert (tap.answer, tap.asker) == (command, 2**52)


def course_folder(place: Path, document: str) -> CourseFolder:
    """A course of the team of one step."""
    place.mkdir()
    (place / "first.toml").write_text(f'title = "First week"\nsteps = [{{ document = "{document}" }}]\n', "utf-8")
    return CourseFolder(place)


async def test_a_course_of_the_team_in_telegram(redis: Redis, tmp_path: Path):
    """It is offered with a button, begins with what an operator can see, and whoever agrees is counted."""
    async with telegram_home(redis, tmp_path) as home:
        home.generator.script = quizzing
        course_folder(tmp_path / "courses", "Leave.md")
        ann = User(home.double, 7, "Ann")
        await ann.say("/teach")
        [offered] = await ann.private.answered(1, "First week")
        await ann.press("First week", offered)
        [told] = await ann.private.answered(1, team_texts.LEAVE_OUT)
        assert "no names" in told.text
        assert told.keyboard == [[team_texts.COUNT], [team_texts.LEAVE_OUT]]
        await ann.press(team_texts.COUNT, told)
        [agreed] = await ann.private.answered(1, study_texts.GO_ON)
        await ann.press(study_texts.GO_ON, agreed)
        [step] = await ann.private.answered(1, "A")
        assert "Step 1 of 1: Leave" in step.text
        assert [len(one.begun) for one in await home.memory.course_records()] == [1]
        assert home.double.refused == []
        await ann.press(team_texts.COUNT, told)  # long after
        await settled(home, ann)
        assert len(await home.memory.course_records()) == 1


async def test_a_course_of_the_team_in_slack(redis: Redis, tmp_path: Path):
    """The same in a private chat; whoever says nothing is not counted."""
    async with world(redis, courses=course_folder(tmp_path / "courses", "Transit.md")) as there:
        there.generator.script = quizzing
        channel = there.space.dm("UANN")
        message = await slack_question(there, "!teach", channel)
        for label, expected in (("First week", "no names"), (team_texts.LEAVE_OUT, "Step 1 of 1: Transit")):
            name, value = action(message, label)
            there.people.press("UANN", channel, message["ts"], name, value=value)
            await there.settled()
            message = there.space.answers(channel, message["thread_ts"])[-1]
            assert expected in text_of(message)
        name, value = action(message, letter(text_of(message), stands=IN_SLACK))
        there.people.press("UANN", channel, message["ts"], name, value=value)
        await there.settled()
        assert await there.engine.people.course_records() == []
        there.check()
