//! TLS 1.3 with client certificates of the infrastructure CA, nothing else.

use std::{any::Any, path::Path, sync::Arc};

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::{dev::Extensions, rt::net::TcpStream};
use rustls::{
    RootCertStore, ServerConfig, crypto::aws_lc_rs::default_provider, server::WebPkiClientVerifier,
    version::TLS13,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

use crate::config::KeyFiles;

/// The client's certificate on a connection, DER; the handshake has proved its key and
/// its chain.
#[derive(Clone)]
pub struct PeerCertificate(pub Arc<Vec<u8>>);

/// Why the server cannot speak TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A PEM file cannot be used.
    #[error("{0} cannot be used")]
    Pem(String, #[source] Box<dyn std::error::Error + Send + Sync>),
    /// Certificate and key do not fit each other, or the CA certificate is none.
    #[error("the TLS configuration is wrong")]
    Config(#[source] Box<dyn std::error::Error + Send + Sync>),
}

fn pem(path: &Path) -> impl FnOnce(rustls_pki_types::pem::Error) -> TlsError + '_ {
    |error| TlsError::Pem(path.display().to_string(), Box::new(error))
}

/// The server's side.
pub fn server_config(keys: &KeyFiles, infrastructure_ca: &[u8]) -> Result<ServerConfig, TlsError> {
    let config = |error: rustls::Error| TlsError::Config(Box::new(error));
    let provider = Arc::new(default_provider());
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from(infrastructure_ca.to_vec()))
        .map_err(config)?;
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .map_err(|error| TlsError::Config(Box::new(error)))?;
    let chain = CertificateDer::pem_file_iter(&keys.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(pem(&keys.certificate))?;
    let key = PrivateKeyDer::from_pem_file(&keys.key).map_err(pem(&keys.key))?;
    ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(config)?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .map_err(config)
}

/// Keeps the client's certificate beside its connection.
pub fn keep_peer(connection: &dyn Any, data: &mut Extensions) {
    if let Some(stream) = connection.downcast_ref::<TlsStream<TcpStream>>()
        && let Some([leaf, ..]) = stream.get_ref().1.peer_certificates()
    {
        data.insert(PeerCertificate(Arc::new(leaf.to_vec())));
    }
}
