//! What a scan may be: a PDF, PNG or JPEG by its content, whatever its name says, within
//! limits, and with nothing in it that acts.

/// Largest scan, in bytes.
pub const LARGEST: usize = 6 * 1024 * 1024;
/// Most pages of a PDF.
pub const PAGES_MAX: usize = 60;
/// Most dots along one side of a picture.
pub const SIDE_MAX: u32 = 16_384;

/// What it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    Pdf,
    Png,
    Jpeg,
}

impl Media {
    /// As in `Content-Type`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
        }
    }

    /// The reverse of [`Media::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Pdf, Self::Png, Self::Jpeg]
            .into_iter()
            .find(|media| media.as_str() == text)
    }
}

/// A scan that may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Examined {
    pub media: Media,
    pub pages: usize,
}

/// Why a scan is not kept. Says what to do, and nothing of the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContentFault {
    #[error("the file is empty")]
    Empty,
    #[error("the file is larger than {} MiB; scan with fewer dots or in several parts", LARGEST / 1024 / 1024)]
    TooLarge,
    #[error("the file is neither PDF nor PNG nor JPEG")]
    Unknown,
    #[error("the file is cut short or damaged; scan again")]
    Damaged,
    #[error("something follows the end of the document; scan again")]
    Trailing,
    #[error("the document has more than {PAGES_MAX} pages; scan it in parts")]
    TooManyPages,
    #[error("the document has no page")]
    NoPages,
    #[error("the picture is larger than {SIDE_MAX} dots on a side; scan with fewer dots")]
    TooWide,
    #[error(
        "the PDF holds something that acts (script, form, embedded file, launch or link); scan the paper itself"
    )]
    Active,
    #[error("the PDF is encrypted; scan without a password")]
    Encrypted,
    #[error("the PDF packs its content in a way that cannot be looked into; scan as plain PDF")]
    Opaque,
}

/// Looks into a scan.
///
/// # Errors
/// [`ContentFault`].
pub fn examine(bytes: &[u8]) -> Result<Examined, ContentFault> {
    if bytes.is_empty() {
        return Err(ContentFault::Empty);
    }
    if bytes.len() > LARGEST {
        return Err(ContentFault::TooLarge);
    }
    let (media, pages) = if bytes.starts_with(b"%PDF-") {
        (Media::Pdf, super::pdf::examine(bytes)?)
    } else if bytes.starts_with(super::png::SIGNATURE) {
        super::png::examine(bytes)?;
        (Media::Png, 1)
    } else if bytes.starts_with(&[0xFF, 0xD8, 0xFF]) {
        super::jpeg::examine(bytes)?;
        (Media::Jpeg, 1)
    } else {
        return Err(ContentFault::Unknown);
    };
    Ok(Examined { media, pages })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_scan_is_refused_whatever_it_claims() {
        for (bytes, fault) in [
            (&b""[..], ContentFault::Empty),
            (b"MZ\x90\0", ContentFault::Unknown),
            (b"<svg onload='x()'/>", ContentFault::Unknown),
            (b"<html>%PDF-1.7", ContentFault::Unknown),
            (b"GIF89a", ContentFault::Unknown),
            (b"PK\x03\x04", ContentFault::Unknown),
        ] {
            assert_eq!(examine(bytes), Err(fault));
        }
        for bytes in [&b"\x89PNG\r\n\x1a\n"[..], b"\xFF\xD8\xFF\xE0"] {
            assert_eq!(
                examine(bytes),
                Err(ContentFault::Damaged),
                "a beginning only"
            );
        }
        let mut large = b"%PDF-1.7".to_vec();
        large.resize(LARGEST + 1, b' ');
        assert_eq!(examine(&large), Err(ContentFault::TooLarge));
    }
}
