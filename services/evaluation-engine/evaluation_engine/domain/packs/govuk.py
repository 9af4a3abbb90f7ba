"""The four mandatory KPIs of GOV.UK, with their windows."""

from __future__ import annotations

from dataclasses import replace

from evaluation_engine.domain.kpi import Definition
from evaluation_engine.domain.kpi_catalogue import (
    COMPLETED,
    COMPLETION_RATE,
    COST,
    COST_PER_OUTCOME,
    DIGITAL_TAKE_UP,
    RATING,
)
from evaluation_engine.domain.kpi_measures import Ratio, Score, Terms
from evaluation_engine.domain.packs.pack import FIVE, Pack, three

_MANUAL = "GOV.UK Service Manual"

SATISFACTION = Definition(
    id="govuk-user-satisfaction",
    version=1,
    title=three("User satisfaction (GOV.UK)", "Ικανοποίηση χρηστών (GOV.UK)", "رضایت کاربران (GOV.UK)"),
    family="customer_satisfaction",
    outcome="citizen",
    aspect="effectiveness",
    nature="qualitative",
    goal="People are satisfied with the service.",
    signal="Ratings move from dissatisfied towards very satisfied.",
    formula="(mean of ratings 1 to 5 − 1) / 4 × 100: very satisfied 100 %, satisfied 75, neither 50, 25, 0",
    source=f"{_MANUAL}, Measuring user satisfaction (mandatory KPI)",
    measure=Score(tuple((f"rating.{k}", 25 * (k - 1)) for k in FIVE)),
    unit="%",
    direction="up",
    scale=(0.0, 100.0),
    needs=(RATING,),
    interval="t, bounded",
    dimensions=("channel", "language", "assisted", "segment", "step"),
    pack="govuk",
)

COMPLETION = replace(
    COMPLETION_RATE,
    id="govuk-completion-rate",
    title=three("Completion rate (GOV.UK)", "Ποσοστό ολοκλήρωσης (GOV.UK)", "نرخ تکمیل (GOV.UK)"),
    formula=(
        f"{COMPLETION_RATE.formula}; an ineligible outcome counts as completed; "
        "saved and not taken up again within the service's own limit fails"
    ),
    pack="govuk",
)

TAKE_UP = replace(
    DIGITAL_TAKE_UP,
    id="govuk-digital-take-up",
    version=1,
    title=three("Digital take-up (GOV.UK)", "Ψηφιακή χρήση (GOV.UK)", "استفادهٔ دیجیتال (GOV.UK)"),
    formula=(
        "journeys completed digitally / all journeys completed × 100, in the last whole calendar month of the period; "
        "assisted digital is not in the numerator"
    ),
    window="calendar month",
    pack="govuk",
)

COST_PER_TRANSACTION = replace(
    COST_PER_OUTCOME,
    id="govuk-cost-per-transaction",
    title=three("Cost per transaction (GOV.UK)", "Κόστος ανά συναλλαγή (GOV.UK)", "هزینهٔ هر تراکنش (GOV.UK)"),
    goal="A completed transaction costs the public little.",
    signal="The cost of each completed transaction goes down while satisfaction holds.",
    formula="total cost (overheads in, start-up out) / transactions completed, over the last 12 months",
    source=f"{_MANUAL}, Measuring cost per transaction (mandatory KPI)",
    measure=Ratio("m.cost", Terms(("e.completed",))),
    needs=(COMPLETED, COST),
    pack="govuk",
)

PACK = Pack(
    id="govuk",
    title=three("GOV.UK: four mandatory KPIs", "GOV.UK: τέσσερις υποχρεωτικοί δείκτες", "GOV.UK: چهار شاخص اجباری"),
    source=f"{_MANUAL}, Measuring success: data you must publish",
    definitions=(SATISFACTION, COMPLETION, TAKE_UP, COST_PER_TRANSACTION),
)
