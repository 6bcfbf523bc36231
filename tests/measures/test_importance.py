"""Permutation importance finds what a model uses; comparisons of rankings."""

import numpy as np
import pandas as pd
import pytest

from explaindistill.errors import InvalidInputError
from explaindistill.measures import importance
from explaindistill.measures.importance import (
    ComparisonOptions,
    compare_importance,
    permutation_growth,
    permutation_importance,
    rank_biased_overlap,
)


@pytest.fixture
def X():  # noqa: N802 - the field's name for rows, as everywhere
    rng = np.random.default_rng(0)
    return pd.DataFrame({"a": rng.normal(size=400), "b": rng.normal(size=400), "c": rng.choice(["x", "y"], 400)})


def teacher(rows):
    p = 1 / (1 + np.exp(-2 * rows["a"].to_numpy() - (rows["c"] == "y").to_numpy()))
    return np.column_stack([1 - p, p])


def test_a_column_that_is_ignored_has_importance_zero(X):
    before = X.copy()
    found = permutation_importance(permutation_growth(teacher, X)).set_index("feature")
    assert found.loc["b", ["estimate", "low", "high"]].tolist() == [0, 0, 0]
    assert found.loc["a", "estimate"] > found.loc["c", "estimate"] > 0
    assert found.loc["a", "low"] > 0
    assert found["share"].sum() == pytest.approx(1)
    pd.testing.assert_frame_equal(X, before)


def test_the_expected_value_of_a_linear_model(X):
    """Shuffling a column of a linear model costs 2 b² var: the interval holds it."""
    found = permutation_importance(
        permutation_growth(lambda rows: 3 * rows["a"].to_numpy(), X, n_repeats=10)
    ).set_index("feature")
    truth = 2 * 9 * X["a"].var(ddof=0)
    assert found.loc["a", "low"] < truth < found.loc["a", "high"]


def test_limits_of_few_rows_join_those_of_many(monkeypatch):
    x = np.random.default_rng(4).exponential(size=importance.FEW_ROWS)
    growth = permutation_growth(lambda rows: rows["a"].to_numpy(), pd.DataFrame({"a": x}))
    few = permutation_importance(growth).iloc[0]
    monkeypatch.setattr(importance, "FEW_ROWS", len(x) - 1)
    many = permutation_importance(growth).iloc[0]
    assert few["high"] != many["high"]
    assert few[["low", "high"]].tolist() == pytest.approx(
        many[["low", "high"]].tolist(), abs=0.1 * (many["high"] - many["low"])
    )


def test_skewed_columns_of_few_rows_are_held():
    """Draws of the sample's own influences hold in 94 of 100 samples, those that form them anew in 96."""
    rng, hits, runs = np.random.default_rng(8), 0, 120
    for _ in range(runs):
        rows = pd.DataFrame({"a": rng.exponential(size=60)})
        growth = permutation_growth(lambda rows: rows["a"].to_numpy(), rows, rng=rng, n_repeats=3)
        line = permutation_importance(growth).iloc[0]
        hits += line["low"] <= 2 <= line["high"]
    assert hits / runs >= 0.93


def test_draws_of_clusters_are_those_of_their_rows_where_each_is_one():
    x = np.random.default_rng(5).exponential(size=40)
    growth = permutation_growth(lambda rows: rows["a"].to_numpy(), pd.DataFrame({"a": x}))
    limits = [permutation_importance(growth, clusters=c).loc[0, ["low", "high"]] for c in (None, np.arange(40))]
    assert limits[0].tolist() == pytest.approx(limits[1].tolist())


def test_shuffles_asked_in_parts_are_those_asked_at_once(X, monkeypatch):
    from explaindistill.measures import _batches

    asked = []

    def answer(rows):
        asked.append(len(rows))
        return teacher(rows)

    whole = permutation_importance(permutation_growth(answer, X, n_repeats=2))
    monkeypatch.setattr(_batches, "CELLS", 5 * X.size)
    parts = permutation_importance(permutation_growth(answer, X, n_repeats=2))
    pd.testing.assert_frame_equal(whole, parts)
    assert asked == [400, 6 * 400, 400, 5 * 400, 400]


def test_against_another_target(X):
    noise = np.random.default_rng(1).normal(size=400)
    found = permutation_importance(
        permutation_growth(lambda r: r["a"].to_numpy() * 0, X, noise, n_repeats=1)
    ).set_index("feature")
    assert found["estimate"].eq(0).all()
    assert found["share"].eq(0).all()
    assert found["sd"].isna().all()


def test_columns_shuffled_together_and_some_only(X):
    doubled = X.assign(d=X["a"])
    both = permutation_importance(
        permutation_growth(lambda r: (r["a"] + r["d"]).to_numpy(), doubled, columns={"pair": ["a", "d"], "c": ["c"]})
    ).set_index("feature")
    single = permutation_importance(permutation_growth(lambda r: 2 * r["a"].to_numpy(), X, columns=["a"])).set_index(
        "feature"
    )
    assert both.loc["pair", "estimate"] == pytest.approx(single.loc["a", "estimate"])


def test_rows_are_drawn_and_weights_count(X):
    found = permutation_importance(permutation_growth(teacher, X, max_rows=50, rng=3))
    assert found["n"].tolist() == [50] * 3
    weight = np.r_[np.ones(100), np.zeros(300)]
    assert permutation_importance(permutation_growth(teacher, X, sample_weight=weight))["n"].tolist() == [100] * 3
    pd.testing.assert_frame_equal(found, permutation_importance(permutation_growth(teacher, X, max_rows=50, rng=3)))


def test_messages(X):
    with pytest.raises(InvalidInputError, match="n_repeats must be at least 1"):
        permutation_importance(permutation_growth(teacher, X, n_repeats=0))
    with pytest.raises(InvalidInputError, match="columns names 'z', X has: a, b, c"):
        permutation_importance(permutation_growth(teacher, X, columns=["z"]))
    with pytest.raises(InvalidInputError, match="target must have the shape"):
        permutation_importance(permutation_growth(teacher, X, np.zeros(400)))


def test_one_row(X):
    assert permutation_importance(permutation_growth(teacher, X.iloc[:1]))["low"].isna().all()


def test_rank_biased_overlap_by_the_sum():
    a, b, p = list("abcd"), list("acbd"), 0.8
    shares = [1, 1 / 2, 1, 1]
    twin = sum((1 - p) * p**i * s for i, s in enumerate(shares)) + p**4
    assert rank_biased_overlap(a, b, p) == pytest.approx(twin)
    assert np.isnan(rank_biased_overlap([], []))
    assert rank_biased_overlap(a, list("wxyz")) == 0
    with pytest.raises(InvalidInputError, match="equally long"):
        rank_biased_overlap(["a"], [])
    with pytest.raises(InvalidInputError, match="persistence"):
        rank_biased_overlap(a, a, 1)


def test_comparison_by_hand():
    t = pd.DataFrame({"feature": ["x", "y", "z"], "estimate": [0.5, 0.3, 0.2]})
    s = pd.DataFrame({"feature": ["x", "z", "w"], "estimate": [0.6, 0.4, -0.1]})
    found = compare_importance(t, s, subject="tree", options=ComparisonOptions(top=2)).set_index("metric")["estimate"]
    assert found["importance_top_k"] == pytest.approx(1 / 3)
    assert found["importance_sign"] == pytest.approx(2 / 4)
    assert found["importance_shared"] == pytest.approx(1 - (0.1 + 0.3 + 0.2) / 2)


def test_comparison_without_any_importance():
    nothing = pd.DataFrame({"feature": ["x", "y"], "estimate": [0.0, 0.0]})
    found = compare_importance(nothing, nothing).set_index("metric")["estimate"]
    assert np.isnan(found["importance_spearman"])
    assert np.isnan(found["importance_shared"])
    with pytest.raises(InvalidInputError, match="top must be at least 1"):
        compare_importance(nothing, nothing, options=ComparisonOptions(top=0))
