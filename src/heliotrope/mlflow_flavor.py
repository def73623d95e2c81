"""A champion as an MLflow model: the folder MLflow reads, and the loader it calls. Nothing in it is pickled.

The folder holds ``MLmodel`` (a ``python_function`` flavor whose loader is this module), the requirements, and in
``data`` the model's skops file beside its SHA-256. Users load it as any other model::

    mlflow.set_tracking_uri(...)
    model = mlflow.pyfunc.load_model("models:/rotating_gaussians@champion")
    model.predict(frame)  # a pandas.DataFrame with the time column and the features
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from heliotrope.errors import ArtifactError, EstimatorError, SchemaError

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from heliotrope.candidates.model import Model

__all__ = ["ChampionModel", "write"]

_MODEL, _NOTE = "model.skops", "model.json"
_PROBA = {"name": "proba", "type": "boolean", "default": False, "shape": None}


def write(
    folder: Path,
    *,
    artifact: bytes,
    sha256: str,
    trusted_packages: Iterable[str],
    versions: Mapping[str, str],
    run_id: str,
    created: datetime,
) -> None:
    """Write the folder MLflow loads; ``versions`` (distribution to version, and ``python``) become its requirements."""
    data = folder / "data"
    data.mkdir(parents=True)
    (data / _MODEL).write_bytes(artifact)
    note = {"sha256": sha256, "trusted_packages": sorted(trusted_packages)}
    (data / _NOTE).write_text(json.dumps(note, indent=2) + "\n", encoding="utf-8")
    python, pins = _split(versions)
    flavor = {
        "loader_module": __name__,
        "data": "data",
        "env": {"virtualenv": "python_env.yaml"},
        "python_version": python,
    }
    description = {
        "artifact_path": "model",
        "flavors": {"python_function": flavor},
        "mlflow_version": pins.get("mlflow-skinny", ""),
        "run_id": run_id,
        "signature": {"inputs": None, "outputs": None, "params": json.dumps([_PROBA])},
        "utc_time_created": created.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f"),
    }
    environment = {"python": python, "build_dependencies": ["pip"], "dependencies": ["-r requirements.txt"]}
    (folder / "MLmodel").write_text(yaml.safe_dump(description, sort_keys=False), encoding="utf-8")
    (folder / "python_env.yaml").write_text(yaml.safe_dump(environment, sort_keys=False), encoding="utf-8")
    lines = [f"{name}=={version}\n" for name, version in sorted(pins.items())]
    (folder / "requirements.txt").write_text("".join(lines), encoding="utf-8")


def _split(versions: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Python's version, and the pins of everything else together with what loading itself needs."""
    pins = _loading() | dict(versions)
    return pins.pop("python"), pins


@cache
def _loading() -> dict[str, str]:
    import platform

    return {"python": platform.python_version()} | {
        name: metadata.version(name) for name in ("mlflow-skinny", "pandas", "pyarrow")
    }


class ChampionModel:
    """What ``mlflow.pyfunc.load_model`` wraps: predictions for the rows of a DataFrame."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def predict(self, frame: Any, params: Mapping[str, Any] | None = None) -> NDArray[Any]:
        """One prediction a row, shape (rows,); with ``params={"proba": True}`` probabilities, shape (rows, classes).

        ``frame`` is a pandas.DataFrame with the features, in any order, and, where the model varies in time, the time
        column: times without a zone are UTC, text in ISO 8601 will do. Raises SchemaError for what cannot be read
        so, EstimatorError for probabilities from a model that has none.
        """
        table = _table(frame, self.model.time)
        if not (params and params.get("proba")):
            return self.model.predict(table)
        proba = self.model.predict_proba(table)
        if proba is None:
            raise EstimatorError(f"candidate {self.model.candidate} has no probabilities", remedy="ask without proba")
        return proba


def _table(frame: Any, time: str | None) -> pa.Table:
    import pyarrow as pa

    if not hasattr(frame, "columns"):
        raise SchemaError(f"{type(frame).__name__} is not a DataFrame", remedy="give the columns by their names")
    try:
        table = pa.Table.from_pandas(frame, preserve_index=False)
        if time is None:
            return table
        place = table.schema.get_field_index(time)
        if place < 0:
            raise SchemaError(f"there is no column {time!r}", remedy="give each row the time it is to be predicted for")
        return table.set_column(place, time, _utc(table.column(place)))
    except (ValueError, TypeError, pa.ArrowException) as error:
        raise SchemaError(f"the rows cannot be read as a table: {error}", remedy="give one type a column") from None


def _utc(times: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa

    utc = pa.timestamp("us", "UTC")
    try:
        return times.cast(utc, safe=False)
    except pa.ArrowInvalid:
        # Text without an offset.
        return times.cast(pa.timestamp("us")).cast(utc)


def _load_pyfunc(path: str) -> ChampionModel:
    """MLflow's entry: ``path`` is the folder ``data``. Raises ArtifactError when the file is not the one registered."""
    from heliotrope.candidates import artifact

    folder = Path(path)
    try:
        note = json.loads((folder / _NOTE).read_text(encoding="utf-8"))
        content = artifact.read(folder / _MODEL)
        sha256, packages = str(note["sha256"]), frozenset(note["trusted_packages"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(
            f"{folder} is not a registered model of heliotrope: {error}", remedy="register it again"
        ) from None
    return ChampionModel(artifact.load(content, sha256=sha256, trusted_packages=packages))
