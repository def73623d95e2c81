"""One thread for linear algebra: the same sums on every machine, and no waiting for a second core.

A sum's last bits depend on how BLAS divides it among threads, and so on the machine's processors. And matrices of a
cycle's size gain nothing from a second thread, which on a busy machine is waited for many times as long as the work
takes (a drift measurement of 7 ms became one of 130). Estimators with threads of their own (OpenMP, ``n_jobs``)
keep them.
"""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from functools import cache
from typing import Any, cast

from threadpoolctl import ThreadpoolController

__all__ = ["one_thread"]


def one_thread() -> AbstractContextManager[Any]:
    """Hold the libraries of linear algebra that are loaded by now to one thread."""
    return cast(
        "AbstractContextManager[Any]", _controller("scipy.linalg" in sys.modules).limit(limits=1, user_api="blas")
    )


@cache
def _controller(scipy_is_loaded: bool) -> ThreadpoolController:
    """What is loaded: looked up anew when SciPy has brought a BLAS of its own beside NumPy's."""
    return ThreadpoolController()
