"""The drawing of an additive student says what its terms say."""

import math

import numpy as np
import pandas as pd
import pytest

from explaindistill import plots
from explaindistill.students.gam.estimators import GAMClassifier, GAMRegressor


def rows(n: int = 400) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": rng.integers(18, 80, n).astype(float),
            "city": rng.choice(list("abcdefghi"), n),
            "owner": rng.random(n) < 0.5,
            "since": pd.Timestamp("2001-01-01") + pd.to_timedelta(rng.integers(0, 9000, n), unit="D"),
        }
    )
    frame.loc[:40, "age"] = np.nan
    z = frame["age"].fillna(50) / 20 - 2 + frame["owner"] * 1.0 + frame["city"].isin(list("abcdefg"))
    return frame, (z + frame["since"].dt.year / 20 - 100).to_numpy()


@pytest.mark.parametrize("student", [GAMClassifier(), GAMRegressor()])
def test_terms_are_in_the_users_own_words(student):
    frame, z = rows()
    drawn = student.fit(frame, z > np.median(z) if isinstance(student, GAMClassifier) else z).drawing()
    assert drawn.kind == "additive"
    assert drawn.unit == ("log-odds of True" if isinstance(student, GAMClassifier) else "effect on the value")
    assert [t.name for t in drawn.terms] == student.terms()["term"].tolist()
    terms = {t.name: t for t in drawn.terms}
    assert set(terms["owner"].frame["level"]) == {"no", "yes"}
    assert terms["since"].frame["x"].between(1998, 2029).all()  # years
    assert math.isfinite(terms["age"].missing)
    assert math.isnan(terms["city"].missing)
    line = terms["age"].frame
    assert line["x"].between(18, 79).all()  # a curve ends where rows end
    shape = student.shape("age").set_index("value").loc[line["x"]]
    np.testing.assert_allclose(line[["estimate", "low", "high"]], shape[["effect", "low", "high"]])
    assert plots.draw(drawn, plots.figure().subplots()).get_ylabel() == drawn.unit


def test_several_classes_have_a_curve_each():
    frame, z = rows()
    drawn = GAMClassifier().fit(frame, np.digitize(z, np.quantile(z, [0.3, 0.6]))).drawing()
    assert drawn.unit == "score"
    assert set(drawn.terms[0].frame["output"]) == {"0", "1", "2"}
    assert plots.draw(drawn, plots.figure().subplots()).has_data()


def test_a_pair_is_a_full_grid():
    frame, z = rows()
    drawn = GAMRegressor(n_pairs=1).fit(frame, z * np.where(frame["owner"], 3.0, -3.0)).drawing()
    (term,) = [t for t in drawn.terms if len(t.features) == 2]
    assert len(term.frame) == term.frame["x"].nunique() * term.frame["y"].nunique()
    assert plots.term(term, plots.figure().subplots()).get_ylabel() == term.features[1]
