"""When a digest comes, in days and hours of its person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.notices.schedule import DigestSchedule, Frequency, named_zone, next_due

BERLIN = DigestSchedule(Frequency.DAILY, "Europe/Berlin", 8, 30)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "after", "due"),
    [
        (BERLIN, "2026-01-05T07:29", "2026-01-05T07:30"),
        (BERLIN, "2026-01-05T07:30", "2026-01-06T07:30"),
        (BERLIN, "2026-07-05T06:00", "2026-07-05T06:30"),
        (DigestSchedule(Frequency.WEEKLY, "Europe/Berlin", 9, 0, 4), "2026-03-02T08:00", "2026-03-06T08:00"),
        (DigestSchedule(Frequency.WEEKLY, "Europe/Berlin", 9, 0, 0), "2026-03-02T08:00", "2026-03-09T08:00"),
        (DigestSchedule(Frequency.DAILY, "Pacific/Auckland", 8), "2026-01-05T18:00", "2026-01-05T19:00"),
        (DigestSchedule(Frequency.DAILY, "UTC+2", 8), "2026-01-05T05:00", "2026-01-05T06:00"),
        (DigestSchedule(Frequency.DAILY, "UTC-3:30", 8), "2026-01-05T05:00", "2026-01-05T11:30"),
        (DigestSchedule(Frequency.DAILY, "Mars/Olympus", 8), "2026-01-05T07:00", "2026-01-05T08:00"),
        (DigestSchedule(Frequency.DAILY, "Europe/Berlin", 2, 30), "2026-03-28T12:00", "2026-03-29T01:30"),
        (DigestSchedule(Frequency.DAILY, "Europe/Berlin", 2, 30), "2026-10-25T00:30", "2026-10-26T01:30"),
    ],
)
def test_the_next_hour(schedule: DigestSchedule, after: str, due: str) -> None:
    """In summer and winter time, also where a day has no such hour, or has it twice."""
    assert next_due(schedule, moment(after)) == moment(due)


def test_a_year_of_days_has_a_digest_each() -> None:
    """No day is left out and none comes twice, through both changes of the clock."""
    at, days = moment("2026-01-01T00:00"), []
    while at < moment("2027-01-01T00:00"):
        at = next_due(BERLIN, at)
        days.append(at.date())
    assert days == [days[0] + timedelta(days=n) for n in range(len(days))]


@pytest.mark.parametrize(
    ("said", "zone"),
    [
        ("Europe/Berlin", "Europe/Berlin"), ("berlin", "Europe/Berlin"), ("New York", "America/New_York"),
        ("utc", "UTC"), ("UTC+2", "UTC+2"), ("gmt -5", "UTC-5"), ("utc+99", ""),
        ("utc+5:30", "UTC+5:30"), ("+0545", "UTC+5:45"), ("utc+5:20", ""), ("localtime", ""),
        ("the moon", ""), ("", ""),
    ],
)  # fmt: skip
def test_zones_are_known_by_what_people_call_them(said: str, zone: str) -> None:
    assert named_zone(said) == zone
