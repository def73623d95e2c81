"""What every candidate must do, whatever its estimator: one catalogue, run over all of them by test_catalogue."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from heliotrope.candidates import artifact
from heliotrope.candidates.model import Model
from heliotrope.config import Pipeline, parse
from heliotrope.errors import EstimatorError, SchemaError
from unit.candidates.turning import START


def pipeline(
    estimator: str, *, params: dict[str, Any] | None = None, encode: str = "auto", task: str = "classification"
) -> Pipeline:
    """A pipeline over x and y with one candidate."""
    candidate = {"name": "tried", "estimator": estimator, "params": params or {}, "encode": encode}
    return parse(
        {
            "name": "p",
            "source": {"table": "t", "time": "at"},
            "interval": "1h",
            "features": ["x", "y"],
            "target": "class",
            "task": task,
            "candidates": [candidate],
        }
    )


def rows(count: int = 240, *, seed: int = 0, task: str = "classification") -> pa.Table:
    """Three hours of rows of three classes, "1", "A" and "가"; or of a number that depends on x and y."""
    rng = np.random.default_rng(seed)
    place = np.arange(count) % 3
    X = rng.standard_normal((count, 2)) + 2.0 * np.array([[1, 0], [-1, 1], [-1, -1]])[place]
    hour = np.arange(count) * 3 // count
    at = (START + 3600 * hour).astype("datetime64[s]").astype("datetime64[us]")
    labels = np.array(["1", "A", "가"], dtype=object)[place]
    target = labels if task == "classification" else X @ [1.0, -2.0] + 0.1 * rng.standard_normal(count)
    return pa.table({"at": pa.array(at, pa.timestamp("us", "UTC")), "x": X[:, 0], "y": X[:, 1], "class": target})


def fit(of: Pipeline, table: pa.Table, weights: NDArray[np.float64] | None = None, seed: int = 3) -> Model:
    """The pipeline's candidate, fitted."""
    return Model.fit(
        of.candidates[0], table, pipeline=of, kinds={"x": "numeric", "y": "numeric"}, weights=weights, seed=seed
    )


def alike(one: Model, other: Model, table: pa.Table, *, exactly: bool) -> None:
    """Both models say the same of the rows."""
    here, there = one.predict_proba(table), other.predict_proba(table)
    if here is None or there is None:
        here, there = one.predict(table), other.predict(table)
    else:
        assert one.classes == other.classes
    if exactly or here.dtype == object:
        np.testing.assert_array_equal(here, there)
    else:
        np.testing.assert_allclose(here, there, rtol=1e-6, atol=1e-8)


# --- which candidates a check is for -----------------------------------------------------------------------


def _is(of: Pipeline, *kinds: str) -> bool:
    return any(kind in of.candidates[0].estimator for kind in kinds)


def _encoded(of: Pipeline) -> bool:
    return of.candidates[0].encode == "tabular"


def _classifies(of: Pipeline) -> bool:
    return of.task == "classification"


def _has_shares(of: Pipeline) -> bool:
    return _classifies(of) and not _is(of, "Ridge")


def _takes_weights(of: Pipeline) -> bool:
    return not _is(of, "KNeighbors")


def _draws_nothing_by_weight(of: Pipeline) -> bool:
    return _takes_weights(of) and not _is(of, "Forest")


def _ignores_order(of: Pipeline) -> bool:
    """Ties between splits, random draws and the encoder's rounding depend on the order."""
    return not _encoded(of) and not _is(of, "Tree", "Forest", "HistGradient")


def _counts_weights(of: Pipeline) -> bool:
    # A blend's weights of rows are none of experts; the others draw by position.
    return _takes_weights(of) and _ignores_order(of) and not _is(of, "Blend", "Forwarded", "Residual")


Check = Callable[[Pipeline], None]
_FOR: dict[str, Callable[[Pipeline], bool]] = {}


def only(applies: Callable[[Pipeline], bool]) -> Callable[[Check], Check]:
    """A check for the candidates for which ``applies`` is true."""

    def marked(check: Check) -> Check:
        _FOR[check.__name__] = applies
        return check

    return marked


def applies(check: Check, of: Pipeline) -> bool:
    """Whether a check is for a candidate."""
    fits = _FOR.get(check.__name__)
    return fits is None or fits(of)


# --- the catalogue -----------------------------------------------------------------------------------------


def predicts_one_value_a_row(of: Pipeline) -> None:
    table = rows(task=of.task)
    model = fit(of, table)
    predicted = model.predict(table)
    assert predicted.shape == (240,)
    if of.task == "regression":
        assert predicted.dtype == np.float64
        assert model.classes == ()
        assert model.predict_proba(table) is None
    else:
        assert predicted.dtype == object
        assert set(predicted) <= {"1", "A", "가"}
        assert model.classes == ("1", "A", "가")
        assert np.mean(predicted == table["class"].to_numpy()) > 0.8


@only(_has_shares)
def probabilities_sum_to_one(of: Pipeline) -> None:
    table = rows()
    model = fit(of, table)
    shares = model.predict_proba(table)
    assert shares is not None
    assert shares.shape == (240, 3)
    assert (shares >= 0).all()
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-5)  # encoded features are float32


def the_same_seed_gives_the_same_model(of: Pipeline) -> None:
    table = rows(task=of.task)
    one, other = fit(of, table), fit(of, table)
    alike(one, other, table, exactly=True)
    assert artifact.dump(one) == artifact.dump(other)


def a_file_gives_back_the_same_model(of: Pipeline) -> None:
    table = rows(task=of.task)
    model = fit(of, table)
    data = artifact.dump(model)
    back = artifact.load(data, sha256=hashlib.sha256(data).hexdigest())
    assert artifact.dump(back) == data
    alike(model, back, table, exactly=True)
    np.testing.assert_array_equal(model.predict(table), back.predict(table))
    assert (back.candidate, back.classes, back.kinds) == (model.candidate, model.classes, model.kinds)


@only(_classifies)
def one_class_is_always_predicted(of: Pipeline) -> None:
    table = rows()
    alone = table.filter(pa.array(table["class"].to_numpy() == "가"))
    model = fit(of, alone)
    assert model.classes == ("가",)
    assert set(model.predict(table)) == {"가"}
    shares = model.predict_proba(table)
    assert shares is not None
    assert (shares == np.ones((240, 1))).all()


def no_rows_give_no_predictions(of: Pipeline) -> None:
    table = rows(task=of.task)
    model = fit(of, table)
    assert model.predict(table.slice(0, 0)).shape == (0,)
    shares = model.predict_proba(table.slice(0, 0))
    assert shares is None or shares.shape == (0, 3)


def no_rows_are_refused_in_a_fit(of: Pipeline) -> None:
    with pytest.raises(EstimatorError, match="there are no rows"):
        fit(of, rows(task=of.task).slice(0, 0))


def a_missing_column_is_named(of: Pipeline) -> None:
    table = rows(task=of.task)
    model = fit(of, table)
    with pytest.raises(SchemaError, match="no single column 'y'"):
        model.predict(table.drop_columns(["y"]))
    with pytest.raises(SchemaError, match="no single column 'x'"):
        fit(of, table.drop_columns(["x"]))


def missing_values_are_borne_or_refused_by_name(of: Pipeline) -> None:
    table = rows(task=of.task)
    holes = table["x"].to_numpy().copy()
    holes[::7] = np.nan
    table = table.set_column(1, "x", pa.array(holes, from_pandas=True))
    if _encoded(of) or _is(of, "Tree", "Forest", "HistGradient"):
        assert fit(of, table).predict(table).shape == (240,)
        return
    with pytest.raises(
        EstimatorError, match=r"candidate tried: .* 240 rows, raised ValueError: Input .*contains NaN"
    ) as e:
        fit(of, table)
    assert "encode: tabular" in e.value.remedy
    with pytest.raises(EstimatorError, match="asked about 240 rows"):
        fit(of, rows(task=of.task)).predict(table)


def missing_labels_are_refused(of: Pipeline) -> None:
    table = rows(task=of.task)
    labels = table["class"].to_pylist()
    labels[3] = None
    with pytest.raises(EstimatorError, match=r"candidate tried: .* of 240 rows") as caught:
        fit(of, table.set_column(3, "class", pa.array(labels)))
    assert "on_unlabelled" in caught.value.remedy


@only(_draws_nothing_by_weight)
def equal_weights_change_nothing(of: Pipeline) -> None:
    table = rows(task=of.task)
    alike(fit(of, table), fit(of, table, np.ones(240)), table, exactly=False)


@only(_takes_weights)
def rows_without_weight_do_not_count(of: Pipeline) -> None:
    table = rows(task=of.task)
    weights = np.ones(240)
    weights[::4] = 0.0
    kept = table.filter(pa.array(weights > 0))
    alike(fit(of, kept, np.ones(len(kept))), fit(of, table, weights), table, exactly=True)


@only(_counts_weights)
def weights_equal_repetition(of: Pipeline) -> None:
    table = rows(task=of.task)
    often = 1 + np.arange(240) % 3
    repeated = table.take(pa.array(np.repeat(np.arange(240), often)))
    alike(fit(of, repeated), fit(of, table, often.astype(float)), table, exactly=False)


def weights_are_checked(of: Pipeline) -> None:
    table = rows(task=of.task)
    for weights in (np.zeros(240), np.full(240, np.nan), np.full(240, -1.0)):
        with pytest.raises(EstimatorError, match="weights must be finite"):
            fit(of, table, weights)
    with pytest.raises(EstimatorError, match=r"weights of shape \(3,\) for 240 rows"):
        fit(of, table, np.ones(3))


@only(_ignores_order)
def the_order_of_rows_does_not_matter(of: Pipeline) -> None:
    table = rows(task=of.task)
    order = np.random.default_rng(1).permutation(240)
    alike(fit(of, table), fit(of, table.take(pa.array(order))), table, exactly=False)


@only(_classifies)
def labels_of_any_type_are_text(of: Pipeline) -> None:
    table = rows()
    place = np.arange(240) % 3
    for labels, shown in (
        (pa.array(place), ("0", "1", "2")),
        (pa.array(place > 0), ("False", "True")),
        (pa.array(np.array(["b", "", "a'; --"], dtype=object)[place]).dictionary_encode(), ("", "a'; --", "b")),
    ):
        model = fit(of, table.set_column(3, "class", labels))
        assert model.classes == shown
        assert set(model.predict(table)) <= set(shown)


CATALOGUE: tuple[Check, ...] = (
    predicts_one_value_a_row,
    probabilities_sum_to_one,
    the_same_seed_gives_the_same_model,
    a_file_gives_back_the_same_model,
    one_class_is_always_predicted,
    no_rows_give_no_predictions,
    no_rows_are_refused_in_a_fit,
    a_missing_column_is_named,
    missing_values_are_borne_or_refused_by_name,
    missing_labels_are_refused,
    equal_weights_change_nothing,
    rows_without_weight_do_not_count,
    weights_equal_repetition,
    weights_are_checked,
    the_order_of_rows_does_not_matter,
    labels_of_any_type_are_text,
)
