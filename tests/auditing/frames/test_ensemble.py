"""What an audit says of each of several teachers."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.report.render import render
from explaindistill.teachers.callable import CallableTeacher
from explaindistill.teachers.ensemble import EnsembleTeacher


def rows(n, seed):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=n)
    return pd.DataFrame({"a": a, "b": a + 0.05 * rng.normal(size=n), "c": rng.normal(size=n)})


def share(column, X):
    p = 1 / (1 + np.exp(-8 * np.asarray(X[column])))
    return np.column_stack([1 - p, p])


def above(column):
    return CallableTeacher(partial(share, column), classes=["no", "yes"], version="1")


TRAIN, TEST = rows(600, 0), rows(400, 1)


def distilled(teacher):
    return xd.Distiller(teacher, xd.TreeClassifier(max_leaf_nodes=4), random_state=0, n_queries=900).fit(TRAIN)


def test_several_teachers_are_told_apart():
    a, c = above("a"), above("c")
    both = EnsembleTeacher([a, c], weights=[0.9, 0.1], abstain_above=0.5)
    student = distilled(both)
    audit = xd.audit(both, {"tree": student}, TEST)
    table = audit.frames["teachers"]
    said_a, said_c = (t.predict(TEST) for t in (a, c))
    agree = said_a == said_c
    line = table[table["metric"] == "teachers_agree"].iloc[0]
    assert line["estimate"] == pytest.approx(agree.mean())
    assert 0.4 < line["low"] < line["high"] < 0.6
    abstains = table[table["metric"] == "abstains"].iloc[0]
    assert abstains["k"] == both.abstains(TEST).sum() > 0
    for position, said in enumerate((said_a, said_c)):
        mine = table[table["reference"].str.startswith(f"{position}:")].set_index("subject")["estimate"]
        assert mine["teacher"] == pytest.approx((both.predict(TEST) == said).mean())
        assert mine["tree"] == pytest.approx((student.predict(TEST) == said).mean())
    region = table[table["subset"] != ""].set_index("subset")["estimate"]
    same = student.predict(TEST) == both.predict(TEST)
    assert region["where all teachers agree"] == pytest.approx(same[agree].mean())
    assert region["where the teachers differ"] == pytest.approx(same[~agree].mean())
    assert "Each teacher of the ensemble" in render(audit, "html")


def test_copies_of_a_teacher_are_the_teacher():
    both = EnsembleTeacher([above("a"), above("a")])
    audit = xd.audit(both, {"tree": distilled(both)}, TEST)
    table = audit.frames["teachers"]
    assert table.loc[table["metric"] == "teachers_agree", "estimate"].tolist() == [1.0]
    assert (table.loc[table["subject"] == "teacher", "estimate"] == 1).all()
    assert "where the teachers differ" not in set(table["subset"])
    assert xd.audit(above("a"), {"tree": distilled(above("a"))}, TEST).frames["teachers"].empty


def test_several_teachers_of_values():
    f, g = (CallableTeacher(lambda X, c=c: np.asarray(X[c])) for c in ("a", "b"))
    both = EnsembleTeacher([f, g])
    student = xd.Distiller(both, xd.TreeRegressor(max_leaf_nodes=8), n_queries=600, random_state=0).fit(TRAIN)
    table = xd.audit(both, {"tree": student}, TEST).frames["teachers"]
    assert set(table["metric"]) == {"r2"}
    assert len(table) == 4
    assert (table["estimate"] > 0.8).all()
