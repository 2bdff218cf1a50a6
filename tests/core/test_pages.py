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


def test_nothing_is_left_out_where_nothing_would_remain() -> None:
    """A page that calls all of its text a footer is read."""
    assert texts(page("<div class=footer>The slipway fee is 15 euros.</div>")) == ["The slipway fee is 15 euros."]
    assert texts(page(f"<div class=menu><p>{WORDS * 9}</p></div>"))
