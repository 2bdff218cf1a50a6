"""What Slack's messages say, in whatever they are written: text, blocks, attachments, forwarded messages, files."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.documents.slack_words import forwarded_words, own_words, whole_message

Json = dict[str, Any]


def text(said: str, **style: bool) -> Json:
    return {"type": "text", "text": said, **({"style": style} if style else {})}


def section(*elements: Json) -> Json:
    return {"type": "rich_text_section", "elements": list(elements)}


def rich(*parts: Json) -> Json:
    return {"type": "rich_text", "elements": list(parts)}


def items(style: str, *said: str, **more: int) -> Json:
    return {"type": "rich_text_list", "style": style, "elements": [section(text(one)) for one in said], **more}


def plain(said: str) -> Json:
    return {"type": "plain_text", "text": said}


def mrkdwn(said: str) -> Json:
    return {"type": "mrkdwn", "text": said}


BLOCKS: dict[str, tuple[Json, str]] = {
    "a header": ({"type": "header", "text": plain("Gate <2> stuck")}, "Gate &lt;2&gt; stuck"),
    "a section": (
        {"type": "section", "text": mrkdwn("*Cause*"), "fields": [mrkdwn("Host: db-3"), plain("Free: 2 GB")]},
        "*Cause*\nHost: db-3\nFree: 2 GB",
    ),
    "a context": (
        {"type": "context", "elements": [{"type": "image", "alt_text": "bug"}, mrkdwn("by <@U1>")]},
        "bug\nby <@U1>",
    ),
    "a picture": ({"type": "image", "title": plain("Plan"), "alt_text": "Plan of gate 2"}, "Plan\nPlan of gate 2"),
    "a film": (
        {"type": "video", "title": plain("Tour"), "title_url": "https://a.b", "description": plain("The lock")},
        "<https://a.b|Tour>\nThe lock",
    ),
    "a table": (
        {"type": "table", "rows": [[{"type": "raw_text", "text": "Gate"}], [{"type": "raw_number", "value": 2}], []]},
        "| Gate |\n| --- |\n| 2 |\n|  |",
    ),
    "Markdown": ({"type": "markdown", "text": "## Head\n- a < b"}, "## Head\n- a &lt; b"),
    "buttons": (
        {
            "type": "actions",
            "elements": [
                {"type": "button", "text": plain("Open"), "url": "https://a.b"},
                {"type": "button", "text": plain("Approve"), "value": "1"},
                {"type": "static_select", "placeholder": plain("Choose")},
            ],
        },
        "<https://a.b|Open>",
    ),
    "a line": ({"type": "divider"}, ""),
    "lists": (
        rich(
            section(text("Steps:\n")),
            items("ordered", "a"),
            items("bullet", "b", indent=1),
            items("ordered", "c", offset=1),
        ),
        "Steps:\n1. a\n  - b\n2. c",
    ),
    "a quotation and code": (
        rich(
            {"type": "rich_text_quote", "elements": [text("said\ntwice")]},
            {"type": "rich_text_preformatted", "elements": [text("a < b")]},
        ),
        "&gt; said\n&gt; twice\n```\na &lt; b\n```",
    ),
    "what is no word": (
        rich(
            section(
                {"type": "user", "user_id": "U1"},
                {"type": "channel", "channel_id": "C1"},
                {"type": "usergroup", "usergroup_id": "S1"},
                {"type": "broadcast", "range": "here"},
                {"type": "emoji", "name": "wave", "skin_tone": 2},
                {"type": "link", "url": "https://a.b/x?y|z", "text": "here"},
                {"type": "date", "timestamp": 1_700_000_000, "format": "{date}"},
                text("x < y", code=True),
            )
        ),
        "<@U1><#C1><!subteam^S1><!here>:wave::skin-tone-2:<https://a.b/x?y%7Cz|here>2023-11-14 22:13`x &lt; y`",
    ),
    "what is unknown": (
        {"type": "hologram", "title": plain("New"), "items": [{"label": "Rate", "value": "5%", "id": "x"}]},
        "New\nRate\n5%",
    ),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_is_read(name: str) -> None:
    """What people see of a block is read, with its links and ids; of what they press only what leads somewhere."""
    block, said = BLOCKS[name]
    assert own_words({"blocks": [block]}) == said


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (
            {
                "text": "Is *this* right?",
                "blocks": [rich(section(text("Is "), text("this", bold=True), text(" right?")))],
            },
            1,
        ),
        ({"text": "1. a\n    a. b", "blocks": [rich(items("ordered", "a"), items("ordered", "b", indent=1))]}, 2),
        (
            {
                "text": "R&amp;D <https://a.b|x>",
                "blocks": [{"type": "section", "text": mrkdwn("R&amp;D <https://a.b|x>")}],
            },
            1,
        ),
        (
            {
                "text": "due <!date^1^{date}|3 June>",
                "blocks": [rich(section(text("due "), {"type": "date", "fallback": "3 June"}))],
            },
            1,
        ),
        ({"text": "Gate 2", "blocks": [{"type": "header", "text": plain("Gate 2 is stuck")}]}, 1),
        ({"text": "Gate 2", "attachments": [{"title": "Gate 2", "text": "stuck", "fallback": "Gate 2"}]}, 2),
        ({"text": "Build 2 failed", "blocks": [{"type": "section", "text": mrkdwn("2")}]}, 2),
    ],
)
def test_what_is_said_twice_stands_once(message: Json, said: int) -> None:
    """Text and blocks that say the same are one; what only looks a little alike is two."""
    assert len(whole_message(message).splitlines()) == said


def lines_of(*said: str) -> list[Json]:
    return [{"type": "section", "text": mrkdwn(one)} for one in said]


REPEATED = [
    ("Monday", "Open 9 to 17", "Tuesday", "Open 9 to 17"),
    ("Limit: 5", "-5", "&gt; 5 %", "&lt; 5 €", "5"),
    ("C", "C++", "C#"),
    ("Use --force to merge", "Use force to merge"),
    ("1.5", "1 5", "1,5"),
    ("Version 5. Mai", "us", "US"),
]


@pytest.mark.parametrize("said", REPEATED)
def test_what_blocks_fields_and_attachments_repeat_stays(said: tuple[str, ...]) -> None:
    """The same words under two headings mean two things, and a sign may make them others."""
    shown = list(said)
    fields = [{"title": "", "value": one} for one in said]
    attachments = [{"text": one} for one in said]
    assert own_words({"blocks": lines_of(*said)}).splitlines() == shown
    assert own_words({"text": "\n".join(said), "blocks": lines_of(*said)}).splitlines() == shown
    assert whole_message({"attachments": [{"fields": fields}]}).splitlines() == shown
    assert whole_message({"text": said[-1], "attachments": attachments}).splitlines() == shown
    quoted = {"is_share": True, "message_blocks": [{"message": {"blocks": lines_of(*said)}}]}
    assert forwarded_words({"attachments": [quoted]}).splitlines() == shown


@pytest.mark.parametrize(
    ("said", "block"),
    [
        ("Limit for all is 5 €", "Limit for all is &lt; 5 €"),
        ("from 5. Mai on it is shut", "from 6. Mai on it is shut"),
        ("5. Mai: it is shut", "6. Mai: it is shut"),
        ("Use -x for all of it", "Use x for all of it"),
        ("see <https://a.b|the page> for all", "see <https://c.d|the page> for all"),
    ],
)
def test_what_differs_by_a_sign_is_said_twice(said: str, block: str) -> None:
    """A text and blocks that differ in what may matter are both read."""
    assert own_words({"text": said, "blocks": lines_of(block)}).splitlines() == [said, block]


def test_a_forward_takes_nothing_from_whoever_forwards() -> None:
    """Ann's word stays hers where the same word stands in what she forwards."""
    share = {"is_share": True, "author_name": "Ben", "text": "yes please"}
    assert whole_message({"text": "yes", "attachments": [share]}) == "yes\nForwarded from Ben:\n&gt; yes please"


@pytest.mark.parametrize(
    ("said", "parts"),
    [
        ("*Is* this _right_, (*or* not)?", [section(text("Is this right, (or not)?"))]),
        (
            "see <http://a.b|a.b> or <https://c.d/x>",
            [
                section(
                    text("see "),
                    {"type": "link", "url": "http://a.b", "text": "a.b"},
                    text(" or "),
                    {"type": "link", "url": "https://c.d/x"},
                )
            ],
        ),
        (
            "<@U1|ann> <#C1|general> :wave: hi",
            [
                section(
                    {"type": "user", "user_id": "U1"},
                    text(" "),
                    {"type": "channel", "channel_id": "C1"},
                    text(" "),
                    {"type": "emoji", "name": "wave"},
                    text(" hi"),
                )
            ],
        ),
        (
            "&gt;said\n&gt; twice\nwhy?",
            [
                {"type": "rich_text_quote", "elements": [text("said\ntwice")]},
                section(text("why?")),
            ],
        ),
        ("```a &lt; b```", [{"type": "rich_text_preformatted", "elements": [text("a < b")]}]),
        ("• a\n    ◦ b\nend", [items("bullet", "a"), items("bullet", "b", indent=1), section(text("end"))]),
        ("~Use A~ Use `B`", [section(text("Use A", strike=True), text(" Use "), text("B", code=True))]),
        ("use __init__ of *all* things", [section(text("use __init__ of "), text("all", bold=True), text(" things"))]),
    ],
)
def test_a_text_and_its_rich_text_are_one(said: str, parts: list[Json]) -> None:
    """What a client writes twice, as a text and as rich text, is one question, or one command."""
    assert own_words({"text": said, "blocks": [rich(*parts)]}) == own_words({"blocks": [rich(*parts)]})


def test_what_is_struck_through_is_marked() -> None:
    """It does not hold any more: of links and over several lines, too."""
    link = {"type": "link", "url": "https://a.b", "text": "here", "style": {"strike": True}}
    struck = rich(section(text("Use VPN A \nor C", strike=True), text(" Use VPN B "), link))
    assert own_words({"blocks": [struck]}) == "~Use VPN A~ \n~or C~ Use VPN B ~<https://a.b|here>~"


def test_links_among_buttons_are_read() -> None:
    """Of an attachment's and a card's buttons those that lead somewhere, under their names."""
    buttons = [{"type": "button", "text": "Runbook", "url": "https://a.b"}, {"type": "button", "text": "Approve"}]
    menu = {"type": "select", "text": "Choose", "options": [{"text": "A"}]}
    assert (
        whole_message({"attachments": [{"text": "Gate", "actions": [*buttons, menu]}]}) == "Gate\n<https://a.b|Runbook>"
    )
    card = {"type": "card", "title": plain("Gate"), "actions": [{**one, "text": plain(one["text"])} for one in buttons]}
    assert own_words({"blocks": [card]}) == "Gate\n<https://a.b|Runbook>"


def test_an_empty_cell_keeps_its_place() -> None:
    """Whatever stands for nothing in a row."""
    row = [None, {"type": "raw_text", "text": "b"}, "c"]
    assert own_words({"blocks": [{"type": "table", "rows": [row, None]}]}).splitlines()[0] == "|  | b | c |"


def test_exports_of_old_name_one_file_and_its_comment() -> None:
    """With the key in the singular, and the comment beside it."""
    old = {"text": "<@U1> commented", "file": {"name": "a.pdf"}, "comment": {"comment": "Page 2 is wrong"}}
    assert whole_message(old) == "<@U1> commented\n(file: a.pdf)\nPage 2 is wrong"


def test_a_forwarded_message_says_whose_it_was() -> None:
    """With what it had in blocks and files; asked about it is only what was written."""
    inside = [{"message": {"blocks": [rich(section(text("What does ERR-4417 mean?")))]}}]
    share = {"is_share": True, "author_name": "Ben", "fallback": "[14 Nov] ben: What does", "message_blocks": inside}
    message = {"text": "is this right?", "attachments": [{**share, "files": [{"name": "a.md"}]}]}
    assert own_words(message) == "is this right?"
    assert forwarded_words(message) == "What does ERR-4417 mean?"
    assert whole_message(message).splitlines() == [
        "is this right?",
        "Forwarded from Ben:",
        "&gt; What does ERR-4417 mean?",
        "&gt; (file: a.md)",
    ]


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ({"name": "a.log", "mode": "snippet", "preview": "x < y"}, "(file: a.log)\n```\nx &lt; y\n```"),
        ({"name": "a.log", "preview": "x", "preview_is_truncated": True}, "(file: a.log, only its beginning)\nx"),
        ({"name": "mail", "subject": "Gate", "plain_text": "shut", "preview": "<p>"}, "(file: mail)\nGate\nshut"),
        ({"name": "a.m4a", "transcription": {"preview": {"content": "Hello"}}}, "(file: a.m4a)\nHello"),
        ({"name": "a.png", "title": "Plan of gate 2"}, "(file: Plan of gate 2: a.png)"),
        ({"mode": "tombstone"}, ""),
    ],
)
def test_a_file_is_named_and_read_as_far_as_it_is_shown(file: Json, said: str) -> None:
    """Of a snippet, a mail and a recording the words are there; where there are more, that is said."""
    assert whole_message({"files": [file]}) == said


KEYS = (
    "text blocks attachments fields elements type title value files rows message_blocks message fallback is_share style"
)
KINDS = "section header rich_text rich_text_list table image actions plain_text mrkdwn button raw_text link date emoji"
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(KINDS.split()) | st.text(max_size=5)
SHAPES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS.split()), inner, max_size=5),
    max_leaves=30,
)


@given(st.dictionaries(st.sampled_from(KEYS.split()), SHAPES, max_size=5))
def test_no_shape_breaks_the_reading(message: Json) -> None:
    """Whatever stands where something else was expected, a message is a text, and what is forwarded too."""
    assert isinstance(whole_message(message), str)
    assert isinstance(own_words(message) + forwarded_words(message), str)


def test_what_lies_deep_is_read() -> None:
    """Messages inside messages are read as deep as JSON goes."""
    found: Json = {"title": "at the bottom"}
    for _ in range(400):
        found = {"attachments": [found]}
    assert whole_message(found) == "at the bottom"
