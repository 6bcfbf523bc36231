"""What the tests of several families share."""

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def printed():
    """The reader of printed rules, ``printed.py`` beside this file."""
    spec = importlib.util.spec_from_file_location("printed", Path(__file__).with_name("printed.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
