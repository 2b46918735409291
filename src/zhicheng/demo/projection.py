"""Metres from the middle of the city to degrees and back; at 30 km across the earth may be taken for flat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from zhicheng.kernel.columns import F8

_METRES = 111_195.08
"""Of a degree of latitude, on the sphere by which the platform measures."""


@dataclass(frozen=True, slots=True)
class Projection:
    """About a point in degrees.

    >>> Projection((108.0, 22.0)).degrees(np.array([[0.0, 111195.08]])).round(6).tolist()
    [[108.0, 23.0]]
    """

    centre: tuple[float, float]

    def degrees(self, metres: F8) -> F8:
        """Rows of x, y as longitude, latitude, to a tenth of a metre."""
        lon, lat = self.centre
        scale = np.array([1 / (_METRES * np.cos(np.radians(lat))), 1 / _METRES])
        return cast(F8, np.round(np.array([lon, lat]) + metres * scale, 6))

    def shape(self, shape: BaseGeometry) -> BaseGeometry:
        """A geometry in degrees."""
        return shapely.transform(shape, self.degrees)
