"""Every command that can be typed, on whatever platform: its name, what it does, whose business its answer is.

Knows nothing of what stands before a command on a platform, nor of how one is run.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Command:
    """A command. In a shared place, what is `personal` is answered for one person's eyes.

    Those for `operators` are answered to them alone, in private. One that is not `common` is run by platforms that name
    it.
    """

    name: str
    summary: str
    personal: bool = False
    operators: bool = False
    common: bool = True


COMMANDS = (
    Command("help", "what I can do"),
    Command("new", "start a new conversation"),
    Command("prefs", "how I answer you, and what I've learned about you", personal=True),
    Command("why", "why my last answer came out the way it did", personal=True),
    Command("plain", "the same question again, without your preferences"),
    Command("recommend", "documents you might find useful", personal=True),
    Command("digest", "what is new for you, now or regularly: {cmd}digest daily 8:30", personal=True),
    Command("open", "open a source of my last answer: {cmd}open 1"),
    Command("teach", "a short course from the documents: {cmd}teach annual leave"),
    Command("quiz", "a quiz question, or the review that is due: {cmd}quiz annual leave"),
    Command("progress", "what you know from quizzes, and what is due", personal=True),
    Command("catchup", "what you missed in a thread or a group"),
    Command("forget", "delete everything I remember about you", personal=True),
    Command("stop", "stop the answer", common=False),
    Command("learn", "teach me a message: reply to it with this", common=False),
    Command("unlearn", "make me forget something you taught me", personal=True, common=False),
    Command("private", "answer a question from this group in private", common=False),
    Command("quit", "leave (Ctrl-D does the same)", common=False),
    Command("gaps", "questions I couldn't answer", operators=True, common=False),
    Command("usage", "which documents my answers use", operators=True, common=False),
    Command("inbox", "messages I gave up on", operators=True, common=False),
)
SUMMARIES = tuple(one.summary for one in COMMANDS)
PERSONAL = frozenset(one.name for one in COMMANDS if one.personal)
OPERATORS = tuple(one for one in COMMANDS if one.operators)


def commands_with(own: Iterable[str] = ()) -> list[Command]:
    """The commands of everybody on a platform that has its `own` ones, too."""
    return [one for one in COMMANDS if one.common or one.name in set(own)]
