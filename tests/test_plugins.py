import pytest

from explaindistill import plugins
from explaindistill.errors import InvalidInputError


@pytest.mark.parametrize("room", plugins.ROOMS)
def test_every_plugin_loads_and_says_what_is_public(room):
    for name in plugins.names(room):
        public = plugins.public(room, name)
        assert list(public) == sorted(public), name
        assert all(value.__doc__ for value in public.values() if callable(value)), name


def test_unknown_names_list_what_there_is():
    with pytest.raises(InvalidInputError, match="room must be one of"):
        plugins.names("cellar")
    with pytest.raises(InvalidInputError, match=r"students has no 'oak'; there are: .*tree"):
        plugins.load("students", "oak")


def test_a_room_that_does_not_exist_yet_is_empty(monkeypatch):
    monkeypatch.setattr(plugins, "ROOMS", (*plugins.ROOMS, "attic"))
    assert plugins.names("attic") == []


def test_a_room_whose_own_import_is_broken_says_so(monkeypatch):
    def broken(name):
        raise ModuleNotFoundError("no numpy", name="numpy")

    monkeypatch.setattr(plugins.importlib, "import_module", broken)
    with pytest.raises(ModuleNotFoundError, match="no numpy"):
        plugins.names("students")


def test_doors_lead_up():
    for name in plugins.DOORS:
        assert plugins.door(name).__name__ == plugins.DOORS[name]
