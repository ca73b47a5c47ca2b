//! Disclosure and correction at the window (Arts 29 to 31): the gateway checks what the clerk
//! signed and carries it to who decides. It keeps nothing of it: neither request nor answer.

use pki_core::{
    act::Deed,
    calendar::JapaneseDay,
    disclosure::{Identification, RequestContent, RequestFault},
    id::{ApplicationId, Sha256Digest},
};
use schema::wire::v1::disclosure::{
    DeliveryRequest, DeliveryResponse, DisclosureLine, DisclosureList, DisclosureRequest,
};

use crate::app::{
    App,
    acts::about,
    caller::{Clerk, Operator},
    refusal::{Failure, ItemError, Reason, Refused, parse, refuse},
};

impl App {
    /// Takes a request in and forwards it; the clock of Art 30 runs from its day.
    pub fn disclose(
        &self,
        clerk: &Clerk,
        request: &DisclosureRequest,
    ) -> Result<DisclosureLine, Failure> {
        let now = self.clock.now();
        let mut entry = clerk.entry("disclosure-receive");
        let outcome = (|| {
            // 1. The act is this terminal's and this clerk's, and about this very request.
            let act = self.verified_act(clerk, &request.act, now)?;
            entry.application = Some(act.application);
            let Deed::Disclose(deed) = &act.deed else {
                return refuse(Reason::ActInvalid, "the act takes no request in");
            };
            if deed.request_sha256 != Sha256Digest::of(&request.request.0) {
                return refuse(Reason::ActInvalid, "the act is about another request");
            }
            // 2. The request is whole, and who asks was identified.
            let content = RequestContent::from_bytes(&request.request.0).map_err(told)?;
            content
                .identification
                .check(JapaneseDay::of(now))
                .map_err(told)?;
            if deed.identity_sha256 != content.identification.digest() {
                return refuse(
                    Reason::ActInvalid,
                    "the act rests on another identification",
                );
            }
            // 3. Who decides keeps it.
            Ok(self.authority.disclose(request)?)
        })();
        self.audited(&entry, now, outcome)
    }

    /// The requests of the clerk's municipality. Names nobody.
    pub fn disclosures(&self, operator: &Operator) -> Result<DisclosureList, Failure> {
        let now = self.clock.now();
        let outcome = self.authority.disclosures(operator.municipality());
        self.audited(
            &operator.entry("disclosure-list"),
            now,
            outcome.map_err(Failure::from),
        )
    }

    /// One request of the clerk's municipality.
    pub fn disclosure(&self, operator: &Operator, id: &str) -> Result<DisclosureLine, Failure> {
        let now = self.clock.now();
        let mut entry = operator.entry("disclosure-read");
        let outcome = (|| {
            let id: ApplicationId = parse("/id", id)?;
            entry.application = Some(id);
            let found = self.authority.disclosure(operator.municipality(), id)?;
            found.ok_or_else(|| unknown().into())
        })();
        self.audited(&entry, now, outcome)
    }

    /// The answer, handed over to who was identified again.
    pub fn deliver_disclosure(
        &self,
        clerk: &Clerk,
        id: &str,
        request: &DeliveryRequest,
    ) -> Result<DeliveryResponse, Failure> {
        let now = self.clock.now();
        let mut entry = clerk.entry("disclosure-deliver");
        let outcome = (|| {
            let id: ApplicationId = parse("/id", id)?;
            entry.application = Some(id);
            let act = self.verified_act(clerk, &request.act, now)?;
            about(&act, id)?;
            let Deed::Deliver(deed) = &act.deed else {
                return refuse(Reason::ActInvalid, "the act hands nothing over");
            };
            Identification::from_bytes(&request.identification.0)
                .and_then(|shown| shown.check(JapaneseDay::of(now)))
                .map_err(told)?;
            if deed.identity_sha256 != Sha256Digest::of(&request.identification.0) {
                return refuse(
                    Reason::ActInvalid,
                    "the act rests on another identification",
                );
            }
            Ok(self.authority.deliver_disclosure(id, request)?)
        })();
        self.audited(&entry, now, outcome)
    }
}

fn unknown() -> Refused {
    Refused::new(
        Reason::NotFound,
        "there is no such request in this municipality",
    )
}

fn told(fault: RequestFault) -> Failure {
    Refused::items(vec![ItemError {
        pointer: "/request".to_owned(),
        detail: fault.to_string(),
    }])
    .into()
}
