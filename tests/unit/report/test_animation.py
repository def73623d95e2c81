"""Pictures made into a GIF."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageSequence

from heliotrope.errors import DataError
from heliotrope.report.animation import animate, first_frame
from heliotrope.report.frame import draw
from heliotrope.report.scene import Scene
from unit.report.sample import pixels


def frames_of(gif: bytes) -> list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    with Image.open(io.BytesIO(gif)) as image:
        return [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)]


def png(colour: tuple[int, int, int], size: tuple[int, int] = (20, 10)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


def test_frames_of_ours_come_out_as_they_went_in(make_scene: Callable[..., Scene]) -> None:
    pictures = [draw(make_scene(hour)) for hour in range(4)]
    shown = frames_of(animate(pictures))
    assert len(shown) == 4
    for picture, frame in zip(pictures, shown, strict=True):
        assert (frame == pixels(picture)).all()


def test_frames_of_ours_take_under_64_kilobytes_each(make_scene: Callable[..., Scene]) -> None:
    assert len(animate([draw(make_scene(hour)) for hour in range(4)])) < 4 * 64_000


def test_it_repeats_for_ever_at_the_speed_asked_for_and_rests_on_the_last() -> None:
    gif = animate([png((255, 0, 0)), png((0, 255, 0)), png((0, 0, 255))], seconds_per_frame=0.4)
    with Image.open(io.BytesIO(gif)) as image:
        assert image.info["loop"] == 0
        assert [frame.info["duration"] for frame in ImageSequence.Iterator(image)] == [400, 400, 1400]


def test_pictures_of_other_kinds_and_sizes_are_brought_to_the_first_ones() -> None:
    shown = frames_of(animate([png((255, 0, 0)), png((255, 0, 0), (40, 40)), png((250, 4, 0))]))
    assert {frame.shape for frame in shown} == {(10, 20, 3)}


def test_one_frame_is_an_animation_too() -> None:
    assert len(frames_of(animate([png((1, 2, 3))]))) == 1


def test_no_frames_are_refused() -> None:
    with pytest.raises(DataError, match="draw at least one picture"):
        animate([])


@pytest.mark.parametrize("frame", [b"", b"GIF89a", png((1, 2, 3))[:40]])
def test_what_is_no_picture_is_refused_by_its_place(frame: bytes) -> None:
    with pytest.raises(DataError, match="frame 1 is not a PNG"):
        animate([png((1, 2, 3)), frame])


def test_the_first_frame_of_an_animation_is_a_png() -> None:
    still = pixels(first_frame(animate([png((255, 0, 0)), png((0, 0, 255))])))
    assert still[0, 0].tolist() == [255, 0, 0]


def test_a_first_frame_of_nothing_is_refused() -> None:
    with pytest.raises(DataError, match="not a GIF"):
        first_frame(b"nothing")
