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


def test_the_window_that_alarms_and_its_p_value():
    """Four quiet blocks and two loud ones: Fisher's p-values of the windows by hand, the least of them given."""
    events, n = [10, 12, 9, 11, 30, 35], 100
    test = ChangeTest(1e-6)
    for count in events[:-1]:
        test.add(np.array([count]), n)
    alarm = test.add(np.array([events[-1]]), n)
    total = sum(events)
    p = {}
    for blocks in (1, 2, 4):
        k, rows = sum(events[-blocks:]), blocks * n
        table = [[k, rows - k], [total - k, 600 - rows - total + k]]
        p[blocks] = fisher_exact(table, alternative="greater")[1]
    assert alarm.n_blocks == min(p, key=p.get) == 2
    assert alarm.p_value == pytest.approx(p[2])


def test_blocks_older_than_eight_come_before_every_window():
    """Of ten blocks the last eight are the longest window: the two before it are what it is compared with."""
    test, events = ChangeTest(0.9 / 100), [0, 0] + [3] * 8
    for count in events[:-1]:
        test.add(np.array([count]), 100)
    alarm = test.add(np.array([3]), 100)
    assert alarm.n_blocks == 8
    assert alarm.p_value == pytest.approx(fisher_exact([[24, 776], [0, 200]], alternative="greater")[1])


def test_an_alarm_needs_the_level_of_its_block():
    """One event in the last of 20 rows has p = 1 / 20: the level of a block of one row is a quarter of the rate."""
    for rate, p in ((0.8, 1 / 20), (0.19, None)):
        test = ChangeTest(rate)
        test.add(np.array([0]), 19)
        alarm = test.add(np.array([1]), 1)
        assert (alarm and alarm.p_value) == (p and pytest.approx(p))
    test = ChangeTest(0.11)  # two rows of 20 have p = 1 / 10 and the level of .055
    test.add(np.array([0]), 18)
    assert test.add(np.array([1]), 2) is None
    test = ChangeTest(0.11)  # and both of two events p = 1 / 190
    test.add(np.array([0]), 18)
    assert test.add(np.array([2]), 2).p_value == pytest.approx(1 / 190)


def test_many_kinds_share_the_level():
    window, total = np.array([3, 1, 1, 10]), np.array([3, 5, 7, 40])
    alone = _lowest_p(window[[0, 3]], total[[0, 3]])
    assert alone == pytest.approx(fisher_exact([[3, 7], [0, 30]], alternative="greater")[1])
    assert _lowest_p(window, total) == pytest.approx(3 * alone)
    assert _lowest_p(np.array([1, 1, 10]), np.array([4, 4, 40])) == 1.0


def test_the_first_block_never_alarms():
    assert ChangeTest(0.999).add(np.array([100]), 100) is None
