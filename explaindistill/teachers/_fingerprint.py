"""A digest of all that decides a teacher's answers, or None where that cannot be told."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
from typing import Any

import numpy as np

__all__ = ["digest", "of_function", "of_object"]


def digest(*parts: Any) -> str:
    """SHA-256 of plain parts: texts, bytes, numbers, arrays, lists and mappings of these."""
    state = hashlib.sha256()
    for value in parts:
        _feed(state, value)
    return state.hexdigest()


def _feed(state: Any, piece: Any) -> None:
    if isinstance(piece, np.ndarray) and piece.dtype.kind != "O":
        head = f"array {piece.dtype.str} {piece.shape}"
        body = np.ascontiguousarray(piece).tobytes()
    elif isinstance(piece, bytes):
        head, body = "bytes", piece
    elif isinstance(piece, np.ndarray):
        head, body = "objects", json.dumps(piece.tolist(), default=str).encode()
    else:
        head, body = "json", json.dumps(piece, sort_keys=True, default=str).encode()
    state.update(f"{head} {len(body)}\n".encode())
    state.update(body)


def of_function(function: Any) -> str | None:
    """Digest of a preprocessing step: None, one of ours (``to_dict``), or a method of a picklable object.

    A plain function may depend on anything around it, so its digest is None.
    """
    if function is None:
        return digest("none")
    if hasattr(function, "to_dict"):
        return digest(type(function).__name__, function.to_dict())
    owner = getattr(function, "__self__", None)
    if owner is None:
        return None
    # a Distiller's form is that of its student, without the columns and the transformer that lead to it
    if hasattr(owner, "to_dict") and not hasattr(owner, "student_"):
        return digest(type(owner).__name__, function.__name__, owner.to_dict())
    return of_object(owner, function.__name__)


class _PlainPickler(pickle.Pickler):
    """Writes values, never "the same object as before", and arrays without padding: only what decides answers."""

    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream, protocol=4)
        self.fast = True

    def reducer_override(self, obj: Any) -> Any:
        """Arrays as their values, field by field; everything else as usual."""
        if type(obj) is not np.ndarray or obj.dtype.kind == "O":
            return NotImplemented
        if obj.dtype.names is None:
            return bytes, (np.ascontiguousarray(obj).tobytes(), obj.dtype.str, obj.shape)
        return tuple, ([(name, np.ascontiguousarray(obj[name])) for name in obj.dtype.names],)


def of_object(model: Any, *parts: Any) -> str | None:
    """Digest of an object's state by way of its pickle, written so that processes and copies agree."""
    stream = io.BytesIO()
    try:
        _PlainPickler(stream).dump(model)
        return digest(type(model).__qualname__, stream.getvalue(), *parts)
    except Exception:  # whatever an object raises when it is pickled, the answer is the same: cannot tell
        return None
