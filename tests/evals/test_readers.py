"""The random walk of `evals.readers`, short: nobody is shown a word that is not for them, and the walk would see it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pytest

from core.adapters.index.shared_index import SharedIndex
from core.domain import Vector
from evals.readers_house import House, Words, words_in
from evals.readers_ledger import (
    ALL_READERS,
    EVERYONE,
    GUEST,
    WORKSPACE,
    Known,
    Ledger,
    Version,
    channel_name,
    person_name,
    together,
)
from evals.readers_walk import Walk

STEPS = 60


async def test_nobody_is_shown_a_word_that_is_not_for_them(tmp_path: Path) -> None:
    """People ask, teach and are stopped, files change, processes die: no word outside its readers is shown."""
    walk = Walk(House(tmp_path), seed=7)
    await walk.through(STEPS)
    assert walk.findings == []
    assert sum(walk.done.values()) == STEPS
    assert len(walk.done) > 10  # kinds of steps
    assert walk.inside > 50


async def test_the_walk_sees_an_index_that_forgets_the_readers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check above can fail: a filter that lets all through is found."""
    search, names = SharedIndex.search, {name for readers in ALL_READERS for name in readers}

    async def of_all(index: SharedIndex, text: str, vector: Vector, *, audience: Collection[str], limit: int):
        return await search(index, text, vector, audience=names | set(audience), limit=limit)

    monkeypatch.setattr(SharedIndex, "search", of_all)
    walk = Walk(House(tmp_path), seed=7)
    await walk.through(STEPS)
    assert walk.findings
    assert all(finding.words and finding.documents for finding in walk.findings)


def test_the_ledger_knows_the_rules() -> None:
    """In private one sees what one's channels may; a channel what all of it may; a guest nothing of the workspace's."""
    ledger = Ledger(members={"C1": {"ANN", GUEST}})
    for number, readers in enumerate([EVERYONE, WORKSPACE, channel_name("C1"), person_name("ANN"), channel_name("C2")]):
        ledger.documents[readers] = Known([Version(frozenset({f"zq{number}"}), (readers,))])
    assert ledger.visible(ledger.alone("ANN")) == {"zq0", "zq1", "zq2", "zq3"}
    assert ledger.visible(ledger.alone("BEN")) == {"zq0", "zq1"}
    assert ledger.visible(ledger.alone(GUEST)) == {"zq0", "zq2"}
    assert ledger.visible(together("C1")) == {"zq0", "zq1", "zq2"}
    ledger.documents[EVERYONE].becomes()
    assert ledger.visible(together("C2")) == {"zq1", "zq4"}


def test_each_document_has_words_of_its_own() -> None:
    """Found in whatever they stand in, and nowhere else."""
    words = Words()
    drawn = [words.new() for _ in range(20_000)]
    assert len(set(drawn)) == 20_000
    assert words_in([f"# {drawn[0].upper()}", {"a": f"/x/{drawn[1]}.md"}, "zebra quiz"]) == {drawn[0], drawn[1]}
