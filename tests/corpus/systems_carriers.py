"""How systems write a record, a table, a message or a line, with identifiers and what looks like them; for systems.py."""
import html, json, uuid
from urllib.parse import quote, quote_plus

from systems_negatives import Piece, negative
from values import NAMES

CITIES = "Berlin Lyon Madrid Torino Porto Gdańsk Utrecht Ankara Leeds Denver Osaka Lima".split()
SNAKE, CAMEL, PASCAL, UPPER, KEBAB, TITLE, SPACED = range(7)


def cased(key, style):
    """A key of several words in the case of a system."""
    parts = key.split("_")
    return {SNAKE: key, CAMEL: parts[0] + "".join(p.capitalize() for p in parts[1:]), PASCAL: "".join(p.capitalize() for p in parts), UPPER: key.upper(),
            KEBAB: "-".join(parts), TITLE: " ".join(p.capitalize() if len(p) > 4 or not p.isalpha() else p.upper() if len(p) <= 4 and len(parts) == 1 else p.capitalize() for p in parts), SPACED: " ".join(parts)}[style]


class Doc:
    def __init__(self, r, spoken, table, names):
        self.r, self.spoken, self.table, self.names = r, spoken, table, names

    def value(self, name, header=False, escape=None):
        shape, text = self.table[name][4](self.r)
        written = escape(text) if escape else text
        return Piece(written, identifier=name, tier=self.table[name][0], shape=shape, aided=True, encoded=written != text, header=header)

    def key(self, name):
        return self.r.choice(self.spoken["keys"][name].split("|"))

    def word(self, name):
        language, _, words = self.r.choice(self.spoken["words"][name].split(";")).partition(":")
        return language, self.r.choice(words.split(","))

    def sentence(self, name, value=None):
        language, word = self.word(name)
        template = self.r.choice(self.spoken["sentences"].get(language, self.spoken["sentences"]["other"]).split("\n"))
        before, _, rest = template.partition("{v}")
        return [before.replace("{w}", word), value or self.value(name), rest.replace("{w}", word)]

    def plain(self):
        r = self.r
        return r.choice((("full_name", r.choice(NAMES)), ("city", r.choice(CITIES)), ("status", r.choice(("active", "pending", "closed"))), ("currency", r.choice(("EUR", "USD", "BRL"))),
                         ("note", "see attachment"), ("department", r.choice(("Sales", "Payroll", "IT"))), ("row", str(r.randint(1, 900)))))

    def fields(self, style=SNAKE, header=False, escape=None, only=None):
        """Names and values of a record: its identifiers, some plain fields and some that look like identifiers."""
        r, rows, seen = self.r, [], set()
        for name in only or self.names:
            rows.append((self.key(name), self.value(name, header, escape)))
        rows += [(k, Piece(escape(v) if escape else v)) for k, v in (self.plain() for _ in range(r.randint(1, 3)))]
        for _ in range(r.randint(0, 2)):
            key, piece = negative(r)
            rows.append((key, Piece(escape(piece.text) if escape else piece.text, **piece.row)))
        r.shuffle(rows)
        kept = [(k, p) for k, p in rows if not (k in seen or seen.add(k))]
        return [(cased(k, style), p) for k, p in kept]


def put(pieces, start="", end="", between=""):
    """Pieces of a list of lists, joined."""
    out = [start]
    for i, part in enumerate(pieces):
        out += [between if i else "", *part]
    return [p if isinstance(p, str) or p.row else p.text for p in [*out, end]]


def in_json(text):
    return json.dumps(text, ensure_ascii=False)[1:-1]


def members(fields, pretty=False):
    between = ",\n    " if pretty else ","
    return put([[f'"{k}":' + (" " if pretty else ""), '"', p, '"'] for k, p in fields], between=between)


def bare_number(piece):
    return piece.text.isdigit() and not piece.text.startswith("0")


# Interfaces

def rest_json(doc):
    fields = doc.fields(doc.r.choice((SNAKE, CAMEL, PASCAL)), escape=in_json)
    return "json", ['{"data":{"type":"person","attributes":{', *members(fields), "}}}"]


def nested_json(doc):
    """A field below the object that is named after what it holds."""
    r, out = doc.r, []
    for name in doc.names:
        leaf = r.choice(("value", "number", "no", "text"))
        out.append([f'"{cased(doc.key(name), r.choice((SNAKE, CAMEL)))}": {{"{leaf}": "', doc.value(name, escape=in_json), '", "verified": true}'])
    return "json", put(out, '{\n  "customer": {\n    ', "\n  }\n}", ",\n    ")


def kind_beside(doc):
    """The kind in one member, the value in the next: name and value, type and number."""
    r = doc.r
    kind, value = r.choice((("type", "value"), ("name", "value"), ("idType", "idNumber"), ("document_type", "document_number"), ("key", "value"), ("label", "value"), ("scheme", "identifier"), ("field", "answer"), ("code", "number")))
    out = []
    for name in doc.names:
        said = r.choice((cased(doc.key(name), r.choice((UPPER, SNAKE, CAMEL, TITLE))), doc.word(name)[1]))
        out.append([f'{{"{kind}":"{said}","{value}":"', doc.value(name, escape=in_json), '"}'])
    return "json", put(out, f'{{"{r.choice(("identifiers", "documents", "properties", "customFields", "answers"))}":[', "]}", ",")


def typed_json(doc):
    """DynamoDB, Firestore, Mongo's extended form."""
    r = doc.r
    opened, closed = r.choice((('{"S":"', '"}'), ('{"stringValue":"', '"}'), ('{"string":"', '"}')))
    return "json", put([[f'"{k}":{opened}', p, closed] for k, p in doc.fields(r.choice((SNAKE, CAMEL)), escape=in_json)], '{"TableName":"people","Item":{', "}}", ",")


def salesforce(doc):
    return "json", put([[f'"{k.replace(" ", "_")}__c":"', p, '"'] for k, p in doc.fields(TITLE, escape=in_json)], '{"attributes":{"type":"Contact"},"Id":"0035g00000XyZabAAF",', "}", ",")


def numbers_json(doc):
    """Digits as numbers, without quotes."""
    fields = doc.fields(doc.r.choice((SNAKE, CAMEL)), escape=in_json)
    return "json", put([[f'"{k}":', p] if bare_number(p) else [f'"{k}":"', p, '"'] for k, p in fields], "{", "}", ", ")


def rows_json(doc):
    """A sheet: the first array names the columns."""
    r = doc.r
    names = [doc.key(n) for n in doc.names]
    style = r.choice((TITLE, SNAKE))
    out = [[json.dumps(["No", *(cased(n, style) for n in names), "City"])]]
    for i in range(r.randint(2, 6)):
        out.append([f'["{i + 1}",', *put([['"', doc.value(n, True, in_json), '"'] for n in doc.names], between=","), f',"{r.choice(CITIES)}"]'])
    return "json", put(out, '{"range":"Sheet1!A1:F20","values":[', "]}", ",")


def graphql_literal(doc):
    fields = doc.fields(CAMEL, escape=in_json)
    return "graphql", put([[f"{k}: ", '"', p, '"'] for k, p in fields], "mutation {\n  createPerson(input: {", "}) {\n    id\n  }\n}\n", ", ")


def graphql_variables(doc):
    return "json", ['{"operationName":"UpdateKyc","query":"mutation UpdateKyc($input: KycInput!) { updateKyc(input: $input) { id } }","variables":{"input":{', *members(doc.fields(CAMEL, escape=in_json)), "}}}"]


def json_in_json(doc):
    inner = lambda text: in_json(in_json(text))
    fields = put([[f'\\"{k}\\":\\"', p, '\\"'] for k, p in doc.fields(doc.r.choice((SNAKE, CAMEL)), escape=inner)], between=",")
    return "json", ['{"Type":"Notification","TopicArn":"arn:aws:sns:eu-west-1:123456789012:people","Message":"{', *fields, '}","SignatureVersion":"1"}']


def form(doc):
    r = doc.r
    around = r.choice(("{}", "user[{}]", "card[{}]", "billing.{}", "ctl00$MainContent${}", "form:{}", "data[customer][{}]"))
    fields = doc.fields(r.choice((SNAKE, CAMEL)), escape=r.choice((quote_plus, quote)))
    return "form", put([[quote(around.format(k), safe="[]$:.") + "=", p] for k, p in fields], between="&")


def multipart(doc):
    out = [["--X7f9\r\nContent-Disposition: form-data; name=\"", k, '"\r\n\r\n', p, "\r\n"] for k, p in doc.fields(doc.r.choice((SNAKE, CAMEL, KEBAB)), header=True)]
    return "multipart", put(out, end="--X7f9--\r\n")


def xml_elements(doc):
    r = doc.r
    prefix = r.choice(("", "", "ns1:", "per:"))
    fields = doc.fields(r.choice((PASCAL, CAMEL, SNAKE, UPPER)), escape=html.escape)
    return "xml", put([[f"  <{prefix}{k}>", p, f"</{prefix}{k}>\n"] for k, p in fields], f'<?xml version="1.0"?>\n<{prefix}Applicant>\n', f"</{prefix}Applicant>\n")


def soap(doc):
    fields = doc.fields(PASCAL, escape=html.escape)
    return "xml", put([[f'<tns:{k} xsi:type="xsd:string">', p, f"</tns:{k}>"] for k, p in fields], '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body><tns:RegisterRequest>', "</tns:RegisterRequest></soapenv:Body></soapenv:Envelope>")


def xml_attributes(doc):
    fields = doc.fields(doc.r.choice((CAMEL, SNAKE, PASCAL)), escape=html.escape)
    return "xml", put([[f'{k}="', p, '"'] for k, p in fields], '<Batch><Record id="1" ', "/></Batch>", " ")


def xml_named(doc):
    """The name is text: in an attribute, or in an element beside the value's."""
    r = doc.r
    opened, middle, closed = r.choice((('<Field name="', '" value="', '"/>'), ("<Param><Name>", "</Name><Value>", "</Value></Param>"), ('<Attribute Name="', '"><AttributeValue>', "</AttributeValue></Attribute>"),
                                       ("<member><name>", "</name><value><string>", "</string></value></member>"), ("<key>", "</key><string>", "</string>"), ('<data key="', '">', "</data>")))
    return "xml", put([[opened, k, middle, p, closed] for k, p in doc.fields(r.choice((SNAKE, CAMEL, PASCAL)), escape=html.escape)], "<Request>\n", "\n</Request>", "\n")


# Pages

def html_form(doc):
    out = [[f'<label for="f{i}">{cased(k, SPACED).title()}</label> <input id="f{i}" type="text" name="{k}" class="form-control" value="', p, '">\n'] for i, (k, p) in enumerate(doc.fields(escape=html.escape))]
    return "html", put(out, '<form method="post" action="/apply">\n', "</form>\n")


def html_pairs(doc):
    r = doc.r
    opened, middle, closed = r.choice((("<tr><th>", "</th><td>", "</td></tr>"), ("<dt>", "</dt><dd>", "</dd>"), ("<tr><td><b>", ":</b></td><td>", "</td></tr>"), ('<div class="row"><span class="label">', '</span><span class="val">', "</span></div>"), ("<p><strong>", "</strong>: ", "</p>")))
    out = [[opened, doc.word(n)[1], middle, doc.value(n, escape=html.escape), closed, "\n"] for n in doc.names]
    return "html", put(out, "<html><body><h1>Details</h1>\n", "</body></html>\n")


def html_table(doc):
    head = "".join(f"<th>{html.escape(doc.word(n)[1])}</th>" for n in doc.names)
    rows = [["<tr>", f"<td>{i}</td>", *put([["<td>", doc.value(n, True, html.escape), "</td>"] for n in doc.names]), "</tr>\n"] for i in range(doc.r.randint(2, 5))]
    return "html", put(rows, f"<table><thead><tr><th>#</th>{head}</tr></thead><tbody>\n", "</tbody></table>\n")


# Tables

def csv(doc):
    r = doc.r
    separator, quoted = r.choice(((",", True), (",", False), (";", False), ("\t", False), ("|", False), (";", True)))
    style = r.choice((SNAKE, UPPER, TITLE, PASCAL, SPACED))
    names = ["id", *doc.names, "city"]
    head = separator.join(cased(doc.key(n), style) if n in doc.table else cased(n, style) for n in names)
    mark = '"' if quoted else ""
    rows = []
    for i in range(r.randint(2, 8)):
        cells = [[f"{i + 1}"] if n == "id" else [r.choice(CITIES)] if n == "city" else [mark, doc.value(n, True), mark] for n in names]
        rows.append([*put(cells, between=separator), "\r\n" if quoted else "\n"])
    return "csv", put(rows, (r.choice(("", "", "\ufeff")) + head + "\n"))


def markdown(doc):
    words = [doc.word(n)[1] for n in doc.names]
    rows = [["| ", r_name, " | ", *put([[doc.value(n, True)] for n in doc.names], between=" | "), " |\n"] for r_name in doc.r.sample(NAMES, 3)]
    return "md", put(rows, f"## Open cases\n\n| Name | {' | '.join(words)} |\n|---|{'---|' * len(words)}\n")


def fixed_width(doc):
    """A report whose columns stand at the same place in every line."""
    r, width = doc.r, 30
    heads = [doc.word(n)[1] if r.random() < .4 else cased(doc.key(n), r.choice((UPPER, TITLE))) for n in doc.names]
    lines = ["".join(h.ljust(width) for h in ["NAME", *heads]).rstrip() + "\n"]
    if r.random() < .5:
        lines.append("".join(("-" * (width - 2)).ljust(width) for _ in range(len(heads) + 1)).rstrip() + "\n")
    rows = []
    for name in r.sample(NAMES, 4):
        cells = [name.ljust(width)]
        for n in doc.names:
            piece = doc.value(n, True)
            cells += [piece, " " * max(1, width - len(piece.text))]
        rows.append([*cells[:-1], "\n"])
    return "txt", put(rows, "PAYROLL RUN 2026-11           PAGE 1\n\n" + "".join(lines))


def psql(doc):
    keys = [doc.key(n) for n in doc.names]
    rows = []
    for i in range(3):
        cells = [f" {i + 1:>4} "]
        for n in doc.names:
            piece = doc.value(n, True)
            cells += ["| ", piece, " " * (28 - len(piece.text))]
        rows.append([*cells, "\n"])
    line = "".join("+" + "-" * 29 for _ in keys)
    return "txt", put(rows, "  id  " + "".join("| " + k.ljust(28) for k in keys) + "\n------" + line + "\n", "(3 rows)\n")


def vertical(doc):
    """mysql -E, psql with expanded display."""
    r, fields = doc.r, doc.fields()
    if r.random() < .5:
        return "txt", put([[k.rjust(32) + ": ", p, "\n"] for k, p in fields], "*************************** 1. row ***************************\n")
    return "txt", put([[k.ljust(32) + "| ", p, "\n"] for k, p in fields], "-[ RECORD 1 ]--------------------+-------------------\n")


# Databases

def sql_insert(doc):
    fields = doc.fields(escape=lambda t: t.replace("'", "''"))
    columns = ", ".join(f"`{k}`" for k, _ in fields)
    return "sql", [f"INSERT INTO `customers` ({columns}) VALUES\n(", *put([["'", p, "'"] for _, p in fields], between=", "), ");\n"]


def sql_statement(doc):
    r, fields = doc.r, doc.fields(escape=lambda t: t.replace("'", "''"))
    if r.random() < .5:
        return "sql", put([[f"{k} = '", p, "'"] for k, p in fields], "UPDATE person SET ", " WHERE person_id = 4711;\n", ", ")
    return "sql", put([[f"c.{k} = '", p, "'"] for k, p in fields], "SELECT c.id FROM clients c WHERE ", " LIMIT 1", " AND ")


def copy_dump(doc):
    keys = ["id", *(doc.key(n) for n in doc.names)]
    rows = [[f"{i + 1}\t", *put([[doc.value(n, True)] for n in doc.names], between="\t"), "\n"] for i in range(4)]
    return "sql", put(rows, f"COPY public.people ({', '.join(keys)}) FROM stdin;\n", "\\.\n")


# Logs

def java_log(doc):
    r, fields = doc.r, doc.fields(CAMEL)
    body = r.choice((("Customer(", ", ", ")", "{}="), ("CustomerDto{{", ", ", "}}", "{}='"), ("request: ", "; ", "", "{}: "), ("[", "][", "]", "{}=")))
    quote_end = "'" if body[3].endswith("'") else ""
    return "log", put([[body[3].format(k), p, quote_end] for k, p in fields], f"2026-11-27 10:14:{r.randint(10, 59)}.{r.randint(100, 999)}  INFO 7 --- [nio-8080-exec-{r.randint(1, 9)}] c.a.customer.CustomerService : Saved " + body[0].format(), body[2].format() + "\n", body[1])


def logfmt(doc):
    fields = doc.fields(doc.r.choice((SNAKE, CAMEL)))
    return "log", put([[f"{k}=", '"' if " " in p.text else "", p, '"' if " " in p.text else ""] for k, p in fields], 'time="2026-11-27T10:14:07Z" level=warn msg="kyc mismatch" ', "\n", " ")


def json_log(doc):
    return "jsonl", ['{"level":"error","ts":1795774447.123,"caller":"api/handler.go:91","msg":"validation failed",', *members(doc.fields(doc.r.choice((SNAKE, CAMEL)), escape=in_json)), "}\n"]


def access_log(doc):
    fields = doc.fields(doc.r.choice((SNAKE, CAMEL, KEBAB)), escape=quote_plus)
    return "log", put([[f"{k}=", p] for k, p in fields], f'10.4.{doc.r.randint(0, 255)}.17 - - [27/Nov/2026:10:14:09 +0000] "GET /v2/search?', ' HTTP/1.1" 200 512 "-" "okhttp/4.12.0"\n', "&")


def python_log(doc):
    r, fields = doc.r, doc.fields()
    opened, pair, between, closed = r.choice((("{", "'{}': '", ", ", "}"), ("User(", "{}='", ", ", ")"), ("<Applicant ", "{}='", " ", ">")))
    return "log", put([[pair.format(k), p, "'"] for k, p in fields], "2026-11-27 10:14:11,204 DEBUG payroll.views: payload " + opened, closed + "\n", between)


def printed(doc):
    """As Go, Rust, Ruby and PHP print an object."""
    r = doc.r
    opened, pair, end, between, closed, style = r.choice((("{ID:4 ", "{}:", "", " ", "}\n", PASCAL), ('Person {{ ', '{}: "', '"', ", ", " }}\n", SNAKE), ("#<User id: 12, ", '{}: "', '"', ", ", ">\n", SNAKE),
                                                         ("Array\n(\n", "    [{}] => ", "", "\n", "\n)\n", SNAKE), ('array(3) {{\n', '  ["{}"]=>\n  string(11) "', '"', "\n", "\n}}\n", SNAKE), ("(struct) {{\n", " {}: (string) \"", '"', ",\n", "\n}}\n", PASCAL)))
    return "txt", put([[pair.format(k), p, end] for k, p in doc.fields(style)], opened.replace("{{", "{"), closed.replace("}}", "}"), between)


def exception(doc):
    name = doc.names[0]
    key = cased(doc.key(name), doc.r.choice((CAMEL, SNAKE, TITLE)))
    before, after = doc.r.choice((("java.lang.IllegalArgumentException: Invalid {}: ", "\n\tat com.acme.Validator.check(Validator.java:81)\n"), ("ValueError: {} '", "' already exists\n"), ("ERROR:  duplicate key value violates unique constraint\nDETAIL:  Key ({})=(", ") already exists.\n"),
                                  ("Duplicate entry for {} '", "'\n"), ("[error] could not parse {} \"", "\" (line 4)\n"), ("WARN no customer found for {} ", ", retrying in 5s\n")))
    return "log", [before.format(key), doc.value(name), after]


# Settings

def env_file(doc):
    r = doc.r
    mark = r.choice(("", '"', "'"))
    return "env", put([[r.choice(("", "export ")) + k + "=" + mark, p, mark + "\n"] for k, p in doc.fields(UPPER)])


def yaml(doc):
    r = doc.r
    mark = r.choice(("", '"', "'"))
    return "yaml", put([[f"    {k}: {mark}", p, mark + "\n"] for k, p in doc.fields(r.choice((SNAKE, CAMEL, KEBAB)))], "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: seed-people\nitems:\n  - kind: person\n")


def yaml_named(doc):
    return "yaml", put([[f"            - name: {k}\n              value: \"", p, '"\n'] for k, p in doc.fields(UPPER)], "kind: Deployment\nspec:\n  template:\n    spec:\n      containers:\n        - image: app:1\n          env:\n")


def terraform(doc):
    return "tf", put([[f"  {k.ljust(26)} = \"", p, '"\n'] for k, p in doc.fields()], 'resource "acme_person" "this" {\n', "}\n")


def properties(doc):
    r = doc.r
    sign = r.choice(("=", " = ", ": "))
    return "properties", put([[r.choice(("app.", "test.user.", "")) + k + sign, p, "\n"] for k, p in doc.fields(r.choice((CAMEL, KEBAB, SNAKE)))], "# seeded\n")


def protobuf_text(doc):
    return "textproto", put([[f'  {k}: "', p, '"\n'] for k, p in doc.fields(escape=in_json)], "person {\n", "}\n")


def source_code(doc):
    r = doc.r
    before, pair, after = r.choice((("public static final String ", '{} = "', '";\n'), ("const ", "{} = '", "';\n"), ("", '{} = "', '"\n'), ("  person.", '{} = "', '"\n'), ("  client.set_", '{}("', '")\n'), ("let ", '{}: &str = "', '";\n')))
    return "txt", put([[before + pair.format(k), p, after] for k, p in doc.fields(r.choice((SNAKE, CAMEL, UPPER)), escape=in_json)])


# Files of trades

def ldif(doc):
    return "ldif", put([[f"{k}: ", p, "\n"] for k, p in doc.fields(CAMEL)], "dn: uid=jdoe,ou=people,dc=acme,dc=example\nobjectClass: inetOrgPerson\n")


def vcard(doc):
    out = []
    for name in doc.names:
        key = {"contact.email": "EMAIL;TYPE=INTERNET:", "contact.phone": "TEL;TYPE=CELL:", "contact.phone-national": "TEL;TYPE=WORK,VOICE:"}.get(name) or f"X-{cased(doc.key(name), UPPER).replace('_', '-')}:"
        out.append([key, doc.value(name), "\r\n"])
    return "vcf", put(out, f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{doc.r.choice(NAMES)}\r\n", "END:VCARD\r\n")


def fhir(doc):
    out = []
    for name in doc.names:
        said = doc.word(name)[1]
        out.append([f'{{"use":"official","type":{{"text":"{said}"}},"value":"', doc.value(name, escape=in_json), '"}'])
    return "json", put(out, '{"resourceType":"Patient","id":"p1","identifier":[', '],"gender":"female"}', ",")


# Letters and talk

def chat(doc):
    out = []
    for i, name in enumerate(doc.names):
        out.append([f"[10:{14 + i}] {doc.r.choice(('Customer', 'Agent', 'Visitor 81', 'anna'))}: ", *doc.sentence(name), "\n"])
    return "txt", put(out)


def letter(doc):
    body = put([[*doc.sentence(name), "\n\n"] for name in doc.names])
    return "eml", ["Date: Fri, 27 Nov 2026 10:14:00 +0100\nSubject: your request\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n", *body, "-- \nService desk\n"]


def reply_quoted(doc):
    return "eml", put([["> ", *doc.sentence(name), "\n"] for name in doc.names], "Thanks, noted.\n\nOn Thu, 26 Nov 2026 the customer wrote:\n")


def prompt(doc):
    parts = put([[in_json(p) if isinstance(p, str) else p for p in doc.sentence(name, doc.value(name, escape=in_json))] for name in doc.names], between="\\n")
    return "json", ['{"model":"large-1","messages":[{"role":"system","content":"You are a helpful agent."},{"role":"user","content":"', *parts, '"}],"temperature":0.2}']


def slack_message(doc):
    return "json", ['{"channel":"#support","text":"', *put([[f"*{doc.word(n)[1]}*: `", doc.value(n, escape=in_json), "`"] for n in doc.names], between="\\n"), '"}']


def ticket(doc):
    out = [[f"{doc.word(n)[1]}: ", doc.value(n), "\n"] for n in doc.names]
    return "txt", put(out, "Ticket opened by web form\n--------------------------\n", "Priority: normal\n")


def event_track(doc):
    return "json", ['{"type":"identify","messageId":"', str(uuid.UUID(int=doc.r.getrandbits(128))), '","traits":{', *members(doc.fields(doc.r.choice((SNAKE, CAMEL, TITLE)), escape=in_json), True), '},"context":{"library":{"name":"analytics.js","version":"2.1.0"}}}']


CARRIERS = [rest_json, nested_json, kind_beside, typed_json, salesforce, numbers_json, rows_json, graphql_literal, graphql_variables, json_in_json, form, multipart, xml_elements, soap, xml_attributes, xml_named,
            html_form, html_pairs, html_table, csv, markdown, fixed_width, psql, vertical, sql_insert, sql_statement, copy_dump, java_log, logfmt, json_log, access_log, python_log, printed, exception, env_file, yaml,
            yaml_named, terraform, properties, protobuf_text, source_code, ldif, vcard, fhir, chat, letter, reply_quoted, prompt, slack_message, ticket, event_track]
LINES = [rest_json, graphql_variables, xml_elements, html_pairs, chat, letter, prompt, ticket, multipart, json_log, event_track]
