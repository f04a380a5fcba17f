"""Whole documents of real systems in which nothing is an identifier of a person: all of each is a hard negative."""
import base64, hashlib, json, uuid

from digits import *
from values import BASE62, WORDS, card, token

KINDS = {}


def kind(make):
    KINDS[make.__name__.replace("_", "-")] = make
    return make


def uuid4(r):
    return str(uuid.UUID(int=r.getrandbits(128), version=4))


def hexadecimal(r, n):
    return f"{r.getrandbits(4 * n):0{n}x}"


def lines(r, n, make):
    return "\n".join(make(i) for i in range(n)) + "\n"


@kind
def luhn_ids(r):
    names = "traceId orderNumber order_no tracking_number shipment_id trackingId serialNumber imei imei2 iccid invoiceNumber ean gtin upc barcode parcelNo waybill awb consignment_no".split()
    return lines(r, 12, lambda _: f'{{"{r.choice(names)}":"{card(r, r.choice(("visa", "mastercard", "discover", "amex")))[1]}","qty":{r.randint(1, 9)}}}')


@kind
def telemetry(r):
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": hexadecimal(r, 32), "spanId": hexadecimal(r, 16), "parentSpanId": hexadecimal(r, 16), "startTimeUnixNano": str(r.randint(1_600_000_000, 1_799_999_999) * 10**9 + r.getrandbits(29)),
                      "endTimeUnixNano": str(r.randint(1_600_000_000, 1_799_999_999) * 10**9 + r.getrandbits(29)), "attributes": [{"key": "http.response.body.size", "value": {"intValue": str(r.randint(10**8, 10**10))}}]} for _ in range(6)]}]}]})


@kind
def prometheus(r):
    return lines(r, 20, lambda _: f'http_request_duration_seconds_bucket{{le="{r.choice((0.1, 0.5, 2.5))}",pod="api-{token(r, 9, "bcdfghjkl456789")}-{token(r, 5, "bcdfghjkl456789")}"}} {r.randint(10**6, 10**11)} {r.randint(1_600_000_000_000, 1_799_999_999_999)}')


@kind
def analytics(r):
    return f"v=2&tid=G-{token(r, 10, ALNUM)}&gtm=45je4{digits(r, 8)}&_p={digits(r, 13, '1')}&cid={digits(r, 10, '123456789')}.{r.randint(1_600_000_000, 1_799_999_999)}&ul=en-us&sr=2560x1440&_s=2&sid={r.randint(1_600_000_000, 1_799_999_999)}&sct=3&seg=1&dl=https%3A%2F%2Fshop.example%2Fp%2F{digits(r, 8)}&en=scroll&epn.percent_scrolled=90&_et={digits(r, 5)}&tfd={digits(r, 5)}"


@kind
def ad_pixel(r):
    return f"id={digits(r, 15, '123456789')}&ev=PageView&fbp=fb.1.{r.randint(1_600_000_000_000, 1_799_999_999_999)}.{digits(r, 10, '123456789')}&ts={r.randint(1_600_000_000_000, 1_799_999_999_999)}&sw=1920&v=2.9.{r.randint(100, 200)}&cd[content_ids]=[{digits(r, 13, '123456789')},{digits(r, 14, '123456789')}]&cd[value]={r.randint(1, 999)}.{digits(r, 2)}"


@kind
def css(r):
    return "".join(f".c-{token(r, 6, 'abcdef0123456789')}{{margin:{r.uniform(0, 9):.8f}rem {r.randint(0, 99)}px;color:#{hexadecimal(r, 6)};transform:translate3d({r.uniform(-99, 99):.12f}px,0,0);z-index:{r.randint(1, 2147483647)}}}" for _ in range(14))


@kind
def minified(r):
    return ";".join(f"var {token(r, 2, 'abcdefgh')}=[{','.join(str(r.getrandbits(r.choice((16, 31, 32, 32)))) for _ in range(9))}],{token(r, 2, 'ijkl')}=0x{hexadecimal(r, 8)},e={r.random()},t={r.randint(1, 9)}e{r.randint(3, 30)}" for _ in range(10))


@kind
def lockfile(r):
    return lines(r, 10, lambda _: f'    "node_modules/{r.choice(WORDS)}-{r.choice(WORDS)}": {{"version": "{r.randint(0, 20)}.{r.randint(0, 40)}.{r.randint(0, 99)}", "resolved": "https://registry.npmjs.org/{r.choice(WORDS)}/-/x-{r.randint(1, 9)}.0.0.tgz", "integrity": "sha512-{base64.b64encode(r.randbytes(64)).decode()}"}},')


@kind
def git_log(r):
    return lines(r, 12, lambda _: f"{hexadecimal(r, 40)} {hexadecimal(r, 7)} refs/heads/fix-{r.randint(1, 99999)} {r.randint(1_400_000_000, 1_799_999_999)} +0{r.randint(0, 9)}00 Merge pull request #{r.randint(1, 99999)} from {r.choice(WORDS)}/{hexadecimal(r, 8)}")


@kind
def docker(r):
    return lines(r, 8, lambda _: f"sha256:{hexadecimal(r, 64)} registry.example/{r.choice(WORDS)}:{r.randint(1, 20)}.{r.randint(0, 99)}.{r.randint(0, 999)}-{r.randint(20200101, 20261231)} {r.randint(10**7, 10**10)} {hexadecimal(r, 12)}")


@kind
def geojson(r):
    return json.dumps({"type": "LineString", "coordinates": [[r.uniform(-180, 180), r.uniform(-90, 90), r.uniform(0, 4000)] for _ in range(14)]})


@kind
def coordinates_text(r):
    return lines(r, 10, lambda _: f"{r.uniform(-90, 90):.6f}, {r.uniform(-180, 180):.6f}  {abs(r.uniform(-90, 90)):.4f}°N {r.randint(0, 179)}°{r.randint(0, 59)}'{r.uniform(0, 59):.2f}\"E  alt {r.randint(0, 4000)}")


def isbn(r):
    n = "978" + digits(r, 9)
    n += str(-weighted(n, (1, 3) * 6) % 10)
    return n


@kind
def books(r):
    return lines(r, 10, lambda _: (lambda n: r.choice((f"ISBN {n[:3]}-{n[3]}-{n[4:8]}-{n[8:12]}-{n[12]}", f"EAN {n}", f"isbn13: {n}", f"GTIN: 0{n}", f"<isbn>{n}</isbn>", f"UPC-A {digits(r, 12)}")))(isbn(r)))


@kind
def devices(r):
    def one(_):
        n = r.choice(("35", "86", "01")) + digits(r, 12)
        n += luhn(n)
        return r.choice((f"IMEI: {n}", f"IMEI {n[:2]}-{n[2:8]}-{n[8:14]}-{n[14]}", f"iccid=8949{digits(r, 15)}", f"imsi {r.choice(('262', '310', '208'))}{digits(r, 12)}", f"S/N {token(r, 11, ALNUM)}", f"MAC {':'.join(hexadecimal(r, 2) for _ in range(6))}", f"meid: A{hexadecimal(r, 13).upper()}"))
    return lines(r, 10, one)


@kind
def parcels(r):
    return lines(r, 10, lambda _: r.choice((f"tracking 1Z{token(r, 6, ALNUM)}{digits(r, 10)}", f"Sendungsnummer {digits(r, 12)}", f"DHL {digits(r, 10)}", f"numéro de suivi 6A{digits(r, 11)}", f"USPS 9400 1{digits(r, 3)} {digits(r, 4)} {digits(r, 4)} {digits(r, 4)} {digits(r, 2)}", f"AWB {digits(r, 3)}-{digits(r, 8)}", f"FedEx {digits(r, 12, '123456789')}",
                                            f"order 1{digits(r, 2)}-{digits(r, 7)}-{digits(r, 7)}", f"Bestellnummer {digits(r, 10, '123456789')}", f"commande n° {digits(r, 9, '123456789')}", f"Rechnungsnummer 2026{digits(r, 8)}", f"Ticket #{digits(r, 8)}")))


@kind
def prices(r):
    return lines(r, 10, lambda _: r.choice((f"EUR {r.randint(1, 999)}.{digits(r, 3)}.{digits(r, 3)},{digits(r, 2)}", f"$ {r.randint(1, 999)},{digits(r, 3)},{digits(r, 3)}.{digits(r, 2)}", f"{r.randint(1, 99)} {digits(r, 3)} {digits(r, 3)} kr", f"CHF {r.randint(1, 99)}'{digits(r, 3)}'{digits(r, 3)}.{digits(r, 2)}", f"¥{r.randint(10**6, 10**9):,}", f"{r.random() * 1e9:.4f}")))


@kind
def times(r):
    e = lambda: r.randint(1_500_000_000, 1_850_000_000)
    return lines(r, 14, lambda _: r.choice((f"ts={e()}", f'{{"createdAt":{e()}{digits(r, 3)}}}', f"{e()}{digits(r, 6)}", f"{e()}.{digits(r, 6)}", f"2026{r.randint(1, 12):02}{r.randint(1, 28):02}{r.randint(0, 23):02}{digits(r, 4, '012345')}", f"2026-11-26T10:{r.randint(10, 59)}:{r.randint(10, 59)}.{digits(r, 9)}Z",
                                            f"26/11/2026 {r.randint(10, 23)}:{r.randint(10, 59)}:{r.randint(10, 59)}", f'"expires_at": {e()}', f"exp={e()}&nbf={e()}", f"Last-Modified-Ns: {e()}{digits(r, 9)}")))


@kind
def addresses(r):
    ip = lambda: ".".join(str(r.randint(1, 254)) for _ in range(4))
    return lines(r, 12, lambda _: r.choice((ip(), f"{ip()}:{r.randint(1024, 65535)}", f"{ip()}-{ip()}", f"fe80::{hexadecimal(r, 4)}:{hexadecimal(r, 4)}:{hexadecimal(r, 4)}:{hexadecimal(r, 4)}", f"2001:db8:{hexadecimal(r, 4)}:{hexadecimal(r, 4)}:{hexadecimal(r, 4)}:{hexadecimal(r, 4)}:{hexadecimal(r, 4)}:{hexadecimal(r, 4)}", f"client {ip()} upstream {ip()}:443 status=200 bytes={r.randint(10**6, 10**10)}")))


@kind
def identifiers(r):
    return lines(r, 12, lambda _: json.dumps({r.choice(("id", "user_id", "account_id", "objectId", "snowflake", "merchantId", "session", "request_id", "ref", "customer", "crm_id", "legacyId")): r.choice((r.randint(10**8, 10**9), r.randint(10**9, 10**10), r.randint(10**10, 10**11), r.randint(10**15, 10**19), str(r.randint(10**8, 10**12)), hexadecimal(r, 24), uuid4(r), token(r, 22))), "n": r.randint(1, 99)}))


@kind
def blobs(r):
    return lines(r, 3, lambda _: r.choice((base64.b64encode(r.randbytes(r.randint(60, 900))).decode(), "data:font/woff2;base64," + base64.b64encode(r.randbytes(600)).decode(), base64.urlsafe_b64encode(r.randbytes(300)).decode(), r.randbytes(200).hex())))


@kind
def pem_public(r):
    body = base64.b64encode(r.randbytes(560)).decode()
    return "-----BEGIN CERTIFICATE-----\n" + "\n".join(body[i:i + 64] for i in range(0, len(body), 64)) + "\n-----END CERTIFICATE-----\n"


@kind
def versions(r):
    v = lambda: f"{r.randint(0, 30)}.{r.randint(0, 99)}.{r.randint(0, 999)}"
    return lines(r, 12, lambda _: r.choice((f"{r.choice(WORDS)}=={v()}.{r.randint(1, 9999)}", f"{r.choice(WORDS)}@{v()}", f"@{r.choice(WORDS)}/{r.choice(WORDS)}@^{v()}", f"build {v()}-{r.randint(20200101, 20261231)}{digits(r, 6)}", f"Chrome/{r.randint(90, 130)}.0.{digits(r, 4)}.{digits(r, 3)}", f"go1.{r.randint(10, 24)}.{r.randint(0, 9)} linux/amd64 v0.0.0-2026{digits(r, 10, '01')}-{hexadecimal(r, 12)}", f"image@sha256:{hexadecimal(r, 64)}", f"{r.choice(WORDS)}@2x.png {r.choice(WORDS)}@3x.webp")))


@kind
def remotes(r):
    a, b = r.choice(WORDS), r.choice(WORDS)
    return lines(r, 8, lambda _: r.choice((f"git@github.com:{a}/{b}.git", f"ssh://git@git.example.com:2222/{a}/{b}.git", f"deploy@{a}.example.com:/srv/{b}", f"rsync -a www@{a}.example.org:~/x .", f"https://x-access-token:@github.com/{a}/{b}", f"npm i {a}@{r.randint(1, 9)}.{r.randint(1, 9)}.0", f"scp root@10.0.0.{r.randint(1, 9)}:/tmp/x .")))


@kind
def metrics_table(r):
    return "ts,host,cpu,mem,disk,net_rx,net_tx,req\n" + lines(r, 20, lambda _: f"{r.randint(1_600_000_000, 1_799_999_999)},web-{r.randint(1, 40)},{r.uniform(0, 100):.14f},{r.randint(10**9, 10**11)},{r.randint(10**10, 10**12)},{r.randint(10**8, 10**12)},{r.randint(10**8, 10**12)},{r.randint(1, 10**9)}")


@kind
def orders_table(r):
    return "order_id;sku;ean;qty;price;invoice_no;tracking_no\n" + lines(r, 16, lambda _: f"{digits(r, 10, '123456789')};{token(r, 8, ALNUM)};{isbn(r)};{r.randint(1, 9)};{r.randint(1, 99)},{digits(r, 2)};2026{digits(r, 6)};{card(r, 'visa')[1]}")


@kind
def masked_cards(r):
    def one(_):
        n = card(r, r.choice(("visa", "mastercard")))[1]
        return r.choice((f'"card":{{"first6":"{n[:6]}","last4":"{n[-4:]}"}}', f"card {n[:4]} **** **** {n[-4:]}", f"Visa ending in {n[-4:]}", f"pan={n[:6]}XXXXXX{n[-4:]}", f"•••• •••• •••• {n[-4:]}", f"card_fingerprint={token(r, 16)}"))
    return lines(r, 10, one)


@kind
def stack_trace(r):
    return lines(r, 12, lambda _: r.choice((f"    at com.example.{r.choice(WORDS)}.Service$$Lambda${r.randint(100, 999)}/0x{hexadecimal(r, 16)}.run(Unknown Source)", f"goroutine {r.randint(1, 99999)} [running]: main.f(0xc{hexadecimal(r, 9)}, 0x{hexadecimal(r, 4)})", f"#{r.randint(0, 30)} 0x{hexadecimal(r, 16)} in poll () from /lib/x86_64-linux-gnu/libc.so.6", f"Exception 0xC0000005 at 0x00007FF{hexadecimal(r, 9).upper()}")))


@kind
def cloud(r):
    return lines(r, 10, lambda _: r.choice((f"arn:aws:lambda:eu-central-1:{digits(r, 12, '123456789')}:function:{r.choice(WORDS)}", f"projects/{digits(r, 12, '123456789')}/locations/europe-west1/services/{r.choice(WORDS)}", f"/subscriptions/{uuid4(r)}/resourceGroups/rg-{r.choice(WORDS)}", f'"accountId": "{digits(r, 12, "123456789")}"', f"i-0{hexadecimal(r, 16)} vol-0{hexadecimal(r, 16)} eni-0{hexadecimal(r, 16)}", f"x-amz-request-id: {token(r, 16, ALNUM)}", f"x-goog-hash: crc32c={base64.b64encode(r.randbytes(4)).decode()},md5={base64.b64encode(r.randbytes(16)).decode()}")))


@kind
def spoken(r):
    """Prose about numbers, and words of identifiers without any."""
    return lines(r, 8, lambda _: r.choice((f"The card was declined, see ticket {digits(r, 6)} and call back after {r.randint(2, 12)} days.", f"Phone support handled {r.randint(1000, 99999)} requests in Q{r.randint(1, 4)} 2026, up {r.randint(1, 40)}.{digits(r, 1)} %.", "Please send us your SSN, tax ID and IBAN through the portal, never by mail.",
                                           f"Passport control moved to gate {r.randint(1, 40)}; flight LH{digits(r, 4)} departs {r.randint(10, 23)}:{r.randint(10, 59)}.", f"§ {r.randint(1, 900)} Abs. {r.randint(1, 4)} Nr. {r.randint(1, 9)} BGB, BGBl. I S. {digits(r, 4)}", f"RFC {digits(r, 4, '123456789')} and ISO {digits(r, 5, '123')}-{r.randint(1, 9)}:20{r.randint(10, 26)}", f"DOI 10.{digits(r, 4)}/j.{digits(r, 7)}.2026.{digits(r, 6)}, arXiv:2{digits(r, 3)}.{digits(r, 5)}",
                                           f"Model {letters(r, 2)}-{digits(r, 4)}, part {digits(r, 3)}-{digits(r, 5)}-{digits(r, 2)}, lot {digits(r, 8)}", f"HRB {digits(r, 6)} Amtsgericht München, tax office {digits(r, 4)}")))
