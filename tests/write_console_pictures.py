"""Draws the pictures of docs/console.md: a console over a small handbook, in the system's Chromium.

python -m tests.write_console_pictures
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.async_api import expect

from bots.web.console.desk import Desk
from core.people.access import Pairing
from tests.bots.console_browser import DESK, PHONE, browsing
from tests.bots.console_world import LEADS, open_desk

DOCS = Path(__file__).parent.parent / "docs"
QUESTIONS = (
    '{"question": "How long is parental leave?", "page": "Parental leave.md", "answer": "twenty weeks"}\n'
    '{"question": "What may a hotel cost?", "page": "Travel.md", "answer": "140 euros a night"}\n'
    '{"question": "Where is the gym?", "page": "Gym.md"}\n'
)


async def _live(desk: Desk, handbook: Path) -> None:
    """What a month leaves behind."""
    records, now = desk.attune.records, datetime.now(UTC)
    await desk.attune.library.ingester.ingest([handbook])
    for back in range(9, 0, -1):
        for what, count in (("answered", 30 + 7 * (back % 4)), ("not_found", 3 + back), ("up", 9), ("down", 2)):
            for _ in range(count):
                await records.usage.note_week(what, now - timedelta(weeks=back))
    code = await records.access.new_code()
    from core.domain import Person  # noqa: PLC0415

    assert isinstance(await records.access.pair(Person("slack", "T012", "U901"), code, now), Pairing)


async def _draw(desk: Desk, size: tuple[int, int], name: str, *, dark: bool) -> None:
    async with browsing(desk, size, dark=dark) as found:
        page = found.page

        async def picture(what: str, *, whole: bool = False) -> None:
            await page.screenshot(path=DOCS / f"console-{what}{name}.png", full_page=whole)

        if name in {"", "-dark"}:
            await page.get_by_label("Your question").fill("Who waters the plants?")
            await page.get_by_role("button", name="Ask", exact=True).click()
            await expect(page.get_by_text("Why this answer")).to_be_visible()
            await found.open("/ask")
        await page.get_by_label("Your question").fill("How long is parental leave?")
        await page.get_by_role("button", name="Ask", exact=True).click()
        first = page.get_by_role("article").first
        await expect(first).to_contain_text("Sources")
        await first.get_by_text("Why this answer").click()
        await expect(first.locator(".bars")).to_be_visible()
        await page.evaluate("scrollTo(0, 0)")
        await picture("ask", whole=name in {"", "-dark"})
        if name == "-phone-dark":
            return
        for what in ("documents", "people", "settings", "health", "unanswered"):
            if name == "" or what == "documents":
                await found.open(f"/{what}")
                await picture(what)
        if name == "":
            await found.open("/quality")
            await page.get_by_label("Or the questions themselves, one a line").fill(QUESTIONS)
            await page.get_by_label("Also write the answers").check()
            await page.get_by_role("button", name="Ask them").click()
            await expect(page.get_by_role("heading", name="Misses (")).to_be_visible()
            await page.evaluate("scrollTo(0, 0)")
            await picture("quality", whole=True)


async def draw() -> None:
    """Write all of them."""
    with tempfile.TemporaryDirectory(prefix="attune-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        os.chdir(home)  # so that paths are short
        async with open_desk(home, ATTUNE_ALLOW=f"workspace:slack/T012,{LEADS}", ATTUNE_WORKERS=4) as desk:
            await _live(desk, home / "handbook")
            await _draw(desk, DESK, "", dark=False)
            await _draw(desk, DESK, "-dark", dark=True)
            await _draw(desk, PHONE, "-phone", dark=False)
            await _draw(desk, PHONE, "-phone-dark", dark=True)


if __name__ == "__main__":
    asyncio.run(draw())
