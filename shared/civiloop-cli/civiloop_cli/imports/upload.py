"""Post items in batches and hear which were not taken; wait and retry while the platform can't take any."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import httpx
import orjson
from pydantic import ValidationError

from civiloop_cli.imports.convert import Item
from civiloop_cli.imports.errors import UploadError
from civiloop_shared.contracts.feedback import FeedbackReceived

MOST_ITEMS: Final = 1_000
MOST_BYTES: Final = 900_000
_LONGEST_WAIT_S = 30.0
_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
_EXPLAINED = {
    401: "the key is not valid",
    403: "the key may not do this",
    404: "there is no such address: is this the address of the right service?",
}

_OF_CODE = {"conflict": {"field": "id", "reason": "was taken before with other answers"}}


@dataclass(frozen=True, slots=True)
class ItemFault:
    """One thing that is wrong with the item at ``index`` of a batch."""

    index: int
    field: str
    reason: str


def feedback_faults(items: list[Item]) -> list[ItemFault]:
    """Return what is wrong with answers as far as their shape tells; service, age and contact are not looked at."""
    found = []
    for index, item in enumerate(items):
        answer = {name: value for name, value in item.items() if name != "contact"}
        try:
            FeedbackReceived.model_validate({"feedback_id": "0" * 32, **answer})
        except ValidationError as error:
            for fault in error.errors(include_url=False, include_input=False, include_context=False):
                name = ".".join(str(part) for part in fault["loc"])
                found.append(ItemFault(index, name, fault["msg"]))
    return found


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a kind of items goes. ``whole``: with ``strict=1`` a batch with a fault is refused whole.

    ``checked_here`` stands in for the service in a dry run, where that knows none; others are asked with ``dry_run=1``.
    """

    path: str
    items: str
    whole: bool
    checked_here: Callable[[list[Item]], list[ItemFault]] | None = None


JOURNEYS: Final = Endpoint("/v1/journeys", "events", whole=True)
FEEDBACK: Final = Endpoint("/v1/feedback/batch", "items", whole=False, checked_here=feedback_faults)


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploader:
    """Posts to one endpoint. Every retry carries the same ids, so nothing is counted twice.

    ``patience_s`` is for how long the platform may take nothing before the import gives up; ``waiting`` is told why
    we wait.
    """

    client: httpx.Client
    endpoint: Endpoint
    observed_until: str | None = None
    dry_run: bool = False
    patience_s: float = 300.0
    sleep: Callable[[float], None] = time.sleep
    waiting: Callable[[str], None] = lambda _: None

    def post(self, items: list[Item]) -> list[ItemFault]:
        """Send items; return the faults of those that were not taken.

        When the endpoint takes batches whole and there is a fault, none of the items is in.

        Raises:
            UploadError: the platform refuses us, or takes nothing for too long.
        """
        if self.dry_run and self.endpoint.checked_here is not None:
            return self.endpoint.checked_here(items)
        answer = self._send_until_answered(self._body(items))
        if answer.status_code == 413 and len(items) > 1:
            half = len(items) // 2
            second = [ItemFault(f.index + half, f.field, f.reason) for f in self.post(items[half:])]
            return [*self.post(items[:half]), *second]
        if answer.status_code == 413:
            return [ItemFault(0, "", "is too large to be taken")]
        if answer.is_success or answer.status_code == 422:
            return _faults(answer)
        raise UploadError(self._explain(answer))

    def _body(self, items: list[Item]) -> bytes:
        envelope: dict[str, Any] = {self.endpoint.items: items}
        if self.observed_until is not None:
            envelope["observed_until"] = self.observed_until
        return orjson.dumps(envelope)

    def _send_until_answered(self, body: bytes) -> httpx.Response:
        params = {name: "1" for name, wanted in (("strict", self.endpoint.whole), ("dry_run", self.dry_run)) if wanted}
        deadline, pause_s = time.monotonic() + self.patience_s, 0.5
        while True:
            try:
                answer = self.client.post(
                    self.endpoint.path, content=body, params=params, headers={"content-type": "application/json"}
                )
                reason = f"it answers {answer.status_code}"
            except httpx.TransportError as error:
                answer, reason = None, f"{type(error).__name__}"
            if answer is not None and answer.status_code not in _RETRIED:
                return answer
            wait_s = _retry_after(answer) or pause_s
            if time.monotonic() + wait_s > deadline:
                raise UploadError(
                    f"{self.client.base_url} took nothing for {self.patience_s:.0f} s ({reason})",
                    hints=("give the same command again later: what is in already is not counted twice",),
                )
            self.waiting(f"{reason}, trying again in {wait_s:.0f} s" if wait_s >= 1 else reason)
            self.sleep(wait_s)
            pause_s = min(2 * pause_s, _LONGEST_WAIT_S)

    def _explain(self, answer: httpx.Response) -> str:
        problem = _json(answer)
        told = _EXPLAINED.get(answer.status_code) or str(
            problem.get("detail") or problem.get("title") or "no reason given"
        )
        return f"{self.client.base_url} refuses with {answer.status_code}: {told}"


def _retry_after(answer: httpx.Response | None) -> float | None:
    given = answer.headers.get("retry-after", "") if answer is not None else ""
    return min(float(given), _LONGEST_WAIT_S) if given.isdecimal() else None


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        document = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}


def _faults(answer: httpx.Response) -> list[ItemFault]:
    """Read the rejected items; a refusal that names none is not about single items."""
    document = _json(answer)
    faults = [
        ItemFault(int(result["index"]), str(error.get("field", "")), str(error.get("reason", "")))
        for result in document.get("results", [])
        if result.get("status") == "rejected"
        for error in result.get("errors") or [_OF_CODE.get(result.get("code"), {"reason": "was refused"})]
    ]
    if not faults and not answer.is_success:
        told = "; ".join(f"{error['field']} {error['reason']}" for error in document.get("errors", []))
        raise UploadError(f"the batch was refused: {told or document.get('detail') or answer.status_code}")
    return faults
