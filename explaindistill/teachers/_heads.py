"""Which output of a module is the answer: networks give a tensor, a tuple, a mapping or an object of several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from explaindistill.errors import InvalidInputError, TeacherError

__all__ = ["check_head", "one_output"]

LOGITS = "logits"
"""The name under which transformers and many others give the answer beside losses and hidden states."""


def check_head(head: int | str | None) -> int | str | None:
    """The place or name of an output as the caller gave it.

    Raises
    ------
    InvalidInputError
        If it is neither a whole number, nor text, nor None.
    """
    if head is None or isinstance(head, str) or (isinstance(head, int) and not isinstance(head, bool)):
        return head
    raise InvalidInputError(f"head must be a place, a name or None, got {head!r} ({type(head).__name__})")


def one_output(raw: Any, head: int | str | None, is_tensor: type, who: str) -> Any:
    """The one tensor among the outputs that is the answer.

    Parameters
    ----------
    raw : object
        What the module gave.
    head : int, str or None
        Place in a tuple or list, key of a mapping, or attribute. When None: the tensor itself, else what is named
        ``logits``, else the only tensor there is.
    is_tensor : type
        The class of a tensor.
    who : str
        The teacher's name, for the message.

    Raises
    ------
    TeacherError
        If there is no such output, or several may be meant.

    Examples
    --------
    >>> one_output((1.0, "state"), None, float, "net"), one_output({"y": 1.0, "z": 2.0}, "z", float, "net")
    (1.0, 2.0)
    >>> one_output((1.0, 2.0), None, float, "net")
    Traceback (most recent call last):
    explaindistill.errors.TeacherError: net answered 2 tensors (0, 1); say which is the answer: head=0
    """
    if head is None and isinstance(raw, is_tensor):
        return raw
    outputs = _outputs(raw)
    if head is not None:
        outputs = outputs or {
            name: getattr(raw, name) for name in (head,) if isinstance(name, str) and hasattr(raw, name)
        }
        if isinstance(head, int) and head < 0:
            head += len(outputs)
        if not isinstance(outputs.get(head), is_tensor):
            got = "a tensor alone" if isinstance(raw, is_tensor) else f"a {type(raw).__name__}{_listed(outputs)}"
            raise TeacherError(f"{who} answered {got}; there is no tensor at head={head!r}")
        return outputs[head]
    tensors = {name: value for name, value in outputs.items() if isinstance(value, is_tensor)}
    if LOGITS in tensors:
        return tensors[LOGITS]
    if isinstance(logits := getattr(raw, LOGITS, None), is_tensor):
        return logits
    if len(tensors) == 1:
        return next(iter(tensors.values()))
    if not tensors:
        raise TeacherError(
            f"{who} answered a {type(raw).__name__}; it must give a tensor, or a tuple, mapping or object with one"
        )
    raise TeacherError(
        f"{who} answered {len(tensors)} tensors{_listed(tensors)}; say which is the answer: "
        f"head={next(iter(tensors))!r}"
    )


def _outputs(raw: Any) -> dict[int | str, Any]:
    """Outputs by place or name; those of a named tuple by name."""
    if isinstance(raw, Mapping):
        return {str(name): value for name, value in raw.items()}
    if isinstance(raw, tuple) and hasattr(raw, "_asdict"):
        return dict(raw._asdict())
    return dict(enumerate(raw)) if isinstance(raw, tuple | list) else {}


def _listed(outputs: Mapping[int | str, Any]) -> str:
    return f" ({', '.join(map(str, list(outputs)[:8]))})" if outputs else ""
