"""Audits of policies: what a readable policy earns, what its disagreements cost, and where it comes to danger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explaindistill import plugins

if TYPE_CHECKING:
    from explaindistill.auditing.policies.audit import PolicyAudit, audit_policy
    from explaindistill.auditing.policies.grid import GridCheck, grid_check

__all__ = ["GridCheck", "PolicyAudit", "audit_policy", "grid_check"]

_HOMES = {"GridCheck": "grid", "PolicyAudit": "audit", "audit_policy": "audit", "grid_check": "grid"}

__getattr__ = plugins.lazy(__name__, _HOMES)
