"""Every answer is checked at the door."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from explaindistill.errors import InvalidInputError, TeacherError
from explaindistill.teachers._checks import check_output, checked_answer, sorted_classes

AB = np.array(["a", "b"])


def ask(raw, n=2, output="probabilities", classes=AB, order=None):
    return checked_answer(raw, n, output, classes, order, "T")


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (np.full((3, 2), 0.5), "T was asked about 2 rows and answered 3"),
        (np.full((2, 3), 1 / 3), r"shape \(2, 3\); its 2 classes need 2 columns"),
        (np.full((2, 2, 1), 0.5), r"shape \(2, 2, 1\); it must be"),
        ([[0.5, np.nan], [1, 0]], "T answered NaN or infinity for 1 of 2 rows, the first is row 0"),
        ([[0.5, 0.5], [np.inf, 0]], "the first is row 1"),
        ([[0.5, 0.5], [0.9, 0.9]], "row 1 is .0.9, 0.9. and sums to 1.8"),
        ([[1.5, -0.5], [1, 0]], "no probabilities: row 0"),
        ([["x", "y"], ["x", "y"]], "something that is not numbers"),
        ([np.ones((2, 2)), np.ones((2, 2))], "several labels at once are not supported"),
        (0.5, r"shape \(\)"),
    ],
)
def test_wrong_probabilities(raw, message):
    with pytest.raises(TeacherError, match=message):
        ask(raw)


def test_columns_follow_sorted_classes():
    classes, order = sorted_classes(["b", "a"])
    assert classes.tolist() == ["a", "b"]
    assert ask([[0.2, 0.8], [1, 0]], classes=classes, order=order).tolist() == [[0.8, 0.2], [0.0, 1.0]]


def test_rounding_is_mended_and_exact_rows_are_left():
    single = np.array([[0.1, 0.9], [0.25, 0.75]], dtype=np.float32)
    P = ask(single)
    assert (np.abs(P.sum(axis=1) - 1) < 1e-15).all()
    exact = np.array([[0.1, 0.9], [0.3, 0.7]])
    assert ask(exact).tolist() == exact.tolist()


@pytest.mark.parametrize("raw", [[0.2, 0.9], [[0.2], [0.9]], pd.Series([0.2, 0.9]), pd.DataFrame({"p": [0.2, 0.9]})])
def test_one_column_is_the_second_class(raw):
    assert ask(raw).tolist() == [[0.8, 0.2], [pytest.approx(0.1), 0.9]]


def test_logits_are_a_softmax_and_one_logit_is_a_sigmoid():
    z = np.array([[0.0, 1000.0], [2.0, 1.0]])
    assert ask(z, output="logits")[0].tolist() == [0.0, 1.0]
    assert ask([0.0, 2.0], output="logits")[:, 1] == pytest.approx(1 / (1 + np.exp([-0.0, -2.0])))


def test_values_keep_their_columns():
    assert ask([[1.0], [2.0]], output="value", classes=None).tolist() == [1.0, 2.0]
    assert ask([[1.0, 3.0], [2.0, 4.0]], output="value", classes=None).shape == (2, 2)


def test_labels_become_one_hot():
    assert ask(np.array([["b"], ["a"]]), output="labels").tolist() == [[0, 1], [1, 0]]
    with pytest.raises(TeacherError, match="a label that is not among its classes"):
        ask(["a", "c"], output="labels")
    with pytest.raises(TeacherError, match=r"labels of shape \(2, 2\)"):
        ask([["a", "b"], ["a", "b"]], output="labels")
    with pytest.raises(TeacherError, match="answered 3"):
        ask(["a", "b", "b"], output="labels")


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (["a"], "at least 2 classes"),
        (["a", "a"], "differ from each other"),
        ([["a", "b"], ["c", "d"]], "one flat list"),
        (np.array(["a", 1, None], dtype=object), "of one kind"),
    ],
)
def test_wrong_classes(classes, message):
    with pytest.raises(InvalidInputError, match=message):
        sorted_classes(classes)


def test_output_and_classes_belong_together():
    with pytest.raises(InvalidInputError, match="output must be one of"):
        check_output("scores", None)
    with pytest.raises(InvalidInputError, match="output='value' is regression"):
        check_output("value", ["a", "b"])
    with pytest.raises(InvalidInputError, match="classes must be given for output='logits'"):
        check_output("logits", None)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ([[30.0, 70.0], [90.0, 10.0]], r"row 0 is \[30.0, 70.0\] and sums to 100; divide per cent by 100"),
        ([[-1.2, 1.2], [0.0, 2.0]], "say output='logits' if these are logits"),
        ([30.0, 70.0], "answered 70 as the probability of 'b', which lies between 0 and 1; divide per cent by 100"),
        ([-2.5, 0.5], "answered -2.5 as the probability of 'b'.*output='logits' if this is log-odds"),
    ],
)
def test_other_units_than_probabilities_are_refused_with_what_they_may_be(raw, message):
    with pytest.raises(TeacherError, match=message):
        ask(raw)


@pytest.mark.parametrize("said", [["a", "b"], ["b", "a"]])
@pytest.mark.parametrize("columns", [["a", "b"], ["b", "a"]])
def test_columns_that_bear_the_names_of_classes_are_taken_by_name(said, columns):
    classes, order = sorted_classes(said)
    raw = pd.DataFrame({"a": [0.2, 1.0], "b": [0.8, 0.0]})[columns]
    assert ask(raw, classes=classes, order=order).tolist() == [[0.2, 0.8], [1.0, 0.0]]
    logits = pd.DataFrame({"a": [0.0, 1.0], "b": [3.0, 0.0]})[columns]
    assert (ask(logits, output="logits", classes=classes, order=order).argmax(axis=1) == [1, 0]).all()


@pytest.mark.parametrize("said", [["a", "b"], ["b", "a"]])
@pytest.mark.parametrize("name", ["a", "b"])
def test_one_column_that_bears_the_name_of_a_class_is_that_class(said, name):
    classes, order = sorted_classes(said)
    for raw in (pd.Series([0.2, 0.9], name=name), pd.DataFrame({name: [0.2, 0.9]})):
        P = ask(raw, classes=classes, order=order)
        assert P[:, "ab".index(name)].tolist() == pytest.approx([0.2, 0.9])


def test_numbered_and_other_columns_are_taken_by_place():
    numbered = pd.DataFrame([[0.2, 0.8]])
    classes, order = sorted_classes([1, 0])
    assert ask(numbered, n=1, classes=classes, order=order).tolist() == [[0.8, 0.2]]
    assert ask(numbered.set_axis(["p1", "p2"], axis=1), n=1).tolist() == [[0.2, 0.8]]


def test_columns_of_which_only_some_bear_names_of_classes_are_refused():
    with pytest.raises(TeacherError, match="answered columns a, other, and its classes are a, b"):
        ask(pd.DataFrame({"a": [0.2], "other": [0.8]}), n=1)
