"""Valid national identity, tax and health numbers from the rules that issuers publish, in the spellings people use.

Each entry: tier, country, keys of structured data, words of plain text, and a function to (spelling, value) pairs."""
from digits import *

TABLE = {}


def identifier(name, tier, country, keys, words):
    def keep(make):
        TABLE[name] = (tier, country, keys.split(), [w.strip() for w in words.split(",")], make)
        return make
    return keep


def pick(r, *spellings):
    return r.choice(spellings)


# North America

@identifier("national-id.us-ssn", "M", "us", "ssn social_security_number socialSecurityNumber SSN taxpayer_ssn",
            "SSN, social security number, Social Security No., social security #")
def us_ssn(r):
    area = r.choice([n for n in range(1, 900) if n != 666])
    a, b, c = f"{area:03}", f"{r.randint(1, 99):02}", f"{r.randint(1, 9999):04}"
    return pick(r, ("dashed", f"{a}-{b}-{c}"), ("dashed", f"{a}-{b}-{c}"), ("dashed", f"{a}-{b}-{c}"), ("bare", a + b + c))


@identifier("national-id.us-itin", "M", "us", "itin taxpayer_id ITIN individual_taxpayer_id", "ITIN, taxpayer identification number")
def us_itin(r):
    group = r.choice([*range(50, 66), *range(70, 89), *range(90, 93), *range(94, 100)])
    return "dashed", f"9{digits(r, 2)}-{group}-{r.randint(1, 9999):04}"


@identifier("national-id.us-ein", "W", "us", "ein employer_identification_number EIN fein employerId",
            "EIN, employer identification number, federal tax ID")
def us_ein(r):
    prefix = r.choice("01 02 03 04 05 06 10 11 12 13 14 15 16 20 21 22 23 24 25 26 27 30 32 33 34 35 36 37 38 39 41 42 43 44 45 46 47 48 "
                      "51 52 53 54 55 56 57 58 59 60 61 62 63 64 65 66 67 71 72 73 74 75 76 77 80 81 82 83 84 85 86 87 88 90 91 92 93".split())
    return "dashed", f"{prefix}-{digits(r, 7)}"


@identifier("national-id.ca-sin", "W", "ca", "sin social_insurance_number socialInsuranceNumber nas", "SIN, Social Insurance Number, NAS, numéro d'assurance sociale")
def ca_sin(r):
    n = digits(r, 8, "1234567")
    n += luhn(n)
    return pick(r, ("dashed", f"{n[:3]}-{n[3:6]}-{n[6:]}"), ("spaced", f"{n[:3]} {n[3:6]} {n[6:]}"), ("bare", n))


# Britain, Ireland, Oceania

@identifier("national-id.uk-nino", "M", "uk", "nino national_insurance_number nationalInsuranceNumber ni_number NINO",
            "NINO, National Insurance number, NI number, NI no.")
def uk_nino(r):
    while True:
        prefix = r.choice("ABCEGHJKLMNOPRSTWXYZ") + r.choice("ABCEGHJKLMNPRSTWXYZ")
        if prefix not in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ"):
            break
    n, s = digits(r, 6), r.choice("ABCD")
    return pick(r, ("bare", prefix + n + s), ("spaced", f"{prefix} {n[:2]} {n[2:4]} {n[4:]} {s}"), ("bare", prefix + n + s),
                ("lower", (prefix + n + s).lower()))


@identifier("national-id.uk-utr", "W", "uk", "utr unique_taxpayer_reference UTR tax_reference", "UTR, Unique Taxpayer Reference")
def uk_utr(r):
    n = digits(r, 9)
    check = "21987654321"[weighted(n, (6, 7, 8, 9, 10, 5, 4, 3, 2)) % 11]
    n = check + n
    return pick(r, ("bare", n), ("spaced", f"{n[:5]} {n[5:]}"))


@identifier("national-id.ie-pps", "M", "ie", "ppsn pps_number pps ppsNumber", "PPS number, PPSN, PPS No")
def ie_pps(r):
    n, second = digits(r, 7), r.choice(["", "A", "B", "H", "", "W"])
    extra = 9 * (" ABCDEFGHI".find(second) if second and second != "W" else 0)
    return "bare", n + "WABCDEFGHIJKLMNOPQRSTUV"[(weighted(n, range(8, 1, -1)) + extra) % 23] + second


@identifier("national-id.au-tfn", "W", "au", "tfn tax_file_number taxFileNumber TFN", "TFN, tax file number")
def au_tfn(r):
    def make():
        n = digits(r, 8, "123456789")
        rest = [c for c in range(10) if (weighted(n, (1, 4, 3, 7, 5, 8, 6, 9)) + 10 * c) % 11 == 0]
        return n + str(rest[0]) if rest else None
    n = until(make)
    return pick(r, ("spaced", f"{n[:3]} {n[3:6]} {n[6:]}"), ("bare", n))


@identifier("national-id.nz-ird", "W", "nz", "ird ird_number irdNumber IRD", "IRD number, IRD, tax number")
def nz_ird(r):
    def make():
        n = f"{r.randint(1_000_000, 14_900_000):08}"
        for weights in ((3, 2, 7, 6, 5, 4, 3, 2), (7, 4, 3, 2, 5, 2, 7, 6)):
            c = -weighted(n, weights) % 11
            if c < 10:
                return n.lstrip("0") + str(c)
        return None
    n = until(make)
    grouped = f"{n[:-6]}-{n[-6:-3]}-{n[-3:]}"
    return pick(r, ("dashed", grouped), ("bare", n))


# Western Europe

@identifier("national-id.be-nn", "S", "be", "rijksregisternummer nationaalNummer numero_national nationalRegisterNumber niss insz",
            "rijksregisternummer, numéro national, numéro de registre national, INSZ, NISS, national register number")
def be_nn(r):
    d = day(r, 1940, 2008)
    body = ymd(d) + f"{r.randint(1, 997):03}"
    check = 97 - int(("2" if d.year >= 2000 else "") + body) % 97
    n = body + f"{check:02}"
    return pick(r, ("dotted", f"{n[:2]}.{n[2:4]}.{n[4:6]}-{n[6:9]}.{n[9:]}"), ("bare", n), ("spaced", f"{n[:6]} {n[6:9]} {n[9:]}"))


@identifier("national-id.fr-nir", "S", "fr", "nir numero_secu numeroSecuriteSociale num_ss insee",
            "numéro de sécurité sociale, NIR, n° de sécurité sociale, sécu, numéro INSEE")
def fr_nir(r):
    d = day(r, 1940, 2005)
    department = r.choice([f"{n:02}" for n in range(1, 96) if n != 20] + ["2A", "2B"])
    body = f"{r.choice('12')}{d:%y%m}{department}{r.randint(1, 900):03}{r.randint(1, 990):03}"
    key = 97 - int(body.replace("2A", "19").replace("2B", "18")) % 97
    n = f"{body}{key:02}"
    return pick(r, ("bare", n), ("spaced", f"{n[0]} {n[1:3]} {n[3:5]} {n[5:7]} {n[7:10]} {n[10:13]} {n[13:]}"), ("key apart", f"{n[:13]} {n[13:]}"))


@identifier("national-id.fr-nif", "M", "fr", "nif numero_fiscal numeroFiscal spi reference_fiscale", "numéro fiscal, NIF, numéro SPI, référence fiscale")
def fr_nif(r):
    def make():
        body = digits(r, 10, "0123")
        return f"{body}{int(body) % 511:03}"
    n = make()
    return pick(r, ("spaced", f"{n[:2]} {n[2:4]} {n[4:7]} {n[7:10]} {n[10:]}"), ("bare", n))


@identifier("national-id.de-idnr", "M", "de", "steuer_id steuerId idnr steueridentifikationsnummer tax_id",
            "Steuer-ID, Steueridentifikationsnummer, IdNr., Steuer-Identifikationsnummer, steuerliche Identifikationsnummer")
def de_idnr(r):
    # One digit of the first ten stands twice or three times (not three in a row), the others at most once.
    def make():
        order = r.sample("0123456789", 10)
        order[r.randrange(10)] = order[r.randrange(10)]
        body = "".join(order)
        return body if body[0] != "0" and len(set(body)) == 9 else None
    body = until(make)
    n = body + mod11_10(body)
    return pick(r, ("spaced", f"{n[:2]} {n[2:5]} {n[5:8]} {n[8:]}"), ("bare", n))


@identifier("national-id.de-svnr", "M", "de", "svnr rentenversicherungsnummer sozialversicherungsnummer rvnr rv_nummer",
            "Sozialversicherungsnummer, Rentenversicherungsnummer, SV-Nummer, RVNR, Versicherungsnummer")
def de_svnr(r):
    d, letter = day(r, 1945, 2004), r.choice(LETTERS)
    area = r.choice("02 03 04 08 09 10 11 12 13 14 15 16 17 18 19 20 21 23 24 25 26 28 29 38 39 40 42 43 44 48 49 50 51 52 53 54 55".split())
    serial = f"{r.randint(0, 99):02}"
    spread = area + dmy(d) + f"{LETTERS.index(letter) + 1:02}" + serial
    total = sum(n // 10 + n % 10 for n in (int(c) * w for c, w in zip(spread, (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1))))
    check = str(total % 10)
    return pick(r, ("bare", area + dmy(d) + letter + serial + check), ("spaced", f"{area} {dmy(d)} {letter} {serial}{check}"))


@identifier("national-id.at-svnr", "W", "at", "svnr sozialversicherungsnummer sv_nummer vsnr", "Sozialversicherungsnummer, SVNR, SV-Nr., Versicherungsnummer")
def at_svnr(r):
    def make():
        serial, birth = digits(r, 3, "123456789"), dmy(day(r))
        c = (weighted(serial, (3, 7, 9)) + weighted(birth, (5, 8, 4, 2, 1, 6))) % 11
        return None if c == 10 else (serial + str(c), birth)
    a, b = until(make)
    return pick(r, ("spaced", f"{a} {b}"), ("bare", a + b))


@identifier("national-id.lu-nin", "S", "lu", "matricule nin numero_matricule", "matricule, numéro d'identification national, matricule nationale")
def lu_nin(r):
    body = f"{day(r):%Y%m%d}" + digits(r, 3)
    n = body + luhn(body) + verhoeff(body)
    return pick(r, ("bare", n), ("spaced", f"{n[:4]} {n[4:6]} {n[6:8]} {n[8:]}"))


@identifier("national-id.nl-bsn", "W", "nl", "bsn burgerservicenummer burgerServiceNummer sofinummer", "BSN, burgerservicenummer, sofinummer")
def nl_bsn(r):
    def make():
        n = digits(r, 8, "12345678")
        c = weighted(n, range(9, 1, -1)) % 11
        return n + str(c) if c < 10 else None
    n = until(make)
    return pick(r, ("bare", n), ("bare", n), ("dotted", f"{n[:4]}.{n[4:6]}.{n[6:]}"))


@identifier("national-id.ch-ahv", "S", "ch", "ahv ahv_nummer ahvNummer avs no_avs", "AHV-Nummer, AHV-Nr., numéro AVS, AVS, numero AVS, Sozialversicherungsnummer")
def ch_ahv(r):
    n = "756" + digits(r, 9)
    n += str(-weighted(n, (1, 3) * 6) % 10)
    return pick(r, ("dotted", f"{n[:3]}.{n[3:7]}.{n[7:11]}.{n[11:]}"), ("bare", n))


# Southern Europe

@identifier("national-id.it-codice-fiscale", "S", "it", "codice_fiscale codiceFiscale cf cod_fiscale", "codice fiscale, C.F., CF, cod. fisc.")
def it_codice_fiscale(r):
    consonants, d = "BCDFGLMNPRSTVZ", day(r)
    body = letters(r, 6, consonants) + f"{d:%y}" + "ABCDEHLMPRST"[d.month - 1] + f"{d.day + r.choice((0, 40)):02}"
    body += r.choice("ABCDEFGHILMZ") + f"{r.randint(1, 999):03}"
    odd = dict(zip(ALNUM, (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16,
                           10, 22, 25, 24, 23)))
    total = sum(odd[c] if i % 2 == 0 else (int(c) if c.isdigit() else LETTERS.index(c)) for i, c in enumerate(body))
    n = body + LETTERS[total % 26]
    return pick(r, ("bare", n), ("bare", n), ("lower", n.lower()))


@identifier("national-id.es-dni", "M", "es", "dni nif documento_identidad numeroDni", "DNI, NIF, documento nacional de identidad, D.N.I.")
def es_dni(r):
    n = digits(r, 8)
    c = "TRWAGMYFPDXBNJZSQVHLCKE"[int(n) % 23]
    return pick(r, ("bare", n + c), ("dashed", f"{n}-{c}"), ("dotted", f"{n[:2]}.{n[2:5]}.{n[5:]}-{c}"), ("bare", n + c))


@identifier("national-id.es-nie", "M", "es", "nie numero_nie NIE numeroNie", "NIE, número de identidad de extranjero, N.I.E.")
def es_nie(r):
    first, n = r.choice("XYZ"), digits(r, 7)
    c = "TRWAGMYFPDXBNJZSQVHLCKE"[int(str("XYZ".index(first)) + n) % 23]
    return pick(r, ("bare", first + n + c), ("dashed", f"{first}-{n}-{c}"), ("bare", first + n + c))


@identifier("national-id.pt-cc", "S", "pt", "cartao_cidadao cc numero_cc cartaoCidadao", "cartão de cidadão, número de cartão de cidadão, CC")
def pt_cc(r):
    body = digits(r, 9, "123456789") + r.choice("ZYXWV") + r.choice("0123456789XYZVW")
    total = 0
    for i, c in enumerate(reversed(body)):
        n = int(c, 36) * (2 if i % 2 == 0 else 1)
        total += n - 9 if i % 2 == 0 and n > 9 else n
    n = body + str(-total % 10)
    return pick(r, ("spaced", f"{n[:8]} {n[8]} {n[9:]}"), ("bare", n))


@identifier("national-id.pt-nif", "W", "pt", "nif contribuinte numero_contribuinte nif_cliente", "NIF, número de contribuinte, contribuinte")
def pt_nif(r):
    n = digits(r, 8, "123")
    c = 11 - weighted(n, range(9, 1, -1)) % 11
    n += str(c if c < 10 else 0)
    return pick(r, ("bare", n), ("spaced", f"{n[:3]} {n[3:6]} {n[6:]}"))


@identifier("national-id.gr-amka", "M", "gr", "amka AMKA arithmos_amka", "ΑΜΚΑ, AMKA, Α.Μ.Κ.Α.")
def gr_amka(r):
    n = dmy(day(r)) + digits(r, 4)
    return "bare", n + luhn(n)


@identifier("national-id.gr-afm", "W", "gr", "afm AFM afm_no", "ΑΦΜ, AFM, Α.Φ.Μ.")
def gr_afm(r):
    n = digits(r, 8, "0123489")
    return "bare", n + str(weighted(n, (256, 128, 64, 32, 16, 8, 4, 2)) % 11 % 10)


@identifier("national-id.cy-tic", "M", "cy", "tic tax_identification_code TIC", "TIC, tax identification code, ΑΦΤ")
def cy_tic(r):
    def make():
        n = digits(r, 8, "01345")
        return None if n.startswith("12") else n
    n = until(make)
    turned = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21)
    return "bare", n + LETTERS[sum(turned[int(c)] if i % 2 == 0 else int(c) for i, c in enumerate(n)) % 26]


@identifier("national-id.hr-oib", "M", "hr", "oib OIB osobni_identifikacijski_broj", "OIB, osobni identifikacijski broj")
def hr_oib(r):
    n = digits(r, 10)
    return "bare", n + mod11_10(n)


@identifier("national-id.si-emso", "M", "si", "emso EMSO maticna_stevilka", "EMŠO, EMSO, enotna matična številka občana")
def si_emso(r):
    def make():
        d = day(r)
        n = f"{d:%d%m}{d.year % 1000:03}50{r.randint(0, 999):03}"
        c = -weighted(n, (7, 6, 5, 4, 3, 2) * 2) % 11
        return n + str(c) if c < 10 else None
    return "bare", until(make)


# Northern Europe

@identifier("national-id.se-personnummer", "M", "se", "personnummer pnr personNummer", "personnummer, personnr, pers.nr")
def se_personnummer(r):
    d = day(r, 1935, 2005)
    n = ymd(d) + f"{r.randint(1, 999):03}"
    n += luhn(n)
    return pick(r, ("dashed", f"{n[:6]}-{n[6:]}"), ("long dashed", f"{d.year // 100}{n[:6]}-{n[6:]}"), ("long", f"{d.year // 100}{n}"), ("bare", n))


@identifier("national-id.no-fnr", "S", "no", "fodselsnummer fnr fødselsnummer personnummer", "fødselsnummer, fnr, personnummer, f.nr.")
def no_fnr(r):
    def make():
        d = day(r, 1940, 2008)
        n = dmy(d) + f"{r.randint(0, 499) if d.year < 2000 else r.randint(500, 999):03}"
        a = -weighted(n, (3, 7, 6, 1, 8, 9, 4, 5, 2)) % 11
        if a > 9:
            return None
        n += str(a)
        b = -weighted(n, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
        return n + str(b) if b < 10 else None
    n = until(make)
    return pick(r, ("bare", n), ("spaced", f"{n[:6]} {n[6:]}"))


@identifier("national-id.dk-cpr", "W", "dk", "cpr cpr_nummer cprNummer cpr_nr", "CPR-nummer, CPR-nr., CPR, cpr nr.")
def dk_cpr(r):
    d = day(r, 1940, 1999)
    n = dmy(d) + digits(r, 4, "0123")
    return pick(r, ("dashed", f"{n[:6]}-{n[6:]}"), ("bare", n))


@identifier("national-id.fi-hetu", "S", "fi", "hetu henkilotunnus henkilötunnus personbeteckning", "henkilötunnus, hetu, HETU, personbeteckning")
def fi_hetu(r):
    d, n = day(r, 1930, 2010), f"{r.randint(2, 899):03}"
    sign = r.choice("-YXWVU" if r.random() < .1 else "-") if d.year < 2000 else r.choice("ABCDEF" if r.random() < .1 else "A")
    return "bare", f"{dmy(d)}{sign}{n}" + "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(dmy(d) + n) % 31]


@identifier("national-id.is-kennitala", "M", "is", "kennitala kt kennitala_nr", "kennitala, kt.")
def is_kennitala(r):
    def make():
        d = day(r, 1940, 2008)
        n = dmy(d) + f"{r.randint(20, 99)}"
        c = -weighted(n, (3, 2, 7, 6, 5, 4, 3, 2)) % 11
        return n + str(c) + ("9" if d.year < 2000 else "0") if c < 10 else None
    n = until(make)
    return pick(r, ("dashed", f"{n[:6]}-{n[6:]}"), ("bare", n))


@identifier("national-id.ee-ik", "M", "ee", "isikukood ik personal_code", "isikukood, IK")
def ee_ik(r):
    return "bare", baltic(r)


@identifier("national-id.lt-ak", "M", "lt", "asmens_kodas asmensKodas", "asmens kodas, a.k.")
def lt_ak(r):
    return "bare", baltic(r)


def baltic(r):
    d = day(r, 1940, 2008)
    n = str((d.year // 100 - 18) * 2 + r.choice((1, 2))) + ymd(d) + digits(r, 3)
    c = weighted(n, (1, 2, 3, 4, 5, 6, 7, 8, 9, 1)) % 11
    if c == 10:
        c = weighted(n, (3, 4, 5, 6, 7, 8, 9, 1, 2, 3)) % 11 % 10
    return n + str(c)


@identifier("national-id.lv-pk", "M", "lv", "personas_kods personasKods", "personas kods, p.k.")
def lv_pk(r):
    def make():
        d = day(r, 1940, 2008)
        n = dmy(d) + ("1" if d.year < 2000 else "2") + digits(r, 3)
        c = (1101 - weighted(n, (1, 6, 3, 7, 9, 10, 5, 8, 4, 2))) % 11
        return n + str(c) if c < 10 else None
    n = until(make)
    return pick(r, ("dashed", f"{n[:6]}-{n[6:]}"), ("dashed", f"{n[:6]}-{n[6:]}"), ("bare", n))


# Eastern Europe

@identifier("national-id.pl-pesel", "M", "pl", "pesel PESEL nr_pesel numerPesel", "PESEL, nr PESEL, numer PESEL")
def pl_pesel(r):
    d = day(r, 1940, 2008)
    n = f"{d:%y}{d.month + (20 if d.year >= 2000 else 0):02}{d:%d}" + digits(r, 4)
    return "bare", n + str(-weighted(n, (1, 3, 7, 9) * 3) % 10)


@identifier("national-id.pl-nip", "W", "pl", "nip NIP numer_nip", "NIP, numer NIP, nr NIP")
def pl_nip(r):
    def make():
        n = digits(r, 3, "12345678").replace("0", "1") + digits(r, 6)
        c = weighted(n, (6, 5, 7, 2, 3, 4, 5, 6, 7)) % 11
        return n + str(c) if c < 10 else None
    n = until(make)
    return pick(r, ("dashed", f"{n[:3]}-{n[3:6]}-{n[6:8]}-{n[8:]}"), ("bare", n), ("dashed", f"{n[:3]}-{n[3:5]}-{n[5:7]}-{n[7:]}"))


def czech(r):
    def make():
        d = day(r, 1954, 2003)
        n = f"{d:%y}{d.month + r.choice((0, 50)):02}{d:%d}" + digits(r, 3)
        c = int(n) % 11
        return None if c == 10 else n + str(c)
    n = until(make)
    return pick(r, ("slashed", f"{n[:6]}/{n[6:]}"), ("slashed", f"{n[:6]}/{n[6:]}"), ("bare", n))


@identifier("national-id.cz-rc", "M", "cz", "rodne_cislo rc rodneCislo", "rodné číslo, r.č., RČ")
def cz_rc(r):
    return czech(r)


@identifier("national-id.sk-rc", "M", "sk", "rodne_cislo rc rodneCislo", "rodné číslo, rodným číslom, r. č.")
def sk_rc(r):
    return czech(r)


@identifier("national-id.hu-taj", "W", "hu", "taj taj_szam tajszam", "TAJ-szám, TAJ, társadalombiztosítási azonosító jel")
def hu_taj(r):
    n = digits(r, 8, "0123456789")
    n += str(weighted(n, (3, 7) * 4) % 10)
    return pick(r, ("spaced", f"{n[:3]} {n[3:6]} {n[6:]}"), ("dashed", f"{n[:3]}-{n[3:6]}-{n[6:]}"), ("bare", n))


@identifier("national-id.ro-cnp", "M", "ro", "cnp CNP cod_numeric_personal", "CNP, cod numeric personal")
def ro_cnp(r):
    d = day(r, 1940, 2008)
    county = r.choice([*range(1, 47), 51, 52])
    n = str((1 if d.year < 2000 else 5) + r.choice((0, 1))) + ymd(d) + f"{county:02}{r.randint(1, 999):03}"
    c = weighted(n, (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
    return "bare", n + str(1 if c == 10 else c)


@identifier("national-id.bg-egn", "M", "bg", "egn EGN egn_number", "ЕГН, EGN, единен граждански номер")
def bg_egn(r):
    d = day(r, 1940, 2008)
    n = f"{d:%y}{d.month + (40 if d.year >= 2000 else 0):02}{d:%d}" + digits(r, 3)
    return "bare", n + str(weighted(n, (2, 4, 8, 5, 10, 9, 7, 3, 6)) % 11 % 10)


@identifier("national-id.ru-inn12", "S", "ru", "inn ИНН inn_fl taxInn", "ИНН, INN, инн физлица")
def ru_inn12(r):
    n = f"{r.randint(1, 92):02}" + digits(r, 8)
    n += str(weighted(n, (7, 2, 4, 10, 3, 5, 9, 4, 6, 8)) % 11 % 10)
    return "bare", n + str(weighted(n, (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)) % 11 % 10)


@identifier("national-id.ru-snils", "S", "ru", "snils СНИЛС snils_number", "СНИЛС, SNILS, страховой номер")
def ru_snils(r):
    n = f"{r.randint(2_000_000, 199_999_999):09}"
    c = weighted(n, range(9, 0, -1)) % 101 % 100
    return pick(r, ("spaced", f"{n[:3]}-{n[3:6]}-{n[6:]} {c:02}"), ("dashed", f"{n[:3]}-{n[3:6]}-{n[6:]}-{c:02}"), ("bare", f"{n}{c:02}"))


@identifier("national-id.ua-rnokpp", "W", "ua", "rnokpp РНОКПП ipn rnokppCode", "РНОКПП, ІПН, податковий номер, RNOKPP")
def ua_rnokpp(r):
    days = day(r, 1945, 2004).toordinal() - datetime.date(1899, 12, 31).toordinal()
    n = f"{days:05}" + digits(r, 4)
    return "bare", n + str(weighted(n, (-1, 5, 7, 9, 4, 6, 10, 5, 7)) % 11 % 10)


@identifier("national-id.tr-tckimlik", "S", "tr", "tckn tc_kimlik_no tcKimlikNo kimlik_no", "T.C. kimlik no, TC Kimlik Numarası, TCKN, kimlik numarası")
def tr_tckimlik(r):
    n = digits(r, 9, "123456789")
    d = [int(c) for c in n]
    n += str((sum(d[0::2]) * 7 - sum(d[1::2])) % 10)
    return "bare", n + str(sum(int(c) for c in n) % 10)


# Latin America

@identifier("national-id.br-cpf", "S", "br", "cpf CPF numero_cpf cpfCliente", "CPF, CPF nº, cadastro de pessoa física")
def br_cpf(r):
    n = digits(r, 9)
    for _ in range(2):
        c = weighted(n, range(len(n) + 1, 1, -1)) * 10 % 11 % 10
        n += str(c)
    return pick(r, ("dotted", f"{n[:3]}.{n[3:6]}.{n[6:9]}-{n[9:]}"), ("bare", n), ("dotted", f"{n[:3]}.{n[3:6]}.{n[6:9]}-{n[9:]}"))


@identifier("national-id.br-cnpj", "S", "br", "cnpj CNPJ numero_cnpj", "CNPJ, CNPJ nº, cadastro nacional da pessoa jurídica")
def br_cnpj(r):
    n = digits(r, 8) + f"{r.randint(1, 30):04}"
    for weights in ((5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2), (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)):
        c = weighted(n, weights) % 11
        n += str(0 if c < 2 else 11 - c)
    return pick(r, ("dotted", f"{n[:2]}.{n[2:5]}.{n[5:8]}/{n[8:12]}-{n[12:]}"), ("bare", n))


@identifier("national-id.mx-curp", "S", "mx", "curp CURP clave_curp", "CURP, clave única de registro de población")
def mx_curp(r):
    d = day(r)
    state = r.choice("AS BC BS CC CL CM CS CH DF DG GT GR HG JC MC MN MS NT NL OC PL QT QR SP SL SR TC TS TL VZ YN ZS NE".split())
    n = r.choice("BCDFGHLMNPRSTVZ") + r.choice("AEIOU") + letters(r, 2, "CDFGHLMNPRSTVZ") + ymd(d) + r.choice("HM") + state
    n += letters(r, 3, "BCDFGHJLMNPRSTVZ") + (r.choice("0123456789") if d.year < 2000 else r.choice("ABC"))
    total = sum("0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ".index(c) * (18 - i) for i, c in enumerate(n))
    return "bare", n + str(-total % 10)


@identifier("national-id.mx-rfc", "M", "mx", "rfc RFC rfc_cliente", "RFC, registro federal de contribuyentes")
def mx_rfc(r):
    n = r.choice("BCDFGHLMNPRSTVZ") + r.choice("AEIOU") + letters(r, 2, "CDFGHLMNPRSTVZ") + ymd(day(r)) + letters(r, 2, "123456789ABCDEFGHIJKLMNPQRSTUVWXYZ")
    total = sum("0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ Ñ".index(c) * (13 - i) for i, c in enumerate(n))
    c = -total % 11
    return "bare", n + ("A" if c == 10 else str(c))


@identifier("national-id.ar-cuit", "M", "ar", "cuit cuil CUIT numero_cuit", "CUIT, CUIL, CUIT/CUIL, clave única de identificación tributaria")
def ar_cuit(r):
    def make():
        n = r.choice(("20", "23", "24", "27", "30", "33")) + digits(r, 8)
        c = -weighted(n, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
        return n + str(c) if c < 10 else None
    n = until(make)
    return pick(r, ("dashed", f"{n[:2]}-{n[2:10]}-{n[10:]}"), ("bare", n))


@identifier("national-id.do-cedula", "M", "do", "cedula numero_cedula cedulaIdentidad", "cédula, cédula de identidad, número de cédula")
def do_cedula(r):
    n = r.choice(("001", "002", "012", "023", "026", "031", "037", "047", "054", "056", "402", "223", "224", "225")) + digits(r, 7)
    n += luhn(n)
    return pick(r, ("dashed", f"{n[:3]}-{n[3:10]}-{n[10:]}"), ("bare", n))


@identifier("national-id.cl-rut", "W", "cl", "rut rutCliente rut_cliente RUT", "RUT, RUN/RUT, R.U.T.")
def cl_rut(r):
    n = str(r.randint(5_000_000, 26_000_000))
    total = sum(int(c) * (2 + i % 6) for i, c in enumerate(reversed(n)))
    c = "0123456789K0"[11 - total % 11]
    return pick(r, ("dotted", f"{int(n):,}".replace(",", ".") + "-" + c), ("dashed", f"{n}-{c}"))


@identifier("national-id.co-nit", "W", "co", "nit NIT numero_nit", "NIT, número de identificación tributaria")
def co_nit(r):
    n = digits(r, 9, "89")
    total = sum(int(c) * w for c, w in zip(reversed(n), (3, 7, 13, 17, 19, 23, 29, 37, 41)))
    c = total % 11
    c = str(c if c < 2 else 11 - c)
    return pick(r, ("dotted", f"{int(n):,}".replace(",", ".") + "-" + c), ("dashed", f"{n}-{c}"))


@identifier("national-id.ec-ci", "W", "ec", "cedula cedula_identidad numeroCedula cedula_ciudadania", "cédula, cédula de identidad, C.I., cédula de ciudadanía")
def ec_ci(r):
    n = f"{r.randint(1, 24):02}{r.randint(0, 5)}" + digits(r, 6)
    return "bare", n + luhn(n)


# Asia

@identifier("national-id.cn-ric", "S", "cn", "id_card shenfenzheng idCardNo sfz id_no", "身份证号, 身份证号码, 公民身份号码, ID card number")
def cn_ric(r):
    area = r.choice("110101 110105 310101 310115 440103 440305 330106 320102 510104 420106 610103 370102 210102 350203 500103".split())
    n = area + f"{day(r, 1950, 2008):%Y%m%d}" + f"{r.randint(1, 999):03}"
    return "bare", n + "10X98765432"[weighted(n, (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)) % 11]


def indian_pan(r):
    return letters(r, 3) + r.choice("PPPPCHFAT") + letters(r, 1) + f"{r.randint(1, 9999):04}" + letters(r, 1)


@identifier("national-id.in-gstin", "S", "in", "gstin gst_number GSTIN gstNo", "GSTIN, GST number, GST No.")
def in_gstin(r):
    n = f"{r.choice([*range(1, 25), 27, 29, 30, 32, 33, 36, 37]):02}" + indian_pan(r) + r.choice("1234") + "Z"
    total = 0
    for i, c in enumerate(n):
        x = ALNUM.index(c) * (2 if i % 2 else 1)
        total += x // 36 + x % 36
    return "bare", n + ALNUM[-total % 36]


@identifier("national-id.in-aadhaar", "M", "in", "aadhaar aadhaar_number aadhaarNo aadhar_card aadhar", "Aadhaar, Aadhaar number, Aadhar card no, आधार, UIDAI number")
def in_aadhaar(r):
    n = digits(r, 11, "23456789")
    n += verhoeff(n)
    return pick(r, ("spaced", f"{n[:4]} {n[4:8]} {n[8:]}"), ("bare", n), ("dashed", f"{n[:4]}-{n[4:8]}-{n[8:]}"))


@identifier("national-id.in-pan", "M", "in", "pan pan_number panNo pan_card", "PAN, PAN number, PAN card, Permanent Account Number")
def in_pan(r):
    return "bare", indian_pan(r)


@identifier("national-id.in-epic", "W", "in", "epic epic_no voter_id voterId", "EPIC, voter ID, EPIC number, voter card no")
def in_epic(r):
    n = digits(r, 6)
    return "bare", letters(r, 3) + n + luhn(n)


@identifier("national-id.kr-rrn", "M", "kr", "rrn jumin resident_registration_number juminNo", "주민등록번호, RRN, resident registration number, 주민번호")
def kr_rrn(r):
    d = day(r, 1950, 2008)
    n = ymd(d) + str((1 if d.year < 2000 else 3) + r.choice((0, 1))) + f"{r.randint(0, 95):02}{r.randint(1, 60):02}" + r.choice("12")
    n += str((11 - weighted(n, (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)) % 11) % 10)
    return pick(r, ("dashed", f"{n[:6]}-{n[6:]}"), ("dashed", f"{n[:6]}-{n[6:]}"), ("bare", n))


@identifier("national-id.sg-nric", "M", "sg", "nric fin nric_no NRIC", "NRIC, FIN, NRIC/FIN, NRIC No.")
def sg_nric(r):
    first, n = r.choice("STFG"), digits(r, 7)
    total = weighted(n, (2, 7, 6, 5, 4, 3, 2)) + (4 if first in "TG" else 0)
    return "bare", first + n + ("JZIHGFEDCBA" if first in "ST" else "XWUTRQPNMLK")[total % 11]


@identifier("national-id.hk-hkid", "M", "hk", "hkid hkid_no HKID identity_card", "HKID, Hong Kong identity card, 香港身份證, 身份證號碼")
def hk_hkid(r):
    prefix, n = r.choice((letters(r, 1, "ABCDEFGHKMPRVYZ"), letters(r, 1, "ABCDEFGHKMPRVYZ"), "W" + letters(r, 1, "XABC"))), digits(r, 6)
    values = [36] * (2 - len(prefix)) + [LETTERS.index(c) + 10 for c in prefix] + [int(c) for c in n]
    c = -sum(v * w for v, w in zip(values, (9, 8, 7, 6, 5, 4, 3, 2))) % 11
    c = "A" if c == 10 else str(c)
    return pick(r, ("bracketed", f"{prefix}{n}({c})"), ("bare", prefix + n + c))


@identifier("national-id.tw-id", "M", "tw", "national_id tw_id nationalId shenfenzheng", "身分證字號, 身份證字號, National ID, 國民身分證統一編號")
def tw_id(r):
    first = r.choice("ABCDEFGHJKMNOPQTUVXWZI")
    value = "ABCDEFGHJKLMNPQRSTUVXYWZIO".index(first) + 10
    n = r.choice("12") + digits(r, 7)
    total = value // 10 + value % 10 * 9 + weighted(n, (8, 7, 6, 5, 4, 3, 2, 1))
    return "bare", first + n + str(-total % 10)


@identifier("national-id.th-pin", "M", "th", "citizen_id thai_id citizenId thaiNationalId", "เลขประจำตัวประชาชน, เลขบัตรประชาชน, Thai ID, citizen ID")
def th_pin(r):
    n = digits(r, 12, "12345678")
    n += str((11 - weighted(n, range(13, 1, -1)) % 11) % 10)
    return pick(r, ("bare", n), ("dashed", f"{n[0]}-{n[1:5]}-{n[5:10]}-{n[10:12]}-{n[12]}"))


@identifier("national-id.jp-my-number", "W", "jp", "my_number mynumber kojin_bango myNumber", "マイナンバー, 個人番号, My Number")
def jp_my_number(r):
    n = digits(r, 11)
    c = weighted(n, (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    n += str(0 if c < 2 else 11 - c)
    return pick(r, ("bare", n), ("spaced", f"{n[:4]} {n[4:8]} {n[8:]}"), ("dashed", f"{n[:4]}-{n[4:8]}-{n[8:]}"))


@identifier("national-id.my-nric", "W", "my", "mykad nric ic_number no_kp", "MyKad, IC number, No. KP, NRIC, no. kad pengenalan")
def my_nric(r):
    n = ymd(day(r)), r.choice("01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 16".split()), digits(r, 4)
    return pick(r, ("dashed", "-".join(n)), ("bare", "".join(n)))


@identifier("national-id.id-nik", "W", "id", "nik no_ktp NIK nomor_ktp", "NIK, No. KTP, nomor induk kependudukan")
def id_nik(r):
    d = day(r)
    place = r.choice("317401 327301 337402 357801 510301 127101 137101 167101 187101 367101 647101 737101".split())
    return "bare", f"{place}{d.day + r.choice((0, 40)):02}{d:%m%y}{r.randint(1, 60):04}"


@identifier("national-id.pk-cnic", "W", "pk", "cnic cnic_no CNIC", "CNIC, CNIC number, شناختی کارڈ, NIC")
def pk_cnic(r):
    n = digits(r, 5, "1234567"), digits(r, 7), digits(r, 1, "123456789")
    return pick(r, ("dashed", "-".join(n)), ("dashed", "-".join(n)), ("bare", "".join(n)))


# Middle East and Africa

@identifier("national-id.il-id", "W", "il", "teudat_zehut israeli_id teudatZehut mispar_zehut", "תעודת זהות, מספר זהות, Teudat Zehut, ת.ז.")
def il_id(r):
    n = f"{r.randint(1_000_000, 39_000_000):08}"
    return "bare", n + luhn(n)


@identifier("national-id.za-id", "M", "za", "id_number sa_id idNumber rsa_id", "SA ID, ID number, South African ID number, RSA ID")
def za_id(r):
    n = ymd(day(r)) + digits(r, 4) + r.choice("01") + "8"
    n += luhn(n)
    return pick(r, ("bare", n), ("bare", n), ("spaced", f"{n[:6]} {n[6:10]} {n[10:]}"))


@identifier("national-id.mu-nid", "M", "mu", "nid national_identity_card nic_number", "NIC number, National Identity Card, NID")
def mu_nid(r):
    n = letters(r, 1) + dmy(day(r)) + digits(r, 6)
    total = sum(int(c, 36) * w for c, w in zip(n, range(14, 1, -1)))
    return "bare", n + ALNUM[(17 - total) % 17]


# Health, travel

@identifier("health.uk-nhs", "W", "uk", "nhs_number nhsNumber nhs NHS_NO", "NHS number, NHS no., NHS No")
def uk_nhs(r):
    def make():
        n = digits(r, 9, "4679")
        c = 11 - weighted(n, range(10, 1, -1)) % 11
        return n + str(c % 11) if c != 10 else None
    n = until(make)
    return pick(r, ("spaced", f"{n[:3]} {n[3:6]} {n[6:]}"), ("bare", n), ("dashed", f"{n[:3]}-{n[3:6]}-{n[6:]}"))


@identifier("health.au-medicare", "W", "au", "medicare medicare_number medicareNumber medicare_no", "Medicare number, Medicare card, Medicare no.")
def au_medicare(r):
    n = digits(r, 8, "23456")
    n += str(weighted(n, (1, 3, 7, 9, 1, 3, 7, 9)) % 10) + r.choice("123456789")
    return pick(r, ("spaced", f"{n[:4]} {n[4:9]} {n[9]}"), ("bare", n))


@identifier("health.us-npi", "W", "us", "npi npi_number providerNpi NPI", "NPI, National Provider Identifier, NPI number")
def us_npi(r):
    n = digits(r, 9, "1")
    return "bare", n + luhn("80840" + n)


@identifier("health.us-dea", "M", "us", "dea dea_number deaNumber DEA", "DEA number, DEA #, DEA registration")
def us_dea(r):
    n = digits(r, 6)
    c = (sum(map(int, n[0::2])) + 2 * sum(map(int, n[1::2]))) % 10
    return "bare", r.choice("ABFGM") + r.choice(LETTERS) + n + str(c)


@identifier("health.us-mbi", "M", "us", "mbi medicare_beneficiary_id mbiNumber MBI", "MBI, Medicare Beneficiary Identifier, Medicare number")
def us_mbi(r):
    a = "ACDEFGHJKMNPQRTUVWXY"
    an = a + "0123456789"
    n = r.choice("123456789") + r.choice(a) + r.choice(an) + digits(r, 1) + r.choice(a) + r.choice(an) + digits(r, 1) + letters(r, 2, a) + digits(r, 2)
    return pick(r, ("bare", n), ("dashed", f"{n[:4]}-{n[4:7]}-{n[7:]}"))


@identifier("travel.us-passport", "W", "us", "passport_number passport passportNo us_passport", "passport number, US passport, passport no.")
def us_passport(r):
    return pick(r, ("bare", digits(r, 9, "1234567")), ("letter", r.choice("ACY") + digits(r, 8)))


@identifier("travel.uk-passport", "W", "uk", "passport_number passport passportNo uk_passport", "passport number, UK passport, passport no.")
def uk_passport(r):
    return "bare", digits(r, 9, "1235")


def mrz_check(text):
    return str(sum((0 if c == "<" else int(c, 36)) * (7, 3, 1)[i % 3] for i, c in enumerate(text)) % 10)


def mrz_parts(r):
    country = r.choice(("D<<", "USA", "GBR", "FRA", "ITA", "ESP", "POL", "NLD", "SWE", "IND", "BRA", "JPN"))
    number = letters(r, 1, "CFGHJKLMNPRTVWXYZ") + digits(r, 8)
    surname, given = r.choice("MUSTERMANN SMITH GARCIA DUPONT ROSSI KOWALSKI JANSEN SINGH SILVA".split()), r.choice("ERIKA JOHN<PAUL MARIA ANNE ANNA<LUISA".split())
    return country, number, number + mrz_check(number), ymd(day(r)), r.choice("MF<"), f"{r.randint(26, 35)}{day(r):%m%d}", f"{surname}<<{given}"


@identifier("travel.mrz-td3", "S", "xx", "mrz machine_readable_zone", "MRZ, machine readable zone, passport MRZ")
def mrz_td3(r):
    country, _, number, born, sex, until_, name = mrz_parts(r)
    personal = "<" * 14
    second = number + country + born + mrz_check(born) + sex + until_ + mrz_check(until_) + personal + r.choice("<0")
    second += mrz_check(second[0:10] + second[13:20] + second[21:43])
    return "two lines", f"P<{country}{name}".ljust(44, "<") + "\n" + second


@identifier("travel.mrz-td2", "S", "xx", "mrz machine_readable_zone", "MRZ, machine readable zone")
def mrz_td2(r):
    country, _, number, born, sex, until_, name = mrz_parts(r)
    second = number + country + born + mrz_check(born) + sex + until_ + mrz_check(until_) + "<" * 7
    second += mrz_check(second[0:10] + second[13:20] + second[21:35])
    return "two lines", f"I<{country}{name}".ljust(36, "<") + "\n" + second


@identifier("travel.mrz-td1", "S", "xx", "mrz machine_readable_zone", "MRZ, machine readable zone, ID card MRZ")
def mrz_td1(r):
    country, _, number, born, sex, until_, name = mrz_parts(r)
    first = (f"I<{country}" + number).ljust(30, "<")
    second = born + mrz_check(born) + sex + until_ + mrz_check(until_) + country + "<" * 11
    second += mrz_check(first[5:30] + second[0:7] + second[8:15] + second[18:29])
    return "three lines", first + "\n" + second + "\n" + name.ljust(30, "<")
