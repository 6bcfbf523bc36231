"""Controls for Shapley values: exact values of both kinds, the better one is taken, sampling stays unbiased."""

import numpy as np
import pandas as pd
import pytest

from explaindistill import GAMRegressor
from explaindistill.errors import InvalidInputError
from explaindistill.measures.shapley import shapley_exact, shapley_sampled
from explaindistill.measures.shapley_control import shapley_control

ADDITIVE = GAMRegressor(n_pairs=3, random_state=0)


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=600), "b": rng.normal(size=600), "c": rng.choice(["x", "y", "z"], 600)})
    X["d"] = pd.Series(rng.integers(0, 4, 600).astype(float)).where(rng.random(600) > 0.2)
    return X


def stepped(X):
    """Steps on three columns at once, a category and a missing value among them."""
    corner = (X["a"] > 0.2) & (X["b"] > -0.5) & (X["c"] != "x")
    return 2.0 * corner.to_numpy() + (X["d"].isna() & (X["a"] > 0)).to_numpy()


def smooth(X):
    return (X["a"] * X["b"] + np.sin(2 * X["a"])).to_numpy()


@pytest.mark.parametrize("kind", ["trees", "additive"])
def test_values_are_those_of_all_coalitions(rows, kind):
    found = shapley_control(rows, stepped(rows), additive=ADDITIVE, kinds=(kind,), n_trees=20, max_leaf_nodes=8)
    assert found.kind == kind
    X, background = rows.iloc[:12], rows.iloc[-15:].reset_index(drop=True)
    exact = shapley_exact(found.predict, X, background)
    np.testing.assert_allclose(found.shapley(X, background), exact, atol=1e-8)


def test_the_kind_that_leaves_less_is_taken(rows):
    steps = shapley_control(rows, stepped(rows), additive=ADDITIVE, n_trees=60)
    assert steps.kind == "trees"
    assert steps.held_out["trees"] < steps.held_out["additive"]
    curve = shapley_control(rows, smooth(rows), additive=ADDITIVE, n_trees=60)
    assert curve.kind == "additive"
    assert curve.held_out["additive"] < 0.05
    assert not hasattr(ADDITIVE, "n_features_in_"), "the estimator of the caller was fitted"


def test_without_an_additive_model_trees_are_the_only_kind(rows):
    assert set(shapley_control(rows, smooth(rows), n_trees=5).held_out) == {"trees"}
    with pytest.raises(InvalidInputError, match="kinds names additive, so additive must be a regressor"):
        shapley_control(rows, smooth(rows), kinds=("additive",))


def test_sampling_with_a_control_is_unbiased_and_surer(rows):
    X, background = rows.iloc[:8].reset_index(drop=True), rows.iloc[-20:].reset_index(drop=True)
    truth = shapley_exact(stepped, X, background)
    control = shapley_control(rows, stepped(rows), n_trees=60)
    told = (control.predict, control.shapley(X, background))
    plain, helped = (
        np.array([shapley_sampled(stepped, X, background, n_permutations=4, rng=r, control=c)[0] for r in range(60)])
        for c in (None, told)
    )
    assert ((helped - truth) ** 2).sum() < 0.4 * ((plain - truth) ** 2).sum()
    error = helped.std(axis=0, ddof=1) / np.sqrt(len(helped))
    assert (np.abs(helped.mean(axis=0) - truth) <= 4.5 * error + 1e-9).all()


def test_messages(rows):
    with pytest.raises(InvalidInputError, match="answers must have one number per row of X, 600"):
        shapley_control(rows, [1.0])
    with pytest.raises(InvalidInputError, match="at least 50 answered rows, got 3"):
        shapley_control(rows.iloc[:3], [1.0, 2.0, 3.0])
    with pytest.raises(InvalidInputError, match="kinds must name some of trees, additive"):
        shapley_control(rows, stepped(rows), kinds=("net",))
