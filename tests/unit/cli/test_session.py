"""Which pipeline a verb means when it is not told, and where nothing is on record."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from heliotrope.cli.session import Session
from heliotrope.errors import ConfigError, LedgerError

PIPELINE = """
name: {name}
source: {{table: t, time: at}}
interval: 1h
features: [x]
target: y
candidates: [{{name: tree, estimator: sklearn.tree.DecisionTreeClassifier}}]
"""


@pytest.fixture
def session(call: Callable[..., Any]) -> Session:
    """In a folder without anything, and no database."""
    return Session(None, as_json=True)


def _write(name: str, text: str | None = None) -> None:
    Path(name).write_text(PIPELINE.format(name=Path(name).stem) if text is None else text)


def test_the_only_file_in_the_folder_is_meant(session: Session) -> None:
    _write("a.yaml")
    assert session.declared(None).name == "a"
    assert session.recorded(None).name == "a"


def test_other_yaml_files_are_no_pipelines(session: Session) -> None:
    _write("a.yml")
    _write("compose.yaml", "services: {}")
    _write("broken.yaml", "a: [")
    _write("list.yaml", "[source, candidates]")
    assert session.declared(None).name == "a"


def test_several_files_are_listed(session: Session) -> None:
    _write("a.yaml")
    _write("b.yaml")
    for choose in (session.declared, session.recorded):
        with pytest.raises(ConfigError, match=r"several pipelines: 'a\.yaml', 'b\.yaml'"):
            choose(None)


def test_a_wrong_pipeline_is_meant_too_and_says_what_is_wrong(session: Session) -> None:
    _write("a.yaml", PIPELINE.format(name="a") + "tragets: y\n")
    with pytest.raises(ConfigError, match="did you mean 'target'"):
        session.declared(None)


def test_a_file_that_is_not_there_has_the_nearest_as_its_remedy(session: Session) -> None:
    _write("clicks.yaml")
    for choose in (session.declared, session.recorded):
        with pytest.raises(ConfigError) as caught:
            choose("clicsk.yaml")
        assert caught.value.remedy == "did you mean 'clicks.yaml'?"


def test_a_file_may_have_any_name_and_any_folder(session: Session) -> None:
    Path("folder").mkdir()
    _write("folder/p", PIPELINE.format(name="p"))
    assert session.declared("folder/p").name == "p"
    assert session.recorded("folder/p").name == "p"


def test_nothing_is_on_record_where_no_database_was_made(session: Session) -> None:
    assert session.is_fresh()
    assert session.all_recorded() == {}
    with pytest.raises(LedgerError, match="heliotrope demo"), session.reading():
        pass


@pytest.mark.parametrize("name", ["HELIOTROPE_DATABASE_URL", "PGHOST", "PGSERVICE"])
def test_a_named_database_is_not_fresh(session: Session, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "postgresql://somewhere")
    assert not session.is_fresh()
    monkeypatch.delenv(name)
    assert not Session("postgresql://somewhere", as_json=False).is_fresh()
