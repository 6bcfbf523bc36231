"""Train a small network on raw rows, for people who have no teacher at hand; trained here, and nowhere later."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explaindistill.data.encoder import TableEncoder
from explaindistill.data.schema import Schema
from explaindistill.errors import InvalidInputError, MissingExtraError
from explaindistill.protocols import Teacher

__all__ = ["teach"]

PATIENCE = 6
"""Epochs without a gain before training ends: the loss of a few hundred held-out rows wavers for two or three."""
VALIDATION_SHARE = 0.15
LEARNING_RATE = 3e-3
"""Three times Adam's usual rate: the layers are narrow, and the rate falls to 0 along a cosine."""
WEIGHT_DECAY = 1e-4
DROPOUT = 0.1
"""Torch only; scikit-learn's perceptron has none."""
MIN_GAIN = 1e-5
"""A smaller gain in loss is rounding of single precision over some thousand rows."""
MAX_CODES = 20
"""Whole numbers of more values than this are quantities, not codes of classes."""


@dataclass(frozen=True)
class _Lesson:
    """Encoded rows split into what is learnt and what decides when to stop."""

    Z: NDArray[np.float32]
    target: NDArray[Any]
    classes: NDArray[Any] | None
    learn: NDArray[np.intp]
    check: NDArray[np.intp]


def teach(
    X: Any,
    y: ArrayLike,
    *,
    random_state: int = 0,
    hidden: Sequence[int] = (64, 64),
    task: Literal["classification", "regression"] | None = None,
    max_epochs: int = 60,
    batch_size: int = 512,
    backend: Literal["auto", "torch", "numpy"] = "auto",
) -> Teacher:
    """Train a multi-layer perceptron with early stopping on 15 % of the rows.

    Parameters
    ----------
    X : DataFrame or array of shape (n, d)
        Raw rows; a TableEncoder is fitted to them.
    y : array of shape (n,)
        Classes, or numbers for regression.
    random_state : int, default=0
    hidden : sequence of int, default=(64, 64)
        Width of each hidden layer.
    task : {"classification", "regression"}, optional
        When None: regression for numbers that are not all whole, or that take more than 20 values.
    max_epochs, batch_size : int
    backend : {"auto", "torch", "numpy"}, default="auto"
        Torch if it is installed, else scikit-learn's perceptron asked with numpy.

    Returns
    -------
    TorchTeacher or NetworkTeacher
        Fitted; ``save_teacher`` writes either as data.

    Raises
    ------
    InvalidInputError
        For missing labels, one class, or arguments out of range.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> teacher = teach(X, y, backend="numpy")
    >>> bool((teacher.predict(X) == y).mean() > 0.9)
    True
    """
    if max_epochs < 1 or batch_size < 1 or min(hidden, default=1) < 1:
        raise InvalidInputError("max_epochs, batch_size and every hidden width must be at least 1")
    schema = Schema.infer(X)
    labels, classes = _labels(y, len(X), task)
    encoder = TableEncoder().fit(X, schema)
    lesson = _split(encoder.transform(X), labels, classes, random_state)
    if _use_torch(backend):
        return _with_torch(lesson, encoder, hidden, max_epochs, batch_size, random_state)
    return _with_numpy(lesson, encoder, hidden, max_epochs, batch_size, random_state)


def _use_torch(backend: str) -> bool:
    if backend not in ("auto", "torch", "numpy"):
        raise InvalidInputError(f"backend must be 'auto', 'torch' or 'numpy', got {backend!r}")
    installed = importlib.util.find_spec("torch") is not None
    if backend == "torch" and not installed:
        raise MissingExtraError.of("torch", "torch")
    return installed and backend != "numpy"


def _labels(y: ArrayLike, n: int, task: str | None) -> tuple[NDArray[Any], NDArray[Any] | None]:
    import pandas as pd

    column = pd.Series(np.asarray(y).ravel() if not isinstance(y, pd.Series) else y.to_numpy())
    if len(column) != n:
        raise InvalidInputError(f"y must have one label per row, {n}, got {len(column)}")
    if (gone := int(column.isna().sum())) > 0:
        raise InvalidInputError(f"y has {gone} missing labels; drop those rows")
    if task not in (None, "classification", "regression"):
        raise InvalidInputError(f"task must be 'classification' or 'regression', got {task!r}")
    values = column.to_numpy()
    if task == "regression" or (task is None and _looks_continuous(values)):
        if values.dtype.kind not in "biuf" or not np.isfinite(values.astype(float)).all():
            raise InvalidInputError("y must be finite numbers for regression")
        return values.astype(np.float64), None
    classes, codes = np.unique(values, return_inverse=True)
    if len(classes) < 2:
        raise InvalidInputError(f"y must have at least 2 classes, got only {classes[0]!r}")
    return codes, classes


def _looks_continuous(values: NDArray[Any]) -> bool:
    if values.dtype.kind not in "iuf":
        return False
    if values.dtype.kind == "f" and bool((values != np.rint(values)).any()):
        return True
    if (n_values := len(np.unique(values))) <= MAX_CODES:
        return False
    if values.dtype.kind != "f":
        warnings.warn(
            f"y has {n_values} different whole numbers and is taken for regression; pass task='classification' if "
            "they are classes, or task='regression'",
            stacklevel=4,
        )
    return True


def _split(Z: NDArray[np.float32], target: NDArray[Any], classes: NDArray[Any] | None, seed: int) -> _Lesson:
    n = len(Z)
    if n < 10:
        raise InvalidInputError(f"X must have at least 10 rows to train a network, got {n}")
    order = np.random.default_rng(seed).permutation(n)
    cut = max(2, round(VALIDATION_SHARE * n))
    return _Lesson(Z, target, classes, order[cut:], order[:cut])


def _with_torch(
    lesson: _Lesson,
    encoder: TableEncoder,
    hidden: Sequence[int],
    max_epochs: int,
    batch_size: int,
    seed: int,
) -> Teacher:
    import torch
    from torch import nn

    from explaindistill.teachers.torch import TorchTeacher

    with torch.random.fork_rng(devices=[]), _one_thread(torch):
        torch.manual_seed(seed)
        sizes = (lesson.Z.shape[1], *hidden)
        parts = [m for a, b in pairwise(sizes) for m in (nn.Linear(a, b), nn.ReLU(), nn.Dropout(DROPOUT))]
        width = 1 if lesson.classes is None else len(lesson.classes)
        net = nn.Sequential(*parts, nn.Linear(sizes[-1], width))
        centre, scale = (0.0, 1.0) if lesson.classes is not None else _moments(lesson.target[lesson.learn])
        _train(net, lesson, (centre, scale), max_epochs, batch_size, np.random.default_rng(seed))
    if lesson.classes is None:
        last = net[-1]  # it learnt (y - centre) / scale; folding both into its weights gives values in their unit
        with torch.no_grad():
            last.weight.mul_(scale)
            last.bias.mul_(scale).add_(centre)
    return TorchTeacher(net.eval(), preprocess=encoder, classes=lesson.classes)


@contextmanager
def _one_thread(torch: Any) -> Iterator[None]:
    """Small matrices: handing them to several threads costs more than it saves."""
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        yield
    finally:
        torch.set_num_threads(threads)


def _moments(values: NDArray[Any]) -> tuple[float, float]:
    return float(values.mean()), float(values.std()) or 1.0


def _train(
    net: Any,
    lesson: _Lesson,
    moments: tuple[float, float],
    max_epochs: int,
    batch_size: int,
    rng: np.random.Generator,
) -> None:
    """Adam with a falling rate; the weights of the best epoch on the held-out rows are kept."""
    import torch
    from torch.nn import functional

    Z = torch.from_numpy(lesson.Z)
    if lesson.classes is None:
        target = torch.from_numpy(((lesson.target - moments[0]) / moments[1]).astype(np.float32))
    else:
        target = torch.from_numpy(lesson.target.astype(np.int64))

    def loss(rows: Any) -> Any:
        out = net(Z[rows])
        if lesson.classes is None:
            return functional.mse_loss(out[:, 0], target[rows])
        return functional.cross_entropy(out, target[rows])

    optimiser = torch.optim.AdamW(net.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY, fused=True)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, max_epochs)
    best, weights, waited = np.inf, None, 0
    for _ in range(max_epochs):
        net.train()
        order = rng.permutation(lesson.learn)
        for start in range(0, len(order), batch_size):
            optimiser.zero_grad()
            loss(torch.from_numpy(order[start : start + batch_size])).backward()
            optimiser.step()
        falling.step()
        net.eval()
        with torch.no_grad():
            now = float(loss(torch.from_numpy(lesson.check)))
        if now < best - MIN_GAIN:
            best, waited, weights = now, 0, {k: v.clone() for k, v in net.state_dict().items()}
        elif (waited := waited + 1) >= PATIENCE:
            break
    if weights is not None:
        net.load_state_dict(weights)


def _with_numpy(
    lesson: _Lesson, encoder: TableEncoder, hidden: Sequence[int], max_epochs: int, batch_size: int, seed: int
) -> Teacher:
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    from explaindistill.teachers._layers import from_mlp
    from explaindistill.teachers.network import NetworkTeacher

    settings: dict[str, Any] = {
        "hidden_layer_sizes": tuple(hidden),
        "early_stopping": len(lesson.Z) >= 100,
        "validation_fraction": VALIDATION_SHARE,
        "n_iter_no_change": PATIENCE,
        "max_iter": max_epochs,
        "batch_size": min(batch_size, max(int((1 - VALIDATION_SHARE) * len(lesson.Z)) - 1, 1)),
        "learning_rate_init": LEARNING_RATE,
        "alpha": WEIGHT_DECAY,
        "random_state": seed,
    }
    Z = lesson.Z.astype(np.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is a limit, not a promise
        if lesson.classes is not None:
            layers, _ = from_mlp(MLPClassifier(**settings).fit(Z, lesson.target))
            return NetworkTeacher(layers, encoder, lesson.classes)
        centre, scale = _moments(lesson.target)
        layers, _ = from_mlp(MLPRegressor(**settings).fit(Z, (lesson.target - centre) / scale))
    last = layers[-1]
    last |= {"weight": last["weight"] * scale, "bias": last["bias"] * scale + centre}
    return NetworkTeacher(layers, encoder)
