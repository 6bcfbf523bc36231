"""Audit.plot: each picture of the page as matplotlib axes of the user's own, one function a picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from explaindistill import plots
from explaindistill.errors import InvalidInputError

__all__ = ["PICTURES", "plot"]


@dataclass(frozen=True)
class _Picture:
    """An audit, the axes, and what the caller chose of it."""

    audit: Any
    ax: Any
    choice: dict[str, Any]

    @property
    def students(self) -> list[str]:
        return [str(name) for name in self.audit.students]

    def frame(self, name: str, way_out: str) -> pd.DataFrame:
        """Lines of a frame that have a figure."""
        table = self.audit.frames.get(name)
        rows = pd.DataFrame() if table is None else table
        rows = rows[rows["estimate"].notna()] if "estimate" in rows else rows
        if rows.empty:
            raise InvalidInputError(f"the audit has no figures for this picture; {way_out}")
        return rows

    def chosen(self, rows: pd.DataFrame, column: str, wanted: str) -> pd.DataFrame:
        """Lines of one value of a column: the one that was named, else the first."""
        values = list(dict.fromkeys(rows[column].map(str)))
        value = values[0] if self.choice.get(wanted) is None else str(self.choice[wanted])
        if value not in values:
            raise InvalidInputError(f"{wanted} must be one of {', '.join(values)}, got {value!r}")
        return rows[rows[column].map(str) == value]

    def models(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Lines of the teacher, its students, and the labels; those of students without teacher stay out."""
        return rows[rows["subject"].isin(["labels", "teacher", *self.students])]


def _frontier(picture: _Picture) -> Any:
    fidelity = picture.frame("fidelity", "fidelity could not be measured")
    at = next(m for m in ("agreement", "r2", *fidelity["metric"]) if m in set(fidelity["metric"]))
    rows = fidelity[(fidelity["metric"] == at) & fidelity["subject"].isin(picture.students)].drop_duplicates("subject")
    size = picture.audit.frames["complexity"]
    sizes = dict(zip(size["subject"].map(str), size["n_parameters"].astype(float), strict=True))
    rows = rows.assign(size=rows["subject"].map(sizes))
    rows = rows[rows["size"] >= 1]
    if rows.empty:
        raise InvalidInputError("the audit has no figures for this picture; the sizes of these students are not known")
    is_share = at == "agreement"
    return plots.fidelity_size(rows, picture.ax, unit="share" if is_share else "number", name=str(at).replace("_", " "))


def _calibration(picture: _Picture) -> Any:
    rows = picture.frame("reliability", "pass true labels, y, and name the favourable class")
    return plots.reliability(picture.models(rows), picture.ax, order=picture.students)


def _roc(picture: _Picture) -> Any:
    rows = picture.frame("roc", "pass true labels, y, of two classes")
    return plots.roc(picture.models(rows), picture.ax, order=picture.students)


def _rates(picture: _Picture) -> Any:
    return _dots(picture, "rates", "selection_rate", "mean_prediction")


def _agreement(picture: _Picture) -> Any:
    return _dots(picture, "group_fidelity", "agreement", "mae")


def _dots(picture: _Picture, name: str, *metrics: str) -> Any:
    rows = picture.chosen(picture.models(picture.frame(name, "name sensitive columns")), "attribute", "attribute")
    measured = list(dict.fromkeys(rows["metric"]))
    metric = picture.choice.get("metric") or next((m for m in metrics if m in measured), measured[0])
    if metric not in measured:
        raise InvalidInputError(f"metric must be one of {', '.join(measured)}, got {metric!r}")
    unit = "number" if metric in {"mean_prediction", "mean_residual", "mae", "r2"} else "share"
    return plots.group_dots(
        rows[rows["metric"] == metric], picture.ax, order=picture.students, unit=unit, name=metric.replace("_", " ")
    )


def _gaps(picture: _Picture) -> Any:
    rows = picture.frame("gaps", "name sensitive columns, and the favourable class")
    rows = picture.models(rows[rows["metric"].isin(["selection_rate_difference", "mean_prediction_difference"])])
    if rows.empty:
        raise InvalidInputError("the audit has no figures for this picture; name the favourable class")
    unit = "points" if rows["metric"].iloc[0] == "selection_rate_difference" else "number"
    rows = picture.chosen(rows, "attribute", "attribute")
    return plots.transfer_arrows(rows, picture.ax, order=picture.students, unit=unit)


def _answers(picture: _Picture) -> Any:
    rows = picture.chosen(picture.frame("answer_pairs", "name the favourable class"), "subject", "student")
    return plots.answer_counts(rows, picture.ax, name=_unit(picture.audit))


def _confusion(picture: _Picture) -> Any:
    picture.frame("decided_as", "only classes are decided")
    return plots.confusion(picture.chosen(picture.audit.frames["decided_as"], "subject", "student"), picture.ax)


def _densities(picture: _Picture) -> Any:
    rows = picture.frame("score_shares", "name the favourable class")
    subject = "teacher" if picture.choice.get("student") is None else picture.choice["student"]
    named = _Picture(picture.audit, picture.ax, picture.choice | {"student": subject})
    rows = named.chosen(rows, "subject", "student")
    grouped = rows[rows["attribute"] != ""]
    rows = rows if grouped.empty else picture.chosen(grouped, "attribute", "attribute")
    return plots.score_densities(rows, picture.ax, name=f"{subject}: {_unit(picture.audit)}")


def _dependence(picture: _Picture) -> Any:
    way_out = "measure it with audit(dependence=True)"
    rows = picture.frame("dependence", way_out)
    areas = picture.audit.frames["dependence_comparison"]
    first = areas["feature"].iloc[0] if len(areas) else rows["feature"].iloc[0]
    feature = picture.choice.get("feature") or first
    return plots.dependence(
        rows, str(feature), picture.ax, metric=picture.choice.get("metric") or "", order=picture.students
    )


def _importance(picture: _Picture) -> Any:
    rows = picture.models(picture.frame("importance", "no model could be asked about changed rows"))
    metric = picture.choice.get("metric")
    if metric is None:
        first = [m for m in ("silencing", "permutation") if m in set(rows["metric"])]
        metric = first[0] if first else str(rows["metric"].iloc[0])
    rows = picture.chosen(rows, "metric", "metric") if picture.choice.get("metric") else rows[rows["metric"] == metric]
    rows = rows[rows["subset"] == rows["subset"].iloc[0]]
    total = rows["estimate"].clip(lower=0).groupby(rows["subject"]).transform("sum")
    scaled = {c: rows[c].clip(lower=0) / total for c in ("estimate", "low", "high")}
    return plots.importance_pairs(rows.assign(**scaled), picture.ax, order=picture.students)


def _attributions(picture: _Picture) -> Any:
    rows = picture.frame(
        "attribution_gaps", "name sensitive columns and the favourable class, with n_explained above 0"
    )
    rows = picture.models(picture.chosen(rows, "attribute", "attribute"))
    rows = picture.chosen(rows[rows["subset"] == rows["subset"].iloc[0]], "group", "group")
    return plots.gap_parts(rows, picture.ax, order=picture.students)


def _beeswarm(picture: _Picture) -> Any:
    rows = picture.frame("attribution_cells", "measure Shapley values, with n_explained of some hundred rows")
    rows = picture.models(rows)
    subject = "teacher" if "teacher" in set(rows["subject"]) else str(rows["subject"].iloc[0])
    named = _Picture(picture.audit, picture.ax, {"student": subject} | picture.choice)
    rows = named.chosen(rows, "subject", "student")
    rows = rows[rows["subset"] == rows["subset"].iloc[0]]
    scale = str(rows["subset"].iloc[0])
    favorable = picture.audit.favorable
    of = "" if favorable is None or picture.audit.classes is None else f" of {picture.audit.names.of_class(favorable)}"
    return plots.swarm(rows, picture.ax, unit=("log-odds" if scale == "logit" else scale) + of)


def _query_curve(picture: _Picture) -> Any:
    rows = picture.frame("query_curve", "pass query_curve=xd.query_curve(...)")
    metric = str(rows["metric"].iloc[0])
    return plots.query_curve(rows, picture.ax, unit="share" if metric == "agreement" else "number", name=metric)


def _unit(audit: Any) -> str:
    """What one number of an answer is."""
    if audit.classes is None:
        return "value"
    return f"probability of {audit.classes[1] if audit.favorable is None else audit.favorable}"


PICTURES: dict[str, Callable[[_Picture], Any]] = {
    "agreement": _agreement,
    "answers": _answers,
    "attributions": _attributions,
    "beeswarm": _beeswarm,
    "calibration": _calibration,
    "confusion": _confusion,
    "densities": _densities,
    "dependence": _dependence,
    "frontier": _frontier,
    "gaps": _gaps,
    "importance": _importance,
    "query_curve": _query_curve,
    "rates": _rates,
    "roc": _roc,
}
"""By name; ``Audit.plot`` says what each shows."""
CHOICES = ("student", "feature", "attribute", "group", "metric")


def plot(self: Any, name: str, ax: Any = None, **choice: Any) -> Any:
    """Draw one picture of the page, from frames alone: no person is in it.

    Parameters
    ----------
    name : str
        ``"frontier"`` fidelity against size; ``"agreement"`` agreement by group; ``"calibration"`` what was said
        against what came true; ``"roc"``; ``"rates"`` by group; ``"gaps"`` from the teacher's to the students';
        ``"answers"`` counts of rows by the answers of teacher and student; ``"confusion"`` of their decisions;
        ``"densities"`` of scores by group; ``"dependence"`` curves along a column; ``"importance"`` side by side;
        ``"attributions"`` what a gap is made of; ``"beeswarm"`` how Shapley values are spread, from counts of rows;
        ``"query_curve"`` fidelity against questions.
    ax : matplotlib Axes, optional
        New ones of pyplot's when None.
    student, feature, attribute, group, metric : str, optional
        Of which student, column, sensitive attribute, group and figure, where a picture shows one; the first when left
        out (of densities and of the beeswarm the teacher, of columns that in which students differ most).

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InvalidInputError
        For a picture, or a choice, that there is none of; for one whose figures were not measured, with the way out.

    Examples
    --------
    >>> import explaindistill as xd
    >>> X = pd.DataFrame({"debt": [i / 300 for i in range(300)], "sex": ["f", "m"] * 150})
    >>> P = pd.DataFrame({"no": X["debt"] ** 2, "yes": 1 - X["debt"] ** 2})
    >>> tree = xd.TreeClassifier(max_leaf_nodes=4).fit(X, P)
    >>> report = xd.audit((X, P), {"tree": tree}, X, sensitive=["sex"], favorable="yes", n_explained=0)
    >>> report.plot("confusion").get_xlabel()
    'tree decides'
    >>> report.plot("roc")
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidInputError: the audit has no figures for this picture; pass true labels, y, of two ...
    """
    if name not in PICTURES:
        raise InvalidInputError(f"name must be one of {', '.join(PICTURES)}, got {name!r}")
    if unknown := sorted(set(choice) - set(CHOICES)):
        raise InvalidInputError(f"plot knows the choices {', '.join(CHOICES)}, got {unknown[0]}")
    return PICTURES[name](_Picture(self, ax, choice))
