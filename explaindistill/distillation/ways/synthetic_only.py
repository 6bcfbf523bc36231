"""Distil from made-up rows only: no real row, and no answer about one, reaches the student."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from explaindistill.data.schema import Schema
from explaindistill.data.targets import SoftTargets
from explaindistill.errors import InvalidInputError

__all__ = ["SyntheticOnly"]


@dataclass(frozen=True)
class SyntheticOnly:
    """Leave the real rows out of what the student learns from.

    The sampler still learns from the real rows: take one with ``private=True``, so that no made-up row is a copy, and
    measure what leaks with :func:`~explaindistill.measures.membership.membership_inference`.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> X = pd.DataFrame({"x": [0.1, 0.2, 0.3]})
    >>> origin = np.array(["observed", "synthetic", "synthetic"])
    >>> targets = SoftTargets(X, X["x"].to_numpy(), np.ones(3), origin, None, 3)
    >>> SyntheticOnly().apply(targets, None, Schema.infer(X), 0).X["x"].tolist()
    [0.2, 0.3]
    """

    def apply(self, targets: SoftTargets, teacher: Any, schema: Schema, seed: int) -> SoftTargets:
        """The made-up rows, those that a proxy answered included.

        Raises
        ------
        InvalidInputError
            Where there is no made-up row.
        """
        synthetic = np.flatnonzero(targets.origin != "observed")
        if len(synthetic) == 0:
            raise InvalidInputError(
                f"SyntheticOnly needs made-up rows, but all {len(targets)} are real; "
                "raise n_queries above the number of rows"
            )
        return targets.take(synthetic)
