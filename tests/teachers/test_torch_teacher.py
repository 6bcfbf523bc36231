"""Any module is asked, none is changed."""

from __future__ import annotations

from collections import namedtuple
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler

from explaindistill.asking.labelling import label
from explaindistill.errors import InvalidInputError, TeacherError
from explaindistill.protocols import Teacher
from explaindistill.teachers import TableEncoder, as_teacher

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402 - after importorskip

from explaindistill.teachers.torch import TorchTeacher  # noqa: E402 - after importorskip


def net(d=3, k=2, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(d, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, k))


def weights(module):
    return {k: v.numpy().tobytes() for k, v in module.state_dict().items()}


@pytest.fixture
def X():  # noqa: N802 - named like the argument it is
    return np.random.default_rng(0).normal(size=(50, 3))


def slow(module, X):
    with torch.no_grad():
        z = module.eval()(torch.tensor(X, dtype=torch.float32)).double()
    return torch.softmax(z, dim=1).numpy()


def test_answers_are_the_softmax_of_the_module(X):
    module = net()
    teacher = TorchTeacher(module, classes=["no", "yes"], batch_size=7)
    P = teacher.predict_proba(X)
    assert P.dtype == np.float64
    assert np.abs(P - slow(module, X)).max() < 1e-6
    assert isinstance(teacher, Teacher)
    assert clone(teacher) is teacher


def test_the_module_is_left_as_it_was(X):
    module = net().train()
    module[1].eval()
    before, flags = weights(module), [m.training for m in module.modules()]
    teacher = TorchTeacher(module, classes=[0, 1])
    first = teacher.predict_proba(X)
    assert weights(module) == before
    assert [m.training for m in module.modules()] == flags
    assert (teacher.predict_proba(X) == first).all()
    assert all(p.grad is None for p in module.parameters())


def test_flags_come_back_after_an_error(X):
    module = net().train()
    with pytest.raises(RuntimeError):
        TorchTeacher(module, classes=[0, 1]).predict(X[:, :2])
    assert module.training


def test_bits_do_not_depend_on_the_company_a_row_keeps(X):
    teacher = TorchTeacher(net(), classes=[0, 1], batch_size=16)
    P = teacher.predict_proba(X)
    order = np.random.default_rng(1).permutation(len(X))
    assert (teacher.predict_proba(X[order]) == P[order]).all()
    assert (teacher.predict_proba(X[:5]) == P[:5]).all()


def test_every_batch_has_the_same_size(X):
    seen = []

    class Spy(nn.Module):
        def forward(self, x):
            seen.append(len(x))
            return x[:, 0]

    assert TorchTeacher(Spy(), batch_size=20).predict(X) == pytest.approx(X[:, 0], abs=1e-6)
    assert seen == [20, 20, 20]


def test_a_few_rows_are_not_worth_a_whole_batch_unless_they_are_kept(X):
    seen = []

    class Spy(nn.Module):
        def forward(self, x):
            seen.append(len(x))
            return x[:, 0]

    teacher = TorchTeacher(Spy())
    assert teacher.predict(X[:1]) == pytest.approx(X[:1, 0], abs=1e-6)
    teacher.predict(X[:32]), teacher.predict(X[:33])
    assert label(teacher, X[:5]) == pytest.approx(X[:5, 0], abs=1e-6)
    assert seen == [32, 32, 4096, 4096]


def test_the_bare_question_is_the_network_alone(X):
    module = net().train()
    teacher = TorchTeacher(module, preprocess=lambda X: X * 2, classes=[0, 1])
    assert torch.softmax(teacher.bare(X)(), dim=1).numpy() == pytest.approx(teacher.predict_proba(X[:1]), abs=1e-6)
    assert all(part.training for part in module.modules())


def test_one_logit_one_value_and_several_values(X):
    one = net(k=1)
    with torch.no_grad():
        z = one.eval()(torch.tensor(X, dtype=torch.float32))[:, 0].numpy()
    assert TorchTeacher(one, classes=["n", "y"]).predict_proba(X)[:, 1] == pytest.approx(1 / (1 + np.exp(-z)), abs=1e-6)
    assert TorchTeacher(one).predict(X) == pytest.approx(z, abs=1e-6)
    assert TorchTeacher(net(k=2)).predict(X).shape == (50, 2)
    with pytest.raises(TeacherError, match="no probabilities"):
        TorchTeacher(one).predict_proba(X)


def test_probabilities_as_output(X):
    module = net()
    soft = nn.Sequential(module, nn.Softmax(dim=1))
    P = TorchTeacher(soft, classes=[0, 1], output="probabilities").predict_proba(X)
    assert np.abs(P - slow(module, X)).max() < 1e-6
    with pytest.raises(TeacherError, match="say output='logits'"):
        TorchTeacher(module, classes=[0, 1], output="probabilities").predict_proba(X)


def test_preprocess_is_part_of_the_teacher(X):
    frame = pd.DataFrame(X, columns=list("abc"))
    scaler = StandardScaler().fit(frame)
    module = net()
    teacher = TorchTeacher(module, preprocess=scaler.transform, classes=[0, 1])
    assert np.abs(teacher.predict_proba(frame) - slow(module, scaler.transform(frame))).max() < 1e-6
    assert teacher.fingerprint() is not None
    assert TorchTeacher(module, preprocess=lambda X: X, classes=[0, 1]).fingerprint() is None
    tensor = TorchTeacher(module, preprocess=lambda X: torch.tensor(X.to_numpy()), classes=[0, 1])
    assert np.abs(tensor.predict_proba(frame) - slow(module, X)).max() < 1e-6
    with pytest.raises(TeacherError, match="was given 50 rows and gave 49"):
        TorchTeacher(module, preprocess=lambda X: X.to_numpy()[1:], classes=[0, 1]).predict(frame)


def test_sparse_and_object_rows(X):
    from scipy import sparse

    module = net()
    teacher = TorchTeacher(module, preprocess=sparse.csr_matrix, classes=[0, 1])
    assert np.abs(teacher.predict_proba(X) - slow(module, X)).max() < 1e-6
    plain = TorchTeacher(module, classes=[0, 1])
    assert (plain.predict(X.astype(object)) == plain.predict(X)).all()
    with pytest.raises(TeacherError, match=r"must be numbers .*give preprocess="):
        plain.predict(pd.DataFrame({"a": ["x"], "b": ["y"], "c": ["z"]}))


def test_fingerprint_is_of_all_that_decides():
    base = TorchTeacher(net(), classes=[0, 1]).fingerprint()
    assert TorchTeacher(net(), classes=[0, 1], batch_size=9).fingerprint() == base
    other = [
        TorchTeacher(net(seed=1), classes=[0, 1]),
        TorchTeacher(net(), classes=[1, 0]),
        TorchTeacher(net(), classes=[0, 2]),
        TorchTeacher(net()),
        TorchTeacher(net(), classes=[0, 1], preprocess=StandardScaler().fit(np.eye(3)).transform),
    ]

    class Twist(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = net()

        def forward(self, x):
            return self.inner(x) * 2.0

    other.append(TorchTeacher(Twist(), classes=[0, 1]))
    assert len({base, *(t.fingerprint() for t in other)}) == 7


def test_weights_and_operations_are_those_of_the_layers(X):
    module = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.ReLU(), torch.nn.Dropout(), torch.nn.Linear(8, 2))
    module.train()
    teacher = TorchTeacher(module, classes=["no", "yes"])
    assert len(teacher.weights()) == 4 * (3 * 8 + 8 + 8 * 2 + 2)
    assert np.frombuffer(teacher.weights()[:32], np.float32).tolist() == module[0].bias.tolist()
    assert teacher.operations(X) == 2 * (3 * 8 + 8 * 2)
    assert all(part.training for part in module.modules())
    assert np.isnan(TorchTeacher(torch.nn.Identity(), output="value").operations(X))


def test_another_device_asks_copies(X):
    module = net()
    home = module[0].weight
    teacher = TorchTeacher(module, classes=[0, 1], device="meta")
    with pytest.raises((NotImplementedError, RuntimeError)):
        teacher.predict(X)  # the meta device computes shapes only; what counts is that the weights stayed
    assert module[0].weight is home
    assert home.device.type == "cpu"


def test_a_module_without_weights_and_one_with_two_answers(X):
    class Sum(nn.Module):
        def forward(self, x):
            return x.sum(dim=1)

    class Pair(nn.Module):
        def forward(self, x):
            return x, x

    class Total(nn.Module):
        def forward(self, x):
            return x.sum()

    class Half(nn.Module):
        def forward(self, x):
            return x[::2, 0]

    assert TorchTeacher(Sum()).predict(X) == pytest.approx(X.sum(axis=1), abs=1e-5)
    with pytest.raises(TeacherError, match=r"answered 2 tensors \(0, 1\); say which"):
        TorchTeacher(Pair()).predict(X)
    with pytest.raises(TeacherError, match="asked about 4096 rows and answered 1;"):
        TorchTeacher(Total()).predict(X)
    with pytest.raises(TeacherError, match="answered 10"):
        TorchTeacher(Half(), batch_size=20).predict(X)


def test_wrong_arguments():
    with pytest.raises(InvalidInputError, match=r"module must be a torch.nn.Module, got int"):
        TorchTeacher(3)
    with pytest.raises(InvalidInputError, match="batch_size must be at least 1, got 0"):
        TorchTeacher(net(), batch_size=0)
    with pytest.raises(InvalidInputError, match="got 'labels'"):
        TorchTeacher(net(), classes=[0, 1], output="labels")


def test_raw_rows_go_through_an_encoder():
    rows = pd.DataFrame({"age": [20, 30, 40], "home": ["own", None, "rent"]})
    encoder = TableEncoder().fit(rows)
    teacher = as_teacher(net(d=encoder.n_out_), preprocess=encoder, classes=["n", "y"])
    assert teacher.predict_proba(rows).shape == (3, 2)
    assert teacher.fingerprint() is not None
    assert as_teacher(net(d=encoder.n_out_), preprocess=encoder.transform, classes=["n", "y"]).fingerprint() is not None


class TwoInputs(torch.nn.Module):
    """Numbers and words of a row, each on its own way."""

    def __init__(self):
        super().__init__()
        self.numbers = torch.nn.Linear(2, 3)
        self.words = torch.nn.Embedding(5, 3)

    def forward(self, ages, words):
        assert words.dtype == torch.int64
        return (self.numbers(ages) + self.words(words)).sum(dim=1)


@pytest.mark.parametrize("form", [tuple, dict])
@pytest.mark.parametrize("n", [1, 40, 4372])
def test_networks_with_several_inputs(form, n):
    torch.manual_seed(0)
    module = TwoInputs().eval()
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=(n, 2)), rng.integers(0, 5, n)])

    def preprocess(rows):
        parts = {
            "ages": torch.as_tensor(rows[:, :2], dtype=torch.float32),
            "words": torch.as_tensor(rows[:, 2], dtype=torch.int64),
        }
        return parts if form is dict else tuple(parts.values())

    teacher = TorchTeacher(module, preprocess=preprocess)
    parts = preprocess(X)
    with torch.no_grad():
        wanted = module(**parts) if form is dict else module(*parts)
    np.testing.assert_allclose(teacher.predict(X), wanted.numpy(), rtol=0, atol=1e-5)
    assert teacher.bare(X)().shape == (1,)


class OneBatch(torch.nn.Module):
    """Takes all its parts in one argument, by position or by name."""

    def __init__(self, places):
        super().__init__()
        self.both, self.places = TwoInputs(), places

    def forward(self, batch, **further):
        return self.both(*(batch[place] for place in self.places))


@pytest.mark.parametrize("form", [tuple, dict])
def test_a_module_that_takes_one_batch(form):
    torch.manual_seed(0)
    module = OneBatch((0, 1) if form is tuple else ("ages", "words")).eval()
    X = np.column_stack([np.random.default_rng(0).normal(size=(50, 2)), np.arange(50) % 5])
    parts = {"ages": X[:, :2].astype(np.float32), "words": X[:, 2].astype(np.int64)}
    teacher = TorchTeacher(module, preprocess=lambda _: parts if form is dict else tuple(parts.values()))
    with torch.no_grad():
        wanted = module.both(*map(torch.from_numpy, parts.values()))
    np.testing.assert_allclose(teacher.predict(X), wanted.numpy(), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("preprocess", "words"),
    [
        (lambda X: (X,), r"gave 1 parts \(0 .*takes \(ages, words\)"),
        (lambda X: {"age": X, "words": X}, r"2 parts \('age' .*takes \(ages, words\); give a tuple"),
        (lambda X: [X[:, :2], X[:, 2]], "a list of 2 arrays; give a tuple"),
        (None, r"given one array, and its forward takes \(ages, words\); let preprocess= give a tuple"),
    ],
)
def test_what_a_network_of_several_inputs_cannot_take(preprocess, words):
    with pytest.raises(TeacherError, match=words):
        TorchTeacher(TwoInputs(), preprocess=preprocess).predict(np.zeros((40, 3)))


def test_a_part_that_loses_rows_is_named():
    teacher = TorchTeacher(TwoInputs(), preprocess=lambda rows: {"ages": rows[:, :2], "words": rows[:1, 2]})
    with pytest.raises(TeacherError, match="given 3 rows and gave 1 in part 'words'; it must keep every row"):
        teacher.predict(np.zeros((3, 3)))


class Several(torch.nn.Module):
    """A module that answers in one of the forms that are met."""

    def __init__(self, form):
        super().__init__()
        self.layer = torch.nn.Linear(3, 2)
        self.form = form

    def forward(self, x):
        return self.form(self.layer(x), x.mean(dim=1))


Pair = namedtuple("Pair", ["answer", "state"])
Hidden = namedtuple("Hidden", ["loss", "logits"])


@pytest.mark.parametrize(
    ("form", "head"),
    [
        (lambda z, h: (z,), None),
        (lambda z, h: [z, None], None),
        (lambda z, h: {"loss": h, "logits": z}, None),
        (lambda z, h: Hidden(h, z), None),
        (lambda z, h: SimpleNamespace(logits=z, hidden=h), None),
        (lambda z, h: SimpleNamespace(answer=z, hidden=h), "answer"),
        (lambda z, h: (h, z), -1),
        (lambda z, h: {"y": z, "z": h}, "y"),
        (Pair, "answer"),
    ],
)
def test_networks_that_answer_several_things(form, head):
    module = Several(form)
    X = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    teacher = TorchTeacher(module, classes=["n", "y"], head=head)
    with torch.no_grad():
        wanted = torch.softmax(module.layer(torch.from_numpy(X)).double(), dim=1).numpy()
    np.testing.assert_allclose(teacher.predict_proba(X), wanted, rtol=0, atol=1e-6)
    assert teacher.fingerprint() != TorchTeacher(module, classes=["n", "y"], head="other").fingerprint()


@pytest.mark.parametrize(
    ("form", "head", "words"),
    [
        (lambda z, h: (z, h), None, r"answered 2 tensors \(0, 1\); say which is the answer: head=0"),
        (lambda z, h: {"a": z, "b": h}, None, r"answered 2 tensors \(a, b\).*head='a'"),
        (lambda z, h: "yes", None, "answered a str; it must give a tensor"),
        (lambda z, h: (z, h), 5, r"answered a tuple \(0, 1\); there is no tensor at head=5"),
        (lambda z, h: z, "logits", "answered a tensor alone; there is no tensor at head='logits'"),
        (lambda z, h: (z, "no"), 1, "there is no tensor at head=1"),
    ],
)
def test_an_output_that_may_be_another_is_asked_for(form, head, words):
    with pytest.raises(TeacherError, match=words):
        TorchTeacher(Several(form), classes=["n", "y"], head=head).predict(np.zeros((4, 3)))


def test_head_must_be_a_place_or_a_name():
    with pytest.raises(InvalidInputError, match=r"head must be a place, a name or None, got 1\.5"):
        TorchTeacher(net(), head=1.5)
