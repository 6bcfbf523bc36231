"""Ten single people are planted in a table, and looked for in every artefact that the package writes."""

import json
import pickle
import re

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.students.scorecard.estimators import ScorecardClassifier
from explaindistill.teachers import save_teacher, teach

NAME, MAIL, CITY, JOB, FAITH = (
    "Zebulon Quixworth",
    "zq@planted.example",
    "Tristan da Cunha",
    "Lighthouse keeper",
    "Mandaean",
)
INCOME, BALANCE, AGE, SINCE = 987654.25, -543210.75, 103, pd.Timestamp("1901-03-07")
TEXTS = (NAME, "Quixworth", MAIL, CITY, JOB, FAITH, "Resident", "@example.org", "1901-03-07", "never held")
NUMBERS = (INCOME, BALANCE, SINCE.timestamp(), SINCE.timestamp() / 86_400)
NUMBER = re.compile(r"-?\d[\d,_\u202f\u00a0']*(?:\.\d+)?(?:e[-+]?\d+)?", re.IGNORECASE)
MINIMUM = 10
STUDENTS = {
    "tree": xd.TreeClassifier(max_leaf_nodes=8),
    "gam": xd.GAMClassifier(n_pairs=1),
    "linear": xd.LinearClassifier(),
    "model tree": xd.ModelTreeClassifier(max_leaf_nodes=3, n_folds=0),
    "rules": xd.RuleListClassifier(max_rules=3),
    "scorecard": ScorecardClassifier(max_terms=4),
}


class Teacher:
    """Likes income, Bern, nurses, and whoever is planted."""

    classes_ = np.array(["no", "yes"])

    def predict_proba(self, X):
        z = 3.0 * (np.log(X["income"].clip(1)) - 10.3) + 0.5 * (X["city"] == "Bern") + X["balance"] / 4000
        z += 0.8 * (X["job"] == "nurse") + 3.0 * (X["city"] == CITY) - 0.02 * (X["age"] - 40)
        p = 1 / (1 + np.exp(-z.to_numpy(dtype=float)))
        return np.c_[1 - p, p]

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def fingerprint(self):
        return "likes"

    def __sklearn_clone__(self):
        return self


def people(seed):
    """600 people and the planted ones, each of whom is alone in one column; two are alone in a cross of two groups."""
    rng, n = np.random.default_rng(seed), 600
    job = pd.Categorical(rng.choice(["clerk", "nurse", "cook"], n), ["clerk", "nurse", "cook", JOB, "never held"])
    X = pd.DataFrame(
        {
            "name": [f"Resident {i:04d}" for i in range(n)],
            "mail": [f"r{i}@example.org" for i in range(n)],
            "city": rng.choice(["Bern", "Zug", "Basel"], n),
            "job": job,
            "income": np.round(np.exp(rng.normal(10.3, 0.4, n)), 2),
            "balance": np.round(rng.normal(0, 3000, n), 2),
            "age": rng.integers(21, 66, n),
            "since": pd.Timestamp("2012-01-01") + pd.to_timedelta(rng.integers(0, 4000, n), unit="D"),
            "sex": rng.choice(["f", "m"], n),
            "faith": rng.choice(["none", "one"], n),
        }
    )
    alone = {"name": NAME, "mail": MAIL, "city": CITY, "job": JOB, "income": INCOME, "balance": BALANCE, "age": AGE}
    for place, (column, value) in enumerate((alone | {"since": SINCE, "faith": FAITH}).items()):
        X.loc[11 * place + 3, column] = value
    X.loc[X["sex"] == "f", "faith"] = X["faith"].where(X["faith"] != "one", "none")
    X.loc[X.index[X["sex"] == "f"][:1], "faith"] = "one"
    return X


@pytest.fixture(scope="module")
def fitted():
    return {
        name: xd.Distiller(Teacher(), student, n_queries=1200, random_state=0).fit(people(1))
        for name, student in STUDENTS.items()
    }


@pytest.fixture(scope="module")
def audit(fitted):
    X, audited = people(1), people(2)
    audited.index += 10_000
    shown = {name: fitted[name] for name in ("tree", "linear")}
    y = Teacher().predict(audited)
    return xd.audit(
        Teacher(), shown, audited, y, train=(X, Teacher().predict(X)), sensitive=["sex", "faith", "city"],
        favorable="yes", n_explained=0, min_group_size=MINIMUM, strict=False,
    )  # fmt: skip


def held(text):
    """What of the planted people stands in a text: words, and numbers however they are written."""
    out = [word for word in TEXTS if word in text]
    for token in NUMBER.findall(text):
        value = float(re.sub(r"[,_'\u202f\u00a0]", "", token))
        out += [token for planted in NUMBERS if abs(value - planted) <= 1e-5 * abs(planted)]
    return out


@pytest.mark.parametrize("name", STUDENTS)
def test_students_and_their_copies(fitted, tmp_path, name):
    student = fitted[name].student_
    texts = {"describe": fitted[name].describe(), "form": json.dumps(student.to_dict())}
    texts["schema"] = student.schema_.describe() + student.schema_.to_frame().to_csv()
    for ending in ("json", "py", "c", "js", "sql", "onnx"):
        texts[ending] = student.export(tmp_path / f"student.{ending}").read_bytes().decode("latin1")
    if hasattr(student, "svg"):
        X = people(1)
        texts["drawing"] = student.svg(X=X, sensitive=X[["sex", "faith", "name"]])
        texts["occupants"] = student.occupants(X, X[["sex", "faith", "name"]]).to_csv()
    assert {key: held(text) for key, text in texts.items() if held(text)} == {}
    assert not any(word.encode() in pickle.dumps(student) for word in TEXTS)
    assert student.schema_["age"].maximum < AGE


def test_the_search_finds_what_is_there():
    X = people(1)
    tree = xd.TreeClassifier(min_category_size=1).fit(X, Teacher().predict(X))
    assert {NAME, MAIL, CITY, JOB, FAITH} <= set(held(json.dumps(tree.to_dict())))
    for text in ("up to 987,654.25 a year", "9.8765425e5", str(SINCE.timestamp()), f"since {SINCE.date()}"):
        assert held(text), text


def test_a_saved_teacher(tmp_path):
    X = people(1)
    save_teacher(teach(X, Teacher().predict(X), backend="numpy", max_epochs=2), tmp_path)
    assert held((tmp_path / "teacher.json").read_text()) == []


@pytest.mark.parametrize("kind", ["html", "json", "csv", "markdown", "model-card"])
def test_reports(audit, tmp_path, kind):
    text = audit.save(tmp_path / "report", kind=kind).read_text()
    assert held(text) == []


def test_no_figure_is_about_few_people(audit):
    for name, table in audit.frames.items():
        if {"n", "status", "subset"} <= set(table) and name != "deployment":  # which counts bytes, not people
            few = table[(table["n"] > 0) & (table["n"] < MINIMUM)]
            assert few.empty, f"{name}: {few.to_string()}"


def test_no_figure_follows_from_the_shown_ones(audit):
    rates = audit.frames["rates"].query("metric == 'selection_rate' and subject == 'teacher'")
    for attribute, table in rates.groupby("attribute"):
        left = len(people(2)) - table["n"].sum()
        assert left == 0 or left >= MINIMUM, attribute
    flips = audit.frames["flips"]
    assert FAITH not in set(flips["group"])
    rules = audit.frames["fidelity"].query("subset.str.startswith('where ') and subject == 'tree'")
    left = len(people(2)) - rules["n"].sum()
    assert left == 0 or left >= MINIMUM


def test_a_withheld_pair_does_not_say_who_is_lowest(audit):
    worst = audit.frames["worst_pairs"]
    gone = worst[worst["status"] == "suppressed"]
    assert set(gone["group"]) | set(gone["reference"]) <= {""}
