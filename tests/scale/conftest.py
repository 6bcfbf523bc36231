import pytest

from scale.rows import Blend, two_values, value


@pytest.fixture(scope="session")
def teachers():
    return {"two classes": Blend(), "three classes": Blend(3), "values": value, "two values": two_values}
