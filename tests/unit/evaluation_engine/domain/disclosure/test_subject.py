from dataclasses import replace

from evaluation_engine.domain.disclosure.subject import subject_of
from evaluation_engine.domain.packs import ALL, BY_ID


def of(kpi: str) -> str:
    return subject_of(BY_ID[kpi])


def test_kpis_that_count_the_same_people_have_one_subject_whatever_their_window() -> None:
    assert of("digital-take-up") == of("govuk-digital-take-up") == of("complaint-rate") == of("response-rate")
    assert of("completion-rate") == of("govuk-completion-rate") == of("error-rate")
    assert of("csat") == of("govuk-user-satisfaction")
    assert of("fulfilment-time-mean") == of("fulfilment-time-p90")


def test_others_are_apart() -> None:
    subjects = [of(kpi) for kpi in ("csat", "nps", "completion-rate", "digital-take-up", "mtcf-mean", "within-promise")]
    assert len(set(subjects)) == len(subjects)
    gaps = {subject_of(one) for one in ALL if one.id.startswith("equity-gap")}
    assert len(gaps) == 2


def test_the_same_people_on_other_days_are_other_people() -> None:
    one = BY_ID["digital-take-up"]
    assert subject_of(replace(one, anchor="start")) != subject_of(one)
