"""Draws how each side grows, from what `python -m evals.speed --growth` measured: `python -m evals.speed_plot`."""

from __future__ import annotations

import json

import matplotlib as mpl

from evals.common import RESULTS, Record

CURVES = {
    "passages": "passages of 200 tokens",
    "tokens a passage": "tokens a passage, 4 passages",
    "people": "people at once, 4 seen passages each",
}
MODEL = "qwen2.5-coder-1.5b-instruct"


def main() -> None:
    """Write `speed_growth.svg` next to the results."""
    mpl.use("svg")
    from matplotlib import pyplot as plt  # noqa: PLC0415  # after the choice of what draws

    measured: Record = json.loads((RESULTS / "speed_growth.json").read_text(encoding="utf-8"))
    figure, axes = plt.subplots(1, len(CURVES), figsize=(13, 3.8), layout="constrained")
    for axis, (curve, label) in zip(axes, CURVES.items(), strict=True):
        for side, style in (("attune", "o-"), ("llama.cpp", "s--")):
            points = measured[f"{side}, {MODEL}"][curve]
            for what in ("new", "seen"):
                values = [point[what] for point in points.values() if what in point]
                if values:
                    axis.plot(
                        [int(n) for n in points],
                        values,
                        style,
                        alpha=1 if what == "seen" else 0.5,
                        label=f"{side}, {what}",
                    )
        axis.set_xscale("log", base=2)
        axis.set_yscale("log")
        axis.set_xlabel(label)
        axis.set_ylabel("seconds to the answer" if curve == "people" else "seconds to the first token")
        axis.legend(fontsize=8)
    figure.savefig(RESULTS / "speed_growth.svg")


if __name__ == "__main__":
    main()
