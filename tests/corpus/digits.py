"""Check digits and dates for the generator, written from the public standards; nothing of the product is used."""
import datetime

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ALNUM = "0123456789" + LETTERS


def digits(r, n, first="0123456789"):
    return r.choice(first) + "".join(r.choice("0123456789") for _ in range(n - 1)) if n else ""


def letters(r, n, of=LETTERS):
    return "".join(r.choice(of) for _ in range(n))


def day(r, first=1940, last=2005):
    start = datetime.date(first, 1, 1).toordinal()
    return datetime.date.fromordinal(r.randint(start, datetime.date(last, 12, 28).toordinal()))


def ymd(d):
    return d.strftime("%y%m%d")


def dmy(d):
    return d.strftime("%d%m%y")


def weighted(text, weights):
    return sum(int(c) * w for c, w in zip(text, weights))


def luhn(text):
    """The digit that completes `text` (ISO/IEC 7812-1, annex B)."""
    total = 0
    for i, c in enumerate(reversed(text)):
        n = int(c) * (2 if i % 2 == 0 else 1)
        total += n // 10 + n % 10
    return str(-total % 10)


D5 = [[(j + i) % 5 if i < 5 and j < 5 else 0 for j in range(10)] for i in range(10)]


def _dihedral(a, b):
    """Product in the dihedral group of order ten."""
    if a < 5:
        return (a + b) % 5 if b < 5 else 5 + (a + b - 5) % 5
    return 5 + (a - 5 - b) % 5 if b < 5 else (a - b) % 5


def verhoeff(text):
    """The digit that completes `text` (Verhoeff 1969)."""
    first = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]
    permutations = [list(range(10))]
    for _ in range(7):
        permutations.append([permutations[-1][first[i]] for i in range(10)])
    c = 0
    for i, x in enumerate(reversed(text + "0")):
        c = _dihedral(c, permutations[i % 8][int(x)])
    return next(str(n) for n in range(10) if _dihedral(c, n) == 0)


def mod11_10(text):
    """ISO/IEC 7064 MOD 11,10."""
    p = 10
    for c in text:
        p = (p + int(c)) % 10 or 10
        p = p * 2 % 11
    return str((11 - p) % 10)


def mod97(text):
    """ISO/IEC 7064 MOD 97-10 over letters and digits: check digits for `text` followed by 00."""
    return f"{98 - int(''.join(str(int(c, 36)) for c in text) + '00') % 97:02d}"


def until(make):
    """The first value that exists: some bodies have no check digit."""
    while True:
        value = make()
        if value is not None:
            return value
