//! Why a use-case did not do what was asked: the closed list of reasons.

use std::time::Duration;

use crate::port::{
    AdvanceError, AuthorityFault, MasterFault, RegisterFault, StoreError, VaultFault,
};

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// Why a request was refused. The name is part of the interface (problem type and
        /// audit); what the caller can do next is said beside it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason { $($(#[$doc])* $name,)* }

        impl Reason {
            /// All reasons.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Kebab-case name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

reasons! {
    /// The certificate belongs to no registered party: an officer registers it.
    PartyUnknown = "party-unknown",
    /// The terminal, kiosk or operator is suspended: ask the prefecture.
    PartySuspended = "party-suspended",
    /// A kiosk asked what only a terminal may, or the reverse.
    WrongParty = "wrong-party",
    /// The operator's role does not allow it: another person has to do it.
    RoleForbids = "role-forbids",
    /// A second person's approval is missing, over, used, or for something else: ask for it.
    ApprovalNeeded = "approval-needed",
    /// The approver's statement does not hold: see the approval again and decide.
    ApprovalInvalid = "approval-invalid",
    /// The same person cannot be both of two: another supervisor's card.
    SamePerson = "same-person",
    /// Too many requests for approval wait: decide on those first.
    ApprovalsFull = "approvals-full",
    /// The day or month is closed: it counts in the next open day.
    DayClosed = "day-closed",
    /// The month is not over, or an earlier day is open: close it first.
    DayOpen = "day-open",
    /// The entry was taken back or is a counter-entry: enter the fee anew.
    EntryFinal = "entry-final",
    /// The terminal, operator or profile does not belong to this place: ask the prefecture.
    PlaceForbids = "place-forbids",
    /// The window is closed; the detail says when it opens.
    WindowClosed = "window-closed",
    /// Nobody is signed in: sign in.
    SessionRequired = "session-required",
    /// The session is unknown, over, or of another terminal: sign in again.
    SessionInvalid = "session-invalid",
    /// The challenge is unknown, used or over, or the card's signature does not verify.
    SignInRefused = "sign-in-refused",
    /// There is no such thing in this municipality.
    NotFound = "not-found",
    /// The body is not what the interface says.
    BodyInvalid = "body-invalid",
    /// The query is not what the interface says.
    QueryInvalid = "query-invalid",
    /// The body is larger than the interface allows.
    BodyTooLarge = "body-too-large",
    /// Items, identifiers or dates are not well formed: see `errors`.
    ItemsInvalid = "items-invalid",
    /// Another step is due: read the application again.
    StepNotDue = "step-not-due",
    /// The application was changed meanwhile: read it again.
    ChangedMeanwhile = "changed-meanwhile",
    /// The idempotency key was used for something else: draw a new one.
    KeyReused = "idempotency-key-reused",
    /// The municipality has no kiosk in service.
    NoKiosk = "no-kiosk",
    /// The applicant has a certificate in effect (Art 6): revoke it first.
    CertificateInEffect = "certificate-in-effect",
    /// The person was not identified as the card's holder: see what the register says.
    NotIdentified = "not-identified",
    /// An application of this kind is not open to the resident now: see what is.
    KindNotOpen = "kind-not-open",
    /// Form and register do not agree, so nobody is asked in writing.
    RegisterDisagrees = "register-disagrees",
    /// The reply to an inquiry is late, or answers another letter.
    ReplyRefused = "reply-refused",
    /// The decision on a reply is not confirmed by this operator, or is another one.
    ConfirmationRefused = "confirmation-refused",
    /// The card is not one of ours, refused, or is not the card of this application.
    CardRefused = "card-refused",
    /// The channel is over or of another terminal: open a new one.
    ChannelUnknown = "channel-unknown",
    /// The proof of possession does not hold: back to the kiosk.
    ProofInvalid = "proof-invalid",
    /// The proof belongs to another visit or card: back to the kiosk.
    VisitForeign = "visit-foreign",
    /// The key was used in another application: back to the kiosk.
    PublicKeyReused = "public-key-reused",
    /// The kiosk's record does not hold: back to the kiosk.
    KioskRecordInvalid = "kiosk-record-invalid",
    /// A choice of substitute characters is not allowed.
    SubstituteInvalid = "substitute-invalid",
    /// The statement of an online revocation is none of this gateway's, or too old.
    StatementInvalid = "statement-invalid",
    /// Terminal, gateway and authority are not all of production, or all of training.
    OtherMode = "other-mode",
    /// The signed act does not verify or does not belong to this application.
    ActInvalid = "act-invalid",
    /// Issuing was stopped until an officer of the prefecture releases it.
    IssuingStopped = "issuing-stopped",
    /// The authority decided against the request.
    AuthorityRefused = "authority-refused",
    /// The authority's certificate is not what was asked for: nothing is shown or written.
    CertificateDiffers = "certificate-differs",
    /// The verdict or read-back is about another certificate.
    ImageForeign = "image-foreign",
    /// The card's trial signature does not verify.
    TrialSignatureInvalid = "trial-signature-invalid",
    /// The amount is not the fee that is due.
    FeeDiffers = "fee-differs",
    /// Too many requests: see `Retry-After`.
    TooManyRequests = "too-many-requests",
}

/// One item of a request that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemError {
    /// JSON pointer into the body: `/items/birth_date`.
    pub pointer: String,
    /// What is wrong with it, without its value.
    pub detail: String,
}

/// A decision against a request. Nothing was changed, except that it is audited.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {detail}", .reason.name())]
pub struct Refused {
    /// Which.
    pub reason: Reason,
    /// A sentence for the clerk; carries no personal data and no secret.
    pub detail: String,
    /// Items that are wrong.
    pub errors: Vec<ItemError>,
}

/// Why a use-case did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The caller must change something.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Something outside is away; the same request may be made again.
    #[error("{what} is away")]
    Away {
        /// `token-away`, `authority-away`, `database-away`, `register-away`.
        what: &'static str,
        /// When.
        retry_after: Duration,
        /// Why.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// A fault of the gateway or its data: an officer must look.
    #[error("the gateway failed")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Refused {
    /// With a sentence for the clerk.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
            errors: Vec::new(),
        }
    }

    /// With items that are wrong.
    pub fn items(errors: Vec<ItemError>) -> Self {
        Self {
            reason: Reason::ItemsInvalid,
            detail: "correct the items that are named and send the request again".into(),
            errors,
        }
    }
}

/// A refusal as the failure of a use-case.
pub fn refuse<T>(reason: Reason, detail: impl Into<String>) -> Result<T, Failure> {
    Err(Refused::new(reason, detail).into())
}

/// A piece of text that must parse: a refusal that names its place.
pub fn parse<T: std::str::FromStr>(pointer: &str, text: &str) -> Result<T, Failure>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|fault: T::Err| {
        Refused::items(vec![ItemError {
            pointer: pointer.to_owned(),
            detail: fault.to_string(),
        }])
        .into()
    })
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Away(source) => Self::Away {
                what: "database-away",
                retry_after: Duration::from_secs(2),
                source: Some(source),
            },
            other => Self::Broken(Box::new(other)),
        }
    }
}

impl From<AdvanceError> for Failure {
    fn from(error: AdvanceError) -> Self {
        match error {
            AdvanceError::Stale => Refused::new(
                Reason::ChangedMeanwhile,
                "somebody else moved this application; read it again",
            )
            .into(),
            AdvanceError::Taken => Refused::new(
                Reason::KeyReused,
                "the identifier belongs to another application",
            )
            .into(),
            AdvanceError::Store(error) => error.into(),
        }
    }
}

impl From<VaultFault> for Failure {
    fn from(error: VaultFault) -> Self {
        match error {
            VaultFault::NoKey => Self::Away {
                what: "token-away",
                retry_after: Duration::from_secs(5),
                source: Some(Box::new(error)),
            },
            VaultFault::Damaged => Self::Broken(Box::new(error)),
        }
    }
}

impl From<MasterFault> for Failure {
    fn from(error: MasterFault) -> Self {
        match error {
            MasterFault::Away { retry_after, .. } => Self::Away {
                what: "token-away",
                retry_after,
                source: Some(Box::new(error)),
            },
            other => Self::Broken(Box::new(other)),
        }
    }
}

impl From<RegisterFault> for Failure {
    fn from(error: RegisterFault) -> Self {
        Self::Away {
            what: "register-away",
            retry_after: Duration::from_secs(30),
            source: Some(Box::new(error)),
        }
    }
}

impl From<AuthorityFault> for Failure {
    fn from(error: AuthorityFault) -> Self {
        match error {
            AuthorityFault::Away {
                ref problem,
                retry_after,
            } => Self::Away {
                what: if problem == "token-away" {
                    "token-away"
                } else {
                    "authority-away"
                },
                retry_after,
                source: Some(Box::new(error)),
            },
            AuthorityFault::Refused {
                problem, detail, ..
            } => Refused::new(
                Reason::AuthorityRefused,
                format!("the certificate authority refused ({problem}): {detail}"),
            )
            .into(),
            other @ AuthorityFault::Answer(_) => Self::Broken(Box::new(other)),
        }
    }
}
