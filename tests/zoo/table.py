"""Makes ``docs/reference/inputs.md``: what each kind of column, name, label and container is read as, or what is said.

``python tests/zoo/table.py`` writes the page again; a test holds it against what the package does.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path[:0] = [str(Path(__file__).parents[1])]

from explaindistill.data.labels import as_labels, as_values  # noqa: E402 - the path is set above
from explaindistill.data.rows import container_of  # noqa: E402 - the path is set above
from explaindistill.data.schema import Schema  # noqa: E402 - the path is set above
from explaindistill.errors import ExplainDistillError  # noqa: E402 - the path is set above
from zoo.columns import ARROW, NUMPY, OBJECTS, PANDAS, TEXTS, column  # noqa: E402 - the path is set above
from zoo.names import CONTAINERS, LABELS, NAMES, VALUES, contained  # noqa: E402 - the path is set above

__all__ = ["PAGE", "page"]

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "inputs.md"
HEAD = """\
# What goes in

Made by `python tests/zoo/table.py` from what the package does; a test keeps it true. Every student, `Distiller`,
sampler, teacher of `teach`, `audit` and command reads rows by one door, so that each kind below has **the same answer
everywhere**: in copies (pickle, JSON, deepcopy, clone), in exports that are run (Python, SQLite, ONNX, C,
JavaScript), in files that are read back; or **one sentence at the door**, which names the column, the rule, the value
and the way out. `make zoo` plays all of it.

Made-up rows have the user's own dtype and values: a teacher is asked about Decimals where Decimals came in. Exports
take plain values: numbers, text, true and false; dates are seconds since 1970, durations and times of day are
seconds; intervals and dates that are categories are their text.
"""
KINDS = {
    "numeric": "a number",
    "integer": "a whole number",
    "boolean": "a flag",
    "datetime": "a date",
    "categorical": "a category",
    "ordered": "an ordered category",
}
ROWS = 240


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for title, kinds in (
        ("numpy", NUMPY), ("pandas", PANDAS), ("Arrow", ARROW), ("objects of Python", OBJECTS), ("text", TEXTS),
    ):  # fmt: skip
        parts.append(_table(f"Columns: {title}", ("column", "dtype", "read as"), [_of_column(kind) for kind in kinds]))
    parts.append(_table("Names of columns", ("name", "for instance", "read as"), [_of_name(kind) for kind in NAMES]))
    parts.append(_table("Labels", ("labels", "dtype", "read as"), [_of_labels(kind) for kind in LABELS]))
    parts.append(_table("Containers", ("container", "class", "read as"), [_of_container(kind) for kind in CONTAINERS]))
    return "\n".join(parts)


def _table(title: str, heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [f"\n## {title}\n", "| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join([*lines, *("| " + " | ".join(_cell(c) for c in row) + " |" for row in rows)])


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "\\`").replace("*", "\\*")


def _refused(error: Exception) -> str:
    return "refused: " + re.sub(r"0x[0-9a-f]+", "0x…", " ".join(str(error).split()))


def _of_column(kind: str) -> tuple[str, ...]:
    series = column(kind, ROWS)
    dtype = str(series.dtype)
    frame = pd.DataFrame({"a": series, "b": np.arange(ROWS) * 0.5})
    try:
        schema = Schema.infer(frame)
    except ExplainDistillError as error:
        return kind, dtype, _refused(error)
    feature = schema["a"]
    unit = ""
    if feature.kind == "datetime":
        unit = ", in seconds since 1970 (UTC)"
    elif feature.dtype.startswith(("timedelta", "duration")):
        unit = ", in seconds"
    elif feature.dtype.startswith("time"):
        unit = ", in seconds since midnight"
    elif feature.originals:
        unit = ", named by its text"
    missing = ", may be missing" if feature.nullable else ""
    key = "; noticed as a row number or a key" if feature.id_like else ""
    return kind, dtype, f"{KINDS[feature.kind]}{unit}{missing}{key}"


def _of_name(kind: str) -> tuple[str, ...]:
    name: Any = NAMES[kind]
    frame = pd.concat([pd.Series([1.0, 2.0]), pd.Series([0.5, 0.7])], axis=1)
    frame = frame.set_axis(pd.Index([name, "b"], dtype=object, tupleize_cols=False), axis=1)
    shown = ascii(name)[:40]
    try:
        return kind, shown, f"the name {ascii(Schema.infer(frame).names[0])[:40]}"
    except ExplainDistillError as error:
        return kind, shown, _refused(error)


def _of_labels(kind: str) -> tuple[str, ...]:
    y = LABELS[kind](np.arange(12) % 2, np.random.default_rng(0))
    dtype = str(getattr(y, "dtype", type(y).__name__))
    try:
        if kind in VALUES:
            return kind, dtype, f"values, {as_values(y).dtype}"
        labels = as_labels(y)
        n = len(np.unique(labels))
        if n < 2:
            return kind, dtype, "refused: y must have at least 2 classes"
        return kind, dtype, f"{n} classes, {labels.tolist()[0]!a} for instance"
    except ExplainDistillError as error:
        return kind, dtype, _refused(error)


def _of_container(kind: str) -> tuple[str, ...]:
    X = contained(kind, pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]}))
    words = {
        "frame": "columns by their names; the teacher gets a pandas DataFrame",
        "polars": "columns by their names; the teacher gets a polars DataFrame",
        "arrow": "columns by their names; the teacher gets an Arrow table",
        "array": "columns by their places, called x0, x1, …; the teacher gets a numpy array",
    }
    return kind, type(X).__name__, words[container_of(X)]


if __name__ == "__main__":
    PAGE.write_text(page() + "\n", encoding="utf-8")
