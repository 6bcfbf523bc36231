"""All frames of an audit, module by module: each has ``FRAMES``, the names of its frames, and ``measure``.

``measure(inputs, options, rng, frames)`` returns these frames; ``frames`` are those of the modules before it. A module
may also have ``notes(frames)``, sentences that a reader must know. A new measure is a new file of this folder: it is
found and measured after the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from explaindistill import plugins
from explaindistill.auditing.frames import (
    cells,
    comparison,
    corpus,
    deployment,
    ensemble,
    fidelity,
    groups,
    importance,
    mistakes,
    performance,
    profile,
    stability,
    students,
    teacher,
)
from explaindistill.auditing.inputs import AuditInput
from explaindistill.auditing.options import AuditOptions

__all__ = ["frame_names", "measure_all", "notes"]

# Written, and not by name: groups read importance, a rule set looks for its tables among all the others, notes are told
# in this order, and the random stream runs through it.
ORDER = (
    corpus, comparison, importance, fidelity, teacher, groups, mistakes, performance, stability, students, cells,
    deployment, ensemble, profile,
)  # fmt: skip


def modules() -> list[Any]:
    """The modules that measure, in their order; those of plug-ins last, by name."""
    written = {module.__name__.rpartition(".")[2] for module in ORDER} | {"every"}
    further = [name for name in plugins.names("auditing.frames") if name not in written]
    return [*ORDER, *(plugins.load("auditing.frames", name) for name in further)]


def frame_names() -> tuple[str, ...]:
    """Names of all frames that are measured.

    Examples
    --------
    >>> "fidelity" in frame_names(), "verdicts" in frame_names()
    (True, False)
    """
    return tuple(name for module in modules() for name in module.FRAMES)


def measure_all(inputs: AuditInput, options: AuditOptions) -> dict[str, pd.DataFrame]:
    """All frames of an audit but the verdicts; see :class:`explaindistill.auditing.audits.Audit`."""
    rng = np.random.default_rng(options.random_state)
    frames: dict[str, pd.DataFrame] = {}
    for module in modules():
        frames |= module.measure(inputs, options, rng, frames)
    return frames


def notes(frames: Mapping[str, pd.DataFrame]) -> list[str]:
    """What must be said about the frames."""
    return [note for module in modules() if hasattr(module, "notes") for note in module.notes(frames)]
