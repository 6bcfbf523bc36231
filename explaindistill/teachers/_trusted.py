"""Teachers whose loading runs code: only reached after the user said that it may."""

from __future__ import annotations

import importlib
import pickle
from pathlib import Path
from typing import Any

from explaindistill.errors import InvalidInputError, MissingExtraError
from explaindistill.protocols import Teacher
from explaindistill.teachers._adapt import as_teacher

__all__ = ["load_trusted"]


def load_trusted(path: str, **options: Any) -> Teacher:
    """Unpickle or import a teacher; runs whatever the file says.

    Raises
    ------
    InvalidInputError
        If nothing could be loaded; the message carries the reason.
    """
    where = Path(path)
    try:
        found = _imported(path) if not where.exists() and ":" in path else _unpickled(where)
        return as_teacher(found, **options)
    except (InvalidInputError, MissingExtraError):
        raise
    except Exception as error:  # code from outside may raise anything
        raise InvalidInputError(f"{path!r} could not be loaded: {type(error).__name__}: {error}") from error


def _imported(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


def _unpickled(where: Path) -> Any:
    if where.suffix in (".pt", ".pth", ".pt2"):
        try:
            import torch
        except ImportError as error:
            raise MissingExtraError.of("torch", "torch") from error
        if where.suffix == ".pt2":
            return torch.export.load(str(where)).module()
        return torch.load(where, weights_only=False, map_location="cpu")
    if where.suffix == ".joblib":
        import joblib

        return joblib.load(where)
    return pickle.loads(where.read_bytes())
