"""A YAML file is plain text of bounded size, or it is refused in a moment, with its line and the remedy."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from heliotrope import config
from heliotrope.config.document import read_text
from heliotrope.errors import ConfigError

BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, "x.yaml:2: alias *a0: aliases are not taken (write out what it stands for)"),
        ("a: &a [*a]\n", "x.yaml:1: alias *a: aliases are not taken"),
        ("a: 1\nb: *c\n", "x.yaml:2: alias *c: aliases are not taken"),
        ("a: " + "[" * 100_000, "x.yaml:1: more than 64 lists and mappings in each other"),
        ("a:\n" + "".join(" " * i + "- \n" for i in range(900)), "more than 64 lists and mappings in each other"),
        (f"name: a\nseed: {'9' * 5000}\n", "x.yaml:2: a number of 5000 digits"),
        (f"seed: {'1:' * 100_000}1\n", "a number of 200001 digits"),
        (f"seed: 0x{'f' * 100_000}\n", "a number of 100002 digits"),
        ("name: a\nname: b\n", "x.yaml:2: key 'name' is given twice (remove one of the two)"),
        ("a: {b: 1, b: 1}\n", "x.yaml:1: key 'b' is given twice"),
        ("a:\n  no: 1\n", "x.yaml:2: key 'False' is no text (quote it as it is to be read)"),
        ("a:\n  2026-01-01: 1\n", "x.yaml:2: key '2026-01-01' is no text"),
        ("? [a]\n: 1\n", "is no text"),
        ("? {a: 1}\n: 1\n", "is no text"),
        (
            "a:\n\tb: 1\n",
            "x.yaml:2: not YAML: while scanning for the next token: found character '\\t' that",
        ),
        ("a:\n\tb: 1\n", "(indent with spaces, not with tabs)"),
        ("a: 1\n---\nb: 1\n", "x.yaml:2: not YAML: expected a single document in the stream: but found another"),
        ("a: 1\nb: c: d\n", "x.yaml:2: not YAML: mapping values are not allowed here (indent it as its neighbours"),
        ("a: 1\nb: \x07\n", "x.yaml:2: not YAML: a character that no text has, U+0007 (remove it)"),
        ("a: 2026-13-45\n", "x.yaml:1: '2026-13-45' is no timestamp"),
        ("a: 0x_\n", "x.yaml:1: '0x_' is no int"),
        ("a: !!set <<\n", "x.yaml:1: tag 'tag:yaml.org,2002:set': tags are not taken (write the value without it)"),
        ("a: !!python/object:os.system {}\n", "x.yaml:1: tag 'tag:yaml.org,2002:python/object:os.syste': tags"),
        ("a: [", "x.yaml:1: not YAML: "),
        ("- a\n", "x.yaml: holds no mapping of settings (begin with `name: ...`)"),
        ("1: a\n", "x.yaml: holds no mapping of settings"),
        ("", "x.yaml: holds no mapping of settings"),
    ],
)
def test_what_only_does_harm_is_refused_at_once_with_its_line(text: str, said: str) -> None:
    begun = time.monotonic()
    with pytest.raises(ConfigError) as caught:
        read_text(text, "x.yaml")
    assert said in str(caught.value)
    assert caught.value.remedy
    assert len(str(caught.value)) < 300
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x7fELF\x02\x01\x01\x00\xff\xfe", ":1: not text in UTF-8"),
        (b"name: a\ntarget: \xff\n", ":2: not text in UTF-8 (save it in UTF-8"),
        ("name: a".encode("utf-16"), ":1: not text in UTF-8"),
        (b"name: a\nseed: 1\x00\n", ":2: not YAML: a character that no text has, U+0000"),
        (b"# " + b"x" * 2**18, ": has more than 262144 bytes, too many for a pipeline"),
    ],
)
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        config.load(path)
    assert f"{path}{said}" in str(caught.value)


def test_no_more_of_a_large_file_is_read_than_shows_that_it_is_one(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(ConfigError, match="has more than 262144 bytes"):
        config.load(path)


def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, said in (
        (tmp_path / "pipe", "it is neither a file nor a link to one"),
        (tmp_path, "it is a folder"),
        (Path("/dev/zero"), "it is neither a file nor a link to one"),
        (tmp_path / "nowhere", "No such file or directory"),
        (tmp_path / ("x" * 300), "File name too long"),
        (tmp_path / "a\0b", "embedded null byte"),
    ):
        with pytest.raises(ConfigError, match=f"cannot be read: {said}"):
            config.load(path)


@pytest.mark.parametrize("start", ["", "\ufeff", "%YAML 1.1\n---\n"])
def test_what_an_editor_puts_in_front_does_no_harm(tmp_path: Path, start: str) -> None:
    assert read_text(f"{start}name: a\n", "x.yaml").data == {"name": "a"}


def test_what_is_wrong_with_a_value_is_said_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(
        "name: a\nsource: {table: t, time: at}\ninterval: 1h\nfeatures:\n  x: numeric\n  y: number\ntarget: class\n"
        "candidates:\n  - name: tree\n    estimator: sklearn.tree.DecisionTreeClassifier\n    window:\n"
        "      kind: sliding\n      interval: 3\ngatee: {}\n"
    )
    with pytest.raises(ConfigError) as caught:
        config.load(path)
    assert str(caught.value).splitlines() == [
        f"{path}:13: candidates.0.window.sliding.interval: unknown key; did you mean 'intervals'?",
        f"{path}:14: gatee: unknown key; did you mean 'gate'?",
        f"{path}:6: features.y: input should be 'auto', 'numeric' or 'categorical', not 'number'",
    ]
