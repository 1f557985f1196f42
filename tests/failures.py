"""What failed, told once more after everything else: a machine may keep only the last lines."""

from typing import Any

import pytest

TELLS = "FAILED: "
LINE = 300  # characters


class Failures:
    """Remembers each test that failed, and each fault of pytest itself, in the process others report to."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            why = crash.message if crash else report.longreprtext
            self.told.append(line(f"{report.nodeid} ({report.when}): {why}"))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.told.append(line(f"{report.nodeid} (collection): {report.longreprtext[-LINE:]}"))

    def pytest_internalerror(self, excrepr: Any) -> None:
        self.told.append(line(f"pytest itself: {str(excrepr)[-LINE:]}"))

    def pytest_unconfigure(self) -> None:
        for told in self.told:
            print(told, flush=True)  # noqa: T201 (pytest's own writer is closed by then)


def line(told: str) -> str:
    return (TELLS + " ".join(told.split()))[:LINE]
