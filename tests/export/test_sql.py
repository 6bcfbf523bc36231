"""SQL meets tables whose columns it cannot know: none of them is ever taken for a number of the student."""

from __future__ import annotations

import re
import sqlite3

import numpy as np
import pandas as pd
import pytest

from explaindistill.data.program import AtMost, Input, Leaf, Program, Split
from explaindistill.errors import InvalidInputError
from explaindistill.export import sql
from explaindistill.export._texts import check_names
from explaindistill.students.gam.estimators import GAMClassifier
from explaindistill.students.linear.estimators import LinearClassifier
from explaindistill.students.tree.estimators import TreeClassifier

ENGINES = ("sqlite", "duckdb")


def answers(engine, query, columns):
    """Rows of the query over a table of these columns."""
    database = pytest.importorskip("duckdb").connect() if engine == "duckdb" else sqlite3.connect(":memory:")
    kinds = {name: "TEXT" if isinstance(values[0], str) else "DOUBLE PRECISION" for name, values in columns.items()}
    quoted = {name: '"' + name.replace('"', '""') + '"' for name in columns}
    database.execute(f"CREATE TABLE rows ({', '.join(f'{quoted[n]} {kinds[n]}' for n in columns)})")
    marks = ", ".join("?" * len(columns))
    database.executemany(f"INSERT INTO rows VALUES ({marks})", [list(r) for r in zip(*columns.values(), strict=True)])
    out = database.execute(query).fetchall()
    database.close()
    return out


def student_of(family, k=2):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"age": rng.integers(18, 80, 300).astype(float), "home": rng.choice(["own", "rent"], 300)})
    y = np.minimum((X["age"] > 40).astype(int) + (X["home"] == "own"), k - 1)
    return family().fit(X, np.array(["no", "yes", "very"])[y]), X


STUDENTS = [(TreeClassifier, 2), (LinearClassifier, 2), (GAMClassifier, 2), (GAMClassifier, 3)]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("kind", "n_classes"), STUDENTS)
def test_columns_of_the_table_are_never_the_students_own(engine, kind, n_classes):
    student, X = student_of(kind, n_classes)
    query = sql.generate(student, output="model_")
    inner = set(re.findall(r" AS (\w+)", query)) | set(re.findall(r"\b[iao]\.(\w+)", query))
    assert {"t", "i", "x_age"} <= inner
    traps = {*inner, "p_0", "prediction", "score", "rows", "answers", "x_age_", "out_0_", "extra", "ROWID"}
    columns = {name: X[name].tolist() for name in X}
    columns |= {name.upper(): [1.0] * len(X) for name in sorted(traps) if not name.startswith("model_")}
    out = answers(engine, query, columns)
    P = np.array([row[len(columns) : len(columns) + n_classes] for row in out], dtype=float)
    np.testing.assert_allclose(P, student.predict_proba(X), atol=1e-12)
    assert [row[-1] for row in out] == student.predict(X).tolist()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ["p_0", "P_0", "prediction", "Prediction"])
def test_a_table_with_a_column_of_an_answers_name_is_refused_and_not_answered(engine, name):
    student, X = student_of(TreeClassifier)
    columns = {n: X[n].tolist() for n in X} | {name: [1.0] * len(X)}
    with pytest.raises(Exception, match=f"(?i)ambiguous.*{name}"):
        answers(engine, sql.generate(student), columns)
    out = answers(engine, f"SELECT model_prediction FROM ({sql.generate(student, output='model_')}) AS q", columns)
    assert [label for (label,) in out] == student.predict(X).tolist()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "name", ['a"b', "a b", "größe", "select", "a'b", "[a]", "a;--", "t", "i", "t.age", "a\nb", "`x`"]
)
def test_names_are_quoted(engine, name):
    X = pd.DataFrame({name: np.arange(40.0)})
    student = TreeClassifier().fit(X, np.where(X[name] > 19, "it's", 'the "other"'))
    out = answers(engine, sql.generate(student), {name: X[name].tolist()})
    assert [row[-1] for row in out] == student.predict(X).tolist()


def test_what_sql_cannot_hold_is_refused_in_one_sentence():
    x = np.arange(40.0)

    def refused(columns, labels=("no", "yes")):
        frame = pd.DataFrame(columns)
        sql.generate(LinearClassifier().fit(frame, np.array(labels)[(x > 19).astype(int)]))

    with pytest.raises(InvalidInputError, match="a column has an empty name, which SQL cannot hold; rename it"):
        refused({"": x})
    with pytest.raises(InvalidInputError, match=r"column 'a\\x00b' holds the character NUL, which SQL cannot hold"):
        refused({"a\0b": x})
    with pytest.raises(InvalidInputError, match="columns 'Age', 'age' differ by case only"):
        refused({"Age": x, "age": np.sin(x)})
    with pytest.raises(InvalidInputError, match=r"class .n.*holds the character NUL"):
        refused({"a": x}, ("n\0o", "yes"))
    with pytest.raises(InvalidInputError, match=r"category of column 'a': 'u.*holds the character NUL"):
        refused({"a": np.where(x > 19, "u\0u", "v")})
    halved = Program("Tree", (Input("a\udc80", "numeric", (), "x_a"),), None, 1, "identity", Leaf((1.0,)))
    with pytest.raises(InvalidInputError, match=r"column 'a.udc80' is no valid Unicode, which SQL cannot hold"):
        check_names(halved, "SQL")
    student = student_of(TreeClassifier)[0]
    with pytest.raises(InvalidInputError, match="table must be a name"):
        sql.generate(student, table="")
    with pytest.raises(InvalidInputError, match="output must be printable text on one line"):
        sql.generate(student, output="a\n")


class Deep:
    """A chain of questions, each below the "yes" or the "no" of the one before."""

    def __init__(self, depth, side):
        x = Input("x", "numeric", (), "x_x")
        tree = Leaf((float(depth),))
        for i in reversed(range(depth)):
            sides = (tree, Leaf((float(i),))) if side == "yes" else (Leaf((float(i),)), tree)
            tree = Split(AtMost(x, float(depth - i) if side == "yes" else float(i)), *sides)
        self._program = Program("Deep", (x,), None, 1, "identity", tree)

    def program(self):
        return self._program


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("side", ["yes", "no"])
def test_deep_trees_do_not_overflow_the_parser(engine, side):
    query = sql.generate(Deep(150, side))
    x = [0.5, 10.0, 99.5, 149.0, 150.0, 151.0]
    ends = [(lambda v, i=i: v > 150 - i) if side == "yes" else (lambda v, i=i: v <= i) for i in range(150)]
    wanted = [next((i for i, leaves in enumerate(ends) if leaves(v)), 150) for v in x]
    assert [row[-1] for row in answers(engine, query, {"x": x})] == wanted
