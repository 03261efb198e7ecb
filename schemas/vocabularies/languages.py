"""Languages: codes of ISO 639 and English names, as records tag them (RFC 5646).

All that have two letters, and of those with three some that are spoken where records
come from. What has no place here is no word of a filter.
"""

from typing import Final

# Two letters, three letters, name.
_CODES: Final = (
    "aa aar Afar|ab abk Abkhazian|ae ave Avestan|af afr Afrikaans|ak aka Akan|"
    "am amh Amharic|an arg Aragonese|ar ara Arabic|as asm Assamese|av ava Avaric|"
    "ay aym Aymara|az aze Azerbaijani|ba bak Bashkir|be bel Belarusian|"
    "bg bul Bulgarian|bi bis Bislama|bm bam Bambara|bn ben Bengali|bo bod Tibetan|"
    "br bre Breton|bs bos Bosnian|ca cat Catalan|ce che Chechen|ch cha Chamorro|"
    "co cos Corsican|cr cre Cree|cs ces Czech|cu chu Church Slavonic|cv chv Chuvash|"
    "cy cym Welsh|da dan Danish|de deu German|dv div Divehi|dz dzo Dzongkha|"
    "ee ewe Ewe|el ell Greek|en eng English|eo epo Esperanto|es spa Spanish|"
    "et est Estonian|eu eus Basque|fa fas Persian|ff ful Fula|fi fin Finnish|"
    "fj fij Fijian|fo fao Faroese|fr fra French|fy fry Western Frisian|ga gle Irish|"
    "gd gla Scottish Gaelic|gl glg Galician|gn grn Guarani|gu guj Gujarati|"
    "gv glv Manx|ha hau Hausa|he heb Hebrew|hi hin Hindi|ho hmo Hiri Motu|"
    "hr hrv Croatian|ht hat Haitian Creole|hu hun Hungarian|hy hye Armenian|"
    "hz her Herero|ia ina Interlingua|id ind Indonesian|ie ile Interlingue|"
    "ig ibo Igbo|ii iii Sichuan Yi|ik ipk Inupiaq|io ido Ido|is isl Icelandic|"
    "it ita Italian|iu iku Inuktitut|ja jpn Japanese|jv jav Javanese|ka kat Georgian|"
    "kg kon Kongo|ki kik Kikuyu|kj kua Kuanyama|kk kaz Kazakh|kl kal Kalaallisut|"
    "km khm Khmer|kn kan Kannada|ko kor Korean|kr kau Kanuri|ks kas Kashmiri|"
    "ku kur Kurdish|kv kom Komi|kw cor Cornish|ky kir Kyrgyz|la lat Latin|"
    "lb ltz Luxembourgish|lg lug Ganda|li lim Limburgish|ln lin Lingala|lo lao Lao|"
    "lt lit Lithuanian|lu lub Luba-Katanga|lv lav Latvian|mg mlg Malagasy|"
    "mh mah Marshallese|mi mri Maori|mk mkd Macedonian|ml mal Malayalam|"
    "mn mon Mongolian|mr mar Marathi|ms msa Malay|mt mlt Maltese|my mya Burmese|"
    "na nau Nauru|nb nob Norwegian Bokmål|nd nde North Ndebele|ne nep Nepali|"
    "ng ndo Ndonga|nl nld Dutch|nn nno Norwegian Nynorsk|no nor Norwegian|"
    "nr nbl South Ndebele|nv nav Navajo|ny nya Nyanja|oc oci Occitan|oj oji Ojibwa|"
    "om orm Oromo|or ori Odia|os oss Ossetian|pa pan Punjabi|pi pli Pali|"
    "pl pol Polish|ps pus Pashto|pt por Portuguese|qu que Quechua|rm roh Romansh|"
    "rn run Rundi|ro ron Romanian|ru rus Russian|rw kin Kinyarwanda|sa san Sanskrit|"
    "sc srd Sardinian|sd snd Sindhi|se sme Northern Sami|sg sag Sango|"
    "sh hbs Serbo-Croatian|si sin Sinhala|sk slk Slovak|sl slv Slovenian|"
    "sm smo Samoan|sn sna Shona|so som Somali|sq sqi Albanian|sr srp Serbian|"
    "ss ssw Swati|st sot Southern Sotho|su sun Sundanese|sv swe Swedish|"
    "sw swa Swahili|ta tam Tamil|te tel Telugu|tg tgk Tajik|th tha Thai|"
    "ti tir Tigrinya|tk tuk Turkmen|tn tsn Tswana|to ton Tonga|tr tur Turkish|"
    "ts tso Tsonga|tt tat Tatar|tw twi Twi|ty tah Tahitian|ug uig Uyghur|"
    "uk ukr Ukrainian|ur urd Urdu|uz uzb Uzbek|ve ven Venda|vi vie Vietnamese|"
    "vo vol Volapük|wa wln Walloon|wo wol Wolof|xh xho Xhosa|yi yid Yiddish|"
    "yo yor Yoruba|za zha Zhuang|zh zho Chinese|zu zul Zulu"
)
_LONGER_CODES: Final = (
    "ace Acehnese|ban Balinese|bho Bhojpuri|bik Bikol|bjn Banjar|brx Bodo|"
    "bug Buginese|ceb Cebuano|ckb Central Kurdish|cnh Hakha Chin|doi Dogri|"
    "dtp Kadazan Dusun|fil Filipino|gsw Swiss German|hak Hakka Chinese|haw Hawaiian|"
    "hil Hiligaynon|hmn Hmong|iba Iban|ilo Ilocano|kab Kabyle|kac Kachin|kok Konkani|"
    "ksw S'gaw Karen|mad Madurese|mai Maithili|mak Makasar|mdh Maguindanao|"
    "min Minangkabau|mni Manipuri|mnw Mon|mrw Maranao|nan Min Nan Chinese|"
    "nds Low German|pag Pangasinan|pam Kapampangan|pap Papiamento|prs Dari|"
    "rhg Rohingya|sat Santali|shn Shan|tet Tetum|tpi Tok Pisin|tsg Tausug|war Waray|"
    "yue Cantonese"
)
_ROWS: Final = tuple(each.split(" ", 2) for each in _CODES.split("|"))

LANGUAGES: Final[dict[str, str]] = {
    **{code: name for code, _, name in _ROWS},
    **dict(each.split(" ", 1) for each in _LONGER_CODES.split("|")),
}
"""Code, in lower case -> English name."""

# The longer codes of what has a short one, and codes that were replaced (IANA).
_SAME: Final[dict[str, str]] = {
    **{longer: code for code, longer, _ in _ROWS},
    "cmn": "zh",
    "in": "id",
    "iw": "he",
    "ji": "yi",
    "mo": "ro",
    "tl": "fil",
    "tgl": "fil",
    "tagalog": "fil",
}
WIDER_LANGUAGES: Final[dict[str, str]] = {
    "ckb": "ku",
    "hak": "zh",
    "nan": "zh",
    "nb": "no",
    "nn": "no",
    "prs": "fa",
    "yue": "zh",
}
"""Language -> the one that it is often written down as."""

_BY_NAME: Final = {name.lower(): code for code, name in LANGUAGES.items()}


def language_code(text: str) -> str | None:
    """Read a language as people and tools write it: a tag, or an English name.

    Returns:
        A word of `LANGUAGES`, without script and region, or None.
    """
    wanted = text.strip().lower()
    code = _BY_NAME.get(wanted, wanted.partition("-")[0])
    code = _SAME.get(code, code)
    return code if code in LANGUAGES else None
