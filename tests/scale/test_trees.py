"""The tree of rows in partitions is the tree of the same rows in memory, to the last byte of its form."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine

import explaindistill as xd
from explaindistill.distillation import partitions
from explaindistill.numerics.threads import spread
from explaindistill.numerics.trees import binning, finer_thresholds, growth, lookahead
from explaindistill.scale.frames import partitions_of_frames
from explaindistill.students.tree import search, shrinkage
from scale.rows import Blend, InThreads, Turns, cut, mixed_rows

SETS = {
    "mixed": mixed_rows(400),
    "lending": xd.lending(300).X,
    "iris": load_iris(as_frame=True).data,
    "wine": load_wine(as_frame=True).data,
    "cancer": load_breast_cancer(as_frame=True).data.iloc[:300, :9],
    "diabetes": load_diabetes(as_frame=True).data.iloc[:250],
}
WEIGHTS = {
    "none": lambda n, rng: None,
    "repetitions": lambda n, rng: rng.integers(1, 4, n).astype(float),
    "with zeros": lambda n, rng: rng.integers(0, 3, n).astype(float),
    "any": lambda n, rng: rng.random(n) + 0.2,
    "equal": lambda n, rng: np.full(n, 0.7),
}


def form(teacher, student, rows, weight):
    distiller = xd.Distiller(teacher, student, n_queries="all", random_state=0)
    fitted = distiller.fit(rows, sample_weight=weight)
    return json.dumps(fitted.to_dict(), sort_keys=True), fitted


@pytest.fixture(params=["as they are", "lowered"])
def limits(request, monkeypatch):
    """Cells, narrowed thresholds and drawn rows are for many rows; lowered limits bring few rows there."""
    if request.param == "lowered":
        monkeypatch.setattr(binning, "MANY", 60)
        monkeypatch.setattr(finer_thresholds, "SORTED", 6)
        monkeypatch.setattr(search, "MOST", 90)
        monkeypatch.setattr(search, "AHEAD_ROWS", 50)
        monkeypatch.setattr(search, "AHEAD_ROWS_PER_LEAF", 10)
        monkeypatch.setattr(shrinkage, "MOST", 70)


@pytest.mark.parametrize("task", ["two classes", "three classes", "values", "two values"])
def test_any_cut_and_any_order_give_the_same_bytes(limits, teachers, task):
    @settings(max_examples=5, deadline=None, phases=(Phase.explicit, Phase.generate))
    @given(
        st.sampled_from(sorted(SETS)),
        st.sampled_from(sorted(WEIGHTS)),
        st.sampled_from([1, 2, 7]),
        st.sampled_from(["auto", "greedy", "lookahead"]),
        st.integers(0, 10**6),
    )
    def holds(name, weighted, n_parts, how, seed):
        rows = SETS[name]
        weight = WEIGHTS[weighted](len(rows), np.random.default_rng(seed))
        column = None if weight is None else "weight of the row"
        if weight is not None:
            rows = rows.assign(**{column: weight})
        kind = xd.TreeClassifier if "classes" in task else xd.TreeRegressor
        student = kind(max_leaf_nodes=6, search=how, max_bins=40)
        here, local = form(teachers[task], student, rows, column)
        there, far = form(teachers[task], student, partitions_of_frames(cut(rows, n_parts, seed)), column)
        assert here == there
        assert local.student_.shrinkage_ == far.student_.shrinkage_
        assert local.student_.candidates_["chosen"].tolist() == far.student_.candidates_["chosen"].tolist()

    holds()


@pytest.mark.parametrize("task", ["three classes", "values"])
def test_two_hundred_parts_some_of_them_empty(teachers, task):
    kind = xd.TreeClassifier if "classes" in task else xd.TreeRegressor
    student = kind(max_leaf_nodes=5, search="greedy")
    here, _ = form(teachers[task], student, SETS["mixed"], None)
    there, _ = form(teachers[task], student, partitions_of_frames(cut(SETS["mixed"], 200, 3)), None)
    assert here == there


def test_constraints_and_limits_hold_in_partitions(teachers):
    rows = SETS["mixed"].drop(columns=["code", "number"])
    student = xd.TreeClassifier(
        max_leaf_nodes=None, max_depth=4, min_samples_leaf=9, max_features_used=3, monotone={"skewed": 1, "normal": -1},
        interactions=[["skewed", "count", "city"], ["normal", "gaps"]], min_category_size=1, optimize="probabilities",
    )  # fmt: skip
    here, _ = form(teachers["two classes"], student, rows, None)
    there, far = form(teachers["two classes"], student, partitions_of_frames(cut(rows, 5, 0)), None)
    assert here == there
    assert far.complexity().n_leaves > 3


def test_a_student_of_some_columns_and_the_whole_rows_of_its_teacher(teachers):
    rows = SETS["mixed"]
    parts = partitions_of_frames(cut(rows, 4, 1))
    forms = [
        json.dumps(
            xd.Distiller(
                teachers["values"], xd.TreeRegressor(max_leaf_nodes=5), features=["city", "skewed"], n_queries="all"
            ).fit(X).to_dict()
        )
        for X in (rows, parts)
    ]  # fmt: skip
    assert forms[0] == forms[1]


def test_what_a_fit_to_partitions_knows_afterwards(teachers):
    rows = pd.concat([SETS["lending"]] * 2, ignore_index=True)
    parts = partitions_of_frames([rows.iloc[:300], rows.iloc[300:]])
    fitted = xd.Distiller(teachers["two classes"], xd.TreeClassifier(max_leaf_nodes=4), n_queries="all").fit(parts)
    assert fitted.corpus_.n_given == fitted.corpus_.n_observed == 600
    assert fitted.corpus_.n_synthetic == 0
    assert fitted.n_queries_ == fitted.corpus_.n_asked == 600  # each distinct row once a part
    assert fitted.cost_.n_asked == 600
    assert fitted.feature_names_in_.tolist() == rows.columns.tolist()
    assert fitted.schema_ == xd.Schema.infer(rows)
    assert fitted.classes_.tolist() == ["class 0", "class 1"]
    here = fitted.predict(rows)
    answers = fitted.predict(parts)
    assert len(answers) == 2
    assert np.concatenate(list(answers)).tolist() == here.tolist()
    assert np.array_equal(np.concatenate(list(fitted.predict_proba(parts))), fitted.predict_proba(rows))


@pytest.mark.parametrize("most", [100, 10**6])
def test_an_audit_says_where_only_some_keys_are_known(teachers, monkeypatch, most):
    monkeypatch.setattr(partitions, "MOST_KEYS", most)
    rows = SETS["lending"]
    parts = partitions_of_frames([rows.iloc[:150], rows.iloc[150:]])
    tree = xd.TreeClassifier(max_leaf_nodes=4)
    fitted = xd.Distiller(teachers["two classes"], tree, n_queries="all").fit(parts)
    keys = fitted.fit_rows_.keys
    assert len(np.unique(keys, axis=0)) == len(keys) == min(most, 300)
    assert fitted.fit_rows_.is_complete == (most > 300)
    more = rows.assign(**{rows.columns[0]: rows.iloc[::-1, 0].to_numpy()})
    audit = xd.audit(fitted.teacher_, {"tree": fitted}, more, n_explained=0)
    assert any("random" in note and "of them are kept" in note for note in audit.notes) == (most < 300)


def test_every_real_row_in_memory_and_none_made(teachers):
    rows = SETS["lending"]
    fitted = xd.Distiller(teachers["two classes"], xd.TreeClassifier(max_leaf_nodes=4), n_queries="all").fit(rows)
    assert (fitted.corpus_.n_observed, fitted.corpus_.n_synthetic, fitted.n_queries_) == (300, 0, 300)
    assert fitted.sampler_ is None


def test_a_number_of_queries_draws_rows_by_their_content(teachers):
    rows = SETS["lending"]
    student = xd.TreeClassifier(max_leaf_nodes=4)
    forms = set()
    for n_parts, seed in ((1, 0), (3, 1), (40, 2)):
        parts = partitions_of_frames(cut(rows, n_parts, seed))
        fitted = xd.Distiller(teachers["two classes"], student, n_queries=120, random_state=0).fit(parts)
        forms.add(json.dumps(fitted.to_dict()))
        assert (fitted.n_queries_, fitted.corpus_.n_observed, fitted.corpus_.n_synthetic) == (120, 120, 0)
    assert len(forms) == 1


def test_threads_of_one_process_ask_one_after_the_other():
    rows = mixed_rows(400, seed=2)
    parts = partitions_of_frames([rows.iloc[i : i + 50] for i in range(0, 400, 50)])
    student = xd.Distiller(Turns(), xd.TreeClassifier(max_leaf_nodes=4), n_queries="all", random_state=0)
    assert student.fit(InThreads(parts.parts)).corpus_.n_given == 400


def test_looking_ahead_asks_about_several_splits_at_once_and_chooses_the_same(monkeypatch):
    at_once, together, split_each = [], [], growth.Grower.split_each
    monkeypatch.setattr(lookahead, "spread", lambda f, items, n: at_once.append(n) or spread(f, items, n))
    monkeypatch.setattr(
        growth.Grower, "split_each", lambda g, pairs: together.append(len(pairs)) or split_each(g, pairs)
    )
    rows = mixed_rows(700, seed=8)
    student = xd.TreeClassifier(max_leaf_nodes=7, search="lookahead")
    here, there = (
        xd.Distiller(Blend(3), student, n_queries="all", random_state=0).fit(table)
        for table in (rows, InThreads(partitions_of_frames(cut(rows, 3, 1)).parts))
    )
    assert json.dumps(there.to_dict()) == json.dumps(here.to_dict())
    half = len(at_once) // 2
    assert set(at_once[:half]) == {1}
    assert max(at_once[half:]) > 3
    assert max(together) > 1
