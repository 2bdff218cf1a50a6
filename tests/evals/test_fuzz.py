"""A small fuzz of every receiver on every run of the tests, and the shapes that it begins with."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from telegram import User

from bots.on_slack.events import said
from bots.on_telegram.api import Bot
from bots.on_telegram.buttons import MOST_NUMBER, read_tap
from bots.on_telegram.entrance import Membership, TelegramEntrance
from bots.on_telegram.receiver import TelegramReceiver, new_bot
from bots.on_telegram.updates import read
from bots.on_telegram.wire import update_of
from core.domain import Conversation, Person
from core.inbox import Event, Receipt
from core.people.access import Access, AccessLists
from evals.fuzz import fuzzed, routes
from evals.fuzz_shapes import REMOVED, TYPES, VALUES, as_text, changed, every, mutant, paths
from evals.fuzz_slack import deliveries
from evals.fuzz_telegram import BOT, updates
from tests.doubles.telegram_rules import TOKEN

ME = User(BOT["id"], "Attune", is_bot=True, username="attune_bot")
FIELDS = sorted({str(step) for update in updates() for path in paths(update) for step in path if isinstance(step, str)})


@pytest.mark.parametrize("number", range(4), ids=[route.name for route in routes()])
async def test_nothing_stops_a_receiver(number: int) -> None:
    """After fifty deliveries that nobody sends a good question is answered, and again; none comes a second time."""
    found = await fuzzed(routes()[number], 100, seed=1, each=50)
    assert (found["stops"], found["answered"], found["given up by the platform"]) == (0, 2, 0)
    assert found["sent again"] == 0
    assert min(found["not understood"], found["kept"]) > 0


class Quiet(Bot):
    """A bot that knows itself, and calls nobody."""

    @property
    def bot(self) -> User:
        return ME

    @property
    def id(self) -> int:
        return ME.id

    async def _do_post(self, *_: Any, **__: Any) -> Any:
        return True


class Kept:
    """An inlet that keeps everything, and whose events are read again as a worker does."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    async def put(self, event: Event) -> Receipt:
        self.events.append(event)
        return Receipt.ACCEPTED

    async def stop(self, _: Conversation, __: Person) -> bool:
        return False


class Nobody:
    """No pairings."""

    async def find(self, _: str) -> None:
        return None

    async def count_try(self, *_: Any, **__: Any) -> int:
        return 1

    async def take_code(self, _: str) -> None:
        return None


class Deaf:
    """Keeps nothing of what is written in groups."""

    async def keeps(self, _: object) -> bool:
        return False


def receiver() -> TelegramReceiver:
    made = new_bot(TOKEN)
    made.__class__ = Quiet
    doors = AccessLists(frozenset({"person:telegram//7", "channel:telegram//-100500"}))
    return TelegramReceiver(made, TelegramEntrance(Access(Nobody(), doors), Membership(made, ())), Deaf())  # type: ignore[arg-type]


def taken(raw: Any) -> None:
    """Take an update in: whatever it is, nothing is raised."""

    async def take() -> None:
        there, kept = receiver_of_all, Kept()
        await there._understood(raw, kept)
        assert all(isinstance(event.body, str) and event.body.isprintable for event in kept.events)
        if there._asides:
            await asyncio.wait(there._asides)

    asyncio.run(take())


receiver_of_all = receiver()
ODD = st.sampled_from([value for value in VALUES if not isinstance(value, str) or len(value) < 6_000])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)) | ODD,
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.sampled_from(FIELDS) | st.text(), part, max_size=6),
    max_leaves=20,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(JSON)
def test_no_json_stops_what_takes_updates_in(raw: Any) -> None:
    """Whatever stands in an update, it is taken in or counted, and nothing is raised."""
    taken(raw)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(updates()))
def test_no_mutant_stops_what_takes_updates_in(seed: int, shape: dict[str, Any]) -> None:
    """Every real update, with fields removed, retyped, over-long or in odd Unicode, is taken in or counted."""
    text = mutant(shape, random.Random(seed))  # noqa: S311 - no secrets
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError):
        return
    taken(raw)


@pytest.mark.parametrize("update", updates(), ids=lambda update: f"{update['update_id']}-{list(update)[1]}")
def test_every_shape_is_one_that_telegram_sends(update: dict[str, Any]) -> None:
    """The fuzz begins with what is understood: else it would try what is wrong anyhow."""
    read(update_of(update, receiver_of_all._bot), ME)


@pytest.mark.parametrize(
    "shape", [shape for _, shape in deliveries() if shape.get("event", {}).get("type") == "message"]
)
def test_every_message_is_one_that_slack_sends(shape: dict[str, Any]) -> None:
    """The messages among the shapes are read without a complaint."""
    said(shape, "UBOT")


@given(st.text(st.characters(codec=None)))
def test_no_button_is_misread(data: str) -> None:
    """What a button carries is read, or is none of ours; its numbers are small."""
    for text in (data, f"u:{data}", f"o:x:{data}:{data}"):
        tap = read_tap(text)
        assert tap is None or (0 <= tap.sources <= MOST_NUMBER and 0 <= tap.number <= MOST_NUMBER)


def test_every_field_has_its_turn() -> None:
    """Each field is removed, and gets every value, in a shape that is otherwise as it was."""
    shape = {"a": {"b": [1]}}
    made = list(every([shape]))
    assert list(paths(shape)) == [("a",), ("a", "b"), ("a", "b", 0)]
    assert len(made) == 3 * (1 + len(VALUES))
    assert {} in made
    assert {"a": {"b": []}} in made
    assert {"a": {"b": ["²"]}} in made
    assert shape == {"a": {"b": [1]}}
    assert changed(shape, ("a",), REMOVED) == {}
    assert all(json.loads(as_text(each)) is not None for each in made if each != [] and each)
    assert len(TYPES) < len(VALUES)
