"""Attacks are made on the real application; its fixtures are those of the server's tests."""

from __future__ import annotations

from tests.server.conftest import start
from tests.server.identity.conftest import closed

__all__ = ["closed", "start"]
