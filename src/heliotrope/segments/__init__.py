"""Cycles of all segments of a pipeline: which there are, and how they are run side by side."""

from heliotrope.segments.crowd import Done, Failure, Segment, behind, covered, run, segments_of, why_refused
from heliotrope.segments.late import changed
from heliotrope.segments.spread import batches, jobs_for, spread

__all__ = [
    "Done",
    "Failure",
    "Segment",
    "batches",
    "behind",
    "changed",
    "covered",
    "jobs_for",
    "run",
    "segments_of",
    "spread",
    "why_refused",
]
