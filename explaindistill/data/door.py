"""The door of every estimator: rows in any container, with the columns that it was fitted to."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sklearn.utils.validation import validate_data

from explaindistill.data.rows import as_frame, container_of
from explaindistill.errors import InvalidInputError

__all__ = ["opened"]


def opened(estimator: Any, X: Any, reset: bool) -> pd.DataFrame:
    """Rows as a DataFrame, after scikit-learn's check of the names and the number of columns.

    Names of any frame count, whatever they are: whole numbers are names too, so that columns in another order, or other
    columns, are refused as they are for names that are text.

    Parameters
    ----------
    estimator : estimator
        Gets ``n_features_in_``, and ``feature_names_in_`` where the rows have names.
    X : rows
    reset : bool
        Whether the columns are learnt (``fit``) or compared.

    Raises
    ------
    InvalidInputError
        For rows that are none, or of other columns than those of ``fit``.

    Examples
    --------
    >>> from sklearn.base import BaseEstimator
    >>> estimator, X = BaseEstimator(), pd.DataFrame([[1.0, 2.0]])
    >>> opened(estimator, X, reset=True).columns.tolist(), estimator.feature_names_in_.tolist()
    (['0', '1'], ['0', '1'])
    >>> opened(estimator, X[[1, 0]], reset=False)
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidInputError: The feature names should match those that were passed during fit. ...
    """
    frame = as_frame(X)
    try:
        validate_data(estimator, X if container_of(X) == "array" else frame, reset=reset, skip_check_array=True)
    except (ValueError, TypeError) as error:
        raise InvalidInputError(f"{str(error).strip()}; give X the columns of fit, in their order") from error
    return frame
