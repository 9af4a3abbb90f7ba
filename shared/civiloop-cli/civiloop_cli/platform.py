"""The running platform as everyone else needs to know it: addresses, first key, data directory."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """Addresses are base URLs without a trailing slash; `worker_url` has only health and metrics."""

    feedback_url: str
    collector_url: str
    engine_url: str
    reporting_url: str
    worker_url: str
    bootstrap_servers: str
    database_url: str
    admin_key: str
    data_dir: Path
    first_start: bool = False

    def as_json(self) -> dict[str, Any]:
        """The line that `civiloop up --json` prints, without the database password."""
        facts = asdict(self)
        facts["data_dir"] = str(self.data_dir)
        del facts["database_url"]
        return facts
