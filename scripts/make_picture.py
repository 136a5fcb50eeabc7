"""Make the README's picture: the top of a workspace's latest plan report, as Chromium shows it.

Run it as ``python -m scripts.make_picture WORKSPACE [--out docs/images/plan-report.png]`` after ``radar demo --no-storm``.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import Literal

from cli.report import read_forecast_inputs, read_plan_inputs
from data.errors import RadarError
from data.workspace import Workspace
from reports.forecast_report import write_forecast_report
from reports.formats import LANGUAGES, Language
from reports.plan_report import write_plan_report

WIDTH, HEIGHT = 1000, 1625
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")


def take_picture(page: str, out: Path, *, height: int = HEIGHT, scheme: Literal["light", "dark"] = "light") -> None:
    """Show a page in Chromium and keep the top of it as PNG.

    Raises
    ------
    RadarError
        When no Chromium is installed.
    """
    from playwright.sync_api import sync_playwright

    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        raise RadarError("no Chromium", action="install it (Debian: apt-get install chromium)")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "page.html"
        file.write_text(page, encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        view = browser.new_page(viewport={"width": WIDTH, "height": height}, color_scheme=scheme)
        view.goto(file.as_uri())
        view.screenshot(path=out)
        browser.close()


def write_page(workspace: Workspace, kind: str, language: Language) -> str:
    """Make the latest forecast or plan of a workspace into a page."""
    if kind == "forecast":
        return write_forecast_report(read_forecast_inputs(workspace), language)
    return write_plan_report(read_plan_inputs(workspace), language)


def main() -> None:
    """Read the command line and take the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--report", choices=("plan", "forecast"), default="plan")
    parser.add_argument("--lang", choices=LANGUAGES, default="en")
    parser.add_argument("--height", type=int, default=HEIGHT)
    parser.add_argument("--out", type=Path, default=Path("docs/images/plan-report.png"))
    chosen = parser.parse_args()
    page = write_page(Workspace.open(chosen.workspace), chosen.report, chosen.lang)
    take_picture(page, chosen.out, height=chosen.height)


if __name__ == "__main__":
    main()
