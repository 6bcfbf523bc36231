"""Both sides of the limits around the fits, see `docs/explain/shortcuts.md`: the same answer, or the stated one."""

from __future__ import annotations

import runpy
import sqlite3

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.asking import shelf
from explaindistill.asking.store import LabelStore
from explaindistill.auditing.frames import fidelity, groups
from explaindistill.distillation import corpus
from explaindistill.errors import InvalidInputError
from explaindistill.export import _nesting
from explaindistill.measures import sensitivity, suppression
from explaindistill.numerics.additive import gram
from explaindistill.numerics.statistics import hypotheses
from explaindistill.numerics.trees import fixed_point
from explaindistill.students._explaining import shapley
from explaindistill.teachers import _batches, teach
from explaindistill.teachers.callable import CallableTeacher

N = 400


@pytest.fixture(scope="module", name="X")
def rows_of_fitting():
    rng = np.random.default_rng(0)
    return pd.DataFrame({"a": rng.normal(size=N), "b": rng.normal(size=N), "c": rng.choice(["u", "v"], N)})


def chance(X):
    p = 1 / (1 + np.exp(-2 * X["a"].to_numpy(float) - (X["c"] == "u").to_numpy(float) + X["b"].to_numpy(float) ** 2))
    return np.column_stack([1 - p, p])


def soft(X):
    return pd.DataFrame(chance(X), columns=["no", "yes"])


@pytest.mark.parametrize("most", [0, 3, 10**6])
def test_code_of_deep_trees_is_turned_and_answers_alike(X, tmp_path, monkeypatch, most):
    tree = xd.TreeClassifier(max_leaf_nodes=24).fit(X, soft(X))
    monkeypatch.setattr(_nesting, "MOST_NESTED", most)
    tree.export(tmp_path / "t.sql", verify="inprocess")  # refuses where one answer differs
    code = runpy.run_path(str(tree.export(tmp_path / "t.py", verify="inprocess")))
    answers = [code["predict_proba"](row) for row in X.to_dict("records")]
    np.testing.assert_array_equal(answers, tree.predict_proba(X))
    is_turned = "not (" in (tmp_path / "t.py").read_text()
    assert is_turned == (most < 10**6)


@pytest.mark.parametrize("threads", [1, 3])
def test_products_of_a_design_are_the_same_bits_on_threads(X, monkeypatch, threads):
    coefficients = []
    for worth in (0, 10**12):
        monkeypatch.setattr(gram, "WORTH_THREADS", worth)
        coefficients.append(xd.GAMClassifier(n_jobs=threads, n_pairs=1).fit(X, soft(X)).predict_proba(X))
    assert np.array_equal(*coefficients)


def test_a_store_without_memory_answers_alike(X, tmp_path, monkeypatch):
    teacher = CallableTeacher(chance, classes=["no", "yes"], version="1")
    with LabelStore(tmp_path / "labels.db") as store:
        first = xd.label(teacher, X, store=store)
    for room in (0, 10**9):
        monkeypatch.setattr(shelf, "CACHE_BYTES", room)
        with LabelStore(tmp_path / "labels.db") as store:
            again = [xd.label(teacher, X.iloc[::-1], store=store)[::-1] for _ in range(2)]
        assert np.array_equal(again[0], again[1])
        assert np.array_equal(again[0], first)
    with sqlite3.connect(tmp_path / "labels.db") as db:
        assert db.execute("SELECT SUM(n) FROM run").fetchone()[0] == N, "nothing was asked again"


def test_whole_weights_and_scaled_ones_make_one_tree(X, monkeypatch):
    weight = np.random.default_rng(1).integers(1, 6, N).astype(float)
    trees = []
    for most in (0, fixed_point.MOST_WEIGHT):
        monkeypatch.setattr(fixed_point, "MOST_WEIGHT", most)
        trees.append(xd.TreeClassifier(max_leaf_nodes=8, shrinkage=0).fit(X, soft(X), sample_weight=weight))
    np.testing.assert_allclose(trees[0].predict_proba(X), trees[1].predict_proba(X), atol=1e-4)


@pytest.mark.parametrize("k", [[30, 40, 50], [30, 33, 36], [10, 12, 30]])
def test_drawn_tables_and_the_chi_square_law_agree_where_cells_are_full(k, monkeypatch):
    n, p = [60, 70, 80], []
    for least in (0.0, np.inf):
        monkeypatch.setattr(hypotheses, "LEAST_EXPECTED", least)
        p.append(hypotheses.equal_proportions(np.array(k, float), np.array(n, float), rng=0, n_draws=20_000)[1])
    assert abs(p[0] - p[1]) < 0.025, "drawn tables keep both margins, and their statistic has steps"


def test_one_forest_for_many_groups_finds_what_boosted_trees_find(X, monkeypatch):
    who = pd.DataFrame({"sex": np.where(X["a"] + np.random.default_rng(2).normal(size=N) > 0, "f", "m")})
    areas = []
    for many in (0, 8):
        monkeypatch.setattr(sensitivity, "MANY", many)
        table = sensitivity.proxies(X, who)
        areas.append(table[table["feature"] == "(all)"].iloc[0])
    assert abs(areas[0]["estimate"] - areas[1]["estimate"]) < 0.06
    assert areas[0]["low"] > 0.6
    assert areas[1]["low"] > 0.6


@pytest.mark.parametrize("small", [3, 6])
def test_a_partition_of_many_cells_is_withheld_whole_and_never_less(monkeypatch, small):
    who = pd.DataFrame(
        {
            "sex": ["f"] * 60 + ["m"] * 50 + ["n"] * 40 + ["x"] * small,
            "old": [True, False] * ((150 + small) // 2) + [True] * (small % 2),
        }
    )
    solved = suppression.hidden_groups(who, 10)
    monkeypatch.setattr(suppression, "_MOST_CELLS", 0)
    whole = suppression.hidden_groups(who, 10)
    assert solved < whole
    assert {("sex", "x"), ("sex", "n")} <= solved


def test_few_rows_are_asked_in_a_small_batch_and_answered_alike(X, monkeypatch):
    teacher = teach(X, np.where(chance(X)[:, 1] > 0.5, "yes", "no"), backend="numpy", max_epochs=2)
    answers = []
    for few in (0, 64):
        monkeypatch.setattr(_batches, "FEW_ROWS", few)
        answers.append(teacher.predict_proba(X.iloc[:20]))
    np.testing.assert_allclose(answers[0], answers[1], atol=1e-6)


@pytest.mark.parametrize(("limit", "asked"), [(500, 500), (1_500, 1_500), (10**6, 5 * N)])
def test_rows_asked_about_end_at_the_limit_and_never_below_the_rows_there_are(X, monkeypatch, limit, asked):
    monkeypatch.setattr(corpus, "AUTO_LIMIT", limit)
    teacher = CallableTeacher(chance, classes=["no", "yes"], version="1")
    student = xd.Distiller(teacher, xd.TreeClassifier(max_leaf_nodes=4), random_state=0).fit(X)
    assert student.corpus_.n_allowed == asked


def test_fifty_values_are_tried_and_one_more_is_refused():
    for n_values in (50, 51):
        rows = pd.DataFrame({"code": np.arange(N * 2) % n_values, "x": 1.0}).astype({"code": str})
        if n_values == 50:
            assert len(sensitivity.flips(lambda r: r["code"].to_numpy() == "7", rows, "code")) == 50
        else:
            with pytest.raises(InvalidInputError, match="at most 50 different values, code has 51"):
                sensitivity.flips(lambda r: r["code"].to_numpy() == "7", rows, "code")


def test_permutations_find_what_all_coalitions_find_where_columns_are_added_up(X, monkeypatch):
    pytest.importorskip("shap")
    rows, background = X[["a", "b"]].iloc[:10], X[["a", "b"]].iloc[10:40]
    values = []
    for most in (1, 12):
        monkeypatch.setattr(shapley, "MOST_EXACT", most)
        values.append(shapley.shapley_by_shap(lambda r: 2 * r["a"].to_numpy() - r["b"].to_numpy(), rows, background))
    assert values[0].method != values[1].method
    np.testing.assert_allclose(values[0].of(), values[1].of(), atol=1e-6)


def test_a_sample_of_flipped_and_of_stressed_rows_measures_what_all_do(X, monkeypatch):
    teacher = CallableTeacher(chance, classes=["no", "yes"], version="1")
    tree = xd.TreeClassifier(max_leaf_nodes=8).fit(X, soft(X))
    lines = {}
    for most in (150, 10_000):
        monkeypatch.setattr(groups, "FLIP_ROWS", most)
        monkeypatch.setattr(fidelity, "STRESS_ROWS", most)
        frames = xd.audit(teacher, {"tree": tree}, X, sensitive=["c"], favorable="yes", n_explained=0).frames
        flips = frames["flips"].query("subject == 'teacher' and metric == 'flip_rate' and group == 'u'").iloc[0]
        stressed = frames["fidelity"].query(f"subset == '{fidelity.STRESSED}' and metric == 'agreement'").iloc[0]
        lines[most] = flips, stressed
    for sample, every in zip(*lines.values(), strict=True):
        assert sample["n"] < every["n"] <= N
        assert sample["low"] <= every["high"]
        assert every["low"] <= sample["high"]
