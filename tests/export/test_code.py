"""Code in every language answers as the student does, on rows with missing values, unseen levels and extremes."""

from __future__ import annotations

import ctypes
import json
import os
import sqlite3
import subprocess
import time

import numpy as np
import pandas as pd
import pytest

from explaindistill.data.program import program_of
from explaindistill.errors import InvalidInputError
from explaindistill.export import c, python, sql
from explaindistill.export import json as json_export
from explaindistill.students.tree.estimators import TreeClassifier

TIGHT = 1e-12
TYPES = {
    "income": "DOUBLE PRECISION",
    "for": "INTEGER",
    "owns a home?": "BOOLEAN",
    "city": "TEXT",
    "größe": "TEXT",
    "since": "DOUBLE PRECISION",
    "code": "INTEGER",
}


def test_python(fitted, off, trial, family, k):
    student, (frame, rows) = fitted(family, k), trial
    module: dict = {}
    exec(compile(python.generate(student), family, "exec"), module)
    answer = module["predict_proba" if k > 0 else "predict"]
    assert off(student, [answer(row) for row in rows]) <= TIGHT
    if k > 0:
        assert [module["predict"](row) for row in rows] == student.predict(frame).tolist()


def test_python_takes_dates_as_they_come(fitted, trial):
    student, (frame, rows) = fitted("linear", 2), trial
    module: dict = {}
    exec(python.generate(student), module)
    at = int(np.flatnonzero(frame["since"].notna())[0])
    stamp = frame["since"].iloc[at]
    forms = [stamp, stamp.date(), stamp.isoformat(), stamp.tz_localize("UTC"), stamp.timestamp()]
    answers = [module["predict_proba"]({**rows[at], "since": form})[1] for form in forms]
    assert np.ptp(answers) == 0
    assert module["predict_proba"](dict.fromkeys(rows[at]))  # all missing


@pytest.mark.compiler
def test_c(fitted, off, trial, tmp_path, family, k):
    student, rows = fitted(family, k), trial[1]
    program = program_of(student)
    library = _compiled(c.generate(student), tmp_path)

    class Row(ctypes.Structure):
        _fields_ = [(i.variable, ctypes.c_int if i.is_category else ctypes.c_double) for i in program.inputs]

    tables = {
        i.name: (ctypes.c_char_p * len(i.categories)).in_dll(library, f"student_{i.variable}")
        for i in program.inputs
        if i.is_category
    }
    answer = library.student_predict_proba if k > 0 else library.student_predict
    out = (ctypes.c_double * program.n_answers)()
    answers = []
    for row in rows:
        values = {}
        for i in program.inputs:
            value = row[i.name]
            if i.is_category:
                text = None if value is None else str(value).encode()
                values[i.variable] = library.student_code(tables[i.name], len(i.categories), text)
            else:
                values[i.variable] = float("nan") if value is None else value
        answer(ctypes.byref(Row(**values)), out)
        answers.append(list(out))
    assert off(student, answers) <= TIGHT


def _compiled(source, folder):
    (folder / "student.c").write_text(source, encoding="utf-8")
    flags = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-O2", "-shared", "-fPIC"]
    command = ["gcc", *flags, "-o", str(folder / "student.so"), str(folder / "student.c"), "-lm"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    library = ctypes.CDLL(str(folder / "student.so"))
    library.student_code.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p]
    return library


@pytest.mark.arm
def test_c_builds_for_32_bit_arm(fitted, tmp_path, family, k):
    """No warning, a 32-bit Arm object, and nothing asked of a library but ``exp``."""
    source, made = tmp_path / "student.c", tmp_path / "student.o"
    source.write_text(c.generate(fitted(family, k)), encoding="utf-8")
    flags = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-O2", "-c"]
    command = ["arm-linux-gnueabihf-gcc", *flags, "-o", str(made), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    head = made.read_bytes()[:20]
    assert (head[:5], head[18]) == (b"\x7fELF\x01", 40)
    asked = subprocess.run(["arm-linux-gnueabihf-nm", "-u", made], capture_output=True, text=True, check=True).stdout
    assert {name for name in asked.split() if name not in ("U", "w")} <= {"exp"}


def _quoted(name):
    return '"' + name.replace('"', '""') + '"'


def _table(rows):
    """Statement that makes the table, and its rows."""
    columns = ", ".join(f"{_quoted(name)} {kind}" for name, kind in TYPES.items())
    return f"CREATE TABLE rows (id INTEGER, {columns})", [[i, *(row[n] for n in TYPES)] for i, row in enumerate(rows)]


def _question(student, k):
    columns = [f"p_{j}" for j in range(k)] or [f"prediction_{j}" for j in range(-k)] or ["prediction"]
    return f"SELECT {', '.join(columns)} FROM ({sql.generate(student)}) AS answers ORDER BY id"


@pytest.fixture(scope="module")
def sqlite(trial):
    database = sqlite3.connect(":memory:")
    statement, values = _table(trial[1])
    database.execute(statement)
    database.executemany(f"INSERT INTO rows VALUES ({', '.join('?' * (len(TYPES) + 1))})", values)
    yield database
    database.close()


@pytest.fixture(scope="module")
def duck(trial):
    database = pytest.importorskip("duckdb").connect()
    statement, values = _table(trial[1])
    database.execute(statement)
    database.executemany(f"INSERT INTO rows VALUES ({', '.join('?' * (len(TYPES) + 1))})", values)
    yield database
    database.close()


def test_sqlite(fitted, off, trial, sqlite, family, k):
    student = fitted(family, k)
    assert off(student, sqlite.execute(_question(student, k)).fetchall()) <= TIGHT


def test_duckdb(fitted, off, trial, duck, family, k):
    student = fitted(family, k)
    assert off(student, duck.execute(_question(student, k)).fetchall()) <= TIGHT


def test_sql_names_the_most_probable_class(fitted, trial, sqlite):
    student = fitted("tree", 3)
    question = f"SELECT prediction FROM ({sql.generate(student)}) ORDER BY id"
    assert [p for (p,) in sqlite.execute(question)] == student.predict(trial[0]).tolist()


@pytest.fixture(scope="module")
def postgres(trial, tool, tmp_path_factory):
    """A server of our own on a socket in a folder of our own, as a user who is not root."""
    folder = tmp_path_factory.mktemp("pg")
    as_user = []
    if os.geteuid() == 0:
        folder.chmod(0o777)
        for parent in folder.parents[:3]:
            parent.chmod(parent.stat().st_mode | 0o055)
        as_user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    home = folder / "data"
    settings = {**os.environ, "HOME": str(folder)}
    make = [*as_user, tool("initdb"), "-D", str(home), "-U", "tester", "-A", "trust", "-E", "UTF8"]
    subprocess.run(make, check=True, capture_output=True, cwd=folder, env=settings)
    options = [
        "-D",
        str(home),
        "-k",
        str(folder),
        "-c",
        "listen_addresses=",
        "-c",
        "fsync=off",
        "-c",
        "statement_timeout=30s",
    ]
    server = subprocess.Popen([*as_user, tool("postgres"), *options], cwd=folder, stderr=subprocess.DEVNULL)

    def ask(text):
        command = [tool("psql"), "-h", str(folder), "-U", "tester", "-d", "postgres", "-qAtX", "-v", "ON_ERROR_STOP=1"]
        return subprocess.run(command, input=text, capture_output=True, check=False, encoding="utf-8", timeout=60)

    try:
        for _ in range(100):
            if ask("SELECT 1").returncode == 0:
                break
            time.sleep(0.1)
        statement, values = _table(trial[1])
        lines = [",".join("" if v is None else _cell(v) for v in row) for row in values]
        text = f"{statement};\nCOPY rows FROM STDIN WITH (FORMAT csv);\n" + "\n".join(lines) + "\n\\.\n"
        done = ask(text)
        assert done.returncode == 0, done.stderr
        yield ask
    finally:
        server.terminate()
        server.wait(20)


def _cell(value):
    return '"' + str(value).replace('"', '""') + '"'


@pytest.mark.postgres
def test_postgresql(fitted, off, trial, postgres, family, k):
    student = fitted(family, k)
    done = postgres(_question(student, k) + ";")
    assert done.returncode == 0, done.stderr
    answers = [[float(v) for v in line.split("|")] for line in done.stdout.splitlines()]
    assert off(student, answers) <= TIGHT


def _answers(student, frame):
    return student.predict_proba(frame) if hasattr(student, "predict_proba") else student.predict(frame)


def test_json_comes_back(fitted, off, trial, cases):
    for family, k in cases:
        student = fitted(family, k)
        text = json.loads(json_export.generate(student))
        assert text["kind"] == type(student).__name__
        again = type(student).from_dict(text["form"])
        assert off(student, _answers(again, trial[0])) == 0


def test_json_rounded(fitted, trial):
    student = fitted("tree", 2)
    text = json_export.generate(student, digits=3)
    assert len(text) < len(json_export.generate(student))
    again = type(student).from_dict(json.loads(text)["form"])
    assert np.abs(again.predict_proba(trial[0]) - student.predict_proba(trial[0])).mean() < 0.01
    with pytest.raises(InvalidInputError, match="digits must be at least 1, got 0"):
        json_export.generate(student, digits=0)


def test_json_of_the_answers_alone(fitted, off, trial):
    for family, k in (("tree", 3), ("tree", 0), ("gam", 2), ("gam", 0), ("linear", 2)):
        student = fitted(family, k)
        bare = json_export.generate(student, answers_only=True)
        assert off(student, _answers(type(student).from_dict(json.loads(bare)["form"]), trial[0])) == 0
        full = json_export.generate(student)
        assert len(bare) < len(full) if family != "linear" else bare == full


def test_without_a_form():
    for generate in (python.generate, c.generate, sql.generate, json_export.generate):
        with pytest.raises(InvalidInputError, match="object has no"):
            generate(object())


def test_one_leaf_asks_for_nothing(tmp_path):
    X = pd.DataFrame({"a": [1.0, 2.0, 3.0]})
    student = TreeClassifier().fit(X, ["no", "yes", "no"])
    module: dict = {}
    exec(python.generate(student), module)
    assert module["predict"]({}) == "no"
    assert "(void)row;" in c.generate(student)
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE rows (a REAL)")
    database.execute("INSERT INTO rows VALUES (NULL)")
    answer = database.execute(f"SELECT p_0, prediction FROM ({sql.generate(student)})").fetchone()
    database.close()
    assert answer == (pytest.approx(2 / 3), "no")


def test_names_cannot_break_out(fitted):
    """Hostile names stay text: inside strings, identifiers and comments of each language."""
    X = pd.DataFrame({'a"; DROP TABLE rows; --': [0.0, 1.0] * 30, "*/ int x; /*": ["'", "\\"] * 30})
    X.iloc[1:20:2, 1] = "??/\n"
    y = np.where(X.iloc[:, 0] > 0, "</script>", "it's")
    student = TreeClassifier(min_samples_leaf=2).fit(X, y)
    module: dict = {}
    exec(python.generate(student), module)
    assert [module["predict"](row) for row in X.to_dict("records")] == student.predict(X).tolist()
    database = sqlite3.connect(":memory:")
    X.to_sql("rows", database, index=False)
    question = f"SELECT prediction FROM ({sql.generate(student)})"
    assert [p for (p,) in database.execute(question)] == student.predict(X).tolist()
    database.close()
    assert "*/ int" not in c.generate(student)


def test_the_ending_decides(fitted, cases, tmp_path):
    for family, k in cases:
        student = fitted(family, k)
        for name in ("s.py", "s.c", "s.js", "s.sql", "s.json", "s.onnx"):
            assert student.export(tmp_path / name).read_bytes()
    with pytest.raises(InvalidInputError, match=r"path must end in .*\.py.*got 's\.txt'"):
        fitted("tree", 2).export(tmp_path / "s.txt")
    assert not (tmp_path / "s.txt").exists()
    with pytest.raises(InvalidInputError, match=r"path must lie in a folder that is there, .*none"):
        fitted("tree", 2).export(tmp_path / "none" / "s.py")


@pytest.mark.parametrize("name", ["P_0", "prediction"])
def test_a_column_with_the_name_of_an_answer_is_refused_by_sql_with_its_way_out(name, tmp_path):
    rows = pd.DataFrame({name: np.arange(40.0)})
    student = TreeClassifier().fit(rows, np.where(rows[name] > 20, "yes", "no"))
    with pytest.raises(
        InvalidInputError, match=rf"column '{name}' must not have the name of an answer .* output='model_'"
    ):
        student.export(tmp_path / "m.sql")
    assert '"model_p_0"' in sql.generate(student, output="model_")
