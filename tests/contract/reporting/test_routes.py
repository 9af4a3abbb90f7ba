import json
from pathlib import Path

import pytest

from civiloop_shared.edge import walk_routes
from tests.support.reporting_app import reporting_app

SNAPSHOT = Path(__file__).with_name("openapi.json")


def test_every_route_declares_permission_limit_cap_timeout_example_and_errors() -> None:
    assert walk_routes(reporting_app()) == []


@pytest.mark.requirement("B13")
def test_the_committed_openapi_document_is_the_one_the_app_gives() -> None:
    assert json.loads(SNAPSHOT.read_text(encoding="utf-8")) == reporting_app().openapi(), "run `make schemas`"
