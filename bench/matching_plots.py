"""The two pictures of the README: quality by set, latency by size. Matplotlib is used here and nowhere else."""

from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update(
    {"svg.hashsalt": "videnbro", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
)
from matplotlib import pyplot  # noqa: E402 -- the canvas is chosen first
from matplotlib.figure import Figure  # noqa: E402

if TYPE_CHECKING:
    from bench.matching_quality import Measured

PLAIN, OURS = "#9aa5b1", "#0b6e4f"
LINES = {
    "plain_ms": ("plain cosine_similarity + argsort", PLAIN, "o-"),
    "suggest_ms": ("a suggestion with its reasons", OURS, "s--"),
    "scoring_ms": ("the scores and the first 20", OURS, "o-"),
}


def quality(measured: Sequence["Measured"], path: Path) -> None:
    """How many times the baseline's figure each set reaches."""
    shown = [one for one in measured if isfinite(one.ratio)][::-1]
    figure, axes = pyplot.subplots(figsize=(7.5, 0.26 * len(shown) + 1))
    axes.barh([one.name for one in shown], [one.ratio for one in shown], color=OURS)
    axes.axvline(1, color=PLAIN)
    axes.margins(x=0.08, y=0.01)
    for at, one in enumerate(shown):
        axes.text(one.ratio + 0.02, at, f"{one.ratio:.2f}", va="center")
    axes.set_xlabel("times the plain TF-IDF baseline (its nDCG@10, MRR, pair accuracy or recall)")
    _write(figure, path)


def latency(figures: Mapping[str, Mapping[str, float]], path: Path) -> None:
    """Milliseconds of CPU for one list of partners, by the number of profiles."""
    sizes = sorted(figures, key=int)
    figure, axes = pyplot.subplots(figsize=(7.5, 3.6))
    for key, (name, colour, style) in LINES.items():
        axes.plot(
            [int(size) for size in sizes], [figures[size][key] for size in sizes], style, color=colour, label=name
        )
    axes.set(xscale="log", yscale="log", xlabel="profiles", ylabel="ms of CPU")
    axes.legend(frameon=False)
    _write(figure, path)


def _write(figure: Figure, path: Path) -> None:
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})
    pyplot.close(figure)
