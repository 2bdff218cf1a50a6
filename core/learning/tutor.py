"""Teaches from the documents: plans a course, explains its steps, asks, marks, and says what is due.

What may be read is decided anew each time, from the index, for whoever reads now: a passage that is gone, or says
something else, takes its questions with it, and one that may not be seen here is passed over. Knows nothing of
platforms or sentences, of how an explanation comes about, or of how a question is examined.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime

from core.answering import retrieval
from core.answering.sources import whole
from core.domain import Answer, AnswerEvent, Message, Passage, Person, RankedPassage, Vector
from core.learning import course as courses
from core.learning import study as studies
from core.learning.course import planned, sources_for
from core.learning.examiner import Examiner
from core.learning.explaining import Explainer
from core.learning.reviews import Mastery, mastery
from core.learning.study import Course, CourseStep, Marking, PassageRef, QuizCard, Study, digest_of
from core.people.interests import Action, Signal, event_vector
from core.people.people import People
from core.people.preferences import Language, Preferences
from core.ports import Embedder, Generator, PassageIndex
from core.readers import audience, may_see, place_reader

TRIES = 2  # passages that a question is tried of, before there is none: somebody waits
ID_BYTES = 4  # of cards and courses


@dataclass(frozen=True, slots=True)
class QuizPrompt:
    """A question that is asked now, with the passage that it is about. `again`: it was asked before."""

    card: QuizCard
    passage: Passage
    again: bool = False


@dataclass(frozen=True, slots=True)
class StepExplanation:
    """A step as it is explained; `number` counts from 0."""

    course: Course
    number: int
    answer: Answer


@dataclass(frozen=True, slots=True)
class MarkedAnswer:
    """What became of an answer: the passage where it stands, if it may be seen; what of the course is left."""

    marking: Marking
    passage: Passage | None
    course: Course | None


@dataclass(frozen=True, slots=True)
class TopicProgress:
    """What is known of one document, by how well."""

    title: str
    source: str
    counts: dict[Mastery, int]


@dataclass(frozen=True, slots=True)
class Progress:
    """All that somebody learns, as far as it may be named here."""

    topics: tuple[TopicProgress, ...] = ()
    course: Course | None = None
    next_due: datetime | None = None


class Tutor:
    """Courses, quizzes and reviews of all people."""

    def __init__(
        self, people: People, index: PassageIndex, embedder: Embedder, generator: Generator, explainer: Explainer
    ) -> None:
        self._people = people
        self._index = index
        self._embedder = embedder
        self._examiner = Examiner(generator)
        self._explainer = explainer

    @property
    def able(self) -> bool:
        """Whether questions can be written, and examined, with this model."""
        return self._examiner.able

    # Courses

    async def plan(self, message: Message, topic: str) -> Course | None:
        """A new course on `topic`, for which another one waits; None where the documents have nothing on it."""
        token = (await self.begun(message.person)).token
        ranked = await self._found(message, topic)
        documents = {source: await self.document(source, message) for source in sources_for(ranked)}
        steps = planned(ranked, {source: passages for source, passages in documents.items() if passages})
        if not steps:
            return None
        return await self.take(message, Course(secrets.token_hex(ID_BYTES), topic, steps), token)

    async def take(self, message: Message, planned: Course, token: str) -> Course | None:
        """Have somebody take a course from here; None where all that they study was forgotten since `token`."""
        course = replace(planned, place=place_of(message))
        study = await self._change(message.person, token, lambda old: studies.taking(old, course))
        return course if study.course == course else None

    async def begun(self, person: Person) -> Study:
        """What somebody studies, with the token that a change needs that comes of it much later."""
        token = secrets.token_hex(ID_BYTES)
        return await self._people.change_study(person, lambda old: old if old.token else replace(old, token=token))

    async def _change(self, person: Person, token: str, change: Callable[[Study], Study]) -> Study:
        """Change what somebody studies, unless all of it was forgotten meanwhile."""
        return await self._people.change_study(person, lambda old: change(old) if old.token == token else old)

    async def course(self, message: Message) -> Course | None:
        """The course that somebody takes, as it may be told where `message` is."""
        return await self._seen((await self._people.study(message.person)).course, message)

    async def waiting(self, message: Message) -> Course | None:
        """The one that waits, likewise."""
        return await self._seen((await self._people.study(message.person)).earlier, message)

    async def back(self, message: Message, id_: str = "") -> Course | None:
        """Go back to the course that waits, if it may be told here and is the one of that name."""
        course = await self.waiting(message)
        if course is None or id_ not in {"", course.id}:
            return None

        def taken(old: Study) -> Study:
            return studies.taking(old, old.earlier) if old.earlier and old.earlier.id == course.id else old

        await self._people.change_study(message.person, taken)
        return course

    async def _seen(
        self, course: Course | None, message: Message, standing: Mapping[PassageRef, Passage] | None = None
    ) -> Course | None:
        """`course` with those steps of which something stands; None in a shared place where it was not begun.

        Without `standing` that is looked up.
        """
        if course is None or not (message.private or course.place == place_of(message)):
            return None
        standing = await self._standing(_refs_of(course), message) if standing is None else standing
        steps = [step if standing.keys() & set(step.passages) else CourseStep("", ()) for step in course.steps]
        return replace(course, steps=tuple(steps))

    async def stop(self, message: Message) -> bool:
        """End the course; its questions stay. False where there is none."""
        if await self.course(message) is None:
            return False
        await self._people.change_study(message.person, lambda old: replace(old, course=None))
        return True

    async def explain(
        self, message: Message, course: Course, number: int, spoken: Language = Language.AUTO
    ) -> AsyncGenerator[AnswerEvent | StepExplanation, None]:
        """Explain a step, as is `spoken` where the person sets no language; nothing where none of it is to be read."""
        passages = await self._passages(course.steps[number].passages, message)
        if not passages:
            return
        form = await self._form(message.person)
        if form.language is Language.AUTO:
            form = replace(form, language=spoken)
        async with aclosing(self._explainer.explain(course.steps[number].name, passages, form)) as events:
            async for event in events:
                yield StepExplanation(course, number, event) if isinstance(event, Answer) else event

    async def ask_of_step(self, message: Message, course: Course, number: int) -> QuizPrompt | None:
        """The question of a step, which is noted as shown; None where no question stands the examination."""
        step = course.steps[number]
        prompt = await self._of_passages(message, await self._passages(step.passages, message), known=True)
        id_ = prompt.card.id if prompt else ""
        await self._move(message.person, course, lambda now: studies.at_step(now, number, id_))
        return prompt

    async def end(self, message: Message, course: Course) -> None:
        """Note that nothing of a course is left: another can take its place."""
        await self._move(message.person, course, lambda now: replace(now, at=len(now.steps)))

    async def _move(self, person: Person, course: Course, change: Callable[[Course], Course]) -> None:
        """Change where somebody is in a course, if they still have it."""
        await self._people.change_study(person, lambda old: studies.changing(old, course.id, change))

    # Quizzes

    async def ask_due(self, message: Message, *, only: Iterable[str] | None = None) -> QuizPrompt | None:
        """Ask what has been due for longest and may be seen here; `only` those cards. What is gone is dropped."""
        study = await self.begun(message.person)
        listed = study.due(message.sent_at) if only is None else [card for card in study.cards if card.id in set(only)]
        standing = await self._standing_cards(listed, message)
        return await self._ask(message, standing[0][0], study.token) if standing else None

    async def ask_about(self, message: Message, topic: str) -> QuizPrompt | None:
        """A new question on `topic`, or where there is none, one that was asked already."""
        ranked = await self._found(message, topic)
        passages = [one.passage for one in ranked if one.probability >= courses.LEAST_SHARE]
        return await self._of_passages(message, passages, known=False)

    async def ask_more(self, message: Message, id_: str) -> QuizPrompt | None:
        """A question on what stands in the same document behind what the card `id_` asks."""
        card = (await self._people.study(message.person)).card(id_)
        if card is None:
            return None
        passages = await self.document(card.passage.source, message)
        start = next((n for n, one in enumerate(passages, start=1) if PassageRef.of(one) == card.passage), 0)
        return await self._of_passages(message, [*passages[start:], *passages[:start]], known=False)

    async def asked(self, message: Message, id_: str) -> bool:
        """Whether somebody was asked that question, and it was not dropped since."""
        return (await self._people.study(message.person)).card(id_) is not None

    async def topic_of(self, message: Message) -> str:
        """What somebody may want to be asked about who names nothing: their course, or what they asked last.

        In a shared place nothing comes of what was answered in private.
        """
        course = await self.course(message)
        if course and not course.over:
            return course.topic
        last = await self._people.trace(message.person)
        told = last is not None and (message.private or audience(message).issuperset(last.audience))
        return last.question if last and told else ""

    async def _of_passages(self, message: Message, passages: Sequence[Passage], *, known: bool) -> QuizPrompt | None:
        """A question about one of `passages`; with `known` one that there is already comes first."""
        study, refs = await self.begun(message.person), set(map(PassageRef.of, passages))
        cards = [card for card in study.cards if card.passage in refs]  # the one asked longest ago first
        if cards and known:
            return await self._ask(message, cards[0], study.token)
        asked = {card.passage for card in cards}
        level = (await self._form(message.person)).level
        for passage in [passage for passage in passages if PassageRef.of(passage) not in asked][:TRIES]:
            question = await self._examiner.question(passage, level) if self.able else None
            if question:
                card = QuizCard(secrets.token_hex(ID_BYTES), question, PassageRef.of(passage))
                return await self._ask(message, card, study.token)
        return await self._ask(message, cards[0], study.token) if cards else None

    async def _ask(self, message: Message, card: QuizCard, token: str) -> QuizPrompt | None:
        """Note that `card` is asked, and give it as it is in this round; None where it went while it was written."""
        passage = (await self._standing([card.passage], message)).get(card.passage)
        if passage is None:
            return None

        def asked(old: Study) -> Study:
            return studies.asking(
                old if old.card(card.id) else studies.with_card(old, card), card.id, place_of(message)
            )

        now = (await self._change(message.person, token, asked)).card(card.id)
        return QuizPrompt(now, passage, again=card.round > 0) if now else None

    async def mark(self, message: Message, id_: str, round_: int, letter: str) -> MarkedAnswer | None:
        """Mark an answer by its letter, and learn from it; None where there is no such question.

        Without a name it is the question that was asked last, in its last round, and in a shared place was asked there.
        One that may not be seen where `message` is stays open.
        """
        study = await self._people.study(message.person)
        asked = study.asked if message.private or study.asked_in == place_of(message) else ""
        card = study.card(id_ or asked)
        if card is None:
            return None
        passage = (await self._standing([card.passage], message)).get(card.passage)
        if passage is None:
            return MarkedAnswer(Marking(card, None), None, await self._seen(study.course, message))

        marking: Marking | None = None

        def answer(old: Study) -> Study:
            nonlocal marking
            new, marking = studies.answered(old, card.id, round_ if id_ else card.round, letter, message.sent_at)
            return new

        study = await self._people.change_study(message.person, answer)
        if marking is None:
            return None
        if marking.right is not None:
            await self._learn(message, marking, passage)
        return MarkedAnswer(marking, passage, await self._seen(study.course, message))

    async def _learn(self, message: Message, marking: Marking, passage: Passage) -> None:
        """What somebody studies says what they care about, and how much may be taken as known.

        The question's words are the document's, and stay with it.
        """
        if (await self._people.wishes(message.person)).paused:
            return
        [asked] = await self._embedder.embed_questions([marking.card.question.text])
        vectors = await self._index.vectors([passage.id])
        read: list[Vector] = [vectors[passage.id]] if passage.id in vectors else []
        signal = Signal(
            f"{marking.card.id}:{marking.card.round}",
            Action.ANSWERED,
            message.sent_at,
            event_vector(asked, read, [1.0] * len(read)),
            credited=((passage.source, 1.0),),
            mastered=marking.right,
        )
        if (await self._people.study(message.person)).card(marking.card.id):  # unless all was forgotten meanwhile
            await self._people.learn(message.person, [signal])

    # What is due, and what is known

    async def due(self, message: Message, now: datetime) -> int:
        """How many reviews are due, of passages that stand and may be seen where `message` is."""
        return len(await self._standing_cards((await self._people.study(message.person)).due(now), message))

    async def progress(self, message: Message) -> Progress:
        """What is known, shaky and due, by document, as far as each may be seen here."""
        study = await self._people.study(message.person)
        refs = [*(card.passage for card in study.cards), *_refs_of(study.course)]
        standing = await self._standing_refs(refs, message)
        seen = [(card.review, standing[card.passage]) for card in study.cards if card.passage in standing]
        topics: dict[str, TopicProgress] = {}
        for review, passage in seen:
            if review:
                new = TopicProgress(passage.title, passage.source, dict.fromkeys(Mastery, 0))
                topics.setdefault(passage.source, new).counts[mastery(review, message.sent_at)] += 1
        later = [review.due for review, _ in seen if review and review.due > message.sent_at]
        ordered = sorted(topics.values(), key=lambda topic: (-sum(topic.counts.values()), topic.title))
        return Progress(tuple(ordered), await self._seen(study.course, message, standing), min(later, default=None))

    async def forget(self, person: Person) -> None:
        """Drop all cards, and the course."""
        await self._people.change_study(person, lambda _: Study())

    # What may be read

    async def _found(self, message: Message, topic: str) -> list[RankedPassage]:
        """What the documents say on `topic`, for who reads here; nothing where none of it is near enough."""
        vectors = await self._embedder.embed_questions([topic])
        found = await retrieval.find({topic: 1.0}, vectors, self._index, audience(message), self._embedder.dense_weight)
        return found if retrieval.is_relevant(topic, found, self._explainer.relevance) else []

    async def document(self, source: str, message: Message) -> list[Passage]:
        """All passages of a document that may be seen here, in order."""
        for document in await self._index.documents(source):
            if document.complete and may_see(document.readers, audience(message)):
                return await whole(document, self._index)
        return []

    async def _passages(self, refs: Sequence[PassageRef], message: Message) -> list[Passage]:
        """The passages that say what was referred to, and may be seen here."""
        standing = await self._standing(refs, message)
        return [standing[ref] for ref in refs if ref in standing]

    async def _standing(self, refs: Sequence[PassageRef], message: Message) -> dict[PassageRef, Passage]:
        """The same by what refers to them."""
        return (await self._looked_up(refs, message))[0]

    async def _standing_cards(self, cards: Sequence[QuizCard], message: Message) -> list[tuple[QuizCard, Passage]]:
        """The cards that stand, each with its passage; one whose document says something else by now is dropped."""
        standing = await self._standing_refs([card.passage for card in cards], message)
        return [(card, standing[card.passage]) for card in cards if card.passage in standing]

    async def _standing_refs(self, refs: Sequence[PassageRef], message: Message) -> dict[PassageRef, Passage]:
        """The passages that stand; cards about what is said no more are dropped."""
        standing, gone = await self._looked_up(refs, message)
        if gone:
            await self._people.change_study(message.person, lambda old: studies.without_passages(old, gone))
        return standing

    async def _looked_up(
        self, refs: Sequence[PassageRef], message: Message
    ) -> tuple[dict[PassageRef, Passage], set[PassageRef]]:
        """The passages that stand, and what a document that may be seen says no more; each document is read once."""
        found: dict[PassageRef, Passage] = {}
        gone: set[PassageRef] = set()
        for source in dict.fromkeys(ref.source for ref in refs):
            said = {digest_of(passage): passage for passage in await self.document(source, message)}
            of_it = {ref for ref in refs if ref.source == source}
            found |= {ref: said[ref.digest] for ref in of_it if ref.digest in said}
            gone |= {ref for ref in of_it if said and ref.digest not in said}
        return found, gone

    async def _form(self, person: Person) -> Preferences:
        """How somebody wants to be taught: at the level that they set, or else that their answers show."""
        wishes = await self._people.wishes(person)
        chosen = wishes.preferences
        if wishes.states_level or not wishes.strength:
            return chosen
        return replace(chosen, level=await self._people.level(person) or chosen.level)


def _refs_of(course: Course | None) -> list[PassageRef]:
    return [ref for step in course.steps for ref in step.passages] if course else []


def place_of(message: Message) -> str:
    """The shared place where `message` is, by its reader's name; empty in private."""
    return "" if message.private else place_reader(message.conversation)


def step_of(course: Course, number: int) -> CourseStep | None:
    """A step that is there."""
    return course.steps[number] if 0 <= number < len(course.steps) and course.steps[number].passages else None
