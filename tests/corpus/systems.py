#!/usr/bin/env python3
"""Writes a fifth corpus: requests, dumps, logs, settings and letters as systems of many vendors write them.

    tests/corpus/systems.py DIR [--seed 1] [--scale 1.0]     # then score.py DIR

Payment interfaces, HR exports, bank files, health messages, tickets, database dumps, programs' own ways of printing an
object; names in every case that systems use, an identifier's kind in a field beside it, letters in two dozen languages;
order numbers, hashes, versions and other hard negatives among them. DIR is as generate.py leaves it.
"""
import json, pathlib, random, tomllib

import arguments
import values  # fills TABLE
from national import TABLE
from systems_carriers import CARRIERS, LINES, Doc
from systems_negatives import documents

HERE = pathlib.Path(__file__).resolve().parent
MULTILINE = ("travel.mrz-td1", "travel.mrz-td2", "travel.mrz-td3", "secrets.private-key")
SKIPPED = {"payment.test-pan"}
EVERYWHERE = ["contact.email", "contact.phone", "payment.pan", "payment.iban"]
CARD = ["payment.pan", "payment.expiry", "payment.cvv"]


def companions(r, name, country):
    """What stands beside an identifier in the same record."""
    if name in ("payment.cvv", "payment.expiry"):
        return [n for n in CARD if n != name] if r.random() < .8 else []
    if name == "payment.pan" and r.random() < .6:
        return ["payment.expiry", "payment.cvv"]
    if name == "payment.iban" and r.random() < .5:
        return ["payment.bic"]
    if name.startswith("secrets."):
        return []
    same = [n for n, entry in TABLE.items() if entry[1] == country != "xx" and n != name and n not in MULTILINE]
    return r.sample(EVERYWHERE, r.randint(0, 2)) + (r.sample(same, 1) if same and r.random() < .4 else [])


def main():
    args = arguments.read(__doc__)
    r = random.Random(args.seed)
    spoken = tomllib.loads((HERE / "systems.toml").read_text())
    (args.dir / "files").mkdir(parents=True, exist_ok=True)
    truth, count = [], 0

    def keep(carrier, extension, pieces):
        nonlocal count
        name = f"files/{count:05}.{carrier}.{extension}"
        count += 1
        data, rows = bytearray(), []
        for piece in pieces:
            if isinstance(piece, str):
                data += piece.encode()
                continue
            start = len(data)
            data += piece.text.encode()
            rows.append({"file": name, "start": start, "end": len(data), "carrier": carrier, **piece.row})
        (args.dir / name).write_bytes(bytes(data))
        truth.extend(rows)

    for name, (tier, country, _, _, _) in TABLE.items():
        if name in SKIPPED:
            continue
        # Each carrier at least once in two seeds, in an order of its own.
        carriers = list(LINES if name in MULTILINE else CARRIERS)
        r.shuffle(carriers)
        for carrier in (carriers * 2)[:max(2, round(24 * args.scale))]:
            beside = [n for n in companions(r, name, country) if n != name] if name not in MULTILINE else []
            doc = Doc(r, spoken, TABLE, [name, *beside])
            extension, pieces = carrier(doc)
            keep(carrier.__name__, extension, pieces)
    for carrier, extension, pieces in documents(r, max(1, round(12 * args.scale))):
        keep(carrier, extension, pieces)
    with open(args.dir / "truth.jsonl", "w") as out:
        out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in truth)


if __name__ == "__main__":
    main()
