"""Text as codes has the values, keys and numbers of the text."""

import numpy as np
import pandas as pd
import pytest

from explaindistill.data.encoder import TableEncoder
from explaindistill.data.row_keys import row_keys
from explaindistill.data.schema import Schema
from explaindistill.data.text_codes import coded, uncoded


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "city": pd.array(["Bern", None, "Zug", "Bern"], dtype="str"),
            "age": [31, 45, 27, 60],
            "code": pd.array(["b", "a", pd.NA, "a"], dtype="string"),
            "mixed": np.array(["x", None, float("nan"), 3], dtype=object),
            "level": pd.Categorical(["low", "high", "low", None], categories=["low", "high"], ordered=True),
        },
        index=[7, 3, 3, 1],
    )


def test_rows_that_were_taken_apart_and_mixed_are_text_again(frame):
    at = [2, 0, 0, 1]
    pd.testing.assert_frame_equal(uncoded(coded(frame).iloc[at], frame), frame.iloc[at])
    assert coded(frame)["mixed"].dtype == object
    assert coded(frame)["level"].equals(frame["level"])


def test_keys_and_numbers_are_those_of_the_text(frame):
    rows = frame.drop(columns="mixed")
    np.testing.assert_array_equal(row_keys(coded(rows)), row_keys(rows))
    np.testing.assert_array_equal(Schema.infer(rows).encode(coded(rows)), Schema.infer(rows).encode(rows))
    encoder = TableEncoder(min_category_size=1).fit(rows)
    np.testing.assert_array_equal(encoder.transform(coded(rows)), encoder.transform(rows))


def test_names_of_columns_may_be_anything(frame):
    named = frame.set_axis([0, ("a", 1), None, "x", 2.5], axis=1)
    pd.testing.assert_frame_equal(uncoded(coded(named), named), named)
