//! A browser's way to pages over mutual TLS: a server on loopback that hands every request on with a client's
//! certificate, as a browser with that certificate would send it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use xtask::fault::Result;

use crate::mtls::Client;

/// Largest request that is handed on, in bytes.
const LARGEST: usize = 64 * 1024;
/// Headers that are handed on.
const ON: [&str; 3] = ["cookie", "content-type", "accept-language"];
/// Headers that are handed back.
const BACK: [&str; 5] = [
    "content-type",
    "content-security-policy",
    "location",
    "set-cookie",
    "cache-control",
];

/// The server, ended when dropped.
pub struct Pane {
    base: String,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Pane {
    /// Serves what `client` is shown, one request after the other.
    pub fn open(client: Client) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let base = format!("http://{}", listener.local_addr()?);
        let over = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&over);
        let thread = std::thread::spawn(move || {
            for connection in listener.incoming() {
                if ended.load(Ordering::SeqCst) {
                    break;
                }
                if let Ok(connection) = connection {
                    // A browser that goes away in the middle asks again.
                    let _ = hand_on(&client, connection);
                }
            }
        });
        Ok(Self {
            base,
            over,
            thread: Some(thread),
        })
    }

    /// Where the browser goes.
    pub fn base(&self) -> &str {
        &self.base
    }
}

impl Drop for Pane {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // The server waits for a connection: this is the last.
        let _ = TcpStream::connect(self.base.trim_start_matches("http://"));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn hand_on(client: &Client, connection: TcpStream) -> Result<()> {
    let mut reader = BufReader::new(connection);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (Some(method), Some(path)) = (words.next(), words.next()) else {
        return Ok(());
    };
    let mut headers = Vec::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            break;
        }
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        let name = name.to_ascii_lowercase();
        if name == "content-length" {
            length = value.parse().unwrap_or(0).min(LARGEST);
        }
        if ON.contains(&name.as_str()) {
            headers.push((name, value.to_owned()));
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let reply = client.ask(&method, &path, &headers, &body)?;
    let mut answer = format!(
        "HTTP/1.1 {} handed on\r\nConnection: close\r\nContent-Length: {}\r\n",
        reply.status,
        reply.body.len()
    );
    for (name, value) in &reply.headers {
        if BACK.contains(&name.as_str()) {
            // This side has no TLS.
            let value = value.replace("; Secure", "");
            answer.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    answer.push_str("\r\n");
    let stream = reader.get_mut();
    stream.write_all(answer.as_bytes())?;
    stream.write_all(&reply.body)?;
    Ok(stream.flush()?)
}
