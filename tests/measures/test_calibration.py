"""Calibration and ranking by group."""

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, special, stats
from sklearn.metrics import roc_auc_score

from explaindistill.errors import InvalidInputError
from explaindistill.measures.calibration import calibration, reliability


def draw(n, seed=0, slope=1.0):
    rng = np.random.default_rng(seed)
    p = rng.uniform(0.05, 0.95, n)
    return rng.random(n) < special.expit(slope * special.logit(p)), p


def by_metric(y, p, **more):
    return calibration(y, p, **more).set_index("metric")


def test_against_the_formulas():
    y, p = draw(200)
    found = by_metric(y, p)
    assert found.loc["calibration_gap", "estimate"] == pytest.approx((y - p).mean())
    z = (y - p).sum() / np.sqrt((p * (1 - p)).sum())
    assert found.loc["calibration_gap", "p_value"] == pytest.approx(2 * stats.norm.sf(abs(z)))
    spiegel = ((y - p) * (1 - 2 * p)).sum() / np.sqrt(((1 - 2 * p) ** 2 * p * (1 - p)).sum())
    assert found.loc["spiegelhalter", "estimate"] == pytest.approx(spiegel)
    assert found.loc["calibration_ratio", "estimate"] == pytest.approx(y.sum() / p.sum())
    assert found.loc["auc", "estimate"] == pytest.approx(roc_auc_score(y, p))


def test_slope_and_intercept_maximise_the_likelihood():
    y, p = draw(300, 1)
    x = special.logit(p)

    def loss(beta):
        return -np.where(y, special.log_expit(beta[0] + beta[1] * x), special.log_expit(-beta[0] - beta[1] * x)).sum()

    best = optimize.minimize(loss, [0, 1], tol=1e-10).x
    found = by_metric(y, p)
    assert found.loc["calibration_slope", "estimate"] == pytest.approx(best[1], abs=1e-4)
    alone = optimize.minimize_scalar(lambda b: loss([b, 1])).x
    assert found.loc["calibration_intercept", "estimate"] == pytest.approx(alone, abs=1e-4)


def test_probabilities_that_are_too_extreme_are_found():
    y, p = draw(3000, 2, slope=0.5)
    found = by_metric(y, p)
    assert found.loc["calibration_slope", "low"] < 0.5 < found.loc["calibration_slope", "high"]
    assert found.loc["calibration_slope", "p_value"] < 1e-6
    assert found.loc["spiegelhalter", "p_value"] < 1e-6


def test_calibrated_probabilities_are_rarely_accused():
    accused = [
        by_metric(*draw(100, seed)).loc[["calibration_gap", "spiegelhalter"], "p_value"] < 0.05 for seed in range(80)
    ]
    assert np.mean(accused) < 0.12


def test_by_group_with_small_and_empty_sides():
    y, p = draw(200, 3)
    y[:20] = False
    found = calibration(y, p, attributes=pd.DataFrame({"g": ["a"] * 20 + ["b"] * 180})).set_index(["metric", "group"])
    assert found.loc[("auc", "a"), "status"] == "undefined"
    assert found.loc[("calibration_slope", "a"), "status"] == "undefined"
    assert found.loc[("auc", "b"), "status"] == "ok"
    few = by_metric(*draw(30, 4))
    assert few.loc["auc", "status"] == "small"


def test_edges():
    assert by_metric([], []).loc["calibration_gap", "status"] == "undefined"
    one = by_metric([True], [0.5])
    assert one.loc["calibration_gap", "n"] == 1
    assert one.loc["spiegelhalter", "status"] == "undefined"
    separated = by_metric([False, False, True, True], [0.1, 0.2, 0.8, 0.9])
    assert separated.loc["calibration_slope", "status"] == "undefined"
    certain = by_metric([True, False], [0.0, 0.0])
    assert certain.loc["calibration_ratio", "status"] == "undefined"


def test_weights_are_repeated_rows():
    y, p = draw(60, 5)
    w = np.tile([1, 2, 3], 20)
    weighted, repeated = by_metric(y, p, sample_weight=w), by_metric(np.repeat(y, w), np.repeat(p, w))
    same = ["calibration_gap", "calibration_ratio", "calibration_slope", "calibration_intercept", "auc"]
    np.testing.assert_allclose(weighted.loc[same, "estimate"], repeated.loc[same, "estimate"])
    flat, plain = by_metric(y, p, sample_weight=np.full(60, 3.0)), by_metric(y, p)
    np.testing.assert_allclose(flat["low"].astype(float), plain["low"].astype(float), rtol=1e-6)


def test_reliability_holds_every_row_once():
    y, p = draw(100, 6)
    found = reliability(y, p, n_bins=5)
    assert found["n"].tolist() == [20] * 5
    assert found["k"].sum() == y.sum()
    assert found["predicted"].is_monotonic_increasing
    assert len(reliability([], [])) == 0


def test_messages():
    with pytest.raises(InvalidInputError, match="vectors of one length"):
        calibration([True], [0.5, 0.5])
    with pytest.raises(InvalidInputError, match="probabilities between 0 and 1"):
        calibration([True], [1.5])
    with pytest.raises(InvalidInputError, match="n_bins"):
        reliability([True], [0.5], n_bins=0)


def test_the_interval_of_a_wrong_model_takes_the_spread_that_is_seen():
    y = np.tile([True, False], 200)
    gap = calibration(y, np.full(400, 0.99)).set_index("metric").loc["calibration_gap"]
    half = (gap["high"] - gap["low"]) / 2
    assert half == pytest.approx(1.959964 * 0.5 / np.sqrt(399), rel=1e-3)  # not that of 0.99 being right
