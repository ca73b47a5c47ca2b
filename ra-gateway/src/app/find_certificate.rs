//! Finding a certificate that was issued here: by what is printed on the copy (serial
//! number, 証明書確認コード), by the card in the reader, or by the resident.

use pki_core::{
    certificate::CheckCode,
    id::{CardId, ResidentNumber},
};
use schema::wire::{
    bytes::Base64,
    v1::ra::{CertificateSearchRequest, FoundCertificate, FoundCertificates},
};

use super::{
    App,
    caller::Clerk,
    dossier::Dossier,
    notices::standing,
    opening::kind_told,
    refusal::{Failure, ItemError, Refused, parse},
    view,
};
use crate::port::StoredApplication;

impl App {
    /// Certificates of the clerk's municipality. The authority is not asked.
    pub fn find_certificates(
        &self,
        clerk: &Clerk,
        request: &CertificateSearchRequest,
    ) -> Result<FoundCertificates, Failure> {
        let now = self.clock.now();
        let outcome = (|| {
            let certificates = self
                .certified(clerk, request)?
                .into_iter()
                .map(|stored| self.found(&self.opened(stored)?))
                .filter_map(Result::transpose)
                .collect::<Result<_, Failure>>()?;
            Ok(FoundCertificates { certificates })
        })();
        let found = self.audited(&clerk.entry("find-certificate"), now, outcome)?;
        // Each person whose items are shown is a look into the record.
        for certificate in &found.certificates {
            let mut entry = clerk.entry("find-certificate");
            entry.reference = Some(certificate.serial.clone());
            self.store.audit(&entry, now)?;
        }
        Ok(found)
    }

    fn certified(
        &self,
        clerk: &Clerk,
        request: &CertificateSearchRequest,
    ) -> Result<Vec<StoredApplication>, Failure> {
        let place = clerk.municipality();
        let CertificateSearchRequest {
            serial,
            check_code,
            card,
            resident,
        } = request;
        match (serial, check_code, card, resident) {
            (Some(serial), None, None, None) => Ok(self
                .store
                .application_of_serial(serial, &place)?
                .into_iter()
                .collect()),
            (None, Some(code), None, None) => {
                let code: CheckCode = parse("/check_code", code)?;
                Ok(self.store.certified_by_check_code(&code, &place)?)
            }
            (None, None, Some(card), None) => {
                let card: CardId = parse("/card", card)?;
                Ok(self.store.certified_on_card(&card, &place)?)
            }
            (None, None, None, Some(resident)) => {
                let resident: ResidentNumber = parse("/resident", resident)?;
                let hash = self
                    .vault
                    .keyed_hash("resident", resident.as_str().as_bytes())?;
                Ok(self.store.certified_of_resident(&hash, &place)?)
            }
            _ => Err(Refused::items(vec![ItemError {
                pointer: String::new(),
                detail: "give exactly one of serial number, check code, card and resident".into(),
            }])
            .into()),
        }
    }

    fn found(&self, dossier: &Dossier) -> Result<Option<FoundCertificate>, Failure> {
        let (Some(issued), Some(prepared)) =
            (dossier.state.issued(), dossier.state.card_prepared())
        else {
            return Ok(None);
        };
        let revocation = match &dossier.state {
            pki_core::application::Application::Revoked(revoked) => Some(&revoked.revocation),
            _ => None,
        };
        Ok(Some(FoundCertificate {
            serial: issued.certificate.serial.to_string(),
            certificate_kind: kind_told(dossier.state.case().certificate_kind),
            application: dossier.stored.id.to_string(),
            card: prepared.visit.card.to_string(),
            items: view::items(&dossier.state.case().items),
            certificate: Base64(issued.certificate.certificate.clone()),
            standing: standing(&dossier.state).to_owned(),
            revoked_at: revocation.map(|revocation| revocation.revoked_at.to_string()),
            erased_at: match revocation {
                Some(_) => self.erased_at(&dossier.stored.id)?.map(|at| at.to_string()),
                None => None,
            },
        }))
    }
}
