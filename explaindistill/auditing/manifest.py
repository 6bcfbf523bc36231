"""The manifest of an audit: what was audited, by which code, and digests to prove that it was that."""

from __future__ import annotations

import hashlib
import json
import platform
from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.auditing.inputs import AuditInput, Model
from explaindistill.auditing.options import AuditOptions
from explaindistill.data.row_keys import row_keys
from explaindistill.teachers import Rights

__all__ = ["manifest"]

PACKAGES = ("numpy", "pandas", "scikit-learn", "scipy")


def manifest(inputs: AuditInput, options: AuditOptions) -> dict[str, Any]:
    """Digests, seeds and versions; the same inputs give the same manifest.

    Returns
    -------
    dict
        ``data_sha256`` (rows in order), ``prediction_sha256`` by model, ``teacher`` and ``student`` fingerprints (None
        where a model cannot tell), the ``rights`` declared about the teacher (None where none were), ``seeds``,
        ``versions``, ``date`` as declared, ``profile`` (the rule set and where it was read), ``statements`` of people,
        ``n_rows``.
    """
    teacher = inputs.teacher.inner
    return {
        "data_sha256": _digest(row_keys(inputs.rows.frame)),
        "prediction_sha256": {model.name: _digest(model.P) for model in inputs.models()},
        "teacher": {"kind": type(teacher).__name__, "fingerprint": teacher.fingerprint()} | _rights(teacher),
        "students": {s.name: _student(s.inner) for s in inputs.students},
        "seeds": {"audit": options.random_state} | {s.name: _seed(s) for s in inputs.students},
        "n_rows": len(inputs.rows),
        "profile": None if options.profile is None else options.profile.provenance(),
        "statements": options.statements_with_date(),
        "date": options.date,
        "margin": options.margin,
        "versions": {"explaindistill": metadata.version("explaindistill"), "python": platform.python_version()}
        | {name: metadata.version(name) for name in PACKAGES},
    }


def _seed(student: Model) -> int | None:
    """The seed of the fit; None where the student was fitted by the caller."""
    return None if student.distiller is None else student.distiller.seed_


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
