import json
import os
from pathlib import Path

import pytest

from civiloop_shared.edge import walk_routes
from tests.support.reporting_app import reporting_app

SNAPSHOT = Path(__file__).with_name("openapi.json")


def test_every_route_declares_permission_limit_cap_timeout_example_and_errors() -> None:
    assert walk_routes(reporting_app()) == []


@pytest.mark.requirement("B13")
def test_the_committed_openapi_document_is_the_one_the_app_gives() -> None:
    document = reporting_app().openapi()
    if os.environ.get("CIVILOOP_WRITE_SNAPSHOTS"):
        SNAPSHOT.write_text(json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")

    assert json.loads(SNAPSHOT.read_text(encoding="utf-8")) == document, "run `make schemas`"
