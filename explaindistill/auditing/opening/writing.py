"""The opening of an audit, written from its frames: what was audited, what came of it, and what to do next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from explaindistill.auditing.failures import cause_of, is_strict
from explaindistill.auditing.opening.audited import Audited
from explaindistill.auditing.opening.bias import is_there_bias
from explaindistill.auditing.opening.carrying import which_inputs_carry
from explaindistill.auditing.opening.evidence import says
from explaindistill.auditing.opening.next_steps import what_next
from explaindistill.auditing.opening.sentences import Opening, Sentence, Topic
from explaindistill.auditing.opening.stand_in import can_stand_in
from explaindistill.auditing.opening.warnings import what_to_be_warned_of
from explaindistill.auditing.opening.what import what_was_audited

__all__ = ["write_opening"]

WRITERS: tuple[tuple[Topic, str, Callable[[Audited], Iterable[Sentence]]], ...] = (
    ("what", "", what_was_audited),
    ("stand_in", "Can a simple model stand in for it?", can_stand_in),
    ("bias", "Is there bias, and did it pass on?", is_there_bias),
    ("inputs", "Which inputs carry it?", which_inputs_carry),
    ("warnings", "What to be warned of", what_to_be_warned_of),
    ("next", "What next?", what_next),
)


def write_opening(audit: Audited) -> Opening:
    """Sentences of all topics, from the frames alone; what fails to be written is a sentence that says so.

    Parameters
    ----------
    audit : Audit

    Returns
    -------
    Opening
    """
    title = audit.about.title or f"Audit of {', '.join(map(str, audit.students))} against {audit.teacher_name}"
    sentences = tuple(sentence for topic, _, write in WRITERS for sentence in _written(audit, topic, write))
    return Opening(title, sentences, tuple((topic, question) for topic, question, _ in WRITERS))


def _written(audit: Audited, topic: Topic, write: Callable[[Audited], Iterable[Sentence]]) -> Iterator[Sentence]:
    try:
        yield from list(write(audit))
    except MemoryError:
        raise
    except Exception as error:  # whatever a frame holds: the other topics are written
        if is_strict():
            raise
        yield says(topic, f"Cannot say: this could not be written. {cause_of(error)}", verdict="cannot say")
