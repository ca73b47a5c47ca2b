//! What the clerk can do about each refusal of the gateway, by its problem type.

use crate::gateway::GatewayFault;
use crate::local::problem::Say;
use crate::local::{Kind, Problem};

/// Sentences by problem type: Japanese, English.
const ADVICE: &[(&str, &str, &str)] = &[
    (
        "role-forbids",
        "この操作は、あなたの役割ではできません。窓口担当または責任者が行ってください。",
        "Your role does not allow this. A clerk or supervisor has to do it.",
    ),
    (
        "same-person",
        "依頼した人・実行する人と、承認する人は別でなければなりません。ほかの責任者に頼んでください。",
        "Who asks or acts cannot approve. Ask another supervisor.",
    ),
    (
        "approval-needed",
        "責任者の承認が必要です。承認の期限が過ぎたときは、もう一度依頼してください。",
        "A supervisor has to approve this. When its time is over, ask again.",
    ),
    (
        "approval-invalid",
        "承認を確認できませんでした。すでに決まっていないか、承認の画面を開き直してください。",
        "The approval does not hold. Open it again; it may have been decided.",
    ),
    (
        "approvals-full",
        "承認待ちが多すぎます。先に責任者の承認を受けてください。",
        "Too many requests wait. A supervisor has to decide on them first.",
    ),
    (
        "day-closed",
        "この日（月）はすでに締められています。",
        "This day or month is closed already.",
    ),
    (
        "day-open",
        "先に、締められていない日を締めてください。月の途中では確定できません。",
        "Close the open day first; a month is made final when it is over.",
    ),
    (
        "entry-final",
        "この収納はすでに取り消されているか、反対仕訳です。明細を確かめてください。",
        "This entry was taken back already, or is a counter-entry. See the book.",
    ),
    (
        "place-forbids",
        "この端末では作業できません。設置場所の登録を都道府県に確かめてください。",
        "You cannot work at this terminal. Ask the prefecture about the file of places.",
    ),
    (
        "window-closed",
        "受付時間外です。開庁してから操作するか、責任者が開庁時間を延長してください。",
        "The window is closed. Come back when it opens, or a supervisor keeps it open.",
    ),
    (
        "other-mode",
        "訓練用と本番用がまじっています。この端末は使わず、都道府県に連絡してください。",
        "Something for training meets something that is not. Do not use this terminal; call the prefecture.",
    ),
    (
        "party-suspended",
        "この端末は使用を停止されています。都道府県の認証局に連絡してください。",
        "This terminal is suspended. Call the prefecture's certificate authority.",
    ),
    (
        "party-unknown",
        "この端末は登録されていません。都道府県の認証局に連絡してください。",
        "This terminal is not registered. Call the prefecture's certificate authority.",
    ),
    (
        "sign-in-refused",
        "操作者として認められません。操作者カードを確かめ、直らないときは管理者に連絡してください。",
        "You are not accepted as an operator here. Check the card, else call the administrator.",
    ),
    (
        "not-found",
        "該当する申請がありません。一覧から選び直してください。",
        "There is no such application here. Choose it from the list.",
    ),
    (
        "body-invalid",
        "入力に誤りがあります。示された項目を直してください。",
        "The input has a fault. Correct the items shown.",
    ),
    (
        "items-invalid",
        "入力した項目に誤りがあります。示された項目を申請書や書類と照らして直してください。",
        "An item cannot be right. Correct what is shown against the form or document.",
    ),
    (
        "card-refused",
        "カードが処理を受け付けませんでした。別のカードに替えるか、もう一度押してください。",
        "The card refused. Press again, or take another card.",
    ),
    (
        "channel-unknown",
        "カードとの通信が途切れました。もう一度押してください。",
        "The link to the card was lost. Press again.",
    ),
    (
        "proof-invalid",
        "公開鍵の証明が確認できません。鍵ペアを作り直してください（「カード準備」から）。",
        "The proof of the key does not hold. Make the key again, from card preparation on.",
    ),
    (
        "visit-foreign",
        "この申請のために作られた鍵ではありません。カードを取り違えていないか確かめてください。",
        "This key was not made for this application. Check whose card it is.",
    ),
    (
        "kiosk-record-invalid",
        "鍵ペア生成装置の記録が確認できません。鍵ペアを作り直してください。",
        "The kiosk's record does not hold. Make the key again.",
    ),
    (
        "public-key-reused",
        "この公開鍵はすでに使われています。鍵ペアを作り直してください（「カード準備」から）。",
        "This key is already in use. Make a new one, from card preparation on.",
    ),
    (
        "substitute-invalid",
        "その代替文字は使えません。候補の中から選ぶか、かなを入力してください。",
        "This substitute cannot be used. Choose a candidate, or kana.",
    ),
    (
        "step-not-due",
        "この操作は今の段階ではできません。表示された次の操作を行ってください。",
        "This is not due now. Do the step that is shown as next.",
    ),
    (
        "changed-meanwhile",
        "ほかの端末でこの申請が進められました。読み込み直してください。",
        "Another terminal has gone on with this application. Load it again.",
    ),
    (
        "no-kiosk",
        "使える鍵ペア生成装置がありません。装置の電源と状態を確かめてください。",
        "No kiosk is available. Check the machine.",
    ),
    (
        "certificate-in-effect",
        "この方の有効な電子証明書があります。先に失効の手続きをしてください。",
        "The applicant has a certificate in effect. Have it revoked first.",
    ),
    (
        "not-identified",
        "住民基本台帳で本人と確認できません。転出や氏名・住所の変更がないか確かめてください。",
        "The register does not confirm the holder. See whether they moved or changed name or address.",
    ),
    (
        "lane-full",
        "ただいま混み合っています。少し待ってから、もう一度押してください。ほかの手続は続けられます。",
        "Too much of this work is under way. Wait a moment and press again; other work goes on.",
    ),
    (
        "kind-not-open",
        "この種別の申請は今は受け付けられません。申請者を検索し直し、示された申請を選んでください。",
        "This kind of application is not open now. Search again and choose one that is shown.",
    ),
    (
        "register-disagrees",
        "台帳と一致しないため照会書は送れません。不受理とするか、取り下げて受け付け直してください。",
        "The register disagrees, so no letter is sent. Refuse the application, or begin anew.",
    ),
    (
        "reply-refused",
        "回答書を受け付けられません。番号と期限を確かめてください。期限を過ぎたときは申請をやり直します。",
        "The reply cannot be taken. Check its code and its day; past its day, begin anew.",
    ),
    (
        "confirmation-refused",
        "承認できません。決定した人とは別の責任者が、申請を開き直して承認してください。",
        "It cannot be confirmed so. Another operator than who decided opens the application and confirms.",
    ),
    (
        "issuing-stopped",
        "認証局が発行を止めています。再開の連絡があるまでお待ちください。",
        "The certificate authority has stopped issuing. Wait until it is released.",
    ),
    (
        "authority-refused",
        "認証局が受け付けませんでした。示された理由を確かめてください。",
        "The certificate authority refused. See the reason shown.",
    ),
    (
        "act-invalid",
        "電文の署名が確認できません。端末の時計を確かめ、サインインし直してください。",
        "The signed act was not accepted. Check this terminal's clock and sign in again.",
    ),
    (
        "image-foreign",
        "表示した証明書と違います。イメージを表示し直してください。",
        "This is not the certificate that was shown. Show the image again.",
    ),
    (
        "trial-signature-invalid",
        "試し署名が確認できません。カードを置き直して、もう一度書き込んでください。",
        "The trial signature does not hold. Place the card again and write again.",
    ),
    (
        "certificate-differs",
        "カードの内容が発行された証明書と違います。もう一度書き込んでください。",
        "The card holds another certificate than issued. Write again.",
    ),
    (
        "fee-differs",
        "手数料の額が違います。表示された額を受け取ってください。",
        "The amount is not the fee that is due. Take the amount shown.",
    ),
    (
        "too-many-requests",
        "続けて操作されました。少し待ってから押してください。",
        "Too many requests. Wait a moment and press again.",
    ),
    (
        "token-away",
        "認証局の装置が一時的に使えません。しばらくしてから、もう一度押してください。",
        "The authority's signing device is away. Press again in a while.",
    ),
    (
        "authority-away",
        "認証局と連絡がとれません。しばらくしてから、もう一度押してください。",
        "The certificate authority does not answer. Press again in a while.",
    ),
    (
        "register-away",
        "住民基本台帳と連絡がとれません。しばらくしてから、もう一度押してください。",
        "The resident register does not answer. Press again in a while.",
    ),
];

fn advice(problem_type: Option<&str>) -> Say {
    ADVICE
        .iter()
        .find(|(name, ..)| Some(*name) == problem_type)
        .map_or_else(
            || {
                Say::new(
                    "受付サーバが受け付けませんでした。示された理由を確かめてください。",
                    "The reception server refused. See the reason shown.",
                )
            },
            |(_, ja, en)| Say::new(ja, en),
        )
}

/// Whether the gateway no longer knows the operator's session.
pub fn session_ended(fault: &GatewayFault) -> bool {
    matches!(
        fault.problem_type(),
        Some("session-required" | "session-invalid")
    )
}

impl From<GatewayFault> for Problem {
    fn from(fault: GatewayFault) -> Self {
        match &fault {
            _ if session_ended(&fault) => sign_in_needed("the gateway has ended the session"),
            GatewayFault::Refused(status, document) | GatewayFault::Later(status, document) => {
                Self::passed_on(*status, document, advice(fault.problem_type()))
            }
            GatewayFault::Away(_) => Self::new(
                Kind::GatewayAway,
                fault.to_string(),
                "受付サーバと連絡がとれません。同じボタンをもう一度押すと、続きから行います。",
                "The reception server does not answer. Press the same button again to go on.",
            ),
            GatewayFault::Form(_) => {
                tracing::error!(%fault, "gateway");
                Self::new(
                    Kind::GatewayRefused,
                    fault.to_string(),
                    "受付サーバの応答が読めません。管理者に連絡してください。",
                    "The reception server's answer cannot be read. Call the administrator.",
                )
            }
        }
    }
}

/// Nobody is signed in.
pub fn sign_in_needed(detail: &str) -> Problem {
    Problem::new(
        Kind::SignInNeeded,
        detail,
        "操作者カードを置いてサインインしてください。",
        "Place the operator card and sign in.",
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_refusal_carries_the_gateways_type_and_what_to_do() {
        let document = json!({"type": "urn:jitsuin:problem:fee-differs", "title": "Fee differs",
                              "status": 422, "detail": "500 yen are due"});
        let problem = Problem::from(GatewayFault::Refused(422, document)).document();
        assert_eq!(problem["status"], 422);
        assert_eq!(problem["type"], "urn:jitsuin:problem:fee-differs");
        assert!(problem["say"]["en"].as_str().unwrap().contains("amount"));
    }

    #[test]
    fn an_ended_session_asks_to_sign_in_again() {
        let document = json!({"type": "urn:jitsuin:problem:session-invalid"});
        let problem = Problem::from(GatewayFault::Refused(401, document));
        assert_eq!(problem.kind(), Kind::SignInNeeded);
    }
}
