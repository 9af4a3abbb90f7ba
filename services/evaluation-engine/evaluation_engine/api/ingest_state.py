"""What requests about ingest find in their state."""

from __future__ import annotations

from typing import Annotated, TypedDict

from fastapi import Depends, Request

from evaluation_engine.service.ledger import AuditLedger
from evaluation_engine.service.rebuild import RebuildAggregates
from evaluation_engine.service.releasing import ReleasePartitions
from evaluation_engine.service.replay import ReplayDeadLetters


class IngestState(TypedDict):
    """The use cases beside the workers."""

    letters: ReplayDeadLetters
    ledger: AuditLedger
    rebuilding: RebuildAggregates
    releasing: ReleasePartitions


def _letters(request: Request) -> ReplayDeadLetters:
    desk: ReplayDeadLetters = request.state.letters
    return desk


def _ledger(request: Request) -> AuditLedger:
    desk: AuditLedger = request.state.ledger
    return desk


def _rebuilding(request: Request) -> RebuildAggregates:
    desk: RebuildAggregates = request.state.rebuilding
    return desk


def _releasing(request: Request) -> ReleasePartitions:
    desk: ReleasePartitions = request.state.releasing
    return desk


Letters = Annotated[ReplayDeadLetters, Depends(_letters)]
LedgerDesk = Annotated[AuditLedger, Depends(_ledger)]
Rebuilding = Annotated[RebuildAggregates, Depends(_rebuilding)]
Releasing = Annotated[ReleasePartitions, Depends(_releasing)]
