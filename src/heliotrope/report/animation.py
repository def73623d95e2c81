"""Many pictures as one animated GIF.

Pictures drawn by :mod:`heliotrope.report.frame` share one palette, so that their pixels are taken over as they are;
others get a palette each, and the first one's size.
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
    first, *others = [_indexed(picture, pictures[0].size) for picture in pictures]
    shown = max(20, round(seconds_per_frame * 100) * 10)
    out = io.BytesIO()
    first.save(
        out,
        "GIF",
        save_all=True,
        append_images=others,
        duration=[shown] * len(others) + [shown + 1000],
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


def _indexed(picture: Image, size: tuple[int, int]) -> Image:
    """``picture`` in ``size`` and with no more than 256 colours; one that is so already is left as it is."""
    if picture.size != size:
        picture = picture.convert("RGB").resize(size)
    return picture if picture.mode == "P" else picture.convert("RGB").quantize(256)
