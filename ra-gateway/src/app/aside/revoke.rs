//! Revocation at the window: the holder's own wish (Art 9), or leak, loss or damage (Art 10).

use jiff::Timestamp;
use pki_core::{
    act::Deed,
    application::identity::{DocumentKind, ExpiryRule},
    calendar::JapaneseDay,
    id::Sha256Digest,
    revocation::ground::Ground,
};
use schema::wire::v1::{
    ca::{CertificateRecord, RevokeResponse},
    ra::{RevocationIdentity, WindowRevokeRequest},
};

use crate::app::{
    App,
    caller::{Clerk, Operator},
    identify::shown,
    refusal::{Failure, ItemError, Reason, Refused, refuse},
};

impl App {
    /// Has the authority record the revocation. It takes effect when it is recorded (Art 15).
    pub fn revoke(
        &self,
        clerk: &Clerk,
        request: &WindowRevokeRequest,
    ) -> Result<RevokeResponse, Failure> {
        let now = self.clock.now();
        let mut entry = clerk.entry("revoke");
        let outcome = (|| {
            // 1. The act is this terminal's and this clerk's, on a ground of the window.
            let act = self.verified_act(clerk, &request.act, now)?;
            entry.application = Some(act.application);
            let Deed::Revoke(deed) = &act.deed else {
                return refuse(Reason::ActInvalid, "the act revokes nothing");
            };
            entry.reference = Some(deed.serial.to_string());
            if !matches!(
                deed.ground,
                Ground::Article9
                    | Ground::Article10Leak
                    | Ground::Article10Loss
                    | Ground::Article10Damage
            ) {
                return refuse(
                    Reason::ActInvalid,
                    "at the window a certificate is revoked under Art 9 or Art 10",
                );
            }
            // 2. The holder was identified, and the act says how.
            identified(&request.identity, now)?;
            if deed.identity_sha256 != Sha256Digest::of(&request.identity.digest_input()) {
                return refuse(
                    Reason::ActInvalid,
                    "the act rests on another identification than the one sent with it",
                );
            }
            // 3. The certificate is of this municipality. A holder who comes back later is
            //    known by the serial alone; the act then names an application of its own.
            let stored = self
                .store
                .application_of_serial(&deed.serial.to_string(), &clerk.municipality())?
                .ok_or_else(unknown)?;
            entry.application = Some(stored.id);
            let mut dossier = self.opened(stored)?;
            // 4. The authority records it.
            self.revoked_by_authority(clerk, &mut dossier, &act, &request.act)
        })();
        self.audited(&entry, now, outcome)
    }

    /// A certificate of the operator's municipality and its status, from the authority.
    pub fn certificate(
        &self,
        operator: &Operator,
        serial: &str,
    ) -> Result<CertificateRecord, Failure> {
        let now = self.clock.now();
        let outcome = (|| {
            // The form is checked by finding it: nothing else reaches a URL of the authority.
            self.store
                .application_of_serial(serial, &operator.municipality())?
                .ok_or_else(unknown)?;
            self.authority.certificate(serial)?.ok_or_else(unknown)
        })();
        self.audited(&operator.entry("read-certificate"), now, outcome)
    }
}

fn unknown() -> Failure {
    Refused::new(
        Reason::NotFound,
        "there is no such certificate in this municipality",
    )
    .into()
}

fn identified(identity: &RevocationIdentity, now: Timestamp) -> Result<(), Failure> {
    let wrong = |pointer: &str, detail: &str| {
        Err(Refused::items(vec![ItemError {
            pointer: format!("/identity{pointer}"),
            detail: detail.to_owned(),
        }])
        .into())
    };
    let document = shown(&identity.document)?;
    let Some(kind) = DocumentKind::find(&document.kind) else {
        return wrong("/document/kind", "is not in the list of accepted documents");
    };
    // A written inquiry belongs to an application: without a photo nobody is compared here.
    if !kind.photo {
        return wrong(
            "/document/kind",
            "carries no photo: ask for a document with one",
        );
    }
    match (kind.expiry, document.expires_on) {
        (ExpiryRule::Required, None) => {
            return wrong(
                "/document/expires_on",
                "is printed on this kind of document: enter it",
            );
        }
        (ExpiryRule::None, Some(_)) => {
            return wrong(
                "/document/expires_on",
                "is not printed on this kind of document",
            );
        }
        (_, Some(last)) if last < JapaneseDay::of(now) => {
            return wrong(
                "/document/expires_on",
                "lies in the past: ask for another document",
            );
        }
        _ => {}
    }
    if !identity.face_matches {
        return wrong("/face_matches", "must be true");
    }
    Ok(())
}
