"""A first pipeline for a table or a file: what its columns hold, as far as their types, names and values tell.

Every choice is a guess that the written file gives the reason of. The values are looked at in the first 100,000 rows;
the number of rows and the intervals they fall into are those of all.
"""

from __future__ import annotations

from heliotrope.profile.column import ColumnProfile
from heliotrope.profile.file import look_into
from heliotrope.profile.step import Step
from heliotrope.profile.suggestion import Profile
from heliotrope.profile.table import look

__all__ = ["ColumnProfile", "Profile", "Step", "look", "look_into"]
