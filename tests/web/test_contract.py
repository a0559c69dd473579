"""The API keeps its own description: whatever is asked, it never breaks."""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from tests.web.test_authorisation import courses  # noqa: F401 - a fixture
from worker.web import access

_FEW = settings(
    max_examples=12,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.usefixtures("courses")
def test_no_request_breaks_the_api(program):
    robot = program("admin", access.SCOPES)
    schema = schemathesis.openapi.from_dict(robot.get("/openapi.json").json())
    schema.config.update(base_url=robot.base)
    broken = []
    for found in schema.get_all_operations():
        operation = found.ok()

        @_FEW
        @given(case=operation.as_strategy())
        def ask(case):
            answer = case.call(headers=dict(robot.http.headers), session=robot.http)
            if answer.status_code >= 500:
                broken.append((answer.status_code, case.method, case.formatted_path, answer.text[:200]))

        ask()
    assert broken == []
