"""Curves of effects against slow twins from the papers, and their influences against leaving a row out."""

import numpy as np
import pytest

from explaindistill.numerics.explaining.effect_curves import accumulated, area_between, averaged, middle


def slow_accumulated(change, cell, n_cells, w):
    """Apley and Zhu's equations 15 and 16, cell by cell."""
    value = [0.0]
    for k in range(n_cells):
        inside = [i for i in range(len(cell)) if cell[i] == k]
        value.append(value[-1] + sum(w[i] * change[i] for i in inside) / sum(w[i] for i in inside))
    known = [i for i in range(len(cell)) if cell[i] >= 0]
    mean = sum(w[i] * (value[cell[i]] + value[cell[i] + 1]) / 2 for i in known) / sum(w[i] for i in known)
    return np.array(value) - mean


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    w = rng.integers(1, 4, 60).astype(float)
    return rng.normal(size=60), rng.integers(-1, 3, 60), w / w.sum()


def test_accumulated_effects_equal_the_paper(rows):
    change, cell, w = rows
    np.testing.assert_allclose(accumulated(change, cell, 3, w).value, slow_accumulated(change, cell, 3, w), atol=1e-12)


def test_influences_are_derivatives_by_the_weight_of_a_row(rows):
    change, cell, w = rows
    curve = accumulated(change, cell, 3, w)
    step = 1e-6
    for i in range(0, 60, 7):
        more = w + step * (np.arange(60) == i)
        slope = (slow_accumulated(change, cell, 3, more) - curve.value) / step
        np.testing.assert_allclose(curve.moved[i], w[i] * slope, atol=1e-6)
    np.testing.assert_allclose(curve.moved.sum(axis=0), 0, atol=1e-12)


def test_partial_dependence_is_a_mean_and_so_are_its_influences(rows):
    answers = np.random.default_rng(1).normal(size=(60, 4))
    curve = averaged(answers, rows[2])
    np.testing.assert_allclose(curve.value, np.average(answers, axis=0, weights=rows[2]))
    np.testing.assert_allclose(curve.moved.sum(axis=0), 0, atol=1e-12)


def test_the_middle_of_a_curve_is_its_mean_over_the_rows():
    line = middle(averaged(np.array([[0.0, 2.0, 6.0]]), np.ones(1)), np.array([3.0, 1.0]), line=True)
    assert line.value.tolist() == [-1.75, 0.25, 4.25]  # the mean is (3 · 1 + 1 · 4) / 4
    levels = middle(averaged(np.array([[0.0, 4.0]]), np.ones(1)), np.array([3.0, 1.0]), line=False)
    assert levels.value.tolist() == [-1.0, 3.0]


def test_the_area_is_that_of_fine_steps():
    d, half, mass = np.array([-1.0, 0.5, 0.25]), np.array([0.2, 0.3, 0.1]), np.array([1.0, 3.0])
    fine = np.linspace(0, 2, 200_001)
    line, band = np.interp(fine, [0, 1, 2], d), np.interp(fine, [0, 1, 2], half)
    weight = np.where(fine < 1, 1.0, 3.0)
    expected = [np.average(v, weights=weight) for v in (np.abs(line), np.maximum(np.abs(line) - band, 0),
                                                        np.abs(line) + band)]  # fmt: skip
    np.testing.assert_allclose(area_between(d, half, mass, line=True)[:3], expected, atol=1e-4)


def test_curves_that_may_be_the_same_have_a_low_limit_of_nothing():
    area, low, high, _ = area_between(np.array([-0.1, 0.2]), np.array([0.3, 0.3]), np.ones(1), line=True)
    assert low == 0.0 < area < high


@pytest.mark.parametrize("line", [True, False])
def test_a_row_more_in_a_cell_moves_the_area_as_it_says(line):
    curve, mass = np.array([0.3, -1.0, 0.5, 0.8]), np.array([2.0, 5.0, 3.0] if line else [2.0, 5.0, 3.0, 1.0])

    def of(counts):
        d = middle(averaged(curve[None, :], np.ones(1)), counts, line).value
        return area_between(d, np.zeros(4), counts, line)

    area, step = of(mass), 1e-6
    for k in range(len(mass)):
        more = of(mass + step * (np.arange(len(mass)) == k))
        assert area.moved[k] / mass.sum() == pytest.approx((more.estimate - area.estimate) / step, abs=1e-5)
