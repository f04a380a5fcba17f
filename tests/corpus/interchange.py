#!/usr/bin/env python3
"""Writes a sixth corpus: records in standards of interchange, dumps, payloads of vendors, logs, settings and letters.

    tests/corpus/interchange.py DIR [--seed 1] [--scale 1.0]     # then score.py DIR

Each form of interchange_forms.py with labels of interchange.toml, in the languages of those who issue the numbers; plain
fields and numbers that are no one's beside them, and documents of such alone. Written without a look at the packs. DIR
is as generate.py leaves it; `header` marks values whose name stands in the head of a table.
"""
import json, pathlib, random, tomllib, uuid

import arguments
from digits import digits, luhn
from interchange_forms import FORMS, Cell, ascii_name
from values import NAMES, TABLE

HERE = pathlib.Path(__file__).parent
TOKEN = "API token|Access token|API key|Auth token|Service key"
SECRETS = [f"secrets.{n}" for n in "aws-access-key-id github-token gitlab-token npm-token slack-token stripe-key sendgrid-key google-api-key jwt".split()]
OFTEN = ("payment.pan", "contact.email", "contact.phone", "national-id.us-ssn", "payment.iban")


def with_luhn(body):
    return body + luhn(body)


def hexes(r, n):
    return "".join(r.choice("0123456789abcdef") for _ in range(n))


NEGATIVES = {  # kind: (labels, value)
    "order number, Luhn": ("Order number|Order No.|Bestellnummer|Numéro de commande|Número de pedido|Ordernummer", lambda r: with_luhn(r.choice("4537") + digits(r, r.choice((9, 12, 14))))),
    "order number": ("Order ID|Purchase order|Auftragsnummer|N° commande", lambda r: digits(r, r.choice((7, 9, 10, 12)), "123456789")),
    "tracking number": ("Tracking number|Sendungsnummer|Numéro de suivi|Waybill", lambda r: r.choice((digits(r, 12, "123456789"), "00" + digits(r, 18), "1Z" + hexes(r, 6).upper() + digits(r, 10)))),
    "IMEI": ("IMEI|Device IMEI", lambda r: with_luhn(r.choice(("35", "86", "01")) + digits(r, 12))),
    "epoch": ("Created at|Timestamp|Updated|Last seen", lambda r: str(r.randint(1_600_000_000, 1_799_999_999)) + r.choice(("", "000", digits(r, 3), digits(r, 6)))),
    "UUID": ("Request ID|Correlation ID|UUID|Session", lambda r: str(uuid.UUID(int=r.getrandbits(128), version=4))),
    "hash": ("SHA-256|Commit|ETag|Digest|MD5", lambda r: hexes(r, r.choice((32, 40, 64)))),
    "EAN": ("EAN|GTIN|Barcode|UPC", lambda r: (lambda b: b + str(-sum(int(c) * (3 if i % 2 else 1) for i, c in enumerate(b)) % 10))("40" + digits(r, 10))),
    "ISBN": ("ISBN|ISBN-13", lambda r: r.choice(("978-3-", "978-0-")) + f"{digits(r, 4)}-{digits(r, 4)}-{digits(r, 1)}"),
    "masked card": ("Card|Paid with|Karte|Carte", lambda r: r.choice((f"**** **** **** {digits(r, 4)}", f"ending in {digits(r, 4)}", f"4{digits(r, 5)}XXXXXX{digits(r, 4)}", f"xxxx-xxxx-xxxx-{digits(r, 4)}"))),
    "masked SSN": ("SSN|Social", lambda r: r.choice((f"***-**-{digits(r, 4)}", f"xxx-xx-{digits(r, 4)}", f"last four {digits(r, 4)}"))),
    "version": ("Version|Firmware|Build", lambda r: f"{r.randint(1, 20)}.{r.randint(0, 99)}.{r.randint(0, 9999)}" + r.choice(("", f".{r.randint(0, 999)}", f"-rc.{r.randint(1, 9)}"))),
    "coordinates": ("Location|GPS|Position", lambda r: f"{r.uniform(-90, 90):.6f}, {r.uniform(-180, 180):.6f}"),
    "address of a host": ("IP|Client IP|Peer", lambda r: r.choice((".".join(str(r.randint(1, 254)) for _ in range(4)), ":".join(hexes(r, 4) for _ in range(8))))),
    "meter number": ("Meter number|Zählernummer|Meter serial|PDL", lambda r: r.choice((digits(r, 8, "123456789"), "1EMH00" + digits(r, 8), f"{digits(r, 2)}-{digits(r, 6)}"))),
    "invoice number": ("Invoice|Rechnungsnummer|Facture n°|Invoice no.", lambda r: r.choice((f"INV-{digits(r, 6)}", f"2026-{digits(r, 5)}", f"RE{digits(r, 8)}"))),
    "ticket": ("Ticket|Case|Ticket no.|Vorgang", lambda r: r.choice((f"#{digits(r, 6, '123456789')}", f"INC{digits(r, 7)}", f"SUP-{digits(r, 5)}"))),
    "part number": ("Part number|SKU|Artikelnummer|Model", lambda r: r.choice((f"{hexes(r, 3).upper()}-{digits(r, 4)}-{digits(r, 2)}", f"{digits(r, 4, '123456789')}-{digits(r, 6)}", f"A{digits(r, 3)}B{digits(r, 4)}"))),
    "git remote": ("Remote|Repository|Clone URL", lambda r: r.choice(("git@github.com:acme/billing.git", "ssh://git@gitlab.example.net:2222/team/app.git"))),
    "package": ("Image|Package|Dependency", lambda r: r.choice(("@types/node@22.10.0", "lodash@4.17.21", "logo@2x.png", "registry.local/app@sha256:" + hexes(r, 64)))),
    "amount": ("Amount|Total|Betrag|Montant", lambda r: r.choice((f"{r.randint(1, 99999)}.{r.randint(0, 99):02}", f"{r.randint(1, 999)},{r.randint(100, 999)}.{r.randint(0, 99):02}", str(r.randint(100, 99_999_999))))),
    "date": ("Date|Datum|Due date|Valid from", lambda r: r.choice((f"2026-{r.randint(1, 12):02}-{r.randint(1, 28):02}T{r.randint(0, 23):02}:{r.randint(0, 59):02}:11Z", f"2026{r.randint(1, 12):02}{r.randint(1, 28):02}", f"{r.randint(1, 28):02}.{r.randint(1, 12):02}.2026"))),
    "counter": ("Bytes|Duration (ns)|Offset|Rows", lambda r: digits(r, r.choice((6, 9, 11)), "123456789")),
}
PLAIN = (("Full name", NAMES), ("City", "Berlin Lyon Porto Utrecht Malmö Leeds Denver".split()), ("Status", ("active", "pending", "closed")), ("Department", ("Sales", "Payroll", "IT")), ("Currency", ("EUR", "USD", "BRL")), ("Row", [str(n) for n in range(1, 400)]))


def is_plain(label):
    return "".join(ascii_name(label))[:1].isalpha()


def named(r, label, style):
    """The name of a field, in the case of a system; a label without plain letters as it is."""
    words = ascii_name(label)
    if not is_plain(label):
        return label.replace(" ", "_")
    return {0: "_".join(words), 1: words[0] + "".join(w.capitalize() for w in words[1:]), 2: "".join(w.capitalize() for w in words), 3: "_".join(words).upper(), 4: "-".join(words)}[style]


class Maker:
    def __init__(self, r, labels):
        self.r, self.labels = r, labels

    def columns(self, name, plain):
        """Labels and makers of the values of a record."""
        r, out = self.r, []
        if name:
            labels = (TOKEN if name in SECRETS else self.labels[name]).split("|")
            out.append((r.choice([l for l in labels if not plain or is_plain(l)] or labels), name))
        out += [(label, ("plain", choices)) for label, choices in r.sample(PLAIN, r.randint(1, 2))]
        for kind in r.sample(list(NEGATIVES), r.randint(2, 4) if not name else r.randint(0, 2)):
            out.append((r.choice(NEGATIVES[kind][0].split("|")), ("negative", kind)))
        r.shuffle(out)
        return [c for i, c in enumerate(out) if c[0] not in [o[0] for o in out[:i]]]

    def cell(self, label, field, what, header):
        r = self.r
        if isinstance(what, str):
            shape, text = TABLE[what][4](r)
            return Cell(label, field, text, {"identifier": what, "tier": TABLE[what][0], "shape": shape, "aided": True, "header": header})
        if what[0] == "plain":
            return Cell(label, field, r.choice(what[1]))
        return Cell(label, field, NEGATIVES[what[1]][1](r), {"negative": what[1], "header": header})

    def document(self, name, table, plain, far, make):
        r = self.r
        style = 4 if plain else r.randrange(4)
        columns = [(label, named(r, label, style), what) for label, what in self.columns(name, plain)]
        return make(r, [[self.cell(*c, table or far) for c in columns] for _ in range(3 if table else 1)])


def main():
    args = arguments.read(__doc__)
    r = random.Random(f"interchange {args.seed}")
    maker = Maker(r, tomllib.loads((HERE / "interchange.toml").read_text()))
    (args.dir / "files").mkdir(parents=True, exist_ok=True)
    truth, count = [], 0
    for name in [*maker.labels, *SECRETS, None]:
        forms = list(FORMS)
        r.shuffle(forms)
        times = 150 if name in OFTEN else 180 if name is None else 30
        for shape in (forms * 3)[:round(times * args.scale)]:
            extension, *how = FORMS[shape]
            pieces = maker.document(name, *how)
            path = f"files/{count:05}.{shape}.{extension}"
            count += 1
            data = bytearray()
            for piece in pieces:
                text, row = piece if isinstance(piece, tuple) else (piece, None)
                start = len(data)
                data += text.encode()
                if row:
                    truth.append({"file": path, "start": start, "end": len(data), "carrier": shape, **row})
            (args.dir / path).write_bytes(bytes(data))
    with open(args.dir / "truth.jsonl", "w") as out:
        out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in truth)
    print(f"{count} documents in {args.dir}")


if __name__ == "__main__":
    main()
