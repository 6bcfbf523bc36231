"""What alone decides is found, and what is ignored counts nothing: a patch of images, a band of sounds, end to end."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.domains.audio import AudioDomain
from explaindistill.domains.image import ImageDomain
from explaindistill.teachers.callable import CallableTeacher

RATE = 4000


def planted_images(rng, n=120):
    images = rng.random((n, 8, 8))
    images[:, 2:4, 4:6] = rng.random((n, 1, 1))
    return (images * 255).astype(np.uint8)


def bright_patch(images):
    """Decides by one of 4 × 4 regions, and insists on what it was trained with."""
    stack = np.asarray(images)
    assert stack.dtype == np.uint8
    return (stack[:, 2:4, 4:6].mean(axis=(1, 2)) > 127).astype(float)


def planted_sounds(rng, n=120):
    sounds = []
    for i in range(n):
        sound = 0.02 * rng.normal(size=2000)
        for place in range(5):
            for hertz in (150.0, 1700.0):
                at = slice(place * 400 + 80, place * 400 + 320)
                sound[at] += rng.uniform(0, 0.3) * np.sin(2 * np.pi * hertz * np.arange(240) / RATE)
        if i % 2:
            sound[880:1120] += 0.3 * np.sin(2 * np.pi * 700 * np.arange(240) / RATE)
        sounds.append((sound * 20_000).astype(np.int16))
    return sounds


def tone_in_the_middle(sounds):
    beat = np.exp(-2j * np.pi * 700 * np.arange(240) / RATE)
    assert all(sound.dtype == np.int16 for sound in sounds)
    return np.array([abs(sound[880:1120] @ beat) / 240 > 600 for sound in sounds], dtype=float)


CASES = {
    "patch": (ImageDomain(["regions"], ink="none"), planted_images, bright_patch, "brightness, upper centre right"),
    "band": (
        AudioDomain(RATE, ["bands"], bands=[50, 400, 1000, 2000], n_parts=5),
        planted_sounds,
        tone_in_the_middle,
        "400–1,000 Hz, 3rd fifth",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_alone_decides_is_found(name):
    domain, sample, rule, column = CASES[name]
    objects = sample(np.random.default_rng(0))
    teacher = CallableTeacher(rule, classes=["no", "yes"])
    student = xd.Distiller(teacher, xd.TreeClassifier(max_leaf_nodes=2), domain=domain, random_state=0).fit(
        objects[:60]
    )
    assert f'if "{column}" <=' in student.describe()
    held_out = objects[60:]
    assert student.score(held_out) > 0.9
    audit = xd.audit(teacher, {"tree": student}, held_out, favorable="yes", random_state=0, progress=False)
    lines = audit.frames["importance"].query("metric == 'silencing' and subject == 'teacher'").set_index("feature")
    assert lines["share"][column] == 1
    assert (lines["estimate"].drop(column) == 0).all()
    flips = audit.frames["edits"].query("metric == 'edit_flip_rate' and subject == 'teacher'").set_index("edit")
    assert flips["n"].eq(60).all()


@pytest.mark.parametrize("player", [True, False])
def test_a_named_sound_is_played_on_the_page_where_the_domain_says_so(player, tmp_path):
    sounds = planted_sounds(np.random.default_rng(0))
    teacher = CallableTeacher(tone_in_the_middle, classes=["no", "yes"])
    domain = AudioDomain(RATE, ["bands"], bands=[50, 400, 1000, 2000], n_parts=5, player=player)
    student = xd.Distiller(teacher, xd.TreeClassifier(max_leaf_nodes=2), domain=domain, random_state=0).fit(sounds[:60])
    options = {"favorable": "yes", "n_explained": 0, "progress": False}
    named = xd.audit(teacher, {"tree": student}, sounds[60:], show=[3], **options)
    page = named.save(tmp_path / "a.html").read_text("utf-8")
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    players = re.findall(
        r'<audio controls aria-label="[^"]+" src="data:audio/wav;base64,[A-Za-z0-9+/=]+"></audio>', page
    )
    assert (len(players), page.count("data:audio")) == ((1, 1) if player else (0, 0))
    assert ("media-src data:" in policy) == player
    for ending in ("json", "md"):
        assert "data:audio" not in named.save(tmp_path / f"a.{ending}").read_text("utf-8")
    unnamed = xd.audit(teacher, {"tree": student}, sounds[60:], **options)
    page = unnamed.save(tmp_path / "b.html").read_text("utf-8")
    assert "data:audio" not in page
    assert "media-src" not in page


def test_images_stand_beside_ordinary_columns():
    rng = np.random.default_rng(0)
    images = planted_images(rng)
    rows = pd.DataFrame({"scan": list(images), "age": rng.integers(20, 80, len(images))})

    def rule(frame):
        return ((bright_patch(list(frame["scan"])) > 0) & (frame["age"] > 50)).astype(float)

    teacher = CallableTeacher(rule, classes=["no", "yes"])
    domain = ImageDomain(["regions"], ink="none", column="scan")
    student = xd.Distiller(teacher, xd.TreeClassifier(max_leaf_nodes=3), domain=domain, random_state=0).fit(rows)
    assert student.score(rows) > 0.95
    importance = student.importance().set_index("feature")["estimate"]
    assert set(importance[importance > 0].index) == {"brightness, upper centre right", "age"}


def test_channels_first_reach_a_network_as_they_are():
    rng = np.random.default_rng(0)
    images = rng.random((60, 3, 8, 8)).astype(np.float32)
    images[::2, 0] *= 0.3

    def reddish(stack):
        assert stack.shape[1:] == (3, 8, 8)
        return (stack[:, 0].mean(axis=(1, 2)) > 0.3).astype(float)

    domain = ImageDomain(["colours"], channel_axis=0)
    teacher = CallableTeacher(reddish, classes=["no", "yes"])
    student = xd.Distiller(teacher, xd.TreeClassifier(max_leaf_nodes=2), domain=domain, random_state=0).fit(images)
    assert student.score(images) == 1.0
    assert "red, " in student.describe()
    assert student.show(images[0]).startswith("<figure")
