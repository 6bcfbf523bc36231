"""Answers that come as labels with scores, such as those of Hugging Face's pipelines, as a table by class."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from explaindistill.errors import TeacherError

__all__ = ["LabelScores"]

BOTH = 2


class LabelScores:
    """A function of texts whose answers are dicts of a label and a score, as a teacher that answers chances.

    Parameters
    ----------
    pipeline : callable
        Takes a list of str. It answers, for each text, either the best label, ``{"label": "pos", "score": 0.9}``, or a
        list of such dicts, one for each class (``top_k=None`` of Hugging Face's ``pipeline``).
    classes : sequence of str
        All labels. Of two, the best label is enough; the other one has the rest of the chance.
    **options
        Handed to each call: ``top_k=None, truncation=True``.

    Examples
    --------
    >>> best = lambda texts: [{"label": "pos" if "good" in text else "neg", "score": 0.9} for text in texts]
    >>> LabelScores(best, ["neg", "pos"])(["so good", "so bad"])
       neg  pos
    0  0.1  0.9
    1  0.9  0.1
    """

    def __init__(self, pipeline: Callable[..., Any], classes: Sequence[str], **options: Any) -> None:
        self.pipeline = pipeline
        self.classes = [str(label) for label in classes]
        self.options = options

    def __call__(self, texts: Sequence[str]) -> pd.DataFrame:
        """Chances ``(n, k)``, a column per class.

        Raises
        ------
        TeacherError
            If an answer holds another label, or not all of them where there are more than two.
        """
        answers = list(self.pipeline(list(texts), **self.options))
        if len(answers) != len(texts):
            raise TeacherError(f"the pipeline answered {len(answers):,} of {len(texts):,} texts")
        chances = np.array([self._row(answer) for answer in answers]).reshape(len(texts), len(self.classes))
        return pd.DataFrame(chances, columns=self.classes)

    def _row(self, answer: Any) -> list[float]:
        pairs = [answer] if isinstance(answer, Mapping) else list(answer)
        score = {str(pair["label"]): float(pair["score"]) for pair in pairs}
        if unknown := sorted(set(score) - set(self.classes)):
            raise TeacherError(
                f"the pipeline answered the label {unknown[0]!r}, classes are {', '.join(self.classes)}; give all "
                "labels as classes"
            )
        if len(score) == 1 and len(self.classes) == BOTH:
            (label,) = score
            other = next(name for name in self.classes if name != label)
            score[other] = 1.0 - score[label]
        if missing := [name for name in self.classes if name not in score]:
            raise TeacherError(
                f"the pipeline answered no score of {missing[0]!r}; of more than two classes it must answer all: "
                "LabelScores(pipeline, classes, top_k=None)"
            )
        return [score[name] for name in self.classes]
