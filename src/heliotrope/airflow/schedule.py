"""When a pipeline's DAG runs, and which interval a run is for.

A run at a tick of the pipeline's grid is for the interval that ends there. From Airflow 3.3 on the interval's start is
the run's partition key; before that it is the run's data interval.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset

from airflow import __version__ as airflow_version
from heliotrope.errors import ConfigError, IntervalError
from heliotrope.interval import Interval, floor, format_step, format_time, interval_at, parse_time, refuse_off_grid

if TYPE_CHECKING:
    from airflow.sdk import DAG

    from heliotrope.config import Pipeline

__all__ = ["PARTITIONED", "cron", "every_interval", "first_interval", "interval_of", "rows_of", "starts", "told_by"]

PARTITIONED = tuple(int(part) for part in airflow_version.split(".")[:2]) >= (3, 3)
"""Whether this Airflow's partitions can do what is asked of them: scheduled, waited for, and filled back."""


def cron(step: timedelta) -> str:
    """The cron expression whose ticks are the ends of a grid's intervals.

    Raises ConfigError for a step that cron cannot say.

    >>> cron(timedelta(minutes=15)), cron(timedelta(hours=1)), cron(timedelta(days=1)), cron(timedelta(weeks=1))
    ('*/15 * * * *', '0 * * * *', '0 0 * * *', '0 0 * * 1')
    """
    minutes = step / timedelta(minutes=1)
    if minutes < 60 and 60 % minutes == 0 and minutes == int(minutes):
        return f"*/{int(minutes)} * * * *" if minutes > 1 else "* * * * *"
    hours = step / timedelta(hours=1)
    if hours < 24 and 24 % hours == 0 and hours == int(hours):
        return f"0 */{int(hours)} * * *" if hours > 1 else "0 * * * *"
    if step == timedelta(days=1):
        return "0 0 * * *"
    if step == timedelta(weeks=1):
        return "0 0 * * 1"
    raise ConfigError(
        f"an interval of {format_step(step)} has no cron expression", remedy="give the DAG a schedule of its own"
    )


def every_interval(step: timedelta) -> Any:
    """A timetable with a run for every interval, when it has ended."""
    if not PARTITIONED:
        from airflow.timetables.interval import CronDataIntervalTimetable

        return CronDataIntervalTimetable(cron(step), timezone="UTC")
    from airflow.sdk import CronPartitionTimetable

    return CronPartitionTimetable(cron(step), timezone="UTC", run_offset=-1)


def rows_of(pipeline: Pipeline) -> Asset:
    """The asset that is a pipeline's rows: an event of it says that an interval's rows are there, all of them.

    The event's partition key is the interval's start, or its extra has it under ``start``.
    """
    return Asset(pipeline.source.table)


def interval_of(context: Mapping[str, Any], step: timedelta) -> Interval:
    """The interval that a run is for.

    By, in this order: the parameter ``start``, the partition key, the data interval, and, of a run that has none of
    them, the latest that had ended when the run was to begin. Raises IntervalError for one that is not on the grid.
    """
    asked = (context.get("params") or {}).get("start") or context.get("partition_key")
    if asked:
        start = parse_time(str(asked))
        refuse_off_grid(start, step)
        return interval_at(start, step)
    begin, end = context.get("data_interval_start"), context.get("data_interval_end")
    if begin is not None and end is not None and end > begin:
        refuse_off_grid(_utc(begin), step)
        if _utc(end) - _utc(begin) != step:
            raise IntervalError(
                f"the run's data interval, {format_time(_utc(begin))} to {format_time(_utc(end))}, is not one interval "
                f"of {format_step(step)}",
                remedy="give the DAG a schedule of the pipeline's interval",
            )
        return Interval(_utc(begin), _utc(end))
    run = context["dag_run"]
    last = floor(_utc(end or run.run_after), step)
    return Interval(last - step, last)


def first_interval(dag: DAG, step: timedelta) -> datetime | None:
    """The start of the first interval that a DAG that catches up has a run for; None for one that does not.

    A run at a tick is for the interval that ends there; one with a data interval, or begun by an asset, for that which
    begins there.
    """
    if not dag.catchup or dag.start_date is None:
        return None
    tick = _utc(dag.start_date)
    tick = tick if floor(tick, step) == tick else floor(tick, step) + step
    kind = type(dag.timetable).__name__
    return tick if "DataInterval" in kind or "Asset" in kind else tick - step


def told_by(schedule: Any) -> Asset | None:
    """The asset whose events begin the runs of a DAG, where it is one alone."""
    condition = getattr(schedule, "asset_condition", None)
    return condition if isinstance(condition, Asset) else None


def starts(events: Any) -> frozenset[datetime]:
    """The starts of the intervals that an asset's events tell of; what is no time tells of none."""
    found = set()
    for event in events:
        told = getattr(event, "partition_key", None) or (event.extra or {}).get("start")
        try:
            found.add(parse_time(str(told)))
        except IntervalError:
            continue
    return frozenset(found)


def _utc(time: datetime) -> datetime:
    """The time as Python's own, in UTC: Airflow's are pendulum's."""
    return datetime.fromtimestamp(time.timestamp(), UTC)
