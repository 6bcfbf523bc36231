"""The opening of an audit as a value: sentences made of words, each figure with the cell of the frame it came from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

__all__ = ["TOPICS", "Opening", "Origin", "Sentence", "Topic", "Word"]

Topic: TypeAlias = Literal["what", "stand_in", "bias", "inputs", "warnings", "next"]
TOPICS: tuple[Topic, ...] = ("what", "stand_in", "bias", "inputs", "warnings", "next")
"""In the order in which they are read."""


class Origin(NamedTuple):
    """The cell of an audit that a word was read from.

    Attributes
    ----------
    frame : str
        Name of a frame of the audit; ``"manifest"``, ``"about"``, ``"notes"`` or ``"audit"`` for what is no frame.
    row : int
        Position of the line in the frame (``frames[frame].iloc[row]``), or in the notes; 0 elsewhere.
    column : str
        Name of the column, or the key of the manifest, or the field of the record.

    Examples
    --------
    >>> Origin("fidelity", 0, "estimate").frame
    'fidelity'
    """

    frame: str
    row: int
    column: str


@dataclass(frozen=True)
class Word:
    """A piece of a sentence, as it is read; the pieces of a sentence are joined without anything between them.

    Attributes
    ----------
    text : str
        Not yet escaped: a name may hold anything that a user's column or class is called.
    kind : str
        What the piece is: ``""`` plain words; ``"figure"`` and ``"interval"`` numbers; ``"count"`` of rows;
        ``"student"``, ``"teacher"``, ``"column"``, ``"group"``, ``"class"`` names; ``"verdict"`` a word that claims
        something; ``"code"`` what is typed.
    origins : tuple of Origin
        The cells that it was made of: none for plain words, one for a figure, two for an interval or a difference.
    value : float, optional
        Of a figure the number behind the text, not rounded.

    Examples
    --------
    >>> Word("95.2 %", "figure", (Origin("fidelity", 0, "estimate"),), 0.952).value
    0.952
    """

    text: str
    kind: str = ""
    origins: tuple[Origin, ...] = ()
    value: float | None = None


@dataclass(frozen=True)
class Sentence:
    """One statement.

    Attributes
    ----------
    topic : str
        Which question it answers; one of `TOPICS`.
    words : tuple of Word
    link : str
        Name of the frame that holds the evidence; empty where there is none to look at.
    verdict : str
        ``"pass"``, ``"fail"``, ``"inconclusive"`` or ``"cannot say"`` where a requirement of the caller is judged, and
        ``"cannot say"`` where something could not be told; else empty.

    Examples
    --------
    >>> Sentence("stand_in", (Word("gam", "student"), Word(" meets it."))).text
    'gam meets it.'
    """

    topic: Topic
    words: tuple[Word, ...]
    link: str = ""
    verdict: str = ""

    @property
    def text(self) -> str:
        """The whole statement."""
        return "".join(word.text for word in self.words)


@dataclass(frozen=True)
class Opening:
    """What a reader learns first: a title, and sentences by topic.

    Attributes
    ----------
    title : str
    sentences : tuple of Sentence
        In reading order.
    questions : tuple of pair (topic, question)
        The question over the sentences of each topic; empty over the first.

    Examples
    --------
    >>> one = Sentence("bias", (Word("Cannot say."),), verdict="cannot say")
    >>> opening = Opening("Audit of gam", (one,), (("bias", "Is there bias, and did it pass on?"),))
    >>> [(topic, question, len(sentences)) for topic, question, sentences in opening.parts()]
    [('bias', 'Is there bias, and did it pass on?', 1)]
    """

    title: str
    sentences: tuple[Sentence, ...]
    questions: tuple[tuple[Topic, str], ...] = ()

    def of(self, topic: Topic) -> tuple[Sentence, ...]:
        """Sentences of one topic."""
        return tuple(sentence for sentence in self.sentences if sentence.topic == topic)

    def parts(self) -> Iterator[tuple[Topic, str, tuple[Sentence, ...]]]:
        """Topic, question and sentences, in reading order; topics without sentences are left out."""
        questions = dict(self.questions)
        for topic in TOPICS:
            if sentences := self.of(topic):
                yield topic, questions.get(topic, ""), sentences
