"""Draws what the benchmarks wrote: `python -m evals.plots` makes `results/*.svg` of `results/*.json`.

Measures nothing; a result that is not there is left out.
"""

from __future__ import annotations

import json
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evals.common import RESULTS, Record

INCHES = (6.0, 3.6)


def main(folder: Path = RESULTS) -> None:
    """Draw all plots whose results are in `folder`."""
    for name, draw in {"answers": _refusals, "scale": _scale}.items():
        file = folder / f"{name}.json"
        if file.is_file():
            figure = Figure(INCHES, layout="constrained")
            draw(json.loads(file.read_text(encoding="utf-8")), figure.subplots())
            figure.savefig(file.with_suffix(".svg"), metadata={"Date": None})
            print(file.with_suffix(".svg"))


def _refusals(result: Record, axes: Axes) -> None:
    """Right refusals over wrong ones, as the certainty that is asked for grows."""
    curve = result["curve"]
    wrong, right = ([point[name] for point in curve] for name in ("refused, wrongly", "refused, rightly"))
    axes.plot(wrong, right, marker=".")
    for point in curve[1::4]:
        axes.annotate(f"{point['certainty']:g}", (point["refused, wrongly"], point["refused, rightly"]))
    axes.set(
        xlabel="share refused of questions with an answer",
        ylabel="share refused of those without",
        title=f"ATTUNE_CERTAINTY, AUROC {result['refusals']['AUROC']:.3f}",
        xlim=(0, 1),
        ylim=(0, 1),
    )


def _scale(result: Record, axes: Axes) -> None:
    """Milliseconds of a search over the number of passages."""
    sizes = sorted(map(int, result["sizes"]))
    for who in ("all readers", "a member"):
        for share, line in (("p50", "-"), ("p99", "--")):
            times = [result["sizes"][str(size)]["as written"][who][share] for size in sizes]
            axes.plot(sizes, times, line, marker=".", label=f"{who}, {share}")
    axes.set(xscale="log", xlabel="passages", ylabel="milliseconds", title="A search", ylim=(0, None))
    axes.legend()


if __name__ == "__main__":
    main()
