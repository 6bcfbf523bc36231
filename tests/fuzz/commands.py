"""Odd command lines: random words, files and folders of a small shop of odd and damaged ones, run in this process."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from explaindistill.cli import main
from explaindistill.data.datasets import lending
from fuzz.damage import damaged, flipped
from fuzz.playing import LIMIT_BYTES, WrongAnswerError
from fuzz.tables import frame_pair

__all__ = ["Shop", "command"]

COMMANDS = ("teach", "distill", "distill", "audit", "audit", "curve", "check", "compare", "labels", "list")
CODES = (0, 1, 2, 3)
MISTAKE = 2
PROGRAM = """
import pathlib, runpy, sys
peak_file, status = pathlib.Path(sys.argv.pop(1)), pathlib.Path("/proc/self/status")
try:
    runpy.run_module("explaindistill", run_name="__main__", alter_sys=True)
finally:
    lines = status.read_text().splitlines() if status.exists() else ["VmHWM: 0 kB"]
    peak_file.write_text(str(1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))))
"""
"""``python -m explaindistill`` that writes its own peak of memory, in bytes."""
WORDS = ("", "x", "-1", "0", "1", "2.5", "nan", "inf", "1e400", "None", "a,b", ",", "decision", "'", "=", "{}", "../x")
TABLES = ("semicolons.csv", "loans.parquet", "loans.csv.gz", "numbers.tsv",
          "empty.csv", "header.csv", "bytes.csv", "cut.csv.gz", "ragged.csv", "twice.csv", "latin.csv", "nothing.csv",
          "odd.parquet", "folder.csv", "one.csv", "quote.csv", "wide.csv", "damaged.parquet", "loans.txt")  # fmt: skip


@dataclass(frozen=True)
class Shop:
    """A folder with tables, teachers, audits and stores, whole ones and damaged ones."""

    folder: Path

    @classmethod
    def opened(cls, folder: Path) -> Shop:
        """Make all files; the teachers by the command line itself."""
        loans = lending(160).frame
        loans.to_csv(folder / "loans.csv", index=False)
        loans.to_csv(folder / "loans.csv.gz", index=False)
        loans.to_csv(folder / "loans.txt", index=False)
        loans.to_csv(folder / "semicolons.csv", index=False, sep=";", decimal=",")
        loans.to_parquet(folder / "loans.parquet")
        loans.head(1).to_csv(folder / "one.csv", index=False)
        loans.select_dtypes("number").to_csv(folder / "numbers.tsv", index=False, sep="\t")
        pd.concat([loans.add_suffix(f"_{i}") for i in range(4)] + [loans["decision"]], axis=1).to_csv(
            folder / "wide.csv", index=False
        )
        (folder / "empty.csv").write_text("")
        (folder / "header.csv").write_text("a,b,decision\n")
        (folder / "bytes.csv").write_bytes(bytes(range(256)) * 8)
        (folder / "cut.csv.gz").write_bytes((folder / "loans.csv.gz").read_bytes()[:-90])
        (folder / "damaged.parquet").write_bytes(flipped((folder / "loans.parquet").read_bytes(), random.Random(1)))
        (folder / "ragged.csv").write_text("a,b,decision\n1,2,yes\n1,2,3,no\n")
        (folder / "twice.csv").write_text("a,a,decision\n" + "1,2,yes\n3,4,no\n" * 20)
        (folder / "latin.csv").write_bytes("größe,decision\n1,ja\n2,nein\n".encode("latin-1"))
        (folder / "quote.csv").write_text('a,decision\n"1,yes\n2,no\n')
        (folder / "folder.csv").mkdir()
        words = ["--data", str(folder / "loans.csv"), "--target", "decision", "--epochs", "2", "--hidden", "4"]
        _run(["teach", *words, "--out", str(folder / "teacher")])
        _run(["teach", "--data", str(folder / "loans.csv"), "--target", "amount", "--drop", "decision",
              "--task", "regression", "--epochs", "2", "--hidden", "4", "--out", str(folder / "values")])  # fmt: skip
        out = ["--out", str(folder / "audit"), "--student", "tree", "--store", str(folder / "labels.db")]
        _run(["audit", "--teacher", str(folder / "teacher"), *words[:4], *out])
        (folder / "policy.toml").write_text('inconclusive = "fail"\n[rules]\n"fidelity.agreement" = ">= 0.9"\n')
        (folder / "model.pkl").write_bytes(b"\x80\x04N.")
        return cls(folder)

    def table(self, draw: random.Random) -> str:
        """A table's path; an odd one is made anew."""
        name = draw.choice(TABLES) if draw.random() < 0.5 else draw.choice(("loans.csv", "loans.parquet"))
        if name == "odd.parquet":
            X, _, n, _ = frame_pair(draw)
            frame = X.copy() if isinstance(X, pd.DataFrame) else pd.DataFrame({"a": range(n)})
            frame["decision"] = [("no", "yes")[i % 2] for i in range(len(frame))]
            with contextlib.suppress(Exception):  # what cannot be written stays as it was, or is not there
                frame.to_parquet(self.folder / name)
        return str(self.folder / name)

    def teacher(self, draw: random.Random) -> str:
        """A teacher's folder or file; every third one is none, or damaged."""
        odd = ["values", "values", "nobody", "loans.csv", "model.pkl", "damaged", "damaged"]
        name = draw.choice(odd) if draw.random() < 0.35 else "teacher"
        if name == "damaged":
            place = self.folder / name
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(self.folder / "teacher", place)
            file = place / draw.choice(["teacher.json", "weights.npz"])
            if file.suffix == ".json" and draw.random() < 0.7:
                file.write_text(json.dumps(damaged(json.loads(file.read_text()), draw)))
            elif draw.random() < 0.2:
                file.unlink()
            else:
                file.write_bytes(flipped(file.read_bytes(), draw))
        return str(self.folder / name)

    def file(self, draw: random.Random, name: str, ending: str) -> str:
        """A file of results, whole, damaged or absent."""
        which, place = draw.random(), self.folder / f"damaged{ending}"
        if which < 0.4:
            return str(self.folder / name)
        if which < 0.5:
            return str(self.folder / draw.choice(["nowhere", "teacher", "loans.csv"]))
        data = (self.folder / name).read_bytes()
        if ending == ".json" and which < 0.8:
            place.write_text(json.dumps(damaged(json.loads(data), draw)))
        else:
            place.write_bytes(flipped(data, draw))
        return str(place)


def command(draw: random.Random, shop: Shop, real: bool = False) -> str:
    """Run one command line; the sentence it refused with, or "". ``real`` runs it as a program of its own."""
    out = shop.folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.unlink(missing_ok=True)
    words = _words(draw, shop, out)
    code, said, error = _process(words, shop) if real else _run(words)
    what = f"{' '.join(words)!r} ended with {code}"
    if code not in CODES:
        raise WrongAnswerError(f"{what}: {error[-300:]}")
    if "Traceback" in error or "Traceback" in said:
        raise WrongAnswerError(f"{what} and a traceback: {error[-300:]}")
    if code == MISTAKE:
        sentences = [line for line in error.splitlines() if line.startswith("explaindistill")]
        if len(sentences) != 1:
            raise WrongAnswerError(f"{what}, and says not one sentence: {error[-300:]}")
        if out.exists() and any(p.is_file() for p in out.rglob("*")):
            raise WrongAnswerError(f"{what}, and has written {[p.name for p in out.rglob('*')][:3]}")
        return sentences[0]
    for file in out.rglob("*.json"):
        json.loads(file.read_text(), parse_constant=_no_constant)
    return ""


def _no_constant(word: str) -> None:
    raise WrongAnswerError(f"a JSON file holds {word}")


def _run(words: list[str]) -> tuple[int, str, str]:
    said, error = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(error):
        try:
            code = main(words)
        except SystemExit as end:  # argparse ends the program itself
            code = end.code if isinstance(end.code, int) else 1
    return code, said.getvalue(), error.getvalue()


def _process(words: list[str], shop: Shop) -> tuple[int, str, str]:
    peak_file = shop.folder / "peak"
    run = [sys.executable, "-c", PROGRAM, str(peak_file), *words]
    done = subprocess.run(
        run, cwd=shop.folder, env=dict(os.environ), capture_output=True, text=True, check=False, timeout=60
    )
    peak = int(peak_file.read_text())
    if peak > LIMIT_BYTES:
        raise WrongAnswerError(f"{' '.join(words)!r} took {peak / 2**20:,.0f} MiB")
    return done.returncode, done.stdout, done.stderr


def _words(draw: random.Random, shop: Shop, out: Path) -> list[str]:
    command = draw.choice(COMMANDS)
    words = [command, *_of_command(draw, shop, out, command)]
    if draw.random() < 0.07:
        words.insert(draw.randrange(1, len(words) + 1), draw.choice(WORDS))
    if draw.random() < 0.05 and len(words) > 2:
        del words[draw.randrange(1, len(words))]
    return words


def _of_command(draw: random.Random, shop: Shop, out: Path, command: str) -> list[str]:
    if command == "list":
        return draw.choice([[], ["students"], ["nothing"], ["samplers"]])
    if command == "check":
        return [shop.file(draw, "audit/audit.json", ".json"), "--policy", shop.file(draw, "policy.toml", ".toml")]
    if command == "compare":
        return [shop.file(draw, "audit/audit.json", ".json") for _ in range(2)]
    if command == "labels":
        action = draw.choice(["list", "verify", "export", "prune"])
        more = {"export": ["--teacher", draw.choice(["", "0", "zz"]), "--out", str(out / "x.parquet")],
                "prune": ["--teacher", draw.choice(["", "a", "zz"])]}  # fmt: skip
        return [action, shop.file(draw, "labels.db", ".db"), *more.get(action, [])]
    words = ["--data", shop.table(draw), "--out", str(draw.choice([out, out, out, shop.folder / "loans.csv"]))]
    if command != "list" and (command in ("teach", "audit") or draw.random() < 0.5):
        words += ["--target", draw.choice(["decision"] * 8 + ["nobody", "income", "sex"])]
    if command == "teach":
        words += ["--epochs", "2", "--hidden", draw.choice(["4", "4,4"])]
    else:
        words += ["--teacher", shop.teacher(draw)]
        students = draw.choice(["tree", "gam", "linear", "model_tree", "rules", "scorecard"])
        words += ["--student", students if command == "distill" or draw.random() < 0.8 else "tree,linear"]
    if command in ("distill", "audit"):
        words += ["--n-queries", draw.choice(["100", "200", "1", "0", "-5"])] if draw.random() < 0.9 else []
    if command == "curve":
        words += ["--sizes", draw.choice(["50,100", "20", "1000", "0"]), "--repeats", draw.choice(["2", "3", "1"])]
    for option in draw.sample(list(OPTIONS), draw.choice([1, 2, 4, 6])):
        commands, choices = OPTIONS[option]
        url = option in ENDPOINT and draw.random() < 0.7
        if (command in commands and not url) or draw.random() < 0.03:
            odd = draw.random() < 0.15
            choice = draw.choice(WORDS if odd else choices) if choices else None
            words += [option] if choice is None else [f"{option}={choice}"]
    return words


ENDPOINT = ("--teacher-url", "--classes", "--owner", "--max-cost", "--requests-per-second", "--token-env")
ALL, ASKING = ("teach", "distill", "audit", "curve"), ("distill", "audit", "curve")
OPTIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "--drop": (ALL, ("income", "decision", "nobody", "income,debt")),
    "--categories": (ALL, ("income", "sex", "nobody")),
    "--na": (ALL, ("", "?,no", "no", "yes")),
    "--test-share": (ALL, ("0.5", "0.99", "0.001", "1")),
    "--random-state": (ALL, ("0", "7", "-1", "99999999999999999999")),
    "--task": (ALL, ("auto", "classification", "regression")),
    "--hidden": (("teach",), ("1", "0", "3,3,3", "a")),
    "--epochs": (("teach",), ("1", "0", "1.5")),
    "--force": (ALL, ()),
    "--trust": (ASKING, ()),
    "--set": (ASKING, ("tree.max_leaf_nodes=4", "tree.max_leaf_nodes=0", "tree.nobody=1", "gam.n_pairs=1", "tree",
                       "linear.penalty=1e-3", "tree.monotone={'income': 1}", "tree.max_leaf_nodes=[", "oak.x=1")),
    "--store": (ASKING, ("new.db", "labels.db", "loans.csv", "no/where.db", "")),
    "--export": (("distill",), ("student.py", "student.sql", "student.onnx", "student.c", "student.js", "student.xyz",
                                "../student.py", "student")),
    "--sensitive": (("audit",), ("sex", "sex,income", "nobody", "decision")),
    "--favorable": (("audit",), ("approved", "yes", "1", "nobody")),
    "--threshold": (("audit",), ("0.1", "0.9", "1", "top")),
    "--min-group-size": (("audit",), ("1", "0", "1000")),
    "--date": (("audit",), ("2026-01-31", "yesterday")),
    "--profile": (("audit",), ("nyc-ll144@2023-07", "nothing")),
    "--state": (("audit",), ("data_source=applications", "x", "=")),
    "--require": (("audit",), ("fidelity.agreement >= 0.9", "fidelity.agreemnt >= 0.9", "fidelity.agreement",
                               "bias.impact_ratio >= 0.8", ">= 1", "fidelity.agreement >= x")),
    "--proxy": (("curve",), ("gam", "network", "x")),
    "--teacher-url": (ASKING, ("http://127.0.0.1:9/x", "x")),
    "--classes": (ASKING, ("no,yes", "a")),
    "--owner": (ASKING, ("x",)),
    "--price-per-row": (ASKING, ("0.1", "-1", "nan")),
    "--max-cost": (ASKING, ("1", "-1")),
    "--requests-per-second": (ASKING, ("0", "5")),
    "--token-env": (ASKING, ("NOBODY",)),
}  # fmt: skip
