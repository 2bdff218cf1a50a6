"""Records a conversation in a terminal: `python -m tests.write_terminal_picture` writes `docs/chat.svg`.

`attune chat` really runs, with the default model and Attune's own guides, in a tmux that is looked at ten times a
second. Where the guides were not read before, a start that nobody sees reads them. What changed between two looks
becomes an animation of CSS alone, readable on light and on dark pages; long waits are cut to `LONGEST`. Whoever wants
less motion sees the end of it. Needs `tmux`; `--home` names a folder whose `models` are there already, and `--frames
FILE` keeps what was seen, to be drawn again.
"""

from __future__ import annotations

import argparse
import html
import itertools
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "chat.svg"
SAID = (
    "which chat platforms work?",
    "how do I make the answers shorter",
    "what does a licence for 50 seats cost",  # no guide says it
    "/why",
)
COLUMNS, ROWS = 84, 30
CHECKOUT = "/home/me/attune"  # stands in the picture for the folder that this lies in
LOOKS = 0.1  # seconds between two looks
STILL = 2.5  # seconds without a change after which an answer is over
LONGEST = 1.5  # seconds for a picture that stands still, or in which only a clock moves, whatever was waited for
TICKS = 4  # pictures of such a clock
LAST = 5.0  # seconds that the end stands
PATIENCE = 240.0  # seconds for one answer
LETTERS, KEYSTROKE = 3, 0.15  # typed at once, and seconds for them
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 8.4, 19, 18, 46, 12  # of a character, of a row; what is around them
ANSI = {"1": "b", "2": "d", "3": "i", "36": "c", "32": "g", "31": "r", "33": "y"}
COLOURS = {"c", "g", "r", "y"}
_CODES = re.compile(r"\x1b\[([0-9;]*)m|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\(B|\x0f")
_TICKING = re.compile(r"[\u2800-\u28ff]|\d+ s\b")  # what moves while one waits
STYLE = """
:root{--page:#fbfbfa;--edge:#d5d8db;--ink:#24292f;--dim:#6a737d;--c:#0550ae;--g:#116329;--r:#a40e26;--y:#7d4e00}
@media(prefers-color-scheme:dark){:root{--page:#16191d;--edge:#363b42;--ink:#dfe3e7;--dim:#959da5;--c:#79c0ff;
--g:#7ee787;--r:#ff7b72;--y:#e3b341}}
text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:var(--ink);
white-space:pre}
.b{font-weight:700}.i{font-style:italic}.d{fill:var(--dim)}.c{fill:var(--c)}.g{fill:var(--g)}.r{fill:var(--r)}
.y{fill:var(--y)}
"""


class Frame(NamedTuple):
    """What stood on the screen from `at` seconds on: its rows with their codes, and where the cursor was."""

    at: float
    rows: list[str]
    cursor: tuple[int, int]


@dataclass(frozen=True)
class Run:
    """Characters of one row in one style."""

    row: int
    column: int
    style: str
    text: str


class Tmux:
    """A terminal that nobody sees."""

    def __init__(self, folder: Path) -> None:
        self._socket = str(folder / "tmux")

    def run(self, *words: str) -> str:
        done = subprocess.run(["tmux", "-S", self._socket, *words], capture_output=True, text=True, check=True)  # noqa: S607
        return done.stdout

    def start(self, command: str) -> None:
        size = ["-x", str(COLUMNS), "-y", str(ROWS)]
        self.run("-f", "/dev/null", "new-session", "-d", *size, command)
        self.run("set", "status", "off")

    def look(self, started: float) -> Frame:
        rows = self.run("capture-pane", "-e", "-p").split("\n")[:ROWS]
        column, row = self.run("display-message", "-p", "#{cursor_x} #{cursor_y}").split()
        return Frame(time.monotonic() - started, [line.rstrip() for line in rows], (int(row), int(column)))


def record(home: Path) -> Iterator[Frame]:
    """Talk, and give each screen that differs from the one before."""
    with tempfile.TemporaryDirectory(prefix="attune-") as name:
        folder = Path(name)
        environ = {"ATTUNE_HOME": str(home), "PYTHONPATH": str(ROOT), "COLORTERM": "", "TERM": "screen-256color"}
        own = " ".join(f"{key}={shlex.quote(value)}" for key, value in environ.items())
        attune = f"cd {shlex.quote(name)} && {own} {sys.executable} -m bots"
        if not (home / "data" / "index").exists():
            subprocess.run(f"{attune} chat", shell=True, check=True, env=os.environ, input=b"")  # noqa: S602 - ours
        tmux = Tmux(folder)
        tmux.start(f"{attune} chat")
        try:
            yield from _conversation(tmux)
        finally:
            tmux.run("kill-server")


def _conversation(tmux: Tmux) -> Iterator[Frame]:
    started, last = time.monotonic(), None
    yield from (shown := list(_until_still(tmux, started, last, "› ")))
    for said in SAID:
        last = shown[-1]
        for part in (said[place : place + LETTERS] for place in range(0, len(said), LETTERS)):
            tmux.run("send-keys", "-l", part)
            time.sleep(KEYSTROKE)
            yield (last := tmux.look(started))
        tmux.run("send-keys", "Enter")
        yield from (shown := list(_until_still(tmux, started, last, "› ")))


def _until_still(tmux: Tmux, started: float, last: Frame | None, prompt: str) -> Iterator[Frame]:
    """Each screen that differs from the one before, until a prompt waits and nothing moves."""
    begun = changed = time.monotonic()
    while True:
        frame = tmux.look(started)
        if last is None or frame.rows != last.rows:
            changed, last = time.monotonic(), frame
            yield frame
        waits = any(_CODES.sub("", row).strip() == prompt.strip() for row in frame.rows[-1:] + frame.rows)
        if waits and time.monotonic() - changed > STILL:
            return
        if time.monotonic() - begun > PATIENCE:
            raise TimeoutError("no answer")
        time.sleep(LOOKS)


def timed(frames: list[Frame]) -> tuple[list[Frame], float]:
    """The same from 0 on, with no wait longer than `LONGEST`, and how long all of it takes."""
    told, now = [], 0.0
    waits = [list(wait) for _, wait in itertools.groupby(frames, lambda frame: _TICKING.sub("", "\n".join(frame.rows)))]
    for wait, after in zip(waits, [*waits[1:], None], strict=True):
        seen = wait if len(wait) <= TICKS else [wait[(len(wait) - 1) * n // (TICKS - 1)] for n in range(TICKS)]
        whole = min(after[0].at - wait[0].at, LONGEST) if after else LAST
        told += [frame._replace(at=round(now + whole * n / len(seen), 2)) for n, frame in enumerate(seen)]
        now += whole
    return told, round(now, 2)


def runs(rows: list[str]) -> Iterator[Run]:
    """The styled parts of a screen; a style goes on into the next row."""
    style: set[str] = set()
    for number, row in enumerate(rows):
        yield from _runs_of(number, row, style)


def _runs_of(number: int, row: str, style: set[str]) -> Iterator[Run]:
    column, place = 0, 0
    for code in [*_CODES.finditer(row), None]:
        text = row[place : code.start() if code else None]
        if text.strip():
            indent = len(text) - len(text.lstrip())
            yield Run(number, column + indent, " ".join(sorted(style)), text.strip())
        column += len(text)
        if code:
            place = code.end()
            for part in (code[1] or "0").split(";") if code[1] is not None else ():
                if part in {"", "0"}:
                    style.clear()
                if part == "39":
                    style -= COLOURS
                style |= {ANSI[part]} if part in ANSI else set()


def drawn(frames: list[Frame], whole: float) -> str:
    """The picture: each run with the spans of time in which it stands."""
    spans: dict[Run, list[list[float]]] = defaultdict(list)
    for frame, after in zip(frames, [*frames[1:], None], strict=True):
        end = after.at if after else whole
        for run in runs(frame.rows):
            if spans[run] and spans[run][-1][1] == frame.at:
                spans[run][-1][1] = end
            else:
                spans[run].append([frame.at, end])
    names: dict[str, str] = {}
    rules, texts = [], []
    for run, times in spans.items():
        steps = _keyframes(times, whole)
        if steps and steps not in names:
            names[steps] = f"k{len(names)}"
            name = names[steps]
            rules.append(f"@keyframes {name}{{{steps}}}.{name}{{animation:{name} {whole}s step-end infinite}}")
        last = "" if times[-1][1] == whole else " x"
        texts.append(_text(run, f"{names.get(steps, '')}{last} {run.style}".strip()))
    still = "@media(prefers-reduced-motion:reduce){*{animation:none!important}.x{display:none}}"
    width, height = round(2 * LEFT + COLUMNS * WIDTH), TOP + ROWS * HEIGHT + BOTTOM
    dots = "".join(f'<circle cx="{20 + 18 * n}" cy="20" r="5.5" fill="var(--edge)"/>' for n in range(3))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-labelledby="t">'
        f'<title id="t">A conversation with Attune in a terminal: two answers, a refusal, and why</title>'
        f"<style>{STYLE.strip()}{''.join(rules)}{still}</style>"
        f'<rect x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="9" fill="var(--page)" '
        f'stroke="var(--edge)"/>{dots}{"".join(texts)}</svg>\n'
    )


def _keyframes(times: list[list[float]], whole: float) -> str:
    """Visible in these spans and at no other time; empty for what always stands."""
    if times == [[0.0, whole]]:
        return ""
    steps = {0.0: "hidden"}
    for begin, end in times:
        steps |= {begin: "visible", end: "hidden"}
    return "".join(f"{100 * at / whole:.2f}%{{visibility:{state}}}" for at, state in steps.items() if at < whole)


def _text(run: Run, style: str) -> str:
    x, y = round(LEFT + run.column * WIDTH, 1), TOP + run.row * HEIGHT + 14
    length = round(len(run.text) * WIDTH, 1)
    named = f' class="{style}"' if style else ""
    return f'<text x="{x}" y="{y}" textLength="{length}"{named}>{html.escape(run.text, quote=False)}</text>'


def main() -> None:
    """Record, or take what was recorded, and draw."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that no terminal is left behind
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--home", type=Path, required=True, help="an ATTUNE_HOME of its own, with the models")
    asked.add_argument("--frames", type=Path, help="what was seen: written, or read where it is there")
    given = asked.parse_args()
    if given.frames and given.frames.exists():
        frames = [Frame(at, rows, tuple(cursor)) for at, rows, cursor in json.loads(given.frames.read_text())]
    else:
        frames = []
        for frame in record(given.home):
            frames.append(frame)
            if given.frames:
                given.frames.write_text(json.dumps(frames))
    seen = itertools.dropwhile(lambda frame: not any(frame.rows), frames)
    elsewhere = [frame._replace(rows=[row.replace(str(ROOT), CHECKOUT) for row in frame.rows]) for frame in seen]
    PICTURE.write_text(drawn(*timed(elsewhere)), encoding="utf-8")


if __name__ == "__main__":
    main()
