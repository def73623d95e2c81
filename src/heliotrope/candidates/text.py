"""Texts of many values as numbers, without a vocabulary: what is kept of URLs is as small as of names of towns."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

__all__ = ["TextEncoder"]


class TextEncoder(TransformerMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """Latent semantic analysis (Deerwester et al., 1990) of hashed n-grams of characters (Weinberger et al., 2009).

    The n-grams of 3 and 4 characters of a text are counted in ``buckets`` by their hash, weighted by tf-idf, and
    projected on the ``components`` directions that hold most of the training texts; fewer where the texts do not give
    so many. A null is an empty text. ``random_state`` starts the decomposition. What is kept of the training is of one
    size, ``buckets * components`` numbers, whatever the texts.

    >>> import pandas as pd
    >>> texts = pd.Series(["/shop/1", "/shop/2", "/news/7", None], name="url")
    >>> TextEncoder(components=2, random_state=0).fit_transform(texts).round(1).abs()
       url_0  url_1
    0    0.9    0.0
    1    0.9    0.0
    2    0.0    1.0
    3    0.0    0.0
    """

    __single_column_transformer__ = True  # skrub gives it one column, as a Series

    def __init__(self, components: int = 30, buckets: int = 4096, random_state: int | None = None) -> None:
        self.components = components
        self.buckets = buckets
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the weights and directions from a column of texts."""
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Learn from a column of texts, a pandas Series, and give its numbers, a data frame of (rows, components)."""
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfTransformer

        places, texts = _distinct(X)
        counts = self._counts(texts)[places]
        self.weights_ = TfidfTransformer()
        weighted = self.weights_.fit_transform(counts)
        components = min(self.components, self.buckets, len(np.unique(weighted.indices)))
        self.directions_ = None
        self.name_ = str(X.name)
        if components:
            self.directions_ = TruncatedSVD(components, random_state=self.random_state)
            with warnings.catch_warnings():  # equal texts have no variance to be explained
                warnings.filterwarnings("ignore", message="invalid value", category=RuntimeWarning)
                self.directions_.fit(weighted)
        return self._framed(X, self._projected(weighted))

    def transform(self, X: Any) -> Any:
        """The numbers of a column of texts: a data frame of (rows, components)."""
        places, texts = _distinct(X)
        return self._framed(X, self._projected(self.weights_.transform(self._counts(texts)))[places])

    def get_feature_names_out(self, input_features: Any = None) -> list[str]:
        """The names of the numbers: the column's with a number behind."""
        count = 1 if self.directions_ is None else len(self.directions_.components_)
        digits = len(str(count - 1))
        return [f"{self.name_}_{place:0{digits}}" for place in range(count)]

    def _counts(self, texts: Any) -> Any:
        from sklearn.feature_extraction.text import HashingVectorizer

        counting = HashingVectorizer(
            analyzer="char_wb",
            ngram_range=(3, 4),
            n_features=self.buckets,
            alternate_sign=False,
            norm=None,
            dtype=np.float32,
        )
        return counting.transform(texts)

    def _projected(self, weighted: Any) -> Floats:
        if self.directions_ is None:
            return np.zeros((weighted.shape[0], 1), dtype=np.float32)
        return np.asarray(self.directions_.transform(weighted), dtype=np.float32)

    def _framed(self, X: Any, numbers: Floats) -> Any:
        import pandas as pd

        return pd.DataFrame(numbers, columns=self.get_feature_names_out(), index=X.index)


def _distinct(X: Any) -> tuple[NDArray[np.intp], NDArray[np.object_]]:
    """Each row's place among the texts that differ, and those: what many rows share is read once."""
    import pandas as pd

    places, texts = pd.factorize(X.astype(object).where(X.notna(), "").astype(str).to_numpy(dtype=object))
    return places, texts
