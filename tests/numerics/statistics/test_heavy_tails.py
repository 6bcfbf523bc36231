"""Tails so heavy that nothing is said: Hill's index against its formula, and on laws whose index is known."""

import numpy as np
import pytest

from explaindistill.measures.decision import DecisionRule
from explaindistill.measures.fidelity import fidelity, regression_fidelity
from explaindistill.measures.verdicts import judge
from explaindistill.numerics.statistics.heavy_tails import HEAVY, carried_by_few, tail_index


def test_the_index_is_hills_of_the_best_tail():
    x = np.random.default_rng(0).lognormal(size=900)
    falling = np.sort(x)[::-1]
    each = {k: 1 / np.mean([np.log(falling[i] / falling[k]) for i in range(k)]) for k in range(8, 31)}
    tried = [k for k in (8, 11, 15, 22, 30) if k in each]
    assert tail_index(x) == pytest.approx(max(each[k] for k in tried))
    assert tail_index(np.append(x, np.zeros(5000))) == tail_index(x)


@pytest.mark.parametrize(("law", "heavy"), [(1.0, True), (1.2, True), (4.0, False), (6.0, False)])
def test_laws_of_known_index(law, heavy):
    rng = np.random.default_rng(1)
    said = [tail_index(rng.pareto(law, 4000) + 1) < HEAVY for _ in range(40)]
    assert np.mean(said) == pytest.approx(float(heavy), abs=0.1)


def test_rows_of_one_kind_are_no_tail():
    rng = np.random.default_rng(2)
    loss = rng.chisquare(1, 5000) / 1000
    loss[:50] = rng.uniform(2, 4, 50)
    assert carried_by_few(loss) == ""
    assert carried_by_few(np.ones(5000)) == ""


def test_few_rows_are_not_asked():
    assert tail_index(np.random.default_rng(3).pareto(0.5, 499)) == np.inf
    assert tail_index(np.zeros(5000)) == np.inf


def test_a_heavy_noise_says_nothing_of_kl_and_something_of_what_is_bounded():
    """KL under a logit noise of Student's t with two degrees held in .38 of samples of 2,000 rows."""
    rng = np.random.default_rng(4)
    z = rng.normal(0, 1.5, 4000)
    t, s = (1 / (1 + np.exp(-x)) for x in (z, z + 0.3 * rng.standard_t(2, 4000)))
    found = fidelity(np.c_[1 - t, t], np.c_[1 - s, s], DecisionRule([0, 1])).set_index("metric")
    line = found.loc["kl"]
    assert line["status"] == "small"
    assert line["reason"].startswith("cannot say: a few rows")
    assert judge(line["estimate"], line["low"], line["high"], "<= 0.5")[0] == "cannot say"
    assert np.isfinite(found.loc[["js", "brier", "r2_probability"], "low"]).all()


def test_values_with_a_heavy_error_say_nothing_of_squares():
    rng = np.random.default_rng(5)
    t = rng.normal(size=5000)
    heavy = regression_fidelity(t, t + 0.2 * rng.standard_t(3, 5000)).set_index("metric")
    light = regression_fidelity(t, t + rng.normal(0, 0.2, 5000)).set_index("metric")
    assert heavy.loc[["r2", "rmse"], "low"].isna().all()
    assert np.isfinite(heavy.loc["mae", "low"])
    assert np.isfinite(light["low"]).all()
