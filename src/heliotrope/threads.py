"""One thread for linear algebra: the same sums on every machine, and no waiting for a second core.

A sum's last bits depend on how BLAS divides it among threads, and so on the machine's processors. And matrices of a
cycle's size gain nothing from a second thread, which on a busy machine is waited for many times as long as the work
takes (a drift measurement of 7 ms became one of 130, a picture of 43 ms one of 500). While they are fitted, estimators
keep threads of their own (OpenMP, ``n_jobs``).
"""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager
from functools import cache
from typing import Any, cast

from threadpoolctl import ThreadpoolController

__all__ = ["one_thread", "wait_asleep"]


def wait_asleep() -> None:
    """Let OpenMP's threads sleep while they wait for each other, unless the user has said otherwise.

    They spin by default: boosting trees on 24,000 rows took 10 to 48 s on two cores that others used too, and 0.8 s
    asleep. The library reads it when it is loaded, so it must be said before scikit-learn is imported.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def one_thread(*, openmp: bool = False) -> AbstractContextManager[Any]:
    """Hold the libraries of linear algebra that are loaded by now to one thread; with ``openmp`` its users too.

    The latter is for predictions of one batch, which are done before the threads of boosting have met.
    """
    api = None if openmp else "blas"
    controller = _controller("scipy.linalg" in sys.modules, "sklearn.ensemble" in sys.modules)
    return cast("AbstractContextManager[Any]", controller.limit(limits=1, user_api=api))


@cache
def _controller(*loaded: bool) -> ThreadpoolController:
    """The libraries loaded: looked up anew when SciPy or scikit-learn have brought theirs."""
    return ThreadpoolController()
