"""The audit's decision rule at one student: what its drawing, its words and its panel say is what the audit decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from explaindistill.data.drawing import Branch, Drawing, RulesDrawing, TreeDrawing, answer_words
from explaindistill.report.words import name, number

__all__ = ["EVEN", "Decided", "decided_by"]

EVEN = 0.5
"""From here on the favourable one of two classes is the most probable one: words need not tell the two apart."""


@dataclass(frozen=True)
class Decided:
    """How the answers of one student become decisions.

    Attributes
    ----------
    classes : tuple
        The student's classes, in its own order.
    favorable : class
    bound : float
        Probability of the favourable class from which on it is decided; infinite where nobody was.
    is_top : bool
        Whether the bound is the lowest probability that a top share selected among the audited rows.

    Examples
    --------
    >>> rule = Decided(("no", "yes"), "yes", 0.9)
    >>> rule.position([0.2, 0.8]), rule.words([0.2, 0.8]), rule.words([0.05, 0.95])
    (0, 'no (yes 0.80)', 'yes 0.95')
    """

    classes: tuple[Any, ...]
    favorable: Any
    bound: float
    is_top: bool = False

    def position(self, values: Sequence[float]) -> int:
        """Place of the class that is decided; see :func:`explaindistill.measures.decision.decisions`."""
        at = self.classes.index(self.favorable)
        if values[at] >= self.bound:
            return at
        others = np.array(values, dtype=float)
        others[at] = -1.0  # below every probability: the best of the others is taken
        return int(others.argmax())

    def words(self, values: Sequence[float]) -> str:
        """The decision, with the probability of the favourable class that it rests on."""
        at = self.classes.index(self.favorable)
        is_plain = self.bound == EVEN and self.position(values) == int(np.argmax(values))
        if is_plain and len(self.classes) == 2:
            return answer_words(values, self.classes)
        rests_on = f"{self.favorable} {values[at]:.2f}"
        return rests_on if self.position(values) == at else f"{self.classes[self.position(values)]} ({rests_on})"

    def sentence(self) -> str:
        """The rule in words, for above a drawing and above words that name the most probable class."""
        wish = f"“{name(self.favorable)}”"
        if self.bound == float("inf"):
            return f"Decisions: {wish} for the top share; of the audited rows nobody was selected."
        share = " (the lowest that the top share selected among the audited rows)" if self.is_top else ""
        bound = f"where its probability is at least {number(self.bound)}{share}"
        return f"Decisions: {wish} {bound}; else the most probable other class."

    def drawn(self, drawing: Drawing | None) -> Drawing | None:
        """A drawing whose answers are decisions; one without answers is as it was."""
        if isinstance(drawing, TreeDrawing) and drawing.classes is not None:
            return replace(drawing, root=self._branch(drawing.root, drawing.classes))
        if isinstance(drawing, RulesDrawing) and drawing.classes is not None:
            words = [self.words(values) for values in drawing.frame["values"]]
            return replace(drawing, frame=drawing.frame.assign(answer=pd.Series(words, index=drawing.frame.index)))
        return drawing

    def _branch(self, branch: Branch, classes: Sequence[Any]) -> Branch:
        children = tuple(self._branch(child, classes) for child in branch.children)
        if not branch.values:
            return replace(branch, children=children)
        most_probable = answer_words(branch.values, classes)
        if not branch.text.startswith(most_probable):
            return branch
        return replace(branch, text=self.words(branch.values) + branch.text.removeprefix(most_probable))


def decided_by(student: Any, audit: Any, key: str) -> Decided | None:
    """The decision rule of an audit at one student; None where its most probable class is decided, and for values."""
    bound = getattr(audit, "bounds", {}).get(key)
    classes = tuple(np.asarray(getattr(student, "classes_", ())).tolist())
    if bound is None or audit.favorable not in classes:
        return None
    return Decided(classes, audit.favorable, float(bound), isinstance(audit.threshold, dict))
