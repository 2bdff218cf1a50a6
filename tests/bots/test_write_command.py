"""`/write`, and what the buttons under a text do, on both platforms and in the terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from redis.asyncio import Redis

from bots import texts
from bots.on_telegram.buttons import ButtonAction, answer_buttons, read_tap
from bots.writing_commands import _fenced
from core.people.feedback import Verdict
from tests.bots.slack_world import World
from tests.bots.telegram_home import telegram_home
from tests.bots.test_telegram_buttons import now
from tests.doubles.telegram_people import Shown, User

REQUEST = "draft an email about transit benefit enrolment"
TEXT_BUTTONS = {texts.COPY, texts.SHORTER, texts.LONGER, texts.MORE_FORMAL}


def labels(message: dict) -> set[str]:
    found = [one for block in message["blocks"] for one in block.get("elements", ()) if one.get("type") == "button"]
    return {one["text"]["text"] for one in found}


def value_of(message: dict, action: str) -> str:
    found = [one for block in message["blocks"] for one in block.get("elements", ()) if one.get("action_id") == action]
    return found[0]["value"]


async def written(there: World, channel: str, text: str = REQUEST) -> tuple[str, dict]:
    named = "" if channel == there.space.dm("UANN") else "<@UBOT> "
    ts = there.people.say("UANN", channel, f"{named}{text}")
    await there.settled()
    return ts, there.space.answers(channel, ts)[-1]


@pytest.mark.parametrize("channel", ["C1", "DUANN"])
async def test_slack_offers_what_can_be_done_with_a_text(slack: World, channel: str) -> None:
    """Under a text stand its buttons; one reworks it in the thread, another shows it to be copied."""
    ts, message = await written(slack, channel)
    assert labels(message) >= TEXT_BUTTONS
    assert texts.PLAIN not in labels(message)
    slack.people.press("UANN", channel, message["ts"], "attune_shorter", value=value_of(message, "attune_shorter"))
    await slack.settled()
    reworked = slack.space.answers(channel, ts)[-1]
    assert reworked["ts"] != message["ts"]
    assert labels(reworked) >= TEXT_BUTTONS
    assert REQUEST in slack.generator.prompts[-1].question
    slack.people.press("UANN", channel, message["ts"], "attune_copy", value=value_of(message, "attune_copy"))
    await slack.settled()
    assert "```" in str(slack.people.view("UANN")["blocks"])


async def test_slack_reworks_a_text_for_its_asker_only(slack: World) -> None:
    """A colleague's press on somebody's text writes nothing."""
    ts, message = await written(slack, "C1")
    before = len(slack.generator.prompts)
    slack.people.press("UBEN", "C1", message["ts"], "attune_longer", value=value_of(message, "attune_longer"))
    await slack.settled()
    assert len(slack.generator.prompts) == before
    assert len(slack.space.answers("C1", ts)) == 1


async def test_slack_writes_by_command(slack: World) -> None:
    """`!write` is the same request, and by itself says what it is for."""
    _, message = await written(slack, "DUANN", f"!write {REQUEST.removeprefix('draft ')}")
    assert labels(message) >= TEXT_BUTTONS
    _, message = await written(slack, "DUANN", "!write")
    assert "What should I write?" in str(message["blocks"])


async def said(user: User, text: str) -> Shown:
    before = len(user.private.finished())
    await user.say(text)
    return (await user.private.answered(before + 1))[-1]


async def pressed(user: User, button: str, message: Shown) -> Shown:
    before = len(user.private.finished())
    await user.press(button, message)
    return (await user.private.answered(before + 1))[-1]


async def test_telegram_offers_what_can_be_done_with_a_text(redis: Redis, tmp_path: Path) -> None:
    """The buttons stand there, also after a thumb, and mean the text that they hang on, whatever came since."""
    async with telegram_home(redis, tmp_path) as home:
        ann = User(home.double, 7, "Ann")
        text = await said(ann, "draft an email about parental leave")
        assert set(text.buttons) >= TEXT_BUTTONS
        await ann.press("👍", text)
        await ann.private.until(lambda place: now(place, text).buttons[0] == "👍 ✓")
        assert set(now(ann.private, text).buttons) >= TEXT_BUTTONS
        await said(ann, "Who books travel with the agency?")
        reworked = await pressed(ann, texts.MORE_FORMAL, text)
        assert set(reworked.buttons) >= TEXT_BUTTONS
        assert "draft an email about parental leave" in home.generator.prompts[-1].question
        assert "Write formally" in home.generator.prompts[-1].person
        await ann.press(texts.COPY, text)
        copied = await ann.private.until(lambda place: [one for one in place.said() if not one.buttons])
        assert copied[0].entities[0]["type"] == "pre"
        assert text.text.partition("\n\nSources")[0] in copied[0].text


async def test_telegram_writes_by_command(redis: Redis, tmp_path: Path) -> None:
    """`/write` and a request is one; an answer has no such buttons."""
    async with telegram_home(redis, tmp_path) as home:
        ann = User(home.double, 7, "Ann")
        assert set((await said(ann, "/write an email about parental leave")).buttons) >= TEXT_BUTTONS
        assert not TEXT_BUTTONS & set((await said(ann, "How many weeks is parental leave?")).buttons)
        await ann.say("/write")
        await ann.private.until(lambda place: "What should I write?" in place.said()[-1].text)
        await ann.say("/write copy 0123456789abcdef")
        await ann.private.until(lambda place: place.said()[-1].text == texts.TEXT_GONE)


async def test_who_wants_something_changed_that_was_never_said_is_told(redis: Redis, tmp_path: Path) -> None:
    """Nothing is searched for it; what a forwarded message holds can be put otherwise, and a text is written."""
    async with telegram_home(redis, tmp_path) as home:
        ann = User(home.double, 7, "Ann")
        for count, text in enumerate(
            ("Übersetze das ins Deutsche", "make it more professional", "as a table"), start=1
        ):
            await ann.say(text)
            await ann.private.until(
                lambda place, count=count: sum(one.text == texts.NOTHING_TO_CHANGE for one in place.said()) == count
            )
        assert home.generator.prompts == []
        assert set((await said(ann, "Write an email to parental leave")).buttons) >= TEXT_BUTTONS


async def test_telegram_makes_shorter_what_was_written_in_this_chat(redis: Redis, tmp_path: Path) -> None:
    """`/write shorter` and `/write copy` mean the last text here, and say so where there is none."""
    async with telegram_home(redis, tmp_path) as home:
        ann = User(home.double, 7, "Ann")
        await ann.say("/write shorter")
        await ann.private.until(lambda place: [one for one in place.said() if one.text == texts.TEXT_GONE])
        await said(ann, "draft an email about parental leave")
        assert set((await said(ann, "/write shorter")).buttons) >= TEXT_BUTTONS
        assert "draft an email about parental leave" in home.generator.prompts[-1].question
        assert set((await said(ann, "half as long")).buttons) >= TEXT_BUTTONS
        assert set((await said(ann, f"/write to all about parental leave {'and more ' * 80}")).buttons) >= TEXT_BUTTONS


def test_a_button_of_a_text_says_so() -> None:
    """What is drawn after a press is drawn from what the button carries."""
    keyboard = answer_buttons("0123456789abcdef", 3, Verdict.UP, text=True)
    assert keyboard is not None
    thumb = read_tap(str(keyboard.inline_keyboard[0][0].callback_data))
    assert thumb is not None
    assert (thumb.act, thumb.sources, thumb.text) == (ButtonAction.TAKE_BACK, 3, True)


def test_code_in_a_copied_text_does_not_end_it() -> None:
    """The fence is longer than any in it."""
    assert _fenced("Run it.") == "```\nRun it.\n```"
    assert _fenced("````\nls\n````") == "`````\n````\nls\n````\n`````"
