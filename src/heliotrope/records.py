"""What crosses a border between steps: frozen, plain, comparable by value.

A step takes a context and records and returns a record; the ledger stores records and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from heliotrope.evidence.betting import Evidence
    from heliotrope.interval import Interval

__all__ = [
    "LARGEST",
    "PINNED",
    "Action",
    "Batch",
    "Champion",
    "Decision",
    "DriftReport",
    "Evaluation",
    "Event",
    "FeatureDrift",
    "PairedLoss",
    "Problem",
    "Training",
    "Verdict",
]

LARGEST = 3.4028234663852886e38
"""A number beyond it counts as infinite: trees read floats of 32 bits, and its square should still be a number."""


PINNED = "pinned"
"""The evidence of a decision by hand that says whether its champion is to stay: 1, or 0 for one let go again."""


class Action(StrEnum):
    """What a decision sets in motion. ``hold``, ``skip`` and ``keep`` change nothing, and are recorded too."""

    HOLD = "hold"
    """The batch is not fit to be used: nothing is scored or trained on it."""
    SKIP = "skip"
    """The trigger saw no reason to train."""
    TRAIN = "train"
    """The trigger asked for a training."""
    KEEP = "keep"
    """The gate let the champion stay."""
    PROMOTE = "promote"
    """A challenger became champion."""
    ROLL_BACK = "roll_back"
    """An earlier champion was put back."""


class Event(StrEnum):
    """What a message tells of."""

    TRAINING = "training"
    """A training begins."""
    PROMOTED = "promoted"
    """Another candidate serves."""
    REFRESHED = "refreshed"
    """A fresh fit of the champion's own candidate serves."""
    KEPT = "kept"
    """The gate let the champion stay."""
    HELD = "held"
    """The batch is not fit to be used."""
    ROLLED_BACK = "rolled_back"
    """An earlier champion serves again."""
    DRIFT = "drift"
    """A detector saw drift."""
    FAILURE = "failure"
    """A run ended with an error, or every candidate of a cycle failed."""
    RECOVERY = "recovery"
    """The first cycle after a failure is done."""


class Verdict(StrEnum):
    """What validation said of a batch."""

    OK = "ok"
    HELD = "held"


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One thing validation found: which rule, where, how many rows, what was done (``drop``, ``hold``, ``allow``)."""

    rule: str
    column: str | None
    rows: int
    done: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Batch:
    """The rows of one interval that may be used, with what was found about them.

    ``table`` holds the columns in the pipeline's order: time, features, target, and, where they were asked for, those
    that the champion alone needs; ``rows_read`` counts the rows the
    source held, ``rows`` those left after dropping. ``content_hash`` is taken over the rows as read, whatever
    their order.
    """

    interval: Interval
    table: pa.Table
    content_hash: str
    rows_read: int
    problems: tuple[Problem, ...] = ()
    verdict: Verdict = Verdict.OK
    first_time: datetime | None = None
    last_time: datetime | None = None
    known_from: datetime | None = None
    """When the last of its rows became known; None where no row says so."""
    known_until: datetime | None = None
    """When the first row became known that came after these; None where none has."""

    @property
    def rows(self) -> int:
        """How many rows are left to use."""
        return int(self.table.num_rows)


@dataclass(frozen=True, kw_only=True, slots=True)
class PairedLoss:
    """Challenger against champion on the same rows: mean of (champion's loss - challenger's), so more is better.

    ``wins`` and ``losses`` count the rows on which only the challenger, only the champion was right; None where a
    row's loss is not simply 0 or 1.
    """

    rows: int
    mean_gain: float
    standard_error: float
    wins: int | None = None
    losses: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """How one model did on one batch that it had not been trained on."""

    role: str
    """``champion``, ``challenger``, ``previous``, ``shadow``; ``whole``: the whole's champion on a segment."""
    candidate: str
    rows: int
    metrics: Mapping[str, float]
    gain: PairedLoss | None = None
    evidence: Evidence | None = None
    """What its comparison with the champion has gathered, this batch included; None without one."""
    kept_out: tuple[str, ...] = ()
    """Why guards do not let it in."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureDrift:
    """One detector's reading of one feature; ``feature`` is ``"*"`` where it reads all of them together."""

    feature: str
    statistic: float
    p_value: float | None
    """Corrected over all features and detectors of the report; None where the statistic has no distribution."""
    threshold: float
    """What ``p_value`` must fall below, or, where that is None, what ``statistic`` must exceed.

    A domain classifier's area must be above the configured one as well.
    """
    drifted: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class DriftReport:
    """What one detector measured between a reference and a batch."""

    detector: str
    reference_rows: int
    current_rows: int
    features: tuple[FeatureDrift, ...]

    @property
    def drifted(self) -> bool:
        """Whether any reading crossed its threshold."""
        return any(feature.drifted for feature in self.features)


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What validation, a trigger, a gate or a person chose, why, and on what evidence."""

    action: Action
    reasons: tuple[str, ...]
    evidence: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Training:
    """One fit: of what, on which rows, how long it took, and which file holds the model."""

    candidate: str
    window: Interval
    rows: int
    seconds: float
    seed: int
    fingerprint: str
    """SHA-256 over the candidate, its seed, and the hash of every batch in the window: equal means the same fit."""
    versions: Mapping[str, str]
    code_version: str
    artifact: str | None = None
    """SHA-256 of the model's file; None for a challenger that was scored and not kept."""
    classes: tuple[str, ...] = ()
    """The classes of its window, sorted; empty for a regression, and where the pipeline declares them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Champion:
    """Who serves a pipeline, since when and until when (None: still), in the data's time, and why."""

    id: int
    candidate: str
    valid_from: datetime
    valid_to: datetime | None
    action: Action
    reasons: tuple[str, ...]
    evidence: Mapping[str, float]
    actor: str
    decided_at: datetime
    training: Training
    training_id: int
    registered_version: str | None = None
    classes: tuple[str, ...] = ()
    """The classes met until it began to serve, sorted: those of its window, and those that the champion before knew."""

    @property
    def did(self) -> str:
        """What made it champion, or let it stay."""
        if self.action is Action.KEEP:
            return "pin" if self.pinned else "unpin"
        return self.action.value.replace("_", " ") + (" and pin" if self.pinned else "")

    @property
    def by_hand(self) -> bool:
        """Whether a person decided it."""
        return PINNED in self.evidence or self.actor != "heliotrope"

    @property
    def pinned(self) -> bool:
        """Whether a person said that it is to stay until it is unpinned."""
        return self.evidence.get(PINNED) == 1
