import numpy as np
import pytest
from scipy.stats import fisher_exact

from explaindistill.errors import InvalidInputError
from explaindistill.numerics.statistics.change import SCALES, ChangeTest, _lowest_p


def first_alarm(rates, false_alarms, n=200, seed=0):
    rng, test = np.random.default_rng(seed), ChangeTest(false_alarms)
    for i, rate in enumerate(rates):
        if (alarm := test.add(rng.binomial(n, np.atleast_1d(rate)), n)) is not None:
            return i, alarm
    return None


def test_twin_is_fishers_exact_test():
    window, total = np.array([9, 2, 50]), np.array([20, 12, 300])
    p = [fisher_exact([[a, 50 - a], [k - a, 250 - k + a]], alternative="greater")[1] for a, k in ((9, 20), (2, 12))]
    assert _lowest_p(window, total) == pytest.approx(2 * min(p))
    assert _lowest_p(np.array([9, 50]), np.array([9, 50])) == 1.0


def test_a_planted_change_is_found_by_a_window_that_does_not_reach_before_it():
    for seed in range(10):
        i, alarm = first_alarm([0.1] * 40 + [0.3] * 10, 1e-7, seed=seed)
        assert 40 <= i <= 42
        assert alarm.n_blocks in SCALES
        assert alarm.p_value <= 1e-7 * 200 / len(SCALES)


def test_a_small_change_needs_a_long_window():
    i, alarm = first_alarm([0.1] * 200 + [0.15] * 40, 1e-6)
    assert 200 <= i < 215
    assert alarm.n_blocks >= 4


def test_any_kind_of_event_counts():
    assert first_alarm([[0.1, 0.1]] * 30 + [[0.1, 0.3]] * 5, 1e-6)[0] >= 30


def test_false_alarms_keep_their_rate():
    # at 1e-4 a row at most 0.02 alarms a block are promised: in 60 streams of 100 blocks at most 120
    found = sum(first_alarm([[0.05, 0.5]] * 100, 1e-4, seed=s) is not None for s in range(60))
    promised = 60 * (1 - (1 - 1e-4 * 200) ** 100)
    assert found < promised


def test_falling_rates_are_no_alarm_and_reset_forgets():
    assert first_alarm([0.3] * 20 + [0.05] * 20, 1e-3) is None
    test = ChangeTest(1e-3)
    for _ in range(20):
        test.add(np.array([5]), 200)
    test.reset()
    assert test.add(np.array([150]), 200) is None


@pytest.mark.parametrize("rate", [0, 1, -0.1, float("nan")])
def test_message(rate):
    with pytest.raises(InvalidInputError, match="false_alarms must lie strictly between 0 and 1"):
        ChangeTest(rate)
