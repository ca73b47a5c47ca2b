//! Online revocation by the holder (Art 9 ③). The gateway makes the statement, the holder's
//! card signs it, the authority verifies it: nobody between can make one.

use jiff::{SignedDuration, Timestamp};
use pki_core::{
    application::{Application, states::Revocation},
    certificate::Serial,
    id::Sha256Digest,
    revocation::online::{LIFE_S, Statement},
};
use schema::wire::{
    bytes::Base64,
    v1::{
        ca::{OnlineRevokeRequest, RevokeResponse},
        ra::{OnlineChallengeRequest, OnlineChallengeResponse},
    },
};

use crate::{
    app::{
        App,
        refusal::{Failure, Reason, parse, refuse},
    },
    port::AuditEntry,
};

impl App {
    /// A statement for the holder to sign. Nothing is stored: the challenge in it is a keyed
    /// hash over the rest.
    pub fn challenge_online(
        &self,
        request: &OnlineChallengeRequest,
    ) -> Result<OnlineChallengeResponse, Failure> {
        let now = self.clock.now();
        let serial: Serial = parse("/serial", &request.serial.to_lowercase())?;
        // Whole seconds, as people read it.
        let time = Timestamp::from_second(now.as_second()).unwrap_or(now);
        let statement = Statement::new(
            self.settings.prefecture,
            serial.clone(),
            self.online_challenge(&serial, time)?,
            time,
        );
        Ok(OnlineChallengeResponse {
            statement: Base64(statement.to_bytes()),
            expires_at: (time + SignedDuration::from_secs(LIFE_S)).to_string(),
        })
    }

    fn online_challenge(&self, serial: &Serial, time: Timestamp) -> Result<Sha256Digest, Failure> {
        let bound = format!("{serial} {time}");
        let hash = self
            .vault
            .keyed_hash("online-revocation", bound.as_bytes())?;
        Ok(Sha256Digest::from_bytes(hash))
    }

    /// Has the authority record a revocation that the holder signed. What is refused is
    /// counted, not audited here: anyone can send anything. The authority audits its own.
    pub fn revoke_online(&self, request: &OnlineRevokeRequest) -> Result<RevokeResponse, Failure> {
        let now = self.clock.now();
        // 1. It is a statement that this gateway made, not long ago.
        let statement = match Statement::read(&request.statement.0, self.settings.prefecture, now) {
            Ok(statement) => statement,
            Err(fault) => return refuse(Reason::StatementInvalid, fault.to_string()),
        };
        if statement.challenge != self.online_challenge(&statement.serial, statement.time)? {
            return refuse(
                Reason::StatementInvalid,
                "this gateway did not make the statement; ask for another",
            );
        }
        self.before_its_authority()?;
        // 2. The authority verifies the holder's signature and records the revocation.
        let answer = self.authority.revoke_online(request)?;
        if answer.serial != statement.serial.to_string() {
            return Err(Failure::Broken(
                "the authority answered for another serial".into(),
            ));
        }
        // 3. The window that issued it knows it too.
        self.note_online_revocation(&statement.serial, &answer)?;
        Ok(answer)
    }

    fn note_online_revocation(
        &self,
        serial: &Serial,
        answer: &RevokeResponse,
    ) -> Result<(), Failure> {
        let now = self.clock.now();
        let mut entry = AuditEntry {
            act: "revoke-online",
            reference: Some(serial.to_string()),
            ..AuditEntry::default()
        };
        let Some(stored) = self.store.certified_by_serial(&serial.to_string())? else {
            return Ok(self.store.audit(&entry, now)?);
        };
        let dossier = self.opened(stored)?;
        if matches!(dossier.state, Application::Revoked(_)) {
            return Ok(());
        }
        entry.application = Some(dossier.stored.id);
        let strange = |what: &'static str| Failure::Broken(what.into());
        let revocation = Revocation {
            serial: serial.clone(),
            ground: answer
                .ground
                .parse()
                .map_err(|_| strange("the authority answered an unknown ground"))?,
            revoked_at: answer
                .revoked_at
                .parse()
                .map_err(|_| strange("the authority answered no time"))?,
        };
        let Ok(revoked) = dossier.state.clone().revoke(revocation) else {
            return Ok(self.store.audit(&entry, now)?);
        };
        let next = Application::Revoked(revoked);
        let change = self.change(&dossier.stored, &next, Vec::new(), now)?;
        Ok(self.store.advance(&change, &entry)?)
    }
}
