"""A car park as a client would send it."""

from __future__ import annotations

PARK = "urn:ngsi-ld:OffStreetParking:square"
ENTITIES = "/ngsi-ld/v1/entities"
ONE = f"{ENTITIES}/{PARK}"
TEMPORAL = "/ngsi-ld/v1/temporal/entities"
OPERATIONS = "/ngsi-ld/v1/entityOperations"
ERRORS = "https://uri.etsi.org/ngsi-ld/errors/"


def park(
    identifier: str = PARK, free: int = 121, at: str = "2026-11-20T08:00:00Z", **more: object
) -> dict[str, object]:
    """Normalized."""
    return {
        "id": identifier,
        "type": "OffStreetParking",
        "name": {"type": "Property", "value": "Station square"},
        "availableSpotNumber": {"type": "Property", "value": free, "observedAt": at, "unitCode": "C62"},
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [108.315, 22.829]}},
        **more,
    }
