"""Charts as SVG, drawn on the server from Vega-Lite."""

from __future__ import annotations

import asyncio
import re
from functools import lru_cache
from typing import Any

import orjson
import vl_convert

from reporting.domain.figure import Figure, Point
from reporting.pages.sentences import Measure
from reporting.pages.wording import Wording, wording

_INK = "#1d3557"
_BAND = "#a8c5da"
_TARGET = "#9d0208"
_TEXT = "#333333"
_TOLD = re.compile(r' (?:aria-[a-z]+|role)="[^"]*"')
"""What the picture would tell a screen reader, which reads the table instead."""


async def draw(figure: Figure, words: Wording) -> str:
    """Return a line with its interval as a band and the target as a dashed line: an ``<svg>`` to put into a page.

    The picture is hidden from screen readers: the table beside it says the same. It is small, so that its text can be
    read on a phone, and grows with the page. Everything is said by attributes: the pages allow no inline style.
    """
    specification = orjson.dumps(_specification(figure, words), option=orjson.OPT_SORT_KEYS).decode()
    return await asyncio.to_thread(_svg, specification, words.language)


@lru_cache(maxsize=1024)
def _svg(specification: str, language: str) -> str:
    number_format = wording(language).number_format
    svg = str(vl_convert.vegalite_to_svg(specification, format_locale=number_format, allowed_base_urls=[]))
    return _TOLD.sub("", svg).replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)


def _specification(figure: Figure, words: Wording) -> dict[str, Any]:
    unit = Measure(figure.newest.unit, max((abs(point.value) for point in figure.points if point.value), default=0.0))
    _, size = unit.text()
    periods = [words.period_in_short(point.period) for point in figure.points]
    x = {"field": "period", "type": "ordinal", "sort": periods, "title": None, "axis": {"labelAngle": -45}}
    layers: list[dict[str, Any]] = [
        {
            "mark": {"type": "area", "color": _BAND, "opacity": 0.6},
            "encoding": {"x": x, "y": _y("low"), "y2": {"field": "high"}},
        },
        {
            "mark": {"type": "line", "color": _INK, "strokeWidth": 2.5, "point": {"color": _INK, "size": 45}},
            "encoding": {"x": x, "y": _y("value")},
        },
    ]
    if figure.threshold is not None:
        dashed = {"type": "rule", "color": _TARGET, "strokeDash": [6, 4], "size": 2}
        layers.append({"mark": dashed, "encoding": {"y": {"datum": figure.threshold / size}}})
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": 300,
        "height": 150,
        "background": None,
        "config": {
            "font": "sans-serif",
            "axis": {"labelFontSize": 13, "labelColor": _TEXT, "tickCount": 5, "gridColor": "#dcdcdc"},
            "view": {"stroke": None},
        },
        "data": {"values": [_row(name, point, size) for name, point in zip(periods, figure.points, strict=True)]},
        "layer": layers,
    }


def _y(field: str) -> dict[str, Any]:
    return {"field": field, "type": "quantitative", "title": None, "scale": {"zero": False, "nice": True}}


def _row(name: str, point: Point, size: float) -> dict[str, Any]:
    interval = point.result.interval if point.value is not None else None
    return {
        "period": name,
        "value": _scaled(point.value, size),
        "low": _scaled(interval.low, size) if interval else None,
        "high": _scaled(interval.high, size) if interval else None,
    }


def _scaled(value: float | None, size: float) -> float | None:
    return None if value is None else value / size
