"""One cycle's picture, as PNG.

What a picture shows depends on the problem (:mod:`heliotrope.report.view`); every one says so itself, above the axes,
and below them who serves, whether the rows drifted, what was decided, and how well the rows were predicted before
any training on them.

>>> from datetime import datetime, UTC
>>> import numpy as np, pyarrow as pa
>>> from heliotrope.interval import interval_at, parse_step
>>> rng = np.random.default_rng(0)
>>> hour = interval_at(datetime(2026, 11, 24, 5, tzinfo=UTC), parse_step("1h"))
>>> label = np.repeat(["A", "B"], 50)
>>> x, y = rng.normal(size=(2, 100)) + np.where(label == "A", 2, -2)
>>> table = pa.table({"time": pa.array([hour.start] * 100, pa.timestamp("us", "UTC")), "x": x, "y": y, "class": label})
>>> scene = Scene(
...     interval=hour, table=table, features={"x": "numeric", "y": "numeric"}, target="class",
...     task="classification", classes=("A", "B"), champion="sign", score=0.99, drifted=False, decision="skip",
...     predict=lambda rows: (np.where(rows["x"].to_numpy() > 0, "A", "B"), None),
... )
>>> draw(scene)[:8]
b'\\x89PNG\\r\\n\\x1a\\n'
"""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING

from heliotrope.report import palette
from heliotrope.report.canvas import canvas
from heliotrope.report.compose import MOST_POINTS, compose
from heliotrope.report.scene import Kind, Limits, Predict, Scene

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["MOST_POINTS", "Kind", "Limits", "Predict", "Scene", "draw"]

_GRID = 100
_ONE_AT_A_TIME = threading.Lock()


def draw(scene: Scene, *, grid: int = _GRID) -> bytes:
    """``scene`` as a PNG of 600 x 664 pixels; the same scene gives the same bytes.

    ``grid`` is how many points the model is asked at along each axis, where regions are drawn. Whatever ``predict``
    raises is let through.
    """
    with _ONE_AT_A_TIME:  # matplotlib's lettering is shared by all figures
        drawing = compose(scene, grid)
        places = palette.nearest(canvas(drawing.layout).draw(drawing))
    return _png(places)


def _png(places: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    image = Image.fromarray(places, mode="P")
    image.putpalette(palette.table().tobytes())
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=3)
    return out.getvalue()
