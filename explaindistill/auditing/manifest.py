"""The manifest of an audit: what was audited, by which code, and digests to prove that it was that."""

from __future__ import annotations

import hashlib
import json
import platform
from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.auditing.inputs import Case
from explaindistill.data.row_keys import row_keys
from explaindistill.teachers._rights import Rights

__all__ = ["manifest"]

PACKAGES = ("numpy", "pandas", "scikit-learn", "scipy")


def manifest(
    case: Case,
    *,
    date: str | None,
    random_state: int,
    profile: dict[str, str] | None,
    statements: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Digests, seeds and versions; the same inputs give the same manifest.

    Returns
    -------
    dict
        ``data_sha256`` (rows in order), ``prediction_sha256`` by model, ``teacher`` and ``student`` fingerprints (None
        where a model cannot tell), the ``rights`` declared about the teacher (None where none were), ``seeds``,
        ``versions``, ``date`` as declared, ``profile`` (the rule set and where it was read), ``statements`` of people,
        ``n_rows``, ``n_teacher_rows``.
    """
    answers = {"teacher": case.P} | {s.name: s.P for s in case.subjects}
    return {
        "data_sha256": _digest(row_keys(case.frame)),
        "prediction_sha256": {name: _digest(P) for name, P in answers.items()},
        "teacher": {"kind": type(case.teacher).__name__, "fingerprint": case.teacher.fingerprint()}
        | _rights(case.teacher),
        "students": {s.name: _student(s.inner) for s in case.subjects},
        "seeds": {"audit": random_state} | {s.name: getattr(s.given, "seed_", None) for s in case.subjects},
        "n_rows": len(case.frame),
        "n_teacher_rows": case.n_teacher_rows,
        "profile": profile,
        "statements": statements or {},
        "date": date,
        "versions": {"explaindistill": metadata.version("explaindistill"), "python": platform.python_version()}
        | {name: metadata.version(name) for name in PACKAGES},
    }


def _rights(teacher: Any) -> dict[str, Any]:
    """What was declared about the teacher: its owner, terms and the user's declaration; for several, each of them."""
    declared = getattr(teacher, "rights", None)
    several = getattr(teacher, "teachers", None)
    if declared is None and several is not None:
        return {"rights": [_rights(one)["rights"] for one in several]}
    return {"rights": declared.as_dict() if isinstance(declared, Rights) else None}


def _student(student: Any) -> dict[str, Any]:
    kind = type(student).__name__
    if not hasattr(student, "to_dict"):
        return {"kind": kind, "fingerprint": None}
    text = json.dumps(student.to_dict(), sort_keys=True, separators=(",", ":"))
    return {"kind": kind, "fingerprint": hashlib.sha256(text.encode()).hexdigest()}


def _digest(values: NDArray[Any]) -> str:
    contiguous = np.ascontiguousarray(values)
    return hashlib.sha256(f"{contiguous.dtype.str}{contiguous.shape}".encode() + contiguous.tobytes()).hexdigest()
