"""The form of records."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain import Person
from core.storage.stored import RecordForm, UnreadableRecordError, may_be_of, with_unknown

ANNA, BEN = Person("slack", "T1", "anna"), Person("slack", "T1", "ben")
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@dataclass(frozen=True, slots=True)
class Note:
    text: str
    of: Person = ANNA


FORM = RecordForm(Note)


@given(st.binary() | st.text() | JSON.map(json.dumps))
def test_whatever_is_stored_is_read_or_said_to_be_unreadable(stored: bytes | str) -> None:
    """One error, whatever is wrong with it."""
    try:
        assert isinstance(FORM.validate_json(stored), Note)
    except UnreadableRecordError as error:
        assert str(error)  # noqa: PT017 - either is right


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6), JSON, max_size=4))
def test_unknown_fields_are_no_matter_and_stay(more: dict[str, object]) -> None:
    """Read as if they were not there, and written with what takes the record's place."""
    unknown = {name: value for name, value in more.items() if name not in {"text", "of", "version"}}
    stored = json.dumps(
        {"text": "a", "version": 1, **unknown, "of": {"platform": "x", "workspace": "", "user": "1", **unknown}}
    )
    assert FORM.validate_json(stored).text == "a"
    written = json.loads(FORM.dump_json(Note("b", FORM.validate_json(stored).of), stored.encode()))
    assert {name: written[name] for name in unknown} == unknown
    assert (written["text"], written["version"]) == ("b", 1)
    known = {"platform", "workspace", "user"}
    assert {name: written["of"][name] for name in unknown if name not in known} == {
        name: value for name, value in unknown.items() if name not in known
    }


@pytest.mark.parametrize("version", [2, 99, 0, -1, True, 1.5, "1", None, [1]])
def test_another_version_is_left_alone(version: object) -> None:
    """A higher one, and one that is none."""
    with pytest.raises(UnreadableRecordError):
        FORM.validate_json(json.dumps({"text": "a", "version": version}))
    if version == 2 and version is not True:
        assert RecordForm(Note, version=2).validate_json(b'{"text": "a"}') == Note("a")


def test_objects_in_lists_keep_what_is_theirs() -> None:
    """Also where others went, or changed places."""
    old = {"all": [{"a": 1, "new": 1}, {"a": 2, "new": 2}, {"a": 3}]}
    assert with_unknown({"all": [{"a": 3}, {"a": 2}, {"a": 4}]}, old) == {
        "all": [{"a": 3}, {"a": 2, "new": 2}, {"a": 4}]
    }


@pytest.mark.parametrize(
    ("stored", "anna", "ben"),
    [
        (b'{"person":{"platform":"slack","workspace":"T1","user":"ben"},"question":"cut o', False, True),
        (b'{"version":9,"author": {"user":"ben","workspace":"T1","platform":"slack"}}', False, True),
        (
            b'{"question":"\\"person\\":{\\"platform\\":\\"slack\\"}","person":{"platform":"slack","workspace":"T1","user":"anna"}}',
            True,
            False,
        ),
        (b'{"person":{"platform":"slack","wor', True, True),
        (b'{"person":{"platform":"slack"}}', True, True),
        (b"\xff\xfe", True, True),
        (b"", True, True),
    ],
)
def test_whose_an_unreadable_record_is(stored: bytes, anna: bool, ben: bool) -> None:  # noqa: FBT001 - a table
    """Of whom it names; of anybody where it names nobody."""
    assert (may_be_of(ANNA, stored), may_be_of(BEN, stored)) == (anna, ben)
