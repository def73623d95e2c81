"""What a picture is drawn from: one cycle's rows, the model that met them, and what was decided."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from heliotrope.interval import Interval

__all__ = ["Kind", "Levels", "Limits", "Predict", "Scene"]

Kind = Literal["numeric", "categorical"]
Limits = tuple[tuple[float, float], tuple[float, float]]
"""From and to on the first axis, from and to on the second."""
Levels = tuple[tuple[float, ...], tuple[float, ...]]
"""The values of the features on the two axes, where they have few; empty for one that has many."""
Predict = Callable[["pa.Table"], "tuple[NDArray[Any], NDArray[Any] | None]"]
"""Rows to (labels or values, probabilities or None): one label and one row of probabilities for each."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Scene:
    """One cycle, ready to be drawn.

    ``table`` holds the batch: time, features, target; the time column is the first. ``predict`` is given tables with
    the same columns but the target; its probabilities have one column a class, in the order of ``classes``. Without
    ``predict`` the data alone are drawn. ``axes``, ``levels`` and ``limits`` fix what is shown, so that the frames of
    an animation do not jump; absent, they are chosen from the table (:mod:`heliotrope.report.view`).
    """

    interval: Interval
    table: pa.Table
    features: Mapping[str, Kind]
    target: str
    task: str
    classes: tuple[str, ...] = ()
    predict: Predict | None = None
    champion: str | None = None
    metric: str = "accuracy"
    score: float | None = None
    drifted: bool | None = None
    decision: str = ""
    axes: tuple[str, str] | None = None
    """Two features, or of a regression a feature and the target."""
    drifting: bool = False
    """Whether the axes were chosen because these features drift most."""
    levels: Levels = ((), ())
    limits: Limits | None = None
