"""What is wrong with a command line is said in two lines, or one JSON document, with the exit code that is promised."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from heliotrope import errors
from heliotrope.cli import schema
from heliotrope.cli.failure import StoppedError, WarnedOnce, interruptible, tell

Call = Callable[..., Any]

WRONG = {
    "an unknown verb": ("stauts", "heliotrope has no verb 'stauts'", "did you mean 'status'?"),
    "an unknown verb of a group": ("sql mens", "heliotrope sql has no verb 'mens'", "did you mean 'means'?"),
    "an unknown option": ("status --jsn", "heliotrope status has no option --jsn", "did you mean '--json'?"),
    "an unknown short option": ("status -x", "heliotrope status has no option -x", "known: "),
    "an option before the verb": ("--json status", "heliotrope has no option --json", "options follow the verb: "),
    "a missing argument": ("promote a", "missing argument 'CANDIDATE'", "see `heliotrope promote --help`"),
    "a missing reason": ("promote a b", "missing option '--reason'", "see `heliotrope promote --help`"),
    "an empty reason": ("promote a b --reason=", "--reason is empty", "say why"),
    "one argument too many": ("status a b", "got unexpected extra argument(s) (b)", "see `heliotrope status --help`"),
    "an option without its value": ("history --limit", "option '--limit' requires an argument", "see `heliotrope "),
    "a number that is none": ("history --limit x", "invalid value for '--limit': ", "see `heliotrope history --help`"),
    "a number out of range": ("history --limit 0", "invalid value for '--limit': ", "see `heliotrope history --help`"),
    "a time that is none": ("champion --at noon", "--at: 'noon' is not a time", "write it as 2026-11-24T05:00Z"),
    "a start that is none": ("replay --start noon", "--start: 'noon' is not a time", "write it as "),
    "options that exclude each other": ("champion --at 2026-01-01 --all", "--at and --all exclude each other", "leave"),
    "a file that is not there": ("replay no.yaml", "there is no file 'no.yaml'", "name a pipeline's YAML file"),
    "a folder": ("validate .", ".: cannot be read: ", "name a pipeline's YAML file"),
    "no pipeline anywhere": (
        "replay",
        "there is no pipeline's YAML file in this folder",
        "name one, or see it at work",
    ),
    "a name that is not on record": ("drift clicks", "no pipeline 'clicks' is on record", "see it at work"),
    "a length of time that is none": ("init t --interval 1x", "interval '1x' is not a length of time", "write 15m"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_command_ends_with_2_and_two_lines_on_stderr(case: str, call: Call) -> None:
    line, error, remedy = WRONG[case]
    ended = call(*line.split(" "))
    assert ended.code == 2
    assert ended.out == ""
    first, second = ended.err.splitlines()
    assert first.startswith(f"error: {error}")
    assert second.startswith(f"remedy: {remedy}")


@pytest.mark.parametrize("case", [case for case in WRONG if case != "an option before the verb"])
def test_with_json_the_same_is_one_document_on_stdout(case: str, call: Call) -> None:
    line, error, remedy = WRONG[case]
    ended = call(*line.split(" "), "--json") if line != "history --limit" else call("history", "--json", "--limit")
    said = json.loads(ended.out)
    assert (ended.code, ended.err) == (2, "")
    assert list(said) == ["error", "remedy", "exit_code"]
    assert said["error"].startswith(error)
    assert said["remedy"].startswith(remedy)
    assert said["exit_code"] == 2


def test_a_refused_value_is_named(call: Call) -> None:
    assert "not 'x'" in call("history", "--limit", "x").err


def test_reading_verbs_say_that_nothing_is_on_record_without_making_a_database(call: Call, tmp_path: Path) -> None:
    for verb in ("history", "champion", "drift", "report", "reconcile", "sql means"):
        ended = call(*verb.split())
        assert ended.code == 4
        assert ended.err.startswith("error: nothing is on record yet\nremedy: see it at work with `heliotrope demo`")
    assert call("status").code == 0
    assert call("status").out.startswith("Nothing is on record yet; see it at work")
    assert json.loads(call("status", "--json").out) == {"pipelines": []}
    assert not (tmp_path / "home").exists()


def test_a_database_that_is_not_there_ends_with_4_and_no_password(call: Call) -> None:
    ended = call("status", "--database", "postgresql://ann:s3cret@127.0.0.1:1/x")
    assert ended.code == 4
    assert "s3cret" not in ended.err
    assert "ann:***@127.0.0.1:1" in ended.err
    assert "Traceback" not in ended.err


def test_a_url_of_another_database_is_refused(call: Call) -> None:
    ended = call("status", "--database", "mysql://x")
    assert ended.code == 4
    assert "'mysql://x' is not a PostgreSQL URL" in ended.err


def test_a_wrong_pipeline_is_said_line_by_line(call: Call, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("nam: x\nintervall: 1h\n")
    ended = call("validate", "p.yaml")
    assert ended.code == 2
    assert "p.yaml:1: nam: unknown key; did you mean 'name'?" in ended.err
    assert "p.yaml:2: intervall: unknown key; did you mean 'interval'?" in ended.err


def test_a_yaml_that_is_none_is_said(call: Call, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_bytes(b"name: [\xff")
    assert call("validate", "p.yaml", "--offline").code == 2
    (tmp_path / "p.yaml").write_text("name: [")
    assert "not YAML" in call("validate", "p.yaml", "--offline").err


def test_init_does_not_ask_the_database_before_it_may_write(call: Call, tmp_path: Path) -> None:
    (tmp_path / "t.yaml").touch()
    ended = call("init", "t", "--database", "postgresql://127.0.0.1:1/x")
    assert ended.code == 2
    assert ended.err == (
        "error: t.yaml is there already\nremedy: write over it with --force, or name another with --out\n"
    )


@pytest.mark.parametrize(
    "error", [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, Exception)]
)
def test_every_error_of_ours_ends_with_its_exit_code(
    error: type[errors.HeliotropeError], capsys: pytest.CaptureFixture[str]
) -> None:
    assert tell(error("what was wrong", remedy="what to do"), as_json=False) == error.exit_code
    assert capsys.readouterr() == ("", "error: what was wrong\nremedy: what to do\n")


def test_without_a_remedy_there_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert tell(errors.DataError("no rows"), as_json=False) == 3
    assert capsys.readouterr().err == "error: no rows\n"
    assert tell(errors.DataError("no rows"), as_json=True) == 3
    assert json.loads(capsys.readouterr().out) == {"error": "no rows", "remedy": "", "exit_code": 3}


def test_control_characters_in_an_error_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    tell(errors.DataError("column \x1b[31mred\x1b[0m, 값 [b]"), as_json=False)
    assert capsys.readouterr().err == "error: column \\x1b[31mred\\x1b[0m, 값 [b]\n"


def _fail(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(schema, "Session", broken)


def test_an_unexpected_error_is_one_line_and_how_to_see_more(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    _fail(monkeypatch, ValueError("lost\n  the thread"))
    ended = call("migrate")
    assert ended.code == 1
    assert ended.err.startswith("error: unexpected ValueError: lost the thread\nremedy: ")
    assert "HELIOTROPE_TRACEBACK=1" in ended.err
    assert "Traceback" not in ended.err
    assert json.loads(call("migrate", "--json").out)["exit_code"] == 1


def test_the_traceback_is_shown_on_request(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    _fail(monkeypatch, ValueError("lost"))
    monkeypatch.setenv("HELIOTROPE_TRACEBACK", "1")
    err = call("migrate").err
    assert "Traceback (most recent call last)" in err
    assert err.splitlines()[-2].startswith("error: unexpected ValueError: lost")


def test_ctrl_c_ends_with_130(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    _fail(monkeypatch, KeyboardInterrupt())
    ended = call("migrate")
    assert ended.code == 130
    assert ended.err == "error: stopped; nothing half-done was kept\nremedy: run the same command again\n"
    assert json.loads(call("migrate", "--json").out)["exit_code"] == 130


def test_ctrl_c_inside_says_what_is_done() -> None:
    with pytest.raises(StoppedError, match="17 of 48"), interruptible("17 of 48 are done", "go on"):
        raise KeyboardInterrupt


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    program = "import sys\nfrom heliotrope.cli import main\nsys.exit(main(['--help']))\n"
    done = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.stdout is not None
    done.stdout.close()
    _, err = done.communicate()
    assert (done.returncode, err) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("verb", ["--help", "--version"])
def test_a_full_disk_under_the_output_is_said(verb: str) -> None:
    program = f"import sys\nfrom heliotrope.cli import main\nsys.exit(main([{verb!r}]))\n"
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-c", program], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(b"error: what is printed cannot be written: No space left on device\nremedy: ")
    assert done.stderr.count(b"\n") == 2


def test_a_program_started_without_an_output_has_nothing_to_say_and_no_fault() -> None:
    program = (
        "import sys\nsys.stdout = sys.stderr = None\nfrom heliotrope.cli import main\nsys.exit(main(['--help']))\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_reader_that_goes_away_from_stderr_is_no_error_either() -> None:
    program = "import sys\nfrom heliotrope.cli import main\nsys.exit(main(['stauts']))\n"
    done = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.stderr is not None
    done.stderr.close()
    out, _ = done.communicate()
    assert (done.returncode, out) == (2, b"")


def test_a_name_that_the_terminal_cannot_show_is_written_out() -> None:
    program = "import sys\nfrom heliotrope.cli import main\nsys.exit(main(['status', '값']))\n"
    environment = {"PYTHONIOENCODING": "ascii", "PATH": "", "HELIOTROPE_HOME": "/nonexistent/home"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, env=environment, check=False)
    assert done.returncode == 2
    assert b"no pipeline '\\uac12' is on record" in done.stderr


def test_a_library_s_warning_is_one_line_and_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = WarnedOnce()
        for text in ("not\n converged", "not\n converged", "another"):
            warnings.warn(text, UserWarning, stacklevel=1)
    assert capsys.readouterr().err == "warning: not converged\nwarning: another\n"
