"""One frozen audit, many views: sections are collected once, then written in the kind asked for."""

from __future__ import annotations

from typing import Any

from explaindistill import plugins
from explaindistill.errors import InvalidInputError
from explaindistill.report import page
from explaindistill.report.blocks import Section
from explaindistill.report.writers import csv as spreadsheet
from explaindistill.report.writers import json as results
from explaindistill.report.writers import markdown, model_card

__all__ = ["KINDS", "notebook", "render", "sections"]

KINDS = ("csv", "html", "json", "markdown", "model-card")


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
    collected = {
        name: plugins.load("report.sections", name).section(audit) for name in plugins.names("report.sections")
    }
    return dict(sorted(collected.items(), key=lambda item: (item[1].order, item[0])))


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
    if kind == "json":
        return results.text(audit)
    if kind == "csv":
        return spreadsheet.stacked(audit)
    if kind == "model-card":
        return model_card.card(audit, sections(audit))
    if kind == "markdown":
        return markdown.document(audit, sections(audit))
    if kind == "html":
        return page.page(audit, sections(audit))
    raise InvalidInputError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")


def notebook(audit: Any) -> str:
    """The first section as HTML for a notebook's cell, with the whole report folded behind it.

    Examples
    --------
    >>> import pandas as pd
    >>> import explaindistill as xd
    >>> X = pd.DataFrame({"debt": [i / 200 for i in range(200)]})
    >>> P = pd.DataFrame({"no": X["debt"], "yes": 1 - X["debt"]})
    >>> tree = xd.TreeClassifier(max_leaf_nodes=2).fit(X, P)
    >>> found = xd.audit((X, P), {"tree": tree}, X, n_explained=0)
    >>> "<script" in notebook(found), "<details" in notebook(found)
    (False, True)
    """
    return page.cell(audit, sections(audit))
