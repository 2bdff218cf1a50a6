"""What the worst documents cost: `python -m evals.parsing`.

Each shape of `evals/shapes_of_*.py` is parsed and split, at one size and at ten times that, each in a process of its
own: seconds of the processor, and megabytes. A parser that is linear in the size takes ten times as long for the larger
one; over 15 times is a fault. Reads no data.
"""

from __future__ import annotations

import gc
import json
import multiprocessing
import resource
import time
from collections.abc import Callable
from functools import partial
from pathlib import PurePath
from typing import Any

from core.documents.archives import members
from core.documents.parsing import parse_with
from core.documents.splitting import split
from core.errors import DocumentError
from evals import shapes_of_packages as packages
from evals import shapes_of_text as texts
from evals.common import RESULTS, Record, parser, sample, write_result
from evals.shapes_of_text import Shape

NAME = "parsing"
SHAPES: dict[str, dict[str, Shape]] = {
    "a.md": texts.MARKDOWN,
    "a.html": texts.HTML,
    "a.rst": texts.RST,
    "a.txt": texts.TEXT,
    "a.py": texts.CODE,
    "a.csv": texts.SHEETS,
    "a.ipynb": texts.NOTEBOOK,
    "a.eml": texts.MAIL,
    "a.xlsx": packages.WORKBOOK,
    "a.docx": packages.WORD,
    "a.pptx": packages.SLIDES,
    "a.epub": packages.BOOK,
    "a.pdf": packages.PDF,
    "slack.zip": packages.SLACK,
    "result.json": packages.TELEGRAM,
    "a.zip": packages.ARCHIVE,
}
"""Every format, by a file name of its kind; its shapes by what they are made of."""
SIZE = 30_000  # bytes; the larger one has ten times as many
MOST = 15.0  # times as long for ten times the size
LONGEST = 120.0  # seconds for one
SHORTEST = 0.02  # seconds: below it a ratio says more of the clock than of the parser


def taken_apart(name: str, data: bytes) -> str:
    """Read `data` as ingestion does, each member of an archive, and split it; returns what came of it."""
    passages, refused = 0, ""
    path = PurePath(name)
    for member in members(data, path):
        if member.parse is None:
            continue
        try:
            document = parse_with(member.parse, member.read(), path / member.name)
        except DocumentError as error:
            refused = str(error)
            continue
        passages += len(
            split(document, source="/a", version="v", budget=400, count_tokens=lambda text: 1 + len(text) // 4)
        )
    return f"{passages} passages" if passages or not refused else refused


def measured(name: str, shape: Shape, size: int) -> Record:
    """Seconds of the processor, megabytes, and what came of it."""
    data = shape(size)
    gc.collect()
    held, start = _megabytes(), time.process_time()
    try:
        outcome = taken_apart(name, data)
    except DocumentError as error:
        outcome = str(error)
    seconds = time.process_time() - start
    return {"seconds": seconds, "MB": max(0.0, _megabytes() - held), "bytes": len(data), "outcome": outcome}


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def apart(work: Callable[[], Record]) -> Record:
    """What `work` returns, in a process that is ended when it takes too long."""
    context = multiprocessing.get_context("fork")  # which has the parsers loaded already
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_tell, args=(sending, work))
    process.start()
    sending.close()
    try:
        return dict(receiving.recv()) if receiving.poll(LONGEST) else {}
    except EOFError:
        return {}
    finally:
        process.kill()
        process.join()


def _tell(sending: Any, work: Callable[[], Record]) -> None:
    sending.send(work())


def compared(name: str, shape: Shape, size: int) -> Record:
    """A shape at `size` and at ten times that; `ratio` is None where the larger one took too long."""
    small = min((apart(partial(measured, name, shape, size)) for _ in range(2)), key=_seconds)
    large = apart(partial(measured, name, shape, 10 * size))
    seconds = [_seconds(small), _seconds(large)]
    ratio = seconds[1] / max(SHORTEST, seconds[0]) if large else None
    return {"seconds": seconds, "ratio": ratio, "MB": large.get("MB"), "outcome": large.get("outcome", "too slow")}


def _seconds(record: Record) -> float:
    return float(record.get("seconds", LONGEST))


def table(found: dict[str, dict[str, Record]]) -> str:
    """For each format its worst shape: the one with the largest ratio among those that take any time."""
    lines = ["| format | shapes | worst ratio | its shape | slowest, s at 1× | at 10× | its shape | MB, most |"]
    lines.append("|---|---|---|---|---|---|---|---|")
    for name, shapes in found.items():
        steep, of = max(shapes.items(), key=lambda item: _steepness(item[1]))
        slow, at = max(shapes.items(), key=lambda item: item[1]["seconds"][1])
        most = max(record["MB"] or 0.0 for record in shapes.values())
        lines.append(
            f"| {PurePath(name).suffix if not name.startswith(('slack', 'result')) else name} | {len(shapes)} "
            f"| {_steepness(of):.1f} | `{_shown(steep)}` | {at['seconds'][0]:.2f} | {at['seconds'][1]:.2f} "
            f"| `{_shown(slow)}` | {most:.0f} |"
        )
    return "\n".join(lines)


def _steepness(record: Record) -> float:
    return float("inf") if record["ratio"] is None else float(record["ratio"])


def _shown(shape: str) -> str:
    return json.dumps(shape)[1:-1].replace("|", "\\|").replace("`", "ˋ")


def main() -> None:
    """Measure, print, and keep the figures."""
    read = parser(f"{__doc__}\n`--limit`: shapes of each format.")
    read.add_argument("--size", type=int, default=SIZE, help="bytes of the smaller one (%(default)s)")
    read.add_argument("--format", action="append", help="such as a.md; all")
    asked = read.parse_args()
    for warm, shapes_of in SHAPES.items():  # load every library
        taken_apart(warm, next(iter(shapes_of.values()))(500))
    found: dict[str, dict[str, Record]] = {}
    for name in asked.format or SHAPES:
        shapes = sample(list(SHAPES[name].items()), asked.limit, asked.seed)
        found[name] = {label: compared(name, shape, asked.size) for label, shape in shapes}
        steep = {label: record for label, record in found[name].items() if _steepness(record) > MOST}
        print(name, json.dumps(steep, indent=1), flush=True)
    print(table(found))
    if not asked.format:
        write_result(NAME, {"size": asked.size, "formats": found}, RESULTS)


if __name__ == "__main__":
    main()
