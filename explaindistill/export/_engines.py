"""What runs an export: Python, SQLite and onnxruntime in this process; a C compiler, Node and DuckDB where they are."""

from __future__ import annotations

import ctypes
import importlib.util
import json
import math
import platform
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.data.program import Input, Program
from explaindistill.errors import InvalidInputError

__all__ = ["Engine", "RunAnswers", "engine_of"]

COMPILERS = ("cc", "gcc", "clang")
SECONDS = 120  # a compiler or Node that takes longer on a file of this size hangs

Row = dict[str, Any]


@dataclass(frozen=True)
class RunAnswers:
    """What an export said: probabilities or values ``(n, m)``, and labels where it names them."""

    numbers: NDArray[np.float64]
    labels: list[Any] | None = None


@dataclass(frozen=True)
class Engine:
    """Something that runs an export: its name with its version, and the function that asks it."""

    name: str
    answers: Callable[[Any, Program, Sequence[Row]], RunAnswers]


def engine_of(kind: str, verify: str) -> Engine | None:
    """The engine for a language, or None where this process has none and only the target itself would do.

    Parameters
    ----------
    kind : "python", "c", "javascript", "sql" or "onnx"
        Any other has no engine.
    verify : "inprocess" or "target"

    Raises
    ------
    InvalidInputError
        For ``"target"`` where the target is not on this machine; the message says what is missing.

    Examples
    --------
    >>> engine_of("python", "inprocess").name.split()[0], engine_of("c", "inprocess")
    ('Python', None)
    """
    finders = {"python": _python, "sql": _sqlite, "onnx": _onnxruntime} if verify == "inprocess" else TARGETS
    engine = finders[kind]() if kind in finders else None
    if engine is None and verify == "target" and kind in TARGETS:
        raise InvalidInputError(f"verify='target' needs {NEEDS[kind]}; install it, or say verify='inprocess'")
    return engine


def _python() -> Engine:
    return Engine(f"Python {platform.python_version()}", _asked_python)


def _asked_python(source: str, program: Program, rows: Sequence[Row]) -> RunAnswers:
    module: dict[str, Any] = {}
    exec(compile(source, "student.py", "exec"), module)  # our own text, and what is checked is that it runs
    if program.classes is None:
        return RunAnswers(_matrix([module["predict"](row) for row in rows]))
    return RunAnswers(_matrix([module["predict_proba"](row) for row in rows]), [module["predict"](row) for row in rows])


def _matrix(numbers: Sequence[Any]) -> NDArray[np.float64]:
    return np.array(numbers, dtype=float).reshape(len(numbers), -1)


def _sqlite() -> Engine:
    return Engine(f"SQLite {sqlite3.sqlite_version}", _asked_sqlite)


def _asked_sqlite(source: str, program: Program, rows: Sequence[Row]) -> RunAnswers:
    database = sqlite3.connect(":memory:")
    try:
        database.create_function("EXP", 1, math.exp, deterministic=True)  # some builds come without it
        return _asked_table(database, source, program, rows)
    finally:
        database.close()


def _duckdb() -> Engine | None:
    if importlib.util.find_spec("duckdb") is None:
        return None
    import duckdb

    return Engine(f"DuckDB {duckdb.__version__}", _asked_duckdb)


def _asked_duckdb(source: str, program: Program, rows: Sequence[Row]) -> RunAnswers:
    import duckdb

    database = duckdb.connect()
    try:
        return _asked_table(database, source, program, rows)
    finally:
        database.close()


def _asked_table(database: Any, source: str, program: Program, rows: Sequence[Row]) -> RunAnswers:
    """Answers of a query over a table ``rows`` with a number for each row, by which they are put in order."""
    kinds = {"boolean": "BOOLEAN"}
    number = "row number"
    while any(number == column.name.lower() for column in program.inputs):
        number += " "
    types = {c.name: "TEXT" if c.is_text else kinds.get(c.kind, "DOUBLE PRECISION") for c in program.inputs}
    columns = [f"{_quoted(name)} {kind}" for name, kind in ({number: "INTEGER"} | types).items()]
    database.execute(f"CREATE TABLE rows ({', '.join(columns)})")
    marks = ", ".join("?" * (1 + len(types)))
    values = [[i, *(row[column.name] for column in program.inputs)] for i, row in enumerate(rows)]
    database.executemany(f"INSERT INTO rows VALUES ({marks})", values)
    answers = sorted(database.execute(source).fetchall())
    numbers = [row[1 + len(types) :] for row in answers]
    if program.classes is None:
        return RunAnswers(_matrix(numbers))
    return RunAnswers(_matrix([row[:-1] for row in numbers]), [row[-1] for row in numbers])


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _onnxruntime() -> Engine | None:
    if importlib.util.find_spec("onnxruntime") is None:
        return None
    import onnxruntime

    return Engine(f"onnxruntime {onnxruntime.__version__}", _asked_onnxruntime)


def _asked_onnxruntime(model: bytes, program: Program, rows: Sequence[Row]) -> RunAnswers:
    import onnxruntime

    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    missing = session.get_modelmeta().custom_metadata_map["missing"]
    feed = {c.name: _column(c, rows, missing) for c in program.inputs} or {"nothing": np.zeros((len(rows), 1))}
    out = session.run(None, feed)
    return RunAnswers(_matrix(out[-1]), None if program.classes is None else out[0].tolist())


def _column(column: Input, rows: Sequence[Row], missing: str) -> NDArray[Any]:
    values = [row[column.name] for row in rows]
    if column.is_text:
        return np.array([[missing if v is None else v] for v in values], dtype=object)
    return np.array([[math.nan if v is None else float(v)] for v in values])


def _compiler() -> Engine | None:
    command = next((path for path in map(shutil.which, COMPILERS) if path), None)
    if command is None:
        return None
    version = subprocess.run([command, "--version"], capture_output=True, text=True, check=True, timeout=SECONDS).stdout

    def answers(source: str, program: Program, rows: Sequence[Row]) -> RunAnswers:
        return _asked_c(command, source, program, rows)

    return Engine(version.splitlines()[0].replace("*/", ""), answers)


def _asked_c(command: str, source: str, program: Program, rows: Sequence[Row]) -> RunAnswers:
    with tempfile.TemporaryDirectory() as folder:
        text, library = Path(folder) / "student.c", Path(folder) / "student.so"
        text.write_text(source, encoding="utf-8")
        flags = ["-std=c99", "-O1", "-ffp-contract=off", "-shared", "-fPIC"]
        _run([command, *flags, "-o", str(library), str(text), "-lm"])
        return RunAnswers(_called(ctypes.CDLL(str(library)), program, rows))


def _called(library: ctypes.CDLL, program: Program, rows: Sequence[Row]) -> NDArray[np.float64]:
    """Fill the struct row by row, as a C program would, and call the function."""
    columns = program.inputs
    fields = [(c.variable, ctypes.c_int if c.is_category else ctypes.c_double) for c in columns]
    row_type = type("Row", (ctypes.Structure,), {"_fields_": fields or [("nothing", ctypes.c_int)]})
    tables = {
        c: (ctypes.c_char_p * len(c.categories)).in_dll(library, f"student_{c.variable}")
        for c in columns
        if c.is_category
    }
    library.student_code.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p]
    answer = library.student_predict if program.classes is None else library.student_predict_proba
    out, answers = (ctypes.c_double * program.n_answers)(), []
    for row in rows:
        values = {}
        for column in columns:
            value = row[column.name]
            if column in tables:
                text = None if value is None else str(value).encode()
                values[column.variable] = library.student_code(tables[column], len(column.categories), text)
            else:
                values[column.variable] = math.nan if value is None else float(value)
        answer(ctypes.byref(row_type(**values)), out)
        answers.append(list(out))
    return _matrix(answers)


def _node() -> Engine | None:
    command = shutil.which("node")
    if command is None:
        return None
    version = subprocess.run([command, "--version"], capture_output=True, text=True, check=True, timeout=SECONDS).stdout

    def answers(source: str, program: Program, rows: Sequence[Row]) -> RunAnswers:
        return _asked_node(command, source, program, rows)

    return Engine(f"Node {version.strip()}", answers)


def _asked_node(command: str, source: str, program: Program, rows: Sequence[Row]) -> RunAnswers:
    ask = "[s.predict_proba ? s.predict_proba(r) : [].concat(s.predict(r)), s.predict(r)]"
    code = (
        f"const s = require('./student.js'), rows = require('./rows.json'); "
        f"process.stdout.write(JSON.stringify(rows.map(r => {ask})))"
    )
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "student.js").write_text(source, encoding="utf-8")
        (Path(folder) / "rows.json").write_text(json.dumps(list(rows)), encoding="utf-8")
        answers = json.loads(_run([command, "-e", code], folder))
    labels = None if program.classes is None else [label for _, label in answers]
    return RunAnswers(_matrix([numbers for numbers, _ in answers]), labels)


def _run(command: list[str], folder: str | None = None) -> str:
    done = subprocess.run(command, capture_output=True, check=False, encoding="utf-8", timeout=SECONDS, cwd=folder)
    if done.returncode != 0:
        raise RuntimeError((done.stderr or done.stdout).strip()[-400:])
    return done.stdout


TARGETS: dict[str, Callable[[], Engine | None]] = {
    "python": _python,
    "sql": _duckdb,
    "onnx": _onnxruntime,
    "c": _compiler,
    "javascript": _node,
}
NEEDS = {
    "c": "a C compiler (cc, gcc or clang) on the path",
    "javascript": "node on the path",
    "sql": "DuckDB (pip install duckdb)",
    "onnx": "onnxruntime (pip install onnxruntime)",
    "python": "Python",
}
