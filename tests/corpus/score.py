#!/usr/bin/env python3
"""Scans a corpus with every built-in pack and says how much was found and how much of it was right.

    tests/corpus/score.py DIR [--tidegate target/release/tidegate] [--gate] [--floor NAME=VALUE] [--misses N] [--json FILE]

A finding counts when it overlaps a value of the same identifier. Recall is taken where a word stands near (`aided`), in
carriers that write the value as it is; the other rows (no word, a word that only structure leads to, escaped) are shown beside it, and the second has targets of its own. Precision
is over everything found in all documents, hard negatives among them. `--gate` exits with 1 when a target is missed; `--floor`
sets one to what was measured, where that is below: `--floor "payment.pan: precision=.97"`.
"""
import argparse, bisect, collections, json, os, pathlib, re, statistics, subprocess, sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
# One number under two names: both countries number alike, or the words are the same.
ALIKE = [{"national-id.cz-rc", "national-id.sk-rc"}, {"national-id.ec-ci", "national-id.ec-ci-named"}, *({f"national-id.{one}", f"national-id.{one}-oid"} for one in "no-fnr se-personnummer dk-cpr fi-hetu at-svnr nl-bsn fr-nir pl-pesel br-cpf".split()), {"national-id.us-ssn", "national-id.us-ssn-x12", "national-id.us-ssn-hl7", "national-id.us-ssn-oid"}, {"national-id.ee-ik", "national-id.lt-ak"}, {"travel.us-passport", "travel.uk-passport"}, {"travel.mrz-td1", "travel.mrz-td1-lines", "travel.mrz-line"}, {"travel.mrz-td2", "travel.mrz-td2-lines", "travel.mrz-line"}, {"travel.mrz-td3", "travel.mrz-td3-lines", "travel.mrz-line"},
         {"payment.pan", "payment.test-pan"}, {"contact.phone", "contact.phone-national", "contact.phone-x12", "contact.phone-signed", "contact.phone-hl7"}, {"payment.iban", "payment.iban-mt940", "payment.iban-glued"},
         {"payment.us-aba-rtn", "payment.us-aba-rtn-x12"}, {"health.us-npi", "health.us-npi-x12", "health.us-npi-oid"}, {"national-id.us-ein", "national-id.us-ein-x12"}, {"national-id.cl-rut", "national-id.cl-run"}, {"health.us-mbi", "health.us-mbi-bare"}, {"payment.bic", "payment.bic-named", "payment.bic-mt"}, {"payment.cvv", "payment.cvv-local"}, {"national-id.it-codice-fiscale", "national-id.it-codice-fiscale-grouped", "national-id.it-codice-fiscale-oid"}, {"secrets.aws-secret-access-key", "secrets.aws-secret-access-key-nested"}, {"national-id.br-cnpj", "national-id.br-cnpj-alphanumeric", "national-id.br-cnpj-alphanumeric-named"}]
# What stands inside a value, and is right to be found there.
INSIDE = {"payment.track1": {"payment.pan"}, "payment.track2": {"payment.pan"}, "secrets.jwt": {"secrets.generic-key"}}
PREFIXED = "aws-access-key-id github-token gitlab-token npm-token slack-token stripe-key sendgrid-key google-api-key".split()
SKIPPED = {"payment.test-pan"}


def scan(tidegate, folder):
    packs = [arg for name in sorted({name.split(".")[0] for name in detectors()}) for arg in ("--pack", name)]
    out = subprocess.run([tidegate, "scan", "--format", "jsonl", *packs, "files"], cwd=folder, capture_output=True, text=True)
    if out.returncode not in (0, 1):
        sys.exit(f"scan failed: {out.stderr[-2000:]}")
    found = collections.defaultdict(list)
    for line in out.stdout.splitlines():
        row = json.loads(line)
        found[row["path"]].append((row["start"], row["end"], row["detector"], row["confidence"]))
    return found


def same(truth, detector):
    if truth == detector or any(truth in group and detector in group for group in ALIKE):
        return True
    return truth.startswith("secrets.") and detector in {"secrets.generic-key", "secrets.generic-pass"} or detector in INSIDE.get(truth, ())


class Score:
    def __init__(self, rows, found, known):
        self.hits, self.total, self.wrong, self.right = (collections.Counter() for _ in range(4))
        self.missed, self.strays = collections.defaultdict(list), collections.defaultdict(list)
        self.negatives, self.flagged, self.flagged_high = (collections.Counter() for _ in range(3))
        self.flagged_by = collections.Counter()
        by_file = collections.defaultdict(list)
        for row in rows:
            by_file[row["file"]].append(row)
        for file in {*by_file, *found}:
            self.file(sorted(by_file.get(file, ()), key=lambda row: row["start"]), found.get(file, ()), known)

    def file(self, rows, findings, known):
        for start, end, detector, confidence in findings:
            near = [row for row in rows if row["start"] < end and start < row["end"]]
            if any(same(row.get("identifier", ""), detector) or row.get("optional") for row in near):
                self.right[detector] += 1
                continue
            if any(row.get("negative", "") == f"near-miss:{detector}" for row in near):
                # One changed digit in ten or so still passes; counted in the list of negatives alone.
                continue
            self.wrong[detector] += 1
            what = near[0].get("identifier") or near[0].get("negative") if near else "nothing marked"
            self.strays[detector].append((what, near[0]["file"] if near else rows[0]["file"] if rows else "?", start, end, confidence))
        for row in rows:
            over = [(d, c) for s, e, d, c in findings if row["start"] < e and s < row["end"]]
            if "negative" in row:
                kind = row["negative"] + (" (header)" if row["header"] else "")
                self.negatives[kind] += 1
                if kind.startswith("near-miss:"):
                    over = [(d, c) for d, c in over if d == kind.split(":")[1]]
                self.flagged[kind] += bool(over)
                self.flagged_high[kind] += any(c == "high" for _, c in over)
                self.flagged_by.update((kind, d) for d in {d for d, _ in over})
            elif row.get("identifier") in known:
                row["found"] = any(same(row["identifier"], d) for d, _ in over)
                key = (klass(row), row["identifier"], group(row))
                self.total[key] += 1
                self.hits[key] += row["found"]
                if not row["found"]:
                    self.missed[(row["identifier"], group(row))].append(row)

    def recall(self, pick):
        keys = [k for k in self.total if pick(k)]
        total = sum(self.total[k] for k in keys)
        return sum(self.hits[k] for k in keys) / total if total else None

    def precision(self, detectors):
        right, wrong = sum(self.right[d] for d in detectors), sum(self.wrong[d] for d in detectors)
        return right / (right + wrong) if right + wrong else None


def group(row):
    if not row["aided"]:
        return "unaided"
    if row["encoded"]:
        return "encoded"
    return "header" if row["header"] else "aided"


def klass(row):
    """The tier, where the spelling does not make it another one."""
    if row["identifier"] == "national-id.us-ssn" and row["shape"] == "bare":
        return "W"
    return row["tier"]


def f1(p, r):
    return 2 * p * r / (p + r) if p and r else 0.0


def resolved(findings):
    """Of overlapping findings one counts: higher confidence, then longer; as the gate does it."""
    kept = []
    for f in sorted(findings, key=lambda f: (-("low", "medium", "high").index(f[3]), f[0] - f[1])):
        if not any(f[0] < k[1] and k[0] < f[1] for k in kept):
            kept.append(f)
    return kept


def percent(x):
    return "     -" if x is None else f"{x:6.3f}"


def table(score, identifiers, tiers):
    print(f"\n{'identifier':32} tier  found right  P      R aided  F1     unaided header encoded")
    for name in identifiers:
        p, r = score.precision([name]), score.recall(lambda k: k[1] == name and k[2] == "aided")
        rest = [percent(score.recall(lambda k: k[1] == name and k[2] == g)) for g in ("unaided", "header", "encoded")]
        print(f"{name:32} {tiers[name]}    {score.right[name] + score.wrong[name]:6} {score.right[name]:6} {percent(p)} {percent(r)} {f1(p or 0, r or 0):7.3f}  {' '.join(rest)}")


def targets(score, tiers):
    """Class, figure, target, and whether it is met."""
    known = list(tiers)
    rows = []

    def hold(what, value, least=None, most=None):
        if value is not None:
            ok = value >= least if least is not None else value <= most
            rows.append((what, value, f">= {least}" if least is not None else f"<= {most}", ok))

    def pair(what, names, p, r, only=lambda k: True):
        hold(f"{what}: precision", score.precision(names), p)
        hold(f"{what}: recall", score.recall(lambda k: k[1] in names and k[2] == "aided" and only(k)), r)

    pair("all", known, .985, .960)
    hold("all, under a name alone (column, path, element, part): recall", score.recall(lambda k: k[2] == "header"), .96)
    hold("W tier, under a name alone: recall", score.recall(lambda k: k[2] == "header" and tiers.get(k[1]) == "W"), .92)
    pair("payment.pan", ["payment.pan"], .99, .98)
    pair("contact.email", ["contact.email"], .99, .99)
    for name in known:
        if tiers[name] == "S" and not name.startswith(("secrets.", "payment.pan", "contact.email", "payment.test")):
            pair(f"S {name}", [name], .99, .98)
    pair("ssn dashed", ["national-id.us-ssn"], .99, .97, lambda k: k[0] == "M")
    pair("phone", ["contact.phone"], .95, .90)
    # Where two countries number alike, one of them is named.
    medium = {n: f1(1 if score.precision([n]) is None else score.precision([n]), score.recall(lambda k: k[1] == n and k[2] == "aided") or 0) for n in known if tiers[n] == "M" and n != "contact.phone"}
    if medium:
        hold("M tier: macro F1", statistics.mean(medium.values()), .95)
        for name, value in medium.items():
            if value < .88:
                hold(f"M {name}: F1", value, .88)
    weak = [n for n in known if tiers[n] == "W"]
    pair("W tier with a word", weak, .97, .92)
    pair("secrets with a prefix", [f"secrets.{n}" for n in PREFIXED if f"secrets.{n}" in tiers], .99, .99)
    hard = [k for k in score.negatives if not k.startswith("near-miss:")]
    if hard:
        total = sum(score.negatives[k] for k in hard)
        hold("hard negatives flagged", sum(score.flagged[k] for k in hard) / total, most=.008)
        hold("hard negatives flagged at high", sum(score.flagged_high[k] for k in hard) / total, most=.002)
    return rows


def show_negatives(score):
    print("\nhard negatives: kind, flagged of all, at high, by")
    for kind in sorted(score.negatives):
        if score.flagged[kind]:
            by = ", ".join(f"{d} {n}" for (k, d), n in score.flagged_by.most_common() if k == kind)
            print(f"  {kind:40} {score.flagged[kind]:4} of {score.negatives[kind]:5}  high {score.flagged_high[kind]:3}  {by}")


def shape_of(text):
    return re.sub(r"\d", "9", re.sub(r"[a-z]", "a", re.sub(r"[A-Z]", "A", text)))


def show_misses(score, folder, most):
    """What was not found, and what was found wrongly, a few of each, with what stands around (the corpus is synthetic)."""
    context = lambda file, start, end: (folder / file).read_bytes()[max(0, start - 60):end + 20].decode(errors="replace").replace("\n", "⏎")
    print("\nmissed")
    for (name, kind), rows in sorted(score.missed.items()):
        if kind in ("encoded", "unaided"):
            continue
        shapes = collections.Counter((row["carrier"], row["shape"]) for row in rows)
        print(f"  {name} {kind}: {len(rows)}; {', '.join(f'{c}/{s} {n}' for (c, s), n in shapes.most_common(6))}")
        for row in rows[:most]:
            print(f"      {context(row['file'], row['start'], row['end'])}")
    print("\nfound wrongly")
    for name, strays in sorted(score.strays.items()):
        whats = collections.Counter(w for w, *_ in strays)
        print(f"  {name}: {len(strays)}; {', '.join(f'{w} {n}' for w, n in whats.most_common(6))}")
        for _, file, start, end, confidence in strays[:most]:
            print(f"      {confidence}: {context(file, start, end)}")


def detectors():
    """Identifiers that the built-in packs know."""
    names = set()
    for path in (ROOT / "patterns").rglob("*.toml"):
        names |= set(re.findall(r'^id = "([^"]+)"', path.read_text(), re.M))
    return names


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("dir", type=pathlib.Path)
    args.add_argument("--tidegate", default=os.environ.get("TIDEGATE", str(ROOT / "target/release/tidegate")))
    args.add_argument("--gate", action="store_true")
    args.add_argument("--floor", action="append", default=[], metavar="NAME=VALUE")
    args.add_argument("--misses", type=int, default=0)
    args.add_argument("--json")
    args.add_argument("--overlapping", choices=("all", "one"), default="all", help="whether of overlapping findings one counts, as in the gate")
    args = args.parse_args()
    rows = [json.loads(line) for line in open(args.dir / "truth.jsonl")]
    known = detectors()
    tiers = {}
    for row in rows:
        if "identifier" in row and row["identifier"] in known and row["identifier"] not in SKIPPED:
            tiers[row["identifier"]] = row["tier"]
    unknown = sorted({row["identifier"] for row in rows if "identifier" in row} - known)
    unseen = sorted(known - {row.get("identifier") for row in rows})
    found = scan(os.path.abspath(args.tidegate), args.dir)
    if args.overlapping == "one":
        found = {file: resolved(findings) for file, findings in found.items()}
    score = Score(rows, found, known)
    table(score, sorted(tiers), tiers)
    show_negatives(score)
    if args.misses:
        show_misses(score, args.dir, args.misses)
    floors = {name: float(value) for name, _, value in (floor.rpartition("=") for floor in args.floor)}
    verdicts = [(what, value, f">= {floors[what]} (a floor)", value >= floors[what]) if what in floors else (what, value, target, ok) for what, value, target, ok in targets(score, tiers)]
    print("\ntargets (a word near)")
    for what, value, target, ok in verdicts:
        print(f"  {'ok  ' if ok else 'MISS'} {what:44} {value:.4f}  {target}")
    if unknown:
        print(f"\nidentifiers of the corpus that no pack has: {' '.join(unknown)}")
    if unseen:
        print(f"detectors that the corpus has no values for: {' '.join(unseen)}")
    if args.json:
        json.dump([list(v) for v in verdicts], open(args.json, "w"), indent=1)
    missed = sum(not ok for *_, ok in verdicts)
    print(f"\n{len(verdicts)} targets, {missed} missed")
    sys.exit(1 if args.gate and missed else 0)


if __name__ == "__main__":
    main()
