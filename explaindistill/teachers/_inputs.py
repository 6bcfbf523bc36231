"""What a network is given: one array of rows, or several, by position or by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.errors import TeacherError

__all__ = ["Inputs", "several"]


@dataclass(frozen=True)
class Inputs:
    """Several arrays with one entry per row each; ``names`` are those of a mapping, None for a tuple.

    Examples
    --------
    >>> both = Inputs((np.zeros((3, 2)), np.arange(3)), None)
    >>> len(both), [part.shape for part in both.padded(2, 3, 4).arrays]
    (3, [(4, 2), (4,)])
    """

    arrays: tuple[NDArray[Any], ...]
    names: tuple[str, ...] | None

    def __len__(self) -> int:
        return len(self.arrays[0])

    def padded(self, start: int, stop: int, size: int) -> Inputs:
        """Rows from ``start`` to ``stop``, the last one repeated until there are ``size``."""
        at = np.minimum(np.arange(start, start + size), min(stop, len(self)) - 1)
        return Inputs(tuple(a[at] for a in self.arrays), self.names)

    def ask(self, module: Callable[..., Any], forward: Any, tensor: Callable[[NDArray[Any]], Any]) -> Any:
        """Hand the arrays over, each made a tensor by ``tensor``.

        Parts of a mapping are keyword arguments where ``forward`` has such, else one mapping.
        """
        tensors = [tensor(np.ascontiguousarray(a)) for a in self.arrays]
        if self.names is None:
            return module(*tensors)
        parts = dict(zip(self.names, tensors, strict=True))
        parameters = inspect.signature(forward).parameters
        takes_all = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        return module(**parts) if takes_all or parts.keys() <= parameters.keys() else module(parts)


def several(raw: Any, n_rows: int) -> Inputs | None:
    """The parts of what ``preprocess`` gave, if it gave a tuple or a mapping of arrays; else None.

    Raises
    ------
    TeacherError
        If a part does not have one entry per row.

    Examples
    --------
    >>> several({"ages": np.zeros((2, 1)), "words": np.array([[1, 2], [3, 0]])}, 2).names
    ('ages', 'words')
    """
    if not isinstance(raw, tuple | Mapping) or not len(raw):
        return None
    names = tuple(str(k) for k in raw) if isinstance(raw, Mapping) else None
    parts = list(raw.values()) if isinstance(raw, Mapping) else list(raw)
    arrays = tuple(p.detach().cpu().numpy() if hasattr(p, "detach") else np.asarray(p) for p in parts)
    for i, array in enumerate(arrays):
        if array.ndim == 0 or len(array) != n_rows:
            place = i if names is None else repr(names[i])
            got = "a number" if array.ndim == 0 else f"{len(array)}"
            raise TeacherError(
                f"preprocess was given {n_rows} rows and gave {got} in place {place}; it must keep every row"
            )
    return Inputs(arrays, names)
