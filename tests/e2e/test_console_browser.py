"""The web console in a real browser: by keyboard alone, for screen readers, on a phone, without a complaint."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect
from redis.asyncio import Redis

from bots.web.console.desk import Desk
from bots.web.console.texts import PAGES
from core.adapters.index.shared_index import SharedIndex
from tests.bots.console_browser import CHROMIUM, PHONE, browsing
from tests.bots.console_world import LEADS, open_desk

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here: apt-get install chromium")

UNNAMED = """() => [...document.querySelectorAll('a, button, input:not([type=hidden]), select, textarea, summary')]
  .filter(e => !(e.labels && e.labels.length) && !e.textContent.trim() && !e.getAttribute('aria-label'))
  .map(e => e.outerHTML)"""
REPEATED = "() => [...document.querySelectorAll('[id]')].map(e => e.id).filter((id, n, all) => all.indexOf(id) !== n)"
OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
async def desk(
    tmp_path: Path,
    shared_data: Path,
    redis: Redis,  # noqa: ARG001 - empties the store
    shared_index: SharedIndex,  # noqa: ARG001 - empties the index
) -> AsyncIterator[Desk]:
    for name in ("folders.json", "sources.json"):
        (shared_data / name).unlink(missing_ok=True)
    for name in ("learned", "links"):
        shutil.rmtree(shared_data / name, ignore_errors=True)
    (tmp_path / "data").symlink_to(shared_data)
    async with open_desk(tmp_path, pace=0.01) as desk:
        await desk.attune.library.ingester.ingest([tmp_path / "handbook"])
        yield desk


async def test_a_question_is_asked_and_looked_into_by_keyboard_alone(desk: Desk):
    """The answer grows, its source opens in its document, why it is so is told; the focus can be seen throughout."""
    async with browsing(desk) as found:
        page = found.page
        await page.keyboard.type("How long is parental leave?")
        await found.tab_to("Ask")
        await page.keyboard.press("Enter")
        answer = page.get_by_role("article")
        await expect(answer).to_contain_text("Every parent may take twenty weeks")
        await expect(page.locator("#announced")).to_have_text("The answer to “How long is parental leave?” is there.")
        await expect(page.get_by_role("complementary", name="Sources of this answer")).to_be_visible()
        await found.tab_to("Show it in its document: Parental leave › How long it is")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("region", name="Parental leave › How long it is")).to_be_visible()
        await found.tab_to("Why this answer")
        await page.keyboard.press("Enter")
        worth = page.get_by_role("table", name="What each passage was worth")
        await expect(worth.get_by_role("row", name="Parental leave › How long it is")).to_contain_text("97%")
        assert found.complaints == []


async def test_a_question_is_asked_as_somebody_else(desk: Desk):
    """What is for leads is answered only from what they may see."""
    async with browsing(desk) as found:
        page = found.page
        await page.get_by_label("Your question").fill("When are the salary bands reviewed?")
        await page.get_by_label("Answer from what may be seen by").select_option(LEADS)
        await page.get_by_role("button", name="Ask", exact=True).click()
        await expect(page.get_by_role("article")).to_contain_text("reviewed every March")
        assert found.complaints == []


async def test_documents_come_change_and_go_by_keyboard_alone(desk: Desk, tmp_path: Path):
    """A folder is added while the page tells how far; one of its documents is removed after a question."""
    more = tmp_path / "more"
    more.mkdir()
    (more / "Canteen.md").write_text("# Canteen\n\nThe canteen opens at noon.\n", encoding="utf-8")
    async with browsing(desk) as found:
        page = found.page
        await found.tab_to("Documents")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/documents")
        await found.tab_to("Add documents")
        await page.keyboard.press("Enter")
        await found.tab_to("File, folder or address")
        await page.keyboard.type(str(more))
        await found.tab_to("Add")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="was read")).to_be_visible()
        await found.open("/documents?q=canteen")
        await found.tab_to("Canteen")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/documents/one**")
        await found.tab_to("Remove…")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Remove 1 document?")).to_be_visible()
        await found.tab_to("Remove")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status").first).to_contain_text("Removed 1 document", timeout=30_000)
        assert found.complaints == []


async def test_a_gap_is_answered_and_a_person_let_in(desk: Desk):
    """An unanswered question is taught its answer, and a code is made."""
    async with browsing(desk) as found:
        page = found.page
        await page.get_by_label("Your question").fill("Where is bicycle storage?")
        await page.get_by_role("button", name="Ask", exact=True).click()
        await expect(page.get_by_text("Why this answer")).to_be_visible()
        await found.open("/unanswered")
        await page.get_by_text("Add an answer").click()
        await page.get_by_label("Answer", exact=True).fill("Bicycle storage is in the cellar.")
        await page.get_by_role("button", name="Teach this").click()
        await expect(page.get_by_text("There are no unanswered questions.")).to_be_visible()
        await found.open("/people")
        await page.get_by_role("button", name="Make a pairing code").click()
        await expect(page.get_by_role("status", name="The new pairing code")).to_contain_text("/pair")
        assert found.complaints == []


@pytest.mark.parametrize("dark", [False, True])
async def test_every_page_fits_a_phone_and_names_what_is_on_it(desk: Desk, dark: bool):  # noqa: FBT001
    """One heading of the first level, one main part, a name for each control, no id twice, nothing beyond the edge."""
    async with browsing(desk, PHONE, dark=dark) as found:
        page = found.page
        for path, name in PAGES:
            await found.open(path)
            await expect(page.get_by_role("main")).to_have_count(1)
            await expect(page.get_by_role("navigation", name="Pages")).to_have_count(1)
            await expect(page.get_by_role("heading", level=1)).to_have_text(name)
            for check in (UNNAMED, REPEATED):
                assert await page.evaluate(check) == [], path
            assert await page.evaluate(OVERFLOW) == 0, path
        assert found.complaints == []
