"""Shapley values: efficiency, twins by all orders, unbiased sampling, the gain of a control."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from explaindistill.errors import InvalidInputError
from explaindistill.measures.shapley import shapley_exact, shapley_pairwise, shapley_sampled

RNG = np.random.default_rng(0)
X = pd.DataFrame(RNG.normal(size=(6, 4)), columns=list("abcd")).assign(c=list("uvuvuv"))
BACKGROUND = pd.DataFrame(RNG.normal(size=(9, 4)), columns=list("abcd")).assign(c=list("uuvuvvuuv"))


def pairs(rows):
    return (rows["a"] * rows["b"] + 2 * rows["a"] + (rows["c"] == "u") * rows["d"]).to_numpy()


def triple(rows):
    return pairs(rows) + 0.3 * (rows["a"] * rows["b"] * rows["d"]).to_numpy()


def by_all_orders(f):
    """The definition: mean contribution over every order and background row."""
    out = np.zeros((len(X), 4))
    orders = list(permutations("abcd"))
    for i in range(len(X)):
        for order in orders:
            rows = BACKGROUND.copy()
            before = f(rows).mean()
            for name in order:
                rows[name] = X[name].iloc[i]
                after = f(rows).mean()
                out[i, "abcd".index(name)] += (after - before) / len(orders)
                before = after
    return out


@pytest.mark.parametrize("f", [pairs, triple])
def test_exact_is_the_mean_over_all_orders(f):
    np.testing.assert_allclose(shapley_exact(f, X, BACKGROUND), by_all_orders(f), atol=1e-12)


@pytest.mark.parametrize("f", [pairs, triple])
def test_rows_sum_to_the_answer(f):
    values = shapley_exact(f, X, BACKGROUND)
    np.testing.assert_allclose(values.sum(axis=1), f(X) - f(BACKGROUND).mean(), atol=1e-12)


def test_pairwise_is_exact_for_pairs_and_not_for_triples():
    np.testing.assert_allclose(shapley_pairwise(pairs, X, BACKGROUND), shapley_exact(pairs, X, BACKGROUND), atol=1e-12)
    assert np.abs(shapley_pairwise(triple, X, BACKGROUND) - shapley_exact(triple, X, BACKGROUND)).max() > 1e-3


def test_sampling_is_unbiased_within_its_error_and_the_control_pays():
    truth = shapley_exact(triple, X, BACKGROUND)
    plain, error = shapley_sampled(triple, X, BACKGROUND, n_permutations=400)
    assert np.abs((plain - truth)[error > 0] / error[error > 0]).max() < 4.5
    control = (pairs, shapley_pairwise(pairs, X, BACKGROUND))
    better, _ = shapley_sampled(triple, X, BACKGROUND, n_permutations=400, control=control)
    assert ((better - truth) ** 2).sum() < ((plain - truth) ** 2).sum() / 4


def test_one_pair_has_no_error():
    _, error = shapley_sampled(pairs, X, BACKGROUND, n_permutations=2)
    assert np.isnan(error).all()


def test_each_order_asks_only_about_mixed_rows():
    asked = []

    def counting(rows):
        asked.append(len(rows))
        return triple(rows)

    shapley_sampled(counting, X, BACKGROUND, n_permutations=4)
    assert sum(asked) == len(X) + len(BACKGROUND) + 4 * (X.shape[1] - 1) * len(X)


def test_several_outputs_are_sampled_at_once():
    both = shapley_sampled(lambda r: np.column_stack([pairs(r), triple(r)]), X, BACKGROUND, n_permutations=6)
    for k, f in enumerate((pairs, triple)):
        alone = shapley_sampled(f, X, BACKGROUND, n_permutations=6)
        np.testing.assert_allclose(both[0][:, :, k], alone[0])
        np.testing.assert_allclose(both[1][:, :, k], alone[1])


def test_one_column_is_what_it_moves():
    one = X[["a"]]
    values, _ = shapley_sampled(lambda r: r["a"].to_numpy() ** 2, one, BACKGROUND[["a"]], n_permutations=2)
    assert values.shape == (6, 1)


def test_messages():
    with pytest.raises(InvalidInputError, match="columns of X"):
        shapley_exact(pairs, X, BACKGROUND[["b", "a", "c", "d"]])
    with pytest.raises(InvalidInputError, match="at least 1 row"):
        shapley_exact(pairs, X[:0], BACKGROUND)
    wide = pd.DataFrame(np.zeros((1, 13)))
    with pytest.raises(InvalidInputError, match="at most 12 columns"):
        shapley_exact(lambda r: np.zeros(len(r)), wide, wide)
    with pytest.raises(InvalidInputError, match="n_permutations must be at least 2"):
        shapley_sampled(pairs, X, BACKGROUND, n_permutations=1)
    with pytest.raises(InvalidInputError, match="values of the control"):
        shapley_sampled(pairs, X, BACKGROUND, control=(pairs, np.zeros((1, 1))))


def test_many_columns_are_asked_in_parts_of_the_same_answers(monkeypatch):
    from explaindistill.measures import _batches

    X = pd.DataFrame(np.random.default_rng(0).normal(size=(5, 7)), columns=list("abcdefg"))
    asked = []

    def product(rows):
        asked.append(len(rows))
        return (rows["a"] * rows["b"] + rows["g"]).to_numpy()

    whole = shapley_sampled(product, X, X, n_permutations=4)
    monkeypatch.setattr(_batches, "CELLS", 80)  # two steps of five rows and seven columns
    parts = shapley_sampled(product, X, X, n_permutations=4)
    np.testing.assert_array_equal(whole, parts)
    assert set(asked) == {5, 30, 10}
