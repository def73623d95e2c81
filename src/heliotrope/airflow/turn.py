"""When it is an interval's turn: its own rows are there, and those before it have been seen to."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.exceptions import AirflowRescheduleException
from airflow.providers.common.compat.sdk import AirflowFailException

from heliotrope.airflow.schedule import first_interval, starts
from heliotrope.interval import Interval

if TYPE_CHECKING:
    from airflow.sdk import Asset

__all__ = ["Turn", "Wait"]

log = logging.getLogger(__name__)

_FARTHEST = 10_000
"""Intervals that are looked back over for rows that are there."""


@dataclass(frozen=True, kw_only=True)
class Wait:
    """What is waited for, how often it is looked for, and for how long."""

    asset: Asset | None
    patience: timedelta = timedelta(days=1)
    every: timedelta = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Turn:
    """From where on earlier intervals are to be run first; ``missed``: only those since the last done one.

    ``until``: up to where the rows of later ones are there, all of them.
    """

    since: datetime | None = None
    missed: bool = False
    until: datetime | None = None


def turn_of(
    context: Mapping[str, Any], interval: Interval, wait: Wait, is_done: Callable[[Interval], bool] | None
) -> Turn:
    """The interval's turn; raises AirflowRescheduleException while it has not come.

    ``is_done`` tells of an interval whether its cycle is done; None where that cannot be asked. Raises
    AirflowFailException when the interval's own rows do not come in time. A run that somebody asked for by hand waits
    for nothing.
    """
    run_type = str(getattr(context["dag_run"].run_type, "value", context["dag_run"].run_type))
    if run_type == "manual":
        return Turn()
    dag = context["dag"]
    first = first_interval(dag, interval.step)
    if first is not None and first > interval.start:
        first = None  # filled back beyond the DAG's beginning: nothing is expected there
    if wait.asset is None:
        return Turn(since=first, missed=not dag.catchup)
    there = starts(context["inlet_events"][wait.asset].after(interval.end.isoformat()))
    if interval.start not in there:
        _again(context, wait, f"the rows of {interval}, of which {wait.asset.name} has not told yet", give_up=True)
    since = interval.start
    for _ in range(_FARTHEST):
        before = since - interval.step
        if before not in there or (first is not None and before < first):
            break
        since = before
    if first is not None and since > first and is_done is not None:
        previous = Interval(since - interval.step, since)
        if not is_done(previous):
            _again(context, wait, f"{previous}, which comes before and whose rows are not there yet", give_up=False)
    return Turn(since=since, missed=not dag.catchup, until=_until(dag, interval, there) if dag.catchup else None)


def _until(dag: Any, interval: Interval, there: frozenset[datetime]) -> datetime | None:
    """The end of the last of the later intervals whose rows are there, without a gap; None where there is none."""
    end = interval.end
    while end in there and (dag.end_date is None or end <= dag.end_date):
        end += interval.step
    return None if end == interval.end else end


def _again(context: Mapping[str, Any], wait: Wait, what: str, *, give_up: bool) -> None:
    """Look again in a while; when patience is over, fail or go on."""
    now = datetime.now(UTC)
    begun = context["ti"].get_first_reschedule_date(context) or now
    if now - begun < wait.patience:
        log.info("waiting for %s", what)
        raise AirflowRescheduleException(now + wait.every)  # type: ignore[no-untyped-call] # Airflow's has no types
    if give_up:
        raise AirflowFailException(f"waited {wait.patience} for {what}")
    log.warning("waited %s for %s; going on without", wait.patience, what)
