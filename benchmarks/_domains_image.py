"""Images: a network that reads digits, in twenty typical images, against CART on its pixels; and a planted patch.

scikit-learn's digits: 900 of 1,797 are asked about and 897 judge, drawn by the seed; the teacher is a network of two
convolutions, trained on the 900.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from _domains_lines import Line, interval, line, line_at_least, reported
from _domains_pages import disclosure_line, planted_line
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
ROUNDS, QUICK_ROUNDS, QUICK_IMAGES = 40, 15, 400


def rows(quick: bool, seeds: int) -> list[Line]:
    """One line per bar: ``bar``, ``asked``, ``measured``, ``holds``."""
    ways = WAYS[:2] if quick else WAYS
    figures = pd.DataFrame([figures_of_seed(seed, ways, quick) for seed in range(seeds)])
    default = ImageDomain().sampling
    linear, tree, cart = (figures[name] for name in (f"linear, {default}", f"tree, {default}", "CART on pixels"))
    note = f"{len(figures)} seeds, teacher right in {figures['teacher'].mean():.3f}"
    lines = [
        line_at_least(f"digits: linear on {TERMS} typical images, agreement", 0.96, linear, note),
        reported(f"digits: tree of {LEAVES} leaves on them, agreement", tree),
        reported(f"digits: CART of {LEAVES} leaves on pixels, agreement", cart),
        line_at_least("digits: that tree less CART on pixels", 0.04, tree - cart),
    ]
    for student in ("linear", "tree"):
        lines += sampler_rows(figures, student, ways)
    return [*lines, *planted_rows(100 if quick else 400)]


def figures_of_seed(seed: int, ways: tuple[str | None, ...], quick: bool) -> dict[str, float]:
    """Agreement on held-out images of every student, and of CART on the teacher's labels."""
    digits = load_digits()
    fit, judge = train_test_split(
        np.arange(len(digits.target)), train_size=900, random_state=seed, stratify=digits.target
    )
    if quick:
        fit = fit[:QUICK_IMAGES]
    teacher = network(digits.images[fit], digits.target[fit], seed, QUICK_ROUNDS if quick else ROUNDS)
    X, held = digits.images[fit], digits.images[judge]
    labels = teacher.predict(held)
    cart = DecisionTreeClassifier(max_leaf_nodes=LEAVES, random_state=seed).fit(
        X.reshape(len(X), -1), teacher.predict(X)
    )
    figures = {
        "teacher": float((labels == digits.target[judge]).mean()),
        "CART on pixels": float((cart.predict(held.reshape(len(held), -1)) == labels).mean()),
    }
    students = {"linear": xd.LinearClassifier(max_terms=TERMS), "tree": xd.TreeClassifier(max_leaf_nodes=LEAVES)}
    for way in ways:
        for name, student in students.items():
            distiller = xd.Distiller(teacher, student, domain=ImageDomain(sampling=way), random_state=seed).fit(X)
            figures[f"{name}, {way}"] = float((distiller.predict(held) == labels).mean())
    return figures


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


def sampler_rows(figures: pd.DataFrame, student: str, ways: tuple[str | None, ...]) -> list[Line]:
    """Each way of making images less none; the default may not lose."""
    default = ImageDomain().sampling
    without = figures[f"{student}, None"]
    lines = [
        reported(f"digits, {student}: images made by {way} less none", figures[f"{student}, {way}"] - without)
        for way in ways[1:]
    ]
    gain = figures[f"{student}, {default}"] - without
    low, high = interval(gain)
    text = f"the default is {default or 'none'}: {gain.mean():+.4f} [{low:+.4f}, {high:+.4f}]"
    holds = high >= 0 and gain.mean() >= 0
    return [*lines, line(f"digits, {student}: default sampler less none", "mean >= 0, upper end >= 0", text, holds)]


def planted_rows(n_images: int) -> list[Line]:
    """A patch that alone decides: first, with importance 1, and the others 0; and no image on a page."""
    rng = np.random.default_rng(0)
    images = rng.random((n_images, 12, 12))
    images[:, 3:6, 6:9] = rng.random((n_images, 1, 1))

    def patch(stack: Any) -> np.ndarray:
        return (np.asarray(stack)[:, 3:6, 6:9].mean(axis=(1, 2)) > 0.5).astype(float)

    fit, held_out = images[: n_images // 2], images[n_images // 2 :]
    domain = ImageDomain(["regions"], ink="none")
    teacher = CallableTeacher(patch, classes=["no", "yes"])
    tree = xd.Distiller(teacher, xd.TreeClassifier(max_leaf_nodes=4), domain=domain, random_state=0).fit(fit)
    audit = xd.audit(teacher, {"tree": tree}, held_out, favorable="yes", random_state=0)
    return [
        planted_line("planted patch: first with importance 1, others 0", audit, "brightness, upper centre right"),
        disclosure_line("images in an audit's files without show=", audit, held_out),
    ]
