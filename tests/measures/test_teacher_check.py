"""A teacher whose faults are known."""

import numpy as np
import pandas as pd
import pytest

from explaindistill.measures.teacher_check import teacher_check

RNG = np.random.default_rng(0)
N = 2000
X = pd.DataFrame({"a": RNG.normal(size=N), "b": RNG.normal(size=N), "c": RNG.choice(["u", "v"], N)})
TRUE = 1 / (1 + np.exp(-2 * X["a"].to_numpy()))
Y = (RNG.random(N) < TRUE).astype(int)


def answer(rows):
    p = 1 / (1 + np.exp(-2 * rows["a"].fillna(3.0).to_numpy()))
    return np.c_[1 - p, p]


def check(X=X, P=None, y=Y, ask=answer, **more):
    return teacher_check(X, answer(X) if P is None else P, y, classes=[0, 1], answer=ask, **more)


def line(found, metric, feature=""):
    chosen = found[(found["metric"] == metric) & (found["feature"].fillna("") == feature)]
    assert len(chosen) == 1
    return chosen.iloc[0]


def test_an_honest_teacher():
    found = check()
    right = (answer(X).argmax(axis=1) == Y).mean()
    assert line(found, "accuracy")["estimate"] == pytest.approx(right)
    assert line(found, "accuracy_gain")["estimate"] == pytest.approx(right - max(Y.mean(), 1 - Y.mean()))
    sure = line(found, "overconfidence")
    assert sure["low"] < 0 < sure["high"]
    assert line(found, "noise_flip")["estimate"] < 0.05
    assert line(found, "single_feature_auc", "b")["suspicious"] is False


def test_a_teacher_that_is_too_sure():
    p = 1 / (1 + np.exp(-9 * X["a"].to_numpy()))
    sure = line(check(P=np.c_[1 - p, p]), "overconfidence")
    assert sure["low"] > 0.05
    assert sure["estimate"] == pytest.approx(np.maximum(p, 1 - p).mean() - ((p > 0.5) == Y).mean())


def test_one_column_that_says_as_much_as_the_teacher_is_suspicious():
    found = check()  # the teacher looks at nothing but a
    assert found.loc[found["suspicious"] == True, "feature"].tolist() == ["a"]  # noqa: E712 - None is neither
    leaked = X.assign(paid=Y)
    blind = np.tile([0.5, 0.5], (N, 1))
    marked = check(leaked, P=blind, ask=None)
    assert line(marked, "single_feature_auc", "paid")["suspicious"] is True
    assert "when the decision is taken" in line(marked, "single_feature_auc", "paid")["reason"]


def test_two_causes_are_not_suspicious():
    z = X["a"] + X["b"]
    y = (RNG.random(N) < 1 / (1 + np.exp(-2 * z))).astype(int)
    p = 1 / (1 + np.exp(-2 * z.to_numpy()))
    found = check(P=np.c_[1 - p, p], y=y, ask=None)
    assert not (found["suspicious"] == True).any()  # noqa: E712


def test_dependence_on_missing_values():
    holes = X.copy()
    holes.loc[:399, "a"] = np.nan
    found = check(holes)
    gone = line(found, "accuracy_where_missing", "a")
    assert (gone["n"], gone["status"]) == (400, "ok")
    right = answer(holes).argmax(axis=1) == Y
    assert gone["estimate"] == pytest.approx(right[:400].mean() - right[400:].mean())
    assert gone["high"] < 0
    flip = line(found, "missing_flip", "a")
    assert flip["n"] == 1600
    assert flip["estimate"] == pytest.approx((X["a"][400:] < 0).mean())  # a missing value counts as 3


def test_without_labels_it_cannot_say():
    found = check(y=None)
    told = found[found["metric"].isin(["accuracy", "overconfidence", "single_feature_auc"])]
    assert set(told["status"]) == {"undefined"}
    assert told["reason"].str.startswith("cannot say").all()
    assert line(found, "noise_flip")["status"] == "ok"


def test_without_a_teacher_to_ask_it_cannot_say():
    found = check(ask=None)
    assert line(found, "noise_flip")["reason"].startswith("cannot say: only recorded")
    assert not found["metric"].str.startswith("missing_").any()


def test_noise_keeps_kinds_and_is_seen_by_a_steep_teacher():
    rows = pd.DataFrame({"n": RNG.integers(0, 1000, N), "flag": RNG.random(N) < 0.5})
    seen = []

    def steep(r):
        seen.append(r.dtypes.to_dict())
        p = (r["n"] % 2).to_numpy(dtype=float)
        return np.c_[1 - p, p]

    found = teacher_check(rows, steep(rows), classes=[0, 1], answer=steep)
    assert line(found, "noise_flip")["estimate"] > 0.4
    assert seen[0] == seen[1]


def test_the_gain_is_over_the_commonest_label():
    y = np.r_[np.ones(1500, int), np.zeros(500, int)]
    always = np.tile([0.1, 0.9], (N, 1))
    assert line(check(P=always, y=y, ask=None), "accuracy_gain")["estimate"] == 0
    right = np.c_[1.0 - y, y]
    assert line(check(P=right, y=y, ask=None), "accuracy_gain")["estimate"] == pytest.approx(0.25)


def test_whole_numbers_are_rounded_and_not_cut():
    rows, seen = pd.DataFrame({"n": RNG.integers(1, 100, N)}), []

    def ask(r):
        seen.append(r["n"].mean())
        return np.tile([0.5, 0.5], (len(r), 1))

    teacher_check(rows, ask(rows), classes=[0, 1], answer=ask)
    assert abs(seen[1] - seen[0]) < 0.15


def test_regression():
    values = 3 * X["a"] + 0.1 * RNG.normal(size=N)
    found = teacher_check(X, 3 * X["a"], values, answer=lambda r: 3 * r["a"].to_numpy())
    assert line(found, "single_feature_r2", "a")["suspicious"] is True
    assert abs(line(found, "single_feature_r2", "b")["estimate"]) < 0.1
    assert line(found, "noise_shift")["estimate"] == pytest.approx(0.05 * np.sqrt(2 / np.pi), rel=0.1)
    assert line(teacher_check(X, 3 * X["a"]), "single_feature_r2")["status"] == "undefined"


def test_several_classes_and_few_rows():
    y = np.where(X["a"] > 1, 2, np.where(X["c"] == "u", 1, 0))
    P = np.eye(3)[y] * 0.8 + 0.2 / 3
    found = teacher_check(X, P, y, classes=[0, 1, 2])
    assert line(found, "single_feature_auc", "a")["estimate"] > 0.95
    assert line(found, "accuracy")["estimate"] == 1
    few = teacher_check(X.head(60), P[:60], np.r_[np.zeros(50), np.ones(10)], classes=[0, 1, 2])
    assert line(few, "single_feature_auc", "a")["status"] == "undefined"


def test_a_teacher_that_no_noise_moves_leaves_no_interval_without_width():
    X = pd.DataFrame({"x": np.random.default_rng(0).normal(size=200)})
    P = np.full((200, 2), 0.5)
    found = teacher_check(X, P, classes=["a", "b"], answer=lambda rows: np.full((len(rows), 2), 0.5))
    shift = line(found, "noise_shift")
    assert shift["estimate"] == shift["low"] == 0
    assert 0 < shift["high"] < 0.05
