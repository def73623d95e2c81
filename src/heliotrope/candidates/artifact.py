"""Models as files, without pickle: skops, in a form in which the same model gives the same bytes.

A skops file is a zip archive of ``schema.json``, a tree of nodes that name types, and of the arrays the nodes refer
to. It numbers objects by their address in memory and stamps its members with the time. Here objects are numbered in
the order in which they occur, primitive values carry no number, sets are sorted and every member has one date. What
reads it is skops.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import json
import os
import stat
import types
import zipfile
from collections.abc import Collection, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from heliotrope.candidates.model import Model
from heliotrope.errors import ArtifactError

__all__ = ["dump", "load", "read"]

_MOST = 4 * 2**30  # bytes of a file that can be a model
_FORMAT = 1
_SCHEMA = "schema.json"
_DATE = (1980, 1, 1, 0, 0, 0)
_VALUES = frozenset({"JsonNode", "TypeNode", "FunctionNode"})  # equal wherever they are the same: no number needed
_TYPES_OF = ("numpy", "scipy")  # trusted for their types
_ALL_OF = ("sklearn", "skrub")  # trusted for their types and functions


def dump(model: Model) -> bytes:
    """The model's file. The same model gives the same bytes, in any process.

    Raises ArtifactError when skops cannot write the estimator.

    >>> model = Model(
    ...     candidate="c", kinds={"x": "numeric"}, classes=("a",), time=None, framed=False, encoder=None, estimator=None
    ... )
    >>> data = dump(model)
    >>> dump(load(data, sha256=hashlib.sha256(data).hexdigest())) == data
    True
    """
    import skops.io

    said = {one.name: getattr(model, one.name) for one in fields(model)}
    try:
        written = skops.io.dumps({"format": _FORMAT} | said | {"classes": list(model.classes)})
    except Exception as error:
        raise ArtifactError(
            f"candidate {model.candidate}: {type(model.estimator).__name__} cannot be saved without pickle: {error}",
            remedy="take an estimator that skops can write",
        ) from error
    return _normal(written)


def read(path: Path) -> bytes:
    """The bytes of a model's file, which is a regular one. Never waits, as opening a pipe would.

    Raises OSError when it cannot be read, ArtifactError when it is something else or too large to be a model.
    """
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise ArtifactError(
                f"the model file {path} is not a regular file",
                remedy="put the original back, or roll back to another champion with `heliotrope rollback`",
            )
        if found.st_size > _MOST:
            raise ArtifactError(
                f"the model file {path} has {found.st_size / 2**30:,.1f} GiB, more than any that is written here",
                remedy="put the original back, or roll back to another champion with `heliotrope rollback`",
            )
        return file.read()


def load(data: bytes, *, sha256: str, trusted_packages: Collection[str] = ()) -> Model:
    """The model of a file that ``dump`` wrote and whose hash was recorded.

    Types of scikit-learn, skrub, NumPy, SciPy and this package are trusted, and those of ``trusted_packages``: the
    top-level packages of the estimators that the pipeline declares.

    Raises ArtifactError when the hash is another one, the file names other types, or it cannot be read here.
    """
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise ArtifactError(
            f"the model's file has SHA-256 {found}, recorded is {sha256}: it was changed or is another one",
            remedy="put the original file back, or roll back to a champion whose file is intact",
        )
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        trusted = _trusted(data, trusted_packages)
        said = skops.io.loads(data, trusted=trusted)
    except UntrustedTypesFoundException:
        untrusted = sorted(set(skops.io.get_untrusted_types(data=data)) - set(trusted))
        packages = sorted({name.partition(".")[0] for name in untrusted})
        raise ArtifactError(
            f"the model's file names types that are not trusted: {', '.join(untrusted)}",
            remedy=f"do not use it unless you know its writer; a model of {', '.join(packages)} is read only where the "
            "pipeline declares an estimator from there",
        ) from None
    except Exception as error:
        raise ArtifactError(
            f"the model's file cannot be read: {type(error).__name__}: {error}",
            remedy="install the versions the training records, or train again",
        ) from error
    if not isinstance(said, dict) or said.pop("format", None) != _FORMAT:
        raise ArtifactError("the model's file is of another version of heliotrope", remedy="train again")
    return Model(**said | {"classes": tuple(said["classes"])})


# --- one form for one model --------------------------------------------------------------------------------


def _normal(written: bytes) -> bytes:
    """The same skops file, without what differs from one writing to the next."""
    with zipfile.ZipFile(io.BytesIO(written)) as archive:
        schema = json.loads(archive.read(_SCHEMA))
        numbers: dict[int, int] = {}
        names: dict[str, str] = {}
        _renumber(schema, numbers, names)
        members = [(new, _without_gaps(archive.read(old))) for old, new in names.items()]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, content in [*members, (_SCHEMA, json.dumps(schema, separators=(",", ":")).encode())]:
            archive.writestr(zipfile.ZipInfo(name, _DATE), content)
    return out.getvalue()


def _renumber(node: Any, numbers: dict[int, int], names: dict[str, str]) -> None:
    """Number objects, and name the members that hold their content, in the order in which the tree has them."""
    if isinstance(node, list):
        for one in node:
            _renumber(one, numbers, names)
    elif isinstance(node, dict):
        if "__loader__" in node:
            if node["__loader__"] in _VALUES:
                node.pop("__id__", None)
            elif "__id__" in node:
                node["__id__"] = numbers.setdefault(node["__id__"], len(numbers) + 1)
            if node["__loader__"] == "SetNode":
                node["content"].sort(key=_without_numbers)
            if isinstance(node.get("file"), str):
                suffix = node["file"].rpartition(".")[2]
                node["file"] = names.setdefault(node["file"], f"{len(names) + 1}.{suffix}")
        for one in node.values():
            _renumber(one, numbers, names)


def _without_gaps(content: bytes) -> bytes:
    """A file of records, such as a tree's nodes, with zeros where the gaps between fields hold what memory held."""
    if not content.startswith(b"\x93NUMPY") or b"'descr': [" not in content[:128]:
        return content
    records = np.load(io.BytesIO(content), allow_pickle=False)
    clean = np.zeros(records.shape, records.dtype)
    for name in records.dtype.names:
        clean[name] = records[name]
    out = io.BytesIO()
    np.save(out, clean, allow_pickle=False)
    return out.getvalue()


def _without_numbers(node: Any) -> str:
    return json.dumps({key: value for key, value in node.items() if key != "__id__"}, sort_keys=True)


# --- what a file may name ----------------------------------------------------------------------------------


def _trusted(data: bytes, packages: Collection[str]) -> list[str]:
    """Of what the file names, what is trusted: by its package, and being what a model can be made of."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        uses = set(_uses(json.loads(archive.read(_SCHEMA))))
    refused = {(module, name) for module, name, loader in uses if not _trust(module, name, loader, packages)}
    return sorted({f"{module}.{name}" for module, name, _ in uses if (module, name) not in refused})


def _uses(node: Any) -> Iterator[tuple[str, str, str]]:
    """Every module and name in the tree, with the kind of node that names it."""
    pending = [node]
    while pending:
        one = pending.pop()
        if isinstance(one, list):
            pending.extend(one)
        elif isinstance(one, dict):
            if "__loader__" in one:
                yield str(one.get("__module__")), str(one.get("__class__")), str(one["__loader__"])
            pending.extend(one.values())


def _trust(module: str, name: str, loader: str, packages: Collection[str]) -> bool:
    if (module, name) == ("functools", "partial"):
        return True  # what it calls is named, and judged, by itself
    top, own = module.partition(".")[0], __package__.partition(".")[0]
    if top == own:
        known = module == __package__ or module.startswith(f"{__package__}.")
    else:
        known = top in _TYPES_OF or top in _ALL_OF or top in packages
    if not known:
        return False
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError):
        return True  # skops says itself that it is not there
    home = getattr(found, "__module__", module) or module
    if home.partition(".")[0] != top:
        return False  # imported there from elsewhere
    if isinstance(found, types.FunctionType):  # kept as it is, such as a kernel or a score; never called to load
        return loader == "FunctionNode" and top not in _TYPES_OF
    return isinstance(found, type)
