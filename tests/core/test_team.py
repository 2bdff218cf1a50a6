"""What teammates' use of documents says, and to whom."""

from __future__ import annotations

import numpy as np
import pytest

from core.domain import EVERYONE
from core.people.interests import DocumentTally
from core.people.team import Contribution, Team

OPEN, BENS = (EVERYONE,), ("person:t/w/ben",)
ALL = frozenset({EVERYONE})


def team(**used: dict[str, DocumentTally]) -> Team:
    return Team({user: Contribution(tallies, ALL, shares=True) for user, tallies in used.items()})


def test_use_counts_against_looks() -> None:
    """Of two documents that were of use as often, the one that stood lower, and was looked at less, is the better."""
    known = team(
        ann={"/high": DocumentTally(3.0, 12.0), "/low": DocumentTally(3.0, 6.0), "/idle": DocumentTally(0.0, 12.0)}
    )
    high, low, idle = known.prior([("/high", OPEN), ("/low", OPEN), ("/idle", OPEN)], "ben")
    assert low > high > idle


def test_ones_own_use_is_not_the_teams() -> None:
    """What a person did themselves is not in what their team says to them."""
    known = team(
        ann={"/a": DocumentTally(5.0, 5.0)}, ben={"/b": DocumentTally(5.0, 5.0), "/a": DocumentTally(0.0, 5.0)}
    )
    assert known.prior([("/a", OPEN), ("/b", OPEN)], "eve")[0] != known.prior([("/a", OPEN), ("/b", OPEN)], "ann")[0]
    alone = team(ann={"/a": DocumentTally(5.0, 5.0)})
    assert not alone.prior([("/a", OPEN), ("/b", OPEN)], "ann").any()


def test_only_who_may_see_a_document_says_something_of_it() -> None:
    """A document that was closed to somebody loses what they counted, in the prior and in shared taste."""
    known = team(ann={"/a": DocumentTally(5.0, 5.0), "/b": DocumentTally(1.0, 5.0)})
    assert known.prior([("/a", OPEN), ("/b", OPEN)], "eve")[0] > 0
    assert not known.prior([("/a", BENS), ("/b", BENS)], "eve").any()
    assert not known.shared_taste([("/a", BENS)], "eve", {"/b": 1.0}).any()


def test_nobody_knows_nothing() -> None:
    """A team without use leaves everything as it is."""
    documents = [("/a", OPEN), ("/b", OPEN)]
    assert not Team({}).prior(documents, "eve").any()
    assert not team(ann={"/a": DocumentTally(0.0, 5.0)}).prior(documents, "eve").any()
    assert not Team({}).shared_taste(documents, "eve", {"/a": 1.0}).any()


def test_similar_teammates_say_what_one_may_want() -> None:
    """What those use who use the same is likelier than what the others use."""
    known = team(
        ann={"/x": DocumentTally(1.0), "/mine": DocumentTally(1.0)},
        ben={"/x": DocumentTally(1.0), "/mine": DocumentTally(1.0)},
        eve={"/y": DocumentTally(1.0), "/other": DocumentTally(1.0)},
        joe={"/y": DocumentTally(1.0), "/other": DocumentTally(1.0)},
    )
    mine, other, unknown = known.shared_taste(
        [("/mine", OPEN), ("/other", OPEN), ("/unknown", OPEN)], "sue", {"/x": 1.0}
    )
    assert mine > 0
    assert other == unknown == 0


def test_one_teammate_alone_is_not_told_of() -> None:
    """What fewer than two teammates used says nothing, so that nobody's visits can be read from what is ranked."""
    used = {"/x": DocumentTally(1.0), "/mine": DocumentTally(1.0)}
    documents = [("/mine", OPEN), ("/other", OPEN)]
    others = {f"other{number}": {"/x": DocumentTally(1.0), "/other": DocumentTally(1.0)} for number in range(3)}
    assert team(**others, ann=used).shared_taste(documents, "sue", {"/x": 1.0})[0] == 0
    assert team(**others, ann=used, ben=used).shared_taste(documents, "sue", {"/x": 1.0})[0] != 0
    assert team(**others, ann=used, sue=used).shared_taste(documents, "sue", {"/x": 1.0})[0] == 0


def test_no_other_document_has_a_part() -> None:
    """What teammates do with a document that is neither ranked nor the person's own changes nothing."""
    used = {"/x": DocumentTally(1.0), "/mine": DocumentTally(1.0)}
    secret = {**used, "/secret": DocumentTally(9.0)}
    asked = [("/mine", OPEN), ("/x", OPEN)], "sue", {"/x": 2.0}
    plain, beside = team(ann=used, ben=used), team(ann=secret, ben=secret)
    assert np.array_equal(plain.shared_taste(*asked), beside.shared_taste(*asked))


def test_what_only_follows_from_another_document_is_not_counted_twice() -> None:
    """Of two documents used with what one used, the one whose users all used the other, too, gains less."""
    pair = {"/x": DocumentTally(1.0), "/hub": DocumentTally(1.0)}
    tail = {"/hub": DocumentTally(1.0), "/tail": DocumentTally(1.0)}
    direct = {"/x": DocumentTally(1.0), "/direct": DocumentTally(1.0)}
    known = team(
        **{f"pair{n}": pair for n in range(20)},
        **{f"tail{n}": tail for n in range(20)},
        both={**pair, **tail},
        two={**pair, **tail},
        **{f"direct{n}": direct for n in range(20)},
    )
    tailed, directly = known.shared_taste([("/tail", OPEN), ("/direct", OPEN), ("/hub", OPEN)], "sue", {"/x": 1.0})[:2]
    assert directly > 3 * tailed


def test_taste_is_shared_only_among_those_who_share() -> None:
    """Who does not share neither gives nor gets."""
    silent = {"/x": DocumentTally(1.0), "/mine": DocumentTally(1.0)}
    known = Team(
        {
            "ann": Contribution(silent, ALL, shares=False),
            "ben": Contribution({"/z": DocumentTally(1.0)}, ALL, shares=True),
        }
    )
    assert not known.shared_taste([("/mine", OPEN)], "sue", {"/x": 1.0}).any()
    assert not team(ann=silent).shared_taste([("/mine", OPEN)], "sue", {}).any()


@pytest.mark.parametrize("count", [0, 1, 50])
def test_one_number_a_document(count: int) -> None:
    """Whatever is asked for, each document gets one finite number."""
    documents = [(f"/{number}", OPEN) for number in range(count)]
    known = team(ann={f"/{number}": DocumentTally(float(number), 50.0) for number in range(50)})
    for values in (known.prior(documents, "eve"), known.shared_taste(documents, "eve", {"/3": 2.0})):
        assert values.shape == (count,)
        assert np.isfinite(values).all()
