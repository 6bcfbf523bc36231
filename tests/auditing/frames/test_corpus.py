"""What an audit says about made-up rows and cost."""

from __future__ import annotations

import json
import pickle
import time
from functools import partial

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.asking.cost import Cost
from explaindistill.errors import InvalidInputError
from explaindistill.report.render import render
from explaindistill.samplers.boundary import BoundarySampler
from explaindistill.samplers.munge import MungeSampler
from explaindistill.samplers.uniform import UniformSampler
from explaindistill.teachers.callable import CallableTeacher


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
LABELS = np.where(TRAIN["a"] > 0, "yes", "no")


def distilled(**options):
    student = xd.TreeClassifier(max_leaf_nodes=4)
    return xd.Distiller(options.pop("teacher", above("a")), student, random_state=0, n_queries=900, **options).fit(
        TRAIN
    )


@pytest.fixture(scope="module")
def munge():
    return distilled()


def test_believable_rows_are_said_to_be(munge):
    audit = xd.audit(above("a"), {"tree": munge, "twin": munge}, TEST, train=(TRAIN, LABELS))
    table = audit.frames["believability"]
    assert set(table["subject"]) == {"tree", "twin"}
    one = table[table["subject"] == "tree"].set_index("metric")
    assert one.loc["two_sample_auc", "low"] < 0.7
    assert one.loc["violations", "k"] == 0
    assert one.loc["two_sample_auc", "n"] == 800
    assert not any("made-up rows" in note for note in audit.notes)
    assert "Are the made-up rows believable?" in render(audit, "html")


def test_unbelievable_rows_are_warned_of_in_the_notes_and_the_report():
    audit = xd.audit(above("a"), {"wild": distilled(sampler=UniformSampler())}, TEST, train=(TRAIN, LABELS))
    note = next(n for n in audit.notes if "made-up rows of wild: easy to tell from real rows" in n)
    assert "try MungeSampler or CopulaSampler" in note
    assert render(audit, "markdown").count("easy to tell from real rows") >= 2


def test_broken_constraints_of_a_sampler_are_found():
    class Lying(MungeSampler):
        def fit(self, X, schema=None):
            keep, self.constraints = self.constraints, ()
            super().fit(X, schema)
            self.constraints = keep
            return self

    audit = xd.audit(above("a"), distilled(sampler=Lying(constraints=["c <= 0"])), TEST, train=(TRAIN, LABELS))
    line = audit.frames["believability"].set_index("metric").loc["violations"]
    assert 0.3 < line["estimate"] < 0.7
    assert any("break a bound, a category, a constraint" in note for note in audit.notes)
    honest = xd.audit(above("a"), distilled(sampler=MungeSampler(constraints=["c <= 0"])), TEST, train=(TRAIN, LABELS))
    assert honest.frames["believability"].set_index("metric").loc["violations", "k"] == 0


def test_private_rows_are_no_copies():
    audit = xd.audit(above("a"), distilled(sampler=MungeSampler(private=True)), TEST, train=(TRAIN, LABELS))
    table = audit.frames["believability"].set_index("metric")
    assert table.loc["novel", "estimate"] == 1
    assert table.loc["violations", "k"] == 0


def test_what_cannot_be_said_is_not_made_up(munge):
    without = xd.audit(above("a"), munge, TEST).frames["believability"]
    assert without["status"].tolist() == ["undefined"]
    assert without["reason"].tolist() == ["rows of fitting were not given: pass train=(X, y)"]
    asking = distilled(sampler=BoundarySampler(above("a")))
    table = xd.audit(above("a"), asking, TEST, train=(TRAIN, LABELS)).frames["believability"]
    assert "asks the teacher" in table["reason"][0]
    plain = xd.Distiller(above("a"), xd.TreeClassifier(), n_queries=300, random_state=0).fit(TRAIN)
    assert plain.corpus_.sampler == "none"
    assert xd.audit(above("a"), plain, TEST, train=(TRAIN, LABELS)).frames["believability"].empty


def test_cost_is_recorded_once_and_shown_as_it_was(munge, tmp_path):
    cost = munge.cost_
    n = munge.n_queries_
    assert 800 < n <= 900
    assert (cost.n_queries, cost.n_asked) == (n, n)
    assert 0 < cost.query_seconds < cost.total_seconds
    assert 0 < cost.fit_seconds < cost.total_seconds
    assert cost.cpu_seconds > 0
    assert cost.peak_memory_bytes is None or cost.peak_memory_bytes > 10**7
    again = pickle.loads(pickle.dumps(munge))
    one = xd.audit(above("a"), {"tree": munge}, TEST, train=(TRAIN, LABELS), price_per_row=0.02)
    two = xd.audit(above("a"), {"tree": again}, TEST, train=(TRAIN, LABELS), price_per_row=0.02)
    for kind in ("html", "json", "markdown"):
        assert render(one, kind) == render(two, kind)
    line = one.frames["cost"].iloc[0]
    assert line["money"] == pytest.approx(0.02 * n)
    assert line["query_seconds"] == cost.query_seconds
    assert json.loads(render(one, "json"))["frames"]["cost"]["rows"][0][1:3] == [n, n]
    page = render(one, "markdown")
    assert "What distilling cost" in page
    assert "Energy is a proxy" in page
    silent = xd.audit(above("a"), {"tree": munge}, TEST)
    assert pd.isna(silent.frames["cost"]["money"][0])
    assert "no price was stated" in render(silent, "markdown")
    with pytest.raises(InvalidInputError, match="price_per_row must be a finite number of at least 0 or None, got -1"):
        xd.audit(above("a"), munge, TEST, price_per_row=-1)


def test_what_the_store_knew_costs_nothing(tmp_path):
    first = distilled(store=tmp_path / "l.db").cost_
    second = distilled(store=tmp_path / "l.db").cost_
    assert first.n_asked == first.n_queries == second.n_queries > 0
    assert second.n_asked == 0
    assert second.query_seconds == 0
    assert second.as_row(0.5)["money"] == 0


def test_the_time_of_a_slow_teacher_is_its_own():
    def slow(X):
        time.sleep(0.2)
        return np.asarray(X["a"])

    student = xd.Distiller(CallableTeacher(slow), xd.TreeRegressor(max_leaf_nodes=4), n_queries=600, random_state=0)
    cost = student.fit(TRAIN).cost_
    assert 0.2 <= cost.query_seconds < cost.total_seconds


def test_a_student_that_was_given_has_no_cost():
    tree = xd.TreeClassifier(max_leaf_nodes=4).fit(TRAIN, LABELS)
    assert xd.audit(above("a"), tree, TEST).frames["cost"].empty


def test_the_row_of_a_cost():
    row = Cost(10, 8, 1.0, 2.0, 2.5, 4.0, None).as_row()
    assert (row["other_seconds"], row["energy_joules"], row["money"]) == (0.0, 40.0, None)
