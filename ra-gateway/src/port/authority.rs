//! The certificate authority as the gateway sees it: one client, over mutual TLS.

use std::time::Duration;

use pki_core::{id::ApplicationId, mode::Mode, person::municipality::MunicipalityCode};
use schema::wire::v1::{
    ca::{
        CertificateRecord, IssueRequest, IssueResponse, OnlineRevokeRequest, RevokeRequest,
        RevokeResponse,
    },
    disclosure::{
        DeliveryRequest, DeliveryResponse, DisclosureLine, DisclosureList, DisclosureRequest,
    },
    register_revocation::RegisterRevocationList,
    stop::{StopReleases, StopReport},
};

/// Why the authority did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityFault {
    /// It answered that it cannot now (its token is away, or it is overloaded), or it
    /// could not be reached at all: nothing is known to have been done, and the same
    /// request with the same idempotency key may be made again.
    #[error("the certificate authority cannot answer now ({problem})")]
    Away {
        /// The authority's problem type without its prefix (`token-away`), or `unreachable`.
        problem: String,
        /// When it is worth asking again.
        retry_after: Duration,
    },
    /// It decided against the request. Repeating it does not help.
    #[error("the certificate authority refused the request ({problem})")]
    Refused {
        /// The authority's problem type without its prefix.
        problem: String,
        /// The authority's explanation; carries no personal data.
        detail: String,
        /// No answer was lost before this one, so it speaks for the whole request.
        first_answer: bool,
    },
    /// It answered in a form that is not its interface.
    #[error("the certificate authority's answer cannot be understood")]
    Answer(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What an authority tells of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announced {
    /// It issues certificates of this mode.
    Mode(Mode),
    /// Its certificate or ours is not accepted: it belongs to another infrastructure CA, as an
    /// authority of the other mode does.
    Stranger,
    /// It did not answer, or not in a form that is understood.
    Nothing,
}

/// Asks the authority.
///
/// Promises: a call ends within its deadline; an answer that was lost on the way is
/// asked for again with the very same request, so that one idempotency key yields
/// one certificate; `Away` is given only when no answer was had in the end.
pub trait Authority: Send + Sync {
    /// Asks once, without a second attempt, which mode it has.
    fn announced(&self) -> Announced;

    /// Issues a certificate, or gives the one issued before under the act's idempotency key.
    fn issue(&self, request: &IssueRequest) -> Result<IssueResponse, AuthorityFault>;

    /// Records a revocation; repeating it gives the first record.
    fn revoke(&self, request: &RevokeRequest) -> Result<RevokeResponse, AuthorityFault>;

    /// Takes a request for disclosure or correction to who decides; repeating it gives the
    /// state of the first.
    fn disclose(&self, request: &DisclosureRequest) -> Result<DisclosureLine, AuthorityFault>;

    /// The requests of a municipality.
    fn disclosures(&self, municipality: MunicipalityCode)
    -> Result<DisclosureList, AuthorityFault>;

    /// One request of a municipality; `None` when there is none.
    fn disclosure(
        &self,
        municipality: MunicipalityCode,
        id: ApplicationId,
    ) -> Result<Option<DisclosureLine>, AuthorityFault>;

    /// The answer to a request, which is closed by it.
    fn deliver_disclosure(
        &self,
        id: ApplicationId,
        request: &DeliveryRequest,
    ) -> Result<DeliveryResponse, AuthorityFault>;

    /// Records a revocation that the holder signed (Art 9 ③); repeating it gives the first
    /// record.
    fn revoke_online(
        &self,
        request: &OnlineRevokeRequest,
    ) -> Result<RevokeResponse, AuthorityFault>;

    /// A certificate and its status; `None` when the authority does not know the serial.
    fn certificate(&self, serial: &str) -> Result<Option<CertificateRecord>, AuthorityFault>;

    /// Tells the stops that hold; the answer has those that officers released.
    fn tell_stops(&self, report: &StopReport) -> Result<StopReleases, AuthorityFault>;

    /// What register events of a municipality (Art 12) did to certificates, after the event
    /// `since`, in their order. `told` is `since` again when there is no more.
    fn register_revocations(
        &self,
        municipality: &str,
        since: u64,
    ) -> Result<RegisterRevocationList, AuthorityFault>;
}
