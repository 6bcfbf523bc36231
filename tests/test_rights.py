"""Rights are said in words, or the teacher does not start."""

import pytest

from explaindistill.errors import InvalidInputError
from explaindistill.rights import Rights


def test_rights_by_name():
    assert Rights("a", "b", "c").as_dict() == {"owner": "a", "terms": "b", "declaration": "c"}


@pytest.mark.parametrize("at", range(3))
@pytest.mark.parametrize("text", ["", "  ", None, 3, "x" * 2001])
def test_nothing_may_be_left_unsaid(at, text):
    words = ["a", "b", "c"]
    words[at] = text
    name = ("owner", "terms", "declaration")[at]
    with pytest.raises(InvalidInputError, match=f"{name} must be 1 to 2000 characters, got"):
        Rights(*words)
