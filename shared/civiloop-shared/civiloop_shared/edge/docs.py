"""The documentation page: plain HTML made from the OpenAPI document, with nothing fetched from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

import orjson

_STYLE = """
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{max-width:60rem;margin:0 auto;padding:1rem}
article{border-top:1px solid #8888;padding:.5rem 0}
code,pre{font-family:ui-monospace,monospace;font-size:.9em}
pre{overflow-x:auto;padding:.5rem;border:1px solid #8888}
.method{font-weight:700;display:inline-block;min-width:4.5rem}
table{border-collapse:collapse}td,th{text-align:start;padding:.1rem 1rem .1rem 0;vertical-align:top}
"""


def docs_page(document: dict[str, Any], nonce: str) -> str:
    """Return the page of an OpenAPI document."""
    info = document["info"]
    title = escape(info["title"])
    operations = "".join(
        _operation(path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style nonce="{nonce}">{_STYLE}</style></head>'
        f"<body><h1>{title} <small>{escape(info['version'])}</small></h1><p>{escape(info.get('description', ''))}</p>"
        f'<p>For programs: <a href="/openapi.json">openapi.json</a></p><main>{operations}</main></body></html>'
    )


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    parts = [
        f'<h2><span class="method">{method.upper()}</span> <code>{escape(path)}</code></h2>',
        f"<p>{escape(operation.get('description') or operation.get('summary', ''))}</p>",
        f"<p>Needs: <code>{escape(operation.get('x-required-scope', 'no key'))}</code></p>",
        *_parameters(operation.get("parameters", [])),
        *_examples(operation.get("requestBody", {}).get("content", {})),
        *_answers(operation["responses"]),
    ]
    return f"<article>{''.join(parts)}</article>"


def _parameters(parameters: list[dict[str, Any]]) -> Iterator[str]:
    if parameters:
        rows = "".join(
            f"<tr><td><code>{escape(item['name'])}</code></td><td>{escape(item['in'])}</td>"
            f"<td>{escape(item.get('description', ''))}</td></tr>"
            for item in parameters
        )
        yield f"<h3>Parameters</h3><table>{rows}</table>"


def _examples(content: dict[str, Any]) -> Iterator[str]:
    for media_type, body in content.items():
        example = body.get("example")
        text = example if isinstance(example, str) else orjson.dumps(example, option=orjson.OPT_INDENT_2).decode()
        yield f"<h3>Body: <code>{escape(media_type)}</code></h3><pre>{escape(text)}</pre>"


def _answers(responses: dict[str, Any]) -> Iterator[str]:
    rows = "".join(
        f"<tr><th>{escape(status)}</th><td>{escape(answer.get('description', ''))}</td></tr>"
        for status, answer in sorted(responses.items())
    )
    yield f"<details><summary>Answers</summary><table>{rows}</table></details>"
