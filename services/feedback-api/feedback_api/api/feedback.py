"""POST /v1/feedback and /v1/feedback/batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from civiloop_shared.auth import Scope
from civiloop_shared.edge.policy import INGEST, KIB, MIB, RoutePolicy
from civiloop_shared.edge.request import EdgeRequest
from civiloop_shared.edge.router import EdgeRouter
from civiloop_shared.errors import CiviloopError, ValidationError, ValidationFault
from feedback_api.api import cloudevents
from feedback_api.api.answers import BatchAnswer, FeedbackAnswer, batch_answer, single_answer
from feedback_api.api.documented import event_example, event_schema, request_body
from feedback_api.api.idempotency import PARAMETER, claim_of
from feedback_api.api.items import MAX_ITEMS, FeedbackBatch, FeedbackItem
from feedback_api.api.reading import delivery_of, read_batch, read_single
from feedback_api.errors import ErasedError, IdReusedError, InFlightError, KeyReusedError
from feedback_api.ports import Fate, Tally
from feedback_api.service.in_flight import InFlight
from feedback_api.service.submit import Prepared, Result, SubmitFeedback, Taken

READY: Final = ("catalogue",)
"""What has to be there before a key can be judged."""

_EXAMPLE = {
    "id": "form-7731",
    "service": "building-permit",
    "channel": "web",
    "rating": 4,
    "task_done": "yes",
    "comment": "Clear, but the upload failed once.",
    "language": "en",
    "step": "upload",
}
_REFUSALS: Final = (IdReusedError, ErasedError, KeyReusedError, InFlightError)

SINGLE = RoutePolicy(
    permission=Scope.FEEDBACK_WRITE,
    limit=INGEST,
    body_cap=128 * KIB,
    timeout=1.9,
    example=_EXAMPLE,
    errors=_REFUSALS,
    media_types=("application/json", cloudevents.STRUCTURED),
    requires=READY,
)
BATCH = RoutePolicy(
    permission=Scope.FEEDBACK_WRITE,
    limit=INGEST,
    body_cap=8 * MIB,
    timeout=10.0,
    example={"items": [_EXAMPLE]},
    errors=(KeyReusedError, InFlightError),
    media_types=("application/json", cloudevents.BATCHED),
    requires=READY,
)

_SINGLE_BODY: Final = request_body(
    FeedbackItem,
    _EXAMPLE,
    {cloudevents.STRUCTURED: {"schema": event_schema(FeedbackItem), "example": event_example(_EXAMPLE)}},
)
_BATCH_BODY: Final = request_body(
    FeedbackBatch,
    {"items": [_EXAMPLE]},
    {
        cloudevents.BATCHED: {
            "schema": {"type": "array", "minItems": 1, "maxItems": MAX_ITEMS, "items": event_schema(FeedbackItem)},
            "example": [event_example(_EXAMPLE)],
        }
    },
)


@dataclass(frozen=True, slots=True)
class _Intake:
    submit: SubmitFeedback
    in_flight: InFlight
    tally: Tally

    async def take(
        self, request: EdgeRequest, prepared: Prepared, render: Callable[[Sequence[Result]], bytes | None]
    ) -> list[Result] | bytes:
        """Store what was prepared, once for each Idempotency-Key. Return the results or the answer of before."""

        def answer(fates: Sequence[Fate]) -> bytes | None:
            return render(prepared.settle(fates))

        claim = await claim_of(request, answer)
        alone = self.in_flight.alone(claim.body, claim.key_id, claim.client_key) if claim else nullcontext()
        with alone:
            results = await self.submit.keep(prepared, claim)
        if not isinstance(results, bytes):
            self._count(prepared, results)
        return results

    def _count(self, prepared: Prepared, results: Sequence[Result]) -> None:
        services = {index: row.service for (index, _), row in zip(prepared.taken, prepared.rows, strict=True)}
        for index, result in enumerate(results):
            if isinstance(result, CiviloopError):
                self.tally.rejected(result.code)
            elif result.again:
                self.tally.duplicate(services[index])
            else:
                self.tally.accepted(services[index])


def feedback_router(submit: SubmitFeedback, tally: Tally) -> EdgeRouter:
    """Build the routes of intake."""
    router = EdgeRouter(prefix="/v1/feedback", tags=("feedback",))
    intake = _Intake(submit, InFlight(), tally)
    _add_single(router, intake)
    _add_batch(router, intake)
    return router


def _add_single(router: EdgeRouter, intake: _Intake) -> None:
    @router.post(
        "",
        policy=SINGLE,
        status_code=202,
        summary="Give feedback",
        description="Durable when answered. The same id with the same content may be sent again at any time.",
        response_model=FeedbackAnswer,
        openapi_extra={"parameters": [PARAMETER], "requestBody": _SINGLE_BODY},
    )
    async def give_feedback(request: EdgeRequest) -> Response:
        try:
            item = await read_single(request)
        except ValidationError as error:
            intake.tally.rejected(error.code)
            raise
        prepared = await intake.submit.prepare((item,), delivery_of(request))
        results = await intake.take(request, prepared, _remembered_single)
        if isinstance(results, bytes):
            return _accepted(results, replayed=True)
        if isinstance(results[0], CiviloopError):
            raise results[0]
        return _accepted(single_answer(results[0]))


def _add_batch(router: EdgeRouter, intake: _Intake) -> None:
    @router.post(
        "/batch",
        policy=BATCH,
        status_code=202,
        summary="Give up to 1,000 feedbacks at once",
        description="The good items are stored. With ``strict`` a batch with a faulty item is refused as a whole.",
        response_model=BatchAnswer,
        openapi_extra={"parameters": [PARAMETER], "requestBody": _BATCH_BODY},
    )
    async def give_batch(request: EdgeRequest, strict: bool = False) -> Response:
        items, observed_until = await read_batch(request)
        prepared = await intake.submit.prepare(items, delivery_of(request, observed_until))
        if strict:
            _demand_faultless(prepared)
        results = await intake.take(request, prepared, _remembered_batch)
        if isinstance(results, bytes):
            return _accepted(results, replayed=True)
        return _accepted(batch_answer(results))


def _remembered_single(results: Sequence[Result]) -> bytes | None:
    """Return what to remember: an answer that took something in, never a refusal."""
    return single_answer(results[0]) if isinstance(results[0], Taken) else None


def _remembered_batch(results: Sequence[Result]) -> bytes | None:
    return batch_answer(results) if any(isinstance(result, Taken) for result in results) else None


def _demand_faultless(prepared: Prepared) -> None:
    faults = [
        ValidationFault(f"items.{index}.{fault.field}", fault.reason)
        for index, result in enumerate(prepared.results)
        if isinstance(result, CiviloopError)
        for fault in result.faults
    ]
    if faults:
        raise ValidationError("strict: nothing was stored", faults=faults)


def _accepted(answer: bytes, *, replayed: bool = False) -> Response:
    headers = {"Idempotency-Replayed": "true"} if replayed else None
    return Response(answer, 202, headers=headers, media_type="application/json")
