"""Oracle entries of the European checks."""
import datetime, importlib, re
from oracle import Entry, date, digits, grouped, letters, one_of, stdnum

YEARS = range(1855, 2040)  # of birth, as limits::BIRTH_YEARS has it: no check here asks what day it is


def is_birth(year, month, day):
    try:
        datetime.date(year, month, day)
    except ValueError:
        return False
    return year in YEARS


def in_some_century(year, month, day):
    return any(is_birth(century + year, month, day) for century in (1800, 1900, 2000))


def plain(text):
    return re.sub("[^0-9A-Za-z]", "", text).upper()


def both(*judges):
    return lambda text: all(judge(text) for judge in judges)


def living(module):
    """python-stdnum's judgement, and a year of birth in YEARS by its own reading of the date."""
    module = importlib.import_module("stdnum." + module)
    return lambda text: module.is_valid(text) and module.get_birth_date(text).year in YEARS


def bare(module):
    """python-stdnum's judgement of the digits and letters alone: some of its modules mind which separators stand there."""
    return lambda text: stdnum(module)(plain(text))


def agreeing(own, module, but):
    """`own`, which differs from python-stdnum only where `but` says why; anything else is an error in one of them."""

    def judge(text):
        answer = own(text)
        if answer != stdnum(module)(plain(text)) and not but(plain(text)):
            raise SystemExit(f"{module}: {text!r}: here {answer}, python-stdnum differs")
        return answer

    return judge


def shaped(pattern):
    """The compact text has this form; for modules of python-stdnum that fill up or take off characters."""
    return lambda text: re.fullmatch(pattern, plain(text)) is not None


def yymmdd(rng, first=1920, last=2015, month=0, day=0):
    y, m, d = date(rng, first, last)
    return f"{y % 100:02}{m + month:02}{d + day:02}"


def ddmmyy(rng, first=1920, last=2015, month=0, day=0):
    y, m, d = date(rng, first, last)
    return f"{d + day:02}{m + month:02}{y % 100:02}"


# United Kingdom, Ireland


def nino(text):
    # HMRC NIM39110; python-stdnum has no such module.
    found = re.fullmatch("([A-Z])([A-Z])[0-9]{6}[ABCD]", plain(text))
    if not found or found[1] in "DFIQUV" or found[2] in "DFIOQUV":
        return False
    return found[1] + found[2] not in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")


def nino_make(rng):
    return letters(rng, 2, "ABCEGHJKLMNPRSTWXYZABCEGHJKLMNPRSTWXYZDO") + digits(rng, 6) + letters(rng, 1, "ABCD")


def nino_spell(rng, text):
    spelled = one_of(rng, text, grouped(text, 2, 2, 2, 2, 1), grouped(text, 2, 6, 1), grouped(text, 2, 2, 2, 2, 1, by="-"))
    # Small letters beside six digits are found in one piece only: "at 123456 a year" is no number.
    return spelled.lower() if rng.random() < 0.1 and spelled[3:9] != text[2:8] else spelled


def utr(text):
    return bare("gb.utr")(text) and len(plain(text)) == 10


def pps(text):
    # python-stdnum weighs only the second letters A to I of numbers given since 2013 and takes A and H alone of them.
    found = re.fullmatch("([0-9]{7})([A-W])([A-IWTX]?)", plain(text))
    if not found:
        return False
    extra = "ABCDEFGHI".find(found[3]) + 1 if found[3] else 0
    total = sum(int(d) * w for d, w in zip(found[1], range(8, 1, -1))) + 9 * extra
    return found[2] == "WABCDEFGHIJKLMNOPQRSTUV"[total % 23]


def pps_make(rng):
    return digits(rng, 7) + letters(rng, 1, "ABCDEFGHIJKLMNOPQRSTUVW") + rng.choice(["", "", "A", "B", "H", "W", "T", "X"])


# France, Belgium, Netherlands, Luxembourg


def nir(text):
    # python-stdnum proves the key alone; sex, month and place come from the INSEE's own description.
    compact = plain(text)
    if not re.fullmatch("[123478][0-9]{4}([0-9]{2}|2[AB])[0-9]{8}", compact) or compact[5:7] == "00":
        return False
    month = int(compact[3:5])
    known = 1 <= month <= 12 or month == 20
    other = 30 <= month <= 42 or month >= 50
    return (known or other and compact[0] in "12") and stdnum("fr.nir")(compact)


def nir_make(rng):
    month = rng.randint(1, 12) if rng.random() < 0.9 else rng.randint(0, 99)
    place = rng.choice([f"{rng.randint(1, 95):02}", "2A", "2B", "97", "99"])
    body = f"{rng.choice('1212121234785')}{rng.randint(0, 99):02}{month:02}{place}{digits(rng, 6)}"
    if rng.random() < 0.5:
        return body + digits(rng, 2)
    number = int(body.replace("2A", "19").replace("2B", "18")) if place in ("2A", "2B") else int(body)
    return f"{body}{97 - number % 97:02}"


def nir_spell(rng, text):
    return one_of(
        rng,
        text,
        grouped(text, 1, 2, 2, 2, 3, 3, 2),
        grouped(text, 13, 2),
        grouped(text, 1, 2, 2, 2, 3, 3, 2, by="-"),
        grouped(text, 1, 2, 2, 2, 3, 3, 2, by="."),
        grouped(text[:13], 1, 2, 2, 2, 3, 3) + " / " + text[13:],
    )


def fr_nif_make(rng):
    body = rng.choice("01234") + digits(rng, 9)
    return body + (digits(rng, 3) if rng.random() < 0.5 else f"{int(body) % 511:03}")


def belgian(text):
    # python-stdnum takes any day and month that are not known, and no date after today.
    compact = plain(text)
    if not re.fullmatch("[0-9]{11}", compact) or compact[6:9] in ("000", "999"):
        return False
    year, month, day = int(compact[:2]), int(compact[2:4]), int(compact[4:6])
    for century, prefix in ((1900, ""), (2000, "2")):
        if 97 - int(prefix + compact[:9]) % 97 == int(compact[9:]):
            raised = 0 if month < 20 else 20 if month < 40 else 40
            if month in (0, 20, 40) and day in (0, 1) or is_birth(century + year, month - raised, day):
                return True
    return False


def belgian_make(rng):
    year, month, day = date(rng, 1920, 2020)
    body = f"{year % 100:02}{month + rng.choice([0, 0, 0, 20, 40]):02}{day:02}{rng.randint(0, 999):03}"
    check = 97 - int(("2" if year >= 2000 else "") + body) % 97
    return body + (f"{check:02}" if rng.random() < 0.5 else digits(rng, 2))


def belgian_spell(rng, text):
    return one_of(
        rng,
        text,
        f"{grouped(text[:6], 2, 2, 2, by='.')}-{text[6:9]}.{text[9:]}",
        f"{text[:6]}-{text[6:9]}-{text[9:]}",
        f"{text[:6]} {text[6:9]} {text[9:]}",
        f"{text[:6]}-{text[6:9]}.{text[9:]}",
        grouped(text, 2, 2, 2, 3, 2),
        grouped(text, 2, 2, 2, 3, 2, by="."),
        grouped(text, 2, 2, 2, 3, 2, by="-"),
    )


def bsn_spell(rng, text):
    return one_of(rng, text, grouped(text, 4, 2, 3, by="."), grouped(text, 3, 3, 3), grouped(text, 4, 2, 3), grouped(text, 3, 3, 3, by="."))


def luhn_digit(body):
    doubled = [int(d) * (2 - i % 2) for i, d in enumerate(reversed(body))]
    return str(-sum(d // 10 + d % 10 for d in doubled) % 10)


def verhoeff_digit(body):
    from stdnum import verhoeff

    return verhoeff.calc_check_digit(body)


def luxembourg(text):
    # Not in python-stdnum; the two check digits are, each over the same eleven digits.
    compact = plain(text)
    if not re.fullmatch("[0-9]{13}", compact):
        return False
    body = compact[:11]
    born = is_birth(int(body[:4]), int(body[4:6]), int(body[6:8]))
    return born and compact[11:] == luhn_digit(body) + verhoeff_digit(body)


def luxembourg_make(rng):
    year, month, day = date(rng)
    body = f"{year}{month:02}{day:02}{digits(rng, 3)}"
    return body + (luhn_digit(body) if rng.random() < 0.8 else digits(rng, 1)) + (verhoeff_digit(body) if rng.random() < 0.6 else digits(rng, 1))


def luxembourg_spell(rng, text):
    return one_of(rng, text, grouped(text, 4, 2, 2, 3, 2), grouped(text, 4, 4, 3, 2), grouped(text, 8, 5), grouped(text, 8, 3, 2))


# Germany, Austria, Switzerland


def idnr_make(rng):
    body = [*digits(rng, 10)]
    kept = rng.sample("0123456789", 9)
    if rng.random() < 0.9:
        body = kept + [rng.choice(kept)]
        rng.shuffle(body)
    return "".join(body) + digits(rng, 1)


def german_pension(text):
    # VKVV, section 2; not in python-stdnum.
    found = re.fullmatch("([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([A-Z])([0-9]{2})([0-9])", plain(text))
    if not found or found[1] == "00" or not in_some_century(int(found[4]), int(found[3]), int(found[2])):
        return False
    spelled = found[1] + found[2] + found[3] + found[4] + f"{ord(found[5]) - 64:02}" + found[6]
    total = 0
    for digit, weight in zip(spelled, (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)):
        total += sum(map(int, str(int(digit) * weight)))
    return total % 10 == int(found[7])


def german_pension_make(rng):
    return f"{rng.randint(2, 89):02}{ddmmyy(rng)}{letters(rng, 1)}{digits(rng, 3)}"


def german_pension_spell(rng, text):
    text = one_of(rng, text, grouped(text, 2, 6, 1, 3), grouped(text, 2, 6, 1, 2, 1), grouped(text, 2, 2, 2, 2, 1, 2, 1), grouped(text, 2, 6, 1, 3, by="-"))
    return text.lower() if rng.random() < 0.05 else text


def austrian(text):
    # python-stdnum proves the check digit, not the date.
    compact = plain(text)
    day, month, year = int(compact[4:6]), int(compact[6:8]), int(compact[8:10])
    return stdnum("at.vnr")(compact) and in_some_century(year, 1 if 13 <= month <= 15 else month, day)


def austrian_make(rng):
    return rng.choice("123456789") + digits(rng, 3) + ddmmyy(rng)


def swiss_make(rng):
    return rng.choice(["756"] * 20 + ["761"]) + digits(rng, 10)


def swiss_spell(rng, text):
    return one_of(rng, text, *(grouped(text, 3, 4, 4, 2, by=by) for by in ". -"))


# Nordic countries


def hetu(text):
    # python-stdnum leaves out numbers given for a time (900 to 999), which no living person keeps but many files hold.
    found = re.fullmatch("([0-9]{2})([0-9]{2})([0-9]{2})([-+A-FU-Y])([0-9]{3})([0-9A-Y])", text.upper())
    if not found or int(found[5]) < 2:
        return False
    century = 1800 if found[4] == "+" else 2000 if found[4] in "ABCDEF" else 1900
    check = "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(found[1] + found[2] + found[3] + found[5]) % 31]
    agree = stdnum("fi.hetu")(text)
    own = found[6] == check and is_birth(century + int(found[3]), int(found[2]), int(found[1]))
    # Where python-stdnum takes a number, so must this.
    assert not agree or own or century + int(found[3]) not in YEARS, text
    return own


def hetu_make(rng):
    year, month, day = date(rng)
    sign = rng.choice("-----UVWXY") if year < 2000 else rng.choice("AAABCDEF")
    serial = rng.randint(0, 999) if rng.random() < 0.3 else rng.randint(2, 899)
    body = f"{day:02}{month:02}{year % 100:02}{sign}{serial:03}"
    if rng.random() < 0.5:
        return body + "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(body[:6] + body[7:]) % 31]
    return body + letters(rng, 1, "0123456789ABCDEFHJKLMNPRSTUVWXY")


def norwegian(text):
    # python-stdnum refuses dates after today and takes the oldest.
    compact = plain(text)
    if not re.fullmatch("[0-9]{11}", compact):
        return False
    d = [int(c) for c in compact]
    if sum(a * b for a, b in zip(d, (3, 7, 6, 1, 8, 9, 4, 5, 2, 1))) % 11 or sum(a * b for a, b in zip(d, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1))) % 11:
        return False
    day, month, year, person = int(compact[:2]), int(compact[2:4]), int(compact[4:6]), int(compact[6:9])
    day, month = day - 40 * (day > 40), month - 40 * (month > 40)
    if person < 500 or person >= 900 and year >= 40:
        year += 1900
    elif person < 750 and year >= 54:
        year += 1800
    elif year < 40:
        year += 2000
    else:
        return False
    return is_birth(year, month, day)


def norwegian_make(rng):
    day, month = rng.choice([(0, 0), (0, 0), (40, 0), (0, 40)])
    body = ddmmyy(rng, day=day, month=month) + digits(rng, 3)
    first = -sum(int(a) * b for a, b in zip(body, (3, 7, 6, 1, 8, 9, 4, 5, 2))) % 11
    if first == 10 or rng.random() < 0.3:
        return body + digits(rng, 2)
    return body + str(first) + digits(rng, 1)


def swedish(text):
    # python-stdnum refuses dates after today and takes the serial 000; it knows no coordination numbers.
    compact = plain(text)
    if not re.fullmatch("([0-9]{2})?[0-9]{10}", compact) or compact[-4:-1] == "000" or luhn_digit(compact[-10:-1]) != compact[-1]:
        return False
    year, month, day = int(compact[-10:-8]), int(compact[-8:-6]), int(compact[-6:-4])
    day -= 60 * (day > 60)
    return is_birth(int(compact[:4]), month, day) if len(compact) == 12 else in_some_century(year, month, day)


def swedish_make(rng):
    year, month, day = date(rng)
    day += rng.choice([0, 0, 0, 60])
    full = f"{year}{month:02}{day:02}{digits(rng, 4)}"
    return full[2:] if rng.random() < 0.5 else full


def swedish_spell(rng, text):
    return one_of(rng, text, text[:-4] + "-" + text[-4:], text[:-4] + "-" + text[-4:], text[:-4] + "+" + text[-4:])


def icelandic(text):
    # python-stdnum takes no people of the nineteenth century; the registers still hold them.
    compact = plain(text)
    if not re.fullmatch("[0-9]{9}[089]", compact):
        return False
    day, month, year = int(compact[:2]), int(compact[2:4]), int(compact[4:6])
    year += {"8": 1800, "9": 1900, "0": 2000}[compact[9]]
    sums = sum(int(a) * b for a, b in zip(compact, (3, 2, 7, 6, 5, 4, 3, 2, 1)))
    return sums % 11 == 0 and is_birth(year, month, day - 40 * (day > 40))


def icelandic_make(rng):
    year, month, day = date(rng)
    day += rng.choice([0, 0, 0, 40])
    return f"{day:02}{month:02}{year % 100:02}{digits(rng, 3)}{rng.choice('9900889') if rng.random() < 0.1 else '9' if year < 2000 else '0'}"


def danish(text):
    # python-stdnum refuses dates after today; the century comes from the CPR office's own table.
    compact = plain(text)
    if not re.fullmatch("[0-9]{10}", compact):
        return False
    day, month, year, seventh = int(compact[:2]), int(compact[2:4]), int(compact[4:6]), int(compact[6])
    if seventh < 4:
        century = 1900
    elif seventh in (4, 9):
        century = 2000 if year < 37 else 1900
    else:
        century = 2000 if year < 58 else 1800
    return is_birth(century + year, month, day)


def six_four(*separators):
    return lambda rng, text: one_of(rng, text, *(text[:6] + by + text[6:] for by in separators))


# Baltic countries


def estonian_make(rng):
    year, month, day = date(rng)
    first = (1 if year < 1900 else 3 if year < 2000 else 5) + rng.randint(0, 1)
    return f"{first}{year % 100:02}{month:02}{day:02}{digits(rng, 4)}"


def latvian(text):
    # python-stdnum's numbers of persons, but of those before 2100; what begins with 4 to 9 is an organisation's.
    compact = plain(text)
    if not re.fullmatch("[0-3][0-9]{10}", compact):
        return False
    sums = sum(int(a) * b for a, b in zip(compact, (10, 5, 8, 4, 2, 1, 6, 3, 7, 9)))
    if (1 + sums) % 11 % 10 != int(compact[10]):
        return False
    day, month, year = int(compact[:2]), int(compact[2:4]), int(compact[4:6])
    return day == 32 or compact[6] in "012" and is_birth(1800 + 100 * int(compact[6]) + year, month, day)


def latvian_make(rng):
    if rng.random() < 0.4:
        return "32" + digits(rng, 9)
    year, month, day = date(rng)
    return f"{day:02}{month:02}{year % 100:02}{1 if year < 2000 else 2}{digits(rng, 4)}"


# Italy, Spain, Portugal, Greece, Cyprus

ODD = dict(zip("0123456789", (1, 0, 5, 7, 9, 13, 15, 17, 19, 21)))


def italian_make(rng):
    from stdnum.it import codicefiscale

    _, _, day = date(rng)
    day += rng.choice([0, 40])
    body = letters(rng, 6) + digits(rng, 2) + letters(rng, 1, "ABCDEHLMPRST") + f"{day:02}" + letters(rng, 1) + digits(rng, 3)
    if rng.random() < 0.2:  # the digits of namesakes are replaced by letters, from the right
        places = rng.sample([6, 7, 9, 10, 12, 13, 14], rng.randint(1, 3))
        body = "".join("LMNPQRSTUV"[int(c)] if i in places else c for i, c in enumerate(body))
    return body + (codicefiscale.calc_check_digit(body) if rng.random() < 0.5 else letters(rng, 1))


def italian(text):
    # python-stdnum judges the date in one century; a code does not tell which.
    from stdnum.it import codicefiscale

    code = plain(text)
    if not re.fullmatch("[A-Z]{6}[0-9L-NP-V]{2}[A-EHLMPR-T][0-9L-NP-V]{2}[A-Z][0-9L-NP-V]{3}[A-Z]", code):
        return False
    if codicefiscale.calc_check_digit(code[:-1]) != code[-1]:
        return False
    read = str.maketrans("LMNPQRSTUV", "0123456789")
    year, day = int(code[6:8].translate(read)), int(code[9:11].translate(read))
    month = "ABCDEHLMPRST".index(code[8]) + 1
    return any(is_birth(century + year, month, day - 40 * (day > 40)) for century in (1900, 2000))


def cased(rng, text):
    return text.lower() if rng.random() < 0.2 else text


def dni(text):
    return bare("es.dni")(text) and not text.startswith("00000000")


def dni_make(rng):
    return digits(rng, 8) + letters(rng, 1, "TRWAGMYFPDXBNJZSQVHLCKE")


def dni_spell(rng, text):
    dotted = f"{text[:2]}.{text[2:5]}.{text[5:8]}"
    text = one_of(rng, text, f"{text[:8]}-{text[8]}", f"{text[:8]} {text[8]}", f"{dotted}-{text[8]}", f"{dotted}{text[8]}", f"{dotted} {text[8]}")
    return text.lower() if " " not in text and rng.random() < 0.1 else text


def nie_make(rng):
    return rng.choice("XYZ") + digits(rng, 7) + letters(rng, 1, "TRWAGMYFPDXBNJZSQVHLCKE")


def nie_spell(rng, text):
    text = one_of(rng, text, grouped(text, 1, 7, 1, by="-"), grouped(text, 1, 7, 1), f"{text[:8]}-{text[8]}", f"{text[0]}-{text[1:]}")
    return text.lower() if " " not in text and rng.random() < 0.1 else text


def citizen_card_make(rng):
    version = letters(rng, 2) if rng.random() < 0.9 else letters(rng, 1) + digits(rng, 1)
    return digits(rng, 9) + version + digits(rng, 1)


def citizen_card_spell(rng, text):
    spaced = grouped(text, 8, 1, 3)
    if text[10].isdigit():
        return spaced
    return one_of(rng, text, spaced, grouped(text, 8, 4), grouped(text, 8, 1, 3, by="-"), grouped(text, 9, 3))


def amka(text):
    compact = plain(text)
    if not re.fullmatch("[0-9]{11}", compact) or luhn_digit(compact[:10]) != compact[10]:
        return False
    return in_some_century(int(compact[4:6]), int(compact[2:4]), int(compact[:2]))


def cypriot_make(rng):
    return rng.choice("0019") + digits(rng, 7) + letters(rng, 1)


# Poland, Czech Republic, Slovakia, Hungary, Romania, Bulgaria


def pesel_make(rng):
    year, month, day = date(rng, 1890, 2030)
    return f"{year % 100:02}{month + {18: 80, 19: 0, 20: 20}[year // 100]:02}{day:02}" + digits(rng, 5)


def nip_spell(rng, text):
    return one_of(rng, text, grouped(text, 3, 3, 2, 2, by="-"), grouped(text, 3, 2, 2, 3, by="-"), grouped(text, 3, 3, 2, 2))


def birth_number(text):
    # python-stdnum refuses dates after today, and reads nine digits as of the century before last as well; it raises months in any year.
    compact = plain(text)
    found = re.fullmatch("([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{3})([0-9]?)", compact)
    if not found:
        return False
    year, month, day = int(found[1]), int(found[2]), int(found[3])
    month -= 50 * (month > 50)
    if not found[5]:
        return found[4] != "000" and year < 54 and is_birth(1900 + year, month, day)
    year += 2000 if year < 54 else 1900
    month -= 20 * (month > 20 and year >= 2004)
    return int(compact[:9]) % 11 % 10 == int(found[5]) and is_birth(year, month, day)


def birth_number_make(rng):
    women = rng.choice([0, 50])
    if rng.random() < 0.15:
        return yymmdd(rng, 1915, 1953, month=women) + digits(rng, 3)
    return yymmdd(rng, 1954, 2015, month=women) + digits(rng, 4)


def birth_number_spell(rng, text):
    if len(text) == 9:
        return text[:6] + "/" + text[6:]
    return one_of(rng, text, text[:6] + "/" + text[6:], text[:6] + "/" + text[6:], text[:6] + " " + text[6:])


def taj(text):
    # Act XX of 1996; not in python-stdnum.
    compact = plain(text)
    if not re.fullmatch("[0-9]{9}", compact) or compact.startswith("00000000"):
        return False
    return (3 * sum(map(int, compact[0:8:2])) + 7 * sum(map(int, compact[1:8:2]))) % 10 == int(compact[8])


def cnp(text):
    # python-stdnum takes any year, and reads residents' dates in one century.
    compact = plain(text)
    if not re.fullmatch("[1-9][0-9]{12}", compact):
        return False
    year, month, day = int(compact[1:3]), int(compact[3:5]), int(compact[5:7])
    if compact[0] in "789":
        born = in_some_century(year, month, day)
    else:
        born = is_birth({"1": 1900, "2": 1900, "3": 1800, "4": 1800, "5": 2000, "6": 2000}[compact[0]] + year, month, day)
    place = int(compact[7:9])
    rest = sum(int(a) * int(b) for a, b in zip(compact, "279146358279")) % 11
    return born and (1 <= place <= 48 or place in (51, 52, 70, 80, 81, 82, 83)) and int(compact[12]) == (1 if rest == 10 else rest)


def cnp_make(rng):
    year, month, day = date(rng)
    first = rng.choice("12") if year < 2000 else rng.choice("56")
    if rng.random() < 0.1:
        first = rng.choice("0347899")
    return f"{first}{year % 100:02}{month:02}{day:02}{rng.choice([rng.randint(1, 46), rng.randint(0, 99)]):02}{digits(rng, 4)}"


def egn_make(rng):
    year, month, day = date(rng, 1890, 2020)
    return f"{year % 100:02}{month + {18: 20, 19: 0, 20: 40}[year // 100]:02}{day:02}{digits(rng, 4)}"


# Croatia, Slovenia


def emso_make(rng):
    year, month, day = date(rng)
    return f"{day:02}{month:02}{year % 1000:03}{rng.choice(['50', '50', digits(rng, 2)])}{digits(rng, 4)}"


# Russia, Ukraine


def inn_make(rng):
    body = f"{rng.randint(1, 92):02}{digits(rng, 8)}"
    first = sum(int(a) * b for a, b in zip(body, (7, 2, 4, 10, 3, 5, 9, 4, 6, 8))) % 11 % 10
    return body + (str(first) if rng.random() < 0.8 else digits(rng, 1)) + digits(rng, 1)


def snils(text):
    # Order of the Pension Fund 192p; not in python-stdnum.
    compact = plain(text)
    if not re.fullmatch("[0-9]{11}", compact) or int(compact[:9]) <= 1001998:
        return False
    total = sum(int(d) * (9 - place) for place, d in enumerate(compact[:9]))
    return (0 if total % 101 == 100 else total % 101) == int(compact[9:])


def snils_make(rng):
    body = digits(rng, 9)
    total = sum(int(d) * (9 - place) for place, d in enumerate(body)) % 101
    return body + (digits(rng, 2) if rng.random() < 0.5 else f"{0 if total == 100 else total:02}")


def snils_spell(rng, text):
    return one_of(rng, text, f"{text[:3]}-{text[3:6]}-{text[6:9]} {text[9:]}", grouped(text, 3, 3, 3, 2, by="-"), grouped(text, 3, 3, 3, 2))


def only(length):
    return lambda rng: digits(rng, length)


def taken(length, *sizes, bys=" "):
    """Bare, or in groups of these sizes."""
    return lambda rng, text: one_of(rng, text, *(grouped(text, *sizes, by=by) for by in bys))


def entry(name, *rest, **options):
    return Entry(name, *rest, detector="national-id." + name, **options)


ENTRIES = [
    entry("uk-nino", nino, nino_make, spell=nino_spell),
    entry("uk-utr", utr, only(10), spell=taken(10, 5, 5, bys=" -")),
    entry("ie-pps", pps, pps_make, spell=lambda rng, text: one_of(rng, text, text[:7] + " " + text[7:])),
    entry("fr-nir", nir, nir_make, spell=nir_spell),
    entry("fr-nif", both(stdnum("fr.nif"), lambda text: int(plain(text)) > 0), fr_nif_make, spell=taken(13, 2, 2, 3, 3, 3)),
    entry("be-nn", agreeing(belgian, "be.ssn", lambda t: not in_some_century(int(t[:2]), int(t[2:4]) % 20, int(t[4:6])) or 26 <= int(t[:2]) < 40 or t[6:9] == "999"), belgian_make, spell=belgian_spell),
    entry("nl-bsn", both(stdnum("nl.bsn"), shaped("[0-9]{9}"), lambda text: int(plain(text)) > 9), only(9), spell=bsn_spell),
    entry("lu-nin", luxembourg, luxembourg_make, spell=luxembourg_spell),
    entry("de-idnr", stdnum("de.idnr"), idnr_make, spell=taken(11, 2, 3, 3, 3, bys=" -/")),
    entry("de-svnr", german_pension, german_pension_make, spell=german_pension_spell),
    entry("at-svnr", austrian, austrian_make, spell=lambda rng, text: one_of(rng, text, text[:4] + " " + text[4:], text[:4] + "-" + text[4:], grouped(text, 4, 2, 2, 2))),
    entry("ch-ahv", bare("ch.ssn"), swiss_make, spell=swiss_spell),
    entry("fi-hetu", hetu, hetu_make, spell=cased),
    entry("no-fnr", agreeing(norwegian, "no.fodselsnummer", lambda t: int(t[4:6]) < 70 and t[6] > "4"), norwegian_make, spell=six_four(" ", "-")),
    entry("se-personnummer", agreeing(swedish, "se.personnummer", lambda t: t[-4:-1] == "000" or int(t[-6:-4]) > 60 or not "1855" <= t[-12:-8] < "2026"), swedish_make, spell=swedish_spell),
    entry("is-kennitala", agreeing(icelandic, "is_.kennitala", lambda t: t[9] == "8" or t[9] == "0" and int(t[4:6]) > 25), icelandic_make, spell=six_four("-", "-", " ")),
    entry("dk-cpr", agreeing(danish, "dk.cpr", lambda t: t[6] > "3" and 25 < int(t[4:6]) < 70), lambda rng: ddmmyy(rng) + digits(rng, 4), spell=six_four("-", "-", " ")),
    entry("ee-ik", living("ee.ik"), estonian_make),
    entry("lt-ak", both(living("ee.ik"), stdnum("lt.asmens")), estonian_make),
    entry("lv-pk", agreeing(latvian, "lv.pvn", lambda t: t[0] > "3" or t[6] > "1" and int(t[4:6]) > 25 or t[6] > "2" or t[6] == "0"), latvian_make, spell=six_four("-", "-", " ")),
    entry("it-codice-fiscale", italian, italian_make, spell=cased),
    entry("es-dni", dni, dni_make, spell=dni_spell),
    entry("es-nie", bare("es.nie"), nie_make, spell=nie_spell),
    entry("pt-cc", bare("pt.cc"), citizen_card_make, spell=citizen_card_spell),
    entry("pt-nif", stdnum("pt.nif"), only(9), spell=taken(9, 3, 3, 3, bys=" .")),
    entry("gr-amka", agreeing(amka, "gr.amka", lambda t: False), lambda rng: ddmmyy(rng) + digits(rng, 5), spell=six_four(" ")),
    entry("gr-afm", both(stdnum("gr.vat"), shaped("[0-9]{9}"), lambda text: int(plain(text)) > 9), only(9), spell=taken(9, 3, 3, 3)),
    entry("cy-tic", stdnum("cy.vat"), cypriot_make, spell=cased),
    entry("pl-pesel", living("pl.pesel"), pesel_make),
    entry("pl-nip", both(stdnum("pl.nip"), shaped("[1-9].*")), only(10), spell=nip_spell),
    entry("cz-rc", agreeing(birth_number, "cz.rc", lambda t: int(t[2:4]) % 50 > 12 or 25 < int(t[:2]) < 54 or len(t) == 9), birth_number_make, spell=birth_number_spell),
    entry("sk-rc", agreeing(birth_number, "sk.rc", lambda t: int(t[2:4]) % 50 > 12 or 25 < int(t[:2]) < 54 or len(t) == 9), birth_number_make, spell=birth_number_spell),
    entry("hu-taj", taj, only(9), spell=taken(9, 3, 3, 3, bys=" -")),
    entry("ro-cnp", agreeing(cnp, "ro.cnp", lambda t: t[0] in "34789" or t[0] in "56" and int(t[1:3]) > 25), cnp_make),
    entry("bg-egn", living("bg.egn"), egn_make),
    entry("hr-oib", stdnum("hr.oib"), only(11)),
    entry("si-emso", living("si.emso"), emso_make),
    entry("ru-inn12", both(stdnum("ru.inn"), shaped("(?!00)[0-9]{12}")), inn_make),
    entry("ru-snils", snils, snils_make, spell=snils_spell),
    entry("ua-rnokpp", both(stdnum("ua.rntrc"), lambda text: int(plain(text)) > 9), only(10)),
]
