"""Rows that no sample has shown: no interval of zero width, and Imbens and Manski's two ends."""

import numpy as np
import pandas as pd
import pytest

from explaindistill.measures.decision import DecisionRule
from explaindistill.measures.fidelity import fidelity, regression_fidelity
from explaindistill.numerics.statistics.intervals import clopper_pearson
from explaindistill.numerics.statistics.manski import People, imbens_manski, manski
from explaindistill.numerics.statistics.unseen import far_loss, mean_excess, unseen_share, widened


def test_a_larger_share_would_show_itself_more_often():
    for n, level in ((5, 0.95), (60, 0.95), (2000, 0.99)):
        assert (1 - unseen_share(n, level)) ** n == pytest.approx(1 - level)
        assert unseen_share(n, level) == pytest.approx(float(clopper_pearson(0, n, 2 * level - 1)[1]))
    assert np.isnan(unseen_share(0))
    assert np.isnan(unseen_share(np.nan))
    assert widened(0.2, (0.1, 0.3), (0.0, 0.0), 60).tolist() == pytest.approx([0.1, 0.3])
    assert widened(0.0, (0.0, 0.0), (0.0, np.inf), 60)[1] == np.inf


def test_far_losses_by_hand():
    """Either's answer put in the place of each of the other's, one by one."""
    rng = np.random.default_rng(2)
    T, S, w = rng.normal(size=(9, 2)), rng.normal(size=(9, 2)), rng.uniform(0.5, 2, 9)
    sides = []
    for still, moved in ((T, S), (S, T)):
        ends = [moved[i] for j in range(2) for i in (moved[:, j].argmin(), moved[:, j].argmax())]
        worst = [max(((row - end) ** 2).sum() for end in ends) for row in still]
        sides.append(float(np.dot(w, worst) / w.sum()))
    loss = lambda a, b: ((a - b) ** 2).sum(axis=1)  # noqa: E731
    assert far_loss(T, S, loss, w) == pytest.approx(max(sides))


def test_a_constant_student_may_still_miss_rows_of_a_sure_teacher():
    T, S = np.linspace(0, 1, 20)[:, None], np.full((20, 1), 0.5)
    assert far_loss(T, S, lambda a, b: np.abs(a - b)[:, 0]) == pytest.approx(0.5)


def limits(tail, n, rng):
    """Brier score and R² of a student that is nearly right, or surely wrong in a share of rows."""
    z = rng.normal(0, 1.5, n)
    s = np.where(rng.random(n) < tail, -np.sign(z) * 4.5, z + rng.normal(0, 0.2, n))
    t, s = 1 / (1 + np.exp(-z)), 1 / (1 + np.exp(-s))
    return fidelity(np.c_[1 - t, t], np.c_[1 - s, s], DecisionRule([0, 1])).set_index("metric")


@pytest.mark.parametrize("n", [60, 220])
def test_one_surely_wrong_row_in_a_hundred_is_held(n):
    """Truth of 400,000 rows; in 11 of 20 samples of 60 rows no wrong row is drawn."""
    rng, runs = np.random.default_rng(4), 150
    truth = limits(0.01, 400_000, rng)["estimate"]
    held = dict.fromkeys(("kl", "brier", "r2_probability"), 0)
    for _ in range(runs):
        found = limits(0.01, n, rng)
        for metric in held:
            held[metric] += found.loc[metric, "low"] <= truth[metric] <= found.loc[metric, "high"]
    assert min(held.values()) / runs > 0.9


def test_intervals_of_near_repetition_are_half_as_wide_as_they_were():
    """Of R² .985 on 90 rows the low limit was .51, of the Brier score .0014 the high one .04."""
    rng = np.random.default_rng(5)
    lows = []
    for _ in range(20):
        t = rng.random(90)
        lows.append(regression_fidelity(t, t + rng.normal(0, 0.035, 90)).set_index("metric").loc["r2", "low"])
    assert np.median(lows) > 0.7
    assert limits(0.0, 90, rng).loc["brier", "high"] < 0.025


def test_five_rows_of_perfect_agreement_pass_nothing():
    P = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7], [0.5, 0.5]])
    found = fidelity(P, P, DecisionRule(["no", "yes"], favorable="yes")).set_index("metric")
    for metric in ("kl", "js", "brier"):
        assert found.loc[metric, "estimate"] == 0
        assert found.loc[metric, "high"] > 0.05
    assert found.loc["r2_probability", "low"] < 0.9
    values = regression_fidelity([1.0, 2.0, 4.0, 3.0, 5.0], [1.0, 2.0, 4.0, 3.0, 5.0]).set_index("metric")
    assert values.loc["r2", "low"] < 0.9
    assert values.loc["rmse", "high"] > 0.5


def test_a_kind_of_one_row_in_a_hundred_is_allowed_for_where_none_was_drawn():
    rng = np.random.default_rng(0)
    t = rng.uniform(0.02, 0.98, 60)
    s = np.clip(t + rng.normal(0, 0.01, 60), 0.01, 0.99)
    found = fidelity(np.c_[1 - t, t], np.c_[1 - s, s], DecisionRule([0, 1])).set_index("metric")
    assert found.loc["kl", "high"] > 0.045  # one row in a hundred at 4.5 nats
    assert found.loc["brier", "high"] > 0.01


def test_bounds_with_weights_are_those_of_repeated_people():
    once = manski([People(100, 40, 100), People(100, 60, 100), People(10, 10, 10)], ratio=False)
    twice = manski([People(200, 80, 100), People(200, 120, 100), People(20, 20, 10)], ratio=False)
    np.testing.assert_allclose(np.hstack(once), np.hstack(twice))
    assert once[2][0] < once[0] < once[1] < once[2][1]


def test_sampling_limits_hold_the_true_gap_at_the_worst_place():
    """All unknown people are where the bound puts them: the true gap is the bound, held in about 95 of 100 samples."""
    rng, held, runs = np.random.default_rng(1), 0, 300
    for _ in range(runs):
        a, b = rng.binomial(200, 0.4), rng.binomial(200, 0.6)
        hidden = rng.binomial(200 - a, 0.2)  # refused people of the first group who do not tell their group
        people = [People(200 - hidden, a, 200 - hidden), People(200, b, 200), People(hidden, 0, hidden)]
        held += manski(people, ratio=False)[2][0] <= -0.2
    assert held / runs > 0.92


def test_the_critical_value_lies_between_one_and_two_sides():
    low, high = imbens_manski(0.0, 1.0, 0.3, 0.2)
    assert 1.6448 * 0.3 <= -low <= 1.96 * 0.3
    assert 1.6448 * 0.2 <= high - 1 <= 1.96 * 0.2
    assert np.isnan(imbens_manski(0, 1, np.nan, 1)).all()
    assert pd.Series(imbens_manski(0, 1, 0, 0)).tolist() == [0, 1]


@pytest.mark.parametrize("level", [0.8, 0.99])
def test_widened_by_hand_at_another_level(level):
    share = 1 - (1 - level) ** (1 / 45)  # a larger one would hide in 45 rows less often than 1 - level
    assert unseen_share(45, level) == pytest.approx(share)
    low, high = widened(0.3, (0.2, 0.6), (2.0, 0.5), 45, level)
    assert (low, high) == pytest.approx((0.3 - np.hypot(0.1, 2 * share), 0.3 + np.hypot(0.3, 0.5 * share)))
    assert np.isnan(unseen_share(0))
    limits = np.float32([0.21, 0.6])
    narrow, wide = (widened(0.3, x, (2.0, 0.5), 45) for x in (limits, limits.astype(float)))
    assert narrow.tolist() == pytest.approx(wide.tolist(), abs=1e-15)


def test_without_rows_nothing_is_known_of_the_unseen():
    assert np.isnan(widened(0.3, (0.2, 0.6), (0.0, 0.0), 0)).all()


def test_the_mean_excess_of_an_exponential_tail_is_its_mean_wherever_it_begins():
    rng = np.random.default_rng(3)
    excesses = [mean_excess(rng.exponential(2.0, 400)) for _ in range(200)]
    assert np.mean(excesses) == pytest.approx(2.0, rel=0.08)


@pytest.mark.parametrize(("values", "expected"), [([], 0.0), ([4.0], 0.0), ([4.0, 1.0], 3.0), ([1.0, 2.0, 9.0], 7.0)])
def test_the_mean_excess_of_a_few(values, expected):
    assert mean_excess(np.array(values)) == expected
