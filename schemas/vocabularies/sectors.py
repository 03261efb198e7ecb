"""Sectors: ours besides STIX's, and how other tools name them."""

from typing import Final

OWN_SECTORS: Final[dict[str, str]] = {
    "civil-society": "non-profit",
    "election-administration": "government-public-services",
    "media": "communications",
}
"""Our word -> STIX's nearest: industry-sector-ov has none of the three."""

WIDER_SECTORS: Final[dict[str, str]] = {
    **OWN_SECTORS,
    # As industry-sector-ov lists them together.
    "emergency-services": "government",
    "government-local": "government",
    "government-national": "government",
    "government-public-services": "government",
    "government-regional": "government",
    "dams": "infrastructure",
    "nuclear": "infrastructure",
    "water": "infrastructure",
}
"""Sector -> the one that holds it."""

# As the sector galaxy of MISP and the data sets of OpenCTI name them, in lower case.
# What has no word of its own stands under the nearest wider one; left out are names
# of groups of persons, which must not be routed on.
_NAMES: Final[dict[str, str]] = {
    "aerospace": "aerospace|space|satellite navigation",
    "agriculture": "agriculture|agriculture and agribusiness|veterinary",
    "automotive": "automotive",
    "chemical": "chemical|petrochemical",
    "civil-society": "civil society",
    "commercial": "trade|consulting|legal|lawyers|accounting|marketing|advertising|"
    "tax firm|legal consulting",
    "communications": "communication equipment|social networks",
    "construction": "construction",
    "defense": "defense|military|defense industry|defense research and development|"
    "defense ministries (including the military)",
    "education": "education|higher education|academia - university|universities|schools|"
    "research|research - innovation",
    "energy": "energy|electric|electricity|gas|oil|renewable energies|turbine",
    "engineering": "engineering|engineering consulting",
    "entertainment": "entertainment|entertainment industry|game|gambling|sport|sports|"
    "arts|culture|culture and entertainment|casino|streaming service|video sharing",
    "financial-services": "finance|bank|payment|investment|banking institutions|"
    "financial organizations|market infrastructures",
    "government": "government, administration|government and administrations|country|"
    "diplomacy|intelligence|justice|immigration|"
    "judicial power (justice)|international organizations",
    "government-local": "local administrations",
    "government-national": "central administration and government|"
    "ministries of foreign affairs|"
    "legislative branch (parliamentary chambers)",
    "emergency-services": "police - law enforcement",
    "healthcare": "health|healthcare services|healthcare research|biomedical|"
    "life science",
    "hospitality-leisure": "hospitality|hotels|restaurant|tourism|travel|"
    "lodging industry|food and drinks businesses|travel and tourism industry",
    "infrastructure": "infrastructure|digital infrastructure|digital infrastructures",
    "insurance": "insurance|insurance services",
    "manufacturing": "manufacturing|industrial|heavy industries|steel|metal|electronic|"
    "semi-conductors",
    "media": "news - media|journalist|television broadcast|publishing industry|"
    "medias and audiovisual",
    "mining": "mining",
    "non-profit": "ngo|non-profit organisation|think tanks|"
    "non-governmental organizations (ngos)",
    "nuclear": "nuclear power (civilian use)",
    "pharmaceuticals": "pharmacy|pharmacy and drugs manufacturing",
    "retail": "retail|retail (distribution)|ecommerce|online marketplace",
    "technology": "technology|technologies|it|it - isp|it - security|high tech|"
    "high-tech|digital services|programming|managed services provider|"
    "dns service provider|hosting service providers|data broker|security systems|"
    "internet service providers|information technologies consulting",
    "telecommunications": "telecoms|telecommunications",
    "transportation": "transport|civil aviation|air transport|railway|maritime|shipping|logistic|logistics|"
    "rail transport|maritime transport|road transport",
    "water": "water|water distribution and supply",
}

SECTORS_BY_NAME: Final[dict[str, str]] = {
    name: word for word, names in _NAMES.items() for name in names.split("|")
}
"""Name in another tool, in lower case -> sector word."""


def standard_sector(word: str) -> str:
    """Give the word of industry-sector-ov for a sector; others stay as they are."""
    return OWN_SECTORS.get(word, word)
