"""A saved teacher is a folder: ``teacher.json`` and ``weights.npz``; loading it runs no code from it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.data.encoder import TableEncoder
from explaindistill.errors import InvalidInputError, UntrustedError
from explaindistill.protocols import Teacher
from explaindistill.teachers._layers import from_mlp, from_torch
from explaindistill.teachers.network import NetworkTeacher

__all__ = ["load_teacher", "save_teacher"]

TEACHER_VERSION = 1
_CODE_SUFFIXES = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".pt2", ".skops", ".py")
_MAX_WEIGHT_BYTES = 2**31


def save_teacher(teacher: Any, folder: str | Path) -> Path:
    """Write a network teacher so that it can be loaded without running code.

    Parameters
    ----------
    teacher : NetworkTeacher, or TorchTeacher of known layers, or EstimatorTeacher of scikit-learn's MLP
        Its ``preprocess`` must be a TableEncoder or None.
    folder : path
        Made if need be; an existing ``teacher.json`` in it is replaced.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InvalidInputError
        For teachers that cannot be written as data; nothing is written then.

    Examples
    --------
    >>> import tempfile
    >>> from explaindistill.teachers.network import NetworkTeacher
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     home = save_teacher(NetworkTeacher([{"kind": "linear", "weight": [[2.0]], "bias": [1.0]}]), folder)
    ...     sorted(path.name for path in home.iterdir())
    ['teacher.json', 'weights.npz']
    """
    network = _as_network(teacher)
    home = Path(folder)
    arrays: dict[str, NDArray[Any]] = {}
    layers = []
    for i, layer in enumerate(network.layers):
        plain = {k: v for k, v in layer.items() if not isinstance(v, np.ndarray)}
        arrays |= {f"{i}.{k}": v for k, v in layer.items() if isinstance(v, np.ndarray)}
        layers.append(plain)
    classes = None if network.classes_ is None or network._order is None else _in_column_order(network)
    page = {
        "teacher_version": TEACHER_VERSION,
        "kind": "network",
        "output": network.output,
        "classes": classes,
        "batch_size": network.batch_size,
        "encoder": None if network.encoder is None else network.encoder.to_dict(),
        "layers": layers,
    }
    text = json.dumps(page, indent=1, allow_nan=False)
    try:
        home.mkdir(parents=True, exist_ok=True)
        np.savez(home / "weights.npz", **arrays)  # type: ignore[arg-type]  # the stub takes every keyword for allow_pickle
        (home / "teacher.json").write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInputError(f"folder {str(home)!r} cannot be written: {error}") from error
    return home


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
        return _load_folder(where)
    if where.suffix == ".onnx" and where.is_file():
        from explaindistill.teachers.onnx import OnnxTeacher

        return OnnxTeacher(where, **options)
    runs_code = where.suffix in _CODE_SUFFIXES or (":" in str(path) and not where.exists())
    if not runs_code:
        raise InvalidInputError(f"no teacher at {str(path)!r}: neither a folder with teacher.json nor an .onnx file")
    if not trust:
        raise UntrustedError(
            f"loading {str(path)!r} would run code from it; give --trust (trust=True) if you know where it comes from, "
            "or save the teacher as a folder with save_teacher"
        )
    from explaindistill.teachers._trusted import load_trusted

    return load_trusted(str(path), **options)


def _as_network(teacher: Any) -> NetworkTeacher:
    """Same answers, as plain layers."""
    if isinstance(teacher, NetworkTeacher):
        return teacher
    if hasattr(teacher, "module") and hasattr(teacher, "preprocess"):
        encoder = _encoder_of(teacher.preprocess)
        classes = None if teacher.classes_ is None else _in_column_order(teacher)
        return NetworkTeacher(from_torch(teacher.module), encoder, classes, teacher.output, teacher.batch_size)
    estimator = getattr(teacher, "estimator", None)
    if hasattr(estimator, "coefs_") and hasattr(estimator, "intercepts_"):
        layers, output = from_mlp(estimator)
        names = None if teacher.classes_ is None else _in_column_order(teacher)
        return NetworkTeacher(layers, None, names, output)  # type: ignore[arg-type]  # from_mlp gives known outputs
    raise InvalidInputError(
        f"a {type(teacher).__name__} cannot be saved as data; torch chains, scikit-learn's MLP and network teachers can"
    )


def _in_column_order(teacher: Any) -> list[Any]:
    """Classes in the order of the teacher's own columns."""
    back = np.argsort(teacher._order)
    own: list[Any] = teacher.classes_[back].tolist()
    return own


def _encoder_of(preprocess: Any) -> TableEncoder | None:
    owner = getattr(preprocess, "__self__", preprocess)
    if owner is None or isinstance(owner, TableEncoder):
        return owner
    raise InvalidInputError(
        f"preprocess must be a TableEncoder (or None) to be saved as data, got {type(owner).__name__}; "
        "a function would have to be run when it is loaded"
    )


def _load_folder(home: Path) -> Teacher:
    page = home / "teacher.json"
    if not page.is_file():
        raise InvalidInputError(f"no teacher in {str(home)!r}: teacher.json is missing")
    try:
        data = json.loads(page.read_text(encoding="utf-8"))
        if not isinstance(data, dict) or data.get("teacher_version") != TEACHER_VERSION:
            version = data.get("teacher_version") if isinstance(data, dict) else None
            raise InvalidInputError(f"teacher_version must be {TEACHER_VERSION}, got {version!r}")
        arrays = _load_arrays(home / "weights.npz")
        layers = [dict(layer) for layer in data["layers"]]
        for key, value in arrays.items():
            i, _, name = key.partition(".")
            layers[int(i)][name] = value
        encoder = None if data["encoder"] is None else TableEncoder.from_dict(data["encoder"])
        return NetworkTeacher(layers, encoder, data["classes"], data["output"], int(data["batch_size"]))
    except InvalidInputError:
        raise
    except (
        KeyError,
        IndexError,
        TypeError,
        ValueError,
        AttributeError,
        OSError,
        zipfile.BadZipFile,
        MemoryError,
    ) as error:
        raise InvalidInputError(f"the teacher in {str(home)!r} is damaged: {type(error).__name__}: {error}") from error


def _load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Arrays of an npz, read in memory: nothing is unpickled, and no path in the archive is ever written."""
    with zipfile.ZipFile(path) as archive:
        total = sum(item.file_size for item in archive.infolist())
        if total > _MAX_WEIGHT_BYTES:
            raise InvalidInputError(f"{path.name} unpacks to {total} bytes, more than {_MAX_WEIGHT_BYTES}")
        for item in archive.infolist():
            stem = item.filename.removesuffix(".npy").split(".")
            if len(stem) != 2 or not stem[0].isdecimal() or not stem[1].isidentifier():
                raise InvalidInputError(f"{path.name} has an entry that is not a weight: {item.filename!r}")
    with np.load(path, allow_pickle=False) as stored:
        return {key: stored[key] for key in stored.files}
