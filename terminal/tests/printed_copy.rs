//! The printed copy, judged by poppler: what is on the paper is what is in the DER.

#[path = "../../pki-core/tests/certificate_support/mod.rs"]
mod certificate_support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use certificate_support::{Governor, SoftKey, at, chiyoda, open, sample};
use pki_core::certificate::image::CertificateImage;
use pki_core::certificate::public_key::SignatureAlgorithm;
use pki_core::certificate::{Subject, Subscriber};
use pki_core::person::certificate_items::{CertificateItems, CertificateItemsText};
use terminal::counter::copy;

const NOW: &str = "2026-11-22T06:00:00Z";
const FONT: &str = "/usr/share/fonts/opentype/ipaexfont-mincho/ipaexm.ttf";

fn items(name: &str, flags: &str, birth: &str, sex: &str, address: &str) -> CertificateItems {
    CertificateItems::parse(&CertificateItemsText {
        name: name.into(),
        name_substitution: flags.into(),
        birth_date: birth.into(),
        sex: sex.into(),
        address: address.into(),
        address_substitution: "0".repeat(address.chars().count()),
    })
    .unwrap()
}

fn certify(items: &CertificateItems) -> CertificateImage {
    certify_by("signature.toml", items)
}

fn certify_by(profile: &str, items: &CertificateItems) -> CertificateImage {
    let algorithm = SignatureAlgorithm::RsaPkcs1Sha256;
    let governor = Governor::new(SignatureAlgorithm::EcdsaP256Sha256, open());
    let certificate = governor.certify(
        &sample(profile, governor.algorithm),
        at(NOW),
        0x5A,
        &SoftKey::new(algorithm).public(),
        Subject::Subscriber(Subscriber {
            items,
            place: &chiyoda(),
            terminal: "131010001".parse().unwrap(),
            requested_at: at(NOW),
            sequence: 1,
        }),
    );
    CertificateImage::decode(&certificate.into_der()).unwrap()
}

/// Makes the copy and leaves it where it can be looked at.
fn printed(name: &str, image: &CertificateImage) -> PathBuf {
    let font = Arc::new(std::fs::read(FONT).unwrap());
    let terminal = "131010001".parse().unwrap();
    let pdf = copy::make(image, &terminal, None, &font, at(NOW)).unwrap();
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, pdf).unwrap();
    path
}

fn poppler(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn text(pdf: &Path) -> String {
    let text = poppler("pdftotext", &["-layout", pdf.to_str().unwrap(), "-"]);
    // Full-width forms read as the plain ones.
    text.chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| match c {
            '０'..='９' | 'Ａ'..='Ｚ' => char::from_u32(c as u32 - 0xFEE0).unwrap(),
            other => other,
        })
        .collect()
}

#[test]
fn the_paper_says_what_the_certificate_says() {
    let taro = items(
        "総務　太郎",
        "00000",
        "319500401",
        "1",
        "東京都千代田区霞が関２丁目１番２号",
    );
    let certificate = certify(&taro);
    let pdf = printed("copy-taro.pdf", &certificate);
    let text = text(&pdf);
    let sha256 = certificate.sha256();
    for expected in [
        "電子証明書の写し".to_owned(),
        "総務太郎".to_owned(),
        "昭和25年4月1日".to_owned(),
        "男".to_owned(),
        "東京都千代田区霞が関2丁目1番2号".to_owned(),
        "令和8年11月22日15時00分00秒から".to_owned(),
        "令和11年11月21日23時59分59秒まで".to_owned(),
        "東京都知事".to_owned(),
        "131010001".to_owned(),
        certificate.serial.to_string().to_uppercase(),
        pki_core::certificate::CheckCode::of(&sha256)
            .to_string()
            .replace('-', ""),
        hex::encode(sha256).to_uppercase()[..32].to_owned(),
    ] {
        let plain = expected.replace(['　', ' '], "");
        assert!(text.contains(&plain), "{expected} is missing in\n{text}");
    }
    assert!(!text.contains("代替文字"), "no substitute, no legend");
}

#[test]
fn substitutes_are_marked_and_explained_and_a_long_address_stays_on_one_page() {
    let address = "東京都千代田区丸の内１丁目１番１号千代田第一住宅公園側東棟１２３４号室鈴木方";
    let hanako = items("高橋　花子", "10000", "419900203", "2", address);
    let pdf = printed("copy-hanako.pdf", &certify(&hanako));
    assert!(text(&pdf).contains("代替文字です"));
    assert!(text(&pdf).contains("鈴木方"));
    let info = poppler("pdfinfo", &[pdf.to_str().unwrap()]);
    assert!(info.contains("Pages:           1"), "{info}");
    assert!(info.contains("A4"), "{info}");
}

#[test]
fn the_font_is_embedded_as_a_subset() {
    let taro = items(
        "総務　太郎",
        "00000",
        "319500401",
        "1",
        "東京都千代田区霞が関",
    );
    let pdf = printed("copy-font.pdf", &certify(&taro));
    let fonts = poppler("pdffonts", &[pdf.to_str().unwrap()]);
    let line = fonts.lines().nth(2).unwrap();
    assert!(
        line.contains("+IPAexMincho") && line.contains("yes yes yes"),
        "{fonts}"
    );
    assert!(std::fs::metadata(pdf).unwrap().len() < 200_000);
}

#[test]
fn the_copy_of_a_training_certificate_says_so_and_no_other_does() {
    let items = items(
        "総務　太郎",
        "00000",
        "319500401",
        "1",
        "東京都千代田区霞が関２丁目１番２号",
    );
    let training = certify_by("signature-training.toml", &items);
    let marked = text(&printed("training.pdf", &training));
    assert!(marked.contains("見本・訓練"), "{marked}");
    let plain = text(&printed("no-training.pdf", &certify(&items)));
    assert!(!plain.contains("訓練"), "{plain}");
}
