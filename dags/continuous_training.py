"""Continuous-Training: every hour's rows, when Create-Data has told of them, are tested on, then trained on."""

from pathlib import Path

from heliotrope.airflow import ContinuousTrainingDag

dag = ContinuousTrainingDag(
    "Continuous-Training",
    pipeline=Path(__file__).parents[1] / "examples" / "rotating_gaussians.yaml",
    after=True,
    tags=["MLOps", "Continuous Training"],
)
