"""The `/commands` that every platform has: what they are called, what they do, what they say.

Pure parsing in front, a table of handlers behind it; `/prefs` has its own in `prefs_commands`. Knows nothing of
questions, answers or platforms.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime

from bots import personal_texts, texts, why_texts
from bots.choices import nearest
from bots.command_table import commands_with
from bots.courtesies import is_about_the_bot, is_recall, is_thanks
from bots.digest_commands import DigestCommands
from bots.language import translated
from bots.prefs_commands import PrefsCommands
from bots.replies import AskAgain, Choice, CommandReply, Notice, PersonForgotten, StudyRequest
from bots.study_requests import STUDIES, study_request
from bots.thread_texts import CATCH_UP_WHERE
from bots.writing_commands import WritingCommands
from core.answering.rewording import language_asked, wants_an_answer
from core.domain import Message
from core.engine import Engine
from core.errors import InvalidPreferenceError, UnknownCommandError
from core.people.feedback import Feedback, Verdict
from core.people.interests import Reason
from core.people.traces import Trace
from core.readers import audience
from core.text.words import whole_number
from core.threads.requests import thread_request
from core.writing.requests import request_of

_COMMAND = re.compile(r"/(?P<name>[a-zA-Z]+)(?:@\w+)?(?:\s+(?P<rest>.*))?", re.DOTALL)
_THUMB = re.compile(r"(?P<thumb>👍|👎)[\U0001f3fb-\U0001f3ff\ufe0f]?\s*(?P<reason>.*)", re.DOTALL)
TAKE_BACK = "undo"  # behind a thumb
IN_NUMBERS = "numbers"  # behind /why
_NUMBERS = {IN_NUMBERS, "number", "figures", "zahlen"}  # however somebody says it


class Commands:
    """Runs commands. `own` are the platform's, which are listed and suggested, not run; `hint` ends the help."""

    def __init__(self, engine: Engine, own: Iterable[str] = (), hint: str = texts.HELP_HINT) -> None:
        self._engine = engine
        self._prefs = PrefsCommands(engine)
        self._digest = DigestCommands(engine)
        self._table: Mapping[str, Callable[[Message, str], Awaitable[CommandReply]]] = {
            "help": self._help,
            "prefs": self._prefs.reply,
            "why": self._why,
            "plain": self._plain,
            "write": WritingCommands(engine, self._trace).reply,
            "recommend": self._recommend,
            "digest": self._digest.reply,
            "new": self._new,
            "open": self._open,
            "forget": self._forget,
            "catchup": self._catch_up,
        }
        self._listed = commands_with(own)
        self._hint = hint
        self.names = [one.name for one in self._listed]

    async def reply(self, message: Message) -> CommandReply | None:
        """Run the command that `message` is, or return its courtesy; None for a question.

        Raises:
            UnknownCommandError: it looks like a command, and is none.
            InvalidPreferenceError: no such preference, or no such value.
        """
        text = message.text.strip()
        if thumb := _THUMB.fullmatch(text):
            return await self._thumb(message, thumb["thumb"], thumb["reason"])
        match = _COMMAND.fullmatch(text)
        if match is None:  # "/etc/hosts holds what?"
            return await self._courtesy(message, text)
        name, rest = match["name"].lower(), (match["rest"] or "").strip()
        if name in STUDIES:
            return StudyRequest(name, rest)
        if name in self._table:
            return await self._table[name](message, rest)
        near = nearest(name, self.names)
        if near is None and rest:  # "/tmp is cleaned when?"
            return None
        raise UnknownCommandError(texts.unknown_command(name, self.names, near))

    async def _courtesy(self, message: Message, text: str) -> Notice | StudyRequest | None:
        """What is said to a message that asks nothing of the documents; None for one that does."""
        asked = study_request(text)
        if asked and (asked.name != "teach" or self._engine.tutor.able):  # else the documents answer, at least
            return asked
        if (wanted := thread_request(text)) and wanted.missed:
            return await self._catch_up(message, "")
        if is_about_the_bot(text):
            return await self._help(message, "")
        if is_recall(text):
            return Notice(texts.asked_before(await self._engine.conversations.questions(message)))
        if is_thanks(text):
            return Notice(translated(texts.COURTESY))
        return await self._before_an_answer(message, text)

    async def _before_an_answer(self, message: Message, text: str) -> Notice | None:
        """What is said to who wants an answer otherwise, where there is none yet."""
        language, changes = language_asked(text), wants_an_answer(text)
        if not (language or changes) or message.quoted or request_of(text):
            return None
        if await self._engine.conversations.has_begun(message):
            return None
        return Notice(texts.answers_in(language) if language else translated(texts.NOTHING_TO_CHANGE))

    async def feedback(self, feedback: Feedback) -> Notice:
        """Learn from a verdict, and say what follows."""
        heard = await self._engine.people.hear(feedback)
        return Notice(personal_texts.heard(heard, feedback.verdict, feedback.reason))

    async def _help(self, _message: Message, _rest: str) -> Notice:
        return Notice(texts.help_shown(self._listed, self._hint))

    async def _forget(self, message: Message, rest: str) -> CommandReply:
        if rest.lower() != "everything":
            return Notice(translated(texts.FORGET_CONFIRM))
        await self._engine.people.forget(message.person)
        return PersonForgotten(translated(texts.FORGOTTEN))

    async def _catch_up(self, _message: Message, _rest: str) -> Notice:
        return Notice(translated(CATCH_UP_WHERE))

    async def _why(self, message: Message, rest: str) -> Notice:
        """Why, in words; behind `numbers` in those. Either may name an answer."""
        asked, _, named = rest.lower().removeprefix("in ").strip().partition(" ")
        numbers = asked in _NUMBERS
        kept = await self._trace(message, named.strip() if numbers else asked)
        if kept is None:
            return Notice(translated(personal_texts.NO_ANSWER))
        trace = await self._engine.sources.explain(kept, message)
        if numbers:
            return Notice(why_texts.numbers(trace))
        profile = await self._engine.sources.profile(message.person, audience(message))
        typed = f"why {IN_NUMBERS}" + (f" {asked}" if asked else "")
        more = Choice(translated(why_texts.NUMBERS), f"why {IN_NUMBERS} {trace.answer}", typed)
        return Notice(why_texts.why(trace, profile.interests), ((more,),))

    async def _plain(self, message: Message, rest: str) -> CommandReply:
        trace = await self._trace(message, rest.lower())
        return AskAgain(trace.question) if trace else Notice(translated(personal_texts.NO_ANSWER))

    async def _trace(self, message: Message, answer: str = "") -> Trace | None:
        """The trace of an answer, or of the last. In a shared place nothing is told of what was answered in private."""
        trace = await self._engine.people.trace(message.person, answer)
        told = trace is not None and (message.private or audience(message).issuperset(trace.audience))
        return trace if told else None

    async def _new(self, message: Message, _rest: str) -> Notice:
        await self._engine.conversations.begin_anew(message)
        return Notice(translated(texts.BEGUN_ANEW))

    async def _recommend(self, message: Message, _rest: str) -> Notice:
        return Notice(personal_texts.recommended(await self._engine.sources.recommend(message)))

    async def _open(self, message: Message, rest: str) -> Notice:
        trace = await self._trace(message)
        number = whole_number(rest) or 0
        if trace is None or number not in {source.number for source in trace.sources}:
            return Notice(personal_texts.no_source(len(trace.sources) if trace else 0))
        now = datetime.now(UTC)
        passage = await self._engine.sources.open(message.person, trace.answer, number, now, looking=message)
        return Notice(personal_texts.opened(passage) if passage else translated(personal_texts.SOURCE_GONE))

    async def _thumb(self, message: Message, thumb: str, said: str) -> Notice | None:
        """A thumb that is sent as a message is about the last answer; with other words behind it, it is a question.

        Raises:
            InvalidPreferenceError: those words are nearly a reason.
        """
        words, verdict, reason = said.strip().lower(), Verdict.UP if thumb == "👍" else Verdict.DOWN, None
        if words == TAKE_BACK:
            verdict = Verdict.NONE
        elif words in set(Reason):
            reason = Reason(words)
        elif words and (near := nearest(words, set(Reason))):
            raise InvalidPreferenceError(personal_texts.bad_reason(words, near))
        elif words:
            return None
        trace = await self._trace(message)
        answer = trace.answer if trace else ""
        return await self.feedback(Feedback(message.person, answer, verdict, message.sent_at, reason))
