"""Forms of records, tables and messages for interchange.py: standards of interchange, dumps, logs, settings, letters."""
import html, json, unicodedata
from urllib.parse import quote, quote_plus

FORMS = {}


def form(extension, table=False, plain=False, far=False):
    """`table`: several rows under names. `far`: the name stands away from the value. `plain`: names have plain letters."""
    def keep(make):
        FORMS[make.__name__] = (extension, table, plain, far, make)
        return make
    return keep


class Cell:
    """A field: its label, its name in the case of a system, and its value, which may be a truth."""
    def __init__(self, label, name, text, row=None):
        self.label, self.name, self.text, self.row = label, name, text, row

    def v(self, escape=None):
        text = escape(self.text) if escape else self.text
        return (text, dict(self.row, encoded=text != self.text) if self.row else None)


def ascii_name(label):
    """Of letters of scripts that have no plain ones nothing is left."""
    plain = unicodedata.normalize("NFD", label.replace("ø", "o").replace("Ø", "O").replace("ł", "l").replace("ß", "ss").replace("ı", "i").replace("º", "o").replace("°", "o"))
    words = "".join(c if c.isascii() and c.isalnum() else " " if c in " -/#().'&" else "" for c in plain).split()
    words = [w.lower() for w in words]
    # Initials with points make one word.
    initials = next((i for i, w in enumerate(words) if len(w) > 1), len(words))
    return ["".join(words[:initials])] * (initials > 0) + words[initials:]


def js(text):
    return json.dumps(text, ensure_ascii=False)[1:-1]


def sq(text):
    return text.replace("'", "''")


def each(cells, before, after, escape=None, between="", label=False):
    out = []
    for i, c in enumerate(cells):
        out += [between if i else "", before.replace("{n}", c.label if label else c.name), c.v(escape), after]
    return out


# Standards of interchange.

@form("ofx", plain=True)
def ofx(r, rows):
    return ["OFXHEADER:100\nDATA:OFXSGML\nVERSION:103\n\n<OFX><SIGNONMSGSRSV1><SONRS><DTSERVER>20261127120000\n<LANGUAGE>ENG\n</SONRS></SIGNONMSGSRSV1>\n<EXT>\n", *each(rows[0], "<{n}>", "\n", html.escape), "</EXT></OFX>\n"]


@form("qif")
def qif(r, rows):
    out = ["!Type:Bank\n"]
    for row in rows:
        out += ["D11/27'26\nT-42.10\nPACME Ltd\n", *each(row, "MMember {n}: ", "\n", label=True), "^\n"]
    return out


@form("sta")
def mt940_info(r, rows):
    out = [":20:STARTUMS\n:25:70011110/1234567\n:28C:331/1\n:60F:C261126EUR2155,34\n"]
    for row in rows:
        out += [":61:2611271127D42,10N051NONREF\n:86:177?00SEPA?20SVWZ+", *each(row, "{n} ", "", label=True, between="?21EREF+"), "?30END\n"]
    return out + [":62F:C261127EUR2113,24\n-\n"]


@form("edi")
def edifact(r, rows):
    return ["UNA:+.? 'UNB+UNOC:3+5412345000013:14+4012345000094:14+261127:1132+00000000000778'\nUNH+1+ORDERS:D:96A:UN'\nBGM+220+B10001+9'\n",
            *each(rows[0], "FTX+AAI+++{n}?: ", "'\n", lambda t: t.replace("+", "?+").replace(":", "?:").replace("'", "?'"), label=True), "UNT+9+1'\nUNZ+1+00000000000778'\n"]


@form("json", far=True)
def fhir_questionnaire(r, rows):
    out = ['{"resourceType":"QuestionnaireResponse","status":"completed","item":[']
    for i, c in enumerate(rows[0]):
        out += [f'{"," if i else ""}{{"linkId":"{i + 1}.1","text":{json.dumps(c.label, ensure_ascii=False)},"answer":[{{"valueString":"', c.v(js), '"}]}']
    return out + ["]}\n"]


@form("ics")
def ical(r, rows):
    return ["BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:5c7f0a52-1d0e-4a6b-9d0f-0c2f7e1b9a11\r\nDTSTART:20261127T090000Z\r\nSUMMARY:Onboarding\r\nDESCRIPTION:",
            *each(rows[0], "{n}: ", "", lambda t: t.replace(",", "\\,").replace(";", "\\;"), "\\n", True), "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"]


@form("vcf", plain=True)
def vcard_note(r, rows):
    return ["BEGIN:VCARD\nVERSION:4.0\nFN:Jo Example\n", *each(rows[0], "X-{n}:", "\n"), "END:VCARD\n"]


@form("json")
def scim(r, rows):
    return ['{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"urn:example:params:scim:schemas:extension:hr:2.0:User":{', *each(rows[0], '"{n}":"', '"', js, ","), '},"active":true}']


@form("xml", plain=True)
def saml(r, rows):
    return ['<saml:AttributeStatement>\n', *each(rows[0], '<saml:Attribute Name="urn:example:{n}" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri"><saml:AttributeValue xsi:type="xs:string">', "</saml:AttributeValue></saml:Attribute>\n", html.escape), "</saml:AttributeStatement>\n"]


@form("xml", plain=True)
def idoc(r, rows):
    return ['<?xml version="1.0" encoding="UTF-8"?>\n<HRMD_A07><IDOC BEGIN="1"><EDI_DC40 SEGMENT="1"><TABNAM>EDI_DC40</TABNAM></EDI_DC40><E1PLOGI SEGMENT="1">', *sum(([f"<{c.name}>", c.v(html.escape), f"</{c.name}>"] for c in rows[0]), []), "</E1PLOGI></IDOC></HRMD_A07>\n"]


@form("xml")
def windows_event(r, rows):
    return ['<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System><EventID>4688</EventID><TimeCreated SystemTime="2026-11-27T09:14:11.1234567Z"/></System><EventData>', *each(rows[0], '<Data Name="{n}">', "</Data>", html.escape), "</EventData></Event>\n"]


@form("xml", plain=True)
def odata_atom(r, rows):
    return ["<entry><content type=\"application/xml\"><m:properties>", *sum(([f'<d:{c.name} m:type="Edm.String">', c.v(html.escape), f"</d:{c.name}>"] for c in rows[0]), []), "</m:properties></content></entry>"]


# Dumps of databases.

@form("sql", table=True)
def mysql_dump(r, rows):
    out = ["-- MySQL dump 10.13\nLOCK TABLES `t_person` WRITE;\nINSERT INTO `t_person` (" + ", ".join(f"`{c.name}`" for c in rows[0]) + ") VALUES "]
    for i, row in enumerate(rows):
        out += ["," if i else "", "(", *each(row, "'", "'", sq, ","), ")"]
    return out + [";\nUNLOCK TABLES;\n"]


@form("sql", table=True)
def mssql_insert(r, rows):
    out = []
    for row in rows:
        out += ["INSERT [dbo].[Person] (" + ", ".join(f"[{c.name}]" for c in row) + ") VALUES (", *each(row, "N'", "'", sq, ", "), ")\nGO\n"]
    return out


@form("sql", table=True)
def oracle_insert_all(r, rows):
    out = ["INSERT ALL\n"]
    for row in rows:
        out += ["  INTO persons (" + ", ".join(c.name for c in row) + ") VALUES (", *each(row, "'", "'", sq, ", "), ")\n"]
    return out + ["SELECT * FROM dual;\n"]


@form("sql", plain=True)
def sql_where(r, rows):
    return ["2026-11-27 09:14:11 UTC [4411] app@crm LOG:  statement: SELECT * FROM customers WHERE ", *each(rows[0][:3], "{n} = '", "'", sq, " AND "), " LIMIT 1\n"]


@form("txt", plain=True)
def bind_values(r, rows):
    return [f"DETAIL:  parameters: ", *sum(([", " if i else "", f"${i + 1} (:{c.name}) = '", c.v(sq), "'"] for i, c in enumerate(rows[0])), []), "\n"]


@form("js")
def mongo_shell(r, rows):
    out = []
    for row in rows:
        out += ["db.people.insertOne({ _id: ObjectId('65f1c0a2b7d94f0012ab34cd'), ", *each(row, "{n}: '", "'", lambda t: t.replace("'", "\\'"), ", "), ", createdAt: ISODate('2026-11-27T09:14:11Z') })\n"]
    return out


@form("json")
def avro(r, rows):
    return ["{", *each(rows[0], '"{n}":{"string":"', '"}', js, ","), "}\n"]


@form("json")
def dynamo(r, rows):
    return ['{"Item":{', *each(rows[0], '"{n}":{"S":"', '"}', js, ","), "}}\n"]


@form("ndjson")
def elastic_bulk(r, rows):
    out = []
    for row in rows:
        out += [f'{{"index":{{"_index":"people-2026.11","_id":"{r.getrandbits(60)}"}}}}\n{{', *each(row, '"{n}":"', '"', js, ","), "}\n"]
    return out


@form("csv", table=True)
def csv_second_line(r, rows):
    return ["Report: members 2026-11-27\n" + ";".join(c.label for c in rows[0]) + "\n", *sum((each(row, "", "", None, ";") + ["\n"] for row in rows), [])]


@form("txt", table=True)
def piped_rows(r, rows):
    return ["|".join(c.name for c in rows[0]) + "\n", *sum((each(row, "", "", None, "|") + ["\n"] for row in rows), [])]


@form("csv", table=True)
def quoted_csv(r, rows):
    return ['"' + '","'.join(c.label for c in rows[0]) + '"\r\n', *sum((each(row, '"', '"', lambda t: t.replace('"', '""'), ",") + ["\r\n"] for row in rows), [])]


@form("tsv", table=True)
def excel_paste(r, rows):
    return ["\t".join(c.label for c in rows[0]) + "\n", *sum((each(row, "", "", None, "\t") + ["\n"] for row in rows), [])]


@form("txt", table=True)
def paste_in_mail(r, rows):
    return ["Hi Sam,\n\nbelow the list that you asked for.\n\n" + "\t".join(c.label for c in rows[0]) + "\n", *sum((each(row, "", "", None, "\t") + ["\n"] for row in rows), []), "\nRegards\nKim\n"]


@form("md", table=True)
def markdown_table(r, rows):
    return ["# Members\n\n| " + " | ".join(c.label for c in rows[0]) + " |\n|" + "---|" * len(rows[0]) + "\n", *sum((["| ", *each(row, "", "", None, " | "), " |\n"] for row in rows), [])]


@form("rst", table=True)
def rst_grid(r, rows):
    widths = [max(len(row[i].text) for row in rows + [[Cell("", "", c.label) for c in rows[0]]]) + 2 for i in range(len(rows[0]))]
    rule = "+" + "+".join("-" * w for w in widths) + "+\n"
    head = "".join("|" + f" {c.label}".ljust(w) for c, w in zip(rows[0], widths)) + "|\n"
    out = ["Members\n~~~~~~~\n\n", rule, head, rule.replace("-", "=")]
    for row in rows:
        for c, w in zip(row, widths):
            out += ["| ", c.v(), " " * (w - 1 - len(c.text))]
        out += ["|\n", rule]
    return out


@form("txt", table=True)
def aligned_columns(r, rows):
    widths = [max(len(row[i].text) for row in rows + [[Cell("", "", c.label) for c in rows[0]]]) + 3 for i in range(len(rows[0]))]
    out = ["".join(c.label.ljust(w) for c, w in zip(rows[0], widths)).rstrip() + "\n" + "".join("-" * (w - 3) + "   " for w in widths).rstrip() + "\n"]
    for row in rows:
        for c, w in zip(row, widths):
            out += [c.v(), " " * (w - len(c.text))]
        out += ["\n"]
    return out


# Interfaces of vendors.

@form("json")
def slack_blocks(r, rows):
    return ['{"channel":"C0123456789","blocks":[{"type":"section","fields":[', *each(rows[0], '{"type":"mrkdwn","text":"*{n}:*\\n', '"}', js, ",", True), "]}]}"]


@form("json")
def teams_facts(r, rows):
    return ['{"type":"AdaptiveCard","version":"1.5","body":[{"type":"FactSet","facts":[', *each(rows[0], '{"title":"{n}:","value":"', '"}', js, ",", True), "]}]}"]


@form("json")
def zendesk(r, rows):
    return ['{"ticket":{"subject":"Change of data","comment":{"body":"', *each(rows[0], "{n}: ", "", js, "\\n", True), '"},"priority":"normal"}}']


@form("json")
def hubspot(r, rows):
    return ['{"properties":[', *each(rows[0], '{"property":"{n}","value":"', '"}', js, ","), "]}"]


@form("json")
def mailchimp(r, rows):
    return ['{"email_type":"html","status":"subscribed","merge_fields":{', *each(rows[0], '"{n}":"', '"', js, ","), "}}"]


@form("json")
def intercom(r, rows):
    return ['{"role":"user","custom_attributes":{', *each(rows[0], '"{n}":"', '"', js, ","), '},"signed_up_at":1732700000}']


@form("form")
def twilio(r, rows):
    return ["AccountSid=none&Direction=inbound&Body=", *sum(([quote_plus(("" if i == 0 else ", ") + c.name + ": "), c.v(quote_plus)] for i, c in enumerate(rows[0])), [])]


@form("json")
def stripe_metadata(r, rows):
    return ['{"id":"evt_1QABCDefGHijKLmnopQRstuv","object":"event","api_version":"2026-10-28","created":1732700000,"data":{"object":{"id":"cus_QWERTYuiop1234","object":"customer","metadata":{', *each(rows[0], '"{n}":"', '"', js, ","), "}}}}"]


@form("json")
def shopify_attributes(r, rows):
    return ['{"order":{"line_items":[{"variant_id":447654529,"quantity":1}],"note_attributes":[', *each(rows[0], '{"name":"{n}","value":"', '"}', js, ",", True), "]}}"]


@form("json")
def jotform(r, rows):
    return ['{"formID":"243312345678901","pretty":"', *each(rows[0], "{n}:", "", js, ", ", True), '"}']


@form("json")
def typeform_hidden(r, rows):
    return ['{"form_response":{"hidden":{', *each(rows[0], '"{n}":"', '"', js, ","), "}}}"]


@form("json")
def graphql_request(r, rows):
    return ['{"query":"mutation($in:PersonInput!){save(input:$in){id}}","variables":{"in":{', *each(rows[0], '"{n}":"', '"', js, ","), "}}}"]


@form("json")
def json_api(r, rows):
    return ['{"data":{"type":"people","id":"42","attributes":{', *each(rows[0], '"{n}":"', '"', js, ","), '},"links":{"self":"/people/42"}}}']


@form("json")
def json_patch(r, rows):
    return ["[", *each(rows[0], '{"op":"replace","path":"/person/{n}","value":"', '"}', js, ","), "]"]


@form("json")
def openapi_example(r, rows):
    return ['{"components":{"schemas":{"Person":{"properties":{', *each(rows[0], '"{n}":{"type":"string","example":"', '"}', js, ","), "}}}}}"]


@form("json")
def har(r, rows):
    return ['{"log":{"entries":[{"request":{"method":"POST","postData":{"params":[', *each(rows[0], '{"name":"{n}","value":"', '"}', js, ","), "]}}}]}}"]


@form("json")
def cloud_event(r, rows):
    return ['{"specversion":"1.0","type":"hr.changed","source":"/hr","id":"A234-1234-1234","time":"2026-11-27T09:14:11Z","data":{"before":null,"after":{', *each(rows[0], '"{n}":"', '"', js, ","), "}}}"]


# Prompts.

@form("json")
def chat_completion(r, rows):
    return ['{"model":"gpt-5","messages":[{"role":"system","content":"You fill in forms."},{"role":"user","content":"Please fill in the form for this person.\\n', *each(rows[0], "- {n}: ", "", js, "\\n", True), '"}],"temperature":0}']


@form("json")
def tool_call(r, rows):
    return ['{"role":"assistant","tool_calls":[{"id":"call_a1B2c3","type":"function","function":{"name":"save_person","arguments":"{', *each(rows[0], '\\"{n}\\":\\"', '\\"', js, ","), '}"}}]}']


@form("json")
def content_parts(r, rows):
    return ['{"model":"claude-opus","max_tokens":512,"messages":[{"role":"user","content":[{"type":"text","text":"Summarise this: ', *each(rows[0], "{n} is ", "", js, "; ", True), '."}]}]}']


# Logs and what programs print.

@form("log")
def cef(r, rows):
    return ["CEF:0|Acme|Portal|4.2|100|Profile changed|3|", *sum(([f"cs{i + 1}Label={c.name} cs{i + 1}=", c.v(lambda t: t.replace("=", "\\=")), " "] for i, c in enumerate(rows[0])), []), "\n"]


@form("log", plain=True)
def leef(r, rows):
    return ["<13>Nov 27 09:14:11 host1 LEEF:2.0|Acme|Portal|4.2|changed|^|", *each(rows[0], "{n}=", "", None, "^"), "\n"]


@form("log", plain=True)
def log4j_mdc(r, rows):
    return ["2026-11-27 09:14:11,123 [http-nio-8080-exec-7] WARN  c.a.p.PersonService {", *each(rows[0], "{n}=", "", None, ", "), "} - validation failed\n"]


@form("log")
def java_tostring(r, rows):
    return ["Caused by: java.lang.IllegalStateException: could not save User{id=42, ", *each(rows[0], "{n}='", "'", None, ", "), "}\n\tat com.acme.UserService.save(UserService.java:214)\n\tat java.base/java.lang.Thread.run(Thread.java:1583)\n"]


@form("log", plain=True)
def go_struct(r, rows):
    return ["panic: save failed: main.Person{", *each(rows[0], "{n}:\"", "\"", js, ", "), "}\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:42 +0x1d\n"]


@form("log", plain=True)
def go_plus_v(r, rows):
    return ["2026/11/27 09:14:11 saved {ID:42 ", *each(rows[0], "{n}:", "", None, " "), "}\n"]


@form("log")
def python_dataclass(r, rows):
    return ["Traceback (most recent call last):\n  File \"/app/x.py\", line 3, in <module>\nValueError: bad Person(", *each(rows[0], "{n}='", "'", None, ", "), ")\n"]


@form("log")
def csharp_record(r, rows):
    return ["info: Portal[0]\n      Person { ", *each(rows[0], "{n} = ", "", None, ", "), " }\n"]


@form("log")
def node_inspect(r, rows):
    return ["Person {\n", *each(rows[0], "  {n}: '", "'", lambda t: t.replace("'", "\\'"), ",\n"), "\n}\n"]


@form("log")
def php_var_dump(r, rows):
    return [f"array({len(rows[0])}) {{\n", *sum(([f'  ["{c.name}"]=>\n  string({len(c.text.encode())}) "', c.v(), '"\n'] for c in rows[0]), []), "}\n"]


@form("log")
def rust_debug(r, rows):
    return ["DEBUG portal: got Person { ", *each(rows[0], "{n}: Some(\"", "\")", js, ", "), " }\n"]


@form("log")
def rails_parameters(r, rows):
    return ["I, [2026-11-27T09:14:11.1 #77]  INFO -- :   Parameters: {\"utf8\"=>\"✓\", \"person\"=>{", *each(rows[0], '"{n}"=>"', '"', js, ", "), "}, \"commit\"=>\"Save\"}\n"]


@form("log", plain=True)
def curl_command(r, rows):
    return ["curl -sS https://api.example/v1/people ", *each(rows[0], "-F '{n}=", "'", lambda t: t.replace("'", "'\\''"), " "), "\n"]


@form("log", plain=True)
def shell_export(r, rows):
    return each(rows[0], "export {n}=\"", "\"\n", lambda t: t.replace('"', '\\"'))


@form("log", plain=True)
def cli_flags(r, rows):
    return ["$ ./onboard --env prod ", *each(rows[0], "--{n} \"", "\"", None, " "), "\n"]


@form("txt", plain=True)
def http_headers(r, rows):
    return ["GET /v1/me HTTP/1.1\r\nHost: api.example\r\n", *each(rows[0], "X-{n}: ", "\r\n"), "\r\n"]


@form("txt", plain=True)
def cookie(r, rows):
    return ["Cookie: theme=dark; ", *each(rows[0], "{n}=", "", lambda t: quote(t, safe="@+ "), "; "), "\n"]


@form("txt", plain=True)
def query_line(r, rows):
    return ['10.1.2.3 - - [27/Nov/2026:09:14:11 +0000] "GET /search?lang=en&', *each(rows[0], "{n}=", "", lambda t: quote(t, safe="@:"), "&"), ' HTTP/1.1" 200 512 "-" "curl/8.9.1"\n']


@form("diff")
def unified_diff(r, rows):
    return ["--- a/fixtures/people.yml\n+++ b/fixtures/people.yml\n@@ -1,4 +1,4 @@\n people:\n", *each(rows[0], "+    {n}: \"", "\"\n", lambda t: t.replace('"', '\\"'))]


# Settings and source.

@form("hcl", plain=True)
def hcl(r, rows):
    return ["resource \"app_person\" \"p1\" {\n", *each(rows[0], "  {n} = \"", "\"\n", js), "}\n"]


@form("toml", plain=True)
def toml(r, rows):
    return ["[[people]]\n", *each(rows[0], "{n} = \"", "\"\n", js)]


@form("ini")
def ini(r, rows):
    return ["; export\n[person]\n", *each(rows[0], "{n} : ", "\n")]


@form("yml")
def ansible_vars(r, rows):
    return ["- hosts: all\n  vars:\n    person:\n", *each(rows[0], "      {n}: '", "'\n", sq)]


@form("ipynb")
def notebook(r, rows):
    return ['{"cells":[{"cell_type":"code","source":["df.loc[0]"],"outputs":[{"output_type":"execute_result","data":{"text/plain":[', *sum((['"' + c.label.ljust(34), c.v(js), '\\n",'] for c in rows[0]), []), '"Name: 0, dtype: object"]}}]}]}']


@form("html")
def definition_list(r, rows):
    return ["<dl class=\"profile\">\n", *each(rows[0], "  <dt>{n}</dt>\n  <dd>", "</dd>\n", html.escape, label=True), "</dl>\n"]


@form("html")
def html_rows(r, rows):
    return ["<table>", *each(rows[0], "<tr><th scope=\"row\">{n}:</th><td class=\"c2\">", "</td></tr>\n", html.escape, label=True), "</table>\n"]


@form("html")
def label_input(r, rows):
    return ["<form>", *sum(([f'<label for="f{i}">{c.label}</label><input id="f{i}" type="text" value="', c.v(html.escape), '">\n'] for i, c in enumerate(rows[0])), []), "</form>"]


@form("html", table=True)
def html_grid(r, rows):
    return ["<table><thead><tr>" + "".join(f"<th>{c.label}</th>" for c in rows[0]) + "</tr></thead><tbody>\n", *sum((["<tr>", *each(row, "<td>", "</td>", html.escape), "</tr>\n"] for row in rows), []), "</tbody></table>"]


# What people write.

@form("eml")
def quoted_mail(r, rows):
    return ["From: Kim\nTo: HR\nSubject: Re: your data\n\nThanks, noted.\n\nOn Fri, 27 Nov 2026 at 09:14, Sam wrote:\n> Hello,\n", *each(rows[0], "> my {n}: ", "\n", label=True), "> Best\n> Sam\n"]


@form("txt")
def signature(r, rows):
    return ["see you on Monday\n\n-- \nSam Example\nAcme Ltd\n", *each(rows[0], "{n} ", "", label=True, between=" | "), "\n"]


@form("txt")
def chat_lines(r, rows):
    out = []
    for i, c in enumerate(rows[0]):
        out += [f"[09:1{i}] kim: what is your {c.label}?\n[09:1{i}] sam: ", c.v(), "\n"]
    return out


@form("txt")
def whatsapp(r, rows):
    return each(rows[0], "27/11/2026, 09:14 - Sam: my {n} is ", "\n", label=True)


@form("txt")
def call_notes(r, rows):
    return ["AGENT: Thanks for calling.\n", *each(rows[0], "AGENT: the {n}?\nCALLER: it's ", ".\n", label=True), "AGENT: perfect.\n"]


@form("txt")
def scanned(r, rows):
    return ["APPLICATION FORM            Page 1 of 2\n\n", *each(rows[0], "{n} ....... ", "\n", label=True)]


@form("txt")
def bullets(r, rows):
    return ["New starter:\n", *each(rows[0], "• {n} – ", "\n", label=True)]


@form("md")
def bold_fields(r, rows):
    return ["### Customer\n\n", *each(rows[0], "- **{n}:** `", "`\n", label=True)]


@form("txt")
def inline_list(r, rows):
    return ["Please update: ", *each(rows[0], "{n} ", "", label=True, between=", "), ". Thank you!\n"]


@form("txt")
def parenthesised(r, rows):
    return ["The customer (", *each(rows[0], "{n} ", "", label=True, between="; "), ") called today.\n"]


@form("txt")
def lines_below(r, rows):
    return each(rows[0], "{n}\n", "\n\n", label=True)
