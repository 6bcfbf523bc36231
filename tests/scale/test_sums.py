"""Linear students of rows in partitions are those of the same rows in memory, to the last byte of their form."""

import pickle
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import explaindistill as xd
from explaindistill.numerics.linear import row_blocks
from explaindistill.scale.frames import LocalPartitions, partitions_of_frames
from explaindistill.students.linear import fit as linear_fit
from scale.rows import Blend, cut, mixed_rows
from scale.test_trees import SETS, WEIGHTS, form

ROWS = {**SETS, "mixed": SETS["mixed"].drop(columns=["code", "number"])}


def students(task):
    kind = xd.LinearClassifier if "classes" in task else xd.LinearRegressor
    return {
        "auto": kind(),
        "all digits": kind(digits=None, min_category_size=1),
        "given": kind(penalty=0.01, relax=False, l1_ratio=0.5, digits=None),
        "no penalty": kind(penalty=0.0, digits=None),
        "few terms": kind(max_terms=3, max_levels=2),
        "few terms, given": kind(penalty=1e-4, max_terms=2),
    }


@pytest.fixture(params=["as they are", "lowered"])
def limits(request, monkeypatch):
    """Samples and reading in blocks are for many rows; lowered limits bring few rows there."""
    if request.param == "lowered":
        monkeypatch.setattr(linear_fit, "MOST_ROWS", 90)
        monkeypatch.setattr(linear_fit, "LEAST_ROWS", 60)
        monkeypatch.setattr(linear_fit, "ONE_FOLD_FROM", 70)
        monkeypatch.setattr(row_blocks, "HELD_NUMBERS", 0)
        monkeypatch.setattr(row_blocks, "ROWS_AT_ONCE", 64)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("task", ["two classes", "three classes", "values", "two values"])
def test_any_cut_and_any_order_give_the_same_bytes(limits, teachers, task):
    @settings(max_examples=5, deadline=None, phases=(Phase.explicit, Phase.generate))
    @given(
        st.sampled_from(sorted(ROWS)),
        st.sampled_from(sorted(WEIGHTS)),
        st.sampled_from([1, 2, 7]),
        st.sampled_from(sorted(students(task))),
        st.integers(0, 10**6),
    )
    def holds(name, weighted, n_parts, how, seed):
        rows = ROWS[name]
        weight = WEIGHTS[weighted](len(rows), np.random.default_rng(seed))
        column = None if weight is None else "weight of the row"
        if weight is not None:
            rows = rows.assign(**{column: weight})
        student = students(task)[how]
        here, local = form(teachers[task], student, rows, column)
        there, far = form(teachers[task], student, partitions_of_frames(cut(rows, n_parts, seed)), column)
        assert here == there
        for fact in ("penalty_", "relaxed_", "optimality_", "converged_"):
            assert getattr(local.student_, fact) == getattr(far.student_, fact)
        if how == "auto":
            pd.testing.assert_frame_equal(local.student_.path_, far.student_.path_)

    holds()


def same(teacher, student, rows, frames, weight=None):
    """The form of a fit in memory, after it was that of the parts."""
    here, fitted = form(teacher, student, rows, weight)
    there, _ = form(teacher, student, partitions_of_frames(frames), weight)
    assert here == there
    return fitted


@pytest.mark.parametrize("task", ["three classes", "values"])
def test_two_hundred_parts_some_of_them_empty(teachers, task):
    kind = xd.LinearClassifier if "classes" in task else xd.LinearRegressor
    same(teachers[task], kind(), ROWS["mixed"], cut(ROWS["mixed"], 200, 3))


def test_parts_without_a_level_and_with_a_column_all_missing(teachers):
    rows = ROWS["mixed"].sort_values(["city", "gaps"], ignore_index=True)
    has_gap = rows["gaps"].isna()
    frames = [rows[has_gap], rows[~has_gap & (rows["city"] == "Bern")], rows[~has_gap & (rows["city"] != "Bern")]]
    for task in ("two classes", "values"):
        kind = xd.LinearClassifier if "classes" in task else xd.LinearRegressor
        same(teachers[task], kind(digits=None), rows, frames)


def test_a_part_whose_rows_all_weigh_nothing(teachers):
    rows = SETS["lending"].assign(w=lambda X: (np.arange(len(X)) >= 100) * 1.0)
    same(teachers["two classes"], xd.LinearClassifier(), rows, [rows[:100], rows[100:180], rows[180:]], "w")


class Sure(Blend):
    """A teacher that is certain: of one class, or of a straight line between two."""

    def __init__(self, one):
        super().__init__()
        self.one = one

    def predict_proba(self, X):
        first = np.ones(len(X)) if self.one else (X["normal"] > 0).to_numpy(dtype=float)
        return np.column_stack([first, 1 - first])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("one", [True, False])
def test_one_class_alone_and_classes_that_a_line_parts(one):
    rows = ROWS["mixed"]
    fitted = same(Sure(one), xd.LinearClassifier(), rows, cut(rows, 4, 1))
    assert (fitted.complexity().n_terms == 0) == one
    same(Sure(one), xd.LinearClassifier(penalty=1e-3, relax=False), rows, cut(rows, 4, 1))


def test_the_sum_of_files_that_are_read_each_time(teachers, tmp_path):
    for i, piece in enumerate(cut(mixed_rows(300, seed=8), 3, 2)):
        piece.to_parquet(tmp_path / f"{i}.parquet", row_group_size=70, index=False)
    opened = xd.open_parquet(tmp_path)
    here, _ = form(teachers["two classes"], xd.LinearClassifier(), pd.concat(list(opened), ignore_index=True), None)
    assert form(teachers["two classes"], xd.LinearClassifier(), opened, None)[0] == here


def test_parts_are_asked_a_number_of_times_that_rows_do_not_change(teachers):
    counts = []
    for n in (500, 4_000):
        parts = Counting(partitions_of_frames(cut(mixed_rows(n).drop(columns=["code", "number"]), 3, 0)).parts)
        form(teachers["two classes"], xd.LinearClassifier(), parts, None)
        counts.append(len(Counting.sizes))
        assert max(Counting.sizes) < 2_000_000
        Counting.sizes.clear()
    assert max(counts) <= 60


class Counting(LocalPartitions):
    """Partitions that write down how many bytes each round sends."""

    sizes: ClassVar = []

    def ask(self, function, *arguments, reduce):
        value = super().ask(function, *arguments, reduce=reduce)
        Counting.sizes.append(len(pickle.dumps(value)))
        return value

    def step(self, function, *arguments):
        return Counting(super().step(function, *arguments).parts)
