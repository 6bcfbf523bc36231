"""Images: a network that reads digits, in twenty typical images, against CART on its pixels; and a planted patch.

scikit-learn's digits: 900 of 1,797 are asked about and 897 judge, drawn by the seed; the teacher is a network of two
convolutions, trained on the 900.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeClassifier

import explaindistill as xd
from explaindistill.domains.image import ImageDomain
from explaindistill.teachers.callable import CallableTeacher
from explaindistill.teachers.torch import TorchTeacher

WAYS: tuple[str | None, ...] = (None, "paste", "mix", "warp", "noise", "occlusion")
LEAVES = 32
TERMS = 20
Row = dict[str, Any]


def rows(quick: bool, seeds: int) -> list[Row]:
    """One line per bar: ``bar``, ``asked``, ``measured``, ``holds``."""
    ways = WAYS[:2] if quick else WAYS
    measured = pd.DataFrame([one_seed(seed, ways, quick) for seed in range(seeds)])
    default = ImageDomain().sampling
    linear, tree = measured[f"linear, {default}"], measured[f"tree, {default}"]
    gain = tree - measured["CART on pixels"]
    n = f"{len(measured)} seeds, teacher right in {measured['teacher'].mean():.3f}"
    lines = [
        line(f"digits: linear on {TERMS} typical images, agreement", ">= 0.96", linear, linear.mean() >= 0.96, n),
        line(f"digits: tree of {LEAVES} leaves on them, agreement", "reported", tree, None),
        line(f"digits: CART of {LEAVES} leaves on pixels, agreement", "reported", measured["CART on pixels"], None),
        line("digits: that tree less CART on pixels", ">= 0.04", gain, gain.mean() >= 0.04),
    ]
    for student in ("linear", "tree"):
        lines += sampler_rows(measured, student, ways)
    return [*lines, *planted_rows()]


def one_seed(seed: int, ways: tuple[str | None, ...], quick: bool) -> dict[str, float]:
    """Agreement on held-out images of every student, and of CART on the teacher's labels."""
    digits = load_digits()
    fit, judge = train_test_split(
        np.arange(len(digits.target)), train_size=900, random_state=seed, stratify=digits.target
    )
    if quick:
        fit = fit[:400]
    teacher = network(digits.images[fit], digits.target[fit], seed, 15 if quick else 40)
    X, held = digits.images[fit], digits.images[judge]
    labels = teacher.predict(held)
    cart = DecisionTreeClassifier(max_leaf_nodes=LEAVES, random_state=seed).fit(
        X.reshape(len(X), -1), teacher.predict(X)
    )
    measured = {
        "teacher": float((labels == digits.target[judge]).mean()),
        "CART on pixels": float((cart.predict(held.reshape(len(held), -1)) == labels).mean()),
    }
    students = {"linear": xd.LinearClassifier(max_terms=TERMS), "tree": xd.TreeClassifier(max_leaf_nodes=LEAVES)}
    for way in ways:
        for name, student in students.items():
            distiller = xd.Distiller(teacher, student, domain=ImageDomain(sampling=way), random_state=seed).fit(X)
            measured[f"{name}, {way}"] = float((distiller.predict(held) == labels).mean())
    return measured


def network(images: np.ndarray, labels: np.ndarray, seed: int, rounds: int) -> TorchTeacher:
    """Two convolutions, trained with falling steps."""
    import torch

    torch.manual_seed(seed)
    nn = torch.nn
    module = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.3), nn.Linear(512, 128), nn.ReLU(), nn.Dropout(0.3), nn.Linear(128, 10),
    )  # fmt: skip

    def preprocess(stack: np.ndarray) -> Any:
        return torch.tensor(np.asarray(stack)[:, None] / 16.0, dtype=torch.float32)

    X, y = preprocess(images), torch.tensor(labels)
    steps = torch.optim.Adam(module.parameters(), 2e-3)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(steps, rounds)
    for _ in range(rounds):
        order = torch.randperm(len(X))
        for i in range(0, len(X), 64):
            at = order[i : i + 64]
            steps.zero_grad()
            nn.functional.cross_entropy(module(X[at]), y[at]).backward()
            steps.step()
        falling.step()
    return TorchTeacher(module.eval(), preprocess, classes=list(range(10)))


def sampler_rows(measured: pd.DataFrame, student: str, ways: tuple[str | None, ...]) -> list[Row]:
    """Each way of making images less none; the default may not lose."""
    default = ImageDomain().sampling
    lines = []
    for way in ways[1:]:
        gain = measured[f"{student}, {way}"] - measured[f"{student}, None"]
        lines.append(line(f"digits, {student}: images made by {way} less none", "reported", gain, None))
    gain = measured[f"{student}, {default}"] - measured[f"{student}, None"]
    low, high = interval(gain)
    text = f"the default is {default or 'none'}: {gain.mean():+.4f} [{low:+.4f}, {high:+.4f}]"
    return [
        *lines,
        row(
            f"digits, {student}: default sampler less none",
            "mean >= 0, upper end >= 0",
            text,
            high >= 0 and gain.mean() >= 0,
        ),
    ]


def planted_rows() -> list[Row]:
    """A patch that alone decides: first, with importance 1, and the others 0; and no image on a page."""
    rng = np.random.default_rng(0)
    images = rng.random((400, 12, 12))
    images[:, 3:6, 6:9] = rng.random((400, 1, 1))

    def patch(stack: Any) -> np.ndarray:
        return (np.asarray(stack)[:, 3:6, 6:9].mean(axis=(1, 2)) > 0.5).astype(float)

    domain = ImageDomain(["regions"], ink="none")
    teacher = CallableTeacher(patch, classes=["no", "yes"])
    tree = xd.Distiller(teacher, xd.TreeClassifier(max_leaf_nodes=4), domain=domain, random_state=0).fit(images[:200])
    audit = xd.audit(teacher, {"tree": tree}, images[200:], favorable="yes", random_state=0)
    shares = silencing_shares(audit)
    first = str(shares.index[0])
    right = (
        first == "brightness, upper centre right" and abs(shares.iloc[0] - 1) < 1e-9 and (shares.iloc[1:] == 0).all()
    )
    text = f"{first}: {shares.iloc[0]:.3f}; {len(shares) - 1} others at most {shares.iloc[1:].abs().max():.3f}"
    n, where = shown(audit, images[200:])
    return [
        row("planted patch: first with importance 1, others 0", "all", text, right),
        row("images in an audit's files without show=", "0", f"{n} of {len(images[200:])} in {where}", n == 0),
    ]


def silencing_shares(audit: Any) -> pd.Series:
    """The teacher's importance of each column by silencing it, in shares of their sum, the largest first."""
    lines = audit.frames["importance"]
    lines = lines[(lines["metric"] == "silencing") & (lines["subject"] == "teacher")]
    return lines.groupby("feature")["share"].max().sort_values(ascending=False)


def shown(audit: Any, objects: Any) -> tuple[int, str]:
    """How many objects a page, its data or its tables hold: as a picture, as a sound, or as three values in a row."""
    endings = ("html", "json", "md", "csv")
    pages = []
    with tempfile.TemporaryDirectory() as folder:
        for ending in endings:
            path = Path(folder) / f"audit.{ending}"
            audit.save(path)
            files = [path] if path.is_file() else sorted(Path(folder).rglob(f"*.{ending}"))
            pages += [file.read_text(errors="replace") for file in files]
    text = "\n".join(pages)
    pictures = text.count("data:image/") + text.count("data:audio/")
    n = sum(any(mark in text for mark in marks(value)) for value in objects)
    return n + pictures, ", ".join(endings)


def marks(value: np.ndarray) -> list[str]:
    """Three values in a row as a table or JSON would write them, from the middle of an object."""
    middle = np.asarray(value).ravel()[np.asarray(value).size // 2 :][:3].tolist()
    return [mark.join(f"{v:.4g}" for v in middle) for mark in (",", ", ", " ")] + [repr(v) for v in middle]


def interval(values: pd.Series) -> tuple[float, float]:
    """95 % interval of a mean over seeds; a single seed has none."""
    if len(values) < 2 or values.std() == 0:
        return float(values.mean()), float(values.mean())
    half = stats.t.ppf(0.975, len(values) - 1) * values.std() / np.sqrt(len(values))
    return float(values.mean() - half), float(values.mean() + half)


def line(bar: str, asked: str, values: pd.Series, holds: bool | None, note: str = "") -> Row:
    """Mean over seeds with its interval."""
    low, high = interval(values)
    return row(bar, asked, f"{values.mean():.4f} [{low:.4f}, {high:.4f}]{note and ', ' + note}", holds)


def row(bar: str, asked: str, measured: str, holds: bool | None) -> Row:
    """One line of the table."""
    return {"bar": bar, "asked": asked, "measured": measured, "holds": None if holds is None else bool(holds)}
