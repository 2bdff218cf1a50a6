"""`/prefs` and everything that can stand behind it. Knows nothing of questions, answers or platforms."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from bots import digest_texts, personal_texts, texts
from bots.choices import PREFERENCES, changed_preference, nearest
from bots.digest_commands import LOCAL
from bots.language import translated
from bots.replies import CommandReply, Notice, PersonForgotten
from core.domain import Message, Person
from core.engine import Engine
from core.errors import InvalidPreferenceError
from core.people.people import ForgetScope
from core.people.preferences import (
    MAX_STATED,
    MAX_STATED_CHARACTERS,
    Polarity,
    PreferenceKind,
    Preferences,
    PreferenceSet,
    with_stated,
    without_stated,
)
from core.readers import audience
from core.text.words import whole_number

_Reply = Awaitable[CommandReply]
_NAMES = (
    *(str(polarity) for polarity in Polarity),
    *("remove", "strength", "share", "learned", "pause", "resume", "undo", "export", "import", "forget", "reset"),
)


class PrefsCommands:
    """What stands behind `/prefs`, by its first word."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._table: Mapping[str, Callable[[Person, str, datetime], _Reply]] = {
            **{str(polarity): self._stating(polarity) for polarity in Polarity},
            "remove": self._remove,
            "strength": self._strength,
            "share": self._share,
            "pause": self._pausing(paused=True),
            "resume": self._pausing(paused=False),
            "undo": self._undo,
            "import": self._import,
            "forget": self._forget,
            "reset": self._reset,
        }
        self._shown = {"learned": self._learned, "export": self._export}
        self.names = (*PREFERENCES, *_NAMES)

    async def reply(self, message: Message, rest: str) -> CommandReply:
        """Do what stands behind `/prefs`.

        Raises:
            InvalidPreferenceError: no such preference, or no such value.
        """
        name, _, value = rest.partition(" ")
        name, value = name.lower(), value.strip()
        if not name:
            return await self._overview(message.person)
        if name in PREFERENCES:
            return await self._choose(message.person, name, " ".join(value.lower().split()))
        if name in self._shown:
            return await self._shown[name](message)
        if name not in self._table:
            raise InvalidPreferenceError(texts.bad_preference(name, self.names, nearest(name, self.names)))
        return await self._table[name](message.person, value, message.sent_at)

    async def _overview(self, person: Person) -> Notice:
        shown = personal_texts.overview(await self._engine.people.profile(person), PREFERENCES)
        row = digest_texts.NOT_SCHEDULED_HERE if person.platform == LOCAL else digest_texts.PREFS_ROW
        return Notice(f"{shown}\n\n{translated(row)}")

    async def _choose(self, person: Person, name: str, value: str) -> Notice:
        before = await self._engine.people.wishes(person)
        changed, sentence = changed_preference(before.preferences, name, value)
        own_level = before.own_level or (name == "level" and bool(value))
        if (changed, own_level) != (before.preferences, before.own_level):
            await self._engine.people.choose(person, changed, own_level=own_level)
        return Notice(sentence)

    async def _reset(self, person: Person, _value: str, _at: datetime) -> Notice:
        await self._engine.people.choose(person, Preferences())
        return Notice(translated(texts.PREFS_RESET))

    def _stating(self, polarity: Polarity) -> Callable[[Person, str, datetime], _Reply]:
        async def state(person: Person, value: str, at: datetime) -> Notice:
            if not value or len(value) > MAX_STATED_CHARACTERS:
                raise InvalidPreferenceError(personal_texts.state_something(polarity, MAX_STATED_CHARACTERS))
            if len((await self._engine.people.wishes(person)).stated) >= MAX_STATED:
                raise InvalidPreferenceError(personal_texts.stated_enough(MAX_STATED))
            wishes = await self._engine.people.change(person, lambda old: with_stated(old, value, polarity, at))
            stated = wishes.stated[-1]
            return Notice(personal_texts.stated(stated, is_fact=stated.kind is PreferenceKind.FACT))

        return state

    async def _remove(self, person: Person, value: str, _at: datetime) -> Notice:
        """A number of the stated list, `interest 2` of the learned one, or the level that quizzes showed."""
        if value.lower() == "level":
            removed = await self._engine.people.forget_level(person)
            return Notice(translated(personal_texts.LEVEL_REMOVED if removed else personal_texts.NO_LEVEL))
        kind, _, last = value.lower().rpartition(" ")
        number = whole_number(last) or 0
        if kind == "interest":
            removed = await self._engine.people.forget_interest(person, number)
            count = len((await self._engine.people.profile(person)).interests)
            return Notice(personal_texts.interest_removed(number) if removed else personal_texts.no_interest(count))
        stated = {one.number: one for one in (await self._engine.people.wishes(person)).stated}
        if kind or number not in stated:
            raise InvalidPreferenceError(personal_texts.no_stated(value, list(stated)))
        await self._engine.people.change(person, lambda old: without_stated(old, number))
        return Notice(personal_texts.stated_removed(stated[number]))

    async def _strength(self, person: Person, value: str, _at: datetime) -> Notice:
        if not value:
            return Notice(personal_texts.strength_shown((await self._engine.people.wishes(person)).strength))
        strength = whole_number(value, 100)
        if strength is None:
            raise InvalidPreferenceError(personal_texts.bad_strength(value))
        return await self._set(person, personal_texts.strength_set(strength), strength=strength)

    async def _share(self, person: Person, value: str, _at: datetime) -> Notice:
        if not value:
            return Notice(personal_texts.sharing(on=(await self._engine.people.wishes(person)).shares))
        if value.lower() not in ("on", "off"):
            raise InvalidPreferenceError(texts.bad_value("share", value, ("on", "off")))
        shares = value.lower() == "on"
        return await self._set(person, personal_texts.sharing(on=shares), shares=shares)

    def _pausing(self, *, paused: bool) -> Callable[[Person, str, datetime], _Reply]:
        async def pause(person: Person, _value: str, _at: datetime) -> Notice:
            return await self._set(
                person, translated(personal_texts.PAUSED if paused else personal_texts.RESUMED), paused=paused
            )

        return pause

    async def _set(self, person: Person, sentence: str, **values: bool | int) -> Notice:
        def change(old: PreferenceSet) -> PreferenceSet:
            return dataclasses.replace(old, **values)  # type: ignore[arg-type]

        await self._engine.people.change(person, change)
        return Notice(sentence)

    async def _undo(self, person: Person, _value: str, _at: datetime) -> Notice:
        before = await self._engine.people.wishes(person)
        now = await self._engine.people.undo(person)
        return Notice(personal_texts.undone(before, now) if now else translated(personal_texts.NOTHING_TO_UNDO))

    async def _learned(self, message: Message) -> Notice:
        """What was learned, without the names of documents that the person may no longer see."""
        return Notice(personal_texts.learned(await self._engine.sources.profile(message.person, audience(message))))

    async def _export(self, message: Message) -> Notice:
        named = await self._engine.people.documents(message.person)
        seen = await self._engine.sources.visible(named, message)
        profile = await self._engine.people.export(message.person, seen)
        caption = translated(personal_texts.EXPORTED)
        return Notice(personal_texts.exported(profile), file=profile, caption=caption)

    async def _import(self, person: Person, value: str, _at: datetime) -> Notice:
        await self._engine.people.import_(person, value.removeprefix("```json").strip("`\n "))
        return Notice(translated(personal_texts.IMPORTED))

    async def _forget(self, person: Person, value: str, _at: datetime) -> CommandReply:
        wanted = value.lower()
        if wanted == ForgetScope.EVERYTHING:
            await self._engine.people.forget(person)
            return PersonForgotten(translated(texts.FORGOTTEN))
        if wanted not in set(ForgetScope):
            return Notice(translated(personal_texts.FORGET_WHAT))
        await self._engine.people.forget(person, ForgetScope(wanted))
        if wanted == ForgetScope.HISTORY:
            return PersonForgotten(translated(personal_texts.HISTORY_FORGOTTEN))
        return Notice(translated(personal_texts.INTERESTS_FORGOTTEN))
