"""An ONNX model as a teacher, computed by onnxruntime; loading one runs no code from the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.data.rows_sent import RowsSent
from explaindistill.errors import InvalidInputError, MissingExtraError, TeacherError
from explaindistill.teachers._batches import FEW_ROWS, in_batches
from explaindistill.teachers._checks import Output, check_output, checked_answer, class_order, no_probabilities
from explaindistill.teachers._fingerprint import digest, of_function
from explaindistill.teachers._inputs import Inputs, several

__all__ = ["OnnxTeacher"]

_DTYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(float16)": np.float16}
_COLUMN_DTYPES: dict[str, Any] = _DTYPES | {
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
    "tensor(string)": np.object_,
}
"""What each of several inputs may be."""


class OnnxTeacher:
    """An ONNX model as a teacher: of one input ``(b, d)``, or of an input ``(b, 1)`` per column, by its name.

    Parameters
    ----------
    model : path or bytes
    preprocess : callable, optional
        Takes the rows as the user has them, gives numbers ``(n, d)``; for a model of several inputs a frame with a
        column for each, or a mapping of arrays. Missing text is the empty string to such a model, a missing number NaN.
    classes : array of shape (k,), optional
        Classes in the order of the model's columns; None is regression, unless ``output`` says otherwise.
    output : {"probabilities", "logits", "value"}, optional
        What the model gives. When None: probabilities if there are classes, else values.
    output_name : str, optional
        Which of the model's outputs; the last one that is a tensor of numbers when None.
    batch_size : int, default=4096

    Attributes
    ----------
    classes_ : ndarray of shape (k,), sorted, or None in regression
    rows_sent_ : RowsSent
        Rows that were sent to the model, by purpose.

    Examples
    --------
    >>> import pytest
    >>> _ = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    >>> import explaindistill as xd
    >>> X = np.linspace(0, 1, 100)[:, None]
    >>> tree = xd.TreeClassifier(max_leaf_nodes=2, classes=["no", "yes"]).fit(X, np.where(X[:, 0] > 0.5, "yes", "no"))
    >>> from explaindistill.export.onnx import generate
    >>> teacher = OnnxTeacher(generate(tree), classes=["no", "yes"])
    >>> teacher.predict(np.array([[0.2], [0.8]])).tolist()
    ['no', 'yes']
    """

    few_rows = FEW_ROWS

    def __init__(
        self,
        model: str | Path | bytes,
        preprocess: Callable[[Any], Any] | None = None,
        classes: ArrayLike | None = None,
        output: Output | None = None,
        output_name: str | None = None,
        batch_size: int = 4096,
    ) -> None:
        self.output: Output = check_output(output or ("value" if classes is None else "probabilities"), classes)
        self.preprocess = preprocess
        self.batch_size = int(batch_size)
        self._content = model if isinstance(model, bytes) else _read(Path(model))
        self._open()
        self.output_name = _output_name(self._session, output_name)
        self.classes_, self._order = class_order(classes)
        self.rows_sent_ = RowsSent()

    def _open(self) -> None:
        self._session = _session(self._content)
        inputs = self._session.get_inputs()
        self._has_one = len(inputs) == 1 and inputs[0].type in _DTYPES
        is_column = [i.type in _COLUMN_DTYPES and (len(inputs) > 1 or i.shape[1:] == [1]) for i in inputs]
        if not self._has_one and not (inputs and all(is_column)):
            shown = ", ".join(f"{i.name}: {i.type}" for i in inputs)
            raise InvalidInputError(
                f"model must have one input of floating-point numbers, or one per column of numbers, flags or text, it "
                f"has {shown}"
            )
        self._inputs = inputs

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k not in ("_session", "_inputs")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open()

    @property
    def name(self) -> str:
        """What messages call this teacher."""
        return "the ONNX model"

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities ``(n, k)`` in the order of ``classes_``."""
        if self.classes_ is None:
            raise no_probabilities(self.name)
        return self._ask(X)

    def predict(self, X: Any) -> NDArray[Any]:
        """Most probable class ``(n,)``, or values ``(n,)`` or ``(n, m)``."""
        answer = self._ask(X)
        return answer if self.classes_ is None else self.classes_[answer.argmax(axis=1)]

    def _ask(self, X: Any) -> NDArray[np.float64]:
        raw = X if self.preprocess is None else self.preprocess(X)
        # of one column, where a frame has others that the model does not know
        by_name = isinstance(raw, pd.DataFrame) and raw.shape[1] > 1 and self._inputs[0].shape[1:] == [1]
        rows = self._matrix(raw) if self._has_one and not by_name else self._columns(raw, len(X))
        if len(rows) != len(X):
            raise TeacherError(f"preprocess was given {len(X)} rows and gave {len(rows)}; it must keep every row")

        names = [i.name for i in self._inputs]

        def question(batch: NDArray[Any] | Inputs) -> NDArray[Any]:
            arrays = batch.arrays if isinstance(batch, Inputs) else (batch,)
            return np.asarray(self._session.run([self.output_name], dict(zip(names, arrays, strict=True)))[0])

        self.rows_sent_.add(len(rows))
        answer = in_batches(rows, self.batch_size, question, self.name)
        return checked_answer(answer, len(rows), self.output, self.classes_, self._order, self.name)

    def _matrix(self, raw: Any) -> NDArray[Any]:
        values = raw.to_numpy() if isinstance(raw, pd.DataFrame) else np.asarray(raw)
        try:
            return np.ascontiguousarray(values, dtype=_DTYPES[self._inputs[0].type])
        except (TypeError, ValueError) as error:
            raise TeacherError(f"the rows of {self.name} must be numbers ({error}); give preprocess=") from error

    def _columns(self, raw: Any, n_rows: int) -> Inputs:
        """An array ``(n, 1)`` per input, by its name."""
        parts = raw if isinstance(raw, pd.DataFrame) else several(raw, n_rows)
        if isinstance(parts, Inputs):
            named = parts.names or tuple(i.name for i in self._inputs)
            if len(named) != len(parts.arrays):
                raise TeacherError(
                    f"preprocess gave {len(parts.arrays)} arrays for the {len(named)} inputs of {self.name} "
                    f"({', '.join(named)}); give one for each"
                )
            parts = dict(zip(named, parts.arrays, strict=True))
        if parts is None or (absent := [i.name for i in self._inputs if i.name not in parts]):
            words = "a frame" if parts is None else f"columns {', '.join(absent)}"
            listed = ", ".join(i.name for i in self._inputs)
            raise TeacherError(f"{self.name} needs {words}: it has an input per column ({listed}); give preprocess=")
        return Inputs(tuple(_column(parts[i.name], i, self.name) for i in self._inputs), None)

    def fingerprint(self) -> str | None:
        """Digest of the file, preprocessing, classes and output."""
        before = of_function(self.preprocess)
        if before is None:
            return None
        classes = None if self.classes_ is None else self.classes_.tolist()
        order = None if self._order is None else self._order.tolist()
        return digest("onnx", self._content, before, classes, order, self.output, self.output_name)

    def weights(self) -> bytes:
        """The file itself."""
        return self._content

    def __sklearn_clone__(self) -> OnnxTeacher:
        return self


def _column(values: Any, wanted: Any, who: str) -> NDArray[Any]:
    """One input ``(n, 1)`` or wider, in the type that the model takes."""
    text = wanted.type == "tensor(string)"
    try:
        if text:
            flat = pd.Series(np.asarray(values, dtype=object).reshape(-1))
            column = flat.map(str).where(flat.notna(), "").to_numpy(dtype=object)
        else:
            column = _whole(values, _COLUMN_DTYPES[wanted.type])
    except (TypeError, ValueError) as error:
        raise TeacherError(
            f"input {wanted.name!r} of {who} takes {wanted.type}, which these are not ({error}); give preprocess="
        ) from error
    return column[:, None] if column.ndim == 1 else column


def _whole(values: Any, dtype: Any) -> NDArray[Any]:
    """Values as a type that holds each of them: NumPy makes some number of a missing one, and True of the word "no"."""
    if np.dtype(dtype).kind in "ib":
        numbers = np.asarray(values, dtype=np.float64)
        with np.errstate(invalid="ignore"):
            n_lost = int((numbers.astype(dtype) != numbers).sum())
        if n_lost:
            kind = "flags" if np.dtype(dtype).kind == "b" else "whole numbers of its size"
            raise ValueError(f"{n_lost} of {len(numbers)} are missing or no {kind}")
    return np.asarray(values, dtype=dtype)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInputError(f"model {str(path)!r} cannot be read: {error}") from error


def _session(content: bytes) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError.of("onnxruntime", "onnx") from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has a family of errors without a common name
        raise InvalidInputError(f"model is no ONNX model that onnxruntime can load: {error}") from error


def _output_name(session: Any, name: str | None) -> str:
    tensors = [o.name for o in session.get_outputs() if o.type in _DTYPES]
    if name is not None and name not in tensors:
        raise InvalidInputError(f"output_name must be one of {', '.join(tensors)}, got {name!r}")
    if not tensors:
        raise InvalidInputError("model must have an output that is a tensor of numbers; export it without ZipMap")
    return name or str(tensors[-1])
