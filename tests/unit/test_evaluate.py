"""Metrics, row losses and pairs, by hand and against scikit-learn on fixed data."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics as sk

from heliotrope.errors import ConfigError, DataError, EstimatorError
from heliotrope.evaluate import Scored, paired, score


def labels(text: str) -> NDArray[Any]:
    return np.array(list(text), dtype=object)


def classified(
    actual: str, predicted: str, *, metric: str = "accuracy", proba: Any = None, known: str = "ab"
) -> Scored:
    return score(
        task="classification",
        metric=metric,
        actual=labels(actual),
        predicted=labels(predicted),
        proba=None if proba is None else np.array(proba),
        classes=tuple(known),
    )


def regressed(actual: Any, predicted: Any, *, metric: str = "mae") -> Scored:
    return score(
        task="regression",
        metric=metric,
        actual=np.array(actual),
        predicted=np.array(predicted),
        proba=None,
        classes=(),
    )


def test_accuracy_counts_a_wrong_row_as_one() -> None:
    scored = classified("aabb", "abbb")
    assert scored.metrics["accuracy"] == 0.75
    assert scored.loss.tolist() == [0.0, 1.0, 0.0, 0.0]
    assert scored.loss.dtype == np.float64


def test_balanced_accuracy_weighs_a_rare_class_up() -> None:
    scored = classified("aaab", "aaaa", metric="balanced_accuracy")
    assert scored.metrics["balanced_accuracy"] == 0.5
    assert scored.loss.tolist() == [0.0, 0.0, 0.0, 2.0]
    assert scored.loss.mean() == 1.0 - scored.metrics["balanced_accuracy"]


def test_balanced_accuracy_of_balanced_classes_has_losses_of_zero_and_one() -> None:
    scored = classified("aabbcc", "abbbcc", metric="balanced_accuracy", known="abc")
    assert set(scored.loss.tolist()) == {0.0, 1.0}


def test_kappa_is_zero_for_a_guess_that_ignores_the_rows() -> None:
    assert classified("aabb", "abab").metrics["kappa"] == 0.0


def test_kappa_is_left_out_where_there_is_but_one_class() -> None:
    assert "kappa" not in classified("aaaa", "aaaa").metrics


def test_probabilities_add_log_loss_brier_and_roc_auc() -> None:
    proba = [[0.9, 0.1], [0.6, 0.4], [0.35, 0.65], [0.55, 0.45]]
    found = classified("aabb", "aaba", proba=proba).metrics
    assert found["log_loss"] == pytest.approx(sk.log_loss(list("aabb"), proba), abs=1e-12)
    assert found["brier"] == pytest.approx(sk.brier_score_loss([0, 0, 1, 1], np.array(proba)[:, 1]), abs=1e-12)
    assert found["roc_auc"] == 1.0


def test_metrics_without_probabilities_need_none() -> None:
    assert set(classified("ab", "ab").metrics) == {"accuracy", "balanced_accuracy", "kappa"}


def test_brier_lies_between_zero_and_one_for_three_classes() -> None:
    scored = classified("aab", "abb", metric="brier", proba=[[1, 0, 0], [0, 1, 0], [0, 1, 0]], known="abc")
    assert scored.loss.tolist() == [0.0, 1.0, 0.0]


@pytest.mark.parametrize("metric", ["log_loss", "brier"])
def test_the_mean_of_the_losses_is_the_metric(metric: str) -> None:
    scored = classified("aab", "abb", metric=metric, proba=[[0.8, 0.2], [0.3, 0.7], [0.1, 0.9]])
    assert scored.loss.mean() == scored.metrics[metric]


def test_a_class_the_model_does_not_know_is_an_error() -> None:
    scored = classified("abz", "abb", proba=[[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    assert scored.loss.tolist() == [0.0, 0.0, 1.0]
    assert scored.metrics["balanced_accuracy"] == pytest.approx(2 / 3)
    assert "roc_auc" not in scored.metrics


def test_a_class_the_model_does_not_know_had_no_probability() -> None:
    proba = [[1.0, 0.0], [0.0, 1.0]]
    log = classified("az", "ab", metric="log_loss", proba=proba).loss
    assert log.tolist() == pytest.approx([0.0, -np.log(np.finfo(float).eps)], abs=1e-15)
    assert classified("az", "ab", metric="brier", proba=proba).loss.tolist() == [0.0, 1.0]


def test_a_prediction_outside_the_classes_is_an_error_too() -> None:
    assert classified("ab", "aq").loss.tolist() == [0.0, 1.0]


def test_labels_of_any_type_are_compared_as_text() -> None:
    for actual, classes in ((np.array([0, 1, 1]), ("0", "1")), (np.array([False, True, True]), ("False", "True"))):
        predicted = np.array([classes[0], classes[1], classes[0]], dtype=object)
        scored = score(
            task="classification", metric="accuracy", actual=actual, predicted=predicted, proba=None, classes=classes
        )
        assert scored.loss.tolist() == [0.0, 0.0, 1.0]


def test_many_unknown_labels_cost_no_square_of_memory() -> None:
    names = np.array([f"label {i}" for i in range(50_000)], dtype=object)
    scored = score(
        task="classification", metric="accuracy", actual=names, predicted=names[::-1], proba=None, classes=("a", "b")
    )
    assert scored.metrics["accuracy"] == 0.0


def test_a_certain_mistake_costs_a_finite_log_loss() -> None:
    loss = classified("ab", "bb", metric="log_loss", proba=[[0.0, 1.0], [0.0, 1.0]]).loss
    assert np.isfinite(loss).all()
    assert loss[0] == pytest.approx(36.0437, abs=1e-4)


def test_roc_auc_is_left_out_where_one_class_occurs() -> None:
    assert "roc_auc" not in classified("aa", "ab", proba=[[0.9, 0.1], [0.4, 0.6]]).metrics


def test_roc_auc_counts_ties_by_half() -> None:
    proba = [[0.5, 0.5]] * 4
    assert classified("aabb", "aaaa", proba=proba).metrics["roc_auc"] == 0.5


def test_a_model_of_one_class_can_be_scored() -> None:
    found = classified("ab", "aa", proba=[[1.0], [1.0]], known="a").metrics
    assert found["accuracy"] == 0.5
    assert found["brier"] == 0.5


@pytest.mark.parametrize("metric", ["log_loss", "brier"])
def test_a_metric_that_needs_probabilities_says_so(metric: str) -> None:
    with pytest.raises(EstimatorError, match=f"'{metric}' needs class probabilities.*judge by accuracy"):
        classified("ab", "ab", metric=metric)


def test_an_unknown_metric_is_named_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"'accurcy' cannot judge a classification \(did you mean 'accuracy'\?\)"):
        classified("ab", "ab", metric="accurcy")
    with pytest.raises(ConfigError, match="'log_loss' cannot judge a regression"):
        regressed([1.0], [1.0], metric="log_loss")


def test_no_rows_cannot_be_scored() -> None:
    with pytest.raises(DataError, match="no rows"):
        classified("", "")


def test_predictions_of_another_shape_are_refused() -> None:
    with pytest.raises(EstimatorError, match=r"shape \(1,\) for 2 rows"):
        classified("ab", "a")
    with pytest.raises(EstimatorError, match=r"shape \(2, 3\) for 2 rows and 2 classes"):
        classified("ab", "ab", proba=np.ones((2, 3)))


def test_predictions_that_are_not_finite_are_refused() -> None:
    with pytest.raises(EstimatorError, match=r"not finite, or beyond .*, in 1 rows"):
        regressed([1.0, 2.0], [1.0, np.inf])
    with pytest.raises(EstimatorError, match="probabilities are not finite in 1 rows"):
        classified("ab", "ab", proba=[[1.0, 0.0], [np.nan, np.nan]])
    with pytest.raises(DataError, match=r"target is not finite, or beyond .*, in 2 rows"):
        regressed([np.nan, np.nan, 1.0], [1.0, 1.0, 1.0])


def test_regression_has_mae_rmse_and_r2() -> None:
    scored = regressed([1.0, 2.0, 4.0], [1.0, 4.0, 3.0])
    assert scored.metrics == pytest.approx({"mae": 1.0, "rmse": np.sqrt(5 / 3), "r2": 1 - 5 / (14 / 3)})
    assert scored.loss.tolist() == [0.0, 2.0, 1.0]


def test_the_loss_of_rmse_is_the_square() -> None:
    scored = regressed([1.0, 2.0], [1.0, 4.0], metric="rmse")
    assert scored.loss.tolist() == [0.0, 4.0]
    assert np.sqrt(scored.loss.mean()) == scored.metrics["rmse"]


def test_r2_is_left_out_where_the_target_does_not_vary() -> None:
    assert set(regressed([2, 2], [1, 3]).metrics) == {"mae", "rmse"}


def test_whole_numbers_and_single_precision_are_numbers() -> None:
    scored = regressed(np.array([1, 2], dtype=np.int32), np.array([1.5, 2.0], dtype=np.float32))
    assert scored.loss.dtype == np.float64
    assert scored.metrics["mae"] == 0.25


def test_pairs_of_zero_one_losses_are_counted() -> None:
    pair = paired(np.array([1.0, 1.0, 0.0, 0.0, 1.0]), np.array([0.0, 0.0, 1.0, 0.0, 1.0]))
    assert (pair.rows, pair.wins, pair.losses, pair.mean_gain) == (5, 2, 1, 0.2)


def test_pairs_of_other_losses_are_not_counted() -> None:
    champion, challenger = np.array([1.0, 2.0, 3.5]), np.array([0.5, 2.0, 3.0])
    pair = paired(champion, challenger)
    assert pair.wins is None
    assert pair.losses is None
    assert pair.mean_gain == pytest.approx(1 / 3)
    assert pair.standard_error == pytest.approx(np.std(champion - challenger, ddof=1) / np.sqrt(3))


def test_one_row_has_no_standard_error_and_no_row_no_gain() -> None:
    assert paired(np.array([0.5]), np.array([0.2])).standard_error == 0.0
    assert paired(np.empty(0), np.empty(0)).mean_gain == 0.0


def test_losses_of_other_rows_cannot_be_paired() -> None:
    with pytest.raises(ValueError, match="not of the same rows"):
        paired(np.zeros(3), np.zeros(2))


def test_scoring_imports_no_scikit_learn() -> None:
    program = (
        "import sys, numpy as np; from heliotrope.evaluate import score; "
        "a = np.array(['a', 'b'], object); "
        "score(task='classification', metric='log_loss', actual=a, predicted=a, proba=np.eye(2), classes=('a', 'b')); "
        "print(sorted({'sklearn', 'scipy', 'pandas', 'pyarrow'} & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


@pytest.mark.parametrize("odd", [[0.7, 0.7], [0.0, 0.0], [-0.5, 1.5]])
def test_probabilities_that_are_none_are_refused(odd: list[float]) -> None:
    actual = np.array(["a", "b"], object)
    with pytest.raises(EstimatorError, match=f"probabilities are none in 1 rows: those of row 2 are {odd[0]:.4g}, "):
        score(
            task="classification",
            metric="brier",
            actual=actual,
            predicted=actual,
            proba=np.array([[0.5, 0.5], odd]),
            classes=("a", "b"),
        )
