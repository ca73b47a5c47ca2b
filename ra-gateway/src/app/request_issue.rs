//! Step 6: The certificate is asked for (発行要求): the single call from here to the authority.

use pki_core::{
    act::{Act, SignedAct},
    application::{
        Application,
        certificate_kind::CertificateKind,
        states::{CharactersSettled, IssuedCertificate},
        transitions::StepFault,
    },
    certificate::{CertificateImage, CheckCode},
};
use schema::wire::{
    bytes::Base64,
    v1::{
        act::SignedActMessage,
        ca::{IssueRequest, IssueResponse},
        ra,
    },
};

use super::{
    App,
    acts::about,
    caller::Clerk,
    dossier::{Dossier, not_due},
    refusal::{Failure, Reason, Refused, refuse},
    view,
};
use crate::config::IssuerConfig;
use crate::port::{AuthorityFault, Effect};

impl App {
    /// Issues, once, however often it is asked.
    pub fn request_issue(
        &self,
        clerk: &Clerk,
        id: &str,
        request: &ra::IssueActRequest,
    ) -> Result<ra::Application, Failure> {
        let now = self.clock.now();
        self.with_dossier(clerk, id, "request-issue", now, |dossier| {
            // 1. The act is this terminal's and this clerk's, and about this application.
            let act = self.verified_act(clerk, &request.act, now)?;
            about(&act, dossier.stored.id)?;
            // 2. Issued before: the same wish has the same answer.
            if dossier.state.issued().is_some() {
                return match dossier
                    .state
                    .characters_settled()
                    .and_then(|settled| settled.intent.as_ref())
                {
                    Some(intent) if intent.idempotency_key == act.idempotency_key => Ok(()),
                    _ => not_due(&dossier.state),
                };
            }
            // 3. Nothing is issued while an officer has to look at what was issued.
            self.not_stopped()?;
            // 4. The intent is written down before the authority is asked.
            let Application::CharactersSettled(before) = dossier.state.clone() else {
                return not_due(&dossier.state);
            };
            let asked_before = before.intent.is_some();
            let asking = self.ask(before, &request.act, &act, now)?;
            self.advance(
                clerk,
                "ask-issue",
                dossier,
                Application::CharactersSettled(asking.clone()),
                Vec::new(),
                now,
            )?;
            // 5. The authority issues, or says why not.
            let answer = match self.authority.issue(&order(&asking, &request.act)) {
                Ok(answer) => answer,
                Err(fault) => {
                    return self.not_issued(clerk, dossier, asking, asked_before, fault);
                }
            };
            // 6. What came is what was asked for, before anyone sees it.
            let certificate = self.checked(&asking, answer)?;
            // 7. It is stored; from here on it is shown.
            let check_code = CheckCode::of(certificate.sha256().as_bytes());
            let next = asking
                .issued(certificate)
                .map_err(|fault| Failure::Broken(Box::new(fault)))?;
            let now = self.clock.now();
            self.advance(
                clerk,
                "issue",
                dossier,
                Application::Issued(next),
                vec![Effect::NoteCheckCode(check_code)],
                now,
            )
        })
    }

    /// Profile and issuer of the certificate that is applied for, which the prefecture may have
    /// ceased to issue since.
    fn issued_for(&self, settled: &CharactersSettled) -> Result<(&str, &IssuerConfig), Failure> {
        self.settings
            .of(settled.case.certificate_kind)
            .ok_or_else(|| {
                Refused::new(
                    Reason::PlaceForbids,
                    "certificates of this kind are not issued in this prefecture",
                )
                .into()
            })
    }

    fn ask(
        &self,
        settled: CharactersSettled,
        message: &SignedActMessage,
        act: &Act,
        now: jiff::Timestamp,
    ) -> Result<CharactersSettled, Failure> {
        let signed = SignedAct {
            payload: message.payload.0.clone(),
            terminal_signature: message.terminal_signature.0.clone(),
            operator_signature: message.operator_signature.0.clone(),
        };
        let (profile, _) = self.issued_for(&settled)?;
        if let pki_core::act::Deed::Issue(issue) = &act.deed
            && issue.profile != profile
        {
            return refuse(Reason::ActInvalid, "the act names another profile");
        }
        settled.ask(&signed, act, now).map_err(|fault| {
            let reason = match fault {
                StepFault::IssuePending => Reason::KeyReused,
                _ => Reason::ActInvalid,
            };
            Refused::new(reason, fault.to_string()).into()
        })
    }

    /// The authority issued nothing, or its answer did not come. The intent falls only when
    /// it is certain that there is no certificate under this wish.
    fn not_issued(
        &self,
        clerk: &Clerk,
        dossier: &mut Dossier,
        asking: CharactersSettled,
        asked_before: bool,
        fault: AuthorityFault,
    ) -> Result<(), Failure> {
        if let AuthorityFault::Refused {
            first_answer: true, ..
        } = fault
            && !asked_before
        {
            let now = self.clock.now();
            self.advance(
                clerk,
                "issue-declined",
                dossier,
                Application::CharactersSettled(asking.declined()),
                Vec::new(),
                now,
            )?;
        }
        Err(fault.into())
    }

    /// The certificate, if its items, key, serial and issuer are those asked for.
    fn checked(
        &self,
        asking: &CharactersSettled,
        answer: IssueResponse,
    ) -> Result<IssuedCertificate, Failure> {
        let differs = |what: &str| {
            tracing::error!(
                what,
                "the authority's certificate is not what was asked for"
            );
            Failure::from(Refused::new(
                Reason::CertificateDiffers,
                format!("the certificate's {what} is not what was asked for; tell the prefecture"),
            ))
        };
        let (_, issuer) = self.issued_for(asking)?;
        let image =
            CertificateImage::decode(&answer.certificate.0).map_err(|_| differs("encoding"))?;
        image
            .verify_signature(&issuer.public_key)
            .map_err(|_| differs("signature"))?;
        if image.issuer != issuer.subject || answer.issuer_certificate.0 != issuer.certificate {
            return Err(differs("issuer"));
        }
        if image.serial.to_string() != answer.serial {
            return Err(differs("serial number"));
        }
        if image.public_key.sha256() != *asking.key.spki_sha256.as_bytes() {
            return Err(differs("public key"));
        }
        match asking.case.certificate_kind {
            CertificateKind::Signature => {
                if image.personal.as_ref() != Some(&asking.certificate_items.to_text()) {
                    return Err(differs("items"));
                }
            }
            CertificateKind::UserAuthentication => {
                let here = Some(asking.case.terminal.municipality());
                if image.personal.is_some() || image.user.is_none() || image.municipality() != here
                {
                    return Err(differs("subject"));
                }
            }
        }
        Ok(IssuedCertificate {
            serial: image.serial,
            certificate: answer.certificate.0,
            issuer_certificate: answer.issuer_certificate.0,
            issued_at: image.not_before,
        })
    }
}

fn order(asking: &CharactersSettled, act: &SignedActMessage) -> IssueRequest {
    IssueRequest {
        act: act.clone(),
        items: view::certificate_items(&asking.certificate_items),
        resident: asking.resident.to_string(),
        request: Base64(asking.key.request.clone()),
        kiosk_record: Base64(asking.key.kiosk_record.clone()),
    }
}
