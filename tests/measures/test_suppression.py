"""Figures of small groups are withheld in every frame, and cannot be worked out from what is left."""

from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest

from explaindistill.measures.bias import GroupOptions, group_rates
from explaindistill.measures.gaps import group_gaps
from explaindistill.measures.groups import groupings
from explaindistill.measures.suppression import NEIGHBOUR, hidden_groups, suppress, withheld_lines, withhold
from explaindistill.measures.table import frame, row


@pytest.fixture
def people():
    rng = np.random.default_rng(0)
    sex = np.repeat(["f", "m", "x"], [400, 350, 6])
    return pd.DataFrame({"sex": sex, "old": rng.random(756) < 0.4})


def test_a_small_group_and_the_smallest_neighbour(people):
    assert {g for a, g in hidden_groups(people, 10) if a == "sex"} == {"m", "x"}


def test_no_small_group_hides_nothing(people):
    assert hidden_groups(people[people["sex"] != "x"], 10) == set()


def test_a_minimum_of_one_shows_everything(people):
    frames = {
        "rates": group_rates(np.ones(756), favorable=1, attributes=people, options=GroupOptions(min_group_size=30))
    }
    assert suppress(frames, people, 1)["rates"].equals(frames["rates"])


def test_withheld_lines_have_no_number_left(people):
    rng = np.random.default_rng(1)
    y, decision = rng.random(756) < 0.5, rng.random(756) < 0.5
    rates = group_rates(decision, favorable=True, attributes=people, y=y)
    found = suppress({"rates": rates, "gaps": group_gaps(rates), "other": pd.DataFrame({"a": [1]})}, people, 10)
    gone = found["rates"][found["rates"]["group"].isin(["m", "x"]) & (found["rates"]["attribute"] == "sex")]
    assert (gone["status"] == "suppressed").all()
    assert gone[["n", "k", "n_effective", "estimate", "low", "high"]].isna().all(axis=None)
    assert gone.loc[gone["group"] == "x", "reason"].eq("withheld: min_group_size=10").all()
    assert gone.loc[gone["group"] == "m", "reason"].eq(NEIGHBOUR).all()
    gaps = found["gaps"][found["gaps"]["attribute"] == "sex"]
    assert (gaps["status"] == "suppressed").all(), "a gap to a withheld group tells of it"
    kept = found["rates"][(found["rates"]["group"] == "f") & (found["rates"]["attribute"] == "sex")]
    assert (kept["status"] == "ok").all()
    assert found["other"].equals(pd.DataFrame({"a": [1]}))


def test_three_positives_hide_what_rests_on_labels_and_leave_the_selection_rate():
    people = pd.DataFrame({"sex": np.repeat(["f", "m", "x"], [300, 300, 200])})
    y = np.zeros(800, dtype=bool)
    y[:150] = y[300:450] = y[600:603] = True
    decision = np.arange(800) % 2 == 0
    rates = group_rates(decision, favorable=True, attributes=people, y=y, subject="teacher")
    found = suppress({"rates": rates}, people, 10)["rates"]
    x = found[found["group"] == "x"].set_index("metric")["status"]
    assert x["selection_rate"] == "ok"
    assert x.drop("selection_rate").eq("suppressed").all()
    others = found[(found["metric"] == "true_positive_rate") & (found["group"] != "x")]["status"]
    assert (others == "suppressed").sum() == 1, "one more, or the total tells"


def crossed(cells):
    """People in the cells of a table of any number of columns."""
    at = np.repeat(list(product(*map(range, cells.shape))), cells.ravel(), axis=0)
    return pd.DataFrame({name: at[:, i].astype(str) for i, name in enumerate("abc"[: cells.ndim])})


def few_that_follow(who, hidden, minimum):
    """Sets of withheld groups of one family that are few people, and whose count solves the system of the shown."""
    groups = groupings(who)
    finest = np.unique(np.column_stack([g.codes for g in groups]), axis=0)
    members = {
        (g.attribute, g.names[i]): (finest[:, j] == i) * 1.0 for j, g in enumerate(groups) for i in range(len(g))
    }
    sizes = {(g.attribute, name): n for g in groups for name, n in zip(g.names, np.bincount(g.codes), strict=True)}
    shown = np.array([np.ones(len(finest)), *(m for key, m in members.items() if key not in hidden)])
    for family in {attribute for attribute, _ in hidden}:
        small = [key for key in hidden if key[0] == family and sizes[key] < minimum]
        for few in (s for k in range(1, min(len(small), minimum) + 1) for s in combinations(small, k)):
            if sum(sizes[key] for key in few) < minimum:
                wanted = sum(members[key] for key in few)
                weights = np.linalg.lstsq(shown.T, wanted, rcond=None)[0]
                if np.allclose(weights @ shown, wanted, atol=1e-7):
                    yield few


@pytest.mark.parametrize("seed", [0, 1, 4, 5, 8, 46, 74, 126])
@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 3)], ids=str)
def test_neither_one_group_of_few_people_nor_several_follow_from_what_is_shown(seed, shape):
    cells = np.random.default_rng(seed).exponential(40, shape).astype(int) + 1
    who = crossed(cells)
    hidden = hidden_groups(who, 10)
    finest = {key for key in hidden if key[0].count("×") == len(shape) - 1}
    assert len(finest) >= (cells < 10).sum() > 0
    assert list(few_that_follow(who, hidden, 10)) == []


def test_few_in_one_crossed_group_leave_the_selection_rates_of_all_who_are_many():
    """Six people, and elsewhere four of whom something rests on labels: only the six may be known by no selection."""
    cells = np.array([[9000, 4000, 700, 150], [8800, 4100, 690, 140], [180, 90, 35, 6]])
    who, decision, rng = crossed(cells), np.zeros(cells.sum(), dtype=bool), np.random.default_rng(0)
    decision[rng.permutation(len(who))[:6000]] = True
    of_last = np.flatnonzero(who["b"] == "3")
    decision[of_last], decision[of_last[100:104]] = False, True
    rates = group_rates(decision, favorable=True, attributes=who, y=rng.random(len(who)) < 0.5, subject="teacher")
    hidden = hidden_groups(who, 10)
    assert len(hidden) == 4
    out = suppress({"rates": rates}, who, 10)["rates"]
    selected = out[out["metric"] == "selection_rate"]
    gone = set(
        selected.loc[selected["status"] == "suppressed", ["attribute", "group"]].itertuples(index=False, name=None)
    )
    assert gone == hidden
    precise = out[(out["metric"] == "positive_predictive_value") & (out["attribute"] == "b")].set_index("group")
    assert precise.loc["3", "status"] == "suppressed"  # the four
    assert (precise["reason"] == NEIGHBOUR).sum() == 1  # and another, or all that is left would tell
    assert (precise["status"] == "suppressed").sum() == 2
    assert (withheld_lines(rates, who, 10) == (out["status"] == "suppressed")).all()


def test_few_shares_of_two_groups_take_a_third_with_them():
    """Of two groups three and four are positive: who subtracts the others would know the rate of seven."""
    who = pd.DataFrame({"sex": np.repeat(list("abcd"), [300, 300, 200, 150])})
    y = np.zeros(950, dtype=bool)
    y[:150] = y[300:450] = y[600:603] = y[800:804] = True
    rates = group_rates(np.arange(950) % 2 == 0, favorable=True, attributes=who, y=y, subject="teacher")
    out = suppress({"rates": rates}, who, 10)["rates"]
    rate = out[out["metric"] == "true_positive_rate"].set_index("group")["status"]
    assert rate.eq("suppressed").sum() == 3
    assert rate[["c", "d"]].eq("suppressed").all()
    assert (out.loc[out["metric"] == "selection_rate", "status"] == "ok").all()


def test_a_partition_of_too_many_cells_is_withheld_whole():
    rng = np.random.default_rng(2)
    people = pd.DataFrame({"a": rng.integers(0, 40, 5000).astype(str), "b": rng.integers(0, 40, 5000).astype(str)})
    found = hidden_groups(people, 10)
    assert {a for a, _ in found} == {"a × b"}
    assert len(found) == len(set(zip(people["a"], people["b"], strict=True)))


def shown(lines):
    table = frame([row(metric, 0.5, 0.4, 0.6, **more) for metric, more in lines], extra=["feature"])
    return suppress({"table": table}, pd.DataFrame(index=range(100)), 10)["table"]


def test_figures_of_few_people_without_a_value_are_withheld():
    lines = [("accuracy", {"n": 100})]
    lines += [("accuracy_where_missing", {"n": n, "feature": f}) for f, n in (("a", 1), ("b", 30), ("c", 95))]
    lines += [("missing_flip", {"n": 99, "feature": "a"}), ("missing_flip", {"n": 70, "feature": "b"})]
    assert shown(lines)["status"].tolist() == ["ok", "suppressed", "ok", "suppressed", "suppressed", "ok"]


def test_places_of_a_curve_with_few_people_are_withheld_with_the_one_that_would_tell_them():
    sizes = {"age": (40, 57, 3), "pay": (60, 40)}
    lines = [
        ("twin_difference", {"n": n, "feature": f, "subset": f"{f}{i}"}) for f in sizes for i, n in enumerate(sizes[f])
    ]
    table = shown(lines)
    assert table["status"].tolist() == ["suppressed", "ok", "suppressed", "ok", "ok"]
    assert table.loc[table["status"] == "suppressed", "estimate"].isna().all()


@pytest.mark.parametrize(("rows_alike", "is_shown"), [(2, False), (9, False), (0, True), (12, True)])
def test_scores_of_few_equal_rows_are_withheld(rows_alike, is_shown):
    lines = [("duplicate_rows", {"n": 100, "k": rows_alike}), ("duplicates_differ", {"n": rows_alike // 2, "k": 1})]
    lines += [("duplicate_variance", {"n": rows_alike}), ("score_explained", {"n": 100})]
    assert shown(lines)["status"].eq("ok").tolist() == [is_shown] * 3 + [True]


def test_a_withheld_flag_is_no_and_stays_a_flag():
    table = frame([row("twin_difference", 0.5, 0.4, 0.6, n=n, differs=True) for n in (3, 97)], extra=["differs"])
    out = withhold(table, np.array([True, False]), 10)["differs"]
    assert out.tolist() == [False, True]
    assert out.dtype == bool
