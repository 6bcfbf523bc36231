"""What is done with a student and its rows: copies, exports that run, distilling, samplers, networks, audits, files."""

from __future__ import annotations

import copy
import gzip
import json
import pickle
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone, is_classifier

import explaindistill as xd
from explaindistill import plugins
from explaindistill.cli.tables import read_table
from explaindistill.data.program import program_of
from explaindistill.data.rows import as_frame, repacked
from explaindistill.data.schema import Schema
from explaindistill.errors import ExplainDistillError
from explaindistill.export._engines import engine_of
from explaindistill.teachers import load_teacher, save_teacher
from explaindistill.teachers.callable import CallableTeacher

__all__ = ["DEEDS", "Scene", "answers", "compare"]

CLOSE = 1e-9
"""Answers that are the same sums in another order differ by about 1e-15; exports' own limit."""


class FaultError(Exception):
    """Two answers to one row, or rows that are not the user's own."""


@dataclass
class Scene:
    """A fitted student, the rows in the container of the cell, and a tally."""

    student: Any
    X: Any
    y: Any
    asked: Any
    n_compared: int = 0
    refusals: list[str] = field(default_factory=list)


def answers(student: Any, X: Any) -> np.ndarray:
    """Probabilities ``(n, k)``, or values ``(n, 1)``."""
    numbers = student.predict_proba(X) if is_classifier(student) else student.predict(X)
    numbers = np.asarray(numbers, dtype=float)
    if not np.isfinite(numbers).all():
        raise FaultError("an answer is not finite")
    return numbers.reshape(len(numbers), -1)


def compare(scene: Scene, one: np.ndarray, two: Any, what: str, close: float = 0.0) -> None:
    """Count the rows, and fail at the first with another answer."""
    two = np.asarray(two, dtype=float).reshape(one.shape)
    wrong = ~(np.abs(one - two) <= close * np.maximum(1.0, np.abs(one))).all(axis=1)
    scene.n_compared += len(one)
    if wrong.any():
        i = int(np.argmax(wrong))
        raise FaultError(f"{what}: {int(wrong.sum())} of {len(one)} rows, row {i} has {one[i]} and {two[i]}")


def _copies(scene: Scene) -> None:
    student, wanted = scene.student, answers(scene.student, scene.asked)
    form = json.loads(json.dumps(student.to_dict()))
    others = {
        "pickle": pickle.loads(pickle.dumps(student)),
        "JSON": type(student).from_dict(form),
        "deepcopy": copy.deepcopy(student),
        "clone": clone(student).fit(scene.X, scene.y),
    }
    for name, other in others.items():
        compare(scene, wanted, answers(other, scene.asked), name)


def _plain_rows(student: Any, X: Any) -> list[dict[str, Any]]:
    """Rows as exports take them: numbers, flags, names of categories, seconds; None is missing."""
    frame = student.schema_.frame(X)
    columns = {}
    for i, feature in enumerate(student.schema_):
        numbers = student.schema_.column(frame, i)
        if feature.is_category:
            unseen = "an unseen one" if any(isinstance(c, str) for c in feature.categories) else -12345
            names = [*feature.categories, None, unseen]  # the code -1 of an unseen one counts from the end
            columns[feature.name] = [None if np.isnan(v) else names[int(v)] for v in numbers]
        elif feature.kind == "boolean":
            columns[feature.name] = [None if np.isnan(v) else bool(v) for v in numbers]
        else:
            columns[feature.name] = [None if np.isnan(v) else float(v) for v in numbers]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _run(scene: Scene, kind: str, verify: str) -> None:
    student = scene.student
    wanted = answers(student, scene.asked)
    try:
        content = plugins.load("export", kind).generate(student)
    except ExplainDistillError as error:
        scene.refusals.append(f"{kind}: {error}")
        return
    engine = engine_of(kind, verify)
    rows = _plain_rows(student, scene.asked)
    kept = np.arange(len(rows))
    if kind == "onnx":  # it has no other sign for missing text than the empty one, and says so
        kept = np.array([i for i, row in enumerate(rows) if "" not in row.values()], dtype=int)
    given = engine.answers(content, program_of(student), [rows[i] for i in kept])
    compare(scene, wanted[kept], given.numbers, f"{engine.name} runs {kind}", CLOSE)
    if kind == "python":
        _ask_raw(scene, content, wanted)


def _ask_raw(scene: Scene, content: str, wanted: np.ndarray) -> None:
    """The Python export on the user's own values; it may refuse a row in one sentence."""
    module: dict[str, Any] = {}
    exec(compile(content, "student.py", "exec"), module)
    frame = scene.student.schema_.frame(scene.asked)
    ask = module["predict_proba"] if is_classifier(scene.student) else module["predict"]
    at, given = [], []
    for i, row in enumerate(frame.to_dict("records")):
        try:
            given.append(ask({k: None if pd.api.types.is_scalar(v) and pd.isna(v) else v for k, v in row.items()}))
            at.append(i)
        except (KeyError, ValueError, TypeError) as error:
            scene.refusals.append(f"student.py: {error}")
    if at:
        compare(scene, wanted[at], np.array(given, dtype=float).reshape(len(at), -1), "student.py on raw values", CLOSE)


def _exports(scene: Scene) -> None:
    for kind in ("python", "sql", "onnx"):
        _run(scene, kind, "inprocess")


def _compiled(scene: Scene) -> None:
    for kind in ("c", "javascript"):
        _run(scene, kind, "target")


def _teacher(scene: Scene) -> CallableTeacher:
    """A teacher that looks at the second column, and insists on rows like the user's own."""
    schema = Schema.infer(scene.X)
    like = schema.restore(schema.frame(scene.X))
    classes = np.unique(scene.student.classes_) if is_classifier(scene.student) else None

    def teacher(rows: Any) -> np.ndarray:
        if type(rows) is not type(like):
            raise FaultError(f"the teacher got a {type(rows).__name__}, the user has a {type(like).__name__}")
        if isinstance(rows, pd.DataFrame):
            if list(map(repr, rows.columns)) != list(map(repr, like.columns)):
                raise FaultError(f"the teacher got columns {list(rows.columns)}, the user has {list(like.columns)}")
            for j in range(rows.shape[1]):
                if rows.dtypes.iloc[j] != like.dtypes.iloc[j] and not _only_missing(rows.iloc[:, j], like.iloc[:, j]):
                    raise FaultError(f"the teacher got dtype {rows.dtypes.iloc[j]}, the user has {like.dtypes.iloc[j]}")
        numbers = as_frame(rows).iloc[:, 1].astype(float).to_numpy()
        share = 1.0 / (1.0 + np.exp(-2.0 * numbers))
        if classes is None:
            return share
        rest = np.repeat((1.0 - share)[:, None] / (len(classes) - 1), len(classes) - 1, axis=1)
        return np.column_stack([rest, share])

    return CallableTeacher(teacher, classes=classes)


def _only_missing(rows: pd.Series, like: pd.Series) -> bool:
    """Whole numbers and flags become floats and objects where some are missing, as in pandas itself."""
    return bool(like.dtype.kind in "iub" and rows.isna().any())


def _distiller(scene: Scene) -> None:
    distiller = xd.Distiller(_teacher(scene), clone(scene.student), n_queries=90, random_state=0).fit(scene.X)
    wanted = answers(distiller, scene.asked)
    again = pickle.loads(pickle.dumps(distiller.student_))
    compare(scene, wanted, answers(again, distiller._student_rows(scene.asked)), "the student of a Distiller")
    distiller.score(scene.X)


def _samplers(scene: Scene) -> None:
    frame = as_frame(scene.X)
    schema = scene.student.schema_
    for name in ("marginal", "munge", "copula", "uniform", "observed"):
        sampler = next(v for k, v in plugins.public("samplers", name).items() if k.endswith("Sampler"))()
        rows = sampler.fit(scene.X).sample(20, np.random.default_rng(0))
        for column in frame:
            if rows[column].dtype != frame[column].dtype and not _only_missing(rows[column], frame[column]):
                raise FaultError(f"{name} makes dtype {rows[column].dtype} for {frame[column].dtype}")
        named = rows if schema.container != "array" else rows.to_numpy(dtype=object)
        answers(scene.student, named)
        if name == "marginal":
            codes, seen = schema.encode(rows), schema.encode(schema.frame(scene.X))
            for j in range(codes.shape[1]):
                if not np.isin(codes[:, j][~np.isnan(codes[:, j])], seen[:, j]).all():
                    raise FaultError(f"{name} makes values of column {j} that nobody has")
            scene.n_compared += len(rows)


def _network(scene: Scene) -> None:
    from explaindistill.teachers import teach

    task = "classification" if is_classifier(scene.student) else "regression"
    teacher = teach(scene.X, scene.y, hidden=(4,), max_epochs=2, backend="numpy", task=task)
    with tempfile.TemporaryDirectory() as folder:
        again = load_teacher(save_teacher(teacher, folder))
    ask = "predict_proba" if task == "classification" else "predict"
    one, two = (np.asarray(getattr(t, ask)(scene.asked), dtype=float) for t in (teacher, again))
    compare(scene, one.reshape(len(one), -1), two, "a saved teacher")


def _audit(scene: Scene) -> None:
    result = xd.audit(_teacher(scene), {"one": scene.student}, scene.X, n_explained=5)
    with tempfile.TemporaryDirectory() as folder:
        for ending in ("html", "json"):
            result.save(Path(folder) / f"audit.{ending}")


def _files(scene: Scene) -> None:
    """What the command line reads from files of one table is the same table, for students and their copies."""
    frame = as_frame(scene.X).reset_index(drop=True)
    with tempfile.TemporaryDirectory() as folder:
        first = _read(Path(folder) / "rows.csv", lambda p: frame.to_csv(p, index=False))
        student = clone(scene.student).fit(first, scene.y)
        wanted = answers(student, first)
        writers: dict[str, Callable[[Path], Any]] = {
            "rows.tsv": lambda p: frame.to_csv(p, index=False, sep="\t"),
            "semicolons.CSV": lambda p: frame.to_csv(p, index=False, sep=";"),
            "bom.csv": lambda p: frame.to_csv(p, index=False, encoding="utf-8-sig"),
            "rows.csv.gz": lambda p: p.write_bytes(gzip.compress(frame.to_csv(index=False).encode())),
            "rows.parquet": first.to_parquet,
        }
        for name, write in writers.items():
            compare(scene, wanted, answers(student, _read(Path(folder) / name, write)), name)
        _crossed(scene, first)


def _read(path: Path, write: Callable[[Path], Any]) -> pd.DataFrame:
    write(path)
    return read_table(path)


def _crossed(scene: Scene, first: pd.DataFrame) -> None:
    """A student of the user's rows, asked about what was read: values are known, or it says that they are not."""
    schema = scene.student.schema_
    try:
        given = repacked(first, "array") if schema.container == "array" else first
        rows = schema.frame(given)
        codes = schema.encode(rows)
    except ExplainDistillError as error:
        scene.refusals.append(f"from a file: {error}")
        return
    if len(codes) == 0:
        raise FaultError("no rows were read")


DEEDS: dict[str, Callable[[Scene], None]] = {
    "copies": _copies,
    "exports": _exports,
    "compiled": _compiled,
    "distiller": _distiller,
    "samplers": _samplers,
    "network": _network,
    "audit": _audit,
    "files": _files,
}
