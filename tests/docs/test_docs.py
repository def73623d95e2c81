"""What the documentation shows is run: commands, files, Python, SQL and YAML; and its links lead somewhere."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from docs.pages import ROOT, Block, Command, anchors, blocks, commands, links, missing, name, pages
from heliotrope import config, succession
from heliotrope.cli import main
from heliotrope.database import Database
from world import PIPELINE, fill, replayed

_HEAVY = {"docs/tutorial.md", "docs/how-to/mlflow.md"}
_MARK = "\x1e"


def _texts() -> dict[str, str]:
    return {name(page): page.read_text(encoding="utf-8") for page in pages()}


def _with(*languages: str) -> list[Any]:
    """The pages that have a block in one of the languages, as parameters of a test."""
    return [
        pytest.param(page, id=page, marks=[pytest.mark.heavy] if page in _HEAVY else [])
        for page, text in _texts().items()
        if any(block.language in languages for block in blocks(text))
    ]


def _environment(database_url: str, folder: Path) -> dict[str, str]:
    """What a reader's shell has: the program beside this Python, one database, a home folder, and 100 columns."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "HELIOTROPE_", "MLFLOW_"))}
    return kept | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}",
        "HELIOTROPE_DATABASE_URL": database_url,
        "HELIOTROPE_HOME": str(folder / "home"),
        "COLUMNS": "100",
        "OMP_NUM_THREADS": "1",
    }


# --- commands ----------------------------------------------------------------------------------------------


def _steps(text: str) -> Iterator[Block | Command]:
    """The files and the commands of a page, in the order in which a reader meets them."""
    for block in blocks(text):
        if block.title is not None:
            yield block
        elif block.language == "console":
            yield from commands(block)


def _script(steps: list[Block | Command]) -> str:
    """The steps as one bash program, which says after each command how it ended and stops at a wrong end."""
    lines = []
    for place, step in enumerate(steps):
        if isinstance(step, Block):
            lines.append(f"cat > {shlex.quote(str(step.title))} <<'END OF BLOCK'\n{step.text}END OF BLOCK")
        else:
            lines.append(f"{{ {step.text}\n}} 2>&1\ncode=$?; printf '\\n{_MARK}{place} %d{_MARK}\\n' $code")
            lines.append(f"[ $code -eq {step.exit_code} ] || exit 0")
    return "\n".join(lines)


@pytest.mark.parametrize("page", _with("console"))
def test_the_commands_of_a_page_print_what_it_shows(page: str, database_url: str, tmp_path: Path) -> None:
    steps = list(_steps(_texts()[page]))
    folder, program = tmp_path / "work", tmp_path / "page.sh"
    folder.mkdir()
    program.write_text(_script(steps), encoding="utf-8")
    done = subprocess.run(
        ["bash", program],
        stdin=subprocess.DEVNULL,
        cwd=folder,
        env=_environment(database_url, tmp_path),
        capture_output=True,
        encoding="utf-8",
        timeout=500,
    )
    assert done.stderr == ""
    parts = re.split(f"\n{_MARK}(\\d+) (\\d+){_MARK}\n", done.stdout)
    ended = {int(parts[i + 1]): (parts[i], int(parts[i + 2])) for i in range(0, len(parts) - 2, 3)}
    for place, step in enumerate(steps):
        if isinstance(step, Command):
            printed, code = ended[place]
            where = f"{page}:{step.line}: $ {step.text}\n{printed}"
            assert code == step.exit_code, where
            assert missing(step.shown, printed) is None, f"{missing(step.shown, printed)!r} is not in\n{where}"


# --- Python, YAML, SQL -------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [page for page, text in _texts().items() if "\n>>> " in text])
def test_the_python_of_a_page_returns_what_it_shows(
    page: str, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, value in _environment(database_url, tmp_path).items():
        monkeypatch.setenv(key, value)
    monkeypatch.chdir(tmp_path)
    for block in blocks(_texts()[page]):
        if block.title is not None:
            Path(block.title).write_text(block.text, encoding="utf-8")
    told: list[str] = []
    parsed = doctest.DocTestParser().get_doctest(
        "\n".join(block.text for block in blocks(_texts()[page]) if ">>> " in block.text), {}, page, page, 0
    )
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    outcome = runner.run(parsed, out=told.append)
    assert outcome.failed == 0, "".join(told)
    assert outcome.attempted > 0


@pytest.mark.parametrize("page", _with("yaml"))
def test_the_yaml_of_a_page_is_a_pipeline_or_a_part_of_one(page: str) -> None:
    for block in blocks(_texts()[page]):
        if block.language == "yaml":
            said = yaml.safe_load(block.text)
            where = f"{page}:{block.line}"
            whole = {"source", "candidates"} <= said.keys()
            config.parse(said if whole else PIPELINE | said, where=where)


def test_the_queries_of_the_ledgers_page_run_and_find_something(database: Database, tmp_path: Path) -> None:
    fill(database, 6, rows=30)
    with replayed(database, tmp_path / "home") as context:
        succession.promote(context, "tree", reason="to be found", actor="ann")
    found = [block for block in blocks(_texts()["docs/reference/ledger.md"]) if block.language == "sql"]
    assert len(found) >= 5
    with psycopg.connect(database.url) as connection:
        for block in found:
            rows = connection.execute(block.text).fetchall()
            assert rows, f"docs/reference/ledger.md:{block.line} found nothing"


def test_the_ledgers_page_names_every_table_and_column(database: Database, tmp_path: Path) -> None:
    fill(database, 1, rows=30)
    replayed(database, tmp_path / "home").close()
    said = _texts()["docs/reference/ledger.md"]
    sections = dict(re.findall(r"^### `heliotrope\.(\w+)`\n(.*?)(?=^##|\Z)", said, re.MULTILINE | re.DOTALL))
    with psycopg.connect(database.url) as connection:
        columns = connection.execute(
            "SELECT table_name, array_agg(column_name::text) FROM information_schema.columns"
            " WHERE table_schema = 'heliotrope' AND table_name <> 'alembic_version' GROUP BY 1"
        ).fetchall()
    assert sections.keys() == {table for table, _ in columns}
    for table, names in columns:
        shown = set(re.findall(r"^\| `(\w+)`", sections[table], re.MULTILINE))
        assert shown == set(names), f"columns of heliotrope.{table}"


# --- rights ------------------------------------------------------------------------------------------------


def _rights(*names: str) -> str:
    """The statements of the blocks so named on the page about rights, which are tried here one set after the other."""
    found = blocks(_texts()["docs/how-to/use-your-own-postgresql.md"])
    texts = {block.info.split()[1]: block.text for block in found if block.language == "sql"}
    return "".join(texts[name] for name in names)


class _Warehouse:
    """A database as the page supposes it: rows in warehouse.deliveries, and roles with no rights but those granted."""

    def __init__(self, url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.url = url
        self.monkeypatch = monkeypatch
        stream = {"kind": "stream", "params": {"rows": 20}, "start": "2025-03-01", "intervals": 2}
        changes = {"source": {"table": "warehouse.deliveries", "time": "time"}, "registry": "mlflow", "dataset": stream}
        declared = PIPELINE | changes | {"report": {"pictures": False}}
        for key, value in _environment(url, folder).items():
            monkeypatch.setenv(key, value)
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
        monkeypatch.chdir(folder)
        Path("deliveries.yaml").write_text(yaml.safe_dump(declared), encoding="utf-8")
        self.heliotrope("migrate")
        self.heliotrope("load")

    def execute(self, text: str) -> None:
        name = self.url.partition("?")[0].rpartition("/")[2]
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(text.replace("DATABASE shop", f"DATABASE {name}"))

    def heliotrope(self, *arguments: str, role: str = "postgres") -> int:
        self.monkeypatch.setenv("HELIOTROPE_DATABASE_URL", self.url.replace("postgres:@", f"{role}:@"))
        return main(arguments)


@pytest.fixture
def warehouse(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[_Warehouse]:
    yield _Warehouse(database_url, tmp_path, monkeypatch)
    with psycopg.connect(database_url, autocommit=True) as connection:
        for role in ("models", "viewer"):
            connection.execute(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}")


def test_the_least_rights_of_the_page_are_enough_and_no_more(
    warehouse: _Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    warehouse.execute(_rights("least", "look"))
    assert warehouse.heliotrope("replay", role="models") == 0
    assert "warning" not in capsys.readouterr().err
    assert warehouse.heliotrope("doctor", role="models") == 0
    assert warehouse.heliotrope("load", role="models") == 4
    warehouse.execute(_rights("load"))
    assert warehouse.heliotrope("load", role="models") == 0
    for verb in ("status", "history", "champion", "drift"):
        assert warehouse.heliotrope(verb, role="viewer") == 0, capsys.readouterr().err
    assert warehouse.heliotrope("rollback", "--reason", "not theirs", role="viewer") == 4


def test_the_short_rights_of_the_page_are_enough(warehouse: _Warehouse, capsys: pytest.CaptureFixture[str]) -> None:
    warehouse.execute("DROP SCHEMA heliotrope CASCADE; CREATE ROLE viewer;" + _rights("short"))
    declared = Path("deliveries.yaml")
    declared.write_text(declared.read_text().replace("registry: mlflow", "registry: none"))
    assert warehouse.heliotrope("replay", role="models") == 0, capsys.readouterr().err
    warehouse.execute("SET ROLE models; CREATE SCHEMA mlflow")


# --- what is generated, and links --------------------------------------------------------------------------


def test_the_generated_reference_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "generate.py", "--check"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", _texts())
def test_the_links_of_a_page_lead_somewhere(page: str) -> None:
    here = ROOT / page
    for target in links(_texts()[page]):
        path, _, anchor = target.partition("#")
        there = (here.parent / path).resolve() if path else here
        assert there.exists(), f"{page}: {target}"
        if anchor:
            assert anchor in anchors(there.read_text(encoding="utf-8")), f"{page}: {target}"


def test_every_page_is_reached_from_the_index() -> None:
    index = ROOT / "docs" / "index.md"
    reached = {(index.parent / target.partition("#")[0]).resolve() for target in links(_texts()["docs/index.md"])}
    pages_of_docs = {page for page in pages() if "docs" in page.relative_to(ROOT).parts}
    assert pages_of_docs - reached <= {index, *(ROOT / "docs" / "decisions").glob("*.md")}
