"""Each row of the table of teachers, run as it stands on the page; ``python tests/pages/teacher_rows.py`` runs all.

The optional packages live in an environment of their own, which ``make docs-test`` makes; the suite runs the rows that
need none of them.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")  # read when Keras is imported

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))

import explaindistill as xd
from pages.tables import applicants, chances, decided

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "teachers.md"
ROW = re.compile(r"^\| ([^|`]+?) \| (.*) \|$", flags=re.MULTILINE)
CLASSES = ["approved", "declined"]
CATEGORIES = {"city": ["Bern", "Chur", "Thun"], "home": ["other", "own", "rent"]}


@dataclass
class Case:
    """Names that a row's code may use, and what its teacher must answer on the rows of :data:`X`."""

    names: dict[str, Any]
    answers: Callable[[], Any]
    close: float = 1e-6
    kind: str = "classes"
    names_of_column: list[str] = field(default_factory=list)


X = applicants(400, 0)[["age", "income", "debt", "city", "home"]].fillna({"income": 30_000.0})
X = X.astype({name: pd.CategoricalDtype(levels) for name, levels in CATEGORIES.items()})
Y = decided(applicants(400, 0), 0)
DECLINED = (Y == "declined").astype(np.int64)
VALUES = chances(applicants(400, 0)) * 100
NUMBERS = ["age", "income", "debt"]


def numbers(rows: pd.DataFrame) -> np.ndarray:
    """Scaled numbers."""
    return ((rows[NUMBERS] - X[NUMBERS].mean()) / X[NUMBERS].std()).to_numpy(dtype=np.float32)


def ids(rows: pd.DataFrame) -> np.ndarray:
    """Places of categories, as embeddings read them."""
    codes = [pd.Categorical(rows[name], categories=levels).codes for name, levels in CATEGORIES.items()]
    return np.column_stack(codes).astype(np.int64)


def columns(p: Any) -> np.ndarray:
    """Both columns from the probability of the second class."""
    p = np.asarray(p, dtype=float).reshape(-1)
    return np.column_stack([1 - p, p])


def rows_on_the_page() -> dict[str, list[str]]:
    """What is in the table: code by what a reader has."""
    table = PAGE.read_text("utf-8").split("## Which one you have")[1].split("\n## ")[0]
    return {label: re.findall(r"`([^`]+)`", code) for label, code in ROW.findall(table) if label != "you have"}


# -- one function per row --------------------------------------------------------------------------------------------


def _estimators() -> list[Case]:
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    before = make_column_transformer((StandardScaler(), NUMBERS), (OneHotEncoder(), list(CATEGORIES)))
    pipeline = make_pipeline(before, LogisticRegression())
    forest = make_pipeline(before, RandomForestClassifier(10, random_state=0))
    search = GridSearchCV(forest, {"randomforestclassifier__max_depth": [2, 3]}, cv=2)
    models = [pipeline.fit(X, Y), search.fit(X, Y)]
    value = make_pipeline(before, Ridge()).fit(X, VALUES)
    return [Case({"model": m}, lambda m=m: m.predict_proba(X)) for m in models] + [
        Case({"model": value}, lambda: value.predict(X), kind="value")
    ]


def _boosters_as_estimators() -> list[Case]:
    import catboost
    import lightgbm
    import xgboost

    text = {"cat_features": list(CATEGORIES), "verbose": 0, "allow_writing_files": False}
    models = [
        lightgbm.LGBMClassifier(n_estimators=10, verbose=-1).fit(X, Y),
        catboost.CatBoostClassifier(iterations=10, **text).fit(X, Y),
    ]
    coded = xgboost.XGBClassifier(n_estimators=10, enable_categorical=True).fit(X, DECLINED)  # takes numbers as classes
    value = catboost.CatBoostRegressor(iterations=10, **text).fit(X, VALUES)
    return [
        *(Case({"model": m}, lambda m=m: m.predict_proba(X)) for m in models),
        Case({"model": coded}, lambda: coded.predict_proba(X)),
        Case({"model": value}, lambda: value.predict(X), kind="value"),
    ]


def _bare_boosters() -> list[Case]:
    import catboost
    import lightgbm
    import xgboost

    light = lightgbm.train({"objective": "binary", "verbose": -1}, lightgbm.Dataset(X, DECLINED), 10)
    matrix = xgboost.DMatrix(X, DECLINED, enable_categorical=True)
    extreme = xgboost.train({"objective": "binary:logistic"}, matrix, 10)
    settings = {"iterations": 10, "cat_features": list(CATEGORIES), "verbose": 0, "allow_writing_files": False}
    cat = catboost.CatBoost(settings | {"loss_function": "Logloss"}).fit(X, DECLINED)
    return [
        Case({"booster": light}, lambda: columns(light.predict(X))),
        Case({"booster": extreme}, lambda: columns(extreme.predict(matrix))),
        Case({"booster": cat}, lambda: cat.predict(X, prediction_type="Probability")),
    ]


def _values_of_boosters() -> list[Case]:
    import catboost
    import lightgbm
    import xgboost

    light = lightgbm.train({"objective": "regression", "verbose": -1}, lightgbm.Dataset(X, VALUES), 10)
    matrix = xgboost.DMatrix(X, VALUES, enable_categorical=True)
    extreme = xgboost.train({}, matrix, 10)
    settings = {"iterations": 10, "cat_features": list(CATEGORIES), "verbose": 0, "allow_writing_files": False}
    cat = catboost.CatBoost(settings | {"loss_function": "RMSE"}).fit(X, VALUES)
    return [
        Case({"booster": light}, lambda: light.predict(X), kind="value"),
        Case({"booster": extreme}, lambda: extreme.predict(matrix), kind="value"),
        Case({"booster": cat}, lambda: cat.predict(X), kind="value"),
    ]


def _skorch() -> list[Case]:
    import torch
    from sklearn.compose import make_column_transformer
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
    from skorch import NeuralNetBinaryClassifier, NeuralNetClassifier

    torch.manual_seed(0)
    encode = make_column_transformer(
        (StandardScaler(), NUMBERS), (OneHotEncoder(sparse_output=False), list(CATEGORIES))
    )
    single = FunctionTransformer(np.float32)
    settings = {"max_epochs": 3, "verbose": 0, "lr": 0.1}
    net = NeuralNetClassifier(
        torch.nn.Sequential(torch.nn.Linear(9, 2)), criterion=torch.nn.CrossEntropyLoss, **settings
    )
    one = NeuralNetBinaryClassifier(torch.nn.Sequential(torch.nn.Linear(9, 1), torch.nn.Flatten(0)), **settings)
    pipeline = make_pipeline(encode, single, net).fit(X, DECLINED)
    binary = make_pipeline(encode, single, one).fit(X, DECLINED.astype(np.float32))
    search = GridSearchCV(pipeline, {"neuralnetclassifier__lr": [0.01, 0.1]}, cv=2).fit(X, DECLINED)
    return [Case({"pipeline": m}, lambda m=m: m.predict_proba(X)) for m in (pipeline, binary, search)]


def _two_inputs(form: str, outputs: int = 2) -> Any:
    """A network of ids and numbers, the commonest one for tables."""
    import torch

    torch.manual_seed(0)

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cities, self.homes = torch.nn.Embedding(3, 2), torch.nn.Embedding(3, 2)
            self.layers = torch.nn.Linear(7, outputs)

        def answer(self, ids: Any, numbers: Any) -> Any:
            parts = [self.cities(ids[:, 0]), self.homes(ids[:, 1]), numbers]
            return self.layers(torch.cat(parts, dim=1))

    class Each(Net):
        def forward(self, ids: Any, numbers: Any) -> Any:
            return _answered(self.answer(ids, numbers), form)

    class Batch(Net):
        def forward(self, batch: Any) -> Any:
            return self.answer(batch["ids"], batch["numbers"])

    return (Batch() if form == "batch" else Each()).eval()


def _answered(z: Any, form: str) -> Any:
    from types import SimpleNamespace

    return {
        "flat": lambda: z[:, 0],
        "tuple": lambda: (z, z.sum()),
        "mapping": lambda: {"logits": z, "loss": z.sum()},
        "object": lambda: SimpleNamespace(logits=z, hidden_states=None),
    }.get(form, lambda: z)()


def _logits(net: Any) -> np.ndarray:
    import torch

    with torch.no_grad():
        return net.answer(torch.from_numpy(ids(X)), torch.from_numpy(numbers(X))).double().numpy()


def _softmax(net: Any) -> Callable[[], np.ndarray]:
    def answers() -> np.ndarray:
        z = _logits(net)
        z = np.column_stack([np.zeros(len(z)), z[:, 0]]) if z.shape[1] == 1 else z
        return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)

    return answers


def _network(form: str = "tensor", outputs: int = 2) -> Case:
    net = _two_inputs(form, outputs)
    return Case({"net": net, "ids": ids, "numbers": numbers}, _softmax(net))


def _one_input() -> list[Case]:
    import torch
    from sklearn.preprocessing import StandardScaler

    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2)).double().eval()
    scaler = StandardScaler().fit(X[NUMBERS])

    def answers() -> np.ndarray:
        with torch.no_grad():
            return torch.softmax(net(torch.from_numpy(scaler.transform(X[NUMBERS]))), dim=1).numpy()

    return [Case({"net": net, "scaler": scaler}, answers, names_of_column=NUMBERS)]


def _lightning() -> list[Case]:
    import lightning

    net = _two_inputs("tensor")

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, ids: Any, numbers: Any) -> Any:
            return self.net(ids, numbers)

    return [Case({"module": Module(), "ids": ids, "numbers": numbers}, _softmax(net))]


def _keras() -> list[Case]:
    import keras

    keras.utils.set_random_seed(0)
    places, amounts = keras.Input((2,), dtype="int64"), keras.Input((3,))
    embedded = keras.layers.Flatten()(keras.layers.Embedding(3, 2)(places))
    chance = keras.layers.Dense(1, activation="sigmoid")(keras.layers.Concatenate()([embedded, amounts]))
    model = keras.Model([places, amounts], chance)
    names = {"model": model, "ids": ids, "numbers": numbers}
    return [Case(names, lambda: columns(model.predict([ids(X), numbers(X)], verbose=0)))]


def _tabnet() -> list[Case]:
    import warnings

    from pytorch_tabnet.tab_model import TabNetClassifier

    def prepared(rows: pd.DataFrame) -> np.ndarray:
        return np.column_stack([numbers(rows), ids(rows)]).astype(np.float32)

    model = TabNetClassifier(verbose=0, seed=0)
    with warnings.catch_warnings():  # of its own about the device and the last epoch
        warnings.simplefilter("ignore")
        model.fit(prepared(X), Y, max_epochs=2)
    return [Case({"model": model, "prepared": prepared}, lambda: model.predict_proba(prepared(X)))]


def _function() -> list[Case]:
    def score(rows: pd.DataFrame) -> np.ndarray:
        return 1 / (1 + np.exp((rows["income"] - rows["debt"] - 12_000) / 8_000))

    both = pd.DataFrame({"declined": score(X), "approved": 1 - score(X)})
    named = {"score": lambda rows: pd.DataFrame({"declined": score(rows), "approved": 1 - score(rows)})}
    return [
        Case({"score": score}, lambda: columns(score(X))),
        Case({"score": lambda rows: columns(score(rows))}, lambda: columns(score(X))),
        Case(named, both[CLASSES].to_numpy),  # by name, in whatever order they come
    ]


def _labels() -> list[Case]:
    def decide(rows: pd.DataFrame) -> np.ndarray:
        return np.where(rows["income"] > rows["debt"] + 15_000, "approved", "declined")

    return [Case({"decide": decide}, lambda: columns(decide(X) == "declined"))]


def _value() -> list[Case]:
    def price(rows: pd.DataFrame) -> np.ndarray:
        return rows["income"].to_numpy() / 100 + rows["age"].to_numpy()

    return [Case({"price": price}, lambda: price(X), kind="value")]


def _record() -> list[Case]:
    P = pd.DataFrame(columns(DECLINED * 0.8 + 0.1), columns=CLASSES)
    return [Case({"X": X, "scores": P}, P.to_numpy, kind="record")]


def _onnx() -> list[Case]:
    student = xd.TreeClassifier(max_leaf_nodes=4).fit(X[NUMBERS], Y)
    student.export("model.onnx")
    return [Case({}, lambda: student.predict_proba(X[NUMBERS]), names_of_column=NUMBERS)]


def _ensemble() -> list[Case]:
    from explaindistill.teachers.callable import CallableTeacher

    one = CallableTeacher(lambda rows: np.full(len(rows), 0.25), classes=CLASSES)
    other = CallableTeacher(lambda rows: (rows["age"] > 40).to_numpy(dtype=float), classes=CLASSES)
    return [Case({"one": one, "other": other}, lambda: columns((0.25 + (X["age"] > 40)) / 2))]


CASES: dict[str, Callable[[], list[Case]]] = {
    "a fitted estimator, Pipeline or search of scikit-learn": _estimators,
    "LightGBM, XGBoost, CatBoost by their classes, category columns as they are": _boosters_as_estimators,
    "a bare booster of the three, of classes": _bare_boosters,
    "the same, of values": _values_of_boosters,
    "skorch, in a Pipeline, also searched": _skorch,
    "a torch module of one input": _one_input,
    "of several inputs, in their order": lambda: [_network()],
    "of several inputs, by their names": lambda: [_network()],
    "one that takes all of it as one batch": lambda: [_network("batch")],
    "one logit for two classes, (n,) or (n, 1)": lambda: [_network("flat", 1), _network("tensor", 1)],
    "a mapping or object with logits, as transformers give": lambda: [_network("mapping"), _network("object")],
    "several outputs, one of them the answer": lambda: [_network("tuple")],
    "a module of Lightning": _lightning,
    "Keras, any back end": _keras,
    "TabNet, and others that take arrays only": _tabnet,
    "a function of rows that gives chances": _function,
    "a function that gives labels": _labels,
    "a function that gives values": _value,
    "rows and their recorded scores": _record,
    "an ONNX file": _onnx,
    "several teachers": _ensemble,
}
"""Rows of the table by their first cell."""
ELSEWHERE = ("an endpoint that scores", "a chat model")
"""Rows that the blocks further down on the page run."""
OPTIONAL = {"catboost", "keras", "lightgbm", "lightning", "pytorch_tabnet", "skorch", "xgboost"}


def check(case: Case, code: str) -> float:
    """Largest difference between a teacher and the model itself; a student of it must be fitted, too."""
    names: dict[str, Any] = {"np": np}
    exec("from explaindistill.teachers import *\nfrom explaindistill.teachers.callable import CallableTeacher", names)
    for module in ("ensemble", "onnx", "recorded", "torch"):
        if module in code.lower():
            exec(f"from explaindistill.teachers.{module} import *", names)
    teacher = eval(code, names | case.names)  # the page's own words
    rows = X[case.names_of_column] if case.names_of_column else X
    got = teacher.predict(rows) if teacher.classes_ is None else teacher.predict_proba(rows)
    gap = float(np.abs(got - np.asarray(case.answers(), dtype=float)).max())
    if case.kind != "record":
        student = xd.TreeRegressor(8) if case.kind == "value" else xd.TreeClassifier(8)
        fitted = xd.Distiller(teacher, student, n_queries=800, random_state=0).fit(rows)
        assert fitted.score(rows) > 0.5, f"the student follows {code} on {fitted.score(rows):.3f} only"
    assert gap <= case.close, f"{code} is off by {gap:g}"
    return gap


def main() -> int:
    """Run every row and every case of a report elsewhere; 1 where one falls short."""
    import tempfile

    from pages.teacher_reports import REPORTS

    bad = 0
    table = rows_on_the_page()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for label, build in CASES.items():
            try:
                gaps = [check(case, table[label][0]) for case in build()]
                print(f"ok    {label}: {len(gaps)} model(s), off by {max(gaps):.1e} at most")
            except Exception as error:  # every row is told, also behind one that fails
                bad += 1
                print(f"FAILS {label}: {type(error).__name__}: {error}")
        for name, report in REPORTS.items():
            try:
                print(f"ok    {name}: {report()}")
            except Exception as error:
                bad += 1
                print(f"FAILS {name}: {type(error).__name__}: {error}")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
