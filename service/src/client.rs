//! Asking another server over mutual TLS 1.3.

use std::{sync::Arc, time::Duration};

use rustls_pki_types::{CertificateDer, pem::PemObject};
use ureq::{
    Agent,
    tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig, TlsProvider},
};
use zeroize::Zeroizing;

use crate::{config::owner_only, tls::KeyFiles};

/// Longest wait for a connection; shorter where the whole answer has less time.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// Why a client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientFault {
    /// A PEM file cannot be used.
    #[error("{0} cannot be used")]
    Pem(
        &'static str,
        #[source] Box<dyn std::error::Error + Send + Sync>,
    ),
}

/// Whom a client trusts, what it shows, and how long it waits.
pub struct Client<'a> {
    /// Certificate and key that it shows.
    pub files: &'a KeyFiles,
    /// The setting that names the key, for the refusal of a key that others can read.
    pub key_setting: &'static str,
    /// Certificate (DER) of the one authority that it trusts.
    pub authority: &'a [u8],
    /// Longest wait for a whole answer.
    pub timeout: Duration,
    /// Connections that are kept open to the server.
    pub connections: usize,
    /// As it calls itself.
    pub user_agent: &'static str,
}

impl Client<'_> {
    /// The client with its connections. It follows no redirect, uses no proxy, and gives an answer
    /// of any status as an answer.
    ///
    /// # Errors
    /// The file that cannot be used.
    pub fn agent(&self) -> Result<Agent, ClientFault> {
        let chain = CertificateDer::pem_file_iter(&self.files.certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| ClientFault::Pem("the client certificate", Box::new(error)))?;
        let chain: Vec<Certificate<'static>> = chain
            .iter()
            .map(|der| Certificate::from_der(der).to_owned())
            .collect();
        let roots = vec![Certificate::from_der(self.authority).to_owned()];
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(
                rustls::crypto::aws_lc_rs::default_provider(),
            ))
            .client_cert(Some(ClientCert::new_with_certs(&chain, self.key()?)))
            .root_certs(RootCerts::new_with_certs(&roots))
            .build();
        Ok(Agent::config_builder()
            .tls_config(tls)
            .https_only(true)
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(self.timeout))
            .timeout_connect(Some(self.timeout.min(CONNECT_MAX)))
            .max_idle_connections_per_host(self.connections)
            .user_agent(self.user_agent)
            .build()
            .into())
    }

    fn key(&self) -> Result<PrivateKey<'static>, ClientFault> {
        fn fault(error: impl std::error::Error + Send + Sync + 'static) -> ClientFault {
            ClientFault::Pem("the client key", Box::new(error))
        }
        owner_only(self.key_setting, &self.files.key).map_err(fault)?;
        let pem = std::fs::read(&self.files.key)
            .map(Zeroizing::new)
            .map_err(fault)?;
        PrivateKey::from_pem(&pem).map_err(fault)
    }
}
