"""Rows in and out of the user's tables as Arrow, and model files."""

from heliotrope.store.artifacts import Artifacts
from heliotrope.store.division import Division, SegmentRows
from heliotrope.store.draw import Draw
from heliotrope.store.part import LONGEST, Part, Reach, name_of, too_long, value_of
from heliotrope.store.relation import Column, Relation, describe, parse_name
from heliotrope.store.rows import EARLIEST, LATEST, Gap, Replaced, Rows

__all__ = [
    "EARLIEST",
    "LATEST",
    "LONGEST",
    "Artifacts",
    "Column",
    "Division",
    "Draw",
    "Gap",
    "Part",
    "Reach",
    "Relation",
    "Replaced",
    "Rows",
    "SegmentRows",
    "describe",
    "name_of",
    "parse_name",
    "too_long",
    "value_of",
]
