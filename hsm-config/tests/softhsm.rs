//! The signer's promises on SoftHSM, one test each.

use hsm_config::contract::{self, SoftHsm};

macro_rules! on_softhsm {
    ($($promise:ident),* $(,)?) => {
        $(#[test] fn $promise() {
            let hsm = SoftHsm::new();
            contract::$promise(&hsm.open());
        })*
    };
}

on_softhsm! {
    signatures_verify,
    digests_are_signed,
    refusals_are_precise,
    keys_stay_inside,
    cmac_is_nists,
    data_keys_wrap,
    random_bytes_differ,
    a_past_deadline_does_nothing,
    many_threads_sign,
    many_threads_make_keys,
}
