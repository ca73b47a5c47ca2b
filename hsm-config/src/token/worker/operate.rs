//! Calls that leave no trace in the token.

use cryptoki::error::Error;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::mechanism::{Mechanism, MechanismType};

use super::encode;
use super::ladder::{with_key, with_session};
use super::module::{Module, Up};
use super::objects;
use crate::token::error::Refusal;
use crate::token::key::KeyClass;
use crate::token::wire::{Failure, Reply, Request};
use pki_core::certificate::public_key::SignatureAlgorithm;

/// First byte of a wrapped data key: the form described at [`crate::Token::wrap`].
const WRAP_FORM: u8 = 1;
const IV_LENGTH: usize = 12;
const TAG_LENGTH: usize = 16;
const WRAPPED_LENGTH: usize = 1 + IV_LENGTH + 32 + TAG_LENGTH;

/// Answers a request at one of the signing desks.
pub(super) fn answer(
    module: &Module,
    desk: usize,
    request: &Request<'_>,
) -> Result<Reply, Failure> {
    match *request {
        Request::SignMessage {
            key,
            algorithm,
            message,
        } => {
            if let Some(mechanism) = hashing_mechanism(algorithm)
                && offers(module, mechanism)?
            {
                return with_key(
                    module,
                    desk,
                    key,
                    KeyClass::Private,
                    |_, session, handle| {
                        let mechanism = match algorithm {
                            SignatureAlgorithm::RsaPkcs1Sha384 => Mechanism::Sha384RsaPkcs,
                            _ => Mechanism::Sha256RsaPkcs,
                        };
                        session.sign(&mechanism, handle, message)
                    },
                )
                .map(Reply::Bytes);
            }
            let digest = crate::token::key::digest(algorithm, message);
            sign_digest(module, desk, key, algorithm, &digest)
        }
        Request::SignDigest {
            key,
            algorithm,
            digest,
        } => sign_digest(module, desk, key, algorithm, digest),
        Request::PublicKey { key } => objects::public_key(module, desk, key).map(Reply::Bytes),
        Request::Keys => objects::list(module, desk).map(Reply::Keys),
        Request::Cmac { key, message } => {
            need(module, MechanismType::AES_CMAC)?;
            with_key(module, desk, key, KeyClass::Secret, |_, session, handle| {
                session.sign(&Mechanism::AesCMac, handle, message)
            })
            .map(Reply::Bytes)
        }
        Request::Random { length } => with_session(module, desk, |_, session| {
            session.generate_random_vec(u32::from(length))
        })
        .map(Reply::Bytes),
        Request::Wrap { key, data_key } => wrap(module, desk, key, data_key),
        Request::Unwrap { key, wrapped } => unwrap(module, desk, key, wrapped),
        Request::Generate { .. } | Request::ImportCmac { .. } | Request::Destroy { .. } => Err(
            Failure::Unsupported("a change of objects at a signing desk".into()),
        ),
    }
}

/// The mechanism with which the token hashes by itself. Not for ECDSA: SoftHSM has
/// none, and a digest is shorter to send.
fn hashing_mechanism(algorithm: SignatureAlgorithm) -> Option<MechanismType> {
    match algorithm {
        SignatureAlgorithm::RsaPkcs1Sha256 => Some(MechanismType::SHA256_RSA_PKCS),
        SignatureAlgorithm::RsaPkcs1Sha384 => Some(MechanismType::SHA384_RSA_PKCS),
        SignatureAlgorithm::EcdsaP256Sha256 | SignatureAlgorithm::EcdsaP384Sha384 => None,
    }
}

fn sign_digest(
    module: &Module,
    desk: usize,
    key: &str,
    algorithm: SignatureAlgorithm,
    digest: &[u8],
) -> Result<Reply, Failure> {
    let is_rsa = hashing_mechanism(algorithm).is_some();
    let (kind, input) = if is_rsa {
        (MechanismType::RSA_PKCS, encode::digest_info(digest))
    } else {
        (MechanismType::ECDSA, digest.to_vec())
    };
    need(module, kind)?;
    let signature = with_key(
        module,
        desk,
        key,
        KeyClass::Private,
        |_, session, handle| {
            // Built here: a mechanism holds raw pointers and must not change threads.
            let mechanism = if is_rsa {
                Mechanism::RsaPkcs
            } else {
                Mechanism::Ecdsa
            };
            session.sign(&mechanism, handle, &input)
        },
    )?;
    if is_rsa {
        return Ok(Reply::Bytes(signature));
    }
    encode::ecdsa_signature(&signature)
        .map(Reply::Bytes)
        .ok_or_else(|| Failure::Unknown("the token gave a malformed ECDSA signature".into()))
}

fn wrap(module: &Module, desk: usize, key: &str, data_key: &[u8]) -> Result<Reply, Failure> {
    need(module, MechanismType::AES_GCM)?;
    with_key(module, desk, key, KeyClass::Secret, |_, session, handle| {
        let mut iv = [0; IV_LENGTH];
        session.generate_random_slice(&mut iv)?;
        let context = wrap_context(key);
        let mut wrapped = vec![WRAP_FORM];
        wrapped.extend_from_slice(&iv);
        let mechanism = gcm(&mut iv, &context)?;
        wrapped.extend(session.encrypt(&mechanism, handle, data_key)?);
        Ok(wrapped)
    })
    .map(Reply::Bytes)
}

fn unwrap(module: &Module, desk: usize, key: &str, wrapped: &[u8]) -> Result<Reply, Failure> {
    need(module, MechanismType::AES_GCM)?;
    let bad = |what: &str| Failure::Refused(Refusal::BadInput(what.into()));
    if wrapped.len() != WRAPPED_LENGTH || wrapped[0] != WRAP_FORM {
        return Err(bad("this is no wrapped data key"));
    }
    let opened = with_key(
        module,
        desk,
        key,
        KeyClass::Secret,
        |up, session, handle| {
            let mut iv = [0; IV_LENGTH];
            iv.copy_from_slice(&wrapped[1..=IV_LENGTH]);
            let context = wrap_context(key);
            let mechanism = gcm(&mut iv, &context)?;
            match session.decrypt(&mechanism, handle, &wrapped[1 + IV_LENGTH..]) {
                Ok(data_key) => Ok(Some(data_key)),
                // For a wrong tag SoftHSM says GENERAL_ERROR, the same as for a token that is
                // gone. If the token answers and the key is alive, it was the tag.
                Err(fault) if is_general(&fault) && module.token_answers(up).is_ok() => {
                    let mut probe = [0; IV_LENGTH];
                    session.encrypt(&gcm(&mut probe, &[])?, handle, &[])?;
                    Ok(None)
                }
                Err(fault) => Err(fault),
            }
        },
    )?;
    opened
        .map(Reply::Bytes)
        .ok_or_else(|| bad("the wrapped data key was changed or belongs to another key"))
}

fn is_general(fault: &Error) -> bool {
    use cryptoki::error::RvError;
    matches!(
        fault,
        Error::Pkcs11(RvError::GeneralError | RvError::FunctionFailed, _)
    )
}

fn gcm<'a>(iv: &'a mut [u8], context: &'a [u8]) -> Result<Mechanism<'a>, Error> {
    let tag_bits = (TAG_LENGTH as u64 * 8).into();
    Ok(Mechanism::AesGcm(GcmParams::new(iv, context, tag_bits)?))
}

/// Binds a wrapped key to its purpose and to the label of the key that wraps it.
fn wrap_context(label: &str) -> Vec<u8> {
    let mut context = b"jitsuin data key v1\0".to_vec();
    context.extend_from_slice(label.as_bytes());
    context
}

fn offers(module: &Module, mechanism: MechanismType) -> Result<bool, Failure> {
    match &module.read().up {
        Ok(up) => Ok(Up::offers(up, mechanism)),
        Err(reason) => Err(Failure::Away(reason.clone())),
    }
}

fn need(module: &Module, mechanism: MechanismType) -> Result<(), Failure> {
    if offers(module, mechanism)? {
        Ok(())
    } else {
        Err(Failure::Unsupported(mechanism.to_string()))
    }
}
