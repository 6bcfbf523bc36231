"""Damage what the package has written, at random, and load it: it loads, or one of the package's own errors says why.

Not in the default run: ``make fuzz``. A case is named by its number, which is its seed: ``--seed NUMBER --seconds 0``
runs it alone. What is found becomes a test in ``tests/data/test_damage.py``.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import resource
import signal
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

import explaindistill as xd
from explaindistill.asking.labelling import label
from explaindistill.asking.store import LabelStore
from explaindistill.auditing.gates import gate
from explaindistill.data.datasets import lending
from explaindistill.data.encoder import TableEncoder
from explaindistill.errors import ExplainDistillError
from explaindistill.teachers import load_teacher, save_teacher
from explaindistill.teachers.callable import CallableTeacher
from explaindistill.teachers.network import NetworkTeacher

HOSTILE = [
    None, True, -1, 0, 1.5, 10**30, 1e308, float("inf"), float("nan"), "", "x", "known", "\0", [], [[]], {}, [None],
    {"a": 1},
]  # fmt: skip
LIMIT_SECONDS = 10
LIMIT_BYTES = 4 * 2**30
"""Address space, of which torch and BLAS reserve two thirds; memory that is used stays under 1 GiB."""


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


def one(number, folder, X, students):
    """Run one case; returns what it was."""
    draw = random.Random(number)
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


def too_long(*_):
    """Raise in the case that is running."""
    raise TimeoutError(f"more than {LIMIT_SECONDS} s")


def main():
    """Run cases until the time is over; 1 where one ended in anything but an own error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=120.0)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, too_long)
    found, number, n_refused = {}, args.seed, 0
    with tempfile.TemporaryDirectory() as place:
        X, students = subjects(Path(place))
        resource.setrlimit(resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES))
        until = time.monotonic() + args.seconds
        while True:
            signal.alarm(LIMIT_SECONDS)
            try:
                one(number, Path(place), X, students)
            except ExplainDistillError:
                n_refused += 1
            except Exception as error:
                where = error.__traceback__
                while where.tb_next is not None:
                    where = where.tb_next
                key = f"{type(error).__name__} {Path(where.tb_frame.f_code.co_filename).name}:{where.tb_lineno}"
                found.setdefault(key, []).append((number, str(error)[:150]))
            signal.alarm(0)
            number += 1
            if time.monotonic() > until:
                break
    for key, cases in found.items():
        print(f"{key}: {len(cases)} cases, the first {cases[0]}")
    print(f"{number - args.seed} cases, {n_refused} refused, {len(found)} kinds of fault")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
