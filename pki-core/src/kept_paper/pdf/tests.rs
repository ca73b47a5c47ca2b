use miniz_oxide::deflate::compress_to_vec_zlib;

use super::*;

/// A document of these objects, with so many pages.
fn document(pages: usize, objects: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n".to_vec();
    bytes.extend_from_slice(b"1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj\n");
    bytes.extend_from_slice(b"2 0 obj << /Type /Pages /Count 1 >> endobj\n");
    for number in 0..pages {
        let page = format!(
            "{} 0 obj << /Type /Page /Parent 2 0 R >> endobj\n",
            10 + number
        );
        bytes.extend_from_slice(page.as_bytes());
    }
    for object in objects {
        bytes.extend_from_slice(b"99 0 obj ");
        bytes.extend_from_slice(object);
        bytes.extend_from_slice(b" endobj\n");
    }
    bytes.extend_from_slice(b"trailer << /Root 1 0 R >>\nstartxref\n9\n%%EOF\n");
    bytes
}

fn stream(dictionary: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = format!("<< {dictionary} /Length {} >> stream\n", data.len()).into_bytes();
    bytes.extend_from_slice(data);
    bytes.extend_from_slice(b"\nendstream");
    bytes
}

/// Packed so that none of its words stands in the open: what is short and even would be
/// stored as it is.
fn squeezed(data: &[u8]) -> Vec<u8> {
    let padded = [&b"0 0 ".repeat(200), data].concat();
    let packed = compress_to_vec_zlib(&padded, 9);
    let open = data.len() > 16 && find(&packed, &data[data.len() - 16..]).is_some();
    assert!(!open, "it is not packed at all");
    packed
}

fn packed(dictionary: &str, data: &[u8]) -> Vec<u8> {
    stream(
        &format!("{dictionary} /Filter /FlateDecode"),
        &squeezed(data),
    )
}

fn with(object: impl Into<Vec<u8>>) -> Result<usize, ContentFault> {
    examine(&document(1, &[object.into()]))
}

#[test]
fn a_scan_is_kept_and_its_pages_are_counted() {
    let scan = [
        packed("/Type /XObject /Subtype /Image", &[7; 5000]),
        stream(
            "/Type /XObject /Filter /DCTDecode",
            b"\xFF\xD8\xFF\xE0 raw /JS dots",
        ),
        b"(a string with /JavaScript in it \\) (and brackets)) ".to_vec(),
    ];
    assert_eq!(examine(&document(3, &scan)), Ok(3));
    assert_eq!(examine(&document(0, &scan)), Err(ContentFault::NoPages));
    assert_eq!(
        examine(&document(PAGES_MAX + 1, &scan)),
        Err(ContentFault::TooManyPages)
    );
    // Pages within an object stream count as well.
    let objects = packed("/Type /ObjStm /N 1 /First 4", b"7 0 << /Type /Page >>");
    assert_eq!(examine(&document(1, &[objects])), Ok(2));
}

#[test]
fn what_acts_is_refused_however_it_is_hidden() {
    let action = b"7 0 << /S /JavaScript /JS (app.alert(1)) >>".as_slice();
    let hidden: &[(&str, Vec<u8>)] = &[
        ("script", b"<< /S /JavaScript /JS (x) >>".to_vec()),
        ("launch", b"<< /S /Launch /F (cmd.exe) >>".to_vec()),
        ("embedded file", b"<< /Type /EmbeddedFile >>".to_vec()),
        ("form", b"<< /AcroForm 4 0 R >>".to_vec()),
        ("link", b"<< /S /URI /URI (http://x) >>".to_vec()),
        ("escaped name", b"<< /S /J#61va#53cript >>".to_vec()),
        ("short escaped name", b"<< /#4a#53 (x) >>".to_vec()),
        (
            "object stream",
            packed("/Type /ObjStm /N 1 /First 4", action),
        ),
        (
            "escaped in an object stream",
            packed("/Type /Obj#53tm /N 1 /First 4", b"7 0 << /#4AS (x) >>"),
        ),
        (
            "a stream that is none by its word",
            packed("/Type /XObject", action),
        ),
        (
            "bare in an unpacked stream",
            stream("/Type /XObject", action),
        ),
        (
            "packed without saying so",
            stream("/Filter 8 0 R", &squeezed(action)),
        ),
        (
            "packed twice",
            stream(
                "/Type /ObjStm /First 4 /Filter /FlateDecode",
                &compress_to_vec_zlib(&squeezed(action), 9),
            ),
        ),
    ];
    for (how, object) in hidden {
        assert_eq!(with(object.clone()), Err(ContentFault::Active), "{how}");
    }
}

#[test]
fn what_cannot_be_looked_into_is_refused() {
    let cases: &[(&str, Vec<u8>, ContentFault)] = &[
        (
            "another packing",
            stream("/Filter [/ASCII85Decode /FlateDecode]", b"GhU~>"),
            ContentFault::Opaque,
        ),
        (
            "a packing named elsewhere",
            b"[ /LZWDecode ]".to_vec(),
            ContentFault::Opaque,
        ),
        (
            "rows that are differences",
            packed(
                "/Type /ObjStm /First 4 /DecodeParms << /Predictor 12 >>",
                b"x",
            ),
            ContentFault::Opaque,
        ),
        (
            "encryption",
            b"<< /Encrypt 5 0 R >>".to_vec(),
            ContentFault::Encrypted,
        ),
        (
            "damaged packing",
            stream("/Filter /FlateDecode", b"\x78\x9C\xFF\xFF\xFF\xFF"),
            ContentFault::Damaged,
        ),
        (
            "a stream without an end",
            b"<< /Length 9 >> stream\nabc".to_vec(),
            ContentFault::Damaged,
        ),
        (
            "a string without an end",
            b"(abc".to_vec(),
            ContentFault::Damaged,
        ),
    ];
    for (how, object, fault) in cases {
        assert_eq!(with(object.clone()), Err(*fault), "{how}");
    }
}

#[test]
fn a_small_file_that_unpacks_to_more_than_memory_is_refused() {
    const ROOM: usize = 100_000;
    // Blanks, not zeros: a long run of one byte is packed to zero bits, in which zeros are found.
    let blanks = packed("/Type /XObject", &[b' '; ROOM / 4 * 3]);
    assert_eq!(
        examine_within(&document(1, std::slice::from_ref(&blanks)), ROOM),
        Ok(1)
    );
    let bomb = document(1, &[blanks.clone(), blanks]);
    assert!(bomb.len() < 2000);
    assert_eq!(examine_within(&bomb, ROOM), Err(ContentFault::Opaque));
}

#[test]
fn nothing_follows_the_end() {
    let good = document(1, &[]);
    let mut longer = good.clone();
    longer.extend_from_slice(b"PK\x03\x04");
    assert_eq!(examine(&longer), Err(ContentFault::Trailing));
    assert_eq!(examine(&good[..good.len() - 8]), Err(ContentFault::Damaged));
    assert_eq!(examine(b"%PDF-1.7\n%%EOF"), Err(ContentFault::Damaged));
}
