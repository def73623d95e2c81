"""What takes long is told, ever less often; what does not is silent."""

from __future__ import annotations

import logging
import time

import pytest

from heliotrope.slow import told_when_slow


def test_a_block_that_goes_on_is_told_after_once_twice_and_four_times_as_long(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "heliotrope.slow"), told_when_slow("the fit of 'trees'", seconds=0.2):
        time.sleep(1.2)
    assert caplog.records[0].getMessage() == "the fit of 'trees' goes on, for 0 seconds now"
    assert 2 <= len(caplog.records) <= 3
    time.sleep(0.5)
    assert len(caplog.records) <= 3


def test_what_ends_soon_or_with_an_error_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ValueError, match="no"), told_when_slow("it", seconds=0.2):
        raise ValueError("no")
    time.sleep(0.4)
    assert not caplog.records
