"""Inputs that once ended an audit, or gave a figure that nobody should believe."""

import numpy as np
import pandas as pd
import pytest

from explaindistill.errors import InvalidInputError
from explaindistill.measures.calibration import calibration, reliability
from explaindistill.measures.decision import decisions
from explaindistill.measures.groups import bands, groupings
from explaindistill.measures.profile import ProfileArithmetic, profile_rates
from explaindistill.measures.stability import splits_of, stability
from explaindistill.measures.suppression import suppress
from explaindistill.measures.table import frame, row
from explaindistill.measures.teacher_check import teacher_check
from explaindistill.measures.verdicts import check, judge, worst
from explaindistill.numerics.statistics.intervals import normal_quantile, simultaneous_level


@pytest.mark.parametrize("n_groups", [2, 3, 30])
@pytest.mark.parametrize("n_rows", [0.0, 1.0, 2.0, 3.0, 4.0, 31.0])
def test_a_simultaneous_level_has_a_quantile(n_groups, n_rows):
    level = simultaneous_level(n_groups, n_rows)
    assert 0.95 <= level < 1
    assert np.isfinite(normal_quantile(level))


def test_a_count_that_is_mostly_its_least_value_has_a_band_of_it():
    count = pd.Series([0] * 850 + list(range(1, 151)))
    assert bands(count).cat.categories.tolist() == ["below 1", "1 and above"]
    assert bands(pd.Series([7.0] * 20)).cat.categories.tolist() == ["all values"]


def test_numbers_of_one_word_are_two_groups():
    (found,) = groupings(pd.DataFrame({"income": [1234567.0, 1234568.0, 0.5]}))
    assert found.names == ("0.5", "1234567.0", "1234568.0")


def test_a_metric_without_lines_cannot_be_said_and_an_unknown_one_is_refused():
    line = row("selection_rate", 0.5, 0.4, 0.6, n=100, subject="tree", attribute="sex", group="f")
    frames = {"rates": frame([line]), "gaps": frame([]), "worst_pairs": frame([])}
    assert check(frames, {"bias.worst_impact_ratio": ">= 0.8"})["verdict"].tolist() == ["cannot say"]
    with pytest.raises(InvalidInputError, match="did you mean 'worst_impact_ratio'"):
        check(frames, {"bias.worst_impact_rato": ">= 0.8"})


@pytest.mark.parametrize("dtype", ["uint8", "int8", "Int64", "float32", "float64"])
def test_noise_stays_among_the_numbers_that_there_are(dtype):
    values = pd.Series(np.r_[np.ones(50), np.full(50, 120)]).astype(dtype)
    X = pd.DataFrame({"income": values, "nothing": np.nan, "endless": np.r_[np.inf, np.ones(99)]})
    asked = []

    def answer(rows):
        asked.append(rows)
        return np.log(rows["income"].to_numpy(float))

    teacher_check(X, answer(X), answer=answer)
    changed = pd.concat(asked[1:])
    assert changed["income"].between(1, 120).all()
    assert str(asked[1]["income"].dtype) == dtype


def test_a_teacher_that_fails_on_changed_rows_costs_their_lines_only():
    X = pd.DataFrame({"a": np.arange(60.0)})

    def answer(rows):
        raise OverflowError("never seen")

    table = teacher_check(X, np.arange(60.0), np.arange(60.0), answer=answer).set_index("metric")
    assert "OverflowError: never seen" in table.loc["noise_shift", "reason"]
    assert table.loc["single_feature_r2", "status"] == "ok"


@pytest.mark.parametrize("n", [np.nan, None, 0, np.inf, -1])
def test_judging_without_a_number_of_rows(n):
    assert judge(0.75, 0.62, 0.91, ">= 0.8", n=n)[0] == "inconclusive"


@pytest.mark.parametrize("bound", ["<= 0.1", "<=0.1", "< 0.1", "abs <= 0.1"])
def test_the_worst_of_an_upper_bound_is_the_largest(bound):
    lines = [
        {"rule": f"gaps.x[group=<5] {bound}", "subject": "t", "group": g, "estimate": e, "verdict": "fail"}
        for g, e in (("a", 0.2), ("b", 0.5))
    ]
    assert worst(pd.DataFrame(lines))["group"].tolist() == ["b"]


def test_two_leaves_of_the_same_words():
    lines = [
        row("leaf_share", k / 60, 0.0, 1.0, n=60, k=k, subject="t", attribute="sex", group=g, subset="any")
        for g, k in (("f", 3), ("f", 40), ("m", 57), ("m", 20))
    ]
    who = pd.DataFrame({"sex": ["f"] * 43 + ["m"] * 77})
    shown = suppress({"leaf_audit": frame(lines)}, who, 10)["leaf_audit"]
    assert shown.loc[0, "status"] == "suppressed"


@pytest.mark.parametrize("metric", ["selection_rate_worst_ratio", "transfer", "stratified_difference"])
def test_figures_of_decisions_are_not_withheld_for_few_labels(metric):
    lines = [
        row("true_positive_rate", 0.5, 0.1, 0.9, n=3, k=1, subject="t", attribute="sex", group="f"),
        row(metric, 0.5, 0.1, 0.9, n=31, subject="t", attribute="sex", group="f", reference="m"),
    ]
    who = pd.DataFrame({"sex": ["f"] * 31 + ["m"] * 82})
    assert suppress({"x": frame(lines)}, who, 10)["x"]["status"].tolist() == ["suppressed", "ok"]


class Ranked:
    def importance(self):
        return pd.DataFrame({"feature": ["a"], "estimate": [1.0]})


class Foreign(Ranked):
    def to_dict(self):
        return {"nodes": [{"feature": "a"}, {"feature": "b", "threshold": "no"}]}


class Transformed(Ranked):
    def to_dict(self):
        nodes = [{"feature": "made up", "threshold": 1.0}, {}]
        return {"nodes": nodes, "schema": {"features": [{"name": "made up", "categories": []}]}}


@pytest.mark.parametrize(
    ("student", "status"), [(Ranked(), "undefined"), (Foreign(), "undefined"), (Transformed(), "ok")]
)
def test_stability_of_strangers(student, status):
    X = pd.DataFrame({"a": [1.0, 2.0]})
    table = stability(lambda seed: student, X, lambda s, rows: np.array(["x", "y"]), seeds=range(3))
    assert table.set_index("metric").loc["refit_splits", "status"] == status


@pytest.mark.parametrize("form", [None, [], {"nodes": 3}, {"nodes": [1]}, {"nodes": [], "schema": None}])
def test_forms_that_are_no_tree(form):
    assert splits_of(form) is None


def test_what_is_missing_is_not_taken_for_an_answer():
    with pytest.raises(InvalidInputError, match="y must hold no missing labels, got 1 of 2"):
        calibration([1.0, np.nan], [0.5, 0.5])
    with pytest.raises(InvalidInputError, match="y must hold no missing labels"):
        reliability([1.0, np.nan], [0.5, 0.5])
    with pytest.raises(InvalidInputError, match="P must hold no NaN"):
        decisions([[0.4, 0.6], [np.nan, 0.1]], ["no", "yes"])
    arithmetic = ProfileArithmetic(rates=("scoring_rate",))
    with pytest.raises(InvalidInputError, match="score must hold no NaN"):
        profile_rates([1, 0], arithmetic, attributes=pd.DataFrame({"s": ["f", "m"]}), favorable=1, score=[0.5, np.nan])
