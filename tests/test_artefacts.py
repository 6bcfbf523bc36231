"""The bytes of all that the package writes, held still while the house is moved; deleted when the move is done."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.asking.cost import Cost
from explaindistill.asking.labelling import label
from explaindistill.asking.store import LabelStore
from explaindistill.data.datasets import lending
from explaindistill.teachers.callable import CallableTeacher

DIGESTS = Path(__file__).with_name("artefacts.json")
STUDENTS = {
    "tree": lambda: (xd.TreeClassifier(max_leaf_nodes=8), xd.TreeRegressor(max_leaf_nodes=8)),
    "model_tree": lambda: (xd.ModelTreeClassifier(max_leaf_nodes=3), xd.ModelTreeRegressor(max_leaf_nodes=3)),
    "gam": lambda: (xd.GAMClassifier(n_pairs=2), xd.GAMRegressor(n_pairs=2)),
    "linear": lambda: (xd.LinearClassifier(max_terms=6), xd.LinearRegressor(max_terms=6)),
    "rules": lambda: (xd.RuleListClassifier(max_rules=5), xd.RuleListRegressor(max_rules=5)),
    "scorecard": lambda: (xd.ScorecardClassifier(),),
}
ENDINGS = ("c", "js", "py", "sql", "onnx", "json")


def rows():
    data = lending(700, random_state=3)
    X = data.X.copy()
    X.loc[X.index[::17], X.select_dtypes("number").columns[0]] = np.nan
    return X


def answer(X):
    z = 2.2 - 4.0 * np.nan_to_num(X["debt_ratio"].to_numpy(float), nan=0.4) - 0.5 * X["late_payments"].to_numpy(float)
    z = z + 0.4 * (X["sex"].astype(str).to_numpy() == "man")
    yes = 1 / (1 + np.exp(-z))
    return np.column_stack([1 - yes, yes])


def value(X):
    return answer(X)[:, 1] * 10


def digest(data):
    return hashlib.sha256(data if isinstance(data, bytes) else data.encode()).hexdigest()[:16]


def artefacts(folder):
    X = rows()
    P = answer(X)
    out = {}
    fitted = {}
    for make in STUDENTS.values():
        for student, y in zip(make(), (pd.DataFrame(P, columns=["declined", "approved"]), P[:, 1] * 10), strict=False):
            student.fit(X, y)
            name = type(student).__name__
            fitted[name] = student
            form = student.to_dict()
            form.pop("explaindistill", None)
            out[f"{name} dict"] = digest(json.dumps(form, sort_keys=True, default=str))
            out[f"{name} words"] = digest(student.describe())
            for ending in ENDINGS:
                try:
                    out[f"{name} {ending}"] = digest(student.export(folder / f"{name}.{ending}", verify=None).read_bytes())
                except KeyError as error:
                    out[f"{name} {ending}"] = repr(error)
    teacher = CallableTeacher(answer, classes=["declined", "approved"], version="1")
    store = LabelStore(folder / "answers.store")
    student = xd.Distiller(teacher, xd.TreeClassifier(max_leaf_nodes=8), n_queries=2500, store=store, random_state=0)
    student.fit(X)
    out["distilled"] = digest(json.dumps(student.student_.to_dict(), sort_keys=True))
    student.cost_ = Cost(2500, 2500, 1.0, 1.0, 3.0, 3.0, 1 << 20)
    label(teacher, X, store=store)
    out["store"] = digest(store.answers(teacher.fingerprint()).to_csv())
    students = {
        "distilled": student,
        "gam": fitted["GAMClassifier"],
        "linear": fitted["LinearClassifier"],
        "rules": fitted["RuleListClassifier"],
        "card": fitted["ScorecardClassifier"],
        "model": fitted["ModelTreeClassifier"],
        "tree": fitted["TreeClassifier"],
    }
    test = lending(500, random_state=9)
    for which in (["distilled", "gam", "linear"], ["rules", "card", "model", "tree"]):
        audit = xd.audit(
            teacher,
            {n: students[n] for n in which},
            test.X,
            test.y,
            sensitive=["sex", "sector"],
            favorable="approved",
            random_state=0,
        )
        for kind in ("html", "markdown", "json", "csv", "model-card"):
            out[f"audit {kind} {which[0]}"] = digest(audit.save(folder / "audit.x", kind=kind).read_text("utf-8"))
    regress = xd.audit(
        CallableTeacher(value, version="2"),
        {n: fitted[f"{n}Regressor"] for n in ("Tree", "GAM", "Linear", "ModelTree")},
        test.X,
        sensitive=["sex"],
        random_state=0,
    )
    out["regression html"] = digest(regress.save(folder / "r.html").read_text("utf-8"))
    out["regression json"] = digest(regress.save(folder / "r.json").read_text("utf-8"))
    return out


def test_bytes_are_the_same(tmp_path):
    out = artefacts(tmp_path)
    if not DIGESTS.exists():
        DIGESTS.write_text(json.dumps(out, indent=1, sort_keys=True))
        pytest.skip("written")
    before = json.loads(DIGESTS.read_text())
    assert {k: v for k, v in out.items() if before.get(k) != v} == {}
    assert out.keys() == before.keys()
