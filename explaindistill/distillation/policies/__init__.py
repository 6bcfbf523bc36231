"""Policies: a teacher that acts, and a student that acts nearly as well and can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explaindistill import plugins

if TYPE_CHECKING:
    from explaindistill.distillation.policies.distiller import PolicyDistiller
    from explaindistill.distillation.policies.dynamics import KnownDynamics

__all__ = ["KnownDynamics", "PolicyDistiller"]

__getattr__ = plugins.lazy(__name__, {"KnownDynamics": "dynamics", "PolicyDistiller": "distiller"})
