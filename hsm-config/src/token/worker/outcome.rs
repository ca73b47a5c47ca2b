//! What a module's return code means for a call.
//!
//! Codes do not say where the trouble lies: for a token that is gone SoftHSM says
//! OBJECT_HANDLE_INVALID, Kryoptic GENERAL_ERROR, p11-kit DEVICE_ERROR. So only codes
//! that are about the request itself end a call; all others climb the ladder.

use cryptoki::error::{Error, RvError};

use crate::token::error::Refusal;
use crate::token::wire::Failure;

/// What to do about an error of the module.
pub(super) enum Verdict {
    /// The request itself is at fault: trying again changes nothing.
    Final(Failure),
    /// The session, the module or the token is at fault.
    Trouble(String),
}

/// An error in few words: function and return code, no prose.
pub(super) fn words(error: &Error) -> String {
    match error {
        Error::Pkcs11(code, function) => format!("{function} gave {code:?}"),
        other => other.to_string(),
    }
}

/// Judges an error of a call that uses the key `label`.
pub(super) fn judge(error: &Error, label: &str) -> Verdict {
    let named = words(error);
    let Error::Pkcs11(code, _) = error else {
        return Verdict::Trouble(named);
    };
    let wrong_use = || {
        Failure::Refused(Refusal::WrongUse {
            label: label.to_owned(),
            reason: named.clone(),
        })
    };
    Verdict::Final(match code {
        RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange => {
            Failure::Refused(Refusal::WrongPin)
        }
        RvError::PinLocked | RvError::PinExpired => Failure::Refused(Refusal::PinLocked),
        RvError::MechanismInvalid | RvError::FunctionNotSupported | RvError::CurveNotSupported => {
            Failure::Unsupported(named)
        }
        RvError::KeyTypeInconsistent
        | RvError::KeyFunctionNotPermitted
        | RvError::KeySizeRange
        | RvError::KeyUnextractable
        | RvError::ActionProhibited
        | RvError::MechanismParamInvalid => wrong_use(),
        RvError::DataInvalid
        | RvError::DataLenRange
        | RvError::EncryptedDataInvalid
        | RvError::EncryptedDataLenRange => Failure::Refused(Refusal::BadInput(named)),
        RvError::AttributeReadOnly
        | RvError::AttributeTypeInvalid
        | RvError::AttributeValueInvalid
        | RvError::TemplateIncomplete
        | RvError::TemplateInconsistent
        | RvError::TokenWriteProtected
        | RvError::DeviceMemory => Failure::Refused(Refusal::Token(named)),
        _ => return Verdict::Trouble(named),
    })
}

/// Whether the PIN was refused: then nobody may try it again.
pub(super) fn pin_refusal(failure: &Failure) -> Option<Refusal> {
    match failure {
        Failure::Refused(refusal @ (Refusal::WrongPin | Refusal::PinLocked)) => {
            Some(refusal.clone())
        }
        _ => None,
    }
}
