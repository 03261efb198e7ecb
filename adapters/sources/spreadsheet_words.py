"""Languages as people write them in sheets -> RFC 5646. Pure."""

import re
from typing import Final

_LANGUAGES: Final = {
    name: code
    for line in (
        "af afrikaans", "am amharic", "ar arabic", "az azerbaijani", "be belarusian",
        "bg bulgarian", "bn bengali bangla", "bs bosnian", "ca catalan", "cs czech",
        "da danish", "de german deutsch", "el greek", "en english inglés anglais",
        "es spanish español espanhol", "et estonian", "fa persian farsi dari",
        "fi finnish", "fil filipino", "fr french français", "gu gujarati", "ha hausa",
        "he hebrew", "hi hindi", "hr croatian", "hu hungarian", "hy armenian",
        "id indonesian bahasa-indonesia indonesia", "it italian italiano", "ja japanese",
        "jv javanese", "ka georgian", "kk kazakh", "km khmer cambodian", "ko korean",
        "ky kyrgyz", "lo lao", "lt lithuanian", "lv latvian", "mk macedonian",
        "ml malayalam", "mn mongolian", "mr marathi", "ms malay bahasa-melayu melayu",
        "my burmese myanmar", "ne nepali", "nl dutch", "no norwegian", "pa punjabi",
        "pl polish", "ps pashto", "pt portuguese português", "ro romanian",
        "ru russian", "si sinhala", "sk slovak", "sl slovenian", "so somali",
        "sq albanian", "sr serbian", "su sundanese", "sv swedish", "sw swahili",
        "ta tamil", "te telugu", "tet tetum", "th thai", "tl tagalog", "tr turkish",
        "uk ukrainian", "ur urdu", "uz uzbek", "vi vietnamese", "yo yoruba",
        "zh chinese mandarin", "zu zulu",
    )
    for code, *names in (line.split(),)
    for name in names
}  # fmt: skip
_TAG = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}")  # RFC 5646


def language(text: str) -> str | None:
    """Read a language: its tag, or its name."""
    if len(text) > 40:
        return None
    name = "-".join(text.casefold().split())
    if name in _LANGUAGES:
        return _LANGUAGES[name]
    return text.replace("_", "-") if _TAG.fullmatch(text) else None
