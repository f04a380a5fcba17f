#!/usr/bin/env python3
"""Values of every identifier hidden in values and in bodies, sent through a real gate: how many its records tell.

    tests/corpus/hidden.py [--seed 1] [--each 3] [--gate] [--misses N]

Each request holds one value under its key or beside its word, worn as the way says: as it is, percent-encoded (twice), as
escapes of JSON, character references, base64 (and its URL-safe twin), hexadecimal digits, JSON in JSON, full-width digits,
with characters that have no width; or the whole body is coded (gzip, deflate, br, zstd, two of them), in UTF-16, in an archive
or an office document. Tables and paths are in `score.py`. `--gate` exits with 1 when a target is missed. Needs openssl;
installs brotli, zstandard, openpyxl, python-docx under target/.
"""
import argparse, base64, collections, gzip, html, http.client, io, json, pathlib, random, ssl, sys, tarfile, urllib.parse, zipfile, zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))
from lab import Certificates, Gate, Origin, folder, with_packages

with_packages("carriers", "brotli", "zstandard", "openpyxl", "python-docx")
import brotli, docx, openpyxl, zstandard
from national import TABLE
from score import SKIPPED, detectors, same
import values  # noqa: F401, enters more of TABLE

JSON, FORM, TEXT = "application/json", "application/x-www-form-urlencoded", "text/plain; charset=utf-8"
percent = lambda text: "".join(f"%{byte:02X}" for byte in text.encode())
escaped = lambda text: "".join(f"\\u{unit:04x}" for unit in memoryview(text.encode("utf-16-le")).cast("H"))
entities = lambda text: "".join(f"&#{ord(c)};" for c in text)
wide = lambda text: "".join(chr(ord(c) + 0xfee0) if c.isdigit() or c == "@" else c for c in text)
sentence = lambda key, value: f"update of today, {key}: {value} as agreed with the customer on the phone"
plain = lambda key, value: json.dumps({"id": 7, "customer": {key: value}, "note": "as agreed"}).encode()


def json_with(key, written):
    return f'{{"id":7,"customer":{{{json.dumps(key)}:"{written}"}},"note":"as agreed"}}'.encode()


def sparse(value):
    at = len(value) // 2
    return value[:at] + "\u200b" + value[at:]


# Way, media type, and body of key and value.
VALUES = [
    ("percent", FORM, lambda k, v: f"id=7&{urllib.parse.quote(k)}={percent(v)}&note=ok".encode()),
    ("percent, twice", FORM, lambda k, v: f"id=7&{urllib.parse.quote(k)}={percent(v).replace('%', '%25')}&note=ok".encode()),
    ("json escapes", JSON, lambda k, v: json_with(k, escaped(v))),
    ("html", "text/html", lambda k, v: f"<!doctype html><dl><dt>{html.escape(k)}</dt><dd>{entities(v)}</dd></dl>".encode()),
    ("base64", JSON, lambda k, v: json_with("data", base64.b64encode(sentence(k, v).encode()).decode())),
    ("base64url", JSON, lambda k, v: json_with("data", base64.urlsafe_b64encode(sentence(k, v).encode()).decode().rstrip("="))),
    ("hex", JSON, lambda k, v: json_with("data", sentence(k, v).encode().hex())),
    ("json in json", JSON, lambda k, v: json.dumps({"payload": json.dumps({"id": 7, k: v})}).encode()),
    ("full width", JSON, lambda k, v: json.dumps({"customer": {k: wide(v)}}, ensure_ascii=False).encode()),
    ("no width", JSON, lambda k, v: json.dumps({"customer": {k: sparse(v)}}, ensure_ascii=False).encode()),
]


def archive(name, data):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(name, data)
    return out.getvalue()


def tar(data):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as made:
        member = tarfile.TarInfo("export/people.json")
        member.size = len(data)
        made.addfile(member, io.BytesIO(data))
    return out.getvalue()


def workbook(key, value):
    out, book = io.BytesIO(), openpyxl.Workbook()
    book.active.append(["id", key, "note"])
    book.active.append([7, value, "as agreed"])
    book.save(out)
    return out.getvalue()


def letter(key, value):
    out, document = io.BytesIO(), docx.Document()
    document.add_paragraph(sentence(key, value))
    document.save(out)
    return out.getvalue()


# Way, media type, codings, and body of key and value.
BODIES = [
    ("gzip", JSON, "gzip", lambda k, v: gzip.compress(plain(k, v))),
    ("deflate", JSON, "deflate", lambda k, v: zlib.compress(plain(k, v))),
    ("br", JSON, "br", lambda k, v: brotli.compress(plain(k, v))),
    ("zstd", JSON, "zstd", lambda k, v: zstandard.compress(plain(k, v))),
    ("br, gzip", JSON, "br, gzip", lambda k, v: gzip.compress(brotli.compress(plain(k, v)))),
    ("utf-16", TEXT, None, lambda k, v: ("\ufeff" + sentence(k, v)).encode("utf-16-le")),
]
ARCHIVES = [
    ("zip", "application/zip", None, lambda k, v: archive("people.json", plain(k, v))),
    ("zip in zip", "application/zip", None, lambda k, v: archive("inner.zip", archive("people.json", plain(k, v)))),
    ("tar.gz", "application/gzip", None, lambda k, v: tar(plain(k, v))),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", None, workbook),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", None, letter),
]
# Class, ways, and the recall that must be reached over all of them.
CLASSES = [
    ("hidden in a value", [(name, kind, None, make) for name, kind, make in VALUES], .90),
    ("hidden in a body", BODIES, .99),
    ("in an archive or a document", ARCHIVES, .80),
]


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--seed", type=int, default=1)
    args.add_argument("--each", type=int, default=3, help="values of each identifier in each way")
    args.add_argument("--gate", action="store_true")
    args.add_argument("--misses", type=int, default=0)
    args = args.parse_args()
    r, known = random.Random(args.seed), detectors()
    names = [name for name in TABLE if name in known and name not in SKIPPED]
    packs = ", ".join(f'"{name}"' for name in sorted({name.split(".")[0] for name in known}))
    sent = []
    with folder() as d:
        certificates = Certificates(d)
        origin = Origin(*certificates.leaf("origin"))
        rule = '[[rule]]\nid = "told"\nidentifiers = ["*"]\naction = "alert"\nconfidence = "medium"\ndirection = "request"\n'
        gate = Gate(d, certificates.ca, rule)
        gate.config.write_text(f"packs = [{packs}]\n" + gate.config.read_text())
        gate.start()
        trust = ssl.create_default_context(cafile=gate.issuer)
        client = http.client.HTTPSConnection("127.0.0.1", gate.port, context=trust, timeout=20)
        client.set_tunnel("crm.example.test", origin.port)
        as_it_is = [("as it is", JSON, None, plain)]
        for title, ways, _ in [("as it is", as_it_is, 0), *CLASSES]:
            for name in names:
                _, _, keys, _, make = TABLE[name]
                for way, kind, coding, body in ways:
                    for _ in range(args.each):
                        value, key = make(r)[1], r.choice(keys)
                        data = body(key, value)
                        headers = {"content-type": kind} | ({"content-encoding": coding} if coding else {})
                        client.request("POST", "/v1/notes", data, headers)
                        reply = client.getresponse()
                        reply.read()
                        if reply.status != 200:
                            sys.exit(f"{way} {name}: {reply.status}")
                        sent.append((title, way, name, value))
            origin.seen.clear()
        client.close()
        gate.stop()
        records = [record for record in gate.records() if record["kind"] == "decision" and record["direction"] == "request"]
    if len(records) != len(sent):
        sys.exit(f"{len(sent)} were sent, {len(records)} are on record")
    found, total, missed = collections.Counter(), collections.Counter(), collections.defaultdict(collections.Counter)
    for (title, way, name, value), record in zip(sent, records):
        hit = any(same(name, finding["identifier"]) and finding["confidence"] != "low" for finding in record["findings"])
        for row in ((title, way), (title, None)):
            total[row] += 1
            found[row] += hit
        if not hit:
            missed[(title, way)][name] += 1
    good = True
    for title, ways, target in [("as it is", as_it_is, None), *CLASSES]:
        recall = found[(title, None)] / total[(title, None)]
        ok = target is None or recall >= target
        good &= ok
        print(f"{'ok  ' if ok else 'MISS'} {title:28} recall {recall:.4f}  {f'>= {target}' if target else ''}  of {total[(title, None)]}")
        for way, *_ in ways if target else []:
            row = (title, way)
            print(f"       {way:25} {found[row] / total[row]:.4f}")
            if args.misses:
                print("         " + ", ".join(f"{name} {count}" for name, count in missed[row].most_common(args.misses)))
    print(f"{len(names)} identifiers, {len(sent)} requests: {'all targets met' if good else 'BELOW THE TARGETS'}")
    sys.exit(1 if args.gate and not good else 0)


if __name__ == "__main__":
    main()
