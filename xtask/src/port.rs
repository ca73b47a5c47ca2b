//! Free TCP ports on loopback, below the range from which Linux takes ports for clients
//! (32768–60999): a server given a port of that range fails now and then with "address in use".

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::fault::{Fault, Result};

const LOWEST: u32 = 10_000;
const HIGHEST: u32 = 32_760;

static TURN: AtomicU32 = AtomicU32::new(0);

/// A free port.
pub fn free() -> Result<u16> {
    free_row(1)
}

/// The first of `count` free ports in a row (a vpcd reader takes one for each of its slots).
pub fn free_row(count: u16) -> Result<u16> {
    for _ in 0..400 {
        let first = candidate();
        let row: Vec<_> = (0..count)
            .map_while(|offset| TcpListener::bind((Ipv4Addr::UNSPECIFIED, first + offset)).ok())
            .collect();
        if row.len() == usize::from(count) {
            return Ok(first);
        }
    }
    Err(Fault::new(
        "no free TCP port between 10000 and 32760 was found in 400 tries",
    ))
}

/// Whether the port can be bound now.
pub fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok()
}

/// Whether something listens on the port, without connecting to it: a connection to a vpcd reader
/// would be a card.
pub fn is_listening(port: u16) -> bool {
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().any(|table| {
        std::fs::read_to_string(table)
            .unwrap_or_default()
            .lines()
            .skip(1)
            .any(|line| {
                let mut fields = line.split_whitespace().skip(1);
                let local = fields.next().and_then(|local| local.rsplit(':').next());
                let state = fields.nth(1);
                local.and_then(|hex| u16::from_str_radix(hex, 16).ok()) == Some(port)
                    && state == Some("0A")
            })
    })
}

/// Spreads the tries of processes and threads that look at the same time.
fn candidate() -> u16 {
    let turn = TURN.fetch_add(1, Ordering::Relaxed);
    let nanos = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.subsec_nanos());
    let mixed = (nanos ^ std::process::id().rotate_left(16) ^ turn.wrapping_mul(0x9E37_79B9))
        .wrapping_mul(0x85EB_CA6B);
    let port = LOWEST + (mixed >> 8) % (HIGHEST - LOWEST - 8);
    u16::try_from(port).expect("LOWEST..HIGHEST lies within u16")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_lie_below_the_range_of_client_ports_and_are_free() {
        for _ in 0..50 {
            let first = free_row(2).unwrap();
            assert!((10_000..32_768).contains(&first), "{first}");
            assert!(is_free(first) && is_free(first + 1));
        }
    }

    #[test]
    fn a_listener_is_seen_without_connecting_to_it() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, free().unwrap())).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(is_listening(port));
        assert!(!is_free(port));
        drop(listener);
        // A child that another test is starting holds the socket until its exec.
        let begun = std::time::Instant::now();
        while is_listening(port) && begun.elapsed().as_secs() < 5 {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        assert!(!is_listening(port));
    }
}
