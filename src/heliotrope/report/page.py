"""A pipeline's whole history as one HTML file: nothing to install, nothing fetched, everything inside.

What comes from outside (names, reasons, labels) is text and stays text: Jinja escapes it in markup, JSON is written
without a sign that could end its element, and the page's own policy allows no script but the one whose hash it names.
"""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from heliotrope.interval import Interval
from heliotrope.report import costs, cycles, trust
from heliotrope.report.animation import first_frame
from heliotrope.report.canvas import short
from heliotrope.report.fonts import plain
from heliotrope.report.history import History, Totals, totals
from heliotrope.report.reliability import calibration_error
from heliotrope.report.scores import HEIGHT, score
from heliotrope.report.strips import bands, heat, hues, marks
from heliotrope.report.timeline import SPAN, group, mean, place, ticks

__all__ = ["render", "verdict"]

_PER_PAGE = 100
_MOST_ROWS = 12_000
_FEW_ROWS = 1000
_LONG, _SHORT = 1000, 120
_MOST_BYTES = 3_600_000
_LEAST_FRAME_BYTES = 600_000
_LAST_TICK = 95.0
"""Percent of the width beyond which a moment's name would be cut off."""
_IN_THE_TARGETS_UNIT = ("mae", "rmse")
_MOST_SIGNS = 120
"""Of a class's name in a table's head."""
_MOST_CLASSES = 12
"""A matrix of more is not legible: the most frequent mistakes are listed in its place."""


def render(history: History) -> str:
    """The page, as the text of an HTML file in UTF-8; the same history gives the same text."""
    groups = group(history.rows, history.start, history.end)
    counted = totals(history)
    most = _LONG if len(history.rows) <= _FEW_ROWS else _SHORT
    columns = cycles.columns(history)
    rows = [cycles.line(row, columns, most) for row in history.rows[-_MOST_ROWS:][::-1]]
    asked = history.asked
    strips, strips_left_out = heat(history, groups)
    script = _part("report.js")
    return (
        _environment()
        .get_template("report.html")
        .render(
            history=history,
            range=cycles.span(Interval(history.start, history.end)),
            verdict=verdict(history, counted),
            tiles=_tiles(history, counted),
            score=score(history, groups),
            bands=bands(history, groups),
            hues=hues(history),
            marks=marks(history, groups),
            heat=strips,
            heat_left_out=strips_left_out,
            ticks=[tick for tick in ticks(history.start, history.end) if tick.percent <= _LAST_TICK],
            span=SPAN,
            height=HEIGHT,
            per_group=max((len(one.rows) for one in groups), default=1),
            readings=[
                (one.middle * 100 / SPAN, cycles.reading(one.rows, history, mean(one.rows, lambda row: row.score)))
                for one in groups
            ],
            columns=columns,
            smalls=[one for one in (costs.window(history, groups), costs.seconds(history, groups)) if one],
            costs=costs.costs(history),
            asked=asked,
            calibration_error=calibration_error(asked.reliability) if asked and asked.reliability else None,
            slices=trust.dots(asked.slices, history.lower_is_better) if asked else [],
            spans=trust.spans(asked.residuals) if asked and asked.residuals else [],
            bars=trust.bars(asked.residuals) if asked and asked.residuals else "",
            zero=trust.zero(asked.residuals) if asked and asked.residuals else None,
            reach=trust.reach(asked.residuals) if asked and asked.residuals else (),
            unit=_unit(history),
            plain=plain,
            most_signs=_MOST_SIGNS,
            provisional=sum(bool(row.provisional) for row in history.rows),
            most_classes=_MOST_CLASSES,
            number=cycles.number,
            short=short,
            kinds=cycles.KINDS,
            rows=rows[:_PER_PAGE],
            all_rows=rows if len(rows) > _PER_PAGE else [],
            per_page=_PER_PAGE,
            rows_left_out=len(history.rows) - len(rows),
            best=cycles.number(history.best_possible),
            frames=_frames(
                history,
                _MOST_BYTES - sum(len(text) for row in rows for text in row),
            ),
            animation=_picture(history.animation, "gif") if not history.frames else "",
            animation_still=_still(history.animation) if not history.frames else "",
            style=Markup(_part("report.css")),  # noqa: S704 - the package's own file
            script=Markup(script),  # noqa: S704 - the package's own file
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        )
    )


def verdict(history: History, counted: Totals) -> str:
    """The history in a few sentences."""
    metric = history.metric.replace("_", " ")
    if not counted.cycles:
        said = ["No cycle has run in this range yet."]
    elif counted.mean is None:
        said = [f"No interval of {counted.cycles:,} has been scored yet."]
    else:
        where = "1 interval" if counted.scored == 1 else f"{counted.scored:,} intervals"
        average = cycles.number(counted.mean)
        said = [
            f"The champion's {metric} was {average} on average over {where}, each predicted before any training on it."
        ]
        if history.best_possible is not None:
            said.append(_against_the_best(history.best_possible, counted.mean, history.lower_is_better))
        frozen = mean(history.rows, lambda row: row.frozen)
        if frozen is not None:
            same = mean([row for row in history.rows if row.frozen is not None], lambda row: row.score)
            asked = sum(row.frozen is not None for row in history.rows)
            instead = (
                ""
                if same is None or asked == counted.scored
                else f", and the champions had {cycles.number(same)} on the same intervals"
            )
            said.append(f"The first model, never trained again, would have had {cycles.number(frozen)}{instead}.")
    if counted.held:
        said.append(f"{counted.held:,} {'interval was' if counted.held == 1 else 'intervals were'} held.")
    return " ".join(said)


def _against_the_best(best: float, mean: float, lower_is_better: bool) -> str:
    short = mean - best if lower_is_better else best - mean
    if short >= 0:
        return f"The best possible is {cycles.number(best)}, {cycles.number(short)} away."
    return f"The best possible in the long run is {cycles.number(best)}; these rows happened to go better than that."


def _tiles(history: History, counted: Totals) -> list[tuple[str, str, str]]:
    """Label, figure and note of what is said at a glance."""
    metric = history.metric.replace("_", " ")
    better = "lower is better" if history.lower_is_better else "higher is better"
    unit = _unit(history)
    each = counted.seconds / counted.cycles if counted.cycles else 0.0
    return [
        (
            f"mean {metric}",
            cycles.number(counted.mean),
            f"{better}, in the unit of {plain(unit, 40)}" if unit else better,
        ),
        (f"worst {metric}", cycles.number(counted.worst), f"of {counted.scored:,} intervals"),
        ("cycles", f"{counted.cycles:,}", f"{counted.rows:,} rows"),
        ("drifted", f"{counted.drifted:,}", "intervals"),
        ("trainings", f"{counted.trainings:,}", f"{counted.promoted:,} promoted, {counted.refreshed:,} refreshed"),
        ("seconds of steps", f"{counted.seconds:,.1f} s", f"{each:.3f} s a cycle"),
    ]


def _unit(history: History) -> str:
    """The column in whose unit the metric is; empty for one that has none."""
    return history.target if history.metric in _IN_THE_TARGETS_UNIT else ""


def _frames(history: History, room: int) -> list[tuple[float, str, str]]:
    """Place in percent, label and picture of the frames; every so many where all would not fit in ``room`` bytes."""
    size = sum(len(png) for _, png in history.frames)
    every = -(-size // max(room, _LEAST_FRAME_BYTES)) or 1
    return [
        (
            (place(interval.start, history.start, history.end) + place(interval.end, history.start, history.end))
            * (50 / SPAN),
            cycles.when(interval),
            _picture(png, "png"),
        )
        for interval, png in history.frames[::every]
    ]


def _picture(content: bytes | None, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}" if content else ""


def _still(animation: bytes | None) -> str:
    return _picture(first_frame(animation), "png") if animation else ""


def _part(name: str) -> str:
    return files("heliotrope.report").joinpath("templates", name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("heliotrope.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":"), "allow_nan": False}
    return environment
