"""The browser that drives the journeys, and what is said on a machine that has none."""

import shutil
from pathlib import Path

# The first one has no window around its pages: it costs a third of the others.
EXECUTABLES = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
# Of the window that nobody sees, the address bar alone is two pages more for each of ours. The last list that
# is given replaces the others: what Playwright would have switched off is named again.
SWITCHED_OFF = (
    *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup"),
    *("PaintHolding", "HttpsUpgrades", "HttpsFirstBalancedModeAutoEnable", "ThirdPartyStoragePartitioning"),
    *("AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "LensOverlay", "MediaRouter"),
    *("OptimizationHints", "NetworkTimeServiceQuerying", "AimEnabled", "PreconnectToSearch"),
    "AvoidCorsURLLoaderRestartOnRedirect",
)
ARGUMENTS = ("--no-sandbox", f"--disable-features={','.join(SWITCHED_OFF)}")
PACKAGES = Path(__file__).resolve().parent.parent / "apt.txt"
NO_BROWSER = "no Chromium on this machine"


def executable() -> str | None:
    """The Chromium of this machine, if it has one."""
    return next((path for name in EXECUTABLES if (path := shutil.which(name))), None)


def packages() -> list[str]:
    """What Debian calls what the journeys need."""
    return [line for line in PACKAGES.read_text().splitlines() if line and not line.startswith("#")]


def not_played(journeys: int) -> str:
    """The sentence for the person at the terminal, and what mends it; empty when all were played."""
    if not journeys:
        return ""
    counted = "1 parcours non joué" if journeys == 1 else f"{journeys} parcours non joués"
    return f"{counted} : sudo apt install {' '.join(packages())}"
