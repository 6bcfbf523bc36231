"""The widest gap of the teacher between groups of one sensitive column, and how sure it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from explaindistill.auditing.opening.audited import Audited
from explaindistill.auditing.opening.evidence import Evidence, evidence
from explaindistill.auditing.opening.sentences import Origin
from explaindistill.numerics.statistics.intervals import normal_quantile

__all__ = ["Gap", "joint_limits", "widest_gap"]

LEVEL = 0.95
"""Of the limits in the frames."""


@dataclass(frozen=True)
class Gap:
    """The widest gap of one model between two groups of an attribute.

    Attributes
    ----------
    line : Evidence
        Its ``group`` has less than its ``reference``, or not less than it by more than is told.
    low, high : float
        Limits that hold for the widest of all pairs that were compared.
    n_compared : int
        So many comparisons the limits allow for.
    origins : tuple of Origin
        Where the limits were read.
    """

    line: Evidence
    low: float
    high: float
    n_compared: int
    origins: tuple[Origin, ...]

    @property
    def is_sure(self) -> bool:
        """Whether 0 lies outside of the limits."""
        return self.low > 0 or self.high < 0


def widest_gap(audit: Audited, attribute: str, subject: str = "teacher") -> Gap | None:
    """The widest gap in the rate of favourable decisions, or in the mean answer; None where none was measured.

    Of rates it is the worst pair, with its simultaneous interval. Means have no such line: there it is the group whose
    mean differs most from that of the reference group, and the limits are widened to all groups that are compared.
    """
    if audit.task == "classification":
        lines = evidence(
            audit.frames, "worst_pairs",
            metric="selection_rate_worst_difference", subject=subject, attribute=attribute, status="ok",
        )  # fmt: skip
        if not lines or not lines[0].has_limits:
            return None
        line = lines[0]
        origins = (line.origin("low"), line.origin("high"))
        return Gap(line, float(line["low"]), float(line["high"]), int(line["n_pairs"]), origins)
    lines = evidence(
        audit.frames, "gaps", metric="mean_prediction_difference", subject=subject, attribute=attribute, status="ok"
    )
    lines = [line for line in lines if line.has_limits]
    if not lines:
        return None
    line = max(lines, key=lambda one: abs(float(one["estimate"])))
    low, high = joint_limits(line, len(lines))
    return Gap(line, low, high, len(lines), tuple(line.origin(c) for c in ("estimate", "low", "high")))


def joint_limits(line: Evidence, n_compared: int) -> tuple[float, float]:
    r"""Limits of one of several figures that hold for all of them together (Bonferroni).

    Each limit moves away from the estimate by :math:`z_{1 - .05 / (2 m)} / z_{.975}` for m figures, which supposes that
    the estimate is about normal.
    """
    wider = float(normal_quantile(1 - (1 - LEVEL) / max(n_compared, 1)) / normal_quantile(LEVEL))
    estimate, low, high = (float(line[c]) for c in ("estimate", "low", "high"))
    return estimate - wider * (estimate - low), estimate + wider * (high - estimate)


def surest(gaps: Iterable[Gap]) -> Gap | None:
    """Of several gaps the one whose limits leave the most of it; None where none is sure."""
    sure = [gap for gap in gaps if gap.is_sure]
    return max(sure, key=lambda gap: min(abs(gap.low), abs(gap.high))) if sure else None
