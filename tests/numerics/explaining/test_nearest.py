"""The smallest change: bounds, strictness, sums and boxes against enumeration."""

from itertools import product

import numpy as np
import pytest

from explaindistill.numerics.explaining.axes import Choice, Number
from explaindistill.numerics.explaining.nearest import (
    Box,
    Condition,
    nearest_box,
    nearest_sum,
)
from explaindistill.numerics.explaining.nearest_search import nearest_search


@pytest.mark.parametrize("now", [-1.0, 0.0, 4.0, 9.0, 12.0])
@pytest.mark.parametrize("step", [0.0, 1.0])
def test_the_nearest_number_in_a_cell_is_the_nearest(now, step):
    axis = Number(0, now, 0.0, 9.0, step, 1.0)
    grid = np.arange(0, 10) if step else np.linspace(0, 9, 3601)
    for low, high in product(
        [-np.inf, -2.0, 0.0, 3.0, 3.5, 8.9999, 9.0, np.inf], [-np.inf, -0.5, 0.0, 3.7, 5.0, 9.0, np.inf]
    ):
        found = axis.nearest(low, high)
        allowed = [v for v in [*grid, now] if low < v <= high]
        if not allowed:
            assert np.isnan(found) or step == 0
            continue
        assert low < found <= high
        assert found == now or 0 <= found <= 9
        assert abs(found - now) <= min(abs(v - now) for v in allowed) + (1e-5 if step == 0 else 0)


def test_a_strict_bound_is_passed_by_a_short_number():
    assert Number(0, 1.0, 0.0, 100.0, 0.0, 1.0).nearest(low=40.0) == pytest.approx(40.0, abs=1.01e-4)
    assert len(repr(Number(0, 1.0, 0.0, 100.0, 0.0, 1.0).nearest(low=40.0))) < 10


def axes_and_grid(seed):
    """Two whole numbers and a category, small enough to try everything."""
    rng = np.random.default_rng(seed)
    now = (float(rng.integers(0, 6)), float(rng.integers(0, 6)), 0.0)
    axes = [
        Number(0, now[0], 0.0, 5.0, 1.0, 0.2),
        Number(1, now[1], 1.0, 4.0, 1.0, 0.3),
        Choice((2,), ((0.0,), (1.0,), (2.0,)), (0.0, 0.5, 0.7)),
    ]
    ways = [
        [(v, axes[i].cost(v)) for v in np.unique([*range(int(axes[i].low), int(axes[i].high) + 1), now[i]])]
        for i in (0, 1)
    ]
    ways.append([(float(o), axes[2].costs[o]) for o in range(3)])
    grid = [(np.array([v for v, _ in point]), sum(c for _, c in point)) for point in product(*ways)]
    return rng, now, axes, grid


def price(axes, row, now):
    return axes[0].cost(row[0]) + axes[1].cost(row[1]) + axes[2].costs[int(row[2])]


@pytest.mark.parametrize("seed", range(30))
def test_sums_are_the_cheapest_of_all(seed):
    rng, now, axes, grid = axes_and_grid(seed)
    slopes = [rng.normal(size=2), rng.normal(size=2), np.vstack([[0, 0], rng.normal(size=(2, 2)) * 2])]
    needed = rng.normal(size=2)

    def moved(row):
        return (row[0] - now[0]) * slopes[0] + (row[1] - now[1]) * slopes[1] + slopes[2][int(row[2])]

    costs = [c for row, c in grid if (moved(row) >= needed - 1e-9).all()]
    found = nearest_sum(axes, now, slopes, needed)
    if not costs:
        assert found is None
        return
    assert (moved(found) >= needed - 1e-6).all()
    assert price(axes, found, now) == pytest.approx(min(costs), abs=1e-9)


@pytest.mark.parametrize("seed", range(30))
def test_boxes_are_the_cheapest_of_all(seed):
    rng, now, axes, grid = axes_and_grid(seed)
    cuts = rng.uniform(0, 5, (4, 2))
    inside = [frozenset(rng.choice(3, 2, replace=False).tolist()) for _ in range(4)]
    wanted = rng.random((4, 8)) < 0.2

    def conditions(i):
        yes = (
            Condition(0, high=cuts[i, 0]),
            Condition(1, high=cuts[i, 1]),
            Condition(2, holds_code=lambda c: c in inside[i]),
        )
        no = (
            Condition(0, low=cuts[i, 0]),
            Condition(1, low=cuts[i, 1]),
            Condition(2, holds_code=lambda c: c not in inside[i]),
        )
        return yes, no

    def branch(state, box):
        i, at, code = state
        if at == 3:
            return bool(wanted[i, code])
        sides = conditions(i)
        return (((i, at + 1, 2 * code + s), part) for s in (0, 1) if (part := box.narrow(sides[s][at])) is not None)

    def says(i, row):
        yes, _ = conditions(i)
        code = 0
        for at in range(3):
            code = 2 * code + (not yes[at].holds(row[at]))
        return wanted[i, code]

    for i in range(4):
        costs = [c for row, c in grid if says(i, row)]
        found = nearest_box((i, 0, 0), Box.whole(axes, now), branch)
        if not costs:
            assert found is None
        else:
            assert says(i, found)
            assert price(axes, found, now) == pytest.approx(min(costs))


@pytest.mark.parametrize("seed", range(20))
def test_search_finds_a_cheap_way(seed):
    rng, now, axes, grid = axes_and_grid(seed)
    centre = rng.uniform(0, 5, 2)

    def gap(Z):
        return 1.5 - np.abs(Z[:, 0] - centre[0]) - np.abs(Z[:, 1] - centre[1]) + (Z[:, 2] == 2)

    costs = [c for row, c in grid if gap(row[None])[0] >= 0]
    found = nearest_search(axes, now, gap)
    if not costs:
        assert found is None
        return
    assert gap(found[None])[0] >= 0
    assert price(axes, found, now) <= min(costs) * 1.5 + 1e-9


def test_a_column_that_may_not_change_is_only_asked():
    box = Box.whole([], [3.0, np.nan])
    assert box.narrow(Condition(0, high=2.0)) is None
    assert box.narrow(Condition(0, low=2.0)) is box
    assert box.narrow(Condition(1, low=2.0, missing=True)) is box
    assert box.narrow(Condition(1, low=2.0)) is None
    assert nearest_sum([], [1.0], [], np.array([0.5])) is None


def test_conditions_on_one_column_add_up():
    age = Number(0, 30.0, 18.0, 80.0, 1.0, 0.1)
    whole = Box.whole([age], [30.0])
    assert whole.narrow(Condition(0, low=40.0)).narrow(Condition(0, low=35.0)).point().tolist() == [41.0]
    assert whole.narrow(Condition(0, high=20.0)).narrow(Condition(0, high=25.0)).point().tolist() == [20.0]
    assert whole.narrow(Condition(0, low=40.0)).narrow(Condition(0, high=40.0)) is None


def test_of_options_that_cost_the_same_the_first_is_taken():
    choice = Choice((0,), ((0.0,), (1.0,), (2.0,)), (0.0, 0.5, 0.5))
    box = Box.whole([choice], [0.0]).narrow(Condition(0, holds_code=lambda c: c >= 1))
    assert box.point().tolist() == [1.0]


def test_a_number_below_its_bounds_moves_whole_steps_into_them():
    assert nearest_sum([Number(0, 0.0, 2.5, 9.0, 1.0, 1.0)], [0.0], [np.array([1.0])], np.array([1.0])).tolist() == [
        3.0
    ]
    assert nearest_sum([Number(0, 0.0, 2.5, 2.9, 1.0, 1.0)], [0.0], [np.array([1.0])], np.array([1.0])) is None
