//! Which kinds of certificates residents get here: who signs each and how it looks.

use pki_core::certificate::{Profile, Serial};

use super::{App, Authority};
use crate::port::store::StoreError;

/// 利用者証明用電子証明書, where the prefecture issues it: a key and an issuer of its own.
pub struct UserAuthentication {
    /// Who signs.
    pub authority: Authority,
    /// How it looks.
    pub profile: Profile,
}

/// One kind of certificate for residents.
#[derive(Clone, Copy)]
pub struct Service<'a> {
    /// Who signs.
    pub authority: &'a Authority,
    /// How it looks.
    pub profile: &'a Profile,
}

impl App {
    /// The certificate for signatures, and the one for signing in where it is switched on.
    pub fn services(&self) -> impl Iterator<Item = Service<'_>> {
        let signature = Service {
            authority: &self.signing,
            profile: &self.signature_profile,
        };
        let user = self.user_authentication.as_ref().map(|user| Service {
            authority: &user.authority,
            profile: &user.profile,
        });
        std::iter::once(signature).chain(user)
    }

    /// The service whose profile has that name; `None` for one that is not issued here.
    pub fn service(&self, profile: &str) -> Option<Service<'_>> {
        self.services()
            .find(|service| service.profile.name() == profile)
    }

    /// The service of that issuer.
    pub fn service_by(&self, authority: &Authority) -> Option<Service<'_>> {
        self.services()
            .find(|service| service.authority.name == authority.name)
    }

    /// Names of the issuers of residents' certificates.
    pub fn issuers_of_residents(&self) -> Vec<String> {
        self.services()
            .map(|service| service.authority.name.clone())
            .collect()
    }

    /// The issuer of a resident's certificate; that of signature certificates for a serial number
    /// that nobody gave. (Serial numbers are 128 random bits: two issuers never share one.)
    ///
    /// # Errors
    /// The store cannot be used.
    pub fn issuer_of(&self, serial: &Serial) -> Result<&Authority, StoreError> {
        if let Some(user) = &self.user_authentication
            && self
                .store
                .certificate(&user.authority.name, serial.as_octets())?
                .is_some()
        {
            return Ok(&user.authority);
        }
        Ok(&self.signing)
    }
}
