"""Models that users of other packages could not have explained, each asked as a teacher here.

The names are repositories and numbers of public reports; what is built is ours. Each function returns one line on what
was asked, and raises where the answer is not the model's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.errors import InvalidInputError, TeacherError
from explaindistill.teachers import as_teacher
from pages.tables import applicants, decided
from pages.teacher_rows import CATEGORIES, CLASSES, DECLINED, NUMBERS, VALUES, X, Y, columns, ids, numbers

__all__ = ["REPORTS"]


def _same(teacher: Any, wanted: Any, rows: pd.DataFrame = X) -> str:
    got = teacher.predict(rows) if teacher.classes_ is None else teacher.predict_proba(rows)
    np.testing.assert_allclose(got, np.asarray(wanted, dtype=float), rtol=0, atol=1e-6)
    student = xd.TreeRegressor(8) if teacher.classes_ is None else xd.TreeClassifier(8)
    fitted = xd.Distiller(teacher, student, n_queries=800, random_state=0).fit(rows)
    return f"a tree of 8 leaves follows on {fitted.score(rows):.2f}"


def _one_input_per_column() -> str:
    """A mapping of every column by its name, for a module that takes the mapping."""
    import torch

    torch.manual_seed(0)

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(3, 1)

        def forward(self, inputs: Any) -> Any:
            return self.layer(torch.cat([inputs[name] for name in NUMBERS], dim=1))

    net = Net().eval()
    with torch.no_grad():
        wanted = net.layer(torch.from_numpy(numbers(X)))[:, 0].numpy()
    by_column = {"preprocess": lambda rows: {n: numbers(rows)[:, [i]] for i, n in enumerate(NUMBERS)}}
    return _same(as_teacher(net, **by_column), wanted)


def _embedding_per_category() -> str:
    """Numbers and a flat array of ids for each category: a tuple of three."""
    import torch

    torch.manual_seed(0)

    class Wide(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.city, self.home = torch.nn.Embedding(3, 2), torch.nn.Embedding(3, 2)
            self.layer = torch.nn.Linear(7, 2)

        def forward(self, amounts: Any, city: Any, home: Any) -> Any:
            return self.layer(torch.cat([amounts, self.city(city), self.home(home)], dim=1))

    net = Wide().eval()
    with torch.no_grad():
        places = torch.from_numpy(ids(X))
        wanted = torch.softmax(net(torch.from_numpy(numbers(X)), places[:, 0], places[:, 1]), dim=1).numpy()
    parts = {"preprocess": lambda rows: (numbers(rows), ids(rows)[:, 0], ids(rows)[:, 1])}
    return _same(as_teacher(net, classes=CLASSES, **parts), wanted)


def _two_inputs_two_outputs() -> str:
    """Ten classes on one head, a value on the other: a teacher for each."""
    import torch

    torch.manual_seed(0)

    class Both(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = torch.nn.Linear(3, 10), torch.nn.Linear(2, 1)

        def forward(self, a: Any, b: Any) -> Any:
            return {"digit": self.a(a), "size": self.b(b)}

    net = Both().eval()
    parts = {"preprocess": lambda rows: (numbers(rows), ids(rows).astype(np.float32))}
    with torch.no_grad():
        raw = net(torch.from_numpy(numbers(X)), torch.from_numpy(ids(X).astype(np.float32)))
    with pytest.raises(TeacherError, match="say which is the answer: head='digit'"):
        as_teacher(net, **parts).predict(X)
    words = _same(as_teacher(net, classes=range(10), head="digit", **parts), torch.softmax(raw["digit"], 1).numpy())
    return words + "; " + _same(as_teacher(net, head="size", **parts), raw["size"][:, 0].numpy())


def _three_classes_of_a_booster() -> str:
    import lightgbm

    three = np.digitize(VALUES, [33, 66])
    booster = lightgbm.train({"objective": "multiclass", "num_class": 3, "verbose": -1}, lightgbm.Dataset(X, three), 5)
    return _same(as_teacher(booster, classes=["low", "middle", "high"]), booster.predict(X)[:, [2, 0, 1]])


def _a_booster_by_its_matrix() -> str:
    import xgboost

    matrix = xgboost.DMatrix(X[NUMBERS], DECLINED)
    booster = xgboost.train({"objective": "binary:logistic"}, matrix, 10)
    return _same(as_teacher(booster, classes=CLASSES), columns(booster.predict(matrix)), X[NUMBERS])


def _log_odds_of_a_booster() -> str:
    """Raw scores are no chances; the message says what to say."""
    import xgboost

    matrix = xgboost.DMatrix(X, DECLINED, enable_categorical=True)
    booster = xgboost.train({"objective": "binary:logitraw"}, matrix, 10)
    with pytest.raises(TeacherError, match="output='logits'"):
        as_teacher(booster, classes=CLASSES).predict(X)
    return _same(
        as_teacher(booster, classes=CLASSES, output="logits"), columns(1 / (1 + np.exp(-booster.predict(matrix))))
    )


def _a_hazard() -> str:
    import xgboost

    matrix = xgboost.DMatrix(X, VALUES + 1, enable_categorical=True)
    booster = xgboost.train({"objective": "survival:cox", "eta": 0.02}, matrix, 5)
    return _same(as_teacher(booster, output="value"), booster.predict(matrix))


def _category_columns_explained() -> str:
    """Shapley values of a model with category columns, by questions: shap's trees cannot read such splits."""
    import lightgbm

    model = lightgbm.LGBMClassifier(n_estimators=10, verbose=-1).fit(X, Y)
    tree = xd.Distiller(model, xd.TreeClassifier(8), n_queries=800, random_state=0).fit(X)
    others, outcomes = applicants(300, 1)[X.columns].astype(X.dtypes), decided(applicants(300, 1), 1)
    audit = xd.audit(model, {"tree": tree}, others, outcomes, n_explained=20)
    shares = audit.frames["importance"].query("subject == 'teacher'")
    assert set(shares["feature"]) >= set(CATEGORIES)
    return f"{len(shares)} lines of importance of the teacher"


def _numbers_and_categories_of_catboost() -> str:
    import catboost

    settings = {"iterations": 10, "cat_features": list(CATEGORIES), "verbose": 0, "allow_writing_files": False}
    text = X.astype(dict.fromkeys(CATEGORIES, object))
    model = catboost.CatBoostRegressor(**settings).fit(text, VALUES)
    return _same(as_teacher(model), model.predict(text), text)


def _columns_in_another_order() -> str:
    """LightGBM reads columns by their place; a frame in another order is brought into the one of fitting."""
    import lightgbm

    other = X[[*CATEGORIES, *NUMBERS]]
    model = lightgbm.LGBMRegressor(n_estimators=10, verbose=-1).fit(X, VALUES)
    words = _same(as_teacher(model), model.predict(X), other)
    return words + "; " + _same(as_teacher(model.booster_, output="value"), model.predict(X), other)


def _calibrated_booster() -> str:
    import xgboost
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.frozen import FrozenEstimator

    inner = xgboost.XGBClassifier(n_estimators=10, enable_categorical=True).fit(X, DECLINED)
    model = CalibratedClassifierCV(FrozenEstimator(inner)).fit(X, DECLINED)
    return _same(as_teacher(model, classes=CLASSES), model.predict_proba(X))


class _Both:
    """Has both methods whatever it was trained for, as models of older Keras had."""

    def predict(self, rows: pd.DataFrame) -> Any:
        return rows["age"].to_numpy() * 2.0

    def predict_proba(self, rows: pd.DataFrame) -> Any:
        return self.predict(rows)


def _values_beside_chances() -> str:
    with pytest.raises(InvalidInputError, match="classes must be given for output='probabilities'"):
        as_teacher(_Both())
    return _same(as_teacher(_Both(), output="value"), X["age"] * 2)


class _Chances:
    """Gives chances where scikit-learn gives classes."""

    def predict(self, rows: pd.DataFrame) -> Any:
        return columns(rows["age"] / 100)


def _chances_by_predict() -> str:
    with pytest.raises(TeacherError, match=r"2 columns that sum to one and has no classes; say as_teacher"):
        as_teacher(_Chances()).predict(X)
    return _same(as_teacher(_Chances().predict, classes=CLASSES), columns(X["age"] / 100))


def _columns_by_name() -> str:
    """A transformer that asks for columns by name needs the frame, and gets it."""
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    before = make_column_transformer((OneHotEncoder(), ["home"]), (StandardScaler(), ["debt"]))
    model = make_pipeline(before, LogisticRegression()).fit(X, Y)
    return _same(as_teacher(model), model.predict_proba(X))


def _text_columns_of_a_booster() -> str:
    """Text is no category to LightGBM: the error names the rows, the message the way."""
    import lightgbm

    model = lightgbm.LGBMClassifier(n_estimators=10, verbose=-1).fit(X, Y)
    text = X.astype(dict.fromkeys(CATEGORIES, str))
    with pytest.raises(TeacherError, match=r"could not answer 400 rows.*prepared\(X\)"):
        as_teacher(model).predict(text)
    kinds = {name: pd.CategoricalDtype(levels) for name, levels in CATEGORIES.items()}
    teacher = as_teacher(lambda rows: model.predict_proba(rows.astype(kinds)), classes=model.classes_)
    return _same(teacher, model.predict_proba(X), text)


REPORTS: Mapping[str, Callable[[], str]] = {
    "shap/shap#857, #964: numbers, and an embedding per category": _embedding_per_category,
    "shap/shap#439: two inputs, two outputs": _two_inputs_two_outputs,
    "interpretml/interpret-community#503: an input per column": _one_input_per_column,
    "marcotcr/lime#51: a LightGBM booster of three classes": _three_classes_of_a_booster,
    "marcotcr/lime#290: text columns for LightGBM": _text_columns_of_a_booster,
    "marcotcr/lime#334, shap/shap#704: an XGBoost booster and its matrix": _a_booster_by_its_matrix,
    "shap/shap#179: raw scores of a booster": _log_odds_of_a_booster,
    "MAIF/shapash#127: a booster of hazards": _a_hazard,
    "shap/shap#2144, #5132: category splits of LightGBM": _category_columns_explained,
    "shap/shap#1658: columns in another order": _columns_in_another_order,
    "SeldonIO/alibi#364, #990: CatBoost on numbers and categories": _numbers_and_categories_of_catboost,
    "SeldonIO/alibi#185: columns by name": _columns_by_name,
    "dmlc/xgboost#2334: a calibrated XGBoost classifier": _calibrated_booster,
    "ModelOriented/DALEX#321: predict_proba of a regression": _values_beside_chances,
    "Trusted-AI/AIX360#66: chances by predict": _chances_by_predict,
}
"""Cases by the report they follow; skorch in a search (interpretml/DiCE#429) is a row of the table."""
