"""Draws conversations as Telegram shows them: `python -m tests.write_telegram_pictures` writes `docs/telegram-*.png`.

The real bot talks to the strict server; what stands there in the end is drawn with exactly the entities and buttons
that were sent, and photographed by a headless Chromium. Needs `chromium` on the path.
"""

from __future__ import annotations

import asyncio
import html
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from PIL import Image

from core.adapters.redis import valkey
from tests.bots.telegram_home import Home, Wishes, telegram_home
from tests.doubles.telegram_people import Place, Shown, User, group

DOCS = Path(__file__).parent.parent / "docs"
TAGS = {"bold": "b", "italic": "i", "strikethrough": "s", "code": "code", "blockquote": "blockquote"}
COLOURS = 96
STYLE = """
body { margin: 0; background: #dfe7ef; color: #111;
       font: 15px/1.35 "Helvetica Neue", Arial, "DejaVu Sans", sans-serif; }
header { background: #fff; padding: 10px 16px; font-weight: 600; border-bottom: 1px solid #cfd8e0; }
header small { display: block; font-weight: 400; color: #75838f; font-size: 12px; }
main { padding: 12px; display: flex; flex-direction: column; gap: 8px; }
.m { max-width: 86%; padding: 7px 11px; border-radius: 14px; background: #fff; align-self: flex-start;
     white-space: pre-wrap; overflow-wrap: anywhere; box-shadow: 0 1px 1px #0001; }
.me { align-self: flex-end; background: #e3f7d1; }
.who { font-weight: 600; color: #3a80c4; font-size: 13px; display: block; }
.re { border-left: 3px solid #3a80c4; padding-left: 7px; color: #60707d; font-size: 13px; display: block;
      margin-bottom: 3px; max-height: 18px; overflow: hidden; white-space: nowrap; text-overflow: ellipsis; }
code, pre { font: 13px/1.4 "DejaVu Sans Mono", monospace; color: #8a3d68; }
pre { background: #f3f5f8; border-radius: 7px; padding: 7px 9px; margin: 4px 0; overflow-x: auto; white-space: pre; }
pre em { display: block; font: 600 11px sans-serif; color: #7a8794; }
blockquote { margin: 3px 0; padding: 3px 9px; border-left: 3px solid #3a80c4; background: #eef4fa; border-radius: 5px; }
a { color: #2a79bd; text-decoration: none; }
.k { max-width: 86%; width: 86%; display: grid; gap: 4px; margin-top: -3px; }
.k div { display: grid; grid-auto-flow: column; grid-auto-columns: 1fr; gap: 4px; }
.k span { background: #ffffffb8; border-radius: 9px; text-align: center; padding: 7px 3px; font-size: 13.5px;
          color: #2b6ea6; }
.doc { display: block; background: #eef4fa; border-radius: 9px; padding: 7px 9px; }
"""


def drawn(message: Shown, place: Place, me: str) -> str:
    """One message with its buttons."""
    mine = message.who == me
    who = "" if mine or place.chat.type == "private" else f'<span class="who">{html.escape(message.who)}</span>'
    replied = next((other.text for other in place.shown() if other.id == message.reply_to), "")
    quoted = f'<span class="re">{html.escape(replied.splitlines()[0])}</span>' if replied else ""
    file = f'<span class="doc">📄 {html.escape(message.document)}</span>' if message.document else ""
    rows = "".join(
        f"<div>{''.join(f'<span>{html.escape(name)}</span>' for name in row)}</div>" for row in message.keyboard
    )
    keyboard = f'<div class="k">{rows}</div>' if rows else ""
    return f'<div class="m{" me" if mine else ""}">{who}{quoted}{file}{styled(message)}</div>{keyboard}'


def styled(message: Shown) -> str:
    """The text with its entities as tags. They nest; a block takes the line breaks at its edges with it."""
    raw = message.text.encode("utf-16-le")
    edges: dict[int, list[str]] = {0: [], len(raw) // 2: []}
    for entity in sorted(message.entities, key=lambda entity: (entity["offset"], -entity["length"])):
        opening, closing = tags(entity)
        edges.setdefault(entity["offset"], []).append(opening)
        edges.setdefault(entity["offset"] + entity["length"], []).insert(0, closing)
    out, at = "", 0
    for edge in sorted(edges):
        out += html.escape(raw[2 * at : 2 * edge].decode("utf-16-le")) + "".join(edges[edge])
        at = edge
    out = re.sub(r"(</(?:pre|blockquote)>)\n", r"\1", out)
    return re.sub(r"\n(<(?:pre|blockquote)>)", r"\1", out)


def tags(entity: dict) -> tuple[str, str]:
    if entity["type"] == "pre":
        language = html.escape(entity.get("language", ""))
        return f"<pre>{f'<em>{language}</em>' if language else ''}", "</pre>"
    if entity["type"] == "text_link":
        return f'<a href="{html.escape(entity["url"])}">', "</a>"
    tag = TAGS.get(entity["type"], "span")
    return f"<{tag}>", f"</{tag}>"


def page(place: Place, me: str, title: str, below: str) -> str:
    messages = "\n".join(drawn(message, place, me) for message in place.shown())
    return f"""<!doctype html><meta charset="utf-8"><style>{STYLE}</style>
<header>{html.escape(title)}<small>{html.escape(below)}</small></header><main>{messages}</main>"""


def photographed(source: str, name: str, width: int, height: int) -> None:
    """`docs/NAME.png`, cut where the conversation ends."""
    with tempfile.TemporaryDirectory() as folder:
        file, shot = Path(folder) / "page.html", Path(folder) / "shot.png"
        file.write_text(source, encoding="utf-8")
        chromium = shutil.which("chromium") or "chromium"
        options = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--force-device-scale-factor=1.5",
        ]
        size = f"--window-size={width},{height}"
        command = [chromium, *options, size, f"--screenshot={shot}", file.as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        picture = Image.open(shot).convert("RGB")
        empty = picture.getpixel((0, picture.height - 1))
        across = range(20, picture.width - 20, 7)
        rows = [y for y in range(picture.height) if any(picture.getpixel((x, y)) != empty for x in across)]
        cut = picture.crop((0, 0, picture.width, min(picture.height, rows[-1] + 20)))
        cut.quantize(COLOURS).save(DOCS / f"{name}.png", optimize=True)


DOCUMENTS = {
    "Parental leave": (
        "Parental leave is twenty weeks and you ask your lead for it. Tell your lead, best three months before. "
        "Enter it with leave request --kind parental. Weeks: 16 since 2023, 20 since 2025. Whoever shares the leave "
        "requests both halves at once. From a script on the command line: import leave and leave.request(kind=parental)"
    ),
    "Transit": "Transit benefit enrolment takes fourteen days and your supervisor approves it",
}
LEAVE = """Parental leave is **twenty weeks**, and you ask your *lead* for it:

1. Tell your lead, best three months before.
2. Enter it with `leave request --kind parental`.

| Since | Weeks |
|---|---|
| 2023 | 16 |
| 2025 | 20 |
"""
CODE = """Yes, from the command line:

```python
import leave

leave.request(kind="parental", weeks=20)
```

> Whoever shares the leave requests **both** halves at once.
"""


async def private(home: Home) -> Place:
    ann = User(home.double, 7, "Ann")
    home.generator.script = lambda _: LEAVE
    await ann.say("How many weeks is parental leave?")
    [answer] = await ann.private.answered()
    await ann.press("👍", answer)
    await ann.private.until(lambda place: "👍 ✓" in place.said()[0].buttons)
    home.generator.script = lambda _: CODE
    await ann.say("Can I ask for parental leave from a script?")
    await ann.private.answered(2)
    return ann.private


async def prefs(home: Home) -> Place:
    ben = User(home.double, 8, "Ben", language="de")
    await ben.say("/start")
    await ben.private.until(lambda place: len(place.said()) == 2)
    await ben.say("/prefs")
    await ben.private.until(lambda place: len(place.said()) == 3)
    await ben.press("Länge: normal", ben.private.said()[-1])
    await ben.private.until(lambda place: "kurz" in place.said()[-1].buttons)
    await ben.press("kurz", ben.private.said()[-1])
    await ben.private.until(lambda place: "Länge: kurz" in place.said()[-1].buttons)
    return ben.private


async def team(home: Home) -> Place:
    ann, ben = User(home.double, 7, "Ann"), User(home.double, 8, "Ben")
    place = group(home.double, -100_500, ann, ben, title="Team")
    home.generator.script = lambda prompt: prompt.passages[0].text + "."
    await ann.say("Does anybody know who approves transit enrolment?", place)
    await ben.say("@attune_bot who approves transit enrolment?", place)
    await place.answered()
    fact = await ann.say("The bicycle lease lasts thirty-six months, says finance.", place)
    await ann.say("/learn", place, reply_to=fact)
    await place.until(lambda each: "Everyone in this chat" in each.said()[-1].buttons)
    return place


async def main() -> None:
    scenes = [
        (private, "Ann", "telegram-answer", "Attune", "bot", 400),
        (prefs, "Ben", "telegram-prefs", "Attune", "Bot", 400),
        (team, "Ann", "telegram-group", "Team", "3 members", 640),
    ]
    for scene, me, name, title, below, width in scenes:
        with tempfile.TemporaryDirectory(prefix="attune-", ignore_cleanup_errors=True) as folder:
            async with valkey.embedded(Path(folder)) as client:
                allowed = frozenset({"channel:telegram//-100500", "person:telegram//7", "person:telegram//8"})
                async with telegram_home(client, Path(folder), Wishes("off", allowed=allowed, texts=DOCUMENTS)) as home:
                    place = await scene(home)
                    photographed(page(place, me, title, below), name, width, 2600)


if __name__ == "__main__":
    asyncio.run(main())
