"""Damage what the package has written, at random, and load it: students, teachers, audits, policies and stores."""

from __future__ import annotations

import copy
import json

import numpy as np

import explaindistill as xd
from explaindistill.asking.labelling import label
from explaindistill.asking.store import LabelStore
from explaindistill.auditing.gates import gate
from explaindistill.data.datasets import lending
from explaindistill.data.encoder import TableEncoder
from explaindistill.teachers import load_teacher, save_teacher
from explaindistill.teachers.callable import CallableTeacher
from explaindistill.teachers.network import NetworkTeacher

__all__ = ["damaged", "flipped", "load", "subjects"]

HOSTILE = [
    None, True, -1, 0, 1.5, 10**30, 1e308, float("inf"), float("nan"), "", "x", "known", "\0", [], [[]], {}, [None],
    {"a": 1},
]  # fmt: skip


def damaged(form, draw):
    """Copy of a JSON form with one to three values replaced, dropped or doubled."""
    form = copy.deepcopy(form)
    for _ in range(draw.randint(1, 3)):
        place = form
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = draw.choice(keys)
            if isinstance(place[key], dict | list) and place[key] and draw.random() < 0.8:
                place = place[key]
                continue
            kind = draw.randrange(3)
            if kind == 0:
                del place[key]
            elif kind == 1 and isinstance(place, list):
                place.append(copy.deepcopy(place[key]))
            else:
                place[key] = copy.deepcopy(draw.choice(HOSTILE))  # a later change may reach into it
            break
    return form


def flipped(data, draw):
    """Copy of bytes with some flipped, cut off, or doubled."""
    out = bytearray(data)
    if draw.random() < 0.2:
        return bytes(out[: draw.randrange(len(out))])
    for _ in range(draw.choice([1, 1, 4, 64])):
        out[draw.randrange(len(out))] = draw.randrange(256)
    return bytes(out)


def subjects(folder):
    """Students as forms; a teacher, an audit, a store and a policy as files."""
    data = lending(400)
    X, y = data.X, data.y
    students = [xd.TreeClassifier(8), xd.ModelTreeClassifier(max_leaf_nodes=3), xd.GAMClassifier(n_pairs=1)]
    students += [xd.LinearClassifier(), xd.RuleListClassifier(max_rules=3), xd.ScorecardClassifier()]
    students = [student.fit(X, y) for student in students]
    encoder = TableEncoder().fit(X)
    rng = np.random.default_rng(0)
    layers = [
        {"kind": "linear", "weight": rng.normal(size=(4, encoder.n_out_)), "bias": np.zeros(4)},
        {"kind": "batch_norm", "mean": np.zeros(4), "variance": np.ones(4), "weight": np.ones(4), "bias": np.zeros(4),
         "eps": 1e-5},
        {"kind": "linear", "weight": rng.normal(size=(2, 4)), "bias": np.zeros(2)},
    ]  # fmt: skip
    save_teacher(NetworkTeacher(layers, encoder, ["no", "yes"]), folder / "teacher")
    frame = {"columns": ["metric", "subject", "subset", "n", "estimate", "low", "high", "status", "reason"],
             "rows": [["agreement", "tree", "", 900, 0.93, 0.91, 0.95, "ok", ""]] * 3}  # fmt: skip
    audit = {"format": "explaindistill-audit", "version": 1, "frames": {"fidelity": frame}}
    (folder / "audit.json").write_text(json.dumps(audit))
    (folder / "policy.toml").write_text('inconclusive = "fail"\n[rules]\n"fidelity.agreement" = ">= 0.9"\n')
    with LabelStore(folder / "labels.db") as store:
        label(CallableTeacher(lambda Z: Z[:, 0], version="1"), np.arange(300.0)[:, None], store=store)
    return X, [(type(s), json.loads(json.dumps(s.to_dict()))) for s in students]


def load(draw, folder, X, students):
    """Damage one thing and load it; what is refused is raised."""
    kind = draw.choice(["student"] * 4 + ["teacher form", "teacher bytes", "audit", "audit form", "policy", "store"])
    work = folder / "work"
    work.mkdir(exist_ok=True)
    if kind == "student":
        cls, form = draw.choice(students)
        cls.from_dict(damaged(form, draw))
        return
    if kind.startswith("teacher"):
        for name in ("teacher.json", "weights.npz"):
            (work / name).write_bytes((folder / "teacher" / name).read_bytes())
        if kind == "teacher form":
            form = json.loads((work / "teacher.json").read_text())
            (work / "teacher.json").write_text(json.dumps(damaged(form, draw)))
        else:
            name = draw.choice(["teacher.json", "weights.npz"])
            (work / name).write_bytes(flipped((work / name).read_bytes(), draw))
        load_teacher(work).predict_proba(X.head(3))
        return
    name = {"audit": "audit.json", "audit form": "audit.json", "policy": "policy.toml", "store": "labels.db"}[kind]
    data = (folder / name).read_bytes()
    audit, policy = folder / "audit.json", folder / "policy.toml"
    if kind == "audit form":
        (work / name).write_text(json.dumps(damaged(json.loads(data), draw)))
    else:
        (work / name).write_bytes(flipped(data, draw))
    if kind == "store":
        with LabelStore(work / name, must_exist=True) as store:
            store.verify()
            for fingerprint in store.teachers()["fingerprint"]:
                store.answers(fingerprint)
    elif kind == "policy":
        gate(audit, work / name)
    else:
        gate(work / name, policy)
