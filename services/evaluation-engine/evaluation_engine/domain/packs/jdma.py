"""JDMA (Je donne mon avis) and the Observatoire de la qualité des démarches en ligne of France."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from typing import Any

from civiloop_shared.contracts.catalogue import QuestionDefined
from evaluation_engine.domain.kpi import Definition, Level
from evaluation_engine.domain.kpi_measures import MeasuredMean, Proportion, Score, Terms
from evaluation_engine.domain.packs.operations import AVAILABILITY
from evaluation_engine.domain.packs.pack import FIVE, Pack, asked, reported, three

_SOURCE = "DINUM, Observatoire de la qualité des démarches en ligne, calculation of the indicators"
_OUT_OF_TEN = (Level("goal", 8.0), Level("medium", 5.0))
_FIVE_STEPS = (0, 25, 50, 75, 100)

_answered: Any = partial(
    Definition,
    version=1,
    family="customer_satisfaction",
    outcome="citizen",
    aspect="effectiveness",
    nature="qualitative",
    source=_SOURCE,
    unit="of 10",
    direction="up",
    scale=(0.0, 10.0),
    interval="t, bounded",
    minimum_to_show=100,
    minimum_to_judge=100,
    dimensions=("channel", "language", "assisted", "segment", "step"),
    pack="jdma",
    levels=_OUT_OF_TEN,
    decimals=1,
)

SATISFACTION: Definition = _answered(
    id="jdma-satisfaction",
    title=three("Satisfaction (JDMA)", "Ικανοποίηση (JDMA)", "رضایت (JDMA)"),
    goal="It went well for people.",
    signal="More people say good than bad.",
    formula="good 10, medium 5, bad 0: mean, one decimal; from 100 reviews on; goal from 8, medium from 5",
    measure=Score(
        (("q.jdma-satisfaction.bad", 0), ("q.jdma-satisfaction.medium", 5), ("q.jdma-satisfaction.good", 10))
    ),
    needs=(asked("jdma-satisfaction", "good, medium, bad"),),
)


def _five(question: str) -> Score:
    """10 / 7.5 / 5 / 2.5 / 0, in tenths."""
    return Score(tuple((f"q.{question}.{k}", points) for k, points in zip(FIVE, _FIVE_STEPS, strict=True)), per=10)


CLARITY: Definition = _answered(
    id="jdma-clarity",
    title=three("Clarity of language (JDMA)", "Σαφήνεια γλώσσας (JDMA)", "روشنی زبان (JDMA)"),
    goal="People understand what is asked of them.",
    signal="Marks for clarity go up.",
    formula="marks 5 to 1 give 10 / 7.5 / 5 / 2.5 / 0: mean, one decimal; from 100 reviews on",
    measure=_five("jdma-clarity"),
    needs=(asked("jdma-clarity", "1 to 5"),),
)

HELP_QUALITY: Definition = _answered(
    id="jdma-help-quality",
    title=three("Quality of help (JDMA)", "Ποιότητα βοήθειας (JDMA)", "کیفیت کمک (JDMA)"),
    goal="Who asks for help is helped.",
    signal="Marks for the help that people got go up.",
    formula="marks 5 to 1 give 10 / 7.5 / 5 / 2.5 / 0: mean, one decimal; from 100 reviews on",
    measure=_five("jdma-help-quality"),
    needs=(asked("jdma-help-quality", "1 to 5"),),
)

HELP_REACHED: Definition = _answered(
    id="jdma-help-reachability",
    title=three("Help reached (JDMA)", "Πρόσβαση σε βοήθεια (JDMA)", "دسترسی به کمک (JDMA)"),
    goal="Who asks for help reaches somebody.",
    signal="The share of people who reached the help that they tried to reach goes up.",
    formula="answers yes / all answers to the question whether help was reached × 100",
    measure=Proportion(
        Terms(("q.jdma-help-reached.yes",)), Terms(("q.jdma-help-reached.yes", "q.jdma-help-reached.no"))
    ),
    unit="%",
    scale=(0.0, 100.0),
    interval="wilson",
    levels=(),
    decimals=None,
    needs=(asked("jdma-help-reached", "yes, no"),),
)

AUTONOMY: Definition = _answered(
    id="jdma-autonomy",
    title=three("Autonomy (JDMA)", "Αυτονομία (JDMA)", "استقلال (JDMA)"),
    aspect="efficiency",
    goal="People manage alone.",
    signal="The share of people who needed no help goes up.",
    formula="10 × answers that no help was needed / answers: one decimal; from 100 reviews on",
    measure=Score((("q.jdma-help-needed.yes", 0), ("q.jdma-help-needed.no", 10))),
    needs=(asked("jdma-help-needed", "yes, no"),),
)

_technical: Any = partial(
    Definition,
    version=1,
    family="it_performance",
    it_kind="technology",
    outcome="service",
    nature="quantitative",
    source=_SOURCE,
    anchor="day",
    dimensions=(),
    pack="jdma",
)

UPTIME: Definition = _technical(
    id="jdma-uptime",
    title=three("Uptime (JDMA)", "Διαθεσιμότητα (JDMA)", "در دسترس بودن (JDMA)"),
    aspect="effectiveness",
    goal="The service is there whenever people need it.",
    signal="The share of watched time in which it answers goes up.",
    formula="seconds up / seconds watched × 100 over the last 3 months; goal above 99.9 %, medium from 98.5 %",
    measure=AVAILABILITY.measure,
    unit="%",
    direction="up",
    scale=(0.0, 100.0),
    needs=(reported("watched-seconds", "a value for each day"), reported("up-seconds", "a value for each day")),
    interval="delta",
    window="3 months",
    minimum_to_judge=80,
    levels=(Level("goal", 99.9, strict=True), Level("medium", 98.5)),
)

LOAD: Definition = _technical(
    id="jdma-load",
    title=three("Loading time (JDMA)", "Χρόνος φόρτωσης (JDMA)", "زمان بارگذاری (JDMA)"),
    aspect="efficiency",
    goal="Nobody waits for a page.",
    signal="The mean time to load a page goes down.",
    formula="mean of the loading times measured, in seconds; goal below 0.4 s, medium below 0.8 s",
    measure=MeasuredMean("page-load-ms", Fraction(1, 1000)),
    unit="s",
    direction="down",
    needs=(reported("page-load-ms", "milliseconds, a value for each load"),),
    interval="t",
    levels=(Level("goal", 0.4, strict=True), Level("medium", 0.8, strict=True)),
)

PACK = Pack(
    id="jdma",
    title=three("Observatoire de la qualité (France)", "Παρατηρητήριο ποιότητας (Γαλλία)", "رصدخانهٔ کیفیت (فرانسه)"),
    source=_SOURCE,
    definitions=(SATISFACTION, CLARITY, HELP_QUALITY, HELP_REACHED, AUTONOMY, UPTIME, LOAD),
    questions=(
        QuestionDefined(
            id="jdma-satisfaction",
            kind="choice",
            values=("good", "medium", "bad"),
            title=three("How did it go for you?", "Πώς πήγε για εσάς;", "برای شما چطور پیش رفت؟"),
        ),
        QuestionDefined(
            id="jdma-clarity",
            kind="scale",
            least=1,
            most=5,
            title=three("Was the language clear?", "Ήταν σαφής η γλώσσα;", "زبان روشن بود؟"),
        ),
        QuestionDefined(
            id="jdma-help-needed",
            kind="yes_no",
            title=three("Did you need help?", "Χρειαστήκατε βοήθεια;", "به کمک نیاز داشتید؟"),
        ),
        QuestionDefined(
            id="jdma-help-reached",
            kind="yes_no",
            title=three("Did you reach the help?", "Βρήκατε τη βοήθεια;", "به کمک دست یافتید؟"),
        ),
        QuestionDefined(
            id="jdma-help-quality",
            kind="scale",
            least=1,
            most=5,
            title=three("How good was the help?", "Πόσο καλή ήταν η βοήθεια;", "کمک چقدر خوب بود؟"),
        ),
    ),
)
