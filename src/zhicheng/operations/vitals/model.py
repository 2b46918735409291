"""What the application of vital signs writes, and its parameters."""

from __future__ import annotations

from dataclasses import dataclass

from zhicheng.compute.app import Output, Writes
from zhicheng.kernel.instants import MINUTE
from zhicheng.standards.models.model import Label

APPLICATION = "vitals"
SIGN = "VitalSign"
NAME, FIGURE = "name", "figure"
EVERY = 15 * MINUTE
"""From one figure of the course to the next."""
WRITES = (
    Writes(
        SIGN,
        (
            Output(NAME),
            Output(FIGURE, history="all", label=Label("Figure", "体征值")),
        ),
        label=Label("Vital sign", "运行体征"),
    ),
)


@dataclass(frozen=True, slots=True)
class Params:
    """tick: seconds of recording after which figures that changed are written
    keep: days of which figures may still change when older readings come
    """

    tick: float = 300.0
    keep: float = 400.0


def entity_of(name: str) -> str:
    """The entity that holds the course of a vital sign.

    >>> entity_of("free_places")
    'urn:ngsi-ld:VitalSign:free_places'
    """
    return f"urn:ngsi-ld:{SIGN}:{name}"
