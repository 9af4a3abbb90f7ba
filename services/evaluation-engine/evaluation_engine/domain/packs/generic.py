"""Measures that any service can use: experience, journeys, and how it runs."""

from __future__ import annotations

from functools import partial
from typing import Any

from civiloop_shared.contracts.catalogue import QuestionDefined
from evaluation_engine.domain.kpi import Definition, Need
from evaluation_engine.domain.kpi_catalogue import COMPLETED, COMPLETION_RATE, CSAT, FULFILLED, STARTED, USABLE_STARTS
from evaluation_engine.domain.kpi_measures import (
    Gap,
    Proportion,
    Response,
    Score,
    Terms,
    WithinPromise,
)
from evaluation_engine.domain.packs import operations, speed
from evaluation_engine.domain.packs.pack import Pack, three

_SEVEN = tuple(range(1, 8))
_ANSWERED = ("channel", "language", "assisted", "segment", "step")

EFFORT = Need("effort", "feedback", "feedback.effort (1 to 7)", ("effort.",))
ANSWERS = Need("answers", "feedback", "feedback of any kind", ("answers",))
COMPLAINTS = Need("complaints", "feedback", "feedback with kind complaint", ("complaints",))
HELP = Need("helped", "journeys", "journey event help_sought", ("j.helped",))

_said: Any = partial(
    Definition,
    version=1,
    family="customer_satisfaction",
    outcome="citizen",
    nature="qualitative",
    direction="up",
    interval="t, bounded",
    dimensions=_ANSWERED,
    pack="generic",
)

CES: Definition = _said(
    id="ces",
    title=three("Customer effort score", "Δείκτης ευκολίας", "شاخص آسانی"),
    aspect="efficiency",
    goal="It costs people little effort.",
    signal="Marks for how easy it was go up.",
    formula="mean of the answers 1 (very hard) to 7 (very easy)",
    source="Dixon, Freeman, Toman 2010, HBR 88(7):116; scale of CES 2.0, CEB 2013",
    measure=Score(tuple((f"effort.{k}", k) for k in _SEVEN)),
    unit="of 7",
    scale=(1.0, 7.0),
    needs=(EFFORT,),
)

_UMUX_POINTS = tuple((f"q.umux-lite.{k}", 6500 * k + 27_480) for k in range(13))

UMUX: Definition = _said(
    id="umux-lite",
    title=three(
        "Usability, as SUS (UMUX-Lite)", "Ευχρηστία, ως SUS (UMUX-Lite)", "کاربردپذیری، به‌صورت SUS (UMUX-Lite)"
    ),
    aspect="effectiveness",
    goal="The service is usable.",
    signal="The usability that people report goes up.",
    formula="0.65 × (capable + easy − 2) / 12 × 100 + 22.9: mean over people who answered both questions (1 to 7)",
    source="Lewis, Utesch, Maher 2013, UMUX-LITE: when there's no time for the SUS, CHI '13:2099, regression to SUS",
    measure=Score(_UMUX_POINTS, per=1200),
    unit="SUS points",
    scale=(22.9, 87.9),
    needs=(
        Need("q.umux-lite", "feedback", "feedback.answers.umux-lite-capable and umux-lite-easy", ("q.umux-lite.",)),
    ),
)

_went: Any = partial(
    Definition,
    version=1,
    family="business_performance",
    nature="quantitative",
    source="Civiloop; counts over counts",
    unit="%",
    scale=(0.0, 100.0),
    interval="wilson",
    anchor="start",
    pack="generic",
)

ERROR_RATE: Definition = _went(
    id="error-rate",
    title=three("Journeys with an error", "Διαδρομές με σφάλμα", "مسیرهای دارای خطا"),
    outcome="service",
    aspect="effectiveness",
    goal="Nothing goes wrong on the way.",
    signal="The share of journeys in which an error occurred goes down.",
    formula="journeys with at least one error / journeys started × 100",
    measure=Proportion(Terms(("j.errored",)), USABLE_STARTS),
    direction="down",
    needs=(STARTED,),
)

REPEAT_CONTACT: Definition = _went(
    id="repeat-contact",
    title=three("Repeat contact", "Επαναλαμβανόμενη επαφή", "تماس دوباره"),
    outcome="citizen",
    aspect="efficiency",
    goal="Asking once is enough.",
    signal="The share of people who have to ask again goes down.",
    formula="journeys in which help was sought more than once / journeys in which help was sought × 100",
    measure=Proportion(Terms(("j.helped_again",)), Terms(("j.helped",))),
    direction="down",
    needs=(HELP,),
)

ASSISTED_SHARE: Definition = _went(
    id="assisted-share",
    title=three("Assisted share", "Μερίδιο με υποστήριξη", "سهم با همراهی"),
    outcome="business",
    aspect="efficiency",
    goal="Who needs a hand gets one, and few need one.",
    signal="The share of journeys that somebody assisted goes down while completion holds.",
    formula="assisted journeys / journeys started × 100",
    measure=Proportion(Terms(("j.assisted",)), USABLE_STARTS),
    direction="down",
    needs=(STARTED,),
    dimensions=("channel", "language", "segment"),
)

CHANNEL_SWITCH: Definition = _went(
    id="channel-switch-rate",
    title=three("Channel switches", "Αλλαγές διαύλου", "تغییر کانال"),
    outcome="citizen",
    aspect="efficiency",
    goal="People can finish where they began.",
    signal="The share of journeys that needed a second channel goes down.",
    formula="journeys over more than one channel / journeys started × 100",
    measure=Proportion(Terms(("j.switched",)), USABLE_STARTS),
    direction="down",
    needs=(STARTED,),
)

COMPLAINT_RATE: Definition = _went(
    id="complaint-rate",
    title=three("Complaint rate", "Ποσοστό παραπόνων", "نرخ شکایت"),
    family="customer_satisfaction",
    outcome="citizen",
    aspect="effectiveness",
    goal="Nobody has a reason to complain.",
    signal="There are fewer complaints for each journey that was completed.",
    formula=(
        "complaints / journeys completed in the period × 100, each on its own day; "
        "a complaint of somebody who did not complete counts too; a complaint is no answer to a question"
    ),
    source="Civiloop; counts over counts; what a complaint is: ISO 10002:2018, terms and definitions",
    measure=Proportion(Terms(("complaints",)), Terms(("e.completed",))),
    direction="down",
    needs=(COMPLETED, COMPLAINTS),
    anchor="end",
    channel_of="last",
    dimensions=("channel", "language", "assisted", "segment"),
)

RESPONSE_RATE: Definition = _went(
    id="response-rate",
    title=three("Response rate", "Ποσοστό ανταπόκρισης", "نرخ پاسخ"),
    outcome="service",
    aspect="effectiveness",
    goal="What people say stands for all who use the service.",
    signal="More of those who finish give feedback, and they are like those who don't.",
    formula="answers / journeys completed in the period × 100, with how far respondents differ from users",
    source="Civiloop; difference of respondents: dissimilarity index, Duncan, Duncan 1955, Am. Sociol. Rev. 20:210",
    measure=Response(Terms(("answers",)), Terms(("e.completed",))),
    direction="up",
    needs=(COMPLETED, ANSWERS),
    anchor="end",
    channel_of="last",
    dimensions=("channel",),
)

WITHIN_PROMISE: Definition = _went(
    id="within-promise",
    title=three("Within the promised time", "Εντός του χρόνου που υποσχεθήκαμε", "در زمان وعده‌شده"),
    outcome="citizen",
    aspect="efficiency",
    goal="What is promised is kept.",
    signal="The share of cases fulfilled within the promised time goes up.",
    formula=(
        "cases fulfilled in the period that took at most promised_days of the service / cases fulfilled × 100; "
        "open cases are left out, see mtcf-*; at the limit exact to 0.5 %"
    ),
    measure=WithinPromise("e.dur"),
    direction="up",
    needs=(FULFILLED,),
    anchor="end",
    channel_of="last",
)

_compared: Any = partial(
    Definition,
    version=1,
    outcome="citizen",
    aspect="effectiveness",
    goal="The service works alike for everyone.",
    signal="The worst served group comes closer to the best served.",
    source="Newcombe 1998, Stat. Med. 17:873, method 10, of the two groups; Bonferroni over all pairs in details",
    unit="points of %",
    direction="down",
    scale=(0.0, 100.0),
    interval="newcombe",
    dimensions=(),
    pack="generic",
)
_GAP = "best group − worst group of the declared segment where they differ most; groups below 30 are left out"

EQUITY_COMPLETION: Definition = _compared(
    id="equity-gap-completion",
    title=three("Equity gap, completion", "Χάσμα ισότητας, ολοκλήρωση", "شکاف برابری، تکمیل"),
    family="business_performance",
    nature="quantitative",
    formula=f"completion rate: {_GAP}",
    measure=Gap(Proportion(Terms(("j.completed",)), USABLE_STARTS)),
    needs=COMPLETION_RATE.needs,
    anchor="start",
)

EQUITY_SATISFACTION: Definition = _compared(
    id="equity-gap-satisfaction",
    title=three("Equity gap, satisfaction", "Χάσμα ισότητας, ικανοποίηση", "شکاف برابری، رضایت"),
    family="customer_satisfaction",
    nature="qualitative",
    formula=f"share of ratings 4 and 5: {_GAP}",
    measure=Gap(Proportion(Terms(("rating.4", "rating.5")), Terms(tuple(f"rating.{k}" for k in range(1, 6))))),
    needs=CSAT.needs,
)

PACK = Pack(
    id="generic",
    title=three("For any service", "Για κάθε υπηρεσία", "برای هر خدمت"),
    source="each KPI names its own",
    definitions=(
        CES,
        UMUX,
        COMPLAINT_RATE,
        RESPONSE_RATE,
        EQUITY_SATISFACTION,
        EQUITY_COMPLETION,
        WITHIN_PROMISE,
        ERROR_RATE,
        REPEAT_CONTACT,
        CHANNEL_SWITCH,
        ASSISTED_SHARE,
        *operations.DEFINITIONS,
        *speed.DEFINITIONS,
    ),
    questions=(
        QuestionDefined(
            id="umux-lite-capable",
            kind="scale",
            least=1,
            most=7,
            title=three(
                "The service does what I need", "Η υπηρεσία κάνει αυτό που χρειάζομαι", "این خدمت نیازم را برمی‌آورد"
            ),
        ),
        QuestionDefined(
            id="umux-lite-easy",
            kind="scale",
            least=1,
            most=7,
            title=three("The service is easy to use", "Η υπηρεσία είναι εύχρηστη", "کار با این خدمت آسان است"),
        ),
    ),
)
