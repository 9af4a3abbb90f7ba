"""The pages of docs/reference that are made from the code: ``python -m tests.support.reference_pages DIR`` writes them.

What the code can't say about itself (what a setting is for) stands in ``reference_texts``.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import typer.main
from fastapi import FastAPI
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from civiloop_cli.app import app as command
from civiloop_shared.contracts.catalogue import BodyDefined, KeyDefined, ServiceDefined
from civiloop_shared.contracts.evaluations import EvaluationRecorded
from civiloop_shared.contracts.feedback import FeedbackErased, FeedbackReceived
from civiloop_shared.contracts.journeys import JOURNEY_TYPES, JourneyEventRecorded
from civiloop_shared.contracts.measurements import MeasurementRecorded
from civiloop_shared.contracts.topics import ALL, Topic
from civiloop_shared.edge import PUBLIC, Limit
from civiloop_shared.edge.problems import subclasses_of
from civiloop_shared.edge.router import EdgeRoute
from civiloop_shared.errors import CiviloopError
from civiloop_shared.settings import CommonSettings
from evaluation_engine.bootstrap.serve import build_app as build_engine
from evaluation_engine.domain.kpi import Definition
from evaluation_engine.domain.packs import PACKS
from evaluation_engine.domain.packs.pack import Pack
from evaluation_engine.settings import EngineSettings
from feedback_api.bootstrap import build_app as build_feedback_api
from feedback_api.settings import Settings as FeedbackSettings
from metrics_collector.bootstrap import build_app as build_collector
from metrics_collector.settings import Settings as CollectorSettings
from reporting.settings import ReportingSettings
from tests.support.reference_texts import HEADS, MEANT, VARIABLES
from tests.support.reporting_app import reporting_app

SETTINGS: dict[str, type[CommonSettings]] = {
    "feedback-api": FeedbackSettings,
    "metrics-collector": CollectorSettings,
    "evaluation-engine": EngineSettings,
    "reporting": ReportingSettings,
}
_NOWHERE = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
_PACKAGES = ("civiloop_shared", "feedback_api", "metrics_collector", "evaluation_engine", "reporting")
NOT_DESCRIBED = "(not described yet: tests/support/reference_texts.py)"
_OPS = {"/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/problems/{code}"}


def pages() -> dict[str, str]:
    """Return file name → text of every page that is made."""
    made = {
        "commands.md": _commands(),
        "configuration.md": _configuration(),
        "events.md": _events(),
        "http.md": _http(),
        "kpis.md": "\n".join(map(_pack, PACKS.values())),
        "problems.md": _problems(),
    }
    return {name: f"{HEADS[name].strip()}\n\n{body.strip()}\n" for name, body in made.items()}


def apps() -> dict[str, FastAPI]:
    """Return the app of every service; nothing is opened."""
    secrets = {"contact_key": "A" * 43, "receipt_secret": "x" * 32}
    return {
        "feedback-api": build_feedback_api(FeedbackSettings.model_validate({**_NOWHERE, **secrets})),
        "metrics-collector": build_collector(CollectorSettings.model_validate(_NOWHERE)),
        "evaluation-engine": build_engine(EngineSettings.model_validate(_NOWHERE)),
        "reporting": reporting_app(),
    }


def environment_name(settings: type[CommonSettings], field: str) -> str:
    """Return the variable that a setting is read from."""
    alias = settings.model_fields[field].validation_alias
    return str(alias or f"{settings.model_config['env_prefix']}{field.upper()}")


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *(tuple(cell.replace("|", "\\|") for cell in row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _configuration() -> str:
    common = set(CommonSettings.model_fields) - {"database_url", "kafka_bootstrap_servers", "port"}
    parts = ["## Every service\n", _settings(CommonSettings, sorted(common))]
    for service, settings in SETTINGS.items():
        own = [name for name in settings.model_fields if name not in common]
        if service == "metrics-collector":
            own.remove("database_url")
        parts += [f"\n## {service}\n", _settings(settings, own)]
    rows = (("`" + name + "`", default, text) for name, default, text in VARIABLES)
    parts += ["\n## The command `civiloop`\n", _table(("variable", "default", "meaning"), rows)]
    return "\n".join(parts)


def _settings(settings: type[CommonSettings], fields: Iterable[str]) -> str:
    rows = []
    for name in fields:
        variable = environment_name(settings, name)
        rows.append((f"`{variable}`", _default(settings.model_fields[name]), MEANT.get(variable, NOT_DESCRIBED)))
    return _table(("variable", "default", "meaning"), rows)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.get_default(call_default_factory=True)
    return "none" if value in (None, (), {}, "", PydanticUndefined) else f"`{value}`"


def _http() -> str:
    parts = []
    for service, app in apps().items():
        routes = [route for route in app.router.routes if isinstance(route, EdgeRoute)]
        shown = [route for route in routes if route.path not in _OPS and route.include_in_schema]
        parts += [
            f"## {service}\n",
            _table(("request", "needs", "body up to", "limit", "what it does"), map(_route, shown)),
            "",
        ]
    return "\n".join(parts)


def _route(route: EdgeRoute) -> tuple[str, ...]:
    policy = route.policy
    needs = "no key" if policy.permission is PUBLIC else f"`{policy.permission.value}`"
    [method] = sorted((route.methods or set()) - {"HEAD"})
    what = route.summary or " ".join((route.description or "").split("\n\n", maxsplit=1)[0].split())
    return f"`{method} {route.path}`", needs, _size(policy.body_cap), _limit(policy.limit), what.rstrip(".")


def _size(n: int) -> str:
    return "none" if not n else f"{n // 1024**2} MiB" if n >= 1024**2 else f"{n // 1024} KiB"


def _limit(limit: Limit) -> str:
    return f"{limit.name}: {limit.per_second:,g}/s"


def _pack(pack: Pack) -> str:
    head = ("KPI", "formula", "unit", "interval", "from (show, judge)", "window", "needs", "source")
    asked = ", ".join(f"`{question.id}`" for question in pack.questions)
    questions = f" It asks {asked}." if asked else ""
    return (
        f"## {pack.id}\n\n{pack.title['en']}. Source: {pack.source}.{questions}\n\n"
        f"{_table(head, map(_kpi, pack.definitions))}\n"
    )


def _kpi(one: Definition) -> tuple[str, ...]:
    levels = "; ".join(f"{level.name} from {level.threshold:g}" for level in one.levels)
    least = f"{one.minimum_to_show}, {one.minimum_to_judge}"
    needs = "; ".join(need.fields for need in one.needs)
    name = f"`{one.id}` v{one.version}<br>{one.title['en']}" + (f"<br>{levels}" if levels else "")
    return name, one.formula, one.unit, one.interval, least, one.window, needs, one.source


def _problems() -> str:
    tables = [app.state.edge.errors for app in apps().values()]
    for package in _PACKAGES:
        _import_all(package)
    known: dict[str, tuple[int, type[CiviloopError]]] = {}
    errors: list[type[CiviloopError]] = [CiviloopError, *subclasses_of(CiviloopError)]
    for error in errors:
        status = max(table.status_of(error) for table in tables)
        ours = error.__module__.partition(".")[0] in _PACKAGES
        if ours and (status != 500 or error is CiviloopError):
            known[error.code] = (status, error)
    ordered = sorted(known.values(), key=lambda one: (one[0], one[1].code))
    return "\n".join(_problem(status, error) for status, error in ordered)


def _import_all(package: str) -> None:
    """Import every module, so that all errors are known whatever was imported before."""
    for found in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
        if not found.name.endswith("__main__") and ".migrations" not in found.name:
            importlib.import_module(found.name)


def _problem(status: int, error: type[CiviloopError]) -> str:
    what = " ".join((inspect.getdoc(error) or "").split()).replace("``", "`")
    return f"## {error.code}\n\n{status} · {error.title}\n\n{what}\n"


def _events() -> str:
    rows = ((f"`{topic.name}`", str(topic.partitions), _kept(topic)) for topic in ALL)
    types = [
        (FeedbackReceived.TYPE, FeedbackReceived.TOPIC, FeedbackReceived, FeedbackReceived.TYPE),
        (FeedbackErased.TYPE, FeedbackErased.TOPIC, FeedbackErased, FeedbackErased.TYPE),
        *(
            (one, JourneyEventRecorded.TOPIC, JourneyEventRecorded, "civiloop.journey.v1")
            for one in sorted(JOURNEY_TYPES)
        ),
        (MeasurementRecorded.TYPE, MeasurementRecorded.TOPIC, MeasurementRecorded, MeasurementRecorded.TYPE),
        *((one.TYPE, one.TOPIC, one, one.TYPE) for one in (BodyDefined, ServiceDefined, KeyDefined)),
        (EvaluationRecorded.TYPE, EvaluationRecorded.TOPIC, EvaluationRecorded, EvaluationRecorded.TYPE),
    ]
    lines = ((f"`{name}`", f"`{topic.name}`", f"[{schema}](schemas/{schema}.json)") for name, topic, _, schema in types)
    return "\n".join(
        (
            "## Topics\n",
            _table(("topic", "partitions", "kept"), rows),
            "\n## Types\n",
            _table(("type", "topic", "schema of `data`"), lines),
        )
    )


def _kept(topic: Topic) -> str:
    return "for good, compacted" if topic.compacted else f"{topic.retention_ms // 86_400_000} days"


def _commands() -> str:
    root = typer.main.get_command(command)
    assert isinstance(root, TyperGroup)
    return "\n".join(part for path, one in _walk(root, ("civiloop",)) for part in _command(path, one))


def _walk(group: TyperGroup, path: tuple[str, ...]) -> Iterator[tuple[str, TyperCommand]]:
    for name, one in group.commands.items():
        if isinstance(one, TyperGroup):
            yield from _walk(one, (*path, name))
        elif isinstance(one, TyperCommand) and not one.hidden:
            yield " ".join((*path, name)), one


def _command(path: str, one: TyperCommand) -> Iterator[str]:
    arguments = [
        str(part.metavar or (part.name or "").upper()) for part in one.params if isinstance(part, TyperArgument)
    ]
    options = [part for part in one.params if isinstance(part, TyperOption)]
    yield f"## {path}\n\n`{' '.join((path, *arguments))}`\n\n{' '.join((one.help or '').split())}\n"
    if options:
        rows = ((", ".join(f"`{name}`" for name in part.opts), part.help or "") for part in options)
        yield _table(("option", "meaning"), rows) + "\n"


def main(directory: Path) -> None:
    """Write all pages."""
    for name, text in pages().items():
        (directory / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
