"""What looks like an identifier and is none, under the names that systems give it; for systems.py."""
import base64, hashlib, json, uuid

from digits import digits, luhn


class Piece:
    """A stretch of a document and what is true of it."""

    def __init__(self, text, **row):
        self.text, self.row = text, row


def ean(body):
    return body + str(-sum(int(c) * (3 if i % 2 else 1) for i, c in enumerate(body)) % 10)


def isbn10(r):
    body = digits(r, 9)
    check = -sum(int(c) * (10 - i) for i, c in enumerate(body)) % 11
    return body + ("X" if check == 10 else str(check))


def hexes(r, n):
    return "".join(r.choice("0123456789abcdef") for _ in range(n))


def with_luhn(body):
    return body + luhn(body)


KINDS = {  # kind: (names, value)
    "order number": ("order_id|order_number|merchant_order_no|po_number|bestellnummer|numero_commande|numero_pedido", lambda r: digits(r, r.choice((8, 9, 10, 11, 12, 14, 16)), "123456789")),
    "order number, Luhn": ("order_id|order_no|invoice_number|rechnungsnummer|transaction_id", lambda r: with_luhn(digits(r, r.choice((8, 9, 10, 13, 15)), "123456789"))),
    "tracking number": ("tracking_number|shipment_id|awb|parcel_no|sendungsnummer", lambda r: r.choice((digits(r, 12, "123456789"), "1Z" + hexes(r, 6).upper() + digits(r, 10), "JD0" + digits(r, 17), "R" + r.choice("ABCR") + digits(r, 9) + "DE", "9400" + digits(r, 18)))),
    "IMEI": ("imei|device_imei", lambda r: with_luhn(r.choice(("35", "86", "01")) + digits(r, 12))),
    "epoch": ("created_at|timestamp|ts|iat|updated_time|expires_at", lambda r: str(r.randint(1_600_000_000, 1_800_000_000)) + r.choice(("", "", digits(r, 3), digits(r, 6)))),
    "UUID": ("request_id|trace_uuid|uuid|correlation_id|session", lambda r: str(uuid.UUID(int=r.getrandbits(128), version=4))),
    "hash": ("sha256|commit|etag|digest|md5|git_sha", lambda r: hexes(r, r.choice((32, 40, 64)))),
    "trace id": ("trace_id|span_id|x_b3_traceid", lambda r: hexes(r, r.choice((16, 32)))),
    "EAN": ("ean|gtin|barcode|upc", lambda r: (lambda prefix: ean(prefix + digits(r, 12 - len(prefix))))(r.choice(("30", "40", "50", "54", "76", "80", "87", "380", "471", "690", "729", "789", "880", "977", "0")))),
    "ISBN": ("isbn|isbn10|isbn13", lambda r: r.choice((isbn10(r), ean("978" + digits(r, 9)), "978-" + digits(r, 1) + "-" + digits(r, 4) + "-" + digits(r, 4) + "-" + digits(r, 1)))),
    "masked card": ("card|masked_pan|card_number|last_digits", lambda r: r.choice((f"**** **** **** {digits(r, 4)}", f"XXXX-XXXX-XXXX-{digits(r, 4)}", f"4{digits(r, 5)}******{digits(r, 4)}", f"xxxxxxxxxxxx{digits(r, 4)}", f"•••• {digits(r, 4)}"))),
    "version": ("version|app_version|firmware|user_agent_version", lambda r: r.choice((f"{r.randint(1, 20)}.{r.randint(0, 99)}.{r.randint(0, 9999)}.{r.randint(0, 999)}", f"v{r.randint(1, 9)}.{r.randint(0, 30)}.{r.randint(0, 30)}-rc.{r.randint(1, 9)}", f"2026.{r.randint(1, 12):02}.{r.randint(1, 28):02}.{r.randint(1000, 9999)}"))),
    "coordinates": ("location|coords|lat_lon|center|gps", lambda r: f"{r.uniform(-90, 90):.6f},{r.uniform(-180, 180):.7f}"),
    "address of a host": ("client_ip|remote_addr|ip|peer", lambda r: r.choice((".".join(str(r.randint(1, 254)) for _ in range(4)), ":".join(hexes(r, 4) for _ in range(8))))),
    "id of a social network": ("tweet_id|channel_id|chat_id|snowflake|account_id", lambda r: digits(r, r.choice((10, 13, 17, 18, 19)), "123456789")),
    "git remote": ("remote|repo|clone_url|origin", lambda r: r.choice(("git@github.com:acme/billing.git", "ssh://git@gitlab.example.net:2222/team/app.git", "git+ssh://git@bitbucket.org/acme/ui.git"))),
    "package": ("image|package|dependency|module", lambda r: r.choice(("@types/node@20.11.5", "lodash@4.17.21", "registry.local/app@sha256:" + hexes(r, 64), "logo@2x.png", "github.com/acme/lib@v1.4.2"))),
    "amount": ("amount|total|price_cents|balance", lambda r: r.choice((f"{r.randint(1, 99999)}.{r.randint(0, 99):02}", str(r.randint(100, 999_999_999)), f"{r.randint(1, 999):,}.{r.randint(0, 99):02}"))),
    "date": ("date|due_date|valid_from|birth_month", lambda r: r.choice((f"2026-{r.randint(1, 12):02}-{r.randint(1, 28):02}T{r.randint(0, 23):02}:{r.randint(0, 59):02}:11.{digits(r, 6)}Z", f"2026{r.randint(1, 12):02}{r.randint(1, 28):02}{r.randint(0, 23):02}{r.randint(0, 59):02}{r.randint(0, 59):02}", f"{r.randint(1, 28):02}.{r.randint(1, 12):02}.2026"))),
    "part number": ("sku|part_number|article|serial_number|model", lambda r: r.choice((f"{hexes(r, 2).upper()}-{digits(r, 4)}-{digits(r, 3)}", f"SN{digits(r, 10)}", f"{digits(r, 3)}-{digits(r, 5)}-{digits(r, 3)}", f"{digits(r, 3)}.{digits(r, 3)}.{digits(r, 3)}"))),
    "identifier of a service": ("customer_id|payment_intent|charge|account|subscription", lambda r: r.choice(("cus_", "pi_", "ch_", "acct_", "sub_", "req_")) + "".join(r.choice("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0123456789") for _ in range(r.choice((14, 24))))),
    "number of a document": ("document_number|contract_no|case_id|ticket|aktenzeichen", lambda r: r.choice((digits(r, 10, "123456789"), f"{digits(r, 4)}/{digits(r, 6)}", f"CASE-{digits(r, 8)}", f"{digits(r, 2)}-{digits(r, 7)}", f"INV-2026-{digits(r, 6)}"))),
    "counter": ("bytes|content_length|duration_ns|rows|offset|memory", lambda r: digits(r, r.choice((9, 10, 11, 12)), "123456789")),
    "placeholder": ("password|api_key|token|secret", lambda r: r.choice(("${DB_PASSWORD}", "<redacted>", "changeme", "your-api-key-here", "{{ .Values.secret }}", "********", "null"))),
}


def negative(r):
    """A name and the piece that stands under it."""
    kind = r.choice(list(KINDS))
    names, make = KINDS[kind]
    return r.choice(names.split("|")), Piece(make(r), negative=kind, header=False)


def of(r, kind):
    return Piece(KINDS[kind][1](r), negative=kind, header=False)


def vector(r):
    yield from ("embedding", "json")
    yield ['{"object":"embedding","model":"text-embed-3","data":[{"index":0,"embedding":', Piece(json.dumps([round(r.uniform(-1, 1), r.choice((8, 12, 17))) for _ in range(120)]), negative="float vector", header=False), "}]}"]


def script(r):
    yield from ("bundle", "js")
    body = ",".join(r.choice((digits(r, 10, "123456789"), "0x" + hexes(r, 8), f"-{digits(r, 9)}", digits(r, r.choice((12, 12, 13, 16)), "123456789"))) for _ in range(60))
    yield ["!function(e,t){var n=[", Piece(body, negative="array in a script", header=False), f'];t.exports=n.map(function(e){{return e>>>{r.randint(1, 31)}}})}}(module,exports);']


def access_log(r):
    yield from ("access_log", "log")
    pieces = []
    for _ in range(12):
        pieces += [of(r, "address of a host"), f' - - [27/Nov/2026:10:{r.randint(10, 59)}:{r.randint(10, 59)} +0000] "GET /orders/', of(r, "order number"), "?ts=", of(r, "epoch"), "&sid=", of(r, "UUID"),
                   f' HTTP/1.1" 200 {r.randint(100, 99999)} "-" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/', Piece(f"{r.randint(90, 140)}.0.{r.randint(1000, 9999)}.{r.randint(10, 250)}", negative="version", header=False), '"\n']
    yield pieces


def lock_file(r):
    yield from ("lock_file", "json")
    pieces = ['{"lockfileVersion":3,"packages":{']
    for i in range(10):
        pieces += ["," if i else "", f'"node_modules/p{i}":{{"version":"', Piece(f"{r.randint(0, 9)}.{r.randint(0, 99)}.{r.randint(0, 99)}", negative="version", header=False), '","integrity":"sha512-',
                   Piece(base64.b64encode(hashlib.sha512(digits(r, 9).encode()).digest()).decode(), negative="hash", header=False), '"}']
    yield [*pieces, "}}"]


def shop_export(r):
    yield from ("shop_export", "csv")
    pieces = ["order_id;ean;tracking;created;total\n"]
    for _ in range(15):
        for kind, end in (("order number", ";"), ("EAN", ";"), ("tracking number", ";"), ("epoch", ";"), ("amount", "\n")):
            pieces += [of(r, kind), end]
    yield pieces


def events(r):
    yield from ("events", "jsonl")
    pieces = []
    for _ in range(10):
        pieces.append("{")
        for i in range(5):
            name, piece = negative(r)
            pieces += [", " if i else "", f'"{name}": "', piece, '"']
        pieces.append("}\n")
    yield pieces


def report(r):
    yield from ("stock_report", "txt")
    pieces = ["STOCK REPORT  27.11.2026\n\nARTICLE         SERIAL          BARCODE        QTY\n"]
    for _ in range(14):
        pieces += [of(r, "part number"), "  ", Piece(digits(r, 11), negative="serial number", header=False), "  ", of(r, "EAN"), f"  {r.randint(1, 400)}\n"]
    yield pieces


def metrics(r):
    yield from ("metrics", "txt")
    pieces = []
    for name in ("process_resident_memory_bytes", "http_requests_total", "go_gc_duration_ns", "disk_read_bytes_total") * 4:
        pieces += [f'{name}{{pod="app-{hexes(r, 9)}-{hexes(r, 5)}",le="', Piece(f"{r.random():.3f}", negative="amount", header=False), '"} ', of(r, "counter"), "\n"]
    yield pieces


def diff(r):
    yield from ("patch", "diff")
    pieces = ["commit ", Piece(hexes(r, 40), negative="hash", header=False), "\nAuthor: build <", Piece("build@localhost", negative="address without a domain", header=False), ">\n\n"]
    for _ in range(6):
        pieces += [f"index {hexes(r, 7)}..{hexes(r, 7)} 100644\n@@ -{r.randint(1, 999)},7 +{r.randint(1, 999)},9 @@\n+    const ID: u64 = ", Piece(digits(r, r.choice((16, 18, 19)), "123456789"), negative="constant", header=False), ";\n"]
    yield pieces


def documents(r, times):
    for _ in range(times):
        for make in (vector, script, access_log, lock_file, shop_export, events, events, events, report, metrics, diff):
            yield tuple(make(r))
