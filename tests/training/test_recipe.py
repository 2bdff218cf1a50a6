"""Documents → a pool, and items → drafts: what is asked of which passages, and what is refused."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from core.answering.prompt import NOT_FOUND
from core.domain import Passage
from core.errors import DocumentError
from tests.fakes import HashingEmbedder
from tests.training.conftest import SAMPLE
from training.drafts import WEIGHTS, Draft, merged
from training.item_files import Item
from training.pool import read_documents, read_pool, without_shared, write_pool
from training.recipe import SHARES, Recipe
from training.word_search import WordSearch


def test_the_pool_has_the_passages_of_the_product(pool: dict[str, Passage]) -> None:
    """Headings, places and sources that begin at the folder; the sample's items name them."""
    assert {passage.source for passage in pool.values()} == {"documents/workshop.md", "documents/working_hours.md"}
    (tools,) = [passage for passage in pool.values() if passage.headings == ("Broken tools",)]
    assert tools.heading_path == "The workshop › Broken tools"
    assert (tools.ordinal, tools.total) == (1, 3)


def test_an_id_stays_while_its_passage_does(tmp_path: Path) -> None:
    """A change of one document leaves the ids of the others, wherever the folder stands."""
    for place in ("here", "there"):
        folder = tmp_path / place / "documents"
        folder.mkdir(parents=True)
        for file in (SAMPLE / "documents").glob("*.md"):
            text = file.read_text(encoding="utf-8")
            changed = place == "there" and file.stem == "workshop"
            (folder / file.name).write_text(text.replace("80 euros", "90 euros") if changed else text, encoding="utf-8")
    before, after = (read_documents([tmp_path / place / "documents"], HashingEmbedder()) for place in ("here", "there"))
    same = {passage.id for passage in before.passages} & {passage.id for passage in after.passages}
    assert len(same) == len(before.passages) - 1
    assert all(passage.id in same for passage in after.passages if passage.source.endswith("working_hours.md"))


def test_a_file_that_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    """The others are read, and it is said which one and why."""
    (tmp_path / "good.md").write_text("# Good\n\nIt can be read.\n", encoding="utf-8")
    (tmp_path / "bad.pdf").write_bytes(b"no pdf")
    read = read_documents([tmp_path], HashingEmbedder())
    assert [passage.text for passage in read.passages] == ["It can be read."]
    assert [Path(refusal.path).name for refusal in read.refused] == ["bad.pdf"]


def test_folders_that_cannot_be_told_apart_are_refused(tmp_path: Path) -> None:
    """Two of one name, and one that is not there."""
    for parent in "ab":
        (tmp_path / parent / "docs").mkdir(parents=True)
    with pytest.raises(DocumentError, match="Two folders are called docs"):
        read_documents([tmp_path / "a" / "docs", tmp_path / "b" / "docs"], HashingEmbedder())
    with pytest.raises(DocumentError, match="does not exist"):
        read_documents([tmp_path / "c"], HashingEmbedder())


def test_a_pool_is_read_as_it_was_written(pool: dict[str, Passage], tmp_path: Path) -> None:
    """And a file that is none is refused in a sentence."""
    write_pool(pool.values(), tmp_path / "pool.jsonl")
    assert read_pool(tmp_path / "pool.jsonl") == pool
    (tmp_path / "other.jsonl").write_text('{"id": 1}\n', encoding="utf-8")
    for name, complaint in (("other.jsonl", "is not a pool"), ("none.jsonl", "cannot be read")):
        with pytest.raises(DocumentError, match=complaint):
            read_pool(tmp_path / name)


def test_what_is_measured_is_not_trained_on(pool: dict[str, Passage]) -> None:
    """A passage goes when more than a fifth of it stands in a document that is held out, and only then."""
    passage = next(one for one in pool.values() if one.headings == ("Holidays",))
    words = passage.text.split()
    copy = replace(passage, text="Copied from elsewhere. " + " ".join(words[: len(words) // 2]))
    quoted = replace(passage, text=" ".join(words[:12]))
    assert passage not in without_shared(pool.values(), [copy])
    assert len(without_shared(pool.values(), [copy])) == len(pool) - 1
    assert without_shared(pool.values(), [quoted]) == list(pool.values())


def test_search_brings_what_shares_words(pool: dict[str, Passage]) -> None:
    """The rarer the shared words, the nearer; what holds the answer misleads nobody."""
    search = WordSearch(tuple(pool.values()))
    assert search.nearest("who repairs a broken lathe", 1)[0].headings == ("Broken tools",)
    assert search.nearest("zeppelin", 5) == []
    office = "documents/working_hours.md"
    assert search.misleading("is the card at the front desk", "front desk", office) == []
    (parts,) = search.misleading("is the card at the front desk", "in the safe", office)
    assert parts.headings == ("Ordering parts",)


def test_every_kind_has_a_weight_and_every_share_a_kind(drafts: list[Draft]) -> None:
    """The two tables of the recipe and what it makes belong together."""
    assert {draft.kind for draft in drafts} <= set(WEIGHTS)
    assert set(SHARES) <= set(WEIGHTS)


def test_answers_are_shown_their_passage_and_refusals_are_not(drafts: list[Draft], items: list[Item]) -> None:
    """Every question with an answer is answered; what search brings for it from elsewhere is refused."""
    asked = {question.q: question for item in items for question in item.qa}
    kinds = Counter(draft.kind.partition(":")[0] for draft in drafts)
    answers = {draft.question for draft in drafts if draft.kind.startswith("answer")}
    assert answers == set(asked)
    assert kinds["no"] > 0.4 * len(asked)
    for draft in drafts:
        if draft.kind == "no: search" and draft.question in asked:
            assert asked[draft.question].a not in draft.said
            assert len({passage.source for passage in draft.passages}) == 1
    sources = {draft.question: draft.passages[0].source for draft in drafts if draft.kind == "answer, one of them"}
    for draft in drafts:
        if draft.kind == "no: search" and draft.question in sources:
            assert draft.passages[0].source != sources[draft.question]


def test_near_misses_are_refused_on_the_passage_that_they_miss(drafts: list[Draft], items: list[Item]) -> None:
    """Each of them, once, with its own passages; questions of number count half."""
    misses = [question for item in items for question in item.no]
    made = [draft for draft in drafts if draft.kind.startswith("no: near miss")]
    assert [draft.question for draft in made] == misses
    assert all(draft.verdict is False and not draft.said for draft in made)
    assert {draft.question.startswith("how ") for draft in made if draft.kind.endswith("how many")} == {True}


def test_without_search_only_near_misses_are_refused(pool: dict[str, Passage], items: list[Item]) -> None:
    """A team may not trust that what search brings does not answer a question, too."""
    recipe = Recipe(pool, seed=0, search=False)
    refused = {draft.kind for item in items for draft in recipe.drafts(item) if draft.verdict is False}
    assert refused == {"no: near miss", "no: near miss, how many", "no: a neighbour"}
    assert not any(draft.said == NOT_FOUND for item in items for draft in recipe.drafts(item))


def test_the_same_seed_makes_the_same_drafts(pool: dict[str, Passage], items: list[Item], drafts: list[Draft]) -> None:
    """Another one draws others."""

    def made(seed: int) -> list[Draft]:
        recipe = Recipe(pool, seed)
        return [draft for item in items for draft in recipe.drafts(item)]

    assert made(0) == drafts != made(1)


def test_items_about_unknown_passages_make_nothing(pool: dict[str, Passage]) -> None:
    """Their documents changed or went."""
    item = Item.model_validate({"id": "gone", "no": ["who?"]})
    assert list(Recipe(pool, seed=0).drafts(item)) == []


def test_neighbours_are_read_in_one_piece(pool: dict[str, Passage]) -> None:
    """In the order of the document, with their headings; what does not touch stays apart."""
    alarm, tools, parts = (one for one in pool.values() if one.source.endswith("workshop.md"))
    (both,) = merged((parts, tools))
    assert both.text.index("red label") < both.text.index("Order parts")
    assert "#### The workshop › Ordering parts" in both.text
    assert merged((parts, alarm)) == (alarm, parts)


def test_a_conversation_is_learned_message_by_message(drafts: list[Draft]) -> None:
    """Each follow-up comes with all that was said before it."""
    (item,) = [[draft for draft in drafts if draft.kind == "follow-up" and len(draft.turns) == n] for n in (2,)]
    assert [turn.question for turn in item[0].turns] == ["where do broken tools go?", "and who looks at them?"]
    assert item[0].question == "what if I need a new one for 600 euros"
