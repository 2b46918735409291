"""NGSI-LD (ETSI GS CIM 009) under /ngsi-ld/v1."""
