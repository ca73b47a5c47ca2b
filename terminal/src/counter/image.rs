//! The certificate image (証明書イメージ) for screen and paper: everything from the DER.

use pki_core::certificate::CheckCode;
use pki_core::certificate::image::CertificateImage;
use pki_core::person::certificate_items::CertificateItemsText;
use pki_core::person::era::BirthDate;
pub use pki_core::person::era::{day_in_era, moment_in_era};
use serde_json::{Value, json};

/// The birth date in era form.
pub fn birth_date(items: &CertificateItemsText) -> String {
    BirthDate::from_code(&items.birth_date)
        .map_or_else(|_| items.birth_date.clone(), |date| date.to_string())
}

/// 男 or 女.
pub fn sex(items: &CertificateItemsText) -> &str {
    match items.sex.as_str() {
        "1" => "男",
        "2" => "女",
        other => other,
    }
}

/// Positions, from 0, at which a substitute character stands.
pub fn substitutes(flags: &str) -> Vec<usize> {
    flags
        .chars()
        .enumerate()
        .filter(|(_, flag)| *flag == '1')
        .map(|(i, _)| i)
        .collect()
}

/// The organisation's names in a directory name, outermost first: governor and the like.
pub fn names(name: &pki_core::certificate::name::Name) -> Vec<String> {
    name.attributes()
        .into_iter()
        .filter(|attribute| attribute.key != "C")
        .map(|attribute| attribute.value)
        .collect()
}

/// What a key for signing in is good for, as it stands on image and copy.
pub const USE_OF_SIGNING_IN: &str = "利用者証明（ログイン）";

/// The image as JSON.
pub fn shown(image: &CertificateImage) -> Value {
    let sha256 = image.sha256();
    let items = image.personal.as_ref().map(|items| {
        json!({
            "name": {"value": items.name, "substitutes": substitutes(&items.name_substitution)},
            "birth_date": {"value": birth_date(items), "code": items.birth_date},
            "sex": {"value": sex(items), "code": items.sex},
            "address": {"value": items.address, "substitutes": substitutes(&items.address_substitution)},
        })
    });
    let items_absent = items.is_none();
    json!({
        "items": items,
        "serial": image.serial.to_string(),
        "issuer": {
            "name": image.issuer.to_string(),
            "japanese": image.issuer_directory_name.as_ref().map(names),
        },
        "subject": image.subject.to_string(),
        "user": image.user.as_ref().filter(|_| items_absent).map(|user| json!({
            "name": format!("{}{}", user.opaque, user.window),
            "use": USE_OF_SIGNING_IN,
        })),
        "valid": {
            "from": {"era": moment_in_era(image.not_before), "utc": image.not_before},
            "until": {"era": moment_in_era(image.not_after), "utc": image.not_after},
        },
        "signature_algorithm": image.signature_algorithm,
        "key": {
            "sha256": hex::encode(image.public_key.sha256()),
            "usage": image.key_usage,
        },
        "policies": image.policies.iter().map(|p| json!({"oid": p.oid, "cps": p.cps})).collect::<Vec<_>>(),
        "distribution_points": image.distribution_points.iter().map(|point| json!({
            "name": point.name.as_ref().map(ToString::to_string),
            "uris": point.uris,
        })).collect::<Vec<_>>(),
        "certificate_sha256": hex::encode(sha256),
        "check_code": CheckCode::of(&sha256).to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_year_of_an_era_is_written_gannen() {
        let day = |y, m, d| day_in_era(jiff::civil::date(y, m, d));
        assert_eq!(day(2019, 4, 30), "平成31年4月30日");
        assert_eq!(day(2019, 5, 1), "令和元年5月1日");
        assert_eq!(day(2026, 11, 22), "令和8年11月22日");
    }

    #[test]
    fn the_end_of_a_day_in_japan_is_shown_as_such() {
        let end: jiff::Timestamp = "2029-11-21T14:59:59Z".parse().unwrap();
        assert_eq!(moment_in_era(end), "令和11年11月21日 23時59分59秒");
    }
}
