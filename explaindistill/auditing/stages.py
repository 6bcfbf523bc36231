"""What an audit does one after the other, in words, and how long each part is expected to take."""

from __future__ import annotations

from explaindistill.asking.progress import Stage
from explaindistill.auditing.options import AuditOptions

__all__ = ["COUNTING", "FINISHING", "PREPARING", "stages", "words_of"]

PREPARING, FINISHING = "asking about the audited rows", "withholding figures of few people"
COUNTING = "counting all rows"
"""Of rows in partitions: all of them are asked about, behind those that were drawn."""
WORDS = {
    "corpus": "judging the rows of fitting",
    "comparison": "comparing with outcomes",
    "importance": "measuring importance",
    "fidelity": "measuring fidelity",
    "teacher": "looking at the teacher",
    "groups": "comparing groups",
    "mistakes": "looking at mistakes",
    "performance": "measuring performance",
    "stability": "fitting again on drawn rows",
    "students": "measuring sizes",
    "cells": "looking for cells of disagreement",
    "deployment": "preparing the deployment card",
    "ensemble": "asking the members of the ensemble",
    "profile": "filling the tables of the rule set",
    "dependent_rows": "looking for dependent rows",
    "dependence": "measuring curves",
    "scores": "drawing scores",
    "recommendation": "comparing students",
    "rule_fidelity": "measuring rules",
    "thresholds": "trying thresholds",
    "worst_case": "searching for the worst case",
    "edits": "editing objects",
}
"""By the name of a module of frames, in their order."""
WORK = {"corpus": 6.0, "importance": 20.0, "fidelity": 3.0, "teacher": 3.0, "groups": 25.0, "cells": 4.0}
"""Time without the teacher's, in percent of an audit of a thousand rows without further wishes; 1 where none stands."""
CURVE_ROWS, PERMUTED_ROWS, REPEATS, ORDERS = 3_000, 1_000, 3, 4
"""Rows asked for one curve; rows and shuffles of permutation importance, orders of sampled Shapley values."""
SEARCHED_ROWS = 200_000


def words_of(module: str) -> str:
    """What a module of frames does.

    Examples
    --------
    >>> words_of("groups"), words_of("my_measure")
    ('comparing groups', 'measuring my_measure')
    """
    return WORDS.get(module, f"measuring {module}")


def stages(n_rows: int, n_columns: int, options: AuditOptions, can_be_asked: bool) -> list[Stage]:
    """Stages of an audit in their order; the numbers are rough, and serve the bar of progress alone.

    Examples
    --------
    >>> stages(500, 10, AuditOptions(n_explained=100), can_be_asked=True)[3]
    Stage(words='measuring importance', work=20.0, rows=18600)
    """
    curves = n_columns if options.dependence is True else len(options.dependence or ())
    searched = SEARCHED_ROWS if options.worst_case is True else int(options.worst_case)
    work = WORK | {
        "comparison": 60.0 if options.compare else 1.0,
        "stability": 20.0 * options.n_refits,
        "dependence": 2.0 * curves,
        "worst_case": 20.0 if searched else 0.0,
    }
    rows = {
        "importance": REPEATS * n_columns * min(n_rows, PERMUTED_ROWS)
        + ORDERS * (n_columns - 1) * min(n_rows, options.n_explained),
        "dependence": CURVE_ROWS * curves,
        "worst_case": searched,
        "rule_fidelity": options.n_made_up,
    }
    measured = [Stage(words, work.get(m, 1.0), rows.get(m, 0) if can_be_asked else 0) for m, words in WORDS.items()]
    n_questions = n_rows if can_be_asked else 0
    return [Stage(PREPARING, 6.0, n_questions), *measured, Stage(FINISHING, 8.0)]
