"""Specimens of the numbers in `adapters.identity_numbers`: published, or constructed.

Nobody's: those of python-stdnum's documentation, the specimens of authorities, and
numbers made here by the algorithm. For each row what is valid, and what is not.
"""
# ruff: noqa: RUF001  words in all scripts

import random
from itertools import product
from string import ascii_lowercase, digits

from adapters.identity_numbers import TABLE, Numbering

# By country and name: (valid, invalid). Rows that wait for a word have the word before.
SPECIMENS: dict[tuple[str, str], tuple[tuple[str, ...], tuple[str, ...]]] = {
    ("BN", "kad pengenalan"): (("IC 00-123456", "IC No. 51123456"), ()),
    ("KH", "identity card"): (("Khmer ID: 010123456(01)", "អត្តសញ្ញាណប័ណ្ណ ០១០១២៣៤៥៦"), ()),
    ("ID", "NIK"): (
        ("3171011708450001", "3171 0117 0845 0001", "317101-170845-0001"),
        ("9971011708450001", "3171011713450001"),
    ),
    ("ID", "NPWP"): (
        ("01.312.166.0-091.000", "013121660091000"),
        ("01.312.166.1-091.000",),
    ),
    ("MY", "MyKad"): (
        ("770305-02-1234", "770305021234", "770305 02 1234"),
        ("771305-02-1234", "770305-17-1234"),
    ),
    ("MM", "NRC"): (
        ("12/OUKAMA(N)123456", "12/OuKaMa (Naing) 123456", "9/PaMaNa(E)012345",
         "၁၂/ဥကမ(နိုင်)၁၂၃၄၅၆", "၁၄/ပသန(ဧည့်) ၀၁၂၃၄၅", "1/BaMaNa(P)654321", "12-OUKAMA [N] -123456"),
        ("15/OUKAMA(N)123456", "12/OUKAMA(Q)123456", "12/OUKAMA(N)12345"),
    ),
    ("PH", "PhilSys"): (("PSN 1234-5678-9012", "PhilSys 1234-5678-9012-3456"), ()),
    ("PH", "SSS"): (("SSS No. 34-1234567-8", "sss 3412345678"), ()),
    ("PH", "TIN"): (("TIN: 123-456-789-000", "TIN 123-456-789"), ()),
    ("SG", "NRIC, FIN"): (
        ("S1234567D", "T1234567J", "F1234567N", "G1234567X", "M1234567K", "s1234567d"),
        ("S1234567A", "T1234567D", "F1234567X", "G1234567N", "M1234567X"),
    ),
    ("TH", "identity card"): (
        ("3100600445635", "1-2345-45678-78-1", "๑-๒๓๔๕-๔๕๖๗๘-๗๘-๑"),
        ("1-2345-45678-78-9",),
    ),
    ("VN", "CCCD"): (("001099012345", "079 185 012 345"), ("000099012345",)),
    ("VN", "CMND"): (("CMND 012345678", "chứng minh nhân dân: 012 345 678"), ()),
    ("AT", "Versicherungsnummer"): (("1237 010180", "1237010180"), ("2237 010180",)),
    ("BE", "numéro national, BIS"): (
        ("85 07 30 033 28", "85.07.30-033.28", "98 47 28 997 65"),
        ("85 07 30 033 29",),
    ),
    ("BG", "EGN"): (("8032056031",), ("8019010008", "8032056032")),
    ("BG", "PNF (LNC)"): (("7111 042 925",), ("7111042922",)),
    ("HR", "OIB"): (("33392005961",), ("33392005962",)),
    ("CY", "TIC"): (("10259033P", "10259033 p"), ("10259033Z",)),
    ("CY", "identity card"): (("Ταυτότητα: 123456", "αριθμός ταυτότητας 0001234567"), ()),
    ("CZ", "rodné číslo"): (("710319/2745", "7103192745"), ("7103192746", "1103492745")),
    ("CZ", "rodné číslo, until 1953"): (("520319/123",), ("590312/123",)),
    ("DK", "CPR"): (("211062-5629", "2110625629"), ("511062-5629",)),
    ("EE", "isikukood"): (("36805280109",), ("36805280108",)),
    ("FI", "henkilötunnus"): (
        ("131052-308T", "131052A308T", "131052-932X"),
        ("131052-308U", "310252-308Y"),
    ),
    ("FR", "NIR"): (
        ("2 95 10 99 126 111 93", "295109912611193"),
        ("295109912611199",),
    ),
    ("FR", "NIR, Corsica"): (
        ("253072B07300470", "2 53 07 2A 073 004 43"),
        ("253072C07300443", "253072B07300471"),
    ),
    ("FR", "numéro fiscal"): (("3023217600053", "30 23 217 600 053"), ("3023217600054",)),
    ("DE", "Identifikationsnummer"): (("36 574 261 809", "36574261809"), ("36574261890",)),
    ("GR", "AMKA"): (("01013099997",), ("01013099999",)),
    ("GR", "AFM"): (("094259216",), ("123456781",)),
    ("GR", "ADT"): (("ΑΔΤ: ΑΒ 123456", "ADT X123456"), ()),
    ("HU", "személyi azonosító"): (("1-850112-1233", "18501121238"), ("18501121234",)),
    ("HU", "adóazonosító jel"): (("8071592153",), ("8071592154",)),
    ("HU", "TAJ"): (("111 111 110",), ("111 111 111",)),
    ("IE", "PPS"): (("6433435F", "6433435FT", "6433435OA"), ("6433435E", "6433435VH")),
    ("IT", "codice fiscale"): (
        ("RCCMNL83S18D969H", "rcc mnl 83s18 d969h", "RCCMNL83S18D96VW"),
        ("RCCMNL83S18D969I", "RCCMNLURSMULVSVY"),  # of letters alone: a word
    ),
    ("LV", "personas kods"): (("161175-19997", "16117519997"), ("161175-19998",)),
    ("LT", "asmens kodas"): (("33309240064",), ("33309240164",)),
    ("LU", "matricule"): (("1985011212322", "1893120105732"), ("1985011212323", "1985011212332")),
    ("MT", "identity card"): (("0123456M",), ("0123456X",)),
    ("MT", "identity card, short"): (("ID card 12345M", "ID No: 345G"), ()),
    ("NL", "BSN"): (("1112.22.333", "111222333"), ("1112.52.333",)),
    ("NL", "BSN, without the zero"): (("10000008",), ("10000009",)),
    ("PL", "PESEL"): (("44051401359", "02271409867"), ("44051401358",)),
    ("PT", "NIF"): (("501 964 843",), ("501 964 842",)),
    ("PT", "cartão de cidadão"): (("00000000 0 ZZ4",), ("00000000 0 ZZ3",)),
    ("RO", "CNP"): (("1630615123457",), ("1630615123458", "1632215123457")),
    ("SK", "rodné číslo"): (("710319/2745",), ("7103192746",)),
    ("SI", "EMŠO"): (("0101006500006",), ("0101006500007",)),
    ("ES", "DNI"): (("54362315K", "54362315-K", "54.362.315-K"), ("54362315Z",)),
    ("ES", "NIE"): (("X2482300W", "x-2482300w"), ("X2482300A",)),
    ("SE", "personnummer"): (("880320-0016", "8803200016", "19880320-0016"), ("880320-0018",)),
    ("SE", "personnummer, over 100"): (("150320+0014",), ("150320+0018",)),
    ("", "identity document"): (
        ("passport X1234567", "Passport no. 12345", "KTP 12345", "bilhete de identidade 12345",
         "ບັດປະຈຳຕົວ 12345"),
        ("passport 1234",),
    ),
}  # fmt: skip


def rows(country: str, name: str) -> list[Numbering]:
    return [row for row in TABLE if (row.country, row.name) == (country, name)]


def another(specimen: str, luck: random.Random, accepts: object) -> str:
    """Make another number of the kind: other digits, and check digits that fit.

    Args:
        accepts: Tells of a number whether it is valid.
    """
    places = [i for i, c in enumerate(specimen) if c in digits]
    ends = [i for i, c in enumerate(specimen) if c.isalnum()][-2:]
    pools = [digits if specimen[i] in digits else ascii_lowercase for i in ends]
    for _ in range(20):
        changed = list(specimen)
        for place in luck.sample(places, min(3, len(places))):
            changed[place] = luck.choice(digits)
        for tail in product(*pools):
            for place, char in zip(ends, tail, strict=True):
                changed[place] = char
            if accepts("".join(changed)):
                return "".join(changed)
    return specimen
