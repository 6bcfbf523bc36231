from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy.linalg import null_space

from explaindistill.numerics.additive import gram as module
from explaindistill.numerics.additive.families import Bernoulli
from explaindistill.numerics.additive.gram import (
    Block,
    Design,
    Effects,
    Marginal,
    cross,
    cross_of,
    gram,
    predictor,
    predictors,
    totals,
)
from explaindistill.numerics.additive.row_sums import BinnedRows, collect
from explaindistill.numerics.additive.splines import hat_weights


def make(seed=0, n=60, bins=9):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, bins, (3, n)).astype(np.uint16)
    margins = [
        Marginal(i, *hat_weights(np.arange(float(bins)), np.linspace(0, bins - 1, k)), k)
        for i, k in enumerate((4, 3, 5))
    ]
    blocks = [
        *[
            Block((m,), null_space(np.ones((1, m.size))), (np.eye(m.size - 1),), np.zeros(m.size - 1, bool))
            for m in margins
        ],
        Block((margins[0], margins[1]), rng.normal(size=(12, 5)), (np.eye(5),), np.zeros(5, bool)),
        Block((margins[2], margins[1]), rng.normal(size=(15, 4)), (np.eye(4),), np.zeros(4, bool)),
    ]
    return Design(tuple(blocks)), codes, rng


def dense(design, codes):
    """The matrix that the package never writes down."""
    parts = [np.ones((codes.shape[1], 1))]
    for block in design.blocks:
        tables = [m.table()[codes[m.axis]] for m in block.margins]
        raw = tables[0] if len(tables) == 1 else np.einsum("ia,ib->iab", *tables).reshape(codes.shape[1], -1)
        parts.append(raw @ block.Z)
    return np.hstack(parts)


def test_products_are_those_of_the_dense_matrix():
    design, codes, rng = make()
    X = dense(design, codes)
    w, r, beta = rng.random(60), rng.normal(size=60), rng.normal(size=design.size)
    assert np.allclose(gram(design, codes, w), X.T @ (w[:, None] * X))
    assert np.allclose(cross(design, codes, r), X.T @ r)
    assert np.allclose(predictor(design, codes, beta), X @ beta)


def test_outputs_side_by_side_are_each_alone_to_the_last_bit():
    design, codes, rng = make()
    R, B = rng.normal(size=(3, 60)), rng.normal(size=(3, design.size))
    bound = float(np.abs(R).sum())
    together = totals(design, codes, R, bound)
    assert np.allclose(cross_of(design, together), [cross(design, codes, r) for r in R])
    for k, r in enumerate(R):
        for total, alone in zip(together, totals(design, codes, r, bound), strict=True):
            assert np.array_equal(total[k], alone)
    assert np.allclose(predictors(design, codes, B), [predictor(design, codes, b) for b in B], rtol=0, atol=1e-13)


def test_no_predictor_lies_beyond_its_reach():
    design, codes, rng = make(n=5000)
    B = rng.normal(size=(3, design.size))
    eta, (low, high) = predictors(design, codes, B), Effects.of(design, B).reach()
    assert (eta >= low[:, None]).all()
    assert (eta <= high[:, None]).all()
    of_columns = Design(design.blocks[:1]), B[:, : 1 + design.blocks[0].size]
    few, (least, most) = predictors(of_columns[0], codes, of_columns[1]), Effects.of(*of_columns).reach()
    assert np.array_equal(few.min(axis=1), least)
    assert np.array_equal(few.max(axis=1), most)


def test_threads_give_the_same_sums():
    design, codes, rng = make(n=20_000)
    w = rng.random(20_000)
    with ThreadPoolExecutor(2) as pool:
        assert np.array_equal(gram(design, codes, w, pool), gram(design, codes, w))


def test_statistics_of_chunks_add_up():
    design, codes, rng = make(n=200)
    rows = BinnedRows(codes, rng.random(200), rng.random(200))
    beta = rng.normal(size=design.size)
    whole = collect(design, rows, Bernoulli(), beta)
    parts = [collect(design, rows.take(np.arange(i, 200, 3)), Bernoulli(), beta) for i in range(3)]
    total = parts[0] + parts[1] + parts[2]
    assert np.allclose(total.gram, whole.gram)
    assert np.allclose(total.score, whole.score)
    assert np.isclose(total.deviance, whole.deviance)
    assert np.isclose(total.scaled(2.0).weight, 2 * whole.weight)


@pytest.mark.parametrize(
    "name",
    [
        "_blend",
        "_unblend",
        "_gather",
        "_scatter",
        "_gather_pair",
        "_scatter_pair",
        "_main_main",
        "_main_pair",
        "_pair_pair",
    ],
)
def test_kernels_run_without_compiler_too(name, monkeypatch):
    design, codes, rng = make()
    w, beta = rng.random(60), rng.normal(size=design.size)
    before = gram(design, codes, w), cross(design, codes, w), predictor(design, codes, beta)
    monkeypatch.setattr(module, name, getattr(module, name).py_func)
    after = gram(design, codes, w), cross(design, codes, w), predictor(design, codes, beta)
    assert all(np.allclose(a, b) for a, b in zip(before, after, strict=True))
