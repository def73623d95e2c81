"""The reused figure."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from heliotrope.report.canvas import HEIGHT, WIDTH, Canvas, short
from heliotrope.report.drawing import Drawing, Layout, arranged
from heliotrope.report.names import shortened
from heliotrope.report.palette import Look, looks

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
    picture = surface.draw(drawing(pixels=np.full((LAYOUT.side, LAYOUT.side, 3), (0, 0, 200), dtype=np.uint8)))[
        ..., :3
    ].astype(int)
    blue = (picture[..., 2] > 150) & (picture[..., 0] < 20)
    places = np.argwhere(blue)
    assert places.min(axis=0).tolist() == pytest.approx([LAYOUT.top, LAYOUT.left], abs=1)
    assert places.max(axis=0).tolist() == pytest.approx(
        [LAYOUT.top + LAYOUT.side - 1, LAYOUT.left + LAYOUT.side - 1], abs=1
    )
    assert picture.shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("value", [0.0, -1e-9, 123456.0, -9.99e15, 1e300])
def test_numbers_on_an_axis_are_short(value: float) -> None:
    assert len(short(value)) <= 9


LONG = "of all the customers that came to the shop in spring some"
NAMES = [
    ["A", "B", "C"],
    ["a customer of the shop that came back", "아니요 사지 않았습니다 그리고", 'yes, "bought" <b>at once</b>'],
    [f"{LONG} {i}" for i in range(12)],
    [f"class number {i}" for i in range(28)],
    [f"{'W' * 40}{i}" for i in range(28)],
]


@pytest.mark.parametrize("names", NAMES)
def test_a_legend_overlaps_neither_the_axes_nor_itself(names: list[str]) -> None:
    entries = [*zip(shortened(names), looks(len(names)), strict=True), ("predicted wrongly", Look("#1f1f1f", "x"))]
    layout = Layout("x", "y", LAYOUT.limits, "class:", tuple(entries))
    surface = Canvas(layout)
    surface.draw(drawing(layout=layout, subtitle="said " * 30))
    figure = surface._axes.get_figure()
    assert figure is not None
    boxes = [text.get_window_extent() for text in figure.texts if text.get_text()]
    axes = surface._axes.get_window_extent()
    for box in boxes:
        assert 0 <= box.x0 < box.x1 <= WIDTH
        assert 0 <= box.y0 < box.y1 <= HEIGHT
        assert not box.overlaps(axes)
    for one, other in itertools.combinations(boxes, 2):
        assert min(one.x1, other.x1) <= max(one.x0, other.x0) or min(one.y1, other.y1) - max(one.y0, other.y0) < 4
    assert layout.side >= 340


@pytest.mark.parametrize("limits", [(-0.0025, 0.0025), (-900_000.0, 900_000.0), (-0.9, 0.9), (-1e12, 1e12)])
def test_the_name_of_the_second_axis_is_whole_and_beside_its_numbers(limits: tuple[float, float]) -> None:
    surface = Canvas(Layout("x", "a name that is long and still an axis", (limits, limits)))
    label = surface._axes.yaxis.label.get_window_extent()
    numbers = [text.get_window_extent() for text in surface._axes.get_yticklabels()]
    assert label.x0 >= 0
    assert label.x1 <= min(box.x0 for box in numbers)


def test_entries_stand_under_each_other() -> None:
    places = arranged("class", ["a" * 10] * 9)
    assert len({column for _, column in places}) < len(places)
    assert places == sorted(places)
