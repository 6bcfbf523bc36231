"""Copies are warned of, equal rows that few values make are not: both sides, on made-up and on real tables."""

import numpy as np
import pandas as pd
import pytest

from explaindistill.errors import InvalidInputError
from explaindistill.measures import copies as module
from explaindistill.measures.copies import copies

TABLES = (
    "adult", "bike_sharing", "california_housing", "compas", "credit_default", "fault", "german_credit", "heloc",
    "magic", "page", "room",
)  # fmt: skip


def verdict(rows, **more):
    return copies(rows, **more)["verdict"].iloc[0]


def few_valued(n, columns, seed, values=3):
    """People of two kinds, so that columns of few values depend on each other."""
    rng = np.random.default_rng(seed)
    kind = rng.random(n) < 0.4
    return pd.DataFrame({f"x{i}": (rng.random((n, values)) < np.where(kind, 0.3, 0.7)[:, None]).sum(axis=1)
                         for i in range(columns)})  # fmt: skip


@pytest.mark.parametrize("columns", [1, 2, 4, 8, 12])
def test_few_values_make_equal_rows_and_no_alarm(columns):
    said = [verdict(few_valued(n, columns, seed)) for n in (100, 1_000, 5_000) for seed in range(15)]
    assert said.count("dependent") <= 1  # of 45; one in a hundred is what the divisor may do


@pytest.mark.parametrize("times", [2, 10])
@pytest.mark.parametrize("columns", [4, 8, 12])
def test_whole_copies_are_seen_also_among_few_values(columns, times):
    for seed in range(10):
        rows = few_valued(300, columns, seed)
        table = copies(pd.concat([rows] * times))
        assert table["verdict"].iloc[0] == "dependent"
        assert table["n"].iloc[0] == 300 * times


def test_ten_copies_of_rows_of_long_numbers_are_worth_the_rows():
    once = pd.DataFrame(np.random.default_rng(0).normal(size=(200, 3)))
    line = copies(pd.concat([once] * 10)).iloc[0]
    assert (line["k"], line["n"], line["estimate"]) == (1_800, 2_000, 0.9)
    assert line["n_effective"] == pytest.approx(2_000 / (1 + 9))
    assert "each distinct row stands 10 times" in line["reason"]


@pytest.mark.parametrize("share", [0.02, 0.2])
def test_rows_drawn_again_are_seen_from_a_share_that_matters(share):
    """Oversampling: of 2,000 rows of long numbers some come twice; 2 in 100 change no interval, 20 do."""
    rng = np.random.default_rng(3)
    rows = few_valued(2_000, 4, 0).assign(income=rng.lognormal(10, 1, 2_000).round())
    more = pd.concat([rows, rows.sample(frac=share, random_state=1)])
    assert verdict(more) == ("dependent" if share > 0.05 else "negligible")


def oversampled(seed, times=3, columns=2):
    """A rare class whose people are given more than once, among columns of few values."""
    rng = np.random.default_rng(seed)
    rows = few_valued(1_000, columns, seed, values=9).assign(y=(rng.random(1_000) < 0.1).astype(int))
    return pd.concat([rows, *[rows[rows["y"] == 1]] * (times - 1)], ignore_index=True)


@pytest.mark.parametrize("times", [2, 3])
def test_a_rare_class_that_was_multiplied_is_seen_among_two_columns(times):
    for seed in range(10):
        rows = oversampled(seed, times)
        line = copies(rows).iloc[0]
        rare = int(rows["y"].sum())
        assert line["verdict"] == "dependent"
        assert line["n_effective"] == pytest.approx(len(rows) / (1 + (times - 1) * rare / len(rows)))
        assert f"of one value of 'y' each distinct row stands {times} times or a multiple of that" in line["reason"]
        assert verdict(oversampled(seed, 1)) == "as chance gives"


def test_people_who_are_given_as_clusters_cover_what_was_multiplied():
    for rows, times in ((oversampled(1), 1), (few_valued(300, 4, 1), 2)):
        whole = pd.concat([rows] * times)
        person = np.tile(np.arange(len(rows)), times)
        if times == 1:
            person[1_000:] = np.tile(np.flatnonzero(rows["y"][:1_000] == 1), 2)
        assert verdict(whole) == "dependent"
        assert verdict(whole, clusters=person) == "as chance gives"


def test_a_cluster_is_not_taken_for_a_value_of_the_first_column():
    """(0, cluster 1) and (1, cluster 0) are different people in different clusters: nothing covers their copies."""
    value = np.tile(np.arange(40), 2)
    rows, swapped = pd.DataFrame({"a": value}), np.r_[np.arange(40)[::-1], np.arange(40) + 40]
    assert verdict(rows, clusters=swapped) == "dependent"


def test_clusters_that_hold_the_copies_cover_them():
    once = pd.DataFrame(np.random.default_rng(0).normal(size=(200, 3)))
    tenfold, person = pd.concat([once] * 10), np.tile(np.arange(200), 10)
    assert verdict(tenfold, clusters=person) == "covered"
    assert verdict(tenfold, clusters=np.repeat(np.arange(10), 200)) == "dependent"
    with pytest.raises(InvalidInputError, match="clusters must have one entry per row: 2000 rows, got 3"):
        copies(tenfold, clusters=[1, 2, 3])


def test_one_hot_columns_and_recoded_ones_are_no_sign():
    rows = few_valued(1_500, 3, 2)
    same = rows.assign(**{f"is_{v}": (rows["x0"] == v).astype(int) for v in range(4)}, twin=rows["x1"] * 10)
    assert verdict(same) == "as chance gives"


def test_a_sample_of_many_rows_decides_alike(monkeypatch):
    rows = few_valued(4_000, 8, 1)
    again = rows.assign(number=np.arange(4_000) // 2)
    want = [verdict(rows), verdict(again)]
    monkeypatch.setattr(module, "COMPARED_ROWS", 1_000)
    assert [verdict(rows), verdict(again)] == want


def test_nothing_to_compare():
    assert verdict(pd.DataFrame(index=range(5))) == "none"
    assert np.isnan(copies(pd.DataFrame({"x": []}))["estimate"].iloc[0])


@pytest.mark.data
@pytest.mark.parametrize("name", TABLES)
def test_real_tables_are_not_cried_wolf_at(name, real_data):
    """Whole, and cut down to columns of few values, whose rows are equal by themselves; each ten times is seen."""
    whole = pd.read_csv(real_data / f"{name}.csv.gz", low_memory=False).sample(frac=1.0, random_state=0)[:8_000]
    columns = whole.nunique().sort_values(kind="stable").index
    for k in (4, 7, 10, len(columns)):
        rows = whole[columns[:k]]
        assert verdict(rows) != "dependent", (name, k)
        assert verdict(pd.concat([rows[:2_000]] * 10)) == "dependent", (name, k)


@pytest.mark.data
def test_a_real_table_with_copies_is_told(real_data):
    """One in ten rows of the image segments is there twice, in nineteen measured numbers."""
    line = copies(pd.read_csv(real_data / "segment.csv.gz")).iloc[0]
    assert (line["verdict"], line["k"]) == ("dependent", 224)


def test_more_possible_rows_than_floats_count_are_no_warning():
    rng = np.random.default_rng(0)
    wide = pd.DataFrame(rng.integers(0, 500, (500, 200)))
    with np.errstate(all="raise"):
        assert verdict(wide) == "none"
        assert verdict(pd.concat([wide] * 5)) == "dependent"
