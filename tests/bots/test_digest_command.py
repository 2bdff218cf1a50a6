"""`/digest` as people write it, in English and German, with what they get wrong."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis

from bots import digest_texts
from bots.digest_commands import DigestCommands, DigestWish, read_wish
from bots.language import speaking
from bots.on_slack.events import as_command
from bots.replies import SlowNotice
from core.adapters.index.qdrant_index import QdrantIndex
from core.adapters.redis.memory import RedisMemory
from core.adapters.redis.usage import RedisUsage
from core.documents.gaps import Gap, GapGroup
from core.domain import Answer, Conversation, Message, Outcome, Passage, Person, Source
from core.engine import AnswerLimits, Engine
from core.errors import InvalidPreferenceError
from core.notices.digests import AnsweredGap, Digest, DocumentNews
from core.notices.schedule import DigestSchedule, Frequency
from tests.fakes import HashingEmbedder, ScriptedGenerator

ANN = Person("telegram", "", "7")
NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)  # a Monday
DAILY, WEEKLY = Frequency.DAILY, Frequency.WEEKLY


@pytest.fixture
async def commands(redis: Redis):
    async with QdrantIndex.at(":memory:", api_key=None, collection="t", dimension=384) as index:
        engine = Engine(
            embedder=HashingEmbedder(),
            index=index,
            memory=RedisMemory(redis),
            usage=RedisUsage(redis),
            generator=ScriptedGenerator(),
            limits=AnswerLimits(),
        )
        yield DigestCommands(engine)


async def write(commands: DigestCommands, text: str, person: Person = ANN, zone: str = "") -> str:
    place = Conversation(person.platform, person.workspace, "7")
    message = Message("1", place, person, f"/digest {text}", NOW, private=True, zone=zone)
    reply = await commands.reply(message, text)
    return (await reply.make() if isinstance(reply, SlowNotice) else reply).markdown


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("daily", DigestWish(DAILY)),
        ("on", DigestWish(DAILY)),
        ("off", DigestWish(off=True)),
        ("aus", DigestWish(off=True)),
        ("daily 8:30", DigestWish(DAILY, hour=(8, 30))),
        ("Daily at 8.30", DigestWish(DAILY, hour=(8, 30))),
        ("every day at 7pm", DigestWish(DAILY, hour=(19, 0))),
        ("daily 12 am", DigestWish(DAILY, hour=(0, 0))),
        ("9:15", DigestWish(hour=(9, 15))),
        ("täglich um 8 Uhr", DigestWish(DAILY, hour=(8, 0))),
        ("jeden Tag um 17:05 Uhr", DigestWish(DAILY, hour=(17, 5))),
        ("weekly friday 9", DigestWish(WEEKLY, 4, (9, 0))),
        ("every Monday at 9:00", DigestWish(None, 0, (9, 0))),
        ("wöchentlich, freitags um 16 Uhr", DigestWish(WEEKLY, 4, (16, 0))),
        ("daily 8:30 Europe/Berlin", DigestWish(DAILY, hour=(8, 30), zone="Europe/Berlin")),
        ("daily 8:30 in new york", DigestWish(DAILY, hour=(8, 30), zone="America/New_York")),
        ("daily utc+2 8:30", DigestWish(DAILY, hour=(8, 30), zone="UTC+2")),
        ("daily 8 utc+2", DigestWish(DAILY, hour=(8, 0), zone="UTC+2")),
        ("daily 8:30 utc+5:30", DigestWish(DAILY, hour=(8, 30), zone="UTC+5:30")),
        ("Daily.", DigestWish(DAILY)),
        ("daily 8:30 berlin.", DigestWish(DAILY, hour=(8, 30), zone="Europe/Berlin")),
        ("daily at 8 (Berlin)!", DigestWish(DAILY, hour=(8, 0), zone="Europe/Berlin")),
        ("daily 8 30", DigestWish(DAILY, hour=(8, 30))),
        ("daily at noon", DigestWish(DAILY, hour=(12, 0))),
        ("täglich mittags", DigestWish(DAILY, hour=(12, 0))),
        ("on mondays", DigestWish(None, 0)),
        ("do 9 Uhr", DigestWish(None, 3, (9, 0))),
        ("monday montags 9", DigestWish(None, 0, (9, 0))),
    ],
)
def test_a_wish_is_read_as_it_is_written(text: str, wish: DigestWish) -> None:
    assert read_wish(text) == wish


@pytest.mark.parametrize(
    "text",
    [
        *("25:00", "8:61", "daily monday", "soon", "daily 8:30 atlantis", "hourly", "13pm", "daily 8:30 `x`", "²"),
        *("monday friday", "daily weekly", "weekdays", "werktags 8:00", "daily 8:30 17:00", "daily localtime"),
    ],
)
async def test_what_is_no_hour_is_said_to_be_none(commands: DigestCommands, text: str) -> None:
    """The sentence says how to write it, and nothing changes."""
    with pytest.raises(InvalidPreferenceError) as caught:
        await write(commands, text, zone="Europe/Berlin")
    assert "digest daily 8:30" in str(caught.value)
    assert "every day or on one day of the week" in str(caught.value)
    assert await commands._engine.people.subscription(ANN) is None


async def test_a_person_without_a_time_zone_is_asked_for_it(commands: DigestCommands) -> None:
    """Once: whoever named theirs need not do so again."""
    assert "In which time zone" in await write(commands, "daily 8:30")
    assert "every day at 8:30 (Europe/Berlin)" in await write(commands, "daily 8:30 berlin")
    assert "every Friday at 9:00 (Europe/Berlin)" in await write(commands, "weekly friday 9:00")
    assert "every Friday at 9:00 (Europe/Berlin)" in await write(commands, "")


async def test_what_the_platform_says_of_the_zone_is_taken(commands: DigestCommands) -> None:
    assert "every day at 8:00 (Asia/Tokyo)" in await write(commands, "daily", zone="Asia/Tokyo")
    assert await RedisMemory(commands._engine.people._memory._client).due(NOW) == []


async def test_the_zone_that_somebody_wrote_stays(commands: DigestCommands) -> None:
    """Whatever the platform says of it."""
    assert "(UTC+2)" in await write(commands, "daily 8:30 utc+2", zone="Asia/Tokyo")
    assert "every day at 9:00 (UTC+2)" in await write(commands, "9:00", zone="Asia/Tokyo")


async def test_another_hour_keeps_what_was_told(commands: DigestCommands) -> None:
    people = commands._engine.people
    await write(commands, "daily 8:30 berlin")
    await people.note_digest(ANN, "d1", datetime(2026, 3, 3, tzinfo=UTC))
    await write(commands, "weekly")
    kept = await people.subscription(ANN)
    assert kept is not None
    assert (kept.last, kept.since) == ("d1", datetime(2026, 3, 3, tzinfo=UTC))
    assert kept.schedule == DigestSchedule(WEEKLY, "Europe/Berlin", 8, 30)


async def test_off_ends_it_and_says_so_where_there_was_none(commands: DigestCommands) -> None:
    await write(commands, "daily 8:30 berlin")
    assert await write(commands, "off") == digest_texts.DIGEST_OFF
    assert await write(commands, "off") == digest_texts.DIGEST_WAS_OFF
    assert await commands._engine.people.due(datetime(2027, 1, 1, tzinfo=UTC)) == []


async def test_in_a_terminal_it_is_shown_and_never_sent(commands: DigestCommands) -> None:
    here = Person("console", "local", "ann")
    assert await write(commands, "", here) == digest_texts.NOTHING_NEW
    assert await write(commands, "now", here) == digest_texts.NOTHING_NEW
    assert "nothing can be sent" in await write(commands, "daily 8:30", here)
    assert await commands._engine.people.subscription(here) is None


async def test_whoever_is_forgotten_gets_none_and_the_export_shows_it(commands: DigestCommands, redis: Redis) -> None:
    people = commands._engine.people
    await write(commands, "daily 8:30 berlin")
    assert "Europe/Berlin" in await people.export(ANN)
    await people.forget(ANN)
    assert await people.subscription(ANN) is None
    assert await redis.keys("attune:digest*") == []


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Ask [the lead](https://a.b/c) **first**, in `#leave`.", "Ask the lead first, in #leave."),
        ("| Berlin | 30 days | |", "Berlin · 30 days"),
        ("Set `snake_case_name` _now_.", "Set snake_case_name now."),
    ],
)
def test_a_quoted_sentence_has_no_marks_of_layout(said: str, shown: str) -> None:
    assert digest_texts._plain(said) == shown


def test_what_is_over_the_length_of_a_digest_is_named() -> None:
    """Five documents are quoted, and the titles of the others stand there; gaps of which there are more are counted."""
    gap, passages = Gap("Is there a pool?" + " or a gym" * 90, ANN, NOW), [_passage(f"Doc{n}") for n in range(7)]
    answer = Answer("**Yes.** It opens at noon. " * 30, Outcome.ANSWERED, (Source(1, passages[0]),))
    news = tuple(DocumentNews(passage, ("All is new.",), is_new=True) for passage in passages)
    shown = digest_texts.digest(
        Digest(NOW, NOW, news, (AnsweredGap(gap, answer),) * 5, (GapGroup((gap,)),) * 6), "Europe/Berlin"
    )
    assert (shown.count("All is new"), shown.count("It opens at noon. …"), shown.count("**Yes.**")) == (5, 3, 66)
    assert "Also new: **Doc5** (Doc5.md), **Doc6** (Doc6.md)" in shown
    assert "and 1 more: `attune gaps`" in shown
    assert shown.count(" or a …") == 10
    assert max(map(len, shown.splitlines())) < 1000


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ("Two things:\n\n- one\n- two", "Two things: · one · two"),
        ("# Noon\n\nIt opens.", "· Noon It opens."),
        (f"First. **A. {'b' * 700}**", "First. …"),
        ("年假三十天。" * 120, "年假三十天。" * 100 + " …"),
    ],
)
def test_an_answer_in_a_digest_ends_with_a_sentence(answer: str, shown: str) -> None:
    assert digest_texts._opening(answer) == shown


def _passage(title: str) -> Passage:
    return Passage(title, f"/docs/{title}.md", title, (), "", 1, 0, 1, "v")


def test_a_message_in_slack_may_leave_the_sign_out() -> None:
    """Where it asks for a digest and for nothing of the documents."""
    assert as_command("digest") == "/digest"
    assert as_command("Digest daily 8:30") == "/Digest daily 8:30"
    assert as_command("digest of the board meeting") == "digest of the board meeting"


async def test_it_is_said_in_german(commands: DigestCommands) -> None:
    with speaking("de"):
        assert "jeden Freitag um 9:00 Uhr" in await write(commands, "wöchentlich freitag 9 berlin")
