//! Operators sign in with their card (操作者認証) and out.

use jiff::{SignedDuration, Timestamp};
use pki_core::{certificate::SignatureAlgorithm, id::OperatorId};
use schema::wire::{
    bytes::Base64,
    v1::ra::{
        OperatorChallengeRequest, OperatorChallengeResponse, OperatorSessionRequest,
        OperatorSessionResponse, SessionToken, operator_challenge_message,
    },
};
use sha2::{Digest, Sha256};

use super::{
    App,
    caller::{Operator, Terminal, certified_key, role_of},
    refusal::{Failure, Reason, Refused, parse, refuse},
};
use crate::port::{Challenge, PartyKind, Session};

/// How long a challenge may wait for its signature.
const CHALLENGE_S: i64 = 120;

impl App {
    /// Gives a challenge for the operator's card to sign. Unknown operators get one too.
    pub fn challenge_operator(
        &self,
        terminal: &Terminal,
        request: &OperatorChallengeRequest,
    ) -> Result<OperatorChallengeResponse, Failure> {
        let operator: OperatorId = parse("/operator", &request.operator)?;
        let now = self.clock.now();
        let challenge = Challenge {
            id: hex::encode(self.entropy.id()),
            operator,
            terminal: terminal.id,
            challenge: self.entropy.secret(),
            expires_at: now + SignedDuration::from_secs(CHALLENGE_S),
        };
        self.store.put_challenge(&challenge, now)?;
        Ok(OperatorChallengeResponse {
            challenge_id: challenge.id,
            challenge: Base64(challenge.challenge.to_vec()),
        })
    }

    /// Opens a session for the operator whose card signed the challenge.
    pub fn sign_in(
        &self,
        terminal: &Terminal,
        request: &OperatorSessionRequest,
    ) -> Result<OperatorSessionResponse, Failure> {
        let now = self.clock.now();
        let operator: OperatorId = parse("/operator", &request.operator)?;
        let mut entry = terminal.entry("sign-in");
        entry.operator = Some(operator.clone());
        let outcome = self.open_session(terminal, operator, request, now);
        self.audited(&entry, now, outcome)
    }

    fn open_session(
        &self,
        terminal: &Terminal,
        operator: OperatorId,
        request: &OperatorSessionRequest,
        now: Timestamp,
    ) -> Result<OperatorSessionResponse, Failure> {
        // One answer for all of it: who may sign in is nobody else's business.
        let refused = || {
            Failure::from(Refused::new(
                Reason::SignInRefused,
                "the challenge is over, or this card may not sign in here; try again",
            ))
        };
        // 1. The challenge is taken away, whatever comes of it.
        let challenge = self
            .store
            .take_challenge(&request.challenge_id)?
            .ok_or_else(refused)?;
        if challenge.operator != operator
            || challenge.terminal != terminal.id
            || now >= challenge.expires_at
        {
            return Err(refused());
        }
        // 2. The operator is registered, of this municipality, and not suspended.
        let party = self
            .store
            .party(PartyKind::Operator, operator.as_str())?
            .ok_or_else(refused)?;
        if party.municipality != terminal.municipality {
            return Err(refused());
        }
        if party.suspended {
            return refuse(Reason::PartySuspended, "this operator is suspended");
        }
        // 3. The card signed this challenge at this terminal.
        let message = operator_challenge_message(terminal.id.as_str(), &challenge.challenge);
        certified_key(&party, now)?
            .verify(
                SignatureAlgorithm::EcdsaP256Sha256,
                &message,
                &request.signature.0,
            )
            .map_err(|_| refused())?;
        // 4. The place has this operator.
        self.employed(terminal, &operator)?;
        // 5. A session, of which only the hash is kept.
        let token = SessionToken(hex::encode(self.entropy.secret()));
        let session = Session {
            token_sha256: Sha256::digest(token.0.as_bytes()).into(),
            operator: operator.clone(),
            terminal: terminal.id,
            terminal_certificate_sha256: terminal.certificate_sha256,
            opened_at: now,
            seen_at: now,
            expires_at: now + SignedDuration::from_secs(self.settings.session_s),
        };
        let mut entry = terminal.entry("sign-in");
        entry.operator = Some(operator.clone());
        self.store.open_session(&session, &entry)?;
        Ok(OperatorSessionResponse {
            session: token,
            operator: operator.to_string(),
            role: role_of(&party)?.to_string(),
            label: party.label,
            expires_at: session.expires_at.to_string(),
        })
    }

    /// Ends the operator's session.
    pub fn sign_out(&self, operator: &Operator, token: &str) -> Result<(), Failure> {
        let token_sha256: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        Ok(self.store.close_session(
            &token_sha256,
            self.clock.now(),
            &operator.entry("sign-out"),
        )?)
    }
}
