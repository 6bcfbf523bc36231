"""Texts: the teacher's lexicon, words, phrases, length and form; samplers, edits, and texts with marked words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explaindistill import plugins

if TYPE_CHECKING:
    from explaindistill.domains.text.domain import TextDomain
    from explaindistill.domains.text.label_scores import LabelScores

__all__ = ["LabelScores", "TextDomain"]

__getattr__ = plugins.lazy(__name__, {"LabelScores": "label_scores", "TextDomain": "domain"})
