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
from heliotrope.ledger.hold import Notice
from heliotrope.ledger.journal import Ledger
from heliotrope.ledger.migrate import CURRENT, migrate, version
from heliotrope.ledger.outbox import Left, Message, Outbox
from heliotrope.ledger.past import Past
from heliotrope.ledger.readings import Counted, OpenCycle, Recalled
from heliotrope.ledger.reign import Reign, Shadow
from heliotrope.ledger.segments import SegmentSummary, recorded_segments, segment_champions, segment_names, segments

__all__ = [
    "Counted",
    "CURRENT",
    "CycleSummary",
    "Declared",
    "Ledger",
    "Left",
    "Message",
    "Notice",
    "OpenCycle",
    "Outbox",
    "Past",
    "Recalled",
    "Recorded",
    "Reign",
    "SegmentSummary",
    "Shadow",
    "by_hand_text",
    "champions",
    "cycles",
    "declarations",
    "migrate",
    "pipeline_id",
    "reading",
    "recorded",
    "recorded_segments",
    "segment_champions",
    "segment_names",
    "segments",
    "span",
    "table_of",
    "version",
]
