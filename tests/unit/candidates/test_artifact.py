"""Files of models: the same bytes for the same model, and nothing loaded that is not trusted."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import types
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.feature_selection import f_classif

from heliotrope.candidates import artifact
from heliotrope.candidates.model import Model
from heliotrope.errors import ArtifactError
from unit.candidates.checks import fit, pipeline, rows


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def rewritten(data: bytes, change: Any) -> bytes:
    """The file with its tree changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "schema.json":
                tree = json.loads(content)
                change(tree)
                content = json.dumps(tree).encode()
            new.writestr(name, content)
    return out.getvalue()


def nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        if "__loader__" in tree:
            yield tree
        for one in tree.values():
            yield from nodes(one)
    elif isinstance(tree, list):
        for one in tree:
            yield from nodes(one)


@pytest.fixture(scope="module")
def tree_file() -> bytes:
    return artifact.dump(fit(pipeline("sklearn.tree.DecisionTreeClassifier"), rows()))


class Homegrown(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """An estimator of the user's own package."""

    def fit(self, X: Any, y: Any) -> Homegrown:
        self.names_ = {"b", "a", "c"}
        self.classes_ = np.unique(y)
        self.blob_ = b"\x00\x01"
        return self

    def predict(self, X: Any) -> Any:
        return np.zeros(len(X), dtype=int)


@pytest.fixture
def homegrown(monkeypatch: pytest.MonkeyPatch) -> Model:
    module = types.ModuleType("homegrown")
    module.__dict__["Homegrown"] = Homegrown
    monkeypatch.setattr(Homegrown, "__module__", "homegrown")
    monkeypatch.setitem(sys.modules, "homegrown", module)
    return fit(pipeline("homegrown.Homegrown"), rows())


# --- the same model, the same bytes ------------------------------------------------------------------------


def test_another_process_writes_the_same_bytes(tree_file: bytes) -> None:
    code = (
        "import hashlib, sys\n"
        "from unit.candidates.checks import fit, pipeline, rows\n"
        "from heliotrope.candidates import artifact\n"
        "data = artifact.dump(fit(pipeline('sklearn.tree.DecisionTreeClassifier'), rows()))\n"
        "print(hashlib.sha256(data).hexdigest())\n"
    )
    path = [folder for folder in sys.path if folder.endswith("tests")]
    ran = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {path!r}\n{code}"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert ran.stdout.strip() == digest(tree_file)


def test_a_set_is_written_in_one_order_and_bytes_under_one_name(homegrown: Model) -> None:
    first = artifact.dump(homegrown)
    homegrown.estimator.names_ = {"c", "b", "a"}
    assert artifact.dump(homegrown) == first
    back = artifact.load(first, sha256=digest(first), trusted_packages={"homegrown"})
    assert back.estimator.names_ == {"a", "b", "c"}
    assert back.estimator.blob_ == b"\x00\x01"


def test_an_array_that_two_attributes_share_is_shared_again(homegrown: Model) -> None:
    homegrown.estimator.one_ = homegrown.estimator.other_ = np.arange(3)
    data = artifact.dump(homegrown)
    back = artifact.load(data, sha256=digest(data), trusted_packages={"homegrown"})
    assert back.estimator.one_ is back.estimator.other_


def test_the_archive_has_no_dates_and_no_addresses(tree_file: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(tree_file)) as archive:
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        numbers = [node["__id__"] for node in nodes(json.loads(archive.read("schema.json"))) if "__id__" in node]
    assert max(numbers) < 1000


def test_gaps_between_the_fields_of_records_are_zero() -> None:
    kind = np.dtype({"names": ["a", "b"], "formats": ["<f8", "u1"], "itemsize": 16})
    dirty = np.frombuffer(b"\xff" * 32, dtype=kind).copy()
    dirty["a"], dirty["b"] = 1.0, 2
    out = io.BytesIO()
    np.save(out, dirty)
    clean = artifact._without_gaps(out.getvalue())
    assert np.load(io.BytesIO(clean)).tolist() == [(1.0, 2), (1.0, 2)]
    assert clean.endswith(b"\x02" + b"\x00" * 7)


# --- what is refused ---------------------------------------------------------------------------------------


def test_another_hash_is_refused(tree_file: bytes) -> None:
    changed = tree_file[:-1] + bytes([tree_file[-1] ^ 1])
    with pytest.raises(ArtifactError, match="it was changed or is another one"):
        artifact.load(changed, sha256=digest(tree_file))


@pytest.mark.parametrize("data", [b"", b"not a zip", b"PK\x05\x06" + b"\x00" * 18])
def test_what_is_no_model_is_refused(data: bytes) -> None:
    with pytest.raises(ArtifactError, match="cannot be read"):
        artifact.load(data, sha256=digest(data))


def test_a_file_of_another_format_is_refused(tree_file: bytes) -> None:
    def newer(tree: Any) -> None:
        tree["content"]["format"]["content"] = "99"

    data = rewritten(tree_file, newer)
    with pytest.raises(ArtifactError, match="another version"):
        artifact.load(data, sha256=digest(data))


def test_a_type_of_a_package_that_is_not_declared_is_refused_by_name(homegrown: Model) -> None:
    data = artifact.dump(homegrown)
    with pytest.raises(ArtifactError, match=r"types that are not trusted: homegrown\.Homegrown") as caught:
        artifact.load(data, sha256=digest(data))
    assert "a model of homegrown is read only where" in caught.value.remedy
    assert artifact.load(data, sha256=digest(data), trusted_packages=["homegrown"]).predict(rows())[0] == "1"


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("builtins", "eval"),
        ("numpy", "load"),  # a function, though of a trusted package: it can read pickles
        ("numpy.lib._npyio_impl", "load"),
        ("sklearn.utils._testing", "tempfile"),  # of another package, though reached through a trusted one
        ("sklearn.utils", "Bunch.__class__"),
        ("heliotrope.server", "start"),  # ours, but no part of a model
        ("heliotrope.candidates_of_another", "Thing"),
    ],
)
@pytest.mark.parametrize("loader", ["ObjectNode", "ConstructorFromReduceNode", "FunctionNode", "TypeNode"])
def test_what_could_do_harm_is_refused(tree_file: bytes, module: str, name: str, loader: str) -> None:
    def plant(tree: Any) -> None:
        planted = next(node for node in nodes(tree) if node["__class__"] == "DecisionTreeClassifier")
        planted.update(__module__=module, __class__=name, __loader__=loader)

    data = rewritten(tree_file, plant)
    with pytest.raises(ArtifactError):
        artifact.load(data, sha256=digest(data), trusted_packages={"heliotrope", "sklearn"})


def test_a_function_of_a_trusted_package_is_not_called_to_load(tree_file: bytes) -> None:
    def plant(tree: Any) -> None:
        planted = next(node for node in nodes(tree) if node["__class__"] == "DecisionTreeClassifier")
        planted.update(__module__="sklearn.datasets", __class__="load_files", __loader__="ConstructorFromReduceNode")

    data = rewritten(tree_file, plant)
    with pytest.raises(ArtifactError, match=r"not trusted: sklearn\.datasets"):
        artifact.load(data, sha256=digest(data))


def test_a_function_that_a_model_keeps_is_trusted_with_its_package() -> None:
    model = fit(pipeline("sklearn.tree.DecisionTreeClassifier"), rows())
    model.estimator.score_ = f_classif
    data = artifact.dump(model)
    assert artifact.load(data, sha256=digest(data)).estimator.score_ is f_classif


def test_an_estimator_that_skops_cannot_write_is_refused() -> None:
    model = fit(pipeline("sklearn.tree.DecisionTreeClassifier"), rows())
    model.estimator.hook_ = (number for number in (1, 2))
    with pytest.raises(ArtifactError, match="candidate tried: DecisionTreeClassifier cannot be saved without pickle"):
        artifact.dump(model)
