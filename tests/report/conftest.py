"""A small audit whose figures are known, shaped as `auditing.Audit` is."""

import importlib.util
import shutil
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from explaindistill.auditing.about import About
from explaindistill.auditing.display_names import DisplayNames
from explaindistill.auditing.opening.sentences import Opening
from explaindistill.auditing.opening.writing import write_opening

CHROMIUM = shutil.which("chromium")
CANON = [
    "metric",
    "subject",
    "attribute",
    "group",
    "reference",
    "subset",
    "n",
    "k",
    "estimate",
    "low",
    "high",
    "method",
    "status",
    "reason",
]


class Told:
    """A student that says something and has a form."""

    def __init__(self, words: str = "If age ≤ 30 then no.") -> None:
        self.words = words

    def describe(self) -> str:
        return self.words

    def to_dict(self) -> dict[str, Any]:
        return {"family": "told", "version": 1, "words": self.words}


@dataclass(frozen=True)
class FakeAudit:
    frames: dict[str, pd.DataFrame]
    manifest: dict[str, Any]
    students: dict[str, Any]
    schema: Any = None
    teacher_name: str = "credit-net"
    classes: Any = ("no", "yes")
    favorable: Any = "yes"
    threshold: Any = 0.5
    notes: tuple[str, ...] = field(default=())
    cells: dict[str, Any] = field(default_factory=dict)
    bounds: dict[str, float] = field(default_factory=dict)
    requirements: dict[str, str] = field(default_factory=dict)
    about: About = field(default_factory=About)
    names: DisplayNames = field(default_factory=DisplayNames)
    command: str = ""
    pages: list[str] = field(default_factory=list)

    @property
    def task(self) -> str:
        return "regression" if self.classes is None else "classification"

    @cached_property
    def opening(self) -> Opening:
        return write_opening(self)


def frame(*rows: dict[str, Any]) -> pd.DataFrame:
    blank = dict.fromkeys(CANON, "") | {
        "n": 0,
        "k": np.nan,
        "estimate": np.nan,
        "low": np.nan,
        "high": np.nan,
        "status": "ok",
    }
    return pd.DataFrame([blank | row for row in rows], columns=CANON)


def rate(p: float, n: int, **row: Any) -> dict[str, Any]:
    half = 1.96 * np.sqrt(max(p * (1 - p), 1e-9) / max(n, 1))
    return {
        "n": n,
        "k": round(p * n),
        "estimate": p,
        "low": max(0.0, p - half),
        "high": min(1.0, p + half),
        "method": "wilson",
    } | row


def feature(name: str, kind: str = "numeric", **more: Any) -> SimpleNamespace:
    known = {"minimum": 0.0, "maximum": 10.0, "categories": (), "nullable": False, "sensitive": False, "id_like": False}
    return SimpleNamespace(name=name, kind=kind, **(known | more))


def make_audit(
    groups: tuple[str, ...] = ("female", "male"),
    students: tuple[str, ...] = ("tree", "gam"),
    features: tuple[str, ...] = ("age", "income", "sex"),
    attribute: str = "sex",
    **more: Any,
) -> FakeAudit:
    subjects = ("labels", "teacher", *students)
    fidelity = [rate(0.95 - 0.01 * i, 4000, metric="agreement", subject=s, subset="") for i, s in enumerate(students)]
    fidelity += [rate(0.02, 4000, metric="brier", subject=s, subset="", k=np.nan, method="bootstrap") for s in students]
    fidelity += [
        rate(0.9, 2000, metric="agreement", subject=s, subset=f"class={c}") for s in students for c in ("no", "yes")
    ]
    performance = [
        rate(0.85, 4000, metric="accuracy", subject=s)
        for s in ("teacher", *students, *(f"{s} without teacher" for s in students))
    ]
    rates = [
        rate(0.3 + 0.05 * i + 0.02 * j, 900, metric=m, subject=s, attribute=attribute, group=g)
        for m in ("selection_rate", "true_positive_rate")
        for i, g in enumerate(groups)
        for j, s in enumerate(subjects)
    ]
    rates.append(
        {
            "metric": "true_positive_rate",
            "subject": "teacher",
            "attribute": attribute,
            "group": "other",
            "status": "undefined",
            "reason": "no positives",
        }
    )
    gaps = [
        {
            "metric": m,
            "subject": s,
            "attribute": attribute,
            "group": g,
            "reference": groups[-1],
            "n": 1800,
            "estimate": e - 0.03 * j,
            "low": e - 0.1,
            "high": e + 0.04,
            "method": how,
        }
        for m, e, how in (("selection_rate_difference", -0.08, "score"), ("selection_rate_ratio", 0.81, "score"))
        for g in groups[:-1]
        for j, s in enumerate(subjects)
    ]
    transfer = [
        {
            "metric": "transfer",
            "subject": s,
            "attribute": attribute,
            "group": g,
            "reference": groups[-1],
            "n": 1800,
            "estimate": -0.03,
            "low": -0.05,
            "high": -0.01,
            "method": "bonett-price",
        }
        for g in groups[:-1]
        for s in students
    ]
    shares = np.linspace(1, 0.1, len(features))
    importance = pd.DataFrame(
        [
            {
                "subject": s,
                "feature": f,
                "estimate": float(v / shares.sum()),
                "low": np.nan,
                "high": np.nan,
                "method": "permutation" if s == "teacher" else "structure",
            }
            for s in ("teacher", *students)
            for f, v in zip(features, shares, strict=True)
        ]
    )
    complexity = pd.DataFrame(
        [
            {
                "subject": s,
                "family": "tree",
                "n_parameters": 48 * (i + 1),
                "n_features": 3,
                "n_bytes": 900,
                "n_leaves": 16,
            }
            for i, s in enumerate(students)
        ]
    )
    verdicts = pd.DataFrame(
        [
            {
                "rule": "fidelity.agreement >= 0.9",
                "metric": "agreement",
                "subject": students[0],
                "attribute": "",
                "group": "",
                "estimate": 0.95,
                "low": 0.94,
                "high": 0.96,
                "n": 4000,
                "verdict": "pass",
                "reason": "",
            },
            {
                "rule": "bias.impact_ratio >= 0.8",
                "metric": "impact_ratio",
                "subject": "teacher",
                "attribute": attribute,
                "group": groups[0],
                "estimate": 0.81,
                "low": 0.7,
                "high": 0.9,
                "n": 1800,
                "verdict": "inconclusive",
                "reason": "the interval contains 0.8; about 9,000 rows would decide",
            },
            {
                "rule": "bias.impact_ratio >= 0.8",
                "metric": "impact_ratio",
                "subject": students[0],
                "attribute": attribute,
                "group": groups[0],
                "estimate": 0.7,
                "low": 0.6,
                "high": 0.78,
                "n": 1800,
                "verdict": "fail",
                "reason": "",
            },
            {
                "rule": "stability.overlap >= 0.8",
                "metric": "overlap",
                "subject": students[0],
                "attribute": "",
                "group": "",
                "estimate": np.nan,
                "low": np.nan,
                "high": np.nan,
                "n": 0,
                "verdict": "cannot say",
                "reason": "stability was not measured",
            },
        ]
    )
    frames = {
        "verdicts": verdicts,
        "fidelity": frame(*fidelity),
        "performance": frame(*performance),
        "rates": frame(*rates),
        "gaps": frame(*gaps),
        "group_fidelity": frame(
            *[
                rate(0.9 + 0.04 * i, 900, metric="agreement", subject=s, attribute=attribute, group=g)
                for i, g in enumerate(groups)
                for s in students
            ]
        ),
        "transfer": frame(*transfer),
        "importance": importance,
        "complexity": complexity,
        "corpus": pd.DataFrame([{"part": "train", "n": 12000}, {"part": "test", "n": 4000}]),
        "students": pd.DataFrame([{"subject": s, "n_queries": 50000, "seed": 1} for s in students]),
    }
    schema = SimpleNamespace(
        features=tuple(feature(f, sensitive=f == attribute) for f in features),
        notices=("the column id looks like an identifier",),
    )
    manifest = {
        "date": "2026-11-23",
        "version": "0.1.0",
        "n_rows": 4000,
        "seed": 0,
        "data_sha256": "ab" * 32,
        "packages": {"numpy": "2.4.0"},
    }
    given = {"frames": frames, "manifest": manifest, "students": {s: Told() for s in students}, "schema": schema}
    return FakeAudit(**(given | more))


@pytest.fixture
def audit() -> FakeAudit:
    return make_audit()


@pytest.fixture
def make():
    return make_audit


@pytest.fixture(scope="session")
def make_once():
    return make_audit


def _browser():
    """The class of ``_chromium.py`` beside this file, which the benchmark of the report uses too."""
    spec = importlib.util.spec_from_file_location("_chromium", Path(__file__).with_name("_chromium.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Browser


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory):
    if CHROMIUM is None:
        pytest.skip("chromium is not installed: apt install chromium")
    chromium = _browser()(tmp_path_factory.mktemp("chromium"))
    yield chromium
    chromium.close()
