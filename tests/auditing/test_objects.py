"""Audits of objects that are no rows: measured on their columns, asked with the objects, shown only where named."""

from __future__ import annotations

import base64
import json
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

import explaindistill as xd
from explaindistill.errors import InvalidInputError
from explaindistill.teachers.callable import CallableTeacher

sys.path.insert(0, str(Path(__file__).parents[1]))
from series_domain import SeriesDomain

RNG = np.random.default_rng(0)
SERIES = [RNG.normal(size=RNG.integers(5, 9)).cumsum() for _ in range(240)]
FITTED, HELD = SERIES[:120], SERIES[120:]
WORDS = [
    "river",
    "stone",
    "lamp",
    "chair",
    "green",
    "quick",
    "seven",
    "music",
    "paper",
    "window",
    "bread",
    "cloud",
    "horse",
    "table",
    "night",
]
NAMES = ("she", "he")


def by_last_value(series):
    return 1 / (1 + np.exp(-2 * np.array([s[-1] for s in series])))


def teacher(function=by_last_value):
    return CallableTeacher(function, classes=["no", "yes"], version="1")


def student(given=None, X=FITTED, domain=None, learner=None, **options):
    learner = learner or xd.LinearClassifier()
    return xd.Distiller(given or teacher(), learner, domain=domain or SeriesDomain(), random_state=0, **options).fit(X)


@pytest.fixture(scope="module")
def fitted():
    return {"sum": student(), "tree": student(learner=xd.TreeClassifier(max_leaf_nodes=4))}


@pytest.fixture(scope="module")
def report(fitted):
    y = np.where([s[-1] > 0 for s in HELD], "yes", "no")
    return xd.audit(
        teacher(), fitted, HELD, y, favorable="yes", n_explained=40,
        sensitive=pd.DataFrame({"meter": np.arange(len(HELD)) % 2}), show=[3, 17],
    )  # fmt: skip


def test_frames_are_about_the_columns_of_the_domain(report):
    names = ["level", "slope", "last value"]
    assert report.schema.names == names
    assert report.frames["columns"]["feature"].tolist() == names
    for frame in ("importance", "proxies"):
        assert set(report.frames[frame]["feature"]) - {"(all)"} == set(names)
    assert report.frames["failures"].empty
    assert report.manifest["teacher"]["kind"] == "CallableTeacher"
    assert str(report).startswith("Audit of sum, tree against CallableTeacher")


def test_the_column_that_decides_has_all_of_the_teachers_importance(report):
    lines = report.frames["importance"]
    mine = lines[(lines["metric"] == "silencing") & (lines["subject"] == "teacher")].set_index("feature")
    assert mine["share"].to_dict() == {"level": 0.0, "slope": 0.0, "last value": 1.0}
    assert mine.loc["last value", "low"] > 0.05
    alike = report.frames["importance_comparison"].set_index(["metric", "subject"])["estimate"]
    assert alike["importance_shared", "sum"] > 0.99
    assert "silencing: last value" in re.sub(r"\s+", " ", str(report))


def test_an_edit_stands_beside_its_control(report):
    lines = report.frames["edits"].set_index(["metric", "subject", "edit"])
    turned = lines.loc[("edit_flip_rate", "teacher", "read in reverse")]
    expected = np.mean([(s[-1] > 0) != (s[0] > 0) for s in HELD])
    assert turned["estimate"] == pytest.approx(expected)
    assert turned["k"] == round(expected * turned["n"])
    assert lines.loc[("edit_flip_rate", "teacher", "read in reverse, control"), "k"] == 0
    assert lines.loc[("edit_over_control", "teacher", "read in reverse"), "low"] > 0
    edited = report.frames["edits"].query("edit == 'read in reverse' and metric == 'agreement'")
    assert edited["subject"].tolist() == ["sum", "tree"]
    assert (edited["estimate"] > 0.9).all()


def test_the_page_has_a_chapter_of_edits_and_of_the_objects_that_were_named(report, tmp_path):
    page = report.save(tmp_path / "a.html").read_text("utf-8")
    assert "What changes when objects are edited" in page
    assert page.count('<div class="object">') == 4  # two objects, two students
    assert "Row 17" in page
    assert "No row itself is in this file, but for the objects that were named." in page
    assert " ".join(f"{v:.2f}" for v in HELD[17]) in page


def texts_of(report, folder):
    kinds = {"a.html": None, "a.md": None, "a.json": None, "a.csv": None, "card.md": "model-card"}
    return {name: report.save(folder / name, kind).read_text("utf-8") for name, kind in kinds.items()}


def test_no_series_stands_in_any_kind_of_report_but_those_named_in_the_page(report, tmp_path):
    for name, text in texts_of(report, tmp_path).items():
        for i, series in enumerate(HELD):
            written = (*(f"{v!r}" for v in series.tolist()[:-1]), base64.b64encode(series.tobytes()).decode())
            assert not any(one in text for one in written), (name, i)
            rounded = " ".join(f"{v:.2f}" for v in series)
            assert (rounded in text) == (name == "a.html" and i in (3, 17)), (name, i)
        assert "explaindistill.data.raw" not in text


class WordDomain(BaseEstimator):
    """Texts, read by which of some words are in them."""

    def objects(self, X):
        values = np.empty(len(X), dtype=object)
        values[:] = [str(text) for text in X]
        return values

    def restore(self, objects, like):
        return list(objects)

    def key(self, value):
        return value.encode()

    def columns(self):
        return WordColumns()

    def sampler(self):
        return None

    def silenced(self, objects, columns, name, rng):
        return self.objects([" ".join(w for w in text.split() if w != name) for text in objects])

    def edits(self):
        def swapped(objects, rng, pair=NAMES):
            return self.objects([" ".join(pair[1] if w == pair[0] else w for w in text.split()) for text in objects])

        return {
            "she to he": swapped,
            "she to he, control": lambda objects, rng: swapped(objects, rng, ("river", "stone")),
            "never there": lambda objects, rng: swapped(objects, rng, ("zebra", "yak")),
        }

    def show(self, value, columns, reasons):
        return f'<p onclick="steal()">{value}</p><script>steal()</script>'


class WordColumns(BaseEstimator):
    def fit(self, objects, P=None):
        return self

    def transform(self, objects):
        return pd.DataFrame([[float(w in text.split()) for w in self.get_feature_names_out()] for text in objects],
                            columns=self.get_feature_names_out())  # fmt: skip

    def get_feature_names_out(self, input_features=None):
        return [*NAMES, *WORDS[:4]]


def texts(n, seed):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice([*WORDS, *NAMES], size=12, replace=False)) for _ in range(n)]


def word_teacher(bias):
    def ask(objects):
        z = np.array([1.5 * ("lamp" in t.split()) - 0.7 + bias * ("she" in t.split()) for t in objects])
        return 1 / (1 + np.exp(-z))

    return teacher(ask)


@pytest.mark.parametrize("bias", [0.5, 0.0])
def test_a_planted_bias_is_found_as_itself_and_none_where_there_is_none(bias, tmp_path):
    given = word_teacher(bias)
    chosen = {"sum": student(given, texts(200, 1), WordDomain())}
    held = texts(300, 2)
    report = xd.audit(given, chosen, held, favorable="yes", n_explained=0)
    lines = report.frames["edits"].set_index(["metric", "subject", "edit"])
    moved = lines.loc[("edit_logit", "teacher", "she to he")]
    assert moved["low"] - 1e-9 <= -bias <= moved["high"] + 1e-9
    assert moved["estimate"] == pytest.approx(-bias, abs=1e-6)
    over = lines.loc[("edit_over_control", "teacher", "she to he")]
    assert (over["low"] > 0) == (bias > 0)
    assert lines.loc[("edit_logit", "teacher", "she to he, control"), "estimate"] == pytest.approx(0, abs=1e-9)
    absent = lines.loc[("edit_flip_rate", "teacher", "never there")]
    assert np.isnan(absent["estimate"])
    assert "fewer than 10" in absent["reason"]
    importance = report.frames["importance"].query("metric == 'silencing' and subject == 'teacher'")
    ranked = importance.sort_values("estimate", ascending=False)["feature"].tolist()
    assert ranked[0] == "lamp"
    assert set(importance[importance["estimate"] > 0]["feature"]) == ({"lamp", "she"} if bias else {"lamp"})


def test_what_answers_rest_on_is_said_beside_a_gap_whose_parts_are_unknown():
    given, held = word_teacher(0.0), texts(400, 3)
    report = xd.audit(
        given, {"sum": student(given, texts(200, 1), WordDomain())}, held, favorable="yes", n_explained=0,
        sensitive=pd.DataFrame({"light": ["lit" if "lamp" in text.split() else "dark" for text in held]}),
    )  # fmt: skip
    said = str(report)
    assert "Which inputs carry the gap by light was not measured" in said
    assert "change most where these say nothing, by silencing: lamp" in " ".join(said.split())


def runs_of_four(text):
    words = text.split()
    return {" ".join(words[i : i + 4]) for i in range(len(words) - 3)}


def test_no_run_of_four_words_of_any_text_stands_in_a_report(tmp_path):
    given = word_teacher(0.5)
    fitted_to, held = texts(150, 3), texts(150, 4)
    chosen = {"tree": student(given, fitted_to, WordDomain(), xd.TreeClassifier(max_leaf_nodes=6))}
    y = given.predict(held)
    report = xd.audit(
        given, chosen, held, y, train=(fitted_to, given.predict(fitted_to)), favorable="yes", n_refits=3,
        n_explained=20, stress=texts(20, 5), second_teacher=word_teacher(0.0),
    )  # fmt: skip
    runs = set().union(*(runs_of_four(text) for text in [*fitted_to, *held]))
    for name, page in texts_of(report, tmp_path).items():
        words = re.sub(r"[\W_]+", " ", page)
        assert not [run for run in runs if run in words], name
    for name, frame in report.frames.items():
        assert not [run for run in runs if run in frame.to_csv()], name
    assert json.loads((tmp_path / "a.json").read_text("utf-8"))["frames"]["edits"]
    what_if = report.frames["fidelity"].query("subset == 'what-if rows of the caller' and metric == 'agreement'")
    assert what_if["n"].tolist() == [20]
    assert set(report.frames["stability"]["metric"]) >= {"refit_agreement", "refit_features"}


def test_what_is_shown_cannot_run_and_is_named_by_its_label(tmp_path):
    given = word_teacher(0.5)
    chosen = {"sum": student(given, texts(150, 3), WordDomain())}
    held = pd.Series(["<b>lamp</b> she river <img src=x onerror=steal()>", *texts(40, 6)])
    held.index = [f"text {i}" for i in range(len(held))]
    report = xd.audit(given, chosen, held, favorable="yes", n_explained=0, show=["text 0"])
    page = report.save(tmp_path / "a.html").read_text("utf-8")
    shown = page[page.index('<div class="object">') :].partition("</div>")[0]
    assert "lamp" in shown
    assert "steal" not in shown
    assert "onclick" not in shown
    assert "text 1" not in page
    with pytest.raises(InvalidInputError, match="show names 'text 99', which is no label"):
        xd.audit(given, chosen, held, show=["text 99"])


def test_show_is_for_objects_alone():
    X = pd.DataFrame({"x": np.linspace(0, 1, 60)})
    tree = xd.TreeRegressor().fit(X, X["x"])
    with pytest.raises(InvalidInputError, match="show needs students with domain="):
        xd.audit((X, X["x"]), tree, X, show=[3])
    with pytest.raises(InvalidInputError, match="show must be a list of labels"):
        xd.audit((X, X["x"]), tree, X, show=3)


def test_a_dry_run_counts_what_the_audit_asks(fitted):
    given = teacher()
    options = {"favorable": "yes", "n_explained": 0}
    forecast = xd.audit(given, fitted, HELD, dry_run=True, **options)
    assert given.rows_sent_.total == 0
    xd.audit(given, fitted, HELD, **options)
    assert sum(forecast.rows.values()) == given.rows_sent_.total


def test_rows_of_fitting_are_set_aside_by_label_and_content(fitted):
    labelled = pd.Series(SERIES, index=[f"s{i}" for i in range(len(SERIES))])
    again = {"sum": student(X=labelled.iloc[:120])}
    report = xd.audit(teacher(), again, labelled.iloc[100:], n_explained=0)
    assert report.manifest["n_rows"] == 120
    assert "20 of 140 rows were seen in fitting" in " ".join(report.notes)


def test_students_of_other_columns_are_refused():
    class Larger(SeriesDomain):
        def columns(self):
            columns = super().columns()
            plain = columns.transform
            columns.transform = lambda objects: plain(objects) * 2
            return columns

    table = xd.TreeClassifier().fit(pd.DataFrame({"x": [0.0, 1.0] * 20}), ["no", "yes"] * 20)
    first = student()
    with pytest.raises(InvalidInputError, match="'sum' was fitted with domain=, 'table' was not"):
        xd.audit(teacher(), {"sum": first, "table": table}, HELD)
    with pytest.raises(InvalidInputError, match="got SeriesDomain of 'sum' and WordDomain of 'words'"):
        xd.audit(teacher(), {"sum": first, "words": student(word_teacher(0), texts(99, 1), WordDomain())}, HELD)
    with pytest.raises(InvalidInputError, match="SeriesDomain of 'sum' and Larger of 'other'"):
        xd.audit(teacher(), {"sum": first, "other": student(domain=Larger())}, HELD)


def test_columns_of_a_table_beside_the_objects_are_audited_too():
    rng = np.random.default_rng(3)
    X = pd.DataFrame({"series": SERIES, "age": rng.integers(20, 60, len(SERIES)), "sex": rng.choice(["f", "m"], 240)})

    def ask(frame):
        return by_last_value(frame["series"]) * (frame["age"].to_numpy() > 40)

    fitted = student(teacher(ask), X[:120], SeriesDomain("series"), xd.TreeClassifier(max_leaf_nodes=6))
    report = xd.audit(teacher(ask), {"tree": fitted}, X[120:], sensitive=["sex"], favorable="yes", n_explained=0)
    mine = report.frames["importance"].query("metric == 'silencing' and subject == 'teacher'").set_index("feature")
    assert set(mine.index[mine["estimate"] > 0]) == {"last value", "age"}
    assert set(report.frames["rates"]["group"]) >= {"f", "m"}
    assert report.schema["sex"].sensitive


def test_a_sensitive_column_beside_the_objects_is_flipped_alone():
    """In a third of the rows the group decides, and each of these turns; the students are asked as the teacher is."""
    rng = np.random.default_rng(4)
    X = pd.DataFrame({"series": SERIES, "sex": rng.choice(["f", "m"], 240), "turns": np.arange(240) % 3 == 0})

    def ask(frame):
        rises = np.array([s[-1] > 0 for s in frame["series"]])
        return np.where(frame["turns"], frame["sex"] == "m", rises).astype(float)

    fitted = student(teacher(ask), X[:120], SeriesDomain("series"), xd.TreeClassifier(max_leaf_nodes=8))
    options = {"sensitive": ["sex"], "favorable": "yes", "dependence": ["turns"]}
    report = xd.audit(teacher(ask), {"tree": fitted}, X[120:], **options)
    lines = report.frames["flips"].query("metric == 'flip_rate'").set_index(["subject", "group"])
    for group in ("f", "m"):
        changed = X[120:][X["sex"][120:] != group]
        assert lines.loc[("teacher", group), "k"] == changed["turns"].sum()
        assert lines.loc[("teacher", group), "n"] == len(changed)
        assert lines.loc[("tree", group), "estimate"] == pytest.approx(1 / 3, abs=0.12)
    said = report.frames["dependence"].query("subject == 'teacher'")["reason"]
    assert said.str.contains("it answers objects, and no object can be made of changed columns").all()
    forecast = xd.audit(teacher(ask), {"tree": fitted}, X[120:], dry_run=True, **options)
    assert forecast.total == report.manifest["rows_sent"]["total"] - report.manifest["rows_sent"]["by_purpose"].get(
        "fit", 0
    )


def test_a_record_of_objects_is_audited_without_changed_ones():
    class Quiet(SeriesDomain):
        def sampler(self):
            return None

    P = np.column_stack([1 - by_last_value(SERIES), by_last_value(SERIES)])
    fitted = xd.Distiller((SERIES, P), xd.TreeClassifier(max_leaf_nodes=4), domain=Quiet(), random_state=0).fit(FITTED)
    report = xd.audit((SERIES, P), {"tree": fitted}, HELD, n_explained=0)
    assert report.frames["fidelity"].query("metric == 'agreement' and subset == ''")["estimate"].iloc[0] > 0.9
    assert "cannot be asked about changed rows" in report.frames["edits"]["reason"].iloc[0]
    silent = report.frames["importance"].query("metric == 'silencing'")
    assert silent["status"].tolist() == ["undefined"]


def test_an_error_about_an_object_says_no_word_of_it(tmp_path):
    class Failing(WordDomain):
        def edits(self):
            def fail(objects, rng):
                raise InvalidInputError(f"cannot edit {objects[0]}")

            return {"failing": fail}

    given, held = word_teacher(0.5), texts(60, 8)
    chosen = {"sum": student(given, texts(150, 3), Failing())}
    report = xd.audit(given, chosen, held, favorable="yes", n_explained=0, strict=False)
    assert report.frames["failures"][["frame", "part"]].values.tolist() == [["edits", "failing"]]
    assert "InvalidInputError: its words may hold a part of an object" in " ".join(report.notes)
    runs = set().union(*(runs_of_four(text) for text in held))
    for name, page in texts_of(report, tmp_path).items():
        assert not [run for run in runs if run in page], name


def test_some_objects_silenced_and_edited_say_what_all_say(fitted, monkeypatch):
    from explaindistill.auditing.frames import _silencing, edits

    tables = []
    for most in (60, 10**6):
        monkeypatch.setattr(_silencing, "SILENCED_ROWS", most)
        monkeypatch.setattr(edits, "EDITED_ROWS", most)
        tables.append(xd.audit(teacher(), fitted, HELD, favorable="yes", n_explained=0).frames)
    some, whole = tables
    for name, metric, key in (("importance", "silencing", "feature"), ("edits", "edit_score", "edit")):
        a, b = (frames[name][frames[name]["metric"] == metric].set_index(["subject", key]) for frames in (some, whole))
        assert a.index.equals(b.index)
        assert a["n"].max() == 60
        assert b["n"].max() == len(HELD)
        defined = a["low"].notna() & b["low"].notna()
        assert defined.any()
        assert (a["low"][defined] <= b["high"][defined]).all()
        assert (b["low"][defined] <= a["high"][defined]).all()


def test_columns_that_are_not_silenced_are_those_that_students_lean_on_least(monkeypatch):
    from explaindistill.auditing.frames import _silencing

    given = word_teacher(0.5)
    chosen = {"sum": student(given, texts(200, 1), WordDomain())}
    names = {}
    for most in (2, 60):
        monkeypatch.setattr(_silencing, "SILENCED_COLUMNS", most)
        frame = xd.audit(given, chosen, texts(200, 2), favorable="yes", n_explained=0).frames["importance"]
        names[most] = set(frame.query("metric == 'silencing' and subject == 'teacher'")["feature"])
    assert names[2] == {"lamp", "she"}
    assert names[2] < names[60]
