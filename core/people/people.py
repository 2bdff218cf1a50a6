"""What people can see and change of what is kept of them, and how their verdicts become something learned.

The one door to all that is kept of a person. Asks the stores and no model: a process that only receives can show and
change preferences too. What follows from a signal is in `interests`, what a change of wishes means in `preferences`.
Knows nothing of platforms or sentences.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from core.documents.gaps import Gap
from core.domain import Outcome, Person
from core.learning.study import CourseRecord, Study, recorded, sources_of, without_sources
from core.notices.schedule import DigestSchedule, Subscription, Waiting, next_due
from core.people import interests, portable
from core.people.asker import Asker
from core.people.feedback import WARNED, Feedback, Verdict, signal_of, signals_of
from core.people.interests import LearnedProfile, Reason, Signal
from core.people.preferences import Level, Preferences, PreferenceSet, changed, undone
from core.people.profile import Profile, heaviest_first, in_words, quiz_level, quizzed
from core.people.team import Contribution, Team
from core.people.traces import Trace
from core.ports import Inbox, Memory, Usage
from core.together import together

TEAM_SECONDS = 60.0  # a team's contributions are read anew after


class ForgetScope(StrEnum):
    """What can be forgotten."""

    INTERESTS = "interests"
    HISTORY = "history"
    EVERYTHING = "everything"


class FeedbackOutcome(StrEnum):
    """What became of a verdict."""

    LEARNED = "learned"
    NOTED = "noted"  # kept for the operator, nothing learned: learning is paused
    TAKEN_BACK = "taken back"
    UNKNOWN = "unknown"  # no answer of that name was given to this person


_FORM = (Reason.TOO_LONG, Reason.TOO_SHORT, Reason.NOT_MY_TOPIC)  # no fault of the documents


class People:
    """What is kept of people, over the ports that keep it."""

    def __init__(self, memory: Memory, usage: Usage, inbox: Inbox | None = None) -> None:
        """`inbox` where platforms deliver: what was given up of a person's messages is kept there."""
        self._memory = memory
        self._usage = usage
        self._inbox = inbox
        self._teams: dict[tuple[str, str], tuple[float, Team]] = {}

    async def profile(self, person: Person) -> Profile:
        """All of it, in words where it is numbers."""
        wishes, learned = await self._memory.wishes(person), await self._memory.learned(person)
        now, signals = time.time(), await self._memory.signals(person) if learned.interests else []
        words = in_words(signals, learned, now) if learned.interests else ()
        brevity = interests.brevity_at(learned, now)
        level = None if wishes.states_level else quiz_level(signals)
        return Profile(person, wishes, words, learned.events, brevity, quizzed(signals), level)

    async def wishes(self, person: Person) -> PreferenceSet:
        """What the person set and said."""
        return await self._memory.wishes(person)

    async def change(self, person: Person, change: Callable[[PreferenceSet], PreferenceSet]) -> PreferenceSet:
        """Change what the person set or said, so that it can be undone; `change` may be called again."""
        wishes = await self._memory.change_wishes(person, lambda old: changed(old, change(old)))
        await self._tell_team(person, await self._memory.learned(person))
        return wishes

    async def choose(self, person: Person, preferences: Preferences, *, own_level: bool = False) -> None:
        """Replace the choices that the person made; what they said in words of their own stays."""
        await self.change(person, lambda old: replace(old, preferences=preferences, own_level=own_level))

    async def undo(self, person: Person) -> PreferenceSet | None:
        """Take the last change back; None where there is none."""
        if not (await self._memory.wishes(person)).before:
            return None
        wishes = await self._memory.change_wishes(person, lambda old: undone(old) or old)
        await self._tell_team(person, await self._memory.learned(person))
        return wishes

    async def documents(self, person: Person) -> set[str]:
        """The documents that the log of what the person did names, and what they study."""
        signals, study = await self._memory.signals(person), await self._memory.study(person)
        return sources_of(study).union(*map(interests.documents_of, signals))

    async def export(self, person: Person, seen: Collection[str] | None = None) -> str:
        """All of a profile as JSON, with the names only of documents that are `seen`; of all where nobody says."""
        signals, study = await self._memory.signals(person), await self._memory.study(person)
        if seen is not None:
            signals = [interests.naming(signal, seen) for signal in signals]
            study = without_sources(study, sources_of(study) - set(seen))
        digest = await self._memory.subscription(person)
        return portable.written(await self._memory.wishes(person), signals, digest, study)

    async def import_(self, person: Person, text: str) -> None:
        """Take over a profile that was exported, in place of what is set and beside what was learned.

        It restores the person's own state. The team hears nothing of it: what they did elsewhere is their word, and
        whether they share is agreed to where it is shared.

        Raises:
            InvalidPreferenceError: it is none.
        """
        taken = portable.taken_over(text, datetime.now(UTC))
        await self._memory.change_wishes(
            person, lambda old: changed(old, replace(taken.wishes, shares=old.shares, before=()))
        )
        await self._memory.learn(person, taken.signals)

    async def forget(self, person: Person, scope: ForgetScope = ForgetScope.EVERYTHING) -> None:
        """Remove what is kept of the person, in every store and here.

        The memory comes last, which has the store's files written anew.
        """
        if scope is not ForgetScope.INTERESTS:
            if self._inbox:
                await self._inbox.forget(person)
            await self._usage.forget(person)
        match scope:
            case ForgetScope.INTERESTS:
                await self._memory.forget_interests(person)
            case ForgetScope.HISTORY:  # topics of courses are in the person's words
                await self.change_study(person, lambda old: replace(old, course=None, earlier=None))
                await self._memory.forget_history(person)
            case ForgetScope.EVERYTHING:
                await self._memory.forget(person)
        self._teams.pop((person.platform, person.workspace), None)

    async def forget_interest(self, person: Person, number: int) -> bool:
        """Remove one interest, as `Profile` numbers them, and what it was learned from; False where there is none."""
        learned = (await self._memory.learned(person)).interests
        signals = await self._memory.signals(person)
        place = dict(enumerate(heaviest_first(learned, time.time()), start=1)).get(number)
        if place is None:
            return False
        gone = [signal.id for signal in interests.members(signals, learned, place)]
        await self._tell_team(person, await self._memory.learn(person, (), without=gone))
        return True

    async def forget_level(self, person: Person) -> bool:
        """Remove what answers to quiz questions said of the person; False where they gave none."""
        gone = [one.id for one in await self._memory.signals(person) if one.mastered is not None]
        if gone:
            await self.learn(person, (), without=gone)
        return bool(gone)

    async def level(self, person: Person) -> Level | None:
        """The level that the person's answers to quiz questions show, if any."""
        return quiz_level(await self._memory.signals(person))

    async def learn(self, person: Person, signals: Sequence[Signal], *, without: Collection[str] = ()) -> None:
        """Learn from what the person did, or unlearn it."""
        await self._tell_team(person, await self._memory.learn(person, signals, without=without))

    async def study(self, person: Person) -> Study:
        """What the person studies."""
        return await self._memory.study(person)

    async def change_study(self, person: Person, change: Callable[[Study], Study]) -> Study:
        """Replace it by `change` of it, which may be called again, and give what it is now."""
        return await self._memory.change_study(person, lambda old: recorded(change(old)))

    async def course_records(self) -> list[CourseRecord]:
        """How far those got in courses of their team who agreed to be counted; nothing says who they are."""
        return await self._memory.course_records()

    async def subscription(self, person: Person) -> Subscription | None:
        """The digest that the person asked for."""
        return await self._memory.subscription(person)

    async def subscribe(self, person: Person, schedule: DigestSchedule, now: datetime, language: str = "") -> None:
        """Give the person a digest, or another hour of it: what was told stays told."""
        new = Subscription(person, schedule, now, language)
        await self._memory.change_subscription(
            person,
            lambda old: replace(old, schedule=schedule, language=language) if old else new,
            next_due(schedule, now),
        )

    async def unsubscribe(self, person: Person) -> bool:
        """Take the digest back; False where there was none."""
        had = await self._memory.subscription(person) is not None
        await self._memory.unsubscribe(person)
        return had

    async def note_digest(
        self, person: Person, name: str, until: datetime, *, with_gaps: bool = False, waiting: Waiting = ()
    ) -> None:
        """The digest `name` was shown, and told all up to `until`, but for the questions that are `waiting`."""
        await self._memory.change_subscription(
            person, lambda old: old.shown(name, until, with_gaps=with_gaps, waiting=waiting) if old else None
        )

    async def due(self, now: datetime) -> list[tuple[Person, datetime]]:
        """Whose digests are due, the longest overdue first."""
        return await self._memory.due(now)

    async def digest_begun(self, person: Person, due: datetime, now: datetime) -> None:
        """The digest that was `due` is on its way: the next one comes at its hour, or never if nobody wants it."""
        if kept := await self._memory.subscription(person):
            await self._memory.put_off(person, due, next_due(kept.schedule, now))
        else:
            await self.digest_failed(person, due, now)

    async def digest_failed(self, person: Person, due: datetime, now: datetime) -> None:
        """The digest that was `due` cannot be made: it is tried a day later."""
        await self._memory.put_off(person, due, now + timedelta(days=1))

    async def may_begin_digest(self, seconds: float) -> bool:
        """Whether a digest may be begun now: one in so many `seconds`, whoever asks."""
        return await self._memory.take_pace(seconds)

    async def trace(self, person: Person, answer: str = "") -> Trace | None:
        """Why one of the person's answers, or the last, is as it is."""
        return await self._memory.trace(person, answer)

    async def recent(self, person: Person, limit: int) -> list[Trace]:
        """The person's last answers, the latest first."""
        return await self._memory.traces(person, limit=limit)

    async def shown(self, person: Person) -> set[str]:
        """The documents that the person's answers have shown."""
        return set((await self._memory.learned(person)).tallies)

    async def directions(self, person: Person) -> list[str]:
        """The vectors of the person's interests, packed, as `Profile` numbers them."""
        interests = (await self._memory.learned(person)).interests
        return [interests[place].vector for place in heaviest_first(interests, time.time())]

    async def hear(self, feedback: Feedback) -> FeedbackOutcome:
        """Learn from what a person did with an answer; a later verdict replaces the one before."""
        person, trace = feedback.person, await self._memory.trace(feedback.person, feedback.answer)
        if trace is None:
            return FeedbackOutcome.UNKNOWN
        if feedback.verdict is not Verdict.OPENED:
            await self._note_gap(trace, feedback)
        if feedback.verdict in {Verdict.UP, Verdict.DOWN}:
            await self._usage.note_week(feedback.verdict.value, feedback.at)
        if feedback.verdict is Verdict.NONE:
            await self._tell_team(person, await self._memory.learn(person, (), without=[f"{trace.answer}:verdict"]))
            return FeedbackOutcome.TAKEN_BACK
        if (await self._memory.wishes(person)).paused:
            return FeedbackOutcome.NOTED
        if signal := signal_of(trace, feedback):
            await self._tell_team(person, await self._memory.learn(person, [signal]))
        return FeedbackOutcome.LEARNED

    async def asker(self, person: Person, *, plain: bool) -> Asker:
        """Who asks; where they want no personalisation, or for once `plain`, nobody in particular."""
        if plain:
            return Asker(person)
        (wishes, learned), team = await together(self._memory.known(person), self.team(person))
        if wishes.strength == 0:
            return Asker(person, wishes)
        return Asker(person, wishes, learned, team)

    async def note_use(self, trace: Trace, question: str, *, warned: bool = False) -> None:
        """What an answer to `question` says of documents, for the operator: which were of use, or that they lack it.

        Nothing that they lack where it has no `question` of the asker's own: what others wrote is not the operator's.
        `warned`: it says that a part of it was left out.
        """
        await self._usage.note_week(trace.outcome.value, trace.at)
        if warned:
            await self._usage.note_week(WARNED, trace.at)
        if trace.outcome is Outcome.ANSWERED:
            await self._usage.note_cited([source.passage.source for source in trace.sources], trace.at)
        elif question:
            await self._usage.note_gap(Gap(question, trace.person, trace.at, trace.nearest, trace.asked))

    async def learn_from(self, trace: Trace) -> None:
        """What an answer says of its asker; the trace of it is kept already."""
        latest = await self._memory.traces(trace.person, limit=2)
        before = next((one for one in latest if one.answer != trace.answer), None)
        if signals := signals_of(trace, before):
            learned = await self._memory.learn(trace.person, signals)
            await self._tell_team(trace.person, learned, frozenset(trace.audience))

    async def team(self, person: Person) -> Team:
        """The person's team, as it was at most a minute ago."""
        key = person.platform, person.workspace
        read_at, team = self._teams.get(key, (-TEAM_SECONDS, None))
        if team is None or time.monotonic() - read_at > TEAM_SECONDS:
            team = Team(await self._memory.contributions(*key))
            self._teams[key] = time.monotonic(), team
        return team

    async def _tell_team(self, person: Person, learned: LearnedProfile, audience: frozenset[str] | None = None) -> None:
        """What the person's use of documents says to teammates, as far as they may see the same."""
        if not learned.events:
            return
        known = (await self.team(person)).of(person.user)
        seen = audience if audience is not None else (known.audience if known else frozenset())
        seen = frozenset(name for name in seen if not name.startswith("person:"))  # teammates see nothing of that
        shares = (await self._memory.wishes(person)).shares
        await self._memory.contribute(person, Contribution(learned.done_here, seen, shares))

    async def _note_gap(self, trace: Trace, feedback: Feedback) -> None:
        """A 👎 says that the documents lack something, until it is taken back."""
        if trace.outcome is Outcome.NOT_FOUND:  # it is a gap already
            return
        titles = tuple(dict.fromkeys(source.passage.title for source in trace.sources))
        gap = Gap(trace.question, trace.person, trace.at, titles, trace.asked)
        await self._usage.take_back(gap)
        if feedback.verdict is Verdict.DOWN and feedback.reason not in _FORM:
            await self._usage.note_gap(gap)
