"""One column's bins and what they tell, held against slow versions."""

import numpy as np
import pytest

from explaindistill.errors import InvalidInputError
from explaindistill.numerics.statistics.single_column import bins_of, out_of_fold_means, out_of_fold_shares

RNG = np.random.default_rng(0)


def test_bins_keep_equal_values_together_and_missing_apart():
    x = np.r_[RNG.normal(size=500).round(2), [np.nan] * 20]
    codes = bins_of(x, 10)
    assert len(np.unique(codes)) == 11
    assert set(codes[np.isnan(x)]) == {10}
    by_value = {v: set(codes[x == v]) for v in np.unique(x[~np.isnan(x)])}
    assert max(map(len, by_value.values())) == 1
    seen = codes[~np.isnan(x)]
    assert (np.diff(seen[np.argsort(x[~np.isnan(x)], kind="stable")]) >= 0).all()
    assert np.bincount(seen).max() < 100


def test_few_values_stay_apart_and_nothing_is_one_bin():
    assert bins_of([3, 1, 2, 3]).tolist() == [2, 0, 1, 2]
    assert bins_of([np.nan, np.nan]).tolist() == [0, 0]


def test_means_of_the_other_folds_by_hand():
    codes, y = RNG.integers(0, 4, 60), RNG.random(60)
    fold = np.random.default_rng(3).permutation(60) % 5
    for i, value in enumerate(out_of_fold_means(codes, y, 3)):
        others = fold != fold[i]
        mine = others & (codes == codes[i])
        assert value == pytest.approx((y[mine].sum() + y[others].mean()) / (mine.sum() + 1))


def test_a_rows_own_target_does_not_tell():
    y = RNG.random(40)
    changed = y.copy()
    changed[7] += 10
    first, second = (out_of_fold_means(np.arange(40) % 3, t, 1) for t in (y, changed))
    assert first[7] == second[7]
    assert out_of_fold_means([0, 1] * 5, np.ones((10, 2))).shape == (10, 2)
    with pytest.raises(InvalidInputError, match="n_folds must lie between 2 and the number of rows, 3, got 5"):
        out_of_fold_means([0, 1, 0], [0, 1, 0])


def test_shares_by_cell_are_the_means_by_row():
    codes, labels = RNG.integers(0, 4, 60), RNG.integers(0, 3, 60)
    share, count = out_of_fold_shares(codes, labels, 3, 5)
    assert count.sum() == 60
    for label in range(3):
        means = out_of_fold_means(codes, labels == label, 5)
        cells = np.repeat(share[:, label], count[:, label])
        np.testing.assert_array_equal(np.sort(cells), np.sort(means[labels == label]))
    with pytest.raises(InvalidInputError, match="n_folds must lie between"):
        out_of_fold_shares(codes, labels, 3, n_folds=1)
