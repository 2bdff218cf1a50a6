"""When somebody gets a digest: how often, at which hour of their own day, and what was told last. Pure.

Days and hours are those of the person's time zone, summer time included: an hour that a day leaves out comes an hour
later, one that a day has twice comes once. Knows nothing of what a digest says, of stores or of platforms.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta, timezone, tzinfo
from enum import StrEnum
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from core.domain import Person

HOUR = 8  # where nobody names one
MONDAY = 0
_WEEK = 7
_OFFSET = re.compile(r"(?:utc|gmt)?\s*([+-])(\d{1,2})(?::?(00|15|30|45))?", re.IGNORECASE)
_LARGEST_OFFSET = 14  # hours
_NO_ZONES = {"localtime", "Factory"}  # names that machines have for their own


Waiting = Sequence[tuple[str, datetime]]


class Frequency(StrEnum):
    """How often."""

    DAILY = "daily"
    WEEKLY = "weekly"


@dataclass(frozen=True, slots=True)
class DigestSchedule:
    """The hour: of every day, or of one `weekday` (0 is Monday), in a time zone such as Europe/Berlin or UTC+5:30."""

    frequency: Frequency
    zone: str
    hour: int = HOUR
    minute: int = 0
    weekday: int = MONDAY


@dataclass(frozen=True, slots=True)
class Subscription:
    """A digest that somebody asked for.

    What is newer than `since` was not told yet; `gaps_since` is the same for what operators are told. `last` names the
    digest that was shown last. `language` is the person's, such as `de`, where it is known. `waiting` are marks of
    questions that one digest was too short to ask again, with the moment up to which they were.
    """

    person: Person
    schedule: DigestSchedule
    since: datetime
    language: str = ""
    last: str = ""
    gaps_since: datetime | None = None
    waiting: tuple[tuple[str, datetime], ...] = ()

    def shown(self, name: str, until: datetime, *, with_gaps: bool, waiting: Waiting = ()) -> Subscription:
        """After the digest `name` told all up to `until`, but for the questions that are `waiting`."""
        gaps_since, since = until if with_gaps else self.gaps_since, max(self.since, until)
        return replace(self, last=name, since=since, gaps_since=gaps_since, waiting=tuple(waiting))


def next_due(schedule: DigestSchedule, after: datetime) -> datetime:
    """The first moment of `schedule` behind `after`, in UTC."""
    zone = zone_of(schedule.zone)
    today = after.astimezone(zone).date()
    for days in range(_WEEK + 2):
        day = today + timedelta(days=days)
        due = datetime.combine(day, time(schedule.hour, schedule.minute), zone).astimezone(UTC)
        if due > after and (schedule.frequency is Frequency.DAILY or day.weekday() == schedule.weekday):
            return due
    raise AssertionError  # a week has every day


def zone_of(name: str) -> tzinfo:
    """The time zone of that name; UTC where this machine does not know it."""
    if offset := _OFFSET.fullmatch(name):
        ahead = timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
        return timezone(ahead if offset[1] == "+" else -ahead)
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def named_zone(said: str) -> str:
    """The name of the time zone that somebody means: `Europe/Berlin`, `berlin`, `new york`, `UTC+2`; empty if none."""
    if offset := _OFFSET.fullmatch(said.strip()):
        hours, minutes = int(offset[2]), offset[3] or "00"
        known = f"UTC{offset[1]}{hours}" + (f":{minutes}" if minutes != "00" else "")
        return known if hours <= _LARGEST_OFFSET else ""
    return _zones().get("_".join(said.lower().split()), "")


@cache
def _zones() -> dict[str, str]:
    """Names by what people call them: whole, and by their city alone."""
    names = sorted(available_timezones() - _NO_ZONES)
    cities = {name.rpartition("/")[2].lower(): name for name in names if "/" in name}
    return cities | {name.lower(): name for name in names}
