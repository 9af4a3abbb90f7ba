"""YAML as plain text: every scalar stays what was written, and every place knows its line.

``yes`` and ``no`` are common values in a value map; YAML 1.1 would turn them into booleans.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

Place = tuple[str | int, ...]


@dataclass(slots=True)
class Document:
    """What the text says, the line (from 1) of every place in it, and what is wrong with the text itself."""

    value: Any = None
    lines: dict[Place, int] = field(default_factory=dict)
    faults: list[tuple[int, str]] = field(default_factory=list)

    def line_of(self, place: Place) -> int:
        """Return the line of a place, or of the nearest one around it."""
        for length in range(len(place), -1, -1):
            line = self.lines.get(place[:length])
            if line is not None:
                return line
        return 1


def read_yaml(text: str) -> Document:
    """Read one YAML document; what can't be read is told in ``faults``, never raised."""
    document = Document()
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        document.faults.append(((mark.line + 1) if mark else 1, str(error.problem or "not YAML")))
        return document
    except yaml.YAMLError:
        document.faults.append((1, "this is not YAML text"))
        return document
    if node is not None:
        document.value = _build(node, (), document, ())
    return document


def _build(node: yaml.Node, place: Place, document: Document, above: tuple[int, ...]) -> Any:
    document.lines.setdefault(place, node.start_mark.line + 1)
    if id(node) in above:
        document.faults.append((node.start_mark.line + 1, "an anchor contains itself"))
        return None
    inside = (*above, id(node))
    if isinstance(node, yaml.MappingNode):
        return _build_mapping(node, place, document, inside)
    if isinstance(node, yaml.SequenceNode):
        return [_build(item, (*place, number), document, inside) for number, item in enumerate(node.value)]
    is_null = node.tag == "tag:yaml.org,2002:null"
    return None if is_null else node.value


def _build_mapping(node: yaml.MappingNode, place: Place, document: Document, above: tuple[int, ...]) -> dict[str, Any]:
    built: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            document.faults.append((line, "a name must be plain text"))
            continue
        if key_node.value in built:
            document.faults.append((line, f"{key_node.value!r} stands here twice"))
        document.lines[(*place, key_node.value)] = line
        built[key_node.value] = _build(value_node, (*place, key_node.value), document, above)
    return built
