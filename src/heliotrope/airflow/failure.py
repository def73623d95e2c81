"""Why a pod failed, in one line, and whether another try would meet the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Failure", "failure_of"]

_WRONG = 2
"""The exit code of a wrong pipeline, interval or answer."""
_UNFIT = 5
"""The exit code of ``run-step gate`` where every candidate failed."""
_SIGNALS = 128


@dataclass(frozen=True, slots=True)
class Failure:
    """Why; ``for_good``: another try would fail too."""

    why: str
    for_good: bool = False


def failure_of(pod: Any, step: str, *, container: str = "base") -> Failure:
    """Why the pod of a step did not succeed. ``pod`` is the Kubernetes API's ``V1Pod``; None: it is gone.

    A deadline is for good: the step would take as long again, and the next run finishes what it leaves open.

    >>> failure_of(None, "train").why
    'it was deleted while it ran, by hand or by an eviction'
    """
    if pod is None or pod.metadata.deletion_timestamp is not None:
        return Failure("it was deleted while it ran, by hand or by an eviction")
    status = pod.status
    if status.reason == "DeadlineExceeded":
        limit = pod.spec.active_deadline_seconds
        return Failure(
            f"DeadlineExceeded: it was ended after {limit} s; ExecutionConfig(deadline=...) allows more", True
        )
    if status.reason == "Evicted":
        return Failure(f"Evicted: {status.message or 'the node says no more'}")
    found = next((one for one in status.container_statuses or [] if one.name == container), None)
    waiting, ended = (None, None) if found is None else (found.state.waiting, found.state.terminated)
    if ended is not None:
        return _of_exit(ended.exit_code, ended.reason, step)
    if waiting is not None and waiting.reason:
        return Failure(f"it did not start: {waiting.reason}: {waiting.message or 'no more is said'}")
    return Failure(f"it is {status.phase}, and was not waited for any longer")


def _of_exit(code: int, reason: str | None, step: str) -> Failure:
    if reason == "OOMKilled":
        return Failure("OOMKilled: it took more memory than limits.memory")
    if code > _SIGNALS:
        return Failure(f"it was killed by signal {code - _SIGNALS}")
    for_good = code == _WRONG or (code == _UNFIT and step == "gate")
    return Failure(f"it ended with exit code {code}, which its last lines explain", for_good)
