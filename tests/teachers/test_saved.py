"""A saved teacher answers as before, and loading one runs nothing from it."""

from __future__ import annotations

import copy
import io
import json
import pickle
import tracemalloc
import zipfile
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor

from explaindistill.errors import InvalidInputError, TeacherError, UntrustedError
from explaindistill.teachers import TableEncoder, as_teacher, load_teacher, save_teacher
from explaindistill.teachers.estimator import EstimatorTeacher
from explaindistill.teachers.network import LAYERS, NetworkTeacher


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"age": rng.normal(40, 9, 60), "home": rng.choice(["own", "rent"], 60)})
    return frame.mask(rng.random(frame.shape) < 0.1)


def small(encoder=None, classes=("no", "yes")):
    rng = np.random.default_rng(1)
    d = 2 if encoder is None else encoder.n_out_
    layers = [
        {"kind": "linear", "weight": rng.normal(size=(5, d)), "bias": rng.normal(size=5)},
        {"kind": "tanh"},
        {"kind": "linear", "weight": rng.normal(size=(2, 5)), "bias": np.zeros(2)},
    ]
    return NetworkTeacher(layers, encoder, classes)


@pytest.mark.parametrize("classes", [("no", "yes"), ("yes", "no"), (1, 0), None])
def test_answers_survive(tmp_path, rows, classes):
    teacher = small(TableEncoder(dtype="float64").fit(rows), classes)
    again = load_teacher(save_teacher(teacher, tmp_path / "deep" / "folder"))
    assert (again.predict(rows) == teacher.predict(rows)).all()
    assert again.fingerprint() == teacher.fingerprint()
    if classes is not None:
        assert (again.predict_proba(rows) == teacher.predict_proba(rows)).all()
        assert again.classes_.tolist() == sorted(classes)


def test_every_torch_layer(tmp_path):
    torch = pytest.importorskip("torch")
    nn = torch.nn
    torch.manual_seed(0)
    parts = [nn.Linear(4, 6), nn.BatchNorm1d(6), nn.GELU(), nn.Linear(6, 6, bias=False), nn.LayerNorm(6), nn.Tanh()]
    parts += [nn.LeakyReLU(0.1), nn.ELU(), nn.SiLU(), nn.Dropout(0.3), nn.Identity(), nn.Sigmoid(), nn.Linear(6, 6)]
    parts += [nn.BatchNorm1d(6, affine=False), nn.GELU("tanh"), nn.ReLU(), nn.Linear(6, 3)]
    module = nn.Sequential(nn.Sequential(*parts), nn.Softmax(dim=-1))
    X = np.random.default_rng(0).normal(size=(200, 4))
    module(torch.tensor(X, dtype=torch.float32))  # gives the batch norms something to remember
    teacher = as_teacher(module, classes=["b", "a", "c"], output="probabilities")
    again = load_teacher(save_teacher(teacher, tmp_path))
    assert np.abs(again.predict_proba(X) - teacher.predict_proba(X)).max() < 1e-6


def test_layers_that_are_not_known(tmp_path):
    torch = pytest.importorskip("torch")
    teacher = as_teacher(torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Bilinear(2, 2, 2)), classes=[0, 1])
    with pytest.raises(InvalidInputError, match="Bilinear cannot be saved without running code"):
        save_teacher(teacher, tmp_path / "t")
    assert not (tmp_path / "t").exists()
    teacher = as_teacher(torch.nn.Linear(2, 2), classes=[0, 1], preprocess=lambda X: X)
    with pytest.raises(InvalidInputError, match=r"preprocess must be a TableEncoder .*got function"):
        save_teacher(teacher, tmp_path / "t")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
def test_scikit_learn_networks(tmp_path, activation):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3))
    three, two = np.digitize(X[:, 0], [-0.5, 0.5]), np.where(X[:, 1] > 0, "u", "d")
    for y, kind in ((three, MLPClassifier), (two, MLPClassifier), (X[:, 0], MLPRegressor), (X[:, :2], MLPRegressor)):
        net = kind(hidden_layer_sizes=(4,), activation=activation, max_iter=5, random_state=0).fit(X, y)
        teacher = EstimatorTeacher(net)
        again = load_teacher(save_teacher(teacher, tmp_path / "t"))
        assert (again.predict(X) == teacher.predict(X)).all() if kind is MLPClassifier else True
        ask = "predict_proba" if kind is MLPClassifier else "predict"
        assert np.abs(getattr(again, ask)(X) - getattr(teacher, ask)(X)).max() < 1e-12


def test_others_cannot_be_saved(tmp_path):
    fitted = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    with pytest.raises(InvalidInputError, match="a EstimatorTeacher cannot be saved as data"):
        save_teacher(EstimatorTeacher(fitted), tmp_path)


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInputError, match="cannot be written"):
        save_teacher(small(), tmp_path / "file" / "t")


class Bomb:
    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (Path(self.mark),)


@pytest.mark.parametrize("name", ["t.pkl", "t.pickle", "t.joblib", "t.pt", "t.pt2", "t.pth", "t.py"])
def test_pickles_are_not_touched_without_trust(tmp_path, name):
    (tmp_path / name).write_bytes(pickle.dumps(Bomb(str(tmp_path / "mark"))))
    with pytest.raises(UntrustedError, match="would run code from it; give --trust"):
        load_teacher(tmp_path / name)
    assert not (tmp_path / "mark").exists()


def test_import_paths_need_trust():
    with pytest.raises(UntrustedError, match="would run code"):
        load_teacher("math:sqrt")
    assert type(load_teacher("math:sqrt", trust=True)).__name__ == "CallableTeacher"
    with pytest.raises(InvalidInputError, match="could not be loaded: ModuleNotFoundError"):
        load_teacher("no_such_module:thing", trust=True)


def test_with_trust_pickles_are_loaded(tmp_path):
    fitted = LogisticRegression().fit([[0.0], [1.0]], ["a", "b"])
    joblib.dump(fitted, tmp_path / "t.joblib")
    (tmp_path / "t.pkl").write_bytes(pickle.dumps(fitted))
    for name in ("t.joblib", "t.pkl"):
        assert load_teacher(tmp_path / name, trust=True).predict([[5.0]]).tolist() == ["b"]
    (tmp_path / "bad.pkl").write_bytes(b"nonsense")
    with pytest.raises(InvalidInputError, match="could not be loaded"):
        load_teacher(tmp_path / "bad.pkl", trust=True)
    (tmp_path / "three.pkl").write_bytes(pickle.dumps(3))
    with pytest.raises(InvalidInputError, match="got int"):
        load_teacher(tmp_path / "three.pkl", trust=True)


def test_with_trust_torch_files_are_loaded(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save(torch.nn.Linear(1, 1), tmp_path / "t.pt")
    assert load_teacher(tmp_path / "t.pt", trust=True).predict(np.ones((2, 1))).shape == (2,)


def damaged(folder, change):
    page = json.loads((folder / "teacher.json").read_text())
    (folder / "teacher.json").write_text(json.dumps(change(page)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p | {"teacher_version": 7}, "teacher_version must be 1, got 7"),
        (lambda p: [p], "teacher_version must be 1, got None"),
        (lambda p: {k: v for k, v in p.items() if k != "layers"}, "is damaged: KeyError"),
        (lambda p: p | {"layers": p["layers"][:1]}, "is damaged: IndexError"),
        (lambda p: p | {"layers": [{"kind": "exec"}, *p["layers"][1:]]}, "layer 0 must be one of .* got 'exec'"),
        (lambda p: p | {"layers": [{"kind": "layer_norm"}, *p["layers"][1:]]}, "layer 0 .layer_norm. lacks eps"),
        (lambda p: p | {"classes": ["no"]}, "at least 2 classes"),
        (lambda p: p | {"encoder": {"encoder_version": 0}}, "encoder_version must be 1"),
        (lambda p: p | {"layers": []}, "is damaged"),
    ],
)
def test_damaged_pages(tmp_path, change, message):
    save_teacher(small(), tmp_path)
    damaged(tmp_path, change)
    with pytest.raises(InvalidInputError, match=message):
        load_teacher(tmp_path)


def npy(array, allow_pickle=False):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, allow_pickle=allow_pickle)
    return stream.getvalue()


def test_malicious_archives(tmp_path):
    home = save_teacher(small(), tmp_path / "t")
    mark = tmp_path / "mark"
    bomb = np.array([Bomb(str(mark))], dtype=object)
    entries = {
        "an object array": {"0.weight.npy": npy(bomb, allow_pickle=True)},
        "a path out": {"../../evil.npy": npy(np.ones(1))},
        "a name that is no weight": {"0.weight.npy.exe": b"x"},
        "a dunder": {"0.__class__": pickle.dumps(Bomb(str(mark)))},
        "half an array": {"0.weight.npy": npy(np.ones((5, 2)))[:-8]},
        "no numbers": {"0.weight.npy": npy(np.array(["a"])), "0.bias.npy": npy(np.ones(1))},
        "not finite": {"0.weight.npy": npy(np.array([[np.nan]])), "0.bias.npy": npy(np.ones(1))},
        "a huge claim": {"0.weight.npy": npy(np.ones((5, 2))).replace(b"(5, 2)", b"(1<<9)")},
    }
    for files in entries.values():
        with zipfile.ZipFile(home / "weights.npz", "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        with pytest.raises(InvalidInputError):
            load_teacher(home)
    (home / "weights.npz").write_bytes(pickle.dumps(Bomb(str(mark))))
    with pytest.raises(InvalidInputError, match="is damaged: BadZipFile"):
        load_teacher(home)
    assert not mark.exists()
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["t", "teacher.json", "weights.npz"]


def test_an_archive_that_unpacks_without_end(tmp_path, monkeypatch):
    home = save_teacher(small(), tmp_path)
    monkeypatch.setattr("explaindistill.teachers._saved._MAX_WEIGHT_BYTES", 100)
    with pytest.raises(InvalidInputError, match=r"must unpack to at most its own \d+ bytes and 100 at all, got "):
        load_teacher(home)


def test_a_small_archive_cannot_fill_memory(tmp_path):
    """40 kB on the disk that would be 40 MB: refused from the list of entries, before anything is unpacked."""
    home = save_teacher(small(), tmp_path)
    np.savez_compressed(home / "weights.npz", **{"0.weight": np.zeros((5, 1_000_000))})
    assert (home / "weights.npz").stat().st_size < 50_000
    tracemalloc.start()
    with pytest.raises(InvalidInputError, match=r"its own \d+ bytes .* got 400001\d\d; write it with save_teacher"):
        load_teacher(home)
    assert tracemalloc.get_traced_memory()[1] < 4_000_000
    tracemalloc.stop()


def test_entries_of_an_archive_that_share_their_bytes(tmp_path):
    """A thousand entries that point at one array would be a thousand arrays in memory."""
    home = save_teacher(small(), tmp_path)
    with zipfile.ZipFile(home / "weights.npz", "w") as archive:
        archive.writestr("0.weight.npy", npy(np.zeros((5, 200))))
        first = archive.infolist()[0]
        for i in range(1_000):
            again = copy.copy(first)
            again.filename = f"{i}.bias.npy"
            archive.filelist.append(again)
    with pytest.raises(InvalidInputError, match=r"at most its own \d+ bytes"):
        load_teacher(home)


def test_nothing_there(tmp_path):
    with pytest.raises(InvalidInputError, match=r"teacher.json is missing"):
        load_teacher(tmp_path)
    with pytest.raises(InvalidInputError, match=r"no teacher at .*neither a folder"):
        load_teacher(tmp_path / "x.csv")
    (tmp_path / "teacher.json").write_text("{")
    with pytest.raises(InvalidInputError, match=r"teacher.json is not JSON"):
        load_teacher(tmp_path)


def test_a_network_says_what_is_wrong():
    with pytest.raises(InvalidInputError, match="at least 1 layer"):
        NetworkTeacher([])
    with pytest.raises(TeacherError, match="no probabilities"):
        NetworkTeacher([{"kind": "relu"}]).predict_proba(np.ones((1, 1)))
    assert NetworkTeacher([{"kind": "relu"}]).predict(np.ones((1, 1))).tolist() == [1.0]
    assert NetworkTeacher([{"kind": "relu"}]).predict(np.ones((0, 1))).shape == (0,)
    assert set(LAYERS) >= {"linear", "relu", "gelu"}


def test_a_network_without_an_encoder_takes_numbers_only():
    dates = pd.DataFrame({"a": [1.0], "b": pd.Timestamp("2024-01-01")})
    with pytest.raises(InvalidInputError, match=r"X must hold numbers only, since .* has no encoder.*encoder=TableEnc"):
        small().predict_proba(dates)
