"""Courses and quizzes in a conversation, over the real stores: what is said, and what is kept."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

from bots import study_texts as say
from bots.dialogue import Dialogue
from bots.language import speaking
from bots.replies import Choice, Delta, Final, Notice, PersonForgotten, Problem
from bots.study_requests import study_request
from core.adapters.index.qdrant_index import QdrantIndex
from core.adapters.redis.memory import RedisMemory
from core.adapters.redis.usage import RedisUsage
from core.answering.verdict import TOLD_TO_REFUSE
from core.domain import Conversation, Document, Message, Passage, Person, Prompt, Vectors
from core.engine import AnswerLimits, Engine
from core.learning.reviews import Mastery
from core.learning.study import Course, CourseStep, PassageRef, Study
from tests.fakes import HashingEmbedder, ScriptedGenerator, quizzing

Shown = Final | Notice | Problem | PersonForgotten

ANN, BEN = Person("test", "w", "ann"), Person("test", "w", "ben")
NOW = datetime.now(UTC)
PARTS = {
    "Asking": "Annual leave is asked for in the calendar and your lead agrees within a week or two",
    "Carrying over": "Annual leave that is left may be carried over until the end of next March each year",
    "Sickness": "Annual leave on which you fall sick is given back with a note from a doctor",
}
DIRECTORS = "Annual leave of the directors is agreed by the chair of the secret board alone"


def passages(parts: dict[str, str], source: str, *readers: str) -> list[Passage]:
    number, seen_by = sum(map(ord, source)) % 97, readers or ("everyone",)
    ids = [f"00000000-0000-0000-{number:04}-{place:012}" for place in range(len(parts))]
    return [
        Passage(ids[place], source, "Leave", (name,), text * 3, 1, place, len(parts), "v", seen_by)
        for place, (name, text) in enumerate(parts.items())
    ]


async def fill(index: QdrantIndex, listed: list[Passage]) -> None:
    await index.upsert(listed, await HashingEmbedder().embed([one.text for one in listed]))


@pytest.fixture
def generator() -> ScriptedGenerator:
    return ScriptedGenerator(quizzing)


@pytest.fixture
async def engine(qdrant_index: QdrantIndex, redis: Redis, generator: ScriptedGenerator) -> Engine:
    await fill(qdrant_index, passages(PARTS, "/docs/leave.md"))
    limits = AnswerLimits(relevance=0.1)
    memory, usage = RedisMemory(redis), RedisUsage(redis)
    return Engine(
        embedder=HashingEmbedder(), index=qdrant_index, memory=memory, usage=usage, generator=generator, limits=limits
    )


@pytest.fixture
def dialogue(engine: Engine) -> Dialogue:
    return Dialogue(engine)


def asked_by(person: Person, text: str = "", *, private: bool = True, days: float = 0) -> Message:
    place = Conversation("test", "w", person.user if private else "group")
    return Message("m", place, person, text, NOW + timedelta(days=days), private=private)


async def said(dialogue: Dialogue, text: str, person: Person = ANN, *, private: bool = True, days: float = 0) -> Shown:
    deltas = ""
    async for reply in dialogue.respond(asked_by(person, text, private=private, days=days)):
        deltas += reply.text if isinstance(reply, Delta) else ""
    assert isinstance(reply, Shown)
    assert reply.markdown.startswith(deltas.rstrip()) or not deltas
    return reply


def buttons(reply: Shown) -> list[Choice]:
    assert isinstance(reply, Final), reply
    return [one for row in reply.choices for one in row]


def press(reply: Shown, label: str) -> str:
    return "/" + next(one.command for one in buttons(reply) if one.label == label)


def letter_of(reply: Shown, *, right: bool = True) -> str:
    """The button of the right option, which is the only one that stands in the passages, or of a wrong one."""
    found = dict(re.findall(r"\*\*([A-D])\.\*\* (.+)", reply.markdown))
    stands = {
        letter for letter, option in found.items() if any(option in text for text in (*PARTS.values(), DIRECTORS))
    }
    return press(reply, next(letter for letter in found if (letter in stands) is right))


async def test_a_course_is_taught_step_by_step_to_its_end(dialogue: Dialogue):
    """Each step explains, with its source, and asks; what was missed comes again before the end."""
    reply = await said(dialogue, "/teach annual leave")
    assert "Course: annual leave" in reply.markdown
    assert isinstance(reply, Final)
    for number, name in enumerate(PARTS, start=1):
        assert f"Step {number} of 3: {name}" in reply.markdown
        assert [one.passage.headings[0] for one in reply.sources] == [name]
        marked = await said(dialogue, letter_of(reply, right=number != 2))
        assert marked.markdown.startswith("❌" if number == 2 else "✅")
        assert isinstance(marked, Final)
        assert marked.sources
        reply = await said(dialogue, "/" + buttons(marked)[0].command)
    assert say.AGAIN in reply.markdown
    reply = await said(dialogue, "/" + buttons(await said(dialogue, letter_of(reply)))[0].command)
    assert "You've done 3 of 3 steps" in reply.markdown


async def test_a_course_whose_questions_were_passed_over_asks_them_at_its_end_and_then_is_over(dialogue: Dialogue):
    """What is over says so, is no topic any more, and does not stand in the way of what comes next."""
    await said(dialogue, "/teach annual leave")
    for _ in PARTS:
        reply = await said(dialogue, "/teach next")
    for _ in PARTS:
        assert say.AGAIN in reply.markdown
        marked = await said(dialogue, letter_of(reply))
        reply = await said(dialogue, "/" + buttons(marked)[0].command)
    for ended in (reply, await said(dialogue, "/teach next"), await said(dialogue, "/teach")):
        assert "You've done 3 of 3 steps" in ended.markdown
    assert buttons(await said(dialogue, letter_of(await said(dialogue, "/quiz annual leave"))))[0].label == say.ANOTHER
    assert "your course on" not in (await said(dialogue, "/progress")).markdown.lower()
    assert (await said(dialogue, "/quiz")).markdown.startswith("What should the question")


async def test_a_course_goes_on_where_it_was_after_a_restart(dialogue: Dialogue, engine: Engine):
    """The store has all of it; the buttons of before still work, and what is over says so."""
    first = await said(dialogue, "/teach annual leave")
    later = Dialogue(engine)
    assert "step 1 of 3" in (await said(later, "/teach")).markdown
    assert "Step 2 of 3" in (await said(later, press(first, say.NEXT))).markdown
    assert "Step 3 of 3" in (await said(later, "/teach next")).markdown
    back = re.sub(r"\d+$", "0", press(await said(later, "/teach"), say.GO_ON))
    assert "Step 1 of 3" in (await said(later, back)).markdown
    for topic in ("annual leave sickness", "annual leave carried over"):
        await said(later, f"/teach {topic}")
    assert (await said(later, press(first, say.NEXT))).markdown.startswith("That course is over")
    assert (await said(later, "/teach stop")).markdown.startswith("Done.")
    assert (await said(later, "/teach next")).markdown.startswith("What should the course")


async def test_an_answer_counts_once_however_often_it_is_pressed(dialogue: Dialogue, engine: Engine):
    """Presses at once, or delivered again: one mark, which each of them is told; another letter changes nothing."""
    asked = await said(dialogue, "/quiz annual leave")
    found = await asyncio.gather(*(said(dialogue, letter_of(asked)) for _ in range(4)))
    assert [one.markdown[:1] for one in found] == ["✅"] * 4
    other = await said(dialogue, letter_of(asked, right=False))
    assert other.markdown == say.ANSWERED_ALREADY.replace("{cmd}", "/")
    assert (await engine.people.profile(ANN)).quizzed == (1, 1)
    [card] = (await engine.people.study(ANN)).cards
    assert (card.right, card.wrong, card.round) == (1, 0, 1)


async def test_another_question_stays_with_the_topic(dialogue: Dialogue, qdrant_index: QdrantIndex):
    """It is of the same document, about what was not asked yet, whatever was talked of before; not where it is gone."""
    travel = "Travel by train is booked in the travel tool at least ten days before the journey begins"
    await fill(qdrant_index, [replace(one, title="Travel") for one in passages({"Booking": travel}, "/docs/travel.md")])
    await said(dialogue, "How is travel by train booked?")
    reply, asked = await said(dialogue, "/quiz annual leave"), set()
    for _ in PARTS:
        asked |= set(re.findall(r"\*\*[A-D]\.\*\* (.+)", reply.markdown))
        more = press(await said(dialogue, letter_of(reply)), say.ANOTHER)
        reply = await said(dialogue, more)
    assert {" ".join(text.split()[-3:]) for text in PARTS.values()} <= asked
    await qdrant_index.remove("/docs/leave.md")
    assert (await said(dialogue, more)).markdown == say.NO_QUESTION


async def test_a_typed_letter_answers_the_question_asked_last(dialogue: Dialogue):
    """Where there are no buttons, a letter does; without a question it says so."""
    assert (await said(dialogue, "/quiz b")).markdown.startswith("There's no open question")
    asked = await said(dialogue, "/quiz annual leave")
    assert (await said(dialogue, f"/quiz {letter_of(asked)[-1].upper()}.")).markdown.startswith("✅")


async def test_a_letter_in_a_group_answers_only_what_was_asked_there(dialogue: Dialogue, qdrant_index: QdrantIndex):
    """What is open in private, or may not be seen there, stays open, by a letter and by its button."""
    await fill(qdrant_index, passages({"Directors": DIRECTORS}, "/docs/secret.md", "person:test/w/ann"))
    for topic, there in (("annual leave", "✅"), ("leave of the directors secret board", say.SOURCE_CHANGED)):
        asked = await said(dialogue, f"/quiz {topic}")
        typed = f"/quiz {letter_of(asked)[-1]}"
        assert (await said(dialogue, typed, private=False)).markdown == say.NOT_OPEN.replace("{cmd}", "/")
        assert (await said(dialogue, letter_of(asked), private=False)).markdown.startswith(there)
    assert (await said(dialogue, typed)).markdown.startswith("✅")
    asked = await said(dialogue, "/quiz annual leave", private=False)
    assert (await said(dialogue, f"/quiz {letter_of(asked)[-1]}", private=False)).markdown.startswith("✅")


@pytest.mark.parametrize("word", ["stop", "Stopp", "beenden", "abbrechen", "cancel", "quit", "exit"])
async def test_a_course_ends_by_any_word_for_it(dialogue: Dialogue, word: str):
    """None of them is a topic, nor are those that go on; a quiz has nothing to end."""
    await said(dialogue, "/teach annual leave")
    assert "Step 2 of 3" in (await said(dialogue, "/teach next step")).markdown
    assert "Step 3 of 3" in (await said(dialogue, "/teach Fortsetzen")).markdown
    assert (await said(dialogue, f"/quiz {word}")).markdown == say.QUIZ_LEFT.replace("{cmd}", "/")
    assert (await said(dialogue, f"/teach {word}")).markdown == say.COURSE_STOPPED.replace("{cmd}", "/")
    assert (await said(dialogue, "/progress vergiss")).markdown == say.FORGOTTEN_STUDY


async def test_another_question_after_all_was_forgotten_says_so(dialogue: Dialogue):
    """Its button belongs to a question that is no more."""
    more = press(await said(dialogue, letter_of(await said(dialogue, "/quiz annual leave"))), say.ANOTHER)
    await said(dialogue, "/progress forget")
    assert (await said(dialogue, more)).markdown == say.NOT_OPEN.replace("{cmd}", "/")


async def test_a_missed_question_is_asked_first_when_it_is_due(dialogue: Dialogue, engine: Engine):
    """`/quiz` alone asks what is due, in another order of its options; a digest says that it is."""
    asked = await said(dialogue, "/quiz annual leave")
    await said(dialogue, letter_of(asked, right=False))
    tomorrow = asked_by(ANN, days=1)
    assert (await engine.digests.compose(tomorrow, NOW, tomorrow.sent_at)).due == 1
    assert (await engine.digests.compose(asked_by(BEN), NOW, tomorrow.sent_at)).due == 0
    again = await said(dialogue, "/quiz", days=1)
    assert again.markdown.startswith(f"**{say.REVIEW}:")
    assert (await said(dialogue, letter_of(asked), days=1)).markdown == say.ANSWERED_ALREADY.replace("{cmd}", "/")
    assert (await said(dialogue, letter_of(again), days=1)).markdown.startswith("✅")


async def test_a_question_belongs_to_whoever_asked(dialogue: Dialogue):
    """In a group somebody else's press finds no question of theirs, and changes nothing."""
    asked = await said(dialogue, "/quiz annual leave", private=False)
    assert (await said(dialogue, letter_of(asked), BEN, private=False)).markdown.startswith("There's no open question")
    assert (await said(dialogue, letter_of(asked), private=False)).markdown.startswith("✅")
    course = await said(dialogue, "/teach annual leave", private=False)
    assert (await said(dialogue, press(course, say.NEXT), BEN, private=False)).markdown.startswith(
        "That course is over"
    )


async def test_what_may_not_be_seen_here_is_neither_taught_nor_asked(dialogue: Dialogue, qdrant_index: QdrantIndex):
    """A private document teaches its reader in private, and nobody elsewhere, in no review either."""
    await fill(qdrant_index, passages({"Directors": DIRECTORS}, "/docs/secret.md", "person:test/w/ann"))
    asked = await said(dialogue, "/quiz leave of the directors secret board")
    assert "What does" in asked.markdown
    await said(dialogue, letter_of(asked, right=False))
    group = await said(dialogue, "/quiz", private=False, days=1)
    assert "secret" not in group.markdown
    assert "secret" not in (await said(dialogue, "/teach directors secret board", BEN)).markdown.lower().replace(
        "directors secret board", ""
    )
    assert (await said(dialogue, "/quiz", days=1)).markdown.startswith(f"**{say.REVIEW}:")


async def test_a_course_waits_while_another_is_taken(
    dialogue: Dialogue, engine: Engine, qdrant_index: QdrantIndex, redis: Redis
):
    """It says how to go back, by a word and by its old buttons; it goes with the history, and with its document."""
    travel = "Travel by train is booked in the travel tool at least ten days before the journey begins"
    await fill(qdrant_index, passages({"Booking": travel}, "/docs/travel.md"))
    first = await said(dialogue, "/teach annual leave")
    await said(dialogue, "/teach next")
    for text in ("/teach travel by train", "/teach"):
        assert "**annual leave** waits" in (await said(dialogue, text)).markdown
    back = await said(dialogue, "/teach back")
    assert "annual leave**: you're at step 2 of 3" in back.markdown
    assert "**travel by train** waits" in back.markdown
    await said(dialogue, "/teach back")
    assert "Step 2 of 3" in (await said(dialogue, press(first, say.NEXT))).markdown
    await said(dialogue, "/teach stop")
    assert "**travel by train** waits" in (await said(dialogue, "/teach")).markdown
    await RedisMemory(redis).forget_documents(["/docs/travel.md"])
    assert "waits" not in (await said(dialogue, "/teach")).markdown
    await said(dialogue, "/teach annual leave")
    await said(dialogue, "/teach annual leave sickness")
    await said(dialogue, "/prefs forget history")
    assert (await engine.people.study(ANN)).courses == []


async def test_a_private_course_waits_unnamed_while_a_group_takes_another(dialogue: Dialogue):
    """What was begun in private is told in private."""
    await said(dialogue, "/teach annual leave after my divorce")
    for text in ("/teach annual leave", "/teach", "/teach back"):
        assert "divorce" not in (await said(dialogue, text, private=False)).markdown
    assert "divorce** waits" in (await said(dialogue, "/teach")).markdown


@pytest.mark.parametrize("command", ["/teach", "/teach next", "/teach stop", "my progress"])
async def test_a_private_course_is_unknown_in_a_group(dialogue: Dialogue, qdrant_index: QdrantIndex, command: str):
    """Its topic, its headings and how far it is are said where it was begun, and in private."""
    parts = {"Firing of Bob": DIRECTORS, "Bonus of Eve": f"{DIRECTORS} every year"}
    await fill(qdrant_index, passages(parts, "/docs/secret.md", "person:test/w/ann"))
    course = await said(dialogue, "/teach directors secret board")
    assert "Firing of Bob" in course.markdown
    for text in (command, press(course, say.NEXT)):
        shown = await said(dialogue, text, private=False)
        assert isinstance(shown, Notice)
        assert not any(word in shown.markdown for word in ("Firing", "secret", "step 1", "Done"))
    assert "Firing of Bob" in (await said(dialogue, "/teach")).markdown


async def test_a_course_of_a_group_is_known_there_and_in_private(dialogue: Dialogue):
    """What is taught before all goes on before all."""
    await said(dialogue, "/teach annual leave", private=False)
    for private in (False, True):
        assert "Carrying over" in (await said(dialogue, "/teach", private=private)).markdown


async def test_what_was_asked_in_private_is_no_topic_in_a_group(dialogue: Dialogue, generator: ScriptedGenerator):
    """A quiz without a topic asks there about what was answered there, and quotes nobody when it fails."""
    await said(dialogue, "How is annual leave asked for after my divorce?")
    assert (await said(dialogue, "/quiz", private=False)).markdown.startswith("What should the question")
    generator.script = lambda _: "Nonsense."
    assert (await said(dialogue, "/quiz")).markdown == say.NO_QUESTION
    generator.script = quizzing
    await said(dialogue, "How is annual leave carried over?", private=False)
    assert "What does Leave end with?" in (await said(dialogue, "/quiz", private=False)).markdown


@pytest.mark.parametrize("change", ["removed", "changed", "closed"])
async def test_a_document_that_goes_takes_its_questions_along(
    dialogue: Dialogue, engine: Engine, qdrant_index: QdrantIndex, change: str
):
    """Removed, changed or closed to the person while a question is open: it is not marked from it, nor asked again."""
    course = await said(dialogue, "/teach annual leave")
    await qdrant_index.remove("/docs/leave.md")
    if change == "changed":
        await fill(
            qdrant_index, passages({name: f"New rules: {text}" for name, text in PARTS.items()}, "/docs/leave.md")
        )
    elif change == "closed":
        await fill(qdrant_index, passages(PARTS, "/docs/leave.md", "person:test/w/ben"))
    assert (await said(dialogue, letter_of(course))).markdown == say.SOURCE_CHANGED
    assert (await said(dialogue, press(course, say.NEXT))).markdown == say.STEP_GONE
    for command in ("/progress", "/teach"):
        shown = (await said(dialogue, command)).markdown
        assert not any(name in shown for name in ("Leave", *PARTS))
    assert await engine.tutor.due(asked_by(ANN), NOW + timedelta(days=400)) == 0


async def test_a_moved_passage_keeps_its_questions(dialogue: Dialogue, qdrant_index: QdrantIndex):
    """A new version that still says the same leaves the question as it is."""
    asked = await said(dialogue, "/quiz annual leave")
    moved = [
        replace(one, id=one.id.replace("0000-0000", "0000-1111"), version="w")
        for one in passages(PARTS, "/docs/leave.md")
    ]
    await qdrant_index.remove("/docs/leave.md")
    await fill(qdrant_index, moved)
    assert (await said(dialogue, letter_of(asked))).markdown.startswith("✅")


async def test_progress_is_a_picture_and_can_be_forgotten(dialogue: Dialogue, engine: Engine):
    """A bar for each document, as wide for everybody; then nothing any more."""
    assert (await said(dialogue, "/progress")).markdown == say.NOTHING_KNOWN.replace("{cmd}", "/")
    await said(dialogue, letter_of(await said(dialogue, "/quiz annual leave")))
    shown = (await said(dialogue, "/progress")).markdown
    assert "▒" * say.BAR in shown
    assert "░" * say.BAR in (await said(dialogue, "/progress", days=30)).markdown
    assert "What does Leave end with?" in (await said(dialogue, "/prefs export")).markdown
    assert (await said(dialogue, "/progress forget")).markdown == say.FORGOTTEN_STUDY
    assert (await engine.people.study(ANN)).cards == ()


async def test_progress_reads_each_document_once(dialogue: Dialogue, engine: Engine, monkeypatch: pytest.MonkeyPatch):
    """However many questions and steps are about it."""
    await said(dialogue, letter_of(await said(dialogue, "/teach annual leave")))
    read: list[str] = []
    document = engine.tutor.document

    async def counted(source: str, message: Message) -> list[Passage]:
        read.append(source)
        return await document(source, message)

    monkeypatch.setattr(engine.tutor, "document", counted)
    assert say.AT_STEP[:11] in (await said(dialogue, "/progress")).markdown
    assert read == ["/docs/leave.md"]


async def test_progress_tells_of_a_course_of_which_nothing_was_answered(dialogue: Dialogue):
    """Where somebody is in it, whatever they know by then."""
    await said(dialogue, "/teach annual leave")
    shown = (await said(dialogue, "/progress")).markdown
    assert shown.startswith("Nothing yet.")
    assert "you're at step 1 of 3" in shown


async def test_a_review_is_due_on_a_day_of_the_persons_own(dialogue: Dialogue, engine: Engine):
    """Just before midnight in London it is tomorrow in Auckland."""
    await said(dialogue, letter_of(await said(dialogue, "/quiz annual leave")))
    late = datetime(2031, 3, 2, 23, 30, tzinfo=UTC)

    def put_off(old: Study) -> Study:
        review = old.cards[0].review
        assert review is not None
        return replace(old, cards=(replace(old.cards[0], review=replace(review, due=late)),))

    await engine.people.change_study(ANN, put_off)
    for zone, day in (("", "2 March 2031"), ("Pacific/Auckland", "3 March 2031")):
        asked = replace(asked_by(ANN, "/progress"), zone=zone)
        [reply] = [one async for one in dialogue.respond(asked)]
        assert isinstance(reply, Notice)
        assert f"Next review: {day}." in reply.markdown


async def test_what_a_document_says_no_more_is_kept_no_more(
    dialogue: Dialogue, engine: Engine, qdrant_index: QdrantIndex, monkeypatch: pytest.MonkeyPatch
):
    """A card goes when its document says something else, and stays where it only may not be seen; one look each."""
    for _ in PARTS:
        await said(dialogue, letter_of(await said(dialogue, "/quiz annual leave"), right=False))
    looks, look = [], qdrant_index.documents

    async def looking(source: str | None = None) -> list[Document]:
        looks.append(source)
        return await look(source)

    monkeypatch.setattr(qdrant_index, "documents", looking)
    assert await engine.tutor.due(asked_by(ANN), NOW + timedelta(days=1)) == len(PARTS)
    assert looks == ["/docs/leave.md"]
    await qdrant_index.remove("/docs/leave.md")
    await fill(qdrant_index, passages(PARTS, "/docs/leave.md", "person:test/w/ben"))
    await said(dialogue, "/progress")
    assert len((await engine.people.study(ANN)).cards) == len(PARTS)
    await qdrant_index.remove("/docs/leave.md")
    kept = {**PARTS, "Sickness": "Annual leave is not given back to whoever falls sick"}
    await fill(qdrant_index, passages(kept, "/docs/leave.md"))
    await said(dialogue, "/progress")
    assert len((await engine.people.study(ANN)).cards) == len(PARTS) - 1


def test_bars_are_of_one_width():
    """However few of a kind there are, it is seen, and the bar is no longer for it."""
    for known, shaky, due in ((1, 0, 0), (99, 1, 1), (3, 3, 3), (1, 1, 200)):
        drawn = say.bar({Mastery.KNOWN: known, Mastery.SHAKY: shaky, Mastery.DUE: due})
        assert len(drawn) == say.BAR
        assert all((block in drawn) == bool(count) for block, count in zip("█▒░", (known, shaky, due), strict=True))


async def test_what_is_mastered_moves_level_and_interests_and_can_be_removed(dialogue: Dialogue, engine: Engine):
    """Answers to quiz questions are learned from, visibly, unless learning is paused."""
    await said(dialogue, "/prefs pause")
    await said(dialogue, letter_of(await said(dialogue, "/quiz annual leave")))
    assert (await engine.people.profile(ANN)).quizzed == (0, 0)
    await said(dialogue, "/prefs resume")
    for day in range(9):
        await said(dialogue, letter_of(await said(dialogue, "/quiz annual leave", days=day)), days=day)
    learned = (await said(dialogue, "/prefs learned")).markdown
    assert "9 of your last 9 answers were right, so I teach you as expert" in learned
    assert any(name in learned for name in PARTS)
    assert "9 × quiz answer" in learned
    assert (await said(dialogue, "/prefs remove level")).markdown.startswith("Done.")
    assert (await engine.people.profile(ANN)).quizzed == (0, 0)


@pytest.mark.parametrize("level", ["practitioner", "beginner"])
async def test_a_level_that_is_set_is_kept_to(dialogue: Dialogue, generator: ScriptedGenerator, level: str):
    """Whatever answers to quiz questions show; undone, they count again."""
    asked: list[str] = []

    def script(prompt: Prompt) -> str:
        asked.append(prompt.question)
        return quizzing(prompt)

    generator.script = script
    for day in range(9):
        await said(dialogue, letter_of(await said(dialogue, "/quiz annual leave", days=day)), days=day)
    for command, shown in ((f"/prefs level {level}", False), ("/prefs undo", True)):
        assert ": ," not in (await said(dialogue, command)).markdown
        await said(dialogue, "/teach annual leave")
        assert (asked[-1].startswith("Explain to an expert")) is shown
        assert ("so I teach you as expert" in (await said(dialogue, "/prefs learned")).markdown) is shown


@pytest.mark.parametrize(
    "make",
    [
        lambda _: "Nonsense.",
        lambda prompt: quizzing(prompt).replace("Right: B", "Right: A"),
        lambda prompt: f"Option {made}" if len(made := quizzing(prompt)) == 1 else made,  # of B there is no likelihood
    ],
)
async def test_a_question_that_fails_its_examination_is_not_shown(
    dialogue: Dialogue, generator: ScriptedGenerator, make: Callable[..., str]
):
    """A step goes on without one, and a quiz says that there is none."""
    generator.script = make
    assert (await said(dialogue, "/quiz annual leave")).markdown.startswith("I couldn't write a question about")
    step = await said(dialogue, "/teach annual leave")
    assert say.NO_QUESTION in step.markdown
    assert [one.label for one in buttons(step)] == [say.NEXT]


@pytest.mark.parametrize("reason", ["untaught", "remote"])
async def test_without_a_trained_reader_there_are_no_courses(
    dialogue: Dialogue, generator: ScriptedGenerator, reason: str
):
    """It says so, instead of asking what nobody examined; likewise where it does not say how likely its letters are."""
    if reason == "untaught":
        generator.protocol = TOLD_TO_REFUSE
    else:
        generator.says_likelihoods = False
    for command in ("/teach annual leave", "/quiz annual leave", "/quiz"):
        assert (await said(dialogue, command)).markdown == say.NOT_ABLE
    assert say.NOT_ABLE not in (await said(dialogue, "I want to learn about annual leave")).markdown


async def test_what_no_document_holds_is_not_taught(dialogue: Dialogue, qdrant_index: QdrantIndex):
    """Without documents, or with none on the topic, it says so."""
    await qdrant_index.remove("/docs/leave.md")
    assert "I found nothing about **zebra stripes**" in (await said(dialogue, "/teach zebra stripes")).markdown
    assert "**zebra stripes**" in (await said(dialogue, "/quiz zebra stripes")).markdown
    assert (await said(dialogue, "/quiz")).markdown.startswith("What should the question")
    assert (await said(dialogue, "/teach")).markdown.startswith("What should the course")


async def test_all_of_it_is_forgotten_with_the_person(dialogue: Dialogue, redis: Redis):
    """`/forget everything` leaves no key of theirs, and another person's stays."""
    for person in (ANN, BEN):
        await said(dialogue, letter_of(await said(dialogue, "/quiz annual leave", person)), person)
    await said(dialogue, "/forget everything")
    assert [key.decode() for key in await redis.keys("attune:study:*")] == ["attune:study:{test:w:ben}"]


async def test_a_course_is_forgotten_with_the_history(dialogue: Dialogue, engine: Engine):
    """Its topic is in the person's own words; the questions are the documents', and stay."""
    await said(dialogue, letter_of(await said(dialogue, "/teach annual leave after my divorce")))
    await said(dialogue, "/prefs forget history")
    assert "divorce" not in (await said(dialogue, "/prefs export")).markdown
    assert len((await engine.people.study(ANN)).cards) == 1


async def test_the_words_of_a_removed_document_stay_nowhere(dialogue: Dialogue, engine: Engine, redis: Redis):
    """What was learned from a question keeps no words of the document that it was about."""
    await said(dialogue, letter_of(await said(dialogue, "/quiz annual leave")))
    await RedisMemory(redis).forget_documents(["/docs/leave.md"])
    [signal] = await RedisMemory(redis).signals(ANN)
    assert (signal.phrases, signal.credited, signal.mastered) == ((), (), True)
    assert (await engine.people.study(ANN)).cards == ()


@pytest.mark.parametrize("gone", ["/forget everything", "/progress forget", "removed", "closed"])
async def test_what_goes_while_a_question_is_written_stays_gone(
    dialogue: Dialogue, engine: Engine, generator: ScriptedGenerator, qdrant_index: QdrantIndex, gone: str
):
    """Nothing is kept of somebody who was forgotten meanwhile, or of a document that they may not see any more."""
    writing = asyncio.Event()

    def script(prompt: Prompt) -> str:
        writing.set()
        return quizzing(prompt)

    generator.script, generator.pace = script, 0.05
    asked = asyncio.create_task(said(dialogue, "/quiz annual leave"))
    await writing.wait()
    if gone.startswith("/"):
        await said(dialogue, gone)
    else:
        await qdrant_index.remove("/docs/leave.md")
    if gone == "closed":
        await fill(qdrant_index, passages(PARTS, "/docs/leave.md", "person:test/w/ben"))
    assert (await asked).markdown.startswith("I couldn't write a question")
    kept = await engine.people.study(ANN)
    assert (kept.cards, kept.course) == ((), None)


async def test_nothing_is_learned_of_who_is_forgotten_while_an_answer_is_read(
    dialogue: Dialogue, engine: Engine, redis: Redis, monkeypatch: pytest.MonkeyPatch
):
    """What they did comes back with no signal."""
    pressed, embed = letter_of(await said(dialogue, "/quiz annual leave")), HashingEmbedder.embed_questions

    async def embedding(embedder: HashingEmbedder, texts: list[str]) -> Vectors:
        await said(dialogue, "/forget everything")
        return await embed(embedder, texts)

    monkeypatch.setattr(HashingEmbedder, "embed_questions", embedding)
    await said(dialogue, pressed)
    assert await RedisMemory(redis).signals(ANN) == []
    assert (await engine.people.study(ANN)).cards == ()


@pytest.mark.parametrize(
    ("text", "name", "topic"),
    [
        ("Teach me about annual leave", "teach", "annual leave"),
        ("could you give me a short course on travel?", "teach", "travel"),
        ("Kannst du mir einen Kurs über Reisen geben", "", ""),
        ("Gib mir einen kurzen Kurs über Reisen", "teach", "Reisen"),
        ("bring mir bitte die Urlaubsregeln bei", "teach", "die Urlaubsregeln"),
        ("Teach me about the travel policy, please", "teach", "the travel policy"),
        ("Gib mir ein Quiz zu Reisekosten", "quiz", "Reisekosten"),
        ("Course on GDPR mandatory?", "", ""),
        ("a course in first aid takes how long", "", ""),
        ("Start a course on GDPR when?", "", ""),
        ("Kurs zum Brandschutz wann?", "", ""),
        ("A quiz on security?", "", ""),
        ("teach me the wifi password", "", ""),
        ("Teach me who approves leave", "", ""),
        ("Can you teach me what the travel policy says?", "", ""),
        ("Bring mir bei, wie man Urlaub beantragt", "", ""),
        ("quiz me", "quiz", ""),
        ("Quiz me on expenses!", "quiz", "expenses"),
        ("frag mich zu Reisekosten ab", "quiz", "Reisekosten"),
        ("Frag mich ab", "quiz", ""),
        ("Frag mich bitte zu Reisekosten ab", "quiz", "Reisekosten"),
        ("Kannst du mich zu Reisekosten abfragen?", "quiz", "Reisekosten"),
        ("Könntest du mich bitte abfragen?", "quiz", ""),
        ("Mach ein Quiz zu Reisekosten", "quiz", "Reisekosten"),
        ("Mach mit mir ein kurzes Quiz", "quiz", ""),
        ("Let's do a quiz", "quiz", ""),
        ("let’s do a quick quiz on travel", "quiz", "travel"),
        ("Create a course on travel", "teach", "travel"),
        ("Kannst du mir die Urlaubsregeln beibringen?", "teach", "die Urlaubsregeln"),
        ("Kannst du mir bitte etwas über Urlaub beibringen?", "teach", "Urlaub"),
        ("Soll ich mich abfragen lassen?", "", ""),
        ("teach me in German", "", ""),
        ("teach me about it", "", ""),
        ("quiz me on that", "quiz", ""),
        ("Quiz me in German please", "quiz", ""),
        ("Bring mir den Schlüssel bei Gelegenheit bei", "", ""),
        ("Bring mir bitte etwas über Urlaub bei", "teach", "Urlaub"),
        ("I want a course on first aid, who do I ask", "", ""),
        ("Ich möchte einen Kurs zu Erster Hilfe, an wen wende ich mich", "", ""),
        ("I want a course on leave, travel and expenses", "teach", "leave, travel and expenses"),
        ("my progress", "progress", ""),
        ("Zeig mir meinen Lernfortschritt", "progress", ""),
        ("teach me how to apply for leave", "", ""),
        ("I want to learn about annual leave", "teach", "annual leave"),
        ("I'd like to learn about expenses", "teach", "expenses"),
        ("Hi, help me learn about travel", "teach", "travel"),
        ("Let's learn about travel!", "teach", "travel"),
        ("give me a lesson on expenses", "teach", "expenses"),
        ("Ich möchte etwas über Reisekosten lernen", "teach", "Reisekosten"),
        ("Bringen Sie mir bitte die Urlaubsregeln bei", "teach", "die Urlaubsregeln"),
        ("test me on travel", "quiz", "travel"),
        ("test me", "quiz", ""),
        ("test my knowledge of expenses", "quiz", "expenses"),
        ("quizz me on leave", "quiz", "leave"),
        ("quiz on leave", "quiz", "leave"),
        ("ask me something about travel", "quiz", "travel"),
        ("Ask me three questions on leave", "quiz", "leave"),
        ("I want to be quizzed on leave", "quiz", "leave"),
        ("another quiz question", "quiz", ""),
        ("Testen Sie mich bitte zu Urlaub", "quiz", "Urlaub"),
        ("Pruefe mich zu Urlaub", "quiz", "Urlaub"),
        ("prüf mein Wissen zu Urlaub", "quiz", "Urlaub"),
        ("Könnten Sie mich zu Reisekosten abfragen?", "quiz", "Reisekosten"),
        ("Stell mir ein paar Fragen zu Urlaub", "quiz", "Urlaub"),
        ("Frag mich was zu Reisekosten", "quiz", "Reisekosten"),
        ("I want to learn German", "", ""),
        ("I want to learn about leave, who do I ask?", "", ""),
        ("Where can I learn about annual leave?", "", ""),
        ("How do I learn about new policies?", "", ""),
        ("Can I learn about our competitors somewhere?", "", ""),
        ("learning budget", "", ""),
        ("test environment on AWS", "", ""),
        ("test plan for the release", "", ""),
        ("Test me-too claims policy", "", ""),
        ("Check my knowledge base access", "", ""),
        ("prüfe die Rechnung", "", ""),
        ("Frag mich nicht", "", ""),
        ("stell mir den Drucker ein", "", ""),
        ("Stell mir etwas über Urlaub zusammen", "", ""),
        ("Ask me about Mondays is an event", "", ""),
        ("ask me anything channel", "", ""),
        ("Ich möchte etwas über Urlaub wissen", "", ""),
        ("Ich möchte mich über Urlaub informieren", "", ""),
        ("The quiz on security is mandatory when?", "", ""),
        ("How is the security quiz graded?", "", ""),
        ("Which course on security is mandatory?", "", ""),
    ],
)
def test_courses_and_quizzes_are_asked_for_in_words(text: str, name: str, topic: str):
    """Whole messages that name the form ask for it; questions stay questions."""
    found = study_request(text)
    assert ((found.name, found.rest) if found else ("", "")) == (name, topic)


@pytest.mark.parametrize(("at", "first", "last"), [(-1, 1, 12), (100, 95, 106), (199, 189, 200)])
def test_a_long_course_is_planned_around_where_somebody_is(at: int, first: int, last: int):
    """A dozen lines, none of them long, and how many more there are."""
    step = CourseStep("Everybody's first week: " + "heading " * 40, (PassageRef("/docs/leave.md", "Leave", "0"),))
    shown = say.plan(Course("c", "leave", (step,) * 200, at=at))
    numbers = re.findall(r"^(\d+)\. ", shown, re.MULTILINE)
    assert (numbers[0], numbers[-1], len(numbers)) == (f"{first}", f"{last}", say.PLANNED)
    assert "… and 188 more." in shown
    assert len(shown) < 1500
    assert "more." not in say.plan(Course("c", "leave", (step,) * say.PLANNED))


async def test_german_people_are_taught_in_german(dialogue: Dialogue):
    """All around the documents' own words is said in the language of whoever learns."""
    with speaking("de"):
        step = await said(dialogue, "/teach annual leave")
        assert "Kurs: annual leave" in step.markdown
        assert "Schritt 1 von 3" in step.markdown
        assert (await said(dialogue, letter_of(step))).markdown.startswith("✅ **Richtig")


@pytest.mark.parametrize(
    ("language", "command", "asked"),
    [("de-AT", "", "German"), ("de", "/prefs language french", "French"), ("en-GB", "", ""), ("xx", "", "")],
)
async def test_a_step_is_explained_in_the_language_of_whoever_learns(
    dialogue: Dialogue, generator: ScriptedGenerator, language: str, command: str, asked: str
):
    """The one that they set, or else the one that the platform says; what is English is the model's own."""
    persons: list[str] = []

    def script(prompt: Prompt) -> str:
        if prompt.question.startswith("Explain to"):
            persons.append(prompt.person)
        return quizzing(prompt)

    generator.script = script
    with speaking(language):
        if command:
            await said(dialogue, command)
        await said(dialogue, "/teach annual leave")
    [person] = persons
    assert re.findall(r"Answer in (\w+)\.", person) == ([asked] if asked else [])
