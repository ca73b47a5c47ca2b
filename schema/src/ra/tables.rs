//! The tables of the gateway, the same on both databases. What each means is
//! written beside it in the SQLite migration.

diesel::table! {
    party (kind, id) {
        kind -> Text,
        id -> Text,
        municipality -> Text,
        label -> Text,
        certificate -> Binary,
        certificate_sha256 -> Binary,
        status -> Text,
        changed_at -> BigInt,
        role -> Nullable<Text>,
    }
}

diesel::table! {
    operator_challenge (id) {
        id -> Text,
        operator -> Text,
        terminal -> Text,
        challenge -> Binary,
        expires_at -> BigInt,
    }
}

diesel::table! {
    operator_session (token_sha256) {
        token_sha256 -> Binary,
        operator -> Text,
        terminal -> Text,
        terminal_certificate_sha256 -> Binary,
        opened_at -> BigInt,
        seen_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    application (id) {
        id -> Text,
        municipality -> Text,
        receive_key -> Text,
        step -> Text,
        open -> Bool,
        version -> BigInt,
        terminal -> Text,
        operator -> Text,
        received_at -> BigInt,
        changed_at -> BigInt,
        resident_hash -> Nullable<Binary>,
        visit -> Nullable<Text>,
        spki_sha256 -> Nullable<Binary>,
        issue_key -> Nullable<Text>,
        serial -> Nullable<Text>,
        sealed -> Binary,
    }
}

diesel::table! {
    visit (id) {
        id -> Text,
        application -> Text,
        card -> Text,
        kiosk -> Text,
        opened_at -> BigInt,
    }
}

diesel::table! {
    kiosk_record (visit, record_sha256) {
        visit -> Text,
        record_sha256 -> Binary,
        kiosk -> Text,
        record -> Binary,
        received_at -> BigInt,
    }
}

diesel::table! {
    kiosk_health (kiosk) {
        kiosk -> Text,
        self_test -> Text,
        software_sha256 -> Text,
        state -> Text,
        kiosk_time -> BigInt,
        received_at -> BigInt,
    }
}

diesel::table! {
    fee_entry (number) {
        number -> Text,
        municipality -> Text,
        fiscal_year -> Integer,
        application -> Text,
        idempotency_key -> Text,
        kind -> Text,
        amount_yen -> BigInt,
        counter_of -> Nullable<Text>,
        operator -> Text,
        at -> BigInt,
        application_kind -> Text,
        booked_on -> Text,
        approval -> Nullable<Text>,
    }
}

diesel::table! {
    fee_counter (municipality, fiscal_year) {
        municipality -> Text,
        fiscal_year -> Integer,
        last -> BigInt,
    }
}

diesel::table! {
    breaker (id) {
        id -> Text,
        tripped_at -> BigInt,
        application -> Text,
        serial -> Text,
        terminal -> Text,
        operator -> Text,
        released_at -> Nullable<BigInt>,
        released_by -> Nullable<Text>,
        reason -> Nullable<Text>,
        proof -> Nullable<Text>,
    }
}

diesel::table! {
    data_key (id) {
        id -> Integer,
        wrapped -> Binary,
        made_at -> BigInt,
    }
}

diesel::table! {
    audit (node, sequence) {
        node -> Text,
        sequence -> BigInt,
        at -> BigInt,
        act -> Text,
        outcome -> Text,
        reason -> Nullable<Text>,
        terminal -> Nullable<Text>,
        operator -> Nullable<Text>,
        kiosk -> Nullable<Text>,
        application -> Nullable<Text>,
        reference -> Nullable<Text>,
        mac -> Binary,
    }
}

diesel::table! {
    audit_head (node) {
        node -> Text,
        sequence -> BigInt,
        mac -> Binary,
    }
}
