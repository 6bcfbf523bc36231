"""One frozen audit, many views: sections are collected once, then written in the kind asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from explaindistill import plugins
from explaindistill.auditing.failures import cause_of, is_strict
from explaindistill.auditing.partitions.basis import said_of_frames
from explaindistill.errors import InvalidInputError
from explaindistill.report import page
from explaindistill.report.blocks import Section, Statements, Text
from explaindistill.report.displayed import displayed, with_frames
from explaindistill.report.notebook import cell
from explaindistill.report.policies import render_policies
from explaindistill.report.tabs import TABS
from explaindistill.report.writers import csv as spreadsheet
from explaindistill.report.writers import json as results
from explaindistill.report.writers import markdown, model_card
from explaindistill.report.writers.opening import as_text
from explaindistill.report.writers.summary import first_screen

__all__ = ["KINDS", "notebook", "opened", "render", "render_all", "render_policies", "sections", "summary"]

LATE = 75
"""Place of a section that failed: behind those that measured, before the limits."""
OF_FRAMES: dict[str, Callable[[Any], str]] = {"csv": spreadsheet.stacked, "json": results.text}
OF_SECTIONS: dict[str, Callable[[Any, dict[str, Section]], str]] = {
    "html": page.page,
    "markdown": markdown.document,
    "model-card": model_card.card,
}
KINDS = tuple(sorted((*OF_FRAMES, *OF_SECTIONS)))


def sections(audit: Any) -> dict[str, Section]:
    """Every section of the report by name, in reading order.

    Parameters
    ----------
    audit : Audit

    Returns
    -------
    dict of str to Section
        The names are those of the files in ``report/sections``.

    Examples
    --------
    >>> import pandas as pd
    >>> import explaindistill as xd
    >>> X = pd.DataFrame({"debt": [i / 200 for i in range(200)]})
    >>> P = pd.DataFrame({"no": X["debt"], "yes": 1 - X["debt"]})
    >>> tree = xd.TreeClassifier(max_leaf_nodes=2).fit(X, P)
    >>> found = xd.audit((X, P), {"tree": tree}, X, n_explained=0)
    >>> next(iter(sections(found))), sections(found)["bias"].reason[:23]
    ('glance', 'No sensitive attributes')
    """
    watched = _watched(displayed(audit))
    every = {name: _section(name, watched) for name in plugins.names("report.sections")}
    collected = {name: section for name, section in every.items() if section.blocks or section.reason}
    place = {tab: i for i, tab in enumerate(TABS)}
    return dict(sorted(collected.items(), key=lambda item: (place.get(item[1].tab, len(TABS)), item[1].order, item[0])))


def _section(name: str, audit: Any) -> Section:
    """One section; one that fails becomes a sentence, and one that read what was not measured says so first."""
    if isinstance(audit.frames, _Watched):
        audit.frames.read.clear()
    try:
        section: Section = plugins.load("report.sections", name).section(audit)
    except MemoryError:
        raise
    except Exception as error:  # whatever a section meets: the others are written
        if is_strict():
            raise
        title = name.replace("_", " ").capitalize()
        return Section(title, LATE, reason=f"Cannot say: this section could not be written. {cause_of(error)}")
    causes = audit.frames.causes() if isinstance(audit.frames, _Watched) else []
    opens = any(isinstance(block, Statements) for block in section.blocks)  # the opening says it of all frames
    if section.blocks and not opens and (basis := _basis(audit)):
        section = replace(section, blocks=(Text(basis, "note"), *section.blocks))
    if not causes:
        return section
    if not section.blocks:  # its own reason would say that nobody asked for it
        return replace(section, reason=" ".join(causes))
    return replace(section, blocks=(*(Text(cause, "warning") for cause in causes), *section.blocks))


def _basis(audit: Any) -> str:
    """Of rows in partitions: whether what a section shows counts all rows, or rests on drawn ones."""
    partitions = audit.manifest.get("partitions")
    return "" if partitions is None else said_of_frames(partitions, audit.frames.read)


class _Watched(dict[str, pd.DataFrame]):
    """Frames of an audit of which some failed, or rest on other rows, and the names of those that a section reads."""

    def __init__(self, frames: Any) -> None:
        super().__init__(frames)
        self.read: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.read.add(key)
        return super().get(key, default)

    def __getitem__(self, key: str) -> pd.DataFrame:
        self.read.add(key)
        return super().__getitem__(key)

    def causes(self) -> list[str]:
        """One sentence per failed frame that was read."""
        failures = super().get("failures")
        lines = [] if failures is None else failures.to_dict("records")
        return [
            f"Cannot say: “{line['frame']}”{' (' + line['part'] + ')' if line['part'] else ''} could not be measured. "
            f"{line['cause']}"
            for line in lines
            if line["frame"] in self.read
        ]


def _watched(audit: Any) -> Any:
    """The audit itself, or where frames differ in what they rest on a copy that notices which frames are read."""
    failures = audit.frames.get("failures")
    is_whole = (failures is None or failures.empty) and "partitions" not in audit.manifest
    return audit if is_whole else with_frames(audit, _Watched(audit.frames))


def render(audit: Any, kind: str) -> str:
    """The audit as text of one kind; the same audit gives the same bytes.

    Parameters
    ----------
    audit : Audit
    kind : "csv", "html", "json", "markdown" or "model-card"

    Raises
    ------
    InvalidInputError
        If the kind is not known.

    Examples
    --------
    >>> import pandas as pd
    >>> import explaindistill as xd
    >>> X = pd.DataFrame({"debt": [i / 200 for i in range(200)]})
    >>> P = pd.DataFrame({"no": X["debt"], "yes": 1 - X["debt"]})
    >>> tree = xd.TreeClassifier(max_leaf_nodes=2).fit(X, P)
    >>> found = xd.audit((X, P), {"tree": tree}, X, n_explained=0)
    >>> print(render(found, "markdown").splitlines()[0])
    # Audit of tree against RecordedTeacher
    >>> render(found, "html") == render(found, "html")
    True
    """
    return render_all(audit, [kind])[0]


def render_all(audit: Any, kinds: Sequence[str]) -> list[str]:
    """The audit as texts of several kinds; the sections, whose drawings take longest, are built once for all.

    Raises
    ------
    InvalidInputError
        If a kind is not known; nothing is built then.

    Examples
    --------
    >>> import pandas as pd
    >>> import explaindistill as xd
    >>> X = pd.DataFrame({"debt": [i / 200 for i in range(200)]})
    >>> P = pd.DataFrame({"no": X["debt"], "yes": 1 - X["debt"]})
    >>> tree = xd.TreeClassifier(max_leaf_nodes=2).fit(X, P)
    >>> found = xd.audit((X, P), {"tree": tree}, X, n_explained=0)
    >>> render_all(found, ["html", "markdown"]) == [render(found, "html"), render(found, "markdown")]
    True
    """
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise InvalidInputError(f"kind must be one of {', '.join(KINDS)}, got {unknown[0]!r}")
    collected = sections(audit) if OF_SECTIONS.keys() & set(kinds) else {}
    return [OF_SECTIONS[k](audit, collected) if k in OF_SECTIONS else OF_FRAMES[k](audit) for k in kinds]


def notebook(audit: Any) -> str:
    """What a notebook shows: the opening, the matrix of gaps and a link to the page, where one was saved.

    Examples
    --------
    >>> import pandas as pd
    >>> import explaindistill as xd
    >>> X = pd.DataFrame({"debt": [i / 200 for i in range(200)]})
    >>> P = pd.DataFrame({"no": X["debt"], "yes": 1 - X["debt"]})
    >>> tree = xd.TreeClassifier(max_leaf_nodes=2).fit(X, P)
    >>> found = xd.audit((X, P), {"tree": tree}, X, n_explained=0)
    >>> "<script" in notebook(found), "What next?" in notebook(found)
    (False, True)
    """
    return cell(audit)


def opened(audit: Any) -> str:
    """The opening as text of 80 columns: what ``print(audit)`` shows.

    Examples
    --------
    >>> import pandas as pd
    >>> import explaindistill as xd
    >>> X = pd.DataFrame({"debt": [i / 200 for i in range(200)]})
    >>> P = pd.DataFrame({"no": X["debt"], "yes": 1 - X["debt"]})
    >>> tree = xd.TreeClassifier(max_leaf_nodes=2).fit(X, P)
    >>> opened(xd.audit((X, P), {"tree": tree}, X, n_explained=0)).splitlines()[0]
    'Audit of tree against RecordedTeacher'
    """
    return as_text(audit)


def summary(audit: Any) -> str:
    """The first screen as text.

    Examples
    --------
    >>> import pandas as pd
    >>> import explaindistill as xd
    >>> X = pd.DataFrame({"debt": [i / 200 for i in range(200)]})
    >>> P = pd.DataFrame({"no": X["debt"], "yes": 1 - X["debt"]})
    >>> tree = xd.TreeClassifier(max_leaf_nodes=2).fit(X, P)
    >>> tenfold = [pd.concat([table] * 10, ignore_index=True) for table in (X, P)]
    >>> print(summary(xd.audit(tuple(tenfold), {"tree": tree}, tenfold[0], n_explained=0)).splitlines()[1][:50])
    WARNING: Rows may not be independent; intervals th
    """
    return first_screen(audit, sections(audit))
