//! A plain HTTP/1.1 client over mutual TLS with keep-alive: for what a terminal would never send, and for
//! measuring.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use xtask::fault::{Fault, Result};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A client with or without a certificate.
#[derive(Clone)]
pub struct Client {
    config: Arc<ClientConfig>,
    authority: String,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Header lines, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or(serde_json::Value::Null)
    }

    /// Last part of the problem's type.
    pub fn problem_type(&self) -> String {
        let problem = self.json();
        problem["type"]
            .as_str()
            .unwrap_or_default()
            .rsplit(':')
            .next()
            .unwrap_or_default()
            .to_owned()
    }
}

impl Client {
    /// A client for `https://HOST:PORT` that trusts the certificates in `trust` (PEM) and shows `identity`
    /// (certificate and key, PEM).
    pub fn new(url: &str, trust: &Path, identity: Option<(&Path, &Path)>) -> Result<Self> {
        let told = |error: &dyn std::fmt::Display| Fault::new(error.to_string());
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(trust).map_err(|e| told(&e))? {
            roots
                .add(certificate.map_err(|e| told(&e))?)
                .map_err(|e| told(&e))?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|e| told(&e))?
            .with_root_certificates(roots);
        let config = match identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = CertificateDer::pem_file_iter(certificate)
                    .map_err(|e| told(&e))?
                    .collect::<std::result::Result<Vec<_>, _>>()
                    .map_err(|e| told(&e))?;
                let key = PrivateKeyDer::from_pem_file(key).map_err(|e| told(&e))?;
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(|e| told(&e))?
            }
        };
        let authority = url
            .trim_start_matches("https://")
            .trim_end_matches('/')
            .to_owned();
        Ok(Self {
            config: Arc::new(config),
            authority,
        })
    }

    /// Opens a connection; the handshake happens with the first request.
    pub fn connect(&self) -> Result<Connection> {
        let host = self
            .authority
            .split(':')
            .next()
            .unwrap_or_default()
            .to_owned();
        let name = ServerName::try_from(host).map_err(|error| Fault::new(error.to_string()))?;
        let session = ClientConnection::new(Arc::clone(&self.config), name)
            .map_err(|error| Fault::new(error.to_string()))?;
        let socket = TcpStream::connect(self.authority.replace("localhost", "127.0.0.1"))?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_nodelay(true)?;
        Ok(Connection {
            stream: BufReader::new(StreamOwned::new(session, socket)),
            authority: self.authority.clone(),
        })
    }

    /// One request on a connection of its own.
    pub fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Reply> {
        self.connect()?.ask(method, path, headers, body)
    }
}

/// An open connection.
pub struct Connection {
    stream: BufReader<StreamOwned<ClientConnection, TcpStream>>,
    authority: String,
}

impl Connection {
    /// Sends a request and reads the answer.
    pub fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Reply> {
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n",
            self.authority,
            body.len()
        );
        if !body.is_empty()
            && !headers
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        {
            request.push_str("Content-Type: application/json\r\n");
        }
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        let mut bytes = request.into_bytes();
        bytes.extend_from_slice(body);
        let sent = self
            .stream
            .get_mut()
            .write_all(&bytes)
            .and_then(|()| self.stream.get_mut().flush());
        // A server that refuses early answers before everything is sent: the answer counts.
        match (self.answer(), sent) {
            (Ok(reply), _) => Ok(reply),
            (Err(_), Err(error)) => Err(error.into()),
            (Err(fault), Ok(())) => Err(fault),
        }
    }

    fn answer(&mut self) -> Result<Reply> {
        let status = self.line()?;
        let status = status
            .split_whitespace()
            .nth(1)
            .and_then(|code| code.parse().ok())
            .ok_or_else(|| Fault::new(format!("no HTTP answer: {status:?}")))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            match line.split_once(':') {
                Some((name, value)) => {
                    headers.push((name.to_ascii_lowercase(), value.trim().to_owned()))
                }
                None => break,
            }
        }
        let mut reply = Reply {
            status,
            headers,
            body: Vec::new(),
        };
        if let Some(length) = reply
            .header("content-length")
            .and_then(|text| text.parse::<usize>().ok())
        {
            reply.body.resize(length, 0);
            self.stream.read_exact(&mut reply.body)?;
        } else if reply.header("transfer-encoding") == Some("chunked") {
            loop {
                let size = self.line()?;
                let size = usize::from_str_radix(size.trim(), 16)
                    .map_err(|_| Fault::new("broken chunk"))?;
                let mut chunk = vec![0; size + 2];
                self.stream.read_exact(&mut chunk)?;
                chunk.truncate(size);
                reply.body.extend_from_slice(&chunk);
                if size == 0 {
                    break;
                }
            }
        }
        Ok(reply)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(Fault::new("the server closed the connection"));
        }
        Ok(line.trim_end().to_owned())
    }
}
