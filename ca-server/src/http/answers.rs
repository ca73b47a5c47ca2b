//! What the interfaces' descriptions say of answers: which problems an operation can meet, each
//! under the status that it is answered with, and bytes as bytes.

use std::{borrow::Cow, collections::BTreeMap};

use service::problem::described;
use utoipa::{
    IntoResponses, PartialSchema, ToSchema,
    openapi::{
        ContentBuilder, KnownFormat, ObjectBuilder, RefOr, Response, ResponseBuilder, Schema,
        SchemaFormat, schema::Type,
    },
};

use super::problem::Kind;

/// DER and the like, sent as they are.
pub struct Octets;

impl PartialSchema for Octets {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)))
            .into()
    }
}

impl ToSchema for Octets {
    fn name() -> Cow<'static, str> {
        "Octets".into()
    }
}

macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident { $($kind:ident),* $(,)? })*) => {$(
        $(#[$doc])*
        pub struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                of(&[$(Kind::$kind),*])
            }
        }
    )*};
}

problems! {
    /// Of a request for a certificate.
    Issuing {
        MalformedMessage, TooLarge, UnsupportedMediaType, NotAuthorised, ActRefused, ItemsRefused,
        ProofRefused, KeyRefused, LintRefused, Conflict, ReplacementRefused, RegisterChanged,
        InWork, TooManyRequests, TokenAway, DatabaseAway, Internal,
    }
    /// Of a revocation.
    Revoking {
        MalformedMessage, TooLarge, UnsupportedMediaType, NotAuthorised, ActRefused, NotFound,
        TooManyRequests, DatabaseAway, Internal,
    }
    /// Of a holder's own revocation.
    RevokingOnline {
        MalformedMessage, TooLarge, UnsupportedMediaType, NotAuthorised, ActRefused, NotFound,
        TokenAway, DatabaseAway, Internal,
    }
    /// Of a request for disclosure or correction, and of its answer's delivery.
    Disclosing {
        MalformedMessage, TooLarge, UnsupportedMediaType, NotAuthorised, ActRefused, NotFound,
        Conflict, TooManyRequests, TokenAway, DatabaseAway, Internal,
    }
    /// Of every call of a gateway.
    Calling { NotAuthorised, DatabaseAway, Internal }
    /// Of a look into the records by address.
    Reading { NotAuthorised, NotFound, TokenAway, DatabaseAway, Internal }
    /// Of a look into the records that a query describes.
    Choosing { MalformedMessage, NotAuthorised, NotFound, TokenAway, DatabaseAway, Internal }
    /// Of what relying parties read besides.
    Public { NotAuthorised, NotFound, TooManyRequests, DatabaseAway, Internal }
    /// Of a question about the status of certificates, posted.
    Status {
        MalformedMessage, TooLarge, UnsupportedMediaType, NotAuthorised, NotFound, TooManyRequests,
        DatabaseAway, Internal,
    }
}

fn of(kinds: &[Kind]) -> BTreeMap<String, RefOr<Response>> {
    described(kinds.iter().map(|kind| (kind.name(), kind.status())))
}

/// A revocation list, whole or a part of it, or that it is still the one the asker has; or the
/// problem.
pub struct Lists;

impl IntoResponses for Lists {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let list = |description: &str| {
            let content = ContentBuilder::new().schema(Some(Octets::schema())).build();
            ResponseBuilder::new()
                .description(description)
                .content("application/pkix-crl", content)
                .build()
        };
        let mut answers = of(&[
            Kind::NotAuthorised,
            Kind::NotFound,
            Kind::RangeNotSatisfiable,
            Kind::TooManyRequests,
            Kind::DatabaseAway,
            Kind::Internal,
        ]);
        let known = ResponseBuilder::new().description("Not modified").build();
        for (status, answer) in [
            ("200", list("CertificateList, DER")),
            ("206", list("The range that was asked for")),
            ("304", known),
        ] {
            answers.insert(status.to_owned(), RefOr::T(answer));
        }
        answers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_of_one_status_stand_together() {
        let RefOr::T(conflict) = &Issuing::responses()["409"] else {
            panic!("written out")
        };
        assert_eq!(
            conflict.description,
            "conflict, replacement-refused, register-changed, in-work"
        );
        assert!(!Reading::responses().contains_key("413"));
        assert!(Lists::responses().contains_key("206"));
    }
}
