"""Estimators made from what a candidate declares: an import path and parameters."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
import sys
from collections.abc import Collection
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from heliotrope.errors import EstimatorError, nearest, said

if TYPE_CHECKING:
    from heliotrope.config import Candidate

__all__ = ["make", "takes"]


def make(candidate: Candidate, *, seed: int, task: str | None = None) -> Any:
    """The candidate's estimator, not fitted, with its parameters and, where it has one that is not given, its seed.

    What the path names is called with the parameters: a class that has ``fit`` and ``predict``, or a function written
    in Python that returns an estimator. Nothing else is called, and nothing of Python's standard library: what leads
    there is refused before it runs. Parameters of a part, ``part__name``, are set afterwards.

    Raises EstimatorError when the path leads nowhere, a parameter is unknown or refused, the result has no ``fit`` or
    no ``predict``, or it says of itself (scikit-learn's tags) that it is for another task than ``task``.

    >>> from heliotrope.config import Candidate
    >>> path = "sklearn.tree.DecisionTreeClassifier"
    >>> make(Candidate(name="tree", estimator=path, params={"max_depth": 3}), seed=7)
    DecisionTreeClassifier(max_depth=3, random_state=7)
    >>> make(Candidate(name="tree", estimator=path, params={"max_dept": 3}), seed=7)
    Traceback (most recent call last):
    heliotrope.errors.EstimatorError: candidate tree: DecisionTreeClassifier has no parameter 'max_dept' (did you mean 'max_depth'?)
    """  # noqa: E501 - the error as it is printed
    where = f"candidate {candidate.name}"
    factory = _find(candidate.estimator, where)
    _refuse_blind_calls(factory, candidate.estimator, where)
    own = {name: value for name, value in candidate.params.items() if "__" not in name}
    parts = {name: value for name, value in candidate.params.items() if "__" in name}
    known, open_ended = _parameters(factory)
    unknown = [name for name in own if name not in known]
    if unknown and not open_ended:
        raise EstimatorError(
            f"{where}: {_name(factory)} has no parameter {unknown[0]!r}", remedy=nearest(unknown[0], known)
        )
    if "random_state" in known and "random_state" not in own:
        own["random_state"] = seed
    try:
        estimator = factory(**own)
    except KeyboardInterrupt:
        raise
    except SystemExit as error:
        raise EstimatorError(f"{where}: {_name(factory)} tried to end the process", remedy="mend it") from error
    except BaseException as error:
        raise EstimatorError(f"{where}: {_name(factory)} refuses its parameters: {said(error)}") from error
    _check_methods(estimator, candidate.estimator, where)
    _check_task(estimator, task, where)
    if open_ended and "random_state" not in own and "random_state" in _settable(estimator):
        parts["random_state"] = seed
    if parts:
        _set_parts(estimator, parts, where)
    return estimator


def takes(method: Any, parameter: str) -> bool:
    """Whether a method has a parameter of that name of its own.

    >>> takes(lambda X, y, sample_weight=None: None, "sample_weight")
    True
    """
    try:
        return parameter in inspect.signature(method).parameters
    except (TypeError, ValueError):
        return False


def _refuse_blind_calls(factory: Any, path: str, where: str) -> None:
    """Only what can be an estimator is called: a call may do anything, such as end the process."""
    if isinstance(factory, type):
        _check_methods(factory, path, where)
    elif not isinstance(factory, FunctionType):
        kind = "built-in function" if isinstance(factory, BuiltinFunctionType) else type(factory).__name__
        raise EstimatorError(
            f"{where}: {path} is a {kind}, not an estimator",
            remedy="name a class with fit and predict, or a function written in Python that returns an estimator",
        )
    elif _is_standard(factory.__module__):
        raise _standard(path, where)


def _check_methods(estimator: Any, path: str, where: str) -> None:
    for method in ("fit", "predict"):
        if not callable(getattr(estimator, method, None)):
            raise EstimatorError(
                f"{where}: {path} has no method {method!r}",
                remedy="name an estimator with scikit-learn's fit and predict",
            )


def _check_task(estimator: Any, task: str | None, where: str) -> None:
    """Refuse one that says it is for another task. One that says nothing, or has no tags, may do anything."""
    try:
        kind = estimator.__sklearn_tags__().estimator_type
    except Exception:
        return  # it has no tags, or a part of it has none
    wanted = {"classification": "classifier", "regression": "regressor"}.get(task or "")
    if wanted is not None and kind not in (None, wanted):
        raise EstimatorError(
            f"{where}: {_name(type(estimator))} is no {wanted}, its type is {str(kind).replace('_', ' ')!r}",
            remedy=f"the task is {task}: name a {wanted}"
            + (", or set task: regression" if kind == "regressor" else ""),
        )


def _is_standard(module: str | None) -> bool:
    return (module or "").partition(".")[0] in sys.stdlib_module_names


def _standard(path: str, where: str) -> EstimatorError:
    return EstimatorError(
        f"{where}: {path} is of Python's standard library, which has no estimators",
        remedy="name an estimator with scikit-learn's fit and predict",
    )


def _find(path: str, where: str) -> Any:
    """What an import path names: ``package.module.Name`` or ``package.module:Name``."""
    module_name, _, name = path.replace(":", ".").rpartition(".")
    if _is_standard(module_name):
        raise _standard(path, where)
    module = _module(module_name, path, where)
    try:
        found = getattr(module, name)
    except AttributeError:
        raise EstimatorError(
            f"{where}: {module_name} has no {name!r}", remedy=nearest(name, _offered(module))
        ) from None
    except ImportError as error:
        raise EstimatorError(f"{where}: importing {path} failed: {error}", remedy=_install(error, path)) from error
    if not callable(found):
        raise EstimatorError(f"{where}: {path} is a {type(found).__name__}, not an estimator", remedy="name its class")
    return found


def _module(name: str, path: str, where: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or name
        parent, _, leaf = missing.rpartition(".")
        if name != missing and not name.startswith(missing + "."):  # something that the module itself imports
            raise EstimatorError(f"{where}: importing {name} failed: {error}", remedy=_install(error, path)) from error
        if not parent:
            raise EstimatorError(
                f"{where}: there is no package {missing!r} for {path}", remedy=_install(error, path)
            ) from None
        package = importlib.import_module(parent)
        raise EstimatorError(
            f"{where}: {parent} has no module {leaf!r}", remedy=nearest(leaf, _modules(package))
        ) from None
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise EstimatorError(
            f"{where}: importing {name} failed: {type(error).__name__}: {said(error)}", remedy="mend the module"
        ) from error


def _install(error: ImportError, path: str) -> str:
    missing = (error.name or path).partition(".")[0]
    if importlib.util.find_spec(missing) is not None:
        return "mend the module"
    return f"install {missing!r} into heliotrope's environment, or mend the path"


def _modules(package: ModuleType) -> list[str]:
    return [found.name for found in pkgutil.iter_modules(getattr(package, "__path__", []))]


def _offered(module: ModuleType) -> list[str]:
    """What a module offers that could be meant: its public classes and functions, or else its modules."""
    public = getattr(module, "__all__", None) or [name for name in dir(module) if not name.startswith("_")]
    return [name for name in public if isinstance(name, str)] or _modules(module)


def _parameters(factory: Any) -> tuple[Collection[str], bool]:
    """The names of the parameters, and whether any other is taken too (``**params``)."""
    try:
        signature = inspect.signature(factory)
    except (TypeError, ValueError):
        return (), True
    named = [
        one.name for one in signature.parameters.values() if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)
    ]
    return named, any(one.kind is one.VAR_KEYWORD for one in signature.parameters.values())


def _set_parts(estimator: Any, parts: dict[str, Any], where: str) -> None:
    if not hasattr(estimator, "set_params"):
        raise EstimatorError(f"{where}: {_name(type(estimator))} has no parts to set {sorted(parts)[0]!r} of")
    known = estimator.get_params(deep=True)
    for name in parts:
        if name not in known:
            raise EstimatorError(
                f"{where}: {_name(type(estimator))} has no parameter {name!r}", remedy=nearest(name, known)
            )
    estimator.set_params(**parts)


def _settable(estimator: Any) -> Collection[str]:
    return estimator.get_params(deep=False) if hasattr(estimator, "get_params") else ()


def _name(factory: Any) -> str:
    return getattr(factory, "__name__", repr(factory))
