"""The JSON Schema that editors use for catalogue files."""

from __future__ import annotations

import json
import os
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

import evaluation_engine
from evaluation_engine.service.catalogue.documents import json_schema

COMMITTED = Path(evaluation_engine.__file__).parent / "schemas" / "catalogue.schema.json"


def rendered() -> str:
    return json.dumps(json_schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


@pytest.mark.requirement("B13")
def test_the_committed_schema_is_the_one_the_models_give() -> None:
    if os.environ.get("CIVILOOP_WRITE_SNAPSHOTS"):
        COMMITTED.write_text(rendered(), encoding="utf-8")
    assert COMMITTED.read_text(encoding="utf-8") == rendered(), "run `make schemas`"


def documents() -> list[Any]:
    folder = files("civiloop_cli") / "sample" / "catalogue"
    texts = (one.read_text(encoding="utf-8") for one in folder.iterdir())
    return [document for text in texts for document in yaml.load_all(text, Loader=yaml.BaseLoader)]


def test_the_sample_fits_the_schema_as_an_editor_reads_it() -> None:
    validator = jsonschema_rs.validator_for(json_schema())
    for document in documents():
        numbers = json.loads(json.dumps(document), parse_float=float)
        assert validator.is_valid(_typed(numbers)), (document["kind"], document["id"])


def test_the_schema_marks_an_unknown_field_and_a_missing_one() -> None:
    validator = jsonschema_rs.validator_for(json_schema())
    good = {"kind": "body", "id": "local", "title": {"en": "x"}}
    assert validator.is_valid(good)
    assert not validator.is_valid({**good, "titel": {}})
    assert not validator.is_valid({"kind": "body", "id": "local"})


def _typed(value: Any) -> Any:
    """Words as the core schema of YAML types them: numbers are numbers, dates stay words."""
    if isinstance(value, dict):
        return {key: _typed(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_typed(one) for one in value]
    if value in ("true", "false"):
        return value == "true"
    try:
        return float(value) if "." in value else int(value)
    except ValueError:
        return value
