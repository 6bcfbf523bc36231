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


def test_a_package_is_a_plug_in_as_a_module_is(tmp_path, monkeypatch):
    from explaindistill import samplers

    for name in ("oak/__init__.py", "elm.py", "_bark.py", "_roots/__init__.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text('"""A plug-in."""')
    monkeypatch.setattr(samplers, "__path__", [str(tmp_path)])
    assert plugins.names("samplers") == ["elm", "oak"]


def test_lazy_names_are_loaded_once_they_are_asked_for():
    look_up = plugins.lazy("explaindistill.teachers", {"as_teacher": "_adapt", "Schema": "explaindistill.data.schema"})
    assert look_up("as_teacher").__module__ == "explaindistill.teachers._adapt"
    assert look_up("Schema").__module__ == "explaindistill.data.schema"
    with pytest.raises(AttributeError, match=r"module 'explaindistill\.teachers' has no attribute 'oak'"):
        look_up("oak")


def test_doors_lead_up():
    for name in plugins.DOORS:
        assert plugins.door(name).__name__ == plugins.DOORS[name]
