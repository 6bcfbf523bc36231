"""The command list names what is there, and nothing that is not."""

import pytest

from explaindistill import plugins
from explaindistill.cli import main
from explaindistill.cli.list import _first_line


def test_list_names_every_plugin(capsys):
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for room in plugins.ROOMS for name in plugins.names(room))
    assert main(["list", "students"]) == 0
    assert "samplers" not in capsys.readouterr().out


@pytest.mark.parametrize("room", plugins.ROOMS)
def test_no_room_is_empty_and_every_plugin_says_what_it_is(room):
    assert plugins.names(room)
    assert all(len(_first_line(room, name)) > 10 for name in plugins.names(room))


def test_a_room_that_is_none(capsys):
    assert main(["list", "attics"]) == 2
    assert "room must be one of" in capsys.readouterr().err
