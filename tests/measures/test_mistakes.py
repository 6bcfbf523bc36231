import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.errors import InvalidInputError
from explaindistill.measures import mistakes as module
from explaindistill.measures.bias import GroupOptions
from explaindistill.measures.mistakes import mistakes
from explaindistill.numerics.statistics.intervals import wilson


def grow(rows, wrong):
    return xd.TreeClassifier(max_leaf_nodes=4, min_samples_leaf=20).fit(rows, wrong)


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {"age": rng.integers(18, 90, 4000), "city": rng.choice(["a", "b"], 4000), "noise": rng.random(4000)}
    )


def test_finds_the_region_where_the_student_is_wrong(rows):
    wrong = (rows["age"] > 60) & (rows["city"] == "b")
    found = mistakes(rows, wrong, grow, rng=1)
    worst = found.iloc[1]
    assert worst["subset"] == 'age > 60 and city is not "a"'
    assert worst["estimate"] == 1.0
    assert found["estimate"].iloc[1:].is_monotonic_decreasing
    assert found["n"].iloc[0] == found["n"].iloc[1:].sum() == 2000


def test_random_mistakes_show_no_region_whose_interval_leaves_the_mean(rows):
    rng = np.random.default_rng(2)
    outside = 0
    for seed in range(20):
        found = mistakes(rows, rng.random(len(rows)) < 0.1, grow, rng=seed)
        outside += ((found["low"][1:] > 0.1) | (found["high"][1:] < 0.1)).any()
    assert outside <= 4


def test_intervals_are_simultaneous(rows):
    wrong = rows["age"] > 60
    found = mistakes(rows, wrong, grow, rng=1)
    regions = found.iloc[1:]
    line = regions.iloc[0]
    low, _ = wilson(line["k"], line["n"], 1 - 0.05 / len(regions))
    assert line["low"] == pytest.approx(float(low))


@pytest.mark.parametrize("value", [False, True])
def test_nothing_or_everything_wrong_is_one_line(rows, value):
    found = mistakes(rows, np.full(len(rows), value), grow)
    assert found["subset"].tolist() == [""]
    assert found["estimate"].tolist() == [float(value)]


def test_weights_count(rows):
    wrong = rows["age"] > 60
    w = np.where(wrong, 3.0, 1.0)
    plain, weighted = mistakes(rows, wrong, grow, rng=1), mistakes(rows, wrong, grow, rng=1, sample_weight=w)
    assert weighted["estimate"].iloc[0] > plain["estimate"].iloc[0]


def test_wrong_length(rows):
    with pytest.raises(InvalidInputError, match="wrong must have one flag per row of X, 4000, got shape"):
        mistakes(rows, [True], grow)


def test_no_figure_on_a_region_of_few():
    class Grown:
        """Cells at 10 and 390 of 400: the outer ones are small on the half that counts."""

        def rules(self):
            return pd.DataFrame({"leaf": [0, 1, 2, 3], "rule": ["a", "b", "c", "d"]})

        def apply(self, rows):
            return np.digitize(rows["x"], [6, 200, 300])

    X = pd.DataFrame({"x": range(400)})
    table = mistakes(X, X["x"] % 3 == 0, lambda rows, flags: Grown(), rng=0, options=GroupOptions(min_group_size=10))
    regions = table.iloc[1:]
    gone = regions[regions["status"] == "suppressed"]
    assert set(gone["subset"]) > {"a"}
    assert gone[["n", "k", "estimate", "low", "high"]].isna().all(axis=None)
    assert table["n"].iloc[0] - regions["n"].sum() >= 10, "what the shown regions leave is no small one either"
    every = mistakes(X, X["x"] % 3 == 0, lambda rows, flags: Grown(), rng=0, options=GroupOptions(min_group_size=1))
    assert (every["status"] == "ok").all()


def test_a_tree_that_grows_on_a_sample_finds_the_same_regions_and_counts_all_of_the_other_half(rows, monkeypatch):
    wrong = (rows["age"] > 60) & (rows["city"] == "b")
    whole = mistakes(rows, wrong, grow, rng=1)
    grown_on = []

    def seen(X, flags):
        grown_on.append(X.index)
        return grow(X, flags)

    mistakes(rows, wrong, seen, rng=1)
    monkeypatch.setattr(module, "LEARNT_ROWS", 800)
    sampled = mistakes(rows, wrong, seen, rng=1)
    half, sample = grown_on
    assert len(sample) == 800
    assert set(sample) < set(half), "no row counts that the tree was grown on"
    assert sampled.iloc[0].equals(whole.iloc[0]), "all rows of the second half count"
    assert sampled["n"].iloc[1:].sum() == whole["n"].iloc[0]
    assert sampled["estimate"].iloc[1] > 0.95
