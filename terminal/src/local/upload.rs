//! A form with a file (`multipart/form-data`, RFC 7578), as the pages send it: small fields
//! and one file, within limits, with this start's secret.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{self, Data};
use actix_web::{FromRequest, HttpRequest};

use super::fence::Fence;
use super::fields::SECRET_FIELD;
use super::{Kind, Problem};

/// Largest form, in bytes: a scan and what is said of it.
pub const LARGEST: usize = pki_core::kept_paper::content::LARGEST + 64 * 1024;
/// Most parts of one form.
const MOST: usize = 16;
/// Longest boundary (RFC 2046 §5.1.1).
const BOUNDARY_MAX: usize = 70;

/// What a form with a file brought.
#[derive(Debug)]
pub struct Upload {
    fields: HashMap<String, String>,
    /// The file's bytes; its name is not looked at.
    pub file: Vec<u8>,
}

impl Upload {
    /// A field without the spaces around it; empty when it was not sent.
    pub fn text(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", |value| value.trim())
    }
}

impl FromRequest for Upload {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let fence = request.app_data::<Data<Fence>>().cloned();
        let boundary = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(boundary)
            .map(str::to_owned);
        let payload = web::Payload::from_request(request, payload).into_inner();
        Box::pin(async move {
            let fence = fence.ok_or_else(|| Problem::bad_request("this server takes no forms"))?;
            let boundary = boundary
                .ok_or_else(|| Problem::bad_request("the form is no multipart/form-data"))?;
            let payload =
                payload.map_err(|_| Problem::bad_request("the form could not be read"))?;
            let body = match payload.to_bytes_limited(LARGEST).await {
                Ok(Ok(body)) => body,
                Ok(Err(_)) => return Err(Problem::bad_request("the form could not be read")),
                Err(_) => return Err(too_large()),
            };
            let mut upload = parse(&boundary, &body)?;
            let sent = upload.fields.remove(SECRET_FIELD).unwrap_or_default();
            fence.admit(sent.as_bytes())?;
            Ok(upload)
        })
    }
}

/// The boundary in a content type.
fn boundary(content_type: &str) -> Option<&str> {
    let rest = content_type.strip_prefix("multipart/form-data;")?;
    let value = rest
        .split(';')
        .find_map(|parameter| parameter.trim().strip_prefix("boundary="))?
        .trim_matches('"');
    (!value.is_empty() && value.len() <= BOUNDARY_MAX && value.is_ascii()).then_some(value)
}

/// Takes a body apart at its boundary.
fn parse(boundary: &str, body: &[u8]) -> Result<Upload, Problem> {
    let cut = || Problem::bad_request("the form is cut short");
    let mark = format!("\r\n--{boundary}").into_bytes();
    let mut rest = body
        .strip_prefix(&mark[2..])
        .ok_or_else(|| Problem::bad_request("the form does not begin with its boundary"))?;
    let mut upload = Upload {
        fields: HashMap::new(),
        file: Vec::new(),
    };
    let mut file_sent = false;
    for _ in 0..MOST {
        if rest.starts_with(b"--") {
            return Ok(upload);
        }
        rest = rest.strip_prefix(b"\r\n").ok_or_else(cut)?;
        let head_end = find(rest, b"\r\n\r\n").ok_or_else(cut)?;
        let (head, after) = rest.split_at(head_end);
        let after = &after[4..];
        let end = find(after, &mark).ok_or_else(cut)?;
        let content = &after[..end];
        rest = &after[end + mark.len()..];
        let (name, is_file) = disposition(head)?;
        if is_file {
            if std::mem::replace(&mut file_sent, true) {
                return Err(Problem::bad_request("more than one file was sent"));
            }
            upload.file = content.to_vec();
        } else {
            let text = std::str::from_utf8(content)
                .map_err(|_| Problem::bad_request("a field is no text"))?
                .to_owned();
            if upload.fields.insert(name, text).is_some() {
                return Err(Problem::bad_request("a field was sent twice"));
            }
        }
    }
    Err(Problem::bad_request("the form has too many fields"))
}

/// Name of a part, and whether it is a file.
fn disposition(head: &[u8]) -> Result<(String, bool), Problem> {
    let head =
        std::str::from_utf8(head).map_err(|_| Problem::bad_request("a part's head is no text"))?;
    let line = head
        .split("\r\n")
        .find(|line| {
            line.get(..20)
                .is_some_and(|start| start.eq_ignore_ascii_case("content-disposition:"))
        })
        .ok_or_else(|| Problem::bad_request("a part has no name"))?;
    let name = line
        .split("; name=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .ok_or_else(|| Problem::bad_request("a part has no name"))?;
    Ok((name.to_owned(), line.contains("; filename")))
}

fn find(bytes: &[u8], sought: &[u8]) -> Option<usize> {
    bytes
        .windows(sought.len())
        .position(|window| window == sought)
}

fn too_large() -> Problem {
    Problem::new(
        Kind::TooLarge,
        "the file is too large",
        "ファイルが大きすぎます（6MBまで）。解像度を下げるか、分けて読み取ってください。",
        "The file is too large (6 MB at most). Scan with fewer dots or in parts.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] =
        b"--xyz\r\nContent-Disposition: form-data; name=\"local\"\r\n\r\nsecret\r\n\
        --xyz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\
        Content-Type: application/pdf\r\n\r\n%PDF-1.7\r\n--xy\r\n%%EOF\r\n--xyz--\r\n";

    #[test]
    fn a_form_with_a_file_is_taken_apart() {
        let upload = parse("xyz", BODY).unwrap();
        assert_eq!(upload.text("local"), "secret");
        assert_eq!(upload.file, b"%PDF-1.7\r\n--xy\r\n%%EOF");
        assert_eq!(
            boundary("multipart/form-data; boundary=\"xyz\""),
            Some("xyz")
        );
        assert_eq!(boundary("application/x-www-form-urlencoded"), None);
    }

    #[test]
    fn a_form_that_is_cut_or_doubled_is_refused() {
        let whole = BODY.len() - b"--\r\n".len();
        for length in 0..whole {
            assert!(parse("xyz", &BODY[..length]).is_err(), "{length}");
        }
        let field = &BODY[..BODY.windows(7).rposition(|w| w == b"--xyz\r\n").unwrap()];
        let twice = [field, BODY].concat();
        assert!(parse("xyz", &twice).is_err(), "a field twice");
        assert!(parse("abc", BODY).is_err(), "another boundary");
    }
}
