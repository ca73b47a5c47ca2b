//! The buttons of an application's page: each presses the same as `/api/…` does.

use actix_web::HttpResponse;
use actix_web::web::Path;
use pki_core::id::ApplicationId;
use schema::wire::v1::ra::{
    CharacterChoice, CharacterChoices, CharacterFindings, IdentityDocument, IdentityRequest,
    IdentityVerdict, ImageVerdict, ReplyRequest,
};

use super::answer::{Answer, answer, telling};
use super::days;
use super::desk::Desk;
use super::inquiry;
use super::same_visit;
use super::walk::{Typed, nothing, shown};
use crate::counter::Counter;
use crate::counter::http::{Window, id};
use crate::local::{Fields, Problem};

/// Presses a button, then shows what is due next, or the same page with what went wrong.
pub async fn press(
    window: Window,
    desk: Desk,
    path: Path<(String, String)>,
    fields: Fields,
) -> Result<HttpResponse, Problem> {
    answer(window, desk, move |counter, desk| {
        let (application, button) = path.into_inner();
        let id = id(&Path::from(application))?;
        match pressed(counter, &id, &button, &fields) {
            Ok(()) => Ok(Answer::Go(format!("/screens/applications/{id}"))),
            Err(problem) => telling(problem, |problem| {
                shown(counter, desk, &id, Some(problem), Typed::of(&fields))
            }),
        }
    })
    .await
}

fn pressed(
    counter: &Counter,
    id: &ApplicationId,
    button: &str,
    fields: &Fields,
) -> Result<(), Problem> {
    match button {
        "identity" => counter.identity(id, &identity(fields)?),
        "identity-of-visit" => counter.reuse_identity(id, &same_visit::pressed(fields)),
        "inquiry" => counter.send_inquiry(id),
        "reply" => counter.record_reply(id, &accepted_with_face(inquiry::reply(fields)?)?),
        "prepare-card" => counter.prepare_card(id),
        "read-public-key" => counter.read_public_key(id),
        "characters" => counter.settle(id, &choices(counter, id, fields)?),
        "issue" => counter.issue(id),
        "image" => counter.confirm_image(id, verdict(fields)?),
        "write-card" => counter.write_card(id, &fields.secret("password")),
        "fee" => {
            let amount = fields.text("amount").replace(',', "");
            let amount = amount.parse().map_err(|_| nothing())?;
            counter.fee(id, amount)
        }
        "hand-over" => counter.hand_over(id),
        "withdraw" => counter.cancel(id),
        _ => return Err(nothing()),
    }
    .map(drop)
}

/// The document that the form names.
pub(super) fn document(fields: &Fields) -> Result<IdentityDocument, Problem> {
    let expires_on = match fields.text("expires_on") {
        "" => None,
        text => Some(days::read(text, "/document/expires_on")?.to_string()),
    };
    let kind = fields.filled("document").ok_or_else(|| {
        Problem::at(
            "/document",
            "no document was chosen",
            "提示された書類を選んでください。",
            "Choose the document that was shown.",
        )
    })?;
    Ok(IdentityDocument {
        kind,
        issuer: fields.filled("issuer"),
        expires_on,
    })
}

/// What the clerk decides.
pub(super) fn decision(fields: &Fields) -> Result<IdentityVerdict, Problem> {
    match fields.text("decision") {
        "accepted" => Ok(IdentityVerdict::Accepted),
        "refused" => Ok(IdentityVerdict::Refused),
        _ => Err(nothing()),
    }
}

fn face_not_compared() -> Problem {
    Problem::at(
        "/face",
        "accepted without the face compared",
        "顔写真と本人を見比べ、確認欄に印を付けてください。",
        "Compare the face with the photo and tick the box.",
    )
}

fn accepted_with_face(reply: ReplyRequest) -> Result<ReplyRequest, Problem> {
    if reply.decision == IdentityVerdict::Accepted && !reply.face_matches {
        return Err(face_not_compared());
    }
    Ok(reply)
}

fn identity(fields: &Fields) -> Result<IdentityRequest, Problem> {
    let decision = decision(fields)?;
    let face_matches = fields.ticked("face");
    if decision == IdentityVerdict::Accepted && !face_matches {
        return Err(face_not_compared());
    }
    Ok(IdentityRequest {
        document: document(fields)?,
        face_matches,
        decision,
        remark: fields.filled("remark"),
    })
}

fn verdict(fields: &Fields) -> Result<ImageVerdict, Problem> {
    match fields.text("verdict") {
        "right" => Ok(ImageVerdict::Right),
        "person-wrong" => Ok(ImageVerdict::PersonWrong),
        "issuer-wrong" => Ok(ImageVerdict::IssuerWrong),
        "substitute-wish" => Ok(ImageVerdict::SubstituteWish),
        _ => Err(nothing()),
    }
}

/// One choice for each character that was found: a candidate, or the kana typed.
fn choices(
    counter: &Counter,
    id: &ApplicationId,
    fields: &Fields,
) -> Result<CharacterChoices, Problem> {
    let found: CharacterFindings = serde_json::from_value(counter.characters(id)?)
        .map_err(|error| Problem::internal(&error))?;
    let choices = found.findings.into_iter().map(|finding| {
        let place = format!("{}-{}", finding.item, finding.position);
        let chosen = match fields.text(&format!("choice-{place}")) {
            "kana" | "" => fields.filled(&format!("kana-{place}")),
            candidate => Some(candidate.to_owned()),
        };
        let substitute = chosen.ok_or_else(|| {
            Problem::at(
                &format!("/{}", finding.item),
                format!("nothing was chosen for {}", finding.code_point),
                "それぞれの文字について、候補を選ぶか、かなを入力してください。",
                "Choose a candidate for each character, or enter kana.",
            )
        })?;
        Ok(CharacterChoice {
            item: finding.item,
            position: finding.position,
            substitute,
        })
    });
    let choices = choices.collect::<Result<_, Problem>>()?;
    Ok(CharacterChoices { choices })
}
