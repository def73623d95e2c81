"""Airflow in one command, for trying: ``airflow standalone`` on the embedded PostgreSQL, with the DAGs of a folder.

``python -m heliotrope.airflow.standalone [DAGS]``. Its metadata are in a database of its own beside the rows and the
ledger; what it keeps is under ``HELIOTROPE_HOME``. Ctrl-C ends every process that it has started.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from heliotrope import database
from heliotrope.database import Database
from heliotrope.errors import ConfigError, HeliotropeError

__all__ = ["METADATA", "address_of", "end", "environment", "main", "processes"]

METADATA = "airflow"
"""The name of the database that Airflow has for itself."""
_PORT = 8080
_LONG = 180.0  # seconds until it is said that something is wrong


def main(arguments: list[str] | None = None) -> int:
    """Run it until Ctrl-C; the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        return _run(Path(given[0] if given else "dags"))
    except HeliotropeError as error:
        print(f"error: {error.message}\nremedy: {error.remedy}", file=sys.stderr)
        return error.exit_code


def environment(folder: Path, dags: Path, rows: Database, metadata: str, port: int) -> dict[str, str]:
    """The variables that all parts of an Airflow run with: what is set already stays, but for where it is.

    ``folder`` is its own, ``metadata`` the URL of its database, ``rows`` that of the rows and the ledger.
    """
    address = f"http://localhost:{port}"
    own = {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": address,
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": address_of(metadata),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": address_of(metadata),
        "HELIOTROPE_DATABASE_URL": rows.url,
    }
    at_first = {
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "false",
        "AIRFLOW__CORE__PARALLELISM": str(2 * (os.cpu_count() or 2)),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "false",
        "PYTHONUNBUFFERED": "1",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    return {**at_first, **os.environ, **own, "PATH": at_first["PATH"]}


def address_of(url: str) -> str:
    """A PostgreSQL's URL as SQLAlchemy and Airflow take it, with the driver that heliotrope has.

    >>> address_of("postgresql://postgres:@/airflow?host=/run/pg")
    'postgresql+psycopg://postgres@/airflow?host=%2Frun%2Fpg'
    """
    from psycopg.conninfo import conninfo_to_dict

    given = {name: str(value) for name, value in conninfo_to_dict(url).items() if value}
    user = quote(given.pop("user", ""), safe="")
    if "password" in given:
        user += f":{quote(given.pop('password'), safe='')}"
    at = "@" if user else ""
    name = quote(given.pop("dbname", ""), safe="")
    rest = "&".join(f"{key}={quote(value, safe='')}" for key, value in sorted(given.items()))
    return f"postgresql+psycopg://{user}{at}/{name}" + (f"?{rest}" if rest else "")


def processes(session: int) -> Iterator[int]:
    """The ids of the processes of a session, whoever their parent is by now: all that its leader has started.

    >>> os.getpid() in processes(os.getsid(0))
    True
    """
    import psutil

    for pid in psutil.pids():
        with suppress(ProcessLookupError, PermissionError):
            if os.getsid(pid) == session:
                yield pid


def _run(dags: Path) -> int:
    if not dags.is_dir():
        raise ConfigError(f"there is no folder of DAGs {str(dags)!r}", remedy="name one, or run it beside `dags`")
    rows = database.resolve()
    folder = database.home() / "airflow"
    folder.mkdir(parents=True, exist_ok=True)
    port = _port()
    variables = environment(folder, dags.resolve(), rows, _metadata(rows), port)
    log = folder / "standalone.log"
    print(f"starting Airflow, which takes half a minute; its log is {log}", flush=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "airflow", "standalone"],
            env=variables,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is handed on below, once
        )
    signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        _await(process, port, log)
        _say(folder, port)
        return process.wait()
    except KeyboardInterrupt:
        print("\nstopping Airflow, which takes up to 20 seconds", flush=True)
        return 0
    finally:
        _stop(process)


def _as_interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _metadata(rows: Database) -> str:
    """The URL of Airflow's own database on the same server, made when absent."""
    from psycopg import errors, sql
    from psycopg.conninfo import make_conninfo

    with rows.errors(), rows.connect(autocommit=True) as connection, suppress(errors.DuplicateDatabase):
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(METADATA)))
    return make_conninfo(rows.url, dbname=METADATA)


def _port() -> int:
    """The one that is asked for, else the usual one, else any that is free."""
    asked = os.environ.get("AIRFLOW__API__PORT")
    for port in (int(asked),) if asked else (_PORT, 0):
        with socket.socket() as found:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                found.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(found.getsockname()[1])
    raise ConfigError(f"port {asked} is taken", remedy="set AIRFLOW__API__PORT to another")


def _await(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    from urllib.error import URLError
    from urllib.request import urlopen

    health = f"http://localhost:{port}/api/v2/monitor/health"
    begun = time.monotonic()
    told = False
    while process.poll() is None:
        with suppress(URLError, OSError), urlopen(health, timeout=5) as answer:
            known: Mapping[str, Mapping[str, str]] = json.loads(answer.read())
            if all(known[part]["status"] == "healthy" for part in ("scheduler", "dag_processor", "metadatabase")):
                return
        if not told and time.monotonic() - begun > _LONG:
            print(f"still waiting for Airflow; see {log}", flush=True)
            told = True
        time.sleep(0.5)
    raise HeliotropeError(f"Airflow ended with {process.returncode}", remedy=f"see {log}")


def _say(folder: Path, port: int) -> None:
    passwords = folder / "simple_auth_manager_passwords.json.generated"
    print(f"Airflow is at http://localhost:{port}", flush=True)
    for user, password in json.loads(passwords.read_text(encoding="utf-8")).items() if passwords.exists() else ():
        print(f"login        {user}\npassword     {password}", flush=True)
    print("Ctrl-C ends it; what it did stays, and the next start goes on there", flush=True)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End what was started: asked first, then killed; by their ids."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
    end(process.pid)
    process.wait()


def end(session: int) -> None:
    """End every process of a session: asked first, then killed; by their ids."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        left = list(processes(session))
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, sign)
        until = time.monotonic() + (5 if left else 0)
        while time.monotonic() < until and any(_lives(pid) for pid in processes(session)):
            time.sleep(0.2)


def _lives(pid: int) -> bool:
    """Whether the process is more than a dead one that its parent has not asked after."""
    import psutil

    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


if __name__ == "__main__":
    sys.exit(main())
