"""Frames that pictures of scores are painted from tell of no few people."""

import matplotlib as mpl
import numpy as np
import pandas as pd

import explaindistill as xd
from explaindistill.teachers import as_teacher

mpl.use("Agg")


def test_a_class_of_few_is_not_told_by_the_decisions_about_the_others():
    """All rows less those of the shown classes would be the size of the withheld one."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": np.r_[np.full(4, 9.0), rng.normal(size=596)]})

    def chances(rows):
        a = rows["a"].to_numpy(float)
        P = np.c_[1 / (1 + np.exp(-3 * a)), 1 / (1 + np.exp(3 * a)), (a > 8) * 50.0]
        return P / P.sum(axis=1, keepdims=True)

    teacher = as_teacher(chances, classes=["x", "y", "rare"])
    tree = xd.TreeClassifier(max_leaf_nodes=3, classes=["x", "y", "rare"]).fit(X, chances(X))
    report = xd.audit(teacher, {"tree": tree}, X, n_explained=0)
    table = report.frames["decided_as"]
    shown = table[table["status"] == "ok"]
    assert table["subset"].nunique() == 3
    assert shown["subset"].nunique() == 1
    assert len(shown) == 3
    assert 600 - shown["n"].iloc[0] - 10 >= 10
    by_class = report.frames["fidelity"].query("metric == 'agreement' and status == 'suppressed'")
    by_class = by_class[by_class["subset"].str.startswith("class=")]
    assert set(by_class["subset"]) == set(table.loc[table["status"] == "suppressed", "subset"])
    assert report.plot("confusion").get_xlabel() == "tree decides"
