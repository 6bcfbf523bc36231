"""Additive students of rows in partitions are those of the same rows in memory, to the last byte of their form."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import explaindistill as xd
from explaindistill.errors import InvalidInputError
from explaindistill.scale.frames import partitions_of_frames
from explaindistill.students.gam import bins, fit, problem
from scale.rows import Blend, cut, mixed_rows
from scale.test_trees import SETS, WEIGHTS, form

ROWS = {**SETS, "mixed": SETS["mixed"].drop(columns=["code", "number"])}
LIMITS = {
    bins: {"JOINED_ROWS": 0, "SORTED_ROWS": 150, "SAMPLED_VALUES": 60, "MAX_BINS": 50},
    problem: {"CURVATURE_ROWS": 100, "RARE_ROWS": 8},
    fit: {"SCAN_ROWS": 120, "CURVATURE_ROWS": 100, "FEW_PAIRS": 1},
}


def students(task, columns):
    kind = xd.GAMClassifier if "classes" in task else xd.GAMRegressor
    few = {"n_knots": 8, "n_pair_knots": 4, "n_jobs": 1}
    out = {
        "curves": kind(n_knots=12),
        "pairs": kind(n_pairs=2, **few),
        "chosen pairs": kind(n_pairs="auto", **few),
        "few terms": kind(n_pairs=1, max_terms=3, heredity=True, min_category_size=1, **few),
        "as outcomes": kind(labels="outcomes", **few),
    }
    if task != "three classes":
        out["shapes"] = kind(monotone={columns[0]: 1}, convex={columns[1]: 1}, zero_at={columns[2]: 1.0}, **few)
    return out


@pytest.fixture(params=["as they are", "lowered"])
def limits(request, monkeypatch):
    """Samples are for many rows, joined rows for few; lowered limits bring few rows to the other side."""
    if request.param == "lowered":
        for module, values in LIMITS.items():
            for name, value in values.items():
                monkeypatch.setattr(module, name, value)


def numbers(rows):
    return [n for n in rows.columns if rows[n].dtype.kind in "if"][:3]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("task", ["two classes", "three classes", "values"])
def test_any_cut_and_any_order_give_the_same_bytes(limits, teachers, task):
    names = sorted(students(task, list("abc")))

    @settings(max_examples=3, deadline=None, phases=(Phase.explicit, Phase.generate))
    @given(
        st.sampled_from(["mixed", "lending", "wine", "diabetes"]),
        st.sampled_from(sorted(WEIGHTS)),
        st.sampled_from([1, 2, 7]),
        st.sampled_from(names),
        st.integers(0, 10**6),
    )
    def holds(name, weighted, n_parts, how, seed):
        rows = ROWS[name]
        student = students(task, numbers(rows))[how]
        weight = WEIGHTS[weighted](len(rows), np.random.default_rng(seed))
        column = None if weight is None else "weight of the row"
        if weight is not None:
            rows = rows.assign(**{column: weight})
        here, local = form(teachers[task], student, rows, column)
        there, far = form(teachers[task], student, partitions_of_frames(cut(rows, n_parts, seed)), column)
        assert here == there
        for fact in ("optimality_", "converged_", "n_iter_", "dispersion_", "deviance_", "labels_"):
            assert getattr(local.student_, fact) == getattr(far.student_, fact)
        for frame in ("term_path_", "pair_trials_"):
            pd.testing.assert_frame_equal(getattr(local.student_, frame), getattr(far.student_, frame))

    holds()


def same(teacher, student, rows, frames, weight=None):
    """The fit in memory, after its form was that of the parts."""
    here, fitted = form(teacher, student, rows, weight)
    there, _ = form(teacher, student, partitions_of_frames(frames), weight)
    assert here == there
    return fitted


@pytest.mark.parametrize("task", ["two classes", "three classes", "values"])
def test_two_hundred_parts_some_of_them_empty(limits, teachers, task):
    kind = xd.GAMClassifier if "classes" in task else xd.GAMRegressor
    same(teachers[task], kind(n_knots=6, n_jobs=1), ROWS["mixed"], cut(ROWS["mixed"], 200, 3))


def test_parts_without_a_level_and_with_a_column_all_missing(limits, teachers):
    rows = ROWS["mixed"].sort_values(["city", "gaps"], ignore_index=True)
    has_gap = rows["gaps"].isna()
    frames = [rows[has_gap], rows[~has_gap & (rows["city"] == "Bern")], rows[~has_gap & (rows["city"] != "Bern")]]
    same(teachers["two classes"], xd.GAMClassifier(n_knots=6, n_jobs=1), rows, frames)


def test_a_part_whose_rows_all_weigh_nothing(limits, teachers):
    rows = SETS["lending"].assign(w=lambda X: (np.arange(len(X)) >= 100) * 1.0)
    student = xd.GAMClassifier(n_knots=6, n_jobs=1)
    same(teachers["two classes"], student, rows, [rows[:100], rows[100:180], rows[180:]], "w")


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
def test_one_class_alone_and_classes_that_a_line_parts(limits, one):
    rows = ROWS["mixed"]
    same(Sure(one), xd.GAMClassifier(n_knots=6, n_jobs=1), rows, cut(rows, 4, 1))


def positive(X):
    return np.round(6 * Blend().predict_proba(X)[:, 1], 1) + 0.1


@pytest.mark.parametrize("loss", ["poisson", "gamma"])
def test_other_losses(limits, loss):
    rows = ROWS["mixed"]
    same(positive, xd.GAMRegressor(loss=loss, n_knots=6, n_jobs=1), rows, cut(rows, 5, 2))


def test_few_different_rows_are_all_measured(monkeypatch, teachers):
    for module, values in LIMITS.items():
        for name, value in values.items():
            monkeypatch.setattr(module, name, value)
    rows = pd.concat([mixed_rows(40, seed=3)[["skewed", "count", "city"]]] * 10, ignore_index=True)
    same(teachers["two classes"], xd.GAMClassifier(n_pairs=1, n_jobs=1), rows, cut(rows, 5, 2))


def test_what_partitions_are_not_fitted_to_is_said(teachers):
    parts = partitions_of_frames([SETS["lending"]])
    with pytest.raises(InvalidInputError, match="one value per row, the teacher answers 2; fit one student per output"):
        xd.Distiller(teachers["two values"], xd.GAMRegressor(), n_queries="all").fit(parts)
    with pytest.raises(InvalidInputError, match="y must be above 0 for loss='gamma'"):
        xd.Distiller(teachers["values"], xd.GAMRegressor(loss="gamma"), n_queries="all").fit(parts)
    with pytest.raises(InvalidInputError, match="n_knots must be"):
        xd.Distiller(teachers["values"], xd.GAMRegressor(n_knots=1), n_queries="all").fit(parts)


def test_the_curves_of_files(teachers, tmp_path):
    for i, piece in enumerate(cut(mixed_rows(300, seed=8), 3, 2)):
        piece.to_parquet(tmp_path / f"{i}.parquet", row_group_size=70, index=False)
    opened = xd.open_parquet(tmp_path)
    student = xd.GAMClassifier(n_knots=6)
    here, _ = form(teachers["two classes"], student, pd.concat(list(opened), ignore_index=True), None)
    there, fitted = form(teachers["two classes"], student, opened, None)
    assert here == there
    assert json.loads(there) == json.loads(json.dumps(fitted.to_dict()))
