import json

import numpy as np
import pandas as pd
import pytest

from explaindistill.errors import InvalidInputError
from explaindistill.students.tree import shrinkage as _tree_shrinkage
from explaindistill.students.tree.estimators import TreeClassifier, TreeRegressor


def columns(n, seed=0):
    return pd.DataFrame(np.random.default_rng(seed).random((n, 4)), columns=list("abcd"))


def unsure(X, seed=0):
    """A steep logistic surface with an answer that no column explains."""
    eta = 4 * (X["a"] + X["b"] - 1) + np.random.default_rng(seed + 100).normal(size=len(X)) * 2
    return (1 / (1 + np.exp(-eta))).to_numpy()


def soft(p):
    return np.stack([1 - p, p], axis=1)


def divergence(P, Q):
    Q = np.clip(Q, 1e-4, None)
    return float((P * np.log(np.clip(P, 1e-12, None) / Q)).sum(axis=1).mean())


def test_small_leaves_are_pulled_where_that_is_closer_on_fresh_rows():
    ratios = []
    for seed in range(4):
        X, fresh = columns(300, seed), columns(2000, seed + 50)
        P, Q = soft(unsure(X, seed)), soft(unsure(fresh, seed + 50))
        auto, plain = (TreeClassifier(shrinkage=s).fit(X, P) for s in ("auto", 0))
        assert auto.shrinkage_ > 0
        assert (auto.tree_.feature == plain.tree_.feature).all()
        ratios.append(divergence(Q, auto.predict_proba(fresh)) / divergence(Q, plain.predict_proba(fresh)))
    assert np.mean(ratios) < 0.95


def test_the_regressor_too():
    X, fresh = columns(300), columns(2000, 1)
    auto, plain = (TreeRegressor(shrinkage=s).fit(X, 1e3 * unsure(X)) for s in ("auto", 0))
    assert auto.shrinkage_ > 0
    assert auto.score(fresh, 1e3 * unsure(fresh, 1)) > plain.score(fresh, 1e3 * unsure(fresh, 1)) + 0.01


@pytest.mark.parametrize("search", ["greedy", "lookahead"])
def test_a_teacher_that_is_a_tree_is_kept(search):
    X = columns(400)
    p = np.select([X["a"] < 0.4, X["b"] < 0.5], [0.1, 0.6], 0.9)
    student = TreeClassifier(3, search=search).fit(X, soft(p))
    assert student.shrinkage_ == 0
    np.testing.assert_allclose(student.predict_proba(X)[:, 1], p, atol=1e-6)
    value = TreeRegressor(3, search=search).fit(X, p)
    assert value.shrinkage_ == 0
    np.testing.assert_allclose(value.predict(X), p, atol=1e-6)


def test_what_is_chosen_is_what_asking_for_it_gives():
    X = columns(300)
    monotone = {"monotone": {"a": 1}}
    for kind in ({}, monotone):
        auto = TreeClassifier(**kind).fit(X, soft(unsure(X)))
        asked = TreeClassifier(shrinkage=auto.shrinkage_, **kind).fit(X, soft(unsure(X)))
        assert (auto.tree_.value == asked.tree_.value).all()
        assert asked.shrinkage_ == auto.shrinkage_ > 0


def test_neither_order_nor_repetition_nor_unit_of_weight_matters():
    X, P = columns(200), soft(unsure(columns(200)))
    rng = np.random.default_rng(0)
    w = rng.integers(1, 4, 200)
    first = TreeClassifier(8).fit(X, P, sample_weight=w)
    assert first.shrinkage_ > 0
    mixed = rng.permutation(200)
    again = np.repeat(np.arange(200), w)
    turned = X[list("dcba")]
    for other in (
        TreeClassifier(8).fit(X.iloc[mixed], P[mixed], sample_weight=w[mixed]),
        TreeClassifier(8).fit(X.iloc[again], P[again]),
        TreeClassifier(8).fit(turned, P, sample_weight=w),
    ):
        assert other.shrinkage_ == first.shrinkage_
        np.testing.assert_allclose(other.predict_proba(X[list(other.feature_names_in_)]), first.predict_proba(X))
    light = TreeClassifier(8, shrinkage=5).fit(X, P, sample_weight=np.full(200, 0.01))
    np.testing.assert_allclose(light.predict_proba(X), TreeClassifier(8, shrinkage=5).fit(X, P).predict_proba(X))


def test_folds_are_held_out(monkeypatch):
    seen = []
    grow = _tree_shrinkage.fit_trees

    def watched(estimator, intake, structures, search):
        seen.append((set(intake.X.index), len(structures[0])))
        return grow(estimator, intake, structures, search)

    monkeypatch.setattr(_tree_shrinkage, "fit_trees", watched)
    X = columns(90)
    TreeClassifier(4).fit(X, soft(unsure(X)))
    assert [len(rows) for rows, _ in seen] == [n for _, n in seen] == [60, 60, 60]
    assert set.union(*(set(X.index) - rows for rows, _ in seen)) == set(X.index)


def test_no_choice_of_very_few_rows_or_where_trees_must_not_move():
    X = columns(300)
    P = soft(unsure(X))
    assert TreeClassifier(tie_tolerance=0.1).fit(X, P).shrinkage_ == 0
    assert TreeClassifier().fit(X[:29], P[:29]).shrinkage_ == 0
    assert TreeClassifier(min_samples_leaf=1).fit(X[:2].iloc[np.arange(40) % 2], P[np.arange(40) % 2]).shrinkage_ == 0
    assert TreeClassifier().fit(X, P).shrinkage_ > 0


@pytest.mark.parametrize("hard", [False, True])
def test_both_sides_of_the_limit_on_rows_that_decide(monkeypatch, hard):
    X = columns(3_000)
    y = (unsure(X) > np.random.default_rng(7).random(3_000)).astype(int) if hard else soft(unsure(X))
    monkeypatch.setattr(_tree_shrinkage, "MOST", 3_000)
    whole = TreeClassifier(200).fit(X, y)
    monkeypatch.setattr(_tree_shrinkage, "MOST", 2_999)
    beyond = TreeClassifier(200).fit(X, y)
    assert whole.shrinkage_ == beyond.shrinkage_ > 0  # one row less decides
    monkeypatch.setattr(_tree_shrinkage, "MOST", 1_000)
    sampled = TreeClassifier(200).fit(X, y)
    assert sampled.shrinkage_ > 0
    assert np.abs(sampled.predict_proba(X) - whole.predict_proba(X)).mean() < 0.05
    if hard:
        assert 0 < sampled.predict_proba(X).min() < sampled.predict_proba(X).max() < 1


def test_the_rows_that_decide_depend_on_neither_order_nor_repetition(monkeypatch):
    monkeypatch.setattr(_tree_shrinkage, "MOST", 150)
    X, P = columns(200), soft(unsure(columns(200)))
    rng = np.random.default_rng(0)
    w = rng.integers(1, 4, 200)
    sizes = []
    chosen = _tree_shrinkage.chosen

    def watched(estimator, intake, structure):
        sizes.append(intake.weight.sum())
        return chosen(estimator, intake, structure)

    monkeypatch.setattr(_tree_shrinkage, "chosen", watched)
    first = TreeClassifier(8).fit(X, P, sample_weight=w)
    mixed, again = rng.permutation(200), np.repeat(np.arange(200), w)
    for other in (
        TreeClassifier(8).fit(X.iloc[mixed], P[mixed], sample_weight=w[mixed]),
        TreeClassifier(8).fit(X.iloc[again], P[again]),
    ):
        assert other.shrinkage_ == first.shrinkage_
    assert sizes[0] == sizes[1] == sizes[2] < w.sum()


def test_the_strength_is_written_down():
    X = columns(300)
    student = TreeClassifier().fit(X, soft(unsure(X)))
    form = json.loads(json.dumps(student.to_dict()))
    assert TreeClassifier.from_dict(form).shrinkage_ == student.shrinkage_ > 0
    assert TreeClassifier.from_dict(form).to_dict() == student.to_dict()
    del form["shrinkage"]  # written before there was a choice
    assert TreeClassifier.from_dict(form).shrinkage_ == 0


def test_message():
    with pytest.raises(
        InvalidInputError, match="shrinkage must be a finite number of at least 0 or 'auto', got 'some'"
    ):
        TreeClassifier(shrinkage="some").fit([[0.0], [1.0]], [0, 1])


@pytest.mark.parametrize("shrinkage", [0, 3])
def test_values_sum_to_one_whatever_the_weights(shrinkage):
    rng = np.random.default_rng(4)
    X = columns(500)
    P, w = rng.dirichlet(np.ones(7), 500), rng.lognormal(0, 3, 500)
    value = TreeClassifier(16, shrinkage=shrinkage).fit(X, P, sample_weight=w).tree_.value
    np.testing.assert_allclose(value.sum(axis=1), 1, atol=1e-14)
