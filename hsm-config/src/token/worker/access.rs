//! A desk: one session and the handles of keys that were found through it.

use std::collections::HashMap;

use cryptoki::error::Error;
use cryptoki::object::{Attribute, ObjectClass, ObjectHandle};
use cryptoki::session::Session;

use super::module::{Module, Up};
use crate::token::error::Refusal;
use crate::token::key::KeyClass;
use crate::token::wire::Failure;

/// A session with what was found through it; used by one thread at a time.
pub(super) struct Desk {
    writes: bool,
    session: Option<Session>,
    /// By class, so that looking up a label needs no copy of it.
    handles: [HashMap<String, ObjectHandle>; 3],
}

impl Desk {
    pub(super) fn new(writes: bool) -> Self {
        Self {
            writes,
            session: None,
            handles: Default::default(),
        }
    }

    /// Forgets a handle; tells whether there was one.
    pub(super) fn forget(&mut self, label: &str, class: KeyClass) -> bool {
        self.handles[class as usize].remove(label).is_some()
    }

    /// Closes the session; the handles go with it.
    pub(super) fn close(&mut self) {
        self.handles.iter_mut().for_each(HashMap::clear);
        self.session = None;
    }

    /// The session, opened and logged in where it is not open.
    pub(super) fn session(&mut self, module: &Module, up: &Up) -> Result<&Session, Failure> {
        if self.session.is_none() {
            let _still = module.objects_still();
            let opened = if self.writes {
                module.pkcs11().open_rw_session(up.slot)
            } else {
                module.pkcs11().open_ro_session(up.slot)
            };
            let session = opened.map_err(super::module::away)?;
            module.log_in(&session)?;
            self.session = Some(session);
        }
        self.session
            .as_ref()
            .ok_or_else(|| Failure::Away("no session".into()))
    }

    /// Session and handle of the one key of that label and class.
    /// `Ok(None)`: no such object can be seen, which need not mean that there is none.
    pub(super) fn key(
        &mut self,
        module: &Module,
        up: &Up,
        label: &str,
        class: KeyClass,
    ) -> Result<Option<(&Session, ObjectHandle)>, Failure> {
        let known = self.handles[class as usize].get(label).copied();
        let session = self.session(module, up)?;
        if let Some(handle) = known {
            return Ok(self.session.as_ref().map(|session| (session, handle)));
        }
        let found = {
            let _still = module.objects_still();
            find(session, label, class).map_err(super::module::away)?
        };
        match found[..] {
            [] => Ok(None),
            [handle] => {
                self.handles[class as usize].insert(label.to_owned(), handle);
                Ok(self.session.as_ref().map(|session| (session, handle)))
            }
            _ => Err(Failure::Refused(Refusal::AmbiguousKey(label.to_owned()))),
        }
    }
}

/// Token objects of that label and class.
pub(super) fn find(
    session: &Session,
    label: &str,
    class: KeyClass,
) -> Result<Vec<ObjectHandle>, Error> {
    session.find_objects(&[
        Attribute::Token(true),
        Attribute::Class(class.object_class()),
        Attribute::Label(label.as_bytes().to_vec()),
    ])
}

impl KeyClass {
    pub(super) fn object_class(self) -> ObjectClass {
        match self {
            Self::Private => ObjectClass::PRIVATE_KEY,
            Self::Public => ObjectClass::PUBLIC_KEY,
            Self::Secret => ObjectClass::SECRET_KEY,
        }
    }
}
