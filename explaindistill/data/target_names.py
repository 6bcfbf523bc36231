"""What a target is called in texts: classes that are numbers say of what, values say what they are, with their unit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["class_name", "target_name", "value_name"]


def target_name(y: Any, columns: Iterable[Any] = ()) -> str | None:
    """Name that labels or values bear: of a Series, or of the columns of a frame of soft labels.

    The name of one of ``columns``, the inputs, is none: a Series that was worked out from a column bears its name.

    Examples
    --------
    >>> target_name(pd.Series([1, 0], name="default")), target_name([1, 0])
    ('default', None)
    >>> target_name(pd.DataFrame({0: [0.1], 1: [0.9]}).rename_axis(columns="default"))
    'default'
    >>> X = pd.DataFrame({"income": [10.0, 20.0]})
    >>> print(target_name(2 * X["income"], X.columns))
    None
    """
    name = y.columns.name if isinstance(y, pd.DataFrame) else getattr(y, "name", None)
    return name if isinstance(name, str) and name.strip() and name not in columns else None


def class_name(label: Any, target: str | None) -> str:
    """A class as a text names it: a number or a flag says nothing alone, and is said to be one of the target.

    Examples
    --------
    >>> class_name(1, "default"), class_name("declined", "decision"), class_name(1, None)
    ('default 1', 'declined', '1')
    """
    says_nothing = isinstance(label, bool | int | float | np.bool_ | np.number)
    return f"{target} {label}" if target and says_nothing else str(label)


def value_name(target: str | None, k: int = 0, n: int = 1, unnamed: str = "value") -> str:
    """Value k of n as a text names it.

    Examples
    --------
    >>> value_name("price in €"), value_name(None), value_name(None, 1, 3), value_name("size in cm", 1, 3)
    ('price in €', 'value', 'value 1', 'size in cm [1]')
    """
    if n == 1:
        return target or unnamed
    return f"{target} [{k}]" if target else f"{unnamed} {k}"
