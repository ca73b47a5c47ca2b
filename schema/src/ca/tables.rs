//! The tables of the certificate authority, the same on both databases.
//! What each column means is written beside it in the SQLite migration.

diesel::table! {
    issuer (name) {
        name -> Text,
        kind -> Text,
        certificate -> Binary,
        key_id -> Binary,
        revocations -> BigInt,
    }
}

diesel::table! {
    certificate (issuer, serial) {
        issuer -> Text,
        serial -> Binary,
        state -> Text,
        node -> Text,
        profile -> Text,
        profile_sha256 -> Binary,
        municipality -> Nullable<Text>,
        partition -> Integer,
        not_after -> BigInt,
        key_sha256 -> Binary,
        application -> Binary,
        idempotency_key -> Binary,
        wish_sha256 -> Binary,
        resident -> Nullable<Binary>,
        in_effect -> Bool,
        tbs -> Nullable<Binary>,
        der -> Nullable<Binary>,
        reserved_at -> BigInt,
        ended_at -> Nullable<BigInt>,
        identified_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    revocation (issuer, serial) {
        issuer -> Text,
        serial -> Binary,
        feed -> BigInt,
        revoked_at -> BigInt,
        ground -> Text,
        reason -> Nullable<Integer>,
        municipality -> Nullable<Text>,
        partition -> Integer,
        not_after -> BigInt,
    }
}

diesel::table! {
    crl (issuer, scope, number) {
        issuer -> Text,
        scope -> Text,
        number -> BigInt,
        state -> Text,
        node -> Text,
        feed -> BigInt,
        this_update -> BigInt,
        next_update -> BigInt,
        entries -> BigInt,
        sha256 -> Nullable<Binary>,
        published_at -> Nullable<BigInt>,
        ended_before -> BigInt,
    }
}

diesel::table! {
    party (kind, id) {
        kind -> Text,
        id -> Text,
        municipality -> Nullable<Text>,
        label -> Text,
        certificate -> Binary,
        certificate_sha256 -> Binary,
        public_key -> Binary,
        status -> Text,
        enrolled_at -> BigInt,
        changed_at -> BigInt,
    }
}

diesel::table! {
    audit (lane, sequence) {
        lane -> Text,
        sequence -> BigInt,
        at -> BigInt,
        event -> Text,
        outcome -> Text,
        actor -> Text,
        subject -> Text,
        detail -> Text,
        mac -> Binary,
    }
}

diesel::table! {
    audit_state (lane) {
        lane -> Text,
        sequence -> BigInt,
        mac -> Binary,
    }
}

diesel::table! {
    data_key (id) {
        id -> BigInt,
        wrapped -> Binary,
        wrapping -> Text,
        made_at -> BigInt,
    }
}

diesel::table! {
    lease (name) {
        name -> Text,
        holder -> Text,
        until -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(certificate, revocation);
