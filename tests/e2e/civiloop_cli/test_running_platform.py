import httpx
import pytest

from tests.support.platform import RunningPlatform

SERVICES = {"feedback-api", "metrics-collector", "evaluation-engine", "engine-worker", "reporting"}


def _get(url: str) -> httpx.Response:
    return httpx.get(url, timeout=5, trust_env=False)


@pytest.mark.requirement("U2")
def test_all_services_run_and_give_metrics(platform: RunningPlatform) -> None:
    assert set(platform.names) == SERVICES
    for name in SERVICES:
        url = platform.wiring.url(name)
        assert _get(f"{url}/healthz").status_code == 200
        assert _get(f"{url}/readyz").status_code == 200
        assert "# TYPE" in _get(f"{url}/metrics").text


@pytest.mark.requirement("B14")
def test_a_killed_service_comes_back_on_its_port(platform: RunningPlatform) -> None:
    before = platform.pid("reporting")
    platform.kill("reporting")
    assert platform.pid("reporting") is None
    platform.start("reporting")
    assert platform.pid("reporting") not in (None, before)
    assert _get(f"{platform.addresses.reporting_url}/readyz").status_code == 200


@pytest.mark.requirement("B14")
@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_that_is_asked_to_stop_ends_well(platform: RunningPlatform, name: str) -> None:
    assert platform.stop(name), f"it had to be killed:\n{platform.log(name)[-2000:]}"
    platform.start(name)
