#!/usr/bin/env python3
"""Checks a bundle or a proof of a Tidegate audit trail with nothing but Python 3.

    python3 verify.py FOLDER [--key PUBLIC.pem] [--signer PUBLIC.pem]
    python3 verify.py --proof PROOF.json [--key PUBLIC.pem]

--key is the first public key of the trail, from a place of your own. --signer is the public key of whoever made the
bundle, where that is not the gate's. Exits 0 if everything holds, 1 and says what does not otherwise, 64 when it was
asked in another way. Written from RFC 6962, RFC 8032 and RFC 9162.
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


def segment(path, head, key, last, lines):
    peaks, first, sealed = [], None, None
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
        lines.add(seq, line, fields["kind"])
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
        need(head is None or stone["before"] == head.hex(), f"the tombstone of record {last + 1} does not follow the record before it")
        need(stone["first"] <= stone["last"] < first, f"the tombstone of record {last + 1} is for more than is gone")
        print(f"removed by {stone['reason']}: records {stone['first']} to {stone['last']}")
        head, last = bytes.fromhex(stone["after"]), stone["last"]
    return head, last


def begins(stones, first):
    """The first record of the removed segments that lead up to record `first` without a gap."""
    ends = {json.loads(line)["last"]: at for at, line in stones.items()}
    while ends.get(first - 1, first) < first:
        first = ends[first - 1]
    return first


class Lines:
    """What the records say, to hold against the files that repeat them: a hash of each line, and the checkpoints."""

    def __init__(self):
        self.hashes, self.checkpoints = {}, []

    def add(self, seq, line, kind):
        self.hashes[seq] = sha(line)
        if kind == "checkpoint":
            self.checkpoints.append(line)


def inside(folder, name):
    """A file of the bundle: nothing a list says may lead out of it."""
    path = folder / name
    parts = pathlib.PurePosixPath(name).parts
    need(parts and ".." not in parts and not pathlib.PurePosixPath(name).is_absolute(), f"{name} is no file of a bundle")
    need(path.is_file() and not path.is_symlink(), f"{name} is listed and not there")
    return path


def listed_files(folder):
    """The manifest, after each file was held against it."""
    text = (folder / "manifest.json").read_bytes()
    manifest = json.loads(text)
    for entry in manifest["files"]:
        data = inside(folder, entry["file"]).read_bytes()
        need(len(data) == entry["bytes"] and sha(data).hex() == entry["sha256"], f"{entry['file']} was changed")
    known = {entry["file"] for entry in manifest["files"]} | {"manifest.json", "manifest.sig"}
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()}
    need(there <= known, f"not in the manifest: {', '.join(sorted(there - known))}")
    need(len(known) == len(manifest["files"]) + 2, "the manifest lists a file twice")
    return manifest, text


def seal(folder, text, signers, other):
    """Who signed for the list of files: a key of the trail, or the one given as --signer."""
    path = folder / "manifest.sig"
    if not path.exists():
        need(other is None, "the manifest is not signed, though a --signer was given")
        print("the manifest is NOT signed: who chose these records, and verified.txt, are nobody's word")
        return
    by = json.loads(path.read_text())
    key = public_key(by["public_key"])
    need(by["key"] == key_id(key), "manifest.sig names another key than it holds")
    need(signed(key, b"tidegate.audit.bundle.v1\0" + text, bytes.fromhex(by["signature"])), "the manifest was changed")
    if other is not None:
        need(key == other, f"the manifest is signed by {key_id(key)}, not by the --signer {key_id(other)}")
    else:
        need(key in signers, f"the manifest is signed by {key_id(key)}, which is no key of this trail; "
             "if you know whose it is, give it with --signer FILE")
    print(f"the manifest is signed by {key_id(key)}, {'the signer given' if other else 'a key of this trail'}")


def all_keys(folder, key):
    """The first key and those that were handed over to."""
    keys = {key}
    path = folder / "keys.jsonl"
    for line in path.read_bytes().splitlines() if path.exists() else []:
        key = handed_over(checkpoint(line, key), key)
        keys.add(key)
    return keys


def repeated(folder, lines):
    """The files that repeat records say what the records say."""
    last = 0
    for line in (folder / "selection.jsonl").read_bytes().splitlines():
        seq = json.loads(line)["seq"]
        need(seq > last, f"record {seq} stands at another place in selection.jsonl")
        need(lines.hashes.get(seq) == sha(line), f"record {seq} in selection.jsonl is not the record of the trail")
        last = seq
    copies = (folder / "checkpoints.jsonl").read_bytes().splitlines()
    need(copies == lines.checkpoints, "checkpoints.jsonl is not what the records hold")


def bundle(folder, key, other):
    manifest, text = listed_files(folder)
    need(manifest["key"] == key_id(key), f"the bundle is of the key {manifest['key']}, not of {key_id(key)}")
    seal(folder, text, all_keys(folder, key), other)
    if (folder / "proofs.jsonl").exists():
        return subset(folder, key, manifest)
    whole(folder, key, manifest)


def whole(folder, key, manifest):
    head = last = sealed = begin = None
    missing, stones, trusted, lines = [], tombstones(folder), key, Lines()
    for path in sorted((folder / "records").glob("segment-*.jsonl")):
        first = int(path.name[8:28])
        if begin is None and begins(stones, first) < first:
            last = begins(stones, first) - 1
        head, last = removed(folder, trusted, stones, head, last, first)
        if last is None or first != last + 1:
            missing += [] if last is None else [(last + 1, first - 1)]
            head, last = None, None
        key = key_before(folder, trusted, first)
        begin = first if begin is None else begin
        head, key, last, sealed = segment(path, head, key, last, lines)
    need(last is not None, "there are no records")
    need(sealed == last, f"records {(sealed or 0) + 1} to {last} are not signed for")
    need(not missing, f"records are missing: {missing}")
    stated = manifest["records"]
    need((stated["first"], stated["last"]) == (begin, last), "the manifest speaks of other records")
    repeated(folder, lines)
    print(f"whole: records {begin} to {last}, chained, signed by {key_id(key)}")


def subset(folder, trusted, manifest):
    """Each record of a bundle without the others, led up to its checkpoint."""
    seals, proofs = {}, []
    for line in (folder / "checkpoints.jsonl").read_bytes().splitlines():
        seq = json.loads(line)["seq"]
        seals[seq] = (line, checkpoint(line, key_before(folder, trusted, seq)))
    need(len({fields["log"] for _, fields in seals.values()} | {manifest["log"]}) == 1, "there are checkpoints of another trail")
    for text in (folder / "proofs.jsonl").read_bytes().splitlines():
        stated = json.loads(text)
        line = stated["record"].encode()
        need(stated["checkpoint"] in seals, f"the checkpoint {stated['checkpoint']} is not there")
        seal, fields = seals[stated["checkpoint"]]
        if "path" in stated:
            included(line, stated, fields)
        else:
            need(line == seal, f"record {stated['checkpoint']} is another checkpoint")
        proofs.append(line)
    asked = (folder / "selection.jsonl").read_bytes().splitlines()
    for at, line in enumerate(asked):
        need(at < len(proofs) and line == proofs[at], f"record {json.loads(line)['seq']} in selection.jsonl is not proven")
    need(len(proofs) == len(asked), "there are proofs of records that selection.jsonl does not hold")
    print(f"proven: {len(proofs)} records, each by itself; the others were not asked for")


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


def option(words, name):
    """The public key in the file that an option names."""
    if name not in words:
        return None
    at = words.index(name)
    if at + 1 == len(words):
        usage()
    key = public_key(pathlib.Path(words[at + 1]).read_text())
    del words[at:at + 2]
    return key


def usage():
    print(__doc__.strip(), file=sys.stderr)
    sys.exit(64)


def main(words):
    if "-h" in words or "--help" in words:
        return print(__doc__.strip())
    key, other = option(words, "--key"), option(words, "--signer")
    if words[:1] == ["--proof"] and len(words) == 2 and other is None:
        return proof(pathlib.Path(words[1]), key)
    if len(words) != 1 or words[0].startswith("-"):
        usage()
    folder = pathlib.Path(words[0])
    need(folder.is_dir(), f"there is no folder {folder}")
    if key is None:
        key = public_key((folder / "audit.pub").read_text())
        print(f"the key {key_id(key)} was found in the bundle: compare it with one of your own, or give it with --key")
    bundle(folder, key, other)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except OSError as error:
        need(False, f"{error.filename}: {error.strerror}")
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        need(False, f"a file of the bundle does not have the form of one ({type(error).__name__}: {error})")
