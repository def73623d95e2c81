"""The colours of every picture."""

from __future__ import annotations

import itertools

import numpy as np

from heliotrope.report import palette


def luminance(colour: str) -> float:
    linear = (palette.rgb(colour) / 255) ** 2.2
    return float(linear @ (0.2126, 0.7152, 0.0722))


def test_there_are_256_colours_and_white_is_the_first_grey() -> None:
    colours = palette.table()
    assert colours.shape == (256, 3)
    assert [255, 255, 255] in colours.tolist()


def test_every_tint_and_every_hue_is_found_as_it_is() -> None:
    exact = np.concatenate([palette.tints(palette.HUES).reshape(-1, 3), [palette.rgb(hue) for hue in palette.HUES]])
    pixels = np.full((1, len(exact), 4), 255, dtype=np.uint8)
    pixels[0, :, :3] = exact
    found = palette.table()[palette.nearest(pixels)[0]].astype(int)
    assert np.abs(found - exact).max() <= 7


def test_white_stays_white_and_ink_stays_dark() -> None:
    pixels = np.array([[[255, 255, 255, 255], [31, 31, 31, 255]]], dtype=np.uint8)
    white, ink = palette.table()[palette.nearest(pixels)[0]]
    assert white.tolist() == [255, 255, 255]
    assert ink.max() < 45


def test_the_first_three_hues_differ_in_brightness_too() -> None:
    bright = [luminance(hue) for hue in palette.HUES[:3]]
    assert all(abs(one - other) > 0.05 for one, other in itertools.combinations(bright, 2))


def test_twenty_eight_classes_look_different_from_each_other() -> None:
    assert len(set(palette.looks(28))) == 28


def test_tints_grow_fuller_level_by_level() -> None:
    for tint in palette.tints(palette.HUES).astype(int):
        assert (np.diff(tint.sum(axis=1)) < 0).all()
