"""Three honest answers: pass, fail, inconclusive; and "cannot say" where there is nothing to judge.

A requirement is met where the whole confidence interval meets it. So it passes wrongly at most as often as the limit on
the side of its bound fails to hold: half of ``1 - level`` where the interval is two-sided and the bound is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from explaindistill.errors import InvalidInputError, did_you_mean
from explaindistill.measures.metric_names import METRIC_NAMES

__all__ = ["COLUMNS", "SEVERITY", "SIGNS", "Requirement", "check", "check_rules", "judge", "marked", "parse", "worst"]

COLUMNS = ("rule", "metric", "subject", "attribute", "group", "estimate", "low", "high", "n", "verdict", "reason")
FRAMES: Mapping[str, tuple[str, ...]] = {"bias": ("worst_pairs", "gaps", "rates")}
ALIASES = {"impact_ratio": "selection_rate_ratio", "worst_impact_ratio": "selection_rate_worst_ratio"}
ALIASES |= {"tpr": "true_positive_rate", "fpr": "false_positive_rate"}
ALIASES |= {"ppv": "positive_predictive_value", "npv": "negative_predictive_value"}
MOST_ROWS = 1e9
"""More rows than this nobody collects: the estimate lies on the bound."""
SEVERITY = ("fail", "inconclusive", "cannot say", "pass")
SIGNS = {"pass": "✓", "fail": "✗", "inconclusive": "?", "cannot say": "–"}
"""A sign beside the word, for who skims."""
SELECTORS = ("subject", "attribute", "group", "reference", "subset", "feature")
_KEY = re.compile(r"(?P<frame>\w+)\.(?P<metric>\w+)(?:\[(?P<where>.*)\])?")
_BOUND = re.compile(r"(?P<abs>abs\s+)?(?P<sign>>=|<=|>|<)\s*(?P<value>[-+]?[0-9.]+(?:[eE][-+]?\d+)?)")
_BETWEEN = re.compile(r"between\s+(?P<low>[-+]?[0-9.eE+-]+)\s+and\s+(?P<high>[-+]?[0-9.eE+-]+)")


@dataclass(frozen=True)
class Requirement:
    """The values that are allowed: an interval, with its ends or without them.

    Examples
    --------
    >>> rule = parse(">= 0.8")
    >>> rule.inside(0.81, 0.95), rule.outside(0.6, 0.79), rule.inside(0.7, 0.9), rule.outside(0.7, 0.9)
    (True, True, False, False)
    """

    low: float
    high: float
    closed: bool
    text: str

    def inside(self, low: float, high: float) -> bool:
        """Whether all of an interval is allowed."""
        return (self.low <= low and high <= self.high) if self.closed else (self.low < low and high < self.high)

    def outside(self, low: float, high: float) -> bool:
        """Whether none of an interval is allowed."""
        return (high < self.low or low > self.high) if self.closed else (high <= self.low or low >= self.high)


def parse(text: str) -> Requirement:
    """Read a rule: ``">= 0.95"``, ``"<= 0.1"``, ``"> 0"``, ``"< 1"``, ``"abs <= 0.05"``, ``"between 0.8 and 1.25"``.

    Raises
    ------
    InvalidInputError
        If it is none of these.

    Examples
    --------
    >>> parse("abs <= 0.05").low
    -0.05
    """
    clean = str(text).strip()
    try:
        if words := _BETWEEN.fullmatch(clean):
            rule = Requirement(float(words["low"]), float(words["high"]), True, clean)
        elif words := _BOUND.fullmatch(clean):
            rule = _bound(float(words["value"]), words["sign"], bool(words["abs"]), clean)
        else:
            raise ValueError
        if not rule.low <= rule.high:
            raise ValueError
    except ValueError:
        raise InvalidInputError(
            f"a rule must read like '>= 0.95', 'abs <= 0.05' or 'between 0.8 and 1.25', got {text!r}"
        ) from None
    return rule


def _bound(value: float, sign: str, absolute: bool, text: str) -> Requirement:
    """Half a line, or with ``abs`` the interval around 0; that an absolute value is large is no interval."""
    closed = sign.endswith("=")
    if not absolute:
        return Requirement(value, np.inf, closed, text) if sign[0] == ">" else Requirement(-np.inf, value, closed, text)
    if sign[0] == ">" or value < 0:
        raise ValueError
    return Requirement(-value, value, closed, text)


def judge(estimate: float, low: float, high: float, rule: str | Requirement, n: float | None = None) -> tuple[str, str]:
    """Hold one interval against one rule.

    Parameters
    ----------
    estimate, low, high : float
    rule : str or Requirement
    n : float, optional
        Rows behind the estimate; an inconclusive verdict then says about how many would decide.

    Returns
    -------
    verdict : "pass", "fail", "inconclusive" or "cannot say"
        Pass: the whole interval keeps the rule. Fail: the whole interval breaks it.
    reason : str

    Examples
    --------
    >>> judge(0.97, 0.96, 0.98, ">= 0.95")
    ('pass', '')
    >>> judge(0.75, 0.62, 0.91, ">= 0.8", n=100)
    ('inconclusive', 'the interval reaches both sides of >= 0.8; about 1,100 rows of this kind would decide')
    """
    allowed = parse(rule) if isinstance(rule, str) else rule
    if np.isnan(estimate):
        return "cannot say", "not defined"
    if np.isnan(low) or np.isnan(high):
        return "cannot say", "no interval"
    if allowed.inside(low, high):
        return "pass", ""
    if allowed.outside(low, high):
        return "fail", ""
    return (
        "inconclusive",
        f"the interval reaches both sides of {allowed.text}{_needed(estimate, low, high, allowed, n)}",
    )


def _needed(estimate: float, low: float, high: float, rule: Requirement, n: float | None) -> str:
    r"""How many rows would decide if the estimate stayed: half-widths shrink with the root of n.

    With d the distance from the estimate to the nearest bound and h the half-width on that side,
    :math:`n (h / d)^2`, rounded up to two digits. Nothing where that is more than can be had.
    """
    bounds = [b for b in (rule.low, rule.high) if np.isfinite(b)]
    distance = min((abs(estimate - b) for b in bounds), default=0.0)
    near = min(bounds, key=lambda b: abs(estimate - b))
    half = (high - estimate) if estimate < near else (estimate - low)
    if n is None or not n > 0 or not np.isfinite(n) or not np.isfinite(half) or distance <= 0 or half <= distance:
        return ""
    rows = float(n) * (half / distance) ** 2
    if rows > MOST_ROWS:
        return ""
    digits = max(0, int(np.ceil(np.log10(rows))) - 2)
    return f"; about {int(np.ceil(rows / 10**digits) * 10**digits):,} rows of this kind would decide"


def check(frames: Mapping[str, pd.DataFrame], rules: Mapping[str, str]) -> pd.DataFrame:
    """Hold measured frames against rules: one verdict per rule, subject and group.

    Parameters
    ----------
    frames : mapping of str to DataFrame
        With canonical columns: ``fidelity``, ``performance``, ``rates``, ``gaps``, ``group_fidelity``, ``transfer`` …
    rules : mapping of key to rule
        A key is ``frame.metric`` or ``frame.metric[column=value, …]`` with the columns subject, attribute, group,
        reference, subset and feature: ``"gaps.selection_rate_difference[attribute=sex, subject=teacher]"``.
        ``bias`` stands for ``worst_pairs``, ``gaps`` and ``rates``; ``impact_ratio`` for ``selection_rate_ratio``,
        ``worst_impact_ratio`` for ``selection_rate_worst_ratio`` (one verdict for all pairs of an attribute); ``tpr``,
        ``fpr``, ``ppv``, ``npv`` for the rates. Without a selection, rows of labels, of students trained without
        the teacher, and of subsets (``class=…``) are not judged. For rules see `parse`.

    Returns
    -------
    DataFrame
        ``rule`` (key and bound), ``metric, subject, attribute, group, estimate, low, high, n`` of the line that is
        judged, ``verdict`` and ``reason``. ``group`` of a worst pair names both.

    Raises
    ------
    InvalidInputError
        For a key or rule that cannot be read, or a metric that no frame has; the message lists what exists.

    Examples
    --------
    >>> line = {"metric": "agreement", "subject": "tree", "subset": "", "n": 900, "estimate": 0.93, "low": 0.91,
    ...         "high": 0.95, "status": "ok", "reason": ""}
    >>> frames = {"fidelity": pd.DataFrame([line])}
    >>> [check(frames, {"fidelity.agreement": rule})["verdict"][0] for rule in (">= 0.9", ">= 0.94", ">= 0.96")]
    ['pass', 'inconclusive', 'fail']
    """
    lines = []
    for key, text in rules.items():
        rule = parse(text)
        metric, chosen = _resolve(frames, key)
        if chosen.empty:
            lines.append({"rule": f"{key} {rule.text}", "metric": metric, "n": 0, "verdict": "cannot say",
                          "reason": _why_nothing(frames, key)})  # fmt: skip
        lines += [_judged(line, f"{key} {rule.text}", rule) for line in chosen.to_dict("records")]
    table = pd.DataFrame(lines, columns=pd.Index(COLUMNS))
    for column in ("rule", "metric", "subject", "attribute", "group", "verdict", "reason"):
        table[column] = table[column].astype(object).where(table[column].notna(), "").astype("str")
    for column in ("estimate", "low", "high"):
        table[column] = table[column].astype(float)
    return table.assign(n=table["n"].fillna(0).astype(np.int64))


def _why_nothing(frames: Mapping[str, pd.DataFrame], key: str) -> str:
    """Why a rule has no line: what failed, where something did."""
    frame = _parts_of(key)["frame"]
    failures = frames.get("failures", pd.DataFrame())
    names = FRAMES.get(frame, (frame,))
    causes = [] if failures.empty else list(failures.loc[failures["frame"].isin(names), "cause"])
    for table in (frames[name] for name in names if name in frames and "status" in frames[name]):
        if len(table) and (table["status"] == "undefined").all():  # what kept all of it from being measured
            causes += [str(reason) for reason in table["reason"] if reason]
    return "; ".join(["nothing was measured under this name", *dict.fromkeys(causes)])


def _judged(line: dict[str, Any], name: str, rule: Requirement) -> dict[str, Any]:
    """Verdict of one measured line; one without a figure cannot be judged, a small one is judged as any other."""
    out = {c: line.get(c, "") for c in ("metric", "subject", "attribute", "group", "estimate", "low", "high", "n")}
    estimate, low, high = (float(out[c]) if out[c] != "" else np.nan for c in ("estimate", "low", "high"))
    if "_worst_" in str(line.get("metric")) and line.get("reference"):
        out["group"] = f"{line.get('group')} against {line.get('reference')}"
    status = line.get("status", "ok")
    if status in {"undefined", "suppressed", "excluded"}:
        verdict, reason = "cannot say", str(line.get("reason", status)) or status
    else:
        # more rows do not narrow what a search leaves open
        searched = str(line.get("method", "")).startswith("search")
        verdict, reason = judge(estimate, low, high, rule, None if searched else line.get("n"))
        of_a_word = bool(line.get("verdict"))  # why a shift has no word is nothing about the requirement
        reason = "; ".join(filter(None, (reason, "" if of_a_word else str(line.get("reason") or ""))))
    return out | {"rule": name, "verdict": verdict, "reason": reason}


def _parts_of(key: str) -> re.Match[str]:
    words = _KEY.fullmatch(str(key).strip())
    if not words:
        raise InvalidInputError(f"a rule's name must read frame.metric or frame.metric[column=value], got {key!r}")
    return words


def _selection(where: str | None, key: str) -> dict[str, str]:
    """Wanted values by column."""
    wanted: dict[str, str] = {}
    for clause in filter(None, (c.strip() for c in (where or "").split(","))):
        column, _, value = clause.partition("=")
        if column.strip() not in SELECTORS or not value:
            near = did_you_mean(column, SELECTORS)
            raise InvalidInputError(f"{key!r} selects by {clause!r}{near}; it may select by: {', '.join(SELECTORS)}")
        wanted[column.strip()] = value.strip()
    return wanted


def _resolve(frames: Mapping[str, pd.DataFrame], key: str) -> tuple[str, pd.DataFrame]:
    """Metric that a key names, and its lines; none where no line of any metric was measured."""
    words = _parts_of(key)
    names = FRAMES.get(words["frame"], (words["frame"],))
    tables = [frames[name] for name in names if name in frames and "metric" in frames[name]]
    if not any(name in frames for name in names):
        near = did_you_mean(words["frame"], _names(frames))
        raise InvalidInputError(f"there is no frame {words['frame']!r}{near}; there are: {', '.join(_names(frames))}")
    metric = ALIASES.get(words["metric"], words["metric"])
    _refuse_unknown(
        words["frame"],
        words["metric"],
        {n: frames[n]["metric"] for n in names if n in frames and "metric" in frames[n]},
    )
    parts = [t[t["metric"] == metric] for t in tables]
    chosen = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    return metric, chosen if chosen.empty else _select(chosen, words["where"], key)


def _refuse_unknown(frame: str, word: str, measured: Mapping[str, Iterable[Any]]) -> None:
    """Refuse a metric that no table of a frame can have; one that it could have had lines of was not measured.

    Raises
    ------
    InvalidInputError
        With the nearest name, and all that there are.
    """
    names = FRAMES.get(frame, (frame,))
    if any(name in measured and name not in METRIC_NAMES for name in names):
        return  # a plug-in's frame: nobody knows its metrics beforehand
    metrics = {str(m) for lines in measured.values() for m in lines}
    metrics |= {m for name in names for m in METRIC_NAMES.get(name, ())}
    if metrics and ALIASES.get(word, word) not in metrics:
        near = did_you_mean(word, {*metrics, *ALIASES})
        raise InvalidInputError(f"{frame} has no metric {word!r}{near}; it has: {', '.join(sorted(metrics))}")


def check_rules(rules: Mapping[str, str], frames: Iterable[str], subjects: Iterable[str]) -> None:
    """Refuse rules that cannot be read or name what no audit has, before anything is measured.

    Parameters
    ----------
    rules : mapping of key to rule
        As for `check`.
    frames : names
        Frames that will be measured.
    subjects : names
        Models that will be.

    Raises
    ------
    InvalidInputError
        With the nearest name.

    Examples
    --------
    >>> check_rules({"fidelity.agreemnt": ">= 0.9"}, ["fidelity"], ["tree"])
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidInputError: fidelity has no metric 'agreemnt'; did you mean 'agreement'?; it has: ...
    """
    if not isinstance(rules, Mapping):
        raise InvalidInputError(
            f'requirements must be a mapping such as {{"fidelity.agreement": ">= 0.95"}}, got {rules!r}'
        )
    there_are, models = {*frames, *FRAMES}, set(subjects)
    for key, text in rules.items():
        parse(text)
        words = _parts_of(key)
        if words["frame"] not in there_are:
            near = did_you_mean(words["frame"], there_are)
            raise InvalidInputError(
                f"there is no frame {words['frame']!r}{near}; there are: {', '.join(sorted(there_are))}"
            )
        unknown = words["frame"] not in METRIC_NAMES and words["frame"] not in FRAMES
        if not unknown:
            _refuse_unknown(words["frame"], words["metric"], {})
        wanted = _selection(words["where"], key)
        if "subject" in wanted and wanted["subject"] not in models:
            near = did_you_mean(wanted["subject"], models)
            raise InvalidInputError(
                f"{key!r} names the subject {wanted['subject']!r}{near}; there are: {', '.join(sorted(models))}"
            )


def _names(frames: Mapping[str, pd.DataFrame]) -> list[str]:
    """Frames that a rule may name."""
    return sorted({*FRAMES, *(name for name, table in frames.items() if "metric" in table)})


def _select(table: pd.DataFrame, where: str | None, key: str) -> pd.DataFrame:
    """Lines that a key selects; without a selection those of models and of all rows only."""
    wanted = _selection(where, key)
    if absent := [column for column in wanted if column not in table]:
        clause = f"{absent[0]}={wanted[absent[0]]}"
        raise InvalidInputError(f"{key!r} selects by {clause!r}; it may select by: {', '.join(SELECTORS)}")
    keep = pd.Series(True, index=table.index)
    for column, value in wanted.items():
        keep &= table[column].astype(str) == value
    if "subject" not in wanted and "subject" in table:
        keep &= ~table["subject"].isin(["labels", "second teacher"]) & ~table["subject"].str.endswith(
            " without teacher"
        )
    if "subset" not in wanted and "subset" in table:
        keep &= table["subset"] == ""
    return table[keep]


def marked(verdict: str) -> str:
    """The word of a verdict as text that is skimmed shows it; one without a word of its own stands as it is.

    Examples
    --------
    >>> marked("fail"), marked("cannot say")
    ('FAIL', 'cannot say')
    """
    return verdict.upper() if verdict == "fail" else verdict


def _beyond(rule: str, estimate: float) -> float:
    """How far an estimate lies on the failing side of a rule's nearest bound, negative where it keeps the rule.

    ``rule`` is a key and a bound, such as ``"bias.impact_ratio[group=a > b] >= 0.8"``: the bound is its longest end
    that can be read, since the name of a group may hold a sign as well.
    """
    if np.isnan(estimate):
        return -np.inf
    for start in (m.start() for m in re.finditer(r"between\s|abs\s|[<>]", rule)):
        try:
            allowed = parse(rule[start:])
        except InvalidInputError:
            continue
        return float(max(allowed.low - estimate, estimate - allowed.high))
    return 0.0


def worst(verdicts: pd.DataFrame) -> pd.DataFrame:
    """One line per rule and subject: its worst group, and in ``others`` what the remaining groups got.

    Worst is fail before inconclusive before cannot say before pass; of equals the one whose estimate is
    furthest on the failing side of the rule's bound.

    Parameters
    ----------
    verdicts : DataFrame
        From `check`.

    Returns
    -------
    DataFrame
        The columns of `check`, then ``others``, such as ``"9 pass, 3 inconclusive"`` or nothing, and ``at``, the label
        of the line in ``verdicts``.

    Examples
    --------
    >>> lines = [{"rule": "r >= 1", "subject": "tree", "group": g, "estimate": e, "verdict": v}
    ...          for g, e, v in (("a", 2.0, "pass"), ("b", 0.5, "fail"), ("c", 1.5, "pass"))]
    >>> worst(pd.DataFrame(lines))[["group", "verdict", "others"]].values.tolist()
    [['b', 'fail', '2 pass']]
    """
    chosen, others = [], []
    for (rule, _), table in verdicts.groupby(["rule", "subject"], sort=False):
        beyond = [_beyond(str(rule), float(e)) for e in table["estimate"]]
        severity = table["verdict"].map(SEVERITY.index)
        order = pd.DataFrame({"severity": severity, "kept": -np.asarray(beyond)}, index=table.index)
        first = order.sort_values(["severity", "kept"], kind="stable").index[0]
        chosen.append(first)
        counts = table.drop(index=first)["verdict"].value_counts()
        others.append(", ".join(f"{counts[v]} {v}" for v in SEVERITY if v in counts))
    return verdicts.loc[chosen].assign(others=others, at=chosen).reset_index(drop=True)
