"""The KPIs that come with the platform, each with its formula and where it is from."""

from __future__ import annotations

from evaluation_engine.domain.kpi import (
    Definition,
    DurationMean,
    DurationQuantile,
    Need,
    NetScore,
    PerStep,
    Proportion,
    Ratio,
    RestrictedMean,
    SurvivalQuantile,
    Terms,
)

RATING = Need("rating", "feedback", "feedback.rating (1 to 5)", ("rating.",))
NPS = Need("nps", "feedback", "feedback.nps (0 to 10)", ("nps.",))
TASK = Need("task", "feedback", "feedback.task_done (yes, partly, no)", ("task.",))
STARTED = Need("started", "journeys", "journey event started", ("j.started",))
COMPLETED = Need("completed", "journeys", "journey event completed, fulfilled or ineligible", ("e.completed",))
FULFILLED = Need("fulfilled", "journeys", "journey event fulfilled", ("e.fulfilled", "j.fulfilled"))
OUTCOME = Need(
    "outcome", "journeys", "journey event fulfilled, refused, ineligible, withdrawn or abandoned", ("j.outcome",)
)
STEPS = Need("step", "journeys", "journey event step with its step", ("step.",))
COST = Need("cost", "measurements", "measurement named cost", ("m.cost.",))

USABLE_STARTS = Terms(("j.started",), minus=("j.fault",))
_OPEN_CASES = "Journeys still open are censored at as-of, not dropped; an end before its start is kept out."

CSAT = Definition(
    id="csat",
    version=1,
    title={"en": "Customer satisfaction", "el": "Ικανοποίηση των πολιτών", "fa": "رضایت شهروندان"},
    family="customer_satisfaction",
    outcome="citizen",
    aspect="effectiveness",
    nature="qualitative",
    goal="People are satisfied with the service.",
    signal="The share who rate it 4 or 5 of 5 goes up.",
    formula="answers with a rating of 4 or 5 / answers with a rating × 100",
    source="ISO 10004:2018 (monitoring and measuring customer satisfaction), top two of five",
    measure=Proportion(Terms(("rating.4", "rating.5")), Terms(tuple(f"rating.{k}" for k in range(1, 6)))),
    unit="%",
    direction="up",
    scale=(0.0, 100.0),
    needs=(RATING,),
    interval="wilson",
    dimensions=("channel", "language", "assisted", "segment", "step"),
)

NET_PROMOTER = Definition(
    id="nps",
    version=1,
    title={"en": "Net promoter score", "el": "Δείκτης σύστασης", "fa": "شاخص خالص مروجان"},
    family="customer_satisfaction",
    outcome="citizen",
    aspect="effectiveness",
    nature="qualitative",
    goal="People would recommend the service.",
    signal="Those who answer 9 or 10 outnumber those who answer 0 to 6 by more.",
    formula="(answers 9-10 − answers 0-6) / answers × 100; a dismissed question is no answer",
    source="Reichheld 2003, The One Number You Need to Grow, HBR 81(12):46",
    measure=NetScore(
        Terms(("nps.9", "nps.10")),
        Terms(tuple(f"nps.{k}" for k in range(7))),
        Terms(tuple(f"nps.{k}" for k in range(11))),
    ),
    unit="points",
    direction="up",
    scale=(-100.0, 100.0),
    needs=(NPS,),
    interval="adjusted wald",
    dimensions=("channel", "language", "assisted", "segment", "step"),
)

TASK_SUCCESS = Definition(
    id="task-success",
    version=1,
    title={
        "en": "Task success, as people say",
        "el": "Επίτευξη σκοπού, κατά τους πολίτες",
        "fa": "انجام کار، به گفتهٔ مردم",
    },
    family="customer_satisfaction",
    outcome="citizen",
    aspect="effectiveness",
    nature="qualitative",
    goal="People get done what they came for.",
    signal="The share who say yes, they could do it, goes up.",
    formula="answers yes / (yes + partly + no) × 100; skipped is no answer",
    source="Government of Canada, GC Task Success Survey, task completion question; partly is counted as not done",
    measure=Proportion(Terms(("task.yes",)), Terms(("task.yes", "task.partly", "task.no"))),
    unit="%",
    direction="up",
    scale=(0.0, 100.0),
    needs=(TASK,),
    interval="wilson",
    dimensions=("channel", "language", "assisted", "segment", "step"),
)

COMPLETION_RATE = Definition(
    id="completion-rate",
    version=1,
    title={"en": "Completion rate", "el": "Ποσοστό ολοκλήρωσης", "fa": "نرخ تکمیل"},
    family="business_performance",
    outcome="service",
    aspect="effectiveness",
    nature="quantitative",
    goal="Whoever starts can finish.",
    signal="The share of started journeys in which their part gets done goes up.",
    formula=(
        "journeys completed, fulfilled or ineligible / journeys started in the period × 100; "
        "a resumed journey is no new start; an end before its start is in neither"
    ),
    source="GOV.UK Service Manual, Measuring completion rate (mandatory KPI)",
    measure=Proportion(Terms(("j.completed",)), USABLE_STARTS),
    unit="%",
    direction="up",
    scale=(0.0, 100.0),
    needs=(STARTED, COMPLETED),
    interval="wilson",
    anchor="start",
)

FIRST_TIME_SUCCESS = Definition(
    id="first-time-success",
    version=1,
    title={"en": "First-time success", "el": "Επιτυχία με την πρώτη", "fa": "موفقیت در اولین بار"},
    family="business_performance",
    outcome="citizen",
    aspect="efficiency",
    nature="quantitative",
    goal="People get their outcome at the first attempt, without help.",
    signal="The share of outcomes that are fulfilled without help, error or resumption goes up.",
    formula="journeys fulfilled without help, error or resumption / journeys with an outcome × 100",
    source="Civiloop; after COPC CX Standard 7.0, first contact resolution, over the whole journey",
    measure=Proportion(Terms(("j.first_time",)), Terms(("j.outcome",))),
    unit="%",
    direction="up",
    scale=(0.0, 100.0),
    needs=(OUTCOME, FULFILLED),
    interval="wilson",
    anchor="start",
)

DIGITAL_TAKE_UP = Definition(
    id="digital-take-up",
    version=1,
    title={"en": "Digital take-up", "el": "Ψηφιακή χρήση", "fa": "استفادهٔ دیجیتال"},
    family="business_performance",
    outcome="business",
    aspect="efficiency",
    nature="quantitative",
    goal="People choose the digital way because it works.",
    signal="The share of completed journeys that were completed on a digital channel without assistance goes up.",
    formula=(
        "journeys completed digitally / journeys completed in the period × 100; "
        "assisted digital is not in the numerator"
    ),
    source="GOV.UK Service Manual, Measuring digital take-up (mandatory KPI)",
    measure=Proportion(Terms(("e.digital",)), Terms(("e.completed",))),
    unit="%",
    direction="up",
    scale=(0.0, 100.0),
    needs=(COMPLETED,),
    interval="wilson",
    anchor="end",
    channel_of="last",
)

ABANDONMENT = Definition(
    id="abandonment-by-step",
    version=1,
    title={"en": "Abandonment by step", "el": "Εγκατάλειψη ανά βήμα", "fa": "رها کردن در هر گام"},
    family="business_performance",
    outcome="service",
    aspect="effectiveness",
    nature="quantitative",
    goal="No step makes people give up.",
    signal="The share of those reaching a step who give up at it goes down.",
    formula=(
        "for a step: journeys abandoned at it / journeys that reached it × 100; "
        "overall: journeys abandoned / started × 100; abandoned by silence after the service's own limit included"
    ),
    source="GOV.UK Service Manual, Measuring completion rate (drop-out at each step)",
    measure=PerStep(Proportion(Terms(("j.abandoned",)), USABLE_STARTS)),
    unit="%",
    direction="down",
    scale=(0.0, 100.0),
    needs=(STARTED, COMPLETED, STEPS),
    interval="wilson",
    anchor="start",
    dimensions=("channel", "language", "assisted", "segment", "step"),
)

COST_PER_OUTCOME = Definition(
    id="cost-per-outcome",
    version=1,
    title={
        "en": "Cost per fulfilled outcome",
        "el": "Κόστος ανά ολοκληρωμένο αποτέλεσμα",
        "fa": "هزینهٔ هر نتیجهٔ به‌دست‌آمده",
    },
    family="business_performance",
    outcome="business",
    aspect="efficiency",
    nature="quantitative",
    goal="Public money brings outcomes.",
    signal="The cost of each outcome that arrives goes down while satisfaction holds.",
    formula="total cost (overheads in, start-up out) / outcomes fulfilled in the same period",
    source="GOV.UK Service Manual, Measuring cost per transaction, over fulfilled outcomes",
    measure=Ratio("m.cost", Terms(("e.fulfilled",))),
    unit="currency",
    direction="down",
    needs=(FULFILLED, COST),
    interval="delta",
    anchor="end",
    channel_of="last",
    window="12 months",
    dimensions=("channel",),
)


_MTCF = {
    "en": "Mean Time to Citizen Fulfilment",
    "el": "Μέσος χρόνος έως την εξυπηρέτηση του πολίτη",
    "fa": "میانگین زمان تا رسیدن نتیجه به شهروند",
}
_TIME = {"en": "Time to fulfilment", "el": "Χρόνος έως την εξυπηρέτηση", "fa": "زمان تا رسیدن نتیجه"}
_FINISHED = {"en": "Time of finished cases", "el": "Χρόνος ολοκληρωμένων υποθέσεων", "fa": "زمان پرونده‌های پایان‌یافته"}
HORIZON_DAYS = 365
_WHAT = {
    "mean": {"el": "μέσος όρος", "fa": "میانگین"},
    "median": {"el": "διάμεσος", "fa": "میانه"},
    "90th percentile": {"el": "90ό εκατοστημόριο", "fa": "صدک ۹۰"},
    f"mean up to {HORIZON_DAYS} days": {"el": f"έως {HORIZON_DAYS} ημέρες", "fa": "تا ۳۶۵ روز"},
}


def _title(of: dict[str, str], what: str) -> dict[str, str]:
    """Return what is measured and which figure of it, in every language of the pages."""
    joint = {"en": ", ", "el": ", ", "fa": "، "}
    return {language: text + joint[language] + {"en": what, **_WHAT[what]}[language] for language, text in of.items()}


def _survival(id_: str, what: str, measure: RestrictedMean | SurvivalQuantile, formula: str, source: str) -> Definition:
    return Definition(
        id=id_,
        version=1,
        title=_title(_MTCF if id_ == "mtcf-mean" else _TIME, what),
        family="business_performance",
        outcome="citizen",
        aspect="efficiency",
        nature="quantitative",
        goal="The outcome reaches the citizen soon.",
        signal="The time from the first start to the outcome, over every channel and hand-over, goes down.",
        formula=f"{formula} {_OPEN_CASES}",
        source=source,
        measure=measure,
        unit="days",
        direction="down",
        needs=(STARTED, FULFILLED),
        interval="greenwood log" if isinstance(measure, SurvivalQuantile) else "greenwood",
        anchor="start",
    )


def _finished(id_: str, what: str, measure: DurationMean | DurationQuantile, formula: str, source: str) -> Definition:
    return Definition(
        id=id_,
        version=1,
        title=_title(_FINISHED, what),
        family="business_performance",
        outcome="citizen",
        aspect="efficiency",
        nature="quantitative",
        goal="Finished cases took little of the citizen's time.",
        signal="The time that cases fulfilled in the period took goes down.",
        formula=f"{formula} Cases fulfilled in the period only: open ones are left out, see mtcf-*.",
        source=source,
        measure=measure,
        unit="days",
        direction="down",
        needs=(FULFILLED,),
        interval="t" if isinstance(measure, DurationMean) else "order statistics",
        anchor="end",
        channel_of="last",
    )


_KM = "Kaplan, Meier 1958, JASA 53:457; with competing ends Aalen, Johansen 1978, Scand. J. Stat. 5:141"
_TYPE_7 = "Hyndman, Fan 1996, Am. Stat. 50:361, type 7, over bins of at most 1 %"

CATALOGUE: tuple[Definition, ...] = (
    CSAT,
    NET_PROMOTER,
    TASK_SUCCESS,
    COMPLETION_RATE,
    FIRST_TIME_SUCCESS,
    DIGITAL_TAKE_UP,
    _survival(
        "mtcf-mean",
        f"mean up to {HORIZON_DAYS} days",
        RestrictedMean(HORIZON_DAYS),
        f"area under the Kaplan-Meier curve of fulfilment up to {HORIZON_DAYS} days, or as far as cases were followed.",
        "Irwin 1949, J. Hyg. 47:188; Royston, Parmar 2013, BMC Med. Res. Methodol. 13:152",
    ),
    _survival("mtcf-median", "median", SurvivalQuantile(0.5), "time by which half are fulfilled.", _KM),
    _survival("mtcf-p90", "90th percentile", SurvivalQuantile(0.9), "time by which 90 % are fulfilled.", _KM),
    _finished(
        "fulfilment-time-mean", "mean", DurationMean("e.dur"), "sum of durations / cases.", "arithmetic mean, exact"
    ),
    _finished("fulfilment-time-median", "median", DurationQuantile("e.dur", 0.5), "median of durations.", _TYPE_7),
    _finished(
        "fulfilment-time-p90",
        "90th percentile",
        DurationQuantile("e.dur", 0.9),
        "90th percentile of durations.",
        _TYPE_7,
    ),
    ABANDONMENT,
    COST_PER_OUTCOME,
)
"""The definitions in the order in which a scorecard shows them."""

BY_ID = {definition.id: definition for definition in CATALOGUE}
