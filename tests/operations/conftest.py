import pytest

from tests.operations.stage import Stage


@pytest.fixture
def stage(context, clock):
    return Stage(context, clock)
