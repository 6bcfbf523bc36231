"""The privacy loss of votes by its formula, order by order."""

import numpy as np
import pytest

from explaindistill.errors import InvalidInputError
from explaindistill.numerics.statistics.privacy import ORDERS, epsilon_of_votes, most_questions


@pytest.mark.parametrize(("n", "scale", "delta"), [(1, 40.0, 1e-5), (700, 40.0, 1e-5), (50, 3.0, 1e-3)])
def test_loss_is_the_least_of_all_orders(n, scale, delta):
    every = [
        n * a / scale**2 + np.log((a - 1) / a) - (np.log(delta) + np.log(a)) / (a - 1)
        for a in [*(1 + k / 10 for k in range(1, 100)), *range(11, 1025)]
    ]
    assert epsilon_of_votes(n, scale, delta) == pytest.approx(min(every), rel=1e-12)
    assert len(ORDERS) == len(every)


def test_loss_is_never_negative_and_nothing_asked_loses_nothing():
    assert epsilon_of_votes(0, 1e-3, 1e-9) == 0
    assert epsilon_of_votes(1, 1e9, 0.99) == 0


@pytest.mark.parametrize(("epsilon", "scale"), [(1.0, 40.0), (2.5, 12.0), (0.3, 100.0), (1e-3, 1.0)])
def test_most_questions_are_counted_one_by_one(epsilon, scale):
    n = 0
    while epsilon_of_votes(n + 1, scale, 1e-5) <= epsilon:
        n += 1
    assert most_questions(epsilon, scale, 1e-5) == n


@pytest.mark.parametrize("epsilon", [epsilon_of_votes(n, 5.0, 1e-4) for n in (1, 2, 7, 8)])
def test_a_loss_of_just_epsilon_is_within_it(epsilon):
    assert epsilon_of_votes(most_questions(epsilon, 5.0, 1e-4), 5.0, 1e-4) == epsilon


def test_messages():
    for scale in (0, -1.0):
        with pytest.raises(InvalidInputError, match=f"^noise_scale must be above 0, got {scale}$"):
            epsilon_of_votes(1, scale, 0.1)
    for delta in (0, 1, -0.5, 2):
        with pytest.raises(InvalidInputError, match=f"^delta must lie between 0 and 1, got {delta}$"):
            epsilon_of_votes(1, 1.0, delta)
    for epsilon in (0, -2):
        with pytest.raises(InvalidInputError, match=f"^epsilon must be above 0, got {epsilon}$"):
            most_questions(epsilon, 1.0, 0.1)
    assert epsilon_of_votes(1, 0.5, 0.5) > 0  # a scale below 1 is allowed
    assert most_questions(0.5, 40.0, 1e-5) > 0  # and an epsilon below 1
