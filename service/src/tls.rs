//! TLS 1.3 with client certificates of one authority, nothing else.

use std::{
    any::Any,
    path::{Path, PathBuf},
    sync::Arc,
};

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::{dev::Extensions, rt::net::TcpStream};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::aws_lc_rs::default_provider,
    server::{VerifierBuilderError, WebPkiClientVerifier},
    version::TLS13,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::config::{self, ConfigError};

/// Certificate and private key of a TLS server, PEM files, as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFilesSpec {
    certificate: PathBuf,
    key: PathBuf,
}

impl KeyFilesSpec {
    /// With absolute paths.
    #[must_use]
    pub fn check(self, base: &Path) -> KeyFiles {
        KeyFiles {
            certificate: base.join(self.certificate),
            key: base.join(self.key),
        }
    }
}

/// Where certificate and private key are; read when the server starts.
#[derive(Clone, Debug)]
pub struct KeyFiles {
    /// Certificate (chain), PEM.
    pub certificate: PathBuf,
    /// Private key, PKCS#8 PEM, readable by its owner only.
    pub key: PathBuf,
}

/// Why the server cannot speak TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsFault {
    /// A file is no PEM of its kind.
    #[error("{0} cannot be read as PEM")]
    Pem(String, #[source] rustls_pki_types::pem::Error),
    /// The key is missing, or others can read it.
    #[error("the private key")]
    Key(#[from] ConfigError),
    /// What clients are to come from.
    #[error("the infrastructure CA's certificate cannot be used")]
    Authority(#[source] rustls::Error),
    /// No verifier can be made for clients.
    #[error("client certificates cannot be checked")]
    Verifier(#[source] VerifierBuilderError),
    /// They do not belong together.
    #[error("certificate and key do not make a server")]
    Server(#[source] rustls::Error),
}

/// A configuration that takes nobody without a certificate of `authority` (DER).
///
/// # Errors
/// [`TlsFault`]; a key that others can read is refused.
pub fn mutual(files: &KeyFiles, authority: &[u8]) -> Result<ServerConfig, TlsFault> {
    let provider = Arc::new(default_provider());
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from(authority.to_vec()))
        .map_err(TlsFault::Authority)?;
    let clients =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .map_err(TlsFault::Verifier)?;
    let (chain, key) = read(files)?;
    let mut server = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(TlsFault::Server)?
        .with_client_cert_verifier(clients)
        .with_single_cert(chain, key)
        .map_err(TlsFault::Server)?;
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(server)
}

/// A configuration that takes everybody: for what is public.
///
/// # Errors
/// [`TlsFault`]; a key that others can read is refused.
pub fn open(files: &KeyFiles) -> Result<ServerConfig, TlsFault> {
    let (chain, key) = read(files)?;
    let mut server = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&TLS13])
        .map_err(TlsFault::Server)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(TlsFault::Server)?;
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(server)
}

/// Certificate chain and private key.
fn read(
    files: &KeyFiles,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsFault> {
    let pem = |path: &Path| {
        let name = path.display().to_string();
        |error| TlsFault::Pem(name, error)
    };
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(pem(&files.certificate))?;
    config::owner_only("tls.key", &files.key)?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(pem(&files.key))?;
    Ok((chain, key))
}

/// The client's certificate on a connection; the handshake has proved its key and its
/// chain.
#[derive(Clone)]
pub struct Peer {
    /// DER.
    pub certificate: Arc<Vec<u8>>,
    /// SHA-256 of it.
    pub sha256: [u8; 32],
}

/// Keeps the client's certificate beside its connection.
pub fn keep_peer(connection: &dyn Any, data: &mut Extensions) {
    if let Some(stream) = connection.downcast_ref::<TlsStream<TcpStream>>()
        && let Some([leaf, ..]) = stream.get_ref().1.peer_certificates()
    {
        data.insert(Peer {
            sha256: Sha256::digest(leaf).into(),
            certificate: Arc::new(leaf.to_vec()),
        });
    }
}
