"""Ten single people are planted in a table, and looked for in every artefact that the package writes."""

import json
import pickle
import re

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.auditing.comparing import compare
from explaindistill.cli import main
from explaindistill.distillation.wrappers.regions import RegionClassifier
from explaindistill.students.scorecard.estimators import ScorecardClassifier
from explaindistill.teachers import save_teacher, teach
from explaindistill.teachers.callable import CallableTeacher

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
        favorable="yes", n_explained=0, min_group_size=MINIMUM, strict=False, worst_case=8_000, dependence=True,
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


@pytest.fixture(scope="module")
def comparing(fitted):
    """An audit that compares with outcomes: three people have no income, and two are alike in everything."""
    X, audited = people(1), people(3)
    audited.index += 20_000
    audited.loc[audited.index[[5, 50, 500]], "income"] = np.nan
    y = Teacher().predict(audited.assign(income=audited["income"].fillna(30_000.0)))
    audited = pd.concat([audited, audited.iloc[[0]].set_axis([29_999])])  # two people who are alike in everything
    y = np.append(y, "yes")
    return xd.audit(
        Filling(), {"tree": fitted["tree"]}, audited, y, train=(X, Teacher().predict(X)), sensitive=["sex", "faith"],
        favorable="yes", n_explained=0, min_group_size=MINIMUM, compare=True, strict=False,
    )  # fmt: skip


class Filling(Teacher):
    """Takes a missing income for a usual one."""

    def predict_proba(self, X):
        return super().predict_proba(X.assign(income=X["income"].fillna(30_000.0)))


@pytest.mark.parametrize("kind", ["html", "json", "csv", "markdown", "model-card"])
def test_reports_that_compare_with_outcomes(comparing, tmp_path, kind):
    assert len(comparing.frames["comparison"]) > 0
    text = comparing.save(tmp_path / "report", kind=kind).read_text()
    assert held(text) == []


def test_no_figure_of_a_comparison_is_about_few_people(comparing):
    for name in ("comparison", "comparison_terms", "comparison_quality", "missing_inputs", "teacher"):
        table = comparing.frames[name]
        assert table[(table["n"] > 0) & (table["n"] < MINIMUM)].empty, name
    missing = comparing.frames["missing_inputs"].set_index("metric")["status"]
    assert missing["duplicate_variance"] == "suppressed"
    columns = comparing.frames["columns"].set_index("feature")["n_missing"]
    assert np.isnan(columns["income"])
    assert columns["age"] == 0
    curves = comparing.frames["comparison"]
    for feature, places in curves[curves["feature"] != "(level)"].groupby("feature"):
        gone = places["status"] == "suppressed"
        assert gone.sum() != 1, f"{feature}: the one that is withheld follows from the others"


def test_what_two_audits_say_of_each_other(audit, comparing, tmp_path):
    for name, one in (("old", audit), ("new", comparing)):
        one.save(tmp_path / f"{name}.json")
    moved = compare(tmp_path / "old.json", tmp_path / "new.json")
    assert held(moved.to_csv() + str(moved.attrs["notes"])) == []


def test_what_notebooks_and_terminals_show(audit, comparing, fitted):
    for shown in (audit, comparing):
        assert held(shown._repr_html_() + repr(shown) + "".join(shown.notes)) == []
    for name, distiller in fitted.items():
        tables = (
            distiller.corpus_.to_frame().to_csv()
            + distiller.student_.explain(people(2).iloc[20:40], as_frame=True).to_csv()
        )
        assert held(repr(distiller) + distiller._repr_html_() + tables) == [], name
    few = {"tree": STUDENTS["tree"], "linear": STUDENTS["linear"]}
    front = xd.frontier(Teacher(), people(1), few, n_queries=600, random_state=0)
    assert held(front._repr_html_() + front.frame.to_csv()) == []


@pytest.mark.parametrize("name", ["tree", "linear"])
def test_wrappers(name, tmp_path):
    X, teacher = people(1), Teacher()
    deferring = xd.DeferringClassifier(STUDENTS[name], teacher).fit(X)
    online = xd.OnlineStudent(STUDENTS[name], max_rows=256, block_rows=100)
    online.update(X, pd.DataFrame(teacher.predict_proba(X), columns=teacher.classes_))
    for student in (deferring.student_, online.student_):
        text = student.export(tmp_path / "s.json").read_text() + student.export(tmp_path / "s.py").read_text()
        assert held(text + student.describe()) == []
    assert held(repr(deferring) + deferring.curve_.to_csv() + repr(online) + online.history_.to_csv()) == []


def test_regions_of_an_ensemble(tmp_path):
    from explaindistill.teachers.ensemble import EnsembleTeacher

    class Poor(Teacher):
        def predict_proba(self, X):
            return super().predict_proba(X.assign(income=X["income"] * 0.8))

    def fingerprinted(one, name):
        return CallableTeacher(one.predict_proba, classes=["no", "yes"], version=name)

    pair = EnsembleTeacher([fingerprinted(Teacher(), "a"), fingerprinted(Poor(), "b")])
    regions = RegionClassifier(pair, STUDENTS["tree"]).fit(people(1))
    exported = [s.export(tmp_path / "s.json").read_text() for s in (regions.router_, *regions.students_.values())]
    assert held(regions.describe() + regions.compare(people(2)).to_csv() + "".join(exported)) == []


@pytest.mark.parametrize("command", ["distill", "audit"])
def test_folders_of_the_command_line(command, tmp_path, capsys):
    X = people(1)
    X.assign(answer=Teacher().predict(X)).to_csv(tmp_path / "rows.csv", index=False)
    save_teacher(teach(X.drop(columns=["since"]), Teacher().predict(X), backend="numpy", max_epochs=2), tmp_path / "t")
    words = ["--teacher", str(tmp_path / "t"), "--data", str(tmp_path / "rows.csv"), "--target", "answer"]
    words += ["--drop", "since", "--student", "tree", "--out", str(tmp_path / "out"), "--n-queries", "600"]
    words += ["--sensitive", "sex,faith", "--favorable", "yes"] if command == "audit" else []
    assert main([command, *words]) == 0
    said = capsys.readouterr()
    written = {p.name: p.read_bytes().decode("latin1") for p in (tmp_path / "out").rglob("*") if p.is_file()}
    assert len(written) > 1
    assert {name: held(text) for name, text in written.items() if held(text)} == {}
    assert held(said.out + said.err) == []


@pytest.mark.parametrize("kind", ["html", "json", "csv", "markdown", "model-card"])
def test_reports(audit, tmp_path, kind):
    text = audit.save(tmp_path / "report", kind=kind).read_text()
    assert held(text) == []


def test_no_figure_is_about_few_people(audit):
    for name, table in audit.frames.items():
        if {"n", "status", "subset"} <= set(table) and name != "deployment":  # which counts bytes, not people
            few = table[(table["n"] > 0) & (table["n"] < MINIMUM)]
            assert few.empty, f"{name}: {few.to_string()}"


def test_no_median_is_one_persons(audit):
    """The 604 people's middle income is the mean of two: everybody's value is compared with what is shown."""
    shown, people_of_audit = audit.frames["columns"].set_index("feature")["median"], people(2)
    for column in ("income", "balance"):
        assert shown[column] not in set(people_of_audit[column])
        assert shown[column] != people_of_audit[column].median()
    since = pd.Timestamp(shown["since"], unit="s")  # the year in which the middle one began
    assert since == people_of_audit["since"].median().to_period("Y").start_time
    assert since != people_of_audit["since"].median()


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


def test_the_search_for_the_worst_case_meets_them_and_does_not_say_so(audit):
    lines = audit.frames["worst_case"].query("metric == 'largest_disagreement' and status == 'ok'")
    assert set(lines["subject"]) == {"tree", "linear"}
    assert lines["becomes"].str.len().gt(0).any()
