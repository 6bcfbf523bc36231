"""Statements about many groups."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from explaindistill.errors import InvalidInputError
from explaindistill.measures.bias import GroupOptions, group_rates
from explaindistill.measures.comparisons import (
    gap_tests,
    power_table,
    worst_pairs,
)
from explaindistill.measures.gaps import group_gaps
from explaindistill.measures.strata import stratified_gaps
from explaindistill.measures.unknown_groups import missing_bounds
from explaindistill.numerics.statistics.hypotheses import detectable_difference, fisher, power_of_difference
from explaindistill.numerics.statistics.intervals import simultaneous_level
from explaindistill.numerics.statistics.score_limits import score_difference, score_ratio


def rates_of(*counts, names="abcdefgh"):
    """Rates of groups given as (selected, of how many)."""
    d = np.concatenate([np.r_[np.ones(k, int), np.zeros(n - k, int)] for k, n in counts])
    group = np.repeat(list(names[: len(counts)]), [n for _, n in counts])
    return group_rates(d, attributes=pd.DataFrame({"g": group}), favorable=1)


def test_the_worst_pair_has_the_interval_of_all_pairs():
    found = worst_pairs(rates_of((30, 100), (50, 100), (45, 100))).set_index("metric")
    gap = found.loc["selection_rate_worst_difference"]
    assert (gap["group"], gap["reference"], gap["n_pairs"]) == ("a", "b", 3)
    expected = [float(x) for x in score_difference(30, 100, 50, 100, simultaneous_level(3, 300))]
    assert gap[["low", "high"]].tolist() == pytest.approx(expected)
    assert gap["p_value"] == pytest.approx(stats.chi2_contingency([[30, 50, 45], [70, 50, 55]]).pvalue)
    assert -0.15 < gap["expected"] < -0.05
    assert found.loc["selection_rate_worst_ratio", "estimate"] == pytest.approx(0.6)


def test_defect_of_fairlearn_the_interval_of_the_largest_gap_can_hold_zero():
    rng, hits = np.random.default_rng(0), 0
    for _ in range(60):
        found = worst_pairs(rates_of(*[(int(k), 200) for k in rng.binomial(200, 0.3, 4)]))
        hits += bool(found["high"].iloc[0] >= 0)
    assert hits >= 50


def test_equal_groups_and_single_groups_and_nobody_selected():
    found = worst_pairs(rates_of((10, 50), (10, 50)))
    assert found["estimate"].tolist() == [0, 1]
    assert found["group"].iloc[0] != found["reference"].iloc[0]
    assert len(worst_pairs(rates_of((3, 10)))) == 0
    nobody = worst_pairs(rates_of((0, 50), (0, 50)))
    assert nobody["status"].tolist() == ["ok", "undefined"]


def test_a_pass_needs_every_pair_and_a_fail_one():
    tight = rates_of((900, 2000), (950, 2000), (40, 90))
    ratio = worst_pairs(tight).set_index("metric").loc["selection_rate_worst_ratio"]
    n = [2000, 2000, 90]
    k = [900, 950, 40]
    strict = simultaneous_level(3, sum(n))
    pairs = [(i, j) for i in range(3) for j in range(3) if i != j]
    limits = [score_ratio(k[i], n[i], k[j], n[j], strict) for i, j in pairs]
    assert ratio["low"] == pytest.approx(min(float(low) for low, _ in limits))
    assert ratio["high"] == pytest.approx(min(1.0, *(float(high) for _, high in limits)))
    assert ratio["low"] < 0.8 < ratio["estimate"]


def test_small_groups_widen_the_interval_and_do_not_vanish():
    calm = worst_pairs(rates_of((900, 2000), (950, 2000), (10, 20))).set_index("metric")
    ratio = calm.loc["selection_rate_worst_ratio"]
    assert ratio["low"] < 0.8 < ratio["high"]
    assert (ratio["group"], ratio["reference"]) == ("a", "b")
    assert "1 of 3 groups have fewer than 30 rows, and widen the interval" in ratio["reason"]
    shut = worst_pairs(rates_of((900, 2000), (950, 2000), (0, 25))).set_index("metric")
    failed = shut.loc["selection_rate_worst_ratio"]
    assert (failed["group"], failed["status"]) == ("c", "small")
    assert failed["low"] == failed["estimate"] == 0
    assert failed["high"] < 0.8
    gap = shut.loc["selection_rate_worst_difference"]
    assert gap["low"] < gap["estimate"] < gap["high"]


@pytest.mark.parametrize(
    ("sizes", "rates"),
    [
        ((25, 1000, 1000), (0.3, 0.5, 0.5)),  # the small group is the worst
        ((25, 1000, 1000), (0.65, 0.5, 0.5)),  # it is the best
        ((28, 28, 28, 28), (0.3, 0.5, 0.5, 0.5)),  # all are small
        ((5, 400, 400), (0.39, 0.5, 0.5)),
    ],
)
def test_a_rule_that_is_broken_passes_in_few_audits_whatever_the_sizes(sizes, rates):
    """The true ratio is below 0.8; a pass is a low limit of at least 0.8, and may come in one audit of forty."""
    assert min(rates) / max(rates) < 0.8
    rng = np.random.default_rng(0)
    passes = 0
    for _ in range(200):
        drawn = [(int(rng.binomial(n, p)), n) for n, p in zip(sizes, rates, strict=True)]
        table = worst_pairs(rates_of(*drawn)).set_index("metric")
        passes += table.loc["selection_rate_worst_ratio", "low"] >= 0.8
    assert passes <= 200 * 0.025 + 2 * np.sqrt(200 * 0.025 * 0.975)


def test_all_small_groups_are_judged_together():
    found = worst_pairs(rates_of((5, 20), (15, 20)))
    assert found["estimate"].tolist() == pytest.approx([-0.5, 1 / 3])


def test_missing_groups_are_not_compared():
    rates = group_rates([1, 0, 1, 0], attributes=pd.DataFrame({"g": ["a", "a", None, None]}), favorable=1)
    assert len(worst_pairs(rates)) == 0


def test_fisher_over_one_family():
    rates = rates_of((30, 100), (50, 100), (45, 100))
    found = gap_tests(rates, group_gaps(rates, {"g": "b"})).set_index("group")
    assert found.loc["a", "p_value"] == pytest.approx(fisher(30, 100, 50, 100))
    assert found.loc["a", "p_holm"] == pytest.approx(2 * found.loc["a", "p_value"])
    assert len(gap_tests(rates, group_gaps(rates).iloc[:0])) == 0


def test_simpsons_mixture_is_no_gap_inside_strata():
    sex = np.repeat(["f", "m", "f", "m"], [80, 20, 20, 80])
    office = np.repeat(["x", "x", "y", "y"], [80, 20, 20, 80]).astype(object)
    yes = np.concatenate([np.r_[np.ones(k), np.zeros(n - k)] for k, n in ((16, 80), (4, 20), (16, 20), (64, 80))])
    who = pd.DataFrame({"sex": sex})
    crude = group_gaps(group_rates(yes, attributes=who, favorable=1), {"sex": "m"})
    assert crude["high"].iloc[0] < 0
    found = stratified_gaps(
        yes, attributes=who, strata=office, favorable=1, options=GroupOptions({"sex": "m"})
    ).set_index("metric")
    assert found.loc["stratified_odds_ratio", "estimate"] == pytest.approx(1)
    assert found.loc["stratified_difference", "low"] < 0 < found.loc["stratified_difference", "high"]
    office[:5] = None
    found = stratified_gaps(yes, attributes=who, strata=office, favorable=1, options=GroupOptions({"sex": "m"}))
    assert found["n"].iloc[0] == 95
    with pytest.raises(InvalidInputError, match="strata must have one entry"):
        stratified_gaps(yes, attributes=who, strata=["x"], favorable=1)
    with pytest.raises(InvalidInputError, match="'q' of sex, which has no rows"):
        stratified_gaps(yes, attributes=who, strata=office, favorable=1, options=GroupOptions({"sex": "q"}))


def test_strata_with_an_undefined_odds_ratio():
    who = pd.DataFrame({"sex": ["f", "f", "m", "m"]})
    found = stratified_gaps([1, 1, 1, 1], attributes=who, strata=[0, 0, 0, 0], favorable=1)
    assert found["status"].tolist() == ["undefined", "ok"]


def test_manskis_bounds_of_the_worked_example():
    """180/300 against 400/600 is .90; 250 unknown people, 150 of them selected: between .61 and 1.28."""
    d = np.concatenate([np.r_[np.ones(k), np.zeros(n - k)] for k, n in ((180, 300), (400, 600), (150, 250))])
    who = pd.DataFrame({"sex": np.repeat(np.array(["f", "m", None], dtype=object), [300, 600, 250])})
    rates = group_rates(d, attributes=who, favorable=1)
    found = missing_bounds(rates, group_gaps(rates, {"sex": "m"})).set_index("metric")
    ratio = found.loc["selection_rate_ratio"]
    assert ratio[["estimate", "low", "high"]].round(2).tolist() == [0.9, 0.61, 1.28]
    assert ratio["n_unknown"] == 250
    assert found.loc["selection_rate_difference", "low"] == pytest.approx(180 / 400 - 550 / 750)


def test_bounds_hold_for_every_assignment():
    """Slow twin: all ways to give four unknown people a group."""
    d = np.array([1, 0, 0, 1, 1, 0, 1, 1, 0, 0])
    who = pd.DataFrame({"sex": ["f"] * 3 + ["m"] * 3 + [None] * 4})
    rates = group_rates(d, attributes=who, favorable=1)
    found = missing_bounds(rates, group_gaps(rates, {"sex": "m"})).set_index("metric").loc["selection_rate_ratio"]
    ratios = []
    for code in range(16):
        women = np.r_[np.ones(3), np.zeros(3), [(code >> i) & 1 for i in range(4)]].astype(bool)
        ratios.append(d[women].mean() / d[~women].mean())
    assert (found["low"], found["high"]) == pytest.approx((min(ratios), max(ratios)))


def test_bounds_only_where_somebody_is_unknown():
    rates = rates_of((3, 10), (5, 10))
    assert len(missing_bounds(rates, group_gaps(rates))) == 0


def test_what_could_have_been_found():
    rates = rates_of((30, 60), (500, 1000), (1, 2), (0, 1))
    found = power_table(rates, group_gaps(rates, {"g": "b"})).set_index("group")
    assert 0.6 < found.loc["a", "detectable_ratio"] < 0.7
    assert np.isnan(found.loc["c", "detectable_ratio"])
    assert found.loc["a", "power_at_four_fifths"] < 0.5
    nobody = rates_of((0, 60), (0, 100))
    assert np.isnan(power_table(nobody, group_gaps(nobody))["power_at_four_fifths"]).all()


def test_nobody_selected_has_no_ratio_and_says_so():
    found = worst_pairs(rates_of((0, 50), (0, 50))).iloc[1]
    assert found[["metric", "status", "reason"]].tolist() == [
        "selection_rate_worst_ratio", "undefined", "the rate of every group is 0"
    ]  # fmt: skip
    assert found["method"] == "score, all pairs"


def test_power_by_hand_and_its_columns():
    rates = rates_of((30, 60), (500, 1000))
    found = power_table(rates, group_gaps(rates, {"g": "b"}), power=0.7, level=0.9)
    assert found.columns.tolist() == [
        "metric", "subject", "attribute", "group", "reference", "n", "status", "reason", "n_reference",
        "reference_rate", "detectable_ratio", "power_at_four_fifths",
    ]  # fmt: skip
    line = found.iloc[0]
    assert line[["metric", "group", "reference", "n"]].tolist() == ["selection_rate_difference", "a", "b", 60]
    assert line[["status", "reason", "n_reference", "reference_rate"]].tolist() == ["ok", "", 1000, 0.5]
    gone = detectable_difference(0.5, 60, 1000, power=0.7, level=0.9)
    assert line["detectable_ratio"] == pytest.approx(1 - gone / 0.5)
    assert line["power_at_four_fifths"] == pytest.approx(power_of_difference(0.4, 0.5, 60, 1000, 0.9))
    empty = power_table(rates, group_gaps(rates, {"g": "b"}).iloc[:0])
    assert empty.columns.tolist() == found.columns.tolist()


def test_a_group_of_just_the_least_size_is_no_small_one():
    rates = rates_of((5, 30), (20, 31), (40, 80))
    found = worst_pairs(rates, min_group_size=30)
    assert found["status"].tolist() == ["ok", "ok"]
    assert found["reason"].tolist() == ["", ""]
    small = worst_pairs(rates, min_group_size=31).iloc[0]
    assert small["reason"] == "1 of 3 groups have fewer than 31 rows, and widen the interval"
    # the others differ by .15, less than the .17 by which some pair is sure to differ: the small group is named
    assert small[["group", "reference", "status"]].tolist() == ["a", "b", "small"]


def test_the_level_counts_groups_that_may_not_be_shown():
    """All pairs hold together, those nobody sees included: else the rest would be too narrow for what is claimed."""
    rates = rates_of((40, 100), (60, 100), (50, 100))
    line = worst_pairs(rates, withheld=[False, False, True]).set_index("metric").loc["selection_rate_worst_difference"]
    assert line["low"] == -1
    assert line["high"] == pytest.approx(float(score_difference(40, 100, 60, 100, simultaneous_level(3, 200))[1]))
