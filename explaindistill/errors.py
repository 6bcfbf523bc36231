"""The errors this package raises; each message names the argument, the rule, the value and the way out."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches

__all__ = [
    "BudgetError",
    "ExplainDistillError",
    "InvalidInputError",
    "InvalidTypeError",
    "MissingExtraError",
    "PrivacyLossWarning",
    "TeacherError",
    "UntrustedError",
    "damage_named",
    "did_you_mean",
]


class ExplainDistillError(Exception):
    """Root of every error that this package raises on purpose.

    Examples
    --------
    >>> from explaindistill import plugins
    >>> try:
    ...     plugins.load("students", "oak")
    ... except ExplainDistillError as error:
    ...     print(error)
    students has no 'oak'; there are: gam, linear, model_tree, rules, scorecard, tree
    """


class InvalidInputError(ExplainDistillError, ValueError):
    """An argument breaks a rule; a ``ValueError`` too, as scikit-learn expects.

    Examples
    --------
    >>> import explaindistill as xd
    >>> xd.TreeClassifier(max_leaf_nodes=0).fit([[0], [1]], [0, 1])
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidInputError: max_leaf_nodes must be a whole number of at least 2 or None, got 0
    >>> issubclass(InvalidInputError, ValueError)
    True
    """


class InvalidTypeError(InvalidInputError, TypeError):
    """An argument is of a class that nobody can read; a ``TypeError`` too, as scikit-learn expects.

    Examples
    --------
    >>> import explaindistill as xd
    >>> xd.TreeClassifier().fit([[{"a": 1}], [{"a": 2}]], [0, 1])
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidTypeError: column 'x0' holds a dict; every argument must be a string or a number, ...
    """


class TeacherError(ExplainDistillError, RuntimeError):
    """The teacher answered with something that is not an answer: wrong shape, NaN, or rows lost.

    Examples
    --------
    >>> from explaindistill.teachers.callable import CallableTeacher
    >>> CallableTeacher(lambda X: [float("nan")] * len(X)).predict([[1.0], [2.0]])
    Traceback (most recent call last):
        ...
    explaindistill.errors.TeacherError: <lambda> answered NaN or infinity for 2 of 2 rows, the first is row 0
    """


class BudgetError(ExplainDistillError, RuntimeError):
    """The next question would exceed the number of questions that were allowed.

    Examples
    --------
    >>> from explaindistill.asking.budget import Budget
    >>> Budget(3).spend(4)
    Traceback (most recent call last):
        ...
    explaindistill.errors.BudgetError: the next 4 rows would exceed the budget: 0 of 3 rows are spent; ...
    """


class UntrustedError(ExplainDistillError, PermissionError):
    """Loading the file would run code from it, and nobody said that it may.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from explaindistill.teachers import load_teacher
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (path := Path(folder) / "model.pkl").write_bytes(b"")
    ...     load_teacher(path)
    Traceback (most recent call last):
        ...
    explaindistill.errors.UntrustedError: loading '...model.pkl' would run code from it; give --trust ...
    """


class MissingExtraError(ExplainDistillError, ImportError):
    """An optional package is needed; the message gives the command that installs it.

    Examples
    --------
    >>> raise MissingExtraError.of("torch", "torch")
    Traceback (most recent call last):
        ...
    explaindistill.errors.MissingExtraError: torch is not installed; run: pip install 'explaindistill[torch]'
    """

    @classmethod
    def of(cls, package: str, extra: str) -> "MissingExtraError":
        """Say which ``package`` is missing and which ``extra`` brings it."""
        return cls(f"{package} is not installed; run: pip install 'explaindistill[{extra}]'")


class PrivacyLossWarning(UserWarning):
    """Questions are about to be asked that cost privacy, where nobody asked for a fit or an audit.

    Examples
    --------
    >>> issubclass(PrivacyLossWarning, UserWarning)
    True
    """


def did_you_mean(word: object, names: Iterable[object]) -> str:
    """The nearest of some names, as a message goes on with it; nothing where none is near.

    Of names that are equally near the one of the same letters is meant: two keys were struck in the wrong order.

    Examples
    --------
    >>> did_you_mean("agreemnt", ["agreement", "r2"]), did_you_mean("TREE", ["tree"]), did_you_mean("x", ["tree"])
    ("; did you mean 'agreement'?", "; did you mean 'tree'?", '')
    >>> did_you_mean("daat", ["date", "data"])
    "; did you mean 'data'?"
    """
    by_word = {str(name).casefold(): str(name) for name in names}
    typed = str(word).strip().casefold()
    near = get_close_matches(typed, list(by_word))
    if not near:
        return ""
    same_letters = [name for name in near if sorted(name) == sorted(typed)]
    return f"; did you mean {by_word[(same_letters or near)[0]]!r}?"


@contextmanager
def damage_named(what: str) -> Iterator[None]:
    """Say in one sentence that a form is damaged, whatever reading it raises; own errors pass.

    Examples
    --------
    >>> with damage_named("the form"):
    ...     {}["nodes"]
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidInputError: the form is damaged: KeyError: 'nodes'
    """
    try:
        yield
    except ExplainDistillError:
        raise
    except Exception as error:  # a form from outside can make any line of a reader fail
        words = " ".join(str(error).split())[:200]
        raise InvalidInputError(f"{what} is damaged: {type(error).__name__}: {words}") from error
