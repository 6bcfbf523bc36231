import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explaindistill.numerics.trees.rounding import fewest_digits, plainest_moment


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
