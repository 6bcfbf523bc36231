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


@pytest.mark.parametrize("n_bins", [1, 3, 7])
def test_ends_of_bins_are_quantiles_that_were_seen(n_bins):
    x = RNG.integers(0, 40, 200).astype(float)
    order = np.sort(x)
    ends = np.unique([order[int(np.floor(199 * (b + 1) / n_bins + 1e-9))] for b in range(n_bins)])
    expected = [int(np.sum(ends < v)) for v in x]
    assert bins_of(x, n_bins).tolist() == expected


def test_as_many_values_as_bins_stay_apart():
    x = np.repeat(np.arange(20.0), [1] * 19 + [81])
    assert bins_of(x).tolist() == x.astype(int).tolist()
    assert len(np.unique(bins_of(np.r_[x, 20.0]))) < 21
    assert bins_of(np.array([3, 1, 2, 3], dtype=np.uint8)).tolist() == [2, 0, 1, 2]
    assert bins_of([None, 2, None, 1]).tolist() == [2, 1, 2, 0]
    assert bins_of([np.inf, -np.inf, 0.0]).tolist() == [2, 0, 1]


@pytest.mark.parametrize("n_folds", [2, 3, 6])
def test_several_targets_and_another_number_of_folds(n_folds):
    codes, y = np.array([0, 1, 0, 2, 1, 0]), RNG.random((6, 2))
    fold = np.random.default_rng(4).permutation(6) % n_folds
    found = out_of_fold_means(codes, y, 4, n_folds)
    for i in range(6):
        others = fold != fold[i]
        mine = others & (codes == codes[i])
        expected = (y[mine].sum(axis=0) + y[others].mean(axis=0)) / (mine.sum() + 1)
        np.testing.assert_allclose(found[i], expected)
    one = out_of_fold_means(codes, (y[:, 0] > 0.5).astype(np.uint8), np.random.default_rng(4), n_folds)
    assert one == pytest.approx(out_of_fold_means(codes, (y[:, 0] > 0.5).astype(float), 4, n_folds))


@pytest.mark.parametrize("n_folds", [2, 5, 30])
def test_shares_by_cell_by_hand(n_folds):
    codes, labels = RNG.integers(0, 3, 30), RNG.integers(0, 4, 30)
    fold = np.random.default_rng(7).permutation(30) % n_folds
    share, count = out_of_fold_shares(codes, labels, 5, 7, n_folds)
    assert share.shape == count.shape == (3 * n_folds, 5)
    for f in range(n_folds):
        for b in range(3):
            others, cell = fold != f, (fold == f) & (codes == b)
            mine = others & (codes == b)
            for label in range(5):
                assert count[f * 3 + b, label] == (labels[cell] == label).sum()
                expected = ((labels[mine] == label).sum() + (labels[others] == label).mean()) / (mine.sum() + 1)
                assert share[f * 3 + b, label] == pytest.approx(expected)


def test_folds_are_of_one_size_and_between_two_and_all():
    for n_folds in (1, 4):
        with pytest.raises(
            InvalidInputError, match=rf"^n_folds must lie between 2 and the number of rows, 3, got {n_folds}$"
        ):
            out_of_fold_shares([0, 0, 1], [0, 1, 1], 2, n_folds=n_folds)
    assert out_of_fold_means([0, 0], [1.0, 3.0], n_folds=2).tolist() == [3, 1]


def test_one_bin_has_one_cell_a_fold():
    share, count = out_of_fold_shares([0, 0, 0], [0, 1, 1], 2, n_folds=3)
    assert share.shape == count.shape == (3, 2)
    assert out_of_fold_means([0, 0, 0], [1.0, 1.0, 1.0], n_folds=3).tolist() == [1, 1, 1]


def test_flags_have_the_means_of_numbers_to_the_last_bit():
    rng = np.random.default_rng(0)
    codes, flags = rng.integers(0, 7, 403), rng.random((403, 2)) < 0.3
    for target in (flags, flags[:, 0]):
        np.testing.assert_array_equal(
            out_of_fold_means(codes, target, 1), out_of_fold_means(codes, target.astype(float), 1)
        )
