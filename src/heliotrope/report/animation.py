"""Many pictures as one animated GIF.

Pictures drawn by :mod:`heliotrope.report.frame` share one palette, so that their pixels are taken over as they are;
others are brought to the first one's palette and size.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from heliotrope.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["animate", "first_frame"]


def animate(frames: Sequence[bytes], *, seconds_per_frame: float = 0.25) -> bytes:
    """PNG pictures as a GIF that repeats for ever; each is shown for ``seconds_per_frame``, in steps of 10 ms.

    The last one stays for one second more. Raises DataError where there is no frame, or one cannot be read.
    """
    if not frames:
        raise DataError("an animation of no frames", remedy="draw at least one picture first")
    pictures = [_read(frame, place) for place, frame in enumerate(frames)]
    first = _indexed(pictures[0])
    like = [first, *(_alike(picture, first) for picture in pictures[1:])]
    shown = max(20, round(seconds_per_frame * 100) * 10)
    out = io.BytesIO()
    first.save(
        out,
        "GIF",
        save_all=True,
        append_images=like[1:],
        duration=[shown] * (len(like) - 1) + [shown + 1000],
        loop=0,
        disposal=1,
        optimize=False,
    )
    return out.getvalue()


def first_frame(animation: bytes) -> bytes:
    """The first picture of a GIF, as PNG. Raises DataError where it cannot be read."""
    from PIL import Image, UnidentifiedImageError

    out = io.BytesIO()
    try:
        Image.open(io.BytesIO(animation), formats=["GIF"]).save(out, "PNG")
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise DataError(f"not a GIF animation: {error}", remedy="make it again with animate") from None
    return out.getvalue()


def _read(frame: bytes, place: int) -> Image:
    from PIL import Image, UnidentifiedImageError

    try:
        picture = Image.open(io.BytesIO(frame), formats=["PNG"])
        picture.load()
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise DataError(f"frame {place} is not a PNG picture: {error}", remedy="draw it again") from None
    return picture


def _indexed(picture: Image) -> Image:
    return picture if picture.mode == "P" else picture.convert("RGB").quantize(256)


def _alike(picture: Image, first: Image) -> Image:
    """``picture`` in the size and the palette of ``first``."""
    from PIL.Image import Dither

    if picture.size != first.size:
        picture = picture.convert("RGB").resize(first.size)
    if picture.mode == "P" and picture.getpalette() == first.getpalette():
        return picture
    return picture.convert("RGB").quantize(palette=first, dither=Dither.NONE)
