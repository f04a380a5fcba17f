#!/usr/bin/env python3
"""Writes a second corpus: the payloads, messages, exports and texts of real systems, with labels in many languages.

    tests/corpus/unseen.py DIR [--seed 1] [--scale 1.0]        # then score.py DIR

The first generator writes carriers; this one writes what applications put into them: Stripe, Adyen, Shopify, Salesforce,
FHIR, HL7, X12, SWIFT, ISO 20022, syslog, access logs, dumps of databases, mail, vCards, calendars, chats, dumps of
objects of programming languages, configuration files, scanned forms. Values are those of national.py and values.py in more spellings; labels
(labels.py) were written without looking at the packs. DIR is as generate.py leaves it, so score.py reads it. `header`
marks values whose label stands far away.
"""
import argparse, json, random, re

from digits import *
from generate import Corpus, Field
from labels import LABELS, SELF, header, key
from national import TABLE
from carriers import CARRIERS
import noise, values

FORMATS = {}


def form(extension, many=True):
    """A format takes a writer, randomness and fields; `many`: it has room for any identifier."""
    def keep(make):
        FORMATS[make.__name__] = (extension, many, make)
        return make
    return keep


def respelled(r, name, value):
    """Spellings that people and scanners make of the same value."""
    chance = r.random()
    if name == "payment.pan" and value.isdigit() and chance < .5:
        sizes = [4, 6, 5] if len(value) == 15 else [4, 6, 4] if len(value) == 14 else [4, 4, 4, 4] if len(value) == 16 else None
        if sizes:
            return values.grouped(value, sizes, r.choice((" ", "-", ".", "\u00a0")))
    if name == "payment.iban" and chance < .15:
        return value.replace(" ", "-") if " " in value else value
    if name in ("national-id.it-codice-fiscale", "national-id.mx-curp", "national-id.mx-rfc", "national-id.es-dni", "national-id.es-nie", "national-id.uk-nino", "national-id.in-pan",
                "national-id.sg-nric", "national-id.fi-hetu", "national-id.ie-pps", "national-id.in-gstin", "health.us-mbi", "national-id.tw-id", "national-id.hk-hkid") and chance < .12:
        return value.lower()
    if name == "contact.email" and chance < .1:
        return value.upper()
    return value


def field(r, name):
    tier, _, _, _, make = TABLE[name]
    shape, value = make(r)
    label = r.choice(LABELS[name])
    value = respelled(r, name, value)
    # Nobody makes a key of `p.k.`.
    spelled = [l for l in LABELS[name] if not re.fullmatch(r"(\w\.\s?){1,3}", l)]
    return Field(key(r, label if label in spelled else r.choice(spelled)), label, value, name, True, shape, tier, None, False)


def other(r):
    """What stands beside: named noise that is no number of a person."""
    k, v = r.choice((("status", "active"), ("city", r.choice(("Berlin", "Lyon", "Porto", "Gdańsk", "Utrecht", "Malmö"))), ("country", r.choice("DE FR PT PL NL SE US".split())), ("plan", "pro"),
                     ("created", f"2026-0{r.randint(1, 9)}-1{r.randint(0, 9)}"), ("amount", f"{r.randint(1, 900)}.{r.randint(10, 99)}"), ("currency", r.choice(("EUR", "USD", "PLN"))), ("seats", str(r.randint(1, 40))), ("locale", "de-DE")))
    return Field(k, k, v)


def js(f):
    return json.dumps(f.value, ensure_ascii=False)[1:-1]


def pairs(w, r, fields, one, between):
    for i, f in enumerate(fields):
        w.put(between if i else "")
        one(f)


# Interfaces

@form("json")
def stripe_event(w, r, fields):
    w.put(f'{{"id":"evt_{values.token(r, 24)}","object":"event","api_version":"2024-06-20","created":{r.randint(1_700_000_000, 1_790_000_000)},"livemode":true,"data":{{"object":{{"id":"cus_{values.token(r, 14)}","object":"customer","balance":0,"metadata":{{')
    pairs(w, r, fields, lambda f: w.put(f'"{f.key}": "').value(f, js(f)).put('"'), ", ")
    w.put(f'}},"invoice_prefix":"{values.token(r, 8, LETTERS)}","next_invoice_sequence":{r.randint(1, 99)}}}}},"pending_webhooks":1,"request":{{"id":"req_{values.token(r, 14)}","idempotency_key":"{noise.uuid4(r)}"}}}}')


@form("json")
def tax_ids(w, r, fields):
    w.put('{"customer_tax_ids":[')
    pairs(w, r, fields, lambda f: w.put(f'{{"type":"{f.key}","value":"').value(f, js(f)).put('"}'), ",")
    w.put(f'],"total":{r.randint(100, 99999)}}}')


@form("json")
def shopify(w, r, fields):
    w.put(f'{{"order":{{"id":{r.randint(10**12, 10**13)},"admin_graphql_api_id":"gid:\\/\\/shopify\\/Order\\/{r.randint(10**12, 10**13)}","app_id":{r.randint(10**6, 10**7)},"browser_ip":"203.0.113.{r.randint(1, 250)}","checkout_id":{r.randint(10**13, 10**14)},"order_number":{r.randint(1000, 9999)},"note_attributes":[')
    pairs(w, r, fields, lambda f: w.put(f'{{"name":"{f.label}","value":"').value(f, js(f)).put('"}'), ",")
    w.put(f'],"total_price":"{r.randint(10, 900)}.00","line_items":[{{"id":{r.randint(10**12, 10**13)},"variant_id":{r.randint(10**13, 10**14)},"sku":"{values.token(r, 8, ALNUM)}","grams":{r.randint(100, 2000)}}}]}}}}')


@form("xml")
def salesforce_soap(w, r, fields):
    w.put('<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:urn="urn:partner.soap.sforce.com"><soapenv:Body><urn:create><urn:sObjects><type>Contact</type>')
    tag = lambda f: f"sf:{xml_name(f.key)}"
    pairs(w, r, fields, lambda f: w.put(f"<{tag(f)}>").value(f, f.value.replace("&", "&amp;").replace("<", "&lt;")).put(f"</{tag(f)}>"), r.choice(("", "\n  ")))
    w.put("</urn:sObjects></urn:create></soapenv:Body></soapenv:Envelope>")


def xml_name(k):
    return k.replace("(", "").replace(")", "")


@form("xml")
def plist(w, r, fields):
    w.put('<?xml version="1.0" encoding="UTF-8"?>\n<plist version="1.0">\n<dict>\n')
    pairs(w, r, fields, lambda f: w.put(f"\t<key>{f.key}</key>\n\t<string>").value(f, f.value.replace("&", "&amp;").replace("<", "&lt;")).put("</string>"), "\n")
    w.put("\n</dict>\n</plist>\n")


@form("xml")
def property_attributes(w, r, fields):
    w.put("<properties>")
    pairs(w, r, fields, lambda f: w.put(f'<property name="{f.key}" value="').value(f, f.value.replace("&", "&amp;").replace("<", "&lt;")).put('"/>'), "\n  ")
    w.put("</properties>")


@form("json")
def graphql_variables(w, r, fields):
    w.put('{"query":"mutation Save($in: PersonInput!) {\\n  save(input: $in) {\\n    ok\\n  }\\n}","variables":{"in":{')
    pairs(w, r, fields, lambda f: w.put(f'"{f.key}":"').value(f, js(f)).put('"'), ",")
    w.put("}}}")


@form("json")
def bulk_index(w, r, fields):
    w.put(f'{{"index":{{"_index":"people-2026","_id":"{r.randint(10**8, 10**9)}"}}}}\n{{"@timestamp":"2026-10-1{r.randint(0, 9)}T10:22:{r.randint(10, 59)}.{r.randint(100, 999)}Z",')
    pairs(w, r, fields, lambda f: w.put(f'"{f.key}":"').value(f, js(f)).put('"'), ",")
    w.put("}\n")


@form("json")
def dialog(w, r, fields):
    """A request to a language model."""
    w.put('{"model":"m-1","temperature":0.2,"messages":[{"role":"system","content":"You are a helpful assistant for the back office."},{"role":"user","content":"Please fill in the form for our client.\\n')
    pairs(w, r, fields, lambda f: w.put(f"{f.label}: ").value(f, js(f)), "\\n")
    w.put('\\nThanks!"}],"max_tokens":512}')


# Texts

SENTENCES = ["{0}: ", "{0} ", "the {0} is ", "my {0} is ", "Our {0}: ", "with {0} ", "{0} no: ", "{0}= ", "for {0} ", "{0} (as on file): ", "{0}\n", "{0}:\n", "{0}....... ", "{0} – ", "{0}:\t", "{0} -> ", "{0}:  ", "{0} | ", "**{0}**: ",
             "meine {0} ist ", "Ihre {0} lautet: ", "die {0} ", "mon {0} est ", "votre {0} : ", "le {0} ", "mi {0} es ", "su {0}: ", "il mio {0} è ", "o meu {0} é ", "mój {0} to ", "mijn {0} is ", "mitt {0} är ", "new {0} ", "{0} changed to "]
OPENERS = ["Hi Tom,\n\n", "Hello, following up on ticket 48213. ", "Sehr geehrte Damen und Herren,\n", "Bonjour,\n", "Buenos días, ", "Salve, ", "Olá, ", "Dzień dobry, ", "Beste, ", "Hej! ", "Please note: ", "FYI ", ""]
ENDINGS = [", thanks.", ".", ". Best, Ann", "\n", " please.", "; see attachment.", " – danke!", ", merci.", ". Gracias.", " (please keep it safe).", "!", " and nothing else.", "?"]


@form("txt")
def prose(w, r, fields):
    for f in fields:
        if not f.identifier:
            continue
        w.put(r.choice(OPENERS)).put(r.choice(SENTENCES).format(f.label)).value(f).put(r.choice(ENDINGS)).put("\n")


@form("txt")
def chat(w, r, fields):
    for i, f in enumerate(fields):
        stamp = r.choice((f"[1{r.randint(0, 9)}.0{r.randint(1, 9)}.26, 1{r.randint(0, 9)}:{r.randint(10, 59)}] ", f"2026-11-2{r.randint(0, 9)} 1{r.randint(0, 9)}:{r.randint(10, 59)} <", f"1{r.randint(0, 9)}:{r.randint(10, 59)} "))
        w.put(f"{stamp}{r.choice(('anna', 'tom_k', 'Lucía', 'Marek'))}{'>' if '<' in stamp else ':'} ")
        w.put(r.choice(("{0} is ", "{0}: ", "here's the {0} ", "{0} ", "ok {0} = ", "its {0} ", "{0}? ")).format(f.label)).value(f).put("\n")


@form("json")
def chat_export(w, r, fields):
    w.put("[")
    pairs(w, r, fields, lambda f: w.put(f'{{"type":"message","user":"U{values.token(r, 9, ALNUM)}","text":"{f.label}: ').value(f, js(f)).put(f'","ts":"{r.randint(1_700_000_000, 1_790_000_000)}.{digits(r, 6)}"}}'), ",")
    w.put("]")


@form("txt")
def scanned_form(w, r, fields):
    """Text that a scanner read: wide gaps, dots, frames."""
    for f in fields:
        w.put(f.label.upper() if r.random() < .4 else f.label).put(r.choice((":    ", "          ", " ............ ", "\t\t", " : ", "\n    ", " | ", "___ "))).value(f).put(r.choice(("\n", "   |\n", "\n\n", "      Page 1 of 2\n")))


@form("eml")
def mail(w, r, fields):
    w.put(f"Received: from mx{r.randint(1, 9)}.example.net (198.51.100.{r.randint(1, 250)}) by in.example.org with ESMTPS id {values.token(r, 12)}; Thu, 26 Nov 2026 10:{r.randint(10, 59)}:07 +0000\r\nMIME-Version: 1.0\r\nSubject: your documents\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n")
    for f in fields:
        w.put(f"{f.label}: ").value(f).put("\r\n")
    w.put("\r\n-- \r\nSent from my phone\r\n")


@form("md")
def markdown(w, r, fields):
    w.put("# Onboarding\n\n| field | value |\n|---|---|\n")
    for f in fields:
        w.put(f"| {f.label} | ").value(f).put(" |\n")


# Configuration, code, dumps

@form("yaml")
def yaml(w, r, fields):
    w.put("customers:\n  - kind: person\n")
    for f in fields:
        q = r.choice(("", '"', "'"))
        w.put(f"    {f.key}: {q}").value(f).put(f"{q}\n")


@form("env")
def dotenv(w, r, fields):
    for f in fields:
        w.put(re.sub(r"(?<=[a-z])(?=[A-Z])|[-.]", "_", f.key).upper() + "=").value(f).put("\n")


@form("ini")
def properties(w, r, fields):
    w.put("[person]\n")
    for f in fields:
        w.put(f"{f.key} = ").value(f).put("\n")


@form("txt")
def language_dump(w, r, fields):
    shape = r.choice(("python", "ruby", "java", "go", "php", "rust", "lua", "url"))
    open_, pair, between, close = {"python": ("{", ("'{0}': '", "'"), ", ", "}"), "ruby": ("#<Person ", ("@{0}=\"", '"'), ", ", ">"), "java": ("Person{", ("{0}='", "'"), ", ", "}"), "go": ("{", ("{0}:", ""), " ", "}"),
                                    "php": ("array(", ("'{0}' => '", "'"), ", ", ")"), "rust": ("Person { ", ('{0}: "', '"'), ", ", " }"), "lua": ("{ ", ('["{0}"] = "', '"'), ", ", " }"), "url": ("GET /find?", ("{0}=", ""), "&", " HTTP/1.1")}[shape]
    w.put(f"DEBUG {r.randint(1, 999)} ").put(open_)
    pairs(w, r, [f for f in fields if not (shape in ("go", "url") and " " in f.value)], lambda f: w.put(pair[0].replace("{0}", f.key)).value(f).put(pair[1]), between)
    w.put(close + "\n")


@form("txt")
def php_serialized(w, r, fields):
    w.put(f"a:{len(fields)}:{{")
    pairs(w, r, fields, lambda f: w.put(f's:{len(f.key.encode())}:"{f.key}";s:{len(f.value.encode())}:"').value(f).put('";'), "")
    w.put("}")


@form("log")
def syslog_structured(w, r, fields):
    w.put(f"<165>1 2026-11-26T10:{r.randint(10, 59)}:03.{r.randint(100, 999)}Z app{r.randint(1, 9)} billing {r.randint(100, 9999)} ID{r.randint(10, 99)} [person@32473 ")
    pairs(w, r, fields, lambda f: w.put(f'{f.key}="').value(f).put('"'), " ")
    w.put("] saved\n")


@form("log")
def application_log(w, r, fields):
    for f in fields:
        w.put(f"2026-11-26 10:{r.randint(10, 59)}:{r.randint(10, 59)},{r.randint(100, 999)} {r.choice(('INFO', 'ERROR', 'WARN'))} [worker-{r.randint(1, 20)}] com.example.Kyc:{r.randint(10, 400)} - " + r.choice((f"validation failed for {f.label} ", f"{f.label}=", f"duplicate {f.label} [", f"field {f.key} has value '", f"{f.label}: ")))
        w.value(f).put(f"' trace={values.token(r, 16, '0123456789abcdef')}\n")


@form("sql")
def sql_update(w, r, fields):
    w.put("UPDATE people SET ")
    pairs(w, r, fields, lambda f: w.put(f"{f.key} = '").value(f, f.value.replace("'", "''")).put("'"), ", ")
    w.put(f" WHERE id = {r.randint(1, 99999)};\n")


def rows(r, fields, n):
    out = [fields]
    for _ in range(n):
        row = []
        for f in fields:
            if f.identifier:
                shape, value = TABLE[f.identifier][4](r)
                row.append(Field(f.key, f.label, respelled(r, f.identifier, value), f.identifier, True, shape, f.tier))
            else:
                row.append(Field(f.key, f.label, other(r).value))
        out.append(row)
    return out


@form("csv")
def export(w, r, fields):
    """An office's export: headings as people write them, in rows that a program quoted, or did not."""
    w.far = True
    separator, end, bom = r.choice((";", ";", ",", "\t", "|")), r.choice(("\n", "\r\n")), r.choice(("", "", "\ufeff"))
    quote = r.random() < .4
    heads = [header(r, f.label) for f in fields]
    w.put(bom + separator.join(f'"{h}"' if quote or separator in h else h for h in heads) + end)
    for row in rows(r, fields, r.randint(2, 6)):
        for i, f in enumerate(row):
            q = '"' if quote or separator in f.value else ""
            w.put(separator if i else "").put(q).value(f).put(q)
        w.put(end)
    w.far = False


@form("sql")
def sql_insert(w, r, fields):
    """Columns once, values behind: the first row stands near its names, the others do not."""
    w.far = True
    w.put("INSERT INTO `people` (" + ", ".join(f"`{f.key}`" for f in fields) + ") VALUES\n")
    table = rows(r, fields, r.randint(1, 3))
    for n, row in enumerate(table):
        w.put("(")
        pairs(w, r, row, lambda f: w.put("'").value(f, f.value.replace("'", "\\'")).put("'"), ",")
        w.put("),\n" if n + 1 < len(table) else ");\n")
    w.far = False


@form("sql")
def pg_copy(w, r, fields):
    w.far = True
    w.put("COPY public.people (" + ", ".join(f.key.replace("-", "_") for f in fields) + ") FROM stdin;\n")
    for row in rows(r, fields, r.randint(2, 4)):
        pairs(w, r, row, lambda f: w.value(f), "\t")
        w.put("\n")
    w.put("\\.\n")
    w.far = False


@form("html")
def html_columns(w, r, fields):
    w.far = True
    w.put("<table><thead><tr>" + "".join(f"<th>{f.label}</th>" for f in fields) + "</tr></thead><tbody>\n")
    for row in rows(r, fields, r.randint(1, 3)):
        w.put("<tr>")
        pairs(w, r, row, lambda f: w.put("<td>").value(f).put("</td>"), "")
        w.put("</tr>\n")
    w.put("</tbody></table>\n")
    w.far = False


@form("html")
def html_form(w, r, fields):
    w.put('<form action="/kyc" method="post">\n')
    for f in fields:
        w.put(f'<div class="mb-3 col-6"><label class="form-label">{f.label}</label>\n<input class="form-control" type="text" name="{f.key}" value="').value(f, f.value.replace("&", "&amp;").replace('"', "&quot;")).put('"></div>\n')
    w.put("</form>")


# Formats of their own, for those who stand in them

def made(r, name):
    return field(r, name)


@form("json", False)
def adyen(w, r, _):
    card, iban, bic, mail_, tel = (made(r, n) for n in ("payment.pan", "payment.iban", "payment.bic", "contact.email", "contact.phone"))
    cvc = made(r, "payment.cvv")
    w.put(f'{{"amount":{{"currency":"EUR","value":{r.randint(100, 99999)}}},"reference":"order-{r.randint(10**6, 10**9)}","paymentMethod":{{"type":"scheme","number":"').value(card).put('","expiryMonth":"03","expiryYear":"2030","holderName":"J. Smith","cvc":"').value(cvc).put('"},"bankAccount":{"iban":"').value(iban)
    w.put('","bic":"').value(bic).put('","ownerName":"J. Smith","countryCode":"DE"},"shopperEmail":"').value(mail_).put('","telephoneNumber":"').value(tel).put(f'","shopperReference":"{noise.uuid4(r)}","merchantAccount":"AcmeECOM"}}')


@form("json", False)
def fhir(w, r, _):
    systems = [("http://hl7.org/fhir/sid/us-ssn", "national-id.us-ssn"), ("https://fhir.nhs.uk/Id/nhs-number", "health.uk-nhs"), ("http://hl7.org/fhir/sid/us-npi", "health.us-npi"), ("http://hl7.org/fhir/sid/us-mbi", "health.us-mbi"),
               ("http://ns.electronichealth.net.au/id/medicare-number", "health.au-medicare")]
    w.put(f'{{"resourceType":"Patient","id":"{noise.uuid4(r)}","meta":{{"versionId":"3","lastUpdated":"2026-10-01T10:11:12.123+00:00"}},"identifier":[')
    pairs(w, r, r.sample(systems, 2), lambda s: w.put(f'{{"use":"official","system":"{s[0]}","value":"').value(made(r, s[1])).put('"}'), ",")
    w.put('],"telecom":[{"system":"phone","value":"').value(made(r, "contact.phone")).put('"},{"system":"email","value":"').value(made(r, "contact.email")).put('"}],"birthDate":"1974-12-25"}')


@form("hl7", False)
def hl7(w, r, _):
    w.put("MSH|^~\\&|EPIC|HOSP|LAB|HOSP|20261126101112||ADT^A01|MSG00001|P|2.5\rPID|1||").put(f"{r.randint(10**6, 10**7)}^^^MRN||DOE^JANE||19741225|F|||1 MAIN ST^^SPRINGFIELD^IL^62701||").value(made(r, "contact.phone")).put("^PRN^PH^").value(made(r, "contact.email"))
    ssn = made(r, "national-id.us-ssn")
    while "-" not in ssn.value:
        ssn = made(r, "national-id.us-ssn")
    ssn.aided = False
    w.put("||||||").value(ssn).put("\r")


@form("txt", False)
def mt103(w, r, _):
    one, two = made(r, "payment.iban"), made(r, "payment.iban")
    one.value, two.value = one.value.replace(" ", "").replace("-", "").upper(), two.value.replace(" ", "").replace("-", "").upper()
    w.put("{1:F01BANKDEFFAXXX0000000000}{2:I103BANKFRPPXXXXN}{4:\r\n:20:REF" + digits(r, 9) + f"\r\n:23B:CRED\r\n:32A:261126EUR{r.randint(10, 99999)},00\r\n:50K:/").value(one).put("\r\nJANE DOE\r\n1 MAIN ST\r\n:59:/").value(two).put("\r\nJOHN ROE\r\n:70:INVOICE 4711\r\n:71A:SHA\r\n-}")


@form("xml", False)
def pain001(w, r, _):
    w.put(f'<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"><CstmrCdtTrfInitn><GrpHdr><MsgId>{values.token(r, 16, ALNUM)}</MsgId><CreDtTm>2026-11-26T10:11:12</CreDtTm></GrpHdr><PmtInf><DbtrAcct><Id><IBAN>').value(bare(made(r, "payment.iban")))
    w.put("</IBAN></Id></DbtrAcct><DbtrAgt><FinInstnId><BICFI>").value(made(r, "payment.bic")).put(f"</BICFI></FinInstnId></DbtrAgt><CdtTrfTxInf><PmtId><EndToEndId>{digits(r, 12)}</EndToEndId></PmtId><CdtrAcct><Id><IBAN>").value(bare(made(r, "payment.iban"))).put("</IBAN></Id></CdtrAcct></CdtTrfTxInf></PmtInf></CstmrCdtTrfInitn></Document>")


def bare(f):
    f.value = f.value.replace(" ", "").replace("-", "").upper()
    return f


@form("vcf", False)
def vcard(w, r, _):
    w.put("BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Jane Doe\r\nTEL;TYPE=work,voice;VALUE=uri:tel:").value(made(r, "contact.phone")).put("\r\nTEL;TYPE=CELL:").value(made(r, "contact.phone")).put("\r\nEMAIL;TYPE=INTERNET:").value(made(r, "contact.email")).put(f"\r\nUID:urn:uuid:{noise.uuid4(r)}\r\nEND:VCARD\r\n")


@form("ics", False)
def calendar(w, r, _):
    w.put(f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:{digits(r, 13)}\r\nDTSTAMP:20261126T101112Z\r\nORGANIZER;CN=Jane Doe:mailto:").value(made(r, "contact.email")).put("\r\nATTENDEE;ROLE=REQ-PARTICIPANT;RSVP=TRUE:mailto:").value(made(r, "contact.email")).put("\r\nDESCRIPTION:dial in ").value(made(r, "contact.phone")).put(f"\\, PIN {digits(r, 9, '123456789')}#\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")


@form("edi", False)
def x12(w, r, _):
    w.put("ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *261126*1011*^*00501*000000905*0*P*:~GS*HC*SENDER*RECEIVER*20261126*1011*1*X*005010X222A1~NM1*85*2*CLINIC*****XX*")
    npi = made(r, "health.us-npi")
    npi.aided = False
    w.value(npi).put("~PER*IC*BILLING*EM*").value(made(r, "contact.email")).put(f"~CLM*{digits(r, 8)}*100***11:B:1*Y*A*Y*Y~SE*24*0001~")


@form("log", False)
def access_log(w, r, _):
    f = made(r, "contact.email")
    w.put(f'203.0.113.{r.randint(1, 250)} - - [26/Nov/2026:10:{r.randint(10, 59)}:12 +0000] "GET /unsubscribe?utm_source=x&email=').value(f, f.value.replace("@", r.choice(("%40", "@"))).replace("+", "%2B")).put(f'&id={digits(r, 9)} HTTP/2.0" 200 {r.randint(100, 90000)} "https://shop.example/" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.6478.127 Safari/537.36" rt=0.{digits(r, 3)}\n')


def fits(name, make):
    lines = name == "secrets.private-key" or name.startswith("travel.mrz")
    if lines or name not in LABELS:
        return False
    if name == "secrets.url-password" and make in ("salesforce_soap", "plist", "property_attributes", "html_columns", "html_form", "language_dump", "php_serialized", "markdown", "shopify", "tax_ids"):
        return False
    return True


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("dir", nargs="?", default="target/unseen")
    args.add_argument("--seed", type=int, default=1)
    args.add_argument("--scale", type=float, default=1.0)
    args = args.parse_args()
    corpus, r = Corpus(args.dir), random.Random(f"unseen {args.seed}")

    def write(name, extension, body):
        CARRIERS[name] = body
        corpus.write(name, [[]], r)

    for name in LABELS:
        common = 3 if name in ("payment.pan", "contact.email", "contact.phone", "payment.iban", "national-id.us-ssn") else 1
        for shape, (extension, many, make) in FORMATS.items():
            if not many or not fits(name, shape):
                continue
            for _ in range(round(2 * args.scale * common)):
                fields = [field(r, name)] + [other(r) for _ in range(r.randint(1, 3))]
                if r.random() < .2 and not name.startswith("secrets."):
                    fields.append(field(r, r.choice(("contact.email", "payment.iban"))))
                r.shuffle(fields)
                seen = set()
                fields = [f for f in fields if not (f.key in seen or seen.add(f.key))]
                write(shape, extension, lambda w, _, r, make=make, fields=fields: make(w, r, fields))
    for shape, (extension, many, make) in FORMATS.items():
        for _ in range(0 if many else round(20 * args.scale)):
            write(shape, extension, lambda w, _, r, make=make: make(w, r, None))
    for kind, make in noise.KINDS.items():
        for _ in range(round(12 * args.scale)):
            def body(w, _, r, make=make, kind=kind):
                for line in make(r).splitlines():
                    w.value(Field("", "", line, negative=kind)).put("\n")
            write(kind, "txt", body)
    print(f"{corpus.count} documents in {args.dir}")


if __name__ == "__main__":
    main()
