"""Which interval a run is for, and when it is its turn."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.exceptions import AirflowRescheduleException
from airflow.providers.common.compat.sdk import AirflowFailException
from airflow.sdk import DAG, Asset, CronDataIntervalTimetable, PartitionedAssetTimetable

import world
from heliotrope.airflow import ContinuousTrainingDag
from heliotrope.airflow.schedule import cron, every_interval, first_interval, interval_of, starts
from heliotrope.airflow.turn import Turn, Wait, turn_of
from heliotrope.errors import ConfigError, IntervalError
from heliotrope.interval import Interval, parse_time

HOUR = timedelta(hours=1)
FIVE = Interval(parse_time("2026-11-24T05:00Z"), parse_time("2026-11-24T06:00Z"))
ROWS = Asset("rows")


def hours_before(count: int) -> datetime:
    return FIVE.start - count * HOUR


# --- interval ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "context",
    [
        {"params": {"start": "2026-11-24T05:00Z"}, "partition_key": "2026-11-20T05:00:00"},
        {"params": {"start": None}, "partition_key": "2026-11-24T05:00:00"},
        {"data_interval_start": FIVE.start, "data_interval_end": FIVE.end},
        {"data_interval_start": FIVE.end, "data_interval_end": FIVE.end},
        {"dag_run": SimpleNamespace(run_after=FIVE.end + timedelta(minutes=7))},
    ],
)
def test_a_runs_interval_is_by_parameter_partition_data_interval_or_time(context: dict[str, Any]) -> None:
    assert interval_of({"dag_run": SimpleNamespace(run_after=FIVE.end), **context}, HOUR) == FIVE


@pytest.mark.parametrize(
    "context",
    [
        {"params": {"start": "2026-11-24T05:30Z"}},
        {"partition_key": "us"},
        {"data_interval_start": FIVE.start, "data_interval_end": FIVE.end + HOUR},
    ],
)
def test_what_is_no_interval_of_the_pipeline_is_refused(context: dict[str, Any]) -> None:
    with pytest.raises(IntervalError):
        interval_of({"dag_run": SimpleNamespace(run_after=FIVE.end), **context}, HOUR)


@pytest.mark.parametrize("minutes", [7, 36 * 60, 5 * 60, 14 * 24 * 60])
def test_a_step_that_cron_cannot_say_asks_for_a_schedule(minutes: int) -> None:
    with pytest.raises(ConfigError, match="schedule of its own"):
        cron(timedelta(minutes=minutes))


def test_events_tell_of_intervals_by_partition_or_extra() -> None:
    events = [
        SimpleNamespace(partition_key="2026-11-24T05:00:00", extra={}),
        SimpleNamespace(partition_key=None, extra={"start": "2026-11-24T04:00Z"}),
        SimpleNamespace(partition_key="us|2026", extra=None),
        SimpleNamespace(partition_key=None, extra=None),
    ]
    assert starts(events) == {FIVE.start, hours_before(1)}


# --- turn --------------------------------------------------------------------------------------------------


def context_of(
    there: list[datetime],
    *,
    first: datetime | None = None,
    catchup: bool = True,
    run: str = "scheduled",
    begun: Any = None,
) -> dict[str, Any]:
    """A run of FIVE: the rows of which intervals are told of, and the start of the DAG's first."""

    class Events(list[Any]):
        def after(self, time: str) -> list[Any]:
            assert parse_time(time) == FIVE.end
            return self

    events = Events(SimpleNamespace(partition_key=time.isoformat(), extra=None) for time in there)
    settings: dict[str, Any] = {"catchup": False} if first is None else {"catchup": catchup, "start_date": first + HOUR}
    return {
        "dag": DAG("d", schedule=every_interval(HOUR), **settings),
        "dag_run": SimpleNamespace(run_type=run, run_after=FIVE.end),
        "inlet_events": {ROWS: events},
        "ti": SimpleNamespace(get_first_reschedule_date=lambda context: begun),
    }


def never(interval: Interval) -> bool:
    return False


def test_a_run_waits_for_its_own_rows() -> None:
    with pytest.raises(AirflowRescheduleException) as waiting:
        turn_of(context_of([hours_before(1)]), FIVE, Wait(asset=ROWS), never)
    ahead = waiting.value.reschedule_date - datetime.now(UTC)
    assert timedelta(seconds=5) < ahead <= timedelta(seconds=10)


def test_rows_that_do_not_come_in_time_fail_the_run() -> None:
    begun = datetime.now(UTC) - timedelta(hours=3)
    with pytest.raises(AirflowFailException, match="of which rows has not told yet"):
        turn_of(context_of([], begun=begun), FIVE, Wait(asset=ROWS, patience=timedelta(hours=2)), never)


def test_what_is_ready_before_it_is_run_with_it() -> None:
    there = [FIVE.start, *(hours_before(count) for count in (1, 2, 3))]
    context = context_of(there, first=hours_before(3))
    assert turn_of(context, FIVE, Wait(asset=ROWS), never) == Turn(since=hours_before(3))


def test_an_interval_before_it_whose_rows_are_not_there_is_waited_for() -> None:
    context = context_of([FIVE.start, hours_before(1), hours_before(3)], first=hours_before(3))
    asked: list[Interval] = []

    def is_done(interval: Interval) -> bool:
        asked.append(interval)
        return len(asked) > 1

    with pytest.raises(AirflowRescheduleException):
        turn_of(context, FIVE, Wait(asset=ROWS), is_done)
    assert turn_of(context, FIVE, Wait(asset=ROWS), is_done) == Turn(since=hours_before(1))
    assert asked == [FIVE.shift(-2)] * 2


def test_it_goes_on_without_one_that_did_not_come_in_time() -> None:
    begun = datetime.now(UTC) - timedelta(hours=3)
    context = context_of([FIVE.start], first=hours_before(3), begun=begun)
    assert turn_of(context, FIVE, Wait(asset=ROWS, patience=HOUR), never) == Turn(since=FIVE.start)


def test_later_intervals_whose_rows_are_there_are_told_of() -> None:
    there = [FIVE.start, *(FIVE.shift(count).start for count in (1, 2, 4))]
    turn = turn_of(context_of(there, first=FIVE.start), FIVE, Wait(asset=ROWS), never)
    assert turn == Turn(since=FIVE.start, until=FIVE.shift(2).end)


def test_nothing_is_expected_before_the_dags_beginning() -> None:
    context = context_of([FIVE.start, hours_before(1), hours_before(2)], first=hours_before(1))
    assert turn_of(context, FIVE, Wait(asset=ROWS), never) == Turn(since=hours_before(1))
    assert turn_of(context_of([FIVE.start], first=FIVE.start), FIVE, Wait(asset=ROWS), never) == Turn(since=FIVE.start)


@pytest.mark.parametrize(
    ("schedule", "first"),
    [
        (every_interval(HOUR), hours_before(1)),
        (CronDataIntervalTimetable("0 * * * *", timezone="UTC"), FIVE.start),
        (PartitionedAssetTimetable(assets=ROWS), FIVE.start),
    ],
)
def test_a_dags_first_interval_is_by_its_timetable(schedule: Any, first: datetime) -> None:
    dag = DAG("d", start_date=FIVE.start - timedelta(minutes=20), schedule=schedule, catchup=True)
    assert first_interval(dag, HOUR) == first


def test_a_schedule_by_an_asset_names_what_is_waited_for(tmp_path: Path) -> None:
    world.write(tmp_path / "turning.yaml", world.PIPELINE)
    schedule = PartitionedAssetTimetable(assets=ROWS)
    whole: Any = ContinuousTrainingDag(pipeline=tmp_path / "turning.yaml", schedule=schedule, start_date=FIVE.start)
    assert whole.get_task("assess").wait.asset == ROWS


def test_a_dag_that_does_not_catch_up_runs_what_was_missed_since_the_last_done_cycle() -> None:
    assert turn_of(context_of([], catchup=False), FIVE, Wait(asset=None), never) == Turn(missed=True)


def test_a_run_by_hand_waits_for_nothing() -> None:
    assert turn_of(context_of([], first=hours_before(3), run="manual"), FIVE, Wait(asset=ROWS), never) == Turn()
