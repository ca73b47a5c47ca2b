//! C_InitToken and C_InitPIN, in a worker of their own.

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::Error;
use cryptoki::session::UserType;
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;

use super::module::away;
use crate::token::error::Refusal;
use crate::token::wire::{Failure, Initialise};

/// Initialises the first empty token of the module.
pub(super) fn initialise(order: &Initialise) -> Result<(), Failure> {
    let pkcs11 = Pkcs11::new(&order.module).map_err(away)?;
    pkcs11
        .initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))
        .map_err(away)?;
    let slot = empty_slot(&pkcs11, &order.label)?;
    begin(&pkcs11, slot, order).map_err(|fault| match away(fault) {
        // From here on the token may have been changed.
        Failure::Away(reason) => Failure::Unknown(reason),
        other => other,
    })
}

fn empty_slot(pkcs11: &Pkcs11, label: &str) -> Result<Slot, Failure> {
    let mut empty = None;
    for slot in pkcs11.get_slots_with_token().map_err(away)? {
        let Ok(info) = pkcs11.get_token_info(slot) else {
            continue;
        };
        if !info.token_initialized() {
            empty.get_or_insert(slot);
        } else if info.label() == label {
            return Err(Failure::Refused(Refusal::Token(format!(
                "that a token with label {label:?} exists already; it was left as it is"
            ))));
        }
    }
    empty.ok_or_else(|| Failure::Away("no empty token is there".into()))
}

fn begin(pkcs11: &Pkcs11, slot: Slot, order: &Initialise) -> Result<(), Error> {
    let so_pin = AuthPin::new(order.so_pin.clone().into());
    pkcs11.init_token(slot, &so_pin, &order.label)?;
    let session = pkcs11.open_rw_session(slot)?;
    session.login(UserType::So, Some(&so_pin))?;
    session.init_pin(&AuthPin::new(order.pin.clone().into()))?;
    session.logout()
}
