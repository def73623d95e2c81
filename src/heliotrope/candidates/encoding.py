"""Mixed columns as numbers: what ``skrub.tabular_pipeline`` puts before an estimator, kept lean once it is fitted."""

from __future__ import annotations

import warnings
from typing import Any

__all__ = ["bare", "encode", "encoder_for"]


def encoder_for(estimator: Any, seed: int) -> Any:
    """What ``skrub.tabular_pipeline`` puts before the estimator, what is random in it drawn with the seed.

    Texts of many values go through ``TextEncoder`` where skrub would have its StringEncoder, which does the same with a
    vocabulary of as many words as the texts have: seconds to write and to read.
    """
    from skrub import tabular_pipeline

    from heliotrope.candidates.text import TextEncoder

    encoder = tabular_pipeline(estimator)[:-1]
    encoder[0].set_params(high_cardinality=TextEncoder())
    random = [name for name in encoder.get_params() if name.rpartition("__")[2] == "random_state"]
    return encoder.set_params(**dict.fromkeys(random, seed))


def encode(encoder: Any, features: Any) -> Any:
    """The features as numbers, where there is something to encode them.

    A category that was never seen is none of those that were, which needs no warning.
    """
    if encoder is None:
        return features
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Found unknown categories", category=UserWarning)
        return encoder.transform(features)


def bare(encoder: Any) -> Any:
    """The fitted encoder without what only fitting needs: of skrub's vectorizer the transformers of columns alone.

    The rest, prototypes, choices of columns and a record of who did what, is nine tenths of a model's file and of the
    time that it takes to write and to read it.
    """
    from sklearn.pipeline import Pipeline

    from heliotrope.candidates.columnwise import Columnwise

    vectorizer, *rest = (step for _, step in encoder.steps)
    stages, outputs = [], []
    for _, stage in vectorizer._pipeline.steps[1:]:  # the first checks that there is a data frame
        used = {name: one for name, one in stage.transformers_.items() if type(one).__name__ != "PassThrough"}
        if used:
            stages.append(used)
            outputs.append(list(stage.all_outputs_))
    lean = [Columnwise(stages, outputs), *rest]
    return Pipeline([(str(place), step) for place, step in enumerate(lean)])
