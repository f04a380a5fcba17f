//! Documents made by hand: what their pages show, whole and cut, and what is said of the rest.

use flate2::Compression;
use flate2::write::ZlibEncoder;
use std::io::Write;

use super::*;

/// The text of each stream that is told, and how it ended.
fn shown(text: &[u8], cut: usize) -> (Vec<String>, Result<(), DecodeError>) {
    let (mut pages, mut out) = (Pages::default(), Vec::<String>::new());
    let mut take = |what: Unpacked<'_>| {
        match what {
            Unpacked::Open(_) => out.push(String::new()),
            Unpacked::Text(text, _) => out.last_mut().unwrap().push_str(&String::from_utf8_lossy(text)),
            Unpacked::Unread(error, _) => out.push(error.as_str().to_owned()),
            Unpacked::Close | Unpacked::Aside(_) | Unpacked::Unopened(_) => {}
        }
        ControlFlow::Continue(())
    };
    let mut result = Ok(());
    for piece in text.chunks(cut) {
        result = result.and_then(|()| pages.push(piece, &mut take));
    }
    let result = result.and_then(|()| pages.finish(&mut take));
    (out, result)
}

fn shown_any(text: &[u8]) -> (Vec<String>, Result<(), DecodeError>) {
    let whole = shown(text, text.len());
    for cut in [1, 2, 7, 100] {
        assert_eq!(shown(text, cut), whole, "cut {cut}");
    }
    whole
}

fn flate(text: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn a85(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for quad in bytes.chunks(4) {
        let mut four = [0; 4];
        four[..quad.len()].copy_from_slice(quad);
        let (mut value, mut digits) = (u32::from_be_bytes(four), [0; 5]);
        for digit in digits.iter_mut().rev() {
            *digit = b'!' + u8::try_from(value % 85).unwrap();
            value /= 85;
        }
        if four == [0; 4] && quad.len() == 4 { out.push(b'z') } else { out.extend(&digits[..=quad.len()]) }
    }
    out.extend(b"~>");
    out
}

fn object(number: u32, dictionary: &str, data: &[u8]) -> Vec<u8> {
    let head = format!("{number} 0 obj\n<< {dictionary} /Length {} >>\nstream\n", data.len());
    [head.as_bytes(), data, b"\nendstream\nendobj\n"].concat()
}

/// The same with another end of the line that the keyword stands in.
fn spaced(object: Vec<u8>, end: &[u8]) -> Vec<u8> {
    let at = memchr::memmem::find(&object, b"stream\n").unwrap() + STREAM.len();
    [&object[..at], end, &object[at + 1..]].concat()
}

fn document(objects: &[Vec<u8>]) -> Vec<u8> {
    [
        b"%PDF-1.7\n%\xe2\xe3\n",
        objects.concat().as_slice(),
        b"trailer << /Root 1 0 R >>\nstartxref\n0\n%%EOF\n",
    ]
    .concat()
}

#[test]
fn operators_that_show_text_are_read() {
    let cases = [
        ("BT /F1 12 Tf 1 0 0 1 72 720 Tm (4539 1488) Tj T* ET", "4539 1488\n"),
        ("BT [(45) 20 (39) -250 (14\\0568\\)) 3 <3839>] TJ ET", "4539 14.8)89\n"),
        ("BT (a) Tj 10 0 Td (b) Tj 0 -12 Td (c) Tj ET", "ab\nc\n"),
        ("BT 1 0 0 1 72 700 Tm (4) Tj 1 0 0 1 80 700 Tm (5) Tj 1 0 0 1 72 690 Tm (6) Tj ET", "45\n6\n"),
        (
            "BT (word) Tj 40 0 Td (next) Tj ET (not shown) /x BI /W 1 ID \x01(xx)\x02 EI BT (z\\\ny) ' ET",
            "word next\nzy\n",
        ),
        ("/Span << /ActualText <FEFF> >> BDC BT (a(b)c) Tj ET EMC % (c) Tj", "a(b)c\n"),
    ];
    for (page, expected) in cases {
        for body in [
            object(4, "", page.as_bytes()),
            object(4, "/Filter /FlateDecode", &flate(page.as_bytes())),
            object(4, "/Filter [ /ASCII85Decode /FlateDecode ]", &a85(&flate(page.as_bytes()))),
            // Letters of names as numbers, and blanks behind the keyword.
            object(4, "/Filter /#46lateDecode", &flate(page.as_bytes())),
            object(4, "/X (a#b) /#46il#74er[/Fl]", &flate(page.as_bytes())),
            spaced(object(4, "/Filter /FlateDecode", &flate(page.as_bytes())), b" \n"),
            spaced(object(4, "/Filter /FlateDecode", &flate(page.as_bytes())), b" \t \r\n"),
        ] {
            assert_eq!(shown_any(&document(&[body])), (vec![expected.to_owned()], Ok(())), "{page}");
        }
    }
}

#[test]
fn codes_that_are_written_as_controls_are_shown() {
    let page = object(4, "", br"BT /F7 12 Tf (\000\b\000\f\000\t\000\n) Tj ET");
    let font = b"5 0 obj\n<</F7 6 0 R>>\nendobj\n6 0 obj\n<</Type/Font/ToUnicode 7 0 R>>\nendobj\n".to_vec();
    let codes = b"1 begincodespacerange <0000> <FFFF> endcodespacerange\n\
                  1 beginbfrange\n<0008> <000A> <0034>\nendbfrange\n1 beginbfchar\n<000C> <0039>\nendbfchar\nend";
    let document = document(&[font, object(7, "/Filter/FlateDecode", &flate(codes)), page]);
    assert_eq!(shown_any(&document), (vec!["4956\n".to_owned()], Ok(())));
}

#[test]
fn codes_are_shown_as_their_font_says_wherever_it_stands() {
    let page = object(
        4,
        "/Filter /FlateDecode",
        &flate(b"BT /F7 12 Tf <0001000200030002> Tj ET BT /G 9 Tf (plain) Tj ET"),
    );
    let resources =
        b"5 0 obj\n<</F7 6 0 R/G 8 0 R>>\nendobj\n6 0 obj\n<</Type/Font/ToUnicode 7 0 R>>\nendobj\n".to_vec();
    let codes = b"/CIDInit /ProcSet findresource begin\n1 begincodespacerange <0000> <FFFF> endcodespacerange\n\
                  1 beginbfchar\n<0001> <0034>\nendbfchar\n1 beginbfrange\n<0002> <0003> <0035>\nendbfrange\nend";
    let codes = object(7, "/Filter/FlateDecode", &flate(codes));
    let early = document(&[resources.clone(), codes.clone(), page.clone()]);
    assert_eq!(shown_any(&early), (vec!["4565\nplain\n".to_owned()], Ok(())));
    let odd = String::from_utf8(resources.clone()).unwrap().replace("/F7", "/#467").replace("/ToU", "/To#55");
    let odd = document(&[odd.into_bytes(), codes.clone(), page.clone()]);
    assert_eq!(shown_any(&odd), (vec!["4565\nplain\n".to_owned()], Ok(())));
    let late = document(&[page.clone(), codes.clone(), resources]);
    assert_eq!(shown_any(&late).0.last().unwrap(), "4565\n\n\n");
    // The same objects, packed together.
    let (font, names) = ("<</Type/Font/ToUnicode 7 0 R>>", "<</F7 6 0 R/G 8 0 R>>");
    let packed = format!("6 0 5 {} {font} {names}", font.len() + 1);
    let first = packed.find('<').unwrap();
    let packed = object(
        9,
        &format!("/Type /ObjStm /N 2 /First {first} /Filter /FlateDecode"),
        &flate(packed.as_bytes()),
    );
    let late = document(&[page, codes, packed]);
    assert_eq!(shown_any(&late).0.last().unwrap(), "4565\n\n\n");
}

#[test]
fn codes_too_many_to_wait_for_their_font_are_said_to_be_unread() {
    let line = format!("<{}> Tj ", "0001".repeat(500));
    let page = format!("BT /F7 12 Tf {} ET", line.repeat(crate::limits::PDF_LATE / 1000 + 2));
    let page = object(4, "/Filter /FlateDecode", &flate(page.as_bytes()));
    let table = b"/CIDInit begincmap 1 beginbfchar\n<0001> <0034>\nendbfchar\nend";
    let codes = object(7, "", table);
    let fonts = b"5 0 obj\n<</F7 6 0 R>>\nendobj\n6 0 obj\n<</Type/Font/ToUnicode 7 0 R>>\nendobj\n".to_vec();
    let last = |objects: &[Vec<u8>]| shown(&document(objects), 4096).0.pop().unwrap();
    assert_eq!(last(&[page.clone(), codes.clone(), fonts.clone()]), "size");
    assert_eq!(last(&[codes, fonts, page.clone()]).chars().last(), Some('\n'));
    // A font of which nothing is told shows its codes as they are, which were seen.
    assert_ne!(last(&[page]), "size");
    let long = [table.as_slice(), &vec![b' '; crate::limits::PDF_KEPT]].concat();
    assert_eq!(last(&[object(7, "", &long)]), "size");
}

#[test]
fn what_cannot_be_read_is_said() {
    let page = object(4, "/Filter /LZWDecode", b"abc");
    assert_eq!(shown_any(&document(&[page])), (vec!["method".to_owned()], Ok(())));
    let locked = [document(&[]), b"trailer << /Encrypt 9 0 R >>".to_vec()].concat();
    assert_eq!(shown_any(&locked).1, Err(DecodeError::Encrypted));
    let locked = [document(&[]), b"trailer << /#45ncrypt 9 0 R >>".to_vec()].concat();
    assert_eq!(shown_any(&locked).1, Err(DecodeError::Encrypted));
    let image = object(4, "/Subtype /Image /Filter /DCTDecode", b"(xx) Tj");
    let broken = object(5, "/Filter /FlateDecode", b"(xx) Tj");
    assert_eq!(shown_any(&document(&[image, broken])), (vec![], Ok(())));
    assert_eq!(shown_any(b"no %PDF here (a) Tj stream\n(x) Tj endstream"), (vec![], Ok(())));
    // As a part of another body.
    let part =
        [b"--b\r\n\r\n".as_slice(), &[b'x'; 3000], &document(&[object(4, "", b"BT (a) Tj ET")])].concat();
    assert_eq!(shown_any(&part), (vec!["a\n".to_owned()], Ok(())));
}

/// The table of a font that shows ten codes as digits.
const DIGITS: &str = "/CIDInit begin begincmap 1 begincodespacerange <0000> <FFFF> endcodespacerange 1 beginbfrange\n\
                      <0064> <006D> <0030>\nendbfrange endcmap end";

/// A document whose one page shows `4539` in a font that stands behind `before`, with this table.
fn in_codes(before: &[u8], table: &str) -> Vec<u8> {
    document(&[
        before.to_vec(),
        b"9 0 obj\n<</Type/Font/ToUnicode 6 0 R>>\nendobj\n3 0 obj\n<</F1 9 0 R>>\nendobj\n".to_vec(),
        object(6, "/Filter/FlateDecode", &flate(table.as_bytes())),
        object(4, "", b"BT /F1 12 Tf <00680069006700 6D> Tj ET"),
    ])
}

#[test]
fn however_many_fonts_and_codes_come_before_one_it_is_known_or_that_is_said() {
    let read = |document: &[u8]| shown(document, 4096);
    let fonts = |count: usize| -> Vec<u8> {
        (0..count)
            .flat_map(|at| format!("{} 0 obj\n<</ToUnicode 6 0 R>>\nendobj\n", 10 + at).into_bytes())
            .collect()
    };
    assert_eq!(read(&in_codes(&fonts(5000), DIGITS)), (vec!["4539\n".to_owned()], Ok(())));
    let too_many = fonts(crate::limits::PDF_OBJECTS);
    assert_eq!(read(&in_codes(&too_many, DIGITS)).0.last().unwrap(), "size");
    let names: String = (0..=crate::limits::PDF_OBJECTS).map(|at| format!("/N{at} 1 0 R\n")).collect();
    assert_eq!(read(&in_codes(names.as_bytes(), DIGITS)).0.last().unwrap(), "size");
    // Ranges that nothing joins, in no order.
    let codes: String =
        (0..8000).map(|at| format!("<{:04X}><{:04X}>\n", 0x9000 - 3 * at, 0x3000 + at * 7)).collect();
    let table = format!("begincmap 1 beginbfchar\n{codes}endbfchar");
    let tables = |count: usize| -> Vec<u8> {
        let data = flate(table.as_bytes());
        (0..count)
            .flat_map(|at| object(u32::try_from(1000 + at).unwrap(), "/Filter/FlateDecode", &data))
            .collect()
    };
    assert_eq!(read(&in_codes(&tables(3), DIGITS)), (vec!["4539\n".to_owned()], Ok(())));
    let too_many = tables(crate::limits::PDF_CODES / 8000 + 1);
    assert_eq!(read(&in_codes(&too_many, DIGITS)).0.last().unwrap(), "size");
    let mut pages = Pages::default();
    pages.push(&too_many_begin(&too_many), &mut |_| ControlFlow::Continue(())).unwrap();
    assert!((1 << 20..8 << 20).contains(&pages.bytes()), "{}", pages.bytes());
}

fn too_many_begin(tables: &[u8]) -> Vec<u8> {
    [b"%PDF-1.7\n".as_slice(), tables].concat()
}

#[test]
fn a_code_shows_what_was_said_of_it_last() {
    let table = |lines: &str| format!("begincmap begincodespacerange <00> <FF> endcodespacerange {lines}");
    let page = |lines: &str| {
        let table = object(6, "", table(lines).as_bytes());
        let font = b"9 0 obj\n<</ToUnicode 6 0 R>>\nendobj\n3 0 obj\n<</F1 9 0 R>>\nendobj\n".to_vec();
        shown_any(&document(&[font, table, object(4, "", b"BT /F1 12 Tf <0102030405> Tj ET")])).0
    };
    assert_eq!(page("beginbfrange <01> <04> <0031> <03> <05> <0041> endbfrange"), ["12ABC\n"]);
    assert_eq!(
        page("beginbfrange <01> <05> <0031> endbfrange beginbfchar <03> <005A> endbfchar"),
        ["12Z45\n"]
    );
    assert_eq!(
        page("beginbfrange <01> <03> [<0031> <0039> <0033>] endbfrange beginbfchar <5> <35> endbfchar"),
        ["193\n"]
    );
    assert_eq!(page("beginbfchar <05> <0031> <04> <0032> <01> <0033> endbfchar"), ["321\n"]);
}

#[test]
fn what_is_long_is_read_on_or_said() {
    let comment = format!("%{}\n{DIGITS}", "x".repeat(2000));
    assert_eq!(shown_any(&in_codes(b"", &comment)), (vec!["4539\n".to_owned()], Ok(())));
    // Resources that are longer than what is kept of objects.
    let many: String = (0..20_000).map(|at| format!("/X{at} {at} 0 R")).collect();
    let many =
        format!("3 0 obj\n<<{many}/F1 9 0 R {many}>>\nendobj\n9 0 obj\n<</ToUnicode 6 0 R>>\nendobj\n");
    let objects = [many.into_bytes(), object(6, "", DIGITS.as_bytes())];
    let page = object(4, "", b"BT /F1 12 Tf <0068006D> Tj ET");
    let long = document(&[&objects[..], &[page]].concat());
    for cut in [100, 4096, long.len()] {
        assert_eq!(shown(&long, cut), (vec!["49\n".to_owned()], Ok(())));
    }
    let text = format!("{} 4539", "x".repeat(9999));
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    let pieces = "(45)-1(39)".repeat(3000);
    for (page, expected) in [
        (format!("BT ({text}) Tj ET"), text.clone()),
        (format!("BT <{hex}> Tj ET"), text.clone()),
        (format!("BT [{pieces}] TJ ET"), "4539".repeat(3000)),
        (format!("BT [(a){}(b)] TJ ET", "-999 ".repeat(9000)), "a b".to_owned()),
    ] {
        let body = document(&[object(4, "/Filter/FlateDecode", &flate(page.as_bytes()))]);
        assert_eq!(shown_any(&body), (vec![format!("{expected}\n")], Ok(())));
    }
    for (length, expected) in [(40_000, "4539\n"), (70_000, "size"), (200_000, "size")] {
        let dictionary = format!("/Filter/FlateDecode/X(an object {})", "x".repeat(length));
        let body = document(&[object(4, &dictionary, &flate(b"BT (4539) Tj ET"))]);
        for cut in [100, 4096, body.len()] {
            assert_eq!(shown(&body, cut), (vec![expected.to_owned()], Ok(())), "{length}");
        }
    }
}

/// Rows of so many bytes, each made as the number before it says.
fn predicted(text: &[u8], columns: usize, pixel: usize) -> Vec<u8> {
    let (mut out, mut above) = (Vec::new(), vec![0; columns]);
    for (row, kind) in text.chunks(columns).zip((0..5).cycle()) {
        out.push(kind);
        for (at, byte) in row.iter().enumerate() {
            let left = at.checked_sub(pixel).map_or(0, |at| row[at]);
            let (up, corner) = (above[at], at.checked_sub(pixel).map_or(0, |at| above[at]));
            let expected = i32::from(left) + i32::from(up) - i32::from(corner);
            let nearest =
                [left, up, corner].into_iter().min_by_key(|byte| (expected - i32::from(*byte)).abs());
            let guess = [0, left, up, left.midpoint(up), nearest.unwrap()][usize::from(kind)];
            out.push(byte.wrapping_sub(guess));
        }
        above[..row.len()].copy_from_slice(row);
    }
    out
}

#[test]
fn rows_are_read_as_they_were_before_png_predicted_them() {
    let page = b"BT /F1 12 Tf 1 0 0 1 72 700 Tm (the quick brown fox 4539 1488) Tj T* (jumps over the lazy dog) Tj ET";
    let expected = "the quick brown fox 4539 1488\njumps over the lazy dog\n";
    for (columns, colors, bits) in [(4usize, 1usize, 8usize), (7, 3, 8), (5, 1, 16), (300, 1, 8), (9, 2, 4)] {
        let data =
            flate(&predicted(page, (columns * colors * bits).div_ceil(8), (colors * bits).div_ceil(8)));
        let said = format!("/Predictor 15 /Columns {columns} /Colors {colors} /BitsPerComponent {bits}");
        let body = object(4, &format!("/Filter /FlateDecode /DecodeParms << {said} >>"), &data);
        assert_eq!(shown_any(&document(&[body])), (vec![expected.to_owned()], Ok(())), "{said}");
    }
    for said in ["<< /Predictor 2 /Columns 4 >>", "<< /Predictor 12 /Columns 99999999 >>", "8 0 R"] {
        let body = object(4, &format!("/Filter /FlateDecode /DecodeParms {said}"), &flate(page));
        assert_eq!(shown_any(&document(&[body])), (vec!["method".to_owned()], Ok(())), "{said}");
        // Of what is passed over it does not matter.
        let image = object(4, &format!("/Subtype /Image /Filter /FlateDecode /DecodeParms {said}"), b"x");
        assert_eq!(shown_any(&document(&[image])), (vec![], Ok(())), "{said}");
    }
}

#[test]
fn strings_of_objects_that_are_not_written_as_they_read_are_told() {
    let field = |value: &[u8]| [b"8 0 obj\n<</T(a \\(b\\) c)/V(", value, b")>>\nendobj\n"].concat();
    let wide: Vec<u8> = "\u{feff}card 4539".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let long = format!("{}\\064539", "x".repeat(9000));
    for (value, expected) in [
        (b"4539".to_vec(), None),
        (b"\\0645\\63\\0719\\\n8".to_vec(), Some("453998\n".to_owned())),
        (b"a\\(\\0645\\)(b)".to_vec(), Some("a(45)(b)\n".to_owned())),
        (wide, Some("card 4539\n".to_owned())),
        (b"\\376\\377\\0004\\0005".to_vec(), Some("45\n".to_owned())),
        (b"\\001\\002\\003".to_vec(), None),
        (long.into_bytes(), Some(format!("{}4539\n", "x".repeat(808)))),
    ] {
        let told: Vec<String> = expected.clone().into_iter().collect();
        assert_eq!(shown_any(&document(&[field(&value)])), (told, Ok(())));
        let object_of = [b"8 0 <</V(".as_slice(), &value, b")>>"].concat();
        let packed = object(7, "/Type/ObjStm/N 1/First 4/Filter/FlateDecode", &flate(&object_of));
        let behind = expected.map_or(String::new(), |text| format!("\n{text}"));
        let told = String::from_utf8_lossy(&object_of).into_owned() + &behind;
        assert_eq!(shown(&document(&[packed]), 4096), (vec![told], Ok(())));
    }
}

#[test]
fn codes_that_a_font_names_are_shown() {
    let names = "/Type/Encoding/Differences[65/zero/one/two 70/nine.tnum 71/uni0034/g12 97/a]";
    let page = object(4, "", b"BT /F1 12 Tf (FABG ax-) Tj ET");
    let inline = format!("9 0 obj\n<</Type/Font/Encoding<<{names}>>>>\nendobj\n");
    let apart = format!("9 0 obj\n<</Type/Font/Encoding 8 0 R>>\nendobj\n8 0 obj\n<<{names}>>\nendobj\n");
    let resources = b"3 0 obj\n<</F1 9 0 R>>\nendobj\n".to_vec();
    for font in [inline, apart] {
        let early = document(&[resources.clone(), font.clone().into_bytes(), page.clone()]);
        assert_eq!(shown_any(&early).0, ["9014 ax-\n"]);
        let late = document(&[page.clone(), resources.clone(), font.into_bytes()]);
        assert_eq!(shown_any(&late).0, ["FABG ax-\n", "9014 ax-\n"]);
    }
    // One that names what all show anyway says nothing.
    let usual = b"9 0 obj\n<</Encoding<</Differences[48/zero/one 65/A/B 32/space 123/endash 34/quotedblright]>>>>\nendobj\n".to_vec();
    assert_eq!(shown_any(&document(&[page, resources, usual])).0, ["FABG ax-\n"]);
}

#[test]
fn texts_of_one_line_and_of_one_page_are_joined() {
    for (page, expected) in [
        ("BT 72 700 Td (4) Tj ET\nBT 78 700 Td (5) Tj ET BT 72 690 Td (6) Tj ET", "45\n6\n"),
        (
            "BT 1 0 0 1 72 700 Tm (card) Tj ET BT 1 0 0 1 99 700 Tm (4539) Tj ET BT (1488) Tj ET",
            "card 4539\n1488\n",
        ),
        // Each in a place of its own.
        ("q 1 0 0 1 9 90 cm BT 0 0 Td (45) Tj ET Q q 1 0 0 1 9 80 cm BT 0 0 Td (39) Tj ET Q", "45\n39\n"),
        ("BT 72 700 Td (4) Tj 0 -12 Td (5) Tj 0 -12 Td (6) Tj 6 0 Td (7) Tj ET", "4\n5\n67\n"),
        ("/Span <</ActualText (card 4539)>> BDC BT (xx) Tj ET EMC", "xx\ncard 4539\n"),
        ("BT /Span<</ActualText<FEFF0034>>>BDC (x) Tj EMC /Span<</ActualText(5)>>BDC (y) Tj ET", "xy\n45\n"),
    ] {
        assert_eq!(
            shown_any(&document(&[object(4, "", page.as_bytes())])),
            (vec![expected.to_owned()], Ok(())),
            "{page}"
        );
    }
    let half = object(4, "", b"BT /F1 12 Tf (card 45391488) Tj");
    let other = object(6, "", b"(03436467) Tj ET");
    let image = object(5, "/Subtype /Image", b"(x) Tj");
    let joined = document(&[half.clone(), image, other.clone()]);
    assert_eq!(shown_any(&joined), (vec!["card 4539148803436467\n".to_owned()], Ok(())));
    let packed = object(5, "/Type /ObjStm /N 1 /First 4", b"8 0 <<>>");
    let apart = document(&[half.clone(), packed, other]);
    assert_eq!(shown_any(&apart).0, ["card 45391488\n", "8 0 <<>>\n", "03436467\n"]);
    assert_eq!(shown_any(&document(&[half])).0, ["card 45391488\n"]);
}

#[test]
fn texts_that_say_nothing_of_themselves_are_told_and_programs_are_not() {
    let told = |data: &[u8]| shown_any(&document(&[object(9, "/Filter/FlateDecode", &flate(data))])).0;
    for text in [
        "<xfa:data><card>4539</card></xfa:data>",
        "</xdp:xdp>",
        "\u{feff}<?xml version=\"1.0\"?>\n<a>1</a>",
        "var card=\"4539\"; if (x) { app.alert(card); }",
        "name,card\njoe,4539\n",
        &format!("<template>{}4539</template>", "<field/>".repeat(200)),
    ] {
        assert_eq!(told(text.as_bytes()), [text]);
    }
    let line = "100.5 200 m 300.25 400 l S\n".repeat(40);
    for program in [
        "<0034> pop <</Lang(some words)/MCID 0>> q 1 0 0 rg",
        "/Artifact <</Attached[/Bottom]/Type/Pagination/X true>> BDC q Q EMC % a comment\n(with words) pop",
        "%!PS-Adobe-3.0\n%%Title: (words)\nuserdict begin",
        "BI /W 1 ID words and more words EI",
        "\u{0}\u{1}some binary words",
        &line,
        "0 0 /Filter , 12.5 Level : 1 /Visible , 0 J 0 j",
    ] {
        assert_eq!(told(program.as_bytes()), Vec::<String>::new(), "{program}");
    }
    // One word more changes nothing.
    assert_eq!(shown_any(&in_codes(b"", &format!("words {DIGITS}"))).0.last().unwrap(), "4539\n");
    let page = "words BT [(45)-1(39)]TJ";
    assert_eq!(told(page.as_bytes()), [format!("{page}\n4539\n")]);
}
