"""Pages made once for all tests of the reports."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from reports.forecast_report import write_forecast_report
from reports.formats import LANGUAGES
from reports.plan_report import write_plan_report
from tests.reports.frames import forecast_inputs
from tests.reports.plan_frames import plan_inputs

OUTLINES = """{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"region_id": "box"}, "geometry":
{"type": "Polygon", "coordinates": [[[95, 20], [125, 20], [125, 45], [95, 45], [95, 20]]]}}]}"""


@pytest.fixture(scope="session")
def pages() -> Mapping[str, str]:
    """The two reports in both languages by ``forecast-zh`` and so on."""
    forecast, plan = forecast_inputs(), plan_inputs()
    made = {f"forecast-{language}": write_forecast_report(forecast, language) for language in LANGUAGES}
    return made | {f"plan-{language}": write_plan_report(plan, language) for language in LANGUAGES}
