"""Distill-and-Compare: a planted difference is found, none is invented, and missing inputs are told three ways."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

import explaindistill as xd
from explaindistill import plots
from explaindistill.auditing.twin_models import _bootstrap, _curves, _terms
from explaindistill.data.schema import Schema
from explaindistill.errors import InvalidInputError
from explaindistill.measures.missing_inputs import (
    LearningOptions,
    duplicate_scores,
    missing_inputs,
    missing_inputs_statement,
)
from explaindistill.numerics.additive.refits import refit_twins
from explaindistill.numerics.statistics.bands import max_t_band
from explaindistill.students.gam.paired_fit import fit_twins


def rows(n=1500, seed=0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "age": rng.integers(18, 70, n),
            "priors": rng.poisson(1.5, n),
            "region": rng.choice(list("abc"), n),
            "member": rng.random(n) < 0.4,
        }
    )
    X.loc[rng.random(n) < 0.05, "region"] = None
    z = np.sin(X["age"] / 12) + 0.5 * np.log1p(X["priors"]) - 0.5 * (X["region"] == "b") + 0.4 * X["member"] - 0.5
    return X, z.to_numpy(), np.random.default_rng(seed + 100)


def compared(scale="probability", extra=0.0, n=1500, **more):
    X, z, rng = rows(n)
    y = np.where(rng.random(n) < expit(z), "yes", "no")
    s = z + extra * X["member"].to_numpy()
    score = {"probability": expit(s), "logit": s, "recorded": np.round(8 * expit(s))}[scale]
    settings = xd.ComparisonSettings(**{"n_boot": 80, "learners": {}} | more)
    return xd.distill_and_compare(X, score, y, scale=scale, favorable="yes", settings=settings)


FEW_DRAWS = xd.ComparisonSettings(n_boot=50, learners={})


@pytest.mark.parametrize("scale", ["probability", "logit", "recorded"])
def test_a_planted_difference_is_found_and_nothing_else(scale):
    found = compared(scale, extra=1.2, n=2500)
    assert "member" in found.differing
    if scale != "recorded":  # calibration shrinks what the others say
        assert set(found.differing) <= {"member", "(level)"}
    curve = found.curves[found.curves["feature"] == "member"].set_index("place")["estimate"]
    if scale != "recorded":
        line = found.curves[(found.curves["feature"] == "member")].assign(gap=lambda f: f["high"] - f["low"])
        assert curve["yes"] - curve["no"] == pytest.approx(1.2, abs=line["gap"].max())
    assert (found.calibration["calibrated"].diff().dropna() >= -1e-9).all()
    assert len(found.calibration) == (0 if scale != "recorded" else len(found.calibration))


def test_without_a_difference_nothing_is_found():
    found = compared()
    assert found.differing == []
    assert "no column" in repr(found)
    assert found.critical > 2.5


def test_the_same_call_gives_the_same_bytes():
    a, b = compared(), compared()
    pd.testing.assert_frame_equal(a.curves, b.curves)
    assert a.curves.to_json() == b.curves.to_json()


def test_curves_are_what_the_frame_says():
    found = compared(extra=1.0)
    curves = found.curves
    np.testing.assert_allclose(curves["estimate"], curves["mimic"] - curves["outcome"], atol=1e-12)
    inside = curves["low"].notna()
    assert (curves.loc[inside, "differs"] == ((curves["low"] > 0) | (curves["high"] < 0))[inside]).all()
    assert set(found.terms["feature"]) == {"(level)", "age", "priors", "region", "member"}
    assert {"missing"} <= set(curves.loc[curves["feature"] == "region", "place"])


def test_one_smoothing_for_both_makes_the_difference_unbiased():
    """The mean curve of the outcome model over many outcomes is the mimic's, though smoothing flattens both."""
    X, _, _ = rows(800)
    schema, p = Schema.infer(X), expit(3 * np.sin(X["age"].to_numpy() / 4))
    gaps = []
    for seed in range(40):
        y = (np.random.default_rng(seed).random(800) < p).astype(float)
        twins = fit_twins(schema, X, np.column_stack([p, y]), True, 10)
        gaps.append(twins.curves(twins.beta)[0][0] - twins.curves(twins.beta)[0][1])
    centre, error = np.mean(gaps, axis=0), np.std(gaps, axis=0) / np.sqrt(40)
    assert (np.abs(centre) < 4 * error + 0.1).all()


def test_a_recorded_score_may_run_down():
    X, z, rng = rows(500)
    y, score = rng.random(500) < expit(z), np.round(8 * expit(z))
    up, down = (xd.distill_and_compare(X, s, y, settings=FEW_DRAWS) for s in (score, -score))
    pd.testing.assert_frame_equal(up.curves, down.curves)
    assert up.quality.set_index("metric").loc["mimic_r2", "estimate"] > 0.5


def test_what_resampling_overstates_is_taken_off():
    X, z, rng = rows(500)
    schema = Schema.infer(X)
    Y = np.column_stack([expit(z), rng.random(500) < expit(z)]).astype(float)
    twins = fit_twins(schema, X, Y, True, 6)
    draws, _ = _bootstrap(twins, Y, None, 30, np.random.default_rng(0))
    level = _curves(twins, schema, draws, 0.95)[0].iloc[0]
    wanted = 2 * twins.beta[:, 0] - draws[:, :, 0].mean(axis=0)
    np.testing.assert_allclose(level[["mimic", "outcome"]].astype(float), wanted)


class Recorder:
    """Stands for the twins in a bootstrap: remembers what it was refitted to, answers 1 outside and 99 inside."""

    def __init__(self):
        self.beta, self.targets = np.zeros((2, 1)), []

    def refit(self, target, weight):
        self.targets.append(target)
        self.inside = weight > 0
        return self.beta

    def answers(self, _beta):
        return np.tile(np.where(self.inside, 99.0, 1.0), (2, 1))


def test_answers_are_told_of_rows_outside_a_resample_and_its_calibration_is_refitted():
    class Curve:
        def refit(self, truth, weight):
            return (truth @ weight) / weight.sum()

        def mean(self, level):
            return np.full(40, level)

    Y = np.column_stack([np.zeros(40), np.arange(40.0)])
    twins = Recorder()
    _, outside = _bootstrap(twins, Y, Curve(), 30, np.random.default_rng(0))
    assert (outside == 1).all()
    assert len({float(target[0, 0]) for target in twins.targets}) > 20
    assert all((target[:, 1] == Y[:, 1]).all() for target in twins.targets)


def test_a_term_is_told_where_its_difference_is_surest():
    shared = {"feature": "a", "n": 20, "method": "m", "subset": "", "differs": True, "mimic": 4.0, "outcome": 1.0}
    wide = shared | {"place": "far", "estimate": 3.0, "low": -7.0, "high": 13.0, "p": 0.5}
    sure = shared | {"place": "near", "estimate": 1.0, "low": 0.8, "high": 1.2, "p": 0.001}
    assert _terms(pd.DataFrame([wide, sure]))["place"].tolist() == ["near"]


@pytest.mark.parametrize("unit", [1.0, 1e-9])
def test_where_curves_are_rounding_alone_the_first_place_is_told_in_any_unit(unit):
    """Else the place hung on the last digit of a fit, and a score in small units would have no surest place."""
    shared = {"n": 20, "method": "m", "subset": "", "differs": False, "p": 1.0, "mimic": 2 * unit, "outcome": unit}
    band = {"low": -unit, "high": unit}
    lines = [
        {"feature": "nothing", "place": "first", "estimate": 1e-10 * unit} | shared | band,
        {"feature": "nothing", "place": "second", "estimate": -3e-10 * unit} | shared | band,
        {"feature": "some", "place": "first", "estimate": 0.1 * unit} | shared | band,
        {"feature": "some", "place": "second", "estimate": -0.3 * unit} | shared | band,
    ]
    assert _terms(pd.DataFrame(lines))["place"].tolist() == ["first", "second"]
    sure = pd.DataFrame(lines[:2]).assign(differs=[False, True])
    assert _terms(sure)["place"].tolist() == ["second"]


def test_a_place_with_few_rows_near_it_gets_no_band():
    X, z, rng = rows(600)
    X.loc[:4, "region"] = "rare"
    y = rng.random(600) < expit(z)
    found = xd.distill_and_compare(X, expit(z), y, scale="probability", settings=FEW_DRAWS)
    line = found.curves[(found.curves["feature"] == "region") & (found.curves["place"] == "rare")].iloc[0]
    assert np.isnan(line["low"])
    assert line["status"] == "small"
    assert "fewer than 10 rows" in line["reason"]


def test_regression_and_pairs():
    X, z, rng = rows()
    y = z + rng.normal(size=len(z))
    both = (X["age"] > 45) * X["member"]
    settings = xd.ComparisonSettings(n_boot=80, learners={}, pairs=[("age", "member")])
    found = xd.distill_and_compare(X, z + 1.5 * both, y, scale="value", settings=settings)
    assert "age × member" in found.differing
    assert found.scale == "value"
    assert set(found.quality["metric"]) == {"mimic_r2", "outcome_r2"}


def test_quality_is_told_by_group_on_rows_outside():
    X, z, rng = rows()
    y = rng.random(len(z)) < expit(z)
    settings = xd.ComparisonSettings(n_boot=60, learners={})
    found = xd.distill_and_compare(X, expit(z), y, scale="probability", settings=settings, groups=X[["region"]])
    told = found.quality.set_index(["metric", "group"])["estimate"]
    assert told["mimic_r2", ""] > 0.95
    assert 0.55 < told["outcome_auc", ""] < 0.8
    assert {("mimic_r2", g) for g in "abc"} <= set(told.index)


def test_a_missing_input_is_not_confused_with_a_simple_learner():
    X, z, rng = rows(900)
    y = (rng.random(900) < expit(z)).astype(float)
    hidden = rng.normal(size=900)
    whole = compared(learners=None, n=1500)
    assert whole.statement in ("nothing missing", "cannot tell")
    found = xd.distill_and_compare(
        X.assign(u=rng.random(900)), z + hidden, y, scale="logit", settings=xd.ComparisonSettings(n_boot=50)
    )
    assert found.statement == "cannot tell"
    assert "Inputs are missing, or the learners are too simple" in found.sentence
    curve = found.missing[(found.missing["metric"] == "score_explained")]
    assert curve.groupby("subject")["subset"].nunique().tolist() == [3, 3]
    noisy = duplicate_scores(X, z + hidden)
    assert missing_inputs_statement(noisy)[0] == "missing or noisy"
    assert noisy.set_index("metric").loc["duplicates_differ", "estimate"] == 1.0


def test_learners_see_some_rows_and_equal_rows_are_sought_in_all():
    rng = np.random.default_rng(5)
    X = pd.DataFrame({"a": rng.normal(size=400)})
    X.loc[399, "a"] = X.loc[0, "a"]
    seen = []

    def mean(rows, targets):
        seen.append(len(rows))
        return lambda given: np.full(len(given), targets.mean())

    found = missing_inputs(
        X, X["a"] + 0.0, None, {"mean": mean}, options=LearningOptions(shares=[1.0], max_rows=100)
    ).set_index("metric")
    assert set(seen) == {80}
    assert found.loc["score_explained", "n"] == 100
    assert found.loc["duplicate_rows", ["n", "k"]].tolist() == [400, 2]
    drawn = missing_inputs(
        X, X["a"] + 0.0, X["a"], {"mean": mean}, options=LearningOptions(shares=[1.0], max_rows=100)
    ).set_index("metric")
    assert drawn.loc["residual_correlation", "estimate"] == pytest.approx(1), "score and outcome of the same rows"


def test_refits_are_newtons_own():
    """A twin that finds the curvature at every step."""
    rng = np.random.default_rng(2)
    X = np.column_stack([np.ones(300), rng.normal(size=(300, 3))])
    y = (rng.random(300) < expit(X @ [0.2, 1.0, -2.0, 0.5])).astype(float)
    w, S = rng.integers(0, 4, 300).astype(float), np.diag([0.0, 1.0, 1.0, 1.0])
    beta = np.zeros(4)
    for _ in range(30):
        p = expit(X @ beta)
        H = (X * (w * p * (1 - p))[:, None]).T @ X + S
        beta = beta + np.linalg.solve(H, X.T @ (w * (y - p)) - S @ beta)
    for start in (np.zeros(4), np.array([3.0, -4.0, 5.0, 2.0])):
        found = refit_twins(X, y[:, None], w, S, start[None], True)[0]
        np.testing.assert_allclose(found, beta, atol=2e-4)


def test_a_score_that_is_explained_whole():
    X = pd.DataFrame({"a": np.arange(400.0)})
    learner = {"line": lambda rows, s: lambda given: np.polyval(np.polyfit(rows["a"], s, 1), given["a"])}
    found = missing_inputs(X, X["a"] * 2 + 1, None, learner)
    assert missing_inputs_statement(found)[0] == "nothing missing"
    assert found.set_index("metric").loc["duplicates_differ", "status"] == "undefined"
    assert "residual_correlation" not in set(found["metric"])


def test_linked_errors_are_told():
    rng = np.random.default_rng(0)
    X, u = pd.DataFrame({"a": rng.normal(size=600)}), rng.normal(size=600)
    learner = {"line": lambda rows, s: lambda given: np.polyval(np.polyfit(rows["a"], s, 1), given["a"])}
    found = missing_inputs(X, X["a"] + u, X["a"] + u + rng.normal(size=600), learner).set_index("metric")
    assert abs(found.loc["residual_correlation", "estimate"] - 1 / np.sqrt(2)) < 0.06


def test_refits_are_the_optimum():
    rng = np.random.default_rng(0)
    X, w = rng.normal(size=(300, 4)), rng.integers(0, 3, 300).astype(float)
    Y = np.column_stack([rng.random(300), rng.random(300) < 0.4])
    S = np.diag([0.0, 1.0, 2.0, 3.0])
    for is_binary in (True, False):
        found = refit_twins(X, Y, w, S, np.zeros((2, 4)), is_binary)
        for beta, y in zip(found, Y.T, strict=True):
            mean = expit(X @ beta) if is_binary else X @ beta
            assert np.abs(X.T @ (w * (y - mean)) - S @ beta).max() < 1e-2 * w.sum() ** 0.5


def test_the_band_holds_all_places_at_once():
    rng = np.random.default_rng(0)
    truth, held, pointwise = np.zeros(20), 0, 0
    for _ in range(200):
        estimate = rng.normal(size=20)
        draws = estimate + rng.normal(size=(300, 20))
        low, high, p, _ = max_t_band(estimate, draws)
        held += bool(((low <= truth) & (truth <= high)).all())
        pointwise += bool((np.abs(estimate) <= 1.96).all())
        differs = (low > 0) | (high < 0)
        assert (p[differs] <= 0.05).all()
        assert differs[p < 0.01].all()
    assert held >= 180
    assert pointwise < 120
    low, *_ = max_t_band(np.zeros(2), np.zeros((50, 2)))
    assert np.isnan(low).all()
    low, *_ = max_t_band(np.zeros(2), rng.normal(size=(50, 2)), usable=np.array([True, False]))
    assert np.isnan(low).tolist() == [False, True]


def test_it_is_drawn():
    import matplotlib as mpl

    mpl.use("agg")
    found = compared(extra=1.0)
    for feature in ("age", "region", "member"):
        figure = plots.figure()
        ax = figure.subplots()
        assert found.plot(feature, ax) is ax
        assert plots.svg(figure, "f", "t", "d").startswith("<svg")
    with pytest.raises(InvalidInputError, match="feature must be one of"):
        found.plot("zz", plots.figure().subplots())


def test_messages():
    X, z, _ = rows(200)
    y = z > 0
    with pytest.raises(InvalidInputError, match="scale must be one of"):
        xd.distill_and_compare(X, z, y, scale="odds")
    with pytest.raises(InvalidInputError, match="score must be probabilities"):
        xd.distill_and_compare(X, z, y, scale="probability")
    with pytest.raises(InvalidInputError, match="does not go with an outcome of numbers"):
        xd.distill_and_compare(X, z, z, scale="logit")
    with pytest.raises(InvalidInputError, match="at least 100 rows"):
        xd.distill_and_compare(X[:50], z[:50], y[:50])
    with pytest.raises(InvalidInputError, match="one value per row"):
        xd.distill_and_compare(X, z, y[:10])
    with pytest.raises(InvalidInputError, match="one finite value per row"):
        xd.distill_and_compare(X, z[:10], y)
    with pytest.raises(InvalidInputError, match="favorable must be one of"):
        xd.distill_and_compare(X, z, y, favorable="maybe")
    with pytest.raises(InvalidInputError, match="say which decision people want, for instance favorable='no'"):
        xd.distill_and_compare(X, z, np.where(y, "yes", "no"))
    with pytest.raises(InvalidInputError, match="n_boot must be at least 50"):
        xd.ComparisonSettings(n_boot=3)
    with pytest.raises(InvalidInputError, match="two classes or numbers"):
        xd.distill_and_compare(X, z, np.array(list("abc") * 67)[:200])
    with pytest.raises(InvalidInputError, match="at least two different values"):
        xd.distill_and_compare(X, z, np.zeros(200))
    with pytest.raises(InvalidInputError, match="every row"):
        xd.distill_and_compare(X, z, np.where(z > 0, np.nan, 1.0))
    with pytest.raises(InvalidInputError, match="level must lie"):
        xd.ComparisonSettings(level=2)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_calibration_of_a_recorded_score_ends_at_nobody_and_runs_in_its_own_direction(sign):
    X, z, rng = rows(600)
    y = (rng.random(600) < expit(z)).astype(float)
    score = sign * np.round(100 * expit(z + 0.1 * rng.normal(size=600)), 3)
    score[[4, 9]] = 987.654, -456.789  # two people whom nobody should find
    curve = xd.distill_and_compare(X, score, y, settings=FEW_DRAWS).calibration
    assert not set(np.abs(curve["score"])) & {987.654, 456.789}
    assert curve["score"].is_monotonic_increasing
    assert (sign * curve["calibrated"].diff().dropna() >= -1e-9).all(), "a score that falls has a curve that falls"
    assert np.abs(curve["score"]).max() <= 110
