"""Gaussian copulas with the observed marginals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri
from scipy.stats import rankdata
from sklearn.cluster import MiniBatchKMeans

from explaindistill.data.neighbours import positions
from explaindistill.data.row_keys import distinct, row_keys
from explaindistill.data.schema import Schema
from explaindistill.errors import InvalidInputError
from explaindistill.protocols import Draw
from explaindistill.samplers._ground import lay

__all__ = ["CopulaSampler"]

GROUP_ROWS = 50
"""Rows per copula with ``n_groups="auto"``: fewer leave the correlations to chance."""
MAX_GROUPS = 64
_CLUSTER_SEED = 1959
"""``fit`` has no random state: the same rows always fall into the same groups. The year of Sklar's theorem."""
MOSTLY_DISTINCT = 0.7
"""A column with more distinct values than this share of its rows is continuous: values between them make sense."""


@dataclass(frozen=True)
class _Copula:
    """One Gaussian copula: sorted values per column, and the square root of the correlation of their normal scores."""

    columns: list[NDArray[np.float64]]
    continuous: list[bool]
    root: NDArray[np.float64]


class CopulaSampler:
    r"""Normal scores turned into observed values: :math:`x_a = F_a^{-1}(\Phi(z_a))` with :math:`z \sim N(0, R)`.

    :math:`F_a` is the observed distribution of a column (missing is a value of its own) and R the correlation of the
    normal scores of mid-ranks. Categories without an order are ranked by the mean of the number they go best with. One
    copula cannot say that only husbands are male; so the rows are first grouped by k-means, with one copula per group.

    Parameters
    ----------
    n_groups : int >= 1 or "auto", default="auto"
        Number of copulas; 1 is the plain Gaussian copula. Auto is one per 50 rows, at most 64.
    constraints : list of str
        Rules that every new row keeps.
    private : bool, default=False
        Whether rows that equal an observed row are forbidden.

    Attributes
    ----------
    schema_ : Schema
    n_groups_ : int

    References
    ----------
    Nelsen (2006), An Introduction to Copulas, doi:10.1007/0-387-28678-0.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> a = rng.normal(size=2000)
    >>> X = pd.DataFrame({"a": np.exp(a), "b": a + 0.1 * rng.normal(size=2000)})
    >>> rows = CopulaSampler(n_groups=1).fit(X).sample(2000, rng)
    >>> bool(abs(rows.corr("spearman").iloc[0, 1] - X.corr("spearman").iloc[0, 1]) < 0.02)
    True
    """

    def __init__(self, n_groups: int | str = "auto", constraints: Sequence[str] = (), private: bool = False) -> None:
        self.n_groups = n_groups
        self.constraints = constraints
        self.private = private

    def fit(self, X: Any, schema: Schema | None = None) -> CopulaSampler:
        """Group the rows and learn a copula per group; ``schema`` is inferred when None."""
        if self.n_groups != "auto" and (not isinstance(self.n_groups, int) or self.n_groups < 1):
            raise InvalidInputError(f'n_groups must be at least 1 or "auto", got {self.n_groups!r}')
        self.ground_ = lay(X, schema, self.constraints, self.private)
        self.schema_ = self.ground_.schema
        Z = self.ground_.Z
        self._ranked, self._back = _ordered(Z, self.schema_)
        label = _grouped(Z, self.schema_, self.n_groups)
        ids, count = np.unique(label, return_counts=True)
        self._share = count / count.sum()
        self._copulas = [_copula(self._ranked[label == g], self.schema_) for g in ids]
        self.n_groups_ = len(ids)
        return self

    def sample(self, n: int, rng: np.random.Generator) -> pd.DataFrame:
        """``n`` rows."""
        return self.draw(n, rng).rows

    def draw(self, n: int, rng: np.random.Generator) -> Draw:
        """``n`` rows; they have no parents."""
        return self.ground_.draw(n, rng, self._make)

    def _make(self, n: int, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        out = np.empty((n, len(self.schema_)), order="F")
        at = 0
        for copula, size in zip(self._copulas, rng.multinomial(n, self._share), strict=True):
            u = ndtr(rng.standard_normal((size, len(copula.root))) @ copula.root)
            for i, values in enumerate(copula.columns):
                out[at : at + size, i] = _quantile(values, u[:, i], copula.continuous[i])
            at += size
        for i, codes in self._back.items():
            present = np.isfinite(out[:, i])
            out[present, i] = codes[out[present, i].astype(int)]
        _mend_one_hot(out, self.schema_)
        return out[rng.permutation(n)], np.full((n, 1), -1, dtype=np.int64)


def _ordered(Z: NDArray[np.float64], schema: Schema) -> tuple[NDArray[np.float64], dict[int, NDArray[np.float64]]]:
    """Codes of unordered categories replaced by their rank along the number they go best with, and the way back."""
    out = Z.copy(order="F")
    back: dict[int, NDArray[np.float64]] = {}
    numbers = [i for i, f in enumerate(schema.features) if not f.is_category]
    for i, feature in enumerate(schema.features):
        if feature.kind != "categorical":
            continue
        present = np.isfinite(Z[:, i]) & (Z[:, i] >= 0)
        codes, at = np.unique(Z[present, i], return_inverse=True)
        if len(codes) == 0:
            continue
        means = _best_means(at, len(codes), Z[present][:, numbers])
        order = np.lexsort((codes, means))
        rank = np.argsort(order)
        out[present, i] = rank[at]
        out[~present, i] = np.nan
        back[i] = codes[order]
    return out, back


def _best_means(at: NDArray[np.intp], k: int, N: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean per category of the (ranked) number whose variance the categories explain most; minus counts without one.

    The share explained is eta squared: sum over categories c of n_c (m_c - m)^2, over n times the variance.
    """
    count = np.bincount(at, minlength=k)
    best, chosen = 0.0, -count.astype(float)
    for x in N.T:
        ranks = rankdata(np.where(np.isnan(x), np.nanmin(x, initial=0.0), x)) / len(x)
        means = np.bincount(at, ranks, minlength=k) / count
        spread = ranks.var()
        explained = float((count * (means - ranks.mean()) ** 2).sum() / (len(x) * spread)) if spread > 0 else 0.0
        if explained > best:
            best, chosen = explained, means
    return chosen


def _grouped(Z: NDArray[np.float64], schema: Schema, n_groups: int | str) -> NDArray[np.intp]:
    k = min(MAX_GROUPS, len(Z) // GROUP_ROWS) if isinstance(n_groups, str) else min(n_groups, len(Z))
    if k <= 1:
        return np.zeros(len(Z), dtype=np.intp)
    points = positions(Z, schema)
    k = min(k, len(distinct(row_keys(points))[0]))
    means = MiniBatchKMeans(k, random_state=_CLUSTER_SEED, n_init=1, batch_size=4096, reassignment_ratio=0.0)
    label: NDArray[np.intp] = means.fit_predict(points)
    return label


def _copula(Z: NDArray[np.float64], schema: Schema) -> _Copula:
    """Copula of one group: :math:`R^{1/2}` turns independent normals z (rows, d) into correlated ones, z @ root."""
    n = len(Z)
    scores = np.empty(Z.shape)
    for i in range(Z.shape[1]):
        filled = np.where(np.isnan(Z[:, i]), -np.inf, Z[:, i])
        scores[:, i] = ndtri((rankdata(filled) - 0.5) / n)  # mid-ranks: tied rows, missing ones too, share a score
    scores -= scores.mean(axis=0)
    spread = scores.std(axis=0)
    scores /= np.where(spread > 0, spread, 1.0)
    R = scores.T @ scores / n
    R[np.diag_indices_from(R)] = 1.0  # a constant column has no correlation, yet needs a normal score of its own
    values, vectors = np.linalg.eigh(R)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    columns = [np.sort(Z[:, i]) for i in range(Z.shape[1])]  # missing values come last
    columns = [np.concatenate([c[np.isnan(c)], c[~np.isnan(c)]]) for c in columns]
    continuous = [
        f.kind in ("numeric", "datetime") and len(np.unique(c[~np.isnan(c)])) > MOSTLY_DISTINCT * len(c)
        for f, c in zip(schema.features, columns, strict=True)
    ]
    return _Copula(columns, continuous, root)


def _quantile(values: NDArray[np.float64], u: NDArray[np.float64], continuous: bool) -> NDArray[np.float64]:
    """Observed value at level u; between neighbours where the column is continuous."""
    n = len(values)
    place = np.clip(u * n, 0.0, n - 1e-9)
    low = place.astype(np.intp)
    out = values[low]
    if continuous:
        high = values[np.minimum(low + 1, n - 1)]
        between = out + (place - low) * (high - out)
        out = np.where(np.isnan(between), out, between)
    return out


def _mend_one_hot(Z: NDArray[np.float64], schema: Schema) -> None:
    """Give each one-hot group exactly one 1: the first where several are drawn, the last column where none is."""
    for names in schema.one_hot_groups.values():
        at = [schema.names.index(name) for name in names]
        block = Z[:, at]
        chosen = np.where(block.any(axis=1), block.argmax(axis=1), len(at) - 1)
        Z[:, at] = np.arange(len(at)) == chosen[:, None]
