"""Row keys: equal rows meet, different rows do not, whatever carries them."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explaindistill.data.row_keys import KeyedRows, distinct, row_keys
from explaindistill.errors import InvalidInputError


def same(a, b):
    return bool((row_keys(a) == row_keys(b)).all())


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "n": [1.5, np.nan, -0.0],
            "i": [1, 2, 2**53 + 1],
            "b": [True, False, True],
            "s": ["a", None, "b"],
            "c": pd.Categorical(["x", "y", None], categories=["x", "y"]),
            "d": pd.to_datetime(["2020-01-01 00:00", None, "2021-05-05 12:00"]),
        }
    )


def test_order_of_rows_and_columns_does_not_matter(frame):
    keys = row_keys(frame)
    assert (row_keys(frame.iloc[::-1]) == keys[::-1]).all()
    assert same(frame, frame[["d", "s", "n", "c", "b", "i"]])


def test_dtype_and_container_do_not_matter(frame):
    assert same(frame.assign(s=frame["s"].astype(object), c=frame["c"].astype(object)), frame)
    assert same(frame.assign(c=frame["c"].cat.reorder_categories(["y", "x"])), frame)
    assert same(frame.assign(b=frame["b"].astype("boolean")), frame.assign(b=frame["b"].astype(int)))
    assert same(frame.assign(i=frame["i"].astype("Int64")), frame.assign(i=frame["i"].astype(object)))
    A = np.array([[1, 2], [3, 4]], dtype=np.int8)
    assert same(A, A.astype(np.float32))
    assert same(A, np.asfortranarray(A))
    assert same(A, A.tolist())
    assert same(A, pd.DataFrame(A))
    assert same(A, pd.DataFrame(A, columns=["x0", "x1"]))


def test_large_integers_stay_apart():
    whole = np.array([[2**53], [2**53 + 1], [2**53 + 2]], dtype=np.int64)
    assert len(np.unique(row_keys(whole), axis=0)) == 3
    unsigned = np.array([[2**63], [2**63 + 1]], dtype=np.uint64)
    assert len(np.unique(row_keys(unsigned), axis=0)) == 2


def test_minus_zero_and_all_kinds_of_missing_are_one():
    assert same(np.array([[0.0]]), np.array([[-0.0]]))
    gone = [[None], [np.nan], [pd.NA], [pd.NaT]]
    keys = np.concatenate([row_keys(pd.DataFrame({"a": pd.Series(g, dtype=object)})) for g in gone])
    assert len(np.unique(keys, axis=0)) == 1


def test_numbers_texts_dates_and_names_are_told_apart():
    cells = [1, "1", pd.Timestamp(1), "", None]
    keys = row_keys(pd.DataFrame({"a": pd.Series(cells, dtype=object)}))
    assert len(np.unique(keys, axis=0)) == len(cells)
    assert not same(pd.DataFrame({"a": [1], "b": [2]}), pd.DataFrame({"b": [1], "a": [2]}))


def test_dates_meet_across_resolution_zone_and_type():
    naive = pd.DataFrame({"d": pd.to_datetime(["2020-01-01 10:00"])})
    zoned = pd.DataFrame({"d": pd.to_datetime(["2020-01-01 11:00+01:00"])})
    assert same(naive, zoned)
    assert same(naive, naive.astype("datetime64[s]"))
    day = pd.DataFrame({"d": pd.Series([dt.date(2020, 1, 1)], dtype=object)})
    assert same(day, pd.DataFrame({"d": pd.to_datetime(["2020-01-01"])}))


def test_truth_values_among_objects_are_numbers():
    mixed = pd.DataFrame({"a": pd.Series([True, "x"], dtype=object)})
    assert same(mixed.iloc[:1], pd.DataFrame({"a": [1]}))


def test_a_cell_that_is_nothing_known_is_an_error():
    with pytest.raises(InvalidInputError, match="column 'a' has a cell of type tuple"):
        row_keys(pd.DataFrame({"a": pd.Series([(1, 2), (3, 4)], dtype=object)}))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from("ab")), min_size=1, max_size=30))
def test_distinct_is_the_slow_dictionary(rows):
    frame = pd.DataFrame(rows, columns=["i", "s"])
    first, number = distinct(row_keys(frame))
    seen: dict = {}
    for i, row in enumerate(rows):
        seen.setdefault(row, i)
    assert first.tolist() == list(seen.values())
    assert [rows[first[j]] for j in number] == rows


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=30))
def test_keys_that_share_their_first_word_are_told_apart(words):
    first, number = distinct(np.array(words, dtype=np.uint64))
    order = list(dict.fromkeys(words))
    assert first.tolist() == [words.index(pair) for pair in order]
    assert number.tolist() == [order.index(pair) for pair in words]


def test_rows_are_keyed_alike_in_blocks_and_one_by_one(monkeypatch):
    frame = pd.DataFrame({"a": [1.5, np.nan, 3.0, 4.0, 5.0], "b": list("xyzxy")})
    whole = row_keys(frame)
    monkeypatch.setattr("explaindistill.data.row_keys._BLOCK_ROWS", 2)
    np.testing.assert_array_equal(row_keys(frame), whole)


def test_keys_travel_with_their_rows():
    given = pd.DataFrame({"a": [3, 1, 3], "b": pd.Categorical(["x", "y", "x"])}, index=[7, 8, 9])
    further = pd.DataFrame({"a": [1, 5], "b": ["y", None]})
    longer = KeyedRows.of(given).append(further)
    np.testing.assert_array_equal(longer.keys, row_keys(pd.concat([given, further], ignore_index=True)))
    assert longer.first.tolist() == [0, 1, 4]
    assert longer.number.tolist() == [0, 1, 0, 1, 2]
    each = longer.distinct(np.array([2, 0]))
    assert each.rows["a"].tolist() == [5, 3]
    np.testing.assert_array_equal(each.keys, row_keys(each.rows))
    assert (each.number == each.first).all()
    assert longer.distinct().with_rows("elsewhere").rows == "elsewhere"


def test_keys_of_a_version_never_change():
    known = row_keys(pd.DataFrame({"age": [41, 17], "city": ["Bern", None]}))
    assert known.tolist() == KNOWN


KNOWN = [[15160292682140623831, 1500354781710418536], [3834240873463580745, 15960689768192806934]]
