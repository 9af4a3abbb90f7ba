"""The routes of the public pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.resources import files
from itertools import groupby
from typing import Annotated, Any

from fastapi import Path, Query
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response

from civiloop_shared.contracts.evaluations import ClauseResult, EvaluationRecorded, KpiResult, PublishedBenchmark
from civiloop_shared.edge import (
    PUBLIC,
    PUBLIC_READ,
    EdgeRouter,
    RoutePolicy,
    csv_response,
    etag_response,
    html_response,
    new_nonce,
)
from reporting.domain.figure import Figure
from reporting.errors import UnknownServiceError
from reporting.pages import sentences
from reporting.pages.charts import draw
from reporting.pages.wording import LANGUAGES, Wording, best_language, wording
from reporting.service.public_page import PublicPages, ServicePage

Language = Annotated[str | None, Query(max_length=8, description="Language of the page.")]
ServiceId = Annotated[str, Path(pattern=r"^[a-z][a-z0-9-]{1,62}$", description="Id of a service.")]
_DATA_HEADER = (
    *("period_start", "period_end", "zone", "kpi", "cut", "state", "value", "unit", "n"),
    *("low", "high", "level", "method", "definition_version", "edition"),
)
_FUNCTIONS = (
    sentences.amount,
    sentences.benchmark_name,
    sentences.cases,
    sentences.clause_level,
    sentences.clause_state,
    sentences.cut_name,
    sentences.part_name,
    sentences.redesign_heading,
    sentences.redesign_sentence,
    sentences.result_sentence,
    sentences.span,
    sentences.target_sentence,
    sentences.title_of,
    sentences.verdict_of,
)


def _policy(
    example: str, *errors: type[UnknownServiceError], requires: tuple[str, ...] = ("postgresql",)
) -> RoutePolicy:
    return RoutePolicy(
        permission=PUBLIC,
        limit=PUBLIC_READ,
        body_cap=0,
        timeout=15.0,
        example=example,
        errors=errors,
        requires=requires,
    )


@dataclass(frozen=True, slots=True)
class _Shown:
    """A page's numbers with its drawn charts."""

    newest: EvaluationRecorded
    figures: tuple[Figure, ...]
    charts: dict[str, str] = field(default_factory=dict)

    @property
    def benchmarks(self) -> tuple[PublishedBenchmark, ...]:
        return self.newest.published.benchmarks if self.newest.published else ()

    @property
    def measured(self) -> list[Figure]:
        return [figure for figure in self.figures if figure.has_values]

    @property
    def without_values(self) -> list[Figure]:
        return [figure for figure in self.figures if not figure.has_values]

    def clause_title(self, clause: ClauseResult, words: Wording) -> str:
        kpi = clause.kpi or clause.rule
        definition = next((one for one in self.newest.definitions if one.id == kpi), None)
        return sentences.title_of(kpi, definition, words)


def pages_router(pages: PublicPages) -> EdgeRouter:
    """Return the routes of the public pages."""
    router = EdgeRouter(tags=["pages"])
    templates = _templates()
    style = (files("reporting") / "pages" / "static" / "page.css").read_bytes()

    def render(name: str, request: Request, lang: str | None, **values: Any) -> Response:
        words = wording(best_language(lang, request.headers.get("accept-language", "")))
        html = templates.get_template(name).render(words=words, languages=[wording(one) for one in LANGUAGES], **values)
        headers = {"Content-Language": words.language, "Vary": "Accept-Language", "Cache-Control": "public, max-age=60"}
        return html_response(html, nonce=new_nonce(), headers=headers)

    @router.get("/", policy=_policy("<!doctype html>"), response_class=Response)
    async def index(request: Request, lang: Language = None) -> Response:
        """Show the services."""
        found = await pages.index()
        bodies = [list(group) for _, group in groupby(found, lambda one: one.service.body)]
        return render("index.html", request, lang, bodies=bodies)

    @router.get(
        "/services/{service_id}", policy=_policy("<!doctype html>", UnknownServiceError), response_class=Response
    )
    async def service(request: Request, service_id: ServiceId, lang: Language = None) -> Response:
        """Show how a service performed in its closed periods."""
        page = await pages.service(service_id)
        words = wording(best_language(lang, request.headers.get("accept-language", "")))
        return render("service.html", request, lang, service=page.service, page=await _shown(page, words))

    @router.get(
        "/services/{service_id}/results.csv",
        policy=_policy("period_start,...", UnknownServiceError),
        response_class=Response,
    )
    async def results(request: Request, service_id: ServiceId) -> Response:
        """Download the numbers of the page."""
        page = await pages.service(service_id)
        rows = (row for figure in page.figures for row in _rows(figure))
        return csv_response(
            request, _DATA_HEADER, rows, filename=f"{service_id}.csv", cache_control="public, max-age=60"
        )

    @router.get("/static/page.css", policy=_policy("body {}", requires=()), response_class=Response)
    async def stylesheet(request: Request) -> Response:
        """Return the style sheet of the pages."""
        return etag_response(request, style, media_type="text/css", cache_control="public, max-age=3600")

    return router


async def _shown(page: ServicePage, words: Wording) -> _Shown | None:
    if page.newest is None:
        return None
    charts = {figure.kpi: await draw(figure, words) for figure in page.figures if figure.drawable}
    return _Shown(page.newest, page.figures, charts)


def _rows(figure: Figure) -> list[list[Any]]:
    return [_row(point.result, point.edition) for point in (*figure.points, *figure.cuts)]


def _row(result: KpiResult, edition: str) -> list[Any]:
    interval, period = result.interval, result.period
    bounds = (interval.low, interval.high, interval.level, interval.method) if interval else (None,) * 4
    about = [period.start.isoformat(), period.end.isoformat(), period.zone, result.kpi, result.cut, result.state.value]
    return [*about, result.value, result.unit, result.n, *bounds, result.definition_version, edition]


def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("reporting.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update({function.__name__: function for function in _FUNCTIONS})
    return environment
