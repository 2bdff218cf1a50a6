"""Whether anything of one person reaches another: random interleavings of two people, over the real engine and stores.

Each of them likes, asks and rates things that carry a mark of their own, asks some in vain, has texts written and
re-worked, has a private document, writes in a group of their own and in one that both are in, and reads a channel whose
document comes to say something new now and then. After each round the prompts, traces, profiles, recommendations,
digests, subscriptions, studies, texts and groups' summaries of one are searched for the other's mark, vectors and
document; after the last, both are forgotten and the store is searched for what is left. Only the models are stand-ins.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import cast

import numpy as np
from redis.asyncio import Redis

from core.adapters.index.qdrant_index import QdrantIndex
from core.adapters.redis import valkey
from core.adapters.redis.chats import RedisChats
from core.adapters.redis.histories import RedisHistories
from core.adapters.redis.memory import RedisMemory
from core.adapters.redis.usage import RedisUsage
from core.domain import EVERYONE, Answer, Conversation, Message, Passage, Person, Prompt
from core.engine import AnswerLimits, Engine
from core.notices.schedule import DigestSchedule, Frequency
from core.notices.watch import DocumentWatch
from core.people.feedback import Feedback, Verdict
from core.people.preferences import Polarity, changed, with_stated
from core.readers import channel_reader, person_reader
from core.threads.chats import ChatPost
from core.threads.posts import Discussion, Post
from core.threads.requests import MinutesKind, ThreadRequest
from evals.common import Options, Record, progress
from evals.product import temporary_folder
from tests.fakes import HashingEmbedder, ScriptedGenerator, quizzing

ROUNDS = 1000
STEPS = 4  # of each round
PEOPLE = Person("eval", "w", "anselm"), Person("eval", "w", "bertha")
MARKS = {PEOPLE[0]: "quagga", PEOPLE[1]: "dodo"}
GROUPS = {person: Conversation("eval", "w", f"group{number}") for number, person in enumerate(PEOPLE)}
BOTH = Conversation("eval", "w", "both")
TOPICS = ("travel", "leave", "badge", "laptop", "garage")
START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class House:
    """The engine and what can be looked into."""

    engine: Engine
    generator: ScriptedGenerator
    redis: Redis
    index: QdrantIndex
    watch: DocumentWatch
    chats: RedisChats
    asked: int = 0
    written: int = 0
    digests: int = 0
    quizzes: int = 0
    texts: int = 0
    posts: int = 0
    mixed: int = 0  # prompts of a group's summary that held what was never written there

    @property
    def now(self) -> datetime:
        """A minute a question."""
        return START + timedelta(minutes=self.asked)


async def run(chosen: Options) -> Record:
    """Interleave, search, forget, search."""
    rounds, found, steps = chosen.limit or ROUNDS, 0, 0
    async with _house() as house:
        rng = np.random.default_rng(chosen.seed)
        for _ in progress(range(rounds), "rounds"):
            for _ in range(STEPS):
                who = PEOPLE[int(rng.integers(2))]
                await _act(house, who, rng)
                steps += 1
            found += await _leaks(house) + house.mixed
            house.mixed = 0
            house.generator.prompts.clear()
        for person in PEOPLE:
            await house.engine.people.forget(person)
            await house.index.remove(f"/news{MARKS[person]}")
        await house.watch.look()
        left = await _left(house)
    return {
        "n": rounds,
        "steps": steps,
        "questions": house.asked,
        "digests": house.digests,
        "quizzes": house.quizzes,
        "texts": house.texts,
        "posts": house.posts,
        "leaks": found,
        "left after forgetting": left,
    }


@asynccontextmanager
async def _house() -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(valkey.embedded(stack.enter_context(temporary_folder())))
        index = await stack.enter_async_context(
            QdrantIndex.at(":memory:", api_key=None, collection="leaks", dimension=HashingEmbedder.dimension)
        )
        embedder, generator = HashingEmbedder(), ScriptedGenerator(quizzing)
        passages = _documents()
        await index.upsert(passages, await embedder.embed([passage.text for passage in passages]))
        engine = Engine(
            embedder=embedder,
            index=index,
            memory=RedisMemory(redis),
            usage=RedisUsage(redis),
            generator=generator,
            limits=AnswerLimits(relevance=0.05),
            histories=(histories := RedisHistories(redis)),
        )
        house = House(engine, generator, redis, index, DocumentWatch(index, histories), RedisChats(redis))
        house.watch = DocumentWatch(index, histories, lambda: house.now)
        for chat in (*GROUPS.values(), BOTH):
            await house.chats.begin(chat)
        for person in PEOPLE:
            await engine.people.subscribe(person, DigestSchedule(Frequency.DAILY, "UTC"), START)
        yield house


def _documents() -> list[Passage]:
    made: list[Passage] = []
    for number, topic in enumerate(TOPICS):
        for person in (None, *PEOPLE):
            mark, readers = (MARKS[person], (person_reader(person),)) if person else ("", (EVERYONE,))
            text = f"The {topic} rule {mark} is number {number} of the {topic} book {mark}".strip()
            name = f"00000000-0000-0000-0000-{len(made):012}"
            made.append(Passage(name, f"/{topic}{mark}", f"{topic} {mark}", (), text, 1, 0, 1, "v", readers))
    return made


async def _act(house: House, who: Person, rng: np.random.Generator) -> None:
    at, mark = START + timedelta(minutes=house.asked), MARKS[who]
    topic = TOPICS[int(rng.integers(len(TOPICS)))]
    if rng.random() < 0.2:
        await house.engine.people.change(
            who, lambda old: changed(old, with_stated(old, f"{topic} {mark}", Polarity.LIKE, at))
        )
        return
    house.asked += 1
    if rng.random() < 0.2:
        await _write_news(house, who, topic)
    house.generator.certainty = -9.0 if rng.random() < 0.2 else 9.0
    place = Conversation("eval", "w", who.user)
    asked = Message(f"{house.asked}", place, who, f"What is the {topic} rule {mark}?", at, private=True)
    *_, answer = [event async for event in house.engine.answer(asked)]
    assert isinstance(answer, Answer)  # noqa: S101 - the engine's last event
    verdict = (Verdict.UP, Verdict.DOWN, Verdict.NONE, None)[int(rng.integers(4))]
    if verdict:
        await house.engine.people.hear(Feedback(who, answer.id, verdict, at + timedelta(seconds=1)))
    if rng.random() < 0.3:
        await _write(house, replace(asked, id=f"{asked.id}w"), topic)
    if rng.random() < 0.3:
        await _post(house, who, topic)
    if rng.random() < 0.3:
        await _quiz(house, replace(asked, text=""), topic)
    for source in answer.sources[:1]:
        await house.engine.sources.open(who, answer.id, source.number, at + timedelta(seconds=2))


async def _write(house: House, message: Message, topic: str) -> None:
    """Have a text written, and then a shorter one."""
    house.generator.certainty = 9.0
    for text in (f"write an e-mail about the {topic} rule {MARKS[message.person]}", "half as long"):
        async for event in house.engine.answer(replace(message, id=f"{message.id}:{text}", text=text)):
            house.texts += isinstance(event, Answer) and event.is_text


async def _post(house: House, who: Person, topic: str) -> None:
    """Write in both groups, and have one's own summed up: nothing of the other's is read for it."""
    for chat in (GROUPS[who], BOTH):
        house.posts += 1
        said = f"I will look into the {topic} rule {MARKS[who]}"
        await house.chats.add(chat, ChatPost(house.posts, who, who.user, said, datetime.now(UTC)))
    kept = await house.chats.posts(GROUPS[who])
    posts = tuple(Post(str(post.number), post.author, post.text, post.at) for post in kept)
    before = len(house.generator.prompts)
    async for _ in house.engine.minuting.take(Discussion("Discussion", posts[-4:]), ThreadRequest(MinutesKind.SUMMARY)):
        pass
    (other,) = {*PEOPLE} - {who}
    house.mixed += sum(MARKS[other] in repr(prompt) for prompt in house.generator.prompts[before:])


async def _quiz(house: House, message: Message, topic: str) -> None:
    """Take a course, or be asked about a topic of one's own, and answer."""
    house.generator.certainty, tutor = 9.0, house.engine.tutor
    prompt = await tutor.ask_due(message) or await tutor.ask_about(message, f"{topic} {MARKS[message.person]}")
    await tutor.plan(message, f"{topic} {MARKS[message.person]}")
    if prompt:
        house.quizzes += 1
        await tutor.mark(message, prompt.card.id, prompt.card.round, "AB"[house.quizzes % 2])


async def _write_news(house: House, who: Person, topic: str) -> None:
    """The document of somebody's channel comes to say one thing more, which may answer what they asked in vain."""
    house.written += 1
    mark, number = MARKS[who], 900 + PEOPLE.index(who)
    text = f"The {topic} rule {mark} is number {house.written} of all news {mark}."
    name = f"00000000-0000-0000-{house.written:04x}-{number:012}"
    readers = (channel_reader("eval", "w", mark),)
    passage = Passage(name, f"/news{mark}", f"News {mark}", (), text, 1, 0, 1, f"v{house.written}", readers)
    await house.index.upsert([passage], await HashingEmbedder().embed([text]))
    await house.index.remove(passage.source, keep_version=passage.version)
    await house.watch.look()


async def _digest(house: House, person: Person) -> str:
    """All that a digest holds for somebody, of what came in the last two hours."""
    message = _at_home(house, person)
    digest = await house.engine.digests.compose(message, house.now - timedelta(hours=2), house.now)
    house.digests += not digest.empty
    await house.engine.people.note_digest(person, str(house.now), house.now)
    return repr(digest)


def _at_home(house: House, person: Person) -> Message:
    place, channels = Conversation("eval", "w", person.user), frozenset({MARKS[person]})
    return Message("digest", place, person, "", house.now, private=True, channels=channels)


async def _leaks(house: House) -> int:
    """How often something of the one is found with the other."""
    found = 0
    for person, other in (PEOPLE, PEOPLE[::-1]):
        trace, profile = await house.engine.people.trace(person), await house.engine.people.profile(person)
        mine = [prompt for prompt in house.generator.prompts if _is_of(prompt, person)]
        digest = await _digest(house, person)
        recommended = await house.engine.sources.recommend(_at_home(house, person))
        study, kept = await house.engine.people.study(person), await house.engine.people.subscription(person)
        turns = await house.engine.conversations.questions(_at_home(house, person))
        held = (trace, profile, digest, recommended, study, kept, turns, *mine)
        found += sum(MARKS[other] in repr(one) for one in (*held, await house.chats.posts(GROUPS[person])))
        asker = await house.engine.people.asker(person, plain=False)
        vectors = {one.vector for one in asker.learned.interests}
        theirs = (await house.engine.people.asker(other, plain=False)).learned.interests
        found += len(vectors & {one.vector for one in theirs})
    return found


def _is_of(prompt: Prompt, person: Person) -> bool:
    return MARKS[person] in prompt.question


async def _left(house: House) -> int:
    """Keys or values that still name one of the two or quote them. What is kept of documents is nobody's."""
    left = 0
    for key in cast("list[bytes]", await house.redis.keys("*")):
        kind = cast("bytes", await house.redis.type(key)).decode()
        match kind:
            case "hash":
                held = repr(await house.redis.hgetall(key))
            case "string":
                held = repr(await house.redis.get(key))
            case "zset":
                held = repr(await house.redis.zrange(key, 0, -1))
            case _:
                held = repr(await house.redis.lrange(key, 0, -1))
        words = [*(person.user for person in PEOPLE), *MARKS.values()]
        left += any(
            word in f"{key!r} {held}" for word in words if not key.startswith((b"attune:uses", b"attune:documents"))
        )
    return left
