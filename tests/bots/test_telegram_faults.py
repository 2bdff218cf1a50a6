"""What goes wrong between Telegram and the bot: 429, 5xx, lost replies, crashes. No answer is lost, or stands twice."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bots.on_telegram.api import connected
from bots.on_telegram.pace import GROUP, PRIVATE, ChatPace, FrameSkippedError, Rate
from bots.on_telegram.receiver import new_bot
from bots.on_telegram.screen import Streaming
from core.errors import ConfigurationError
from tests.bots.telegram_home import MemoryDelivery, Wishes, telegram_home
from tests.bots.test_telegram import ANSWER, AT, BUTTONS, LEAVE, TEAM
from tests.doubles.telegram_people import Place, User, group
from tests.doubles.telegram_server import Fault, Flood, TelegramDouble


def answers(place: Place) -> list[str]:
    """The messages that have the whole answer in them."""
    return [message.text for message in place.said() if ANSWER in message.text]


@pytest.mark.parametrize("streaming", ["draft", "edit"])
async def test_a_storm_of_429_only_delays(redis: Redis, tmp_path: Path, streaming: Streaming):
    """Told to wait again and again, the bot waits as long as it is told, in that chat only, and then answers."""
    double = TelegramDouble(faults=[Fault(status=429, retry_after=2, chat=7, times=4)])
    async with telegram_home(redis, tmp_path, Wishes(streaming, double=double)) as home:
        ann, ben = User(double, 7, "Ann"), User(double, 8, "Ben")
        await ann.say(LEAVE)
        await ann.private.until(lambda _: double.faults[0].times < 4)
        await ben.say(LEAVE)
        await ben.private.answered()
        assert ann.private.finished() == []
        await ann.private.answered()
        assert len(answers(ann.private)) == len(answers(ben.private)) == 1
        assert home.inlet.failed == []


@pytest.mark.parametrize("streaming", ["draft", "edit"])
async def test_bad_moments_of_telegram_lose_nothing(redis: Redis, tmp_path: Path, streaming: Streaming):
    """While Telegram's servers fail, an answer waits; it stands there once when they are back."""
    double = TelegramDouble()
    async with telegram_home(redis, tmp_path, Wishes(streaming, double=double)) as home:
        ann = User(double, 7, "Ann")
        home.generator.pace = 0.05
        await ann.say(LEAVE)
        await ann.private.until(lambda _: home.generator.prompts)
        double.faults = [Fault(status=502, times=5)]
        await ann.private.answered()
        assert len(answers(ann.private)) == 1
        assert ann.private.finished()[0].keyboard == BUTTONS


@pytest.mark.parametrize("streaming", ["draft", "edit", "off"])
async def test_a_lost_reply_makes_no_second_answer(redis: Redis, tmp_path: Path, streaming: Streaming):
    """Telegram posts the answer and the reply is lost: the bot finds what it posted, and posts no second one."""
    double = TelegramDouble()
    async with telegram_home(redis, tmp_path, Wishes(streaming, double=double)) as home:
        ann = User(double, 7, "Ann")
        await ann.say(LEAVE)
        await ann.private.until(lambda _: home.generator.prompts)
        double.faults = [Fault(method, status=-1, done=True) for method in ("sendMessage", "editMessageText")]
        await ann.private.answered()
        await asyncio.wait(home.inlet.tasks or [asyncio.create_task(asyncio.sleep(0))])
        assert len(answers(ann.private)) == 1


@pytest.mark.parametrize("streaming", ["draft", "edit"])
async def test_a_crash_in_the_middle_of_an_answer(redis: Redis, tmp_path: Path, streaming: Streaming):
    """Killed while it answers, the bot goes on in the same message: one answer stands there in the end."""
    async with telegram_home(redis, tmp_path, Wishes(streaming)) as home:
        home.generator.pace = 0.1
        ann = User(home.double, 7, "Ann")
        await ann.say(LEAVE)
        for kills in range(3):
            await ann.private.until(lambda _, kills=kills: len(home.generator.prompts) > kills)
            await asyncio.sleep(0.3 * kills)
            assert home.inlet.kill() == 1
        await ann.private.answered()
        assert len(ann.private.said()) == 1
        assert len(answers(ann.private)) == 1


@pytest.mark.parametrize(("streaming", "strays"), [("draft", 0), ("edit", 1)])
async def test_a_crash_between_posting_and_noting(
    redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, streaming: Streaming, strays: int
):
    """A message that was posted and not noted leaves at most a status behind, and never a second answer."""
    note, died = MemoryDelivery.note, []

    async def dying(delivery: MemoryDelivery, message_id: str) -> None:
        if message_id.isdigit() and not died:
            died.append(message_id)
            raise asyncio.CancelledError
        await note(delivery, message_id)

    monkeypatch.setattr(MemoryDelivery, "note", dying)
    async with telegram_home(redis, tmp_path, Wishes(streaming)) as home:
        ann = User(home.double, 7, "Ann")
        await ann.say(LEAVE)
        await ann.private.answered()
        await asyncio.wait(home.inlet.tasks or [asyncio.create_task(asyncio.sleep(0))])
        assert died
        assert len(answers(ann.private)) == 1
        assert len(ann.private.said()) - 1 == strays


async def test_updates_out_of_order_are_all_answered(redis: Redis, tmp_path: Path):
    """Updates that come late, twice and in another order are each answered once."""
    async with telegram_home(redis, tmp_path) as home:
        ann, ben = User(home.double, 7, "Ann"), User(home.double, 8, "Ben")
        home.inlet.away = 1  # all four come in one batch after this
        for user in (ann, ben, ann, ben):
            await user.say(LEAVE)
        home.double.updates = [*reversed(home.double.updates), *home.double.updates]
        await ann.private.answered(2)
        await ben.private.answered(2)
        assert len(answers(ann.private)) == len(answers(ben.private)) == 2
        assert len(home.generator.prompts) == 4


async def test_streaming_keeps_under_the_limits_of_a_private_chat(redis: Redis, tmp_path: Path):
    """At full speed, a long stream is thinned out so that Telegram never has to refuse it."""
    double = TelegramDouble(flood=Flood())
    wishes = Wishes("edit", double=double, pace=(PRIVATE, GROUP))
    async with telegram_home(redis, tmp_path, wishes) as home:
        home.generator.script = lambda _: " ".join(["word"] * 300)
        home.generator.pace = 0.02
        ann = User(double, 7, "Ann")
        await ann.say(LEAVE)
        await ann.private.answered()
        assert double.refused == []
        assert len(double.calls_of("editMessageText")) >= 3


async def test_a_busy_group_keeps_under_its_limit(redis: Redis, tmp_path: Path):
    """Many answers in one group come one after the other, as fast as the group may be written to; a minute is 6 s."""
    double = TelegramDouble(flood=Flood(group=(20, 6.0)))
    pace = (PRIVATE, Rate(GROUP.burst, GROUP.per_second * 10, GROUP.reserve))
    wishes = Wishes("edit", double=double, pace=pace, allowed=frozenset({f"channel:telegram//{TEAM}"}))
    async with telegram_home(redis, tmp_path, wishes) as home:
        people = [User(double, 70 + number, f"P{number}") for number in range(8)]
        team = group(double, TEAM, *people)
        for user in people:
            await user.say(f"{AT} {LEAVE}", team)
        await team.answered(8)
        assert len(answers(team)) == 8
        assert double.chats[TEAM].impatient == 0
        assert len(home.generator.prompts) == 8


async def test_a_flood_that_nobody_foresaw_is_waited_out(redis: Redis, tmp_path: Path):
    """Where Telegram allows less than it says, its own word is kept: no call comes before the time is over."""
    double = TelegramDouble(flood=Flood(private=(2, 3.0)))
    async with telegram_home(redis, tmp_path, Wishes("edit", double=double, pace=(PRIVATE, GROUP))) as home:
        home.generator.pace = 0.2
        ann = User(double, 7, "Ann")
        await ann.say(LEAVE)
        await ann.private.answered()
        assert len(answers(ann.private)) == 1
        assert ann.private.chat.impatient == 0


async def test_where_drafts_are_refused_the_answer_grows_by_edits(redis: Redis, tmp_path: Path):
    """A chat that takes no drafts gets a status that is edited, and no text is lost."""
    refusal = Fault("sendMessageDraft", status=400, says="TEXTDRAFT_PEER_INVALID", times=100)
    async with telegram_home(redis, tmp_path, Wishes("auto", double=TelegramDouble(faults=[refusal]))) as home:
        home.generator.pace = 0.1
        ann = User(home.double, 7, "Ann")
        await ann.say(LEAVE)
        await ann.private.answered()
        assert len(ann.private.said()) == 1
        assert len(home.double.calls_of("sendMessageDraft")) == 1
        assert len(home.double.calls_of("editMessageText")) >= 2


async def test_refused_entities_give_way_to_plain_text(redis: Redis, tmp_path: Path):
    """Should Telegram refuse entities after all, the text stands there without them, and nothing is lost."""
    refusal = Fault("editMessageText", status=400, says="can't parse entities: unknown entity")
    async with telegram_home(redis, tmp_path, Wishes("off")) as home:
        ann = User(home.double, 7, "Ann")
        await ann.say(LEAVE)
        await ann.private.until(lambda place: place.said())
        home.double.faults = [refusal]
        [answer] = await ann.private.answered()
        assert answer.text.startswith(ANSWER)
        assert answer.entities == []
        assert answer.keyboard == BUTTONS


async def test_what_people_delete_meanwhile_swallows_no_answer(redis: Redis, tmp_path: Path):
    """A question and a status that are deleted while the answer is made leave the answer to stand by itself."""
    wishes = Wishes("edit", allowed=frozenset({f"channel:telegram//{TEAM}"}))
    async with telegram_home(redis, tmp_path, wishes) as home:
        home.generator.pace = 0.1
        ann = User(home.double, 7, "Ann")
        team = group(home.double, TEAM, ann)
        asked = await ann.say(f"{AT} {LEAVE}", team)
        status = (await team.until(lambda place: place.said()))[0]
        del team.chat.messages[asked], team.chat.messages[status.id]
        [answer] = await team.answered()
        assert answer.text.startswith(ANSWER)
        assert len(team.shown()) == 1


async def test_serving_waits_until_telegram_answers(redis: Redis, tmp_path: Path):
    """Started while Telegram is away, the bot connects when it is back."""
    double = TelegramDouble(faults=[Fault("getMe", times=3)])
    async with telegram_home(redis, tmp_path, Wishes(double=double)):
        ann = User(double, 7, "Ann")
        await ann.say(LEAVE)
        await ann.private.answered()


async def test_a_lost_reply_in_a_group_touches_no_other_message(redis: Redis, tmp_path: Path):
    """In a group, where other answers stand near, a lost reply makes no second answer and changes no other one."""
    wishes = Wishes("edit", allowed=frozenset({f"channel:telegram//{TEAM}"}))
    async with telegram_home(redis, tmp_path, wishes) as home:
        ann, ben = User(home.double, 7, "Ann"), User(home.double, 8, "Ben")
        team = group(home.double, TEAM, ann, ben)
        home.double.faults = [Fault("sendMessage", status=-1, done=True, times=2)]
        await ann.say(f"{AT} {LEAVE}", team)
        await ben.say(f"{AT} Who approves transit enrolment?", team)
        await team.answered(2)
        await asyncio.wait(home.inlet.tasks or [asyncio.create_task(asyncio.sleep(0))])
        buttons = [
            button["callback_data"]
            for message in team.finished()
            for row in team.chat.messages[message.id]["reply_markup"]["inline_keyboard"]
            for button in row
        ]
        assert len(buttons) == len(set(buttons)) == 10
        assert len(answers(team)) == 1
        assert len(team.finished()) == 2


async def test_a_wrong_token_is_the_operators_to_put_right():
    """A token that Telegram does not know ends the start with a sentence that says where the right one is."""
    async with TelegramDouble().serving() as double:
        with pytest.raises(ConfigurationError, match="BotFather"):
            async with connected(new_bot("1:wrong", double.url)):
                pass


async def test_frames_give_way_to_what_is_final():
    """A frame is dropped where there is no room; what is final waits, and always comes."""
    pace, called = ChatPace(Rate(2, 20, reserve=1)), []

    async def call(endpoint: str, data: dict) -> bool:
        called.append((endpoint, data["text"]))
        return True

    async def ask(text: str, kind: str | None) -> None:
        data = {"chat_id": 7, "text": text}
        await pace.process_request(call, ("sendMessage", data), {}, "sendMessage", data, kind)

    await ask("first", "frame")
    with pytest.raises(FrameSkippedError):
        await ask("second", "frame")
    await ask("final", None)
    await ask("another", None)
    assert [text for _, text in called] == ["first", "final", "another"]
