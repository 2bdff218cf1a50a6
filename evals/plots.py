"""Draws what the benchmarks wrote: `python -m evals.plots` makes `results/*.svg` of `results/*.json`.

Measures nothing; a result that is not there is left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evals.common import RESULTS, Record

INCHES = (6.0, 3.6)


def main(folder: Path = RESULTS) -> None:
    """Draw all plots whose results are in `folder`; the same results give the same files."""
    rcParams["svg.hashsalt"] = "attune"
    for name, (source, draw) in PLOTS.items():
        file = folder / f"{source}.json"
        if file.is_file():
            figure = Figure(INCHES, layout="constrained")
            draw(json.loads(file.read_text(encoding="utf-8")), figure.subplots())
            target = folder / f"{name}.svg"
            figure.savefig(target, metadata={"Date": None})
            print(target)


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


def _gains(result: Record, axes: Axes) -> None:
    """What learning adds to the team's prior over the number of visits, with intervals."""
    for place, (pair, label) in enumerate(_PAIRS.items()):
        points = result["finding"]["gains"][pair]
        visits = sorted(map(int, points))
        means, lows, highs = ([points[str(number)]["Hit@10"][column] for number in visits] for column in range(3))
        shifted = [number + 0.15 * place for number in visits]
        around = [
            [m - low for m, low in zip(means, lows, strict=True)],
            [h - m for h, m in zip(highs, means, strict=True)],
        ]
        axes.errorbar(shifted, means, yerr=around, marker=".", capsize=2, label=label)
    axes.axhline(0, color="grey", linewidth=0.5)
    axes.set(xlabel="visits before", ylabel="gain in Hit@10, 95 %", title="What a visitor opens next")
    axes.legend(fontsize="small")


def _turn(result: Record, axes: Axes) -> None:
    """Somebody else's ten visits, then one's own: how soon the ranking follows."""
    finding = result["finding"]
    turned, steady = finding["turned"], finding["after"]
    visits = sorted(map(int, turned))
    axes.plot(visits, [turned[str(number)]["Hit@10"] for number in visits], marker=".", label="taste changes at 10")
    kept = sorted(map(int, steady["A5 everything"]))
    for name in ("A5 everything", "A1 team prior"):
        axes.plot(kept, [steady[name][str(number)]["Hit@10"] for number in kept], "--", label=name)
    axes.axvline(10, color="grey", linewidth=0.5)
    axes.set(xlabel="visits", ylabel="Hit@10", title="A change of taste midway", ylim=(0, 1))
    axes.legend(fontsize="small")


def _memory(result: Record, axes: Axes) -> None:
    """What the serving process and Valkey hold, over the messages they have seen."""
    samples = result["endurance"]["memory"]
    for name, line in (("process, MB", "-"), ("Valkey, MB", "--")):
        axes.plot([sample["messages"] for sample in samples], [sample[name] for sample in samples], line, label=name)
    axes.set(xlabel="messages", ylabel="MB", title="Memory while serving", ylim=(0, None))
    axes.legend()


def _growth(axis: str, result: Record, axes: Axes) -> None:
    """Seconds of both sides over what grows, both scales logarithmic."""
    for side, line in (("attune", "-"), ("llama.cpp", "--")):
        curve = result[f"{side}, {_LARGE}"][axis]
        places = sorted(map(int, curve))
        for what in curve[str(places[0])]:
            times = [curve[str(place)][what] for place in places]
            axes.plot(places, times, line, marker=".", label=f"{side}, passages {what}")
    act = "all answers" if axis == "people" else "first token"
    axes.set(xscale="log", yscale="log", xlabel=axis, ylabel="seconds", title=f"{act.capitalize()}, 1.5B")
    axes.set_xticks(places, map(str, places), minor=False)
    axes.legend(fontsize="small")


def _models(result: Record, axes: Axes) -> None:
    """Seconds to the first token of the two models."""
    for side, line in (("attune", "-"), ("llama.cpp", "--")):
        points = [result[f"{side}, {model}"]["passages"]["4"] for model in (_SMALL, _LARGE)]
        for what in points[0]:
            axes.plot(["135M", "1.5B"], [point[what] for point in points], line, marker=".", label=f"{side}, {what}")
    axes.set(yscale="log", ylabel="seconds", title="First token, four passages of 200 tokens")
    axes.legend(fontsize="small")


def _company(result: Record, axes: Axes) -> None:
    """Seconds to the first word for 95 of 100 people, over the machines that answer."""
    for kind, found in result["kinds"].items():
        points = sorted((one["machines"], one["first word, s"]["p95"]) for one in found["tried"])
        axes.plot(
            *zip(*points, strict=True), marker=".", label=f"{kind} ({found['machine']['basis'].partition(':')[0]})"
        )
    axes.axhline(result["company"]["patience"], color="grey", linewidth=0.5)
    axes.set(xscale="log", yscale="log", xlabel="machines", ylabel="p95 to the first word, seconds")
    axes.set(title=f"{result['company']['questions']:,} questions in the busiest hour")
    axes.legend(fontsize="small")


_SMALL, _LARGE = "smollm2-135m-instruct", "qwen2.5-coder-1.5b-instruct"
_PAIRS = {
    "A5 everything - A1 team prior": "everything − team prior",
    "A5 everything - A6 another's profile": "everything − another's profile",
    "A1+A4 team and vectors - A1 team prior": "team and vectors − team prior",
}
PLOTS: dict[str, tuple[str, Callable[[Record, Axes], None]]] = {
    "answers": ("answers", _refusals),
    "scale": ("scale", _scale),
    "personalisation": ("personalisation", _gains),
    "personalisation_turn": ("personalisation", _turn),
    "load": ("load", _memory),
    "speed_passages": ("speed_growth", partial(_growth, "passages")),
    "speed_tokens": ("speed_growth", partial(_growth, "tokens a passage")),
    "speed_people": ("speed_growth", partial(_growth, "people")),
    "speed_models": ("speed_growth", _models),
    "simulation": ("simulation", _company),
}


if __name__ == "__main__":
    main()
