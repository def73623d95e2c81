"""The frontier as a picture."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from heliotrope.report.palette import HUES, rgb
from heliotrope.whatif.picture import HEIGHT, WIDTH, draw
from unit.whatif import sample


def pixels(**options: bool) -> Any:
    png = draw(
        sample.trial(), title="turning: 5 policies", metric="balanced_accuracy", lower_is_better=False, **options
    )
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


@pytest.mark.parametrize("dark", [False, True])
def test_the_running_and_the_recommended_policy_are_seen_on_light_and_on_dark(dark: bool) -> None:
    found = pixels(dark=dark)
    assert found.shape == (HEIGHT, WIDTH, 3)
    assert bool(found[0, 0].sum() < 120) is dark
    for hue in (HUES[1], HUES[2], HUES[4] if dark else HUES[0]):
        assert (np.abs(found[60:400] - rgb(hue)).sum(axis=2) < 12).sum() > 20


def test_the_same_trial_gives_the_same_picture() -> None:
    assert (pixels() == pixels()).all()


def test_policies_far_below_do_not_flatten_the_others_and_are_counted() -> None:
    trial = sample.trial(means=(0.95, 0.96, 0.959, -40.0, 0.95))
    png = draw(trial, title="t", metric="accuracy", lower_is_better=False)
    assert len(png) > 5000
