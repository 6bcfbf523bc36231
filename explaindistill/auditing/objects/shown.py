"""Objects that the caller named, each with what counted for every student's answer, for the page alone."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from explaindistill.errors import InvalidInputError

if TYPE_CHECKING:
    from explaindistill.auditing.inputs import AuditInput

__all__ = ["ShownObject", "as_html", "labels_to_show", "shown_objects"]

DPI = 96


@dataclass(frozen=True)
class ShownObject:
    """One object as a student saw it.

    Attributes
    ----------
    label : object
        Of its row.
    student : str
    answers : mapping of str to str
        What the teacher and the student say, in words, by their names.
    html : str
        What the domain shows.

    Examples
    --------
    >>> ShownObject(3, "sum", {"teacher": "pos 0.93"}, "<p>so good</p>").label
    3
    """

    label: Any
    student: str
    answers: Mapping[str, str]
    html: str


def labels_to_show(show: Iterable[Any], X: pd.DataFrame | None) -> list[Any]:
    """The labels, once all of them name rows.

    Raises
    ------
    InvalidInputError
        If there are no objects, or one of the labels is none of their rows.

    Examples
    --------
    >>> labels_to_show([0], pd.DataFrame({"object": ["a"]}))
    [0]
    """
    if isinstance(show, str | bytes) or not isinstance(show, Iterable):
        raise InvalidInputError(f"show must be a list of labels of rows of X, such as [3, 17], got {show!r}")
    labels = list(dict.fromkeys(show))
    if labels and X is None:
        raise InvalidInputError("show needs students with domain=; of rows of a table nothing is shown in a report")
    if X is not None and (absent := [label for label in labels if label not in X.index]):
        raise InvalidInputError(
            f"show names {absent[0]!r}, which is no label of a row of X; labels are those of its index, or places from "
            f"0 to {len(X) - 1} where it has none"
        )
    return labels


def shown_objects(inputs: AuditInput, labels: list[Any]) -> tuple[ShownObject, ...]:
    """Each named object with the reasons of every student; those that fitting saw are left out, as everywhere."""
    objects = inputs.objects
    if objects is None:
        return ()
    out = []
    for label in labels:
        for place in np.flatnonzero(objects.frame.index == label):
            row = objects.frame.iloc[[place]]
            value = objects.rows.objects(row)[0]
            for s in inputs.students:
                columns = s.distiller.view_.features if s.distiller is not None else None
                assert columns is not None  # every student is a Distiller of the domain
                reasons = s.inner.explain(columns.transform(row), as_frame=True)
                answers = {m.name: _words(inputs, m.P[place]) for m in (inputs.teacher, s)}
                shown = objects.rows.domain.show(value, columns.columns_, reasons)
                out.append(ShownObject(label, s.name, answers, as_html(shown)))
    return tuple(out)


def _words(inputs: AuditInput, answer: Any) -> str:
    """The most probable class with its probability, or the value."""
    if inputs.rule.classes is None:
        return ", ".join(f"{v:.4g}" for v in np.atleast_1d(answer))
    k = int(np.argmax(answer))
    return f"{inputs.rule.classes[k]} {answer[k]:.2f}"


def as_html(shown: Any) -> str:
    """What a domain shows as HTML: text as it is, drawings of matplotlib as a picture inside of it.

    Examples
    --------
    >>> as_html("<p>so good</p>")
    '<p>so good</p>'
    """
    if isinstance(shown, str):
        return str(shown)
    if hasattr(shown, "_repr_html_"):
        return str(shown._repr_html_())
    figure = getattr(np.ravel(shown)[0] if isinstance(shown, np.ndarray | list | tuple) else shown, "figure", shown)
    if not hasattr(figure, "savefig"):
        return f"<pre>{escape(str(shown))}</pre>"
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, bbox_inches="tight", metadata={"Software": None})
    picture = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="The object, with what counted for the answer" src="data:image/png;base64,{picture}">'
