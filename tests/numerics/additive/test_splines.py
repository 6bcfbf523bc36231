import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from explaindistill.numerics.additive.splines import (
    curvature_penalty,
    discretise,
    hat_weights,
    quantile_knots,
    slope_penalty,
)


def test_few_values_keep_a_bin_each_and_missing_comes_last():
    x = np.array([3.0, np.nan, 1.0, 3.0])
    values, codes, mass = discretise(x, np.array([1.0, 2.0, 3.0, 4.0]))
    assert values.tolist() == [1.0, 3.0]
    assert codes.tolist() == [1, 2, 0, 1]
    assert mass.tolist() == [3.0, 5.0, 2.0]


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_bins_hold_neighbours_and_their_weighted_mean(seed):
    rng = np.random.default_rng(seed)
    x, w = rng.normal(size=500), rng.integers(1, 4, 500).astype(float)
    values, codes, mass = discretise(x, w, max_bins=20)
    assert len(values) <= 20
    assert (np.diff(codes[np.argsort(x)].astype(int)) >= 0).all()
    for b in range(len(values)):
        inside = codes == b
        assert np.isclose(values[b], np.average(x[inside], weights=w[inside]))
        assert np.isclose(mass[b], w[inside].sum())
    assert values[0] == x.min()
    assert values[-1] == x.max()


def test_equal_weights_give_the_bins_of_unequal_code_path():
    x = np.random.default_rng(0).normal(size=400)
    nearly = np.ones(400)
    nearly[0] = 1.0 + 1e-12
    one, other = discretise(x, np.ones(400), 30), discretise(x, nearly, 30)
    assert np.array_equal(one[1], other[1])
    assert np.allclose(one[0], other[0])


def test_a_spike_is_a_knot_and_so_are_its_neighbours():
    values = np.linspace(0, 10, 200)
    mass = np.ones(200)
    mass[100] = 400.0
    knots = quantile_knots(values, mass, 8)
    assert set(values[[99, 100, 101]]) <= set(knots)
    assert knots[0] == 0
    assert knots[-1] == 10


def test_one_heavy_value_does_not_stop_the_knots():
    knots = quantile_knots(np.arange(5.0), np.array([0.0, 0.0, 9.0, 0.0, 0.0]), 3)
    assert knots.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_hats_interpolate_and_go_on_as_a_line():
    knots = np.array([0.0, 1.0, 4.0])
    f = np.array([0.0, 2.0, -1.0])
    x = np.array([-1.0, 0.5, 2.0, 6.0])
    lo, hi, share = hat_weights(x, knots)
    assert np.allclose((1 - share) * f[lo] + share * f[hi], [-2.0, 1.0, 1.0, -3.0])
    assert hat_weights(x, np.array([3.0]))[2].tolist() == [0.0] * 4


def test_penalties_are_those_of_the_formula():
    rng = np.random.default_rng(0)
    knots = np.sort(rng.normal(size=6))
    f = rng.normal(size=6)
    assert np.isclose(f @ slope_penalty(knots) @ f, np.sum(np.diff(f) ** 2))
    h = np.diff(knots) / np.ptp(knots) * 5
    s = np.diff(f) / h
    for a in (-1.0, 2.0):
        slow = sum((s[j + 1] - s[j]) ** 2 * ((h[j] + h[j + 1]) / 2) ** a for j in range(4))
        assert np.isclose(f @ curvature_penalty(knots, a) @ f, slow)
    assert np.allclose(curvature_penalty(knots) @ knots, 0, atol=1e-9)
    assert not curvature_penalty(knots[:2]).any()


def test_knots_where_nearly_all_mass_lies_on_the_last_value():
    values = np.concatenate([np.linspace(0, 1, 40), [50.0, 51.0]])
    mass = np.concatenate([np.full(40, 1e-3), [30.0, 1.0]])
    knots = quantile_knots(values, mass, 16)
    assert np.isin(knots, values).all()
    assert knots[-1] == 51.0
