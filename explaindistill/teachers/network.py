"""A small network of known layers, asked with numpy alone: what a saved teacher becomes when it is loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import erf, expit

from explaindistill.data.encoder import TableEncoder
from explaindistill.data.rows_sent import RowsSent
from explaindistill.errors import InvalidInputError
from explaindistill.teachers._batches import FEW_ROWS, in_batches
from explaindistill.teachers._checks import Output, check_output, checked_answer, class_order, no_probabilities
from explaindistill.teachers._fingerprint import digest

__all__ = ["LAYERS", "NetworkTeacher"]

Layer = Mapping[str, Any]
Array = NDArray[Any]


def _linear(x: Array, layer: Layer) -> Array:
    return x @ layer["weight"].T + layer["bias"]


def _batch_norm(x: Array, layer: Layer) -> Array:
    return (x - layer["mean"]) / np.sqrt(layer["variance"] + x.dtype.type(layer["eps"])) * layer["weight"] + layer[
        "bias"
    ]


def _layer_norm(x: Array, layer: Layer) -> Array:
    centred = x - x.mean(axis=1, keepdims=True)
    spread = np.sqrt((centred**2).mean(axis=1, keepdims=True) + x.dtype.type(layer["eps"]))
    return centred / spread * layer["weight"] + layer["bias"]


def _gelu(x: Array, layer: Layer) -> Array:
    if layer.get("approximate", "none") == "tanh":
        return 0.5 * x * (1.0 + np.tanh((2.0 / np.pi) ** 0.5 * (x + 0.044715 * x**3)))
    return 0.5 * x * (1.0 + erf(x / 2.0**0.5))


def _softmax(x: Array, layer: Layer) -> Array:
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


LAYERS: dict[str, tuple[Callable[[Array, Layer], Array], tuple[str, ...], tuple[str, ...]]] = {
    "batch_norm": (_batch_norm, ("mean", "variance", "weight", "bias"), ("eps",)),
    "elu": (lambda x, layer: np.where(x > 0, x, layer["alpha"] * np.expm1(np.minimum(x, 0))), (), ("alpha",)),
    "gelu": (_gelu, (), ("approximate",)),
    "layer_norm": (_layer_norm, ("weight", "bias"), ("eps",)),
    "leaky_relu": (lambda x, layer: np.where(x > 0, x, layer["slope"] * x), (), ("slope",)),
    "linear": (_linear, ("weight", "bias"), ()),
    "relu": (lambda x, layer: np.maximum(x, 0), (), ()),
    "sigmoid": (lambda x, layer: expit(x), (), ()),
    "silu": (lambda x, layer: x * expit(x), (), ()),
    "softmax": (_softmax, (), ()),
    "tanh": (lambda x, layer: np.tanh(x), (), ()),
}
"""Per kind of layer: what it computes, its arrays, and its plain settings."""


class NetworkTeacher:
    r"""A chain of layers :math:`f_m(\dots f_1(\text{encoder}(x)))` in numpy.

    Parameters
    ----------
    layers : sequence of dict
        ``{"kind": "linear", "weight": (out, in), "bias": (out,)}`` and so on; see ``LAYERS``.
    encoder : TableEncoder, optional
        Makes numbers of raw rows; without it the rows must be numbers.
    classes : array of shape (k,), optional
        Classes in the order of the last layer's outputs; None is regression.
    output : {"logits", "probabilities", "value"}, optional
        What the last layer gives. When None: logits if there are classes, else values.
    batch_size : int, default=4096

    Attributes
    ----------
    classes_ : ndarray of shape (k,), sorted, or None in regression
    rows_sent_ : RowsSent
        Rows that were sent to the model, by purpose.

    Examples
    --------
    >>> layers = [{"kind": "linear", "weight": [[2.0, 0.0]], "bias": [1.0]}, {"kind": "relu"}]
    >>> X = np.array([[3.0, 9.0], [-3.0, 9.0]])
    >>> teacher = NetworkTeacher(layers)
    >>> teacher.predict(X).tolist()
    [7.0, 0.0]
    """

    few_rows = FEW_ROWS

    def __init__(
        self,
        layers: Sequence[Layer],
        encoder: TableEncoder | None = None,
        classes: ArrayLike | None = None,
        output: Output | None = None,
        batch_size: int = 4096,
    ) -> None:
        self.layers = [_checked(i, layer) for i, layer in enumerate(layers)]
        if not self.layers:
            raise InvalidInputError("layers must have at least 1 layer, got none")
        self.encoder = encoder
        width = None if encoder is None else encoder.n_out_
        for i, layer in enumerate(self.layers):
            width = _width_after(i, layer, width)
        self.output: Output = check_output(output or ("value" if classes is None else "logits"), classes)
        if batch_size < 1:
            raise InvalidInputError(f"batch_size must be at least 1, got {batch_size}")
        self.batch_size = int(batch_size)
        self.classes_, self._order = class_order(classes)
        self.rows_sent_ = RowsSent()

    @property
    def name(self) -> str:
        """What messages call this teacher."""
        return "the network"

    @property
    def dtype(self) -> np.dtype[Any]:
        """Precision of the weights."""
        arrays = [v for layer in self.layers for v in layer.values() if isinstance(v, np.ndarray)]
        return arrays[0].dtype if arrays else np.dtype(np.float64)

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
        try:
            rows = np.asarray(X if self.encoder is None else self.encoder.transform(X), dtype=self.dtype)
        except (TypeError, ValueError) as error:
            if isinstance(error, InvalidInputError) or self.encoder is not None:
                raise
            raise InvalidInputError(
                f"X must hold numbers only, since {self.name} has no encoder: {error}; give it encoder=TableEncoder()"
            ) from error
        self.rows_sent_.add(len(rows))
        raw = in_batches(rows, self.batch_size, self._forward, self.name)
        return checked_answer(raw, len(rows), self.output, self.classes_, self._order, self.name)

    def _forward(self, x: Array) -> Array:
        for layer in self.layers:
            x = LAYERS[layer["kind"]][0](x, layer)
        return x

    def fingerprint(self) -> str:
        """Digest of encoder, layers, classes and output."""
        encoder = None if self.encoder is None else self.encoder.to_dict()
        classes = None if self.classes_ is None else self.classes_.tolist()
        order = None if self._order is None else self._order.tolist()
        parts = [v for layer in self.layers for item in sorted(layer.items()) for v in item]
        return digest("network", encoder, classes, order, self.output, *parts)

    def __sklearn_clone__(self) -> NetworkTeacher:
        return self


def _width_after(i: int, layer: Layer, width: int | None) -> int | None:
    """Numbers per row after a layer; None where nothing says it yet."""
    arrays = [value for value in layer.values() if isinstance(value, np.ndarray)]
    if not arrays:
        return width
    takes = layer["weight"].shape[-1]
    if width not in (None, takes):
        raise InvalidInputError(f"layer {i} ({layer['kind']}) must take {width} numbers per row, got {takes}")
    return len(layer["bias"])


def _checked(i: int, layer: Layer) -> dict[str, Any]:
    """Layer with arrays as arrays; nothing but what its kind needs."""
    kind = layer.get("kind")
    if kind not in LAYERS:
        raise InvalidInputError(f"layer {i} must be one of {', '.join(LAYERS)}, got {kind!r}")
    _, arrays, settings = LAYERS[kind]
    if absent := [key for key in (*arrays, *settings) if key not in layer]:
        raise InvalidInputError(f"layer {i} ({kind}) lacks {', '.join(absent)}")
    out: dict[str, Any] = {"kind": kind} | {key: layer[key] for key in settings}
    for key in arrays:
        value = np.asarray(layer[key])
        if value.dtype.kind != "f" or not np.isfinite(value).all():
            raise InvalidInputError(f"{key} of layer {i} ({kind}) must be finite numbers")
        out[key] = value
    for key in settings:
        least = 0.0 if key == "eps" else -np.inf
        if key != "approximate" and not (isinstance(out[key], int | float) and least <= out[key] < np.inf):
            raise InvalidInputError(f"{key} of layer {i} ({kind}) must be a finite number, got {out[key]!r}")
    lengths = {len(out[key]) for key in arrays if out[key].ndim == (2 if key == "weight" and kind == "linear" else 1)}
    if arrays and (len(lengths) != 1 or sum(out[key].ndim for key in arrays) != len(arrays) + (kind == "linear")):
        shapes = ", ".join(str(out[key].shape) for key in arrays)
        raise InvalidInputError(f"arrays of layer {i} ({kind}) do not fit to each other: {shapes}")
    return out
