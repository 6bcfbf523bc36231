"""Errors alike in time: the correlation against numpy's own, and how often independent rows are warned of."""

import numpy as np
import pandas as pd
import pytest

from explaindistill.measures.time_order import serial_correlation


def walk(n, r, rng):
    """Errors of which neighbours correlate by r."""
    e = rng.normal(size=n)
    for i in range(1, n):
        e[i] = r * e[i - 1] + np.sqrt(1 - r**2) * e[i]
    return e


def test_the_correlation_is_that_of_neighbours_in_time_whatever_the_order_of_rows():
    rng = np.random.default_rng(0)
    e = walk(800, 0.4, rng)
    when = pd.date_range("2024-01-01", periods=800, freq="h")
    order = rng.permutation(800)
    line = serial_correlation({"tree": e[order]}, when[order], column="day").iloc[0]
    assert line["estimate"] == pytest.approx(np.corrcoef(e[1:], e[:-1])[0, 1], abs=0.005)
    assert (line["verdict"], line["feature"], line["n"]) == ("dependent", "day", 800)


def test_independent_errors_are_hardly_ever_warned_of():
    rng = np.random.default_rng(1)
    said = [serial_correlation({"m": rng.standard_t(3, 400)}, np.arange(400))["verdict"][0] for _ in range(600)]
    assert said.count("dependent") <= 10  # half a percent is 3


def test_clusters_that_hold_the_neighbours_cover_them():
    e = walk(600, 0.6, np.random.default_rng(2))
    days = np.arange(600) // 24
    table = serial_correlation({"m": e}, np.arange(600), clusters=days)
    assert table["verdict"][0] == "covered"
    assert serial_correlation({"m": e}, np.arange(600), clusters=np.arange(600))["verdict"][0] == "dependent"


def test_missing_times_and_errors_are_left_out():
    e = walk(200, 0.5, np.random.default_rng(3))
    when = pd.Series(pd.date_range("2024-01-01", periods=200)).where(np.arange(200) != 17)
    e[40] = np.nan
    assert serial_correlation({"m": e}, when)["n"][0] == 198
    assert serial_correlation({"m": np.zeros(200)}, when)["verdict"][0] == "none"
    assert serial_correlation({"m": e[:9]}, when[:9])["verdict"][0] == "none"
