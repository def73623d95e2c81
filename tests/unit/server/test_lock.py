"""Locks between processes, and what is said where there are none or where waiting takes long."""

from __future__ import annotations

import errno
import fcntl
import itertools
import time
from pathlib import Path

import pytest

from heliotrope.errors import DatabaseError
from heliotrope.server.lock import Lock, await_true


def test_several_share_a_lock_and_one_has_it_alone(tmp_path: Path) -> None:
    one, two, three = (Lock(tmp_path / "lock") for _ in range(3))
    assert one.try_shared()
    assert two.try_shared()
    assert not three.try_exclusive()
    assert three.is_free(), "shared with others is not held alone"
    one.close()
    two.release()
    assert three.try_exclusive()
    assert not two.is_free()
    for each in (two, three):
        each.close()


def test_a_file_that_was_deleted_or_made_anew_is_not_there(tmp_path: Path) -> None:
    held = Lock(tmp_path / "lock")
    assert held.is_there()
    (tmp_path / "lock").unlink()
    assert not held.is_there()
    (tmp_path / "lock").touch()
    assert not held.is_there()
    held.close()


def test_a_shorter_word_replaces_a_longer_one(tmp_path: Path) -> None:
    held = Lock(tmp_path / "lock")
    held.write(b"longer")
    held.write(b"short")
    assert held.read() == b"short"
    held.write(b"")
    assert held.read() == b""
    held.close()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_file_system_without_locks_is_said_to_be_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: int) -> None:
        raise OSError(number, "not here")

    held = Lock(tmp_path / "lock")
    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(DatabaseError, match=rf"knows no locks \({errno.errorcode[number]}") as caught:
        held.try_shared()
    assert "local disk" in caught.value.remedy
    held.close()


def test_a_long_wait_is_told_once_and_an_endless_one_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count(0.0, 3.0)
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    with (
        pytest.warns(UserWarning, match="waiting for the moon") as told,
        pytest.raises(DatabaseError, match="in vain for the moon"),
    ):
        await_true(lambda: False, "the moon", seconds=10)
    assert len(told) == 1
