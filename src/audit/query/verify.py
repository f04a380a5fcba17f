#!/usr/bin/env python3
"""Checks a bundle or a proof of a Tidegate audit trail with nothing but Python 3.

    python3 verify.py FOLDER [--key PUBLIC.pem]
    python3 verify.py --proof PROOF.json [--key PUBLIC.pem]

Exits 0 if everything holds, 1 and says what does not otherwise. Written from RFC 6962, RFC 8032 and RFC 9162.
"""
import base64, hashlib, json, pathlib, sys

# Ed25519 (RFC 8032, section 5.1), verification only.
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def x_of(y, sign):
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * ROOT % P
    if x * x % P != square or (x == 0 and sign):
        return None
    return P - x if x & 1 != sign else x


def point(data):
    number = int.from_bytes(data, "little")
    y, sign = number & (2**255 - 1), number >> 255
    x = x_of(y, sign) if y < P else None
    return None if x is None else (x, y, 1, x * y % P)


def add(a, b):
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = f - e, h - g, h + g, f + e
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(n, a):
    total = (0, 1, 1, 0)
    while n:
        if n & 1:
            total = add(total, a)
        a, n = add(a, a), n >> 1
    return total


BASE = point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def signed(key, message, signature):
    a, r, s = point(key), point(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    left, right = times(s, BASE), add(r, times(k, a))
    return all((left[i] * right[2] - right[i] * left[2]) % P == 0 for i in (0, 1))


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def need(holds, what):
    if not holds:
        sys.exit(f"NOT PROVEN: {what}")


def public_key(pem):
    body = "".join(line for line in pem.splitlines() if not line.startswith("-"))
    der = base64.b64decode(body)
    need(len(der) == 44 and der[:12] == bytes.fromhex("302a300506032b6570032100"), "the key is not an Ed25519 key")
    return der[12:]


def key_id(key):
    return sha(bytes.fromhex("302a300506032b6570032100"), key)[:16].hex()


def checkpoint(line, key):
    """The fields of a checkpoint whose signature is right."""
    fields = json.loads(line)
    body, mark, _ = line.rpartition(b',"signature":"')
    need(mark, f"record {fields['seq']} has no signature")
    need(fields["key"] == key_id(key), f"record {fields['seq']} is signed by the key {fields['key']}")
    message = b"tidegate.audit.checkpoint.v1\0" + body
    need(signed(key, message, bytes.fromhex(fields["signature"])), f"the signature of record {fields['seq']} is wrong")
    return fields


def handed_over(fields, key):
    """The key that signs after a checkpoint."""
    return bytes.fromhex(fields["next_key"]) if "next_key" in fields else key


def link(head, line):
    return sha(b"\0", head, len(line).to_bytes(8, "big"), line)


def root(peaks):
    """Of complete subtrees, largest first."""
    if not peaks:
        return sha(b"")
    node = peaks[-1][1]
    for _, left in reversed(peaks[:-1]):
        node = sha(b"\1", left, node)
    return node


def segment(path, head, key, last):
    peaks, first = [], None
    data = path.read_bytes()
    need(data.endswith(b"\n"), f"{path.name} ends within a line")
    for line in data[:-1].split(b"\n"):
        fields = json.loads(line)
        seq = fields["seq"]
        need(last is None or seq == last + 1, f"record {seq} follows record {last}")
        if first is None:
            first = seq
            need(fields["kind"] == "checkpoint", f"record {seq} does not open its segment")
            if head is None:
                head = bytes.fromhex(fields["head"])
        need(fields["prev"] == head.hex(), f"record {seq}, or the one before it, was changed")
        if fields["kind"] == "checkpoint":
            fields = checkpoint(line, key)
            need(fields["head"] == head.hex(), f"record {seq} signs for another chain")
            need(fields["root"] == root(peaks).hex(), f"record {seq} signs for another tree")
            need(fields["segment"] == first, f"record {seq} signs for another segment")
            key = handed_over(fields, key)
            sealed = seq
        head, last = link(head, line), seq
        node, size = head, 1
        while peaks and peaks[-1][0] == size:
            node, size = sha(b"\1", peaks.pop()[1], node), size * 2
        peaks.append((size, node))
    return head, key, last, sealed


def key_before(folder, key, first):
    """The key in force at a record, by the hand-overs that came before it."""
    keys = folder / "keys.jsonl"
    for line in keys.read_bytes().splitlines() if keys.exists() else []:
        if json.loads(line)["seq"] >= first:
            break
        key = handed_over(checkpoint(line, key), key)
    return key


def tombstones(folder):
    path = folder / "tombstones.jsonl"
    lines = path.read_bytes().splitlines() if path.exists() else []
    return {json.loads(line)["first"]: line for line in lines}


def removed(folder, trusted, stones, head, last, first):
    """Steps over removed segments up to record `first`; the chain and the last record after them."""
    while last is not None and last + 1 < first and last + 1 in stones:
        line = stones[last + 1]
        stone = json.loads(line)
        key = key_before(folder, trusted, stone["at"] + 1)
        body, _, rest = line.rpartition(b',"signature":"')
        message = b"tidegate.audit.tombstone.v1\0" + body
        need(signed(key, message, bytes.fromhex(rest[:128].decode())), f"the tombstone of record {last + 1} was changed")
        need(stone["before"] == head.hex(), f"the tombstone of record {last + 1} does not follow the record before it")
        need(stone["first"] <= stone["last"] < first, f"the tombstone of record {last + 1} is for more than is gone")
        print(f"removed by {stone['reason']}: records {stone['first']} to {stone['last']}")
        head, last = bytes.fromhex(stone["after"]), stone["last"]
    return head, last


def bundle(folder, key):
    manifest = (folder / "manifest.json").read_bytes()
    listed = json.loads(manifest)
    for entry in listed["files"]:
        data = (folder / entry["file"]).read_bytes()
        need(len(data) == entry["bytes"] and sha(data).hex() == entry["sha256"], f"{entry['file']} was changed")
    seal = folder / "manifest.sig"
    if seal.exists():
        by = json.loads(seal.read_text())
        message = b"tidegate.audit.bundle.v1\0" + manifest
        need(signed(public_key(by["public_key"]), message, bytes.fromhex(by["signature"])), "the manifest was changed")
    if (folder / "proofs.jsonl").exists():
        return subset(folder, key)
    head = last = sealed = None
    missing, stones, trusted = [], tombstones(folder), key
    for path in sorted((folder / "records").glob("segment-*.jsonl")):
        first = int(path.name[8:28])
        head, last = removed(folder, trusted, stones, head, last, first)
        if last is None or first != last + 1:
            missing += [] if last is None else [(last + 1, first - 1)]
            head, last = None, None
        key = key_before(folder, trusted, first)
        begin = first if sealed is None else begin
        head, key, last, sealed = segment(path, head, key, last)
    need(last is not None, "there are no records")
    need(sealed == last, f"records {sealed + 1} to {last} are not signed for")
    need(not missing, f"records are missing: {missing}")
    print(f"whole: records {begin} to {last}, chained, signed by {key_id(key)}")


def subset(folder, trusted):
    """Each record of a bundle without the others, led up to its checkpoint."""
    seals, count = {}, 0
    for line in (folder / "checkpoints.jsonl").read_bytes().splitlines():
        seq = json.loads(line)["seq"]
        seals[seq] = (line, checkpoint(line, key_before(folder, trusted, seq)))
    asked = (folder / "selection.jsonl").read_bytes().splitlines()
    for text in (folder / "proofs.jsonl").read_bytes().splitlines():
        stated = json.loads(text)
        line, (seal, fields) = stated["record"].encode(), seals[stated["checkpoint"]]
        need(line in (seal, asked[count]), "a proof is of another record than was asked for")
        if "path" in stated:
            included(line, stated, fields)
        else:
            need(line == seal, f"record {stated['checkpoint']} is another checkpoint")
        count += 1
    print(f"proven: {count} of {len(asked)} records, each by itself; the others were not asked for")


def proof(path, key):
    stated = json.loads(path.read_text())
    key = key or public_key(stated["public_key"])
    line, sealed = stated["record"].encode(), stated["checkpoint"].encode()
    for handover in stated.get("keys", []):
        key = handed_over(checkpoint(handover.encode(), key), key)
    fields = checkpoint(sealed, key)
    seq = included(line, stated, fields)
    print(f"proven: record {seq} is in the trail {fields['log']}, signed by {key_id(key)}")


def included(line, stated, fields):
    """The sequence of a record that a path leads up to a checkpoint."""
    record = json.loads(line)
    need(fields["segment"] + stated["index"] == record["seq"], "the record stands at another place")
    need(fields["seq"] - fields["segment"] == stated["size"], "the tree has another size")
    node, at, last = link(bytes.fromhex(record["prev"]), line), stated["index"], stated["size"] - 1
    need(at <= last, "the record is not in the tree")
    for other in map(bytes.fromhex, stated["path"]):
        need(last > 0, "the path is too long")
        if at & 1 or at == last:
            node = sha(b"\1", other, node)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            node = sha(b"\1", node, other)
        at, last = at >> 1, last >> 1
    need(last == 0 and node.hex() == fields["root"], "the path does not lead to the signed root")
    return record["seq"]


def main(words):
    key = None
    if "--key" in words:
        at = words.index("--key")
        key = public_key(pathlib.Path(words[at + 1]).read_text())
        del words[at:at + 2]
    if words[:1] == ["--proof"] and len(words) == 2:
        return proof(pathlib.Path(words[1]), key)
    if len(words) != 1:
        sys.exit(__doc__)
    folder = pathlib.Path(words[0])
    bundle(folder, key or public_key((folder / "audit.pub").read_text()))


main(sys.argv[1:])
