"""智城: one platform on which a city senses, connects, stores, fuses, shares and acts."""
