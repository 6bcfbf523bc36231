"""Columns of designs: what they are worth, what they are called, where thresholds lie."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from explaindistill.data.design import (
    Column,
    linear_columns,
    matrix,
    rule_columns,
    shortest_between,
    thresholds,
)
from explaindistill.data.schema import Schema
from explaindistill.errors import InvalidInputError


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "x": [1.0, 2.0, np.nan, 4.0],
            "n": [1, 2, 3, 4],
            "c": ["b", "a", "b", None],
            "f": [True, False, True, True],
            "d": pd.to_datetime(["1970-01-02", "1970-01-03", "1970-01-02", None]),
        }
    )


def test_linear_columns_and_their_values() -> None:
    X = frame()
    schema = Schema.infer(X)
    columns, base = linear_columns(schema, X, np.array([1.0, 1.0, 1.0, 2.0]))
    words = [c.words(schema[c.feature]) for c in columns]
    assert words == [
        "x",
        "x is missing",
        "n",
        'c = "a"',
        "c is missing",
        "f = yes",
        "d (days since 1970)",
        "d is missing",
    ]
    assert base == {"c": "b"}
    values = matrix(columns, schema, X)
    assert values[:, 0].tolist() == [1.0, 2.0, 2.8, 4.0]  # the mean, 2.75, in digits that a person reads
    assert values[:, 3].tolist() == [0, 1, 0, 0]
    assert values[:, 6].tolist() == [1, 2, 1, 1.33]
    assert values[:, 7].tolist() == [0, 0, 0, 1]


def test_rule_columns_are_flags_and_missing_is_a_third_answer() -> None:
    X = frame()
    schema = Schema.infer(X)
    columns = rule_columns(schema, X, np.ones(4), n_thresholds=1)
    assert all(c.is_binary for c in columns)
    values = matrix(columns, schema, X)
    assert set(np.unique(values)) == {0.0, 1.0}
    words = [c.words(schema[c.feature]) for c in columns]
    low, high = words.index("x <= 3"), words.index("x > 3")
    assert (values[:, low] + values[:, high]).tolist() == [1, 1, 0, 1]
    assert "d <= 1970-01-02" in words
    assert 'c = "a"' in words
    assert 'c = "b"' in words


def test_json_keeps_what_a_column_has() -> None:
    column = Column("age", "at_most", threshold=40.0)
    assert column.to_dict() == {"feature": "age", "operation": "at_most", "threshold": 40.0}
    assert Column.from_dict(column.to_dict()) == column
    with pytest.raises(InvalidInputError, match="operation must be one of value, missing"):
        Column("age", "between")  # type: ignore[arg-type]  # the point of the test


def test_thresholds_are_quantiles_and_weight_two_is_the_value_twice() -> None:
    values = np.random.default_rng(0).normal(size=500)
    w = np.random.default_rng(1).integers(1, 4, 500)
    cuts = thresholds(values, w.astype(float), 9)
    assert cuts == thresholds(np.repeat(values, w), np.ones(w.sum()), 9)
    share = [(w * (values <= c)).sum() / w.sum() for c in cuts]
    np.testing.assert_allclose(share, np.arange(1, 10) / 10, atol=0.01)
    assert thresholds(np.ones(5), np.ones(5), 3) == []


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(-1.0, 1.0, 0.0), (0.1, 0.2, 0.15), (10.0, 20.0, 15.0), (1.0, np.nextafter(1.0, 2), 1.0), (-3.0, -2.0, -2.5)],
)
def test_a_cut_is_short_and_lies_between(low: float, high: float, expected: float) -> None:
    assert shortest_between(low, high) == expected
    assert low <= shortest_between(low, high) < high
