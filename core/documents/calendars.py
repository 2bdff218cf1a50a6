"""ICS → blocks: what takes place, when, where and with whom, in words; also the invitations in mail.

Times are said as they are written, with their time zone; events that repeat are said once, with their rule. Knows
nothing of files or passages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from core.documents.blocks import BlockKind, Outline, ParsedDocument
from core.documents.text import decode, parse_text
from core.errors import DocumentError

if TYPE_CHECKING:
    from icalendar import Component

_DAYS = {"MO": "Monday", "TU": "Tuesday", "WE": "Wednesday", "TH": "Thursday", "FR": "Friday", "SA": "Saturday"}
_DAYS["SU"] = "Sunday"
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_UNITS = {"DAILY": "day", "WEEKLY": "week", "MONTHLY": "month", "YEARLY": "year", "HOURLY": "hour"}
_PLACES = {"1": "first", "2": "second", "3": "third", "4": "fourth", "5": "fifth", "-1": "last", "-2": "last but one"}
_BEGIN = re.compile(r"^BEGIN:(?:VEVENT|VTODO|VJOURNAL)\s*$", re.IGNORECASE | re.MULTILINE)
_BROKEN = (ValueError, LookupError, TypeError, AttributeError, OverflowError)
_KINDS = ("VEVENT", "VTODO", "VJOURNAL")
_LINKS = ("URL", "X-GOOGLE-CONFERENCE", "X-MICROSOFT-SKYPETEAMSMEETINGURL")


def parse_calendar(data: bytes) -> ParsedDocument:
    """Parse a calendar; its name, or that of its only event, is the title.

    Raises:
        DocumentError: it is none.
    """
    text, notes = decode(data)
    return calendar_of(text, notes)


def calendar_of(text: str, notes: tuple[str, ...] = ()) -> ParsedDocument:
    """The calendar that is written so.

    Raises:
        DocumentError: it is none.
    """
    from icalendar import Calendar  # noqa: PLC0415 - only who reads calendars waits for it

    outline = Outline("\0")
    try:
        calendars = Calendar.from_ical(text, multiple=True)
    except _BROKEN as error:
        raise DocumentError(f"It is not a valid calendar ({str(error)[:100]}). Export it again.") from None
    unread: dict[str, None] = {}
    for calendar in calendars:
        cancelled = str(calendar.get("METHOD", "")).upper() == "CANCEL"
        for event in (each for kind in _KINDS for each in calendar.walk(kind)):
            unread |= _add(outline, event, cancelled=cancelled)
    if unread:
        notes = (*notes, f"What is broken in entries of the calendar was not read: {', '.join(unread)}.")
    blocks = outline.document().blocks
    broken = len(_BEGIN.findall(text)) - sum(block.kind is BlockKind.HEADING for block in blocks)
    if not calendars:
        raise DocumentError("It is not a valid calendar. Export it again.")
    if broken > 0:
        notes = (*notes, f"{broken} entries of the calendar are broken and were not read. Export it again.")
    names = [str(calendar.get("X-WR-CALNAME", "")) for calendar in calendars]
    titles = [block.text for block in blocks if block.kind is BlockKind.HEADING]
    title = next(filter(None, names), "") or (titles[0] if len(titles) == 1 else "")
    return ParsedDocument(title, blocks, notes)


def _add(outline: Outline, event: Component, *, cancelled: bool) -> dict[str, None]:
    """Add an entry; returns the names of the lines that it is too broken for."""
    outline.heading(1, _text(event, "SUMMARY") or "Event", 0)
    unread: dict[str, None] = {}
    said = ["Status: cancelled"] if cancelled or _text(event, "STATUS").upper() == "CANCELLED" else []
    for name, words in _LINES.items():
        try:
            said += [f"{name}: {value}"] if (value := words(event)) else []
        except _BROKEN:
            unread[name] = None
    outline.add(BlockKind.PARAGRAPH, "\n".join(said), 0)
    for block in parse_text(str(event.get("DESCRIPTION") or "")).blocks:
        outline.add(block.kind, block.text, 0)
    return unread


def _all(event: Component, name: str) -> list[Any]:
    found = event.get(name)
    return found if isinstance(found, list) else [] if found is None else [found]


def _text(event: Component, name: str) -> str:
    return " ".join(" ".join(map(str, _all(event, name))).split())


def _person(address: Any) -> str:
    mail = str(address).removeprefix("mailto:").removeprefix("MAILTO:")
    name, answer = (str(address.params.get(key, "")) for key in ("CN", "PARTSTAT"))
    named = f"{name} <{mail}>" if name and name != mail else mail
    return named if answer in {"", "NEEDS-ACTION"} else f"{named} ({answer.lower()})"


def _when(event: Component) -> str:
    """From when to when; the end of a whole day is the day after it."""
    start, end = _value(event.get("DTSTART")), _value(event.get("DTEND"))
    length = _value(event.get("DURATION"))
    if isinstance(start, date) and end is None and isinstance(length, timedelta):
        end = start + length
    if not isinstance(start, date):
        return ""
    zone = _zone(event.get("DTSTART"))
    if isinstance(start, datetime):
        if not isinstance(end, datetime) or end == start:
            return f"{_day(start)}, {start:%H:%M}{zone}"
        other = _zone(event.get("DTEND"))
        until = f"{end:%H:%M}" if end.date() == start.date() else f"{_day(end)}, {end:%H:%M}"
        between = "" if not other or other == zone else zone
        return f"{_day(start)}, {start:%H:%M}{between} to {until}{other or zone}"
    last = end - timedelta(days=1) if isinstance(end, date) and end > start else start
    return f"{_day(start)}, all day" if last == start else f"{_day(start)} to {_day(last)}, all day"


def _value(written: Any) -> date | timedelta | None:
    found = getattr(written, "dt", None)
    return found if isinstance(found, date | timedelta) else None


def _moment(written: Any) -> str:
    found = _value(written)
    if isinstance(found, datetime):
        return f"{_day(found)}, {found:%H:%M}{_zone(written)}"
    return _day(found) if isinstance(found, date) else ""


def _zone(written: Any) -> str:
    name = str(getattr(written, "params", {}).get("TZID", ""))
    found = _value(written)
    if not name and isinstance(found, datetime) and found.tzinfo is not None:
        name = "UTC" if found.tzinfo is UTC or str(found.tzinfo) == "UTC" else str(found.tzinfo)
    return f" ({name})" if name else ""


def _day(day: date) -> str:
    return f"{[*_DAYS.values()][day.weekday()]}, {day.day} {_MONTHS[day.month - 1]} {day.year}"


def _repeats(rule: Any) -> str:
    """A rule in words; parts of it that are rarely written are added as they are."""
    if not isinstance(rule, dict):
        return ""
    parts = {str(name).upper(): value if isinstance(value, list) else [value] for name, value in rule.items()}
    unit = _UNITS.get(str(parts.pop("FREQ", [""])[0]).upper(), "time")
    every = str(parts.pop("INTERVAL", [1])[0])
    words = f"every {unit}" if every == "1" else f"every {every} {unit}s"
    parts.pop("WKST", None)
    if days := parts.pop("BYDAY", []):
        words += f" on {' and '.join(_weekday(str(day)) for day in days)}"
    if numbers := parts.pop("BYMONTHDAY", []):
        words += f" on day {' and '.join(map(str, numbers))}"
    if months := parts.pop("BYMONTH", []):
        words += f" in {' and '.join(_MONTHS[int(month) - 1] for month in months)}"
    if count := parts.pop("COUNT", []):
        words += f", {count[0]} times"
    if until := parts.pop("UNTIL", []):
        words += f", until {_day(until[0])}" if isinstance(until[0], date) else ""
    rest = "; ".join(f"{name}={','.join(map(str, value))}" for name, value in parts.items())
    return f"{words} ({rest})" if rest else words


def _excepted(event: Component) -> str:
    return ", ".join(_moment(each) for dates in _all(event, "EXDATE") for each in getattr(dates, "dts", ()))


def _weekday(day: str) -> str:
    name = _DAYS.get(day[-2:].upper(), day)
    place = day[:-2].lstrip("+")
    return f"the {_PLACES.get(place, place)} {name}" if place else name


_LINES: Mapping[str, Callable[[Component], str]] = {
    "When": _when,
    "Due": lambda event: _moment(event.get("DUE")),
    "Repeats": lambda event: _repeats(event.get("RRULE")),
    "Except": _excepted,
    "Instead of": lambda event: _moment(event.get("RECURRENCE-ID")),
    "Where": lambda event: _text(event, "LOCATION"),
    "Organizer": lambda event: ", ".join(map(_person, _all(event, "ORGANIZER"))),
    "With": lambda event: ", ".join(map(_person, _all(event, "ATTENDEE"))),
    "Link": lambda event: ", ".join(dict.fromkeys(filter(None, (_text(event, name) for name in _LINKS)))),
}
"""What is said of an entry."""
