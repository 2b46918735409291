"""What every test may ask for: real data, a browser, and how hard Hypothesis looks."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent

settings.register_profile(
    "default", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("ci", settings.get_profile("default"), max_examples=100, derandomize=True, database=None)
settings.register_profile("thorough", settings.get_profile("default"), max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "default"))


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Real recorded data of cities, which is not part of the project: ZHICHENG_TEST_DATA, else ../shared/data."""
    folder = Path(os.environ.get("ZHICHENG_TEST_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no recorded data in {folder}; name its folder in ZHICHENG_TEST_DATA")
    return folder


@pytest.fixture(scope="session")
def data(data_folder: Path) -> Callable[[str], Path]:
    """Gives the file or folder of one data set: `data("gtfs_rt/nyct_ace_20240208")`; skips where that set is absent."""

    def named(name: str) -> Path:
        path = data_folder / name
        if not path.exists():
            pytest.skip(f"{data_folder} has no {name}")
        return path

    return named


@pytest.fixture(scope="session")
def chromium() -> str:
    """The system's Chromium, for Playwright's `executable_path`; `make services` installs it if a test is marked."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no Chromium; `make services` installs it, or install Debian's package chromium")
    return found
