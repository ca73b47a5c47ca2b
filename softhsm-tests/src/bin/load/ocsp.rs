//! Asks a status server about certificates, over plain HTTP with keep-alive.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use base64::{Engine, engine::general_purpose::STANDARD};
use pki_core::certificate::CertificateImage;
use serde_json::json;
use xtask::fault::{Fault, OnPath, Result};

use crate::Options;

/// Asks at `--url` about the serials in `--serials` of the issuer `--issuer` (DER) for `--seconds` over
/// `--connections` connections. `--nonce yes` makes every request one that has to be signed for; `--way get`
/// asks with GET.
pub fn run(options: &Options) -> Result<serde_json::Value> {
    let url = options
        .text("url")?
        .trim_start_matches("http://")
        .to_owned();
    let (authority, path) = url
        .split_once('/')
        .ok_or_else(|| Fault::new("--url has no path"))?;
    let issuer = options.path("issuer")?;
    let image = CertificateImage::decode(&std::fs::read(&issuer).on(&issuer)?)
        .map_err(|error| Fault::new(error.to_string()))?;
    let file = options.path("serials")?;
    let serials: Vec<Vec<u8>> = std::fs::read_to_string(&file)
        .on(&file)?
        .lines()
        .map(|line| hex::decode(line).map_err(|_| Fault::new("a serial that is no hex")))
        .collect::<Result<_>>()?;
    let nonce = options.text("nonce")? == "yes";
    let get = options.text("way")? == "get";
    let (seconds, connections) = (options.number("seconds")?, options.number("connections")?);
    let asked = Asked {
        authority,
        path,
        issuer: &image,
        serials: &serials,
        nonce,
        get,
    };

    let (count, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let (done, took, length) = thread::scope(|scope| {
        let workers: Vec<_> = (0..connections)
            .map(|number| {
                scope.spawn({
                    let (asked, count, stop) = (&asked, &count, &stop);
                    move || ask_all(asked, number, count, stop)
                })
            })
            .collect();
        let begun = Instant::now();
        thread::sleep(Duration::from_secs(seconds as u64));
        let (done, took) = (count.load(Ordering::Relaxed), begun.elapsed().as_secs_f64());
        stop.store(true, Ordering::Relaxed);
        let mut length = 0;
        for worker in workers {
            length = worker
                .join()
                .unwrap_or_else(|_| Err(Fault::new("a connection's thread panicked")))?;
        }
        Ok::<_, Fault>((done, took, length))
    })?;
    Ok(json!({ "rate": done as f64 / took, "answers": done, "length": length }))
}

struct Asked<'a> {
    authority: &'a str,
    path: &'a str,
    issuer: &'a CertificateImage,
    serials: &'a [Vec<u8>],
    nonce: bool,
    get: bool,
}

fn ask_all(
    asked: &Asked<'_>,
    number: usize,
    count: &AtomicU64,
    stop: &AtomicBool,
) -> Result<usize> {
    let socket = TcpStream::connect(asked.authority)?;
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut stream = BufReader::new(socket);
    let mut turn = number;
    let mut body = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        turn += 1;
        let serial = &asked.serials[turn % asked.serials.len()];
        let nonce = asked
            .nonce
            .then(|| ((number as u128) << 64 | turn as u128).to_be_bytes());
        let request = request(asked.issuer, serial, nonce.as_ref());
        if asked.get {
            let text = STANDARD
                .encode(&request)
                .replace('+', "%2B")
                .replace('/', "%2F");
            let head = format!(
                "GET /{}/{text} HTTP/1.1\r\nHost: {}\r\n\r\n",
                asked.path, asked.authority
            );
            stream.get_mut().write_all(head.as_bytes())?;
        } else {
            let head = format!(
                "POST /{} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/ocsp-request\r\nContent-Length: {}\r\n\r\n",
                asked.path,
                asked.authority,
                request.len()
            );
            stream
                .get_mut()
                .write_all(&[head.as_bytes(), &request].concat())?;
        }
        let status = line(&mut stream)?;
        let mut length = 0;
        loop {
            let header = line(&mut stream)?.to_ascii_lowercase();
            match header.split_once(':') {
                Some(("content-length", value)) => length = value.trim().parse().unwrap_or(0),
                Some(_) => {}
                None => break,
            }
        }
        body.resize(length, 0);
        stream.read_exact(&mut body)?;
        // OCSPResponse { responseStatus ENUMERATED successful(0) }
        if !status.contains(" 200")
            || !body
                .windows(3)
                .take(8)
                .any(|window| window == [0x0A, 0x01, 0x00])
        {
            return Err(Fault::new(format!(
                "the responder answered {}",
                status.trim()
            )));
        }
        count.fetch_add(1, Ordering::Relaxed);
    }
    Ok(body.len())
}

fn line(stream: &mut BufReader<TcpStream>) -> Result<String> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Err(Fault::new("the responder closed the connection"));
    }
    Ok(line.trim_end().to_owned())
}

/// An OCSP request (RFC 6960 §4.1) with a SHA-1 CertID, as OpenSSL makes it.
fn request(issuer: &CertificateImage, serial: &[u8], nonce: Option<&[u8; 16]>) -> Vec<u8> {
    const SHA1: &[u8] = &[
        0x30, 0x09, 0x06, 0x05, 0x2B, 0x0E, 0x03, 0x02, 0x1A, 0x05, 0x00,
    ];
    let sha1 = |bytes: &[u8]| {
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, bytes)
            .as_ref()
            .to_vec()
    };
    let id = tlv(
        0x30,
        &[
            SHA1,
            &tlv(0x04, &sha1(issuer.subject.as_der())),
            &tlv(0x04, &issuer.public_key.key_id()),
            &tlv(0x02, serial),
        ]
        .concat(),
    );
    let list = tlv(0x30, &tlv(0x30, &id));
    let extensions = nonce.map(|nonce| {
        let oid = [
            0x06, 0x09, 0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x02,
        ];
        let value = tlv(0x04, &tlv(0x04, nonce));
        tlv(0xA2, &tlv(0x30, &tlv(0x30, &[&oid[..], &value].concat())))
    });
    tlv(
        0x30,
        &tlv(0x30, &[list, extensions.unwrap_or_default()].concat()),
    )
}

/// None of these is longer than 127 bytes but the outer ones, which stay below 256.
fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut der = vec![tag];
    if content.len() > 0x7F {
        der.push(0x81);
    }
    der.push(u8::try_from(content.len()).unwrap_or(u8::MAX));
    der.extend_from_slice(content);
    der
}
