"""Teaching: for people who have no teacher at hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from explaindistill.errors import InvalidInputError, MissingExtraError
from explaindistill.teachers import load_teacher, save_teacher, teach

BACKENDS = ["numpy", "torch"]


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    n = 1500
    X = pd.DataFrame({"a": rng.normal(size=n), "c": rng.choice(["u", "v", "w"], n), "m": rng.normal(5, 2, n)})
    z = 2 * X["a"] + 2 * (X["c"] == "u") - 1
    X.loc[rng.random(n) < 0.2, "m"] = np.nan
    return X, z.to_numpy()


@pytest.mark.parametrize("backend", BACKENDS)
def test_it_learns_classes(data, backend, tmp_path):
    X, z = data
    y = np.where(z > 0, "yes", "no")
    teacher = teach(X[:1000], y[:1000], hidden=(16,), max_epochs=30, batch_size=64, backend=backend)
    assert (teacher.predict(X[1000:]) == y[1000:]).mean() > 0.95
    again = load_teacher(save_teacher(teacher, tmp_path))
    assert np.abs(again.predict_proba(X) - teacher.predict_proba(X)).max() < 1e-5


@pytest.mark.parametrize("backend", BACKENDS)
def test_it_learns_values_in_their_own_unit(data, backend):
    X, z = data
    y = 1e4 + 500 * z
    teacher = teach(X[:1000], y[:1000], hidden=(16,), max_epochs=40, batch_size=64, backend=backend)
    assert teacher.classes_ is None
    wrong = teacher.predict(X[1000:]) - y[1000:]
    assert wrong.var() < 0.1 * y.var()


@pytest.mark.parametrize("backend", BACKENDS)
def test_same_seed_same_network(data, backend):
    X, z = data
    prints = {
        teach(X, z > 0, hidden=(4,), max_epochs=2, backend=backend, random_state=s).fingerprint() for s in (0, 0, 1)
    }
    assert len(prints) == 2


def test_the_caller_s_random_state_is_left_alone(data):
    torch = pytest.importorskip("torch")
    X, z = data
    before = torch.get_rng_state()
    teach(X, z > 0, hidden=(4,), max_epochs=1, backend="torch")
    assert (torch.get_rng_state() == before).all()


@pytest.mark.parametrize(
    ("y", "options", "message"),
    [
        (np.zeros(20), {}, "at least 2 classes, got only"),
        (np.arange(19), {}, "one label per row, 20, got 19"),
        ([None] + ["a", "b"] * 9 + ["a"], {}, "1 missing labels"),
        (["a", "b"] * 10, {"task": "ranking"}, "task must be"),
        (["a", "b"] * 10, {"task": "regression"}, "finite numbers"),
        (["a", "b"] * 10, {"hidden": (0,)}, "at least 1"),
        (["a", "b"] * 10, {"backend": "jax"}, "backend must be"),
    ],
)
def test_wrong_arguments(y, options, message):
    X = pd.DataFrame({"a": np.arange(20.0) ** 1.5})
    with pytest.raises(InvalidInputError, match=message):
        teach(X, y, **options)


def test_few_rows_and_no_torch(monkeypatch):
    with pytest.raises(InvalidInputError, match="at least 10 rows to train a network, got 4"):
        teach(pd.DataFrame({"a": [1.5, 2, 3, 4]}), ["a", "b", "a", "b"])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    X = pd.DataFrame({"a": np.arange(20.0) ** 1.5})
    with pytest.raises(MissingExtraError, match=r"explaindistill\[torch\]"):
        teach(X, ["a", "b"] * 10, backend="torch")
    assert type(teach(X, ["a", "b"] * 10, max_epochs=1)).__name__ == "NetworkTeacher"


def test_whole_numbers_are_classes_and_many_floats_are_values():
    X = pd.DataFrame({"a": np.arange(40.0) ** 1.5})
    assert teach(X, np.arange(40) % 3, max_epochs=1, backend="numpy").classes_.tolist() == [0, 1, 2]
    assert teach(X, np.arange(40) + 0.0, max_epochs=1, backend="numpy").classes_ is None
    assert teach(X, (np.arange(40) % 2) + 0.0, max_epochs=1, backend="numpy").classes_ is not None


def test_a_count_is_a_quantity_and_that_is_said():
    X, y = pd.DataFrame({"a": np.arange(300.0)}), np.arange(300) * 3
    with pytest.warns(UserWarning, match="y has 300 different whole numbers and is taken for regression"):
        assert teach(X, y, max_epochs=1, hidden=(4,)).classes_ is None
    assert len(teach(X, y % 25, max_epochs=1, hidden=(4,), task="classification").classes_) == 25
    assert len(teach(X, y % 20, max_epochs=1, hidden=(4,)).classes_) == 20
