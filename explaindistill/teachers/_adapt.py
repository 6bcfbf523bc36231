"""Pick the adapter for whatever the user calls a teacher: an object, or a file that holds one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd

from explaindistill.errors import InvalidInputError
from explaindistill.protocols import Teacher
from explaindistill.teachers._checks import in_order
from explaindistill.teachers._fingerprint import of_object
from explaindistill.teachers._saved import load_folder, load_object, outside_code

__all__ = ["as_teacher", "load_teacher"]


def as_teacher(teacher: Any, **options: Any) -> Teacher:  # noqa: PLR0911 - one return for each adapter
    """Return ``teacher`` itself if it is one, else the adapter that fits.

    Parameters
    ----------
    teacher : object
        A Teacher; a ``torch.nn.Module``; a fitted estimator of scikit-learn's API; a pair ``(X, P)`` of recorded rows
        and answers; a folder written by ``save_teacher``; or a function of rows.
    **options
        Passed to the adapter: ``classes``, ``output``, ``preprocess``, ``version``, … A Teacher takes none.

    Raises
    ------
    InvalidInputError
        If nothing fits; the message lists what does.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> fitted = LogisticRegression().fit([[0.0], [1.0]], ["a", "b"])
    >>> type(as_teacher(fitted)).__name__, type(as_teacher(np.sin)).__name__
    ('EstimatorTeacher', 'CallableTeacher')
    """
    if isinstance(teacher, Teacher) and not isinstance(teacher, type):
        if options:
            raise InvalidInputError(
                f"teacher is ready as it is; {', '.join(sorted(options))} must be given where it is made"
            )
        return teacher
    if isinstance(teacher, str | Path):
        return load_teacher(teacher, **options)
    if isinstance(teacher, tuple) and len(teacher) == 2:
        from explaindistill.teachers.recorded import RecordedTeacher

        return RecordedTeacher(*teacher, **options)
    if _is_keras(teacher):
        raise InvalidInputError(
            f"a Keras model such as this {type(teacher).__name__} does not say what it answers, or how rows become its "
            "inputs; say as_teacher(lambda X: model.predict(inputs(X), verbose=0), classes=[...]), or without classes "
            "for regression"
        )
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(teacher, torch.nn.Module):
        from explaindistill.teachers.torch import TorchTeacher

        return TorchTeacher(teacher, **options)
    if isinstance(teacher, pd.DataFrame):
        raise InvalidInputError("a frame of scores needs the rows they belong to: give the pair (X, scores)")
    if (room := _booster(teacher)) is not None:
        return _of_booster(teacher, room, options)
    if hasattr(teacher, "predict_proba") or hasattr(teacher, "predict"):
        from explaindistill.teachers.estimator import EstimatorTeacher

        return EstimatorTeacher(teacher, **options)
    if callable(teacher) and not isinstance(teacher, type):
        from explaindistill.teachers.callable import CallableTeacher

        return CallableTeacher(teacher, **options)
    raise InvalidInputError(
        f"teacher must be a Teacher, a torch module, a fitted estimator, a pair (X, P), a saved folder or a function, "
        f"got {type(teacher).__name__}"
    )


def _is_keras(teacher: Any) -> bool:
    """Whether it is a model of Keras, which has ``predict`` for chances and values alike, and may be a torch module."""
    rooms = {kind.__module__.partition(".")[0] for kind in type(teacher).__mro__}
    return bool(rooms & {"keras", "tf_keras"})


def _booster(teacher: Any) -> str | None:
    """The package of a bare booster, which has ``predict`` and does not say whether it gives classes or values."""
    room = type(teacher).__module__.partition(".")[0]
    bare = {
        "lightgbm": "Booster",
        "xgboost": "Booster",
        "catboost": "CatBoost",
    }  # catboost's own classes say their task
    return room if bare.get(room) == type(teacher).__name__ else None


def _of_booster(teacher: Any, room: str, options: dict[str, Any]) -> Teacher:
    if not {"classes", "output"} & options.keys():
        raise InvalidInputError(
            f"a {room}.{type(teacher).__name__} does not say whether it has classes, and none were given; say "
            "as_teacher(booster, classes=[...]) in the order of its columns (of two: the probable one last), or "
            "as_teacher(booster, output='value') for regression"
        )
    chances = options.get("output", "probabilities") == "probabilities"
    from explaindistill.teachers.callable import CallableTeacher

    def ask(X: Any) -> Any:
        X = in_order(X, _names_of(teacher))
        if room == "catboost":  # it answers raw scores unless it is asked for something else
            return teacher.predict(X, prediction_type="Probability" if chances else "RawFormulaVal")
        if room == "xgboost":
            return teacher.predict(sys.modules["xgboost"].DMatrix(X, enable_categorical=True))
        return teacher.predict(X)

    ask.__name__ = f"{room}.{type(teacher).__name__}"
    # unlike a function a booster is all there is to it, so that its answers can be stored without version=
    return CallableTeacher(ask, **({"version": of_object(teacher, room)} | options))


def _names_of(booster: Any) -> Any:
    """Columns that a booster was trained on, by whichever of the three packages' names for them it has."""
    names = next(
        (getattr(booster, n) for n in ("feature_names", "feature_names_", "feature_name") if hasattr(booster, n)), None
    )
    return names() if callable(names) else names


def load_teacher(path: str | Path, trust: bool = False, **options: Any) -> Teacher:
    """Load a teacher from a folder that ``save_teacher`` wrote, or an ONNX file; with ``trust`` from a pickle too.

    Parameters
    ----------
    path : path
        A folder with ``teacher.json``; an ``.onnx`` file; or, with ``trust``, a ``.pkl``, ``.joblib``, ``.pt`` or
        ``.pt2`` file, or ``module:name``.
    trust : bool, default=False
        Whether code from the file may run.
    **options
        For files that do not say it themselves: ``classes``, ``output``, ``preprocess``.

    Raises
    ------
    UntrustedError
        If loading would run code and ``trust`` is False.
    InvalidInputError
        If there is nothing to load, or it is damaged.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from explaindistill.teachers import save_teacher
    >>> from explaindistill.teachers.network import NetworkTeacher
    >>> teacher = NetworkTeacher([{"kind": "linear", "weight": [[2.0]], "bias": [1.0]}])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     again = load_teacher(save_teacher(teacher, folder))
    >>> again.predict(np.array([[3.0]])).tolist(), again.fingerprint() == teacher.fingerprint()
    ([7.0], True)
    """
    where = Path(path)
    if where.is_dir():
        if options:
            raise InvalidInputError(
                f"a saved folder says everything itself; {', '.join(sorted(options))} must be left out"
            )
        return load_folder(where)
    if where.suffix == ".onnx" and where.is_file():
        from explaindistill.teachers.onnx import OnnxTeacher

        return OnnxTeacher(where, **options)
    stored = load_object(str(path), trust)
    with outside_code(str(path)):  # an adapter looks into the object, and that may run more of its code
        return as_teacher(stored, **options)
