//! Operator sign-in (操作者認証): card and PIN. The PIN goes to the card and is kept
//! nowhere; the session lasts as long as the card lies in its reader.

use jiff::Timestamp;
use pki_core::id::OperatorId;
use schema::wire::bytes::Base64;
use schema::wire::v1::ra::{
    OperatorChallengeRequest, OperatorChallengeResponse, OperatorSessionRequest,
    OperatorSessionResponse, SessionToken, operator_challenge_message,
};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::advice::{session_ended, sign_in_needed};
use super::app::{Counter, lock};
use super::idle::Reason;
use crate::card::operator::OperatorCard;
use crate::gateway::{GatewayFault, Method};
use crate::local::Problem;

/// An operator at work.
pub struct Session {
    /// Operator id.
    pub operator: OperatorId,
    label: String,
    role: String,
    expires_at: Timestamp,
    token: SessionToken,
    /// The card, its PIN presented.
    pub card: OperatorCard,
}

/// A session while its card is out of hand.
struct Resting {
    operator: OperatorId,
    label: String,
    role: String,
    expires_at: Timestamp,
    token: SessionToken,
}

impl Resting {
    fn with_card(self, card: OperatorCard) -> Session {
        Session {
            operator: self.operator,
            label: self.label,
            role: self.role,
            expires_at: self.expires_at,
            token: self.token,
            card,
        }
    }
}

/// Six to twelve digits: what is not is not tried on the card.
fn pin_form(pin: &str) -> Result<(), Problem> {
    if (6..=12).contains(&pin.len()) && pin.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(());
    }
    Err(Problem::at(
        "/pin",
        "the PIN has 6 to 12 digits",
        "暗証番号は6桁から12桁の数字です。",
        "The PIN has 6 to 12 digits.",
    ))
}

impl Session {
    fn without_card(self) -> Resting {
        Resting {
            operator: self.operator,
            label: self.label,
            role: self.role,
            expires_at: self.expires_at,
            token: self.token,
        }
    }

    /// For the screen.
    pub fn shown(&self) -> Value {
        json!({
            "operator": self.operator.to_string(),
            "label": self.label,
            "role": self.role,
            "expires_at": self.expires_at,
        })
    }

    /// Name, as in the head of the pages.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// For the header `Operator-Session`.
    pub fn token(&self) -> &str {
        &self.token.0
    }
}

impl Counter {
    /// Signs an operator in; who was signed in before is signed out.
    ///
    /// # Errors
    /// A wrong PIN with the tries left, card errors, what the gateway says.
    pub fn sign_in(&self, pin: &Zeroizing<String>) -> Result<Value, Problem> {
        pin_form(pin)?;
        let mut place = lock(&self.session);
        // Lets the card go before it is taken anew.
        if let Some(before) = place.take() {
            self.end_session(&before);
        }
        let mut card = OperatorCard::open(self.operator_reader.as_ref(), pin)?;
        let operator: OperatorId = card
            .operator()
            .parse()
            .map_err(|_| Problem::from(crate::card::CardFault::Form("the operator id")))?;
        let challenge: OperatorChallengeResponse = self.gateway().post(
            "/v1/operator-challenges",
            None,
            &OperatorChallengeRequest {
                operator: operator.to_string(),
            },
        )?;
        let message =
            operator_challenge_message(&self.config.terminal.to_string(), &challenge.challenge.0);
        let signature = card.sign(&message, &[])?;
        let answer: OperatorSessionResponse = self.gateway().post(
            "/v1/operator-sessions",
            None,
            &OperatorSessionRequest {
                challenge_id: challenge.challenge_id,
                operator: operator.to_string(),
                signature: Base64(signature),
            },
        )?;
        let session = Session {
            operator,
            label: answer.label,
            role: answer.role,
            expires_at: answer
                .expires_at
                .parse()
                .map_err(|_| GatewayFault::Form("expires_at".to_owned()))?,
            token: answer.session,
            card,
        };
        let shown = session.shown();
        tracing::info!(operator = %session.operator, "signed in");
        let another = self.unlocked(&session.operator);
        self.awake();
        *place = Some(session);
        drop(place);
        let recovered = self.recover_pending();
        Ok(json!({"operator": shown, "recovered": recovered, "another": another}))
    }

    /// Signs out.
    pub fn sign_out(&self) -> Value {
        *lock(&self.paper) = None;
        if let Some(session) = lock(&self.session).take() {
            self.end_session(&session);
            tracing::info!(operator = %session.operator, "signed out");
        }
        json!({"operator": null})
    }

    pub(super) fn end_session(&self, session: &Session) {
        self.end_token(&session.token);
    }

    fn end_token(&self, token: &SessionToken) {
        let ended = self.gateway().call(
            Method::Delete,
            "/v1/operator-sessions/current",
            Some(&token.0),
            None,
        );
        if let Err(error) = ended {
            // It ends there by itself when idle.
            tracing::info!(%error, "the gateway was not told of the end of the session");
        }
    }

    /// Runs `work` with the card that lies in the operator's reader now, its PIN given for it:
    /// a second person's, or that of the operator at work, who then stays at work. Another
    /// card than the session's ends the session.
    ///
    /// # Errors
    /// A wrong PIN with the tries left, card errors, what `work` gives.
    pub fn with_card_at_hand<T>(
        &self,
        pin: &Zeroizing<String>,
        work: impl FnOnce(&mut OperatorCard) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        pin_form(pin)?;
        let mut place = lock(&self.session);
        // Lets the card go before it is taken anew.
        let before = place.take().map(Session::without_card);
        let end = |before: Option<Resting>| {
            if let Some(before) = before {
                self.end_token(&before.token);
            }
        };
        let mut card = match OperatorCard::open(self.operator_reader.as_ref(), pin) {
            Ok(card) => card,
            Err(fault) => {
                end(before);
                return Err(fault.into());
            }
        };
        let done = work(&mut card);
        match before {
            Some(before) if before.operator.as_str() == card.operator() => {
                *place = Some(before.with_card(card));
            }
            other => end(other),
        }
        done
    }

    /// Runs `work` for the operator at work. The card has to lie in its reader still.
    ///
    /// # Errors
    /// [`crate::local::Kind::SignInNeeded`] when nobody is; what `work` gives.
    pub fn with_session<T>(
        &self,
        work: impl FnOnce(&mut Session) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let mut place = lock(&self.session);
        let session = place
            .as_mut()
            .ok_or_else(|| sign_in_needed("nobody is signed in"))?;
        if session.expires_at <= Timestamp::now() {
            *place = None;
            return Err(sign_in_needed("the session has expired"));
        }
        if let Err(fault) = session.card.check() {
            tracing::info!(%fault, "the operator's card has left");
            *place = None;
            return Err(sign_in_needed("the operator's card was taken out"));
        }
        if self.idle() {
            self.note_lock(Reason::Idle, session);
            self.end_session(session);
            *place = None;
            return Err(sign_in_needed("the screen has locked itself"));
        }
        self.awake();
        let done = work(session);
        // A step may have taken longer than nobody's being there.
        self.awake();
        if let Err(problem) = &done
            && problem.kind() == crate::local::Kind::SignInNeeded
        {
            *place = None;
        }
        done
    }

    /// The token of the operator at work, for calls that need no signature.
    ///
    /// # Errors
    /// As [`with_session`](Self::with_session).
    pub fn token(&self) -> Result<Zeroizing<String>, Problem> {
        self.with_session(|session| Ok(Zeroizing::new(session.token().to_owned())))
    }

    /// Forgets the session when the gateway no longer knows it, or suspended who works.
    pub fn heed(&self, fault: GatewayFault) -> Problem {
        if session_ended(&fault) {
            *lock(&self.session) = None;
        }
        self.heed_standing(&fault, None);
        fault.into()
    }
}
