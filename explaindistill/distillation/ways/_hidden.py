"""Ask a teacher for its hidden layers, with a clear word where it has none."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.errors import InvalidInputError

__all__ = ["hidden_layers"]


def hidden_layers(teacher: Any, rows: Any, who: str) -> dict[str, NDArray[np.float64]]:
    """Activations ``(n, h)`` by layer, in the order in which the teacher names them."""
    layers = teacher.hidden(rows) if hasattr(teacher, "hidden") else {}
    if not layers:
        raise InvalidInputError(
            f"{who} needs a teacher with hidden layers, got {type(teacher).__name__}; "
            'name them: TorchTeacher(net, hidden=["layer1"])'
        )
    return dict(layers)
