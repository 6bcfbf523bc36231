"""The teacher's mean answer in cells."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from explaindistill.auditing.frames import cells as module


def test_cells_hold_enough_rows_and_the_teacher_s_mean(report, pair, Rule, pick):
    cells = report.frames["cells"]
    assert set(cells["subject"]) == set(report.cells) == {"tree", "linear"}
    one = pick(cells, subject="tree", output="approved")
    assert one["n"].min() >= 10
    assert one["n"].sum() == report.manifest["n_rows"]
    test = pair[3][0]
    truth = Rule().predict_proba(test)[:, 0]
    leaf = report.cells["tree"].apply(test[list(report.cells["tree"].feature_names_in_)])
    for line in one.to_dict("records"):
        assert line["estimate"] == pytest.approx(truth[leaf == line["cell"]].mean())


def test_cells_found_on_a_sample_hold_the_same_means_and_students_of_one_view_share_them(monkeypatch):
    X = pd.DataFrame({"debt": np.random.default_rng(0).random(4000), "age": np.random.default_rng(1).random(4000)})
    views = {"one": ("debt",), "other": ("debt",), "third": ("debt", "age")}
    students = tuple(SimpleNamespace(name=name, features=columns) for name, columns in views.items())
    inputs = SimpleNamespace(
        students=students,
        rows=type("Rows", (), {"frame": X, "__len__": lambda self: len(X)})(),
        teacher=SimpleNamespace(P=(X["debt"] ** 2).to_numpy()),
    )
    means = []
    for most in (4000, 1000):
        monkeypatch.setattr(module, "GROWN_ROWS", most)
        trees = module.partitions(inputs, 10)
        assert trees["one"] is trees["other"]
        assert list(trees["third"].feature_names_in_) == ["debt", "age"]
        means.append(trees["one"].predict(X[["debt"]]))
        leaves = trees["one"].apply(X[["debt"]])
        assert np.unique(leaves, return_counts=True)[1].min() >= 10
    assert np.abs(means[0] - means[1]).max() < 0.1
    assert np.abs(means[0] - means[1]).mean() < 0.02
