"""Leaves against the teacher's clusters."""

import numpy as np
import pytest

from explaindistill.errors import InvalidInputError
from explaindistill.measures.geometry import distance_correlation, geometry


def test_planted_clusters_are_found_and_noise_is_not():
    rng = np.random.default_rng(0)
    side = rng.integers(3, size=400)
    E = np.array([[0.0, 0], [6, 0], [0, 6]])[side] + rng.normal(size=(400, 2)) * 0.3
    same = geometry(E, np.array(["x", "y", "z"])[side]).set_index("metric")
    assert same.loc["adjusted_rand", "estimate"] == 1.0
    assert same.loc["distance_correlation", "estimate"] > 0.9
    other = geometry(E, rng.permutation(side)).set_index("metric")
    assert abs(other.loc["adjusted_rand", "estimate"]) < 0.05
    assert other.loc["distance_correlation", "low"] < 0 < other.loc["distance_correlation", "high"]
    assert other["n"].tolist() == [400, 400]


def slow(E, groups):
    n = len(E)
    A = np.array([[np.linalg.norm(a - b) for b in E] for a in E])
    B = np.array([[float(a != b) for b in groups] for a in groups])

    def centred(D):
        out = np.zeros((n, n))
        for i in range(n):
            for j in range(n):
                if i != j:
                    out[i, j] = D[i, j] - D[i].sum() / (n - 2) - D[:, j].sum() / (n - 2) + D.sum() / ((n - 1) * (n - 2))
        return out

    A, B = centred(A), centred(B)
    return (A * B).sum() / np.sqrt((A**2).sum() * (B**2).sum())


def test_distance_correlation_is_the_formula():
    rng = np.random.default_rng(1)
    E, groups = rng.normal(size=(25, 3)), rng.integers(3, size=25)
    assert distance_correlation(E, groups) == pytest.approx(slow(E, groups))


def test_one_group_is_undefined():
    found = geometry(np.random.default_rng(0).normal(size=(50, 2)), np.zeros(50))
    assert found["status"].tolist() == ["undefined", "undefined"]
    assert found["estimate"].isna().all()


def test_many_rows_are_thinned():
    rng = np.random.default_rng(0)
    assert geometry(rng.normal(size=(3000, 2)), rng.integers(2, size=3000), n_bootstrap=20)["n"].tolist() == [
        1000,
        1000,
    ]


def test_bad_arguments():
    with pytest.raises(InvalidInputError, match=r"E must be \(n, h\) with one row per leaf number, 3, got \(4, 2\)"):
        geometry(np.zeros((4, 2)), np.zeros(3))
    with pytest.raises(InvalidInputError, match="at least 10 rows, got 4"):
        geometry(np.zeros((4, 2)), np.zeros(4))
