"""The frontier drawn: what policies score against how often they train, and what hindsight could have done."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from heliotrope.errors import counted
from heliotrope.report.canvas import short
from heliotrope.report.fonts import families, legible
from heliotrope.report.palette import HUES, INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from heliotrope.whatif.trial import Trial
    from heliotrope.whatif.verdict import Judged

__all__ = ["HEIGHT", "WIDTH", "draw"]

WIDTH, HEIGHT = 600, 480
"""Of the picture, in pixels."""
_DPI = 100
_FAR = 0.35
"""Policies lower than the frontier by more than this share of the picture's range would flatten the rest."""
_BLUE, _ORANGE, _GREEN, _PURPLE, _SKY = HUES[:5]


def draw(trial: Trial, *, title: str, metric: str, lower_is_better: bool, dark: bool = False) -> bytes:
    """A PNG of 600 x 480 pixels on white, or on black for a dark page."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    ink, quiet, ground = ("#e8e8e8", "#a8a8a8", "#16181d") if dark else (INK, "#5a5a5a", "white")
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        figure = Figure(figsize=(WIDTH / _DPI, HEIGHT / _DPI), dpi=_DPI, facecolor=ground)
        canvas: Any = FigureCanvasAgg(figure)  # its methods carry no types
        axes = figure.add_axes((0.125, 0.215, 0.85, 0.665), facecolor=ground)
        below = _points(axes, trial, ink=ink, quiet=quiet, line=_SKY if dark else _BLUE, lower=lower_is_better)
        _dress(figure, axes, ink, quiet, ground, legible(title, 64), metric.replace("_", " "), below)
        out = io.BytesIO()
        canvas.print_png(out)
    return out.getvalue()


def _points(axes: Axes, trial: Trial, *, ink: str, quiet: str, line: str, lower: bool) -> int:
    """The policies and the curve; how many policies lie outside."""
    verdict = trial.verdict
    most = max(one.run.trainings for one in verdict.policies)
    least = min(one.run.trainings for one in verdict.policies)
    frontier = verdict.frontier
    counts = np.arange(1, len(trial.oracle) + 1)
    seen = (counts >= least) & np.isfinite(trial.oracle)
    axes.plot(
        counts[seen], trial.oracle[seen], color=quiet, linewidth=1.6, linestyle=(0, (5, 2.5)), label="in hindsight"
    )
    x, y = ([one.run.trainings for one in frontier], [one.mean for one in frontier])
    others = [one for one in verdict.policies if not one.on_frontier]
    axes.plot(
        [one.run.trainings for one in others],
        [one.mean for one in others],
        linestyle="",
        marker="o",
        markersize=4,
        color=quiet,
        alpha=0.55,
        label="policies",
    )
    axes.plot(x, y, drawstyle="steps-post", color=line, linewidth=1.6)
    axes.plot(x, y, linestyle="", marker="o", markersize=6.5, color=line, label="frontier")
    for one, marker, size, hue, label in (
        (verdict.running, "s", 10, _ORANGE, "running"),
        (verdict.recommended, "D", 9, _GREEN, "recommended"),
    ):
        axes.plot(
            one.run.trainings, one.mean, linestyle="", marker=marker, markersize=size, markerfacecolor="none",
            markeredgecolor=hue, markeredgewidth=2.4, label=label,
        )  # fmt: skip
    if most > 20 * least:
        axes.set_xscale("log")
    return _limit(axes, verdict.policies, [*y, verdict.running.mean, *trial.oracle[seen]], lower)


def _limit(axes: Axes, policies: tuple[Judged, ...], shown: list[float], lower: bool) -> int:
    """Let the axis hold what matters and a little more; how many policies are outside."""
    low, high = min(shown), max(shown)
    room = (high - low) * 0.06 or abs(high) * 0.02 or 0.01
    far = (high - low) * _FAR
    low, high = (low - room, high + far + room) if lower else (low - far - room, high + room)
    values = [one.mean for one in policies]
    low, high = max(low, min([*values, *shown]) - room), min(high, max([*values, *shown]) + room)
    axes.set_ylim(low, high)
    return sum(not low <= value <= high for value in values)


def _dress(figure: Any, axes: Axes, ink: str, quiet: str, ground: str, title: str, metric: str, outside: int) -> None:
    from matplotlib.ticker import MaxNLocator

    family = families()
    axes.set_axisbelow(True)
    axes.grid(True, color=quiet, alpha=0.25, linewidth=0.8)
    axes.tick_params(labelsize=9.5, length=3, colors=quiet, labelcolor=ink, pad=3)
    for spine in axes.spines.values():
        spine.set(color=quiet, linewidth=0.8)
    if axes.get_xscale() == "linear":
        axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    axes.xaxis.set_major_formatter(lambda value, _: short(value))
    axes.xaxis.set_minor_formatter("")
    said = (
        "trainings" if not outside else f"trainings ({counted(outside, 'policy', 'policies')} outside of the picture)"
    )
    axes.set_xlabel(said, size=10.5, color=ink, family=family)
    axes.set_ylabel(f"mean {metric}", size=10.5, color=ink, family=family)
    figure.text(0.02, 0.935, title, size=12, weight="bold", color=ink, family=family[0]).set_parse_math(False)
    figure.legend(
        loc="lower center",
        ncols=5,
        frameon=False,
        labelcolor=ink,
        columnspacing=1.4,
        handletextpad=0.5,
        handlelength=1.8,
        prop={"family": list(family), "size": 9.5},
        bbox_to_anchor=(0.5, 0.005),
    )
    assert math.isclose(figure.dpi, _DPI), "sizes are in pixels"
