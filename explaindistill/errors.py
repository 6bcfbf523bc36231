"""The errors this package raises; each message names the argument, the rule, the value and the way out."""

__all__ = [
    "BudgetError",
    "ExplainDistillError",
    "InvalidInputError",
    "MissingExtraError",
    "TeacherError",
    "UntrustedError",
]


class ExplainDistillError(Exception):
    """Root of every error that this package raises on purpose."""


class InvalidInputError(ExplainDistillError, ValueError):
    """An argument breaks a rule; a ``ValueError`` too, as scikit-learn expects."""


class TeacherError(ExplainDistillError, RuntimeError):
    """The teacher answered with something that is not an answer: wrong shape, NaN, or rows lost."""


class BudgetError(ExplainDistillError, RuntimeError):
    """The next question would exceed the number of questions that were allowed."""


class UntrustedError(ExplainDistillError, PermissionError):
    """Loading the file would run code from it, and nobody said that it may."""


class MissingExtraError(ExplainDistillError, ImportError):
    """An optional package is needed; the message gives the command that installs it."""

    @classmethod
    def of(cls, package: str, extra: str) -> "MissingExtraError":
        """Say which ``package`` is missing and which ``extra`` brings it."""
        return cls(f"{package} is not installed; run: pip install 'explaindistill[{extra}]'")
