"""Values that python-stdnum calls valid, each with the labels and keys that people and programs give it; for elsewhere.py."""
import datetime, random, re, string
from importlib import import_module

from stdnum import luhn

r = random.Random(1)


def d(n):
    return "".join(r.choice("0123456789") for _ in range(n))


def L(n):
    return "".join(r.choice(string.ascii_uppercase) for _ in range(n))


def date(a=1940, b=2005):
    return datetime.date(a, 1, 1) + datetime.timedelta(days=r.randrange((b - a) * 365))


def brute(mod, make, ok=None):
    m = import_module("stdnum." + mod)
    for _ in range(200000):
        v = make()
        if m.is_valid(v) and (not ok or ok(v)):
            return v
    raise SystemExit("no " + mod)


def tail(mod, body, alphabet, n=1):
    m = import_module("stdnum." + mod)

    def make():
        b = body() if callable(body) else body
        return b + "".join(r.choice(alphabet) for _ in range(n))

    return brute(mod, make)


D = "0123456789"


def grp(v, sizes, sep):
    o = []
    i = 0
    for s in sizes:
        o.append(v[i : i + s])
        i += s
    return sep.join(o)


def pan():
    pre, ln = r.choice([("4", 16)] * 4 + [("51", 16), ("55", 16), ("2402", 16), ("34", 15), ("37", 15), ("6011", 16), ("65", 16), ("36", 14), ("3530", 16), ("622126", 16), ("2201", 16), ("6070", 16)])
    b = pre + d(ln - len(pre) - 1)
    v = b + luhn.calc_check_digit(b)
    s = r.random()
    if s < 0.45:
        return v
    sz = {16: [4, 4, 4, 4], 15: [4, 6, 5], 14: [4, 6, 4]}[ln]
    return grp(v, sz, r.choice([" ", "-", ".", "\u00a0", " "]))


def iban():
    C = {
        "DE": "18n",
        "FR": "10n11c2n",
        "GB": "4a14n",
        "NL": "4a10n",
        "ES": "20n",
        "IT": "1a10n12c",
        "LU": "3n13c",
        "LV": "4a13c",
        "MT": "4a5n18c",
        "CH": "5n12c",
        "PL": "24n",
        "AT": "16n",
        "BE": "12n",
        "SE": "20n",
        "NO": "11n",
        "RO": "4a16c",
        "TR": "6n16c",
        "IE": "4a14n",
        "PT": "21n",
        "SA": "2n18c",
        "KZ": "3n13c",
        "HU": "24n",
        "CY": "8n16c",
        "GE": "2a16n",
        "AE": "19n",
    }
    for _ in range(5000):
        c = r.choice(list(C))
        b = "".join({"n": d, "a": L, "c": lambda n: "".join(r.choice(D + D + string.ascii_uppercase) for _ in range(n))}[k](int(n)) for n, k in re.findall(r"(\d+)([nac])", C[c]))
        x = "".join(str(int(ch, 36)) for ch in b + c + "00")
        v = c + "%02d" % (98 - int(x) % 97) + b
        return v if r.random() < 0.5 else " ".join(v[i : i + 4] for i in range(0, len(v), 4))


def b36():
    return r.choice(D + string.ascii_uppercase)


G = {}


def g(i, t, labels, keys, f):
    G[i] = (t, labels.split("|"), keys.split("|"), f)


def ymd(x, y4=True):
    return x.strftime("%Y%m%d" if y4 else "%y%m%d")


g(
    "payment.pan",
    "S",
    "card no|credit card used|Kartennr.|n° de carte|numer karty|kártyaszám|číslo karty|luottokortin numero|kart numarası|номер карты|卡号|カード番号|kortnr",
    "cardNumber|card_no|pan|ccNumber|payment_card|card",
    pan,
)
g("payment.iban", "S", "IBAN|bank account (IBAN)|konto IBAN|compte IBAN|rekening", "iban|beneficiary_iban|bankAccount|IBAN", iban)
g(
    "national-id.us-ssn",
    "M",
    "SSN|Social Security no.|soc sec number|social security number",
    "ssn|applicantSsn|social_security_number",
    lambda: brute("us.ssn", lambda: "%s-%s-%s" % (d(3), d(2), d(4)), lambda v: v[0] != "9"),
)
g("national-id.us-ein", "W", "EIN|employer identification no.|federal EIN", "ein|employer_ein", lambda: brute("us.ein", lambda: d(2) + "-" + d(7)))
g(
    "national-id.ca-sin",
    "W",
    "SIN|social insurance number|NAS",
    "sin|social_insurance_number",
    lambda: brute("ca.sin", lambda: grp(d(9), [3, 3, 3], r.choice([" ", "-", ""])), lambda v: v[0] not in "08"),
)
g("health.uk-nhs", "W", "NHS number|NHS no", "nhsNumber|nhs_no", lambda: brute("gb.nhs", lambda: grp(d(10), [3, 3, 4], r.choice([" ", ""]))))
g("national-id.uk-utr", "W", "UTR|Unique Taxpayer Reference", "utr", lambda: brute("gb.utr", lambda: d(10)))
g("national-id.uk-nino", "M", "NI number|National Insurance number|NINO", "nino|niNumber", lambda: r.choice(["AB", "CE", "JG", "SK", "WM", "PT"]) + d(6) + r.choice("ABCD"))
g("national-id.de-idnr", "M", "Steuer-ID|steuerliche Identifikationsnummer|IdNr.", "steuerId|tax_id_de|steueridentifikationsnummer", lambda: brute("de.idnr", lambda: d(11)))
g(
    "national-id.fr-nir",
    "S",
    "n° de sécurité sociale|NIR|numéro de sécu",
    "nir|numeroSecuriteSociale",
    lambda: tail("fr.nir", lambda: r.choice("12") + date().strftime("%y%m") + "%02d" % r.randint(1, 95) + d(6), D, 2),
)
g("national-id.be-nn", "S", "rijksregisternummer|numéro national|NISS", "rijksregisternummer|niss", lambda: tail("be.nn", lambda: ymd(date(), False) + d(3), D, 2))
g("national-id.nl-bsn", "W", "BSN|burgerservicenummer", "bsn|burgerservicenummer", lambda: brute("nl.bsn", lambda: d(9), lambda v: v[0] != "0"))
g("national-id.at-svnr", "W", "SV-Nummer|Sozialversicherungsnummer|SVNR", "svnr|sozialversicherungsnummer", lambda: brute("at.vnr", lambda: r.choice("123456789") + d(3) + date().strftime("%d%m%y")))
g("national-id.ch-ahv", "S", "AHV-Nr.|n° AVS|AHV", "ahvNummer|avs", lambda: (lambda v: r.choice([v, grp(v, [3, 4, 4, 2], ".")]))(tail("ch.ssn", lambda: "756" + d(9), D)))
g(
    "national-id.it-codice-fiscale",
    "S",
    "codice fiscale|C.F.|cod. fisc.",
    "codiceFiscale|cf|codice_fiscale",
    lambda: tail(
        "it.codicefiscale",
        lambda: "".join(r.choice("BCDFGLMNPRSTV") for _ in range(6)) + date().strftime("%y") + r.choice("ABCDEHLMPRST") + "%02d" % r.randint(1, 28) + r.choice(["H501", "F205", "L219", "A944"]),
        string.ascii_uppercase,
    ),
)
g("national-id.es-dni", "M", "DNI|NIF|documento de identidad", "dni|nif", lambda: tail("es.dni", lambda: d(8), string.ascii_uppercase))
g("national-id.es-nie", "M", "NIE|número de extranjero", "nie", lambda: tail("es.nie", lambda: r.choice("XYZ") + d(7), string.ascii_uppercase))
g("national-id.pt-nif", "W", "NIF|contribuinte n.º|número de contribuinte", "nif|contribuinte", lambda: brute("pt.nif", lambda: r.choice("12") + d(8)))
g("national-id.gr-afm", "W", "ΑΦΜ|AFM", "afm", lambda: brute("gr.vat", lambda: d(9)))
g("national-id.se-personnummer", "M", "personnummer|pers.nr", "personnummer|personnr", lambda: brute("se.personnummer", lambda: ymd(date(), r.random() < 0.5) + "-" + d(4)))
g("national-id.no-fnr", "S", "fødselsnummer|fnr", "fodselsnummer|fnr", lambda: brute("no.fodselsnummer", lambda: date().strftime("%d%m%y") + d(5)))
g("national-id.dk-cpr", "W", "CPR-nummer|CPR", "cpr|cprNummer", lambda: brute("dk.cpr", lambda: date(1940, 1999).strftime("%d%m%y") + r.choice(["-", ""]) + d(4)))
g(
    "national-id.fi-hetu",
    "S",
    "henkilötunnus|hetu",
    "hetu|henkilotunnus",
    lambda: tail("fi.hetu", lambda: date(1940, 1999).strftime("%d%m%y") + "-" + "%03d" % r.randint(2, 899), "0123456789ABCDEFHJKLMNPRSTUVWXY"),
)
g("national-id.ee-ik", "M", "isikukood", "isikukood", lambda: tail("ee.ik", lambda: r.choice("34") + ymd(date(1940, 1999), False) + d(3), D))
g("national-id.lt-ak", "M", "asmens kodas", "asmensKodas", lambda: tail("lt.asmens", lambda: r.choice("34") + ymd(date(1940, 1999), False) + d(3), D))
g("national-id.lv-pk", "M", "personas kods", "personasKods|personas_kods", lambda: lvpk())


def rfc():
    b = "".join(r.choice("BCDFGHLMNRSTV") for _ in range(4)) + ymd(date(), False) + b36() + b36()
    return b + import_module("stdnum.mx.rfc").calc_check_digit(b)


def lvpk():
    m = import_module("stdnum.lv.pvn")
    while True:
        b = date(1940, 1999).strftime("%d%m%y") + "1" + d(3)
        for c in D:
            if m.is_valid(b + c) and m.calc_check_digit_pers(b + c) == c:
                return b[:6] + "-" + (b + c)[6:]


g("national-id.pl-pesel", "M", "PESEL|nr PESEL", "pesel", lambda: brute("pl.pesel", lambda: ymd(date(1940, 1999), False) + d(5)))
g("national-id.pl-nip", "W", "NIP|numer NIP", "nip", lambda: brute("pl.nip", lambda: d(10), lambda v: v[0] != "0"))
g("national-id.cz-rc", "M", "rodné číslo|r. č.", "rodneCislo|rodne_cislo", lambda: brute("cz.rc", lambda: ymd(date(1955, 1999), False) + "/" + d(4)))
g("national-id.ro-cnp", "M", "CNP|cod numeric personal", "cnp", lambda: brute("ro.cnp", lambda: r.choice("12") + ymd(date(1940, 1999), False) + "%02d" % r.randint(1, 46) + d(4)))
g("national-id.bg-egn", "M", "ЕГН|EGN", "egn", lambda: brute("bg.egn", lambda: ymd(date(1940, 1999), False) + d(4)))
g("national-id.hr-oib", "M", "OIB", "oib", lambda: brute("hr.oib", lambda: d(11)))
g("national-id.si-emso", "M", "EMŠO|EMSO", "emso", lambda: brute("si.emso", lambda: date(1940, 1999).strftime("%d%m") + "9" + "%02d" % r.randint(40, 99) + "50" + d(4)))
g("national-id.ua-rnokpp", "W", "РНОКПП|ІПН", "rnokpp|ipn", lambda: brute("ua.rntrc", lambda: r.choice("23") + d(9)))
g("national-id.ru-inn12", "S", "ИНН", "inn", lambda: brute("ru.inn", lambda: "77" + d(10)))
g("national-id.br-cpf", "M", "CPF|CPF do titular", "cpf", lambda: (lambda v: r.choice([v, v[:3] + "." + v[3:6] + "." + v[6:9] + "-" + v[9:]]))(brute("br.cpf", lambda: d(11))))
g("national-id.br-cnpj", "M", "CNPJ", "cnpj", lambda: (lambda v: r.choice([v, v[:2] + "." + v[2:5] + "." + v[5:8] + "/" + v[8:12] + "-" + v[12:]]))(brute("br.cnpj", lambda: d(8) + "0001" + d(2))))
g("national-id.mx-rfc", "M", "RFC|R.F.C.", "rfc", lambda: rfc())
g(
    "national-id.mx-curp",
    "S",
    "CURP",
    "curp",
    lambda: tail(
        "mx.curp",
        lambda: r.choice("BCDFG")
        + r.choice("AEIOU")
        + L(2).translate(str.maketrans("AEIOU", "BCDFG"))
        + ymd(date(1940, 1999), False)
        + r.choice("HM")
        + r.choice(["DF", "JC", "NL"])
        + "".join(r.choice("BCDFGLMNR") for _ in range(3))
        + r.choice(D),
        D,
    ),
)
g("national-id.ar-cuit", "M", "CUIT|CUIL", "cuit|cuil", lambda: (lambda v: r.choice([v, v[:2] + "-" + v[2:10] + "-" + v[10]]))(tail("ar.cuit", lambda: r.choice(["20", "23", "27"]) + d(8), D)))
g("national-id.cl-rut", "W", "RUT|R.U.T.", "rut", lambda: (lambda v: "%s.%s.%s-%s" % (v[:2], v[2:5], v[5:8], v[8]))(tail("cl.rut", lambda: r.choice("12") + d(7), D + "K")))
g("national-id.co-nit", "W", "NIT", "nit", lambda: (lambda v: v[:9] + "-" + v[9])(tail("co.nit", lambda: r.choice("89") + d(8), D)))
g("national-id.ec-ci", "W", "cédula|cédula de identidad", "cedula", lambda: brute("ec.ci", lambda: "%02d" % r.randint(1, 24) + r.choice("012345") + d(7)))
g(
    "national-id.cn-ric",
    "S",
    "身份证号|居民身份证",
    "idCard|shenfenzheng|identity_card_no",
    lambda: brute("cn.ric", lambda: r.choice(["110101", "310104", "440305", "330106"]) + ymd(date()) + d(3) + r.choice(D + "X")),
)
g(
    "national-id.in-aadhaar",
    "M",
    "Aadhaar|Aadhaar no.|आधार",
    "aadhaar|aadhaarNumber",
    lambda: (lambda v: r.choice([v, grp(v, [4, 4, 4], " ")]))(brute("in_.aadhaar", lambda: r.choice("23456789") + d(11))),
)
g("national-id.in-pan", "M", "PAN|PAN card", "panNumber|pan_card", lambda: L(3) + "P" + L(1) + d(4) + L(1))
g("national-id.kr-rrn", "M", "주민등록번호", "rrn|jumin", lambda: brute("kr.rrn", lambda: ymd(date(1940, 1999), False) + "-" + r.choice("12") + d(6)))
g(
    "national-id.th-pin",
    "M",
    "เลขประจำตัวประชาชน|citizen ID",
    "thaiCitizenId|citizen_id",
    lambda: (lambda v: r.choice([v, "-".join([v[0], v[1:5], v[5:10], v[10:12], v[12]])]))(brute("th.pin", lambda: r.choice("12345") + d(12))),
)
g("national-id.tr-tckimlik", "S", "T.C. kimlik no|TCKN", "tckn|tcKimlikNo", lambda: brute("tr.tckimlik", lambda: r.choice("123456789") + d(10)))
g("national-id.za-id", "M", "ID number|SA ID", "saIdNumber|id_number", lambda: brute("za.idnr", lambda: ymd(date(1940, 1999), False) + d(4) + "08" + d(1)))
g("national-id.il-id", "W", "תעודת זהות|Teudat Zehut", "teudatZehut|tz", lambda: brute("il.idnr", lambda: d(9), lambda v: v[0] != "0"))
g("national-id.au-tfn", "W", "TFN|tax file no.", "tfn|taxFileNumber", lambda: brute("au.tfn", lambda: grp(d(9), [3, 3, 3], r.choice([" ", ""])), lambda v: v[0] != "0"))
g("national-id.nz-ird", "W", "IRD number|IRD no.", "ird|irdNumber", lambda: brute("nz.ird", lambda: grp(r.choice(["04", "05", "06", "07", "08", "09"]) + d(7), [3, 3, 3], r.choice(["-", ""]))))
g("national-id.ie-pps", "M", "PPS no.|PPSN", "ppsn|pps", lambda: tail("ie.pps", lambda: d(7), string.ascii_uppercase))
g("national-id.jp-my-number", "W", "マイナンバー|個人番号", "myNumber|my_number", lambda: jp())


def jp():
    b = d(11)
    s = sum(int(b[10 - i]) * ((i + 2) if i < 6 else (i - 4)) for i in range(11))
    c = s % 11
    return b + str(0 if c <= 1 else 11 - c)


g(
    "contact.email",
    "S",
    "e-mail|mail|correo|электронная почта|邮箱",
    "email|mail|contact_email",
    lambda: r.choice(["ann", "li.wei", "j_doe", "marta+news", "o.k"]) + d(2) + "@" + r.choice(["mail.example.org", "kanzlei-huber.de", "empresa.com.br", "corp.co.jp", "uni.edu", "firma.pl"]),
)
g("contact.phone", "M", "tel|mobile|phone|Handy|teléfono|телефон", "phone|mobile|tel", lambda: r.choice(["+49 151 ", "+33 6 ", "+44 7700 9", "+1 212-555-", "+34 6", "+48 60", "+90 532 "]) + "X")
PH = {
    "+49 151 ": lambda: d(8),
    "+33 6 ": lambda: " ".join(d(2) for _ in range(4)),
    "+44 7700 9": lambda: d(5),
    "+1 212-555-": lambda: d(4),
    "+34 6": lambda: d(8),
    "+48 60": lambda: d(1) + " " + d(3) + " " + d(3),
    "+90 532 ": lambda: d(3) + " " + d(4),
}
_p = G["contact.phone"][3]


def phone():
    k = r.choice(list(PH))
    return k + PH[k]()


G["contact.phone"] = (*G["contact.phone"][:3], phone)
g(
    "secrets.generic-key",
    "W",
    "api key|password|client secret|token",
    "api_key|password|clientSecret|db_password|access_token",
    lambda: "".join(r.choice(string.ascii_letters + D) for _ in range(r.randint(16, 32))) + "7a",
)
g("secrets.github-token", "S", "GitHub token|token", "github_token|GITHUB_TOKEN", lambda: "ghp_" + "".join(r.choice(string.ascii_letters + D) for _ in range(36)))
g("payment.bic", "W", "BIC|SWIFT|SWIFT/BIC", "bic|swift", lambda: r.choice(["DEUTDEFF", "BNPAFRPP", "INGBNL2A", "COBADEFFXXX", "BSCHESMM", "UNCRITMM"]))
g(
    "payment.us-aba-rtn",
    "W",
    "routing no.|ABA routing number",
    "routingNumber|aba",
    lambda: brute("us.rtn", lambda: r.choice(["0", "1", "2", "3"]) + d(8), lambda v: v[:2] in ["01", "02", "03", "05", "06", "07", "08", "09", "10", "11", "12", "21", "22", "23", "26", "31", "32"]),
)
CARDS = ["payment.cvv", "payment.expiry"]
g("payment.cvv", "W", "CVV|CVC|security code|Prüfziffer|código de seguridad", "cvv|cvc|securityCode", lambda: d(3))
g("payment.expiry", "W", "expiry|exp. date|valid thru|gültig bis|caducidad", "expiry|exp|expirationDate", lambda: "%02d/%02d" % (r.randint(1, 12), r.randint(27, 33)))
