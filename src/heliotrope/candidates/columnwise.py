"""Columns as transformers that were fitted to each of them leave them: all that is kept of an encoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from sklearn.base import BaseEstimator, TransformerMixin

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Columnwise"]


class Columnwise(TransformerMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """Fitted transformers of single columns, stage by stage.

    ``stages`` have by column the transformer that turns it into one or more columns, or none; a column that a stage
    does not name stays. ``outputs`` are the names of all the columns that each stage leaves, in order.
    """

    def __init__(self, stages: Sequence[Mapping[str, Any]] = (), outputs: Sequence[Sequence[str]] = ()) -> None:
        self.stages = stages
        self.outputs = outputs

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Nothing: the transformers are fitted."""
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """The columns as the last stage leaves them, shape (rows, columns)."""
        import pandas as pd

        columns = [X[name] for name in X.columns]
        for stage, names in zip(self.stages, self.outputs, strict=True):
            found = [one for column in columns for one in _transformed(column, stage.get(column.name))]
            columns = [one.rename(name) for one, name in zip(found, names, strict=True)]
        return pd.DataFrame({column.name: column for column in columns}, index=X.index)


def _transformed(column: pd.Series[Any], transformer: Any) -> list[pd.Series[Any]]:
    if transformer is None:
        return [column]
    single = getattr(transformer, "__single_column_transformer__", False)
    found = transformer.transform(column if single else column.to_frame())
    return [found] if found.ndim == 1 else [found.iloc[:, place] for place in range(found.shape[1])]
