"""Sizes, operations and times of models, with a clock that the test winds."""

import gzip
from itertools import count

import numpy as np

from explaindistill.measures.deployment import Footprint, deployment


def one(frame, metric, subject):
    rows = frame[(frame["metric"] == metric) & (frame["subject"] == subject)]
    assert len(rows) == 1
    return rows.iloc[0]


def test_bytes_and_operations_are_counted_and_compared():
    content = bytes(range(256)) * 40
    told = deployment(Footprint("teacher", content, 9000.0), [Footprint("tree", b"{}" * 64, 9.0)])
    assert one(told, "bytes", "teacher")["estimate"] == 10240
    assert one(told, "gzip_bytes", "teacher")["estimate"] == len(gzip.compress(content, mtime=0))
    assert one(told, "bytes_ratio", "tree")["estimate"] == 80
    assert one(told, "operations_ratio", "tree")["estimate"] == 1000
    assert not told["metric"].str.contains("seconds").any()
    assert (told["n"] == 1).all()


def test_what_cannot_be_told_is_undefined_and_says_why():
    told = deployment(Footprint("teacher", reason="a service"), [Footprint("tree", b"12", 0.0)])
    line = one(told, "bytes", "teacher")
    assert (line["n"], line["status"], line["reason"]) == (0, "undefined", "a service")
    assert one(told, "gzip_bytes_ratio", "tree")["reason"] == "teacher: a service"
    assert one(told, "gzip_bytes_ratio", "tree")["n"] == 0
    nothing = deployment(Footprint("teacher", b"1", 5.0), [Footprint("leaf", b"1", 0.0)])
    line = one(nothing, "operations_ratio", "leaf")
    assert np.isnan(line["estimate"])
    assert line["reason"] == "the student's figure is 0"


def test_times_are_medians_of_runs_per_row():
    ticks = iter(
        [0.0, 8.0, 0.0, 8.0, 0.0, 8.0, 0.0, 800.0, 0.0, 1600.0, 0.0, 2400.0, *([0.0, 2.0] * 3), *([0.0, 100.0] * 3)]
    )
    calls = count()

    def ask():
        next(calls)

    models = [Footprint(name, b"1", 1.0, one=ask, many=ask, n_many=100) for name in ("teacher", "tree")]
    told = deployment(models[0], models[1:], runs=3, clock=lambda: next(ticks))
    assert one(told, "single_row_seconds", "teacher")["estimate"] == 8
    batch = one(told, "batch_row_seconds", "teacher")
    assert (batch["low"], batch["estimate"], batch["high"], batch["n"]) == (12, 16, 20, 3)
    assert one(told, "single_row_seconds_ratio", "tree")["estimate"] == 4
    assert one(told, "batch_row_seconds_ratio", "tree")["estimate"] == 16
    assert next(calls) == 16  # each of four is called once before the clock starts


def test_the_network_alone_is_timed_and_enters_no_ratio():
    ticks = count(step=2)
    told = deployment(
        Footprint("teacher", b"1", 1.0, bare=lambda: None), [Footprint("tree", b"1", 1.0)], clock=lambda: next(ticks)
    )
    assert one(told, "bare_row_seconds", "teacher")["estimate"] == 2
    assert not told["metric"].str.startswith("bare_row_seconds_").any()
