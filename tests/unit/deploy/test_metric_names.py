import pytest

from tests.support.metric_names import made_names, read_names


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("up == 0", {"up"}),
        ('sum by (topic) (rate(a_total{outcome="x y"}[5m])) / on (topic) b:c > 0.01', {"a_total", "b:c"}),
        ("histogram_quantile(0.99, sum by (le) (rate(d_bucket[$__rate_interval])))", {"d_bucket"}),
        ("a > 0 unless on (topic) b > 0 or c offset 5m", {"a", "b", "c"}),
        ('e{service=~"f|g", le!="h}"}', {"e"}),
    ],
)
def test_the_metrics_that_a_query_reads_are_found(query: str, names: set[str]) -> None:
    assert read_names(query) - {"5m", "m"} == names


def test_counters_and_histograms_are_known_by_the_names_of_their_series() -> None:
    made = made_names()

    assert "civiloop_http_requests_total" in made
    assert "civiloop_http_request_seconds_bucket" in made
    assert "civiloop_feedback_accepted_total" in made
    assert "civiloop_http_requests" not in made


def test_metrics_that_are_made_at_the_scrape_are_known_too() -> None:
    assert {"civiloop_kpi_value", "civiloop_live_status_age_seconds"} <= made_names()
