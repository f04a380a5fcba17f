"""Numbers and names that other systems give, with their own check digits: all of each document is a hard negative.

Where a number has a standard, it is made by that standard, so that it passes what it shares with an identifier: Luhn, mod 97,
mod 11, EAN. Texts are made whole, as the programs that write them do."""
import base64, hashlib, json, math, struct, uuid, zlib

from digits import *

KINDS = {}
HEX, B62 = "0123456789abcdef", "0123456789" + LETTERS + LETTERS.lower()
NOUNS = "router valve lamp tent kettle saddle anchor ladder piano mirror turbine gasket".split()


def kind(make):
    KINDS[make.__name__.replace("_", "-")] = make
    return make


def some(r, n, of):
    return "".join(r.choice(of) for _ in range(n))


def rows(n, make):
    return "\n".join(make() for _ in range(n))


def ean(body):
    return body + str(-sum(int(c) * (3 if i % 2 == 0 else 1) for i, c in enumerate(reversed(body))) % 10)


def uid(r):
    return str(uuid.UUID(int=r.getrandbits(128), version=r.choice((1, 4, 4))))


@kind
def logistics(r):
    def upc():
        body = digits(r, 11)
        return ean(body)

    def usps():
        return ean("9" + r.choice("24") + digits(r, 19))

    def s10():
        n = digits(r, 8)
        c = 11 - weighted(n, (8, 6, 4, 2, 3, 5, 9, 7)) % 11
        return letters(r, 2) + n + str({10: 0, 11: 5}.get(c, c)) + r.choice(("GB", "DE", "US", "CN"))

    def container():
        owner = letters(r, 3) + "U" + digits(r, 6)
        value = lambda c: int(c) if c.isdigit() else [n for n in range(10, 39) if n % 11][LETTERS.index(c)]
        return owner + str(sum(value(c) * 2**i for i, c in enumerate(owner)) % 11 % 10)
    return rows(12, lambda: r.choice((lambda: f"SSCC (00){ean('0' + digits(r, 16))}", lambda: f"(01)0{ean(digits(r, 12))}(17)270131(10){some(r, 7, ALNUM)}", lambda: f"USPS {usps()}", lambda: f"item {s10()} accepted", lambda: f"container {container()}", lambda: f"Fedex {digits(r, 12)} / {digits(r, 15)}", lambda: f"shipment_id={digits(r, 16)}",
                                      lambda: f"UPS 1Z{some(r, 16, ALNUM)}", lambda: f'"parcel":"{digits(r, 14)}"', lambda: f"upc {upc()}", lambda: f"DPD {digits(r, 14)} depot 0{digits(r, 3)}", lambda: f"colis n° 8R{digits(r, 11)}", lambda: f"Paketnummer {digits(r, 20)}"))())


@kind
def securities(r):
    def isin():
        body = r.choice(("US", "DE", "GB", "FR")) + some(r, 9, ALNUM if r.random() < .3 else "0123456789")
        return body + luhn("".join(str(int(c, 36)) for c in body))

    def lei():
        body = digits(r, 4, "259") + "00" + some(r, 12, ALNUM)
        return body + mod97(body)
    return rows(12, lambda: r.choice((f"ISIN {isin()} WKN {some(r, 6, ALNUM)}", f"LEI {lei()}", f"<Isin>{isin()}</Isin><Px>{r.uniform(1, 900):.8f}</Px>", f"CUSIP {digits(r, 8)}{digits(r, 1)}", f"SEDOL B0{some(r, 5, '0123456789BCDFG')}", f"8=FIX.4.4|9=‎{r.randint(100, 300)}|35=8|37={digits(r, 11)}|17={digits(r, 13)}|32={r.randint(1, 9999)}|31={r.uniform(1, 99):.4f}|10={digits(r, 3)}|", f"FIGI BBG{some(r, 9, '0123456789BCDFGHJKLMNPQRSTVWXYZ')}")))


@kind
def payment_references(r):
    def rf():
        body = digits(r, r.choice((9, 12, 18)))
        return "RF" + mod97(body + "RF") + body

    def creditor():
        tail = "0" + digits(r, 10)
        return "DE" + mod97(tail + "DE") + "ZZZ" + tail

    def belgian():
        n = digits(r, 10)
        c = f"{int(n) % 97 or 97:02}"
        return f"+++{n[:3]}/{n[3:7]}/{n[7:]}{c}+++"

    def kid():
        n = digits(r, r.choice((9, 14, 20)))
        return n + luhn(n)
    return rows(12, lambda: r.choice((f"Gläubiger-ID {creditor()}", f"creditor reference {rf()}", f"mededeling {belgian()}", f"KID {kid()}", f"QRR {digits(r, 26)}{digits(r, 1)}", f"viite {digits(r, 5)} {digits(r, 5)} {digits(r, 5)}", f"end to end id NOTPROVIDED mandate M-{digits(r, 9)}", f"ARN 7{digits(r, 22)}", f"auth code {digits(r, 6)} rrn {digits(r, 12)} stan {digits(r, 6)}", f"terminal {digits(r, 8)} merchant id {digits(r, 15)}", f"batch {digits(r, 6)} settlement {digits(r, 10)}")))


@kind
def snowflakes(r):
    s = lambda: str((r.randint(200_000_000_000, 420_000_000_000) << 22) | r.getrandbits(22))
    return rows(12, lambda: r.choice((f'{{"id":"{s()}","author":{{"id":"{s()}"}},"channel_id":"{s()}"}}', f"https://x.example/i/status/{s()}", f'"thread_ts":"{r.randint(1_500_000_000, 1_790_000_000)}.{digits(r, 6)}"', f"ulid 01{some(r, 24, '0123456789ABCDEFGHJKMNPQRSTVWXYZ')}", f'"_id":{{"$oid":"{some(r, 24, HEX)}"}}', f"ksuid {some(r, 27, B62)}", f"nanoid={some(r, 21, B62 + '-_')}", f"fbid={digits(r, 16, '1')}&set=a.{digits(r, 15, '123456789')}", f"video_id {digits(r, 19, '67')}", f"customer id {digits(r, 3)}-{digits(r, 3)}-{digits(r, 4)}", f"gclid=Cj0KCQ{some(r, 50, B62 + '-_')}")))


@kind
def clocks(r):
    s = r.randint(1_400_000_000, 1_850_000_000)
    names = "ts,time,epoch_ms,timestamp,nanos,observedTimeUnixNano,start_us,expires,iat,nbf,lastSeen,created,mtime,when,t0".split(",")
    one = lambda: r.choice((str(s + r.getrandbits(12)), f"{s + r.getrandbits(12)}{digits(r, 3)}", f"{s}{digits(r, 6)}", f"{s}{digits(r, 9)}", f"{s}.{digits(r, 7)}", f"{int((s / 86400) + 25569)}.{digits(r, 8)}", f"2026{r.randint(1, 12):02}{r.randint(1, 28):02}{r.randint(0, 23):02}{r.randint(0, 59):02}{r.randint(0, 59):02}", f"13{digits(r, 16)}"))
    return rows(8, lambda: r.choice((", ".join(one() for _ in range(6)), json.dumps({r.choice(names): int(one().split(".")[0]) for _ in range(4)}), " ".join(f"{r.choice(names)}={one()}" for _ in range(4)), "|".join(one() for _ in range(5)))))


@kind
def hashes(r):
    h = lambda n: hashlib.sha512(r.randbytes(8)).hexdigest()[:n]
    return rows(10, lambda: r.choice((f"{h(40)} {h(40)} {r.choice(NOUNS)} <> {r.randint(10**9, 2 * 10**9)} +0000\tcommit: fix", f"index {h(7)}..{h(7)} 100644", f'"integrity": "sha512-{base64.b64encode(r.randbytes(64)).decode()}"', f"md5:{h(32)}  {r.choice(NOUNS)}.tar.gz", f"h1:{base64.b64encode(r.randbytes(32)).decode()}=", f"checksum = \"{h(64)}\"", f'ETag: "{h(32)}-{r.randint(1, 99)}"', f"crc32 {zlib.crc32(r.randbytes(4)):08x} size {r.getrandbits(31)}", f"SHA256 ({r.choice(NOUNS)}.iso) = {h(64)}",
                                      f"{':'.join(h(2).upper() for _ in range(20))}", f"tree {h(40)}", f"cid bafybei{some(r, 52, 'abcdefghijklmnopqrstuvwxyz234567')}", f"gpg: key {h(16).upper()}: public key imported", f"Fingerprint {' '.join(h(4).upper() for _ in range(10))}")))


@kind
def public_keys(r):
    b = lambda n: base64.b64encode(r.randbytes(n)).decode()
    lines = lambda n: "\n".join(b(48) for _ in range(n))
    return r.choice((f"-----BEGIN CERTIFICATE-----\n{lines(14)}\n-----END CERTIFICATE-----", f"-----BEGIN PUBLIC KEY-----\n{lines(6)}\n-----END PUBLIC KEY-----", f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{some(r, 43, B62 + '+/')} deploy", f"-----BEGIN PGP SIGNATURE-----\n\n{lines(7)}\n={b(3)}\n-----END PGP SIGNATURE-----", f"github.com ssh-rsa {b(279)}"))


@kind
def vectors(r):
    return rows(3, lambda: r.choice((json.dumps([r.gauss(0, .05) for _ in range(24)]), ",".join(f"{r.gauss(0, 1):.9e}" for _ in range(16)), " ".join(struct.pack(">f", r.random()).hex() for _ in range(30)), ";".join(str(r.getrandbits(63)) for _ in range(12)), str([r.getrandbits(53) for _ in range(12)]), "\t".join(f"{r.uniform(-9, 9):.16f}" for _ in range(8)))))


@kind
def font_table(r):
    return rows(8, lambda: r.choice((f"U+{r.getrandbits(16):04X} {r.randint(200, 1400)} {r.randint(-200, 0)} {r.randint(600, 1000)} /uni{r.getrandbits(16):04X}", f"C {r.randint(32, 255)} ; WX {r.randint(200, 1000)} ; N a ; B {r.randint(0, 90)} {r.randint(-200, 0)} {r.randint(400, 900)} {r.randint(400, 700)} ;", "M" + " ".join(f"{r.randint(0, 2048)} {r.randint(0, 2048)}" for _ in range(14)) + "Z", "<" + "> <".join(f"{r.getrandbits(16):04X}" for _ in range(10)) + ">", f"d=\"M{r.uniform(0, 24):.3f} {r.uniform(0, 24):.3f}" + "".join(f"c{r.uniform(-9, 9):.3f}{r.uniform(-9, -1):.3f} {r.uniform(0, 9):.3f}" for _ in range(10)) + "z\"", "0 0 " + " ".join(str(r.randint(0, 1000)) for _ in range(30)), f"kern {r.randint(0, 999)} {r.randint(0, 999)} -{r.randint(1, 99)}", f"unicode-range:U+{r.getrandbits(16):04X}-{r.getrandbits(16):04X},U+{r.getrandbits(12):04X}")))


@kind
def bundle(r):
    v = lambda: some(r, 1, "abcdefghijklmnopqrstuvwxyz") + some(r, r.randint(0, 1), "0123456789abcdef")
    return "".join(r.choice((f"function {v()}({v()},{v()}){{return {v()}[{r.getrandbits(30)}]|{v()}>>>{r.randint(1, 31)}}}", f"{r.getrandbits(16)}:({v()},{v()},{v()})=>{{\"use strict\";{v()}.d({v()},{{Z:()=>{v()}}})}},", f"{v()}.exports={{version:\"{r.randint(0, 20)}.{r.randint(0, 30)}.{r.randint(0, 99)}\",date:{r.randint(1_400_000_000_000, 1_790_000_000_000)}}};", f"new Uint32Array([{','.join(str(r.getrandbits(32)) for _ in range(8))}]);", f"{v()}=Math.imul({v()},{r.getrandbits(31)})+{r.random()};", f"var {v()}=\"{some(r, 40, B62 + '+/')}\";", f"{v()}:{{1:\"{some(r, 20, HEX)}\",{r.randint(2, 999)}:\"{some(r, 20, HEX)}\"}},")) for _ in range(24))


@kind
def lock_files(r):
    return rows(8, lambda: r.choice((f'{NOUNS[r.randrange(12)]}@^{r.randint(0, 9)}.{r.randint(0, 20)}.{r.randint(0, 9)}:\n  version "{r.randint(0, 9)}.{r.randint(0, 20)}.{r.randint(0, 9)}"\n  resolved "https://registry.yarnpkg.com/{r.choice(NOUNS)}/-/{r.choice(NOUNS)}-1.2.3.tgz#{some(r, 40, HEX)}"', f'name = "{r.choice(NOUNS)}"\nversion = "0.{r.randint(1, 99)}.{r.randint(1, 99)}"\nchecksum = "{some(r, 64, HEX)}"', f"github.com/x/{r.choice(NOUNS)} v0.0.0-2026{r.randint(1, 12):02}{r.randint(1, 28):02}{digits(r, 6)}-{some(r, 12, HEX)} h1:{base64.b64encode(r.randbytes(32)).decode()}", f'    --hash=sha256:{some(r, 64, HEX)} \\', f'"{r.choice(NOUNS)}-{some(r, 3, HEX)}": {{"locked": {{"lastModified": {r.randint(1_500_000_000, 1_790_000_000)}, "narHash": "sha256-{base64.b64encode(r.randbytes(32)).decode()}", "rev": "{some(r, 40, HEX)}"}}}}')))


@kind
def instruments(r):
    def vin():
        body = some(r, 17, "0123456789ABCDEFGHJKLMNPRSTUVWXYZ")
        return body
    return rows(10, lambda: r.choice((f"$GPGGA,{digits(r, 6)}.{digits(r, 2)},{digits(r, 4)}.{digits(r, 5)},N,0{digits(r, 4)}.{digits(r, 5)},E,1,08,0.9,{r.randint(1, 900)}.4,M,46.9,M,,*{some(r, 2, '0123456789ABCDEF')}", f"geo:{r.uniform(-90, 90):.14f},{r.uniform(-180, 180):.14f}", f"POINT({r.uniform(-180, 180):.15f} {r.uniform(-90, 90):.15f})", f"VIN {vin()}", f"IMEI:{ean('35' + digits(r, 12))}", f"iccid 89{digits(r, 17)}", f"EPC 30{some(r, 22, '0123456789ABCDEF')}", f"ECU part {digits(r, 3)} {digits(r, 3)} {digits(r, 3)} {letters(r, 1)} sw {digits(r, 4)}", f"meter {digits(r, 8)} reading {digits(r, 6)}.{digits(r, 3)} kWh", f"MAC {'-'.join(some(r, 2, HEX) for _ in range(6))} rssi -{r.randint(30, 90)}", f"{r.randint(1, 9)}.{digits(r, 12)}E+0{r.randint(1, 9)}, {r.uniform(0, 1):.17f}", f"UTM 33U {digits(r, 6)} {digits(r, 7)}", f"lat={r.randint(10, 89)}{digits(r, 6)}&lng={r.randint(10, 179)}{digits(r, 6)}")))


@kind
def shop(r):
    return rows(10, lambda: r.choice((f"Order #{digits(r, 8)} confirmed", f"order-id {digits(r, 3)}-{digits(r, 7)}-{digits(r, 7)}", f"Bestellung {digits(r, 10)}", f"commande {digits(r, 9)}", f"SKU {digits(r, 12)}", f"EAN {ean(digits(r, 12))}", f"ISBN 978-{digits(r, 1)}-{digits(r, 4)}-{digits(r, 4)}-{digits(r, 1)}", f'"product_id":{digits(r, 13, "123456789")},"variant":{digits(r, 14, "123456789")}', f"Invoice 2026-{digits(r, 7)}", f"qty 1,{digits(r, 3)},{digits(r, 3)} @ {r.randint(1, 99)}.{digits(r, 4)}", f"Total: € {r.randint(1, 9)}.{digits(r, 3)}.{digits(r, 3)},{digits(r, 2)}", f"gift voucher {some(r, 4, ALNUM)}-{some(r, 4, ALNUM)}-{some(r, 4, ALNUM)}", f"RMA {digits(r, 9)}", f"loyalty {digits(r, 16, '9')}", f"seat 14A PNR {some(r, 6, LETTERS)} ticket {digits(r, 3)}-{digits(r, 10)}", f"VAT DE{digits(r, 9)} FR{digits(r, 2)}{digits(r, 9)}", f"D-U-N-S {digits(r, 2)}-{digits(r, 3)}-{digits(r, 4)}", f"{r.randint(100, 999)} 5{digits(r, 2)} {digits(r, 3)} units sold")))


@kind
def clinical(r):
    return rows(8, lambda: r.choice((f"LOINC {digits(r, 5)}-{digits(r, 1)} value {r.uniform(0, 200):.3f} mmol/L", f"SNOMED {digits(r, 9, '123456789')} |finding|", f"NDC {digits(r, 5)}-{digits(r, 4)}-{digits(r, 2)}", f"ICD-10 E11.{digits(r, 1)} accession {digits(r, 10)}", f"1.2.840.{digits(r, 6)}.{digits(r, 1)}.{digits(r, 5)}.2.{digits(r, 10, '1')}.{digits(r, 9, '123456789')}", f"chr{r.randint(1, 22)}:{digits(r, 8, '123456789')}-{digits(r, 8, '123456789')} rs{digits(r, 9, '123456789')} depth {r.randint(10, 900)}", f">seq{digits(r, 6)}\n{some(r, 60, 'ACGT')}", f"lot {some(r, 6, ALNUM)} exp 2027-0{r.randint(1, 9)} batch {digits(r, 8)}", f"order {digits(r, 9)} specimen {digits(r, 12)}")))


@kind
def operations(r):
    return rows(10, lambda: r.choice((f"binlog mysql-bin.{digits(r, 6)} pos {digits(r, 9, '123456789')}", f"zone serial 2026{digits(r, 6)} refresh 7200", f"topic=a partition={r.randint(0, 99)} offset={digits(r, 10, '123456789')} lag={digits(r, 5)}", f"[{r.randint(1, 99999)}.{digits(r, 6)}] usb 1-1: SerialNumber: {digits(r, 12)}", f"eth0 RX packets {digits(r, 10, '123456789')} bytes {digits(r, 13, '123456789')} ({r.uniform(1, 900):.1f} GB)", f"node_cpu_seconds_total{{cpu=\"{r.randint(0, 63)}\"}} {r.uniform(1e5, 1e9):.2f} {digits(r, 13, '1')}", f"account {digits(r, 12, '123456789')} arn:aws:iam::{digits(r, 12, '123456789')}:role/x", f"request {uid(r)} upstream {uid(r)}", f"10.{r.randint(0, 255)}.{r.randint(0, 255)}.{r.randint(0, 255)}:{r.randint(1024, 65535)} -> 172.16.{r.randint(0, 255)}.{r.randint(0, 255)}:443 bytes={digits(r, 9, '123456789')}", f"version 126.0.{digits(r, 4)}.{digits(r, 3)} build {digits(r, 8)}", f"pid {digits(r, 7)} tid 0x{some(r, 12, HEX)} addr 0x{some(r, 16, HEX)}",
                                      f"Cookie: _ga=GA1.1.{digits(r, 10, '123456789')}.{digits(r, 10, '1')}; sid=s%3A{some(r, 32, B62 + '-_')}", f"commit-graph {r.randint(1, 9)}%: ({digits(r, 6)}/{digits(r, 6)})", f"jdbc:mysql://db.internal:3306/app?user=app", f"password_policy=strong password_min_length=12 password=${{DB_PASSWORD}}", f"token_type=bearer expires_in={digits(r, 4, '123456789')} api_key_id={digits(r, 6)}", f"ssn_required=true card_on_file=false iban_format=DE", f"sequence {digits(r, 16, '123456789')} snapshot {digits(r, 18, '123456789')}")))


@kind
def phone_like(r):
    return rows(10, lambda: r.choice((f"{r.randint(1, 31):02}/{r.randint(1, 12):02}/2026 {r.randint(100, 999)}-{r.randint(100, 999)} {digits(r, 4)}", f"isbn10 {digits(r, 1)}-{digits(r, 3)}-{digits(r, 5)}-{digits(r, 1)}", f"CAS {digits(r, 5)}-{digits(r, 2)}-{digits(r, 1)}", f"{r.randint(100, 999)}.{r.randint(100, 255)}.{r.randint(100, 255)}.{r.randint(1, 255)}", f"+{r.randint(1, 99)}.{digits(r, 6)}% vs +{r.randint(1, 9)}.{digits(r, 3)}%", f"(1) {digits(r, 3)} (2) {digits(r, 3)} (3) {digits(r, 4)}", f"score {r.randint(1, 7)}-{r.randint(1, 6)}, {r.randint(1, 7)}-{r.randint(1, 6)}", f"pages {digits(r, 3, '123456789')}-{digits(r, 3, '123456789')} {digits(r, 4, '12')}", f"{digits(r, 3, '123456789')} {digits(r, 3)} {digits(r, 3)} km", f"EN {digits(r, 5)}-{r.randint(1, 9)}-{r.randint(1, 9)}:2019+A1", f"resolution {digits(r, 4, '123456789')}x{digits(r, 4, '123456789')} {r.randint(10, 99)} fps", f"+{digits(r, 4, '123456789')} -{digits(r, 3, '123456789')} lines", f"§ {digits(r, 3)} 7.{digits(r, 2)}.{digits(r, 4)}", f"part {digits(r, 3)}-{digits(r, 3)}-{digits(r, 4)} rev {letters(r, 1)}", f"{r.uniform(-1, 1):+.10f} {r.uniform(-9, 9):+.8f}")))
