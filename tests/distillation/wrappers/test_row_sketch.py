import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from explaindistill.distillation.wrappers.row_sketch import RowSketch


def stream(n, seed=0, levels=None):
    rng = np.random.default_rng(seed)
    a = rng.random(n) if levels is None else rng.integers(0, levels, n).astype(float)
    X = pd.DataFrame({"a": a, "b": rng.choice(["x", "y", None], n)})
    return X, rng.random((n, 2)), rng.integers(1, 4, n).astype(float)


def same(one, other):
    (X, Y, w), (X2, Y2, w2) = one.rows(), other.rows()
    pd.testing.assert_frame_equal(X, X2)
    np.testing.assert_allclose(Y, Y2, rtol=1e-12)
    assert np.array_equal(w, w2)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 300), max_size=5), st.integers(0, 99), st.sampled_from([None, 3, 40]))
def test_chunks_in_any_order_add_up_to_the_whole(cuts, seed, levels):
    X, Y, w = stream(300, seed, levels)
    whole, parts, merged = RowSketch(30, seed=5), RowSketch(30, seed=5), RowSketch(30, seed=5)
    whole.add(X, Y, w)
    chunks = np.split(np.random.default_rng(seed).permutation(300), sorted(cuts))
    for chunk in chunks:
        parts.add(X.iloc[chunk], Y[chunk], w[chunk])
        if len(chunk):
            alone = RowSketch(30, seed=5)
            alone.add(X.iloc[chunk], Y[chunk], w[chunk])
            merged.merge(alone)
    same(whole, parts)
    same(whole, merged)


def test_twin_weights_and_means_are_those_of_all_equal_rows():
    X, Y, w = stream(2000, 1, levels=50)
    sketch = RowSketch(20)
    for start in range(0, 2000, 7):
        rows = slice(start, start + 7)
        sketch.add(X[rows], Y[rows], w[rows])
    kept, mean, weight = sketch.rows()
    assert len(kept) == 20
    for i, row in kept.iterrows():
        equal = (
            (X["a"] == row["a"]) & (X["b"].fillna("") == (row["b"] if isinstance(row["b"], str) else ""))
        ).to_numpy()
        assert weight[i] == w[equal].sum()
        np.testing.assert_allclose(mean[i], np.average(Y[equal], axis=0, weights=w[equal]))


def test_the_sample_is_uniform_and_its_size_bounded():
    X, Y, _ = stream(20_000, 2)
    sketch = RowSketch(1000)
    for start in range(0, 20_000, 100):
        rows = slice(start, start + 100)
        sketch.add(X[rows], Y[rows])
        assert sum(len(part[0]) for part in sketch._parts) <= 1250 + 100
    kept = sketch.rows()[0]["a"]
    assert len(kept) == 1000
    # four standard errors of the mean, and of each tenth's share
    assert abs(kept.mean() - 0.5) < 4 * np.sqrt(1 / 12 / 1000)
    assert np.abs(np.histogram(kept, 10, (0, 1))[0] - 100).max() < 4 * np.sqrt(90)


def test_the_seed_chooses_the_sample():
    X, Y, _ = stream(500)
    samples = []
    for seed in (0, 1):
        sketch = RowSketch(50, seed)
        sketch.add(X, Y)
        samples.append(set(sketch.rows()[0]["a"]))
    assert samples[0] != samples[1]
