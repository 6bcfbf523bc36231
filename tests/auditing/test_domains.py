"""Planted truths through the whole audit: a word, a patch or a band that alone decides has all of the importance."""

from __future__ import annotations

import base64

import numpy as np
import pytest

import explaindistill as xd
from explaindistill.domains.audio import AudioDomain
from explaindistill.domains.image import ImageDomain
from explaindistill.domains.text import TextDomain
from explaindistill.teachers import as_teacher

RATE = 8_000
WORDS = ["river", "stone", "lamp", "chair", "green", "quick", "seven", "music", "paper", "window", "bread", "cloud"]


def texts(rng):
    return [" ".join(rng.choice(WORDS, size=7, replace=False)) for _ in range(160)]


def by_word(objects):
    return np.array([0.9 if "lamp" in text.split() else 0.2 for text in objects])


def images(rng):
    return rng.uniform(0, 1, size=(160, 8, 8))


def by_patch(objects):
    return 1 / (1 + np.exp(-20 * (objects[:, :4, :4].mean(axis=(1, 2)) - 0.5)))


def sounds(rng):
    t = np.arange(2_400) / RATE
    loud = rng.uniform(0.1, 1, size=(160, 2))
    return [a * np.sin(2 * np.pi * 500 * t) + b * np.sin(2 * np.pi * 2_500 * t) for a, b in loud]


def by_band(objects):
    """How much of the energy lies above 2,000 Hz."""
    shares = []
    for wave in objects:
        power = np.abs(np.fft.rfft(wave)) ** 2
        shares.append(power[len(wave) * 2_000 // RATE :].sum() / power.sum())
    return np.array(shares)


CASES = {
    "text": (TextDomain(kinds=("words",), n_words=6), texts, by_word, "the word 'lamp'"),
    "image": (ImageDomain(kinds=("regions",), n_regions=2), images, by_patch, None),
}


def report_of(domain, X, answer):
    teacher = as_teacher(answer, classes=["no", "yes"])
    student = xd.Distiller(teacher, xd.LinearClassifier(), domain=domain, random_state=0).fit(X[:100])
    return xd.audit(teacher, {"sum": student}, X[100:], favorable="yes", n_explained=0)


def teachers(report):
    lines = report.frames["importance"].query("metric == 'silencing' and subject == 'teacher'")
    return lines.sort_values("estimate", ascending=False)


@pytest.mark.parametrize("name", CASES)
def test_what_alone_decides_has_importance_1_and_the_rest_0(name):
    domain, sample, answer, column = CASES[name]
    lines = teachers(report_of(domain, sample(np.random.default_rng(0)), answer))
    assert lines["share"].tolist() == [1.0, *[0.0] * (len(lines) - 1)]
    assert column is None or lines["feature"].iloc[0] == column
    assert lines["low"].iloc[0] > 0


def test_the_band_that_decides_comes_first():
    edges = [100, 1_000, 1_500, 3_500]
    report = report_of(AudioDomain(rate=RATE, bands=edges, n_parts=1), sounds(np.random.default_rng(0)), by_band)
    lines = teachers(report).set_index("feature")["share"]
    # the share of one band is decided by the loudness of both tones, and by nothing in the empty band between them
    empty = [name for name in lines.index if name.startswith("1,000")]
    assert len(empty) == 1
    assert lines[empty[0]] < 0.01


@pytest.mark.parametrize("name", CASES)
def test_no_object_stands_in_a_report(name, tmp_path):
    domain, sample, answer, _ = CASES[name]
    X = sample(np.random.default_rng(1))
    report = report_of(domain, X, answer)
    for kind in ("html", "md", "json", "csv"):
        page = report.save(tmp_path / f"a.{kind}").read_text("utf-8")
        assert "data:image" not in page
        for value in X:
            if isinstance(value, str):
                words = value.split()
                assert not any(" ".join(words[i : i + 4]) in page for i in range(len(words) - 3))
            else:
                assert base64.b64encode(value.tobytes()).decode() not in page
                assert not any(repr(v) in page for v in value.ravel().tolist())


def test_lists_that_columns_refer_to_are_counted_and_printed(tmp_path):
    warm = {"lamp", "river", "music"}

    def answer(objects):
        return 0.1 + 0.25 * np.array([len(warm & set(text.split())) for text in objects])

    report = report_of(TextDomain(kinds=("lexicon",)), texts(np.random.default_rng(2)), answer)
    printed = report.lists["sum"]
    listed = [word for line in printed.split("\n\n") for word in line.partition("):")[2].replace(",", " ").split()]
    assert set(listed) & warm
    assert report.frames["complexity"]["n_listed"].item() == len(listed) >= 2
    page = report.save(tmp_path / "a.html").read_text("utf-8")
    assert "Lists of sum" in page
    assert "Lists of sum" in report.save(tmp_path / "a.md").read_text("utf-8")
