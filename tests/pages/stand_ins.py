"""What each page supposes a reader to have: tables, teachers, students, files, and an endpoint."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import explaindistill as xd
from explaindistill.data.datasets import lending
from explaindistill.teachers import save_teacher, teach
from explaindistill.teachers.callable import CallableTeacher
from pages.endpoint import endpoint
from pages.tables import adult, applicants, chances, compas, decided

__all__ = ["FEWER", "SLOW", "stage"]

CLASSES = ["approved", "declined"]
ADDRESS = "https://scores.example.com/v7"
FEWER = {"lending()": "lending(2_000)", "14_000": "1_400"}
"""What makes the pages that begin with the embedded example quick; ``make docs-test`` runs them as they stand."""
SLOW = frozenset(
    {
        "README",
        "audit",
        "choose-a-size",
        "command-line",
        "compare_with_outcomes",
        "gate_a_pipeline",
        "labels",
        "model_trees",
        "pictures",
        "policies",
        "start",
        "teachers",
        "ways",
    }
)
"""Pages that take more than some six seconds of a processor; ``make docs-test`` runs them, the suite does not."""

Names = dict[str, Any]


@cache
def _common() -> Names:
    """Made loans, a teacher and students of it: what most pages go on from."""
    X, X_test = applicants(1_200, 0), applicants(600, 1)
    P = _answers(X)
    return {
        "xd": xd,
        "X": X,
        "X_test": X_test,
        "X_new": X_test.head(5),
        "X_fresh": applicants(500, 2),
        "y": decided(X, 0),
        "y_test": decided(X_test, 1),
        "P": P,
        "teacher": CallableTeacher(_answers, classes=CLASSES, version="1"),
        "tree": xd.TreeClassifier(max_leaf_nodes=8).fit(X, P),
        "gam": xd.GAMClassifier().fit(X, P),
    }


def _answers(X: Any) -> pd.DataFrame:
    p = chances(pd.DataFrame(X))
    return pd.DataFrame({"approved": p, "declined": 1 - p}, index=pd.DataFrame(X).index)


def _audit(names: Names, **options: Any) -> Any:
    students = {"tree": names["tree"], "gam": names["gam"]}
    return xd.audit(names["teacher"], students, names["X_test"], names["y_test"], n_explained=0, **options)


def _add_files(names: Names, *files: str) -> None:
    audit = _audit(names, sensitive=["sex"], favorable="approved")
    for file in files:
        Path(file).parent.mkdir(exist_ok=True)
        audit.save(file)
    names["audit"] = audit


def _front(names: Names) -> Names:
    import torch
    from sklearn.preprocessing import StandardScaler

    torch.manual_seed(0)
    columns = ["age", "income", "debt"]
    tables = [applicants(800, seed)[columns].fillna(30_000).assign(race=np.arange(800) % 3) for seed in (0, 1)]
    df_train, df_test = (table.assign(sex=np.arange(800) // 2 % 2) for table in tables)
    df_test = df_test.set_axis(range(10_000, 10_800))
    outcomes, outcomes_test = (np.where(f["income"] > 30_000, "yes", "no") for f in (df_train, df_test))
    return {
        "net": torch.nn.Sequential(torch.nn.Linear(5, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2)),
        "scaler": StandardScaler().fit(df_train),
        "gam": xd.GAMClassifier().fit(df_train, outcomes),
        "df_train": df_train,
        "df_test": df_test,
        "df_new": df_test.head(5),
        "outcomes": outcomes,
        "outcomes_test": outcomes_test,
    }


def _readme(names: Names) -> Names:
    adult(1_500, 0).to_csv("adult.csv.gz", index=False)
    return _front(names)


def _start(names: Names) -> Names:
    return _front(names)


def _audit_page(names: Names) -> Names:
    data = lending(1_200)
    data.frame.assign(branch=np.arange(1_200) % 60).to_csv("visits.csv", index=False)
    X, y = data.X, data.y
    half = {"X": X[600:], "y": y[600:]}
    teacher = teach(X[:600], y[:600], hidden=(8,), max_epochs=5)
    models = {"tree": xd.TreeClassifier(8), "gam": xd.GAMClassifier()}
    fitted = {
        name: xd.Distiller(teacher, m, n_queries=1_200, random_state=0).fit(X[:600]) for name, m in models.items()
    }
    more = {"teacher": teacher, "student": fitted["tree"]}
    more |= {f"P_{name}": more[name].predict_proba(half["X"]) for name in ("teacher", "student")}
    return names | half | fitted | more


def _command_line(names: Names) -> Names:
    table = adult(1_500, 0)
    table.to_csv("adult.csv.gz", index=False)
    y = table.pop("income-per-year")
    save_teacher(teach(table, y, hidden=(8,), max_epochs=5), "teacher")
    return names


def _compare(names: Names) -> Names:
    return {"compas": compas(400, 0)}


def _compress(names: Names) -> Names:
    return names | {"student": names["tree"], "X_calibration": names["X_fresh"]}


def _export(names: Names) -> Names:
    X = pd.DataFrame({"age": names["X"]["age"].astype(float), "city": names["X"]["city"]})
    X.loc[3, "city"] = None
    X.loc[5, "age"] = np.nan
    p = (X["age"].fillna(40) / 100 + 0.15 * (X["city"] == "Bern")).clip(0, 1)
    P = pd.DataFrame({"no": p, "yes": 1 - p})
    student = xd.TreeClassifier(max_leaf_nodes=6, min_samples_leaf=10).fit(X, P)
    student.export("student.onnx")
    return {"student": student}


def _gate(names: Names) -> Names:
    _add_files(names, "audit.json", "audit/audit.json", "old.json")
    names["tree"] = xd.TreeClassifier(max_leaf_nodes=2).fit(names["X"], names["P"])
    _add_files(names, "new.json")
    return names


def _labels(names: Names) -> Names:
    from explaindistill.asking.labelling import label

    label(names["teacher"], names["X"], store="labels.db")
    return names | {"replace": {"3fa9c1": names["teacher"].fingerprint()[:6]}}


def _online(names: Names) -> Names:
    chunks = [applicants(600, seed) for seed in range(4)]
    answers = [(X, np.column_stack([chances(X), 1 - chances(X)])) for X in chunks]
    return names | {"answers": answers}


def _reasons(names: Names) -> Names:
    X = names["X"]
    good = X[names["P"]["approved"] > 0.5]
    row = X[names["tree"].predict(X) == "declined"].iloc[[0]]
    row = row if row["income"].notna().all() else row.assign(income=30_000.0)
    student = xd.Distiller(names["teacher"], xd.TreeClassifier(8), n_queries=2_400, random_state=0).fit(X)
    more = {"student": student.student_, "applicants": X.head(20), "approved_applicants": good}
    return names | more | {"row": row.iloc[0], "row_income": float(row["income"].iloc[0])}


def _report(names: Names) -> Names:
    _add_files(names, "audit.html")
    # the browser runs as root only without its sandbox, and in containers tests are root
    return names | ({"replace": {"--headless": "--headless --no-sandbox"}} if os.geteuid() == 0 else {})


def _teachers(names: Names) -> Names:
    data = lending(600)
    data.frame.assign(home=np.where(data.X["homeowner"], "own", "rent")).to_csv("loans.csv", index=False)
    return names


def _trees(names: Names) -> Names:
    return names | {"sensitive": names["X"][["sex"]]}


def _ways(names: Names) -> Names:
    import torch
    from sklearn.preprocessing import StandardScaler

    from explaindistill.teachers.torch import TorchTeacher

    torch.manual_seed(0)
    X = applicants(900, 0)[["age", "income", "debt"]].fillna(30_000.0)
    encode = StandardScaler().fit(X).transform
    layers = [torch.nn.Linear(3, 8), torch.nn.ReLU(), torch.nn.Linear(8, 6), torch.nn.ReLU(), torch.nn.Linear(6, 2)]
    net = torch.nn.Sequential(*layers)
    P = TorchTeacher(net, preprocess=encode, classes=["no", "yes"]).predict_proba(X)
    more = {"net": net, "encode": encode, "TorchTeacher": TorchTeacher, "X": X, "P": P}
    y = np.where(X["income"] - X["debt"] > 12_000, "yes", "no")
    private = applicants(8_000, 5)[["age", "income", "debt"]].fillna(30_000.0)
    decisions = np.where(private["income"] - private["debt"] > 12_000, "yes", "no")
    more |= {"X_private": private, "y_private": decisions, "public_rows": X.tail(400), "np": np}
    return names | more | {"X_test": X.tail(300), "y": y}


def _objects(objects: Any, ask: Callable[..., Any], of_whom: str, restore: Callable[[list[Any]], Any]) -> Names:
    """Three in four objects to learn from, the others held out, and a teacher that says how likely each is a "yes"."""

    def answers(X: Any) -> Any:
        p = np.array([ask(x) for x in X])
        return np.column_stack([1 - p, p])

    cut = 3 * len(objects) // 4
    held_out = restore(list(objects[cut:]))
    return {
        "teacher": CallableTeacher(answers, classes=["no", "yes"]),
        "held_out": held_out,
        "y": np.where(answers(held_out)[:, 1] > 0.5, "yes", "no"),
        of_whom: pd.DataFrame({of_whom: np.arange(len(objects) - cut) % 2}),
    }


def _images(names: Names) -> Names:
    images = np.random.default_rng(0).random((400, 8, 8))
    images[::2, 2:5, 2:5] += 1.0
    ours = _objects(images, lambda image: 1 / (1 + np.exp(8 - 8 * image[2:5, 2:5].mean())), "scanner", np.stack)
    return names | ours | {"images": images[:300]}


def _sounds(names: Names) -> Names:
    rng = np.random.default_rng(0)
    at = np.arange(2_000) / 8_000
    waves = [np.sin(2 * np.pi * (300 if i % 2 else 1_500) * at) + 0.3 * rng.normal(size=2_000) for i in range(240)]

    def high(wave: Any) -> float:
        power = np.abs(np.fft.rfft(wave)) ** 2
        return float(power[250:].sum() / power.sum())

    return names | _objects(waves, high, "speaker", list) | {"waves": waves[:180]}


def _more_rows(names: Names) -> Names:
    Path("applications").mkdir()
    for part in (0, 1):
        rows = names["X"].iloc[part::2]
        rows.assign(approved=names["y"][part::2]).to_parquet(f"applications/{part}.parquet", index=False)
    return names


STAGES: Mapping[str, Callable[[Names], Names]] = {
    "README": _readme,
    "start": _start,
    "audit": _audit_page,
    "command-line": _command_line,
    "compare_with_outcomes": _compare,
    "compress": _compress,
    "export": _export,
    "gate_a_pipeline": _gate,
    "images": _images,
    "importance": lambda n: n | {"student": n["tree"], "background": n["X"].head(50), "X": n["X"].head(20)},
    "labels": _labels,
    "more_rows": _more_rows,
    "online": _online,
    "read_the_report": _report,
    "reasons": _reasons,
    "sounds": _sounds,
    "teachers": _teachers,
    "trees": _trees,
    "ways": _ways,
}


def _chance(rows: pd.DataFrame) -> Any:
    """What the endpoint answers, whichever table it is asked about."""
    return chances(rows) if "debt" in rows else 1 / (1 + np.exp(-rows["debt_ratio"].astype(float).fillna(0.0)))


@contextmanager
def stage(name: str) -> Iterator[tuple[Names, dict[str, str]]]:
    """Names that a page supposes, and the addresses in it that a stand-in answers; files lie in the current folder."""
    names = STAGES.get(name, lambda names: names)(dict(_common()))
    with endpoint(_chance) as address:
        yield names, {ADDRESS: address} | names.pop("replace", {})
