"""What the time-varying estimators refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from heliotrope.candidates import (
    ExtrapolatedDiscriminant,
    VaryingCoefficientClassifier,
    VaryingCoefficientRegressor,
)

X = np.arange(12.0).reshape(6, 2)
Y = [0, 1, 0, 1, 0, 1]


@pytest.mark.parametrize(
    ("estimator", "said"),
    [
        (ExtrapolatedDiscriminant(degree=-1), "degree=-1 is not an integer of at least 0"),
        (ExtrapolatedDiscriminant(degree=1.5), "degree=1.5 is not an integer"),  # type: ignore[arg-type] # meant
        (ExtrapolatedDiscriminant(degree=True), "degree=True is not an integer"),
        (ExtrapolatedDiscriminant(horizon=-0.1), "horizon=-0.1 is not a number of at least 0"),
        (ExtrapolatedDiscriminant(horizon=float("nan")), "horizon=nan"),
        (ExtrapolatedDiscriminant(shrinkage=1.5), r"shrinkage \(or \"auto\"\)=1.5 .* between 0 and 1"),
        (ExtrapolatedDiscriminant(shrinkage="x"), "shrinkage .*='x'"),  # type: ignore[arg-type] # meant
        (VaryingCoefficientClassifier(alpha=0.0), "alpha=0.0 is not a number of at least 1e-09"),
        (VaryingCoefficientClassifier(time_penalty=-1.0), "time_penalty .*=-1.0"),
        (VaryingCoefficientRegressor(degree="1"), "degree='1'"),  # type: ignore[arg-type] # meant
    ],
)
def test_a_wrong_parameter_is_named_with_its_value(estimator: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        estimator.fit(X, Y)


@pytest.mark.parametrize(
    "estimator", [ExtrapolatedDiscriminant(), VaryingCoefficientClassifier(), VaryingCoefficientRegressor()]
)
def test_times_and_weights_must_fit_the_rows(estimator: Any) -> None:
    with pytest.raises(ValueError, match=r"time has shape \(3,\) for 6 rows"):
        estimator.fit(X, Y, time=[1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="time contains NaN"):
        estimator.fit(X, Y, time=[1.0, 2.0, 3.0, np.nan, 5.0, 6.0])
    with pytest.raises(ValueError, match="zero"):
        estimator.fit(X, Y, sample_weight=np.zeros(6))
    with pytest.raises(ValueError, match="time has shape"):
        estimator.fit(X, Y, time=np.arange(6.0)).predict(X, time=[1.0])
