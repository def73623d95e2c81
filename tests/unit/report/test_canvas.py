"""The reused figure."""

from __future__ import annotations

import numpy as np
import pytest

from heliotrope.report.canvas import HEIGHT, WIDTH, Canvas, short
from heliotrope.report.drawing import Drawing, Layout

LAYOUT = Layout("x", "y", ((-7.0, 7.0), (-7.0, 7.0)))


def drawing(**changes: object) -> Drawing:
    said = {"layout": LAYOUT, "title": "t", "subtitle": "s", "caption": ("one", "two")}
    return Drawing(**(said | changes))  # type: ignore[arg-type] # as the test says


def test_a_line_that_is_emptied_and_comes_back_is_lettered_again() -> None:
    surface = Canvas(LAYOUT)
    full = surface.draw(drawing()).copy()
    empty = surface.draw(drawing(caption=("", ""))).copy()
    assert (surface.draw(drawing()) == full).all()
    assert (empty[HEIGHT - 45 :, :, :3] == 255).all()
    assert not (full[HEIGHT - 45 :, :, :3] == 255).all()


def test_pixels_fill_the_axes_and_nothing_else() -> None:
    surface = Canvas(LAYOUT)
    picture = surface.draw(drawing(pixels=np.full((536, 536, 3), (0, 0, 200), dtype=np.uint8)))[..., :3].astype(int)
    blue = (picture[..., 2] > 150) & (picture[..., 0] < 20)
    places = np.argwhere(blue)
    assert places.min(axis=0).tolist() == pytest.approx([52, 50], abs=1)
    assert places.max(axis=0).tolist() == pytest.approx([52 + 535, 50 + 535], abs=1)
    assert picture.shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("value", [0.0, -1e-9, 123456.0, -9.99e15, 1e300])
def test_numbers_on_an_axis_are_short(value: float) -> None:
    assert len(short(value)) <= 9
