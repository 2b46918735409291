"""The NGSI-LD information model (ETSI GS CIM 009) and its codecs."""
