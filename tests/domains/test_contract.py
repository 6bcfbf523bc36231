"""Every domain of the folder keeps the contract: `protocols.Domain`."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from explaindistill import plugins
from explaindistill.auditing.objects.shown import as_html
from explaindistill.protocols import Domain

N = 60


def texts(rng):
    words = ["good", "bad", "long", "short", "music", "story", "she", "he", "never", "very"]
    return [" ".join(rng.choice(words, size=9)) + "." for _ in range(N)]


def images(rng):
    return rng.integers(0, 255, size=(N, 8, 8)).astype(float)


def sounds(rng):
    t = np.arange(4_000) / 8_000
    return [
        np.sin(2 * np.pi * rng.uniform(100, 2_000) * t[: rng.integers(2_500, 4_000)]) * rng.uniform(0.2, 1)
        for _ in range(N)
    ]


CASES = {
    "text": (plugins.public("domains", "text")["TextDomain"], texts),
    "image": (plugins.public("domains", "image")["ImageDomain"], images),
    "audio": (lambda: plugins.public("domains", "audio")["AudioDomain"](rate=8_000), sounds),
}


def test_every_domain_of_the_folder_is_tested():
    assert set(CASES) == set(plugins.names("domains"))


@pytest.mark.parametrize("name", CASES)
def test_the_contract(name):
    make, sample = CASES[name]
    check_contract(make(), sample(np.random.default_rng(0)), sample(np.random.default_rng(1)))


def check_contract(domain, given, others):
    """All that the door and the audit rely on."""
    assert isinstance(domain, Domain)
    assert pickle.loads(pickle.dumps(clone(domain))).get_params().keys() == domain.get_params().keys()
    objects = domain.objects(given)
    assert (objects.dtype, objects.shape) == (np.dtype(object), (len(given),))
    again = domain.objects(domain.restore(objects, given[:0] if hasattr(given, "shape") else []))
    keys = [domain.key(value) for value in objects]
    assert all(isinstance(key, bytes) for key in keys)
    assert [domain.key(value) for value in again] == keys
    assert [
        domain.key(value) for value in domain.objects(pd.Series(list(given), index=range(7, 7 + len(given))))
    ] == keys

    P = np.random.default_rng(2).dirichlet([1, 1], size=len(objects))
    columns = domain.columns()
    assert columns.fit(objects, P) is columns
    frame = columns.transform(objects)
    names = list(columns.get_feature_names_out())
    assert frame.columns.tolist() == names
    assert len(frame) == len(objects)
    assert all(isinstance(n, str) and n for n in names)
    assert len(set(names)) == len(names)
    # each object by itself, and the same after a pickle
    pd.testing.assert_frame_equal(
        columns.transform(objects[5:6]).reset_index(drop=True), frame.iloc[5:6].reset_index(drop=True), rtol=1e-9
    )
    held = domain.objects(others)
    pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(columns)).transform(held), columns.transform(held))

    before = [domain.key(value) for value in objects]
    rng = np.random.default_rng(3)
    for name in [*names[:3], names[-1]]:
        silent = domain.objects(domain.restore(domain.silenced(objects, columns, name, rng), given[:0]))
        assert len(silent) == len(objects), name
    edits = domain.edits()
    for edit, change in edits.items():
        assert edit.removesuffix(", control") in edits
        first, second = (change(objects, np.random.default_rng(4)) for _ in range(2))
        assert [domain.key(v) for v in first] == [domain.key(v) for v in second], edit
    assert [domain.key(value) for value in objects] == before  # nothing changes what it was given

    sampler = domain.sampler()
    if sampler is not None:
        drawn, parents = clone(sampler).fit(objects, P).draw(12, np.random.default_rng(5))
        parents = np.asarray(parents)
        assert len(drawn) == len(parents) == 12
        assert parents.max() < len(objects)
    lines = [{"row": 0, "step": 0, "term": "(base)", "reason": "mean", "output": 1, "contribution": 0.1}]
    lines += [
        {"row": 0, "step": i + 1, "term": n, "reason": n, "output": 1, "contribution": 0.01 * i}
        for i, n in enumerate(names)
    ]
    reasons = pd.DataFrame(lines)
    reasons.attrs["scale"] = "logit"
    assert as_html(domain.show(objects[0], columns, reasons)).startswith("<")
