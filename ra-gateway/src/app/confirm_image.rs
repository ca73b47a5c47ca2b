//! Step 7: Clerk and applicant look at the certificate's image; three exits lead away from it.

use jiff::Timestamp;
use pki_core::{
    act::{Act, Deed},
    application::{
        Application,
        image::{ImageExit, ImageVerdict},
        states::{Issued, Revocation},
        transitions::{ImageOutcome, StepFault},
    },
    id::Sha256Digest,
    revocation::ground::Ground,
};
use schema::wire::v1::{
    act::SignedActMessage,
    ca::{RevokeRequest, RevokeResponse},
    ra,
};

use super::{
    App,
    acts::about,
    caller::Clerk,
    dossier::{Dossier, not_due},
    refusal::{Failure, Reason, Refused, parse, refuse},
};
use crate::port::Effect;

impl App {
    /// Records the verdict. Where it is against the certificate, that is revoked in the same
    /// request, or in a later one if the authority is away; nothing is written to the card.
    pub fn confirm_image(
        &self,
        clerk: &Clerk,
        id: &str,
        request: &ra::ImageRequest,
    ) -> Result<ra::Application, Failure> {
        let now = self.clock.now();
        self.with_dossier(clerk, id, "confirm-image", now, |dossier| {
            let seen: Sha256Digest = parse("/certificate_sha256", &request.certificate_sha256)?;
            let verdict = verdict(request.verdict);
            let image = match &dossier.state {
                Application::Issued(image) => image.clone(),
                // A repeat of what was recorded.
                Application::Confirmed(confirmed)
                    if verdict == ImageVerdict::Right && confirmed.certificate.sha256() == seen =>
                {
                    return Ok(());
                }
                Application::Revoked(revoked)
                    if revoked.certificate.sha256() == seen
                        && verdict
                            .exit()
                            .is_some_and(|exit| exit.cause == revoked.cause) =>
                {
                    return Ok(());
                }
                other => return not_due(other),
            };
            let Some(exit) = verdict.exit() else {
                if request.act.is_some() {
                    return refuse(
                        Reason::ActInvalid,
                        "an image that is right leads to no revocation; leave the act out",
                    );
                }
                return match judged(image, verdict, seen, now)? {
                    ImageOutcome::Confirmed(confirmed) => self.advance(
                        clerk,
                        "confirm-image",
                        dossier,
                        Application::Confirmed(confirmed),
                        Vec::new(),
                        now,
                    ),
                    ImageOutcome::Rejected(_) => not_due(&dossier.state),
                };
            };
            self.leave(
                clerk,
                dossier,
                image,
                Leaving {
                    verdict,
                    seen,
                    exit,
                },
                request,
                now,
            )
        })
    }

    /// The exits: the verdict is written down first, then the certificate is revoked.
    fn leave(
        &self,
        clerk: &Clerk,
        dossier: &mut Dossier,
        image: Issued,
        leaving: Leaving,
        request: &ra::ImageRequest,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let act = match &request.act {
            Some(message) => Some((
                self.revoking_act(clerk, dossier, message, leaving.exit.ground, now)?,
                message,
            )),
            // A stop of the service does not wait for a signature.
            None if leaving.exit.stops_service => None,
            None => {
                return refuse(
                    Reason::ActInvalid,
                    format!(
                        "this verdict revokes the certificate: send the signed act with ground `{}`",
                        leaving.exit.ground.as_str()
                    ),
                );
            }
        };
        let judged_before = image.judgement.is_some();
        let ImageOutcome::Rejected(rejected) = judged(image, leaving.verdict, leaving.seen, now)?
        else {
            return not_due(&dossier.state);
        };
        if !judged_before {
            let effects = if leaving.exit.stops_service {
                vec![Effect::TripBreaker {
                    id: hex::encode(self.entropy.id()),
                    serial: rejected.certificate.serial.to_string(),
                    terminal: clerk.terminal.id,
                    operator: clerk.operator.clone(),
                }]
            } else {
                Vec::new()
            };
            self.advance(
                clerk,
                "reject-image",
                dossier,
                Application::Issued(rejected),
                effects,
                now,
            )?;
        }
        if let Some((act, message)) = act {
            self.revoked_by_authority(clerk, dossier, &act, message)?;
        }
        Ok(())
    }

    /// An act that revokes this application's certificate on this ground, resting on the
    /// identity decision of the application.
    fn revoking_act(
        &self,
        clerk: &Clerk,
        dossier: &Dossier,
        message: &SignedActMessage,
        ground: Ground,
        now: Timestamp,
    ) -> Result<Act, Failure> {
        let act = self.verified_act(clerk, message, now)?;
        about(&act, dossier.stored.id)?;
        let Some(issued) = dossier.state.issued() else {
            return not_due(&dossier.state);
        };
        match &act.deed {
            Deed::Revoke(revoke)
                if revoke.serial == issued.certificate.serial
                    && revoke.ground == ground
                    && revoke.identity_sha256 == issued.identity.digest() =>
            {
                Ok(act)
            }
            _ => refuse(
                Reason::ActInvalid,
                "the act does not revoke this certificate on this verdict's ground",
            ),
        }
    }

    /// The authority records the revocation, and so does the application.
    pub(super) fn revoked_by_authority(
        &self,
        clerk: &Clerk,
        dossier: &mut Dossier,
        act: &Act,
        message: &SignedActMessage,
    ) -> Result<RevokeResponse, Failure> {
        let Deed::Revoke(deed) = &act.deed else {
            return refuse(Reason::ActInvalid, "the act revokes nothing");
        };
        let answer = self.authority.revoke(&RevokeRequest {
            act: message.clone(),
        })?;
        let strange = |what: &'static str| Failure::Broken(what.into());
        if answer.serial != deed.serial.to_string() {
            return Err(strange("the authority answered for another serial"));
        }
        let revocation = Revocation {
            serial: deed.serial.clone(),
            ground: answer
                .ground
                .parse()
                .map_err(|_| strange("the authority answered an unknown ground"))?,
            revoked_at: answer
                .revoked_at
                .parse()
                .map_err(|_| strange("the authority answered no time"))?,
        };
        if matches!(dossier.state, Application::Revoked(_)) {
            return Ok(answer);
        }
        let revoked = dossier
            .state
            .clone()
            .revoke(revocation)
            .map_err(|fault| Refused::new(Reason::ActInvalid, fault.to_string()))?;
        let now = self.clock.now();
        self.advance(
            clerk,
            "revoke",
            dossier,
            Application::Revoked(revoked),
            Vec::new(),
            now,
        )?;
        Ok(answer)
    }
}

/// A verdict against a certificate.
struct Leaving {
    verdict: ImageVerdict,
    seen: Sha256Digest,
    exit: ImageExit,
}

const fn verdict(verdict: ra::ImageVerdict) -> ImageVerdict {
    match verdict {
        ra::ImageVerdict::Right => ImageVerdict::Right,
        ra::ImageVerdict::PersonWrong => ImageVerdict::PersonWrong,
        ra::ImageVerdict::IssuerWrong => ImageVerdict::IssuerWrong,
        ra::ImageVerdict::SubstituteWish => ImageVerdict::SubstituteWish,
    }
}

fn judged(
    image: Issued,
    verdict: ImageVerdict,
    seen: Sha256Digest,
    now: Timestamp,
) -> Result<ImageOutcome, Failure> {
    image.judge(verdict, seen, now).map_err(|fault| {
        let reason = match fault {
            StepFault::OtherCertificate => Reason::ImageForeign,
            _ => Reason::StepNotDue,
        };
        Refused::new(reason, fault.to_string()).into()
    })
}
