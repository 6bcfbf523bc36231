"""The manifest of an audit: what was audited, by which code, and digests to prove that it was that."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.asking.cost import price_of_a_row_sent
from explaindistill.asking.store import as_store
from explaindistill.auditing.inputs import AuditInput
from explaindistill.auditing.models import Model
from explaindistill.auditing.objects.teacher import behind
from explaindistill.auditing.options import AuditOptions
from explaindistill.data.row_keys import row_keys
from explaindistill.data.rows_sent import RowsSent, counters_of
from explaindistill.teachers import Rights

__all__ = ["manifest", "privacy_spent", "rows_sent_in"]

PACKAGES = ("numpy", "pandas", "scikit-learn", "scipy")


def manifest(inputs: AuditInput, options: AuditOptions, requirements: Mapping[str, str]) -> dict[str, Any]:
    """Digests, seeds and versions; the same inputs, asked of a teacher that was asked alike, give the same manifest.

    Returns
    -------
    dict
        ``data_sha256`` (rows in order), ``prediction_sha256`` by model, ``teacher`` and ``student`` fingerprints (None
        where a model cannot tell), the ``rights`` declared about the teacher (None where none were), ``rows_sent`` (see
        :func:`rows_sent_in`), ``requirements`` and ``measuring`` (margins and sizes that verdicts rest on), ``seeds``,
        ``versions``, ``date`` as declared, ``profile`` (the rule set and where it was read), ``statements`` of people,
        ``n_rows``. Of rows in partitions ``n_rows`` and ``data_sha256`` are those of all rows, in whatever order, and
        ``partitions`` says how many ``parts`` and ``rows`` there are, how many rows were ``drawn``, their digest, and
        by frame which rows it rests on; ``prediction_sha256`` is of the drawn ones.
    """
    teacher = inputs.teacher.inner
    return {
        "data_sha256": _digest(row_keys(inputs.rows.frame)),
        "prediction_sha256": {model.name: _digest(model.P) for model in inputs.models()},
        "teacher": {"kind": type(behind(teacher)).__name__, "fingerprint": teacher.fingerprint()} | _rights(teacher),
        "rows_sent": rows_sent_in(inputs, options.price_per_row),
        "requirements": dict(requirements),
        "measuring": options.as_dict(),
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


def rows_sent_in(inputs: AuditInput, price_per_row: float | None = None) -> dict[str, Any]:
    """Rows that were sent to the models behind the teacher until now, as their adapters counted them.

    Adapters are those of the audit, of the Distillers, and of the second teacher; each counts from its making, so that
    what a score, a curve or an audit before this one asked is in it. Rows that a store or a memory answered are not.

    Returns
    -------
    dict
        ``by_purpose`` and ``total``; ``money`` where a price is known; ``epsilon``, ``delta`` and ``distinct_rows`` of
        a teacher whose answers cost privacy; ``in_all_runs``, by purpose, where a store counted this teacher's rows,
        those of runs before this one included.
    """
    teacher = inputs.teacher.inner
    adapters = [teacher, *(s.distiller.teacher_ for s in inputs.students if s.distiller is not None)]
    second = [] if inputs.second_teacher is None else [inputs.second_teacher.inner]
    counted = RowsSent.of_all(counter for one in (*adapters, *second) for counter in counters_of(one))
    record: dict[str, Any] = {"by_purpose": counted.by_purpose, "total": counted.total}
    if (price := price_of_a_row_sent(teacher, price_per_row)) is not None:
        record |= {"price_per_row": price, "money": counted.total * price}
    if hasattr(teacher, "epsilon"):
        record |= {"epsilon": teacher.epsilon, "delta": teacher.delta, "distinct_rows": teacher.n_answered}
    with as_store(inputs.store) as store:
        shelf = None if store is None else store.known_shelf(teacher)
        if shelf is not None:
            record["in_all_runs"] = shelf.rows_sent
    return record


def privacy_spent(teacher: Any, before: float | None) -> list[str]:
    """What the questions of this audit cost in privacy, where they did."""
    if before is None or teacher.epsilon == before:
        return []
    return [
        f"The questions of this audit raised the privacy loss epsilon of {teacher.name} from {before:.3g} to "
        f"{teacher.epsilon:.3g} at delta={teacher.delta:g}."
    ]


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
