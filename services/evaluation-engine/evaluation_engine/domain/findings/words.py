"""Numbers, days and parts of a service in plain words."""

from __future__ import annotations

from datetime import date

from evaluation_engine.domain.contribution.context import OTHER

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def percent(share: float) -> str:
    """A share as a percentage with one decimal."""
    return f"{100 * share:.1f} %"


def about(people: float) -> str:
    """A rounded number of people or journeys."""
    return f"{round(people):,}" if people >= 1 else "fewer than 1"


def day(on: date) -> str:
    """A day such as 3 March 2026."""
    return f"{on.day} {_MONTHS[on.month - 1]} {on.year}"


def dimension(name: str) -> str:
    """A dimension in the plural sense, such as "language" or "age"."""
    return {"assisted": "assistance"}.get(name, name.removeprefix("segment."))


def group(cut: str) -> str:
    """The people of a cut such as `segment.age=65+`."""
    name, _, value = cut.partition("=")
    if name == "assisted":
        return "people who are assisted" if value == "yes" else "people without assistance"
    if value == OTHER:
        return f"people of any other {dimension(name)}"
    if name == "channel":
        return f"people on the channel {value.replace('_', ' ')}"
    if name == "language":
        return f"people using the language “{value}”"
    if name == "step":
        return f"people who answer at the step “{value}”"
    return f"people of {dimension(name)} {value}"


def sentence(text: str) -> str:
    """The text with a capital letter first."""
    return text[:1].upper() + text[1:]
