//! Notices about a card that its holder has: password services (暗証番号の変更・ロック解除・
//! 初期化) and the erasure of a revoked key. The holder types passwords here; none is sent to
//! the gateway, which on 初期化 sets an interim one that this terminal replaces at once.

use pki_core::application::certificate_kind::CertificateKind;
use pki_core::id::NoticeId;
use schema::wire::v1::ra::{
    self, CardChannelResponse, CardService, CertificateSearchRequest, FoundCertificate,
    FoundCertificates, IdentityDocument, InterimPassword, Notice, NoticeChannelRequest,
    NoticeEndRequest, NoticeIdentity, NoticeList, NoticeRelayResponse, NoticeRequest, NoticeStep,
};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::acts::random_id;
use super::app::Counter;
use super::card_steps::{Trouble, key_of};
use crate::card::jpki::Jpki;
use crate::card::personalise::{CardRecord, Personalisation};
use crate::card::reader::with_card;
use crate::card::{Card, CardFault};
use crate::kiosk::password::Password;
use crate::local::{Kind, Problem};

/// `POST /api/notices`: about the card in the reader.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewNotice {
    /// Drawn by the page, so that a second click is the same notice; else by the terminal.
    #[serde(default)]
    pub idempotency_key: Option<String>,
    /// What is asked for.
    pub service: CardService,
    /// Which of the card's keys; that for signatures where it is left out.
    #[serde(default)]
    pub certificate_kind: ra::CertificateKind,
    /// What the holder showed; left out for an erasure.
    #[serde(default)]
    pub document: Option<IdentityDocument>,
    /// The face is that of the photo.
    #[serde(default)]
    pub face_matches: bool,
}

/// What the holder typed. Erased when dropped.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Typed {
    /// The present password; left out where it is forgotten, or where a change was cut off
    /// and the new one may be on the card already.
    #[serde(default)]
    pub old_password: Option<Password>,
    /// The new one.
    #[serde(default)]
    pub new_password: Option<Password>,
    /// Again.
    #[serde(default)]
    pub new_password_again: Option<Password>,
}

impl Typed {
    fn new_password(&self, kind: CertificateKind) -> Result<&Password, Problem> {
        let (Some(new), Some(again)) = (&self.new_password, &self.new_password_again) else {
            return Err(Problem::new(
                Kind::PasswordRules,
                "the new password is missing",
                "新しいパスワードを2回入力してください。",
                "Type the new password twice.",
            ));
        };
        new.check("new_password", kind)?;
        new.check_again(again)?;
        Ok(new)
    }
}

impl Counter {
    /// The record of the card in the reader.
    ///
    /// # Errors
    /// Card errors.
    pub fn card_record(&self) -> Result<CardRecord, Problem> {
        let _work = self.card_work()?;
        with_card(self.resident_reader.as_ref(), |card| {
            Personalisation::select(card)?.card_record()
        })
        .map_err(|fault: CardFault| fault.into())
    }

    /// Certificates of this municipality.
    ///
    /// # Errors
    /// What the gateway says.
    pub fn find_certificates(
        &self,
        asked: &CertificateSearchRequest,
    ) -> Result<Vec<FoundCertificate>, Problem> {
        let token = self.token()?;
        let found: FoundCertificates = self.again(|| {
            self.gateway()
                .post("/v1/certificate-searches", Some(&token), asked)
        })?;
        Ok(found.certificates)
    }

    /// The newest certificate of each kind that was issued for the card in the reader, newest first.
    ///
    /// # Errors
    /// Card errors; a card without a certificate of this municipality; what the gateway says.
    pub fn certificates_on_card(&self) -> Result<Vec<FoundCertificate>, Problem> {
        let record = self.card_record()?;
        let asked = CertificateSearchRequest {
            card: Some(hex::encode(record.card)),
            ..CertificateSearchRequest::default()
        };
        let mut newest: Vec<FoundCertificate> = Vec::new();
        for found in self.find_certificates(&asked)? {
            if newest
                .iter()
                .all(|known| known.certificate_kind != found.certificate_kind)
            {
                newest.push(found);
            }
        }
        if newest.is_empty() {
            return Err(no_certificate_here());
        }
        Ok(newest)
    }

    /// That of one kind.
    ///
    /// # Errors
    /// As [`certificates_on_card`](Self::certificates_on_card).
    pub fn certificate_on_card(
        &self,
        kind: ra::CertificateKind,
    ) -> Result<FoundCertificate, Problem> {
        let mut found = self.certificates_on_card()?.into_iter();
        found
            .find(|found| found.certificate_kind == kind)
            .ok_or_else(no_certificate_here)
    }

    /// Takes a notice in about the card in the reader.
    ///
    /// # Errors
    /// Card errors, what the gateway says.
    pub fn open_notice(&self, new: NewNotice) -> Result<Notice, Problem> {
        let token = self.token()?;
        let record = self.card_record()?;
        let idempotency_key = match new.idempotency_key {
            Some(key) => key,
            None => hex::encode(random_id()?),
        };
        let request = NoticeRequest {
            idempotency_key,
            service: new.service,
            card: hex::encode(record.card),
            certificate_kind: new.certificate_kind,
            identity: new.document.map(|document| NoticeIdentity {
                document,
                face_matches: new.face_matches,
                remark: None,
            }),
        };
        self.again(|| self.gateway().post("/v1/notices", Some(&token), &request))
    }

    /// One notice.
    ///
    /// # Errors
    /// What the gateway says.
    pub fn notice(&self, id: &NoticeId) -> Result<Notice, Problem> {
        let token = self.token()?;
        let path = format!("/v1/notices/{id}");
        self.again(|| self.gateway().get(&path, Some(&token)))
    }

    /// Notices of this municipality that something is still to be done for.
    ///
    /// # Errors
    /// What the gateway says.
    pub fn open_notices(&self) -> Result<Vec<Notice>, Problem> {
        let token = self.token()?;
        let list: NoticeList =
            self.again(|| self.gateway().get("/v1/notices?open=true", Some(&token)))?;
        Ok(list.notices)
    }

    /// Carries a notice out on the card in the reader. Interrupted anywhere, the same button
    /// goes on.
    ///
    /// # Errors
    /// Passwords outside the rules or wrong, another card, card errors, what the gateway says.
    pub fn carry_out(&self, id: &NoticeId, typed: &Typed) -> Result<Notice, Problem> {
        let notice = self.notice(id)?;
        if matches!(notice.step, NoticeStep::Done | NoticeStep::GivenUp) {
            return Ok(notice);
        }
        let token = self.token()?;
        let kind = key_of(notice.certificate_kind);
        match notice.service {
            CardService::Unlock | CardService::Erase => {
                let _work = self.card_work()?;
                let done = with_card(self.resident_reader.as_ref(), |card| {
                    of_notice(card, &notice)?;
                    self.through_notice(&notice, card, &token).map(drop)
                });
                self.settled(done)?;
                self.notice(id)
            }
            CardService::Initialise => {
                let new = typed.new_password(kind)?;
                {
                    let _work = self.card_work()?;
                    let done = with_card(self.resident_reader.as_ref(), |card| {
                        of_notice(card, &notice)?;
                        let interim = self
                            .through_notice(&notice, card, &token)?
                            .map(|InterimPassword(password)| Zeroizing::new(password))
                            .ok_or_else(|| {
                                crate::gateway::GatewayFault::Form(
                                    "no interim password came".to_owned(),
                                )
                            })?;
                        replace(card, kind, interim.as_bytes(), new)
                    });
                    self.settled(done)?;
                }
                self.end_notice(id, "password-set", &token)
            }
            CardService::Change => {
                let new = typed.new_password(kind)?;
                {
                    let _work = self.card_work()?;
                    let done = with_card(self.resident_reader.as_ref(), |card| {
                        of_notice(card, &notice)?;
                        match &typed.old_password {
                            Some(old) => replace(card, kind, old.as_bytes(), new),
                            // A change that was cut off after the card had taken it.
                            None => Ok(Jpki::select_for(card, kind)?.verify(new.as_bytes())?),
                        }
                    });
                    self.settled(done)?;
                }
                self.end_notice(id, "password-set", &token)
            }
        }
    }

    /// Gives a notice up: the holder left, or the card would not do it.
    ///
    /// # Errors
    /// What the gateway says.
    pub fn give_up_notice(&self, id: &NoticeId) -> Result<Notice, Problem> {
        let token = self.token()?;
        self.end_notice(id, "given-up", &token)
    }

    fn end_notice(&self, id: &NoticeId, how: &str, token: &str) -> Result<Notice, Problem> {
        let path = format!("/v1/notices/{id}/{how}");
        self.again(|| {
            self.gateway()
                .post(&path, Some(token), &NoticeEndRequest {})
        })
    }

    /// Lets the gateway speak to the card for a notice.
    fn through_notice(
        &self,
        notice: &Notice,
        card: &mut Card<'_>,
        token: &str,
    ) -> Result<Option<InterimPassword>, Trouble> {
        let opened: CardChannelResponse = self.gateway().post(
            &format!("/v1/notices/{}/card-channels", notice.id),
            Some(token),
            &NoticeChannelRequest {},
        )?;
        let path = format!("/v1/notice-channels/{}", opened.channel);
        let answer: NoticeRelayResponse = self.converse(card, opened.commands, &path, token)?;
        Ok(answer.interim)
    }
}

/// Puts the holder's password in the place of another, and sees that the card takes it.
fn replace(
    card: &mut Card<'_>,
    kind: CertificateKind,
    from: &[u8],
    to: &Password,
) -> Result<(), Trouble> {
    let mut jpki = Jpki::select_for(card, kind)?;
    jpki.verify(from)?;
    jpki.change(to.as_bytes())?;
    Ok(Jpki::select_for(card, kind)?.verify(to.as_bytes())?)
}

fn of_notice(card: &mut Card<'_>, notice: &Notice) -> Result<(), Trouble> {
    let record = Personalisation::select(card)?.card_record()?;
    if hex::encode(record.card) == notice.card {
        return Ok(());
    }
    Err(Problem::new(
        Kind::CardOther,
        "the card in the reader is not the card of this notice",
        "この届出のカードではありません。届出人のカードを確かめて置き直してください。",
        "This is not the card of this notice. Check whose card it is and place the right one.",
    )
    .into())
}

fn no_certificate_here() -> Problem {
    Problem::new(
        Kind::NotFound,
        "no certificate was issued here for this card",
        "このカードには、この市区町村で発行した証明書がありません。発行した市区町村を確かめてください。",
        "No certificate of this municipality was issued for this card. See where it was issued.",
    )
}
