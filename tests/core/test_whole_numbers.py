"""Whole numbers in text from outside: whatever stands there, a small number comes out of it, or none."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.on_slack.events import plain_text, question, sent_at, stamped
from bots.reception import NotUnderstoodError
from core.documents.slack import talks
from core.settings import Settings
from core.text import numerals
from core.text.amounts import Amounts, WordContext
from core.text.words import MOST, whole_number

LONG = "9" * 5_000  # more digits than Python turns into a number


@pytest.mark.parametrize("text", ["²", "½", "①", "-1", "+1", " 1", "1_0", "1.0", "1e3", "", "\x00", None, 5, ["1"]])
def test_what_is_no_number_is_none(text: object) -> None:
    """Also what `isdigit` takes for one."""
    assert whole_number(text) is None


def test_what_is_longer_than_python_reads_is_no_number() -> None:
    """It is not even tried."""
    assert whole_number(LONG) is None
    assert whole_number("0" * 9_000 + "1") == 1


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("007", 7), ("٣", 3), (str(MOST), MOST)])
def test_decimal_digits_are_a_number(text: str, number: int) -> None:
    """Of any script, and with zeros before them."""
    assert whole_number(text) == number


@given(st.text(), st.integers(0, 10**6))
def test_a_number_is_never_more_than_it_may_be(text: str, most: int) -> None:
    """And nothing is raised, whatever the text."""
    found = whole_number(text, most)
    assert found is None or 0 <= found <= most


@pytest.mark.parametrize(
    "digits",
    [LONG, "9" * 400, f"77.{'3' * 400}", f"{LONG}:30", f"1,234,{'9' * 500}"],
    ids=["5000", "400", "fraction", "time", "thousands"],
)
def test_numbers_of_any_length_in_a_document_are_compared(digits: str) -> None:
    """A passage or an answer may hold a number that no float holds: it is known as it is written, or not."""
    numerals.figures(f"Serial {digits} percent of {digits} days")
    amounts = Amounts(f"The serial number is {digits}.", f"and {digits}?")
    assert amounts.hold(digits, WordContext(["number"], ["pm"]))
    assert not Amounts("Nothing.", "").hold(digits, WordContext(["step"], []))


@pytest.mark.parametrize("ts", ["²", "nan", "inf", "1e999", "-1", "9" * 40, "", "1.2.3", None, 5, []])
def test_a_moment_of_slacks_is_one_or_none(ts: object) -> None:
    """What is no message's id names no moment."""
    with pytest.raises(NotUnderstoodError):
        stamped(ts)


def test_a_moment_of_slacks_is_not_to_come() -> None:
    """A forged message from next year counts as one of now: what is learned from it would not fade for a year."""
    assert sent_at("9999999999.000100") <= datetime.now(UTC)
    assert sent_at("1700000000.5") == datetime.fromtimestamp(1_700_000_000.5, UTC)


def test_a_broken_moment_costs_an_export_one_message() -> None:
    """The other messages of the day are read."""
    said = [
        {"type": "message", "user": "U1", "text": text, "ts": ts} for text, ts in (("a", "²"), ("b", "1700000000.1"))
    ]
    parts = {"channels.json": [{"name": "general"}], "users.json": [], "general/2023-11-14.json": said}
    [talk] = talks(list(parts), lambda name: json.dumps(parts[name]).encode())
    assert [one.text for one in talk.said] == ["b"]


@pytest.mark.parametrize("mark", ["<", "<@", "<@UBOT|", "<#C1|"])
def test_slacks_marks_are_read_in_time_that_grows_with_the_text(mark: str) -> None:
    """A message of unfinished marks would hold up every other delivery for half a minute."""
    text = (mark * 40_000)[:40_000]  # Slack's most
    start = time.perf_counter()
    assert plain_text(text) == text
    assert question(text, "UBOT").startswith("<")
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("telegram_listen", "off"),
        ("slack_listen", "off"),
        ("slack_listen", "127.0.0.1:²"),
        ("telegram_listen", "127.0.0.1:99999"),
        ("metrics", "127.0.0.1"),
    ],
)
def test_a_port_that_is_none_is_refused_at_the_start(name: str, value: str) -> None:
    """With the sentence that says what it should be, and not when the port is opened."""
    with pytest.raises(ValueError, match="a host and a port"):
        Settings(**{name: value})
