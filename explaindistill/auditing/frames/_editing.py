"""Objects before and after a named edit: the same ones for every frame that looks at them."""

from __future__ import annotations

import zlib

import numpy as np
import pandas as pd

from explaindistill.auditing.frames._lines import drawn
from explaindistill.auditing.objects.record import ObjectAudit

__all__ = ["EDITED_ROWS", "FEWEST_EDITED", "TOO_FEW", "edited_pair", "edited_rows"]

EDITED_ROWS = 2_000
"""Objects at most that are edited: each is one more question, and 2,000 hold a share within 2 points."""
FEWEST_EDITED = 10
"""With fewer changed objects a figure would tell of a few of them."""
TOO_FEW = f"the edit changes fewer than {FEWEST_EDITED} objects"
SEED = 11


def edited_rows(objects: ObjectAudit) -> np.ndarray:
    """Positions of the objects that are edited."""
    return drawn(len(objects.frame), EDITED_ROWS, np.random.default_rng(SEED))


def edited_pair(objects: ObjectAudit, name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows that hold objects, before and after an edit, whose chance goes by its name."""
    before = objects.frame.iloc[edited_rows(objects)].reset_index(drop=True)
    return before, objects.edited(before, name, np.random.default_rng([SEED, zlib.crc32(name.encode())]))
