"""One image with what counted for a student's answer: where, by how much, and which typical images it is close to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill import plugins
from explaindistill.domains._contributions import Contributions
from explaindistill.domains._pictures import figure_html, in_words
from explaindistill.domains.image.columns import ImageColumns

__all__ = ["ShownImage", "contribution_map", "draw_image", "show_image"]


class ShownImage(str):
    """HTML of an image with what counted, which a notebook shows.

    Attributes
    ----------
    answer : object
        What the student says of it.
    axes : list of matplotlib Axes
        The same drawing, to be changed or saved.

    Examples
    --------
    >>> ShownImage("<p>a picture</p>", "seven", [])
    ShownImage(answer: seven)
    """

    answer: Any
    axes: list[Any]

    def __new__(cls, html: str, answer: Any, axes: list[Any]) -> ShownImage:
        """HTML with the drawing beside it."""
        shown = super().__new__(cls, html)
        shown.answer, shown.axes = answer, axes
        return shown

    def __getnewargs__(self) -> tuple[Any, ...]:
        return str(self), self.answer, self.axes

    def __repr__(self) -> str:
        return f"ShownImage(answer: {self.answer})"

    def _repr_html_(self) -> str:
        return str(self)


def show_image(image: Any, columns: ImageColumns, reasons: pd.DataFrame) -> ShownImage:
    """The drawing as HTML, with its words for those who cannot see it."""
    ax = draw_image(image, columns, reasons)
    counted = Contributions.of(reasons)
    html = figure_html(ax.figure, "Image, where it counted, and typical images", in_words(counted))
    return ShownImage(html, counted.answer, list(ax.figure.axes))


def contribution_map(image: Any, columns: ImageColumns, reasons: pd.DataFrame) -> tuple[NDArray[np.float64], pd.Series]:
    """Contributions by place ``(gh, gw)``, and those of columns that are about the image as a whole.

    Both together sum to all contributions to the answer. What a typical image counts is shared out by how much nearer
    to it than usual the image is at each place.
    """
    counted = Contributions.of(reasons).by_column
    names = set(columns.get_feature_names_out())
    places = np.zeros(columns.read(_single(image)).grid.shape)
    whole = {}
    for name, contribution in counted.items():
        weights = columns.weights(image, str(name)) if name in names else None
        if weights is None:
            whole[name] = contribution
        else:
            places += contribution * weights
    return places, pd.Series(whole, dtype=float)


def draw_image(image: Any, columns: ImageColumns, reasons: pd.DataFrame) -> Any:
    """Axes of the image; its figure holds the contributions by place and by column, and two typical images.

    Returns
    -------
    matplotlib.axes.Axes
    """
    counted = Contributions.of(reasons)
    places, _ = contribution_map(image, columns, reasons)
    levels = columns.read(_single(image)).levels[0]
    return plugins.door("plots").image_reasons(
        levels, places, counted.by_column, counted.answer, _nearest(image, columns)
    )


def _single(image: Any) -> NDArray[np.object_]:
    single = np.empty(1, dtype=object)
    single[0] = np.asarray(image)
    return single


def _nearest(image: Any, columns: ImageColumns) -> list[tuple[str, str, NDArray[np.float64]]]:
    """The nearest typical image, and the nearest of another class."""
    if not columns.prototype_names_:
        return []
    small = columns.read(_single(image)).small[0]
    order = np.argsort(((columns.prototypes_ - small) ** 2).mean(axis=(1, 2, 3)), kind="stable").tolist()
    groups = columns.prototype_groups_
    others = [j for j in order if groups[j] != groups[order[0]]]
    pairs = zip(("closer to this", "than to that"), [order[0], *others[:1]], strict=False)
    return [
        (words, columns.prototype_names_[j].removeprefix("unlike a "), columns.prototypes_[j]) for words, j in pairs
    ]
