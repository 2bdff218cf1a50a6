"""The `/commands` that every platform has: what they are called, what they do, what they say.

Pure parsing in front, a table of handlers behind it. Knows nothing of questions, answers or platforms.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from bots import texts
from core.domain import Format, Length, Person, Preferences, Tone
from core.errors import InvalidPreferenceError, UnknownCommandError

PREFERENCES: Mapping[str, type[StrEnum]] = {"length": Length, "tone": Tone, "format": Format}
_COMMAND = re.compile(r"/(?P<name>[a-zA-Z]+)(?:@\w+)?(?:\s+(?P<rest>.*))?", re.DOTALL)


class Remembering(Protocol):
    """What commands need of `core.engine.Engine`."""

    async def preferences(self, person: Person) -> Preferences:
        """What the person set."""
        ...

    async def set_preferences(self, person: Person, preferences: Preferences) -> None:
        """Replace what the person set."""
        ...

    async def forget(self, person: Person) -> None:
        """Remove all that is remembered of the person."""
        ...


@dataclass(frozen=True, slots=True)
class Notice:
    """What a command says."""

    markdown: str


@dataclass(frozen=True, slots=True)
class Forgotten:
    """All that is remembered of the person is gone: a bot that keeps something itself removes it now."""

    markdown: str


CommandReply = Notice | Forgotten


class Commands:
    """The command table. `own` names the platform's own commands, which are listed and suggested, not run."""

    def __init__(self, engine: Remembering, own: Iterable[str] = ()) -> None:
        self._engine = engine
        self._table: Mapping[str, Callable[[Person, list[str]], Awaitable[CommandReply]]] = {
            "help": self._help,
            "prefs": self._prefs,
            "forget": self._forget,
        }
        self.names = (*self._table, *own)

    async def reply(self, person: Person, text: str) -> CommandReply | None:
        """Run the command that `text` is; None for a question.

        Raises:
            UnknownCommandError: it looks like a command, and is none.
            InvalidPreferenceError: no such preference, or no such value.
        """
        match = _COMMAND.fullmatch(text.strip())
        if match is None:  # "/etc/hosts holds what?"
            return None
        name, arguments = match["name"].lower(), (match["rest"] or "").lower().split()
        if name in self._table:
            return await self._table[name](person, arguments)
        near = nearest(name, self.names)
        if near is None and arguments:  # "/tmp is cleaned when?"
            return None
        raise UnknownCommandError(texts.unknown_command(name, self.names, near))

    async def _help(self, _person: Person, _arguments: list[str]) -> Notice:
        lines = [texts.command_line(name) for name in self.names]
        return Notice("\n".join([texts.HELP_INTRO, "", *lines, "", texts.HELP_HINT]))

    async def _forget(self, person: Person, arguments: list[str]) -> CommandReply:
        if arguments != ["everything"]:
            return Notice(texts.FORGET_CONFIRM)
        await self._engine.forget(person)
        return Forgotten(texts.FORGOTTEN)

    async def _prefs(self, person: Person, arguments: list[str]) -> Notice:
        if arguments == ["reset"]:
            await self._engine.set_preferences(person, Preferences())
            return Notice(texts.PREFS_RESET)
        preferences = await self._engine.preferences(person)
        if not arguments:
            return Notice(_overview(preferences))
        changed, sentence = changed_preference(preferences, arguments[0], " ".join(arguments[1:]))
        if changed != preferences:
            await self._engine.set_preferences(person, changed)
        return Notice(sentence)


def changed_preference(preferences: Preferences, name: str, value: str) -> tuple[Preferences, str]:
    """`preferences` with one of them set, and the sentence that says so. An empty value only asks.

    Raises:
        InvalidPreferenceError: no such preference, or no such value.
    """
    if name not in PREFERENCES:
        raise InvalidPreferenceError(texts.bad_preference(name, PREFERENCES, nearest(name, PREFERENCES)))
    values, current = [str(known) for known in PREFERENCES[name]], str(getattr(preferences, name))
    if not value:
        return preferences, texts.preference_shown(name, current, values)
    if value not in values:
        raise InvalidPreferenceError(texts.bad_value(name, value, values))
    if value == current:
        return preferences, texts.preference_unchanged(name, value)
    change: dict[str, Any] = {name: PREFERENCES[name](value)}
    return dataclasses.replace(preferences, **change), texts.preference_saved(name, value)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` was probably meant to be."""
    return next(iter(difflib.get_close_matches(word, known, n=1, cutoff=0.6)), None)


def _overview(preferences: Preferences) -> str:
    lines = [texts.preference_line(name, kind, str(getattr(preferences, name))) for name, kind in PREFERENCES.items()]
    return "\n".join([*lines, "", texts.PREFS_HINT])
