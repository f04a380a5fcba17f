"""What looks like an identifier and is none: each kind with the keys it stands under in real data."""
import base64, hashlib, uuid

from digits import *
from values import BASE62, TEST_CARDS, WORDS, card, grouped, token

KINDS = {}


def kind(keys):
    def keep(make):
        KINDS[make.__name__.replace("_", "-")] = (keys.split(), make)
        return make
    return keep


@kind("order_id order orderNumber order_no invoice_id purchase_order booking")
def order(r):
    return r.choice((digits(r, r.randint(6, 14), "123456789"), f"{digits(r, 3, '1')}-{digits(r, 7)}-{digits(r, 7)}", f"INV-2026-{digits(r, 6)}", f"PO{digits(r, 8)}",
                     f"SO-{digits(r, 5)}/{digits(r, 2)}"))


@kind("order_id orderNumber order invoice_no")
def order_luhn(r):
    return card(r, r.choice(("visa", "mastercard", "discover")))[1]


@kind("tracking tracking_number trackingNo shipment parcel_id")
def tracking(r):
    return r.choice((f"1Z{token(r, 6, ALNUM)}{digits(r, 10)}", digits(r, 12, "123456789"), digits(r, 15, "9"), "9400" + digits(r, 18), f"JD{digits(r, 18)}", digits(r, 10, "123456789"),
                     f"RR{digits(r, 9)}DE", f"94001{digits(r, 3)} {digits(r, 4)} {digits(r, 4)} {digits(r, 4)} {digits(r, 2)}", card(r, "mastercard")[1]))


@kind("imei IMEI device_imei")
def imei(r):
    n = r.choice(("35", "86", "01", "49")) + digits(r, 12)
    n += luhn(n)
    return r.choice((n, n, f"{n[:2]}-{n[2:8]}-{n[8:14]}-{n[14]}", f"{n[:2]} {n[2:8]} {n[8:14]} {n[14]}"))


@kind("ts timestamp created_at updatedAt time epoch exp iat last_seen")
def epoch(r):
    return r.choice((str(r.randint(1_600_000_000, 1_799_999_999)), str(r.randint(1_600_000_000_000, 1_799_999_999_999)), str(r.randint(1_600_000_000_000_000, 1_799_999_999_999_999)),
                     str(r.randint(1_600_000_000_000_000_000, 1_799_999_999_999_999_999)), f"{r.randint(1_600_000_000, 1_799_999_999)}.{digits(r, 6)}"))


@kind("id uuid request_id trace_id correlationId")
def uuids(r):
    return str(uuid.UUID(int=r.getrandbits(128), version=4))


@kind("commit sha git_sha revision digest etag")
def git_hash(r):
    return r.choice((f"{r.getrandbits(160):040x}", f"{r.getrandbits(28):07x}", f"sha256:{r.getrandbits(256):064x}", f"{r.getrandbits(128):032x}", f"W/\"{r.getrandbits(64):x}\""))


@kind("embedding vector features weights")
def floats(r):
    return "[" + ", ".join(f"{r.uniform(-1, 1):.{r.choice((6, 9, 16))}f}" for _ in range(r.randint(8, 24))) + "]"


@kind("table lookup data codes")
def js_array(r):
    size = r.choice((3, 5, 8, 10))
    return "[" + ",".join(str(r.randrange(10 ** r.randint(1, size))) for _ in range(r.randint(12, 40))) + "]"


@kind("ean gtin isbn barcode upc sku")
def ean(r):
    n = r.choice(("978", "979", "400", "501", "590", "760")) + digits(r, 9)
    n += str(-weighted(n, (1, 3) * 6) % 10)
    return r.choice((n, f"{n[:3]}-{n[3]}-{n[4:6]}-{n[6:12]}-{n[12]}", digits(r, 12, "0"), f"{digits(r, 4)}-{digits(r, 3)}X"))


@kind("image avatar src icon background")
def data_uri(r):
    return f"data:image/{r.choice(('png', 'gif', 'webp'))};base64," + base64.b64encode(bytes(r.getrandbits(8) for _ in range(r.randint(120, 600)))).decode()


@kind("card card_number masked_pan cc display_number")
def masked_pan(r):
    n = card(r, r.choice(("visa", "mastercard")))[1]
    return r.choice((f"{n[:4]} **** **** {n[12:]}", f"XXXX-XXXX-XXXX-{n[12:]}", f"{n[:6]}******{n[12:]}", f"************{n[12:]}", f"{n[:6]}xxxxxx{n[12:]}", f"•••• {n[12:]}", f"{n[:4]} {n[4:6]}XX XXXX {n[12:]}"))


@kind("remote repository url origin")
def ssh_remote(r):
    a, b = r.choice(WORDS), r.choice(WORDS)
    return r.choice((f"git@github.com:{a}/{b}.git", f"git@gitlab.{a}.io:group/{b}.git", f"ssh://git@bitbucket.org/{a}/{b}.git", f"deploy@10.0.{r.randint(0, 255)}.{r.randint(1, 254)}:/srv/{b}", f"root@{a}-prod-{r.randint(1, 9)}"))


@kind("ip client_ip address host peer")
def address(r):
    four = ".".join(str(r.randint(1, 254)) for _ in range(4))
    return r.choice((four, f"{four}:{r.randint(1024, 65535)}", f"{four}/24", f"2001:db8:{r.getrandbits(16):x}:{r.getrandbits(16):x}::{r.getrandbits(16):x}", ":".join(f"{r.getrandbits(8):02x}" for _ in range(6))))


@kind("version package dependency image_tag release")
def version(r):
    v = f"{r.randint(0, 30)}.{r.randint(0, 30)}.{r.randint(0, 300)}"
    return r.choice((v, f"v{v}-rc.{r.randint(1, 9)}", f"{r.choice(WORDS)}@{v}", f"@{r.choice(WORDS)}/{r.choice(WORDS)}@^{v}", f"{v}.{r.randint(20200101, 20261231)}", f"{r.choice(WORDS)}-{v}.tgz", f"{v}+build.{digits(r, 10)}"))


@kind("asset file src path handle")
def at_signs(r):
    a = r.choice(WORDS)
    return r.choice((f"icon-{a}@2x.png", f"{a}@3x.jpg", f"@{a}", f"@media (min-width: {r.randint(300, 1900)}px)", f"{a}@{r.choice(WORDS)}", f"user:pass@{a}", f"{a}@localhost", f"@Component({a})", f"{a}.js@1.2.3.4"))


@kind("location geo latlng coordinates bbox")
def coordinates(r):
    lat, lon = r.uniform(-89, 89), r.uniform(-179, 179)
    return r.choice((f"{lat:.6f},{lon:.6f}", f"{lat:.15f}, {lon:.15f}", f"[{lon:.7f},{lat:.7f}]", f"{abs(lat):.4f}N {abs(lon):.4f}E"))


@kind("color colour fill stroke theme")
def hex_colour(r):
    return r.choice((f"#{r.getrandbits(24):06x}", f"#{r.getrandbits(32):08X}", f"rgba({r.randint(0, 255)}, {r.randint(0, 255)}, {r.randint(0, 255)}, 0.{r.randint(1, 99)})", f"0x{r.getrandbits(32):08X}"))


@kind("payload blob body signature content hash")
def base64_blob(r):
    return base64.b64encode(bytes(r.getrandbits(8) for _ in range(r.randint(24, 300)))).decode()


@kind("id user_id account_id object_id tenant message_id")
def numeric_id(r):
    return r.choice((str(r.randint(10 ** 16, 10 ** 19)), digits(r, 12, "123456789"), digits(r, 9, "123456789"), digits(r, 10, "123456789"), str(2 ** 53 - 1), str(2 ** 31 - 1), digits(r, 11, "123456789"), digits(r, 8, "123456789")))


@kind("amount total price balance size bytes count")
def amount(r):
    n = r.randint(1000, 10 ** 10)
    return r.choice((f"{n:,}", f"{n:,}".replace(",", ".") + ",00", f"{n:,}".replace(",", " "), f"{n}.{digits(r, 2)}", f"{n}", f"{n / 1e7:.10f}", f"-{n}"))


@kind("date period due window birthday")
def date(r):
    d = day(r, 2000, 2030)
    return r.choice((d.isoformat(), f"{d:%d.%m.%Y}", f"{d:%d/%m/%Y}", f"{d:%Y%m%d}", f"{d:%Y%m%d}{digits(r, 6, '012')}", f"{d:%d-%m-%Y} 10:22:33", f"{d:%Y-%m-%d}/{d:%Y-%m-%d}", f"{d:%y%m%d}-{digits(r, 3)}"))


@kind("zip postal_code range pages serial part_no batch lot model")
def dashed(r):
    return r.choice((f"{digits(r, 5)}-{digits(r, 4)}", f"{digits(r, 4)}-{digits(r, 4)}", f"{digits(r, 3)}-{digits(r, 3)}", f"{digits(r, 2)}-{digits(r, 4)}-{digits(r, 2)}", f"{letters(r, 2)}{digits(r, 6)}",
                     f"{letters(r, 3)}-{digits(r, 4)}-{letters(r, 2)}", f"{letters(r, 1)}{digits(r, 8)}", f"{letters(r, 4)}{digits(r, 7)}", f"{digits(r, 3)}.{digits(r, 3)}", f"{letters(r, 2)}{digits(r, 2)}-{digits(r, 4)}-{digits(r, 4)}"))


@kind("pod host node name bucket queue")
def machine(r):
    return r.choice((f"{r.choice(WORDS)}-api-{token(r, 9, 'bcdfghjklmnpqrstvwxz2456789')}-{token(r, 5, 'bcdfghjklmnpqrstvwxz2456789')}", f"ip-10-0-{r.randint(0, 255)}-{r.randint(0, 255)}.ec2.internal",
                     f"arn:aws:s3:::{r.choice(WORDS)}-logs-{digits(r, 12, '123456789')}", f"arn:aws:iam::{digits(r, 12, '123456789')}:role/{r.choice(WORDS)}", f"vol-0{r.getrandbits(64):016x}", f"i-0{r.getrandbits(64):016x}"))


@kind("path svg d points")
def svg_path(r):
    return "M" + " ".join(f"{r.uniform(0, 512):.{r.choice((1, 2, 3))}f}{r.choice((' ', ',', '-'))}{r.uniform(0, 512):.2f}{r.choice('clhvz')}" for _ in range(r.randint(5, 20)))


@kind("trace span_id parent_id xid offset lsn sequence")
def counter(r):
    return r.choice((str(r.getrandbits(63)), str(r.getrandbits(64)), f"{r.getrandbits(32):X}/{r.getrandbits(32):X}", digits(r, 20, "123456789"), str(r.getrandbits(40))))


def near_miss(r, value):
    """The value with one digit changed: with a check digit it is no longer valid."""
    places = [i for i, c in enumerate(value) if c.isdigit()]
    i = r.choice(places[-8:])
    return value[:i] + str((int(value[i]) + r.randint(1, 9)) % 10) + value[i + 1:]
