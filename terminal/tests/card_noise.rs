//! Noise: random and mutated commands neither panic nor break the card.

mod card_support;

use card_support::host::{self, Channel, read_file, verify, wrap_padded};
use card_support::{Bench, PASSWORD, blank_image, card_keys, first_pair, visit_keys};
use terminal::virtual_card::{Image, OperatorImage, SharedMemory};

/// Numbers that are the same in every run (SplitMix64).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }

    /// An APDU: well-formed and of the card's own vocabulary, mutated, or noise.
    fn apdu(&mut self, aids: &[&[u8]]) -> Vec<u8> {
        const HEADERS: [[u8; 4]; 24] = [
            [0x80, 0xCA, 0, 0x10],
            [0x80, 0xCA, 0, 0x01],
            [0, 0xA4, 4, 0],
            [0, 0xA4, 2, 0x0C],
            [0, 0xB0, 0, 0],
            [0, 0x20, 0, 0x80],
            [0, 0x24, 1, 0x80],
            [0x80, 0x2A, 0, 0x80],
            [0, 0xC0, 0, 0],
            [0x80, 0xCA, 0, 3],
            [0x80, 0x50, 0x20, 0],
            [0x80, 0x50, 0x30, 0],
            [0x84, 0x82, 0x33, 0],
            [0x84, 0xD8, 0x30, 0],
            [0x84, 0xE2, 1, 0],
            [0x84, 0xE4, 0, 0],
            [0x84, 0x2C, 0, 0],
            [0x84, 0xDA, 1, 0],
            [0x84, 0x46, 0, 0],
            [0x84, 0x47, 0, 0],
            [0x84, 0x4E, 0, 0],
            [0x80, 0x88, 0, 0],
            [0x80, 0xDA, 0, 0x11],
            [0x80, 0x46, 0, 0x10],
        ];
        if self.below(8) == 0 {
            let length = self.below(40);
            return self.bytes(length);
        }
        let mut apdu = HEADERS[self.below(HEADERS.len())].to_vec();
        let length = [0, 0, 1, 8, 16, 24, 200, 255][self.below(8)];
        let data = match (apdu[1], apdu[2]) {
            (0xA4, 4) => aids[self.below(aids.len())].to_vec(),
            (0xA4, _) => vec![0, self.below(0x20) as u8],
            _ => self.bytes(length),
        };
        if !data.is_empty() {
            if self.below(6) == 0 {
                apdu.extend([0, (data.len() >> 8) as u8]);
            }
            apdu.push(data.len() as u8);
            apdu.extend(data);
        }
        match self.below(8) {
            0..=3 => apdu.push(0),
            4 => {
                let at = self.below(apdu.len());
                apdu[at] = self.next() as u8;
            }
            5 => apdu.truncate(1 + self.below(apdu.len())),
            _ => {}
        }
        apdu
    }
}

#[test]
fn a_hundred_thousand_commands_of_noise_neither_panic_nor_break_the_card() {
    let operator = OperatorImage::new("13101-0001", b"123456").expect("rules kept");
    for (image, seed, aids) in [
        (blank_image(), 1, vec![host::JPKI, host::PERSONALISATION]),
        (Image::Operator(Box::new(operator)), 2, vec![host::OPERATOR]),
    ] {
        let mut noise = Noise(seed);
        let mut bench = Bench::of(&image);
        let mut answered = 0;
        for n in 0..50_000 {
            let apdu = noise.apdu(&aids);
            let answer = bench.card.process(&apdu);
            assert!((2..=65_535).contains(&answer.len()), "{apdu:02X?}");
            answered += usize::from(answer.ends_with(&[0x90, 0x00]));
            if n % 997 == 0 {
                bench.power_cycle();
            }
        }
        assert!(
            answered > 500,
            "noise that never gets through tests nothing: {answered}"
        );
        assert!(
            bench.memory.snapshot().len() < 8_192,
            "the image has not grown"
        );
    }
}

#[test]
fn noise_inside_an_open_channel_neither_panics_nor_finishes_anything() {
    let (mut bench, certificate) = Bench::certified(first_pair());
    host::open_visit(&mut bench.card, 2).expect("prepared");
    let image = bench.memory.snapshot();
    let mut noise = Noise(3);
    for round in 0..300 {
        let keys = if round % 2 == 0 {
            visit_keys(2)
        } else {
            card_keys()
        };
        let Ok(mut channel) = Channel::open(&mut bench.card, &keys) else {
            bench = Bench::on(SharedMemory::new(&image));
            continue;
        };
        for _ in 0..20 {
            let ins = [0xDA, 0x46, 0x47, 0x24, 0xD8, 0xE2, 0x2C, 0x00][noise.below(8)];
            let (p1, p2) = (
                [0, 1, 2, 4, 5, 0x81, 0x84, 0x30][noise.below(8)],
                noise.below(3) as u8,
            );
            let length = noise.below(201);
            let data = noise.bytes(length);
            let wrapped = wrap_padded(&keys.dek, &noise.bytes(24));
            let _ = channel.send(
                ins,
                p1,
                p2,
                if noise.below(2) == 0 { &data } else { &wrapped },
            );
        }
    }
    bench.power_cycle();
    Channel::open(&mut bench.card, &card_keys())
        .expect("open")
        .send(0x2C, 0, 0, &[])
        .expect("unlocked");
    verify(&mut bench.card, PASSWORD).expect("the password is the old one");
    assert_eq!(read_file(&mut bench.card, 0x0001), Ok(certificate));
    assert_eq!(
        host::card_record(&mut bench.card).map(|r| r.generation),
        Ok(1)
    );
}
