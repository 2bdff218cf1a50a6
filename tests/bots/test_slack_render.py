"""What answers look like in Slack: within its limits, with nothing lost, and with nothing in them that acts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bots.on_slack import limits
from bots.on_slack.limits import FALLBACK_CHARS, SECTION_CHARS
from bots.on_slack.markdown import MarkdownTable, Text
from bots.on_slack.mrkdwn import mrkdwn, sections
from bots.on_slack.render import Layout, chunk_of, fallback, pages
from bots.render import clean
from tests.doubles.slack_limits import live_tokens, message_complaints, view_complaints

HOSTILE = [
    "<!here>",
    "<!channel|all>",
    "<@U0123ABC>",
    "<#C0123ABC>",
    "<!subteam^S1|@team>",
    "@here",
    "@everyone",
    "<https://evil.example/?q=secret|click>",
    "[click](https://evil.example/?q=secret)",
    "![](https://evil.example/pixel.png)",
    "https://evil.example/a?b=<@U1>",
    "evil.example/steal",
    "```",
    "~~~",
    "````python",
    "`",
    "``",
    "| a | b |\n|---|---|\n| <@U1> | [x](https://evil.example) |\n",
    "|",
    "> quote",
    "- item\n  - item",
    "1. one",
    "# Head *ing*",
    "**bold** *it* ~~no~~",
    "&lt;!here&gt;",
    "&amp;",
    "\x1b[31m",
    "\u202e",
    "👩‍👩‍👧",
    "\n\n",
    "\n",
    "x" * 5000,
    "word " * 800,
    "| c |" * 30 + "\n",
]
MARKDOWN = st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=30)), max_size=25).map("".join)


def shown(blocks: list[dict]) -> str:
    return "".join(block["text"] for block in blocks if block["type"] == "markdown")


@settings(max_examples=150, deadline=None)
@given(MARKDOWN)
@example("# T\n\n" + "paragraph with `code` and words. " * 700)
@example("```python\n" + "line < 3\n" * 3000 + "```\n")
@example("|a|b|\n|---|---|\n" * 1 + "|x|y|\n" * 500)
def test_every_message_is_within_the_limits_and_names_nobody(markdown: str):
    """Whatever an answer holds, Slack takes its messages, and nothing in them is a mention."""
    for blocks in pages(markdown):
        assert message_complaints(blocks) == []


@settings(max_examples=150, deadline=None)
@given(MARKDOWN, st.lists(st.integers(1, 60), min_size=1, max_size=20))
def test_growing_by_pieces_shows_what_the_whole_shows(markdown: str, cuts: list[int]):
    """However the pieces fall, no half of a link or a mention gets out: the same text comes out as all at once."""
    whole, growing = Layout(live_links=False), Layout(live_links=False)
    at_once = [*whole.add(clean(markdown)), *whole.finish()]
    placed, rest, turn = [], clean(markdown), 0
    while rest:
        size = cuts[turn % len(cuts)]
        placed += growing.add(rest[:size])
        rest, turn = rest[size:], turn + 1
    placed += growing.finish()
    assert flat(placed) == flat(at_once)


def flat(placed: list) -> str:
    """Text and tables in order. Where a page ends may differ with the pieces."""
    said = "".join(
        each.segment.markdown if isinstance(each.segment, Text) else "\n".join(map(str, each.segment.rows))
        for each in placed
    )
    return re.sub(r"\s+", "", said) if len(said) < 4000 else ""


@settings(max_examples=150, deadline=None)
@given(MARKDOWN)
@example("evil.example/steal[click](https://evil.example/?q=secret)")
@example("`[click](https://evil.example/?q=secret)```")
@example("``a [click](https://evil.example/?q=secret) b`")
def test_a_stream_holds_no_address_that_slack_would_fetch(markdown: str):
    """In a stream, where previews cannot be turned off, every address stands in code."""
    layout = Layout(live_links=False)
    chunks = [chunk_of(each.segment) for each in [*layout.add(markdown), *layout.finish()]]
    assert live_tokens(chunks) == []
    streamed = "".join(chunk.get("text", "") for chunk in chunks)
    prose = re.sub(r"(?ms)^ {0,3}(`{3,}|~{3,}).*?(^ {0,3}\1[`~]*\s*$|\Z)", "", streamed)
    assert not re.search(r"\]\(\s*https?://evil", prose)


@settings(max_examples=100, deadline=None)
@given(MARKDOWN)
def test_mrkdwn_is_escaped_and_within_a_section(markdown: str):
    """Sections of modals and home tabs take any Markdown, and nothing in them is a mention."""
    view = {"type": "home", "blocks": sections(markdown, limit=20)}
    assert [fault for fault in view_complaints(view) if "names somebody" in fault] == []
    assert view_complaints(view) == []


@given(MARKDOWN)
@settings(max_examples=60, deadline=None)
def test_the_fallback_is_short_and_plain(markdown: str):
    """Notifications get words: never empty, never too long, naming nobody."""
    text = fallback(markdown)
    assert 0 < len(text) <= FALLBACK_CHARS
    assert live_tokens(text) == []


def test_nothing_of_a_long_answer_is_lost():
    """Over several messages every word of it stands once, in order."""
    said = " ".join(f"word{number}" for number in range(6000))
    told = pages(said)
    assert len(told) > 1
    assert "".join(shown(blocks) for blocks in told).split() == said.split()


def test_code_that_goes_over_a_page_is_code_on_both():
    """A code block that is cut is closed on the one page and opened again, in its language, on the next."""
    told = [shown(blocks) for blocks in pages("```python\n" + "print('hello')\n" * 1000 + "```\nAfter.")]
    assert len(told) > 1
    assert all(page.count("```") == 2 for page in told)
    assert all(page.lstrip().startswith("```python") for page in told)
    assert told[-1].endswith("After.")


def test_tables_become_table_blocks():
    """A table is a table block, with its alignment, in its place between the texts."""
    first, table, last = pages("Before\n\n| Day | Hours |\n|:---|---:|\n| Monday | **8** |\n\nAfter")[0]
    assert (first["text"].strip(), last["text"].strip()) == ("Before", "After")
    assert [[cell["text"] for cell in row] for row in table["rows"]] == [["Day", "Hours"], ["Monday", "8"]]
    assert [column["align"] for column in table["column_settings"]] == ["left", "right"]


def test_two_tables_stand_in_two_messages():
    """Slack takes one table a message."""
    told = pages("|a|\n|---|\n|1|\n\nBetween\n\n|b|\n|---|\n|2|\n")
    assert [[block["type"] for block in blocks].count("table") for blocks in told] == [1, 1]


def test_a_table_too_large_for_slack_is_code():
    """Beyond a hundred rows a table is shown in columns of code, with all its cells."""
    told = pages("|n|square|\n|---|---|\n" + "".join(f"|{n}|{n * n}|\n" for n in range(150)))
    assert all(block["type"] == "markdown" for blocks in told for block in blocks)
    assert "149  22201" in "".join(shown(blocks) for blocks in told)


@pytest.mark.parametrize(
    ("markdown", "live", "inert"),
    [
        ("[Guide](https://a.example/x)", "[Guide](https://a.example/x)", "Guide (`https://a.example/x`)"),
        ("See https://a.example/x.", "See https://a.example/x.", "See `https://a.example/x`."),
        ("[x](javascript:alert)", "x (`javascript:alert`)", "x (`javascript:alert`)"),
        (
            "![](https://a.example/p.png)",
            "[https://a.example/p.png](https://a.example/p.png)",
            "`https://a.example/p.png`",
        ),
        ("`a <@U1> b`", "`a &lt;@U1> b`", "`a &lt;@U1> b`"),
    ],
)
def test_links(markdown: str, live: str, inert: str):
    """A link can be pressed where previews are off, and is shown as code in a stream; other schemes never act."""
    assert shown(pages(markdown)[0]) == live
    layout = Layout(live_links=False)
    assert "".join(each.segment.markdown for each in [*layout.add(markdown), *layout.finish()]) == inert


def test_mrkdwn():
    """Markdown's marks become Slack's."""
    said = mrkdwn(
        "# Head\n\n**b** *i* ~~s~~ `c<d`\n\n- one\n  - two\n\n3. three\n\n[a|b](https://x.example) [y](ftp://z)"
    )
    assert said == ("*Head*\n\n*b* _i_ ~s~ `c&lt;d`\n\n• one\n    • two\n\n3. three\n\n<https://x.example|a¦b> y")


def test_the_limits_can_be_broken():
    """The check of limits complains of what Slack would refuse."""
    assert message_complaints([{"type": "markdown", "text": "x" * 12_001}])
    assert message_complaints([{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}])
    assert message_complaints([{"type": "markdown", "text": "<!here>"}]) == ["names somebody: <!here>"]
    assert message_complaints([{"type": "table", "rows": [[{"type": "raw_text", "text": "a"}] * 21]}])
    assert view_complaints({"type": "modal", "title": {"type": "plain_text", "text": "x" * 25}, "blocks": []})
    assert view_complaints({"type": "home", "blocks": [{"type": "divider"}] * 101})
    assert view_complaints({"type": "home", "blocks": [{"type": "markdown", "text": "x"}]})
    assert len(sections("x" * SECTION_CHARS * 3, limit=2)) == 2
    assert not MarkdownTable((("x" * 4001,),), ("left",)).fits


def test_every_limit_stands_in_one_place():
    """Outside the table of limits no module of Slack's says how long something may be."""
    folder = Path(limits.__file__).parent
    found = [
        f"{file.name}: {line.strip()}"
        for file in folder.glob("*.py")
        if file.name != "limits.py"
        for line in file.read_text("utf-8").splitlines()
        if re.match(r"\w*_(?:CHARS|SHOWN|ROWS|COLUMNS|SECTIONS)\b.*= [\d_]+", line) or re.search(r"\[:\d{2,}\]", line)
    ]
    assert found == []
