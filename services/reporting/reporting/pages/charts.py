"""Charts as SVG, drawn on the server from Vega-Lite."""

from __future__ import annotations

import asyncio
import re
from functools import lru_cache
from typing import Any

import orjson
import vl_convert

from reporting.domain.figure import Figure
from reporting.pages.wording import Wording

_INK = "#1d3557"
_BAND = "#a8c5da"
_TARGET = "#9d0208"
_IDS = re.compile(r'\b(id="|href="#|url\(#)(?=[A-Za-z])')


async def draw(figure: Figure, words: Wording) -> str:
    """Return a line with its interval as a band and the target as a dashed line: an ``<svg>`` to put into a page.

    The picture is hidden from screen readers: the table beside it says the same.
    """
    specification = orjson.dumps(_specification(figure, words), option=orjson.OPT_SORT_KEYS).decode()
    return await asyncio.to_thread(_svg, specification, figure.kpi)


@lru_cache(maxsize=512)
def _svg(specification: str, prefix: str) -> str:
    svg = str(vl_convert.vegalite_to_svg(specification))
    svg = _IDS.sub(rf"\1{prefix}-", svg)
    return svg.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)


def _specification(figure: Figure, words: Wording) -> dict[str, Any]:
    order = [words.period(point.result.period) for point in figure.points]
    x = {"field": "period", "type": "ordinal", "sort": order, "title": None, "axis": {"labelAngle": -40}}
    layers: list[dict[str, Any]] = [
        {
            "mark": {"type": "area", "color": _BAND, "opacity": 0.6},
            "encoding": {"x": x, "y": _y("low"), "y2": {"field": "high"}},
        },
        {
            "mark": {"type": "line", "color": _INK, "point": {"color": _INK, "size": 45}},
            "encoding": {"x": x, "y": _y("value")},
        },
    ]
    if figure.target is not None:
        layers.append(
            {
                "mark": {"type": "rule", "color": _TARGET, "strokeDash": [6, 4], "size": 2},
                "encoding": {"y": {"datum": figure.target.threshold}},
            }
        )
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": 560,
        "height": 200,
        "background": None,
        "config": {
            "font": "sans-serif",
            "axis": {"labelFontSize": 12, "grid": True},
            "view": {"stroke": None},
        },
        "data": {"values": [_row(words, point.result, point.value) for point in figure.points]},
        "layer": layers,
    }


def _y(field: str) -> dict[str, Any]:
    return {"field": field, "type": "quantitative", "title": None, "scale": {"zero": False, "nice": True}}


def _row(words: Wording, result: Any, value: float | None) -> dict[str, Any]:
    interval = result.interval if value is not None else None
    return {
        "period": words.period(result.period),
        "value": value,
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
    }
