"""Audit: the frozen record of what was measured, which shows and saves itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from explaindistill import plugins
from explaindistill.auditing.about import About
from explaindistill.auditing.display_names import DisplayNames
from explaindistill.auditing.explanations import explanation
from explaindistill.auditing.objects.shown import ShownObject
from explaindistill.auditing.opening.sentences import Opening
from explaindistill.auditing.opening.writing import write_opening
from explaindistill.auditing.pictures import plot
from explaindistill.auditing.readable_tables import verdicts_text
from explaindistill.auditing.report_kinds import kind_of
from explaindistill.data.files import write_whole
from explaindistill.data.readable import ReadableFrame
from explaindistill.data.schema import Schema
from explaindistill.measures.dependent_rows import dependence_warnings
from explaindistill.measures.row_values import RowValues
from explaindistill.measures.verdicts import check
from explaindistill.protocols import ClassLabel, Task

__all__ = ["Audit"]


@dataclass(frozen=True, repr=False)
class Audit:
    """Everything that was measured, and nothing about single people.

    Attributes
    ----------
    frames : mapping of str to DataFrame
        ``verdicts``, ``fidelity``, ``performance``, ``teacher``, ``teachers`` (each teacher of an ensemble),
        ``rates``, ``gaps``, ``worst_pairs``, ``tests``, ``strata``, ``missing_bounds``, ``power``, ``group_fidelity``,
        ``transfer``, ``calibration``, ``reliability``, ``flips``, ``proxies``, ``leaf_audit``, ``mistakes``,
        ``stability``, ``importance``, ``importance_comparison``, ``attribution_gaps``,
        ``attribution_cells``, ``interactions``,
        ``comparison``, ``comparison_terms``, ``comparison_quality``, ``missing_inputs``, ``complexity``, ``students``,
        ``dependence``, ``dependence_comparison``, ``dependent_rows``, ``corpus``, ``columns``, ``believability``,
        ``cost``, ``query_curve``, ``deployment``, ``edits``, ``cells``, ``rule_fidelity``, ``worst_case``, ``roc``,
        ``score_shares``, ``answer_pairs``, ``decided_as``, ``profile``, ``profile_requirements``, ``recommendation``,
        ``thresholds``; each row of a measure has its ``n``, ``estimate``, ``low`` and ``high``. A frame that does not
        apply is empty. So is one that could not be measured: then ``failures`` (``module``, ``frame``, ``cause``) and
        the notes say why, and what rests on it is "cannot say".
    manifest : dict
        Digests, seeds, versions, date; of rows in partitions also ``partitions``, what was counted and what drawn.
    students : mapping of str to fitted student
    notes : tuple of str
        What a reader must know.
    favorable : class, optional
        The decision that people want. None where nobody said it: what depends on it is then "cannot say".
    requirements : mapping
        What the caller held the figures against; without any there is no verdict.
    bounds : mapping of str to float
        The probability of the favourable class from which on a model decides it; none where the most probable class is
        decided.
    cells : mapping of str to fitted tree
        Which cell of the frame ``cells`` a row falls into, per student.
    row_values : tuple of RowValues
        Shapley values of rows, for :meth:`explanation`: in memory alone, in nothing that is saved or pickled.
    about : About
        What only people can say: title, decision, purpose, owner, data, date.
    names : DisplayNames
        How columns, classes and groups are called in what people read, and the units of columns.
    command : str
        What was typed, where the command line made the audit.
    shown : tuple of ShownObject
        Objects that the caller named with ``show=``: the HTML page shows them, no other kind of report does.
    lists : mapping of str to str
        By student: what the columns of a domain refer to, such as the words of a lexicon, in words.
    pages : list of str
        Paths, as they were given, of the HTML pages that were saved: what a notebook links to.

    Notes
    -----
    Of the frames about groups: ``worst_pairs`` compares any pair, with simultaneous intervals; ``tests`` is one
    declared family (Holm, Benjamini–Hochberg); ``strata`` compares inside strata; ``missing_bounds`` are Manski's;
    ``power`` is what the sizes could have shown; ``calibration`` and ``reliability`` are against true labels;
    ``flips`` change a sensitive input alone; ``proxies`` are strength and use; ``leaf_audit`` says which rule meets
    whom. ``dependence`` are curves along columns, ``dependence_comparison`` the areas between those of teacher and
    students, the largest first. ``dependent_rows`` is whether rows look as if they belonged together: copies, columns
    that look like keys, errors alike in time; where they do, a warning stands in front. ``fidelity`` is also by rule of
    the student ("where …"), on stressed and what-if rows, of students without teacher and of the second teacher.
    ``teacher`` is what to know before imitating it; ``profile`` and ``profile_requirements`` are a rule set's;
    ``recommendation`` is who keeps a requirement when all students are judged together.

    Examples
    --------
    >>> import explaindistill as xd
    >>> X = pd.DataFrame({"debt": [i / 300 for i in range(300)], "sex": ["f", "m"] * 150})
    >>> P = pd.DataFrame({"no": X["debt"] ** 2, "yes": 1 - X["debt"] ** 2})
    >>> tree = xd.TreeClassifier(max_leaf_nodes=4).fit(X, P)
    >>> report = xd.audit((X, P), {"tree": tree}, X, sensitive=["sex"], favorable="yes", n_explained=0)
    >>> report.check({"fidelity.agreement": ">= 0.9"})[["subject", "verdict"]].values.tolist()
    [['tree', 'pass']]
    >>> report.frames["rates"].query("metric == 'selection_rate'")[["subject", "group", "n"]].values.tolist()
    [['teacher', 'f', 150], ['teacher', 'm', 150], ['tree', 'f', 150], ['tree', 'm', 150]]
    """

    frames: Mapping[str, pd.DataFrame]
    manifest: Mapping[str, Any]
    students: Mapping[str, Any]
    schema: Schema
    task: Task
    teacher_name: str
    classes: NDArray[Any] | None
    favorable: ClassLabel | None
    threshold: Any
    notes: tuple[str, ...]
    requirements: Mapping[str, str] = field(default_factory=dict)
    bounds: Mapping[str, float] = field(default_factory=dict)
    cells: Mapping[str, Any] = field(default_factory=dict)
    about: About = field(default_factory=About)
    names: DisplayNames = field(default_factory=DisplayNames)
    command: str = ""
    pages: list[str] = field(default_factory=list, compare=False)
    row_values: tuple[RowValues, ...] = field(default=(), compare=False)
    shown: tuple[ShownObject, ...] = field(default=(), compare=False)
    lists: Mapping[str, str] = field(default_factory=dict)

    plot = plot
    explanation = explanation

    def __getstate__(self) -> dict[str, Any]:
        """All but what is about single people: pickles and copies go without it."""
        return vars(self) | {"row_values": ()}

    @cached_property
    def opening(self) -> Opening:
        """What a reader learns first: sentences whose every figure knows the cell of the frame it was read from."""
        return write_opening(self)

    def check(self, requirements: Mapping[str, str]) -> pd.DataFrame:
        """Hold the figures against requirements: one verdict per requirement, subject and group.

        Parameters
        ----------
        requirements : mapping
            Such as ``{"fidelity.agreement": ">= 0.95", "bias.impact_ratio": ">= 0.8"}``. One passes where the whole
            interval keeps it, fails where the whole interval breaks it, and is inconclusive between.

        Returns
        -------
        DataFrame
            ``rule``, ``metric``, ``subject``, ``attribute``, ``group``, ``estimate``, ``low``, ``high``, ``n``,
            ``verdict`` ("pass", "fail", "inconclusive", "cannot say"), ``reason``. It prints itself in 80 columns;
            ``pd.DataFrame(frame)`` prints as frames do.
        """
        return ReadableFrame(check(self.frames, requirements), verdicts_text)

    def save(self, path: str | Path, kind: str | None = None) -> Path:
        """Write the report; the ending decides the kind: ``.html``, ``.md``, ``.json`` or ``.csv``.

        ``kind="model-card"`` writes a model card with the front matter that Hugging Face reads.

        Raises
        ------
        InvalidInputError
            For an ending that says nothing, where ``kind`` is not given.
        """
        target = Path(path)
        kind = kind or kind_of(target)
        text = plugins.door("report").render(self, kind)
        if kind == "html":
            self.pages.append(str(path))
        return write_whole(target, text)

    def summary(self) -> str:
        """The first screen as text: what to be warned of, fidelity, worst class and group, verdicts."""
        return str(plugins.door("report").summary(self))

    def save_all(self, paths: Iterable[str | Path]) -> list[Path]:
        """Write the report in several kinds, by their endings; the drawings are made once for all.

        Raises
        ------
        InvalidInputError
            For an ending that says nothing; nothing is written then.

        Examples
        --------
        >>> import tempfile
        >>> import explaindistill as xd
        >>> X = pd.DataFrame({"debt": [i / 200 for i in range(200)]})
        >>> P = pd.DataFrame({"no": X["debt"], "yes": 1 - X["debt"]})
        >>> report = xd.audit((X, P), xd.TreeClassifier(max_leaf_nodes=2).fit(X, P), X, n_explained=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     [path.name for path in report.save_all([f"{folder}/a.md", f"{folder}/a.json"])]
        ['a.md', 'a.json']
        """
        targets = [Path(path) for path in paths]
        kinds = [kind_of(target) for target in targets]
        texts = plugins.door("report").render_all(self, kinds)
        self.pages.extend(str(target) for target, kind in zip(targets, kinds, strict=True) if kind == "html")
        return [write_whole(target, text) for target, text in zip(targets, texts, strict=True)]

    def _repr_html_(self) -> str:
        return str(plugins.door("report").notebook(self))

    def __str__(self) -> str:
        """The opening as text of 80 columns."""
        return str(plugins.door("report").opened(self))

    def __repr__(self) -> str:
        """Short text: who was audited, on how many rows, with what verdicts."""
        counts = self.frames["verdicts"]["verdict"].value_counts().to_dict()
        verdicts = ", ".join(f"{n} {v}" for v, n in sorted(counts.items())) or "no rule"
        drawn = self.manifest.get("partitions", {}).get("drawn")
        some = "" if drawn is None else f" ({drawn:,} drawn for what is not counted)"
        return (
            f"Audit of {', '.join(self.students)} against {self.teacher_name} "
            f"on {self.manifest['n_rows']:,} rows{some}: {verdicts}{self._lost()}{self._dependent()}"
        )

    def _dependent(self) -> str:
        return "; rows may not be independent" if dependence_warnings(self.frames["dependent_rows"]) else ""

    def _lost(self) -> str:
        names = self.frames["failures"]["frame"].tolist() if "failures" in self.frames else []
        return f"; could not be measured: {', '.join(names)}" if names else ""
