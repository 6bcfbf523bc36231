"""What the JSON forms of all students have in common: one header, plain values, and how bytes are counted."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import numpy as np

from explaindistill.errors import InvalidInputError, damage_named

__all__ = ["check_header", "compact_bytes", "header", "plain", "reader"]

VERSION = 1
"""Of all families together: a form of another version is refused and not guessed at."""


def header(student: Any, family: str) -> dict[str, Any]:
    """First lines of a student's form: ``format`` (with the family), ``version``, ``kind``; ``target`` where named.

    Examples
    --------
    >>> from explaindistill.students.tree import TreeRegressor
    >>> header(TreeRegressor(), "tree")
    {'format': 'explaindistill.tree', 'version': 1, 'kind': 'TreeRegressor'}
    """
    form = {"format": f"explaindistill.{family}", "version": VERSION, "kind": type(student).__name__}
    name = getattr(student, "target_name_", None)
    return form if name is None else form | {"target": name}


def check_header(cls: Any, family: str, data: Mapping[str, Any]) -> None:
    """Refuse a form of another family, version or class.

    Raises
    ------
    InvalidInputError
        Says what was expected.

    Examples
    --------
    >>> from explaindistill.students.tree import TreeRegressor
    >>> check_header(TreeRegressor, "tree", {"format": "explaindistill.linear", "version": 1})
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidInputError: the form must have format 'explaindistill.tree', version 1 and kind
        'TreeRegressor', got 'explaindistill.linear', 1 and None
    """
    expected = f"explaindistill.{family}", VERSION, cls.__name__
    format_, version, kind = (data.get(key) for key in ("format", "version", "kind"))
    if (format_, version, kind) != expected:
        raise InvalidInputError(
            f"the form must have format {expected[0]!r}, version {VERSION} and kind {cls.__name__!r}, "
            f"got {format_!r}, {version!r} and {kind!r}"
        )


def reader(read: Callable[[Any, Mapping[str, Any]], Any]) -> Callable[[Any, Mapping[str, Any]], Any]:
    """Let a ``from_dict`` say in one sentence that a form is damaged.

    Examples
    --------
    >>> from explaindistill.students.tree import TreeRegressor
    >>> TreeRegressor.from_dict({"format": "explaindistill.tree", "version": 1, "kind": "TreeRegressor"})
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidInputError: the form of a TreeRegressor is damaged: KeyError: 'parameters'
    """

    @wraps(read)
    def checked(cls: Any, data: Mapping[str, Any]) -> Any:
        with damage_named(f"the form of a {cls.__name__}"):
            student = read(cls, data)
            student.target_name_ = None if data.get("target") is None else str(data["target"])
            return student

    return checked


def plain(value: Any) -> Any:
    """A scalar of numpy as one of Python, which JSON can write; all else as it is.

    Examples
    --------
    >>> plain(np.int64(3)), plain("three")
    (3, 'three')
    """
    return value.item() if isinstance(value, np.generic) else value


def compact_bytes(form: Mapping[str, Any]) -> int:
    """Bytes of a form as compact JSON in UTF-8, which ``Complexity.n_bytes`` counts.

    Examples
    --------
    >>> compact_bytes({"größe": [1, 2]})
    17
    """
    return len(json.dumps(form, separators=(",", ":"), ensure_ascii=False).encode())
