from __future__ import annotations

import re
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from core.documents.blocks import Block, BlockKind, ParsedDocument, fenced, pipe_table
from core.documents.parsing import parse
from core.documents.splitting import embedding_text, split
from core.domain import Passage
from tests.core.test_documents import HANDBOOK, parsed

BUDGET = 50

WORD = st.text("abcdefgäß大.:!-*#`|", min_size=1, max_size=12)
LINES = st.lists(st.lists(WORD, min_size=1, max_size=30).map(" ".join), min_size=1, max_size=8).map("\n".join)
ROWS = st.lists(st.lists(WORD, min_size=2, max_size=3), min_size=1, max_size=20)
HEADINGS = st.lists(st.sampled_from(["One", "Two", "Three " * 20, "Four"]), max_size=3).map(tuple)


def count(text: str) -> int:
    return len(text.split())


@st.composite
def blocks(draw: st.DrawFn) -> Block:
    kind = draw(st.sampled_from(list(BlockKind)))
    headings = draw(HEADINGS)
    texts = {
        BlockKind.TABLE: ROWS.map(pipe_table),
        BlockKind.CODE: LINES.map(fenced),
        BlockKind.LIST: st.lists(LINES, min_size=1, max_size=8).map(
            lambda items: "\n".join(f"- {item}" for item in items)
        ),
        BlockKind.HEADING: st.just(headings[-1] if headings else "Title"),
    }
    return Block(kind, draw(texts.get(kind, LINES)), headings, draw(st.integers(1, 99)))


def passages(document: ParsedDocument, *, budget: int = BUDGET) -> list[Passage]:
    return split(document, source="/a.md", version="1", budget=budget, count_tokens=count)


@given(
    st.builds(ParsedDocument, st.sampled_from(["Title", "Long title " * 30]), st.lists(blocks(), max_size=8).map(tuple))
)
def test_no_word_is_lost_and_no_passage_too_long(document: ParsedDocument) -> None:
    """Whatever a document holds: every word is in a passage, none is empty or over the budget, ids are unique."""
    made = passages(document)
    assert all(passage.text.strip() for passage in made)
    assert all(count(embedding_text(passage)) <= BUDGET for passage in made)
    assert len({passage.id for passage in made}) == len(made)
    assert [(passage.ordinal, passage.total) for passage in made] == [(at, len(made)) for at in range(len(made))]
    kept = Counter(word for passage in made for word in passage.text.split())
    kept.update({"|": 10_000, "---": 10_000})  # no words, but the marks of a table: one too wide goes without
    kept.update({word: 1 for passage in made for word in passage.heading_path.split()})
    body = [block.text for block in document.blocks if block.kind is not BlockKind.HEADING]
    titles = {word for block in document.blocks for heading in block.headings for word in heading.split()}
    assert Counter(word for text in body for word in text.split()) <= kept
    assert titles <= set(kept)


@given(LINES, st.sampled_from([BlockKind.PARAGRAPH, BlockKind.LIST, BlockKind.QUOTE]))
def test_running_text_keeps_its_order(text: str, kind: BlockKind) -> None:
    """Passages of one block, read one after the other, are its text."""
    made = passages(ParsedDocument("T", (Block(kind, text, (), 1),)))
    assert "".join("".join(passage.text for passage in made).split()) == "".join(text.split())


def test_words_longer_than_the_budget_are_cut_between_characters() -> None:
    """A text without spaces, as of Chinese or base64, is cut all the same."""
    made = split(
        ParsedDocument("T", (Block(BlockKind.PARAGRAPH, "大" * 500, (), 1),)),
        source="/a",
        version="1",
        budget=60,
        count_tokens=lambda text: len("".join(text.split())),
    )
    assert "".join(passage.text for passage in made) == "大" * 500
    assert len(made) == 9


def test_sections_stay_apart_and_keep_their_headings() -> None:
    """A passage holds one section, and knows the path to it."""
    text = "# T\n\n## One\n\n" + "alpha " * 20 + "\n\n### Deep\n\n" + "beta " * 20 + "\n\n## Two\n\n" + "gamma " * 20
    assert [(passage.headings, passage.text.split()[0], passage.line) for passage in passages(parsed(text))] == [
        (("One",), "alpha", 5),
        (("One", "Deep"), "beta", 9),
        (("Two",), "gamma", 13),
    ]


def test_tiny_sections_merge_with_their_headings_as_text() -> None:
    """Sections of a few words share a passage; no heading is lost."""
    (passage,) = passages(parsed("# T\n\n## A\n\none\n\n### A1\n\ntwo\n\n## B\n\nthree"))
    assert passage.headings == ()
    assert passage.text == "## A\n\none\n\n### A1\n\ntwo\n\n## B\n\nthree"


def test_a_heading_without_a_section_is_text() -> None:
    """Words that stand in a heading alone are found too."""
    assert [passage.text for passage in passages(parsed("# Only a title"))] == ["Only a title"]
    assert "Empty" in passages(parsed("# T\n\nwords\n\n## Empty"))[-1].text


def test_tables_and_code_are_whole_or_framed() -> None:
    """A table that fits is not cut; each part of a longer one has the header, each part of code its fences."""
    small = pipe_table([["name", "room"], ["Ann", "1"]])
    assert [p.text for p in passages(ParsedDocument("T", (Block(BlockKind.TABLE, small, (), 1),)))] == [small]
    large = pipe_table([["name", "room"], *([f"n{row}", str(row)] for row in range(40))])
    made = passages(ParsedDocument("T", (Block(BlockKind.TABLE, large, (), 1),)))
    assert len(made) > 1
    assert all(passage.text.startswith("| name | room |\n| --- | --- |\n| n") for passage in made)
    assert made[1].line == 3 + int(re.findall(r"\| n(\d+) ", made[1].text)[0])
    code = fenced("\n".join(f"line {number} of code" for number in range(40)), "py")
    made = passages(ParsedDocument("T", (Block(BlockKind.CODE, code, (), 1),)))
    assert all(passage.text.startswith("```py\nline ") and passage.text.endswith("code\n```") for passage in made)


def test_a_row_too_wide_for_a_passage_keeps_each_value_with_its_header() -> None:
    """Where header and row do not fit together, no value stands below another one's header."""
    rows = [["Name", *(f"head{n}" for n in range(60))], *([who, *(f"{who}{n}" for n in range(60))] for who in "ab")]
    made = passages(ParsedDocument("T", (Block(BlockKind.TABLE, "Prices\n\n" + pipe_table(rows), (), 1),)))
    text = "\n".join(passage.text for passage in made)
    assert all(f"- head{n}: {who}{n}\n" in f"{text}\n" for n in range(60) for who in "ab")
    assert {passage.text.split("\n")[0] for passage in made if "\n- " in passage.text} == {"- Name: a", "- Name: b"}
    assert "Prices" in text
    assert "| head59 |" in text


def test_a_caption_stands_with_every_piece_of_its_table() -> None:
    """What a table is about is said with its header, in each passage."""
    large = "Prices in May\n\n" + pipe_table([["name", "room"], *([f"n{row}", str(row)] for row in range(40))])
    made = passages(ParsedDocument("T", (Block(BlockKind.TABLE, large, (), 1),)))
    assert len(made) > 1
    assert all(p.text.startswith("Prices in May\n\n| name | room |\n| --- | --- |\n| n") for p in made)


def test_a_list_stays_whole_or_is_cut_between_items() -> None:
    """A list that fits stays in one passage; else no item is cut, and "as follows:" stays with the first."""
    items = "\n".join(f"- item {number} has five words" for number in range(6))
    made = passages(parsed("filler " * 30 + "\n\n" + items))
    assert [passage.text for passage in made] == [("filler " * 30).strip(), items]
    items = "\n".join(f"- item {number} has five words" for number in range(12))
    made = passages(parsed("filler " * 40 + "\n\nIt is as follows:\n\n" + items))
    assert made[1].text.startswith("It is as follows:\n\n- item 0")
    assert all(passage.text.split("\n")[-1].endswith("five words") for passage in made[1:])


def test_long_paragraphs_are_cut_between_sentences() -> None:
    """A reader is shown whole sentences."""
    made = passages(parsed(" ".join(f"Sentence {number} has exactly six words." for number in range(30))))
    assert all(passage.text.endswith("words.") and passage.text.startswith("Sentence") for passage in made)


def test_link_targets_are_not_embedded() -> None:
    """An address is kept in the text, for the answer, and left out of what is embedded."""
    (passage,) = passages(parsed("# T\n\nSee [the rules](https://a.b/c_(d)?e=f) and [leave](/leave)."))
    assert "https://a.b/c_(d)?e=f" in passage.text
    assert embedding_text(passage) == "T\n\nSee the rules and leave."


def test_unchanged_passages_keep_their_id() -> None:
    """Only what changed has a new id; the same words twice are two passages; another file's are others."""
    sections = [f"## S{number}\n\n" + f"word{number} " * 20 for number in range(5)]
    before = passages(parsed("\n\n".join(sections)))
    sections[2] = "## S2\n\n" + "changed " * 20
    after = passages(parsed("\n\n".join(["## New\n\n" + "new " * 20, *sections])))
    assert [passage.id for passage in before if passage.id not in {other.id for other in after}] == [before[2].id]
    twice = passages(parsed("## S\n\n" + "same " * 20 + "\n\n## X\n\n" + "x " * 20 + "\n\n## S\n\n" + "same " * 20))
    assert len({passage.id for passage in twice}) == 3
    other = split(parsed("\n\n".join(sections)), source="/b.md", version="1", budget=BUDGET, count_tokens=count)
    assert not {passage.id for passage in other} & {passage.id for passage in after}


def test_handbook_pages_split_well() -> None:
    """Real pages: every passage is in the budget, and few are scraps."""
    made = [
        passage
        for page in sorted(HANDBOOK.rglob("*.md"))
        for passage in split(
            parse(page.read_bytes(), page), source=page.name, version="1", budget=150, count_tokens=count
        )
    ]
    assert all(count(embedding_text(passage)) <= 150 for passage in made)
    assert sum(count(passage.text) < 10 for passage in made) < len(made) / 20
