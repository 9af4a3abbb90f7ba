from pathlib import Path

import pytest

from civiloop_shared.contracts.schemas import render, schemas

COMMITTED = Path(__file__).parents[3] / "docs" / "reference" / "schemas"


@pytest.mark.requirement("B13")
@pytest.mark.parametrize("name", sorted(schemas()))
def test_the_committed_schema_of_an_event_is_the_one_its_model_gives(name: str) -> None:
    committed = (COMMITTED / name).read_text(encoding="utf-8")

    assert committed == render(schemas()[name]), f"run `make schemas`: {name} no longer matches its model"


def test_no_schema_is_committed_that_no_model_gives() -> None:
    assert {path.name for path in COMMITTED.glob("*.json")} == set(schemas())
