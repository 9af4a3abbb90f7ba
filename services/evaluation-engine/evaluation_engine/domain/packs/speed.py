"""How fast and how steady pages are, from distributions that are reported under fixed names."""

from __future__ import annotations

from functools import partial
from typing import Any

from evaluation_engine.domain.kpi import Definition, DurationQuantile, Level
from evaluation_engine.domain.packs.pack import reported, three

_MILLI = 1000
_EXACT = "at a level exact to 0.5 %, as values are kept in bins of at most 1 %"
_BINS = "order statistics over bins as of Masson, Rim, Lee 2019, VLDB 12:2195"

_quick: Any = partial(
    Definition,
    version=1,
    family="it_performance",
    it_kind="technology",
    outcome="citizen",
    aspect="efficiency",
    nature="quantitative",
    unit="ms",
    direction="down",
    interval="order statistics",
    anchor="day",
    dimensions=("channel",),
    pack="generic",
)


def _timed(name: str) -> Any:
    return reported(name, "kind timing, ms: a value for each at its instant, or samples over a period")


LATENCY: Definition = _quick(
    id="latency-p95",
    title=three("Latency, 95th percentile", "Χρόνος απόκρισης, 95ό εκατοστημόριο", "زمان پاسخ، صدک ۹۵"),
    goal="Nobody waits for the machine.",
    signal="The time within which 95 of 100 requests are answered goes down.",
    formula=f"95th percentile of the latencies of requests, in ms; {_EXACT}",
    source=f"Beyer and others 2016, Site Reliability Engineering, chapter 4 (percentiles, not means); {_BINS}",
    measure=DurationQuantile("m.latency", 0.95, _MILLI),
    needs=(_timed("latency"),),
)


def _vital(id_: str, levels: tuple[float, float], **fields: Any) -> Definition:
    """Return a KPI of Core Web Vitals: `levels` are the largest values that are good, and that need improvement."""
    good, middling = levels
    unit = fields.get("unit", "ms")
    made: Definition = _quick(
        id=id_,
        levels=(Level("good", good), Level("needs improvement", middling)),
        below_levels="poor",
        source=f"Google, Core Web Vitals, web.dev/articles/vitals (75th percentile of page loads, thresholds); {_BINS}",
        formula=(
            f"75th percentile over page loads; good up to {good:g}, needs improvement up to {middling:g},"
            f" poor above ({unit}); {_EXACT}"
        ),
        **fields,
    )
    return made


LCP = _vital(
    "lcp-p75",
    (2500, 4000),
    title=three("Largest Contentful Paint", "Largest Contentful Paint (LCP)", "Largest Contentful Paint (LCP)"),
    goal="What people came for is soon on the screen.",
    signal="The time until the largest part of the page is painted goes down.",
    measure=DurationQuantile("m.lcp", 0.75, _MILLI),
    needs=(_timed("lcp"),),
)
INP = _vital(
    "inp-p75",
    (200, 500),
    title=three("Interaction to Next Paint", "Interaction to Next Paint (INP)", "Interaction to Next Paint (INP)"),
    goal="The page answers at once.",
    signal="The time from a tap to the next paint goes down.",
    measure=DurationQuantile("m.inp", 0.75, _MILLI),
    needs=(_timed("inp"),),
)
CLS = _vital(
    "cls-p75",
    (0.1, 0.25),
    title=three("Cumulative Layout Shift", "Cumulative Layout Shift (CLS)", "Cumulative Layout Shift (CLS)"),
    aspect="effectiveness",
    goal="Nothing jumps away under the finger.",
    signal="How much a page shifts while people use it goes down.",
    unit="score",
    measure=DurationQuantile("m.cls", 0.75, _MILLI),
    needs=(reported("cls", "kind score, unit 1: a value for each at its instant, or samples over a period"),),
)

DEFINITIONS = (LATENCY, LCP, INP, CLS)
