"""The embedded example keeps its word: what `truth` says is what the rows show."""

from dataclasses import FrozenInstanceError
from math import erf, sqrt

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.inspection import permutation_importance

import explaindistill as xd
from explaindistill.data import datasets
from explaindistill.data.datasets import lending
from explaindistill.errors import InvalidInputError
from explaindistill.teachers import teach


@pytest.fixture(scope="module")
def large():
    return lending(200_000, random_state=1)


def test_columns_are_of_every_kind_and_have_holes():
    data = lending(2_000)
    kinds = data.X.dtypes
    assert data.X.shape == (2_000, 14)
    assert pd.api.types.is_datetime64_any_dtype(kinds["applied_on"])
    assert pd.api.types.is_integer_dtype(kinds["amount"])
    assert pd.api.types.is_bool_dtype(kinds["homeowner"])
    assert kinds["education"].ordered
    assert not kinds["sector"].ordered
    assert set(data.X.columns[data.X.isna().any()]) == set(datasets.MISSING_SHARE)
    assert set(data.X.columns) == {*data.truth.matters, *data.truth.ignored}
    assert set(data.y) == {"approved", "declined"}


@pytest.mark.parametrize("attribute", ["sex", "age_band"])
def test_rates_are_those_of_the_truth(large, attribute):
    seen = (large.y == large.favorable).groupby(large.X[attribute]).agg(["mean", "size"])
    for group, rate in large.truth.rates[attribute].items():
        error = sqrt(rate * (1 - rate) / seen.loc[group, "size"])
        assert abs(seen.loc[group, "mean"] - rate) < 4 * error


def test_ideal_rates_are_those_of_the_best_model():
    rng = np.random.default_rng(3)
    z = {name: rng.standard_normal(200_000) for name in datasets.SLOPES}
    X = datasets._applications(200_000, z, rng)
    approved = datasets._score(X, z) >= 0
    for sex, rate in lending(1).truth.ideal_rates["sex"].items():
        assert approved[X["sex"] == sex].mean() == pytest.approx(rate, abs=0.006)


def test_women_in_each_sector(large):
    seen = (large.X["sex"] == "female").groupby(large.X["sector"], observed=True).mean()
    assert seen.to_dict() == pytest.approx(dict(large.truth.proxy_shares), abs=0.01)


def test_gap_is_the_sum_of_its_two_ways():
    truth = lending(1).truth
    assert truth.direct_gap + truth.proxy_gap == pytest.approx(truth.gap["sex"], abs=1e-15)
    assert truth.direct_gap > 0.05
    assert truth.proxy_gap > 0.02
    assert truth.gap["age_band"] == 0
    assert truth.impact_ratio["age_band"] == 1


def test_formula_has_a_slow_twin():
    """Integrate the latent score on a grid instead of using the rule for sums of normals."""
    slopes = sqrt(sum(s**2 for s in datasets.SLOPES.values()))
    grid = np.linspace(-8, 8, 401)
    density = np.exp(-(grid**2) / 2)
    density /= density.sum()
    rate = 0.0
    for share, effect in datasets._steps("female"):
        at = effect + datasets.SEX_EFFECT["female"] + slopes * grid
        rate += share * float(density @ [0.5 * (1 + erf(a / sqrt(2))) for a in at])
    assert rate == pytest.approx(lending(1).truth.rates["sex"]["female"], abs=1e-9)


def test_shares_sum_to_one():
    shares = [
        *datasets.SECTOR_SHARE.values(),
        datasets.EDUCATION_SHARE,
        datasets.AGE_SHARE,
        datasets.PURPOSES,
    ]
    assert [sum(s.values()) for s in shares] == pytest.approx([1.0] * len(shares))
    assert sum(datasets.LATE_SHARE) == pytest.approx(1.0)


def test_a_strong_model_needs_what_matters_and_not_what_is_ignored():
    data = lending(12_000, random_state=5)
    X = pd.DataFrame(
        {
            name: column.cat.codes
            if hasattr(column, "cat")
            else pd.factorize(column)[0]
            if column.dtype == "str"
            else column.astype("int64" if name == "applied_on" else float)
            for name, column in data.X.drop(columns=[]).items()
        }
    ).astype(float)
    model = HistGradientBoostingClassifier(max_iter=60, random_state=0).fit(X[:8_000], data.y[:8_000])
    drop = permutation_importance(model, X[8_000:], data.y[8_000:], n_repeats=4, random_state=0)
    mean = pd.Series(drop.importances_mean, index=X.columns)
    assert mean[list(data.truth.ignored)].max() < 0.004
    assert mean[["income", "debt_ratio", "amount", "late_payments", "sex", "sector"]].min() > 0.004


def test_the_audit_finds_the_planted_gap():
    data = lending(6_000)
    train, test = slice(0, 3_000), slice(3_000, None)
    teacher = teach(data.X[train], data.y[train], backend="numpy", hidden=(16,), max_epochs=10)
    student = xd.Distiller(teacher, xd.LinearClassifier(), n_queries=2_000, random_state=0).fit(data.X[train])
    audit = xd.audit(
        teacher,
        {"linear": student},
        data.X[test],
        data.y[test],
        sensitive=list(data.sensitive),
        favorable=data.favorable,
    )
    gaps = audit.frames["gaps"]
    of_labels = gaps[(gaps["metric"] == "selection_rate_difference") & (gaps["subject"] == "labels")]
    of_sex = of_labels[of_labels["attribute"] == "sex"].iloc[0]
    planted = data.truth.gap["sex"] * (1 if of_sex["group"] == "male" else -1)
    assert of_sex["low"] <= planted <= of_sex["high"]
    assert 0 not in pd.Interval(of_sex["low"], of_sex["high"])
    of_age = of_labels[of_labels["attribute"] == "age_band"]
    assert ((of_age["low"] <= 0) & (of_age["high"] >= 0)).all()
    share = (
        audit.frames["importance"]
        .query("subject == 'teacher' and metric == 'permutation'")
        .set_index("feature")["estimate"]
    )
    assert share[list(data.truth.ignored)].max() < share[["income", "debt_ratio", "amount"]].min()


def test_same_seed_same_rows_and_other_seed_other_rows():
    pd.testing.assert_frame_equal(lending(300).frame, lending(300, random_state=0).frame)
    assert not lending(300).frame.equals(lending(300, random_state=1).frame)
    assert not lending(5, random_state=None).X.empty


def test_frame_ends_with_the_decisions():
    data = lending(10)
    assert list(data.frame.columns) == [*data.X.columns, "decision"]


def test_record_is_frozen():
    data = lending(10)
    with pytest.raises(FrozenInstanceError):
        data.favorable = "declined"


def test_too_few_rows():
    with pytest.raises(InvalidInputError, match="n must be at least 1, got 0"):
        lending(0)
