"""The platform's HTTP interface as commands use it: one client a service, problems as errors for people."""

from __future__ import annotations

from typing import Any, Self

import httpx

from civiloop_cli.errors import CommandError

_TIMEOUT_S = 30.0


class RefusedError(CommandError):
    """A service refused; ``faults`` are (field, reason) where it named them."""

    code = "refused"

    def __init__(self, status: int, problem: dict[str, Any], where: str) -> None:
        self.status = status
        self.problem = problem
        self.faults = [(str(one.get("field", "")), str(one.get("reason", ""))) for one in problem.get("errors") or []]
        detail = str(problem.get("detail") or problem.get("title") or "no reason given")
        super().__init__(f"{where} answers {status}: {detail}", hints=tuple(": ".join(fault) for fault in self.faults))


class UnreachableError(CommandError):
    """A service does not answer."""

    code = "unreachable"


class Api:
    """Calls one service with one key."""

    def __init__(self, url: str, key: str) -> None:
        self._client = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=_TIMEOUT_S, trust_env=False
        )

    def get(self, path: str, **query: str | int | None) -> Any:
        """Return the JSON answer of a GET. Raises ``RefusedError`` and ``UnreachableError``."""
        asked = {name: value for name, value in query.items() if value is not None}
        return self._ask("GET", path, params=asked)

    def post(self, path: str, document: Any, **query: str | int) -> Any:
        """Return the JSON answer of a POST."""
        return self._ask("POST", path, json=document, params=query)

    def delete(self, path: str) -> Any:
        """Return the JSON answer of a DELETE, None where there is none."""
        return self._ask("DELETE", path)

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, method: str, path: str, **options: Any) -> Any:
        try:
            answer = self._client.request(method, path, **options)
        except httpx.HTTPError as error:
            where = str(self._client.base_url).rstrip("/")
            raise UnreachableError(
                f"{where} does not answer ({type(error).__name__})", hints=("is it running? civiloop status",)
            ) from error
        if not answer.is_success:
            raise RefusedError(answer.status_code, _problem(answer), str(answer.url.copy_with(query=None)))
        return answer.json() if answer.content else None


def _problem(answer: httpx.Response) -> dict[str, Any]:
    try:
        document = answer.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
