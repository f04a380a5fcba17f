"""Payment, contact and secret values; with `national` every identifier that the corpus knows."""
import base64, hashlib, json, zlib

from digits import *
from national import TABLE, identifier, pick

NBSP = "\u00a0"
NAMES = """Anna Becker|Jonas Weber|Marie Dubois|Luc Moreau|Giulia Rossi|Marco Bianchi|Carmen García|Javier López|Inês Ferreira|João Silva|Emma Johansson|
Lars Hansen|Aino Virtanen|Piotr Nowak|Jana Nováková|Éva Kovács|Ion Popescu|Ivan Petrov|Olena Shevchenko|Mehmet Yılmaz|Priya Sharma|Rahul Patel|Wei Zhang|
Li Na|Haruto Sato|Kim Minjun|Sofía Hernández|Luiz Souza|Thabo Nkosi|David Cohen|John Smith|Emily O'Brien|Michael Johnson|Sarah Williams|Olivia Brown""".replace("\n", "").split("|")
BRANDS = {  # brand: (first digits, lengths, groupings)
    "visa": (["4"], [16], [[4, 4, 4, 4]]),
    "visa13": (["4"], [13], []),
    "visa19": (["4"], [19], [[4, 4, 4, 4, 3]]),
    "mastercard": (["51", "52", "53", "54", "55", "2221", "2299", "2300", "2500", "2699", "2700", "2719", "2720"], [16], [[4, 4, 4, 4]]),
    "amex": (["34", "37"], [15], [[4, 6, 5], [4, 4, 4, 3]]),
    "discover": (["6011", "644", "646", "649", "65"], [16], [[4, 4, 4, 4]]),
    "diners": (["300", "303", "305", "36", "38", "39"], [14], [[4, 6, 4]]),
    "jcb": (["3528", "3550", "3589"], [16], [[4, 4, 4, 4]]),
    "unionpay": (["620", "622", "6240", "6282"], [16, 17, 18, 19], [[4, 4, 4, 4], [6, 13]]),
    "maestro": (["5018", "5020", "5038", "5893", "6304", "6759", "6761", "6762", "6763"], [12, 13, 16, 18, 19], [[4, 4, 4, 4]]),
    "mir": (["2200", "2201", "2202", "2203", "2204"], [16], [[4, 4, 4, 4]]),
    "rupay": (["6070", "6080", "652", "817", "820", "508"], [16], [[4, 4, 4, 4]]),
}
TEST_CARDS = "4242424242424242 4111111111111111 5555555555554444 378282246310005 371449635398431 6011111111111117 30569309025904 3530111333300000 " \
    "5105105105105100 4012888888881881 4000056655665556 2223003122003222 5200828282828210 6011000990139424 38520000023237 3566002020360505".split()


def grouped(number, sizes, separator):
    out, at = [], 0
    for size in sizes:
        out.append(number[at:at + size])
        at += size
    return separator.join(p for p in out if p)


def card(r, brand=None):
    brand = brand or r.choice(["visa"] * 5 + ["mastercard"] * 4 + list(BRANDS))
    prefixes, lengths, groupings = BRANDS[brand]
    while True:
        length, prefix = r.choice(lengths), r.choice(prefixes)
        body = prefix + digits(r, length - len(prefix) - 1)
        number = body + luhn(body)
        if number not in TEST_CARDS and len(set(number)) > 4:
            return brand, number, [g for g in groupings if sum(g) == length]


@identifier("payment.pan", "S", "xx", "card_number cardNumber pan cc_num creditCard card cardNo account_number_card kreditkarte numero_tarjeta",
            "card number, credit card, card no., PAN, Visa, Mastercard, Kreditkartennummer, numéro de carte, número de tarjeta, numero di carta, kaartnummer, número do cartão, kortnummer, numer karty")
def pan(r):
    brand, number, groupings = card(r)
    tier = "medium brand" if brand in ("maestro", "visa13") else "strong brand"
    if not groupings or r.random() < .4:
        return f"bare, {tier}", number
    name, separator = r.choice([("space", " "), ("space", " "), ("dash", "-"), ("dash", "-"), ("dot", "."), ("NBSP", NBSP)])
    return f"{name}, {tier}", grouped(number, r.choice(groupings), separator)


@identifier("payment.test-pan", "S", "xx", "card_number cardNumber card number test_card", "test card, card number, use card")
def test_pan(r):
    number = r.choice(TEST_CARDS)
    return pick(r, ("bare", number), ("spaced", grouped(number, [4, 4, 4, 4], " ") if len(number) == 16 else number))


@identifier("payment.track1", "S", "xx", "track1 track_1 track1Data", "track 1, track data, magstripe")
def track1(r):
    _, number, _ = card(r, r.choice(("visa", "mastercard", "amex")))
    name = r.choice(("DOE/JOHN", "SMITH/ANNA MARIE", "MUELLER/HANS.DR", "LEE/K"))
    return "bare", f"%B{number}^{name.ljust(r.choice((2, 26)))}^{r.randint(26, 33)}{r.randint(1, 12):02}{r.choice(('101', '201', '121'))}{digits(r, r.randint(8, 20))}?"


@identifier("payment.track2", "S", "xx", "track2 track_2 track2Data", "track 2, track data, magstripe")
def track2(r):
    _, number, _ = card(r, r.choice(("visa", "mastercard", "amex")))
    return "bare", f";{number}={r.randint(26, 33)}{r.randint(1, 12):02}{r.choice(('101', '201', '121'))}{digits(r, r.randint(5, 11))}?"


@identifier("payment.cvv", "W", "xx", "cvv cvc cvv2 cvc2 security_code cardCvv", "CVV, CVC, CVV2, security code, card security code")
def cvv(r):
    return "bare", digits(r, 3)


@identifier("payment.expiry", "W", "xx", "expiry exp exp_date expiration expiry_date cardExpiry expirationDate", "exp, expiry, expires, valid thru, expiration date, Exp. date")
def expiry(r):
    m, y = f"{r.randint(1, 12):02}", r.randint(26, 33)
    return pick(r, ("MM/YY", f"{m}/{y}"), ("MM/YYYY", f"{m}/20{y}"))


IBAN = {"DE": "18n", "GB": "4a14n", "FR": "10n11c2n", "ES": "20n", "IT": "1a10n12c", "NL": "4a10n", "BE": "12n", "AT": "16n", "CH": "5n12c", "PL": "24n", "SE": "20n",
        "NO": "11n", "DK": "14n", "FI": "14n", "PT": "21n", "IE": "4a14n", "LU": "3n13c", "CZ": "20n", "GR": "7n16c", "HU": "24n", "RO": "4a16c", "MT": "4a5n18c",
        "SA": "2n18c", "AE": "19n", "TR": "6n16c", "HR": "17n", "SI": "15n", "SK": "20n", "BG": "4a6n8c", "EE": "16n", "LV": "4a13c", "LT": "16n", "CY": "8n16c",
        "IS": "22n", "LI": "5n12c", "MC": "10n11c2n", "IL": "19n", "UA": "6n19c", "GE": "2a16n", "KZ": "3n13c"}


def lettered(r, number):
    """Account numbers are digits, where letters may stand as well; some banks use a few, hardly any many."""
    if r.random() < .85:
        return number
    n = r.choice((1, 2, 4, len(number)))
    return letters(r, n) + number[n:]


@identifier("payment.iban", "S", "xx", "iban IBAN bank_account creditor_iban ibanNumber", "IBAN, Kontonummer, compte bancaire, bank account, conto corrente, rekeningnummer")
def iban(r):
    import re
    country = r.choice(["DE", "FR", "GB", "NL", "ES", "IT", *IBAN])
    body = ""
    for size, kind in re.findall(r"(\d+)([nac])", IBAN[country]):
        body += {"n": lambda n: digits(r, n), "a": lambda n: letters(r, n), "c": lambda n: lettered(r, digits(r, n))}[kind](int(size))
    value = country + mod97(body + country) + body
    return pick(r, ("bare", value), ("spaced", grouped(value, [4] * 9, " ")), ("bare", value), ("lower", value.lower()) if r.random() < .2 else ("spaced", grouped(value, [4] * 9, " ")))


@identifier("payment.bic", "W", "xx", "bic swift swift_code bic_code BIC", "BIC, SWIFT, SWIFT/BIC, BIC code, SWIFT code")
def bic(r):
    return "bare", letters(r, 4) + r.choice(list(IBAN) + ["US", "JP", "CN", "IN"]) + r.choice("ABCDEFGHKLMPRSTX2345") + letters(r, 1, ALNUM.replace("O", "")) + r.choice(("", "XXX", letters(r, 3)))


@identifier("payment.us-aba-rtn", "W", "us", "routing_number routingNumber aba rtn aba_routing", "routing number, ABA routing number, RTN, ABA")
def aba(r):
    n = f"{r.choice([*range(1, 13), *range(21, 33)]):02}" + digits(r, 6)
    return "bare", n + str(-weighted(n, (3, 7, 1, 3, 7, 1, 3, 7)) % 10)


WORDS = "acme nordwind globex initech umbrella hooli contoso fabrikam litware northstar bluepeak riverside silverline maple quantum helix lumen atlas".split()


def domain(r):
    tld = r.choice("com com com net org io de fr co.uk it es nl pl se com.br in co.jp com.au ca ch at eu gov edu dev app info biz cloud museum".split())
    return r.choice(("", "", "", "mail.", "corp.", "eu-1.")) + r.choice(WORDS) + r.choice(("", "-" + r.choice(WORDS), str(r.randint(1, 99)))) + "." + tld


@identifier("contact.email", "S", "xx", "email email_address emailAddress mail user_email contact e_mail", "email, e-mail, mail, Mail, E-Mail-Adresse, correo, courriel, contact")
def email(r):
    first, last = (c.lower() for c in r.choice("Anna Becker|Jonas Weber|Luc Moreau|Marco Bianchi|Piotr Nowak|John Smith|Priya Sharma|Sarah Williams".split("|")).split())
    local = r.choice((f"{first}.{last}", f"{first[0]}{last}", f"{first}_{last}", f"{first}{r.randint(1, 9999)}", f"{first}.{last}+{r.choice(WORDS)}", f"{first}-{last}",
                      first, f"{last}.{first[0]}", f"{first[0]}", f"{first}.{last}{r.randint(1950, 2009)}"))
    value = f"{local}@{domain(r)}"
    return pick(r, ("plain", value), ("plain", value), ("plain", value), ("capitals", value.upper()) if r.random() < .3 else ("title", value.title()))


def mobile(r):
    """International numbers in the spellings that countries use, in ranges that are assigned."""
    d = lambda n, first="123456789": digits(r, n, first)
    area = r.choice("212 415 305 617 312 206 702 213 646 503".split())
    return r.choice((
        ("E.164", f"+1{area}{d(3, '23456789')}{d(4)}"), ("us dashes", f"+1 {area}-{d(3, '23456789')}-{d(4)}"), ("us brackets", f"+1 ({area}) {d(3, '23456789')}-{d(4)}"),
        ("us dots", f"+1.{area}.{d(3, '23456789')}.{d(4)}"),
        ("E.164", f"+4915{d(1, '1279')}{d(8)}"), ("de spaces", f"+49 30 {d(8)}"), ("de spaces", f"+49 171 {d(7)}"), ("de (0)", f"+49 (0)171 {d(7)}"), ("E.164", f"+447{d(1, '45789')}{d(8)}"),
        ("uk spaces", f"+44 20 {d(4, '37')} {d(4)}"), ("uk spaces", f"+44 7{d(3, '45789')} {d(6)}"), ("fr spaces", f"+33 {r.choice('1234567')} {d(2)} {d(2)} {d(2)} {d(2)}"),
        ("E.164", f"+336{d(8)}"), ("es spaces", f"+34 6{d(2)} {d(3)} {d(3)}"), ("it spaces", f"+39 34{d(1)} {d(7)}"), ("E.164", f"+39347{d(7)}"),
        ("nl spaces", f"+31 6 {d(8)}"), ("be", f"+32 4{r.choice('789')}{d(1)} {d(2)} {d(2)} {d(2)}"), ("ch", f"+41 79 {d(3)} {d(2)} {d(2)}"), ("at", f"+43 664 {d(7)}"),
        ("pl", f"+48 {r.choice('5678')}{d(2)} {d(3)} {d(3)}"), ("se", f"+46 70 {d(3)} {d(2)} {d(2)}"), ("se dashes", f"+46 70-{d(3)} {d(2)} {d(2)}"), ("no", f"+47 {r.choice('49')}{d(2)} {d(2)} {d(3)}"),
        ("dk", f"+45 {d(2, '2346')} {d(2)} {d(2)} {d(2)}"), ("fi", f"+358 40 {d(7)}"), ("pt", f"+351 91{d(1)} {d(3)} {d(3)}"), ("ie", f"+353 8{r.choice('3567')} {d(3)} {d(4)}"),
        ("br", f"+55 11 9{d(4)}-{d(4)}"), ("br brackets", f"+55 (11) 9{d(4)}-{d(4)}"), ("E.164", f"+55119{d(8)}"), ("mx", f"+52 55 {d(4)} {d(4)}"), ("ar", f"+54 9 11 {d(4)}-{d(4)}"),
        ("in", f"+91 {r.choice('6789')}{d(4)} {d(5)}"), ("E.164", f"+91{r.choice('6789')}{d(9)}"), ("in dash", f"+91-{r.choice('6789')}{d(9)}"), ("cn", f"+86 13{d(1)} {d(4)} {d(4)}"),
        ("E.164", f"+8613{d(9)}"), ("jp", f"+81 90-{d(4)}-{d(4)}"), ("jp", f"+81 3-{d(4)}-{d(4)}"), ("kr", f"+82 10-{d(4)}-{d(4)}"), ("au", f"+61 4{d(2)} {d(3)} {d(3)}"),
        ("au", f"+61 2 {r.choice('89')}{d(3)} {d(4)}"), ("ru", f"+7 (9{d(2)}) {d(3)}-{d(2)}-{d(2)}"), ("E.164", f"+79{d(9)}"), ("tr", f"+90 53{d(1)} {d(3)} {d(2)} {d(2)}"),
        ("ae", f"+971 50 {d(3)} {d(4)}"), ("il", f"+972 54-{d(3)}-{d(4)}"), ("za", f"+27 82 {d(3)} {d(4)}"), ("ng", f"+234 803 {d(3)} {d(4)}"), ("sg", f"+65 {r.choice('89')}{d(3)} {d(4)}"),
        ("hk", f"+852 {r.choice('69')}{d(3)} {d(4)}"), ("ua", f"+380 67 {d(3)} {d(2)} {d(2)}"), ("gr", f"+30 69{d(1)} {d(3)} {d(4)}"), ("cz", f"+420 7{d(2)} {d(3)} {d(3)}")))


@identifier("contact.phone", "M", "xx", "phone phone_number phoneNumber mobile tel telephone msisdn", "phone, Phone, tel., mobile, Telefon, téléphone, teléfono, telefono, Tel, cell, call")
def phone(r):
    return mobile(r)


@identifier("contact.phone-national", "W", "xx", "phone phone_number phoneNumber mobile tel telephone", "phone, Phone, tel., mobile, Telefon, téléphone, teléfono, Tel, cell")
def national_phone(r):
    d = lambda n, first="123456789": digits(r, n, first)
    area = r.choice("212 415 305 617 312 206 702 213 646 503".split())
    return r.choice((("us brackets", f"({area}) {d(3, '23456789')}-{d(4)}"), ("us dashes", f"{area}-{d(3, '23456789')}-{d(4)}"), ("us dots", f"{area}.{d(3, '23456789')}.{d(4)}"),
                     ("uk", f"020 {d(4, '37')} {d(4)}"), ("uk mobile", f"07{d(3)} {d(6)}"), ("fr", f"0{r.choice('1234567')} {d(2)} {d(2)} {d(2)} {d(2)}"), ("fr dots", f"0{r.choice('1234567')}.{d(2)}.{d(2)}.{d(2)}.{d(2)}"),
                     ("de", f"030 {d(7)}"), ("de slash", f"089/{d(7)}"), ("de mobile", f"0171 {d(7)}"), ("de mobile", f"0171/{d(7)}"), ("in", f"{r.choice('6789')}{d(9)}"), ("br", f"(11) 9{d(4)}-{d(4)}"),
                     ("au", f"04{d(2)} {d(3)} {d(3)}"), ("us bare", f"{area}{d(3, '23456789')}{d(4)}"), ("es", f"6{d(2)} {d(3)} {d(3)}")))


BASE62 = LETTERS + LETTERS.lower() + "0123456789"


def token(r, n, of=BASE62):
    return "".join(r.choice(of) for _ in range(n))


def with_checksum(prefix, body):
    """Tokens of GitHub and npm end in a CRC-32 of the body, in base 62."""
    n, out = zlib.crc32(body.encode()), ""
    for _ in range(6):
        out = "0123456789" [n % 62] + out if n % 62 < 10 else BASE62[n % 62 - 10] + out
        n //= 62
    return prefix + body + out


@identifier("secrets.aws-access-key-id", "S", "xx", "aws_access_key_id accessKeyId AWS_ACCESS_KEY_ID", "AWS key, access key id")
def aws_key(r):
    return "bare", r.choice(("AKIA", "AKIA", "ASIA")) + token(r, 16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")


@identifier("secrets.aws-secret-access-key", "S", "xx", "aws_secret_access_key secretAccessKey AWS_SECRET_ACCESS_KEY", "AWS secret access key, aws_secret_access_key")
def aws_secret(r):
    return "bare", token(r, 40, BASE62 + "/+")


@identifier("secrets.github-token", "S", "xx", "github_token GITHUB_TOKEN token", "GitHub token, token")
def github(r):
    return pick(r, ("bare", with_checksum(r.choice(("ghp_", "gho_", "ghu_", "ghs_", "ghr_")), token(r, 30))), ("fine-grained", f"github_pat_11{token(r, 20, BASE62.upper())}_{token(r, 59)}"))


@identifier("secrets.gitlab-token", "S", "xx", "gitlab_token GITLAB_TOKEN private_token", "GitLab token, token")
def gitlab(r):
    return "bare", "glpat-" + token(r, 20, BASE62 + "-_")


@identifier("secrets.npm-token", "S", "xx", "npm_token NPM_TOKEN _authToken", "npm token, token")
def npm(r):
    return "bare", with_checksum("npm_", token(r, 30))


@identifier("secrets.slack-token", "S", "xx", "slack_token SLACK_BOT_TOKEN token", "Slack token, bot token")
def slack(r):
    return pick(r, ("bot", f"xoxb-{digits(r, 12, '123456789')}-{digits(r, 13, '123456789')}-{token(r, 24)}"), ("user", f"xoxp-{digits(r, 12, '123456789')}-{digits(r, 12, '123456789')}-{digits(r, 13, '123456789')}-{token(r, 32, '0123456789abcdef')}"))


@identifier("secrets.stripe-key", "S", "xx", "stripe_key STRIPE_SECRET_KEY apiKey", "Stripe key, secret key")
def stripe(r):
    return "bare", r.choice(("sk_live_", "rk_live_")) + token(r, r.choice((24, 99)))


@identifier("secrets.sendgrid-key", "S", "xx", "sendgrid_api_key SENDGRID_API_KEY apiKey", "SendGrid key, API key")
def sendgrid(r):
    return "bare", f"SG.{token(r, 22, BASE62 + '-_')}.{token(r, 43, BASE62 + '-_')}"


@identifier("secrets.google-api-key", "S", "xx", "google_api_key GOOGLE_MAPS_KEY apiKey key", "Google API key, Maps key")
def google(r):
    return "bare", "AIza" + token(r, 35, BASE62 + "-_")


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@identifier("secrets.jwt", "S", "xx", "access_token id_token jwt token", "JWT, bearer token, access token")
def jwt(r):
    head = json.dumps({"alg": r.choice(("HS256", "RS256", "ES256")), "typ": "JWT"}, separators=(",", ":"))
    claims = json.dumps({"sub": digits(r, 10), "iat": r.randint(1_700_000_000, 1_790_000_000), "name": r.choice(WORDS)}, separators=(",", ":"))
    return "bare", ".".join((b64url(head.encode()), b64url(claims.encode()), b64url(hashlib.sha256(claims.encode()).digest())))


@identifier("secrets.private-key", "S", "xx", "private_key privateKey key pem", "private key, key")
def private_key(r):
    kind = r.choice(("RSA ", "EC ", "", "OPENSSH ", "ENCRYPTED "))
    lines = "\n".join(token(r, 64, BASE62 + "+/") for _ in range(r.randint(4, 20)))
    return "PEM", f"-----BEGIN {kind}PRIVATE KEY-----\n{lines}\n-----END {kind}PRIVATE KEY-----"


@identifier("secrets.url-password", "S", "xx", "database_url DATABASE_URL url dsn", "connect with, database URL, DSN")
def url_password(r):
    scheme = r.choice(("postgres", "postgresql", "mysql", "mongodb", "redis", "amqp", "https", "mongodb+srv"))
    return "url", f"{scheme}://{r.choice(('app', 'admin', 'svc_billing', 'root'))}:{token(r, r.randint(8, 24))}@{r.choice(('db', 'db.internal', 'cache-1.prod.example.com', '10.2.3.4'))}:{r.choice((5432, 3306, 6379, 27017))}/main"


@identifier("secrets.generic-key", "W", "xx", "api_key apiKey secret client_secret password access_key", "API key, client secret, api_key, secret key")
def generic(r):
    return pick(r, ("hex", token(r, 32, "0123456789abcdef")), ("mixed", token(r, r.randint(24, 44))), ("mixed", token(r, r.randint(24, 44), BASE62 + "-_")))
