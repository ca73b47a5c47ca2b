//! Key objects: listing, reading, making, destroying.

use cryptoki::error::Error;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use pki_core::certificate::public_key::PublicKey;

use super::access::find;
use super::encode;
use super::ladder::{with_key, with_session};
use super::module::{Module, Up};
use super::outcome::{self, Verdict};
use crate::token::error::Refusal;
use crate::token::key::{KeyAlgorithm, KeyClass, KeyEntry};
use crate::token::wire::{Failure, Reply, Request};

/// DER of the curves' object identifiers, for CKA_EC_PARAMS.
const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];

/// Does a request that makes or destroys objects. Looks first, with the whole recovery
/// ladder; then acts once and never again by itself.
pub(super) fn change(module: &Module, request: &Request<'_>) -> Result<Reply, Failure> {
    match *request {
        Request::Generate { label, algorithm } => {
            must_be_free(module, label)?;
            once(module, label, |session| generate(session, label, algorithm))
        }
        Request::ImportCmac { label, value } => {
            must_be_free(module, label)?;
            once(module, label, |session| {
                let mut template = secret_key(label, KeyAlgorithm::Aes256Cmac);
                template.extend([
                    Attribute::Class(ObjectClass::SECRET_KEY),
                    Attribute::KeyType(KeyType::AES),
                    Attribute::Value(value.to_vec()),
                ]);
                let made = session.create_object(&template);
                if let Some(Attribute::Value(mut copy)) = template.pop() {
                    zeroize::Zeroize::zeroize(&mut copy);
                }
                made.map(drop)
            })
        }
        Request::Destroy { label, class } => {
            let there = with_session(module, module.maker_desk(), |_, session| {
                let _still = module.objects_still();
                find(session, label, class)
            })?;
            if there.is_empty() {
                must_answer(module)?;
                return Err(Failure::Refused(Refusal::NoSuchKey(label.to_owned())));
            }
            once(module, label, |session| {
                there
                    .iter()
                    .try_for_each(|handle| session.destroy_object(*handle))
            })
        }
        _ => Err(Failure::Unsupported(
            "this request by the maker of keys".into(),
        )),
    }
}

fn must_be_free(module: &Module, label: &str) -> Result<(), Failure> {
    let taken = with_session(module, module.maker_desk(), |_, session| {
        let _still = module.objects_still();
        for class in [KeyClass::Private, KeyClass::Secret, KeyClass::Public] {
            if !find(session, label, class)?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    })?;
    if taken {
        return Err(Failure::Refused(Refusal::KeyExists(label.to_owned())));
    }
    must_answer(module)
}

/// A token that has vanished lists no keys: only one that answers has none.
fn must_answer(module: &Module) -> Result<(), Failure> {
    match &module.read().up {
        Ok(up) => module.token_answers(up).map_err(Failure::Away),
        Err(reason) => Err(Failure::Away(reason.clone())),
    }
}

/// Acts once. What fails for another reason than the request itself may have
/// happened: the caller has to look.
fn once(
    module: &Module,
    label: &str,
    act: impl Fn(&Session) -> Result<(), Error>,
) -> Result<Reply, Failure> {
    let outcome = with_session(module, module.maker_desk(), |_, session| {
        let _change = module.objects_change();
        Ok(act(session))
    })?;
    match outcome {
        Ok(()) => Ok(Reply::Done),
        Err(fault) => Err(match outcome::judge(&fault, label) {
            Verdict::Final(failure) => failure,
            Verdict::Trouble(reason) => Failure::Unknown(reason),
        }),
    }
}

fn generate(session: &Session, label: &str, algorithm: KeyAlgorithm) -> Result<(), Error> {
    if !algorithm.is_pair() {
        let mut template = secret_key(label, algorithm);
        template.push(Attribute::ValueLen(32u64.into()));
        return session
            .generate_key(&Mechanism::AesKeyGen, &template)
            .map(drop);
    }
    let mut public = vec![
        Attribute::Token(true),
        Attribute::Private(false),
        Attribute::Label(label.as_bytes().to_vec()),
        Attribute::Id(label.as_bytes().to_vec()),
        Attribute::Verify(true),
    ];
    let private = [
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Label(label.as_bytes().to_vec()),
        Attribute::Id(label.as_bytes().to_vec()),
        Attribute::Sign(true),
    ];
    let mechanism = match algorithm.rsa_bits() {
        Some(bits) => {
            public.push(Attribute::ModulusBits(bits.into()));
            public.push(Attribute::PublicExponent(vec![1, 0, 1]));
            Mechanism::RsaPkcsKeyPairGen
        }
        None => {
            let curve = if algorithm == KeyAlgorithm::P384 {
                P384
            } else {
                P256
            };
            public.push(Attribute::EcParams(curve.to_vec()));
            Mechanism::EccKeyPairGen
        }
    };
    session
        .generate_key_pair(&mechanism, &public, &private)
        .map(drop)
}

/// Each AES key has one purpose: wrapping data keys, or CMAC.
fn secret_key(label: &str, algorithm: KeyAlgorithm) -> Vec<Attribute> {
    let wraps = algorithm == KeyAlgorithm::Aes256Wrap;
    vec![
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Label(label.as_bytes().to_vec()),
        Attribute::Id(label.as_bytes().to_vec()),
        Attribute::Encrypt(wraps),
        Attribute::Decrypt(wraps),
        Attribute::Sign(!wraps),
        Attribute::Verify(!wraps),
    ]
}

/// SubjectPublicKeyInfo of a key pair, from the attributes of its public half: many
/// tokens leave CKA_PUBLIC_KEY_INFO empty.
pub(super) fn public_key(module: &Module, desk: usize, label: &str) -> Result<Vec<u8>, Failure> {
    // An RSA private key carries its modulus, so the public object may be missing.
    let attributes = match with_key(module, desk, label, KeyClass::Public, read_public) {
        Err(Failure::Refused(Refusal::NoSuchKey(_))) => {
            with_key(module, desk, label, KeyClass::Private, read_public)?
        }
        other => other?,
    };
    let (mut modulus, mut exponent, mut point, mut info) = (None, None, None, None);
    for attribute in attributes {
        match attribute {
            Attribute::Modulus(value) if !value.is_empty() => modulus = Some(value),
            Attribute::PublicExponent(value) if !value.is_empty() => exponent = Some(value),
            Attribute::EcPoint(value) => point = Some(value),
            Attribute::PublicKeyInfo(value) if !value.is_empty() => info = Some(value),
            _ => {}
        }
    }
    let key = if let (Some(modulus), Some(exponent)) = (&modulus, &exponent) {
        PublicKey::from_rsa_numbers(modulus, exponent)
    } else if let Some(point) = point.as_deref().and_then(encode::ec_point) {
        PublicKey::from_ec_point(point)
    } else {
        PublicKey::from_spki_der(&info.unwrap_or_default())
    };
    key.map(|key| key.spki_der().to_vec()).map_err(|fault| {
        Failure::Refused(Refusal::WrongUse {
            label: label.to_owned(),
            reason: format!("its public half cannot be read: {fault}"),
        })
    })
}

fn read_public(_: &Up, session: &Session, handle: ObjectHandle) -> Result<Vec<Attribute>, Error> {
    let mut attributes = Vec::new();
    // One at a time: a type that the object lacks must not spoil the others.
    for kind in [
        AttributeType::Modulus,
        AttributeType::PublicExponent,
        AttributeType::EcPoint,
        AttributeType::PublicKeyInfo,
    ] {
        attributes.extend(session.get_attributes(handle, &[kind])?);
    }
    Ok(attributes)
}

/// All key objects of the token.
pub(super) fn list(module: &Module, desk: usize) -> Result<Vec<KeyEntry>, Failure> {
    let mut entries = with_session(module, desk, |_, session| {
        let _still = module.objects_still();
        let mut entries = Vec::new();
        for class in [KeyClass::Private, KeyClass::Public, KeyClass::Secret] {
            let wanted = [
                Attribute::Token(true),
                Attribute::Class(class.object_class()),
            ];
            for handle in session.find_objects(&wanted)? {
                entries.push(entry(session, handle, class)?);
            }
        }
        Ok(entries)
    })?;
    must_answer(module)?;
    entries.sort_by(|a: &KeyEntry, b| (&a.label, a.class).cmp(&(&b.label, b.class)));
    Ok(entries)
}

fn entry(session: &Session, handle: ObjectHandle, class: KeyClass) -> Result<KeyEntry, Error> {
    let mut entry = KeyEntry {
        label: String::new(),
        class,
        kind: String::new(),
        sensitive: None,
        extractable: None,
        never_extractable: None,
        local: None,
    };
    let mut size = String::new();
    for kind in [
        AttributeType::Label,
        AttributeType::KeyType,
        AttributeType::Modulus,
        AttributeType::EcParams,
        AttributeType::ValueLen,
        AttributeType::Sensitive,
        AttributeType::Extractable,
        AttributeType::NeverExtractable,
        AttributeType::Local,
    ] {
        // A token need not know all of them.
        for attribute in session.get_attributes(handle, &[kind])? {
            match attribute {
                Attribute::Label(label) => {
                    entry.label = String::from_utf8_lossy(&label).into_owned()
                }
                Attribute::KeyType(kind) => entry.kind = kind_name(kind),
                Attribute::Modulus(modulus) if !modulus.is_empty() => {
                    size = format!(" {}", modulus.len() * 8);
                }
                Attribute::EcParams(curve) if curve == P256 => size = " P-256".into(),
                Attribute::EcParams(curve) if curve == P384 => size = " P-384".into(),
                Attribute::ValueLen(length) => size = format!(" {}", *length * 8),
                Attribute::Sensitive(value) => entry.sensitive = Some(value),
                Attribute::Extractable(value) => entry.extractable = Some(value),
                Attribute::NeverExtractable(value) => entry.never_extractable = Some(value),
                Attribute::Local(value) => entry.local = Some(value),
                _ => {}
            }
        }
    }
    entry.kind.push_str(&size);
    Ok(entry)
}

fn kind_name(kind: KeyType) -> String {
    match kind {
        KeyType::RSA => "RSA".into(),
        KeyType::EC => "EC".into(),
        KeyType::AES => "AES".into(),
        other => other.to_string(),
    }
}
