import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explaindistill.data.targets import (
    SoftTargets,
    as_soft_targets,
    mix_labels,
    one_hot,
    sharpen,
)
from explaindistill.errors import InvalidInputError, MissingExtraError


def test_hard_labels_become_one_hot_rows_of_sorted_classes():
    P, classes, soft = as_soft_targets(["b", "a", "b"])
    assert classes.tolist() == ["a", "b"]
    assert P.tolist() == [[0, 1], [1, 0], [0, 1]]
    assert not soft


def test_columns_of_a_frame_are_the_classes_and_are_sorted():
    P, classes, soft = as_soft_targets(pd.DataFrame({"yes": [0.25], "no": [0.75]}))
    assert classes.tolist() == ["no", "yes"]
    assert P.tolist() == [[0.75, 0.25]]
    assert soft


def test_columns_of_an_array_are_counted_from_zero():
    assert as_soft_targets([[0.5, 0.5]])[1].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("y", "classes", "message"),
    [
        ([[0.5, 0.6]], None, "each row must sum to 1"),
        ([[-0.5, 1.5]], None, "must be non-negative"),
        ([[np.nan, 1.0]], None, "must be finite"),
        ([[0.5, 0.5]], ["a"], "must name the 2 columns of soft labels, got 1"),
        ([[0.5, 0.5]], ["a", "a"], "classes must differ"),
        (["a", "c"], ["a", "b"], "label 'c', which is not among classes"),
    ],
)
def test_bad_labels(y, classes, message):
    with pytest.raises(InvalidInputError, match=message):
        as_soft_targets(y, classes)


def test_sharpen_edges():
    P = np.array([[0.5, 0.5], [0.9, 0.1]])
    assert sharpen(P, 1) is P
    assert sharpen(P, 0).tolist() == [[1.0, 0.0], [1.0, 0.0]]
    with pytest.raises(InvalidInputError, match="temperature must be at least 0, got -1"):
        sharpen(P, -1)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(1e-6, 1), min_size=2, max_size=5), st.floats(0.05, 5))
def test_sharpen_keeps_rows_and_the_order_of_classes(values, temperature):
    P = np.array([values]) / np.sum(values)
    S = sharpen(P, temperature)
    assert S.sum() == pytest.approx(1)
    assert S[0, P.argmax()] == S.max()
    if temperature < 1:
        assert S.max() >= P.max() - 1e-12


def test_mix_labels_is_a_straight_line():
    P, Y = np.array([[0.2, 0.8]]), one_hot([0], [0, 1])
    np.testing.assert_allclose(mix_labels(P, Y, 0.25), [[0.4, 0.6]])
    with pytest.raises(InvalidInputError, match="label_weight must lie between 0 and 1, got 2"):
        mix_labels(P, Y, 2)


def test_soft_targets_with_other_targets():
    t = SoftTargets(
        pd.DataFrame({"a": [1]}), np.array([[1.0, 0.0]]), np.ones(1), np.array(["observed"]), np.array([0, 1]), 1
    )
    assert len(t.with_targets(np.array([[0.0, 1.0]]))) == 1


def test_missing_extra_names_the_command():
    assert "pip install 'explaindistill[torch]'" in str(MissingExtraError.of("torch", "torch"))


def test_targets_are_cut_and_grown():
    X = pd.DataFrame({"a": [1.0, 2.0, 3.0]}, index=[5, 6, 7])
    targets = SoftTargets(X, np.array([0.1, 0.2, 0.3]), np.arange(3.0), np.full(3, "observed"), None, 3)
    more = targets.append(pd.DataFrame({"a": [9.0]}), np.array([0.9]), np.array([4.0]), "synthetic", 1)
    assert more.X["a"].tolist() == [1.0, 2.0, 3.0, 9.0]
    assert more.origin.tolist() == ["observed"] * 3 + ["synthetic"]
    assert (more.n_queries, len(more)) == (4, 4)
    cut = more.take(np.array([3, 1]))
    assert cut.X.index.tolist() == [0, 1]
    assert (cut.X["a"].tolist(), cut.P.tolist(), cut.weight.tolist()) == ([9.0, 2.0], [0.9, 0.2], [4.0, 1.0])
    assert cut.origin.tolist() == ["synthetic", "observed"]
    assert cut.n_queries == 4


@pytest.mark.parametrize("temperature", [0, 0.2, 0.5])
def test_below_one_a_tie_counts_for_the_first_class(temperature):
    sharp = sharpen([[0.5, 0.5, 0.0], [0.2, 0.4, 0.4], [1 / 3] * 3, [0.3, 0.6, 0.1]], temperature)
    assert sharp.argmax(axis=1).tolist() == [0, 1, 0, 1]
    assert sharp[:3].max(axis=1).tolist() == [1.0, 1.0, 1.0]


def test_from_one_on_a_tie_stays_a_tie():
    assert sharpen([[0.5, 0.5]], 1).tolist() == sharpen([[0.5, 0.5]], 3).tolist() == [[0.5, 0.5]]
