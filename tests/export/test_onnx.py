"""ONNX models answer in onnxruntime as the student does, on rows with missing values, unseen levels and extremes."""

from __future__ import annotations

import json
import sys

import numpy as np
import pandas as pd
import pytest

from explaindistill.data.program import program_of
from explaindistill.errors import InvalidInputError, MissingExtraError
from explaindistill.export import onnx as onnx_export
from explaindistill.students.gam.estimators import GAMRegressor
from explaindistill.students.linear.estimators import LinearClassifier
from explaindistill.students.model_tree.estimators import ModelTreeRegressor
from explaindistill.students.tree.estimators import TreeClassifier

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


def session(student):
    return onnxruntime.InferenceSession(onnx_export.generate(student), providers=["CPUExecutionProvider"])


def feed(student, rows, missing=""):
    """One array ``(n, 1)`` per column: text as it is, everything else as numbers."""
    out = {}
    for column in program_of(student).inputs:
        told = [row[column.name] for row in rows]
        if column.is_text:
            out[column.name] = np.array([[missing if v is None else v] for v in told], dtype=object)
        else:
            out[column.name] = np.array([[np.nan if v is None else float(v)] for v in told])
    return out


def test_onnx(fitted, off, trial, family, k):
    student, (frame, rows) = fitted(family, k), trial
    answers = session(student).run(None, feed(student, rows))
    assert off(student, answers[-1]) <= 1e-12
    if k > 0:
        assert answers[0].tolist() == student.predict(frame).tolist()


def test_one_row_is_a_batch_too(fitted, trial, off):
    for family in ("tree", "gam", "linear"):
        student, (frame, rows) = fitted(family, 2), trial
        asked = session(student)
        for i in range(5):
            told = asked.run(["probabilities"], feed(student, rows[i : i + 1]))[0]
            np.testing.assert_allclose(told, student.predict_proba(frame.iloc[[i]]), atol=1e-12)


def test_the_model_says_what_it_is(fitted, tmp_path):
    student = fitted("gam", 3)
    model = onnx.load_from_string(student.export(tmp_path / "s.onnx").read_bytes())
    told = {p.key: p.value for p in model.metadata_props}
    assert told["kind"] == "GAMClassifier"
    assert json.loads(told["classes"]) == ["no", "perhaps", "yes"]
    assert [o.name for o in model.graph.output] == ["label", "probabilities"]
    names = {i.name: i.doc_string for i in model.graph.input}
    assert names["since"] == "seconds since 1970 (UTC)"
    assert "Bern" in names["city"]
    assert onnx_export.generate(student) == onnx_export.generate(student)


def test_a_category_that_is_the_empty_string_is_not_missing():
    X = pd.DataFrame({"city": ["", "Bern", "", "Bern", None] * 20})
    student = TreeClassifier(min_samples_leaf=1).fit(X, ["a", "b", "a", "b", "c"] * 20)
    model = onnx.load_from_string(onnx_export.generate(student))
    missing = {p.key: p.value for p in model.metadata_props}["missing"]
    assert missing == "(missing)"
    rows = [{"city": v} for v in ("", "Bern", None)]
    assert session(student).run(["label"], feed(student, rows, missing))[0].tolist() == ["a", "b", "c"]


def test_columns_may_bear_the_names_of_outputs_and_nodes():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(300, 3)), columns=["probabilities", "label", "constant_0"])
    student = LinearClassifier().fit(X, X.sum(axis=1) > 0)
    asked = session(student)
    assert [o.name for o in asked.get_outputs()] == ["label_", "probabilities_"]
    told = asked.run(None, {name: X[[name]].to_numpy() for name in X})
    np.testing.assert_allclose(told[1], student.predict_proba(X), atol=1e-12)
    assert told[0].dtype == bool
    assert told[0].tolist() == student.predict(X).tolist()


@pytest.mark.parametrize("classes", [[1, 2], [10.0, 20.0]])
def test_labels_keep_their_type(classes):
    X = pd.DataFrame({"a": np.arange(40.0)})
    student = TreeClassifier().fit(X, np.where(X["a"] > 19, *classes))
    told = session(student).run(["label"], {"a": X.to_numpy()})[0]
    assert told.tolist() == student.predict(X).tolist()
    assert told.dtype == np.asarray(classes).dtype


def test_a_student_that_asks_for_nothing_still_counts_the_rows():
    student = TreeClassifier().fit(pd.DataFrame({"a": [1.0, 2.0, 3.0]}), ["no", "yes", "no"])
    told = session(student).run(None, {"nothing": np.zeros((4, 1))})
    assert told[0].tolist() == ["no"] * 4
    np.testing.assert_allclose(told[1], [[2 / 3, 1 / 3]] * 4)


def test_a_model_tree_of_one_leaf_is_a_sum():
    X = pd.DataFrame({"a": np.linspace(-1, 1, 200), "b": np.tile(["u", "v"], 100)})
    student = ModelTreeRegressor(max_leaf_nodes=1).fit(X, X["a"] + (X["b"] == "u"))
    assert student.complexity().n_leaves == 1
    told = session(student).run(["value"], feed(student, X.to_dict("records")))[0][:, 0]
    np.testing.assert_allclose(told, student.predict(X), rtol=1e-12)


def test_lines_go_on_beyond_the_knots_and_pairs_of_categories_meet():
    rng = np.random.default_rng(1)
    X = pd.DataFrame(
        {"a": rng.normal(size=800), "b": rng.choice(["u", "v", "w"], 800), "c": rng.choice([1.5, 2.5], 800)}
    )
    y = X["a"] * (X["b"] == "u") + (X["b"] == "v") * (X["c"] > 2)
    student = GAMRegressor(n_pairs=3).fit(X, y)
    new = pd.DataFrame({"a": [-50.0, 50.0, np.nan, 0.0], "b": ["u", "v", None, "z"], "c": [1.5, 2.5, np.nan, 9.0]})
    told = session(student).run(
        ["value"], feed(student, new.astype(object).where(new.notna(), None).to_dict("records"))
    )
    np.testing.assert_allclose(told[0][:, 0], student.predict(new), rtol=1e-12)


def test_a_rate_beyond_the_limit_is_held_there():
    X = pd.DataFrame({"a": np.arange(60.0)})
    form = GAMRegressor(loss="poisson").fit(X, 1 + X["a"]).to_dict()
    for intercept in (50.0, -50.0):
        student = GAMRegressor.from_dict(form | {"intercept": [intercept]})
        told = session(student).run(["value"], {"a": X.to_numpy()})[0][:, 0]
        np.testing.assert_allclose(told, student.predict(X), rtol=1e-12)


def test_without_the_package(monkeypatch, fitted):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=r"onnx is not installed; run: pip install 'explaindistill\[onnx\]'"):
        onnx_export.generate(fitted("tree", 2))


def test_a_student_without_a_form_is_refused_by_name():
    with pytest.raises(InvalidInputError, match="dict has no program"):
        onnx_export.generate({})


def test_names_that_onnx_cannot_hold_are_refused_in_one_sentence():
    x = np.arange(40.0)
    for name, words in (
        ("", "a column has an empty name, which ONNX cannot hold"),
        ("a\0b", "holds the character NUL"),
    ):
        student = TreeClassifier().fit(pd.DataFrame({name: x}), x > 19)
        with pytest.raises(InvalidInputError, match=words):
            onnx_export.generate(student)


def test_text_and_numbers_in_one_column_are_refused():
    X = pd.DataFrame({"mixed": ["1", "a", "2", "b"] * 20})
    form = TreeClassifier(min_samples_leaf=1).fit(X, ["a", "b", "a", "b"] * 20).to_dict()
    form["schema"]["features"][0]["categories"] = [1, "2", "a", "b"]  # as only a form from elsewhere can have them
    with pytest.raises(InvalidInputError, match="column 'mixed' mixes text and other categories, which ONNX cannot"):
        onnx_export.generate(TreeClassifier.from_dict(form))
