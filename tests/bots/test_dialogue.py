"""What a person is told, whatever the platform."""

from __future__ import annotations

import asyncio
import dataclasses
from contextlib import aclosing

import pytest
import structlog

from bots import digest_texts, texts
from bots.choices import PREFERENCES
from bots.dialogue import Dialogue
from bots.language import translated
from bots.replies import Delta, Final, Notice, PersonForgotten, Problem, Reply, Status
from core.answering.prompt import NOT_FOUND
from core.domain import Source
from core.errors import DownloadError, MemoryUnavailableError, ModelUnavailableError, QuestionTooLongError
from core.people.preferences import Format, Length, Preferences, Tone
from tests.bots.fake_engine import ANN, HANDBOOK, FakeEngine, FakePeople, message


async def replies(engine: FakeEngine, text: str, **options) -> list[Reply]:
    return [reply async for reply in Dialogue(engine, **options).respond(message(text))]


async def said(engine: FakeEngine, text: str, **options) -> str:
    (reply,) = await replies(engine, text, **options)
    return reply.markdown


async def test_a_question_is_answered_in_steps():
    """A person sees the search, what is read, the growing answer, and the whole with its sources."""
    shown = await replies(FakeEngine("Twenty weeks [1]."), "How long is leave?")
    assert shown[:2] == [Status(texts.SEARCHING), Status("Reading 1 passage: Handbook…")]
    assert "".join(reply.text for reply in shown[2:-1] if isinstance(reply, Delta)) == "Twenty weeks [1]."
    assert isinstance(shown[-1], Final)
    assert shown[-1].sources[0].passage.title == "Handbook"


async def test_not_found_names_the_nearest_sections():
    """Where nothing is found there are no deltas, and the nearest sections come along, to be opened."""
    nearest = (Source(1, HANDBOOK),)
    shown = await replies(FakeEngine("Not in the documents.", nearest=nearest), "Who won?")
    assert shown == [Status(texts.SEARCHING), Final("Not in the documents.", (), nearest)]
    assert shown[-1].openable == nearest


@pytest.mark.parametrize(
    "text", ["/etc/hosts holds what?", "/var is cleaned when?", "what does /help do", "/ ?", "//x"]
)
async def test_a_slash_does_not_make_a_command(text: str):
    """What begins with a slash and is no command is a question."""
    engine = FakeEngine()
    await replies(engine, text)
    assert [asked.text for asked in engine.asked] == [text]


@pytest.mark.parametrize("text", ["", "  \n\t"])
async def test_an_empty_message_asks_for_words(text: str):
    """An empty message does not reach the engine."""
    engine = FakeEngine()
    assert await said(engine, text) == texts.EMPTY_QUESTION
    assert engine.asked == []


@pytest.mark.parametrize(
    ("asked", "embedder", "note"),
    [
        ("Wie viele Tage Urlaub habe ich?", "attune-embedder", texts.IN_ENGLISH),
        ("Wie viele Tage Urlaub habe ich?", "multilingual-e5-small", ""),
        ("How many days of leave do I have?", "attune-embedder", ""),
    ],
)
async def test_who_asks_in_a_language_that_is_not_searched_is_told(asked: str, embedder: str, note: str):
    """A question that nothing was found for says so, where the embedder does not know its language."""
    *_, last = await replies(FakeEngine(NOT_FOUND), asked, embedder=embedder)
    assert (last.markdown, last.note) == (NOT_FOUND, note)


async def test_who_forwards_what_is_not_searched_is_told():
    """A message that was forwarded without a word is what is asked."""
    forwarded = dataclasses.replace(message(""), quoted="Wie viele Tage Urlaub habe ich?")
    dialogue = Dialogue(FakeEngine(NOT_FOUND), embedder="attune-embedder")
    *_, last = [reply async for reply in dialogue.respond(forwarded)]
    assert last.note == texts.IN_ENGLISH


@pytest.mark.parametrize(
    ("text", "near"),
    [("/halp", "/help"), ("/pref length short", "/prefs"), ("/FORGE", "/forget"), ("/qiut", "/quit")],
)
async def test_a_mistyped_command_gets_the_nearest(text: str, near: str):
    """A mistyped command is not run, and the right one is named."""
    engine = FakeEngine()
    assert f"Did you mean `{near}`?" in await said(engine, text, own_commands=("quit",))
    assert engine.asked == []


async def test_an_unknown_command_lists_all():
    """A command like no other gets the list."""
    assert await said(FakeEngine(), "/xyzzy") == (
        "There's no command `/xyzzy`. "
        "The choices are `/help`, `/new`, `/prefs`, `/why`, `/plain`, `/write`, `/recommend`, `/digest`, `/open`, "
        "`/teach`, `/quiz`, `/progress`, `/catchup` and `/forget`."
    )


async def test_help_names_every_command():
    """Help lists the common commands and the platform's own."""
    shown = await said(FakeEngine(), "/help", own_commands=("quit",))
    assert all(f"`/{name}`" in shown for name in ("help", "prefs", "forget", "quit"))


async def test_commands_take_a_bot_name_and_capitals():
    """Telegram sends `/help@bot` in groups, and telephones write capitals."""
    assert texts.HELP_INTRO in await said(FakeEngine(), "/Help@attune_bot")


def test_every_preference_can_be_set():
    """The command's table has every field of Preferences, with its type."""
    defaults = Preferences()
    assert dict(PREFERENCES) == {
        field.name: type(getattr(defaults, field.name)) for field in dataclasses.fields(defaults)
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"/prefs {name} {value}", Preferences(**{name: value}))
        for name, kind in {"length": Length, "tone": Tone, "format": Format}.items()
        for value in kind
    ],
)
async def test_every_value_is_saved_and_confirmed(text: str, expected: Preferences):
    """Every value of every preference can be set, and one line says so."""
    engine = FakeEngine()
    confirmation = await said(engine, text)
    assert engine.saved.get(ANN, Preferences()) == expected
    assert f"**{text.rsplit(maxsplit=1)[-1]}**" in confirmation
    assert "\n" not in confirmation


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/prefs length huge", "`huge` isn't a choice for length. You can choose `short`, `normal` or `detailed`."),
        (
            "/prefs length very short",
            "`very short` isn't a choice for length. You can choose `short`, `normal` or `detailed`.",
        ),
        ("/prefs lenght short", "There's no preference called `lenght`. Did you mean `/prefs length`?"),
        (
            "/prefs colour red",
            (
                "There's no preference called `colour`. The choices are `length`, `tone`, `format`, `level`, "
                "`language`, `sources`, `like`, `avoid`, `say`, `remove`, `strength`, `share`, `learned`, `pause`, "
                "`resume`, `undo`, `export`, `import`, `forget` and `reset`."
            ),
        ),
        (
            "/prefs tone",
            "Your tone setting is **plain**. You can choose `plain`, `friendly` or `formal`.",
        ),
    ],
)
async def test_a_wrong_preference_names_what_is_possible(text: str, expected: str):
    """A preference or value that does not exist changes nothing and names the range."""
    engine = FakeEngine()
    assert await said(engine, text) == expected
    assert engine.saved == {}


async def test_bare_prefs_shows_all_at_a_glance():
    """All preferences with all values, the chosen ones in bold."""
    engine = FakeEngine()
    engine.saved[ANN] = Preferences(length=Length.SHORT)
    shown = await said(engine, "/prefs")
    assert "- length: **short** · normal · detailed" in shown
    assert "- tone: **plain** · friendly · formal" in shown
    assert shown.endswith(digest_texts.NOT_SCHEDULED_HERE)  # in a terminal
    elsewhere = dataclasses.replace(message("/prefs"), person=dataclasses.replace(ANN, platform="slack"))
    (reply,) = [reply async for reply in Dialogue(engine).respond(elsewhere)]
    assert reply.markdown.endswith(translated(digest_texts.PREFS_ROW))


async def test_prefs_reset_restores_the_defaults():
    """Reset puts every preference back."""
    engine = FakeEngine()
    engine.saved[ANN] = Preferences(Length.SHORT, Tone.FORMAL, Format.STEPS)
    assert await said(engine, "/prefs RESET") == texts.PREFS_RESET
    assert engine.saved[ANN] == Preferences()


async def test_forget_needs_confirmation():
    """Bare `/forget` removes nothing and says how to go ahead."""
    engine = FakeEngine()
    assert await replies(engine, "/forget") == [Notice(translated(texts.FORGET_CONFIRM))]
    assert engine.forgotten == []
    assert await replies(engine, "/forget everything") == [PersonForgotten(texts.FORGOTTEN)]
    assert engine.forgotten == [ANN]


async def test_a_persons_error_is_shown_as_it_is():
    """What a person can put right is said in the engine's words."""
    shown = await replies(FakeEngine(error=QuestionTooLongError("Too long: 4,000 at most.")), "why?")
    assert shown[-1] == Problem("Too long: 4,000 at most.")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (MemoryUnavailableError("redis://secret:6379 refused"), texts.store_down),
        (ModelUnavailableError("http://10.0.0.1/v1 is silent"), texts.model_down),
        (DownloadError("/srv/models is full"), texts.operator_needed),
        (ValueError("the secret question"), texts.unexpected),
    ],
)
async def test_other_errors_become_a_sentence_with_a_trace(error: Exception, sentence):
    """A person never sees an error's own text; the log has it under the error id that is shown."""
    with structlog.testing.capture_logs() as logs:
        shown = await replies(FakeEngine(error=error, fail_after=1), "why?")
    assert [entry["exc_info"] for entry in logs] == [error]
    assert shown[-1] == Problem(sentence(logs[0]["error_id"]))
    assert str(error) not in shown[-1].markdown
    assert Delta("Twenty") in shown


async def test_an_operator_sees_the_operators_errors():
    """At the console the person is the operator: the sentence that says the fix is shown."""
    with structlog.testing.capture_logs():
        shown = await replies(FakeEngine(error=DownloadError("The disk is full.")), "why?", operator_present=True)
    assert shown[-1] == Problem("The disk is full.")


async def test_a_command_that_fails_says_so():
    """Errors of commands are words too."""

    class Down(FakePeople):
        async def wishes(self, person):
            raise MemoryUnavailableError(f"down for {person}")

    engine = FakeEngine()
    engine.people = Down(engine)
    with structlog.testing.capture_logs() as logs:
        assert await said(engine, "/prefs") == texts.store_down(logs[0]["error_id"])


async def test_leaving_early_stops_the_engine():
    """Closing the replies closes the answer, so that the model stops."""
    engine = FakeEngine()
    async with aclosing(Dialogue(engine).respond(message("why?"))) as steps:
        async for reply in steps:
            if isinstance(reply, Delta):
                break
    assert engine.closed


async def test_the_search_begins_while_the_platform_shows_that_there_is_one():
    """Nobody has asked for a second reply yet, and the engine is at work; leaving then stops it, too."""
    engine = FakeEngine()
    async with aclosing(Dialogue(engine).respond(message("why?"))) as replies:
        assert await anext(replies) == Status(texts.SEARCHING)
        await asyncio.sleep(0.05)
        assert len(engine.asked) == 1
    assert engine.closed
