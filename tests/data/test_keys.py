"""Row numbers and keys are noticed in any sample, and measurements are not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from explaindistill.data import keys
from explaindistill.data.keys import is_key
from explaindistill.data.schema import Schema

RNG = np.random.default_rng(0)
N = 30_000
KEYS = {
    "row numbers": np.arange(1, N + 1),
    "row numbers, shuffled": RNG.permutation(N),
    "with gaps of one length": RNG.permutation(N) * 7919 + 5,
    "with gaps, in order": np.sort(RNG.choice(10**9, N, replace=False)),
    "with gaps, shuffled": RNG.choice(10**9, N, replace=False),
    "as floats": np.arange(N) * 1.0,
}
MEASUREMENTS = {
    "income in cents": (RNG.lognormal(10, 1, N) * 100).round(),
    "ages": RNG.integers(18, 90, N),
    "squares of normals": (RNG.normal(size=N) ** 2 * 1e9).round(),
}


@pytest.mark.parametrize("share", [1.0, 0.3, 0.02])
@pytest.mark.parametrize("kind", list(KEYS))
def test_keys_in_a_sample(kind, share):
    at = np.sort(np.random.default_rng(1).permutation(N)[: int(share * N)])
    assert is_key(pd.Series(KEYS[kind][at]), "integer")


@pytest.mark.parametrize("share", [1.0, 0.3, 0.02])
@pytest.mark.parametrize("kind", list(MEASUREMENTS))
def test_measurements_in_a_sample(kind, share):
    at = np.random.default_rng(2).permutation(N)[: int(share * N)]
    assert not is_key(pd.Series(MEASUREMENTS[kind][at]), "integer")


def test_both_sides_of_the_fewest_values():
    assert not is_key(pd.Series(range(49)), "integer")
    assert is_key(pd.Series(range(50)), "integer")


def test_the_schema_says_so_and_missing_values_change_nothing():
    frame = pd.DataFrame({"key": pd.array([None, *range(1, 100)], dtype="Int64"), "x": np.arange(100) % 7})
    schema = Schema.infer(frame)
    assert schema["key"].id_like
    assert not schema["x"].id_like
    assert "key looks like a row number or a key" in schema.describe()


@pytest.mark.parametrize("drawn", [1 << 40, 2_000])
@pytest.mark.parametrize("kind", [*KEYS, *MEASUREMENTS])
def test_drawn_values_decide_as_all_do(monkeypatch, kind, drawn):
    monkeypatch.setattr(keys, "DRAWN", drawn)
    values = pd.Series((KEYS | MEASUREMENTS)[kind])
    assert is_key(values, "integer") == (kind in KEYS)


def test_a_draw_of_draws_is_a_draw_of_all(monkeypatch):
    monkeypatch.setattr(keys, "DRAWN", 100)
    values = RNG.permutation(5_000).astype(float)
    whole = keys.KeyEvidence.of(values)
    parts = [keys.KeyEvidence.of(part, i) for i, part in enumerate(np.array_split(values, 7))]
    joined = parts[3] + (parts[0] + parts[1] + parts[2]) + (parts[6] + parts[5] + parts[4])
    assert sorted(joined.drawn) == sorted(whole.drawn)
    assert len(whole.drawn) == 100
    assert (joined.n, joined.is_key) == (whole.n, whole.is_key)
