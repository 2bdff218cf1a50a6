"""`/digest` and what can stand behind it: how often, at which hour, in which time zone. Knows no platform.

Words are understood in English and German, in any order: `weekly 9:00 friday`, `täglich um 8 Uhr`, `daily 8:30 berlin`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from bots import digest_texts
from bots.language import translated, voice
from bots.replies import CommandReply, Notice, SlowNotice
from core.domain import Message
from core.engine import Engine
from core.errors import InvalidPreferenceError
from core.notices.digests import Digest
from core.notices.schedule import MONDAY, DigestSchedule, Frequency, named_zone

LOOK_BACK = timedelta(days=7)  # of whoever looks and gets no digest
LOCAL = "console"  # a terminal: nothing can be sent there
_DAILY = {"daily", "day", "täglich", "taeglich", "tag", "on", "an"}
_WEEKLY = {"weekly", "week", "wöchentlich", "woechentlich", "woche"}
_OFF = {"off", "stop", "never", "none", "aus", "nie", "stopp"}
_NOW = {"now", "today", "show", "jetzt", "heute", "zeige"}
_FILLER = {"at", "on", "every", "each", "in", "the", "o'clock", "time", "zone", "um", "am", "jeden", "jede", "uhr"}
_DAYS = (
    *(("monday", "mon", "montag", "montags", "mo"), ("tuesday", "tue", "tues", "dienstag", "dienstags", "di")),
    ("wednesday", "wed", "mittwoch", "mittwochs", "mi"),
    ("thursday", "thu", "thurs", "donnerstag", "donnerstags", "do"),
    *(("friday", "fri", "freitag", "freitags", "fr"), ("saturday", "sat", "samstag", "samstags", "sa")),
    ("sunday", "sun", "sonntag", "sonntags", "so"),
)
_WEEKDAYS: Mapping[str, int] = {name: number for number, names in enumerate(_DAYS) for name in (*names, f"{names[0]}s")}
_HOURS = {"noon": "12:00", "mittags": "12:00", "midnight": "0:00", "mitternacht": "0:00"}
_STOPS = re.compile(r"[,;!?()]|\.(?!\d)")
_HOUR = re.compile(r"(\d{1,2})(?:[:.h ](\d{2}))?(?:\s?(am|pm)\b)?(?:\s?(?:uhr|h)\b)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DigestWish:
    """What somebody wrote behind `/digest`: what they did not say is None."""

    frequency: Frequency | None = None
    weekday: int | None = None
    hour: tuple[int, int] | None = None
    zone: str = ""
    off: bool = False


class DigestCommands:
    """Runs `/digest`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def reply(self, message: Message, rest: str) -> CommandReply:
        """Show what is new now, or change when it is told.

        Raises:
            InvalidPreferenceError: no such time.
        """
        if not rest or rest.lower() in _NOW:
            return SlowNotice(partial(self._look, message))
        wish = read_wish(rest)
        if message.person.platform == LOCAL:
            return Notice(translated(digest_texts.NOT_SCHEDULED_HERE))
        if wish.off:
            was = await self._engine.people.unsubscribe(message.person)
            return Notice(translated(digest_texts.DIGEST_OFF if was else digest_texts.DIGEST_WAS_OFF))
        before = await self._engine.people.subscription(message.person)
        schedule = scheduled(wish, before.schedule if before else None, message.zone)
        if not schedule.zone:
            return Notice(translated(digest_texts.WHICH_ZONE))
        await self._engine.people.subscribe(message.person, schedule, message.sent_at, voice().language)
        return Notice(digest_texts.subscribed(schedule, schedule.zone))

    async def _look(self, message: Message) -> Notice:
        """What is new, though nobody sent it; nothing counts as told by that."""
        kept = await self._engine.people.subscription(message.person)
        since = kept.since if kept else message.sent_at - LOOK_BACK
        zone = kept.schedule.zone if kept else message.zone
        waiting = kept.waiting if kept else ()
        told: Digest = await self._engine.digests.compose(message, since, message.sent_at, waiting)
        new = translated(digest_texts.NOTHING_NEW) if told.empty else digest_texts.digest(told, zone)
        if message.person.platform == LOCAL:
            return Notice(new)
        about = digest_texts.subscription(kept.schedule) if kept else translated(digest_texts.NO_DIGEST)
        return Notice(f"{new}\n\n{about}")


def scheduled(wish: DigestWish, before: DigestSchedule | None, zone: str) -> DigestSchedule:
    """When a digest comes: what was not said stays as it was `before`. Without a zone nobody knows it."""
    weekly = wish.frequency is Frequency.WEEKLY or (wish.frequency is None and wish.weekday is not None)
    known = before or DigestSchedule(Frequency.DAILY, zone)
    frequency = Frequency.WEEKLY if weekly else wish.frequency or known.frequency
    hour, minute = wish.hour or (known.hour, known.minute)
    weekday = known.weekday if wish.weekday is None else wish.weekday
    named = wish.zone or known.zone or zone
    return replace(known, frequency=frequency, hour=hour, minute=minute, weekday=weekday or MONDAY, zone=named)


def read_wish(text: str) -> DigestWish:
    """What `text` asks for.

    Raises:
        InvalidPreferenceError: something in it is no day, hour or time zone, or there are two of one kind.
    """
    said = _STOPS.sub(" ", text.lower())
    said = " ".join(_HOURS.get(word, word) for word in said.split())
    hour, rest = _hour_in(said)
    off, zone = False, []
    frequencies: set[Frequency] = set()
    weekdays: set[int] = set()
    for word in rest.split():
        if word in _OFF:
            off = True
        elif word in _DAILY and not (word in {"on", "an"} and len(rest.split()) > 1):
            frequencies.add(Frequency.DAILY)
        elif word in _WEEKLY:
            frequencies.add(Frequency.WEEKLY)
        elif word in _WEEKDAYS:
            weekdays.add(_WEEKDAYS[word])
        elif word not in _FILLER:
            zone.append(word)
    named = named_zone(" ".join(zone)) if zone else ""
    is_daily_on_a_day = Frequency.DAILY in frequencies and weekdays
    if (zone and not named) or is_daily_on_a_day or len(frequencies) > 1 or len(weekdays) > 1:
        raise InvalidPreferenceError(digest_texts.no_such_time(text))
    return DigestWish(next(iter(frequencies), None), next(iter(weekdays), None), hour, named, off)


def _hour_in(said: str) -> tuple[tuple[int, int] | None, str]:
    """The hour in `said`, and what else there is.

    Raises:
        InvalidPreferenceError: a day has no such hour.
    """
    for found in _HOUR.finditer(said):
        before, behind = said[: found.start()], said[found.end() :]
        if before[-1:] in {"+", "-"} or before[-1:].isalnum() or behind[:1].isalnum():  # utc+2
            continue
        hour, minute = int(found[1]), int(found[2] or 0)
        if found[3]:
            hour = hour % 12 + 12 * (found[3].lower() == "pm") if 1 <= hour <= 12 else 99  # noqa: PLR2004
        if hour > 23 or minute > 59:  # noqa: PLR2004
            raise InvalidPreferenceError(digest_texts.no_such_time(said))
        return (hour, minute), f"{before} {behind}"
    return None, said
