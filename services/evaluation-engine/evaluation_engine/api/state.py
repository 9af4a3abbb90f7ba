"""What requests find in their state: the use cases, opened by the composition root."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from evaluation_engine.api.ingest_state import IngestState
from evaluation_engine.service.catalogue.applying import CatalogueDesk
from evaluation_engine.service.evaluate.backtest import BacktestDesk
from evaluation_engine.service.evaluate.health import HealthDesk
from evaluation_engine.service.evaluate.knowing import Findings
from evaluation_engine.service.evaluate.needs import NeedsDesk
from evaluation_engine.service.evaluate.phrasing import PhrasesDesk
from evaluation_engine.service.evaluate.quality import QualityDesk
from evaluation_engine.service.evaluate.quoting import QuoteDesk
from evaluation_engine.service.evaluate.scorecard import Scorecards
from evaluation_engine.service.evaluate.series import SeriesDesk
from evaluation_engine.service.evaluate.summary import SummaryDesk
from evaluation_engine.service.evaluate.themes import ThemesDesk
from evaluation_engine.service.evaluate.trends import Trends
from evaluation_engine.service.keys import KeyDesk
from evaluation_engine.service.problems.burning import ProblemDesk
from evaluation_engine.service.webhooks.desk import WebhookDesk


class EngineState(IngestState):
    """State of the `serve` process."""

    catalogue: CatalogueDesk
    keys: KeyDesk
    scorecards: Scorecards
    series: SeriesDesk
    findings: Findings
    themes: ThemesDesk
    phrases: PhrasesDesk
    quotes: QuoteDesk
    quality: QualityDesk
    backtests: BacktestDesk
    trends: Trends
    webhooks: WebhookDesk
    problems: ProblemDesk
    needs: NeedsDesk
    health: HealthDesk
    summaries: SummaryDesk


def _catalogue(request: Request) -> CatalogueDesk:
    desk: CatalogueDesk = request.state.catalogue
    return desk


def _keys(request: Request) -> KeyDesk:
    desk: KeyDesk = request.state.keys
    return desk


def _scorecards(request: Request) -> Scorecards:
    desk: Scorecards = request.state.scorecards
    return desk


def _series(request: Request) -> SeriesDesk:
    desk: SeriesDesk = request.state.series
    return desk


def _backtests(request: Request) -> BacktestDesk:
    desk: BacktestDesk = request.state.backtests
    return desk


def _trends(request: Request) -> Trends:
    found: Trends = request.state.trends
    return found


TargetTrends = Annotated[Trends, Depends(_trends)]


def _webhooks(request: Request) -> WebhookDesk:
    desk: WebhookDesk = request.state.webhooks
    return desk


def _problems(request: Request) -> ProblemDesk:
    desk: ProblemDesk = request.state.problems
    return desk


Problems = Annotated[ProblemDesk, Depends(_problems)]
Webhooks = Annotated[WebhookDesk, Depends(_webhooks)]
Backtests = Annotated[BacktestDesk, Depends(_backtests)]


def _findings(request: Request) -> Findings:
    desk: Findings = request.state.findings
    return desk


def _needs(request: Request) -> NeedsDesk:
    desk: NeedsDesk = request.state.needs
    return desk


def _summaries(request: Request) -> SummaryDesk:
    desk: SummaryDesk = request.state.summaries
    return desk


def _health(request: Request) -> HealthDesk:
    desk: HealthDesk = request.state.health
    return desk


HealthOfService = Annotated[HealthDesk, Depends(_health)]
NeedsOfService = Annotated[NeedsDesk, Depends(_needs)]
Summaries = Annotated[SummaryDesk, Depends(_summaries)]


def _themes(request: Request) -> ThemesDesk:
    desk: ThemesDesk = request.state.themes
    return desk


def _phrases(request: Request) -> PhrasesDesk:
    desk: PhrasesDesk = request.state.phrases
    return desk


def _quotes(request: Request) -> QuoteDesk:
    desk: QuoteDesk = request.state.quotes
    return desk


ThemesOfService = Annotated[ThemesDesk, Depends(_themes)]
PhrasesOfService = Annotated[PhrasesDesk, Depends(_phrases)]
QuotesOfService = Annotated[QuoteDesk, Depends(_quotes)]
Catalogue = Annotated[CatalogueDesk, Depends(_catalogue)]
Keys = Annotated[KeyDesk, Depends(_keys)]
ScorecardDesk = Annotated[Scorecards, Depends(_scorecards)]
SeriesMaker = Annotated[SeriesDesk, Depends(_series)]
FindingsDesk = Annotated[Findings, Depends(_findings)]


def _quality(request: Request) -> QualityDesk:
    desk: QualityDesk = request.state.quality
    return desk


Qualities = Annotated[QualityDesk, Depends(_quality)]
