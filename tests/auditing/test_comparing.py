"""Two audits: a planted change is found, chance is not, and what cannot be compared is said."""

import copy

import numpy as np
import pytest

from explaindistill.auditing.comparing import compare, mover
from explaindistill.numerics.statistics.hypotheses import holm

COLUMNS = ["metric", "subject", "n", "estimate", "low", "high"]


def audit(*lines: tuple[str, float], half: float = 0.02, data: str = "a") -> dict:
    rows = [["agreement", subject, 900, e, e - half, e + half] for subject, e in lines]
    frames = {"fidelity": {"columns": COLUMNS, "rows": rows}, "students": {"columns": ["subject"], "rows": [["tree"]]}}
    return {"format": "explaindistill-audit", "version": 1, "frames": frames, "manifest": {"data_sha256": data}}


def test_a_planted_drop_is_beyond_chance_and_comes_first():
    found = compare(audit(("gam", 0.9), ("tree", 0.95)), audit(("gam", 0.905), ("tree", 0.85), data="b"))
    assert found["subject"].tolist() == ["tree", "gam"]
    assert found["moved"].tolist() == ["beyond chance", "within chance"]
    assert found["change"][0] == pytest.approx(-0.1)
    assert found["low"][0] == pytest.approx(-0.1 - np.hypot(0.02, 0.02))
    assert found.attrs["notes"] == ()


def test_an_audit_against_itself_moves_nothing_and_says_that_rows_are_the_same():
    one = audit(("tree", 0.9), ("gam", 0.8))
    found = compare(one, copy.deepcopy(one))
    assert set(found["moved"]) == {"within chance"}
    assert (found["change"] == 0).all()
    assert "same rows" in found.attrs["notes"][0]


def test_what_is_in_one_only_and_what_has_no_interval():
    new = audit(("gam", 0.9), ("rules", 0.7))
    new["frames"]["fidelity"]["rows"].append(["agreement", "tree", 900, 0.9, None, None])
    new["threshold"] = 0.4
    found = compare(audit(("tree", 0.9), ("linear", 0.8)), new).set_index("subject")["moved"]
    assert found.to_dict() == {
        "gam": "only in new",
        "rules": "only in new",
        "linear": "only in old",
        "tree": "cannot say",
    }
    assert "threshold changed from None to 0.4" in compare(audit(("tree", 0.9)), new).attrs["notes"]


def test_no_figures_at_all():
    empty = {"format": "explaindistill-audit", "version": 1, "frames": {}}
    assert compare(empty, empty).empty


def test_change_interval_covers_the_true_change():
    """2,000 pairs of shares whose true change is 0.05: between 93.5 and 97 % of the intervals hold it."""
    rng = np.random.default_rng(0)
    n, p, q, z = 400, 0.6, 0.65, 1.959963984540054

    def wilson(k):
        share = k / n
        centre = (share + z * z / (2 * n)) / (1 + z * z / n)
        half = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        return np.column_stack([share, centre - half, centre + half])

    _, low, high = mover(wilson(rng.binomial(n, p, 2000)), wilson(rng.binomial(n, q, 2000)))
    assert 0.935 <= np.mean((low <= q - p) & (q - p <= high)) <= 0.97


def test_holm_is_its_slow_twin():
    p = np.array([0.2, 0.001, np.nan, 0.04, 0.013])
    known = sorted((v, i) for i, v in enumerate(p) if not np.isnan(v))
    slow, worst = np.full(5, np.nan), 0.0
    for rank, (value, i) in enumerate(known):
        worst = max(worst, min(1.0, value * (len(known) - rank)))
        slow[i] = worst
    np.testing.assert_allclose(holm(p), slow)
