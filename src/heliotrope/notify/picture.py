"""The picture that goes with a message: the cycle's, drawn where its file is not there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from heliotrope.interval import Interval

if TYPE_CHECKING:
    from heliotrope.context import Context
    from heliotrope.ledger import Notice
    from heliotrope.notify.delivery import Picture

__all__ = ["picture_of"]


def picture_of(context: Context, notice: Notice, wanted: bool | None = None) -> Picture | None:
    """Gives a cycle's picture, or None where it cannot be drawn, which is told; None where no pictures are wanted."""
    if not (context.pipeline.report.pictures if wanted is None else wanted):
        return None

    def picture(interval: Interval) -> Path | None:
        from heliotrope.publish import pictures

        there = pictures.path(context, interval)
        if there.is_file():
            return there
        try:
            return pictures.picture(context, interval)
        except Exception as error:  # whatever it is, the text is worth more
            notice(f"a message goes without the picture of {interval}: {error}", "")
            return None

    return picture
