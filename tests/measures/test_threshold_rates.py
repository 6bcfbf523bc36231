"""Rates at other thresholds: right, and no step between two of them tells of few people."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explaindistill.measures.suppression import suppress
from explaindistill.measures.threshold_rates import threshold_rates


def rows(n: int, seed: int):
    rng = np.random.default_rng(seed)
    who = pd.DataFrame({"sex": rng.choice(["f", "m"], n), "age": rng.choice(["a", "b", "c"], n, p=[0.6, 0.3, 0.1])})
    return rng.beta(0.8, 0.8, n), who


def test_every_line_counts_who_reaches_its_threshold():
    score, who = rows(2_000, 0)
    table = threshold_rates(score, 0.37, who, subject="gam")
    assert (table["subject"] == "gam").all()
    for line in table.to_dict("records"):
        mine = score[(who[line["attribute"]] == line["group"]).to_numpy()]
        assert (line["n"], line["k"]) == (len(mine), (mine >= line["threshold"]).sum())
        assert line["estimate"] == line["k"] / line["n"]
        assert line["low"] < line["estimate"] < line["high"]
    assert table.groupby("attribute")["threshold"].nunique().min() > 10
    assert (table["threshold"] == 0.37).sum() == 5  # the audit's own is there for every group


@settings(deadline=None, max_examples=40)
@given(st.integers(60, 800), st.integers(0, 50), st.sampled_from([2, 10, 25]), st.floats(0.05, 0.95))
def test_no_step_tells_of_fewer_people_than_the_minimum(n, seed, minimum, bound):
    score, who = rows(n, seed)
    table = suppress({"t": threshold_rates(score, bound, who, minimum=minimum)}, who, minimum)["t"]
    shown = table[table["status"] == "ok"]
    for _, lines in shown.groupby(["attribute", "group"]):
        counts = lines.sort_values("threshold")["k"].to_numpy()
        assert (-np.diff(counts) >= minimum).all()
    totals = {}  # of everyone, as each attribute gives it away
    for (attribute, threshold), lines in shown.groupby(["attribute", "threshold"]):
        if set(lines["group"]) == set(who[attribute]):
            totals[threshold] = lines["k"].sum()
    ordered = np.array([totals[t] for t in sorted(totals)])
    assert (-np.diff(ordered) >= minimum).all()


def test_a_withheld_group_has_no_counts_and_clusters_no_intervals():
    score, who = rows(500, 1)
    who.loc[:4, "sex"] = "x"
    table = suppress({"t": threshold_rates(score, 0.5, who, minimum=10)}, who, 10)["t"]
    assert table.loc[(table["attribute"] == "sex") & (table["group"] == "x"), "k"].isna().all()
    clustered = threshold_rates(score, 0.5, who, clustered=True)
    assert clustered[["low", "high"]].isna().all().all()
    assert set(clustered["method"]) == {""}


@pytest.mark.parametrize("bound", [0.0, 1.0])
def test_a_threshold_at_the_edge_is_kept(bound):
    score, who = rows(300, 2)
    assert bound in set(threshold_rates(score, bound, who)["threshold"])
