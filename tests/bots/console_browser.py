"""The system's Chromium on a console, for tests and pictures; whatever it complains of is kept."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from playwright.async_api import Page, async_playwright, expect

from bots.web.console.desk import Desk
from bots.web.console.session import links_of
from bots.web.console.site import open_console

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DESK, PHONE = (1200, 800), (390, 844)


@dataclass
class Browsing:
    """A page of a browser that is signed in, and what was wrong meanwhile."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)

    async def tab_to(self, name: str) -> None:
        """Press Tab until what has that name has the focus, and see that this can be seen."""
        for _ in range(80):
            await self.page.keyboard.press("Tab")
            said, outlined = await self.page.evaluate(
                "() => { const e = document.activeElement, style = getComputedStyle(e);"
                " const text = e.labels && e.labels.length ? e.labels[0].innerText : e.textContent;"
                " return [text.trim().replace(/\\s+/g, ' '), style.outlineStyle !== 'none'] }"
            )
            if said == name:
                assert outlined, name
                return
        raise AssertionError(f"no way by Tab to {name}")

    async def open(self, path: str) -> None:
        """Go to a page of the console."""
        await self.page.goto(self.url + path)
        await self.page.wait_for_load_state("load")


@asynccontextmanager
async def browsing(desk: Desk, size: tuple[int, int] = DESK, *, dark: bool = False) -> AsyncIterator[Browsing]:
    """A browser of that size, signed in by a link, with the keyboard alone."""
    async with open_console(desk, "127.0.0.1:0") as url, async_playwright() as playwright:
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=sandbox)
        context = await browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if dark else "light"
        )
        page = await context.new_page()
        found = Browsing(page, url)
        complain = found.complaints.append
        page.on("console", lambda said: complain(said.text) if said.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: complain(str(error)))
        page.on("request", lambda asked: None if asked.url.startswith(url) else complain(asked.url))
        page.on("response", lambda got: complain(f"{got.status} {got.url}") if got.status >= 400 else None)
        await page.goto(f"{url}/enter#{links_of(desk.settings).new()}")
        await expect(page.locator("main button")).to_be_focused()  # before it is, a key goes nowhere
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/ask")
        yield found
        await browser.close()
