//! A server of one fixed body, the yardstick of OCSP answers from memory.

use std::{io, net::TcpListener, sync::Arc, time::Duration};

use crate::{
    adapter::{database::Database, system::SystemClock},
    app::{
        answer_anew::Anew,
        answer_ocsp::{SigningQuota, StatusApp},
    },
    http,
    port::fake::FakeSigner,
};

/// Serve `length` octets that look like a successful OCSPResponse.
pub fn serve(listener: TcpListener, workers: usize, length: usize) -> io::Result<()> {
    let mut body = vec![0x30, 0x82, 0, 0, 0x0A, 1, 0];
    body.resize(length.max(body.len()), 0);
    // Nobody asks it: no route of this server does.
    let nowhere = Database::open_to_read("sqlite:/nonexistent", 1).map_err(io::Error::other)?;
    let app = StatusApp {
        store: Arc::new(nowhere),
        signer: Arc::new(FakeSigner::default()),
        clock: Arc::new(SystemClock),
        issuers: Vec::new(),
        validity: Duration::ZERO,
        reuse: Duration::ZERO,
        lease: None,
        anew: Anew::default(),
        crl_folder: std::path::PathBuf::new(),
        quota: SigningQuota::new(1),
        records: None,
    };
    http::fixed::serve(listener, workers, Arc::new(app), body.into())
}
