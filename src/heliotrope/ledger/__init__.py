"""The record of what happened, in PostgreSQL: rows are added and never changed."""

from heliotrope.ledger.decode import reading, table_of
from heliotrope.ledger.history import CycleSummary, Recorded, champions, cycles, pipeline_id, recorded, span
from heliotrope.ledger.journal import Ledger, OpenCycle
from heliotrope.ledger.migrate import CURRENT, migrate, version

__all__ = [
    "CURRENT",
    "CycleSummary",
    "Ledger",
    "OpenCycle",
    "Recorded",
    "champions",
    "cycles",
    "migrate",
    "pipeline_id",
    "reading",
    "recorded",
    "span",
    "table_of",
    "version",
]
