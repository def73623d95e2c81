"""Create-Data: the original's stream, three classes that turn once a day; an hour a run, those of its data set."""

from pathlib import Path

from heliotrope.airflow import CreateDataDag

dag = CreateDataDag(
    "Create-Data",
    pipeline=Path(__file__).parents[1] / "examples" / "rotating_gaussians.yaml",
    max_active_runs=12,
    tags=["MLOps", "Data Engineering"],
)
