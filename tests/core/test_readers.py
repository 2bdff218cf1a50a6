"""Who may see what, as names."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import PurePosixPath as P

import pytest

from core.domain import EVERYONE, Conversation, Message, Person
from core.errors import ConfigurationError
from core.readers import audience, channel_reader, checked, inherited, person_reader

ANN = Person("slack", "T1", "U1")
HERE = Conversation("slack", "T1", "C1", "thread")


def message(**fields: object) -> Message:
    return Message("1", HERE, ANN, "?", datetime(2026, 1, 1, tzinfo=UTC), **fields)


def test_a_shared_answer_draws_on_what_all_who_read_it_may_see() -> None:
    """Not on what the asker alone may, nor on other channels of theirs."""
    names = {EVERYONE, "workspace:slack/T1", "channel:slack/T1/C1"}
    assert audience(message(channels=frozenset({"C2"}))) == names


def test_a_private_answer_draws_on_all_that_the_asker_may_see() -> None:
    names = {EVERYONE, "workspace:slack/T1", "channel:slack/T1/C2", "person:slack/T1/U1"}
    assert audience(message(private=True, channels=frozenset({"C2"}))) == names


@pytest.mark.parametrize("private", [True, False])
def test_where_others_than_the_workspace_read_an_answer_nothing_of_the_workspaces_is_in_it(*, private: bool) -> None:
    """Guests, partners, a shared channel: what is for everyone, and for the channel or the person."""
    readers = audience(message(private=private, channels=frozenset({"C2"}), insiders=False))
    own = {"channel:slack/T1/C2", "person:slack/T1/U1"} if private else {"channel:slack/T1/C1"}
    assert readers == {EVERYONE, *own}


@pytest.mark.parametrize("id_", ["C/1", "a b", "x/../y", "%2F", "é"])
def test_ids_cannot_pretend_to_be_others(id_: str) -> None:
    """A slash in an id is no border, and what names a reader can be written in a file."""
    assert channel_reader("slack", "T1", id_).count("/") == 2
    assert checked([channel_reader("slack", "T1", id_)]) == (channel_reader("slack", "T1", id_),)
    assert channel_reader("slack", "T1", "C/1") != channel_reader("slack", "T1/C", "1")
    assert person_reader(Person("slack", "T1", id_)) != channel_reader("slack", "T1", id_)


def test_readers_are_sorted_and_stand_once() -> None:
    assert checked([" everyone", "channel:slack/T/C", "everyone"]) == ("channel:slack/T/C", "everyone")
    assert checked(["channel:telegram//-100", "person:console//root"])


@pytest.mark.parametrize("names", [[], ["all"], ["channel:slack/C1"], ["everyone", ""], ["person:slack/T/U V"]])
def test_a_name_that_is_none_is_refused(names: list[str]) -> None:
    """Nothing falls open: whoever mistypes a reader is told the forms."""
    with pytest.raises(ConfigurationError, match="channel:slack/T012/C345"):
        checked(names)


def test_a_new_file_is_for_the_readers_of_its_neighbours() -> None:
    """Those beside it, then those in the nearest folder above, then all below the root; none of these: everyone."""
    hr, all_ = ("person:slack/T/U",), (EVERYONE,)
    held = {P("/t"): {all_}, P("/t/hr"): {hr}, P("/t/hr/pay/old"): {hr}}
    assert inherited(P("/t/new.md"), P("/t"), held) == all_
    assert inherited(P("/t/hr/new.md"), P("/t"), held) == hr
    assert inherited(P("/t/hr/pay/new.md"), P("/t"), held) == hr
    assert inherited(P("/t/hr/pay/new.md"), P("/t/hr/pay"), held) == hr
    assert inherited(P("/other/new.md"), P("/other"), held) == all_


def test_where_neighbours_differ_nothing_is_guessed() -> None:
    held = {P("/t/a"): {(EVERYONE,)}, P("/t/b"): {("person:slack/T/U",)}}
    assert inherited(P("/t/new.md"), P("/t"), held) is None
    assert inherited(P("/t/a/new.md"), P("/t"), held) == (EVERYONE,)
