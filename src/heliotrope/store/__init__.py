"""Rows in and out of the user's tables as Arrow, and model files."""

from heliotrope.store.artifacts import Artifacts
from heliotrope.store.relation import Column, Relation, describe, parse_name
from heliotrope.store.rows import Rows

__all__ = ["Artifacts", "Column", "Relation", "Rows", "describe", "parse_name"]
