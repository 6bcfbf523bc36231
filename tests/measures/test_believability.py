"""Made-up rows that are real are not told apart; copies, broken rules and noise are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from explaindistill.data.neighbours import gaps
from explaindistill.data.schema import Schema
from explaindistill.errors import InvalidInputError
from explaindistill.measures.believability import AUC_LIMIT, AllowedRows, believability, broken, worries


def draw(n, seed):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=n)
    frame = pd.DataFrame({"a": a, "b": a + 0.1 * rng.normal(size=n), "c": np.where(a > 0, "hi", "lo")})
    frame["n"] = rng.integers(0, 5, n)
    frame["g_x"] = (a > 0.3).astype(int)
    frame["g_y"] = 1 - frame["g_x"]
    frame.loc[rng.random(n) < 0.1, "b"] = np.nan
    return frame


FITTED, HELD = draw(800, 0), draw(400, 1)
NUMBERS = ["a", "b"]


def legal(n, seed):
    """Rows of the same source within the bounds that fitting saw."""
    rows = draw(n, seed)
    rows[NUMBERS] = rows[NUMBERS].clip(FITTED[NUMBERS].min(), FITTED[NUMBERS].max(), axis=1)
    return rows


SCHEMA = Schema.infer(FITTED)


def measured(made, **promises):
    table = believability(made, HELD, FITTED, AllowedRows(SCHEMA, **promises), subject="s")
    return table.set_index("metric"), worries(table)


def test_rows_of_the_same_source_are_believable():
    table, said = measured(legal(400, 2))
    assert table.loc["two_sample_auc", "low"] < 0.5 < table.loc["two_sample_auc", "high"]
    assert table.loc["near", "low"] < 0.05 < table.loc["near", "high"]
    assert table.loc["novel", "estimate"] == 1
    held = table.loc["distance_held"]
    assert held["low"] < table.loc["distance_made", "estimate"] < held["high"] * 1.2
    assert (table["subject"] == "s").all()
    assert table.loc["two_sample_auc", "n"] == 800
    assert said == []


def test_independent_columns_are_found_out():
    made = pd.DataFrame({c: legal(400, i)[c] for i, c in enumerate(FITTED, start=5)})
    made["g_y"] = 1 - made["g_x"]
    table, said = measured(made)
    assert table.loc["two_sample_auc", "low"] > AUC_LIMIT
    assert table.loc["distance_made", "estimate"] > 2 * table.loc["distance_held", "estimate"]
    assert len(said) == 1
    assert "made-up rows of s: easy to tell from real rows" in said[0]
    assert "try MungeSampler or CopulaSampler" in said[0]


def test_copies_are_counted_and_break_privacy_where_it_was_asked():
    made = pd.concat([FITTED.iloc[:100], legal(300, 3)], ignore_index=True)
    table, said = measured(made)
    assert table.loc["novel", ["k", "n"]].tolist() == [300, 400]
    assert table.loc["violations", "k"] == 0
    assert table.loc["near", "estimate"] > 0.25
    assert said == []
    table, said = measured(made, private=True)
    assert table.loc["violations", "k"] == 100
    assert any("100 of 400 break a bound, a category, a constraint or privacy" in s for s in said)
    assert any("close to single people" in s for s in said)


def test_constraints_are_counted():
    made = legal(400, 2)
    table, said = measured(made, holds=lambda Z: Z[:, 3] < 4)
    assert table.loc["violations", "k"] == (made["n"] == 4).sum() > 0
    assert "break a bound, a category, a constraint; see to the sampler" in said[0]


@pytest.mark.parametrize(
    ("column", "value"),
    [("a", 99.0), ("a", -99.0), ("a", np.nan), ("c", "mid"), ("n", 1.5), ("n", 9.0), ("g_x", 5), ("g_y", "both")],
)
def test_every_kind_of_broken_row_is_seen(column, value):
    assert not broken(SCHEMA.encode(FITTED), SCHEMA).any()
    Z = SCHEMA.encode(FITTED.iloc[:20])
    at = SCHEMA.names.index(column)
    if value == "mid":
        Z[3, at] = -1
    elif value == "both":
        Z[3, [SCHEMA.names.index("g_x"), at]] = 1
    else:
        Z[3, at] = value
    assert np.flatnonzero(broken(Z, SCHEMA)).tolist() == [3]


def test_missing_is_broken_only_where_nothing_was_missing():
    Z = SCHEMA.encode(FITTED.iloc[:20])
    Z[3, 1] = np.nan
    assert not broken(Z, SCHEMA).any()


def test_gaps_are_the_slow_ones():
    rng = np.random.default_rng(0)
    points, others = rng.normal(size=(600, 4)).astype(np.float32), rng.normal(size=(50, 4)).astype(np.float32)
    slow = np.sqrt(((points[:, None].astype(float) - others[None].astype(float)) ** 2).sum(axis=2)).min(axis=1)
    np.testing.assert_allclose(gaps(points, others), slow, rtol=1e-4)
    assert (gaps(others, others) == 0).all()


def test_it_is_the_same_in_every_run():
    made = legal(400, 2)
    one = believability(made, HELD, FITTED, AllowedRows(SCHEMA), most=300)
    pd.testing.assert_frame_equal(one, believability(made, HELD, FITTED, AllowedRows(SCHEMA), most=300))
    more = believability(made, HELD, FITTED, AllowedRows(SCHEMA))
    assert one["estimate"].tolist()[-1] > more["estimate"].tolist()[-1]


def test_too_few_rows_are_an_error():
    with pytest.raises(InvalidInputError, match="held_out must have at least 10 rows, got 9"):
        believability(FITTED, HELD.iloc[:9], FITTED, AllowedRows(SCHEMA))
