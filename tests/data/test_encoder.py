"""The encoder is data: what it writes is what it does."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from explaindistill.errors import InvalidInputError
from explaindistill.teachers import TableEncoder


@pytest.fixture
def rows():
    return pd.DataFrame(
        {
            "age": [20.0, 40.0, np.nan],
            "home": ["own", None, "rent"],
            "flag": [True, False, True],
            "since": pd.to_datetime(["2020-01-01", "2020-01-03", "2020-01-02"]),
            "same": [5, 5, 5],
        }
    )


def test_the_slow_way(rows):
    Z = TableEncoder(dtype="float64", min_category_size=1).fit(rows).transform(rows)
    age = np.array([-1, 1, 0])
    home = np.array([[1, 0, 0], [0, 0, 1], [0, 1, 0]])
    flag = (np.array([1, 0, 1]) - 2 / 3) / np.sqrt(2 / 9)
    since = np.array([-1, 1, 0]) / np.sqrt(2 / 3)
    assert np.column_stack([age, [0, 0, 1], home, flag, since, [0, 0, 0]]) == pytest.approx(Z)


def test_unseen_and_rare_categories_are_zeros():
    rows = pd.DataFrame({"c": ["a"] * 3 + ["b"] * 2 + ["z"]})
    encoder = TableEncoder(max_levels=2, min_category_size=1).fit(rows)
    assert encoder.transform(pd.DataFrame({"c": ["a", "b", "z", "new"]})).tolist() == [[1, 0], [0, 1], [0, 0], [0, 0]]


def test_it_survives_json(rows):
    encoder = TableEncoder().fit(rows)
    text = json.dumps(encoder.to_dict(), allow_nan=False)
    again = TableEncoder.from_dict(json.loads(text))
    assert again.to_dict() == encoder.to_dict()
    assert (again.transform(rows) == encoder.transform(rows)).all()
    assert again(rows).dtype == np.float32


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"encoder_version": 9}, "encoder_version must be 1, got 9"),
        ({"dtype": "object"}, "dtype must be 'float32' or 'float64', got 'object'"),
        ({"columns": []}, "must have as many columns as its schema, 5, got 0"),
        ({"columns": [{"mean": 0, "scale": 0, "missing": False}]}, "scale above 0"),
    ],
)
def test_damaged_forms(rows, change, message):
    with pytest.raises(InvalidInputError, match=message):
        TableEncoder.from_dict(TableEncoder().fit(rows).to_dict() | change)


def test_max_levels(rows):
    with pytest.raises(InvalidInputError, match="max_levels must be at least 2, got 1"):
        TableEncoder(max_levels=1).fit(rows)
