"""Oracle entries of the checks of all regions but Europe, of health and of travel documents."""
import datetime
import importlib
import re

from oracle import Entry, all_same, date, digits, grouped, letters, one_of, stdnum
from stdnum import luhn, verhoeff

ENTRIES = []


def add(check, judge, make, *spellings, detector=None, finds=None):
    """`spellings`: group sizes and what joins them. The oracle sees the value without separators."""

    def judged(text):
        return bool(judge(re.sub(r"[ ./()\r\n-]", "", text).upper()))

    def spell(rng, text):
        return one_of(rng, text, *[grouped(text, *sizes, by=by) for sizes, by in spellings if sum(sizes) == len(text)])

    def found(text):
        return judged(text) and not all_same(text) and not counts(text) and (finds is None or finds(text))

    ENTRIES.append(Entry(check, judged, make, spell, detector and f"national-id.{check}" if detector is True else detector, found))


def counts(text):
    """Whether many digits count up or down by one, which packs take for an invented number."""
    ds = [int(c) for c in text if c.isdigit()]
    if len(ds) < 8:
        return False
    steps = {(b - a) % 10 for a, b in zip(ds, ds[1:])}
    return steps in ({1}, {9})


def is_date(year, month, day):
    try:
        return bool(datetime.date(year, month, day))
    except ValueError:
        return False


def either_century(yy, month, day):
    return is_date(1900 + yy, month, day) or is_date(2000 + yy, month, day)


def yymmdd(rng):
    year, month, day = date(rng)
    return f"{year % 100:02}{month:02}{day:02}"


def numbers(*lengths):
    return lambda rng: digits(rng, rng.choice(lengths))


def begun(first, *lengths):
    return lambda rng: rng.choice(first) + digits(rng, rng.choice(lengths))


# North America

SSN = [((3, 2, 4), "-")] * 3 + [((3, 2, 4), " "), ((3, 2, 4), ".")]
add("us-ssn", stdnum("us.ssn"), numbers(9), *SSN, detector=True)


def itin(text):
    """stdnum has the groups from before 2016; IRS Publication 1915 adds 50 to 65."""
    return bool(re.fullmatch(r"9\d{8}", text)) and (50 <= int(text[3:5]) <= 65 or stdnum("us.itin")(text))


add("us-itin", itin, begun("99998", 8), ((3, 2, 4), "-"), ((3, 2, 4), " "), detector=True)
add("us-ein", stdnum("us.ein"), numbers(9), ((2, 7), "-"), detector=True)
add("ca-sin", stdnum("ca.sin"), numbers(9), *[((3, 3, 3), by) for by in " -."], detector=True)

# Oceania

add("au-tfn", stdnum("au.tfn"), numbers(9), *[((3, 3, 3), by) for by in " -."], detector=True)


def ird(text):
    """Two rows of weights; stdnum ends at 150 million, Inland Revenue goes on to 200 million."""
    if not text.isdigit() or len(text) not in (8, 9) or not 10_000_000 <= int(text) <= 200_000_000:
        return False
    from stdnum.nz import ird as module

    return module.calc_check_digit(text[:-1]) == text[-1]


add("nz-ird", ird, lambda rng: rng.choice(["", "1", "1", "0"]) + digits(rng, 8),
    *[(sizes, by) for sizes in [(3, 3, 3), (2, 3, 3)] for by in " -"], detector=True)

# Latin America


def cpf(rng):
    from stdnum.br import cpf as module

    body = digits(rng, 9)
    return body + (module._calc_check_digits(body) if rng.random() < 0.3 else digits(rng, 2))


def completed(module, name, body):
    """`body` with the check digits that stdnum gives it, most of the time."""
    function = getattr(importlib.import_module("stdnum." + module), name)

    def make(rng):
        text = body(rng)
        end = function(text)
        return text + (end if rng.random() < 0.5 else digits(rng, len(end)))

    return make


add("br-cpf", stdnum("br.cpf"), cpf, ((3, 3, 3, 2), " "), ((9, 2), "-"), ((3, 3, 3, 2), "-"), detector=True)
ENTRIES.append(Entry("br-cpf", stdnum("br.cpf"), cpf, lambda rng, t: f"{t[:3]}.{t[3:6]}.{t[6:9]}-{t[9:]}", "national-id.br-cpf"))


def cnpj(among):
    return completed("br.cnpj", "calc_check_digits", lambda rng: letters(rng, 12, among))


def dotted_cnpj(rng, t):
    return one_of(rng, f"{t[:2]}.{t[2:5]}.{t[5:8]}/{t[8:12]}-{t[12:]}", t)


ALNUM = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ENTRIES.append(Entry("br-cnpj", stdnum("br.cnpj"), cnpj("0123456789"), dotted_cnpj, "national-id.br-cnpj"))
ENTRIES.append(Entry("br-cnpj", stdnum("br.cnpj"), cnpj(ALNUM), dotted_cnpj))
ENTRIES.append(Entry("br-cnpj-alphanumeric", lambda t: stdnum("br.cnpj")(t) and not t.translate({ord(c): None for c in "./-"}).isdigit(),
                     cnpj(ALNUM), dotted_cnpj))

ENTITIES = "AS BC BS CC CS CH CL CM DF DG GT GR HG JC MC MN MS NT NL OC PL QT QR SP SL SR TC TS TL VZ YN ZS NE".split()


def curp(text):
    """The check digit by stdnum; its list of words that names must not form is no part of our check, nor of the pattern."""
    from stdnum.mx import curp as module

    if not re.fullmatch(r"[A-Z]{4}\d{6}[HMX][A-Z]{5}[0-9A-Z]\d", text) or text[11:13] not in ENTITIES:
        return False
    century = 1900 if text[16].isdigit() else 2000
    parts = [int(text[i : i + 2]) for i in (4, 6, 8)]
    return is_date(century + parts[0], *parts[1:]) and module.calc_check_digit(text[:17]) == text[17]


def make_curp(rng):
    name = letters(rng, 1) + letters(rng, 1, "AEIOUX") + letters(rng, 2)
    place = rng.choice(ENTITIES + ["ZZ"])
    return name + yymmdd(rng) + rng.choice("HM") + place + letters(rng, 3, "BCDFGHJKLMNPQRSTVWXYZ") + letters(rng, 1, ALNUM) + digits(rng, 1)


def curp_shape(text):
    return bool(re.fullmatch(r"[A-Z][AEIOUX].{11}[^AEIOU]{3}.{2}", text.upper()))


ENTRIES.append(Entry("mx-curp", lambda t: curp(t.upper()), make_curp, lambda rng, t: one_of(rng, t, t.lower()),
                     "national-id.mx-curp", lambda t: curp(t.upper()) and curp_shape(t)))


def rfc(text):
    from stdnum.mx import rfc as module

    text = text.upper()
    match = re.fullmatch(r"[A-ZÑ&]{3,4}(\d\d)(\d\d)(\d\d)[0-9A-Z]{2}[0-9A]", text)
    return bool(match) and either_century(*map(int, match.groups())) and module.calc_check_digit(text[:-1]) == text[-1]


def make_rfc(rng):
    from stdnum.mx import rfc as module

    text = letters(rng, rng.choice([3, 4]), "ABCDEFGHIJKLMNÑOPQRSTUVWXYZ&") + yymmdd(rng) + letters(rng, 2, ALNUM)
    return text + rng.choice([module.calc_check_digit(text), letters(rng, 1, "0123456789A")])


ENTRIES.append(Entry("mx-rfc", lambda t: rfc(t.replace("-", "").replace(" ", "")), make_rfc,
                     lambda rng, t: one_of(rng, t, t.lower(), grouped(t, len(t) - 9, 6, 3, by="-"), grouped(t, len(t) - 9, 6, 3)),
                     "national-id.mx-rfc"))

add("ar-cuit", stdnum("ar.cuit"), lambda rng: rng.choice("20 23 24 27 30 33 34 55 28 31".split()) + digits(rng, 9),
    ((2, 8, 1), "-"), ((2, 8, 1), " "), detector=True)
# stdnum lists numbers with wrong check digits that were issued all the same; no municipality is 000.
add("do-cedula", lambda t: len(t) == 11 and luhn.is_valid(t) and t[:3] != "000", numbers(11), ((3, 7, 1), "-"), ((3, 7, 1), " "), detector=True)


def rut(text):
    return stdnum("cl.rut")(text) and len(text) in (8, 9) and int(text[:-1]) >= 1_000_000


ENTRIES.append(Entry("cl-rut", lambda t: rut(re.sub("[.-]", "", t)), lambda rng: digits(rng, rng.choice([7, 8])) + letters(rng, 1, "0123456789K"),
                     lambda rng, t: one_of(rng, t, t[:-1] + "-" + t[-1], f"{t[:-7]}.{t[-7:-4]}.{t[-4:-1]}-{t[-1]}".lower()), "national-id.cl-rut",
                     lambda t: rut(re.sub("[.-]", "", t)) and not all_same(t) and not counts(t)))


def nit(text):
    """stdnum takes up to 16 digits and leading zeros; persons and companies have eight to ten and the check digit."""
    return len(text) in (9, 10, 11) and text[0] != "0" and stdnum("co.nit")(text)


ENTRIES.append(Entry("co-nit", lambda t: nit(re.sub("[.-]", "", t)), begun("1345689", 8, 9),
                     lambda rng, t: one_of(rng, t, t[:-1] + "-" + t[-1], f"{t[:-10]}{'.' if t[:-10] else ''}{t[-10:-7]}.{t[-7:-4]}.{t[-4:-1]}-{t[-1]}"),
                     "national-id.co-nit", lambda t: nit(re.sub("[.-]", "", t)) and not all_same(t) and not counts(t)))


def ci(text):
    """stdnum also takes the provinces 50 and 00 where the registry issues none."""
    return stdnum("ec.ci")(text) and (1 <= int(text[:2]) <= 24 or text[:2] == "30")


add("ec-ci", ci, lambda rng: rng.choice("01 09 17 24 30 25".split()) + digits(rng, 8), ((9, 1), "-"), detector=True)

# East Asia

PROVINCES = {*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66), 71, 81, 82, 83, 91}


def ric(text):
    """GB 11643 with the province alone: stdnum wants a county of its list that existed in the year of birth, and a list ages."""
    from stdnum.cn import ric as module

    if not re.fullmatch(r"\d{17}[\dX]", text) or int(text[:2]) not in PROVINCES or not 1880 <= int(text[6:10]) < 2100:
        return False
    return is_date(int(text[6:10]), int(text[10:12]), int(text[12:14])) and module.calc_check_digit(text) == text[17]


def make_ric(rng):
    year, month, day = date(rng)
    return f"{rng.choice([11, 31, 44, 51, 65, 82, 16, 40]):02}" + digits(rng, 4) + f"{year}{month:02}{day:02}" + digits(rng, 3) + letters(rng, 1, "0123456789X")


add("cn-ric", ric, make_ric, ((6, 8, 4), " "), detector=True, finds=lambda t: re.sub(" ", "", t)[6:8] in ("19", "20"))


def rrn(text):
    """stdnum for citizens. Foreigners' check digits may have two added and no place; from October 2020 on the end is random,
    which we take with a dash only."""
    compact = re.sub("[- ]", "", text)
    if not (compact.isdigit() and len(compact) == 13):
        return False
    century = {"9": 1800, "0": 1800, "1": 1900, "2": 1900, "5": 1900, "6": 1900}.get(compact[6], 2000)
    year, month, day = century + int(compact[:2]), int(compact[2:4]), int(compact[4:6])
    if not is_date(year, month, day):
        return False
    if (year, month) >= (2020, 10) and text != compact:
        return True
    plain = (11 - sum(int(d) * w for d, w in zip(compact, (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)))) % 11 % 10
    if compact[6] in "5678":
        mod = sum(int(d) * w for d, w in zip(compact, (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5))) % 11
        return int(compact[12]) in ((11 - mod) % 10, (13 - mod) % 10)
    return stdnum("kr.rrn")(compact)


ENTRIES.append(Entry("kr-rrn", rrn, lambda rng: yymmdd(rng) + digits(rng, 7), lambda rng, t: one_of(rng, t, grouped(t, 6, 7, by="-")),
                     "national-id.kr-rrn", lambda t: rrn(t) and re.sub("-", "", t)[6] not in "90"))


def tw_id(text):
    """Each letter is a number from 10 to 35, not quite in order."""
    order = dict(A=10, B=11, C=12, D=13, E=14, F=15, G=16, H=17, I=34, J=18, K=19, L=20, M=21, N=22, O=35, P=23, Q=24, R=25, S=26,
                 T=27, U=28, V=29, W=32, X=30, Y=31, Z=33)
    if not re.fullmatch(r"[A-Z][1289ABCD]\d{8}", text):
        return False
    second = text[1] if text[1].isdigit() else str(order[text[1]] % 10)
    number = str(order[text[0]]) + second + text[2:]
    return sum(int(d) * w for d, w in zip(number, (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1))) % 10 == 0


add("tw-id", tw_id, lambda rng: letters(rng, 1) + rng.choice("1289AD3") + digits(rng, 8), detector=True)


def hkid(text):
    """Letters from A = 10, a missing one 36, weights 9 to 1, sum a multiple of 11; A is the check digit ten."""
    match = re.fullmatch(r"([A-Z]{1,2})(\d{6})([0-9A])", text)
    if not match:
        return False
    head = [36] * (2 - len(match[1])) + [ord(c) - 55 for c in match[1]]
    values = head + [int(d) for d in match[2]] + [int(match[3], 16)]
    return sum(v * w for v, w in zip(values, range(9, 0, -1))) % 11 == 0


def plain_hkid(text):
    return hkid(text.translate({ord(c): None for c in "() -"}).upper())


ENTRIES.append(Entry("hk-hkid", plain_hkid, lambda rng: letters(rng, rng.choice([1, 1, 2])) + digits(rng, 6) + letters(rng, 1, "0123456789A"),
                     lambda rng, t: one_of(rng, f"{t[:-1]}({t[-1]})", t, f"{t[:-1]} ({t[-1]})"), "national-id.hk-hkid"))

add("jp-my-number", stdnum("jp.in_"), numbers(12), ((4, 4, 4), " "), ((4, 4, 4), "-"), detector=True)

# South and South East Asia


def gstin(text):
    """stdnum wants Z in the fourteenth place, no holder E and states up to 37: Ladakh is 38, deductors have C and D."""
    holder = text[:5] + ("P" if text[5:6] == "E" else text[5:6]) + text[6:]
    if not re.fullmatch(r"\d\d[A-Z]{5}\d{4}[A-Z][1-9A-Z][ZCD][0-9A-Z]", text) or not (1 <= int(text[:2]) <= 38 or text[:2] in ("97", "99")):
        return False
    return stdnum("in_.pan")(holder[2:12]) and luhn.is_valid(text, alphabet=ALNUM)


def pan(text):
    return stdnum("in_.pan")(text[:3] + ("P" if text[3:4] == "E" else text[3:4]) + text[4:])


def make_pan(rng):
    return letters(rng, 3) + letters(rng, 1, "ABCEFGHJKLPTDM") + letters(rng, 1) + rng.choice([digits(rng, 4)] * 20 + ["0000"]) + letters(rng, 1)


def make_gstin(rng):
    return rng.choice("01 07 19 27 33 37 38 97 99 39 00".split()) + make_pan(rng) + letters(rng, 1, ALNUM) + rng.choice("ZZZZCDA") + letters(rng, 1, ALNUM)


add("in-gstin", gstin, make_gstin, detector=True)
add("in-pan", pan, make_pan, detector=True)
add("in-epic", stdnum("in_.epic"), lambda rng: letters(rng, 3) + digits(rng, 7), detector=True)
add("verhoeff", verhoeff.is_valid, numbers(12), ((4, 4, 4), " "), ((4, 4, 4), "-"), ((4, 4, 4), "."), detector="national-id.in-aadhaar",
    finds=lambda t: t[0] not in "01")
add("pk-cnic", stdnum("pk.cnic"), numbers(13), ((5, 7, 1), "-"), ((5, 7, 1), " "), detector=True)


def sg_nric(text):
    """The letters of each series in the order of remainders 0 to 10; T and G add four, M three."""
    series = {"S": (0, "JZIHGFEDCBA"), "T": (4, "JZIHGFEDCBA"), "F": (0, "XWUTRQPNMLK"), "G": (4, "XWUTRQPNMLK")}
    if not re.fullmatch(r"[STFGM]\d{7}[A-Z]", text):
        return False
    total = sum(int(d) * w for d, w in zip(text[1:8], (2, 7, 6, 5, 4, 3, 2)))
    if text[0] == "M":
        return "KLJNPQRTUWX"[10 - (total + 3) % 11] == text[8]
    add_, table = series[text[0]]
    return table[(total + add_) % 11] == text[8]


ENTRIES.append(Entry("sg-nric", lambda t: sg_nric(t.upper()), lambda rng: rng.choice("STFGM") + digits(rng, 7) + letters(rng, 1),
                     lambda rng, t: one_of(rng, t, t.lower()), "national-id.sg-nric"))
add("th-pin", stdnum("th.pin"), numbers(13), ((1, 4, 5, 2, 1), "-"), ((1, 4, 5, 2, 1), " "), detector=True)
add("my-nric", stdnum("my.nric"), lambda rng: yymmdd(rng) + digits(rng, 6), ((6, 2, 4), "-"), ((6, 2, 4), " "), detector=True)


def nik(text):
    """Provinces and the numbering of regencies (from 1) and cities (from 71); stdnum keeps a list of each, which ages."""
    if not re.fullmatch(r"\d{16}", text):
        return False
    known = int(text[:2]) in {*range(11, 20), 21, *range(31, 37), *range(51, 54), *range(61, 66), *range(71, 77), 81, 82, *range(91, 98)}
    regency, day = int(text[2:4]), int(text[6:8])
    place = known and (1 <= regency <= 29 or 71 <= regency <= 79) and text[4:6] != "00"
    return place and text[12:] != "0000" and either_century(int(text[10:12]), int(text[8:10]), day - 40 if day > 40 else day)


def make_nik(rng):
    year, month, day = date(rng)
    return (rng.choice("11 31 32 35 64 73 94 97 20 40".split()) + rng.choice("01 15 71 79 30 00".split()) + digits(rng, 2)
            + f"{day + rng.choice([0, 40]):02}{month:02}{year % 100:02}" + rng.choice([digits(rng, 4)] * 9 + ["0000"]))


add("id-nik", nik, make_nik, ((6, 6, 4), "-"), ((6, 6, 4), "."), detector=True)

# Middle East and Africa

add("tr-tckimlik", stdnum("tr.tckimlik"), completed("tr.tckimlik", "calc_check_digits", begun("123456789", 8)), ((3, 3, 3, 2), " "), detector=True)


def za(text):
    """stdnum by citizenship 0 and 1, ours also 2, that of refugees; centuries as they come."""
    return len(text) == 13 and luhn.is_valid(text) and text[10] in "012" and either_century(*(int(text[i : i + 2]) for i in (0, 2, 4)))


add("za-id", za, lambda rng: yymmdd(rng) + digits(rng, 4) + rng.choice("00123") + digits(rng, 2), ((6, 4, 3), " "), ((6, 4, 3), "-"), detector=True)


def make_mu(rng):
    year, month, day = date(rng)
    return letters(rng, 1) + f"{day:02}{month:02}{year % 100:02}" + digits(rng, 6) + letters(rng, 1, "0123456789ABCDEFG")


add("mu-nid", stdnum("mu.nid"), make_mu, detector=True)
add("il-id", lambda t: stdnum("il.idnr")(t), numbers(9), ((8, 1), "-"), ((1, 7, 1), "-"), detector=True)
add("ae-emirates-id", lambda t: bool(re.fullmatch(r"784(19|20)\d{10}", t)) and luhn.is_valid(t),
    lambda rng: rng.choice(["784", "784", "784", "785"]) + str(rng.randint(1890, 2110)) + digits(rng, 8), ((3, 4, 7, 1), "-"), ((3, 4, 7, 1), " "),
    detector=True)


def eg(text):
    if not re.fullmatch(r"[23]\d{13}", text):
        return False
    day = is_date({"2": 1900, "3": 2000}[text[0]] + int(text[1:3]), int(text[3:5]), int(text[5:7]))
    return day and text[7:9] in "01 02 03 04 11 12 13 14 15 16 17 18 19 21 22 23 24 25 26 27 28 29 31 32 33 34 35 88".split()


add("eg-id", eg, lambda rng: rng.choice("223314") + yymmdd(rng) + rng.choice("01 04 05 12 21 29 35 88 00".split()) + digits(rng, 5), detector=True)
add("sa-id", lambda t: t[0] in "12" and luhn.is_valid(t) and len(t) == 10, begun("112239", 9), detector=True)

# Health

add("uk-nhs", lambda t: stdnum("gb.nhs")(t) and t != "0000000000", numbers(10), ((3, 3, 4), " "), ((3, 3, 4), "-"), detector="health.uk-nhs")


def medicare(text):
    if not re.fullmatch(r"[2-6]\d{8}[1-9]{1,2}", text):
        return False
    return sum(int(d) * w for d, w in zip(text, (1, 3, 7, 9, 1, 3, 7, 9))) % 10 == int(text[8])


add("au-medicare", medicare, begun("234561", 9, 10), ((4, 5, 1), " "), ((4, 5, 1), "-"), ((4, 5, 1, 1), " "), detector="health.au-medicare")
add("us-npi", lambda t: t[0] in "12" and len(t) == 10 and luhn.is_valid("80840" + t), begun("1123", 9), detector="health.us-npi")


def dea(text):
    if not re.fullmatch(r"[A-HJ-MPRSTUX][A-Z9]\d{7}", text):
        return False
    odd, even = sum(map(int, text[2:8:2])), sum(map(int, text[3:8:2]))
    return (odd + 2 * even) % 10 == int(text[8])


add("us-dea", dea, lambda rng: letters(rng, 1) + letters(rng, 1, "ABCXYZ9") + digits(rng, 7), detector="health.us-dea")

MBI = re.compile("[1-9][{a}][0-9{a}][0-9][{a}][0-9{a}][0-9][{a}][{a}][0-9][0-9]".format(a="AC-HJKMNPQRT-Y"))


def make_mbi(rng):
    kinds = {"1": "123456789", "N": "0123456789", "A": "ACDEFGHJKMNPQRTUVWXYS", "X": "0123456789ACDEFGHJKMNPQRTUVWXY"}
    return "".join(rng.choice(kinds[kind]) for kind in "1AXNAXNAANN")


ENTRIES.append(Entry("us-mbi", lambda t: bool(MBI.fullmatch(t.replace("-", "").upper())), make_mbi,
                     lambda rng, t: one_of(rng, t, t.lower(), grouped(t, 4, 3, 4, by="-"))))

# Travel


def mrz_digit(text):
    values = ["0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ".find(c) for c in text]
    return str(sum(max(v, 0) * (7, 3, 1)[i % 3] for i, v in enumerate(values)) % 10)


def field(rng, length):
    used = rng.randint(0, length)
    return letters(rng, used, ALNUM).ljust(length, "<")


def names(rng, length):
    return (letters(rng, rng.randint(2, 12)) + "<<" + letters(rng, rng.randint(2, 12))).ljust(length, "<")


def mrz_dates(rng, nationality=""):
    birth, expiry = yymmdd(rng), yymmdd(rng)
    return birth + mrz_digit(birth), rng.choice("MF<"), expiry + mrz_digit(expiry)


def spoil(rng, text):
    """One time in three another digit in one place: any of the check digits may be the wrong one."""
    if rng.random() < 0.66:
        return text
    place = rng.choice([i for i, c in enumerate(text) if c.isdigit()])
    return text[:place] + rng.choice("0123456789") + text[place + 1 :]


def document(rng, optional):
    """Number, its check digit and the optional data; long numbers go on in the latter."""
    if rng.random() < 0.2:
        number = letters(rng, 9 + rng.randint(1, 4), ALNUM)
        rest = number[9:] + mrz_digit(number)
        return number[:9], "<", rest.ljust(optional, "<")
    number = letters(rng, rng.randint(6, 9), ALNUM).ljust(9, "<")
    return number, mrz_digit(number), field(rng, optional)


def make_td1(rng):
    number, digit, optional = document(rng, 15)
    birth, sex, expiry = mrz_dates(rng)
    more = field(rng, 11)
    whole = mrz_digit(number + digit + optional + birth + expiry + more)
    return spoil(rng, "I<UTO" + number + digit + optional + birth + sex + expiry + "UTO" + more + whole) + names(rng, 30)


def make_td2(rng):
    number, digit, optional = document(rng, 7)
    birth, sex, expiry = mrz_dates(rng)
    whole = mrz_digit(number + digit + birth + expiry + optional)
    return "I<UTO" + names(rng, 31) + spoil(rng, number + digit + "UTO" + birth + sex + expiry + optional + whole)


def make_td3(rng):
    number = letters(rng, 9, ALNUM)
    birth, sex, expiry = mrz_dates(rng)
    personal = rng.choice([field(rng, 14), "<" * 14])
    digit = rng.choice("<0") if personal == "<" * 14 else mrz_digit(personal)
    number += mrz_digit(number)
    whole = mrz_digit(number + birth + expiry + personal + digit)
    return "P<UTO" + names(rng, 39) + spoil(rng, number + "UTO" + birth + sex + expiry + personal + digit + whole)


def mrz_number(first, digit, optional):
    if digit != "<":
        return mrz_digit(first) == digit
    rest = optional.split("<")[0]
    return len(rest) > 1 and mrz_digit(first + rest[:-1]) == rest[-1]


def td1(z):
    return (len(z) == 90 and mrz_number(z[5:14], z[14], z[15:30]) and mrz_digit(z[30:36]) == z[36] and mrz_digit(z[38:44]) == z[44]
            and mrz_digit(z[5:37] + z[38:45] + z[48:59]) == z[59])


def td2(z):
    return (len(z) == 72 and mrz_number(z[36:45], z[45], z[64:71]) and mrz_digit(z[49:55]) == z[55] and mrz_digit(z[57:63]) == z[63]
            and mrz_digit(z[36:46] + z[49:56] + z[57:71]) == z[71])


def td3(z):
    return (len(z) == 88 and mrz_digit(z[44:53]) == z[53] and mrz_digit(z[57:63]) == z[63] and mrz_digit(z[65:71]) == z[71]
            and (z[72:87] == "<" * 15 or mrz_digit(z[72:86]) == z[86]) and mrz_digit(z[44:54] + z[57:64] + z[65:87]) == z[87])


def plausible(kinds, birth):
    """The kind of document, the sex and dates, which check digits do not cover or can't tell: the pattern does."""

    def finds(text):
        z = text.replace("\n", "")
        months = all(1 <= int(z[i + 2 : i + 4]) <= 12 and 1 <= int(z[i + 4 : i + 6]) <= 31 for i in (birth, birth + 8))
        return z[0] in kinds and z[birth + 7] in "MFX<" and months

    return finds


ZONES = [
    ("mrz-td1", td1, make_td1, (30, 30, 30), plausible("ACI", 30)),
    ("mrz-td2", td2, make_td2, (36, 36), plausible("ACIPV", 49)),
    ("mrz-td3", td3, make_td3, (44, 44), plausible("P", 57)),
]
for name, judge, make, sizes, finds in ZONES:
    add(name, judge, make, (sizes, "\n"), detector=f"travel.{name}", finds=finds)
