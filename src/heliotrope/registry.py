"""Champions in MLflow's model registry: one version each, the alias ``champion`` on the one that serves.

Registering is off the hot path and may be repeated: a registration carries a key, and the same key never makes a
second version. Any MLflow will do, by its tracking URI: tables of its own in the pipeline's PostgreSQL
(:func:`tracking_uri`), another database, or a server by http. Over PostgreSQL whatever writes runs under an advisory
lock, so that processes may prepare and register at once; elsewhere let one process at a time register a pipeline.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import sys
import tempfile
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, unquote_plus

from heliotrope import mlflow_flavor
from heliotrope.database import lock_key, without_password
from heliotrope.errors import ArtifactError, RegistryError
from heliotrope.interval import format_time, parse_time
from heliotrope.provenance import library_versions

if TYPE_CHECKING:
    import sqlalchemy
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

__all__ = ["CHAMPION", "Registration", "Registry", "tracking_uri"]

Answer = TypeVar("Answer")

CHAMPION = "champion"
SCHEMA = "mlflow"

_KEY, _VALID_FROM, _CHAMPION_FROM = "heliotrope.key", "heliotrope.valid_from", "heliotrope.champion_from"
_LONGEST = 5000  # what MLflow takes as the value of a parameter or a tag, at the least
_BRIEF = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true"}
_THERE = ("RESOURCE_ALREADY_EXISTS",)
_ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")  # a model; an alias
_QUIET = {
    "MLFLOW_CONFIGURE_LOGGING": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_DISABLE_AGENT_HINT": "true",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Registration:
    """One champion to be registered. ``key`` is any text that is unique to it and stays the same.

    ``artifact`` is its skops file, ``sha256`` that file's hash, ``trusted_packages`` what the file may name types
    of. ``versions`` (by distribution, and ``python``) become the model's requirements; empty: those installed.
    """

    key: str
    pipeline: str
    candidate: str
    artifact: Path
    sha256: str
    valid_from: datetime
    trusted_packages: Iterable[str] = ()
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


def tracking_uri(database_url: str) -> str:
    """MLflow in the schema ``mlflow`` of the database: the URL as SQLAlchemy reads it.

    >>> tracking_uri("postgresql://ann:secret@db/events")
    'postgresql+psycopg://ann:secret@db/events?options=-csearch_path%3Dmlflow'
    """
    address, _, query = database_url.partition("?")
    address = re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", address)
    settings = [part for part in query.split("&") if part and not part.startswith("options=")]
    options = [unquote_plus(part.removeprefix("options=")) for part in query.split("&") if part.startswith("options=")]
    options.append(f"-csearch_path={SCHEMA}")
    return f"{address}?{'&'.join([*settings, 'options=' + quote(' '.join(options))])}"


class Registry:
    """MLflow's model registry at ``uri``; nothing is imported or opened before the first use.

    ``artifact_root`` is where model folders go when MLflow is reached through a database; a server has its own place.
    Every method raises RegistryError when MLflow refuses or cannot be reached.
    """

    def __init__(self, tracking_uri: str, *, artifact_root: Path) -> None:
        # SQLAlchemy takes psycopg 2 where no driver is named.
        self.uri = re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", tracking_uri)
        self.artifact_root = artifact_root
        self._known_client: MlflowClient | None = None
        self._known_engine: sqlalchemy.Engine | None = None
        self._experiments: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"Registry({without_password(self.uri)!r})"

    def __enter__(self) -> Registry:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back. What is used next opens others."""
        if self._known_engine is not None:
            self._known_engine.dispose()
        if self._known_client is not None:
            # MLflow keeps its pools for as long as the process lives, and has no public way to empty them.
            client: Any = self._known_client
            for part in (client._tracking_client, client._get_registry_client()):
                engine = getattr(part.store, "engine", None)
                if engine is not None:
                    engine.dispose()

    def prepare(self) -> None:
        """Make or migrate MLflow's own tables, and be ready; any number of processes may do so at once."""
        self._client()

    def register(self, entry: Registration) -> str:
        """The version of the champion: the one made under the same key before, or a new one.

        Moves the alias ``champion`` to it unless a champion of a later ``valid_from`` has it. Raises ArtifactError
        when the model's file is missing or was changed.
        """
        client = self._client()
        with self._asking(), self._lock("register", entry.pipeline):
            version = self._find(client, entry) or self._add(client, entry)
            self._advance(client, entry, version)
        return version

    def alias(self, name: str, version: str, alias: str = CHAMPION, *, valid_from: datetime | None = None) -> None:
        """Let the alias name the version; with ``valid_from``, registering an earlier champion will leave it there."""
        client = self._client()
        with self._asking():
            if valid_from is not None:
                client.set_model_version_tag(name, version, _CHAMPION_FROM, format_time(valid_from))
            client.set_registered_model_alias(name, alias, version)

    def version_of(self, name: str, alias: str = CHAMPION) -> str | None:
        """The version the alias names; None where there is no such alias or model."""
        client = self._client()
        with self._asking():
            found = _named(client, name, alias)
        return None if found is None else str(found.version)

    # --- registering -------------------------------------------------------------------------------------

    def _find(self, client: MlflowClient, entry: Registration) -> str | None:
        """The version made under the entry's key. Runs that an earlier, killed registration left behind are deleted."""
        from mlflow.entities import ViewType

        experiment = self._experiment(client, entry.pipeline)
        for run in client.search_runs([experiment], f"tags.`{_KEY}` = '{_plain(entry.key)}'", ViewType.ALL):
            found = client.search_model_versions(f"run_id = '{run.info.run_id}'")
            if found:
                return str(found[0].version)
            if run.info.lifecycle_stage == "active":
                client.delete_run(run.info.run_id)
        return None

    def _add(self, client: MlflowClient, entry: Registration) -> str:
        """A run, its files, and last the version: a version that is found later is whole."""
        from mlflow.entities import Metric, Param

        content = _read(entry)
        tags = {
            _KEY: _plain(entry.key),
            _VALID_FROM: format_time(entry.valid_from),
            "heliotrope.candidate": entry.candidate,
            "heliotrope.sha256": entry.sha256,
        } | {name: _cut(value) for name, value in entry.tags.items()}
        title = f"{entry.candidate} from {format_time(entry.valid_from)}"
        run = client.create_run(self._experiment(client, entry.pipeline), tags=tags, run_name=title)
        run_id, when = run.info.run_id, max(0, int(entry.valid_from.timestamp() * 1000))
        client.log_batch(
            run_id,
            metrics=[Metric(_name(name), float(value), when, 0) for name, value in entry.metrics.items()],
            params=[Param(_name(name), _cut(value)) for name, value in entry.params.items()],
        )
        with tempfile.TemporaryDirectory() as folder:
            mlflow_flavor.write(
                Path(folder) / "model",
                artifact=content,
                sha256=entry.sha256,
                trusted_packages=entry.trusted_packages,
                versions=entry.versions or library_versions(),
                run_id=run_id,
                created=entry.valid_from,
            )
            client.log_artifacts(run_id, f"{folder}/model", "model")
        client.set_terminated(run_id)
        source = f"{run.info.artifact_uri}/model"
        version = partial(client.create_model_version, entry.pipeline, source, run_id, tags=tags, description=title)
        made = _unless(_ABSENT, version)
        if made is None:
            _unless(_THERE, partial(client.create_registered_model, entry.pipeline))
            made = version()
        return str(made.version)

    def _advance(self, client: MlflowClient, entry: Registration, version: str) -> None:
        serving = _named(client, entry.pipeline, CHAMPION)
        if serving is not None:
            since = serving.tags.get(_CHAMPION_FROM) or serving.tags.get(_VALID_FROM)
            if since and (parse_time(since), int(serving.version)) >= (entry.valid_from, int(version)):
                return
        client.set_registered_model_alias(entry.pipeline, CHAMPION, version)

    def _experiment(self, client: MlflowClient, name: str) -> str:
        if name not in self._experiments:
            found = client.get_experiment_by_name(name)
            if found is None:
                place = None if self._is_server else (self.artifact_root.resolve() / name).as_uri()
                _unless(_THERE, partial(client.create_experiment, name, place))
                found = client.get_experiment_by_name(name)
            if found is None or found.lifecycle_stage != "active":
                raise RegistryError(
                    f"MLflow's experiment {name!r} was deleted",
                    remedy="restore it with `mlflow experiments restore`, or purge it with `mlflow gc`",
                )
            self._experiments[name] = found.experiment_id
        return self._experiments[name]

    # --- reaching MLflow ---------------------------------------------------------------------------------

    @property
    def _is_server(self) -> bool:
        return self.uri.startswith(("http://", "https://"))

    def _client(self) -> MlflowClient:
        if self._known_client is None:
            with _quietly(), self._asking(), self._lock("prepare"):
                self._known_client = self._connect()
        return self._known_client

    def _connect(self) -> MlflowClient:
        """A client whose stores are open and whose tables are there and of the version this MLflow knows."""
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException

        ours = f"search_path={SCHEMA}" in unquote_plus(self.uri)
        if ours:
            self._create_schema()
        try:
            client = MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)
            client.search_registered_models(max_results=1)
        except MlflowException as error:
            if not ours or "out-of-date database schema" not in str(error):
                raise
            from mlflow.store.db.utils import _upgrade_db

            _upgrade_db(self._engine())  # type: ignore[no-untyped-call]  # MLflow's
            client = MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)
        return client

    def _create_schema(self) -> None:
        """Only where it is absent: making it takes a right on the database that a role may well lack by then."""
        import sqlalchemy

        with self._engine().begin() as connection:
            if not sqlalchemy.inspect(connection).has_schema(SCHEMA):
                connection.execute(sqlalchemy.schema.CreateSchema(SCHEMA))

    def _engine(self) -> sqlalchemy.Engine:
        import sqlalchemy

        if self._known_engine is None:
            try:
                url = sqlalchemy.make_url(self.uri)
            except ValueError as error:
                raise sqlalchemy.exc.ArgumentError(str(error)) from None
            self._known_engine = sqlalchemy.create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": 10})
        return self._known_engine

    @contextmanager
    def _lock(self, *what: str) -> Iterator[None]:
        """One process at a time, where MLflow's tables are in PostgreSQL; the lock goes with the process."""
        if not self.uri.startswith("postgres"):
            yield
            return
        import sqlalchemy

        with self._engine().begin() as connection:
            key = lock_key("heliotrope", "mlflow", *what)
            connection.execute(sqlalchemy.text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
            yield

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """What goes wrong is a RegistryError. A server is asked three times, not for four minutes, and in silence."""
        changes = {name: value for name, value in _BRIEF.items() if self._is_server and name not in os.environ}
        os.environ.update(changes)
        try:
            yield
        except Exception as error:
            if not _is_theirs(error):
                raise
            where = without_password(re.sub(r"[?&]options=[^&]*", "", self.uri))
            text = without_password(" ".join(str(error).partition("(Background on this error")[0].split()))
            text = text if len(text) <= 300 else text[:300] + "..."
            raise RegistryError(f"MLflow at {where}: {text}", remedy=_remedy(text)) from error
        finally:
            for name in changes:
                os.environ.pop(name, None)


@contextmanager
def _quietly() -> Iterator[None]:
    """Import MLflow without its telemetry, hints, log lines and deprecations, where the user has not said otherwise."""
    absent = [name for name in _QUIET if name not in os.environ and "mlflow" not in sys.modules]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        os.environ.update({name: _QUIET[name] for name in absent})
        try:
            import mlflow  # noqa: F401 - for what it reads from the environment, once
        finally:
            for name in absent:
                os.environ.pop(name, None)
        for name, level in (("mlflow", logging.ERROR), ("mlflow.store.db.utils", logging.CRITICAL)):
            logger = logging.getLogger(name)
            if logger.level == logging.NOTSET:  # its errors are raised too, and told by whoever catches them
                logger.setLevel(level)
        yield


def _remedy(text: str) -> str:
    if "out-of-date database schema" in text:
        return "back its database up and run `mlflow db upgrade`"
    if "locate revision" in text:
        return "a newer MLflow migrated its tables; install that version"
    if "permission denied" in text:
        return f"let the role create the schema {SCHEMA} and write in it"
    return "see that MLflow runs and that MLFLOW_TRACKING_URI names it; registering is tried again next time"


def _is_theirs(error: Exception) -> bool:
    """Whether the error is MLflow's, a database's, the network's or the disk's, or for want of a driver; not ours."""
    libraries = {"mlflow", "sqlalchemy", "alembic", "requests", "urllib3", "psycopg"}
    return isinstance(error, (OSError, ImportError)) or type(error).__module__.partition(".")[0] in libraries


def _named(client: MlflowClient, name: str, alias: str) -> ModelVersion | None:
    return _unless(_ABSENT, partial(client.get_model_version_by_alias, name, alias))


def _unless(codes: Collection[str], ask: Callable[[], Answer]) -> Answer | None:
    """What MLflow answers; None where it refuses with one of the codes."""
    from mlflow.exceptions import MlflowException

    try:
        return ask()
    except MlflowException as error:
        if error.error_code not in codes:
            raise
        return None


def _read(entry: Registration) -> bytes:
    try:
        content = entry.artifact.read_bytes()
    except OSError as error:
        raise ArtifactError(f"the model file {entry.artifact} cannot be read: {error.strerror or error}") from None
    found = hashlib.sha256(content).hexdigest()
    if found != entry.sha256:
        raise ArtifactError(
            f"the model file {entry.artifact} was changed: its SHA-256 is {found[:12]}..., recorded was "
            f"{entry.sha256[:12]}...",
            remedy="put the original back",
        )
    return content


def _plain(key: str) -> str:
    """The key as it can be searched for: as it is, or its hash where it would need quoting."""
    plain = re.fullmatch(r"[\w.:@/+-]{1,250}", key)
    return key if plain else hashlib.sha256(key.encode()).hexdigest()


def _name(text: str) -> str:
    """The name as MLflow takes it: of a metric or a parameter."""
    return re.sub(r"[^\w. -]", "_", text)[:250]


def _cut(value: object) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
