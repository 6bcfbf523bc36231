"""A saved teacher is a folder, ``teacher.json`` and ``weights.npz``, that runs no code; other files only on trust."""

from __future__ import annotations

import importlib
import json
import math
import pickle
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.data.encoder import TableEncoder
from explaindistill.data.files import read_json, replaced_together, write_whole
from explaindistill.errors import InvalidInputError, MissingExtraError, UntrustedError, damage_named
from explaindistill.teachers._layers import from_mlp, from_torch
from explaindistill.teachers.network import NetworkTeacher

__all__ = ["load_folder", "load_object", "outside_code", "save_teacher"]

TEACHER_VERSION = 1
_CODE_SUFFIXES = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".pt2", ".skops", ".py")
_MAX_WEIGHT_BYTES = 2**31
"""2 GiB of weights: float64 of what a laptop computes with; a longer file is not read."""


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
        with replaced_together(home) as draft:
            np.savez(draft / "weights.npz", **arrays)  # type: ignore[arg-type]  # the stub takes every keyword for allow_pickle
            write_whole(draft / "teacher.json", text)
    except OSError as error:
        raise InvalidInputError(f"folder {str(home)!r} cannot be written: {error}") from error
    return home


def load_folder(path: str | Path) -> NetworkTeacher:
    """Load a teacher that ``save_teacher`` wrote; whatever the files hold, none of it is run.

    Raises
    ------
    InvalidInputError
        If there is no teacher, or it is damaged.
    """
    home = Path(path)
    page = home / "teacher.json"
    if not page.is_file():
        raise InvalidInputError(f"no teacher in {str(home)!r}: teacher.json is missing")
    with damage_named(f"the teacher in {str(home)!r}"):
        data = read_json(page)
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


def load_object(path: str, trust: bool) -> Any:
    """Unpickle or import what the user calls a teacher; this runs whatever the file says.

    Parameters
    ----------
    path : str
        A ``.pkl``, ``.joblib``, ``.pt`` or ``.pt2`` file, or ``module:name``.
    trust : bool
        Whether it may.

    Returns
    -------
    object
        As it was stored: an estimator, a torch module, a function, or a teacher.

    Raises
    ------
    UntrustedError
        If loading would run code and ``trust`` is False; nothing of the file was read then.
    InvalidInputError
        If this is no such file, or no module.
    """
    where = Path(path)
    imported = ":" in path and not where.exists()
    if not imported and where.suffix not in _CODE_SUFFIXES:
        raise InvalidInputError(f"no teacher at {path!r}: neither a folder with teacher.json nor an .onnx file")
    if not trust:
        raise UntrustedError(
            f"loading {path!r} would run code from it; give --trust (trust=True) if you know where it comes from, "
            "or save the teacher as a folder with save_teacher"
        )
    with outside_code(path):
        return _imported(path) if imported else _unpickled(where)


@contextmanager
def outside_code(path: str) -> Iterator[None]:
    """Code from outside may raise anything: say it in one message that names the file."""
    try:
        yield
    except (InvalidInputError, MissingExtraError):
        raise
    except Exception as error:
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
    named: list[Any] = teacher.classes_[back].tolist()
    return named


def _encoder_of(preprocess: Any) -> TableEncoder | None:
    owner = getattr(preprocess, "__self__", preprocess)
    if owner is None or isinstance(owner, TableEncoder):
        return owner
    raise InvalidInputError(
        f"preprocess must be a TableEncoder (or None) to be saved as data, got {type(owner).__name__}; "
        "a function would have to be run when it is loaded"
    )


def _load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Arrays of an npz, read in memory: nothing is unpickled, and no path in the archive is ever written.

    ``save_teacher`` packs nothing, so that arrays never hold more than the file does: a small file cannot fill memory.
    """
    with zipfile.ZipFile(path) as archive:
        total, size = sum(item.file_size for item in archive.infolist()), path.stat().st_size
        if total > min(size, _MAX_WEIGHT_BYTES):
            raise InvalidInputError(
                f"{path.name} must unpack to at most its own {size} bytes and {_MAX_WEIGHT_BYTES} at all, got {total}; "
                "write it with save_teacher, which packs nothing (np.savez, not np.savez_compressed)"
            )
        for item in archive.infolist():
            stem = item.filename.removesuffix(".npy").split(".")
            if len(stem) != 2 or not stem[0].isdecimal() or not stem[1].isidentifier():
                raise InvalidInputError(f"{path.name} has an entry that is not a weight: {item.filename!r}")
            _check_size(archive, item)
    with np.load(path, allow_pickle=False) as stored:
        return {key: stored[key] for key in stored.files}


def _check_size(archive: zipfile.ZipFile, item: zipfile.ZipInfo) -> None:
    """Refuse an array whose header promises another size than the file has, before memory is taken for it."""
    with archive.open(item) as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
        if dtype.hasobject or math.prod(shape) * dtype.itemsize != item.file_size - file.tell():
            raise InvalidInputError(f"{item.filename} of the weights is damaged: not of the size that it names")
