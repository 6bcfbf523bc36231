"""What is shown does not tell what is withheld: two tables that differ only inside the withheld groups look alike."""

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.measures.bias import group_rates
from explaindistill.measures.comparisons import worst_pairs
from explaindistill.measures.gaps import group_gaps
from explaindistill.measures.suppression import suppress, withheld_lines
from explaindistill.numerics.statistics.intervals import simultaneous_level
from explaindistill.numerics.statistics.score_limits import score_difference

MINIMUM = 10
N = 600
SIDES = ("no", "yes")


class Teacher:
    """Likes ``a`` and ``u``."""

    classes_ = np.array(SIDES)

    def predict_proba(self, X):
        p = 1 / (1 + np.exp(-(X["a"].to_numpy(float) + 0.5 * (X["b"] == "u").to_numpy(float))))
        return np.c_[1 - p, p]

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def fingerprint(self):
        return "likes a"

    def __sklearn_clone__(self):
        return self


def rows(seed):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"a": rng.normal(size=N), "b": rng.choice(["u", "v"], N), "c": rng.normal(size=N)})


X = rows(1)
DECISION = Teacher().predict(X)
OLD = np.where(np.random.default_rng(3).random(N) < 0.4, "old", "young")
Y = np.where(np.random.default_rng(4).random(N) < 0.8, DECISION, "yes")


def few_people(side, name="x"):
    """Four people of 600 are in a group of their own: all of them selected, or none. Who is in f and g is the same."""
    sex = np.repeat(np.array(["f", "g", "m"], dtype=object), [300, 200, 100])
    for age in ("old", "young"):
        sex[np.flatnonzero((sex == "m") & (SIDES[side] == DECISION) & (age == OLD))[:2]] = name
    return {"y": Y, "sex": sex}


def people_of_unknown_group(side):
    return few_people(side, None)


def few_positives_in_the_largest_group(side):
    """Three of the 300 people of f have a favourable label: people whom the teacher selects, or does not.

    The others of f have an unfavourable one. So that all totals are alike, one of g and m, all of whom are withheld or
    summed up, has the opposite.
    """
    sex = np.repeat(np.array(["f", "g", "m"], dtype=object), [300, 160, 140])
    y = Y.copy()
    y[sex == "f"] = "no"
    y[np.flatnonzero((sex == "f") & (SIDES[side] == DECISION))[:3]] = "yes"
    for label, group in (("yes", SIDES[1 - side]), ("no", SIDES[side])):
        y[np.flatnonzero((sex == "m") & (group == DECISION))[:3]] = label
    return {"y": y, "sex": sex}


@pytest.fixture(scope="module")
def student():
    return xd.Distiller(Teacher(), xd.TreeClassifier(max_leaf_nodes=6), n_queries=600, random_state=0).fit(rows(9))


def audited(student, y, sex, **settings):
    train = rows(9)
    train.index += 5000
    who = pd.DataFrame({"sex": sex, "old": OLD}, index=X.index)
    return xd.audit(
        Teacher(), {"tree": student}, X, y, train=(train, Teacher().predict(train)), sensitive=who, favorable="yes",
        n_explained=0, min_group_size=MINIMUM, date="2026-01-01", requirements={"bias.worst_impact_ratio": ">= 0.8"},
        **settings,
    )  # fmt: skip


SETTINGS = {
    "plain": {},
    "strata": {"strata": X["b"]},
    "weights": {"sample_weight": 1.0 + (np.arange(N) % 3)},
    "clusters": {"groups": np.arange(N) % 60},
    "searches": {"worst_case": 2_000, "n_made_up": 300, "dependence": ["a", "b"]},
}


POOLED = ["n_effective", "low", "high", "p_value", "p_holm", "p_bh", "detectable_ratio", "power_at_four_fifths"]


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("world", [few_people, people_of_unknown_group])
def test_no_frame_tells_two_tables_apart_that_differ_in_the_withheld_groups(student, world, settings):
    first, second = (audited(student, **world(side), **settings) for side in (0, 1))
    assert (first.frames["rates"]["status"] == "suppressed").any(), "nothing is withheld: the test asks nothing"
    # with clusters the correlation of their rows is one figure of all groups, and moves the limits of each a little
    pooled = POOLED if "groups" in settings else []
    for name, table in first.frames.items():
        other = second.frames[name]
        columns = [column for column in table.columns if column not in pooled]
        pd.testing.assert_frame_equal(table[columns], other[columns], obj=name)
    assert first.notes == second.notes


def test_a_gap_to_a_group_of_few_positives_is_withheld(student):
    rates = audited(student, **few_positives_in_the_largest_group(0)).frames
    tpr = rates["rates"].query("metric == 'true_positive_rate' and subject == 'teacher' and attribute == 'sex'")
    assert tpr.set_index("group")["status"].to_dict() == {"f": "suppressed", "g": "ok", "m": "suppressed"}
    of_f = rates["gaps"].query("subject == 'teacher' and attribute == 'sex' and reference == 'f'")
    on_labels = of_f[~of_f["metric"].str.startswith("selection_rate")]
    assert len(on_labels) > 0
    assert on_labels["estimate"].isna().all()


def counts(sizes, chosen):
    """Selection rates of groups of these sizes, so many of each selected."""
    group = np.repeat(list(sizes), list(sizes.values()))
    decision = np.concatenate([np.arange(n) < chosen[g] for g, n in sizes.items()])
    return group_rates(decision, attributes=pd.DataFrame({"g": group}), favorable=True), pd.DataFrame({"g": group})


def recovered(low, shown, left, selected):
    """Sizes and selected people of the smaller of two withheld groups that give a low limit of all pairs."""
    fits = []
    for n in range(1, left // 2 + 1):
        for k in range(max(0, selected - (left - n)), min(n, selected) + 1):
            every = np.array([*shown, (k, n), (selected - k, left - n)], dtype=float)
            level = simultaneous_level(len(every), every[:, 1].sum(), 0.95)
            a, b = np.nonzero(~np.eye(len(every), dtype=bool))
            least = score_difference(*every[a].T, *every[b].T, level)[0].min()
            fits += [(n, k)] if abs(least - low) < 1e-12 else []
    return fits


def test_limits_of_the_worst_pair_do_not_give_a_withheld_count_away():
    rates, who = counts({"f": 60, "h": 50, "m": 35, "x": 5}, {"f": 30, "h": 30, "m": 18, "x": 1})
    open_limits = worst_pairs(rates)["low"].iloc[0]
    assert recovered(open_limits, [(30, 60), (30, 50)], 40, 19) == [(5, 1)], "the attack works on what was shown once"
    hidden = withheld_lines(rates, who, MINIMUM)
    shown = suppress({"rates": rates, "worst_pairs": worst_pairs(rates, withheld=hidden)}, who, MINIMUM)["worst_pairs"]
    assert shown["low"].tolist() == [-1.0, 0.0]
    assert (5, 1) not in recovered(shown["low"].iloc[0], [(30, 60), (30, 50)], 40, 19)
    alone, _ = counts({"f": 60, "h": 50}, {"f": 30, "h": 30})
    rest = worst_pairs(alone)
    columns = ["group", "reference", "n", "k", "estimate", "p_value", "n_pairs"]
    pd.testing.assert_frame_equal(shown[columns], rest[columns], check_dtype=False)
    assert (shown["high"] >= rest["high"]).all(), "limits still hold for all pairs, the withheld ones included"


def test_a_withheld_group_leaves_the_verdict_open_and_says_why(student):
    audit = audited(student, **few_people(0))
    verdict = audit.frames["verdicts"].query("attribute == 'sex' and subject == 'teacher'").iloc[0]
    assert verdict["verdict"] == "inconclusive"
    assert "2 more groups may not be shown, and could be worse" in verdict["reason"]


def test_adjusted_p_values_are_no_smaller_and_tell_nothing_of_withheld_tests():
    from explaindistill.measures.comparisons import adjust

    p = np.array([0.001, 0.02, 0.03, 0.2])
    hidden = [False, False, True, False]
    other = np.array([0.001, 0.02, 0.0005, 0.2])
    shown = [
        adjust(pd.DataFrame({"p_value": q}), withheld=hidden)[["p_holm", "p_bh"]][~np.array(hidden)] for q in (p, other)
    ]
    pd.testing.assert_frame_equal(*shown)
    true = adjust(pd.DataFrame({"p_value": p}))[["p_holm", "p_bh"]][~np.array(hidden)]
    assert (shown[0] >= true).all(axis=None)


def test_a_selection_rate_over_few_rows_is_withheld_where_its_group_is_large():
    rates, who = counts({"f": 60, "m": 50, "h": 40}, {"f": 30, "m": 30, "h": 20})
    rates.loc[rates["group"] == "m", "n"] = 4  # as where 46 of them have no label
    shown = suppress({"transfer": rates}, who, MINIMUM)["transfer"]
    assert shown.set_index("group")["status"].to_dict() == {"f": "ok", "h": "suppressed", "m": "suppressed"}
    assert group_gaps(rates)["status"].notna().all()
