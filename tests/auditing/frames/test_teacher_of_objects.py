"""Which columns of objects are suspected to hold the outcome itself."""

import numpy as np
import pytest

import explaindistill as xd
from explaindistill.domains.image import ImageDomain
from explaindistill.teachers.callable import CallableTeacher


@pytest.fixture(scope="module")
def check():
    """Images whose upper left corner was marked by who labelled them."""
    rng = np.random.default_rng(0)
    images = rng.random((600, 8, 8))
    marked = rng.random(600) < 0.5
    images[marked, :2, :2] += 3

    def teacher(X):
        yes = 1 / (1 + np.exp(-4 * (np.asarray(X)[:, :2, :2].mean(axis=(1, 2)) - 1.5)))
        return np.column_stack([1 - yes, yes])

    adapter = CallableTeacher(teacher, classes=["no", "yes"])
    domain = ImageDomain(kinds=["prototypes", "regions"])
    student = xd.Distiller(adapter, xd.LinearClassifier(), domain=domain, random_state=0).fit(images[:300])
    y = np.where(marked[300:], "yes", "no")
    record = xd.audit(student.teacher_, {"sum": student}, images[300:], y, favorable="yes")
    table = record.frames["teacher"].query("metric == 'single_feature_auc'").set_index("feature")
    return table, student.view_.features.columns_.from_answers_


def test_a_place_that_tells_the_outcome_is_suspected(check):
    table, _ = check
    places = [name for name in table.index if name.startswith("brightness") and "top" in name]
    assert places
    assert table.loc[places, "suspicious"].eq(True).any()


def test_columns_learnt_from_the_teachers_answers_are_not(check):
    table, learnt = check
    assert learnt
    assert (table.loc[learnt, "estimate"] > 0.95).any(), "they do tell it"
    assert not table.loc[learnt, "suspicious"].eq(True).any()
    assert "learnt from the teacher's answers" in set(table.loc[learnt, "reason"])
