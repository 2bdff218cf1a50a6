"""What Telegram is sent: text and entities that it accepts, whatever the Markdown."""

from __future__ import annotations

import dataclasses
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bots import texts
from bots.on_telegram.pages import _EMPTY, ENTITIES, TEXT_UNITS, Entity, EntityStyle, MessagePage, Run, pages, units
from bots.on_telegram.render import answer_pages, telegram
from bots.replies import Final
from core.domain import Source
from tests.bots.fake_engine import HANDBOOK
from tests.doubles import telegram_rules as rules

WORDS = st.text(st.characters(exclude_categories=()), max_size=30)
SYNTAX = st.sampled_from(
    ["**", "*", "_", "~~", "`", "``", "```", "```py\n", "\n", "\n\n", "> ", "> > ", "- ", "  - ", "1. ", "# ", "## ",
     "[", "]", "](https://a.b)", "](tg://user?id=1)", "![", "| a | b |\n|---|---|\n", "| ", "---\n", "<b>", "&#x202E;",
     "&amp;", "@ann ", "😀", "👩\u200d👩\u200d👧", "e\u0301", "\u200b", "\\", "    ", "x" * 50, "word " * 40,
     "**b** " * 60, "😀" * 300, "a\n" * 200]
)  # fmt: skip
MARKDOWN = st.lists(st.one_of(SYNTAX, WORDS), max_size=60).map("".join)


def covered(page: MessagePage, entity: Entity) -> str:
    return rules.part(page.text, {"offset": entity.offset, "length": entity.length})


def parts(page: MessagePage, kind: str) -> list[str]:
    return [covered(page, entity) for entity in page.entities if entity.kind == kind]


def check(page: MessagePage) -> None:
    """Fail as the strict server would refuse it."""
    entities = []
    for entity in page.entities:
        fields = {"type": entity.kind, "offset": entity.offset, "length": entity.length}
        entities.append(fields | ({"url": entity.url} if entity.url else {}))
    rules.check_text(page.text, entities)
    assert page.text == page.text.rstrip()


@given(MARKDOWN)
@settings(max_examples=600, deadline=None)
def test_no_markdown_can_be_refused(markdown: str):
    """Whatever the Markdown, every message keeps the rules of Telegram: lengths, bounds, nesting, nothing empty."""
    for page in telegram(markdown):
        check(page)


@given(MARKDOWN, st.integers(20, 300), st.integers(1, 10))
@settings(max_examples=300, deadline=None)
def test_small_messages_lose_nothing(markdown: str, limit: int, entities: int):
    """However small messages are, together they have every character that can be seen, in order, within the limits."""
    whole = pages(runs := [Run(markdown.replace("\ud800", ""), (EntityStyle("bold"),))])
    cut = pages(runs, limit, entities)
    assert all(units(page.text) <= limit and len(page.entities) <= entities for page in cut)
    if all(units(cluster) < limit // 2 for cluster in re.split(r"(?<=[a-z \n])", markdown)):
        joined = [_EMPTY.sub("", "".join(page.text for page in each)) for each in (cut, whole)]
        assert joined[0] == joined[1]


@given(st.text(st.sampled_from("ab 😀\n"), min_size=1), st.integers(30, 80))
def test_no_surrogate_is_cut(text: str, limit: int):
    """A character of two UTF-16 units is never cut in half, so that every message can be encoded."""
    for page in pages([Run(text, (EntityStyle("pre"),))], limit):
        assert page.text.encode("utf-16-le").decode("utf-16-le") == page.text
        for entity in page.entities:
            covered(page, entity)


def test_styles_become_entities():
    """Bold, italics, struck, code and links are entities on plain text."""
    [page] = telegram("**b** *i* ~~s~~ `c` [l](https://x.y) ***both***")
    assert page.text == "b i s c l both"
    assert [(e.kind, covered(page, e)) for e in page.entities if covered(page, e) != "both"] == [
        ("bold", "b"),
        ("italic", "i"),
        ("strikethrough", "s"),
        ("code", "c"),
        ("text_link", "l"),
    ]
    assert sorted(e.kind for e in page.entities if covered(page, e) == "both") == ["bold", "italic"]


def test_code_stands_in_no_style():
    """Code in bold text is code, and the bold text goes on behind it."""
    [page] = telegram("**a `c` b**")
    assert parts(page, "code") == ["c"]
    assert parts(page, "bold") == ["a", "b"]


def test_fence_keeps_its_language_and_its_indentation():
    """A fence is preformatted with its language, as it was written."""
    [page] = telegram("```python\n    x = 1\n\n    y = 2\n```")
    assert page.text == "    x = 1\n\n    y = 2"
    assert page.entities == (Entity("pre", 0, len(page.text), language="python"),)


def test_long_fence_is_a_fence_in_every_message():
    """A fence over the limit is cut between lines, and each part is a fence in the same language."""
    code = "\n".join(f"line_{n} = {n}" for n in range(600))
    shown = telegram(f"Before.\n\n```python\n{code}\n```\n\nAfter.")
    assert len(shown) > 2
    fences = [(covered(page, e), e.language) for page in shown for e in page.entities]
    assert {language for _, language in fences} == {"python"}
    assert "\n".join(text for text, _ in fences) == code
    assert shown[-1].text.endswith("After.")


def test_short_code_moves_rather_than_being_cut():
    """A short fence that would lie over the edge of a message stands whole in the next."""
    fence = "\n".join(f"step {n}" for n in range(30))
    shown = telegram("word " * 800 + f"\n\n```\n{fence}\n```")
    assert [text for page in shown for text in parts(page, "pre")] == [fence]


def test_link_is_not_cut():
    """A link that would lie over the edge of a message stands whole in the next."""
    shown = telegram("word " * 815 + "[the whole text of a link](https://x.y)")
    assert [text for page in shown for text in parts(page, "text_link")] == ["the whole text of a link"]


def test_cuts_fall_between_paragraphs():
    """Where a paragraph ends in the later half of what fits, the message ends there."""
    shown = telegram("\n\n".join(f"{n} {'word ' * 150}.".strip() for n in range(12)))
    assert len(shown) > 2
    assert all(page.text.endswith(".") and page.text[0].isdigit() for page in shown)


def test_more_than_a_hundred_entities_go_on_in_the_next_message():
    """No entity is lost to Telegram's limit of a hundred."""
    shown = telegram(" ".join(f"**b{n}**" for n in range(250)))
    assert [len(page.entities) for page in shown] == [ENTITIES, ENTITIES, 50]
    assert [text for page in shown for text in parts(page, "bold")] == [f"b{n}" for n in range(250)]


def test_lists_are_readable():
    """Nested lists keep their signs, their numbers and their depth."""
    [page] = telegram("- one\n  - two\n    - three\n- four\n\n7. seven\n8. eight")
    assert page.text.replace("\N{NO-BREAK SPACE}", "_").splitlines() == [
        "• one",
        "___◦ two",
        "______▪ three",
        "• four",
        "",
        "7. seven",
        "8. eight",
    ]


def test_narrow_table_has_columns():
    """A table that a phone has room for stands in columns."""
    [page] = telegram("| Level | Days |\n|---|---|\n| one | 25 |\n| **two** | 30 |")
    assert parts(page, "pre") == ["Level  Days\n─────  ────\none    25\ntwo    30"]


def test_wide_table_becomes_entries():
    """A table that is too wide becomes an entry a row, with the headers as labels and styles kept."""
    [page] = telegram(
        "| Team | What they look after | Lead |\n|---|---|---|\n| Ops | Servers and `backups` of all | Ann |\n"
    )
    assert page.text == "Ops\n• What they look after: Servers and backups of all\n• Lead: Ann"
    assert parts(page, "bold") == ["Ops"]
    assert parts(page, "code") == ["backups"]


def test_quote_holds_its_styles():
    """A quote is one block with its styles in it; a quote in a quote is a part of it."""
    [page] = telegram("> said **loud**\n>\n> > and again")
    assert parts(page, "blockquote") == ["said loud\n\nand again"]
    assert parts(page, "bold") == ["loud"]


@pytest.mark.parametrize("markdown", ["", " \n ", "\u200b", "[](https://x.y)", "```\n\n```", "&#x200B;"])
def test_nothing_is_nothing(markdown: str):
    """Markdown that shows nothing makes no message."""
    assert telegram(markdown) == []


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("call @everyone now", "call @\N{WORD JOINER}everyone now"),
        ("mail ann@example.org", "mail ann@example.org"),
        ("<b>x</b>", "<b>x</b>"),
        ("a&#x202E;b", "ab"),
    ],
)
def test_text_is_data(markdown: str, text: str):
    """Text of documents mentions nobody, opens no markup and turns no direction."""
    [page] = telegram(markdown)
    assert page == MessagePage(text)


def test_an_address_that_opens_no_page_is_code():
    """It is shown, and Telegram makes no link of it, which would open somebody's profile or start a bot."""
    [page] = telegram("[Ann](tg://user?id=7)")
    assert (page.text, parts(page, "code")) == ("Ann (tg://user?id=7)", ["tg://user?id=7"])


def test_answer_ends_with_its_sources():
    """Sources are numbered, with the file's name and page and not the operator's folders."""
    slides = dataclasses.replace(HANDBOOK, source="/srv/private/deck.pptx", page=3, headings=())
    [page] = answer_pages(Final("Yes.", (Source(1, HANDBOOK), Source(2, slides)), note=texts.LEFT_OUT))
    assert page.text.splitlines()[-3:] == [
        "Sources",
        "1. Handbook › Leave › Parents — handbook.md",
        "2. Handbook — deck.pptx, slide 3",
    ]
    assert parts(page, "bold") == ["Sources"]
    assert len(parts(page, "italic")) == 1


def test_nothing_found_names_the_nearest():
    """Where nothing was found, the nearest sections stand below."""
    [page] = answer_pages(Final("Nothing.", (), (Source(1, HANDBOOK),)))
    assert page.text.endswith("The closest I could find:\n1. Handbook › Leave › Parents — handbook.md")


def test_long_answer_is_bounded():
    """An answer that never ends is cut, and says so."""
    shown = telegram("word " * 20_000)
    assert len(shown) <= 11
    assert "too long to show" in shown[-1].text
    assert all(units(page.text) <= TEXT_UNITS for page in shown)
