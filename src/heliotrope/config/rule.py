"""Rules: what bad rows lead to, who is asked, what is drawn."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field

from heliotrope.config.setting import Positive, Settings, Share, Step

__all__ = ["Approval", "Recall", "Report", "Validation"]


class Validation(Settings):
    """What each problem of a batch leads to. ``hold``: record it, use nothing; ``fail``: end with an error."""

    min_rows: Positive = Field(30, description="fewer usable rows than this are too few")
    on_empty: Literal["hold", "fail"] = Field("hold", description="the interval has no rows")
    on_too_few: Literal["hold", "fail", "allow"] = Field("hold", description="fewer than min_rows are left")
    on_schema: Literal["fail", "hold"] = Field(
        "fail", description="a column is missing or has a type that does not fit"
    )
    on_null: Literal["drop", "hold", "fail", "allow"] = Field("drop", description="a feature is null or NaN")
    on_non_finite: Literal["drop", "hold", "fail"] = Field(
        "drop", description="a number is infinite, or beyond 3.4e38, which 32 bits cannot hold"
    )
    on_unlabelled: Literal["drop", "hold", "fail"] = Field("drop", description="the target is null")
    on_unseen_class: Literal["hold", "drop", "fail", "allow"] = Field(
        "hold",
        description="a class that is not in classes, or, without those, that no champion so far was trained on",
    )
    max_dropped: float = Field(
        0.5, ge=0.0, le=1.0, description="hold when a larger share of the labelled rows is dropped"
    )


class Recall(Settings):
    """Before a training, champions of the past are scored on the newest rows; one that fits serves again instead.

    It must be better than the champion, and its mean loss not above that of past trainings by more than the gate's
    margin.
    """

    models: Positive = Field(8, description="how many of the latest different ones")
    alpha: Share = Field(0.01, description="the level of the test against the champion, over all of them together")


class Approval(Settings):
    """Whether a person is asked before the gate lets a challenger in: by Airflow's DAG, or ``run-step gate``.

    ``run`` and ``replay`` ask nobody. What is rolled back, on evidence or by hand, is not asked about.
    """

    timeout: Step = Field(timedelta(hours=12), description="how long the answer is waited for")
    otherwise: Literal["keep", "promote"] = Field("keep", description="what is done when no answer comes in time")


class Report(Settings):
    """What is drawn."""

    best_possible: float | None = Field(None, description="the metric of an ideal model, where it is known")
    pictures: bool = Field(True, description="draw every cycle's decision regions or predictions")
