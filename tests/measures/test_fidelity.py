"""Fidelity: truths, laws and slow twins."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import r2_score

from explaindistill.errors import InvalidInputError
from explaindistill.measures.decision import DecisionRule
from explaindistill.measures.favorable import which_is_wanted
from explaindistill.measures.fidelity import LOGIT_CLIP, NEAR_BOUNDARY, fidelity, margin, regression_fidelity

CLASSES = np.array(["no", "yes"])


def probabilities(n, k=2, seed=0):
    return np.random.default_rng(seed).dirichlet(np.ones(k), n)


def estimates(found):
    return found.set_index(["metric", "subset"])["estimate"]


@pytest.mark.parametrize("k", [2, 3, 5])
def test_a_teacher_is_faithful_to_itself(k):
    P = probabilities(80, k)
    found = estimates(fidelity(P, P, DecisionRule(np.arange(k))))
    for metric in (
        "agreement",
        "agreement_argmax",
        "agreement_macro",
        "skill",
        "r2_probability",
        "r2_logit",
        "spearman_margin",
    ):
        assert found[metric, ""] == pytest.approx(1.0)
    for metric in ("kl", "js", "brier"):
        assert found[metric, ""] == 0.0


def test_agreement_by_hand():
    t = np.array([[0.9, 0.1]] * 6 + [[0.2, 0.8]] * 4)
    s = np.array([[0.8, 0.2]] * 5 + [[0.1, 0.9]] * 3 + [[0.9, 0.1]] * 2)
    found = fidelity(t, s, DecisionRule(CLASSES, threshold=0.5)).set_index(["metric", "subset"])
    assert found.loc[("agreement", ""), ["n", "k", "estimate"]].tolist() == [10, 7, 0.7]
    assert found.loc[("agreement", "class=no"), ["n", "k"]].tolist() == [6, 5]
    assert found.loc[("agreement", "class=yes"), ["n", "k"]].tolist() == [4, 2]
    assert found.loc[("agreement_macro", ""), "estimate"] == pytest.approx((5 / 6 + 2 / 4) / 2)
    assert found.loc[("skill", ""), "estimate"] == pytest.approx((0.7 - 0.6) / 0.4)


def test_a_threshold_changes_agreement_about_decisions_only():
    t, s = np.array([[0.7, 0.3], [0.6, 0.4]]), np.array([[0.9, 0.1], [0.6, 0.4]])
    found = estimates(fidelity(t, s, DecisionRule(CLASSES, CLASSES[1], 0.25)))
    assert found["agreement", ""] == 0.5
    assert found["agreement_argmax", ""] == 1.0


def test_divergences_against_slow_twins():
    t, s = probabilities(30, 3, 1), probabilities(30, 3, 2)
    found = estimates(fidelity(t, s, DecisionRule([0, 1, 2])))

    def kl(p, q):
        return np.mean([sum(a * np.log(a / b) for a, b in zip(x, y, strict=True)) for x, y in zip(p, q, strict=True)])

    middle = (t + s) / 2
    assert found["kl", ""] == pytest.approx(kl(t, s), abs=1e-12)
    assert found["js", ""] == pytest.approx((kl(t, middle) + kl(s, middle)) / 2, abs=1e-12)
    assert found["brier", ""] == pytest.approx(((t - s) ** 2).sum(axis=1).mean() / 2, abs=1e-12)


def test_r2_is_scikit_learns():
    t, s = probabilities(60, 2, 3), probabilities(60, 2, 4)
    found = estimates(fidelity(t, s, DecisionRule(CLASSES)))
    assert found["r2_probability", ""] == pytest.approx(r2_score(t[:, 1], s[:, 1]), abs=1e-9)
    a, b = (np.clip(x[:, 1], LOGIT_CLIP, 1 - LOGIT_CLIP) for x in (t, s))
    assert found["r2_logit", ""] == pytest.approx(r2_score(np.log(a / (1 - a)), np.log(b / (1 - b))), abs=1e-9)


def test_a_class_without_probability_costs_nothing_and_a_missed_one_is_finite():
    t, s = np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([[1.0, 0.0], [0.0, 1.0]])
    assert np.isfinite(estimates(fidelity(t, s, DecisionRule(CLASSES)))["kl", ""])


def test_a_constant_teacher_leaves_things_undefined_with_a_reason():
    t, s = np.tile([0.3, 0.7], (20, 1)), probabilities(20)
    found = fidelity(t, s, DecisionRule(CLASSES)).set_index(["metric", "subset"])
    for metric in ("skill", "r2_probability", "auc", "spearman_margin"):
        assert found.loc[(metric, ""), "status"] == "undefined"
        assert np.isnan(found.loc[(metric, ""), "estimate"])
        assert found.loc[(metric, ""), "reason"]
    assert found.loc[("agreement", "class=no"), ["n", "status"]].tolist() == [0, "undefined"]


def test_top_two_needs_four_classes():
    t = np.eye(4)[[0, 1, 2]]
    s = np.array([[0.3, 0.4, 0.2, 0.1], [0.1, 0.6, 0.2, 0.1], [0.4, 0.3, 0.2, 0.1]])
    assert estimates(fidelity(t, s, DecisionRule(range(4))))["agreement_top2", ""] == pytest.approx(2 / 3)
    assert "agreement_top2" not in set(fidelity(t[:, :3], t[:, :3], DecisionRule(range(3)))["metric"])


def test_deciles_of_the_margin_hold_all_rows():
    t, s = probabilities(500, 2, 5), probabilities(500, 2, 6)
    found = fidelity(t, s, DecisionRule(CLASSES, threshold=0.5))
    tenths = found[found["subset"].str.startswith("margin decile")]
    assert len(tenths) == 10
    assert tenths["n"].sum() == 500
    assert tenths["n"].between(49, 51).all()


def test_weights_are_repeated_rows():
    t, s, w = probabilities(40, 2, 7), probabilities(40, 2, 8), np.tile([1, 2, 0, 3], 10)
    weighted = estimates(fidelity(t, s, DecisionRule(CLASSES), sample_weight=w))
    repeated = estimates(fidelity(np.repeat(t, w, 0), np.repeat(s, w, 0), DecisionRule(CLASSES)))
    both = [key for key in weighted.index if "decile" not in key[1]]  # quantiles of rows, not of weights
    np.testing.assert_allclose(weighted[both], repeated[both], atol=1e-12)


def test_clusters_widen_intervals():
    t, s = np.repeat(probabilities(60, 2, 9), 5, 0), np.repeat(probabilities(60, 2, 10), 5, 0)
    plain = fidelity(t, s, DecisionRule(CLASSES)).set_index(["metric", "subset"])
    by_cluster = fidelity(t, s, DecisionRule(CLASSES), clusters=np.repeat(np.arange(60), 5)).set_index(
        ["metric", "subset"]
    )
    for key in (("agreement", ""), ("kl", ""), ("spearman_margin", "")):
        assert np.ptp(by_cluster.loc[key, ["low", "high"]]) > 1.5 * np.ptp(plain.loc[key, ["low", "high"]])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 4))
def test_row_order_does_not_matter(seed, k):
    t, s = probabilities(25, k, seed), probabilities(25, k, seed + 1)
    order = np.random.default_rng(seed).permutation(25)
    there, back = (fidelity(a, b, DecisionRule(range(k))) for a, b in ((t, s), (t[order], s[order])))
    np.testing.assert_allclose(there[["estimate", "low", "high"]], back[["estimate", "low", "high"]], atol=1e-7)


def test_the_delta_interval_covers():
    """A student with noise: 95 % intervals of its Brier distance hold the true one, 1/12·… worked by simulation."""
    rng = np.random.default_rng(11)
    hits = 0
    for _ in range(80):
        p, noise = rng.uniform(0.3, 0.7, 100), rng.uniform(-0.3, 0.3, 100)
        t, s = np.column_stack([1 - p, p]), np.column_stack([1 - p - noise, p + noise])
        found = fidelity(t, s, DecisionRule(CLASSES)).set_index("metric").loc["brier"]
        hits += found["low"] <= 0.03 <= found["high"]
    assert hits / 80 > 0.86


def test_no_rows():
    found = fidelity(np.empty((0, 2)), np.empty((0, 2)), DecisionRule(CLASSES))
    assert found.loc[0, ["n", "status", "reason"]].tolist() == [0, "undefined", "no rows"]
    assert regression_fidelity([], []).loc[0, "status"] == "undefined"


@pytest.mark.parametrize("n", [1, 2])
def test_one_or_two_rows_do_not_crash(n):
    found = fidelity(probabilities(n), probabilities(n, seed=1), DecisionRule(CLASSES))
    assert found.loc[0, "n"] == n
    assert len(regression_fidelity(np.arange(n), np.arange(n) + 1.0)) == 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"P_student": np.ones((3, 3)) / 3}, "must answer the same rows"),
        ({"P_student": np.full((4, 2), np.nan)}, "must be finite"),
        ({"clusters": [1, 2]}, "clusters must have one entry per row"),
        ({"sample_weight": [1, 2]}, "sample_weight must have one number per row"),
        ({"level": 95}, "level must lie strictly"),
    ],
)
def test_messages(change, message):
    options = {"P_teacher": probabilities(4), "P_student": probabilities(4), "rule": DecisionRule(CLASSES)} | change
    with pytest.raises(InvalidInputError, match=message):
        fidelity(**options)


def test_margin():
    assert margin([[0.2, 0.5, 0.3]]).tolist() == pytest.approx([0.2])
    assert margin([[0.2, 0.8]], 0).tolist() == pytest.approx([-0.6])
    single = np.float32([[0.0123, 0.0321, 0.9556]])
    assert margin(single).tolist() == margin(single.astype(float)).tolist()


def test_regression_against_scikit_learn():
    rng = np.random.default_rng(12)
    t = rng.normal(size=80)
    s = t + rng.normal(scale=0.3, size=80)
    found = regression_fidelity(t, s).set_index("metric")
    assert found.loc["r2", "estimate"] == pytest.approx(r2_score(t, s), abs=1e-9)
    assert found.loc["mae", "estimate"] == pytest.approx(np.abs(t - s).mean())
    assert found.loc["rmse", "estimate"] == pytest.approx(np.sqrt(((t - s) ** 2).mean()))
    assert found.loc["bias", "estimate"] == pytest.approx((s - t).mean())
    assert (found["low"] < found["estimate"]).all()
    assert (found["estimate"] < found["high"]).all()


def test_several_outputs_have_their_own_means():
    t = np.column_stack([np.arange(20.0), 1000 + np.arange(20.0)])
    found = regression_fidelity(t, t + 1.0)
    assert found["metric"].tolist().count("spearman") == 2
    assert found.set_index("metric").loc["r2", "estimate"] == pytest.approx(
        1 - 20 * 2 / (2 * ((np.arange(20) - 9.5) ** 2).sum())
    )


def test_a_constant_target_has_no_r2():
    assert regression_fidelity([2.0, 2.0, 2.0], [1.0, 2.0, 3.0]).loc[0, "status"] == "undefined"


def test_a_student_that_is_too_sure_has_a_slope_below_one():
    z = np.linspace(-3, 3, 400)
    teacher, student = (np.c_[1 - p, p] for p in (1 / (1 + np.exp(-z - 0.5)), 1 / (1 + np.exp(-2 * z))))
    found = estimates(fidelity(teacher, student, DecisionRule(CLASSES, CLASSES[1])))
    assert found["teacher_slope", ""] == pytest.approx(0.5, abs=1e-6)
    assert found["teacher_intercept", ""] > 0.1
    first = fidelity(teacher, student, DecisionRule(CLASSES, CLASSES[1]))
    gap = first[(first["metric"] == "teacher_gap") & (first["subset"] == "student decile 1 of 10")].iloc[0]
    assert gap["n"] == 40
    assert gap["estimate"] == pytest.approx((teacher - student)[:40, 1].mean())


def test_a_constant_student_has_no_slope():
    teacher = probabilities(50, 2, 1)
    found = fidelity(teacher, np.full((50, 2), 0.5), DecisionRule(CLASSES, CLASSES[1])).set_index("metric")
    assert found.loc["teacher_slope", "status"] == "undefined"
    assert found.loc["teacher_intercept", "status"] == "ok"


def test_top_k_needs_twice_as_many_classes():
    t, s = probabilities(200, 10, 1), probabilities(200, 10, 2)
    found = estimates(fidelity(t, s, DecisionRule(np.arange(10))))
    first = t.argmax(axis=1)
    for k in (2, 3, 5):
        held = [first[i] in np.argsort(-s[i])[:k] for i in range(200)]
        assert found[f"agreement_top{k}", ""] == pytest.approx(np.mean(held))
    assert "agreement_top3" not in set(fidelity(t[:, :5], s[:, :5], DecisionRule(np.arange(5)))["metric"])


def test_every_line_says_of_how_many_rows_and_how_its_limits_came_about():
    t, s = probabilities(60, 2, 11), probabilities(60, 2, 12)
    found = fidelity(t, s, DecisionRule(CLASSES)).set_index(["metric", "subset"])
    assert (found["subject"] == "student").all()
    assert (found.loc[found["low"].notna(), "method"] != "").all()
    whole = found[found.index.get_level_values("subset") == ""]
    worst = whole.loc[("agreement_worst_class", "")]
    assert worst["n"] == (t.argmax(1) == list(CLASSES).index(worst["group"].removeprefix("class="))).sum()
    assert (whole.drop(("agreement_worst_class", ""))["n"] == 60).all()
    skill = found.loc[("skill", "")]
    decided_t, decided_s = t.argmax(1), s.argmax(1)
    base, same = max(np.mean(decided_t == c) for c in (0, 1)), np.mean(decided_t == decided_s)
    assert skill["estimate"] == pytest.approx((same - base) / (1 - base))
    bias = found.loc[("bias_probability", "")]
    assert (bias["status"], bias["estimate"] != bias["estimate"]) == ("undefined", True)
    assert bias["reason"] == which_is_wanted(CLASSES)
    named = fidelity(t, s, DecisionRule(CLASSES, favorable="yes")).set_index(["metric", "subset"])
    assert named.loc[("bias_probability", ""), "estimate"] == pytest.approx((s - t)[:, 1].mean())


def test_what_a_sure_or_constant_teacher_leaves_undefined():
    sure, s = np.tile([0.05, 0.95], (20, 1)), probabilities(20)
    found = fidelity(sure, s, DecisionRule(CLASSES)).set_index(["metric", "subset"])
    near = found.loc[("agreement", f"near the boundary (margin < {NEAR_BOUNDARY:g})")]
    assert near[["n", "status", "reason"]].tolist() == [
        0,
        "undefined",
        "the teacher is never this close to its boundary",
    ]
    for metric, method, reason in (
        ("skill", "delta", "the teacher decides the same for every row"),
        ("r2_probability", "delta", "the teacher gives every row the same value"),
    ):
        line = found.loc[(metric, "")]
        assert line[["n", "method", "reason"]].tolist() == [20, method, reason]
    assert found.loc[("agreement", "class=no"), "reason"] == "the teacher never decided this class"


def test_skill_of_a_student_that_always_agrees():
    t = np.tile([[0.2, 0.8], [0.9, 0.1], [0.3, 0.7]], (10, 1))
    skill = fidelity(t, t, DecisionRule(CLASSES), level=0.9).set_index(["metric", "subset"]).loc[("skill", "")]
    z2 = 1.6448536269514722**2
    assert skill["low"] == pytest.approx((30 / (30 + z2) - 2 / 3) / (1 / 3))  # Wilson's low limit of 30 of 30
    assert skill[["estimate", "high", "n", "method"]].tolist() == [1, 1, 30, "wilson"]
