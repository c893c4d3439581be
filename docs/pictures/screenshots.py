"""The screenshots of the report in the README: headless Chromium, playwright and a page.

    siked report --out run.html
    python docs/pictures/screenshots.py run.html

Writes ``report.png`` and ``report-phone.png`` beside this file. SIKED_CHROMIUM names Chromium where
it is not on the PATH.
"""  # noqa: INP001 - a script beside the pictures that it takes

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
CHROMIUM = os.environ.get("SIKED_CHROMIUM") or shutil.which("chromium") or shutil.which("chrome")
VIEWS = {
    "report": {"viewport": {"width": 1120, "height": 1720}},
    "report-phone": {
        "viewport": {"width": 375, "height": 812},
        "device_scale_factor": 2,
        "color_scheme": "dark",
    },
}


def main(page_file: Path) -> None:
    """Take the pictures of a page."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for name, options in VIEWS.items():
            page = chromium.new_page(**options)
            page.goto(page_file.resolve().as_uri())
            page.wait_for_selector("html[data-drawn=yes]")
            if name == "report-phone":
                page.evaluate("document.querySelector('#figure-accuracy').scrollIntoView()")
                page.wait_for_timeout(1000)
            page.screenshot(path=HERE / f"{name}.png")
        chromium.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
