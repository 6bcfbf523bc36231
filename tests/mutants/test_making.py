"""The tool against a module whose mutants are judged by hand."""

import importlib.util
import sys

import pytest

from mutants import switch
from mutants.making import Copy, Mutant, break_module

SOURCE = """
class Sum:
    @classmethod
    def of(cls, a, b):
        return cls.__name__, a + b


def ends(n):
    yield from (0, n)


def larger(a, b):
    return a if a > b else b
"""


@pytest.fixture
def broken(tmp_path, monkeypatch):
    pytest.importorskip("mutmut")
    names = break_module(SOURCE, tmp_path / "toy.py", "toy.py")
    spec = importlib.util.spec_from_file_location("toy", tmp_path / "toy.py")
    toy = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "toy", toy)
    monkeypatch.setenv("ACTIVE_MUTANT", "")
    spec.loader.exec_module(toy)
    yield toy, [Mutant(*pair) for pair in names.items()], Copy(tmp_path)
    switch.turn_on("")


def test_one_version_answers_at_a_time(broken):
    toy, mutants, copy = broken
    changes = {copy.difference(mutant): mutant.name for mutant in mutants}
    assert (toy.Sum.of(5, 2), toy.larger(3, 3), list(toy.ends(4))) == (("Sum", 7), 3, [0, 4])
    switch.turn_on(changes["- return cls.__name__, a + b\n+ return cls.__name__, a - b"])
    assert type("More", (toy.Sum,), {}).of(5, 2) == ("More", 3)
    assert toy.larger(5, 2) == 5
    switch.turn_on(changes["- yield from (0, n)\n+ yield from (1, n)"])
    assert list(toy.ends(4)) == [1, 4]
    switch.turn_on(changes["- return a if a > b else b\n+ return a if (a > b) and False else b"])
    assert (toy.larger(5, 2), toy.Sum.of(5, 2)) == (2, ("Sum", 7))


def test_calls_are_noted_and_the_order_of_a_draw_outlives_other_code(broken):
    toy, mutants, _ = broken
    switch.CALLED.clear()
    toy.larger(1, 2)
    assert {"toy.x_larger"} == switch.CALLED
    assert {mutant.function for mutant in mutants} == {"toy.x_larger", "toy.x_ends", "toy.xǁSumǁof"}
    assert mutants[0].place(0) == Mutant(*(mutants[0].name, mutants[0].digest)).place(0) != mutants[0].place(1)
