r"""Distill-and-Compare, the question whether a score uses the columns as the outcomes would have it.

Two models of one transparent class on the same rows and the same design: the *mimic* repeats the score, the *outcome
model* what came of it. Where a curve of one departs from that of the other, beyond a band that speaks of all curves at
once, the score weighs that column differently from what the outcomes support.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from explaindistill.auditing.twin_quality import twin_quality
from explaindistill.data.disclosure import disclosed, shown_bounds
from explaindistill.data.schema import Schema
from explaindistill.errors import InvalidInputError
from explaindistill.measures.favorable import class_named, which_is_wanted
from explaindistill.measures.missing_inputs import missing_inputs, missing_inputs_statement
from explaindistill.measures.table import frame as rows_frame
from explaindistill.measures.table import row
from explaindistill.numerics.statistics.bands import max_t_band
from explaindistill.protocols import ClassLabel, Rows
from explaindistill.students.gam.estimators import GAMRegressor
from explaindistill.students.gam.paired_fit import (
    Calibration,
    Twins,
    calibrate,
    fit_twins,
    soft_logit,
)

__all__ = ["Comparison", "ComparisonSettings", "distill_and_compare"]

Floats = NDArray[np.float64]
SCALES = ("probability", "logit", "value", "recorded")
ROUNDING = 1e-6
"""Share of the furthest curve that a difference must exceed to say where it is surest: curves that are penalised to
nothing still differ by 1e-10 of it, at another place on every machine."""
LEAST_SUPPORT = 10.0
"""Rows near a place of a curve below which the band does not speak of it."""
LEAST_ROWS = 100
"""Rows below which two models are not compared: resamples of fewer leave whole parts of the curves without a row."""
BOOSTED_CATEGORIES = 250
"""scikit-learn's boosting takes up to 255 categories as such; a column with more is read by its codes as numbers."""
CAVEAT = (
    "The outcome is what was recorded, not what was done: an arrest is not a crime, a default under a loan that was "
    "granted says nothing of loans that were refused."
)


@dataclass(frozen=True)
class ComparisonSettings:
    """How the twins are fitted and compared.

    Attributes
    ----------
    pairs : pairs of columns
        Interactions that get a term of their own.
    n_knots : int, at least 3
        Knots of a numeric column.
    n_boot : int, at least 50
    level : float in (0, 1)
    learners : mapping of name to learner, optional
        For the question of missing inputs, see :func:`~explaindistill.measures.missing_inputs.missing_inputs`; an
        additive model and boosted trees when None, nothing where it is empty.

    Raises
    ------
    InvalidInputError
        For a setting out of its range.

    Examples
    --------
    >>> ComparisonSettings(n_boot=100, learners={}).level
    0.95
    """

    pairs: Sequence[tuple[str, str]] = ()
    n_knots: int = 10
    n_boot: int = 200
    level: float = 0.95
    learners: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        for name, value, least in (("n_knots", self.n_knots, 3), ("n_boot", self.n_boot, 50)):
            if value < least:
                raise InvalidInputError(f"{name} must be at least {least}, got {value}")
        if not 0 < self.level < 1:
            raise InvalidInputError(f"level must lie between 0 and 1, got {self.level}")


@dataclass(frozen=True, repr=False)
class Comparison:
    """What the twins say.

    Attributes
    ----------
    curves : DataFrame
        One line per term and place: ``feature``, ``place`` (words), ``value``, ``mimic``, ``outcome`` (their curves),
        and in the canonical columns the difference mimic minus outcome with its simultaneous band; ``p`` allows for all
        places, ``differs`` says that the band excludes 0. The first line, ``(level)``, compares the intercepts.
    terms : DataFrame
        One line per term: ``estimate`` is the difference at ``place``, where it is surest (largest against the width of
        the band), with the band there; ``p``, ``differs``.
    quality : DataFrame
        Fidelity of the mimic (``mimic_r2``) and accuracy of the outcome model (``outcome_auc`` or ``outcome_r2``), on
        rows outside of each bootstrap sample, overall and by group.
    missing : DataFrame
        Lines of :func:`explaindistill.measures.missing_inputs.missing_inputs`.
    calibration : DataFrame
        ``score`` and ``calibrated`` (outcome's log-odds or value by a monotone curve), between bounds beyond which at
        least five people lie; empty unless recorded.
    statement, sentence : str
        What may be said of missing inputs.
    scale : str
        ``"logit"`` or ``"value"``: unit of the curves.
    critical : float
        How many standard errors the band is wide; 1.96 would be a single place's.
    n, n_boot : int
    notes : tuple of str

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"age": rng.integers(18, 60, 1000), "priors": rng.poisson(2, 1000)})
    >>> truth = -0.05 * (X["age"] - 35) + 0.4 * (X["priors"] - 2)
    >>> y = rng.random(1000) < expit(truth)
    >>> settings = ComparisonSettings(n_boot=100, learners={})
    >>> comparison = distill_and_compare(X, expit(truth), y, scale="probability", settings=settings)
    >>> comparison  # the score is the truth
    Comparison of score and outcome on 1,000 rows: no column differs; inputs: not asked
    >>> comparison.terms["feature"].tolist(), comparison.scale
    (['(level)', 'age', 'priors'], 'logit')
    """

    curves: pd.DataFrame
    terms: pd.DataFrame
    quality: pd.DataFrame
    missing: pd.DataFrame
    calibration: pd.DataFrame
    statement: str
    sentence: str
    scale: str
    critical: float
    n: int
    n_boot: int
    notes: tuple[str, ...]

    @property
    def differing(self) -> list[str]:
        """Terms that the score uses differently from what the outcomes support."""
        return self.terms.loc[self.terms["differs"].astype(bool), "feature"].tolist()

    def plot(self, feature: str, ax: Any = None) -> Any:
        """Draw both curves of one column and the band of their difference; see ``plots.twin_curves``."""
        from explaindistill import plots

        return plots.twin_curves(self.curves, feature, ax)

    def __repr__(self) -> str:
        columns = ", ".join(self.differing) or "no column"
        return f"Comparison of score and outcome on {self.n:,} rows: {columns} differs; inputs: {self.statement}"


def distill_and_compare(
    X: Rows,
    score: ArrayLike,
    y: ArrayLike,
    *,
    scale: str = "recorded",
    favorable: ClassLabel | None = None,
    groups: pd.DataFrame | None = None,
    settings: ComparisonSettings | None = None,
    random_state: int = 0,
) -> Comparison:
    r"""Compare what a black box's score and the outcomes say of each column.

    Both twins are additive models by the same loss, on one design, with one smoothing, the score as soft labels. Under
    equal use of the columns their difference is then unbiased whatever the class of models leaves out. Rows are
    resampled jointly and both are refitted (with the smoothing as it is; a recorded score's calibration is refitted,
    too); the band is that of the largest deviation over all places of all curves.

    Parameters
    ----------
    X : DataFrame or array of shape (n, d)
        What is known of the rows; columns the black box did not see are welcome.
    score : array of shape (n,)
        A teacher's probability of the favourable class, its log-odds, its value, or any recorded score.
    y : array of shape (n,)
        Outcomes: two classes, or values.
    scale : "recorded", "probability", "logit" or "value"
        What ``score`` is. A recorded score is first brought to the scale of the outcome by a monotone smooth curve
        ``outcome ~ s(score)``; it may run either way.
    favorable : class, optional
        The class whose probability the score speaks of. Outcomes of 0 and 1, or of booleans, say it themselves; of
        other classes it is never guessed.
    groups : DataFrame of n rows, optional
        Attributes by which the quality of both twins is told.
    settings : ComparisonSettings, optional
        Interactions, knots, resamples, level and learners; the defaults when None.
    random_state : int

    Returns
    -------
    Comparison

    Raises
    ------
    InvalidInputError
        For more than two classes, scores out of range, or fewer than 100 rows.

    References
    ----------
    Tan, Caruana, Hooker and Lou (2018), doi:10.1145/3278721.3278725.

    Examples
    --------
    A score that counts priors twice as much as the outcomes do:

    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"age": rng.integers(18, 60, 2000), "priors": rng.poisson(2, 2000)})
    >>> truth = -0.05 * (X["age"] - 35) + 0.4 * (X["priors"] - 2)
    >>> y = rng.random(2000) < expit(truth)
    >>> score = expit(truth + 0.4 * (X["priors"] - 2))
    >>> settings = ComparisonSettings(n_boot=100, learners={})
    >>> distill_and_compare(X, score, y, scale="probability", settings=settings).differing
    ['priors']
    """
    if scale not in SCALES:
        raise InvalidInputError(f"scale must be one of {', '.join(SCALES)}, got {scale!r}")
    settings = ComparisonSettings() if settings is None else settings
    schema = disclosed(Schema.infer(X), X)
    table = schema.frame(X).reset_index(drop=True)
    truth, is_binary = _outcome(y, favorable, len(table))
    soft, curve = _score(score, truth, scale, is_binary, len(table))
    Y = np.column_stack([soft, truth])
    for c in (column for pair in settings.pairs for column in pair):
        schema[c]  # raises for a column that is not there
    twins = fit_twins(schema, table, Y, is_binary, settings.n_knots, settings.pairs)
    # many small factorisations: threads of linear algebra would wait for each other, and on a busy machine for long
    with threadpool_limits(1):
        draws, outside = _bootstrap(twins, Y, curve, settings.n_boot, np.random.default_rng(random_state))
    curves, critical = _curves(twins, schema, draws, settings.level)
    on_scale = soft_logit(soft) if is_binary else soft
    missing = _missing(schema, table, on_scale, truth, settings, random_state)
    statement, sentence = missing_inputs_statement(missing) if len(missing) else ("not asked", "")
    return Comparison(
        curves=curves,
        terms=_terms(curves),
        quality=twin_quality(on_scale, truth, outside, is_binary, groups, settings.level),
        missing=missing,
        calibration=_calibration(curve, np.asarray(score, dtype=float).ravel(), truth),
        statement=statement,
        sentence=sentence,
        scale="logit" if is_binary else "value",
        critical=critical,
        n=len(table),
        n_boot=settings.n_boot,
        notes=(CAVEAT, *schema.notices),
    )


def _outcome(y: ArrayLike, favorable: Any, n: int) -> tuple[Floats, bool]:
    """Outcome as a number, and whether it is one of two classes."""
    outcome = np.asarray(y).ravel()
    if len(outcome) != n:
        raise InvalidInputError(f"y must have one value per row of X, {n}, got {len(outcome)}")
    if n < LEAST_ROWS:
        raise InvalidInputError(f"X must have at least {LEAST_ROWS} rows to compare two models, got {n}")
    if pd.isna(pd.Series(outcome)).any():
        raise InvalidInputError("y must have a value in every row; drop those without an outcome")
    classes = np.unique(outcome)
    if len(classes) == 2:
        if favorable is None and classes.tolist() != [0, 1]:
            raise InvalidInputError(
                f"favorable must name the class that the score speaks of: {which_is_wanted(classes)}"
            )
        return (outcome == (classes[1] if favorable is None else class_named(favorable, classes))).astype(float), True
    if len(classes) < 2:
        raise InvalidInputError(f"y must have at least two different values, got {classes.tolist()}")
    if outcome.dtype.kind not in "iuf":
        raise InvalidInputError(f"y must be two classes or numbers, got {len(classes)} classes; compare one at a time")
    return outcome.astype(float), False


def _score(score: ArrayLike, truth: Floats, scale: str, is_binary: bool, n: int) -> tuple[Floats, Calibration | None]:
    """The score as soft labels, and the curve that brought a recorded one there."""
    s = np.asarray(score, dtype=float).ravel()
    if len(s) != n or not np.isfinite(s).all():
        raise InvalidInputError(f"score must have one finite value per row of X, {n}, got {len(s)}")
    if (scale in ("probability", "logit")) != is_binary and scale != "recorded":
        kind = "two classes" if is_binary else "numbers"
        raise InvalidInputError(f"scale {scale!r} does not go with an outcome of {kind}")
    if scale == "probability" and (s.min() < 0 or s.max() > 1):
        outside = int(((s < 0) | (s > 1)).sum())
        raise InvalidInputError(
            f"score must be probabilities, got {outside} of {n} values outside 0 to 1; or name another scale"
        )
    if scale == "recorded":
        curve = calibrate(_direction(s, truth) * s, truth, is_binary)
        return curve.mean(curve.fit.beta[0]), curve
    return (expit(s) if scale == "logit" else s), None


def _bootstrap(
    twins: Twins, Y: Floats, curve: Calibration | None, n_boot: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Coefficients of both twins in each resample ``(B, 2, p)``, and mean answers to rows outside of it ``(2, n)``."""
    n = len(Y)
    draws = np.empty((n_boot, *twins.beta.shape))
    total, times = np.zeros((2, n)), np.zeros(n)
    for b in range(n_boot):
        weight = np.bincount(rng.integers(0, n, n), minlength=n).astype(float)
        target = Y
        if curve is not None:
            target = np.column_stack([curve.mean(curve.refit(Y[:, 1], weight)), Y[:, 1]])
        draws[b] = twins.refit(target, weight)
        out = weight == 0
        total[:, out] += twins.answers(draws[b])[:, out]
        times[out] += 1
    return draws, np.where(times > 0, total / np.maximum(times, 1), np.nan)


def _curves(twins: Twins, schema: Schema, draws: Floats, level: float) -> tuple[pd.DataFrame, float]:
    """Both curves at every place, their difference and its band.

    A model of noisy outcomes overstates its curves a little, one of a score does not: the resamples show by how much
    (they overstate the fit that they were drawn around), and it is taken off.
    """
    centre = draws.mean(axis=0)
    beta = 2 * twins.beta - centre
    draws = draws - centre + beta
    curves = twins.curves(beta)
    gap = np.concatenate([[beta[0, 0] - beta[1, 0]], *(c[0] - c[1] for c in curves)])
    drawn = np.array([np.concatenate([[d[0, 0] - d[1, 0]], *(c[0] - c[1] for c in twins.curves(d))]) for d in draws])
    n = len(twins.X)
    support = np.concatenate([[n], *twins.support()])
    low, high, p, critical = max_t_band(gap, drawn, level, support >= LEAST_SUPPORT)
    lines: list[dict[str, Any]] = [{"feature": "(level)", "place": "average row", "value": np.nan}]
    lines[0] |= {"mimic": beta[0, 0], "outcome": beta[1, 0]}
    for term, both in zip(twins.terms, curves, strict=True):
        lines += [
            {"feature": term.name, **where, "mimic": m, "outcome": o}
            for where, m, o in zip(_places(term, schema), both[0], both[1], strict=True)
        ]
    rows = [
        row("twin_difference", gap[i], low[i], high[i], n=round(support[i]), subset=str(line["place"]), p=p[i],
            method="joint bootstrap, max t", differs=bool(low[i] > 0 or high[i] < 0), **_status(low[i], support[i]),
            **line)
        for i, line in enumerate(lines)
    ]  # fmt: skip
    extra = ["feature", "place", "value", "mimic", "outcome", "p", "differs"]
    return rows_frame(rows, extra=extra), critical


def _status(low: float, support: float) -> dict[str, str]:
    if np.isfinite(low):
        return {}
    few = support < LEAST_SUPPORT
    reason = f"fewer than {LEAST_SUPPORT:.0f} rows near it" if few else "the same in every resample"
    return {"status": "small" if few else "ok", "reason": reason}


def _places(term: Any, schema: Schema) -> list[dict[str, Any]]:
    """Words and number of each place of a term's grid; a pair's in the order of its table."""
    labels = [g.labels(schema[g.axis]) for g in term.grids]
    values = [g.places() for g in term.grids]
    if len(term.grids) == 1:
        return [{"place": label, "value": float(v)} for label, v in zip(labels[0], values[0], strict=True)]
    return [{"place": f"{a}, {b}", "value": np.nan} for a in labels[0] for b in labels[1]]


def _terms(curves: pd.DataFrame) -> pd.DataFrame:
    """The place of each term where the difference is surest."""
    lines = []
    least = ROUNDING * float(curves[["mimic", "outcome"]].abs().max().max())
    for name, curve in curves.groupby("feature", sort=False):
        tested = curve[curve["p"].notna()]
        if tested.empty:
            lines.append(row("twin_difference", np.nan, np.nan, np.nan, n=0, feature=name, place="", p=np.nan,
                             differs=False, status="small", reason="too few rows anywhere"))  # fmt: skip
            continue
        size = tested["estimate"].abs()
        excess = (size / (tested["high"] - tested["low"])).where((size > least) | tested["differs"], 0.0)
        best = tested.loc[excess.idxmax()]
        keep = ("n", "estimate", "low", "high", "method", "subset", "feature", "place", "p", "differs")
        lines.append({"metric": "twin_difference", **{k: best[k] for k in keep}})
    return rows_frame(lines, extra=["feature", "place", "p", "differs"])


def _learners(schema: Schema) -> dict[str, Any]:
    """An additive model, and boosted trees on all interactions."""
    codes = [i for i, f in enumerate(schema) if f.kind == "categorical" and len(f.categories) <= BOOSTED_CATEGORIES]

    def additive(rows: pd.DataFrame, s: Floats) -> Callable[[pd.DataFrame], Floats]:
        return GAMRegressor(n_jobs=1).fit(rows, s).predict

    def boosted(rows: pd.DataFrame, s: Floats) -> Callable[[pd.DataFrame], Floats]:
        def numbers(frame: pd.DataFrame) -> Floats:
            Z = np.ascontiguousarray(schema.encode(frame))
            return np.where(Z < 0, np.nan, Z) if codes else Z

        model = HistGradientBoostingRegressor(max_iter=200, categorical_features=codes or None, random_state=0)
        model.fit(numbers(rows), s)
        return lambda frame: np.asarray(model.predict(numbers(frame)), dtype=float)

    return {"additive model": additive, "boosted trees": boosted}


def _missing(
    schema: Schema, table: pd.DataFrame, s: Floats, truth: Floats, settings: ComparisonSettings, seed: int
) -> pd.DataFrame:
    learners = _learners(schema) if settings.learners is None else dict(settings.learners)
    if not learners:
        return rows_frame([])
    return missing_inputs(table, s, truth, learners, level=settings.level, rng=seed)


def _direction(score: Floats, truth: Floats) -> float:
    """1 where a recorded score rises with the outcome, or is constant; -1 where it falls."""
    return -1.0 if score.std() > 0 and np.corrcoef(score, truth)[0, 1] < 0 else 1.0


def _calibration(curve: Calibration | None, score: Floats, truth: Floats) -> pd.DataFrame:
    """The curve at its inner knots and at bounds that are nobody's; its own ends are the extreme people's scores."""
    if curve is None:
        return pd.DataFrame({"score": [], "calibrated": []})
    along = _direction(score, truth) * score
    low, high = shown_bounds(along)
    inner = curve.knots[(curve.knots > low) & (curve.knots < high)]
    places = np.concatenate([[low], inner, [high]])
    heights = np.interp(places, curve.knots, curve.curve[: len(curve.knots)])
    table = pd.DataFrame({"score": _direction(score, truth) * places, "calibrated": heights})
    return table.sort_values("score", kind="stable", ignore_index=True)
