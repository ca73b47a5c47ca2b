//! The printed copy (電子証明書の写し): one A4 page, made from the certificate's DER
//! alone; beside it only where and when it was printed.

mod sheet;

use std::sync::Arc;

use jiff::Timestamp;
use paper::full_width;
use pki_core::certificate::image::CertificateImage;
use pki_core::id::{ApplicationId, TerminalId};
use pki_core::mode::Mode;
use pki_core::person::municipality::Municipality;
use thiserror::Error;

use super::app::Counter;
use super::image;
use crate::local::Problem;

/// Why no copy was made.
#[derive(Debug, Error)]
pub enum CopyFault {
    /// The certificate is not a resident's.
    #[error("the certificate is not a resident's")]
    NotPersonal,
    /// The paper could not be made.
    #[error(transparent)]
    Paper(#[from] paper::PaperFault),
}

/// One line of the copy: label and text, with the places of substitutes.
pub(super) struct Item {
    label: &'static str,
    text: String,
    substitutes: Vec<usize>,
}

/// What stands on the copy.
pub(super) struct Content {
    items: Vec<Item>,
    /// Name of the kind of certificate.
    kind: &'static str,
    issuer: String,
    valid_from: String,
    valid_until: String,
    serial: String,
    fingerprint: String,
    check_code: String,
    governor: String,
    window: String,
    terminal: String,
    printed_on: String,
    substitutes_used: bool,
    /// The certificate itself says that it is for training.
    training: bool,
}

impl Content {
    /// Takes everything from the image; window and day from around it.
    fn new(
        certificate: &CertificateImage,
        terminal: &TerminalId,
        window: Option<&str>,
        now: Timestamp,
    ) -> Result<Self, CopyFault> {
        let sha256 = certificate.sha256();
        let item = |label, text: &str, flags: &str| Item {
            label,
            text: text.to_owned(),
            substitutes: image::substitutes(flags),
        };
        let (kind, items) = match (&certificate.personal, &certificate.user) {
            (Some(personal), _) => (
                "署名用電子証明書",
                vec![
                    item("氏名", &personal.name, &personal.name_substitution),
                    item("生年月日", &full_width(&image::birth_date(personal)), ""),
                    item("男女の別", image::sex(personal), ""),
                    item("住所", &personal.address, &personal.address_substitution),
                ],
            ),
            // It carries nothing of the person.
            (None, Some(user)) => (
                "利用者証明用電子証明書",
                vec![
                    item(
                        "利用者の記号",
                        &full_width(&format!("{}{}", user.opaque, user.window)),
                        "",
                    ),
                    item("用途", image::USE_OF_SIGNING_IN, ""),
                ],
            ),
            (None, None) => return Err(CopyFault::NotPersonal),
        };
        let municipality = Municipality::find(terminal.municipality());
        let governor = certificate
            .issuer_directory_name
            .as_ref()
            .map(image::names)
            .unwrap_or_default();
        let place = municipality.map_or_else(String::new, |m| {
            format!("{}{}", m.prefecture().name, m.name)
        });
        Ok(Self {
            training: Mode::of_certificate(certificate).is_training(),
            substitutes_used: items.iter().any(|item| !item.substitutes.is_empty()),
            items,
            kind,
            issuer: governor.join("　"),
            valid_from: full_width(&image::moment_in_era(certificate.not_before)),
            valid_until: full_width(&image::moment_in_era(certificate.not_after)),
            serial: certificate.serial.to_string(),
            fingerprint: hex::encode(sha256),
            check_code: pki_core::certificate::CheckCode::of(&sha256).to_string(),
            governor: governor.last().cloned().unwrap_or_default(),
            window: window.map_or(place, str::to_owned),
            terminal: terminal.to_string(),
            printed_on: full_width(&image::day_in_era(
                jiff::tz::Offset::constant(9).to_datetime(now).date(),
            )),
        })
    }
}

/// Makes the copy as PDF with the font embedded.
///
/// # Errors
/// [`CopyFault`].
pub fn make(
    certificate: &CertificateImage,
    terminal: &TerminalId,
    window: Option<&str>,
    font: &Arc<Vec<u8>>,
    now: Timestamp,
) -> Result<Vec<u8>, CopyFault> {
    sheet::draw(
        &Content::new(certificate, terminal, window, now)?,
        font,
        now,
    )
}

impl Counter {
    /// The printed copy of an application's certificate.
    ///
    /// # Errors
    /// Before it is issued.
    pub fn copy(&self, id: &ApplicationId) -> Result<Vec<u8>, Problem> {
        let der = self.issued(id)?.1.certificate.0;
        let certificate =
            CertificateImage::decode(&der).map_err(|error| Problem::internal(&error))?;
        make(
            &certificate,
            &self.config.terminal,
            self.config.print.window.as_deref(),
            &self.font,
            Timestamp::now(),
        )
        .map_err(|error| Problem::internal(&error))
    }
}
