from concurrent.futures import ThreadPoolExecutor
from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from explaindistill.numerics.additive import pairs as module
from explaindistill.numerics.additive.gram import Marginal
from explaindistill.numerics.additive.pairs import coarse_cells, scan_pairs
from explaindistill.numerics.additive.purify import pure_basis, purify_table
from explaindistill.numerics.additive.splines import hat_weights


def test_a_pure_interaction_is_found_first_among_190_pairs():
    rng = np.random.default_rng(0)
    cells = rng.integers(0, 8, (20, 3000)).astype(np.uint8)
    noise = rng.normal(size=3000)
    r = np.where((cells[4] > 3) ^ (cells[11] > 3), 0.5, -0.5) + 0.3 * cells[2] + noise
    pairs = list(combinations(range(20), 2))
    sizes = np.full(20, 8, dtype=np.int64)
    gains = scan_pairs(cells, sizes, (r - r.mean())[None], np.ones((1, 3000)), pairs, 1.0)
    assert len(pairs) == 190
    assert pairs[int(gains.argmax())] == (4, 11)
    with ThreadPoolExecutor(2) as pool:
        again = scan_pairs(cells, sizes, (r - r.mean())[None], np.ones((1, 3000)), pairs, 1.0, pool)
    assert np.array_equal(gains, again)
    others = np.delete(gains, gains.argmax())
    assert gains.max() > 5 * others.max()


def test_the_kernel_runs_without_compiler_too():
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 4, (2, 50)).astype(np.uint8)
    r, w = rng.normal(size=50), rng.random(50)
    fast, slow = np.zeros((2, 2, 5, 4))
    module._in_cells(a, b, r, w, fast)
    module._in_cells.py_func(a, b, r, w, slow)
    assert np.array_equal(fast, slow)
    kernel = module._interaction_gain
    assert np.isclose(kernel(*fast.copy(), 1.0, 0.1), kernel.py_func(*slow.copy(), 1.0, 0.1))


def test_cells_of_numbers_and_categories():
    mass = np.array([5.0, 1.0, 1.0, 1.0, 8.0, 2.0, 3.0])
    ordered = coarse_cells(mass, 3, True)
    assert (np.diff(ordered.astype(int)) >= 0).all()
    assert ordered[-1] == ordered.max()
    named = coarse_cells(mass, 3, False)
    assert named[4] != named[0]
    assert named[1] == named[2] == named[3]


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_purifying_keeps_the_function_and_empties_the_margins(seed):
    rng = np.random.default_rng(seed)
    F, W = rng.normal(size=(4, 6)), rng.random((4, 6)) * (rng.random((4, 6)) < 0.8)
    pure, rows, columns, constant = purify_table(F, W)
    assert np.allclose(pure + rows[:, None] + columns[None] + constant, F)
    assert np.abs((W * pure).sum(axis=0)).max() < 1e-8
    assert np.abs((W * pure).sum(axis=1)).max() < 1e-8


def test_pure_surfaces_are_uncorrelated_with_every_function_of_one_column():
    rng = np.random.default_rng(0)
    codes = np.stack([rng.integers(0, 10, 500), rng.integers(0, 7, 500)]).astype(np.uint16)
    codes[1] = np.minimum(codes[1], codes[0])
    a = Marginal(0, *hat_weights(np.arange(10.0), np.array([0.0, 3.0, 6.0, 9.0])), 4)
    b = Marginal(1, *hat_weights(np.arange(7.0), np.array([0.0, 2.0, 6.0])), 3)
    w = rng.random(500)
    Z = pure_basis(a, b, codes, w)
    A, B = a.table()[codes[0]], b.table()[codes[1]]
    F = np.einsum("ia,ib->iab", A, B).reshape(500, -1) @ Z
    assert np.abs(A.T @ (w[:, None] * F)).max() < 1e-9
    assert np.abs(B.T @ (w[:, None] * F)).max() < 1e-9
    assert Z.shape[1] >= 6
    assert np.allclose(Z.T @ Z, np.eye(Z.shape[1]))


def test_noise_alone_promises_nothing_on_the_mean():
    rng = np.random.default_rng(0)
    n, d = 3000, 12
    cells = rng.integers(0, 10, (d, n)).astype(np.uint8)
    pairs = [(a, b) for a in range(d) for b in range(a)]
    noise = rng.normal(scale=0.5, size=(1, n))
    gains = [scan_pairs(cells, np.full(d, 10), noise, np.ones((1, n)), pairs, phi).mean() for phi in (0.25, 0.0)]
    assert abs(gains[0]) < 0.3 * gains[1]
