"""One made-up city for all tests, made once."""

from __future__ import annotations

import pytest

from zhicheng.demo import city
from zhicheng.demo.city import City
from zhicheng.demo.plan import Plan


@pytest.fixture(scope="session")
def made() -> City:
    return city.make(Plan(seed=7, buildings=4000))
