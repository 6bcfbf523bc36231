"""The attack finds members where a model learnt by heart, and guesses where there is nothing to find."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import explaindistill as xd
from explaindistill.errors import InvalidInputError
from explaindistill.measures.membership import _auc, membership_inference


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(400, 4)), columns=list("abcd"))
    p = 1 / (1 + np.exp(-X["a"].to_numpy() - rng.normal(size=400)))
    return X, np.column_stack([1 - p, p])


def tree(X, P, **options):
    def fit(rows, seed):
        return xd.TreeClassifier(**options).fit(X.iloc[rows], P[rows]).predict_proba

    return fit


def test_a_student_that_learns_by_heart_is_caught_and_a_small_one_is_not(data):
    X, P = data
    caught = membership_inference(tree(X, P, max_leaf_nodes=400, min_samples_leaf=1, shrinkage=0), X, P)
    spared = membership_inference(tree(X, P, max_leaf_nodes=8, min_samples_leaf=20), X, P)
    assert caught["estimate"].iloc[0] > 0.95
    assert spared["estimate"].iloc[0] < 0.65
    for found in (caught, spared):
        assert (found["low"] <= found["estimate"]).all()
        assert (found["estimate"] <= found["high"]).all()
        assert found["n"].tolist() == [400, 400]
        assert found["k"].tolist() == [8, 8]


def test_halves_that_no_model_learnt_from_are_a_coin_flip(data):
    """Forty attacks on answers that do not depend on the half: guessing on the mean, and intervals that say so."""
    X, P = data
    whole = xd.TreeClassifier(max_leaf_nodes=8).fit(X, P).predict_proba(X)
    found = []
    for draw in range(40):

        def blind(rows, seed, draw=draw):
            noise = np.random.default_rng([seed, draw]).normal(scale=0.05, size=len(X))
            return lambda Z: np.clip(whole + np.column_stack([-noise, noise]), 0.001, 0.999)

        seeds = range(100 * draw, 100 * draw + 8)
        found.append(membership_inference(blind, X, P, seeds=seeds).iloc[0])
    table = pd.DataFrame(found)
    assert abs(table["estimate"].mean() - 0.5) < 0.008
    assert ((table["low"] <= 0.5) & (table["high"] >= 0.5)).sum() >= 35


def test_values_are_attacked_too(data):
    X, P = data

    def fit(rows, seed):
        heart = xd.TreeRegressor(max_leaf_nodes=400, min_samples_leaf=1, shrinkage=0)
        return heart.fit(X.iloc[rows], P[rows, 1]).predict

    assert membership_inference(fit, X, P[:, 1], n_models=4)["estimate"].iloc[0] > 0.9


def test_auc_is_the_share_of_pairs_in_order():
    rng = np.random.default_rng(3)
    score, member = rng.integers(5, size=60).astype(float), rng.random(60) < 0.4
    ones, zeros = score[member], score[~member]
    slow = np.mean([(a > b) + 0.5 * (a == b) for a in ones for b in zeros])
    auc, advantage, influence = _auc(score, member)
    assert auc == pytest.approx(slow)
    assert advantage == pytest.approx(max((ones >= c).mean() - (zeros >= c).mean() for c in np.unique(score)))
    assert influence.mean() == pytest.approx(0)
    assert auc == pytest.approx(stats.mannwhitneyu(ones, zeros).statistic / (len(ones) * len(zeros)))


def test_bad_arguments(data):
    X, P = data
    with pytest.raises(InvalidInputError, match="n_models must be at least 4, got 3"):
        membership_inference(tree(X, P), X, P, n_models=3)
    with pytest.raises(InvalidInputError, match="X must have at least 40 rows, got 10"):
        membership_inference(tree(X, P), X.iloc[:10], P[:10])


def test_the_interval_is_students_with_one_victim_less(data):
    """Four victims have three degrees of freedom: the interval is 1.6 times that of a normal one."""
    X, P = data
    found = membership_inference(tree(X, P, max_leaf_nodes=8), X, P, n_models=4)
    advantage = found[found["metric"] == "membership_advantage"].iloc[0]
    wide = membership_inference(tree(X, P, max_leaf_nodes=8), X, P, n_models=4, level=0.5)
    narrow = wide[wide["metric"] == "membership_advantage"].iloc[0]
    ratio = (advantage["high"] - advantage["estimate"]) / (narrow["high"] - narrow["estimate"])
    assert ratio == pytest.approx(stats.t.ppf(0.975, 3) / stats.t.ppf(0.75, 3))


def test_lines_are_the_students_and_say_how_they_came_about():
    X = pd.DataFrame({"x": np.arange(40.0)})
    found = membership_inference(lambda rows, seed: lambda Z: np.full(len(Z), 0.5), X, np.arange(40) % 2, n_models=4)
    assert found["metric"].tolist() == ["membership_auc", "membership_advantage"]
    assert found["subject"].tolist() == ["student"] * 2
    assert found["method"].tolist() == ["t"] * 2
    named = membership_inference(lambda rows, seed: lambda Z: np.full(len(Z), 0.5), X, np.ones(40), subject="tree")
    assert named["subject"].tolist() == ["tree"] * 2
