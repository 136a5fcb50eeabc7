from __future__ import annotations

import numpy as np
import pytest

from forecasting.evaluation.error_causes import STEPS, split_error

ORIGIN, DESTINATION = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
ACTUAL = np.array([[10.0, 20.0], [30.0, 30.0], [5.0, 5.0], [40.0, 40.0]])


def test_an_error_of_the_total_alone_is_gone_with_the_total() -> None:
    table = split_error(ACTUAL, ACTUAL * np.array([0.5, 2.0]), ORIGIN, DESTINATION)
    assert table["known"].to_list() == list(STEPS)
    assert table["accuracy"][0] < 0.5
    assert table["accuracy"].to_list()[1:4] == pytest.approx([1.0, 1.0, 1.0])


def test_an_error_of_the_hubs_is_gone_with_their_outflow() -> None:
    mean = ACTUAL * np.array([[2.0], [2.0], [0.5], [0.5]])
    accuracy = split_error(ACTUAL, mean, ORIGIN, DESTINATION)["accuracy"].to_list()
    assert accuracy[1] < 0.9
    assert accuracy[2] == pytest.approx(1.0)


def test_nothing_that_came_gives_no_figure() -> None:
    assert split_error(ACTUAL * 0, ACTUAL, ORIGIN, DESTINATION)["accuracy"].null_count() == len(STEPS)
