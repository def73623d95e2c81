"""The help texts, word for word, and what asking for one costs."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from heliotrope.cli.application import command

GOLDEN = Path(__file__).parent / "golden"
VERBS = (
    *("demo", "init", "validate", "load", "run", "run-step", "replay", "whatif", "reconcile", "status", "history"),
    *(
        "drift",
        "champion",
        "promote",
        "rollback",
        "pin",
        "unpin",
        "report",
        "ui",
        "notify",
        "metrics",
        "migrate",
        "doctor",
    ),
    *("sql", "sql means"),
)


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help_reads_as_kept(verb: str, call: Callable[..., Any]) -> None:
    """HELIOTROPE_GOLDEN=write keeps what it is now."""
    ended = call(*verb.split(), "--help")
    file = GOLDEN / f"{verb.replace(' ', '-') or 'heliotrope'}.txt"
    if os.environ.get("HELIOTROPE_GOLDEN") == "write":
        file.write_text(ended.out, encoding="utf-8")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == file.read_text(encoding="utf-8")


def test_every_verb_has_a_help_text_that_is_kept() -> None:
    group = command()
    known = {*group.commands, *(f"sql {name}" for name in group.commands["sql"].commands)}
    assert known == set(VERBS)
    assert {file.stem for file in GOLDEN.iterdir()} == {"heliotrope", *(verb.replace(" ", "-") for verb in VERBS)}


def test_help_fits_80_columns() -> None:
    for file in GOLDEN.iterdir():
        assert max(map(len, file.read_text(encoding="utf-8").splitlines())) <= 80, file.name


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "sql"])
def test_every_help_has_an_example_that_its_own_options_take(verb: str) -> None:
    text = (GOLDEN / f"{verb.replace(' ', '-')}.txt").read_text(encoding="utf-8")
    found = re.search(r"Example:\n    heliotrope (.*)\n", text)
    assert found, text
    group: Any = command()
    context = typer.Context(group, info_name="heliotrope")
    arguments = shlex.split(found[1])
    while hasattr(group, "commands"):
        group = group.commands[arguments.pop(0)]
    made = group.make_context(verb, arguments, parent=context)
    assert made.command_path == f"heliotrope {verb}"


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "sql"])
def test_every_verb_takes_database_and_json(verb: str) -> None:
    text = (GOLDEN / f"{verb.replace(' ', '-')}.txt").read_text(encoding="utf-8")
    assert "--database URL" in text
    assert "--json " in text


def test_no_arguments_are_answered_with_the_help(call: Callable[..., Any]) -> None:
    assert call() == call("--help")


def test_the_version_is_said(call: Callable[..., Any]) -> None:
    from heliotrope import __version__

    assert call("--version").out == f"heliotrope {__version__}\n"


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys, json\n"
        "from heliotrope.cli import main\n"
        "code = main(['--help'])\n"
        "heavy = ('sklearn', 'matplotlib', 'mlflow', 'pyarrow', 'pydantic', 'numpy', 'psycopg', 'sqlalchemy', 'rich')\n"
        "print(json.dumps([code, [name for name in heavy if name in sys.modules]]))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == [0, []]


def test_the_module_runs_as_a_program() -> None:
    done = subprocess.run([sys.executable, "-m", "heliotrope", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("heliotrope ")
