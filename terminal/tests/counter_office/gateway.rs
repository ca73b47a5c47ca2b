//! A gateway in memory that keeps one till and one paper, and decides on approvals by the product's rules.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use pki_core::approval::{Approval, Statement, Subject};
use pki_core::certificate::public_key::PublicKey;
use pki_core::id::ApprovalId;
use pki_core::kept_paper::order::PaperOrder;
use pki_core::operator::Role;
use schema::wire::bytes::Base64;
use schema::wire::v1::ra::*;
use serde_json::{Value, json};
use terminal::gateway::{Gateway, GatewayFault, Method};

use crate::{APPLICATION, CHIEF, CLERK, NUMBER, PAPER};

/// The gateway.
#[derive(Clone)]
pub struct Office(pub Arc<Mutex<State>>);

pub struct State {
    pub keys: HashMap<String, PublicKey>,
    pub signed_in: Option<String>,
    pub approval: Option<(Approval, ApprovalMessage)>,
    pub closed: Option<TillCloseRequest>,
    pub countered: bool,
    pub remitted: bool,
    pub orders: Vec<PaperOrderMessage>,
}

fn refused(status: u16, kind: &str) -> GatewayFault {
    let kind = format!("urn:jitsuin:problem:{kind}");
    GatewayFault::Refused(
        status,
        json!({"type": kind, "status": status, "detail": kind}),
    )
}

fn totals() -> Vec<KindTotalMessage> {
    vec![KindTotalMessage {
        kind: "first".into(),
        taken: 3,
        taken_yen: 1_500,
        taken_back: 0,
        taken_back_yen: 0,
    }]
}

impl State {
    fn entry(&self) -> TillEntry {
        TillEntry {
            number: NUMBER.into(),
            application: APPLICATION.into(),
            kind: "first".into(),
            amount_yen: 500,
            counter_of: None,
            operator: CLERK.into(),
            at: "2026-11-20T01:00:00Z".into(),
            booked_on: "2026-11-20".into(),
        }
    }

    fn till(&self) -> TillDay {
        TillDay {
            day: "2026-11-20".into(),
            today: "2026-11-22".into(),
            entries: vec![self.entry()],
            totals: totals(),
            booked_yen: 1_500,
            close: self.closed.as_ref().map(|close| DayCloseMessage {
                closed_at: "2026-11-20T08:30:00Z".into(),
                operator: CLERK.into(),
                counted_yen: close.counted_yen,
                difference_yen: close.counted_yen - 1_500,
                reason: close.reason.clone(),
            }),
            oldest_open: self.closed.is_none().then(|| "2026-11-20".into()),
            handed_over_unpaid: vec![APPLICATION.into()],
        }
    }

    fn paper(&self) -> KeptPaper {
        KeptPaper {
            id: PAPER.into(),
            application: Some(APPLICATION.into()),
            notice: None,
            kind: "other".into(),
            media: "image/png".into(),
            bytes: 2048,
            pages: 1,
            received_at: "2026-11-20T01:00:00Z".into(),
            due_on: "2036-11-21".into(),
            held: self.orders.last().is_some_and(|last| last.order == "hold"),
        }
    }

    /// An order by the product's rules: approved for exactly this.
    fn order(&mut self, order: &str, wish: &PaperOrderRequest) -> Result<(), GatewayFault> {
        let (approval, shown) = self.approval.as_ref().unwrap();
        assert_eq!(wish.approval.as_deref(), Some(shown.id.as_str()));
        let by = self.signed_in.clone().unwrap();
        let subject = PaperOrder::parse(order)
            .unwrap()
            .subject(
                PAPER.parse().unwrap(),
                Some(APPLICATION.parse().unwrap()),
                &wish.reason,
            )
            .unwrap();
        approval
            .allows(&subject, &by.parse().unwrap(), Timestamp::now())
            .map_err(|fault| refused(409, &format!("approval-needed ({fault})")))?;
        self.orders.push(PaperOrderMessage {
            order: order.into(),
            reason: wish.reason.clone(),
            by,
            approved_by: CHIEF.into(),
            at: "2026-11-22T01:00:00Z".into(),
        });
        Ok(())
    }

    fn remittance(&self) -> RemittanceView {
        RemittanceView {
            municipality: "13101".into(),
            month: "2026-10".into(),
            totals: totals(),
            lines: 3,
            booked_yen: 1_500,
            days: vec![RemittanceDay {
                day: "2026-10-05".into(),
                lines: 3,
                booked_yen: 1_500,
                counted_yen: 1_500,
            }],
            blocked: None,
            remitted_at: self.remitted.then(|| "2026-11-02T01:00:00Z".into()),
            remitted_by: self.remitted.then(|| CHIEF.into()),
        }
    }

    fn statistics(&self) -> StatisticsView {
        let classes = |classes: &[&str], count: u32| {
            let class = |class: &&str| ClassCount {
                class: (*class).to_owned(),
                count: if *class == classes[0] { count } else { 0 },
            };
            classes.iter().map(class).collect::<Vec<_>>()
        };
        let month = |number: u32| MonthStatistics {
            month: format!("2026-{number:02}"),
            issued: classes(&["first", "renewal", "reissue-merger"], number * 7 % 23),
            revoked: classes(&["article9", "article10-loss", "article12"], number % 5),
            fees: totals(),
            waiting: (number == 11).then_some(WaitingMessage {
                count: 31,
                median_s: 425,
                p90_s: 1_110,
            }),
        };
        StatisticsView {
            municipality: "13101".into(),
            months: (1..=11).map(month).collect(),
        }
    }

    fn ask(&mut self, wish: ApprovalRequest) -> Result<ApprovalMessage, GatewayFault> {
        let application = wish.application.as_deref().map(|id| id.parse().unwrap());
        let act = wish.act.parse().unwrap();
        let subject = Subject::new(act, application, &wish.reference, &wish.reason)
            .map_err(|_| refused(422, "items-invalid"))?;
        let approval = Approval::request(
            ApprovalId::from_bytes([7; 16]),
            "13101".parse().unwrap(),
            &subject,
            self.signed_in.as_deref().unwrap().parse().unwrap(),
            Timestamp::now(),
        );
        let message = ApprovalMessage {
            id: approval.id.to_string(),
            act: wish.act,
            application: wish.application,
            reference: wish.reference,
            reason: wish.reason,
            subject_sha256: approval.subject_sha256.to_string(),
            requested_by: approval.requested_by.to_string(),
            requested_at: approval.requested_at.to_string(),
            expires_at: approval.expires_at.to_string(),
            standing: "waiting".into(),
            decided_by: None,
        };
        self.approval = Some((approval, message.clone()));
        Ok(message)
    }

    fn decide(&mut self, decision: ApprovalDecision) -> Result<ApprovalMessage, GatewayFault> {
        let (approval, message) = self.approval.as_mut().unwrap();
        let said = Statement::read(&decision.statement.0).unwrap();
        let role = if said.approver.as_str() == CHIEF {
            Role::Supervisor
        } else {
            Role::Clerk
        };
        let key = &self.keys[said.approver.as_str()];
        *approval = approval
            .decide(
                &decision.statement.0,
                &decision.signature.0,
                "131010001".parse().unwrap(),
                key,
                role,
                Timestamp::now(),
            )
            .map_err(|fault| refused(403, &format!("role-forbids ({fault})")))?;
        message.standing = approval.standing.as_str().into();
        message.decided_by = Some(said.approver.to_string());
        Ok(message.clone())
    }

    fn answer(&mut self, method: Method, path: &str, body: Value) -> Result<Value, GatewayFault> {
        let read = |value: Value| value;
        let parts: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
        let approval = |state: &Self| state.approval.as_ref().map(|(_, shown)| shown.clone());
        Ok(match (method, parts.as_slice()) {
            (Method::Post, ["operator-challenges"]) => json!(OperatorChallengeResponse {
                challenge_id: "22".repeat(16),
                challenge: Base64(vec![5; 32]),
            }),
            (Method::Post, ["operator-sessions"]) => {
                let request: OperatorSessionRequest = serde_json::from_value(read(body)).unwrap();
                self.signed_in = Some(request.operator.clone());
                json!(OperatorSessionResponse {
                    session: SessionToken("token".into()),
                    label: request.operator.clone(),
                    operator: request.operator,
                    role: "clerk".into(),
                    expires_at: "2099-01-01T00:00:00Z".into(),
                })
            }
            (Method::Delete, _) => {
                self.signed_in = None;
                Value::Null
            }
            (Method::Get, ["approvals"]) => json!(ApprovalList {
                approvals: approval(self).into_iter().collect(),
            }),
            (Method::Get, ["approvals", _]) => json!(approval(self).unwrap()),
            (Method::Post, ["approvals"]) => {
                json!(self.ask(serde_json::from_value(body).unwrap())?)
            }
            (Method::Post, ["approvals", _, "decision"]) => {
                json!(self.decide(serde_json::from_value(body).unwrap())?)
            }
            (Method::Get, ["till"] | ["till", _]) => json!(self.till()),
            (Method::Post, ["till-closes"]) => {
                let close: TillCloseRequest = serde_json::from_value(body).unwrap();
                let (approval, shown) = self.approval.as_ref().unwrap();
                assert_eq!(close.approval.as_deref(), Some(shown.id.as_str()));
                assert_eq!(approval.standing.as_str(), "approved");
                self.closed = Some(close);
                json!(self.till())
            }
            (Method::Get, ["fees", NUMBER]) => json!(FeeView {
                entry: self.entry(),
                countered_by: self.countered.then(|| "13101-2026-000002".into()),
                due_again: false,
                handed_over: true,
            }),
            (Method::Post, ["fee-corrections"]) => {
                let wish: FeeCorrectionRequest = serde_json::from_value(body).unwrap();
                assert_eq!(wish.number, NUMBER);
                self.countered = true;
                json!(self.entry())
            }
            (Method::Get, ["remittances", _]) => json!(self.remittance()),
            (Method::Post, ["remittances"]) => {
                self.remitted = true;
                json!(self.remittance())
            }
            (Method::Get, ["held-papers"]) => {
                let papers = [self.paper()].into_iter().filter(|paper| paper.held);
                json!(KeptPapers {
                    papers: papers.collect()
                })
            }
            (Method::Get, ["papers", PAPER, "orders"]) => json!(PaperOrders {
                paper: self.paper(),
                orders: self.orders.clone(),
            }),
            (Method::Post, ["papers", PAPER, order]) => {
                let wish: PaperOrderRequest = serde_json::from_value(body).unwrap();
                self.order(order, &wish)?;
                json!(self.paper())
            }
            (Method::Get, ["statistics", _]) => json!(self.statistics()),
            (Method::Get, ["place"]) => json!(PlaceView {
                name: Some("千代田区役所 2階".into()),
                version: Some("2026-11".into()),
                closed: None,
                extended_until: None,
                shift: None,
            }),
            (Method::Post, ["shifts"]) => json!(ShiftMessage {
                operator: CLERK.into(),
                before: None,
                applications: 2,
                at: "2026-11-22T01:00:00Z".into(),
            }),
            (Method::Get, ["applications?open=true"]) => json!({"applications": []}),
            other => panic!("the terminal called {other:?}"),
        })
    }
}

impl Gateway for Office {
    fn call(
        &self,
        method: Method,
        path: &str,
        session: Option<&str>,
        body: Option<Value>,
    ) -> Result<Value, GatewayFault> {
        let mut state = self.0.lock().unwrap();
        let open = path.starts_with("/v1/operator-") || path.ends_with("/decision");
        if path == "/openapi.json" {
            return Ok(Value::Null);
        }
        if !open && (session != Some("token") || state.signed_in.is_none()) {
            return Err(refused(401, "session-required"));
        }
        state.answer(method, path, body.unwrap_or_default())
    }
}
