#!/usr/bin/env python3
"""Writes a third corpus, of whole documents: nothing in the packs was written against it.

    tests/corpus/documents.py DIR [--seed 1] [--scale 1.0]        # then score.py DIR

documents/api.txt and texts.txt hold documents as interfaces, logs, dumps, cards, calendars, chats and mails really look, with places for
values; documents/people.txt says how people write each identifier in their own language, what interfaces of their country
call it, and what stands above its column; lookalikes.py numbers of other systems, with their own check digits. Values are those of
national.py and values.py. DIR is as generate.py leaves it.
"""
import argparse, json, pathlib, random, re, urllib.parse

from carriers import CARRIERS
from digits import *
from generate import Corpus, Field
from lookalikes import KINDS, some, uid
from national import TABLE
import values

HERE = pathlib.Path(__file__).parent / "documents"
FORMS = {"": lambda v: True, "bare": str.isalnum, "dashed": lambda v: "-" in v, "brackets": lambda v: "(" in v, "e164": lambda v: re.fullmatch(r"\+\d+", v)}
FAMILY = "Okafor Lindqvist Marchetti Dvořák Yamada O'Neill Castro Weiss Petit Haugen".split()
GIVEN = "Ada Bruno Chiara Dilan Elif Farid Greta Hugo Ines Jun".split()


def fresh(r, name, form="", aided=True):
    tier, _, _, _, make = TABLE[name]
    while True:
        shape, value = make(r)
        if FORMS[form](value):
            return Field("", "", value, name, aided, shape, tier)


def fill(r, text):
    """Text in which all but the places of values is drawn."""
    def one(m):
        what, arg = m[1][0], m[1][1:]
        if what == "i":
            low, high = map(int, arg.split("-"))
            return str(r.randint(low, high))
        if what in "dhat":
            return some(r, int(arg), {"d": "0123456789", "h": "0123456789abcdef", "a": ALNUM, "t": values.BASE62}[what])
        seconds = r.randint(1_650_000_000, 1_790_000_000)
        return {"u": lambda: uid(r), "e": lambda: str(seconds), "m": lambda: f"{seconds}{digits(r, 3)}", "n": lambda: f"{seconds}{digits(r, 9)}",
                "p": lambda: f"{r.choice(GIVEN)} {r.choice(FAMILY)}", "w": lambda: r.choice(values.WORDS)}[what]()
    return re.sub("‹([^›]+)›", one, text)


def render(w, r, text):
    for i, part in enumerate(re.split("[⟪⟫]", fill(r, text))):
        if i % 2 == 0:
            w.put(part)
        elif part.startswith("="):
            w.value(Field("", "", part[1:], negative="optional"))
        else:
            name, _, form = part.rstrip("~?%").partition(":")
            f = fresh(r, name, form, "?" not in part)
            w.far = "~" in part
            w.value(f, urllib.parse.quote(f.value, safe="") if "%" in part else None)
            w.far = False


def templates(file):
    for block in re.split(r"(?m)^=== ", (HERE / file).read_text())[1:]:
        head, _, body = block.partition("\n")
        yield *head.rsplit(".", 1), body


def people():
    name, out = None, {}
    for line in (HERE / "people.txt").read_text().splitlines():
        if line.startswith("> "):
            out[name][0].append(line[2:])
        elif line.startswith("k "):
            out[name][1].extend(line[2:].split())
        elif line.startswith("h "):
            out[name][2].extend(line[2:].split(";"))
        elif line and not line.startswith("#"):
            name = line
            out[name] = ([], [], [])
    return out


# One line of what people write, alone or in a mail; names in code in front of the value, or above it; columns.

def sentence(w, r, f, k, h, line):
    before, after = line.split("⟪⟫")
    w.put(r.choice(("", "", "Re: your request\n\n", "thanks! ", "(2/3) ", "> "))).put(before).value(f).put(after + r.choice(("\n", ".\n", " – ", "\n\n--\nsent from mobile")))


def flat(w, r, f, k, h, line):
    form = r.choice(('{{"id":{0},"{1}":"|","active":true}}', "id={0}&{1}=|&ok=1", "{1}: |\nid: {0}\n", "<person id='{0}'><{1}>|</{1}></person>", "  '{1}' => '|',\n  'id' => {0},\n", "SET {1} = '|' WHERE id = {0};", "{0} {1}=| ok", "{1} = \"|\"\nid = {0}\n", "Person(id={0}, {1}='|')",
                     "INFO user {0} updated {1}: | -> done", '{{"name":"{1}","value":"|","seq":{0}}}', '<input name="{1}" value="|" tabindex="{0}">', "[{0}] {1} (|) rejected", '{{\\"id\\":{0},\\"{1}\\":\\"|\\"}}'))
    before, after = form.format(r.randint(1, 99999), k).split("|")
    w.put(before).value(f).put(after)


def nested(w, r, f, k, h, line):
    before, after = r.choice(('{{"{0}":{{"country":"XX","issued":"2019-04-0{1}","verified":{{"by":"agent","source":"scan of the original document"}},"value":"|"}}}}', '<{0}><meta issued="2019-04-0{1}" source="scan of the original document, front and back"/><value>|</value></{0}>', "{0}:\n  issued: 2019-04-0{1}\n  source: scan of the original document, front and back\n  value: '|'\n")).format(k, r.randint(1, 9)).split("|")
    w.put(before)
    w.far = True
    w.value(f).put(after)
    w.far = False


def columns(w, r, f, k, h, line):
    """A table whose other columns are of other things."""
    others = r.sample([("Nr", lambda: digits(r, 5)), ("City", lambda: r.choice(("Porto", "Gdynia", "Turin"))), ("Since", lambda: f"20{digits(r, 2, '01')}-0{digits(r, 1, '123456789')}-1{digits(r, 1)}"), ("Amount", lambda: f"{digits(r, 4, '123456789')}.{digits(r, 2)}"), ("Name", lambda: r.choice(FAMILY)), ("Status", lambda: "ok")], 3)
    at, many = r.randint(0, 3), r.randint(3, 6)
    heads = [o[0] for o in others]
    heads.insert(at, h)
    rows = []
    for _ in range(many):
        row = [o[1]() for o in others]
        row.insert(at, fresh(r, f.identifier))
        rows.append(row)
    style = r.choice(("csv", "csv", "semicolon", "tsv", "html", "copy", "insert"))
    start, between, end, head = {"csv": ("", ",", "\n", None), "semicolon": ("", ";", "\r\n", None), "tsv": ("", "\t", "\n", None), "html": ("<tr><td>", "</td><td>", "</td></tr>\n", None), "copy": ("", "\t", "\n", k), "insert": ("('", "', '", "'),\n", k)}[style]
    if head:
        heads[at] = head
        names = ", ".join(c.lower() if c != head else c for c in heads)
        w.put(f"COPY people ({names}) FROM stdin;\n" if style == "copy" else f"INSERT INTO people ({names}) VALUES\n")
    elif style == "html":
        w.put("<table>\n<tr><th>" + "</th><th>".join(heads) + "</th></tr>\n")
    else:
        w.put(between.join(heads) + end)
    w.far = True
    for row in rows:
        w.put(start)
        for i, cell in enumerate(row):
            w.put(between if i else "")
            w.value(cell) if isinstance(cell, Field) else w.put(cell.replace("'", "''") if style == "insert" else cell)
        w.put(end)
    w.far = False


SHAPES = {"sentence": ("txt", 0), "flat": ("txt", 1), "nested": ("txt", 1), "columns": ("csv", 2)}


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("dir", nargs="?", default="target/documents")
    args.add_argument("--seed", type=int, default=1)
    args.add_argument("--scale", type=float, default=1.0)
    args = args.parse_args()
    corpus, r = Corpus(args.dir), random.Random(f"documents {args.seed}")

    def write(name, body):
        CARRIERS[name] = lambda w, _, r: body(w)
        corpus.write(name, [[]], r)

    for file in ("api.txt", "texts.txt"):
        for name, extension, text in templates(file):
            for _ in range(round(8 * args.scale)):
                write(f"{name}.{extension}", lambda w: render(w, r, text))
    for name, texts in people().items():
        for shape, (extension, which) in SHAPES.items():
            make = globals()[shape]
            for word in texts[which]:
                for _ in range(max(1, round((6 if shape != "columns" else 3) * args.scale))):
                    # In dumps the column goes by a name in code.
                    code = r.choice(texts[1]) if shape == "columns" else word
                    write(shape, lambda w: make(w, r, fresh(r, name), code, word, word))
    for kind, make in KINDS.items():
        for _ in range(round(30 * args.scale)):
            lines = make(r).splitlines()

            def body(w):
                for line in lines:
                    w.value(Field("", "", line, negative=kind)).put("\n")
            write(kind, body)
    print(f"{corpus.count} documents in {args.dir}")


if __name__ == "__main__":
    main()
