"""Frames of all rows that are functions of counts: groups, agreement, confusion, right decisions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.auditing.frames.fidelity import EQUAL
from explaindistill.auditing.frames.groups import declared_gaps, tests_of
from explaindistill.auditing.options import AuditOptions
from explaindistill.auditing.partitions.cells import Cells
from explaindistill.measures.bias import WEIGHT
from explaindistill.measures.comparisons import power_table, worst_pairs
from explaindistill.measures.counted_fidelity import (
    counted_accuracies,
    counted_agreements,
    counted_decided_as,
    counted_share_difference,
    near_the_boundary,
)
from explaindistill.measures.counted_pair import CountedPair, answers_in_order
from explaindistill.measures.counted_rates import counted_group_fidelity, counted_group_rates, counted_transfer
from explaindistill.measures.decision import DecisionRule
from explaindistill.measures.gaps import group_gaps
from explaindistill.measures.suppression import withheld_lines
from explaindistill.measures.table import frame
from explaindistill.measures.transfer import Decisions
from explaindistill.measures.unknown_groups import missing_bounds

__all__ = ["CountedRows"]

TEACHER = "teacher"
LEVEL = 0.95
STREAM = 21
"""Of the seed: what is drawn about all rows has a stream of its own."""


@dataclass(frozen=True, eq=False)
class CountedRows:
    """All rows as cells, with what decides and is measured.

    Attributes
    ----------
    cells : Cells
    rule : DecisionRule
    students : names
    people : DataFrame
        Sensitive columns of rows that stand for all.
    """

    cells: Cells
    rule: DecisionRule
    students: Sequence[str]
    people: pd.DataFrame

    @cached_property
    def attributes(self) -> pd.DataFrame:
        """Sensitive columns, one row per cell."""
        return self.cells.attributes()

    def _labels(self, key: str) -> Any:
        """Labels that carry all classes with them, also those that nobody got."""
        return pd.Categorical.from_codes(self.cells.codes[key], categories=pd.Index(self.rule.classes))

    @cached_property
    def outcomes(self) -> dict[str, Any]:
        """True labels, where they were named, and the decisions of every model."""
        models = {name: self._labels(f"decision of {name}") for name in (TEACHER, *self.students)}
        return ({"labels": self._labels("labels")} if "labels" in self.cells.codes else {}) | models

    def pair(self, student: str, cells: NDArray[np.bool_] | None = None) -> CountedPair:
        """The teacher and one student in all cells, or in the marked ones."""
        codes, k = self.cells.codes, len(self.rule.classes)
        first = codes[f"first of {TEACHER}"]
        mine = answers_in_order(codes[f"first of {student}"], k, first, codes.get(f"place in {student}"))
        at = np.ones(len(first), dtype=bool) if cells is None else cells
        answers = answers_in_order(first, k)[at], mine[at]
        return CountedPair.of_cells(answers, self.cells.counted.at(at), LEVEL, student)

    def decisions(self) -> dict[str, pd.DataFrame]:
        """What is said of equal and of right decisions."""
        codes, counted, classes = self.cells.codes, self.cells.counted, self.rule.classes
        teacher = codes[f"decision of {TEACHER}"]
        of = {name: codes[f"decision of {name}"] for name in (TEACHER, *self.students)}
        tables = {
            "fidelity": _stacked(table for s in self.students for table in self._agreements(s)),
            "decided_as": _stacked(
                counted_decided_as(teacher, of[s], counted, classes.tolist(), s) for s in self.students
            ),
        }
        if "labels" in codes:
            tables["performance"] = _stacked([*self._accuracies(of), *self._differences(of)])
        return tables

    def _agreements(self, student: str) -> Iterator[pd.DataFrame]:
        """On all rows, and without those that equal a row of fitting."""
        codes, counted = self.cells.codes, self.cells.counted
        t, s = codes[f"decision of {TEACHER}"], codes[f"decision of {student}"]
        equal = codes["equal"] == 1
        n_equal, n = counted.count[equal].sum(), counted.count.sum()
        for cells, subset in ((np.ones(len(t), dtype=bool), ""), (~equal, EQUAL)):
            if subset and not 0 < n_equal < n:
                continue
            at = cells & (counted.count > 0)
            pair = self.pair(student, cells)
            table = counted_agreements(pair, (t == s)[at], t[at], self.rule.classes)
            if not subset:
                yield frame(near_the_boundary(pair, (t == s)[at], codes["near"][at] == 1))
            yield table[table["subset"] == ""].assign(subset=subset) if subset else table

    def _accuracies(self, decided: Mapping[str, NDArray[np.int64]]) -> Iterator[pd.DataFrame]:
        truth, counted = self.cells.codes["labels"], self.cells.counted
        for name, decision in decided.items():
            yield counted_accuracies(truth, decision, counted, self.rule.classes, name)

    def _differences(self, decided: Mapping[str, NDArray[np.int64]]) -> Iterator[pd.DataFrame]:
        """How much more often each student is right than its teacher, on the rows whose true label is known."""
        truth = self.cells.codes["labels"]
        has_label = truth >= 0
        right = {name: (decision == truth)[has_label] for name, decision in decided.items()}
        for s in self.students:
            names = {"subject": s, "reference": TEACHER}
            counted = self.cells.counted.at(has_label)
            yield frame([counted_share_difference("accuracy_difference", right[s], right[TEACHER], counted, **names)])

    def groups(self, options: AuditOptions) -> dict[str, pd.DataFrame]:
        """What compares groups; nothing where no sensitive column was named."""
        if self.attributes.shape[1] == 0:
            return {}
        counted, outcomes, people = self.cells.counted, self.outcomes, self.people
        shared: dict[str, Any] = {"attributes": self.attributes}
        teacher = outcomes[TEACHER]
        fidelities = _stacked(
            counted_group_fidelity(teacher, outcomes[s], counted, subject=s, **shared) for s in self.students
        )
        if self.rule.favorable is None:
            return {"group_fidelity": fidelities}
        shared |= {"favorable": self.rule.favorable}
        y = outcomes.get("labels")
        rates = _stacked(
            counted_group_rates(d, counted, y=None if name == "labels" else y, subject=name, **shared)
            for name, d in outcomes.items()
        )
        gaps = group_gaps(rates)
        hidden = withheld_lines(rates, people, options.min_group_size)
        judged = ((rates["metric"] != "base_rate") | (rates["subject"] == "labels")).to_numpy()
        rng = np.random.default_rng([options.random_state, STREAM])
        moved = (
            counted_transfer(Decisions(y, teacher, outcomes[s]), counted, subject=s, margin=options.margin, **shared)
            for s in self.students
        )
        return {
            "rates": rates.drop(columns=[*WEIGHT]),
            "gaps": gaps,
            "worst_pairs": worst_pairs(rates[judged], withheld=hidden[judged], rng=rng),
            "tests": tests_of(rates, declared_gaps([TEACHER, *self.students], gaps), hidden),
            "missing_bounds": missing_bounds(rates, gaps),
            "power": power_table(rates, gaps),
            "group_fidelity": fidelities,
            "transfer": _stacked(moved),
        }


def _stacked(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat([table for table in tables if len(table)], ignore_index=True)
