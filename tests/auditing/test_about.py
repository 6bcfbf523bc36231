"""What people say about an audit, and how things are called in it: taken as said, refused where it cannot be."""

import pytest

from explaindistill.auditing.about import About
from explaindistill.auditing.display_names import DisplayNames
from explaindistill.errors import InvalidInputError


def test_fields_of_a_mapping_are_taken():
    about = About.of({"title": "Who gets a loan", "owner": "Example Bank"}, date="2026-01-31")
    assert about == About(title="Who gets a loan", owner="Example Bank", date="2026-01-31")
    assert About.of(about) == about


@pytest.mark.parametrize(
    ("value", "date", "message"),
    [
        ({"titel": "x"}, None, "about has no 'titel'; did you mean 'title'"),
        ({"title": 3}, None, "title must be a text, got 3"),
        ({"title": "a\nb"}, None, "title must be one line of at most 300 characters"),
        ({"title": "a" * 301}, None, "got 301 characters"),
        ({"date": "2026-01-31"}, "2026-02-01", "date must be that of about, '2026-01-31'"),
        ("a title", None, "about must be xd.About or a mapping"),
    ],
)
def test_what_cannot_be_read_is_refused(value, date, message):
    with pytest.raises(InvalidInputError, match=message):
        About.of(value, date)


def test_a_file_is_read(tmp_path):
    path = tmp_path / "about.toml"
    path.write_text('title = "Who gets a loan"\nrow_name = "applications"\n', encoding="utf-8")
    assert About.load(path) == About(title="Who gets a loan", row_name="applications")


@pytest.mark.parametrize(
    ("text", "message"),
    [(b'titel = "x"', "did you mean 'title'"), (b"title =", "about.toml is not TOML"), (b"\xff", "about.toml is not")],
)
def test_a_damaged_file_is_refused(tmp_path, text, message):
    path = tmp_path / "about.toml"
    path.write_bytes(text)
    with pytest.raises(InvalidInputError, match=message):
        About.load(path)
    with pytest.raises(InvalidInputError, match=r"nowhere\.toml could not be read"):
        About.load(tmp_path / "nowhere.toml")


GROUPS = {"sex": ["f", "m"], "race": ["a", "b"]}


def names(display=None, units=None):
    out = DisplayNames.of(display, units)
    out.check(["sex", "race", "income"], [0, 1], GROUPS)
    return out


def test_names_that_were_read_before_keep_their_units_unless_others_are_given():
    before = names({"columns": {"sex": "gender"}}, {"income": "€ a month"})
    assert names(before) == before
    assert dict(names(before, {"income": "k€"}).units) == {"income": "k€"}


def test_names_of_intersections_are_made_of_their_parts():
    shown = names({"columns": {"sex": "gender"}, "groups": {"sex": {"f": "women"}}, "classes": {"1": "approved"}})
    assert shown.column("sex × race") == "gender × race"
    assert shown.group("sex × race", "f × b") == "women × b"
    assert shown.group("sex × race", "f × b × c") == "f × b × c"  # whose name holds the sign cannot be told
    assert [shown.of_class(label) for label in (0, 1)] == ["0", "approved"]


@pytest.mark.parametrize(
    ("display", "units", "message"),
    [
        ({"colums": {}}, None, "display_names must be a mapping with columns, classes, groups, got 'colums'"),
        ({"columns": {"incme": "x"}}, None, "got 'incme'; did you mean 'income'"),
        ({"columns": {"sex": "x", "race": "x"}}, None, "must have distinct names, got 'x' twice"),
        ({"columns": {"sex": "race"}}, None, "'sex' must not be shown as 'race', which is another one's name"),
        ({"columns": {"sex": " "}}, None, "must be a text that is not empty"),
        ({"classes": {"2": "x"}}, None, "got '2'"),
        ({"groups": {"income": {"1": "x"}}}, None, "groups must be of what is there, got 'income'"),
        ({"groups": {"sex": {"f": "m"}}}, None, "'f' must not be shown as 'm'"),
        (None, {"incme": "€"}, "units must be of what is there, got 'incme'; did you mean 'income'"),
        (None, {"income": 3}, "units: the name of 'income' must be a text"),
    ],
)
def test_names_that_would_mislead_are_refused(display, units, message):
    with pytest.raises(InvalidInputError, match=message):
        names(display, units)


def test_two_names_may_be_exchanged_and_units_may_be_alike():
    shown = names({"groups": {"sex": {"f": "m", "m": "f"}}}, {"income": "€", "race": "€"})
    assert shown.group("sex", "f") == "m"
    assert shown.as_dict() == {"groups": {"sex": {"f": "m", "m": "f"}}, "units": {"income": "€", "race": "€"}}
