"""What a hostile document says can do nothing: nobody is called, nothing acts, no link leads elsewhere than it says."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bots.on_slack.markdown import line
from bots.on_slack.mrkdwn import mrkdwn, sections
from bots.on_slack.render import Layout, chunk_of, fallback, pages
from bots.on_telegram.defusing import plainly
from bots.on_telegram.pages import MessagePage
from bots.on_telegram.render import answer_pages, growing, plain_pages, telegram
from bots.quiet import Label, calling_nobody, host_of, is_truthful, named
from bots.replies import Final
from core.domain import Passage, Source
from tests.bots.hostile import HOSTILE, Link, acting, addresses, hosts_in, markdown_links, telegram_links, touching

CALLS = re.compile(r"<[@#!]|@(?:here|channel|everyone|group)\b", re.IGNORECASE)
PRESSED = re.compile(r"<(?P<target>[^<>|\n]+)\|(?P<label>[^<>\n]*)>")
KNOWN = (
    "call @@alice now", "call @**alice** now", "call @*alice* now", "call @~~al~~ice",
    "call @[alice](https://x.org) now", "[https://good.](https://evil.com)[org](https://evil.com)", "<**!here**>",
    "@**here**", "`a\n`[good.org](https://evil.com)`", "```a`b\n[good.org](https://evil.com)",
    "\\`[good.org](https://evil.com)`", "[a `](https://ok.org) `[good.org](https://evil.com)`",
    "[a](https://x/`) `[good.org](https://evil.com)`", "![good.org](https://evil.com/p.png)",
    "!![x](https://evil.com/p.png)", "[good.org]\n\n[good.org]: https://evil.com", "[good\n.org](https://evil.com)",
)  # fmt: skip


def hostile(test):
    """Random pieces, and the known tricks."""
    for known in KNOWN:
        test = example(known)(test)
    return settings(max_examples=120, deadline=None)(given(HOSTILE)(test))


def check_telegram(page: MessagePage) -> None:
    assert acting(page) == [], (page.text, page.entities)
    for link in telegram_links(page):
        assert link.is_plain, (link, page.text)


@example("[click](https://evil.com)![good.org](https://evil.com/p.png)https://evil.com")
@example("https://evil.com/?q=good.org[go](https://evil.com)od.org[click](https://evil.com)")
@hostile
def test_in_telegram_nothing_acts(markdown: str) -> None:
    """Whole or as it grows, at any length: no mention, no command, no tag, and links that lead where they say."""
    for page in telegram(markdown):
        check_telegram(page)
    for cut in range(1, len(markdown), 7):
        for page in growing(markdown[:cut]):
            check_telegram(page)


@example("alicewww.good\u200b.org")
@hostile
def test_in_telegram_nothing_acts_in_the_last_resort(markdown: str) -> None:
    """A message whose entities were refused goes out without code, and still nothing in it acts."""
    for page in telegram(markdown):
        bare = plain_pages(page)
        assert acting(bare) == []
        assert all(link.is_plain for link in telegram_links(bare))
        assert len(bare.text) == len(page.text)


@example("https://xn--pple-43d.com/tg://resolve?domain=x")
@hostile
def test_in_telegram_a_source_that_is_named_like_something_that_acts_does_not(name: str) -> None:
    """Titles, headings and names of files are text of documents, too."""
    passage = Passage("p", f"/docs/{name}", name, (name,), "text", 1, 0, 1, "v")
    for page in answer_pages(Final("Answer.", (Source(1, passage),), answer="a")):
        check_telegram(page)


def check_slack(markdown: str, *, links: bool) -> None:
    found, prose = markdown_links(markdown)
    assert not CALLS.search(prose), prose
    assert "<" not in markdown
    assert links or found == [], markdown
    for link in found:
        mail = link.target.startswith("mailto:") and hosts_in(link.read) <= {link.target.rpartition("@")[2]}
        assert link.is_plain or mail, (link, markdown)
    bare = prose
    for link in found:
        bare = bare.replace(link.read, " ")
    assert links or addresses(bare) == [], markdown
    assert all(Link(one, one).is_plain for one in addresses(bare)), markdown


@example("https://evil.com/?q=good.org[x](mailto:boss@evil.com)good.org")
@example("[click](https://evil.com)https://evil.com[**good**.org](https://evil.com)")
@hostile
def test_in_slack_nothing_acts_in_a_message(markdown: str) -> None:
    """Read as CommonMark, what is posted calls nobody, shows no image, and its links lead where they say."""
    for blocks in pages(markdown):
        check_slack("".join(block["text"] for block in blocks if block["type"] == "markdown"), links=True)
        cells = [cell["text"] for block in blocks if block["type"] == "table" for row in block["rows"] for cell in row]
        assert not any(CALLS.search(cell) for cell in cells)


@settings(max_examples=120, deadline=None)
@given(HOSTILE, st.lists(st.integers(1, 30), min_size=1, max_size=8))
def test_in_slack_nothing_acts_in_a_stream(markdown: str, sizes: list[int]) -> None:
    """However it falls into pieces, at each moment what stands there holds no mention, no link and no address."""
    layout, stood, rest, turn = Layout(live_links=False), "", markdown, 0
    while rest or turn == 0:
        size = sizes[turn % len(sizes)]
        placed = layout.add(rest[:size])
        rest, turn = rest[size:], turn + 1
        placed += [] if rest else layout.finish()
        stood += "".join(chunk.get("text", "") for chunk in (chunk_of(each.segment) for each in placed))
        check_slack(stood, links=False)


@example("[<https://evil.com>](https://evil.com)")
@hostile
def test_in_slack_nothing_acts_in_a_modal(markdown: str) -> None:
    """Sections, too: their links are made here alone, and lead where they say."""
    said = mrkdwn(markdown)
    assert "\n".join(section["text"]["text"] for section in sections(markdown, limit=50)).count("<") == said.count("<")
    assert all(section["text"]["verbatim"] for section in sections(markdown, limit=50))
    plain = PRESSED.sub(lambda match: match["label"], said)
    assert not CALLS.search(plain)
    assert "<" not in plain
    for match in PRESSED.finditer(said):
        before = PRESSED.sub(lambda each: each["label"], said[: match.start()])
        behind = PRESSED.sub(lambda each: each["label"], said[match.end() :])
        text = re.sub(r"[*_~`]", "", before), match["label"], re.sub(r"[*_~`]", "", behind)
        read = touching("".join(text), len(text[0]), len(text[0]) + len(text[1]))
        target = match["target"].replace("&amp;", "&")
        assert Link(read, target).is_plain or target.startswith("mailto:"), (read, target)


@example("_alice@here_")
@hostile
def test_in_slack_notifications_and_statuses_call_nobody(markdown: str) -> None:
    """The words alone, and what is read while an answer is made."""
    assert not CALLS.search(fallback(markdown))
    check_slack(line(markdown), links=False)


@pytest.mark.parametrize(
    ("label", "target"),
    [
        ("good.org", "https://evil.com"), ("https://good.org", "https://good.org@evil.com"), ("x", "https://a@evil.com"),
        ("аpple.com", "https://apple.com"), ("apple.com", "https://xn--pple-43d.com"), ("x", "https://аpple.com"),
        ("www.good.org", "https://good.org"), ("g\u0332ood.org", "https://evil.com"), ("x", "javascript:alert(1)"),
        ("https://intranet", "https://evil.com"), ("10.0.0.1", "https://evil.com"), ("x", "https://good.org\\@evil.com"),
        ("https://good.org:x@evil.com", "https://good.org"),
    ],
)  # fmt: skip
def test_what_seems_another_address_is_no_link(label: str, target: str) -> None:
    """A label that names another host, and an address that hides its own."""
    assert not is_truthful(Label(label), target)


@pytest.mark.parametrize(
    ("label", "target"),
    [
        ("the handbook", "https://good.org/a@b?x=1&y=2#z"), ("good.org/leave", "https://good.org:8080/leave"),
        ("leave.pdf", "https://good.org/leave.pdf"), ("GOOD.org", "https://good.ORG/"), ("v1.2.3", "http://[::1]/x"),
    ],
)  # fmt: skip
def test_what_leads_where_it_says_is_a_link(label: str, target: str) -> None:
    """Ordinary links stay links, also those that name a file or a version."""
    assert is_truthful(Label(label), target)
    assert telegram(f"[{label}]({target})")[0].entities[0].url == target
    assert f"({target})" in pages(f"[{label}]({target})")[0][0]["text"]


def calls(folder: str, methods: set[str]) -> list[tuple[str, dict[str, str]]]:
    """Each call of one of `methods` in a platform's code, with its arguments by name."""
    found = []
    for file in sorted((Path(__file__).parents[2] / "bots" / folder).glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in methods:
                given = {each.arg: ast.unparse(each.value) for each in node.keywords if each.arg}
                found.append((f"{file.name}: {node.func.attr}", given))
    return found


def test_nothing_that_is_posted_has_a_preview() -> None:
    """Wherever a message is sent, previews are turned off; drafts and what one person sees have none."""
    posts = calls("on_slack", {"chat_postMessage", "chat_postEphemeral"})
    whole = [(where, given) for where, given in posts if not where.endswith("Ephemeral")]
    assert len(whole) > 4
    assert all(given.get("unfurl_links") == given.get("unfurl_media") == "False" for _, given in whole), whole
    sent = calls("on_telegram", {"send_message", "edit_message_text"})
    assert len(sent) == 2
    assert all(given["link_preview_options"] == "_NO_PREVIEW" for _, given in sent), sent


def test_mail_addresses_and_code_stay_as_they_are() -> None:
    """What could call nobody is not changed: it may be copied."""
    assert calling_nobody("ann@example.org") == "ann@example.org"
    assert telegram("ann@example.org and `pip install @scope/x` C# 24/7 and/or #1")[0].text.count("\u2060") == 0
    assert "\u2060" not in pages("```\n@app.get('/x')\n```")[0][0]["text"]
    assert (host_of("https://Good.org/x"), named("see good.org")) == ("good.org", {"good.org"})


def test_a_message_without_entities_is_as_long_as_before() -> None:
    """It was cut to Telegram's limit already."""
    assert len(plainly("@alice /start #tag tg://x $USD")) == len("@alice /start #tag tg://x $USD")
