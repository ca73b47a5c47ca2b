//! The wire to the reader driver, against a driver made of a socket.

mod card_support;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use card_support::{Bench, blank_image};
use terminal::virtual_card::vpcd::Insertion;
use terminal::virtual_card::{ATR, Card};

struct Driver {
    listener: TcpListener,
    address: SocketAddr,
}

impl Driver {
    fn listen() -> Driver {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        Driver { listener, address }
    }

    fn accept(&self) -> Slot {
        let (stream, _) = self.listener.accept().expect("the card connects");
        stream
            .set_read_timeout(Some(Duration::from_secs(5)))
            .expect("a timeout");
        Slot(stream)
    }
}

struct Slot(TcpStream);

impl Slot {
    /// As vpcd does: length and body in two writes.
    fn say(&mut self, body: &[u8]) {
        self.0
            .write_all(&(body.len() as u16).to_be_bytes())
            .expect("written");
        self.0.write_all(body).expect("written");
    }

    fn hear(&mut self) -> Vec<u8> {
        let mut length = [0; 2];
        self.0.read_exact(&mut length).expect("an answer");
        let mut body = vec![0; usize::from(u16::from_be_bytes(length))];
        self.0.read_exact(&mut body).expect("the whole answer");
        body
    }

    fn ask(&mut self, body: &[u8]) -> Vec<u8> {
        self.say(body);
        self.hear()
    }

    /// The card has let go: end of stream, or a reset.
    fn is_empty(&mut self) -> bool {
        matches!(self.0.read(&mut [0; 1]), Ok(0) | Err(_))
    }
}

const SELECT: &[u8] = b"\x00\xA4\x04\x00\x09\xF0JITSUIN\x01";
const CARD_RECORD: &[u8] = &[0x80, 0xCA, 0x00, 0x01, 0x00];

fn card() -> Arc<Mutex<Card>> {
    Arc::new(Mutex::new(Bench::of(&blank_image()).card))
}

#[test]
fn power_reset_and_atr_are_the_readers_and_everything_else_is_a_command() {
    let driver = Driver::listen();
    let insertion = Insertion::start(card(), driver.address).expect("a thread");
    let mut slot = driver.accept();
    assert!(
        !insertion.is_connected(),
        "nobody has spoken to the card yet"
    );
    slot.say(&[1]);
    assert!(insertion.wait_connected(Duration::from_secs(5)));
    assert_eq!(slot.ask(&[4]), ATR);
    assert_eq!(slot.ask(SELECT), [0x90, 0x00]);
    assert_eq!(slot.ask(&[4]), ATR, "polled between commands");
    assert_eq!(slot.ask(CARD_RECORD).len(), 20);
    for volatile in [2, 0, 1] {
        assert_eq!(slot.ask(SELECT), [0x90, 0x00]);
        slot.say(&[volatile]);
        assert_eq!(
            slot.ask(CARD_RECORD),
            [0x6D, 0x00],
            "nothing is selected after {volatile}"
        );
    }
    // Longest command there can be.
    let mut longest = vec![0x80, 0x2A, 0, 0x80, 0];
    longest.extend((65_535u16 - 7).to_be_bytes());
    longest.resize(65_535, 7);
    assert_eq!(slot.ask(&longest), [0x6D, 0x00]);
    assert_eq!(slot.ask(&[0x80, 0xCA]), [0x67, 0x00]);
    insertion.remove();
    assert!(slot.is_empty());
}

#[test]
fn when_the_reader_service_comes_back_the_card_is_in_it_again() {
    let driver = Driver::listen();
    let insertion = Insertion::start(card(), driver.address).expect("a thread");
    let mut slot = driver.accept();
    assert_eq!(slot.ask(SELECT), [0x90, 0x00]);
    // Gone in the middle of a message.
    slot.0.write_all(&[0, 5, 0x80]).expect("written");
    slot.0.shutdown(Shutdown::Both).expect("gone");
    let address = driver.address;
    drop((slot, driver));
    std::thread::sleep(Duration::from_millis(500));
    assert!(!insertion.is_connected());

    let socket =
        socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    socket.set_reuse_address(true).expect("as vpcd does");
    socket.bind(&address.into()).expect("the same port");
    socket.listen(1).expect("listens");
    let driver = Driver {
        listener: socket.into(),
        address,
    };
    let mut slot = driver.accept();
    assert_eq!(
        slot.ask(CARD_RECORD),
        [0x6D, 0x00],
        "the power was gone in between"
    );
    assert_eq!(slot.ask(SELECT), [0x90, 0x00]);
}

#[test]
fn a_reader_that_talks_nonsense_is_left_and_tried_again() {
    for nonsense in [&[0u8, 0][..], &[0, 1, 9]] {
        let driver = Driver::listen();
        let _insertion = Insertion::start(card(), driver.address).expect("a thread");
        let mut slot = driver.accept();
        slot.0.write_all(nonsense).expect("written");
        assert!(slot.is_empty());
        assert_eq!(driver.accept().ask(&[4]), ATR);
    }
}

#[test]
fn a_card_is_taken_out_at_once_while_no_reader_is_there() {
    let driver = Driver::listen();
    let address = driver.address;
    drop(driver);
    let insertion = Insertion::start(card(), address).expect("a thread");
    assert!(!insertion.wait_connected(Duration::from_millis(300)));
    let begun = std::time::Instant::now();
    insertion.remove();
    assert!(begun.elapsed() < Duration::from_secs(2));
}
