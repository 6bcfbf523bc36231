"""Gates: one policy, one function behind Python, the command line and pytest."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from explaindistill.auditing.stored import frames_of
from explaindistill.errors import InvalidInputError, damage_named, did_you_mean
from explaindistill.measures.dependent_rows import dependence_warnings
from explaindistill.measures.verdicts import SEVERITY, check, marked

__all__ = ["EXIT_CODES", "GateResult", "Policy", "gate"]

EXIT_CODES = {"pass": 0, "fail": 1, "inconclusive": 3}
"""What a process answers; 2 is left to usage errors."""

KEYS = frozenset({"rules", "inconclusive", "cannot_say"})

OPEN = ("inconclusive", "cannot say")
"""Verdicts of a check that is not decided: the policy says what they count as."""


@dataclass(frozen=True)
class Policy:
    """Rules, and what becomes of those that cannot be decided.

    Attributes
    ----------
    rules : mapping of key to rule
        As in :func:`explaindistill.measures.verdicts.check`.
    open_as : mapping
        ``"inconclusive"`` and ``"cannot say"``, each ``"pass"``, ``"fail"`` or ``"inconclusive"``.

    Examples
    --------
    >>> Policy.parse('inconclusive = "fail"' + chr(10) + '[rules]' + chr(10) + '"fidelity.agreement" = ">= 0.9"').rules
    {'fidelity.agreement': '>= 0.9'}
    """

    rules: Mapping[str, str]
    open_as: Mapping[str, str] = field(default_factory=lambda: dict.fromkeys(OPEN, "inconclusive"))

    @classmethod
    def parse(cls, text: str) -> Policy:
        """Read a policy from TOML text: a table ``[rules]``, and ``inconclusive`` and ``cannot_say`` above it.

        Raises
        ------
        InvalidInputError
            If it is not TOML, has no rules, or has a key or an answer that is not known.
        """
        try:
            data = tomllib.loads(text)
        except (ValueError, RecursionError) as error:  # TOMLDecodeError, and what it lets through
            raise InvalidInputError(f"the policy is not TOML: {error}") from error
        if unknown := sorted(set(data) - KEYS):
            near = did_you_mean(unknown[0], KEYS)
            raise InvalidInputError(
                f"a policy has [rules], inconclusive and cannot_say; got also {', '.join(unknown)}{near}"
            )
        rules = _flat(data.get("rules", {}))
        if not rules:
            raise InvalidInputError('the policy has no rules; write: [rules] and "fidelity.agreement" = ">= 0.95"')
        open_as = {word: data.get(word.replace(" ", "_"), "inconclusive") for word in OPEN}
        for word, answer in open_as.items():
            if answer not in EXIT_CODES:
                key = word.replace(" ", "_")
                near = did_you_mean(answer, EXIT_CODES)
                raise InvalidInputError(f"{key} must be one of {', '.join(EXIT_CODES)}, got {answer!r}{near}")
        return cls(rules, open_as)

    @classmethod
    def load(cls, path: str | Path) -> Policy:
        """Read a policy from a TOML file."""
        try:
            return cls.parse(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise InvalidInputError(f"{Path(path).name} could not be read: {error.strerror or error}") from error
        except UnicodeDecodeError as error:
            raise InvalidInputError(f"{Path(path).name} is not UTF-8 text: {error}") from error


def _flat(rules: Any, before: str = "") -> dict[str, str]:
    """Rules as written ``"fidelity.agreement"`` or as nested tables ``[rules.fidelity] agreement``."""
    if not isinstance(rules, Mapping):
        raise InvalidInputError(f"rules must be a table of texts, got {rules!r}")
    texts: dict[str, str] = {}
    for key, value in rules.items():
        if isinstance(value, Mapping):
            texts |= _flat(value, f"{before}{key}.")
        elif isinstance(value, str):
            texts[before + key] = value
        else:
            raise InvalidInputError(f"the rule of {before}{key} must be a text such as '>= 0.9', got {value!r}")
    return texts


@dataclass(frozen=True)
class GateResult:
    """The answer of a gate: ``verdict`` of all, one line per check in ``frame``, and the words in ``str()``.

    ``warnings`` say where rows do not look independent, so that verdicts may be too sure.

    Examples
    --------
    >>> columns = ["metric", "subject", "subset", "n", "estimate", "low", "high", "status", "reason"]
    >>> frame = {"columns": columns, "rows": [["agreement", "tree", "", 900, 0.85, 0.83, 0.87, "ok", ""]]}
    >>> stored = {"format": "explaindistill-audit", "version": 1, "frames": {"fidelity": frame}}
    >>> answer = gate(stored, {"fidelity.agreement": ">= 0.9"})
    >>> answer.verdict, answer.exit_code
    ('fail', 1)
    >>> print(answer)
    FAIL: fidelity.agreement >= 0.9: tree: 0.85 [0.83, 0.87] n=900
    fail: 1 fail
    """

    verdict: str
    frame: pd.DataFrame
    policy: Policy
    warnings: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 pass, 1 fail, 3 inconclusive."""
        return EXIT_CODES[self.verdict]

    def __str__(self) -> str:
        """What to be warned of, every check that did not pass with its reason, then the counts."""
        lines = [f"WARNING: {warning}" for warning in self.warnings]
        lines += [_line(row) for row in self.frame.to_dict("records") if row["verdict"] != "pass"]
        counts = self.frame["verdict"].value_counts()
        tallied = ", ".join(f"{counts[v]} {v}" for v in SEVERITY if v in counts)
        return "\n".join([*lines, f"{self.verdict}: {tallied}"])


def _line(row: Mapping[str, Any]) -> str:
    where = " ".join(str(row[key]) for key in ("subject", "attribute", "group") if row[key])
    measured = f"{row['estimate']:.4g} [{row['low']:.4g}, {row['high']:.4g}] n={row['n']}" if row["n"] else ""
    return ": ".join(filter(None, (marked(str(row["verdict"])), str(row["rule"]), where, measured, str(row["reason"]))))


def gate(audit: Any, policy: Policy | Mapping[str, str] | str | Path) -> GateResult:
    """Hold an audit against a policy.

    Parameters
    ----------
    audit : Audit, path of a JSON file, or its contents
    policy : Policy, mapping of rules, or path of a TOML file

    Returns
    -------
    GateResult
        ``fail`` if any check fails; else ``inconclusive`` if any could not be decided and the policy does not say what
        that counts as; else ``pass``.

    Examples
    --------
    >>> frame = {"columns": ["metric", "subject", "subset", "n", "estimate", "low", "high", "status", "reason"],
    ...          "rows": [["agreement", "tree", "", 900, 0.93, 0.91, 0.95, "ok", ""]]}
    >>> stored = {"format": "explaindistill-audit", "version": 1, "frames": {"fidelity": frame}}
    >>> print(gate(stored, {"fidelity.agreement": ">= 0.9"}))
    pass: 1 pass
    >>> gate(stored, {"fidelity.agreement": ">= 0.94"}).exit_code
    3
    """
    if isinstance(policy, (str, Path)):
        policy = Policy.load(policy)
    elif isinstance(policy, Mapping):
        policy = Policy(policy)
    frames = frames_of(audit)
    if hasattr(audit, "frames"):
        frame = check(frames, policy.rules)
    else:
        with damage_named("the audit"):  # columns of a file may be missing, or hold something else
            frame = check(frames, policy.rules)
    counted = {policy.open_as.get(verdict, verdict) for verdict in frame["verdict"]}
    verdict = next((v for v in ("fail", "inconclusive") if v in counted), "pass")
    return GateResult(verdict, frame, policy, tuple(dependence_warnings(frames.get("dependent_rows", pd.DataFrame()))))
