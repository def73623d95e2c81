"""A data set that a function returns."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from heliotrope.config import FunctionDataset
from heliotrope.errors import ConfigError, DataError, HeliotropeError, nearest

__all__ = ["call"]


def call(dataset: FunctionDataset) -> pa.Table:
    """What the function returns, called with the data set's parameters.

    A pyarrow.Table, or anything that can be read as one (a pandas or Polars frame, a record batch).

    Raises ConfigError when there is no such function or it does not take the parameters, and DataError when it fails
    or returns something else.
    """
    function = _function(dataset.call)
    try:
        inspect.signature(function).bind(**dataset.params)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"dataset.params do not fit {dataset.call}: {error}") from None
    try:
        result = function(**dataset.params)
    except HeliotropeError:
        raise
    except Exception as error:
        raise DataError(f"{dataset.call} failed: {type(error).__name__}: {error}") from error
    if isinstance(result, pa.Table):
        return result
    if not hasattr(result, "__arrow_c_stream__") and not hasattr(result, "__arrow_c_array__"):
        raise DataError(f"{dataset.call} returned a {type(result).__name__}", remedy="let it return a pyarrow.Table")
    return pa.table(result)


def _function(path: str) -> Callable[..., Any]:
    module_name, _, name = path.replace(":", ".").rpartition(".")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise ConfigError(f"dataset.call {path}: {error}", remedy="write it as package.module.function") from None
    function = getattr(module, name, None)
    if not callable(function):
        known = [one for one in dir(module) if callable(getattr(module, one)) and not one.startswith("_")]
        raise ConfigError(f"dataset.call {path}: {module_name} has no function {name!r}", remedy=nearest(name, known))
    found: Callable[..., Any] = function
    return found
