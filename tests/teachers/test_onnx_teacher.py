"""ONNX models are asked as they are."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

import explaindistill as xd
from explaindistill.errors import InvalidInputError, TeacherError
from explaindistill.protocols import Teacher
from explaindistill.teachers import load_teacher

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402 - after importorskip

from explaindistill.teachers.onnx import OnnxTeacher  # noqa: E402 - after importorskip

W = np.array([[1.0, -1.0], [0.5, 0.0], [0.0, 2.0]], dtype=np.float32)


def model(kind=TensorProto.FLOAT, softmax=False):
    dtype = np.float32 if kind == TensorProto.FLOAT else np.float64
    x = helper.make_tensor_value_info("x", kind, [None, 3])
    y = helper.make_tensor_value_info("y", kind, [None, 2])
    nodes = [helper.make_node("MatMul", ["x", "w"], ["z" if softmax else "y"])]
    if softmax:
        nodes.append(helper.make_node("Softmax", ["z"], ["y"], axis=1))
    graph = helper.make_graph(nodes, "g", [x], [y], [numpy_helper.from_array(W.astype(dtype), "w")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()


@pytest.fixture
def X():  # noqa: N802 - named like the argument it is
    return np.random.default_rng(0).normal(size=(30, 3))


def test_answers(X, tmp_path):
    z = X @ W
    P = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    (tmp_path / "m.onnx").write_bytes(model(softmax=True))
    teacher = OnnxTeacher(tmp_path / "m.onnx", classes=["b", "a"], batch_size=7)
    assert isinstance(teacher, Teacher)
    assert clone(teacher) is teacher
    assert np.abs(teacher.predict_proba(X) - P[:, ::-1]).max() < 1e-6
    assert (teacher.predict(X) == np.where(P[:, 0] > 0.5, "b", "a")).all()
    logits = OnnxTeacher(model(TensorProto.DOUBLE), classes=["b", "a"], output="logits")
    assert np.abs(logits.predict_proba(X) - P[:, ::-1]).max() < 1e-6
    values = load_teacher(tmp_path / "m.onnx")
    assert values.predict(X).shape == (30, 2)
    with pytest.raises(TeacherError, match="no probabilities"):
        values.predict_proba(X)
    assert load_teacher(tmp_path / "m.onnx", classes=["b", "a"]).classes_.tolist() == ["a", "b"]
    again = pickle.loads(pickle.dumps(teacher))
    assert (again.predict_proba(X) == teacher.predict_proba(X)).all()
    assert again.fingerprint() == teacher.fingerprint() != logits.fingerprint()


def test_preprocess(X):
    doubled = OnnxTeacher(model(), preprocess=lambda X: X * 2)
    assert np.abs(doubled.predict(X) - 2 * X @ W).max() < 1e-5
    assert doubled.fingerprint() is None
    with pytest.raises(TeacherError, match="gave 29; it must keep every row"):
        OnnxTeacher(model(), preprocess=lambda X: X[1:]).predict(X)
    with pytest.raises(TeacherError, match="must be numbers"):
        OnnxTeacher(model()).predict(np.array([["a", "b", "c"]]))


def by_columns():
    """A frame with text, flags, whole numbers and gaps, and a student that asks for four of its columns."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"unused": rng.normal(size=400), "age": rng.integers(18, 80, 400).astype(float),
                      "city": rng.choice(["Bern", "Chur", "Thun"], 400), "owner": rng.random(400) < 0.5})  # fmt: skip
    X.loc[::17, "age"], X.loc[::23, "city"] = np.nan, None
    z = (X["age"].fillna(50) - 45) / 15 + (X["city"] == "Bern") - 0.8 * X["owner"]
    return X, xd.LinearClassifier(min_category_size=1).fit(X, np.where(z > 0, "yes", "no"))


def test_an_input_per_column(tmp_path):
    """What this package writes has one, and so has a Pipeline that was converted with a type per column."""
    X, student = by_columns()
    teacher = OnnxTeacher(student.export(tmp_path / "s.onnx"), classes=["no", "yes"])
    np.testing.assert_allclose(teacher.predict_proba(X), student.predict_proba(X), rtol=0, atol=1e-12)
    np.testing.assert_allclose(teacher.predict_proba(X.iloc[:3, ::-1]), student.predict_proba(X.head(3)), atol=1e-12)
    again = pickle.loads(pickle.dumps(teacher))
    assert (again.predict_proba(X) == teacher.predict_proba(X)).all()
    words = lambda rows: {name: rows[name].to_numpy() for name in rows}  # noqa: E731 - a preprocess as users write it
    mapped = OnnxTeacher(tmp_path / "s.onnx", classes=["no", "yes"], preprocess=words)
    np.testing.assert_allclose(mapped.predict_proba(X), student.predict_proba(X), rtol=0, atol=1e-12)


def test_a_column_that_is_missing_or_of_another_kind_is_named(tmp_path):
    X, student = by_columns()
    teacher = OnnxTeacher(student.export(tmp_path / "s.onnx"), classes=["no", "yes"])
    with pytest.raises(TeacherError, match=r"needs columns age: it has an input per column \(.*age"):
        teacher.predict(X.drop(columns="age"))
    with pytest.raises(TeacherError, match=r"needs a frame: it has an input per column"):
        teacher.predict(X[["age"]].to_numpy())
    with pytest.raises(TeacherError, match=r"input 'age' of the ONNX model takes tensor\(double\), which these"):
        teacher.predict(X.assign(age="old"))


def test_one_column_of_many(tmp_path):
    X, _ = by_columns()
    student = xd.TreeClassifier(max_leaf_nodes=2).fit(X[["age"]], np.where(X["age"] > 40, "yes", "no"))
    teacher = OnnxTeacher(student.export(tmp_path / "s.onnx"), classes=["no", "yes"])
    for rows in (X, X[["age"]], X[["age"]].to_numpy()):
        np.testing.assert_allclose(teacher.predict_proba(rows), student.predict_proba(X[["age"]]), atol=1e-12)


def test_wrong_models(tmp_path):
    with pytest.raises(InvalidInputError, match="cannot be read"):
        OnnxTeacher(tmp_path / "none.onnx")
    with pytest.raises(InvalidInputError, match="no ONNX model that onnxruntime can load"):
        OnnxTeacher(b"nonsense")
    with pytest.raises(InvalidInputError, match="output_name must be one of y, got 'p'"):
        OnnxTeacher(model(), output_name="p")
    with pytest.raises(InvalidInputError, match=r"one input of floating-point numbers, .*, it has x: tensor.int64."):
        OnnxTeacher(whole())
    with pytest.raises(InvalidInputError, match="an output that is a tensor of numbers"):
        OnnxTeacher(whole(outputs=True))


def whole(outputs=False):
    kinds = (TensorProto.FLOAT, TensorProto.INT64) if outputs else (TensorProto.INT64, TensorProto.FLOAT)
    x = helper.make_tensor_value_info("x", kinds[0], [None, 3])
    y = helper.make_tensor_value_info("y", kinds[1], [None, 3])
    graph = helper.make_graph([helper.make_node("Cast", ["x"], ["y"], to=kinds[1])], "g", [x], [y])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()


def of_columns(kind):
    """A model that gives its two inputs of one type back as numbers, beside each other."""
    inputs = [helper.make_tensor_value_info(name, kind, [None, 1]) for name in "ab"]
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 2])
    nodes = [helper.make_node("Cast", [name], [f"{name}f"], to=TensorProto.FLOAT) for name in "ab"]
    nodes.append(helper.make_node("Concat", ["af", "bf"], ["y"], axis=1))
    graph = helper.make_graph(nodes, "g", inputs, [y])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()


@pytest.mark.parametrize(
    ("kind", "lost"),
    [
        (TensorProto.INT64, [1.0, np.nan]),
        (TensorProto.INT64, [1.0, 1.5]),
        (TensorProto.INT32, [1.0, 3e9]),
        (TensorProto.BOOL, [0.0, np.nan]),
        (TensorProto.BOOL, [0, 2]),
        (TensorProto.BOOL, ["no", "yes"]),
    ],
)
def test_no_value_becomes_another_one_on_its_way_to_an_input(kind, lost):
    teacher = OnnxTeacher(of_columns(kind), output="value")
    rows = pd.DataFrame({"b": [1, 0], "a": [True, False]})
    assert teacher.predict(rows).tolist() == [[1.0, 1.0], [0.0, 0.0]]
    with pytest.raises(TeacherError, match=r"input 'a' of .* takes tensor.*, which these are not .*give preprocess="):
        teacher.predict(rows.assign(a=lost))


def test_arrays_beyond_the_inputs_are_refused():
    teacher = OnnxTeacher(of_columns(TensorProto.INT64), output="value", preprocess=lambda X: (X, X, X))
    with pytest.raises(TeacherError, match=r"gave 3 arrays for the 2 inputs of .* \(a, b\); give one for each"):
        teacher.predict(np.zeros((2, 1)))
