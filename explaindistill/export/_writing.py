"""From a student to a file that has proved itself: written in its language, run, compared, put in place at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill import plugins
from explaindistill.data.columns import from_numbers
from explaindistill.data.files import write_whole
from explaindistill.data.program import Input, Program, program_of
from explaindistill.errors import InvalidInputError, did_you_mean
from explaindistill.export._engines import Engine, RunAnswers, engine_of
from explaindistill.export._trial import trial_rows

__all__ = ["KINDS", "Verify", "kind_of", "write"]

KINDS = {
    ".c": "c",
    ".h": "c",
    ".js": "javascript",
    ".json": "json",
    ".onnx": "onnx",
    ".py": "python",
    ".sql": "sql",
}
Verify = Literal["inprocess", "target"] | None
CLOSE = 1e-9
"""Largest difference of an answer, relative where that is above 1: sums in another order differ by about 1e-15."""
HEADS = {"python": "\n\n", "c": "\n *\n", "javascript": "\n", "sql": "\n"}
LINES = {"python": "\n\n{}\n", "c": "\n * {}\n *\n", "javascript": "\n// {}\n", "sql": "\n-- {}\n"}
"""After the first of these marks the head of a file has room for one more line, in the comment of its language."""


def write(student: Any, path: str | Path, verify: Verify = "inprocess") -> Path:
    """Write a student in the language that the ending of ``path`` names; see ``export`` of any student.

    Raises
    ------
    InvalidInputError
        For another ending or ``verify``, a folder that is not there, a student that this language cannot hold, or a
        file that does not answer as the student does. Nothing is written then, and a file that was there stays.

    Examples
    --------
    >>> import tempfile
    >>> from explaindistill.students.tree import TreeRegressor
    >>> tree = TreeRegressor(min_samples_leaf=1).fit([[1.5], [2.5], [2.5]], [0.0, 1.0, 1.0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(write(tree, Path(folder) / "tree.py").read_text().splitlines()[2])
    Checked: Python ... gave the student's answers on ... rows.
    """
    target = Path(path)
    kind = kind_of(target, verify)
    content = plugins.load("export", kind).generate(student)
    engine = None if verify is None else engine_of(kind, verify)
    if kind == "json" and verify is not None:
        _check_json(student, content, target.name)
    if engine is not None:
        n_rows = _check(engine, student, content, target.name)
        note = f"Checked: {engine.name} gave the student's answers on {n_rows} rows."
    elif kind in HEADS and verify is not None:
        note = "Not run when it was written; export(..., verify='target') runs it."
    else:
        note = ""
    for sentence in reversed(program_of(student).notes if kind in (*HEADS, "onnx") else ()):
        content = _with_note(kind, content, sentence, "note")
    content = _with_note(kind, content, note, "checked") if note else content
    write_whole(target, content)
    return target


def kind_of(target: Path, verify: Any) -> str:
    """The language that a file's ending names.

    Raises
    ------
    InvalidInputError
        For another ending or ``verify``, or a folder that is not there.

    Examples
    --------
    >>> kind_of(Path("student.h"), None)
    'c'
    """
    if verify not in ("inprocess", "target", None):
        raise InvalidInputError(f"verify must be 'inprocess', 'target' or None, got {verify!r}")
    endings = KINDS | {f".{name}": name for name in plugins.names("export") if name not in KINDS.values()}
    kind = endings.get(target.suffix.lower())
    if kind is None:
        near = did_you_mean(target.suffix, endings)
        raise InvalidInputError(f"path must end in {', '.join(sorted(endings))}, got {target.name!r}{near}")
    if not target.parent.is_dir():
        raise InvalidInputError(
            f"path must lie in a folder that is there, {str(target.parent)!r} is not; make it first"
        )
    return kind


def _check(engine: Engine, student: Any, content: Any, name: str) -> int:
    """Run the file and compare; return on how many rows."""
    program = program_of(student)
    rows = trial_rows(program, blank=not isinstance(content, bytes))  # ONNX has no other sign for missing text
    try:
        answers = engine.answers(content, program, rows)
    except Exception as error:
        raise InvalidInputError(
            f"{engine.name} cannot run {name}, so that nothing was written: {str(error).strip()[:300]}; "
            "export it in another language, or with verify=None if that is wrong"
        ) from error
    _compare(RunAnswers(*_students_answers(student, program, rows)), answers, rows, f"{engine.name} runs {name}")
    return len(rows)


def _check_json(student: Any, content: str, name: str) -> None:
    """The form is loaded again and asked on the same rows, where the student says its program."""
    import json

    if not hasattr(student, "program") or not hasattr(type(student), "from_dict"):
        return
    program = program_of(student)
    rows = trial_rows(program)
    again = type(student).from_dict(json.loads(content)["form"])
    both = [RunAnswers(*_students_answers(one, program, rows)) for one in (student, again)]
    _compare(both[0], both[1], rows, f"{type(student).__name__}.from_dict reads {name}")


def _students_answers(
    student: Any, program: Program, rows: Sequence[dict[str, Any]]
) -> tuple[NDArray[np.float64], list[Any] | None]:
    frame = _frame(student, program, rows)
    if program.classes is None:
        return np.asarray(student.predict(frame), dtype=float).reshape(len(rows), -1), None
    return np.asarray(student.predict_proba(frame), dtype=float), np.asarray(student.predict(frame)).tolist()


def _frame(student: Any, program: Program, rows: Sequence[dict[str, Any]]) -> Any:
    """The rows as the student takes them, with a value in the columns that it never asks for."""
    schema = getattr(student, "schema_", None)
    columns = {
        c.name: _column(c, [row[c.name] for row in rows], "" if schema is None else schema[c.name].dtype)
        for c in program.inputs
    }
    if schema is None:
        return pd.DataFrame(columns, index=range(len(rows)))
    for feature in schema:
        number = 0.0 if feature.is_category else feature.minimum
        filling = feature.restored(np.full(len(rows), number))
        columns.setdefault(feature.name, filling)
    return schema.restore(pd.DataFrame({name: columns[name] for name in schema.names}))


def _column(column: Input, values: list[Any], dtype: str) -> Any:
    """The values of a column as a student takes them; ``dtype`` is that of fitting, which may have a time zone."""
    if column.kind == "datetime":
        seconds = np.array(values, dtype=float)  # None becomes NaN
        return from_numbers(seconds, "datetime", (), "datetime64[us, UTC]" if ", " in dtype else "datetime64[us]")
    if column.is_category or column.kind == "boolean":
        return pd.Series(values, dtype=object)
    return np.array(values, dtype=float)  # None becomes NaN


def _compare(wanted: RunAnswers, answers: RunAnswers, rows: Sequence[dict[str, Any]], what: str) -> None:
    """Refuse the first row with another answer."""
    if answers.numbers.shape != wanted.numbers.shape:
        raise InvalidInputError(f"{what} and gives {answers.numbers.shape} numbers, not {wanted.numbers.shape}")
    same = answers.numbers == wanted.numbers
    with np.errstate(invalid="ignore"):
        gap = np.abs(answers.numbers - wanted.numbers)
        same |= gap <= CLOSE * np.maximum(1.0, np.abs(wanted.numbers))
    wrong = ~same.all(axis=1)
    if answers.labels is not None and wanted.labels is not None:
        other = np.array([a != b for a, b in zip(answers.labels, wanted.labels, strict=True)])
        wrong |= other & ~_tied(wanted.numbers)
    if wrong.any():
        i = int(np.argmax(wrong))
        raise InvalidInputError(
            f"{what} and says {_shown(answers, i)}, the student says {_shown(wanted, i)}, for row {rows[i]!r}; "
            "nothing was written, please report it"
        )


def _tied(numbers: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Rows whose two largest probabilities differ by rounding only, so that either class may come first."""
    top = np.sort(numbers, axis=1)[:, -2:]
    return np.asarray((top[:, 1] - top[:, 0] <= CLOSE) & (top[:, 1] != top[:, 0]))


def _shown(answers: RunAnswers, i: int) -> str:
    numbers = ", ".join(repr(v) for v in answers.numbers[i].tolist())
    return numbers if answers.labels is None else f"{answers.labels[i]!r} ({numbers})"


def _with_note(kind: str, content: Any, note: str, key: str) -> Any:
    """The file with one more line in its head, or one more entry of its metadata."""
    if kind in HEADS:
        return content.replace(HEADS[kind], LINES[kind].format(note) + ("\n" if kind == "python" else ""), 1)
    if kind == "onnx":
        import onnx

        model = onnx.load_from_string(content)
        model.metadata_props.add(key=key, value=note)
        return model.SerializeToString(deterministic=True)
    return content
