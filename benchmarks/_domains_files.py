"""A pretrained black box out of a wheel: magika, which tells what kind of file a text is, on files of this machine."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _bars import environment

import explaindistill as xd
from explaindistill.domains.text import TextDomain
from explaindistill.teachers.callable import CallableTeacher

ENDINGS = (".py", ".json", ".html", ".css", ".js", ".c", ".h", ".csv", ".toml", ".rst", ".md", ".xml", ".txt")
FIRST = 1500
"""Signs of a file that are looked at."""


def agreement_with_magika(n: int) -> tuple[float, int, int] | None:
    """Agreement of a tree of 16 leaves on a third of the files held out, files asked, kinds; None without magika."""
    python = environment("magika", ["--no-deps", "magika==1.0.3"])
    if python is None:
        return None
    sys.path.append(str(next((python.parent.parent / "lib").glob("python*/site-packages"))))
    from magika import Magika

    files, model = texts_of_files(n), Magika()
    if len(files) < n // 2:
        return None
    labels = magika_labels(model, files)
    counts = pd.Series(labels).value_counts()
    kinds = [*counts[counts >= n // 40].index, "other"]

    def ask(texts: list[str]) -> np.ndarray:
        at = [kinds.index(label) if label in kinds else len(kinds) - 1 for label in magika_labels(model, texts)]
        return np.eye(len(kinds))[at]

    cut = len(files) * 2 // 3
    student = xd.Distiller(
        CallableTeacher(ask, classes=kinds), xd.TreeClassifier(max_leaf_nodes=16),
        domain=TextDomain(["words", "form"], n_words=150), random_state=0,
    ).fit(files[:cut], progress=False)  # fmt: skip
    answers = np.array([label if label in kinds else "other" for label in labels[cut:]])
    return float((student.predict(files[cut:]) == answers).mean()), cut, len(kinds)


def magika_labels(model: Any, texts: list[str]) -> list[str]:
    """The kind of file that magika takes each text for."""
    return [model.identify_bytes(text.encode("utf-8", "replace")).output.label for text in texts]


def texts_of_files(n: int) -> list[str]:
    """Beginnings of up to ``n`` text files that Python brought along, in an order that depends on names alone."""
    by_ending: dict[str, list[Path]] = {ending: [] for ending in ENDINGS}
    for folder in {sysconfig.get_path("stdlib"), sysconfig.get_path("purelib")}:
        for path in sorted(Path(folder).rglob("*.*")):
            if path.suffix in by_ending and len(by_ending[path.suffix]) < n // 4 and path.is_file():
                by_ending[path.suffix].append(path)
    texts: dict[str, None] = {}
    order = np.random.default_rng(0).permutation(sum(map(len, by_ending.values())))
    paths = [path for same_ending in by_ending.values() for path in same_ending]
    for i in order:
        text = paths[i].read_bytes()[:FIRST].decode("utf-8", "replace")
        if len(text) > 100:
            texts[text] = None
        if len(texts) == n:
            break
    return list(texts)
