"""Bins and sums of an additive fit in one part of the rows, by hand; that parts add up is tested elsewhere."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax

from explaindistill.data.parts import AnsweredPart, FramePart
from explaindistill.data.schema import Schema
from explaindistill.numerics.additive.gram import Design
from explaindistill.numerics.additive.row_sums import BinnedRows
from explaindistill.numerics.additive.splines import bins_of
from explaindistill.numerics.exact_sums import lifted
from explaindistill.numerics.one_part import OnePart
from explaindistill.students.gam import bins
from explaindistill.students.gam.bins import row_draws
from explaindistill.students.gam.sums import At, gain_sums

LIFT = lifted(1e6)


def part_of(X):
    schema = Schema.infer(X)
    return schema, AnsweredPart(FramePart(0, X), schema.names, np.zeros((len(X), 1)), None, None)


def runs(X, share):
    schema, part = part_of(X)
    return bins._drawn_runs(part, schema, list(range(len(schema))), share, LIFT)


def test_the_ends_of_a_column_join_the_drawn_values_and_weigh_least():
    drawn = np.array([-1.0, 0.0, 2.0]), np.array([5.0, 1.5, 3.0])
    values, mass = bins._with_ends(drawn, (-9.0, 2.0))
    assert values.tolist() == [-9.0, -1.0, 0.0, 2.0]
    assert mass.tolist() == [1.5, 5.0, 1.5, 4.5]


def test_ends_are_those_of_all_rows_and_values_those_of_drawn_ones():
    x = np.random.default_rng(0).normal(size=4_000)
    n, ((values, mass),), bounds = runs(pd.DataFrame({"x": np.where(np.arange(4_000) % 9 == 0, np.nan, x)}), 0.1)
    present = x[np.arange(4_000) % 9 != 0]
    assert bounds == [(present.min(), present.max())]
    assert 250 < len(values) < 450
    assert present.min() < values.min() <= values.max() < present.max()
    assert len(values) == mass.sum() <= n


def test_rows_are_drawn_alike_with_either_zero():
    other = np.random.default_rng(1).normal(size=500)
    one, two = (runs(pd.DataFrame({"x": np.full(500, zero), "y": other}), 0.2) for zero in (0.0, -0.0))
    assert one[0] == two[0] > 50
    assert one[1][1][0].tolist() == two[1][1][0].tolist()


def test_where_the_draw_holds_few_rows_bins_are_those_of_all(monkeypatch):
    """A hundred contents of 60 rows each: where the draw holds one of them, its value would be the only bin."""
    monkeypatch.setattr(bins, "SORTED_ROWS", 150)
    monkeypatch.setattr(bins, "SAMPLED_VALUES", 0)
    few = 0
    for seed in range(12):
        x = np.repeat(np.random.default_rng(seed).normal(size=100), 60)
        schema, part = part_of(pd.DataFrame({"x": x}))
        values, last = bins._bins(OnePart(part), len(x), schema, LIFT, None)
        if 0 < runs(pd.DataFrame({"x": x}), 150 / 6_000)[0] < 75:
            few += 1
            expected = bins_of(np.unique(x), np.full(100, 60.0), bins.MAX_BINS)
            assert values[0].tolist() == expected[0].tolist()
            assert last[0].tolist() == expected[1].tolist()
    assert few > 0


def test_another_salt_draws_other_rows():
    rows = BinnedRows(np.arange(4_000, dtype=np.uint16)[None] % 2_000, np.zeros(4_000), np.ones(4_000))
    one, two = (row_draws(rows, 0.3, salt) for salt in (1, 2))
    assert (one[:2_000] == one[2_000:]).all()  # by their bins alone
    for draw in (one, two):
        assert abs(draw.mean() - 0.3) < 0.05
    assert abs((one & two).mean() - 0.09) < 0.03


@pytest.mark.parametrize("centre", [0.0, 0.4])
def test_gains_and_their_squares_around_a_centre_are_weighted(centre):
    rng = np.random.default_rng(3)
    y, weight = rng.dirichlet(np.ones(3), 50), rng.random(50) + 0.1
    rows = BinnedRows(np.zeros((1, 50), dtype=np.uint16), y, weight)
    levels = np.array([[0.3, -0.2, 0.1], [1.0, 0.0, -1.0]])
    now, before = (At(Design(()), level[:, None], None, 1.0, 1.0) for level in levels)
    loss, earlier = (2 * (y * (np.log(y) - np.log(softmax(level)))).sum(axis=1) for level in levels)
    total, squares = gain_sums(rows, now, before, centre)
    gain = earlier - loss
    assert total.value() == pytest.approx(weight @ gain)
    assert squares.value() == pytest.approx(weight @ (gain - centre) ** 2)
    total, squares = gain_sums(rows, now, None, centre)
    assert total.value() == pytest.approx(weight @ loss)
