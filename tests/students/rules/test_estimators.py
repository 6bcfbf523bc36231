"""Rule lists: truths, the contract, intervals, and what is refused."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from explaindistill.data.literals import Literal
from explaindistill.errors import InvalidInputError
from explaindistill.students.rules.estimators import RuleListClassifier, RuleListRegressor


@parametrize_with_checks([RuleListClassifier(), RuleListRegressor()])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def rows(n=1500, seed=0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "age": rng.integers(18, 80, n),
            "city": rng.choice(["Bern", "Chur", "Genf", "Thun"], n),
            "debt": np.where(rng.random(n) < 0.2, np.nan, rng.integers(0, 100, n)),
            "noise": rng.normal(size=n),
        }
    )
    first = (X.age <= 55) & X.city.isin(["Bern", "Chur"])
    second = X.debt.isna() | (X.debt > 80)
    p = np.select([first, second], [0.95, 0.35], 0.1)
    return X, np.c_[1 - p, p]


def test_a_teacher_that_is_a_rule_list_is_recovered():
    X, P = rows(3000)
    student = RuleListClassifier(max_rules=4, min_gain=1e-5).fit(X, P)
    np.testing.assert_allclose(student.predict_proba(X), P, atol=1e-12)
    assert student.score(X, P) == 1.0
    assert student.importance().set_index("feature").estimate["noise"] == 0


def test_rules_are_few_and_short():
    X, P = rows()
    student = RuleListClassifier(max_rules=2, max_literals=1).fit(X, P)
    assert len(student.rules_.rules) <= 2
    assert all(len(rule.literals) == 1 for rule in student.rules_.rules)


def test_a_rule_leaves_as_many_rows_as_it_must_cover():
    x = np.arange(100.0)
    student = RuleListRegressor(min_samples_rule=10, min_gain=0).fit(x[:, None], x < 97)
    assert np.unique(student.predict(x[:, None]), return_counts=True)[1].min() >= 10


def test_missing_values_count_with_the_run_that_they_join():
    x = np.where(np.arange(200) % 3 == 0, np.nan, np.arange(200))
    y = np.isnan(x) | (x <= 60)
    student = RuleListRegressor(max_rules=1, max_literals=1).fit(x[:, None], y)
    np.testing.assert_allclose(student.predict(x[:, None]), y, atol=1e-12)


def test_first_rule_is_the_best_of_all_single_literals():
    rng = np.random.default_rng(4)
    X = pd.DataFrame({"a": rng.integers(0, 6, 200), "b": rng.integers(0, 6, 200)})
    p = rng.random(200)
    student = RuleListClassifier(max_rules=1, max_literals=1, min_samples_rule=1, structure_temperature=1, min_gain=0)
    literal = student.fit(X, np.c_[1 - p, p]).rules_.rules[0].literals[0]

    def error(left):
        return sum(((p[s] - p[s].mean()) ** 2).sum() for s in (left, ~left))

    best = min(error((X[c] <= t).to_numpy()) for c in "ab" for t in range(5))
    own = literal(X.iloc[:, literal.feature].to_numpy(dtype=float))
    assert error(own) == pytest.approx(best, abs=1e-6)


def test_a_region_between_two_bounds_is_one_literal():
    x = np.linspace(0, 10, 250)
    p = np.where((x > 3) & (x <= 6), 0.9, 0.1)
    student = RuleListClassifier(max_rules=1).fit(pd.DataFrame({"x": x}), np.c_[1 - p, p])
    (rule,) = student.rules_.rules
    (literal,) = rule.literals
    assert x[x <= 3].max() <= literal.low < x[x > 3].min()
    assert x[x <= 6].max() <= literal.high < x[x > 6].min()
    assert literal.cost == 3
    assert " < x <= " in rule.words(student.schema_)
    assert student.score(pd.DataFrame({"x": x}), np.c_[1 - p, p]) == 1.0


def test_contributions_sum_to_probabilities_and_values():
    X, P = rows()
    student = RuleListClassifier().fit(X, P)
    frame = student.explain(X[:40], as_frame=True)
    assert frame.attrs["scale"] == "probability"
    assert list(frame.columns) == ["row", "step", "term", "reason", "output", "contribution"]
    sums = frame.groupby(["row", "output"]).contribution.sum().to_numpy().reshape(40, 2)
    np.testing.assert_allclose(sums, student.predict_proba(X[:40]), atol=1e-12)
    regressor = RuleListRegressor().fit(X, np.c_[P[:, 1], X.age])
    frame = regressor.explain(X[:40], as_frame=True)
    assert frame.attrs["scale"] == "value"
    sums = frame.groupby(["row", "output"]).contribution.sum().to_numpy().reshape(40, 2)
    np.testing.assert_allclose(sums, regressor.predict(X[:40]), atol=1e-9)


def test_table_counts_rows_and_says_how_sure_it_is():
    X, P = rows()
    student = RuleListClassifier().fit(X, P)
    fresh, Q = rows(seed=1)
    table = student.table(fresh, Q)
    assert table.n.sum() == len(fresh)
    assert table.coverage.sum() == pytest.approx(1)
    assert (table.precision_low <= table.precision).all()
    assert (table.precision <= table.precision_high).all()
    assert table.condition.iloc[-1] == "(default)"
    twice = student.table(fresh, Q, sample_weight=np.full(len(fresh), 2.0))
    assert (twice.n == 2 * table.n).all()
    uneven = student.table(fresh, Q, sample_weight=np.random.default_rng(0).random(len(fresh)))
    assert uneven.n.sum() < len(fresh)
    even = student.table(fresh, Q, sample_weight=np.full(len(fresh), 0.3))
    assert even.equals(table)


def test_wilson_limits_are_those_of_the_formula():
    student = RuleListClassifier(max_rules=0).fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 0, 1])
    row = student.table_.iloc[0]
    z, n, p = 1.959963984540054, 4, 0.75
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    assert (row.precision_low, row.precision_high) == pytest.approx((centre - half, centre + half))
    assert student.describe().splitlines()[1].startswith("always: 0 0.750")


def test_a_rule_without_rows_has_no_precision():
    X, P = rows()
    student = RuleListClassifier(max_rules=2).fit(X, P)
    table = student.table(X[:1], P[:1])
    assert table.precision.isna().any()
    values = RuleListRegressor(max_rules=2).fit(X, P[:, 1]).table(X[:1], P[:1, 1])
    assert values.estimate.isna().any()
    assert values.low.isna().all()


@pytest.mark.parametrize("kind", ["classifier", "regressor"])
def test_json_form_predicts_the_same(kind):
    X, P = rows()
    student = RuleListClassifier().fit(X, P) if kind == "classifier" else RuleListRegressor().fit(X, P[:, 1])
    again = type(student).from_dict(json.loads(json.dumps(student.to_dict())))
    np.testing.assert_array_equal(again.predict(X), student.predict(X))
    assert again.describe() == student.describe()
    assert again.complexity() == student.complexity()


def test_weights_rows_and_columns():
    X, P = rows(700)
    w = np.random.default_rng(0).integers(0, 4, len(X))
    twice = np.repeat(np.arange(len(X)), w)
    one = RuleListClassifier().fit(X, P, sample_weight=w)
    assert one.describe() == RuleListClassifier().fit(X.iloc[twice], P[twice]).describe()
    order = np.random.default_rng(1).permutation(len(X))
    plain = RuleListClassifier().fit(X, P)
    assert plain.describe() == RuleListClassifier().fit(X.iloc[order], P[order]).describe()
    turned = RuleListClassifier().fit(X[["noise", "debt", "city", "age"]], P)
    np.testing.assert_array_equal(turned.predict(X[turned.feature_names_in_]), plain.predict(X))


def test_missing_and_unseen_values_are_answered():
    X, P = rows()
    student = RuleListClassifier().fit(X, P)
    new = X[:4].copy()
    new["city"] = ["Basel", None, "Bern", "Chur"]
    new["debt"] = np.nan
    assert np.isfinite(student.predict_proba(new)).all()


def test_dates_orders_and_three_classes():
    rng = np.random.default_rng(3)
    n = 600
    day, level = rng.integers(0, 3000, n), rng.integers(0, 4, n)
    X = pd.DataFrame(
        {
            "since": pd.Timestamp("2010-01-01") + pd.to_timedelta(day, unit="D"),
            "size": pd.Categorical.from_codes(level, ["S", "M", "L", "XL"], ordered=True),
        }
    )
    y = np.select([day > 2000, level >= 2], ["new", "big"], "old")
    student = RuleListClassifier().fit(X, y)
    assert student.score(X, y) == 1.0
    assert 'size > "M"' in student.describe() or 'size <= "M"' in student.describe()
    new = X[:2].copy()
    new["size"] = pd.Categorical([None, "M"], ["S", "M", "L", "XL"], ordered=True)
    assert len(student.predict(new)) == 2


@pytest.mark.parametrize(
    ("literal", "words"),
    [
        (Literal(0, high=3.0), "x <= 3"),
        (Literal(0, low=3.0, missing=True), "x > 3, or missing"),
        (Literal(0), "x is known"),
        (Literal(0, np.inf, np.inf, missing=True), "x is missing"),
    ],
)
def test_literals_say_what_they_ask(literal, words):
    from explaindistill.data.schema import Feature

    assert literal.words(Feature("x", "integer")) == words
    again = Literal.from_dict(json.loads(json.dumps(literal.to_dict())))
    values = np.array([1.0, 3.0, 4.0, np.nan])
    assert again(values).tolist() == literal(values).tolist()


@pytest.mark.parametrize(
    ("codes", "inside", "words"),
    [
        ((0,), True, 'c is "u"'),
        ((0, 2), True, 'c in {"u", "w"}'),
        ((1,), False, 'c is not "v"'),
        ((), True, "c is missing"),
        ((), False, "c is anything"),
    ],
)
def test_category_literals_say_what_they_ask(codes, inside, words):
    from explaindistill.data.schema import Feature

    literal = Literal(0, codes=codes, inside=inside, missing=not codes)
    assert literal.words(Feature("c", "categorical", categories=("u", "v", "w"))) == words
    assert literal(np.array([0.0, -1.0])).tolist() == [(0 in codes) == inside, not inside]


def test_a_constant_teacher_has_the_default_only():
    student = RuleListRegressor().fit(np.arange(50.0)[:, None], np.full(50, 2.0))
    assert student.predict([[1.0]]).tolist() == [2.0]
    assert student.complexity().n_parameters == 1
    assert student.importance().estimate.tolist() == [0.0]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"max_rules": -1}, "max_rules must be a whole number of at least 0, got -1"),
        ({"max_literals": 0}, "max_literals must be a whole number of at least 1, got 0"),
        ({"min_samples_rule": 0}, "min_samples_rule must be a whole number of at least 1, got 0"),
        ({"beam_width": 0}, "beam_width must be a whole number of at least 1, got 0"),
        ({"min_gain": -1}, "min_gain must be a finite number of at least 0, got -1"),
    ],
)
def test_wrong_limits_are_refused(parameters, message):
    with pytest.raises(InvalidInputError, match=message):
        RuleListClassifier(**parameters).fit([[0.0], [1.0]], [0, 1])


def test_other_forms_are_refused():
    form = {"format": "explaindistill.rules", "version": 1, "kind": "RuleListClassifier"}
    with pytest.raises(InvalidInputError, match=r"kind 'RuleListRegressor', got .* 1 and 'RuleListClassifier'"):
        RuleListRegressor.from_dict(form)
