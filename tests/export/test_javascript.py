"""The JavaScript of a student, run in Node on random rows, against the student itself."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from explaindistill.data.program import (
    AnyOf,
    AtMost,
    Curve,
    Grid,
    Input,
    Leaf,
    Missing,
    Program,
    Split,
    Term,
    Unseen,
)
from explaindistill.errors import InvalidInputError
from explaindistill.export.javascript import generate
from explaindistill.students.gam.estimators import GAMClassifier, GAMRegressor
from explaindistill.students.linear.estimators import LinearClassifier, LinearRegressor
from explaindistill.students.model_tree.estimators import ModelTreeClassifier, ModelTreeRegressor
from explaindistill.students.rules.estimators import RuleListClassifier, RuleListRegressor
from explaindistill.students.scorecard.estimators import ScorecardClassifier
from explaindistill.students.tree.estimators import TreeClassifier, TreeRegressor

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="Node.js is not installed: apt install nodejs")
NASTY = "</script><!-- \u2028 'quote\" \\ __proto__"
RUN = """
const student = require(process.argv[1]);
const rows = JSON.parse(require("fs").readFileSync(process.argv[2], "utf8"));
const ask = student.predict_proba || student.predict;
process.stdout.write(JSON.stringify(rows.map(r => [ask(r), student.predict(r)])));
"""


def table(n: int, seed: int, unseen: bool = False) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    cities = ["Bern", "Genf", NASTY, "Zug"] + (["Atlantis"] if unseen else [])
    frame = pd.DataFrame(
        {
            "age": rng.integers(18, 90, n).astype(float),
            NASTY: rng.normal(size=n).round(3) * (3 if unseen else 1),
            "city": rng.choice(cities, n),
            "member": rng.random(n) < 0.5,
            "since": pd.Timestamp("2001-01-01") + pd.to_timedelta(rng.integers(0, 9000, n), unit="D"),
        }
    )
    frame.loc[rng.random(n) < 0.1, ["age"]] = np.nan
    frame.loc[rng.random(n) < 0.1, ["city"]] = None
    return frame


def logits(frame: pd.DataFrame) -> np.ndarray:
    age = frame["age"].fillna(70) / 40
    return (
        age - frame[NASTY] * age + frame["city"].eq("Bern") - 0.5 * frame["member"] + frame["since"].dt.year / 50 - 41
    ).to_numpy()


def targets(frame: pd.DataFrame, k: int) -> np.ndarray:
    z = logits(frame)
    raised = np.exp(np.column_stack([np.zeros(len(z)), *(z * (j + 1) / 2 - j for j in range(k - 1))]))
    return raised / raised.sum(axis=1, keepdims=True)


STUDENTS = {
    "tree of two classes": lambda: TreeClassifier(max_leaf_nodes=20, classes=["no", "yes"]),
    "tree of three classes": lambda: TreeClassifier(max_leaf_nodes=12, classes=["a", "b", NASTY]),
    "tree of values": lambda: TreeRegressor(max_leaf_nodes=20),
    "additive, two classes": lambda: GAMClassifier(classes=["no", "yes"]),
    "additive, three classes": lambda: GAMClassifier(classes=["a", "b", "c"]),
    "additive, values": GAMRegressor,
    "additive, values, with a pair": lambda: GAMRegressor(n_pairs=2),
    "additive, log link": lambda: GAMRegressor(loss="gamma"),
    "linear, two classes": lambda: LinearClassifier(classes=["no", "yes"]),
    "linear, three classes": lambda: LinearClassifier(classes=["a", "b", "c"]),
    "linear, values": LinearRegressor,
    "scorecard": lambda: ScorecardClassifier(classes=["no", "yes"]),
    "model tree, two classes": lambda: ModelTreeClassifier(max_leaf_nodes=5, classes=["no", "yes"]),
    "model tree, three classes": lambda: ModelTreeClassifier(max_leaf_nodes=4, classes=["a", "b", "c"]),
    "model tree, values": lambda: ModelTreeRegressor(max_leaf_nodes=5),
    "rules, two classes": lambda: RuleListClassifier(classes=["no", "yes"]),
    "rules, three classes": lambda: RuleListClassifier(classes=["a", "b", NASTY]),
    "rules, values": RuleListRegressor,
    "additive, three classes, with a pair": lambda: GAMClassifier(n_pairs=1, classes=["a", "b", "c"]),
    "tree of values, two each": lambda: TreeRegressor(max_leaf_nodes=12),
    "linear, values, two each": LinearRegressor,
    "model tree, values, two each": lambda: ModelTreeRegressor(max_leaf_nodes=4),
    "rules, values, two each": RuleListRegressor,
}


def fitted(kind: str):
    frame, student = table(1200, 0), STUDENTS[kind]()
    if "two each" in kind:
        return student.fit(frame, np.column_stack([logits(frame), logits(frame) ** 2]))
    if "values" in kind:
        return student.fit(frame, logits(frame))
    if "log" in kind:
        return student.fit(frame, np.exp(logits(frame)))
    return student.fit(frame, targets(frame, 3 if "three" in kind else 2))


def records(frame: pd.DataFrame) -> list[dict]:
    told = frame.astype(object).where(frame.notna(), None)
    told["since"] = [v if v is None else v.isoformat() + "Z" for v in told["since"]]
    return told.to_dict("records")


def ask(student, frame: pd.DataFrame, folder: Path) -> list:
    script, rows = folder / "student.js", folder / "rows.json"
    script.write_text(generate(student), encoding="utf-8")
    rows.write_text(json.dumps(records(frame)), encoding="utf-8")
    done = subprocess.run([NODE, "-e", RUN, str(script), str(rows)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@needs_node
@pytest.mark.node
@pytest.mark.parametrize("kind", STUDENTS)
def test_javascript_answers_as_the_student_does(kind, tmp_path):
    student, rows = fitted(kind), table(10_000, 1, unseen=True)
    answers = ask(student, rows, tmp_path)
    told = np.array([a[0] for a in answers], dtype=float)
    expected = student.predict_proba(rows) if hasattr(student, "predict_proba") else student.predict(rows)
    scale = 1.0 if hasattr(student, "predict_proba") else np.maximum(1.0, np.abs(expected))
    assert np.max(np.abs(told - expected) / scale) <= 1e-12
    if hasattr(student, "classes_"):
        assert [a[1] for a in answers] == student.predict(rows).tolist()


@needs_node
@pytest.mark.node
def test_path_and_contributions_lead_to_the_answer(tmp_path):
    tree, gam, rows = fitted("tree of two classes"), fitted("additive, values"), table(50, 2)
    for student, question in ((tree, "s.path(r)"), (gam, "s.contributions(r).map(c => c[0])")):
        (tmp_path / "s.js").write_text(generate(student), encoding="utf-8")
        told = f"{json.dumps(records(rows))}.map(r => {question})"
        code = f"const s = require('./s.js'); process.stdout.write(JSON.stringify({told}))"
        done = subprocess.run([NODE, "-e", code], capture_output=True, text=True, check=True, cwd=tmp_path)
        told = json.loads(done.stdout)
        if student is tree:
            assert [path[-1] for path in told] == tree.tree_.route(rows).tolist()
        else:
            sums = np.array([sum(parts) for parts in told]) + student.intercept_[0]
            np.testing.assert_allclose(sums, student.predict(rows), rtol=1e-10)


@needs_node
@pytest.mark.node
def test_a_value_that_is_no_number_is_refused(tmp_path):
    student = LinearRegressor().fit(pd.DataFrame({"x": [0.0, 1.0, 2.0]}), [1.0, 3.0, 5.0])
    (tmp_path / "s.js").write_text(generate(student), encoding="utf-8")
    code = "try{require('./s.js').predict({x:'many'})}catch(e){process.stdout.write(e.message)}"
    done = subprocess.run([NODE, "-e", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout == "x must be a finite number or missing"


def test_words_of_the_user_cannot_end_the_script():
    text = generate(fitted("tree of three classes"))
    assert "</" not in text
    assert "<!--" not in text
    assert "\u2028" not in text


def test_same_student_same_text():
    assert generate(fitted("linear, values")) == generate(fitted("linear, values"))


def test_a_student_without_a_form_is_refused_by_name():
    with pytest.raises(InvalidInputError, match="dict has no program"):
        generate({})


AGE, HOME = Input("age", "numeric", (), "x_age"), Input("home", "categorical", ("own", "rent"), "x_home")
YOUNG = Term(AtMost(AGE, 30.0), (2.0,))
ABROAD = Term(AnyOf((Missing(HOME), Unseen(HOME))), (10.0,))
HOMES = Curve("home", (Grid(HOME, (), (("own", 0), ("rent", 1)), None),), ((100.0, 200.0),))


class Foreign:
    """A student that says its program, and nothing else that a script could be made of."""

    def __init__(self, *terms, **parts):
        self._program = Program("Foreign", (AGE, HOME), None, 1, "identity", terms=terms, **{"base": (1.0,)} | parts)

    def program(self):
        return self._program

    def to_dict(self):
        return {"rules": ["a > 0.5"], "nodes": [], "schema": {}}


@needs_node
@pytest.mark.node
@pytest.mark.parametrize(
    ("student", "answers", "told"),
    [
        (Foreign(YOUNG, curves=(HOMES,)), [103, 201, 1], "contributions"),
        (Foreign(YOUNG, ABROAD), [3, 1, 11], "path"),
        (Foreign(base=(), tree=Split(Missing(HOME), Leaf((5.0,)), Leaf((6.0,), (YOUNG,)))), [8, 6, 5], "path"),
    ],
)
def test_the_program_alone_makes_a_script(student, answers, told, tmp_path):
    rows = [{"age": 20, "home": "own"}, {"age": 40, "home": "rent"}, {"age": None, "home": None}]
    (tmp_path / "s.js").write_text(generate(student), encoding="utf-8")
    call = f"JSON.stringify([{json.dumps(rows)}.map(s.predict), !!s.{told}])"
    code = f"const s = require('./s.js'); process.stdout.write({call})"
    done = subprocess.run([NODE, "-e", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert json.loads(done.stdout) == [answers, True]


def test_a_sum_that_no_script_holds_is_refused_by_name():
    with pytest.raises(InvalidInputError, match="Foreign adds curves and conditions on several values"):
        generate(Foreign(ABROAD, curves=(HOMES,)))


def test_the_variable_must_be_an_identifier():
    with pytest.raises(InvalidInputError, match="name must be an ASCII identifier, got 'a b'"):
        generate(fitted("linear, values"), name="a b")
