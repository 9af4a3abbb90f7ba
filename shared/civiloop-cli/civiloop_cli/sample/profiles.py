"""How the sample services behave: made up, in the proportions that real services show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """What goes wrong ``after_months`` at the hard step: so many more leave and meet errors; satisfaction goes down."""

    after_months: float
    leaving: float
    errors: float
    satisfaction: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One service. Shares are 0 to 1; ``decline`` is added to completion for each month (negative: it gets worse).

    ``hours`` is the median time to fulfilment of a completed journey, ``spread`` the sigma of its logarithm. A break
    comes at once. ``by_channel`` is added to the satisfaction of those who come that way.
    """

    service: str
    journeys_a_day: float
    channels: tuple[tuple[str, float], ...]
    languages: tuple[tuple[str, float], ...]
    steps: tuple[str, ...]
    hard_step: str
    completion: float
    decline: float
    fulfilment: float
    hours: float
    spread: float
    errors: float
    help: float
    answers: float
    satisfaction: float
    monthly_cost_cents: int
    breaks: Break | None = None
    by_channel: tuple[tuple[str, float], ...] = ()


_LANGUAGES: Final = (("el", 0.72), ("en", 0.22), ("fa", 0.06))
AGES: Final = (("18-34", 0.36), ("35-64", 0.46), ("65-plus", 0.18))

PROFILES: Final = (
    Profile(
        service="residence-certificate",
        journeys_a_day=8.5,
        channels=(("web", 0.62), ("app", 0.16), ("counter", 0.18), ("phone", 0.04)),
        languages=_LANGUAGES,
        steps=("identify", "details", "submit"),
        hard_step="details",
        completion=0.93,
        decline=0.0,
        fulfilment=0.99,
        hours=20.0,
        spread=0.7,
        errors=0.04,
        help=0.03,
        answers=0.55,
        satisfaction=0.86,
        monthly_cost_cents=310_000,
    ),
    Profile(
        service="parking-permit",
        journeys_a_day=8.0,
        channels=(("web", 0.7), ("app", 0.15), ("kiosk", 0.05), ("counter", 0.1)),
        languages=_LANGUAGES,
        steps=("identify", "vehicle", "payment", "submit"),
        hard_step="payment",
        completion=0.9,
        decline=-0.005,
        fulfilment=0.97,
        hours=52.0,
        spread=0.8,
        errors=0.1,
        help=0.06,
        answers=0.55,
        satisfaction=0.74,
        monthly_cost_cents=420_000,
        breaks=Break(after_months=4.5, leaving=0.14, errors=0.2, satisfaction=-0.06),
    ),
    Profile(
        service="birth-registration",
        journeys_a_day=7.5,
        channels=(("web", 0.38), ("counter", 0.5), ("letter", 0.07), ("phone", 0.05)),
        languages=_LANGUAGES,
        steps=("identify", "child", "documents", "submit"),
        hard_step="documents",
        completion=0.84,
        decline=0.01,
        fulfilment=0.98,
        hours=75.0,
        spread=0.9,
        errors=0.09,
        help=0.12,
        answers=0.5,
        satisfaction=0.78,
        monthly_cost_cents=560_000,
    ),
    Profile(
        service="business-licence",
        journeys_a_day=7.0,
        channels=(("web", 0.55), ("email", 0.15), ("counter", 0.25), ("phone", 0.05)),
        languages=_LANGUAGES,
        steps=("identify", "activity", "documents", "fee", "submit"),
        hard_step="documents",
        completion=0.61,
        decline=-0.01,
        fulfilment=0.85,
        hours=310.0,
        spread=0.8,
        errors=0.22,
        help=0.2,
        answers=0.8,
        satisfaction=0.41,
        monthly_cost_cents=1_450_000,
        by_channel=(("web", -0.16), ("counter", 0.16)),
    ),
)
