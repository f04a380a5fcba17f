#!/usr/bin/env python3
"""Writes a fourth corpus: values that python-stdnum calls valid, under labels of two dozen languages, in carriers that the
other generators do not write.

    tests/corpus/elsewhere.py DIR [--seed 1] [--scale 1.0]     # needs python-stdnum; then score.py DIR

YAML in all its styles, TOML, .env, HCL, logfmt, objects printed by programs, prompts for models, chats, tables of
columns in JSON, Markdown, HTML and SQL, tables pasted into mail; and hard negatives among them. Written without a look at
the packs. DIR is as generate.py leaves it, so score.py reads it. `header` marks values whose name stands elsewhere.
"""

import base64, hashlib, json, pathlib, re, uuid
from urllib.parse import quote

from stdnum import luhn

import arguments
from elsewhere_values import *

args = arguments.read(__doc__)
out = args.dir
r.seed(args.seed)
(out / "files").mkdir(parents=True, exist_ok=True)


class P:
    """A value of an identifier."""

    def __init__(s, i, v, aided=True, header=False, enc=False):
        s.i, s.v, s.aided, s.header, s.enc = i, v, aided, header, enc


class N:
    """What looks like one and is none."""

    def __init__(s, k, v, header=False):
        s.k, s.v, s.header = k, v, header


truth = []
count = 0


def write(car, ext, pieces):
    global count
    b = bytearray()
    name = "files/%05d.%s.%s" % (count, car, ext)
    count += 1
    for p in pieces:
        if isinstance(p, str):
            b += p.encode()
            continue
        v = p.v.encode()
        row = dict(file=name, start=len(b), end=len(b) + len(v), carrier=car)
        if isinstance(p, N):
            row.update(negative=p.k, header=p.header)
        else:
            row.update(identifier=p.i, tier=G[p.i][0], shape="x", aided=p.aided, header=p.header, encoded=p.enc)
        truth.append(row)
        b += v
    (out / name).write_bytes(b)


NAMES = "Marta Kowalska|Wei Chen|Oleksandr Bondar|Fatma Yıldız|Siobhán Byrne|Tuomas Lehto|Noa Levi|Rui Tavares|Kim Ji-woo|Dimitra Papadaki|Ngozi Eze".split("|")


def F(i):
    t, l, k, f = G[i]
    return (i, r.choice(l), r.choice(k), f())


def J(x):
    return json.dumps(x, ensure_ascii=False)


C = {}


def car(ext):
    def w(f):
        C[f.__name__] = (ext, f)
        return f

    return w


def filler():
    return r.choice([("status", "open"), ("city", r.choice(["Łódź", "Graz", "Oulu", "Busan"])), ("plan", "team"), ("createdBy", "svc-import"), ("region", "eu-west-3"), ("attempts", "3")])


@car("txt")
def chat(fs):
    o = []
    for i, l, k, v in fs:
        o += [
            "[%02d/%02d/26, %02d:%02d] %s: " % (r.randint(1, 12), r.randint(1, 28), r.randint(0, 23), r.randint(0, 59), r.choice(NAMES)),
            r.choice(["hi! my %s is ", "sure, %s: ", "%s = ", "here you go, %s ", "ok so the %s → "]) % l,
            P(i, v),
            r.choice(["\n", ". thx\n", " 👍\n", ", please confirm\n"]),
        ]
    return o


@car("txt")
def letter(fs):
    o = ["Dear Sir or Madam,\n\nplease find below what you asked me for.\n\n"]
    for i, l, k, v in fs:
        o += [r.choice(["My %s is ", "The %s: ", "%s\t", "%s — ", "(%s "]) % l, P(i, v), r.choice([".\n", ";\n", "\n\n", ")\n"])]
    return o + ["Kind regards\n" + r.choice(NAMES) + "\n"]


@car("yaml")
def yaml_block(fs):
    o = ["apiVersion: v2\nkind: Record\nspec:\n  owner: " + r.choice(NAMES) + "\n  items:\n"]
    for i, l, k, v in fs:
        q = r.choice(["", '"', "'"])
        o += ["    %s: %s" % (k, q), P(i, v), q + r.choice(["", "  # checked"]) + "\n"]
        a, b = filler()
        o += ["    %s: %s\n" % (a, b)]
    return o


@car("yaml")
def yaml_list(fs):
    o = ["---\n"]
    for i, l, k, v in fs:
        q = r.choice(["", '"', "'"])
        o += ["- name: x\n  %s: %s" % (k, q), P(i, v), q + "\n"]
    return o


@car("yaml")
def yaml_flow(fs):
    o = ["people:\n"]
    for i, l, k, v in fs:
        q = r.choice(["", '"', "'"])
        a, b = filler()
        o += ["  - {%s: %s, %s: %s" % (a, b, k, q), P(i, v), q + "}\n"]
    return o


@car("yaml")
def yaml_seq(fs):
    o = ["people:\n"]
    for i, l, k, v in fs:
        q = r.choice(["", '"', "'"])
        o += ["  %s:\n    - %s" % (k + "s" if k[-1] != "s" else k, q), P(i, v, header=True), q + "\n    - %s" % q]
        o += [P(i, G[i][3](), header=True), q + "\n"]
    return o


@car("yaml")
def yaml_under(fs):
    o = ["form:\n"]
    for i, l, k, v in fs:
        o += ["  %s:\n    type: text\n    value: " % k, P(i, v, header=True), "\n"]
    return o


@car("yaml")
def yaml_folded(fs):
    o = []
    for i, l, k, v in fs:
        o += ["%s: %s\n  " % (k, r.choice([">-", "|", "|-"])), P(i, v), "\n"]
    return o


@car("toml")
def toml(fs):
    o = ["[customer]\n"]
    for i, l, k, v in fs:
        o += ['%s = "' % k, P(i, v), '"\n']
    return o


@car("env")
def env(fs):
    o = []
    for i, l, k, v in fs:
        o += [r.choice(["export ", ""]) + re.sub(r"(?<=[a-z])(?=[A-Z])", "_", k).upper() + "=" + (q := r.choice(["", '"'])), P(i, v), q + "\n"]
    return o


@car("tf")
def hcl(fs):
    o = ['resource "crm_contact" "a" {\n']
    for i, l, k, v in fs:
        o += ['  %s   = "' % k, P(i, v), '"\n']
    return o + ["}\n"]


@car("txt")
def logfmt(fs):
    o = ['ts=2026-11-27T08:00:00Z level=info msg="saved" ']
    for i, l, k, v in fs:
        o += ['%s="' % k, P(i, v), '" ']
    return o + ["took=12ms\n"]


@car("txt")
def pyrepr(fs):
    o = ["DEBUG Customer(name=%r" % r.choice(NAMES)]
    for i, l, k, v in fs:
        o += [", %s='" % k, P(i, v), "'"]
    return o + [")\n"]


@car("txt")
def gostruct(fs):
    o = ["{Name:Ann Age:41"]
    for i, l, k, v in fs:
        o += [" %s:" % (k[0].upper() + k[1:]), P(i, v)]
    return o + [" Active:true}\n"]


@car("rb")
def rubyhash(fs):
    o = ['{ :name => "Ann"']
    for i, l, k, v in fs:
        o += [', :%s => "' % k, P(i, v), '"']
    return o + [" }\n"]


@car("txt")
def prototext(fs):
    o = ["person {\n"]
    for i, l, k, v in fs:
        o += ['  %s: "' % re.sub(r"(?<=[a-z])(?=[A-Z])", "_", k).lower(), P(i, v), '"\n']
    return o + ["}\n"]


@car("json")
def llm(fs):
    o = ['{"model":"m-1","messages":[{"role":"system","content":"Answer briefly."},{"role":"user","content":"Please draft a reply. ']
    for i, l, k, v in fs:
        o += [r.choice(["Their %s is ", "The customer gave %s: ", "%s - "]) % l, P(i, v), r.choice([". ", "\\n", "; "])]
    return o + ['"}],"temperature":0}']


@car("json")
def namevalue(fs):
    o = ['{"fields":[']
    for n, (i, l, k, v) in enumerate(fs):
        o += ["," if n else "", r.choice(['{"id":%d,"title":%s,"value":"', '{"id":%d,"name":%s,"value":"', '{"order":%d,"label":%s,"answer":"']) % (r.randint(1, 99), J(l)), P(i, v), '"}']
    return o + ["]}"]


@car("json")
def columnar(fs):
    rows = [[G[f[0]][3]() for f in fs] for _ in range(3)]
    o = ['{"columns":[' + ",".join(J(f[2]) for f in fs) + '],"rows":[']
    for n, row in enumerate(rows):
        o += [",[" if n else "["]
        for m, (f, v) in enumerate(zip(fs, row)):
            o += [',"' if m else '"', P(f[0], v, header=True), '"']
        o += ["]"]
    return o + ["]}"]


@car("json")
def jsonrow(fs):
    rows = [[G[f[0]][3]() for f in fs] for _ in range(3)]
    o = ["[[" + ", ".join(J(f[2]) for f in fs) + "],\n"]
    for n, row in enumerate(rows):
        o += [",\n [" if n else " ["]
        for m, (f, v) in enumerate(zip(fs, row)):
            o += [', "' if m else '"', P(f[0], v, header=True), '"']
        o += ["]"]
    return o + ["]"]


@car("json")
def columnjson(fs):
    o = ['{"table":"people","data":{']
    for n, f in enumerate(fs):
        o += ["," if n else "", '"%s":[' % f[2]]
        for m in range(4):
            o += ["," if m else "", '"', P(f[0], G[f[0]][3](), header=True), '"']
        o += ["]"]
    return o + ["}}"]


@car("md")
def mdtable(fs):
    o = ["| # | " + " | ".join(f[1] for f in fs) + " |\n|---|" + "---|" * len(fs) + "\n"]
    for n in range(3):
        o += ["| %d " % n]
        for f in fs:
            o += ["| ", P(f[0], G[f[0]][3](), header=True), " "]
        o += ["|\n"]
    return o


@car("html")
def htmltable(fs):
    o = ["<table><thead><tr><th>#</th>" + "".join("<th>%s</th>" % f[1] for f in fs) + "</tr></thead><tbody>\n"]
    for n in range(3):
        o += ["<tr><td>%d</td>" % n]
        for f in fs:
            o += ["<td>", P(f[0], G[f[0]][3](), header=True), "</td>"]
        o += ["</tr>\n"]
    return o + ["</tbody></table>"]


@car("html")
def inputs(fs):
    o = ["<form>"]
    for i, l, k, v in fs:
        o += ['<label for="%s">%s</label><input type="text" id="%s" name="%s" value="' % (k, l, k, k), P(i, v), '">\n']
    return o + ["</form>"]


@car("sql")
def insert(fs):
    o = ["INSERT INTO crm.people (id, " + ", ".join(f[2] for f in fs) + ") VALUES\n"]
    for n in range(3):
        o += [",\n(" if n else "(", "%d" % n]
        for f in fs:
            o += [", '", P(f[0], G[f[0]][3](), header=True), "'"]
        o += [")"]
    return o + [";\n"]


@car("sql")
def update(fs):
    o = ["UPDATE people SET "]
    for n, (i, l, k, v) in enumerate(fs):
        o += [", " if n else "", "%s = '" % k, P(i, v), "'"]
    return o + [" WHERE id = 7;"]


@car("csv")
def csv(fs):
    sep = r.choice([",", ";", "\t"])
    o = ["id" + sep + sep.join(f[2] for f in fs) + "\n"]
    for n in range(4):
        o += ["%d" % n]
        for f in fs:
            v = G[f[0]][3]()
            o += [sep, P(f[0], v, header=True)]
        o += ["\n"]
    return o


@car("txt")
def pasted(fs):
    sep = r.choice([",", "\t", ";"])
    o = ["Hi team, as promised the export:\n\n", "id" + sep + sep.join(f[2] for f in fs) + "\n"]
    for n in range(3):
        o += ["%d" % n]
        for f in fs:
            o += [sep, P(f[0], G[f[0]][3](), header=True)]
        o += ["\n"]
    return o + ["\nBest\n"]


@car("xml")
def soap(fs):
    o = ["<soap:Body><ns2:createPerson>"]
    for i, l, k, v in fs:
        o += ["<ns2:%s>" % k, P(i, v), "</ns2:%s>" % k]
    return o + ["</ns2:createPerson></soap:Body>"]


@car("xml")
def xmlprop(fs):
    o = ["<entry>"]
    for i, l, k, v in fs:
        o += ['<property name="%s"><value>' % k, P(i, v), "</value></property>"]
    return o + ["</entry>"]


@car("tex")
def latex(fs):
    o = ["\\begin{tabular}{ll}\n"]
    for i, l, k, v in fs:
        o += ["%s & " % l, P(i, v), " \\\\\n"]
    return o + ["\\end{tabular}\n"]


@car("txt")
def formtext(fs):
    o = ["APPLICATION FORM\n"]
    for i, l, k, v in fs:
        o += [l + r.choice([": ", " : ", ":\n", "\n", ".......: ", ":   "]), P(i, v), "\n"]
    return o


@car("txt")
def transcript(fs):
    o = []
    for i, l, k, v in fs:
        o += ["AGENT: Could you give me your %s?\nCALLER: " % l, r.choice(["Yes, it is ", "Sure. ", "One moment... ", ""]), P(i, v), "\nAGENT: Thank you.\n"]
    return o


@car("ini")
def ini(fs):
    o = ["[person]\n"]
    for i, l, k, v in fs:
        o += ["%s=%s" % (k, ""), P(i, v), "\n"]
    return o


@car("txt")
def query(fs):
    o = ["https://api.example.net/v2/people?x=1"]
    for i, l, k, v in fs:
        if quote(v, safe="") == v:
            o += ["&%s=" % k, P(i, v)]
    return o + [" HTTP/1.1\n"]


# hard negatives
def neg():
    def lu(b):
        return b + luhn.calc_check_digit(b)

    kinds = {
        "order": lambda: ("orderId", lu(r.choice("12356789") + d(14))),
        "tracking": lambda: ("tracking_no", r.choice(["1Z" + "".join(b36() for _ in range(16)), d(12), "JD" + d(18), lu("92" + d(19))])),
        "imei": lambda: ("imei", lu("35" + d(12))),
        "epoch-ms": lambda: ("ts", str(r.randint(1600000000000, 1900000000000))),
        "epoch-us": lambda: ("timestamp", str(r.randint(1600000000000000, 1900000000000000))),
        "epoch-s": lambda: ("exp", str(r.randint(1600000000, 1900000000))),
        "uuid": lambda: ("id", str(uuid.UUID(int=r.getrandbits(128)))),
        "git": lambda: ("commit", hashlib.sha1(d(9).encode()).hexdigest()),
        "sha256": lambda: ("digest", "sha256:" + hashlib.sha256(d(9).encode()).hexdigest()),
        "float": lambda: ("score", "%.16f" % r.random()),
        "ean": lambda: ("ean", r.choice(["400", "978", "590"]) + d(10)),
        "masked": lambda: ("card", "**** **** **** " + d(4)),
        "masked2": lambda: ("card", r.choice("45") + d(5) + "XXXXXX" + d(4)),
        "ssh": lambda: ("remote", "git@github.com:acme/%s.git" % L(4).lower()),
        "version": lambda: ("dep", "left-pad@%d.%d.%d" % (r.randint(0, 9), r.randint(0, 20), r.randint(0, 9))),
        "retina": lambda: ("img", "logo@2x.png"),
        "snowflake": lambda: ("message_id", str(r.randint(10**17, 10**18))),
        "iccid": lambda: ("iccid", lu("89" + d(16))),
        "phone-ext": lambda: ("build", "2026.%d.%d" % (r.randint(1, 12), r.randint(1, 9999))),
        "ipv6": lambda: ("ip", "2001:db8:%x:%x::%x" % (r.getrandbits(16), r.getrandbits(16), r.getrandbits(16))),
        "invoice": lambda: ("invoice", "INV-%s-%s" % (d(4), d(6))),
        "zipplus": lambda: ("zip", d(5) + "-" + d(4)),
        "isbn10": lambda: ("isbn", d(9) + "X"),
        "coord": lambda: ("pos", "%.6f,%.6f" % (r.uniform(-90, 90), r.uniform(-180, 180))),
        "placeholder": lambda: ("password", r.choice(["changeme", "${DB_PASSWORD}", "********", "<your-password>", "{{ secret }}"])),
        "etag": lambda: ("etag", '"%s"' % hashlib.md5(d(5).encode()).hexdigest()),
        "account10": lambda: ("accountId", d(12)),
        "phonelike": lambda: ("size", d(3) + "x" + d(4)),
    }
    k = r.choice(list(kinds))
    return (k, *kinds[k]())


def negdoc(n):
    form = r.choice(["json", "log", "csv", "yaml", "js", "txt"])
    items = [neg() for _ in range(n)]
    o = []
    if form == "json":
        o = ["{"]
        for m, (k, a, v) in enumerate(items):
            o += ["," if m else "", '"%s":' % a] + (['"', N(k, v.replace('"', "")), '"'] if not v.isdigit() or r.random() < 0.5 else [N(k, v)])
        o += ["}"]
    elif form == "csv":
        k0 = items[0][0]
        o = ["id,%s,note\n" % items[0][1]]
        for m in range(n):
            while True:
                k, a, v = neg()
                if k == k0:
                    break
            o += ["%d," % m, N(k, v, header=True), ",ok\n"]
    else:
        for k, a, v in items:
            o += [{"log": "INFO %s=%s", "yaml": "%s: %s", "js": "var %s=%s", "txt": "%s %s"}[form].replace("%s", a, 1).replace("%s", ""), N(k, v), {"js": ";", "log": " done\n"}.get(form, "\n")]
    return {"json": "json", "csv": "csv", "yaml": "yaml", "js": "js", "log": "log", "txt": "txt"}[form], o


ids = [i for i in G if i not in CARDS]
for rep in range(max(1, round(30 * args.scale))):
    for name, (ext, f) in C.items():
        fs = [F(i) for i in r.sample(ids, r.randint(1, 4))]
        if r.random() < 0.25:
            fs = [F("payment.pan"), F("payment.cvv"), F("payment.expiry")] + fs[:1]
        write(name, ext, f(fs))
    for _ in range(12):
        ext, o = negdoc(r.randint(5, 40))
        write("negatives", ext, o)
    # arrays and blobs
    write("neg-floats", "json", ["["] + sum([["," if n else "", N("float-vector", "%.17g" % r.uniform(-1, 1))] for n in range(300)], []) + ["]"])
    write("neg-js", "js", ["var a=["] + sum([["," if n else "", N("js-array", str(r.getrandbits(r.choice([8, 16, 31, 40, 50]))))] for n in range(300)], []) + ["];"])
    write("neg-data", "html", ['<img src="data:image/png;base64,', N("data-uri", base64.b64encode(r.randbytes(3000)).decode()), '">'])
with open(out / "truth.jsonl", "w") as f:
    for t in truth:
        f.write(json.dumps(t) + "\n")
print(count, len(truth))
