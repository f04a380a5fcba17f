"""Writes documents and archives with the libraries people use, and counts what `tidegate scan` finds in them."""

import gzip, io, json, os, pathlib, random, resource, shutil, subprocess, sys, tarfile, time, zipfile, zlib

import docx, openpyxl, pptx, zstandard
from docx.shared import Pt
from fpdf import FPDF
from odf.opendocument import OpenDocumentText
from odf.text import P, Span
from pptx.util import Inches
from pypdf import PdfReader, PdfWriter
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen import canvas
from reportlab.platypus import Paragraph, SimpleDocTemplate, Table

TIDEGATE, ROOT = sys.argv[1], pathlib.Path(sys.argv[2]) / "corpus"
GOAL = 0.80
random.seed(20261126)
WORDS = "invoice paid by our client on account of the second quarter, please confirm receipt and file".split()
FONTS = [p for p in ("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf") if os.path.exists(p)]
if not FONTS:
    import reportlab
    FONTS = [str(p) for p in pathlib.Path(reportlab.__file__).parent.glob("fonts/Vera.ttf")]


def pan():
    digits = [4, 5] + [random.randrange(10) for _ in range(13)]
    total = sum(d if i % 2 else (d * 2 - 9 if d > 4 else d * 2) for i, d in enumerate(digits))
    text = "".join(map(str, digits + [-total % 10]))
    return " ".join(text[i:i + 4] for i in range(0, 16, 4))


def prose(count=12):
    return " ".join(random.choice(WORDS) for _ in range(count))


def make_docx(path, values):
    document = docx.Document()
    for index, value in enumerate(values):
        paragraph = document.add_paragraph(prose())
        # As editors do: one value in several runs.
        cut = 6 if index % 2 else 19
        paragraph.add_run(" card " + value[:cut])
        run = paragraph.add_run(value[cut:])
        run.bold, run.font.size = True, Pt(11)
    table = document.add_table(rows=1, cols=2)
    table.rows[0].cells[0].text = prose(3)
    document.save(path)


def make_xlsx(path, values):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["name", "card", "note"])
    for index, value in enumerate(values):
        digits = value.replace(" ", "")
        sheet.append([prose(2), int(digits) if index % 2 and digits.isdigit() else value, prose(5)])
    book.save(path)


def make_pptx(path, values):
    deck = pptx.Presentation()
    for value in values:
        slide = deck.slides.add_slide(deck.slide_layouts[6])
        frame = slide.shapes.add_textbox(Inches(1), Inches(1), Inches(5), Inches(1)).text_frame
        paragraph = frame.paragraphs[0]
        paragraph.add_run().text = prose(4) + " card " + value[:9]
        paragraph.add_run().text = value[9:]
    deck.save(path)


def make_odt(path, values):
    document = OpenDocumentText()
    for value in values:
        paragraph = P(text=prose() + " card " + value[:7])
        paragraph.addElement(Span(text=value[7:]))
        document.text.addElement(paragraph)
    document.save(str(path))


def make_pdf_canvas(path, values):
    page = canvas.Canvas(str(path), pagesize=A4)
    for index, value in enumerate(values):
        page.drawString(72, 780 - 14 * (index % 50), f"{prose(5)} card {value}")
        if index % 50 == 49:
            page.showPage()
    page.save()


def make_pdf_flow(path, values):
    style = getSampleStyleSheet()["Normal"]
    story = [Paragraph(f"{prose(20)} <b>card</b> {value} {prose(6)}", style) for value in values]
    story.append(Table([[prose(2), prose(1)]]))
    SimpleDocTemplate(str(path), pageCompression=1).build(story)


def make_pdf_font(path, values):
    pdfmetrics.registerFont(TTFont("Own", FONTS[0]))
    page = canvas.Canvas(str(path), pagesize=A4, pageCompression=1)
    for index, value in enumerate(values):
        page.setFont("Own", 11)
        page.drawString(72, 780 - 14 * (index % 50), f"{prose(5)} card {value}")
    page.save()


def make_pdf_subset(path, values):
    """Codes of two bytes that a table behind the pages explains."""
    page = FPDF()
    page.add_page()
    page.add_font("own", "", FONTS[0])
    page.set_font("own", size=11)
    for value in values:
        page.multi_cell(0, 6, f"{prose(8)} card {value}", new_x="LMARGIN", new_y="NEXT")
    page.output(str(path))


def make_pdf_objects(path, values):
    """The same pages, written anew with packed objects."""
    source = io.BytesIO()
    make_pdf_flow_to(source, values)
    writer = PdfWriter(clone_from=PdfReader(source))
    writer.compress_identical_objects()
    writer.write(str(path))


def make_pdf_flow_to(target, values):
    page = canvas.Canvas(target, pagesize=A4, pageCompression=1)
    for index, value in enumerate(values):
        page.drawString(72, 780 - 14 * (index % 50), f"card {value}")
    page.save()


def make_zip(path, values):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for index, value in enumerate(values):
            archive.writestr(f"notes/{index}.txt", f"{prose(30)} card {value}\n{prose(20)}")


def make_zip_streamed(path, values):
    class Pipe(io.RawIOBase):
        def __init__(self, out): self.out = out
        def writable(self): return True
        def write(self, data): return self.out.write(bytes(data))
    with open(path, "wb") as out, zipfile.ZipFile(Pipe(out), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("all.csv", "id,card\n" + "".join(f"{i},{v}\n" for i, v in enumerate(values)))


def make_tgz(path, values):
    with tarfile.open(path, "w:gz") as archive:
        for index, value in enumerate(values):
            data = f"{prose(30)} card {value}\n".encode()
            member = tarfile.TarInfo(f"export/{index}/{'long' * 30}.txt")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


def make_nested(path, values):
    inner = io.BytesIO()
    make_zip(inner, values)
    with tarfile.open(path, "w") as archive:
        for name, data in [("inner.zip", inner.getvalue()), ("log.gz", gzip.compress(b"nothing"))]:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


def make_zst(path, values):
    path.write_bytes(zstandard.compress("\n".join(f"{prose()} card {v}" for v in values).encode()))


def make_multipart(path, values):
    inner = io.BytesIO()
    make_docx(inner, values)
    head = b'--b\r\nContent-Disposition: form-data; name="f"; filename="a.docx"\r\n\r\n'
    path.write_bytes(head + inner.getvalue() + b"\r\n--b--\r\n")


KINDS = {
    "docx": make_docx, "xlsx": make_xlsx, "pptx": make_pptx, "odt": make_odt, "canvas.pdf": make_pdf_canvas,
    "flow.pdf": make_pdf_flow, "font.pdf": make_pdf_font, "subset.pdf": make_pdf_subset, "objects.pdf": make_pdf_objects,
    "zip": make_zip, "streamed.zip": make_zip_streamed, "tar.gz": make_tgz, "nested.tar": make_nested, "zst": make_zst,
    "multipart": make_multipart,
}


def scan(*paths):
    """Findings, exit status, seconds, and the peak of memory in MiB."""
    began = time.monotonic()
    reader = subprocess.Popen([TIDEGATE, "scan", "--format", "jsonl", "--detector", "payment.pan", *map(str, paths)],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    found = [json.loads(line) for line in reader.stdout]
    _, status, usage = os.wait4(reader.pid, 0)
    return found, os.waitstatus_to_exitcode(status), time.monotonic() - began, usage.ru_maxrss / 1024


def recall():
    good = True
    for kind, make in KINDS.items():
        values = [pan() for _ in range(40)]
        path, clean = ROOT / f"full.{kind}", ROOT / f"clean.{kind}"
        make(path, values)
        make(clean, ["none"] * 40)
        found, status, seconds, _ = scan(path)
        distinct = len({line["fingerprint"] for line in found})
        false = len(scan(clean)[0])
        carriers = sorted({"/".join(line["carrier"]) for line in found})
        ok = distinct >= GOAL * len(values) and false == 0 and status == 0
        good &= ok
        print(f"{'ok ' if ok else 'BAD'} {kind:14} recall {distinct / len(values):.2f}  false {false}  {seconds * 1000:.0f} ms  {' '.join(carriers)}")
    return good


def bombs():
    """Ten GiB of zeros: one piece compressed once, and told again and again."""
    piece, good = bytes(64 << 20), True
    coder = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = coder.compress(piece) + coder.flush(zlib.Z_FULL_FLUSH)
    deflated = block * 160 + b"\x03\x00"
    head = b"PK\x03\x04\x2d\0\x08\0\x08\0" + bytes(16) + b"\x01\0\0\0z"
    quine = b"nothing"
    for _ in range(12):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("x.zip", quine)
        quine = out.getvalue()
    for name, data in {
        "zeros.gz": b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + deflated,
        "zeros.zst": zstandard.compress(piece) * 160,
        "zeros.zip": head + deflated,
        "zeros.zip.gz": gzip.compress(head + deflated),
        "deep.zip": quine,
    }.items():
        path = ROOT / name
        path.write_bytes(data)
        (ROOT / "small").write_bytes(b"nothing")
        _, status, seconds, memory = scan(path)
        _, _, idle, floor = scan(ROOT / "small")
        ok = status == 74 and seconds - idle < 1 and memory - floor < 32
        good &= ok
        print(f"{'ok ' if ok else 'BAD'} {name:14} exit {status}  {seconds - idle:.2f} s  {memory - floor:+.1f} MiB beside an idle scan")
    return good


def lies():
    """Archives whose headers and directory differ, which unzip reads by the directory: refused, unlike their honest twins."""
    good = True
    text = f"card {pan()} ".encode() * 20
    for name, change in {
        "method": lambda data: data.replace(b"PK\x03\x04\x14\0\0\0\x08\0", b"PK\x03\x04\x14\0\0\0\0\0", 1),
        "left out": lambda data: data[:data.index(b"PK\x01\x02")] + data[data.index(b"PK\x05\x06"):],
        "honest": lambda data: data,
        "prefixed": lambda data: b"#!/bin/sh\n" + data,
    }.items():
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a", text)
        data = bytearray(change(out.getvalue()))
        if name == "method":
            # Of a length that fits what stands there.
            data[22:26] = data[18:22]
        path = ROOT / f"{name}.zip"
        path.write_bytes(data)
        found, status, _, _ = scan(path)
        ok = status == 74 if name in ("method", "left out") else (status == 0 and len(found) >= 1)
        if name != "left out":
            ok &= zipfile.ZipFile(path).read("a") == text
        good &= ok
        print(f"{'ok ' if ok else 'BAD'} zip, {name:9} exit {status}  {len(found)} found")
    return good


shutil.rmtree(ROOT, ignore_errors=True)
ROOT.mkdir(parents=True)
whole = recall()
whole &= bombs()
whole &= lies()
print("containers:", "all goals met" if whole else "BELOW THE GOALS")
sys.exit(0 if whole else 1)
