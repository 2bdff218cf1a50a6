"""Draws what Slack is given (an answer, a form, the home tab) as pictures in docs/, by headless Chromium.

The blocks come from `bots`, as they are sent; only how Slack draws them is imitated. Run as
`python -m tests.draw_slack` where a `chromium` is installed; with `--html FOLDER` the pages are kept instead.
"""

from __future__ import annotations

import argparse
import html
import re
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from PIL import Image, ImageChops

from bots.on_slack import blocks as slack_blocks
from bots.on_slack import home as slack_home
from bots.on_slack.render import pages
from bots.replies import Final
from core.documents.teaching import Lesson
from core.domain import Passage, Person, Source
from core.people.interests import Action
from core.people.preferences import (
    Length,
    Polarity,
    PreferenceKind,
    PreferenceOrigin,
    Preferences,
    PreferenceSet,
    StatedPreference,
)
from core.people.profile import InterestInWords, Profile

DOCS = Path(__file__).parent.parent / "docs"
WIDE, PHONE = 640, 390
WIDTHS = {"slack-answer": WIDE, "slack-prefs": WIDE, "slack-home": WIDE, "slack-phone": PHONE}
TALL, EDGE, COLOURS = 1600, 12, 96
CHROMIUM = "chromium"
STYLE = """
body{margin:0;background:#fff;font:15px/1.46 Lato,"Helvetica Neue",Arial,sans-serif;color:#1d1c1d}
.message{padding:14px 18px 4px 62px;position:relative}
.avatar{position:absolute;left:18px;top:16px;width:34px;height:34px;border-radius:6px;background:#4a154b;
  color:#fff;text-align:center;line-height:34px;font-weight:700}
.name{font-weight:700}
.app{background:#ddd;border-radius:2px;font-size:10px;padding:1px 3px;margin-left:4px;color:#616061}
p{margin:2px 0 8px}
ul,ol{margin:2px 0 8px;padding-left:24px}
code{color:#c01343;background:#f6f6f6;border:1px solid #ddd;border-radius:3px;padding:1px 3px;font-size:12px}
pre{background:#f6f6f6;border:1px solid #ddd;border-radius:4px;padding:8px}
.context{color:#616061;font-size:12.5px;margin:6px 0}
.actions{margin:8px 0}
.button{display:inline-block;border:1px solid #bbb;border-radius:4px;padding:4px 12px;margin:0 8px 8px 0;
  font-weight:700;font-size:13px;background:#fff;white-space:nowrap}
.danger{background:#e01e5a;color:#fff;border-color:#e01e5a}
.select{display:inline-block;border:1px solid #bbb;border-radius:4px;padding:4px 28px 4px 10px;
  margin:0 8px 8px 0;font-size:13px;color:#616061}
.wide{display:block;margin:2px 0 12px;color:#1d1c1d}
h2{font-size:18px;margin:14px0 6px}
.label{font-weight:700;margin-top:8px}
.row{display:flex;justify-content:space-between;gap:12px;margin:4px 0}
.view{padding:6px 22px 12px}
.title{font-weight:900;font-size:19px;border-bottom:1px solid #ddd;padding:14px 22px}
.foot{text-align:right;border-top:1px solid #ddd;padding:12px 22px}
.go{background:#007a5a;color:#fff;border-color:#007a5a}
table{border-collapse:collapse;margin:6px 0}
td,th{border:1px solid #ddd;padding:4px 10px;text-align:left}
hr{border:0;border-top:1px solid #ddd}
"""
PASSAGE = Passage(
    "p1", "/handbook/transit.md", "Transit benefit", ("Enrolling",), "Enrolment takes fourteen days.", 12, 0, 2, "v"
)
OTHER = Passage("p2", "/handbook/travel.md", "Travel", (), "Keep every receipt.", 3, 0, 1, "v")
ANSWER = """Enrolling takes **14 days**; your supervisor approves it.

1. Fill in the form in *HR Links*.
2. Ask your supervisor to approve it.

| City | Monthly limit |
|---|--:|
| Washington | $325 |
| Denver | $200 |
"""
NOW = datetime(2026, 3, 2, tzinfo=UTC)


def profile() -> Profile:
    """Somebody who has set and said a few things."""
    stated = (
        StatedPreference(1, "trains and buses", Polarity.LIKE, PreferenceKind.TOPIC, (), PreferenceOrigin.SAID, NOW),
        StatedPreference(
            2, "Give an example for every rule", Polarity.SAY, PreferenceKind.STYLE, (), PreferenceOrigin.SAID, NOW
        ),
    )
    interest = InterestInWords(
        1, ("transit benefit", "parking"), ("transit.md",), 1.0, NOW, ((Action.UP, 3), (Action.OPENED, 2))
    )
    wishes = PreferenceSet(Preferences(length=Length.SHORT), stated, 50)
    return Profile(Person("slack", "T1", "U1"), wishes, (interest,), 9)


def drawings() -> dict[str, str]:
    """Each picture's name and page."""
    final = Final(ANSWER, (Source(1, PASSAGE), Source(2, OTHER)), answer="0123456789abcdef")
    answer = [*pages(final.markdown)[0], *slack_blocks.under_answer(final)]
    asked = ["How long does transit enrolment take?", "Who approves travel?"]
    lesson = Lesson("0" * 32, "Travel by train.md", Person("slack", "T1", "UANN"), ("channel:slack/T1/C1",), NOW)
    home = slack_home.home(profile(), slack_home.HomeView(asked=asked, lessons=[lesson]))
    talk = (
        f'<div class="message">{_who("ann", "How long does transit enrolment take?")}</div>'
        f'<div class="message">{_who("Attune", "")}{drawn(answer)}</div>'
    )
    bodies = {
        "slack-answer": talk,
        "slack-prefs": modal(slack_home.prefs_modal(profile())),
        "slack-home": f'<div class="view">{drawn(home["blocks"])}</div>',
        "slack-phone": talk,
    }
    return {name: page(body, WIDTHS[name]) for name, body in bodies.items()}


def page(body: str, width: int) -> str:
    """One HTML page."""
    return f'<!doctype html><meta charset="utf-8"><style>{STYLE}body{{width:{width}px}}</style>{body}'


def modal(view: dict[str, Any]) -> str:
    """A modal with its frame."""
    foot = "".join(
        f'<span class="button {kind}">{_text(view[name])}</span>' for name, kind in (("close", ""), ("submit", "go"))
    )
    title, body = _text(view["title"]), drawn(view["blocks"])
    return f'<div class="title">{title}</div><div class="view">{body}</div><div class="foot">{foot}</div>'


def drawn(blocks: list[dict[str, Any]]) -> str:
    """Blocks as HTML."""
    return "".join(_block(block) for block in blocks)


def _block(block: dict[str, Any]) -> str:  # noqa: PLR0911 - one for each kind
    match block["type"]:
        case "markdown":
            return MarkdownIt().enable("table").render(block["text"])
        case "section":
            beside = _element(block.get("accessory", {}))
            return f'<div class="row"><div>{_text(block["text"])}</div><div>{beside}</div></div>'
        case "header":
            return f"<h2>{_text(block['text'])}</h2>"
        case "divider":
            return "<hr>"
        case "context":
            return f'<div class="context">{"".join(_text(each) for each in block["elements"])}</div>'
        case "input":
            hint = f'<div class="context">{_text(block["hint"])}</div>' if "hint" in block else ""
            return f'<div class="label">{_text(block["label"])}</div>{_element(block["element"], wide=" wide")}{hint}'
        case "table":
            rows = ("".join(f"<td>{html.escape(cell['text'])}</td>" for cell in row) for row in block["rows"])
            return f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"
    return f'<div class="actions">{"".join(_element(each) for each in block["elements"])}</div>'


def _element(element: dict[str, Any], wide: str = "") -> str:
    match element.get("type"):
        case "button":
            return f'<span class="button {element.get("style", "")}">{_text(element["text"])}</span>'
        case "feedback_buttons":
            return '<span class="button">👍</span><span class="button">👎</span>'
        case "static_select":
            chosen = element.get("initial_option", {}).get("text") or element.get("placeholder")
            return f'<span class="select{wide}">{_text(chosen)} ▾</span>'
        case "plain_text_input":
            return f'<span class="select{wide}">&nbsp;</span>'
    return ""


def _text(text: dict[str, str]) -> str:
    if text["type"] == "plain_text":
        return html.escape(text["text"])
    said = re.sub(r"\*([^*\n]+)\*", r"<b>\1</b>", text["text"])
    said = re.sub(r"(?<!\w)_([^_\n]+)_(?!\w)", r"<i>\1</i>", said)
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", said).replace("\n", "<br>")


def _who(name: str, said: str) -> str:
    app = '<span class="app">APP</span>' if name == "Attune" else ""
    return f'<div class="avatar">{name[0].upper()}</div><span class="name">{name}</span>{app}<p>{html.escape(said)}</p>'


def main() -> None:
    """Draw them all."""
    options = argparse.ArgumentParser()
    options.add_argument("--html", type=Path)
    kept = options.parse_args().html
    for name, text in drawings().items():
        with tempfile.TemporaryDirectory() as folder:
            file = (kept or Path(folder)) / f"{name}.html"
            file.write_text(text, encoding="utf-8")
            if kept is None:
                photograph(file, WIDTHS[name], DOCS / f"{name}.png")


def photograph(file: Path, width: int, picture: Path) -> None:
    """A page as a picture that ends where the page does. Chromium's window is no narrower than 500: it is cut."""
    window = max(width, 500)
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={window},{TALL}"]
    subprocess.run([CHROMIUM, *flags, f"--screenshot={picture}", file.as_uri()], check=True, capture_output=True)
    with Image.open(picture) as shown:
        whole = shown.convert("RGB")
    rest = ImageChops.difference(whole, Image.new("RGB", whole.size, "white")).getbbox()
    bottom = min(TALL, (rest[3] if rest else TALL) + EDGE)
    whole.crop((0, 0, width, bottom)).quantize(COLOURS).save(picture, optimize=True)


if __name__ == "__main__":
    main()
