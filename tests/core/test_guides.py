"""Attune's own guides among a team's documents, over a real index; only the embedder is a fake."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis

from core.adapters.index.qdrant_index import QdrantIndex
from core.adapters.redis.memory import RedisMemory
from core.adapters.redis.usage import RedisUsage
from core.answering.guides import is_about_attune
from core.answering.prompt import NOT_FOUND
from core.answering.retrieval import retrieve
from core.domain import EVERYONE, Answer, Conversation, Message, Passage, Person
from core.engine import AnswerLimits, Engine
from core.errors import ConfigurationError
from core.readers import GUIDES, Readers, checked, may_see
from tests.fakes import HashingEmbedder, ScriptedGenerator

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect")

TONE = "How do I change the tone of an answer?"  # of Attune, and nobody can tell
LEAVE = "How do I ask for leave?"
HR = "channel:slack/T1/HR"
ANN, HERE = Person("test", "w", "ann"), Conversation("test", "w", "here")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


async def add(index: QdrantIndex, number: int, name: str, text: str, readers: Readers) -> None:
    id_ = f"00000000-0000-0000-0000-{number:012}"
    passage = Passage(id_, f"/{name}.md", name, (), text, 1, 0, 1, "v", readers)
    await index.upsert([passage], await HashingEmbedder().embed([text]))


@pytest.fixture
async def guides(index: QdrantIndex) -> QdrantIndex:
    """An index that holds nothing but guides."""
    await add(index, 1, "Preferences", "The tone of an answer and how to change it: /prefs tone friendly", (GUIDES,))
    await add(index, 2, "Forgetting", "How to ask Attune to forget: /forget everything", (GUIDES,))
    return index


async def found(index: QdrantIndex, question: str, *names: str) -> list[str]:
    """The titles of what is found, whatever its probability."""
    ranked = await retrieve(question, HashingEmbedder(), index, {EVERYONE, *names})
    return sorted(candidate.passage.title for candidate in ranked)


async def test_the_guides_answer_while_there_is_nothing_else(guides: QdrantIndex) -> None:
    assert await found(guides, TONE) == ["Forgetting", "Preferences"]


async def test_the_guides_step_back_for_the_first_document(guides: QdrantIndex) -> None:
    """At the next question, however much nearer they are; gone with it, it makes room for them again."""
    await add(guides, 3, "Leave", "Leave is asked for in the calendar", (EVERYONE,))
    for question in (TONE, LEAVE, "Who painted sunflowers?"):
        assert await found(guides, question) == ["Leave"]
    await guides.remove("/Leave.md")
    assert await found(guides, LEAVE) == ["Forgetting", "Preferences"]


async def test_a_document_for_others_makes_nobody_else_lose_the_guides(guides: QdrantIndex) -> None:
    """Whoever may see no document of the team still has them, and finds out of none."""
    await add(guides, 3, "Bonus", "How do I ask for a bonus", (HR,))
    assert await found(guides, LEAVE) == ["Forgetting", "Preferences"]
    assert await found(guides, LEAVE, HR) == ["Bonus"]


@pytest.mark.parametrize("question", ["What is Attune?", "what does /forget do", "How do I change your tone?"])
async def test_a_question_about_attune_finds_the_guides_beside_the_documents(
    guides: QdrantIndex, question: str
) -> None:
    await add(guides, 3, "Leave", "Leave is asked for in the calendar", (EVERYONE,))
    assert await found(guides, question) == ["Forgetting", "Leave", "Preferences"]


async def test_a_refusal_names_no_guide_among_the_closest(guides: QdrantIndex, redis: Redis) -> None:
    """Unless there is nothing else, or Attune was asked about; what is named can then be opened."""
    engine = Engine(
        embedder=HashingEmbedder(),
        index=guides,
        memory=RedisMemory(redis),
        usage=RedisUsage(redis),
        generator=ScriptedGenerator(lambda _: NOT_FOUND),
        limits=AnswerLimits(relevance=0.0),
    )
    assert await closest(engine, TONE) == {"Forgetting", "Preferences"}
    await add(guides, 3, "Leave", "Leave is asked for in the calendar", (EVERYONE,))
    assert await closest(engine, TONE) == {"Leave"}
    assert await closest(engine, "What does /prefs do?") == {"Forgetting", "Leave", "Preferences"}
    for number in (1, 2, 3):
        assert await engine.sources.open(ANN, "", number, NOW)


async def closest(engine: Engine, question: str) -> set[str]:
    *_, answer = [event async for event in engine.answer(Message("1", HERE, ANN, question, NOW))]
    assert isinstance(answer, Answer)
    return {source.passage.title for source in answer.nearest}


@pytest.mark.parametrize(
    "question",
    [
        "What is Attune?",
        "attune's licence",
        "what does ATTUNE_CERTAINTY do?",
        "@Attune who made you?",
        "What does `/prefs length short` change?",
        "/forget everything: what goes?",
        "is the bot private",
        "How do I change your tone?",
        "where do your answers come from?",
        "What can you do for me?",
        "what else can you do",
        "Who are you?",
        "how do you work?",
        "Can you read PDFs?",
        "can you also read scanned documents",
        "do you speak German?",
        "Are you a bot?",
        "Can people ask you things in a channel?",
        "how do I teach you a file",
        "how can I delete everything you know about me?",
        "do you store my questions",
        "Do you remember what I asked?",
        "do you share our conversations with anyone",
        "Was kannst du alles?",
        "Wie ändere ich deinen Ton?",
        "speicherst du etwas über mich?",
        "what is Attune?\nand how is it installed?",
    ],
)
def test_a_question_about_attune_is_told_by_its_words(question: str) -> None:
    """It names Attune or a command, or asks the bot about itself; also where a follow-up stands behind it."""
    assert is_about_attune(question)


@pytest.mark.parametrize(
    "question",
    [
        "",
        LEAVE,
        TONE,
        "How are we attuned to what customers want?",
        "Can you tell me how to book travel?",
        "do you need a visa for Norway",
        "What do you do when the pump runs dry?",
        "where do you get a badge?",
        "What are you supposed to bring on the first day?",
        "How do you work from home?",
        "can you open a ticket for a broken laptop",
        "Can you share files with people outside?",
        "who will train you on the new tool",
        "Where do you store the keys?",
        "do you keep the receipts",
        "Who is your manager?",
        "your password has expired, what now",
        "Who answers if I ask about my bonus?",
        "what does /etc/hosts hold?",
        "the page /help/contact is empty",
        "how do I stop the build",
        "Wer kümmert sich um dein Gehalt?",
    ],
)
def test_a_question_that_only_says_you_is_none_about_attune(question: str) -> None:
    assert not is_about_attune(question)


def test_nobody_can_name_the_reader_of_the_guides() -> None:
    """Nor is anybody that reader; but the guides are no secret, where an answer cites them."""
    with pytest.raises(ConfigurationError):
        checked([GUIDES])
    assert may_see((GUIDES,), {EVERYONE})
    assert may_see((HR,), {EVERYONE, HR})
    assert not may_see((HR,), {EVERYONE})
