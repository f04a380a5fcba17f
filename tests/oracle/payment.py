"""Oracle entries of the checks of cards, accounts and banks."""
import importlib

from oracle import Entry, digits, grouped, letters, one_of, stdnum

# First digits and lengths as the schemes publish them: Visa, Mastercard, American Express, Diners Club, JCB, Discover,
# UnionPay, Maestro, Mir, RuPay.
SCHEMES = [
    (["4"], [13, 16, 19]),
    ([str(n) for n in range(51, 56)] + [str(n) for n in range(2221, 2721)], [16]),
    (["34", "37"], [15]),
    (["300", "301", "302", "303", "304", "305", "3095", "36", "38", "39"], [14]),
    ([str(n) for n in range(3528, 3590)], [16, 17, 18, 19]),
    (["6011", "644", "645", "646", "647", "648", "649", "65"], [16, 17, 18, 19]),
    (["62"], [16, 17, 18, 19]),
    (["50", "56", "57", "58", "63", "67"], list(range(12, 20))),
    (["2200", "2201", "2202", "2203", "2204"], [16, 17, 18, 19]),
    (["60", "65", "81", "82", "508"], [16]),
]
luhn = stdnum("luhn")


def only_digits(text):
    return "".join(c for c in text if c.isdigit())


def in_range(text):
    number = only_digits(text)
    return any(len(number) in lengths and number.startswith(tuple(starts)) for starts, lengths in SCHEMES)


def card(rng):
    starts, lengths = rng.choice(SCHEMES)
    start = rng.choice(starts)
    body = start + digits(rng, rng.choice(lengths) - len(start) - 1)
    return body + importlib.import_module("stdnum.luhn").calc_check_digit(body)


def card_spelled(rng, text):
    by = rng.choice([" ", "-", "."])
    number = only_digits(text)
    fours = by.join(number[i : i + 4] for i in range(0, len(number), 4))
    if len(number) in (14, 15) and rng.random() < 0.5:
        return one_of(rng, number, grouped(number, 4, 6, len(number) - 10, by=by))
    return one_of(rng, number, fours)


def published():
    import pathlib

    path = pathlib.Path(__file__).parents[2] / "src/detect/validate/test_cards.txt"
    return set(path.read_text().split())


TEST_CARDS = published()


def card_found(text):
    number = only_digits(text)
    steps = {(int(b) - int(a)) % 10 for a, b in zip(number, number[1:])}
    return in_range(text) and luhn(number) and number not in TEST_CARDS and steps not in ({0}, {1}, {9})


IBAN = importlib.import_module("stdnum.iban")
# Countries where digits come early in any account, and those with a bank's letters first, by the SWIFT registry.
ACCOUNTS = {
    "DE": "n" * 18, "AT": "n" * 16, "BE": "n" * 12, "CH": "n" * 5 + "c" * 12, "ES": "n" * 20, "FI": "n" * 14,
    "FR": "n" * 10 + "c" * 11 + "nn", "IT": "a" + "n" * 10 + "c" * 12, "NL": "a" * 4 + "n" * 10, "NO": "n" * 11,
    "PL": "n" * 24, "PT": "n" * 21, "SE": "n" * 20, "DK": "n" * 14, "CZ": "n" * 20, "GB": "a" * 4 + "n" * 14,
    "IE": "a" * 4 + "n" * 14, "GR": "n" * 7 + "c" * 16, "HU": "n" * 24, "HR": "n" * 17, "TR": "n" * 6 + "c" * 16,
    "BR": "n" * 23 + "ac", "AE": "n" * 19, "IL": "n" * 19, "BG": "a" * 4 + "n" * 6 + "c" * 8, "CY": "n" * 8 + "c" * 16,
    "AD": "n" * 8 + "c" * 12, "MU": "a" * 4 + "n" * 19 + "aaa", "UA": "n" * 6 + "c" * 19,
}


def iban(rng):
    country = rng.choice(sorted(ACCOUNTS))
    kinds = {"n": "0123456789", "a": "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "c": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
    account = "".join(rng.choice(kinds[kind]) for kind in ACCOUNTS[country])
    return country + IBAN.calc_check_digits(country + "00" + account) + account


def iban_spelled(rng, text):
    spaced = " ".join(text[i : i + 4] for i in range(0, len(text), 4))
    return one_of(rng, text, text.lower(), spaced, spaced.replace(" ", "-"))


def iban_judge(text):
    # The national check digits inside are the country's affair, not ISO 13616's. Check digits 00, 01 and 99 are never
    # computed (ISO 7064), though they can pass the remainder.
    compact = "".join(c for c in text if c.isalnum()).upper()
    return IBAN.is_valid(compact, check_country=False) and "02" <= compact[2:4] <= "98"


# First two digits that the American Bankers Association assigns.
ABA_STARTS = [f"{n:02}" for n in [*range(0, 13), *range(21, 33), *range(61, 73), 80]]


def aba(rng):
    return rng.choice(ABA_STARTS) + digits(rng, 7)


def aba_judge(text):
    # The library takes any first digits, and nine noughts.
    number = only_digits(text)
    return stdnum("us.rtn")(number) and number[:2] in ABA_STARTS and number != "0" * 9


# Drawn for bank codes: countries of ISO 3166-1, Kosovo as banks write it, and pairs of letters that are none.
COUNTRIES = ["DE", "FR", "GB", "US", "XK", "NL", "CH", "IT", "BR", "ZA", "JP", "AE"]
NO_COUNTRIES = ["ZZ", "QQ", "XX", "DD", "UK"]


def bic(rng):
    country = rng.choice(COUNTRIES * 2 + NO_COUNTRIES)
    place = letters(rng, 2, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
    return letters(rng, 4) + country + place + rng.choice(["", "XXX", letters(rng, 3)])


def bic_judge(text):
    # The library knows the letters and not the countries.
    return stdnum("bic")(text) and text[4:6] in ISO_3166


# ISO 3166-1 alpha-2, written here from the standard so that near misses are judged too.
ISO_3166 = set(
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD "
    "CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF "
    "GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN "
    "KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA "
    "NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI "
    "SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI "
    "VN VU WF WS YE YT ZA ZM ZW XK".split()
)


def routing_spelled(rng, text):
    return one_of(rng, text, text[:4] + "-" + text[4:8] + "-" + text[8:])


ENTRIES = [
    Entry("luhn", lambda t: luhn(only_digits(t)), card, card_spelled),
    Entry("issuer-range", in_range, card, card_spelled, detector="payment.pan", finds=card_found),
    Entry("iban", iban_judge, iban, iban_spelled, detector="payment.iban"),
    Entry(
        "us-aba-rtn",
        aba_judge,
        aba,
        routing_spelled,
        detector="payment.us-aba-rtn",
        finds=lambda t: aba_judge(t) and len(set(only_digits(t))) > 1,
    ),
    Entry("bic", bic_judge, bic),
]
