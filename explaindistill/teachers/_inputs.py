"""What a network is given: one array of rows, or several, by position or by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.errors import TeacherError

__all__ = ["Inputs", "check_one_array", "several"]


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

        Those of a tuple are arguments in its order, those of a mapping keyword arguments; all of them are one argument
        where ``forward`` takes one batch only.

        Raises
        ------
        TeacherError
            If ``forward`` takes them neither way.
        """
        tensors = tuple(tensor(np.ascontiguousarray(a)) for a in self.arrays)
        named = {} if self.names is None else dict(zip(self.names, tensors, strict=True))
        placed = () if named else tensors
        if _takes(forward, *placed, **named):
            return module(*placed, **named)
        if _takes(forward, named or placed):
            return module(named or placed)
        names = range(len(tensors)) if self.names is None else map(repr, self.names)
        shapes = ", ".join(f"{name} {tuple(a.shape)}" for name, a in zip(names, self.arrays, strict=True))
        raise TeacherError(
            f"preprocess gave {len(tensors)} parts ({shapes}), and the network's forward takes "
            f"{inspect.signature(forward)}; give a tuple in the order of its inputs, or a mapping with their names"
        )


def check_one_array(forward: Any, who: str) -> None:
    """Refuse one array for a network of several inputs.

    Raises
    ------
    TeacherError
    """
    if not _takes(forward, None):
        raise TeacherError(
            f"{who} was given one array, and its forward takes {inspect.signature(forward)}; let preprocess= give a "
            "tuple in the order of its inputs, or a mapping with their names"
        )


def _takes(forward: Any, *args: Any, **kwargs: Any) -> bool:
    """Whether a function may be called so."""
    try:
        inspect.signature(forward).bind(*args, **kwargs)
    except TypeError:
        return False
    return True


def several(raw: Any, n_rows: int) -> Inputs | None:
    """The parts of what ``preprocess`` gave, if it gave a tuple or a mapping of arrays; else None.

    Raises
    ------
    TeacherError
        If a part does not have one entry per row, or the parts came as a list, which may be rows as well.

    Examples
    --------
    >>> several({"ages": np.zeros((2, 1)), "words": np.array([[1, 2], [3, 0]])}, 2).names
    ('ages', 'words')
    """
    if isinstance(raw, list) and len(raw) != n_rows and all(np.shape(entry)[:1] == (n_rows,) for entry in raw):
        raise TeacherError(f"preprocess gave a list of {len(raw)} arrays; give a tuple of them, or a mapping by name")
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
                f"preprocess was given {n_rows} rows and gave {got} in part {place}; it must keep every row"
            )
    return Inputs(arrays, names)
