from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from sklearn.tree import DecisionTreeClassifier

import explaindistill as xd
from explaindistill.errors import InvalidInputError
from explaindistill.measures.stability import splits_of, stability


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.random(800), "b": rng.random(800), "c": rng.choice(["x", "y", "z"], 800)})
    X["d"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, 800), unit="D")
    return X


def predict(student, X):
    return student.predict(X)


def found_by(rows, refit, answer=predict, **options):
    return stability(refit, rows, answer, **options).set_index("metric")


def test_a_student_that_never_changes_is_stable(rows):
    tree = xd.TreeClassifier(max_leaf_nodes=4).fit(rows, rows["a"] > 0.5)
    found = found_by(rows, lambda seed: tree)
    assert (found["estimate"] == 1.0).all()
    assert (found["low"] == 1.0).all()
    assert (found["n"] == 5).all()


def test_agreement_is_the_mean_over_pairs(rows):
    students = [xd.TreeClassifier(max_leaf_nodes=2).fit(rows, rows[c] > 0.5) for c in ("a", "a", "b")]
    found = found_by(rows, lambda seed: students[seed], seeds=range(3))
    answers = [s.predict(rows) for s in students]
    by_hand = np.mean([(x == y).mean() for x, y in combinations(answers, 2)])
    assert found.loc["refit_agreement", "estimate"] == pytest.approx(by_hand)
    assert found.loc["refit_features", "estimate"] == pytest.approx(1 / 3)
    assert found.loc["refit_splits", "estimate"] == pytest.approx(1 / 3)
    assert np.isnan(found.loc["refit_agreement", "low"])


def test_jackknife_twin(rows):
    rng = np.random.default_rng(1)
    answers = [rng.random(800) < 0.5 for _ in range(6)]
    found = found_by(rows, lambda seed: seed, lambda seed, X: answers[seed], seeds=range(6))

    def mean(kept):
        return np.mean([(answers[i] == answers[j]).mean() for i, j in combinations(kept, 2)])

    left_out = np.array([mean([k for k in range(6) if k != i]) for i in range(6)])
    spread = np.sqrt(5 / 6 * ((left_out - left_out.mean()) ** 2).sum())
    line = found.loc["refit_agreement"]
    assert line["estimate"] == pytest.approx(mean(range(6)))
    assert line["high"] - line["estimate"] == pytest.approx(2.570582 * spread, rel=1e-5)


def test_thresholds_within_a_sixteenth_of_the_rows_are_the_same_split(rows):
    near, far = rows["a"].quantile([0.55, 0.6])
    cut = rows["a"].quantile(0.5)
    fits = [xd.TreeClassifier(max_leaf_nodes=2).fit(rows, rows["a"] > t) for t in (cut, near, far)]
    same = found_by(rows, lambda seed: fits[0 if seed == 0 else 1], seeds=range(3))
    other = found_by(rows, lambda seed: fits[0 if seed == 0 else 2], seeds=range(3))
    assert same.loc["refit_splits", "estimate"] == 1.0
    assert other.loc["refit_splits", "estimate"] == pytest.approx(1 / 3)


def test_sets_of_categories_are_the_same_whichever_side_they_are_on(rows):
    one = xd.TreeClassifier(max_leaf_nodes=2).fit(rows, rows["c"] == "x")
    two = xd.TreeClassifier(max_leaf_nodes=2).fit(rows, rows["c"] != "x")
    found = found_by(rows, lambda seed: (one, two)[seed % 2], seeds=range(3))
    assert found.loc["refit_splits", "estimate"] == 1.0
    mixed = [one, xd.TreeClassifier(max_leaf_nodes=2).fit(rows, rows["c"] == "y")]
    assert found_by(rows, lambda seed: mixed[seed % 2], seeds=range(3)).loc["refit_splits", "estimate"] < 1.0


def test_dates_and_stumps(rows):
    dated = xd.TreeClassifier(max_leaf_nodes=2).fit(rows, rows["d"] > pd.Timestamp("2021-01-01"))
    assert found_by(rows, lambda seed: dated).loc["refit_splits", "estimate"] == 1.0
    stump = xd.TreeRegressor(max_leaf_nodes=2).fit(rows, np.ones(800))
    constant = found_by(rows, lambda seed: stump)
    undefined = constant.loc["refit_importance"]
    assert undefined[["status", "reason"]].tolist() == ["undefined", "not defined for every pair of refits"]
    assert undefined[["n", "subject"]].tolist() == [0, "student"]
    assert constant.loc["refit_agreement", "method"] == "jackknife over refits"
    assert constant.loc["refit_splits", "estimate"] == constant.loc["refit_agreement", "estimate"] == 1.0


def test_numbers_are_compared_by_r2(rows):
    fits = [xd.TreeRegressor(max_leaf_nodes=8).fit(rows, rows[c]) for c in ("a", "a", "b")]
    found = found_by(rows, lambda seed: fits[seed], seeds=range(3))
    one, _, three = (f.predict(rows) for f in fits)
    spread = one.var() + three.var()
    across = 1 - 2 * ((one - three) ** 2).mean() / spread
    assert found.loc["refit_agreement", "estimate"] == pytest.approx((1 + 2 * across) / 3)


def test_what_has_no_splits_or_no_structure_is_undefined(rows):
    linear = xd.LinearClassifier().fit(rows, rows["a"] > 0.5)
    found = found_by(rows, lambda seed: linear, seeds=range(3))
    assert found.loc["refit_splits", ["status", "reason"]].tolist() == ["undefined", "only trees have splits"]
    assert found.loc["refit_importance", "estimate"] == 1.0
    numbers = rows[["a", "b"]]
    other = DecisionTreeClassifier().fit(numbers, rows["a"] > 0.5)
    theirs = found_by(numbers, lambda seed: other, seeds=range(3))
    assert theirs.loc["refit_features", "status"] == "undefined"
    assert theirs.loc["refit_features", "reason"] == "this student does not tell its structure"
    assert splits_of({"coefficients": []}) is None


def test_too_few_refits(rows):
    with pytest.raises(InvalidInputError, match="seeds must be at least 3, got 2"):
        stability(lambda seed: None, rows, predict, seeds=range(2))
