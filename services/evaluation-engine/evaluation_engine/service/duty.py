"""What those on duty look at is read from the store, so that every replica shows the same, whoever evaluates."""

from __future__ import annotations

from dataclasses import dataclass

from evaluation_engine.ports.duty import DutyObserver, ProblemCount
from evaluation_engine.ports.webhooks import WebhookStore


@dataclass(frozen=True, slots=True)
class ShowDuty:
    """The use case behind the gauges of problems and webhooks."""

    problems: ProblemCount
    webhooks: WebhookStore
    observer: DutyObserver

    async def refresh(self) -> None:
        """Show what is open and what waits now."""
        self.observer.on_duty(await self.problems.open_now(), await self.webhooks.backlog())
