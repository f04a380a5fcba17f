"""Documents of the kinds that cross a gate: fields to bytes, with the place of every value kept."""
import json
from urllib.parse import quote_plus


class Writer:
    """Text with marked values."""

    def __init__(self):
        self.bytes, self.marks = bytearray(), []
        # Whether the word of the next value stands in a part that only its structure leads to.
        self.far = False

    def put(self, text):
        self.bytes += text.encode()
        return self

    def value(self, field, text=None):
        """A field's value; `text` is how it is written here."""
        start = len(self.bytes)
        written = (field.value if text is None else text).encode()
        self.bytes += written
        if field.identifier or field.negative:
            # A no-break space is folded with the other escapes.
            changed = text is not None and text != field.value or "\u00a0" in field.value
            self.marks.append((start, len(self.bytes), field, changed, self.far))
        return self


# Longer than words are looked for.
FAR = "by the nightly job of the archive, after the second try, without a warning, as agreed with the team, and kept so"


def as_json(w, records, r):
    shape = r.choice(("flat", "nested", "pretty", "lines", "list", "wrapped", "deep"))
    quote = lambda f: w.put('"').value(f, json.dumps(f.value, ensure_ascii=False)[1:-1]).put('"')
    if shape == "list":
        w.put('{"status":"ok","count":%d,"data":[' % len(records))
    for n, record in enumerate(records):
        if shape == "pretty":
            w.put("{\n")
            for i, f in enumerate(record):
                w.put(f'  "{f.key}": ')
                (w.value(f) if f.number else quote(f)).put(",\n" if i + 1 < len(record) else "\n")
            w.put("}\n")
            continue
        if shape == "wrapped":  # {"name":"ssn","value":"…"}
            w.put('{"fields":[')
            for i, f in enumerate(record):
                w.put(f'{"," if i else ""}{{"name":"{f.key}","value":')
                (w.value(f) if f.number else quote(f)).put("}")
            w.put("]}\n")
            continue
        if shape == "deep":  # The key is that of the object around the value, far before it.
            w.far = True
            w.put("{")
            for i, f in enumerate(record):
                w.put(f'{"," if i else ""}"{f.key}":{{"meta":{{"source":"import","verified":true,"updated":"{FAR}"}},"data":')
                (w.value(f) if f.number else quote(f)).put("}")
            w.put("}\n")
            w.far = False
            continue
        w.put('{"customer":{"profile":{' if shape == "nested" else "{")
        for i, f in enumerate(record):
            w.put(f'{"," if i else ""}"{f.key}":')
            w.value(f) if f.number else quote(f)
        w.put("}}}\n" if shape == "nested" else "}")
        w.put("\n" if shape in ("lines", "flat") else "," if shape == "list" and n + 1 < len(records) else "")
    if shape == "list":
        w.put("]}\n")


def as_form(w, records, r):
    for record in records[:1]:
        for i, f in enumerate(record):
            w.put(f'{"&" if i else ""}{f.key}=').value(f, quote_plus(f.value, safe=r.choice(("", "@-._~:/"))))


def as_xml(w, records, r):
    escape = lambda t: t.replace("&", "&amp;").replace("<", "&lt;")
    w.put('<?xml version="1.0" encoding="UTF-8"?>\n<records>\n')
    attributes = r.random() < .3
    for record in records:
        if attributes:
            w.put("<record")
            for f in record:
                w.put(f' {f.key}="').value(f, escape(f.value)).put('"')
            w.put("/>\n")
            continue
        prefix, pretty = r.choice(("", "", "ns2:", "soap:")), r.random() < .5
        w.put(f"<{prefix}record>")
        if r.random() < .2:  # The word is the element's around the value, far before it.
            w.far = True
            for f in record:
                w.put(f"<{prefix}{f.key}><meta>{FAR}</meta><content>").value(f, escape(f.value)).put(f"</content></{prefix}{f.key}>")
            w.put(f"\n</{prefix}record>\n")
            w.far = False
            continue
        for f in record:
            w.put("\n    " if pretty else "").put(f"<{prefix}{f.key}>").value(f, escape(f.value)).put(f"</{prefix}{f.key}>")
        w.put(f"\n</{prefix}record>\n")
    w.put("</records>\n")


def as_csv(w, records, r):
    """The header row is the only word near; values of one column stand below each other."""
    w.far = True
    separator = r.choice((",", ",", ";", "\t"))
    keys = [f.key for f in records[0]]
    w.put(separator.join(keys) + "\n")
    for record in records:
        for i, f in enumerate(record):
            quoted = separator in f.value or r.random() < .1 or "\n" in f.value
            w.put(separator if i else "").put('"' if quoted else "").value(f).put('"' if quoted else "")
        w.put("\n")


def as_multipart(w, records, r):
    boundary = "----WebKitFormBoundary" + "".join(r.choice("abcdefghijkABCDEFGH0123456789") for _ in range(16))
    for f in records[0]:
        w.put(f'--{boundary}\r\nContent-Disposition: form-data; name="{f.key}"\r\n')
        w.far = r.random() < .2
        w.put("Content-Type: text/plain; charset=UTF-8\r\n" if w.far else "").put("\r\n").value(f).put("\r\n")
    w.put(f"--{boundary}--\r\n")


def as_html(w, records, r):
    w.put("<!doctype html><html><head><title>Account</title><style>td{color:#1a2b3c;margin:0 4px}</style></head><body>\n")
    shape = r.choice(("table", "form", "list"))
    for record in records:
        w.put({"table": "<table class='t-1024'>", "form": '<form method="post">', "list": "<dl>"}[shape])
        for f in record:
            if shape == "table":
                w.put(f"<tr><td>{f.label}</td><td>").value(f).put("</td></tr>\n")
            elif shape == "form":
                w.put(f'<label for="{f.key}">{f.label}</label><input type="text" id="{f.key}" name="{f.key}" value="').value(f).put('">\n')
            else:
                w.put(f"<dt>{f.label}</dt><dd>").value(f).put("</dd>\n")
        w.put({"table": "</table>", "form": "</form>", "list": "</dl>"}[shape])
    w.put("</body></html>\n")


def as_log(w, records, r):
    for record in records:
        shape = r.choice(("logfmt", "java", "query", "syslog"))
        stamp = f"2026-1{r.randint(0, 2)}-{r.randint(10, 28)}T{r.randint(10, 23)}:{r.randint(10, 59)}:{r.randint(10, 59)}.{r.randint(100, 999)}Z"
        for f in record:
            if shape == "logfmt":
                quoted = '"' if " " in f.value else ""
                w.put(f"{stamp} level=info req_id={r.getrandbits(64):016x} msg=\"profile updated\" {f.key}={quoted}").value(f).put(quoted + f" dur_ms={r.randint(1, 900)}.{r.randint(100, 999)}\n")
            elif shape == "java":
                w.put(f"{stamp} WARN  [http-nio-8080-exec-{r.randint(1, 20)}] c.e.billing.CustomerService - {f.label}: ").value(f).put(f" rejected after {r.randint(1, 5)} attempts\n")
            elif shape == "query":
                w.put(f"10.{r.randint(0, 255)}.{r.randint(0, 255)}.{r.randint(1, 254)} - - [23/Nov/2026:10:{r.randint(10, 59)}:{r.randint(10, 59)} +0000] \"GET /v1/lookup?{f.key}=")
                w.value(f, quote_plus(f.value, safe="@-._~")).put(f" HTTP/1.1\" 200 {r.randint(100, 90000)} \"-\" \"curl/8.5.0\"\n")
            else:
                w.put(f"Nov 23 10:{r.randint(10, 59)}:{r.randint(10, 59)} app-{r.randint(1, 9)} billing[{r.randint(300, 30000)}]: user {f.label}=").value(f).put(" accepted\n")


def as_graphql(w, records, r):
    for record in records[:1]:
        if r.random() < .5:
            w.put('{"query":"mutation { updateCustomer(input: {')
            for i, f in enumerate(record):
                w.put(f'{", " if i else ""}{f.key}: \\"').value(f, json.dumps(f.value, ensure_ascii=False)[1:-1]).put('\\"')
            w.put('}) { id updatedAt } }"}')
        else:
            w.put('{"operationName":"UpdateCustomer","query":"mutation UpdateCustomer($input: CustomerInput!) { updateCustomer(input: $input) { id } }","variables":{"input":{')
            for i, f in enumerate(record):
                w.put(f'{"," if i else ""}"{f.key}":"').value(f, json.dumps(f.value, ensure_ascii=False)[1:-1]).put('"')
            w.put("}}}")


BEFORE = ["{label}: ", "{label} ", "My {label} is ", "Please update the {label} to ", "{label} = ", "The customer's {label} on file: ", "Meine {label} lautet ", "Hier ist meine {label}: ",
          "Mon {label} est le ", "Voici mon {label} : ", "Mi {label} es ", "Il mio {label} è ", "Mijn {label} is ", "Meu {label} é ", "Moje {label}: ", "Mitt {label} är ", "({label}) ", "{label} – ",
          "we have you under {label} "]
AROUND = ["Dear support team, I moved last week and need my account corrected. ", "Bonjour, je vous contacte au sujet de mon dossier. ", "Guten Tag, wie telefonisch besprochen: ",
          "Hola, gracias por la ayuda. ", "Buongiorno, ecco i dati richiesti. ", "hi, as discussed on the call - ", "Per our conversation of 12 March 2026, ", "Goedemiddag, hierbij de gegevens. ", ""]
BEHIND = [". Thanks!", ".\n", ", thank you", ". Could you confirm by Friday?", " - merci d'avance.", ". Viele Grüße", "\n", ".", " is correct, isn't it?", "; the rest stays the same."]


def as_text(w, records, r):
    for record in records:
        for f in record:
            if not f.identifier and not f.negative:
                continue
            w.put(r.choice(AROUND))
            if f.aided and r.random() < .12:
                w.value(f).put(f" ({f.label})")
            elif f.aided:
                w.put(r.choice(BEFORE).format(label=f.label)).value(f)
            else:
                w.put(r.choice(("see ", "for ", "this one: ", "it is "))).value(f)
            w.put(r.choice(BEHIND)).put(r.choice(("", "\n", " ")))
        w.put("\n\n")


CARRIERS = {"json": as_json, "form": as_form, "xml": as_xml, "csv": as_csv, "multipart": as_multipart, "html": as_html, "log": as_log, "graphql": as_graphql, "text": as_text}
