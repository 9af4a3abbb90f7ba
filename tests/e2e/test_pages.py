"""The public pages, as people meet them: in a browser, on a phone, in their language, with or without scripts."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from tests.support.browser import DESKTOP, PHONE, chromium, visiting
from tests.support.platform import Infra, running_platform
from tests.support.published import CANARY, COUNTER, LICENCE, LIVE, NEW, RARE, WEB, Published, last_months
from tests.support.published import PHONE as BY_PHONE

PAGES = ("/", f"/services/{LICENCE}", f"/services/{RARE}", f"/services/{NEW}")
LANGUAGES = ("en", "el", "fa")
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
TITLES = {"en": "Dog licence", "el": "Άδεια σκύλου", "fa": "پروانهٔ سگ"}
DIGITS = str.maketrans("۰۱۲۳۴۵۶۷۸۹", "0123456789")


@pytest.fixture(scope="module")
def published(infra: Infra) -> Iterator[Published]:
    patient = {"CIVILOOP_SETTLE_S": "30"}  # the test evaluates, once everything is counted
    with running_platform(infra, **patient) as platform, httpx.Client(trust_env=False, timeout=30.0) as client:
        made = Published(platform, client, last_months(3))
        made.fill()
        made.answer_now(LIVE)
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.mark.requirement("B17")
@pytest.mark.parametrize("width", [PHONE, DESKTOP])
@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("path", PAGES[:2])
def test_nobody_is_shut_out_by_the_standards_of_accessibility(
    browser: Browser, published: Published, path: str, lang: str, width: int
) -> None:
    """WCAG 2.2 AA, as far as axe can tell; everything that folds is open."""
    with visiting(browser, f"{published.address}{path}?lang={lang}", width=width) as visit:
        visit.page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        found = Axe().run(visit.page, options={"runOnly": {"type": "tag", "values": WCAG}})

        assert found.violations_count == 0, found.generate_report()


@pytest.mark.requirement("B17")
@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("path", PAGES)
def test_a_page_fits_a_phone(browser: Browser, published: Published, path: str, lang: str) -> None:
    with visiting(browser, f"{published.address}{path}?lang={lang}", width=PHONE) as visit:
        visit.page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")

        assert visit.page.evaluate("document.documentElement.scrollWidth") <= PHONE


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("path", PAGES)
def test_the_content_security_policy_blocks_nothing_and_nothing_comes_from_elsewhere(
    browser: Browser, published: Published, path: str, lang: str
) -> None:
    with visiting(browser, f"{published.address}{path}?lang={lang}") as visit:
        background = visit.page.evaluate("getComputedStyle(document.querySelector('header')).backgroundColor")

        assert visit.complaints == []
        assert background == "rgb(29, 53, 87)", "the style sheet is in force"
        assert all(url.startswith((published.address, "data:")) for url in visit.requested)


@pytest.mark.requirement("B17")
@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_page_says_the_same_without_scripts(browser: Browser, published: Published, lang: str) -> None:
    url = f"{published.address}/services/{LICENCE}?lang={lang}"
    with visiting(browser, url) as with_scripts, visiting(browser, url, scripts=False) as without:
        without.page.locator("details").first.locator("summary").click()

        assert without.page.locator("details").first.locator("table").is_visible()
        assert without.page.locator("main").text_content() == with_scripts.page.locator("main").text_content()
        assert without.page.locator("script").count() == 0


@pytest.mark.requirement("B16")
@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_page_is_in_the_language_asked_for(browser: Browser, published: Published, lang: str) -> None:
    with visiting(browser, f"{published.address}/services/{LICENCE}?lang={lang}") as visit:
        page = visit.page
        assert page.get_attribute("html", "lang") == lang
        assert page.text_content("h1") == TITLES[lang]
        assert page.get_attribute("h1", "lang") == lang
        assert page.locator("nav [aria-current]").text_content() == {"en": "English", "el": "Ελληνικά"}.get(
            lang, "فارسی"
        )


@pytest.mark.requirement("B16")
@pytest.mark.parametrize("path", PAGES)
def test_a_persian_page_has_no_word_and_no_digit_of_another_script(
    browser: Browser, published: Published, path: str
) -> None:
    """But formulas and sources, which say that they are English, and names that are the same everywhere."""
    with visiting(browser, f"{published.address}{path}?lang=fa") as visit:
        visit.page.evaluate("document.querySelectorAll('main [lang=en], main .name').forEach(one => one.remove())")
        text = (visit.page.text_content("main") or "").replace("CSV", "")

        assert re.findall(r"[A-Za-z0-9]+", text) == []


@pytest.mark.requirement("B16")
def test_persian_runs_from_right_to_left(browser: Browser, published: Published) -> None:
    with visiting(browser, f"{published.address}/services/{LICENCE}?lang=fa") as visit:
        page = visit.page
        assert page.get_attribute("html", "dir") == "rtl"
        heading = page.locator("h1").evaluate(
            "one => { const range = document.createRange(); range.selectNodeContents(one);"
            " const text = range.getBoundingClientRect(), box = one.getBoundingClientRect();"
            " return [text.right, box.right, text.left, box.left] }"
        )
        assert heading[0] == pytest.approx(heading[1], abs=2)
        assert heading[2] > heading[3] + 100
        assert page.locator(".chart").first.evaluate("one => getComputedStyle(one).direction") == "ltr"


@pytest.mark.requirement("B9")
@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kpi", ["csat", "nps", "completion-rate", "fulfilment-time-median"])
def test_a_kpi_is_told_by_a_sentence_a_chart_and_a_table(
    browser: Browser, published: Published, kpi: str, lang: str
) -> None:
    with visiting(browser, f"{published.address}/services/{LICENCE}?lang={lang}") as visit:
        section = visit.page.locator(f"section[aria-labelledby={kpi}]")
        rows = section.locator(f"table:has(#{kpi}-numbers) tbody tr")

        assert len(section.locator(".sentence").text_content() or "") > 20
        assert (section.locator("figure svg").bounding_box() or {"width": 0})["width"] > 250
        assert section.locator("figure svg").get_attribute("aria-hidden") == "true"
        assert section.locator("figcaption").is_visible()
        assert rows.count() == 3
        assert section.locator("details summary").count() >= 1, "why this number"


@pytest.mark.requirement("B2")
def test_the_page_says_what_the_numbers_are(browser: Browser, published: Published) -> None:
    """The ratings of a month: of each seven two are 1 or 2, so 117 of 164 are 4 or 5."""
    with visiting(browser, f"{published.address}/services/{LICENCE}?lang=en") as visit:
        page = visit.page
        good = sum((5, 4, 2, 5, 1, 4, 5)[n % 7] >= 4 for count in (WEB, BY_PHONE, COUNTER) for n in range(count))
        share = round(100 * good / (WEB + BY_PHONE + COUNTER), 1)
        csat = page.text_content("section[aria-labelledby=csat]") or ""
        assert f"{share:g} of 100, from 164 answers: between" in csat
        assert "Target met" in csat
        assert "Target missed" in (page.text_content("section[aria-labelledby=completion-rate]") or "")
        assert "days" in (page.text_content("section[aria-labelledby=fulfilment-time-median] .sentence") or "")
        assert "€" in (page.text_content("section[aria-labelledby=cost-per-outcome] .sentence") or "")
        assert "Improve the service" in (page.text_content(".verdict h2") or "")


@pytest.mark.requirement("B12")
@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_group_of_fewer_than_ten_people_is_nowhere(published: Published, lang: str) -> None:
    html = published.get(f"/services/{LICENCE}?lang={lang}").text.translate(DIGITS)
    counts = [int(n) for n in re.findall(r"(\d+) (?:answers|cases|απαντήσεις|υποθέσεις|پاسخ|پرونده)", html)]
    cells = [int(n) for n in re.findall(r"<td>(\d+)</td>", html)]

    assert WEB in counts
    assert {n for n in (*counts, *cells) if 0 < n < 10} == set()
    assert BY_PHONE not in (*counts, *cells), "it would give the counter away"


@pytest.mark.requirement("B12")
@pytest.mark.parametrize("service", [LICENCE, RARE])
def test_a_group_of_fewer_than_ten_people_is_not_in_the_file_either(published: Published, service: str) -> None:
    answer = published.get(f"/services/{service}/results.csv")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    small = [row for row in rows if 0 < int(row["n"]) < 10]
    hidden = [row for row in rows if row["state"] == "suppressed"]

    assert rows
    assert small == []
    assert all(row["value"] == row["low"] == row["high"] == "" and row["n"] == "0" for row in hidden)
    if service == LICENCE:
        assert {row["cut"] for row in hidden if row["kpi"] == "csat"} == {"channel=counter", "channel=phone"}
        assert {row["edition"] for row in rows} <= {"1/1", "2/1", "3/1"}
    else:
        assert {row["state"] for row in rows if row["kpi"] == "csat"} == {"suppressed"}


def test_a_service_with_too_few_people_has_a_page_that_says_so(published: Published) -> None:
    html = published.get(f"/services/{RARE}?lang=en").text

    assert "Not shown, so that nobody can be recognised" in html
    assert "of 100, from" not in html


@pytest.mark.requirement("B2")
def test_a_page_does_not_move_with_what_is_answered_now(published: Published) -> None:
    """A page that moves with every answer gives single ratings away."""
    paths = [f"/services/{LICENCE}?lang=en", f"/services/{LICENCE}/results.csv"]
    before = [published.get(path).text for path in paths]
    published.answer_now(3)

    assert [published.get(path).text for path in paths] == before
    assert f"{LIVE} answers" not in before[0]


@pytest.mark.requirement("B12")
@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_target_for_a_hidden_group_has_no_verdict_in_public(published: Published, lang: str) -> None:
    """The verdict is computed of the seven answers at the counter."""
    judged = {"en": "Not judged in public", "el": "Δεν κρίνεται δημόσια", "fa": "به‌طور عمومی داوری نمی‌شود"}
    html = published.get(f"/services/{LICENCE}?lang={lang}").text
    inside = published.get(f"/v1/services/{LICENCE}/evaluations", **published.key).json()["items"][0]

    assert html.count(judged[lang]) == 1
    assert {one["target"]: one["verdict"] for one in inside["published"]["targets"]}["dog-counter"] is None
    assert {one["target"]: one["verdict"] for one in inside["targets"]}["dog-counter"] == "not_enough_data"


def test_what_was_evaluated_on_demand_is_not_published(published: Published) -> None:
    first, last = published.months[0], published.months[-1]
    url = f"{published.platform.addresses.engine_url}/v1/services/{LICENCE}/evaluations"
    before = published.get(f"/services/{LICENCE}?lang=en").text
    made = published.post(url, {"period": f"{first.isoformat()}/{last.isoformat()}"})

    assert made.status_code == 201
    assert published.get(f"/services/{LICENCE}?lang=en").text == before


@pytest.mark.requirement("B12")
@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_people_wrote_is_nowhere(published: Published, lang: str) -> None:
    for path in (*PAGES, f"/services/{LICENCE}/results.csv"):
        assert CANARY not in published.get(f"{path}?lang={lang}").text


def test_the_page_shows_the_numbers_of_its_file(published: Published) -> None:
    html = published.get(f"/services/{LICENCE}?lang=en").text
    text = published.get(f"/services/{LICENCE}/results.csv").text.removeprefix("\ufeff")
    rows = [row for row in csv.DictReader(io.StringIO(text)) if row["kpi"] == "csat" and row["value"]]

    assert len(rows) == 4, "three months, and the web in the last one"
    assert all(f"{round(float(row['value']), 1):g} of 100" in html for row in rows)
    assert {(row["definition_version"], row["level"], row["method"]) for row in rows} == {("1", "0.95", "wilson")}


def test_a_service_without_a_closed_period_says_so(published: Published) -> None:
    assert "Nothing of this service is published yet" in published.get(f"/services/{NEW}?lang=en").text


def test_the_index_leads_to_every_service(browser: Browser, published: Published) -> None:
    with visiting(browser, f"{published.address}/?lang=el", width=PHONE) as visit:
        assert visit.page.locator(".services a").count() == 3
        visit.page.get_by_role("link", name=TITLES["el"]).click()
        assert visit.page.text_content("h1") == TITLES["el"], "the language stays"


@pytest.mark.requirement("B17")
def test_a_keyboard_reaches_the_content_first(browser: Browser, published: Published) -> None:
    with visiting(browser, f"{published.address}/services/{LICENCE}?lang=en") as visit:
        visit.page.keyboard.press("Tab")
        focused = visit.page.evaluate("[document.activeElement.className, document.activeElement.hash]")
        box = visit.page.locator(".skip").bounding_box()

        assert focused == ["skip", "#main"]
        assert box is not None
        assert box["x"] >= 0


def test_pages_may_be_kept_by_caches_and_not_be_framed(published: Published) -> None:
    answer = published.get(f"/services/{LICENCE}", **{"Accept-Language": "el-GR,el;q=0.9"})

    assert answer.headers["content-language"] == "el"
    assert "Accept-Language" in answer.headers["vary"]
    assert answer.headers["cache-control"] == "public, max-age=60"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]


@pytest.mark.requirement("U4")
def test_front_ends_get_series_through_reporting(published: Published) -> None:
    first, last = published.months[0], published.months[-1]
    path = f"/v1/services/{LICENCE}/kpis/csat/series?from={first}&to={last}&every=month&by=channel"
    points = published.get(path, **published.key).json()["points"]
    table = published.get(path.replace("series?", "series.csv?"), **published.key).text

    assert {(point["cut"], point["n"]) for point in points if point["n"]} == {
        ("channel=web", WEB),
        ("channel=phone", BY_PHONE),
        ("channel=counter", COUNTER),
    }, "inside, exact values are shown to those who may read"
    assert len(table.splitlines()) == 1 + len(points)
