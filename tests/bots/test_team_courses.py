"""Courses of the team in a conversation, over the real stores: who is offered which, and who is counted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bots import study_texts, team_texts
from bots.dialogue import Dialogue
from bots.language import speaking
from bots.replies import Final, Notice
from core.adapters.index.qdrant_index import QdrantIndex
from core.adapters.redis.memory import RedisMemory
from core.adapters.redis.usage import RedisUsage
from core.domain import Person
from core.engine import AnswerLimits, Engine
from core.learning.course_files import CourseFolder, TeamStep
from core.learning.study import CourseRecord
from tests.bots.test_studies import ANN, BEN, DIRECTORS, PARTS, buttons, fill, letter_of, passages, press, said
from tests.fakes import HashingEmbedder, ScriptedGenerator, quizzing

COURSE = """
title = "Starting here"
description = "What everybody knows after a week."
steps = [
    { document = "leave.md", heading = "Asking" },
    { document = "secret.md", title = "Directors" },
    { document = "leave.md", heading = "Sickness", title = "When you are ill" },
]
"""
FOR_BEN = 'title = "For Ben"\nwho = ["person:test/w/ben"]\nsteps = [{ document = "leave.md" }]\n'
ASKING, DIRECTING, SICKNESS = (
    TeamStep(document=document, heading=heading).stage
    for document, heading in (("leave.md", "Asking"), ("secret.md", ""), ("leave.md", "Sickness"))
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "courses"
    place.mkdir()
    (place / "starting.toml").write_text(COURSE, encoding="utf-8")
    (place / "ben.toml").write_text(FOR_BEN, encoding="utf-8")
    return place


@pytest.fixture
def model() -> ScriptedGenerator:
    return ScriptedGenerator(quizzing)


@pytest.fixture
async def engine(qdrant_index: QdrantIndex, redis: Redis, folder: Path, model: ScriptedGenerator) -> Engine:
    await fill(qdrant_index, passages(PARTS, "/docs/leave.md"))
    await fill(qdrant_index, passages({"Directors": DIRECTORS}, "/docs/secret.md", "person:test/w/ben"))
    return Engine(
        embedder=HashingEmbedder(),
        index=qdrant_index,
        memory=RedisMemory(redis),
        usage=RedisUsage(redis),
        generator=model,
        limits=AnswerLimits(relevance=0.1),
        courses=CourseFolder(folder),
    )


@pytest.fixture
def dialogue(engine: Engine) -> Dialogue:
    return Dialogue(engine)


async def counted(dialogue: Dialogue, person: Person, *, finish: int) -> None:
    """Have somebody agree to be counted, and finish so many steps of the course."""
    await said(dialogue, "/teach Starting here", person)
    await said(dialogue, "/teach count on", person)
    for _ in range(finish):
        await said(dialogue, letter_of(await said(dialogue, "/teach next", person)), person)


async def test_courses_are_offered_to_whom_they_are_for(dialogue: Dialogue):
    """`/teach` alone and `/progress` list them, with a button each; nobody hears of those for others."""
    for command in ("/teach", "/progress"):
        shown = await said(dialogue, command)
        assert "**Starting here**: What everybody knows after a week. (3 steps)" in shown.markdown
        assert "Ben" not in shown.markdown
        assert [one.label for one in buttons(shown)] == ["Starting here"]
        assert "**For Ben** (1 step)" in (await said(dialogue, command, BEN)).markdown
    assert "Ben" not in (await said(dialogue, "/teach", BEN, private=False)).markdown
    assert "**team building**" in (await said(dialogue, "/teach team building")).markdown
    assert (await said(dialogue, "/teach team=ben")).markdown == study_texts.COURSE_GONE.replace("{cmd}", "/")


async def test_a_course_begins_with_what_an_operator_can_see_once(dialogue: Dialogue, engine: Engine):
    """Nobody is counted who says nothing; what they may not see is passed over, and said."""
    shown = await said(dialogue, press(await said(dialogue, "/teach"), "Starting here"))
    assert "Course: Starting here" in shown.markdown
    assert "1 step is left out" in shown.markdown
    assert "Directors" not in shown.markdown
    assert "numbers from 3 on, no names" in shown.markdown
    assert (await engine.people.study(ANN)).counted is False
    step = await said(dialogue, press(shown, team_texts.LEAVE_OUT))
    assert "Step 1 of 2: Asking" in step.markdown
    assert isinstance(step, Final)
    assert [one.passage.headings for one in step.sources] == [("Asking",)]
    assert (await said(dialogue, letter_of(step))).markdown.startswith("✅")
    assert await engine.people.course_records() == []
    again = await said(dialogue, "/teach starting  HERE")
    assert "names" not in again.markdown
    assert "Step 2 of 2: When you are ill" in again.markdown
    assert (await engine.people.study(ANN)).earlier is None
    assert "(1 of 3 steps done)" in (await said(dialogue, "/progress")).markdown


async def test_whoever_agrees_is_counted_until_they_take_it_back(dialogue: Dialogue, engine: Engine):
    """What is kept for counting names neither people nor documents, and no answer; a withdrawal takes all of it."""
    shown = await said(dialogue, "/teach Starting here", BEN)
    agreed = await said(dialogue, press(shown, team_texts.COUNT), BEN)
    assert agreed.markdown.startswith("Thank you")
    step = await said(dialogue, press(agreed, study_texts.GO_ON), BEN)
    assert "Step 1 of 3: Asking" in step.markdown
    assert await engine.people.course_records() == [CourseRecord("starting", (ASKING,))]
    await said(dialogue, letter_of(step), BEN)
    await said(dialogue, letter_of(await said(dialogue, "/teach next", BEN), right=False), BEN)
    begun = tuple(sorted((ASKING, DIRECTING)))
    assert await engine.people.course_records() == [CourseRecord("starting", begun, (ASKING,))]
    await said(dialogue, "/teach stop", BEN)
    assert len(await engine.people.course_records()) == 1
    assert (await said(dialogue, "/teach zähle mich aus", BEN)).markdown.startswith("Your steps in courses")
    assert await engine.people.course_records() == []
    assert "aren't counted. `/teach count on`" in (await said(dialogue, "/teach", BEN)).markdown


@pytest.mark.parametrize("command", ["/forget everything", "/progress forget"])
async def test_whoever_is_forgotten_is_not_counted(dialogue: Dialogue, engine: Engine, command: str):
    """And is asked anew when they begin anew."""
    await counted(dialogue, ANN, finish=1)
    assert len(await engine.people.course_records()) == 1
    await said(dialogue, command)
    assert await engine.people.course_records() == []
    assert "no names" in (await said(dialogue, "/teach Starting here")).markdown


async def test_in_a_group_nobody_says_whether_they_are_counted(dialogue: Dialogue, engine: Engine):
    """A course begins there without the question, which comes in private later."""
    step = await said(dialogue, "/teach Starting here", private=False)
    assert "Step 1 of 2: Asking" in step.markdown
    assert "names" not in step.markdown
    assert (await said(dialogue, "/teach count on", private=False)).markdown.startswith("That's between you and me")
    assert (await engine.people.study(ANN)).counted is None
    await said(dialogue, letter_of(step), private=False)
    assert "done" not in (await said(dialogue, "/teach", private=False)).markdown
    assert "no names" in (await said(dialogue, "/teach Starting here")).markdown


async def test_a_group_neither_learns_of_a_course_in_private_nor_changes_it(dialogue: Dialogue, engine: Engine):
    """It begins before all as if there were none, goes on from what was done there, and the private one stays."""
    await counted(dialogue, BEN, finish=2)
    private = (await engine.people.study(BEN)).course
    assert private is not None
    step = await said(dialogue, "/teach Starting here", BEN, private=False)
    assert "Step 1 of 2: Asking" in step.markdown
    assert private in (await engine.people.study(BEN)).courses
    assert "Step 3 of 3" in (await said(dialogue, f"/teach step {private.id} 2", BEN)).markdown
    step = await said(dialogue, "/teach Starting here", BEN, private=False)
    assert "Step 1 of 2" in step.markdown
    await said(dialogue, letter_of(step), BEN, private=False)
    assert "Step 2 of 2" in (await said(dialogue, "/teach Starting here", BEN, private=False)).markdown


async def test_a_course_of_which_nothing_can_be_read_is_not_begun(
    dialogue: Dialogue, engine: Engine, qdrant_index: QdrantIndex
):
    """Its documents are gone: it says so, and the course before stays."""
    await said(dialogue, "/teach annual leave")
    await qdrant_index.remove("/docs/leave.md")
    assert "**Starting here** are gone" in (await said(dialogue, "/teach Starting here")).markdown
    course = (await engine.people.study(ANN)).course
    assert course is not None
    assert course.topic == "annual leave"


async def test_a_broken_file_stops_no_other_course(dialogue: Dialogue, folder: Path):
    """Files are read whenever somebody asks; one that cannot be used is missing from the list."""
    (folder / "ben.toml").write_text("title = 1", encoding="utf-8")
    (folder / "more.toml").write_text(FOR_BEN.replace("ben", "ann").replace("Ben", "Ann"), encoding="utf-8")
    shown = await said(dialogue, "/teach")
    assert [one.label for one in buttons(shown)] == ["For Ann", "Starting here"]


async def test_of_many_courses_some_are_listed(dialogue: Dialogue, folder: Path):
    """And how many more there are, which are begun by name."""
    for number in range(team_texts.LISTED):
        (folder / f"more{number}.toml").write_text(FOR_BEN.replace("For Ben", f"More {number}"), encoding="utf-8")
    shown = await said(dialogue, "/teach", BEN)
    assert "… and 2 more." in shown.markdown
    assert "Course: Starting here" in (await said(dialogue, "/teach Starting here", BEN)).markdown


async def test_without_a_model_that_quizzes_consent_can_be_withdrawn(
    dialogue: Dialogue, engine: Engine, model: ScriptedGenerator
):
    """Courses are not offered then; what was agreed to can be taken back."""
    await counted(dialogue, ANN, finish=1)
    model.says_likelihoods = False
    assert team_texts.OFFERED not in (await said(dialogue, "/progress")).markdown
    assert (await said(dialogue, "/teach count off")).markdown.startswith("Your steps in courses")
    assert await engine.people.course_records() == []


async def test_a_removed_document_leaves_the_counts(dialogue: Dialogue, engine: Engine, redis: Redis):
    """Its step goes from the course; that it was finished names no document, and stays."""
    await counted(dialogue, BEN, finish=2)
    await RedisMemory(redis).forget_documents(["/docs/secret.md"])
    [record] = await engine.people.course_records()
    assert set(record.finished) == {ASKING, DIRECTING}
    assert b"secret" not in await redis.get("attune:study:{test:w:ben}")


async def test_a_long_document_is_taught_by_its_headings(
    dialogue: Dialogue, engine: Engine, qdrant_index: QdrantIndex, folder: Path
):
    """A step of more passages than are read at once has parts, and is finished with the last of them."""
    texts = {**PARTS, **{f"{name} again": f"Once more: {text}" for name, text in PARTS.items()}}
    made = passages(texts, "/long.md")
    long = [replace(one, headings=(f"Part {place // 2}",)) for place, one in enumerate(made)]
    await fill(qdrant_index, long)
    (folder / "long.toml").write_text('title = "Long"\nsteps = [{ document = "/long.md" }]', encoding="utf-8")
    shown = await said(dialogue, "/teach long")
    assert "2. Leave: Part 1" in shown.markdown
    for done in (0, 0, 1):
        await said(dialogue, letter_of(await said(dialogue, "/teach next")))
        assert len((await engine.people.study(ANN)).record("long").finished) == done


async def test_german_people_are_asked_in_german(dialogue: Dialogue):
    """All that is said of the team's courses, too."""
    with speaking("de"):
        assert "Kurse deines Teams" in (await said(dialogue, "/teach")).markdown
        assert "Sollen deine Schritte zählen?" in (await said(dialogue, "/teach Starting here")).markdown
        assert isinstance(await said(dialogue, "/teach count off", private=False), Notice)
