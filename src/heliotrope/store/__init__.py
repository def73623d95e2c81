"""Rows in and out of the user's tables as Arrow, and model files."""

from heliotrope.store.artifacts import Artifacts
from heliotrope.store.draw import Draw
from heliotrope.store.relation import Column, Relation, describe, parse_name
from heliotrope.store.rows import EARLIEST, LATEST, Gap, Replaced, Rows

__all__ = [
    "EARLIEST",
    "LATEST",
    "Artifacts",
    "Column",
    "Draw",
    "Gap",
    "Relation",
    "Replaced",
    "Rows",
    "describe",
    "parse_name",
]
