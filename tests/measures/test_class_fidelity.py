"""Several classes: agreement by class and beyond a constant, one class against the rest, classes in shared clusters."""

import numpy as np
import pandas as pd
import pytest

from explaindistill.measures.bias import group_rates
from explaindistill.measures.decision import DecisionRule
from explaindistill.measures.fidelity import fidelity
from explaindistill.measures.transfer import Decisions, transfer
from explaindistill.measures.verdicts import check
from explaindistill.numerics.statistics.intervals import wilson

CLASSES = ["a", "b", "c"]


def sure(labels):
    """Probabilities of a model that is nearly sure of these classes."""
    P = np.full((len(labels), 3), 0.05)
    P[np.arange(len(labels)), [CLASSES.index(x) for x in labels]] = 0.9
    return P


def told(teacher, student, **more):
    return fidelity(sure(teacher), sure(student), DecisionRule(CLASSES), **more)


TEACHER = ["a"] * 900 + ["b"] * 65 + ["c"] * 35


def test_a_constant_student_gains_nothing_and_its_worst_class_is_in_front():
    """Nine in ten rows are one class: agreement of .9 is kept by a constant."""
    table = told(TEACHER, ["a"] * 1000)
    whole = table[table["subset"] == ""].set_index("metric")
    assert whole.loc["agreement", "estimate"] == 0.9
    assert whole.loc["agreement_gain", "estimate"] == 0.0
    assert whole.loc["agreement_gain", "low"] < 0 < whole.loc["agreement_gain", "high"]
    assert whole.loc["agreement_worst_class", ["estimate", "group"]].tolist() == [0.0, "class=b"]
    rules = {"fidelity.agreement": ">= 0.85", "fidelity.agreement_gain": "> 0",
             "fidelity.agreement_worst_class": ">= 0.5"}  # fmt: skip
    assert check({"fidelity": table}, rules)["verdict"].tolist() == ["pass", "inconclusive", "fail"]


def test_the_worst_class_is_named_with_limits_that_hold_for_all():
    student = ["a"] * 900 + ["b"] * 60 + ["a"] * 5 + ["c"] * 20 + ["a"] * 15
    line = told(TEACHER, student).set_index("metric").loc["agreement_worst_class"]
    assert (line["group"], line["n"], line["k"]) == ("class=c", 35, 20)
    strict = 1 - 0.05 / 3
    assert [line["low"], line["high"]] == pytest.approx([float(x) for x in wilson(20, 35, strict)])


def test_a_class_of_few_rows_widens_the_limits_and_is_not_named():
    teacher, student = ["a"] * 900 + ["b"] * 100 + ["c"] * 4, ["a"] * 900 + ["b"] * 90 + ["a"] * 10 + ["c"] * 3 + ["a"]
    line = told(teacher, student).set_index("metric").loc["agreement_worst_class"]
    assert (line["group"], line["estimate"]) == ("class=b", 0.9)
    assert line["low"] == pytest.approx(float(wilson(3, 4, 1 - 0.05 / 3)[0]))


@pytest.mark.parametrize("wanted", CLASSES)
def test_any_class_may_be_the_wanted_one_against_the_rest(wanted):
    rng = np.random.default_rng(0)
    sex, truth = rng.choice(["f", "m"], 600), rng.choice(CLASSES, 600, p=[0.5, 0.3, 0.2])
    decision = np.where(rng.random(600) < 0.7, truth, rng.choice(CLASSES, 600))
    rates = group_rates(decision, attributes=pd.DataFrame({"sex": sex}), favorable=wanted, y=truth)
    rates = rates.set_index(["metric", "group"])["estimate"]
    for g in ("f", "m"):
        d, y = decision[sex == g] == wanted, truth[sex == g] == wanted
        assert rates["selection_rate", g] == pytest.approx(d.mean())
        assert rates["base_rate", g] == pytest.approx(y.mean())
        assert rates["true_positive_rate", g] == pytest.approx(d[y].mean())
        assert rates["false_positive_rate", g] == pytest.approx(d[~y].mean())
        assert rates["positive_predictive_value", g] == pytest.approx(y[d].mean())
        assert rates["accuracy", g] == pytest.approx((decision == truth)[sex == g].mean())
    shift = transfer(Decisions(None, truth, decision), attributes=pd.DataFrame({"sex": sex}), favorable=wanted)
    line, b = shift.set_index("metric").loc["transfer"], shift.set_index("metric").loc["transfer", "reference"]
    moved = (decision == wanted).astype(float) - (truth == wanted)
    assert line["estimate"] == pytest.approx(moved[sex == line["group"]].mean() - moved[sex == b].mean())


def test_the_mean_over_classes_knows_that_classes_share_clusters():
    """In half of 40 clusters a student repeats its teacher less well in every class alike; independent classes .82."""
    rng, held, runs = np.random.default_rng(4), 0, 250
    cluster = np.repeat(np.arange(40), 30)
    for _ in range(runs):
        rate = np.clip(0.7 + 0.2 * rng.normal(size=40), 0.05, 1.0)[cluster]
        teacher = rng.choice(CLASSES, 1200)
        other = np.array([{"a": "b", "b": "c", "c": "a"}[t] for t in teacher])
        student = np.where(rng.random(1200) < rate, teacher, other)
        line = told(teacher, student, clusters=cluster).set_index("metric").loc["agreement_macro"]
        held += line["low"] <= 0.6972 <= line["high"]
    assert held / runs >= 0.91
