"""Short names in applications: what `availableSpotNumber` or a name of an application's own means as an IRI."""

from __future__ import annotations

from collections.abc import Mapping

from zhicheng.standards.models.names import NAMESPACE, builtin_terms, canonical


def iri(name: str, terms: Mapping[str, str] | None = None) -> str:
    """The IRI of a name: IRIs stay, names of the city's models have theirs, any other is one of our own.

    terms: those of the city's catalogue; without them, of the built-in models

    >>> iri("availableSpotNumber")
    'https://smartdatamodels.org/dataModel.Parking/availableSpotNumber'
    >>> iri("parkingTrend"), iri("https://example.org/x")
    ('urn:zhicheng:ns:parkingTrend', 'https://example.org/x')
    """
    if ":" in name:
        return canonical(name)
    return (builtin_terms() if terms is None else terms).get(name, NAMESPACE + name)
