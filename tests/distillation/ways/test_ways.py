"""Ways of distilling: each against a truth that was planted for it."""

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.data.schema import Schema
from explaindistill.data.targets import SoftTargets
from explaindistill.distillation.ways.hint_columns import HintColumns
from explaindistill.distillation.ways.probe_weights import ProbeWeights, probe_confidence
from explaindistill.distillation.ways.relations import SharedAnswers
from explaindistill.distillation.ways.synthetic_only import SyntheticOnly
from explaindistill.errors import InvalidInputError
from explaindistill.teachers.callable import CallableTeacher


class Layered:
    """A teacher whose first layer shows what is easy, and whose second layer shows everything.

    Rows with ``a`` far from 0 are decided by its sign (linear in layer one); the others by an exclusive or of ``b`` and
    ``c``, which layer one holds only as ``b`` and ``c`` themselves.
    """

    classes_ = np.array(["no", "yes"])

    def _truth(self, X):
        easy = X["a"].abs().to_numpy() > 1
        return np.where(easy, X["a"].to_numpy() > 0, (X["b"].to_numpy() > 0) != (X["c"].to_numpy() > 0))

    def predict_proba(self, X):
        yes = np.where(self._truth(X), 0.95, 0.05)
        return np.column_stack([1 - yes, yes])

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def hidden(self, X):
        first = X[["a", "b", "c"]].to_numpy()
        return {"first": first, "second": np.column_stack([first, self._truth(X) * 3.0])}

    def fingerprint(self):
        return "layered"

    def __sklearn_clone__(self):
        return self


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    return pd.DataFrame(rng.normal(size=(900, 3)) * [1.6, 1, 1], columns=["a", "b", "c"])


@pytest.fixture
def targets(rows):
    teacher = Layered()
    origin = np.where(np.arange(900) < 300, "observed", "synthetic")
    return SoftTargets(rows, teacher.predict_proba(rows), np.full(900, 2.0), origin, teacher.classes_, 900)


def test_probes_give_weight_to_rows_that_early_layers_decide(rows, targets):
    found = ProbeWeights().apply(targets, Layered(), Schema.infer(rows), 0)
    easy = rows["a"].abs().to_numpy() > 1
    assert found.weight.sum() == pytest.approx(targets.weight.sum())
    assert found.weight[easy].mean() > 1.1 * found.weight[~easy].mean()
    assert np.array_equal(found.P, targets.P)


def test_the_weight_is_the_mean_confidence_of_all_probes(rows, targets):
    layers, said = Layered().hidden(rows), targets.P.argmax(axis=1)
    both = np.mean([probe_confidence(H, said, 0)[0] for H in layers.values()], axis=0)
    found = ProbeWeights(floor=0.0).apply(targets, Layered(), Schema.infer(rows), 0)
    assert found.weight == pytest.approx(2.0 * both / both.mean())


def test_the_depth_at_which_a_row_is_decided_is_recovered(rows):
    """Exclusive-or rows are a coin flip to the first layer and plain to the second; the others are plain to both."""
    teacher = Layered()
    said = teacher.predict_proba(rows).argmax(axis=1)
    layers = teacher.hidden(rows)
    easy = rows["a"].abs().to_numpy() > 1
    first, _ = probe_confidence(layers["first"], said, 0)
    second, accuracy = probe_confidence(layers["second"], said, 0)
    assert accuracy > 0.97
    assert first[~easy].mean() < 0.6
    assert first[easy].mean() > 0.75
    assert second[~easy].mean() > 0.9


def test_probe_confidence_is_out_of_fold():
    """With more columns than rows a probe knows its own rows by heart; out of fold it does not."""
    rng = np.random.default_rng(1)
    confidence, accuracy = probe_confidence(rng.normal(size=(120, 300)), rng.integers(2, size=120), 0)
    assert accuracy < 0.65
    assert confidence.mean() < 0.65


def test_a_probe_that_knows_too_little_is_left_out(rows, targets):
    coin = targets.with_targets(np.eye(2)[np.random.default_rng(3).integers(2, size=900)])
    with pytest.raises(InvalidInputError, match=r"no probe agrees with the teacher on 0\.9 of the rows: first 0\.\d\d"):
        ProbeWeights(min_accuracy=0.9).apply(coin, Layered(), Schema.infer(rows), 0)


def test_no_row_is_lost_to_the_probes(rows, targets):
    found = ProbeWeights(floor=0.5).apply(targets, Layered(), Schema.infer(rows), 0)
    assert found.weight.min() >= 0.5 * targets.weight.min() - 1e-9


def slow_shared(P, w, H, a, k):
    out = np.empty_like(P)
    for i in range(len(P)):
        order = np.argsort(((H - H[i]) ** 2).sum(axis=1), kind="stable")
        near = [j for j in order if j != i][:k]
        out[i] = (1 - a) * P[i] + a * np.average(P[near], axis=0, weights=w[near])
    return out


def test_shared_answers_are_the_mean_of_the_neighbours(rows, targets):
    from sklearn.preprocessing import StandardScaler

    part = rows.iloc[:80]
    weight = np.random.default_rng(2).random(80)
    # answers that differ among neighbours, so that their weights are seen
    P = np.random.default_rng(4).dirichlet([1.0, 1.0], 80)
    own = SoftTargets(part, P, weight, targets.origin[:80], targets.classes, 80)
    found = SharedAnswers(strength=0.4, n_neighbors=5).apply(own, Layered(), Schema.infer(rows), 0)
    H = StandardScaler().fit_transform(Layered().hidden(part)["second"])
    np.testing.assert_allclose(found.P, slow_shared(own.P, weight, H, 0.4, 5), atol=1e-12)
    assert found.P.sum(axis=1) == pytest.approx(np.ones(80))


def test_strength_zero_and_a_constant_teacher_change_nothing(rows, targets):
    schema = Schema.infer(rows)
    assert np.array_equal(SharedAnswers(strength=0.0).apply(targets, Layered(), schema, 0).P, targets.P)
    flat = targets.with_targets(np.full((900, 2), 0.5))
    np.testing.assert_allclose(SharedAnswers().apply(flat, Layered(), schema, 0).P, 0.5)


def test_equal_rows_are_neighbours_of_each_other_but_not_of_themselves(rows, targets):
    twice = pd.concat([rows.iloc[:40]] * 2, ignore_index=True)
    P = np.vstack([np.tile([1.0, 0.0], (40, 1)), np.tile([0.0, 1.0], (40, 1))])
    own = SoftTargets(twice, P, np.ones(80), np.full(80, "observed"), targets.classes, 40)
    found = SharedAnswers(strength=1.0, n_neighbors=1).apply(own, Layered(), Schema.infer(rows), 0)
    np.testing.assert_allclose(found.P, P[:, ::-1])


def test_values_are_shared_too(rows, targets):
    own = SoftTargets(rows, targets.P[:, 1], targets.weight, targets.origin, None, 900)
    found = SharedAnswers(n_neighbors=3).apply(own, Layered(), Schema.infer(rows), 0)
    assert found.P.shape == (900,)


def test_no_real_row_reaches_the_student(rows, targets):
    found = SyntheticOnly().apply(targets, Layered(), Schema.infer(rows), 0)
    assert len(found) == 600
    assert set(found.origin) == {"synthetic"}
    pd.testing.assert_frame_equal(found.X, rows.iloc[300:].reset_index(drop=True))
    real = SoftTargets(rows, targets.P, targets.weight, np.full(900, "observed"), targets.classes, 900)
    with pytest.raises(InvalidInputError, match="all 900 are real; raise n_queries above the number of rows"):
        SyntheticOnly().apply(real, Layered(), Schema.infer(rows), 0)


@pytest.mark.parametrize("way", [ProbeWeights(), SharedAnswers()])
def test_a_teacher_without_hidden_layers_is_told_how_to_show_them(rows, targets, way):
    plain = CallableTeacher(lambda X: np.full(len(X), 0.5), classes=["no", "yes"])
    with pytest.raises(InvalidInputError, match=r"needs a teacher with hidden layers, got CallableTeacher; name them"):
        way.apply(targets, plain, Schema.infer(rows), 0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ProbeWeights(min_accuracy=2), "min_accuracy must lie between 0 and 1, got 2"),
        (lambda: ProbeWeights(floor=1.0), "floor must be at least 0 and below 1, got 1.0"),
        (lambda: SharedAnswers(strength=-1), "strength must lie between 0 and 1, got -1"),
        (lambda: SharedAnswers(n_neighbors=0), "n_neighbors must be at least 1, got 0"),
    ],
)
def test_bad_parameters(make, message):
    with pytest.raises(InvalidInputError, match=message):
        make()


def test_probes_have_no_meaning_in_regression(rows, targets):
    own = SoftTargets(rows, targets.P[:, 1], targets.weight, targets.origin, None, 900)
    with pytest.raises(InvalidInputError, match="ProbeWeights needs classes"):
        ProbeWeights().apply(own, Layered(), Schema.infer(rows), 0)


class Sums:
    """One hidden unit is additive in the inputs, the other a product of them."""

    classes_ = np.array([0, 1])

    def hidden(self, X):
        additive = 3 * (np.sin(X["a"]) + X["b"] ** 2)
        return {"deep": np.column_stack([additive, additive * 1.01, 3.0 * X["b"] * X["c"] * np.sign(X["a"])])}

    def predict_proba(self, X):
        p = 1 / (1 + np.exp(-(self.hidden(X)["deep"][:, 0] - 3)))
        return np.column_stack([1 - p, p])

    def predict(self, X):
        return self.predict_proba(X).argmax(axis=1)

    def fingerprint(self):
        return "sums"

    def __sklearn_clone__(self):
        return self


def test_hints_are_the_directions_that_the_inputs_explain(rows):
    hints = HintColumns(Sums(), n_hints=2, min_r2=0.8).fit(rows)
    assert list(hints.explainers_) == ["hint 1"], "the product of columns is no sum of curves and stays out"
    found = hints.transform(rows)
    assert found.columns.tolist() == ["a", "b", "c", "hint 1"] == hints.get_feature_names_out().tolist()
    assert abs(np.corrcoef(found["hint 1"], Sums().hidden(rows)["deep"][:, 0])[0, 1]) > 0.99
    line = hints.hints_[hints.hints_["hint"] == "hint 1"].iloc[0]
    assert line["n"] == 300
    assert line["r2"] > 0.97
    assert f"explained with R² {line['r2']:.3f} on 300 rows" in hints.describe()


def test_a_hint_is_explained_on_all_rows_once_its_direction_has_passed(rows):
    """A column that is constant in the rows of the first look moves the explanation all the same."""
    held = np.random.default_rng(0).permutation(len(rows)) < len(rows) // 3
    frame = rows.assign(c=np.where(held, rows["c"], 0.0))

    class Mostly(Sums):
        def hidden(self, X):
            return {"deep": np.column_stack([3.0 * X["a"] + 1.0 * X["c"]])}

    hints = HintColumns(Mostly(), n_hints=1, min_r2=0.5).fit(frame)
    effect = hints.explainers_["hint 1"].shape("c")["effect"]
    assert np.ptp(effect.to_numpy()) > 0.5


def test_hints_do_not_ask_the_teacher_again(rows):
    teacher = Sums()
    hints = HintColumns(teacher).fit(rows)
    teacher.hidden = None
    assert len(hints.transform(rows.iloc[:3])) == 3


def test_hints_inside_a_distiller_are_seen_by_the_student(rows):
    hints = HintColumns(Sums(), keep_columns=False)
    student = xd.Distiller(Sums(), xd.TreeClassifier(max_leaf_nodes=4), features=hints, n_queries=900, random_state=0)
    student.fit(rows)
    assert student.student_.feature_names_in_.tolist() == ["hint 1"]
    assert student.score(rows) > 0.95, "one threshold on the hint is the teacher"


def test_bad_hints(rows):
    with pytest.raises(InvalidInputError, match=r"n_hints must be at least 1 and min_r2 below 1, got 0 and 0\.8"):
        HintColumns(Sums(), n_hints=0).fit(rows)
    with pytest.raises(InvalidInputError, match="at least 30 rows to hold some out, got 5"):
        HintColumns(Sums()).fit(rows.iloc[:5])

    class Product(Sums):
        def hidden(self, X):
            return {"deep": (X["b"] * X["c"]).to_numpy()[:, None]}

    with pytest.raises(InvalidInputError, match=r"no direction of deep is explained with R² >= 0.8, the best has"):
        HintColumns(Product(), keep_columns=False).fit(rows)
    kept = HintColumns(Product()).fit(rows)
    assert kept.transform(rows).columns.tolist() == ["a", "b", "c"]
    assert "no direction could be explained" in kept.describe()

    class Still(Sums):
        def hidden(self, X):
            return {"deep": np.ones((len(X), 2))}

    with pytest.raises(InvalidInputError, match="answers the same for every row"):
        HintColumns(Still()).fit(rows)


def test_a_distiller_goes_the_ways_it_is_given(rows):
    ways = [ProbeWeights(), SharedAnswers(strength=0.2, n_neighbors=3), SyntheticOnly()]
    options = {"n_queries": 1200, "random_state": 0}
    student = xd.Distiller(Layered(), xd.TreeClassifier(max_leaf_nodes=8), ways=ways, **options).fit(rows)
    plain = xd.Distiller(Layered(), xd.TreeClassifier(max_leaf_nodes=8), **options).fit(rows)
    assert student.student_.to_dict() != plain.student_.to_dict()
    assert student.score(rows) > 0.7
    again = xd.Distiller(Layered(), xd.TreeClassifier(max_leaf_nodes=8), ways=ways, **options).fit(rows)
    assert again.student_.to_dict() == student.student_.to_dict()
    with pytest.raises(InvalidInputError, match=r"ways must be objects with apply\(\), got str"):
        xd.Distiller(Layered(), xd.TreeClassifier(), ways=["probe_weights"]).fit(rows)


def test_hidden_layers_of_a_torch_module():
    torch = pytest.importorskip("torch")
    from explaindistill.teachers.torch import TorchTeacher

    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.ReLU(), torch.nn.Dropout(0.5), torch.nn.Linear(5, 2))
    net.train()
    teacher = TorchTeacher(net, classes=[0, 1], hidden=["1", "3"], batch_size=7)
    X = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    found = teacher.hidden(X)
    assert net.training, "left as it was found"
    assert not net[1]._forward_hooks
    with torch.no_grad():
        first = torch.relu(net[0](torch.from_numpy(X))).numpy()
    np.testing.assert_allclose(found["1"], first, atol=1e-6)
    P = np.exp(found["3"]) / np.exp(found["3"]).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(P, teacher.predict_proba(X), atol=1e-6)
    assert TorchTeacher(net, classes=[0, 1]).hidden(X) == {}
    with pytest.raises(InvalidInputError, match="hidden names 'x', the module has: '0', '1', '2', '3'"):
        TorchTeacher(net, classes=[0, 1], hidden=["x"])
    with pytest.raises(InvalidInputError, match=r'write hidden=\["1"\]'):
        TorchTeacher(net, classes=[0, 1], hidden="1")
