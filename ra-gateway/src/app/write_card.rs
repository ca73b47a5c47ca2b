//! Step 8: The certificate is written to the card, read back, compared and tried.

use pki_core::{
    application::{Application, certificate_kind::CertificateKind, transitions::StepFault},
    card_channel::Command,
    id::{CardId, Sha256Digest},
};
use schema::wire::v1::ra;

use super::{
    App,
    caller::Clerk,
    card_keys::store_data,
    channel::Purpose,
    dossier::{Move, not_due},
    refusal::{Failure, Reason, Refused, parse, refuse},
};

/// Files of STORE DATA (docs/card-interface.md §3.1): the certificate's and the CA's.
const fn files(kind: CertificateKind) -> (u8, u8) {
    match kind {
        CertificateKind::Signature => (1, 2),
        CertificateKind::UserAuthentication => (3, 4),
    }
}

/// What is written: the CA's certificate first, the resident's last, so that a card counts
/// as certified only when it carries both.
pub(super) fn plan(state: &Application, card: CardId) -> Result<(Purpose, Vec<Command>), Failure> {
    let Application::Confirmed(confirmed) = state else {
        return not_due(state);
    };
    if confirmed.visit.card != card {
        return refuse(
            Reason::CardRefused,
            "this is not the card that the key was made for",
        );
    }
    let certificate = &confirmed.certificate;
    let (own, authority) = files(confirmed.case.certificate_kind);
    let mut work = store_data(authority, &certificate.issuer_certificate);
    work.extend(store_data(own, &certificate.certificate));
    let purpose = Purpose::Write {
        certificate_sha256: *certificate.sha256().as_bytes(),
    };
    Ok((purpose, work))
}

impl App {
    /// What was read back is what was issued, and the card signs with its key: only then is
    /// the card good to be handed over.
    pub fn confirm_written(
        &self,
        clerk: &Clerk,
        id: &str,
        request: &ra::WrittenRequest,
    ) -> Result<ra::Application, Failure> {
        self.walk(clerk, id, "confirm-written", |_, state, now| {
            let read_back: Sha256Digest =
                parse("/certificate_sha256", &request.certificate_sha256)?;
            let confirmed = match state {
                Application::Confirmed(confirmed) => confirmed,
                Application::Written(ref written) if written.certificate.sha256() == read_back => {
                    return Ok(Move::Stay(state));
                }
                other => return not_due(&other),
            };
            let written = confirmed
                .written(
                    read_back,
                    &request.trial_message.0,
                    &request.trial_signature.0,
                    now,
                )
                .map_err(|fault| {
                    let reason = match fault {
                        StepFault::OtherCertificate => Reason::ImageForeign,
                        _ => Reason::TrialSignatureInvalid,
                    };
                    Refused::new(reason, fault.to_string())
                })?;
            Ok(Application::Written(written).into())
        })
    }
}
