"""Web pages as programs write them: their text is read, the site around it is not, and what is left out is said."""

from __future__ import annotations

from pathlib import PurePath

import pytest

from core.documents.blocks import ParsedDocument
from core.documents.parsing import parse
from evals.pages import PAGES, ours, shares

WORDS = "The harbour master answers letters on working days, and sends a bill at the end of each month. "


def page(text: str | bytes) -> ParsedDocument:
    return parse(text.encode() if isinstance(text, str) else text, PurePath("a.html"))


def texts(document: ParsedDocument) -> list[str]:
    return [block.text for block in document.blocks]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_read_without_the_site_around_it(name: str) -> None:
    """All of its text is kept, and at most one in seven words of the menus, banners and footers."""
    text, site = shares(PAGES[name], ours(PAGES[name]))
    assert text == pytest.approx(1.0)
    assert site <= 1 / 7


def test_main_is_used_only_where_it_holds_the_text() -> None:
    """An empty one, or one at the side, does not hide what stands beside it."""
    for main in ("<main id=app></main>", "<main>Tide: 9:30</main>", "<div role=main> </div>", "<article></article>"):
        document = page(
            f"<body>{main}<div class=content><h1>Slipway</h1><p>The slipway fee is 15 euros.</p></div></body>"
        )
        assert (document.title, texts(document)[-1]) == ("Slipway", "The slipway fee is 15 euros.")


def test_much_that_is_left_out_is_said() -> None:
    """Whoever ingests a page learns that there is more on it."""
    around = page(f"<main><h1>Slipway</h1><p>{WORDS * 6}</p></main><footer>{WORDS * 4}</footer>")
    assert around.notes == ("About 308 characters around the main text were left out as parts of the site.",)
    hidden = page(f"<h1>Slipway</h1><p>It is open.</p><div style='display:none'>{WORDS * 4}</div>")
    assert hidden.notes == ("About 308 characters that the page hides were left out.",)
    assert page(f"<nav>{'<a href=a>Home</a>' * 90}</nav><h1>Slipway</h1><p>It is open.</p>").notes == ()


def test_a_short_page_without_headings_is_read_whole() -> None:
    """Steps between arrows and a list of linked names are its text, as nothing follows that they could stand above."""
    document = page(
        "<title>Zone</title><div>Settings → Profile → <a href=z>Zone</a></div>"
        "<ul><li><a href=a>Ana</a><li><a href=b>Bo</a><li><a href=c>Cy</a></ul><p>Then wait."
    )
    seen = ["Settings → Profile → [Zone](z)", "- [Ana](a)\n- [Bo](b)\n- [Cy](c)", "Then wait."]
    assert (texts(document), document.notes) == (seen, ())
    crumbs = page("<div><a href=h>Home</a> › <a href=g>Guides for guests</a></div><h1>Zone</h1><p>Then wait.</p>")
    assert crumbs.notes == ("About 20 characters around the main text were left out as parts of the site.",)


def test_what_stands_around_a_short_page_is_said() -> None:
    """However little it is; and a heading and its words above the main part are read with it."""
    document = page(
        "<header><h1>Rules</h1><p>No dogs on the quay.</p></header><nav><p>Emergencies: 112-88</p></nav>"
        "<main><p>Smoking is only allowed on the pier.</p></main><aside>Tip: it closes at 21:00.</aside>"
    )
    assert texts(document) == ["Rules", "No dogs on the quay.", "Smoking is only allowed on the pier."]
    assert document.notes == ("About 38 characters around the main text were left out as parts of the site.",)
    named = page("<header><h1>Harbour</h1><p>Since 1902</p></header><main><h1>Fees</h1><p>15 euros.</p></main>")
    assert texts(named) == ["Fees", "15 euros."]


def test_nothing_is_left_out_where_nothing_would_remain() -> None:
    """A page that calls all of its text a footer is read."""
    assert texts(page("<div class=footer>The slipway fee is 15 euros.</div>")) == ["The slipway fee is 15 euros."]
    assert texts(page(f"<div class=menu><p>{WORDS * 9}</p></div>"))


def test_pages_are_read_in_the_encoding_that_they_name() -> None:
    """Be it said in a tag or at the top; where it does not hold, it is guessed."""
    russian = '<?xml version="1.0" encoding="windows-1251"?><html><body><p>Причал открыт</p></body></html>'
    assert texts(page(russian.encode("cp1251"))) == ["Причал открыт"]
    japanese = "<html><head><meta charset=shift_jis></head><body><p>日本語</p></body></html>"
    assert texts(page(japanese.encode("cp932"))) == ["日本語"]
    assert texts(page("<meta charset=iso-8859-1><p>Café</p>")) == ["Café"]


def test_pages_are_read_as_shown() -> None:
    """Word's lists, titles that are paragraphs, pages inside the page, links through another site, code by lines."""
    document = page(
        "<base href='https://w.b/hr/'><p class=MsoTitle>Quay</p>"
        "<p style='mso-list:l0 level1 lfo1'><span style='mso-list:Ignore'>·<span>&nbsp; </span></span>Papers</p>"
        "<p><a href=leave.html>Leave</a> <a href='https://www.google.com/url?q=https://a.b/r&sa=D'>rules</a></p>"
        "<pre><code><span>a = 1<br></span><span>b = 2<br></span></code></pre>"
        "<iframe srcdoc='&lt;p&gt;Inside.&lt;/p&gt;'></iframe><iframe src='https://v.b/embed?x'></iframe>"
    )
    assert document.title == "Quay"
    assert texts(document)[1:] == [
        "- Papers",
        "[Leave](https://w.b/hr/leave.html) [rules](https://a.b/r)",
        "```\na = 1\nb = 2\n```",
        "Inside.",
    ]
    assert document.notes == ("Pages shown inside were not read: https://v.b/embed.",)


def test_signs_at_headings_are_no_text() -> None:
    """What leads to a heading, or copies its name, goes; links to a heading with words stay."""
    document = page(
        "<h1>Quay <a href=#quay><span>#</span></a><button>Copy item path</button></h1>"
        "<h2>Boats<a href=#boats>§</a></h2><h3><a class=header href=#fees>Fees</a></h3>"
        "<p><a href=#quay><b>Up</b></a></p>"
    )
    assert (document.title, texts(document)) == ("Quay", ["Quay", "Boats", "Fees", "Up"])
