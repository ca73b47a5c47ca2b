//! TLS 1.3 with client certificates from the infrastructure CA.

use std::{fs, path::Path, sync::Arc};

use rustls::{
    RootCertStore, ServerConfig, crypto::aws_lc_rs, server::WebPkiClientVerifier, version::TLS13,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

use crate::config::TlsConfig;

/// Why the server cannot speak TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsFault {
    #[error("{0} cannot be read as PEM")]
    Pem(String, #[source] rustls_pki_types::pem::Error),
    #[error("{0} can be read by others than its owner; change its mode to 0600")]
    KeyMode(String),
    #[error("{0} cannot be read")]
    Read(String, #[source] std::io::Error),
    #[error("the infrastructure CA's certificate cannot be used")]
    Authority(#[source] rustls::Error),
    #[error("client certificates cannot be checked")]
    Verifier(#[source] rustls::server::VerifierBuilderError),
    #[error("certificate and key do not make a server")]
    Server(#[source] rustls::Error),
}

/// A configuration that takes nobody without a certificate of `authority` (DER).
pub fn mutual(config: &TlsConfig, authority: &[u8]) -> Result<ServerConfig, TlsFault> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from(authority.to_vec()))
        .map_err(TlsFault::Authority)?;
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(TlsFault::Verifier)?;
    let chain = CertificateDer::pem_file_iter(&config.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| TlsFault::Pem(config.certificate.display().to_string(), error))?;
    owner_only(&config.key)?;
    let key = PrivateKeyDer::from_pem_file(&config.key)
        .map_err(|error| TlsFault::Pem(config.key.display().to_string(), error))?;
    let mut server = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(TlsFault::Server)?
        .with_client_cert_verifier(clients)
        .with_single_cert(chain, key)
        .map_err(TlsFault::Server)?;
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(server)
}

fn owner_only(path: &Path) -> Result<(), TlsFault> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path)
        .map_err(|error| TlsFault::Read(path.display().to_string(), error))?
        .permissions()
        .mode();
    if mode & 0o077 != 0 {
        return Err(TlsFault::KeyMode(path.display().to_string()));
    }
    Ok(())
}
