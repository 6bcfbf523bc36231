import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explaindistill.numerics.trees.rounding import fewest_digits, plain_middle, plainest_moment


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (39, 45, 40),
        (99.5, 101, 100),
        (0, 1, 0),
        (-1, 0, -1),
        (148.9, 153, 150),
        (0.1213, 0.1291, 0.125),
        (-2, 1.5, 0),
        (-0.001, 1000, 0),
        (-0.001, 999, 500),
        (1e-310, 3e-310, 2e-310),
        (-1.5e308, 1.5e308, 0),
        (1.0, np.nextafter(1.0, 2), 1.0),
    ],
)
def test_known_gaps(low, high, expected):
    assert fewest_digits(float(low), float(high)) == pytest.approx(expected, rel=1e-3)


@given(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300))
def test_the_threshold_lies_in_the_gap(a, b):
    low, high = min(a, b), max(a, b)
    if low < high:
        assert low <= fewest_digits(low, high) < high


@given(st.integers(-999, 998), st.integers(1, 300))
def test_no_number_in_the_gap_has_fewer_digits(low, width):
    high = low + width
    found = fewest_digits(float(low), float(high))
    digits = len(str(int(abs(found))).rstrip("0"))
    assert found.is_integer() or high - low == 1
    fewest = min((len(str(abs(k)).rstrip("0")) for k in range(low, high) if k), default=1)
    assert digits <= max(1, fewest)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (39, 45, 42),
        (30, 41, 36),
        (40, 50, 45),
        (30_000, 50_000, 40_000),
        (0.29991, 0.30003, 0.3),
        (99_993, 100_020, 100_000),
        (96, 102, 100),
        (0, 1, 0),
        (39, 40, 39),
        (4.9, 5.0, 4.9),
        (4.7, 5.0, 4.8),
        (0.8, 1.4, 1.0),
        (0.1213, 0.1291, 0.125),
        (-2, 1.5, 0),
        (-1.5e308, 1.5e308, 0),
        (1.0, np.nextafter(1.0, 2), 1.0),
        (1e-310, 3e-310, 2e-310),
    ],
)
def test_thresholds_keep_to_the_middle_and_to_the_columns_own_digits(low, high, expected):
    assert plain_middle(float(low), float(high)) == pytest.approx(expected, rel=1e-3)


@given(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300))
def test_a_threshold_in_the_middle_lies_in_the_gap(a, b):
    low, high = min(a, b), max(a, b)
    if low < high:
        assert low <= plain_middle(low, high) < high


@given(st.integers(-999, 998), st.integers(1, 300))
def test_whole_numbers_are_cut_at_whole_numbers_near_the_middle(low, width):
    high = low + width
    number = plain_middle(float(low), float(high))
    assert number.is_integer()
    if number % 100:  # else it may be one that saves two digits
        # of whole numbers the cut at t lies between t and t + 1
        assert abs(number + 0.5 - (low + high) / 2) <= width / 6 + 1


def seconds(text):
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp()


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        ("2019-11-03", "2020-02-01", "2020-01-01"),
        ("2020-01-03", "2020-02-11", "2020-02-01"),
        ("2020-01-03 10:00", "2020-01-03 12:20", "2020-01-03 11:00"),
        ("2020-01-03 10:00:01", "2020-01-03 10:00:02", "2020-01-03 10:00:01"),
    ],
)
def test_moments_are_as_plain_as_the_gap_allows(low, high, expected):
    assert plainest_moment(seconds(low), seconds(high)) == seconds(expected)


def test_a_gap_within_a_second():
    assert plainest_moment(10.25, 10.5) == 10.25
