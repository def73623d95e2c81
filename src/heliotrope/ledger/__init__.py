"""The record of what happened, in PostgreSQL: rows are added and never changed."""

from heliotrope.ledger.decode import reading, table_of
from heliotrope.ledger.history import (
    CycleSummary,
    Declared,
    Recorded,
    by_hand_text,
    champions,
    cycles,
    declarations,
    pipeline_id,
    recorded,
    span,
)
from heliotrope.ledger.journal import Counted, Ledger, Notice, OpenCycle, Recalled
from heliotrope.ledger.migrate import CURRENT, migrate, version
from heliotrope.ledger.past import Past
from heliotrope.ledger.reign import Reign, Shadow

__all__ = [
    "Counted",
    "CURRENT",
    "CycleSummary",
    "Declared",
    "Ledger",
    "Notice",
    "OpenCycle",
    "Past",
    "Recalled",
    "Recorded",
    "Reign",
    "Shadow",
    "by_hand_text",
    "champions",
    "cycles",
    "declarations",
    "migrate",
    "pipeline_id",
    "reading",
    "recorded",
    "span",
    "table_of",
    "version",
]
