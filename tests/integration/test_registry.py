"""Champions in MLflow's registry, on a real PostgreSQL: found by alias, loaded, registered once, and in silence."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psycopg
import pyarrow as pa
import pytest

import world
from heliotrope import mlflow_flavor
from heliotrope.candidates import artifact
from heliotrope.candidates.model import Model
from heliotrope.errors import ArtifactError, EstimatorError, RegistryError, SchemaError
from heliotrope.registry import Registration, Registry, tracking_uri

HOUR = timedelta(hours=1)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a name that needs care in a URI."""
    return tmp_path_factory.mktemp("모델 100%")


@pytest.fixture(scope="module")
def url(server_url: str) -> Iterator[str]:
    """One database for this file: making MLflow's tables takes a second, and every test has a pipeline of its own."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE registry")
    yield server_url.replace("/postgres?", "/registry?")
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE registry WITH (FORCE)")


@pytest.fixture(scope="module")
def shared(url: str, root: Path) -> Iterator[Registry]:
    with Registry(tracking_uri(url), artifact_root=root) as registry:
        yield registry


def entry(folder: Path, name: str, hour: int = 0, *, content: bytes = b"not a model", **changes: Any) -> Registration:
    """A registration of the champion that serves from noon + ``hour`` on."""
    sha256 = hashlib.sha256(content).hexdigest()
    file = folder / f"{sha256}.skops"
    file.write_bytes(content)
    found = Registration(
        key=f"{name}/{hour}",
        pipeline=name,
        candidate="tree",
        artifact=file,
        sha256=sha256,
        valid_from=NOON + hour * HOUR,
        params={"rows": "900"},
        metrics={"tree.gain": 0.01, "a<b": 1.0},
        tags={"heliotrope.reasons": "better"},
    )
    return replace(found, **changes)


def client(registry: Registry) -> Any:
    registry.prepare()
    return registry._known_client


def versions(registry: Registry, name: str) -> list[str]:
    return sorted(str(version.version) for version in client(registry).search_model_versions(f"name = '{name}'"))


def fitted(estimator: str, **options: Any) -> Model:
    """A model of the turning stream's first hours."""
    from heliotrope import streams

    pipeline = world.pipeline(candidates=[{"name": "one", "estimator": estimator, **options}])
    stream = streams.make("rotating_gaussians", rows=60, seed=0)
    table = pa.concat_tables([stream.batch(hour) for hour in world.hours(3)])
    kinds: Any = {"x": "numeric", "y": "numeric"}
    return Model.fit(pipeline.candidates[0], table, pipeline=pipeline, kinds=kinds, weights=None, seed=0)


@pytest.fixture(scope="module")
def model() -> Model:
    """One that varies in time."""
    return fitted("heliotrope.candidates.ExtrapolatedDiscriminant")


def rows() -> tuple[pa.Table, pd.DataFrame]:
    """The next hour's rows without their labels, as we and as a user of MLflow has them."""
    from heliotrope import streams

    table = streams.make("rotating_gaussians", rows=50, seed=1).batch(world.hours(4)[-1]).drop_columns(["class"])
    return table, table.to_pandas()


def loaded(registry: Registry, name: str) -> Any:
    """The champion as a user of MLflow loads it."""
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore", UserWarning)  # MLflow warns of type hints of its own
        import mlflow.pyfunc

        patch.setenv("MLFLOW_TRACKING_URI", registry.uri)
        return mlflow.pyfunc.load_model(f"models:/{name}@champion")


# --- loaded by its users ---


def test_a_user_loads_the_champion_by_its_alias_and_predicts(shared: Registry, tmp_path: Path, model: Model) -> None:
    shared.register(entry(tmp_path, "by_alias", content=artifact.dump(model)))
    table, frame = rows()
    served = loaded(shared, "by_alias")
    assert served.predict(frame[["y", "time", "x"]]).tolist() == model.predict(table).tolist()
    proba = served.predict(frame, params={"proba": True})
    assert proba.tolist() == np.asarray(model.predict_proba(table)).tolist()


def test_times_may_be_naive_or_text_or_of_another_zone(shared: Registry, tmp_path: Path, model: Model) -> None:
    shared.register(entry(tmp_path, "times", content=artifact.dump(model)))
    table, frame = rows()
    served, expected = loaded(shared, "times"), model.predict(table).tolist()
    times = frame["time"]
    for variant in (
        times.dt.tz_localize(None),
        times.dt.tz_convert("Asia/Seoul"),
        times.dt.strftime("%Y-%m-%dT%H:%M:%S"),
        times.dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
        times.astype("datetime64[ns, UTC]") + pd.Timedelta(1, "ns"),
    ):
        assert served.predict(frame.assign(time=variant)).tolist() == expected


def test_a_model_that_takes_no_time_needs_none(shared: Registry, tmp_path: Path) -> None:
    tree = fitted("sklearn.tree.DecisionTreeClassifier")
    shared.register(entry(tmp_path, "timeless", content=artifact.dump(tree)))
    table, frame = rows()
    assert loaded(shared, "timeless").predict(frame[["x", "y"]]).tolist() == tree.predict(table).tolist()


def test_rows_that_cannot_be_used_are_refused_by_name(model: Model) -> None:
    served = mlflow_flavor.ChampionModel(model)
    _, frame = rows()
    with pytest.raises(SchemaError, match="there is no column 'time'"):
        served.predict(frame[["x", "y"]])
    with pytest.raises(SchemaError, match="x"):
        served.predict(frame[["time", "y"]])
    with pytest.raises(SchemaError, match="ndarray is not a DataFrame"):
        served.predict(frame.to_numpy())
    with pytest.raises(SchemaError, match="cannot be read as a table"):
        served.predict(frame.assign(time="at noon"))


def test_probabilities_of_a_model_without_them_are_refused() -> None:
    ridge = fitted("sklearn.linear_model.RidgeClassifier")
    with pytest.raises(EstimatorError, match="has no probabilities"):
        mlflow_flavor.ChampionModel(ridge).predict(rows()[1], {"proba": True})


def test_a_registered_file_that_was_changed_is_refused(shared: Registry, tmp_path: Path, model: Model) -> None:
    shared.register(entry(tmp_path, "tampered", content=artifact.dump(model)))
    (file,) = [
        path
        for path in shared.artifact_root.rglob("tampered/**/model.skops")
        if json.loads(path.with_name("model.json").read_text())["sha256"]
    ]
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(ArtifactError, match="SHA-256"):
        loaded(shared, "tampered")


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="is not a registered model of heliotrope"):
        mlflow_flavor._load_pyfunc(str(tmp_path))


def test_the_folder_says_what_it_needs_and_holds_no_pickle(shared: Registry, tmp_path: Path) -> None:
    shared.register(entry(tmp_path, "needs", versions={"python": "3.11.7", "numpy": "2.1.0"}))
    (folder,) = shared.artifact_root.glob("needs/*/artifacts/model")
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files == {"MLmodel", "python_env.yaml", "requirements.txt", "data/model.json", "data/model.skops"}
    requirements = (folder / "requirements.txt").read_text().split()
    assert "numpy==2.1.0" in requirements
    assert any(line.startswith("mlflow-skinny==") for line in requirements)
    assert "python: 3.11.7" in (folder / "python_env.yaml").read_text()


# --- once ---


def test_a_version_carries_what_the_ledger_knows(shared: Registry, tmp_path: Path) -> None:
    assert shared.register(entry(tmp_path, "carries")) == "1"
    version = client(shared).get_model_version_by_alias("carries", "champion")
    run = client(shared).get_run(version.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params == {"rows": "900"}
    assert run.data.metrics == {"tree.gain": 0.01, "a_b": 1.0}
    for tags in (version.tags, run.data.tags):
        assert tags["heliotrope.valid_from"] == "2026-11-24T12:00Z"
        assert tags["heliotrope.candidate"] == "tree"
        assert tags["heliotrope.reasons"] == "better"


def test_the_same_key_makes_one_version(shared: Registry, tmp_path: Path) -> None:
    one = entry(tmp_path, "once")
    assert [shared.register(one) for _ in range(3)] == ["1", "1", "1"]
    assert versions(shared, "once") == ["1"]


@pytest.mark.parametrize("key", ["it's; DROP TABLE runs --", "상점 서울/1", 'a"b`c'])
def test_a_key_may_be_any_text(shared: Registry, tmp_path: Path, key: str) -> None:
    name = f"any_{hashlib.sha256(key.encode()).hexdigest()[:6]}"
    one, other = entry(tmp_path, name, key=key), entry(tmp_path, name, key=f"{key}!")
    assert [shared.register(which) for which in (one, other, one)] == ["1", "2", "1"]


@pytest.mark.parametrize(
    "step", ["log_batch", "log_artifacts", "set_terminated", "create_model_version", "set_registered_model_alias"]
)
def test_a_registration_that_was_cut_off_is_completed_by_the_next(
    shared: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    name, killed = f"cut_{step}", KeyboardInterrupt()
    with monkeypatch.context() as patch:
        patch.setattr(client(shared), step, lambda *_, **__: (_ for _ in ()).throw(killed))
        with pytest.raises(KeyboardInterrupt):
            shared.register(entry(tmp_path, name))
    changed = entry(tmp_path, name, params={"rows": "901"})
    assert shared.register(changed) == "1"
    assert shared.version_of(name) == "1"
    assert versions(shared, name) == ["1"]
    experiment = client(shared).get_experiment_by_name(name).experiment_id
    assert [run.info.status for run in client(shared).search_runs([experiment])] == ["FINISHED"]


def test_long_reasons_are_cut_and_not_lost(shared: Registry, tmp_path: Path) -> None:
    shared.register(entry(tmp_path, "long", tags={"reasons": "x" * 9000}, params={"p": "y" * 9000}))
    version = client(shared).get_model_version_by_alias("long", "champion")
    assert version.tags["reasons"] == "x" * 4997 + "..."


# --- the alias ---


def test_the_alias_stays_with_the_newest_champion_whatever_the_order(shared: Registry, tmp_path: Path) -> None:
    assert [shared.register(entry(tmp_path, "newest", hour)) for hour in (0, 2, 1, 0)] == ["1", "2", "3", "1"]
    assert shared.version_of("newest") == "2"
    assert shared.version_of("newest", "other") is None
    assert shared.version_of("no_such_model") is None


def test_of_champions_of_one_time_the_later_registered_has_the_alias(shared: Registry, tmp_path: Path) -> None:
    for key in ("a", "b", "a"):
        shared.register(entry(tmp_path, "same_time", key=key))
    assert shared.version_of("same_time") == "2"


def test_an_alias_put_back_is_not_moved_by_a_champion_of_before(shared: Registry, tmp_path: Path) -> None:
    for hour in (0, 1):
        shared.register(entry(tmp_path, "back", hour))
    shared.alias("back", "1", valid_from=NOON + 2 * HOUR)
    shared.register(entry(tmp_path, "back", 1))
    assert shared.version_of("back") == "1"
    shared.register(entry(tmp_path, "back", 3))
    assert shared.version_of("back") == "3"


def test_an_alias_of_a_version_that_is_not_there_is_an_error(shared: Registry, tmp_path: Path) -> None:
    shared.register(entry(tmp_path, "absent"))
    with pytest.raises(RegistryError, match="99"):
        shared.alias("absent", "99")


# --- what goes wrong ---


def test_a_model_file_that_was_changed_or_is_gone_is_not_registered(shared: Registry, tmp_path: Path) -> None:
    one = entry(tmp_path, "changed")
    one.artifact.write_bytes(b"another")
    with pytest.raises(ArtifactError, match="was changed"):
        shared.register(one)
    one.artifact.unlink()
    with pytest.raises(ArtifactError, match="cannot be read"):
        shared.register(one)
    assert versions(shared, "changed") == []


def test_a_server_that_is_not_there_is_named_without_its_password(tmp_path: Path) -> None:
    registry = Registry(tracking_uri("postgresql://ann:s3cret@127.0.0.1:1/events"), artifact_root=tmp_path)
    begun = time.monotonic()
    with pytest.raises(RegistryError, match=r"MLflow at postgresql\+psycopg://ann:\*\*\*@127.0.0.1:1/events") as caught:
        registry.prepare()
    assert time.monotonic() - begun < 20  # MLflow by itself tries for two minutes
    assert "s3cret" not in str(caught.value)
    assert "MLFLOW_TRACKING_URI" in caught.value.remedy
    assert "s3cret" not in repr(registry)


def test_an_mlflow_server_that_is_not_there_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    registry = Registry("http://ann:s3cret@127.0.0.1:1", artifact_root=tmp_path)
    with pytest.raises(RegistryError, match=r"MLflow at http://ann:\*\*\*@127.0.0.1:1") as caught:
        registry.version_of("any")
    assert "s3cret" not in str(caught.value)
    assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "0"
    assert "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT" not in os.environ


@pytest.mark.parametrize("uri", ["postgresql+psycopg2://db/events", "nonsense://x", "postgresql://db:port/x"])
def test_an_address_that_cannot_be_used_is_an_error(uri: str, tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="MLflow at"):
        Registry(uri, artifact_root=tmp_path).prepare()


def test_a_deleted_experiment_is_told_with_its_remedy(shared: Registry, url: str, root: Path, tmp_path: Path) -> None:
    shared.register(entry(tmp_path, "deleted"))
    client(shared).delete_experiment(client(shared).get_experiment_by_name("deleted").experiment_id)
    with (
        Registry(tracking_uri(url), artifact_root=root) as other,
        pytest.raises(RegistryError, match=r"experiment 'deleted' was deleted.*mlflow experiments restore"),
    ):
        other.register(entry(tmp_path, "deleted", 1))


def test_a_folder_that_cannot_be_written_is_an_error(url: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        Registry(tracking_uri(url), artifact_root=tmp_path / "file") as registry,
        pytest.raises(RegistryError, match=r"Not a directory|exists"),
    ):
        registry.register(entry(tmp_path, "unwritable"))


def test_a_fault_of_ours_is_not_dressed_up(shared: Registry, tmp_path: Path) -> None:
    with pytest.raises(AttributeError):
        shared.register(entry(tmp_path, "fault", valid_from="today"))


# --- connections, processes, silence ---


def test_lost_connections_are_opened_again(shared: Registry, url: str, tmp_path: Path) -> None:
    shared.register(entry(tmp_path, "lost"))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert shared.register(entry(tmp_path, "lost", 1)) == "2"


def test_a_closed_registry_holds_no_connection_and_opens_again(shared: Registry, url: str, root: Path) -> None:
    shared.close()
    registry = Registry(tracking_uri(url), artifact_root=root)
    registry.prepare()
    registry.close()
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in range(100):
            (others,) = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ).fetchone() or (0,)
            if not others:
                break
            time.sleep(0.02)
    assert others == 0
    assert registry.version_of("none") is None
    registry.close()
    Registry(tracking_uri(url), artifact_root=root).close()


def test_nothing_is_said_and_nothing_left_behind(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    before = dict(os.environ)
    (tmp_path / "files").mkdir()
    with Registry(tracking_uri(database_url), artifact_root=tmp_path / "mlflow") as registry:
        registry.register(entry(tmp_path / "files", "silent"))
    assert capfd.readouterr() == ("", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["files", "mlflow"]
    assert dict(os.environ) == before


@pytest.mark.parametrize(("chosen", "disabled"), [(None, True), ("false", False)])
def test_telemetry_is_off_unless_the_user_wants_it(chosen: str | None, disabled: bool) -> None:
    program = (
        "import os; from heliotrope.registry import _quietly\n"
        "with _quietly(): pass\n"
        "from mlflow.telemetry import get_telemetry_client\n"
        "print(get_telemetry_client() is None, os.environ.get('MLFLOW_DISABLE_TELEMETRY'))"
    )
    hidden = {"CI", "GITHUB_ACTIONS", "GITLAB_CI", "PYTEST_CURRENT_TEST", "DO_NOT_TRACK", "MLFLOW_DISABLE_TELEMETRY"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    if chosen is not None:
        environment["MLFLOW_DISABLE_TELEMETRY"] = chosen
    # The clients would call home: no name is resolved behind a proxy that is not there.
    environment |= {"http_proxy": "http://127.0.0.1:1", "https_proxy": "http://127.0.0.1:1"}
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment, timeout=60
    )
    assert said.stdout.split() == [str(disabled), str(chosen)]
    assert said.stderr == ""


def test_importing_the_module_imports_no_mlflow() -> None:
    program = (
        "import sys, heliotrope.registry; "
        "print(sorted({'mlflow', 'sqlalchemy', 'sklearn', 'pandas', 'pyarrow'} & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_processes_may_prepare_and_register_at_once(database_url: str, tmp_path: Path) -> None:
    one = entry(tmp_path, "crowd")
    program = (
        "import sys; from pathlib import Path; from datetime import datetime, UTC\n"
        "from heliotrope.registry import Registration, Registry\n"
        "uri, root, file, sha256 = sys.argv[1:]\n"
        "with Registry(uri, artifact_root=Path(root)) as registry:\n"
        "    print(registry.register(Registration(key='crowd', pipeline='crowd', candidate='tree',\n"
        "        artifact=Path(file), sha256=sha256, valid_from=datetime(2026, 11, 24, tzinfo=UTC))))"
    )
    arguments = [tracking_uri(database_url), str(tmp_path / "mlflow"), str(one.artifact), one.sha256]
    crowd = [
        subprocess.Popen([sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=120) for process in crowd]
    assert said == [(b"1\n", b"")] * 2


def test_tables_of_an_older_mlflow_are_migrated(database_url: str, tmp_path: Path) -> None:
    import sqlalchemy
    from alembic import command
    from alembic.script import ScriptDirectory
    from mlflow.store.db import utils
    from mlflow.store.tracking.dbmodels.initial_models import Base

    uri = tracking_uri(database_url)
    configuration = utils._get_alembic_config(uri)  # type: ignore[no-untyped-call]  # MLflow's
    script = ScriptDirectory.from_config(configuration)
    head = script.get_current_head()
    assert head is not None
    older = script.get_revision(head).down_revision
    assert isinstance(older, str)
    engine = sqlalchemy.create_engine(uri)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.schema.CreateSchema("mlflow"))
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, older)
    with Registry(uri, artifact_root=tmp_path) as registry:
        assert registry.register(entry(tmp_path, "older")) == "1"
    with engine.connect() as connection:
        assert connection.execute(sqlalchemy.text("SELECT version_num FROM mlflow.alembic_version")).scalar() == head
    engine.dispose()


def test_tables_that_are_not_ours_are_left_to_their_owner(
    shared: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared.prepare()
    from mlflow.exceptions import MlflowException

    def refuse(**_: Any) -> None:
        raise MlflowException("Detected out-of-date database schema (found version a, but expected b).")

    monkeypatch.setattr("mlflow.MlflowClient", refuse)
    registry = Registry(f"sqlite:///{tmp_path}/theirs.db", artifact_root=tmp_path)
    with pytest.raises(RegistryError, match=r"out-of-date.*mlflow db upgrade"):
        registry.prepare()


def test_a_model_that_was_deleted_is_made_again(shared: Registry, tmp_path: Path) -> None:
    shared.register(entry(tmp_path, "gone"))
    client(shared).delete_registered_model("gone")
    assert shared.register(entry(tmp_path, "gone", 1)) == "1"
    assert shared.version_of("gone") == "1"


def test_another_database_will_do(tmp_path: Path) -> None:
    with Registry(f"sqlite:///{tmp_path}/mlflow.db", artifact_root=tmp_path / "mlflow") as registry:
        assert [registry.register(entry(tmp_path, "lite", hour)) for hour in (0, 1, 0)] == ["1", "2", "1"]
        assert registry.version_of("lite") == "2"


# --- addresses ---


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("postgresql://db/e", "postgresql+psycopg://db/e?options=-csearch_path%3Dmlflow"),
        ("postgres://db/e", "postgresql+psycopg://db/e?options=-csearch_path%3Dmlflow"),
        ("postgresql://", "postgresql+psycopg://?options=-csearch_path%3Dmlflow"),
        (
            "postgresql://u:@/postgres?host=/tmp/a%20b&sslmode=require",
            "postgresql+psycopg://u:@/postgres?host=/tmp/a%20b&sslmode=require&options=-csearch_path%3Dmlflow",
        ),
        (
            "postgresql://db/e?options=-cstatement_timeout%3D9",
            "postgresql+psycopg://db/e?options=-cstatement_timeout%3D9%20-csearch_path%3Dmlflow",
        ),
    ],
)
def test_the_address_names_the_driver_and_the_schema(given: str, expected: str) -> None:
    from sqlalchemy import make_url

    assert tracking_uri(given) == expected
    assert str(make_url(tracking_uri(given)).query["options"]).endswith("-csearch_path=mlflow")
