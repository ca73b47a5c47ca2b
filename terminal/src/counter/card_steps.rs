//! The steps in which the resident's card lies in the reader.

use pki_core::application::certificate_kind::CertificateKind;
use pki_core::certificate::image::CertificateImage;
use pki_core::certificate::public_key::SignatureAlgorithm;
use pki_core::id::ApplicationId;
use schema::wire::bytes::Base64;
use schema::wire::v1::ra::{
    self, Application, CardChannelRequest, CardChannelResponse, CardRelayRequest,
    CardRelayResponse, ChannelPurpose, NoticeRelayResponse, PublicKeyRequest, Step, WrittenRequest,
};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::app::{Counter, lock};
use super::next::shown;
use crate::card::jpki::Jpki;
use crate::card::personalise::{CardRecord, CardState, Personalisation, relay};
use crate::card::reader::with_card;
use crate::card::{Card, CardFault};
use crate::gateway::GatewayFault;
use crate::hash::sha256;
use crate::local::{Kind, Problem};

/// Most rounds of one relayed channel: far more than any purpose needs.
const MOST_ROUNDS: usize = 64;

/// The gateway's answer to what the card answered.
pub(super) trait Answered: serde::de::DeserializeOwned {
    /// What goes to the card next; `None` when it is done.
    fn next(&mut self) -> Option<Vec<Base64>>;
}

impl Answered for CardRelayResponse {
    fn next(&mut self) -> Option<Vec<Base64>> {
        (!self.done).then(|| std::mem::take(&mut self.commands))
    }
}

impl Answered for NoticeRelayResponse {
    fn next(&mut self) -> Option<Vec<Base64>> {
        (!self.done).then(|| std::mem::take(&mut self.commands))
    }
}

/// A card or the gateway failed in a step that needs both.
pub(super) enum Trouble {
    Problem(Problem),
    Gateway(GatewayFault),
}

impl From<CardFault> for Trouble {
    fn from(fault: CardFault) -> Self {
        Self::Problem(fault.into())
    }
}
impl From<Problem> for Trouble {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}
impl From<GatewayFault> for Trouble {
    fn from(fault: GatewayFault) -> Self {
        Self::Gateway(fault)
    }
}

impl Counter {
    pub(super) fn settled<T>(&self, done: Result<T, Trouble>) -> Result<T, Problem> {
        done.map_err(|trouble| match trouble {
            Trouble::Problem(problem) => problem,
            Trouble::Gateway(fault) => self.heed(fault),
        })
    }

    /// Opens a visit on the card in the reader: the gateway speaks to it, the terminal
    /// carries the commands. Interrupted, it starts over with the same button.
    ///
    /// # Errors
    /// Card errors, what the gateway says.
    pub fn prepare_card(&self, id: &ApplicationId) -> Result<Value, Problem> {
        let token = self.token()?;
        let _work = self.card_work()?;
        let done = with_card(self.resident_reader.as_ref(), |card| {
            let record = Personalisation::select(card)?.card_record()?;
            if record.state == CardState::Terminated {
                return Err(worn_out().into());
            }
            self.through_channel(id, card, &record, ChannelPurpose::Prepare, &token)?;
            Ok::<_, Trouble>(())
        });
        self.settled(done)?;
        self.application(id).map(|a| shown(&a))
    }

    /// Reads the card's request and the kiosk's record, and sends them.
    ///
    /// # Errors
    /// Card errors, another card, no key on it yet, what the gateway says.
    pub fn read_public_key(&self, id: &ApplicationId) -> Result<Value, Problem> {
        let application = self.application(id)?;
        if application.step > Step::CardPrepared && application.spki_sha256.is_some() {
            return Ok(shown(&application));
        }
        let _work = self.card_work()?;
        let read = with_card(self.resident_reader.as_ref(), |card| {
            let mut personalisation = Personalisation::select(card)?;
            let record = personalisation.card_record()?;
            same_card(&record, &application)?;
            if record.state != CardState::KeyStored {
                return Err(no_key_yet().into());
            }
            let request = personalisation.request()?.ok_or_else(no_key_yet)?;
            let kiosk_record = personalisation.kiosk_record()?.ok_or_else(no_key_yet)?;
            Ok::<_, Trouble>(PublicKeyRequest {
                request: Base64(request),
                kiosk_record: Base64(kiosk_record),
            })
        });
        let body = self.settled(read)?;
        self.step(id, "public-key", &body, |step| step >= Step::KeyRead)
            .map(|a| shown(&a))
    }

    /// Writes the certificate, reads it back through the JPKI application, compares,
    /// and has the card sign on trial. Interrupted, it starts over with the same button.
    ///
    /// # Errors
    /// A wrong password (then nothing was written), card errors, what the gateway says.
    pub fn write_card(
        &self,
        id: &ApplicationId,
        password: &Zeroizing<String>,
    ) -> Result<Value, Problem> {
        let application = self.application(id)?;
        if application.step >= Step::Written && application.end.is_none() {
            return Ok(shown(&application));
        }
        let issued = application.certificate.clone().ok_or_else(not_issued_yet)?;
        let certificate = CertificateImage::decode(&issued.certificate.0)
            .map_err(|error| Problem::internal(&error))?;
        let kind = kind_of(&application);
        let token = self.token()?;
        let _work = self.card_work()?;
        let mut message = [0; 32];
        getrandom::fill(&mut message).map_err(|error| Problem::internal(&error))?;

        let written = with_card(self.resident_reader.as_ref(), |card| {
            // 1. The right card, and the resident who knows its password.
            let record = Personalisation::select(card)?.card_record()?;
            same_card(&record, &application)?;
            Jpki::select_for(card, kind)?.verify(password.as_bytes())?;

            // 2. The gateway writes the certificate and the CA's.
            self.through_channel(id, card, &record, ChannelPurpose::Write, &token)?;

            // 3. Read back as any reader would, compare byte by byte.
            let mut jpki = Jpki::select_for(card, kind)?;
            jpki.verify(password.as_bytes())?;
            let read_back = jpki.certificate()?;
            if read_back != issued.certificate.0
                || jpki.ca_certificate()? != issued.issuer_certificate.0
            {
                return Err(read_back_differs().into());
            }

            // 4. The key on the card is the one in the certificate.
            let signature = jpki.sign(&sha256(&[&message]))?;
            let holds = certificate.public_key.verify(
                SignatureAlgorithm::RsaPkcs1Sha256,
                &message,
                &signature,
            );
            holds.map_err(|_| read_back_differs())?;
            Ok::<_, Trouble>((read_back, signature))
        });
        let (read_back, signature) = self.settled(written)?;
        let body = WrittenRequest {
            certificate_sha256: hex::encode(sha256(&[&read_back])),
            trial_message: Base64(message.to_vec()),
            trial_signature: Base64(signature),
        };
        lock(&self.read_back).insert(id.to_string(), read_back);
        self.step(id, "written", &body, |step| step >= Step::Written)
            .map(|a| shown(&a))
    }

    /// Has the resident's card sign a message (RSASSA-PKCS1-v1_5 with SHA-256).
    ///
    /// # Errors
    /// A wrong password, another card, card errors.
    pub fn sign(
        &self,
        id: &ApplicationId,
        password: &Zeroizing<String>,
        message: &[u8],
    ) -> Result<Value, Problem> {
        let application = self.application(id)?;
        let _work = self.card_work()?;
        let signed = with_card(self.resident_reader.as_ref(), |card| {
            let record = Personalisation::select(card)?.card_record()?;
            same_card(&record, &application)?;
            let mut jpki = Jpki::select_for(card, kind_of(&application))?;
            jpki.verify(password.as_bytes())?;
            Ok::<_, Trouble>(jpki.sign(&sha256(&[message]))?)
        });
        let signature = self.settled(signed)?;
        Ok(json!({"signature": Base64(signature)}))
    }

    /// The certificate as it is on the card: as read back here, else as the gateway
    /// keeps it, which took no other for written.
    ///
    /// # Errors
    /// Before it was written.
    pub fn certificate(&self, id: &ApplicationId) -> Result<Vec<u8>, Problem> {
        if let Some(read_back) = lock(&self.read_back).get(&id.to_string()) {
            return Ok(read_back.clone());
        }
        let application = self.application(id)?;
        application
            .certificate
            .filter(|_| application.step >= Step::Written)
            .map(|issued| issued.certificate.0)
            .ok_or_else(not_issued_yet)
    }

    /// Lets the gateway speak to the card until its purpose is done.
    fn through_channel(
        &self,
        id: &ApplicationId,
        card: &mut Card<'_>,
        record: &CardRecord,
        purpose: ChannelPurpose,
        token: &str,
    ) -> Result<(), Trouble> {
        let opened: CardChannelResponse = self.gateway().post(
            &format!("/v1/applications/{id}/card-channels"),
            Some(token),
            &CardChannelRequest {
                card: hex::encode(record.card),
                purpose,
            },
        )?;
        let path = format!("/v1/card-channels/{}", opened.channel);
        let answer: Result<CardRelayResponse, Trouble> =
            self.converse(card, opened.commands, &path, token);
        answer.map(drop)
    }

    /// Carries commands to the card and its answers to the gateway until it is done.
    pub(super) fn converse<A: Answered>(
        &self,
        card: &mut Card<'_>,
        mut commands: Vec<Base64>,
        path: &str,
        token: &str,
    ) -> Result<A, Trouble> {
        for _ in 0..MOST_ROUNDS {
            let bytes: Vec<Vec<u8>> = commands.into_iter().map(|c| c.0).collect();
            let responses = relay(card, &bytes)?.into_iter().map(Base64).collect();
            let mut answer: A =
                self.gateway()
                    .post(path, Some(token), &CardRelayRequest { responses })?;
            match answer.next() {
                Some(next) => commands = next,
                None => return Ok(answer),
            }
        }
        Err(GatewayFault::Form("a card channel without an end".to_owned()).into())
    }
}

/// Which of the card's keys the application is for.
fn kind_of(application: &Application) -> CertificateKind {
    key_of(application.certificate_kind)
}

/// Which of the card's keys a message names.
pub(super) const fn key_of(kind: ra::CertificateKind) -> CertificateKind {
    match kind {
        ra::CertificateKind::Signature => CertificateKind::Signature,
        ra::CertificateKind::UserAuthentication => CertificateKind::UserAuthentication,
    }
}

fn same_card(record: &CardRecord, application: &Application) -> Result<(), Problem> {
    if application.card.as_deref() == Some(hex::encode(record.card).as_str()) {
        return Ok(());
    }
    Err(Problem::new(
        Kind::CardOther,
        "the card in the reader is not the card of this application",
        "この申請のカードではありません。申請者のカードを確かめて置き直してください。",
        "This is not the card of this application. Check whose card it is and place the right one.",
    ))
}

fn worn_out() -> Problem {
    Problem::new(
        Kind::CardFaulty,
        "the card is out of use",
        "このカードは使えなくなっています。別のカードに替えてください。",
        "This card is out of use. Take another one.",
    )
}

fn no_key_yet() -> Problem {
    Problem::new(
        Kind::NotDue,
        "there is no new key on the card",
        "カードに鍵がありません。先に鍵ペア生成装置で鍵を作ってもらってください。",
        "There is no key on the card. The applicant makes it at the kiosk first.",
    )
}

pub(super) fn not_issued_yet() -> Problem {
    Problem::new(
        Kind::NotDue,
        "there is no certificate yet",
        "証明書はまだありません。表示された次の操作を行ってください。",
        "There is no certificate yet. Do the step that is shown as next.",
    )
}

fn read_back_differs() -> Problem {
    Problem::new(
        Kind::ReadBack,
        "what was read back from the card is not what was issued, or its key does not fit",
        "カードから読み出した内容が一致しません。もう一度書き込んでください。直らないときはカードを替えます。",
        "What was read back does not agree. Write again; if it stays so, the card has to be replaced.",
    )
}
