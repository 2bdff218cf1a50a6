"""What stands behind `/teach`, `/quiz` and `/progress`, typed or pressed.

Every button says a command that can be typed, so that both work after a restart and long afterwards: what is over by
then says so. Knows nothing of platforms, or of how steps and questions come about.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from bots import study_texts as say
from bots import texts
from bots.choices import spoken_language
from bots.language import translated
from bots.replies import Choice, Delta, Final, Notice, Reply, Status, StudyRequest
from bots.study_requests import ANSWER, BACK, FORGET, MORE, NEXT, STEP, STOP
from bots.team_studies import TeamStudies
from core.domain import Message, Piece, QueuePosition
from core.engine import Engine
from core.learning.study import Course
from core.learning.tutor import MarkedAnswer, QuizPrompt, StepExplanation, Tutor, step_of
from core.text.words import whole_number

TOPIC = 200  # characters of a topic

Replies = AsyncGenerator[Reply, None]


class Studies:
    """Courses and quizzes in a conversation."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._team = TeamStudies(engine)

    @property
    def _tutor(self) -> Tutor:
        return self._engine.tutor

    async def reply(self, message: Message, request: StudyRequest) -> Replies:
        """Everything to show for one request; the last is a Final or a Notice."""
        ways: dict[str, Callable[[Message, str], Replies]] = {
            "teach": self._teach,
            "quiz": self._quiz,
            "progress": self._progress,
        }
        if request.name == "teach" and (said := await self._team.count(message, request.rest)):
            yield said
            return
        if not self._tutor.able and request.name != "progress":
            yield Notice(translated(say.NOT_ABLE))
            return
        async with aclosing(ways[request.name](message, request.rest[:TOPIC])) as replies:
            async for reply in replies:
                yield reply

    # Courses

    async def _teach(self, message: Message, rest: str) -> Replies:
        course, word = await self._tutor.course(message), rest.lower().strip()
        if found := STEP.fullmatch(rest):
            if course is None or course.id != found["id"].lower():
                course = await self._tutor.back(message, found["id"].lower())
            if course is None:
                yield Notice(translated(say.COURSE_GONE))
                return
            number = whole_number(found["number"]) or 0
        elif word in STOP:
            stopped = await self._tutor.stop(message)
            yield Notice(translated(say.COURSE_STOPPED if stopped else say.NO_COURSE))
            return
        elif word in BACK:
            yield await self._where(message, await self._tutor.back(message) or course)
            return
        elif rest and word not in NEXT:
            async with aclosing(self._begin(message, rest)) as replies:
                async for reply in replies:
                    yield reply
            return
        elif course is None or not rest:
            yield await self._team.beside(message, await self._where(message, course))
            return
        else:
            number = course.at + 1
        async with aclosing(self._step(message, course, number)) as replies:
            async for reply in replies:
                yield reply

    async def _begin(self, message: Message, topic: str) -> Replies:
        yield Status(translated(say.PLANNING))
        opening = await self._team.begin(message, topic)
        if isinstance(opening, Final | Notice):
            yield opening
            return
        course = opening.course if opening else await self._tutor.plan(message, topic)
        if course is None:
            yield Notice(translated(say.NOTHING_ON, topic=texts.escaped(topic)))
            return
        plan = opening.head if opening else say.plan(course)
        head = [plan, *say.waiting(await self._tutor.waiting(message)), ""]
        async with aclosing(self._step(message, course, course.at + 1, "\n\n".join(head))) as replies:
            async for reply in replies:
                yield reply

    async def _step(self, message: Message, course: Course, number: int, head: str = "") -> Replies:
        """Explain a step and ask its question; behind the last one, what was missed, or the end."""
        if number >= len(course.steps):
            yield await self._end(message, course)
            return
        if step_of(course, number) is None:
            yield Final(translated(say.STEP_GONE), choices=say.rows([_next(course, number)]))
            return
        yield Status(translated(say.EXPLAINING, number=number + 1))
        head += f"{say.step_heading(course, number)}\n\n"
        begun = ""
        explained: StepExplanation | None = None
        async with aclosing(self._tutor.explain(message, course, number, spoken_language())) as events:
            async for event in events:
                match event:
                    case Piece(text):
                        yield Delta(text if begun else head + text)
                        begun = head
                    case QueuePosition(ahead):
                        yield Status(texts.queued(ahead))
                    case StepExplanation():
                        explained = event
        if explained is None:
            yield Final(translated(say.STEP_GONE), choices=say.rows([_next(course, number)]))
            return
        prompt = await self._tutor.ask_of_step(message, course, number)
        asked = say.question(prompt) if prompt else f"*{translated(say.NO_QUESTION)}*"
        yield Final(
            f"{head}{explained.answer.text}\n\n{asked}",
            explained.answer.sources,
            choices=say.rows(say.letters(prompt) if prompt else (), [_next(course, number)]),
        )

    async def _where(self, message: Message, course: Course | None) -> Final | Notice:
        """Where somebody is in their course, if they take one, and which one waits."""
        waiting = say.waiting(await self._tutor.waiting(message))
        if course is None or course.over:
            parts = [say.finished(course)] if course else []
            return Notice("\n\n".join([*parts, translated(say.TEACH_WHAT), *waiting]))
        choice = Choice(translated(say.GO_ON), f"teach step {course.id} {max(course.at, 0)}")
        return Final("\n\n".join([say.at_step(course), *waiting]), choices=say.rows([choice]))

    async def _end(self, message: Message, course: Course) -> Final:
        """What was missed or passed over comes, one by one; then the course is over."""
        if not course.over and (prompt := await self._tutor.ask_due(message, only=course.left)):
            return _asked(prompt, translated(say.AGAIN))
        await self._tutor.end(message, course)
        return Final(say.finished(course), choices=say.rows([_another(course.cards[-1][1] if course.cards else "")]))

    # Quizzes

    async def _quiz(self, message: Message, rest: str) -> Replies:
        if found := ANSWER.fullmatch(rest):
            round_ = whole_number(found["round"] or "") or 0
            marked = await self._tutor.mark(message, (found["id"] or "").lower(), round_, found["letter"].upper())
            yield self._marked(marked) if marked else Notice(translated(say.NOT_OPEN))
            return
        if rest.lower() in STOP:
            yield Notice(translated(say.QUIZ_LEFT))
            return
        if not rest and (due := await self._tutor.ask_due(message)):
            yield _asked(due)
            return
        topic = rest or await self._tutor.topic_of(message)
        if not topic:
            yield Notice(translated(say.QUIZ_WHAT))
            return
        yield Status(translated(say.WRITING))
        more, tutor = MORE.fullmatch(rest), self._tutor
        ask = tutor.ask_more(message, more["id"].lower()) if more else tutor.ask_about(message, topic)
        if prompt := await ask:
            yield _asked(prompt)
        elif more and not await self._tutor.asked(message, more["id"].lower()):
            yield Notice(translated(say.NOT_OPEN))
        elif rest and not more:
            yield Notice(translated(say.NO_QUESTION_ON, topic=texts.escaped(rest)))
        else:
            yield Notice(translated(say.NO_QUESTION))

    def _marked(self, found: MarkedAnswer) -> Final:
        course, card = found.course, found.marking.card
        if course and not course.over and any(card.id == id_ for _, id_ in course.cards):
            last = course.at >= len(course.steps) - 1
            label = say.ASK_LEFT if last and course.left else say.GO_ON if last else say.NEXT
            choice = Choice(translated(label), f"teach step {course.id} {course.at + 1}", "teach next")
        else:
            choice = _another("" if card.round > 1 else card.id)  # after a review comes the next one
        return Final(say.marked(found), say.source_of(found), choices=say.rows([choice]))

    # Progress

    async def _progress(self, message: Message, rest: str) -> Replies:
        if rest.lower() in FORGET:
            await self._tutor.forget(message.person)
            yield Notice(translated(say.FORGOTTEN_STUDY))
        else:
            kept = await self._engine.people.subscription(message.person)
            zone = kept.schedule.zone if kept else message.zone
            shown = Notice(say.progress(await self._tutor.progress(message), zone))
            yield await self._team.beside(message, shown)


def _asked(prompt: QuizPrompt, heading: str = "") -> Final:
    """A question by itself; where it stands is said with the answer, for it would give it away."""
    return Final(say.question(prompt, heading), choices=say.rows(say.letters(prompt)))


def _another(card: str) -> Choice:
    """One question more, out of the document that `card` is about."""
    command = f"quiz more {card}" if card else "quiz"
    return Choice(translated(say.ANOTHER), command, command)


def _next(course: Course, number: int) -> Choice:
    last = number >= len(course.steps) - 1
    return Choice(translated(say.GO_ON if last else say.NEXT), f"teach step {course.id} {number + 1}", "teach next")
