"""Add up what the test runs wrote into _build/junit and say it in one line; exit 1 if anything failed.

In CI a skipped browser test counts as a failure: CI has a browser.
"""

import os
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

REPORTS = Path(__file__).resolve().parent.parent / "_build" / "junit"


def count(reports: list[Path]) -> tuple[int, int, int]:
    """(passed, failed, skipped) over junit reports; errors count as failed."""
    total = failed = skipped = 0
    for report in reports:
        for suite in ET.parse(report).getroot().iter("testsuite"):
            total += int(suite.get("tests", 0))
            failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
            skipped += int(suite.get("skipped", 0))
    return total - failed - skipped, failed, skipped


def main(folder: Path = REPORTS) -> int:
    reports = sorted(folder.glob("*.xml"))
    passed, failed, skipped = count(reports)
    if os.environ.get("CI"):
        _, _, skipped_site = count([r for r in reports if r.stem == "site"])
        if skipped_site:
            print(
                f"CI has a browser, yet {skipped_site} browser tests were skipped: that is a failure."
            )
            failed, skipped = failed + skipped_site, skipped - skipped_site
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
