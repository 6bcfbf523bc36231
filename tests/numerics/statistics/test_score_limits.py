"""Score intervals of two proportions: their equations by other means, symmetries, and how often a side is wrong."""

import numpy as np
import pytest
from scipy import optimize, stats

from explaindistill.errors import InvalidInputError
from explaindistill.numerics.statistics.intervals import newcombe
from explaindistill.numerics.statistics.member_gaps import member_gap
from explaindistill.numerics.statistics.members import clustered_gap, pair
from explaindistill.numerics.statistics.score_limits import CONTINUITY, score_difference, score_ratio
from explaindistill.numerics.statistics.tallies import tally

TABLES = [(56, 70, 48, 80), (3, 25, 500, 1000), (9, 10, 30, 60), (1, 30, 45, 50), (300, 1000, 1, 8), (2.5, 7, 4, 9.6)]


def corrected_z(table, weight, shift):
    """z of p1 - weight p2 - shift: the likeliest rates by a search, z as the root of its quadratic nearest to t."""
    k1, n1, k2, n2 = table

    def surprise(p2):
        p1 = weight * p2 + shift
        return -sum(k * np.log(p) + (n - k) * np.log1p(-p) for k, n, p in ((k1, n1, p1), (k2, n2, p2)))

    ends = max(0, -shift / weight) + 1e-12, min(1, (1 - shift) / weight) - 1e-12
    p2 = optimize.minimize_scalar(surprise, bounds=ends, method="bounded", options={"xatol": 1e-13}).x
    p1 = weight * p2 + shift
    variance = (p1 * (1 - p1) / n1 + weight**2 * p2 * (1 - p2) / n2) * (n1 + n2) / (n1 + n2 - 1)
    third = p1 * (1 - p1) * (1 - 2 * p1) / n1**2 - weight**3 * p2 * (1 - p2) * (1 - 2 * p2) / n2**2
    distance = k1 / n1 - weight * k2 / n2 - shift
    distance = np.sign(distance) * max(abs(distance) - CONTINUITY * (1 / n1 + weight / n2), 0)
    t, g = distance / variance**0.5, third / 6 / variance**1.5
    roots = np.roots([g, 1, -(g + t)])
    return float(roots[np.abs(roots - t).argmin()].real)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_limits_are_where_the_corrected_z_is_the_quantile(table, level):
    z = stats.norm.ppf(0.5 + level / 2)
    difference, ratio = score_difference(*table, level), score_ratio(*table, level)
    assert [corrected_z(table, 1, float(d)) for d in difference] == pytest.approx([z, -z], abs=1e-4)
    assert [corrected_z(table, float(r), 0) for r in ratio] == pytest.approx([z, -z], abs=1e-4)


@pytest.mark.parametrize("table", [*TABLES, (0, 5, 500, 1000), (5, 5, 0, 5), (0, 7, 0, 9), (7, 7, 9, 9)])
def test_limits_hold_what_was_seen_and_turn_with_the_groups(table):
    k1, n1, k2, n2 = table
    low, high = score_difference(*table)
    assert -1 <= low <= k1 / n1 - k2 / n2 <= high <= 1
    assert score_difference(k2, n2, k1, n1) == pytest.approx((-high, -low), abs=1e-9)
    assert score_difference(n1 - k1, n1, n2 - k2, n2) == pytest.approx((-high, -low), abs=1e-9)
    least, most = score_ratio(*table)
    with np.errstate(divide="ignore"):
        turned = 1 / most, 1 / least
    assert score_ratio(k2, n2, k1, n1) == pytest.approx(turned, rel=1e-8)
    if k2:
        assert least <= (k1 / n1) / (k2 / n2) <= most


def test_ends_where_nobody_or_everybody_is_selected():
    assert score_ratio(0, 50, 5, 50)[0] == 0
    assert score_ratio(5, 50, 0, 50)[1] == np.inf
    assert score_ratio(0, 50, 0, 50) == (0, np.inf)
    assert 0 < score_ratio(5, 50, 0, 50)[0] < np.inf
    assert np.isnan([score_ratio(1, 2, 0, 0), score_difference(0, 0, 1, 2)]).all()
    low, high = score_difference(0, 5, 0, 5)
    assert low == pytest.approx(-high)
    assert high < 1


def test_arrays_and_a_level_of_each():
    k1, n1, k2, n2 = np.array(TABLES).T
    level = np.linspace(0.8, 0.999, len(k1))
    for limits in (score_difference, score_ratio):
        alone = [limits(*table, one) for table, one in zip(TABLES, level, strict=True)]
        np.testing.assert_allclose(np.transpose(limits(k1, n1, k2, n2, level)), alone)
    with pytest.raises(InvalidInputError, match="level must lie strictly between 0 and 1"):
        score_ratio(1, 2, 1, 2, 1.0)


def wrong_sides(limits, n1, n2, p1, p2, truth):
    """Chance that the low limit is above, and that the high limit is below the truth, by summing all tables."""
    k1, k2 = np.arange(n1 + 1)[:, None], np.arange(n2 + 1)[None]
    mass = stats.binom.pmf(k1, n1, p1) * stats.binom.pmf(k2, n2, p2)
    low, high = limits(k1, n1, k2, n2)
    return max((mass * (low > truth + 1e-9)).sum(), (mass * (high < truth - 1e-9)).sum())


@pytest.mark.parametrize(("n1", "n2"), [(5, 5), (5, 200), (25, 300), (30, 30)])
def test_either_side_is_wrong_in_one_sample_of_forty_where_newcombes_is_in_more(n1, n2):
    rates = [(p, q) for q in (0.1, 0.3, 0.5, 0.9) for p in (0.8 * q, min(q / 0.8, 0.98))]
    assert max(wrong_sides(score_ratio, n1, n2, p, q, p / q) for p, q in rates) < 0.028
    assert max(wrong_sides(score_difference, n1, n2, p, q, p - q) for p, q in rates) < 0.028
    assert max(wrong_sides(newcombe, n1, n2, p, q, p - q) for p, q in rates) > 0.028


def test_clusters_of_one_row_or_of_copies_are_rows_and_others_are_not():
    rng = np.random.default_rng(0)
    x, group = rng.random(120) < 0.3, np.repeat([0, 1], [40, 80])
    single = tally(x, group, 2, clusters=np.arange(120))
    copies = tally(np.repeat(x, 2), np.repeat(group, 2), 2, clusters=np.repeat(np.arange(120), 2))
    rows, clustered = member_gap(*single.share, *single.members, 0.95), member_gap(*copies.share, *copies.members, 0.95)
    np.testing.assert_allclose(rows, clustered, rtol=1e-9)
    worth = pair(*single.members, 0.95)
    k = single.share * worth[:2]
    limits = [f(k[0], worth[0], k[1], worth[1]) for f in (score_difference, score_ratio)]
    np.testing.assert_allclose(rows, limits)
    shared = tally(x, group, 2, clusters=np.arange(120) % 12)
    assert member_gap(*shared.share, *shared.members, 0.95) == clustered_gap(*shared.share, pair(*shared.members, 0.95))


def test_pairs_of_one_row_of_each_group_are_no_independent_rows():
    """Matched pairs: in neither group has a cluster two rows, and yet the groups are correlated."""
    rng = np.random.default_rng(1)
    first = rng.random(80) < 0.4
    second = np.where(rng.random(80) < 0.9, first, ~first)
    matched = tally(np.r_[first, second], np.repeat([0, 1], 80), 2, clusters=np.tile(np.arange(80), 2))
    worth = pair(*matched.members, 0.95)
    assert worth.correlation > 0.5
    assert member_gap(*matched.share, *matched.members, 0.95) == clustered_gap(*matched.share, worth)
