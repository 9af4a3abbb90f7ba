"""The JSON Schemas of all contracts: ``python -m civiloop_shared.contracts.schemas DIR`` writes them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from civiloop_shared.contracts.catalogue import BodyDefined, KeyDefined, ServiceDefined
from civiloop_shared.contracts.evaluations import EvaluationRecorded
from civiloop_shared.contracts.feedback import FeedbackErased, FeedbackReceived
from civiloop_shared.contracts.journeys import JOURNEY_TYPES, JourneyEventRecorded
from civiloop_shared.contracts.measurements import MeasurementRecorded

_BY_TYPE: dict[str, type[BaseModel]] = {
    FeedbackReceived.TYPE: FeedbackReceived,
    FeedbackErased.TYPE: FeedbackErased,
    "civiloop.journey.v1": JourneyEventRecorded,
    MeasurementRecorded.TYPE: MeasurementRecorded,
    BodyDefined.TYPE: BodyDefined,
    ServiceDefined.TYPE: ServiceDefined,
    KeyDefined.TYPE: KeyDefined,
    EvaluationRecorded.TYPE: EvaluationRecorded,
}


def schemas() -> dict[str, dict[str, Any]]:
    """Return file name -> JSON Schema of every event payload."""
    result = {
        f"{name}.json": _normal(model.model_json_schema(mode="serialization")) for name, model in _BY_TYPE.items()
    }
    result["civiloop.journey.v1.json"]["x-cloudevents-types"] = sorted(JOURNEY_TYPES)
    return result


def render(schema: dict[str, Any]) -> str:
    """Return a schema as the text that is committed."""
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def write(directory: Path) -> None:
    """Write every schema below ``directory``."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, schema in schemas().items():
        (directory / name).write_text(render(schema), encoding="utf-8")


def _normal(node: Any) -> Any:
    """Sort what comes from sets, so that the same models always give the same text."""
    if isinstance(node, dict):
        return {
            key: sorted(value) if key == "default" and isinstance(value, list) else _normal(value)
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [_normal(value) for value in node]
    return node


if __name__ == "__main__":
    write(Path(sys.argv[1]))
