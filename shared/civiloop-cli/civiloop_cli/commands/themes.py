"""`civiloop themes`: what people write about, and with --phrases what nobody foresaw."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from civiloop_cli.commands.connection import (
    ENGINE,
    Connection,
    DataDirOption,
    KeyOption,
    ServiceArgument,
    UrlOption,
)
from civiloop_cli.console import print_json, stdout
from civiloop_cli.options import JsonOption

PeriodOption = Annotated[str, typer.Option("--period", help="live (the last 30 days), YYYY-MM, YYYY, or from/to.")]
PhrasesOption = Annotated[
    bool, typer.Option("--phrases", help="Show phrases that stand out, among them those that no theme knows.")
]
_STATES = {"new": "bold red", "rising": "yellow", "steady": "dim"}


def themes(
    service: ServiceArgument,
    period: PeriodOption = "live",
    phrases: PhrasesOption = False,
    json: JsonOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Show what people write about, what it costs, and examples in their own words: for the inside only."""
    what = "phrases" if phrases else "themes"
    with Connection(url, key, data_dir).to(ENGINE, as_json=json) as engine:
        found = engine.get(f"/v1/services/{service}/{what}", period=period)
    if json:
        print_json(found)
    else:
        stdout().print(phrases_shown(found) if phrases else themes_shown(found))


def themes_shown(found: dict[str, Any]) -> RenderableType:
    """Return a table of themes, and the quotes of each below it."""
    spoken = ", ".join(f"{n} {language}" for language, n in found["languages"].items())
    head = Text(f"{found['comments']} comments" + (f" ({spoken})" if spoken else ""), style="dim")
    if not found["themes"]:
        return Group(head, Text("No theme in ten comments or more.", style="dim"))
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("theme", "comments", "share", "mean", "impact", ""):
        table.add_column(name, justify="left" if name in {"theme", ""} else "right")
    for one in found["themes"]:
        state = one["state"]
        table.add_row(*_cells(one), Text(state, style=_STATES.get(state, "")))
    quotes = [_quote(_title(one), quote) for one in found["themes"] for quote in one["quotes"]]
    return Group(head, table, *quotes, *_notes(found["taxonomy"]["outdated"], quotes))


def phrases_shown(found: dict[str, Any]) -> RenderableType:
    """Return a table for each of the two comparisons, with the quotes of its phrases below it."""
    rising, costly = found["against_before"], found["low_against_high"]
    first = f"{rising['comments']} comments against {rising['others']} of the periods before"
    second = f"{costly['comments']} comments with a low score against {costly['others']} with a high one"
    most = Text(f"Looked at: the newest {found['most_comments']:,} comments on each side.", style="dim")
    return Group(*_compared(first, rising["phrases"]), *_compared(second, costly["phrases"]), most)


def _compared(head: str, phrases: list[dict[str, Any]]) -> list[RenderableType]:
    title = Text(head, style="bold")
    if not phrases:
        return [title, Text("Nothing stands out in ten comments or more.", style="dim")]
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("phrase", "language", "comments", "share", "others", "theme"):
        table.add_column(name, justify="left" if name in {"phrase", "language", "theme"} else "right")
    for one in phrases:
        share, others = (f"{100 * one[n] / one[of]:.1f} %" for n, of in (("n", "of"), ("other_n", "other_of")))
        table.add_row(Text(one["name"]), one["language"], str(one["n"]), share, others, one["theme"] or "")
    quotes = [_quote(one["name"], quote) for one in phrases for quote in one["quotes"]]
    return [title, table, *quotes, *_notes(0, quotes)]


def _quote(about: str, quote: dict[str, Any]) -> Text:
    mark = f"  [{quote['id']}]" if "id" in quote else ""
    public = "  (public)" if quote["publishable"] else ""
    return Text.assemble((f"{about}: ", "bold"), quote["text"], (mark + public, "dim"))


def _notes(outdated: int, quotes: list[Text]) -> list[Text]:
    notes = []
    if outdated:
        notes.append(f"{outdated} comments were read with another taxonomy: `civiloop rebuild` reads them again.")
    if quotes:
        notes.append("Quotes are not for publication, unless a steward released them: `civiloop quotes release`.")
    return [Text(note, style="dim") for note in notes]


def _cells(one: dict[str, Any]) -> tuple[str, ...]:
    mean = "" if one["mean"] is None else f"{one['mean']:.1f}"
    impact = "" if one["impact"] is None else f"{one['impact']:+.2f}"
    return _title(one), str(one["n"]), f"{100 * one['share']:.1f} %", mean, impact


def _title(one: dict[str, Any]) -> str:
    title: str = one["title"].get("en") or one["theme"]
    return title
