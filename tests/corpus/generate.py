#!/usr/bin/env python3
"""Writes a corpus of documents with known identifiers and hard negatives: the same for the same seed.

    tests/corpus/generate.py DIR [--seed 1] [--scale 1.0]

DIR/files holds the documents, DIR/truth.jsonl one line a value: file, start, end (bytes), identifier, tier, carrier, shape,
`aided` (a word of the identifier stands next to it), `header` (that word is a CSV header, the name of a part with more
headers, the key or the element further around the value: structure leads to it, nearness does not), `encoded` (the carrier escapes it, or it has no-break spaces). Lines with `negative` instead of `identifier` must not be found; those with `optional` may be.
`--oracle` compares every value with python-stdnum, where that knows the number, instead of writing anything.
"""
import argparse, json, pathlib, random
from dataclasses import dataclass

from digits import luhn
from carriers import CARRIERS, Writer
from national import TABLE
import negatives, values

NEUTRAL = "value data note text f1 content payload field ref v".split()
FILLERS = ["order", "tracking", "epoch", "uuids", "git_hash", "address", "version", "numeric_id", "amount", "date", "coordinates", "hex_colour", "dashed", "machine", "counter"]
# Identifiers of persons that stand in most records, whatever the country.
COMMON = ["payment.pan", "contact.email", "contact.phone", "payment.iban"]
PLENTY = {"payment.pan": 12, "contact.email": 8, "contact.phone": 6, "national-id.us-ssn": 4}
CODE = {"secrets", "travel"}
# Nothing in the number tells a wrong digit.
NO_CHECK = {f"national-id.{n}" for n in "us-ssn us-itin us-ein uk-nino dk-cpr in-pan my-nric id-nik pk-cnic".split()} | {"health.us-mbi"}


@dataclass
class Field:
    key: str
    label: str
    value: str
    identifier: str = None
    aided: bool = True
    shape: str = ""
    tier: str = ""
    negative: str = None
    number: bool = False


def field(r, name, aided=True):
    tier, _, keys, labels, make = TABLE[name]
    shape, value = make(r)
    key, label = (r.choice(keys), r.choice(labels)) if aided else (r.choice(NEUTRAL), r.choice(NEUTRAL))
    return Field(key, label, value, name, aided, shape, tier, None, aided and value.isdigit() and value[0] != "0" and r.random() < .1)


def card_like(value):
    """Whether a number would be a card's: rare enough in life not to stand beside one."""
    n = "".join(c for c in value if c.isdigit())
    return 12 <= len(n) <= 19 and luhn(n[:-1]) == n[-1]


def filler(r, name=None, marked=False):
    """What stands beside identifiers in real records; not marked as a hard negative, but wrong when found."""
    keys, make = negatives.KINDS[name or r.choice(FILLERS).replace("_", "-")]
    key, value = r.choice(keys), make(r)
    if not marked and card_like(value):
        return filler(r, name)
    return Field(key, key.replace("_", " "), value, number=value.isdigit() and len(value) < 17 and value[0] != "0", negative=name if marked else None)


def record(r, name, aided, carrier):
    """A record about one person: the identifier, others of the same country, and what else records hold."""
    country = TABLE[name][1]
    fields = [field(r, name, aided)]
    if carrier != "text" and aided:
        near = [n for n, row in TABLE.items() if row[1] == country != "xx" and n != name and n.split(".")[0] != "secrets"]
        fields += [field(r, n) for n in r.sample(near, min(len(near), r.choice((0, 0, 1))))]
        if name.split(".")[0] not in CODE and r.random() < .4:
            fields.append(field(r, r.choice([n for n in COMMON if n != name])))
    r.shuffle(fields)
    if carrier != "text":
        who = r.choice(values.NAMES)
        fields.insert(0, Field("name", "name", who))
        for _ in range(r.randint(0, 4)):
            fields.insert(r.randint(0, len(fields)), filler(r))
    seen = set()
    return [f for f in fields if not (f.key in seen or seen.add(f.key))]


def fits(carrier, name):
    """Values of several lines do not stand in one line of a log, and nobody writes a key into a table cell's title."""
    many_lines = name in ("secrets.private-key",) or name.startswith("travel.mrz")
    return not (many_lines and carrier in ("log", "form", "graphql")) and not (name == "secrets.url-password" and carrier in ("form", "xml", "html"))


def table(r, name):
    """A CSV of several rows under one header."""
    first = record(r, name, True, "csv")
    rows = [first]
    for _ in range(r.randint(2, 7)):
        row = []
        for f in first:
            if f.identifier:
                shape, value = TABLE[f.identifier][4](r)
                row.append(Field(f.key, f.label, value, f.identifier, True, shape, f.tier))
            else:
                other = next((k for k, (keys, _) in negatives.KINDS.items() if f.key in keys), None)
                row.append(Field(f.key, f.label, negatives.KINDS[other][1](r) if other else r.choice(values.NAMES)))
        rows.append(row)
    return rows


class Corpus:
    def __init__(self, out):
        self.out, self.count = pathlib.Path(out), 0
        (self.out / "files").mkdir(parents=True, exist_ok=True)
        self.truth = open(self.out / "truth.jsonl", "w")

    def write(self, carrier, records, r):
        w = Writer()
        CARRIERS[carrier](w, records, r)
        path = f"files/{self.count:05}-{carrier}.{ {'text': 'txt', 'log': 'log', 'graphql': 'json', 'multipart': 'bin', 'form': 'form'}.get(carrier, carrier)}"
        (self.out / path).write_bytes(w.bytes)
        for start, end, f, changed, far in w.marks:
            row = {"file": path, "start": start, "end": end, "carrier": carrier, "shape": f.shape, "header": far}
            if f.negative == "optional":
                row |= {"optional": True}
            elif f.negative:
                row |= {"negative": f.negative}
            else:
                row |= {"identifier": f.identifier, "tier": f.tier, "aided": f.aided, "encoded": changed}
            self.truth.write(json.dumps(row) + "\n")
        self.count += 1


def positives(corpus, r, scale):
    carriers = [c for c in CARRIERS if c != "csv"]
    for name, row in TABLE.items():
        turns = round(6 * scale * PLENTY.get(name, 1))
        for carrier in carriers:
            for _ in range(turns):
                if fits(carrier, name):
                    corpus.write(carrier, [record(r, name, True, carrier) for _ in range(r.choice((1, 1, 2)))], r)
        for _ in range(max(1, turns // 4)):
            if fits("csv", name):
                corpus.write("csv", table(r, name), r)
        if row[0] in "SM":
            for carrier in ("json", "text"):
                for _ in range(turns):
                    corpus.write(carrier, [record(r, name, False, carrier)], r)


def hard_negatives(corpus, r, scale):
    for name in negatives.KINDS:
        for carrier in CARRIERS:
            for _ in range(round(5 * scale)):
                if name in ("data-uri", "floats", "js-array", "svg-path") and carrier in ("form", "multipart", "graphql"):
                    continue
                corpus.write(carrier, [[filler(r, name, True) for _ in range(r.randint(2, 6))] for _ in range(3)], r) if carrier != "csv" else \
                    corpus.write("csv", column(r, name), r)
    for name in TABLE:
        if name.split(".")[0] not in ("national-id", "health") and name not in ("payment.pan", "payment.iban") or name in NO_CHECK:
            continue
        for carrier in ("json", "text", "log"):
            for _ in range(round(4 * scale)):
                f = field(r, name)
                f.value, f.identifier, f.negative = negatives.near_miss(r, f.value), None, "near-miss:" + name
                corpus.write(carrier, [[f]], r)


def column(r, name):
    first = [filler(r, name, True), filler(r), filler(r, name, True)]
    first[2].key += "_2"
    rows = [first]
    for _ in range(8):
        row = []
        for f in first:
            kind = name if f.negative else next(k for k, (keys, _) in negatives.KINDS.items() if f.key in keys)
            row.append(Field(f.key, f.label, negatives.KINDS[kind][1](r), negative=f.negative))
        rows.append(row)
    return rows


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("dir", nargs="?", default="target/corpus")
    args.add_argument("--seed", type=int, default=1)
    args.add_argument("--scale", type=float, default=1.0)
    args.add_argument("--oracle", action="store_true")
    args = args.parse_args()
    if args.oracle:
        import oracle
        return oracle.main(args.seed)
    corpus = Corpus(args.dir)
    positives(corpus, random.Random(args.seed), args.scale)
    hard_negatives(corpus, random.Random(args.seed + 1000), args.scale)
    print(f"{corpus.count} documents in {args.dir}")


if __name__ == "__main__":
    main()
