"""The words that standards list for properties, and ours besides them."""

from schemas.vocabularies.countries import ALPHA_3, COUNTRIES, country_code
from schemas.vocabularies.sectors import (
    OWN_SECTORS,
    SECTORS_BY_NAME,
    standard_sector,
)
from schemas.vocabularies.tables import (
    BY_TYPE,
    VOCABULARIES,
    is_closed,
    of,
    vocabulary_of,
)
from schemas.vocabularies.tags import RSIT, TAGS, tag
from schemas.vocabularies.vocabulary import Vocabulary
from schemas.vocabularies.words import PAP, SEVERITIES, TLP, TLP_1

__all__ = [
    "ALPHA_3",
    "BY_TYPE",
    "COUNTRIES",
    "OWN_SECTORS",
    "PAP",
    "RSIT",
    "SECTORS_BY_NAME",
    "SEVERITIES",
    "TAGS",
    "TLP",
    "TLP_1",
    "VOCABULARIES",
    "Vocabulary",
    "country_code",
    "is_closed",
    "of",
    "standard_sector",
    "tag",
    "vocabulary_of",
]
