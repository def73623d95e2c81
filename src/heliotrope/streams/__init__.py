"""Synthetic streams whose drift is known, for examples, tests and benchmarks.

| name | what drifts | drift points |
| --- | --- | --- |
| ``rotating_gaussians`` | the original: classes on a circle turn once a day | none: it drifts every hour |
| ``stationary`` | nothing | none |
| ``abrupt`` | features and boundary, at once | ``points`` |
| ``gradual`` | the same, the share of new rows rising | ``points``, where each change begins |
| ``recurring`` | the same, there and back | every ``period`` |
| ``hyperplane`` | the boundary alone, a little at every tick | none: it drifts at every tick |
| ``daily`` | the boundary alone, and it comes back once a day | none: it drifts at every tick |
| ``sea`` | the boundary alone; the features stay | ``points`` |
| ``turning_plane`` | the coefficients of a regression | none: it drifts at every tick |

>>> stream = make("abrupt", points=[12], rows=50, seed=3)
>>> stream.drift, [str(point) for point in stream.drift_points]
('abrupt', ['2026-01-01 12:00:00+00:00'])
>>> make("rotating_gausians")
Traceback (most recent call last):
heliotrope.errors.ConfigError: no stream is called 'rotating_gausians' (did you mean 'rotating_gaussians'?)
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from heliotrope.errors import ConfigError, nearest
from heliotrope.streams.abrupt import Abrupt
from heliotrope.streams.daily import Daily
from heliotrope.streams.gradual import Gradual
from heliotrope.streams.hyperplane import Hyperplane
from heliotrope.streams.recurring import Recurring
from heliotrope.streams.rotating_gaussians import RotatingGaussians
from heliotrope.streams.sea import Sea
from heliotrope.streams.stationary import Stationary
from heliotrope.streams.stream import Stream
from heliotrope.streams.turning_plane import TurningPlane

__all__ = [
    "STREAMS",
    "Abrupt",
    "Daily",
    "Gradual",
    "Hyperplane",
    "Recurring",
    "RotatingGaussians",
    "Sea",
    "Stationary",
    "Stream",
    "TurningPlane",
    "make",
]

STREAMS: dict[str, type[Any]] = {
    "abrupt": Abrupt,
    "daily": Daily,
    "gradual": Gradual,
    "hyperplane": Hyperplane,
    "recurring": Recurring,
    "rotating_gaussians": RotatingGaussians,
    "sea": Sea,
    "stationary": Stationary,
    "turning_plane": TurningPlane,
}
"""Every stream by the name a pipeline's ``dataset`` gives."""


def make(name: str, **params: Any) -> Stream:
    """The stream called ``name``. Raises ConfigError for an unknown name or parameter, or a value that cannot be."""
    if name not in STREAMS:
        raise ConfigError(f"no stream is called {name!r}", remedy=nearest(name, STREAMS))
    known = [field.name for field in fields(STREAMS[name])]
    for param in params:
        if param not in known:
            raise ConfigError(f"stream {name} has no parameter {param!r}", remedy=nearest(param, known))
    stream: Stream = STREAMS[name](**params)
    return stream
