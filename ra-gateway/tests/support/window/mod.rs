//! A window with its terminal, clerk, kiosk, card and authority, all keys in memory.

mod authority;
mod card;

use std::sync::{Arc, Mutex};

use pki_core::{
    act::{Act, ActFrame, Deed, IssueDeed, RevokeDeed, Signatory},
    application::fee::FeeTable,
    approval::{ApprovedAct, CONTEXT, REPLY_REASON, Statement, Verdict},
    certificate::{CertificateImage, Party as Certified, SignatureAlgorithm, Subject},
    id::Sha256Digest,
    operator::Role,
    person::substitution::SubstitutionList,
    release::Officers,
    revocation::ground::Ground,
};
use ra_gateway::{
    adapter::{register_csv::CsvRegister, vault::TokenVault},
    app::{
        App, KnownPlaces, Settings, caller::Clerk, channel::Channels, refusal::Failure,
        register_events::RegisterEvents, stops::RefusedRelease,
    },
    config::IssuerConfig,
    port::{AuditEntry, Authority, Clock, Entropy, Masters, Party, PartyKind, Store},
};
use schema::wire::{
    bytes::Base64,
    v1::{act::SignedActMessage, ra},
};
use terminal::virtual_card::Card;

use super::{
    CountingEntropy, Folder, HandClock, MemoryMasters,
    certificate_support::{Governor, SoftKey, open, sample},
};

// Each test file uses its part.
#[allow(unused_imports)]
pub use authority::{FakeAuthority, Trouble};
#[allow(unused_imports)]
pub use card::{Generated, answers};

pub const REGISTER: &str = include_str!("../../../samples/register.csv");
pub const TERMINAL: &str = "131010001";
pub const ELSEWHERE: &str = "131020001";
pub const KIOSK: &str = "13101K001";
pub const OPERATOR: &str = "13101-0001";
pub const CARD: [u8; 16] = [0xC1; 16];
const EC: SignatureAlgorithm = SignatureAlgorithm::EcdsaP256Sha256;

/// The whole.
pub struct World {
    pub app: App,
    pub clock: Arc<HandClock>,
    pub masters: Arc<MemoryMasters>,
    pub authority: Arc<FakeAuthority>,
    pub folder: Folder,
    pub infrastructure: Governor,
    pub terminal: (SoftKey, Vec<u8>),
    pub elsewhere: (SoftKey, Vec<u8>),
    pub operator: SoftKey,
    pub kiosk: (SoftKey, Vec<u8>),
    wish: Mutex<u8>,
}

impl World {
    /// A window on this database.
    pub fn on(url: Option<&str>) -> Self {
        let folder = Folder::new();
        std::fs::write(folder.path("register.csv"), REGISTER).unwrap();
        let clock = HandClock::at("2026-11-22T05:00:00Z");
        let kiosk_master = format!("kiosk-master-{KIOSK}");
        let masters = MemoryMasters::with(&["card-master", "vault-master", &kiosk_master]);
        let sqlite = format!("sqlite:{}", folder.path("ra.db").display());
        let store: Arc<dyn Store> = super::database(
            url.unwrap_or(&sqlite),
            Arc::clone(&masters) as Arc<dyn Masters>,
        );
        let infrastructure = Governor::new(EC, open());
        let certified = |id: &str, profile: &str, random: u8| {
            let key = SoftKey::new(EC);
            let certificate = infrastructure
                .certify(
                    &sample(profile, EC),
                    clock.now(),
                    random,
                    &key.public(),
                    Subject::Party(Certified {
                        id,
                        dns_names: &[],
                        ip_addresses: &[],
                    }),
                )
                .into_der();
            (key, certificate)
        };
        let register = |kind, id: &str, certificate: &[u8]| {
            let party = Party {
                kind,
                id: id.into(),
                municipality: id[..5].parse().unwrap(),
                label: id.into(),
                certificate: certificate.to_vec(),
                suspended: false,
                role: None,
            };
            let entry = AuditEntry {
                act: "register-party",
                ..AuditEntry::default()
            };
            store.register_party(&party, clock.now(), &entry).unwrap();
        };
        let terminal = certified(TERMINAL, "terminal.toml", 1);
        let elsewhere = certified(ELSEWHERE, "terminal.toml", 2);
        let operator = certified(OPERATOR, "operator.toml", 3);
        let kiosk = certified(KIOSK, "kiosk.toml", 4);
        register(PartyKind::Terminal, TERMINAL, &terminal.1);
        register(PartyKind::Terminal, ELSEWHERE, &elsewhere.1);
        register(PartyKind::Operator, OPERATOR, &operator.1);
        register(PartyKind::Kiosk, KIOSK, &kiosk.1);
        let governor = Governor::new(EC, open());
        let issuer = IssuerConfig {
            certificate: governor.certificate.clone(),
            subject: governor.issuer.subject().clone(),
            public_key: governor.issuer.public_key().clone(),
        };
        let authority = Arc::new(FakeAuthority {
            governor,
            users: Governor::of_users(EC, open()),
            clock: Arc::clone(&clock),
            issued: Mutex::default(),
            revoked: Mutex::default(),
            trouble: Mutex::default(),
            announced: Mutex::default(),
            disclosures: Mutex::default(),
            events: Mutex::default(),
            stops: Mutex::default(),
            releases: Mutex::default(),
        });
        let entropy: Arc<dyn Entropy> = Arc::new(CountingEntropy::default());
        let app = App {
            vault: Arc::new(TokenVault::new(
                Arc::clone(&masters) as Arc<dyn Masters>,
                Arc::clone(&store),
                Arc::clone(&entropy),
                Arc::clone(&clock) as Arc<dyn Clock>,
            )),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            entropy,
            store,
            masters: Arc::clone(&masters) as Arc<dyn Masters>,
            register: Arc::new(CsvRegister::new(folder.path("register.csv"))),
            authority: Arc::clone(&authority) as Arc<dyn Authority>,
            authority_mode: Arc::default(),
            settings: Settings {
                mode: pki_core::mode::Mode::Production,
                prefecture: "13".parse().unwrap(),
                profile: "signature".into(),
                issuer,
                user_authentication: None,
                officers: Officers {
                    issuer: infrastructure.issuer.subject().clone(),
                    key: infrastructure.issuer.public_key().clone(),
                    unit: "Officers".into(),
                    prefecture: "13".into(),
                },
                fees: FeeTable::standard(),
                substitutes: SubstitutionList::standard(),
                session_s: 36_000,
                session_idle_s: 1_800,
                act_skew_s: 300,
                inquiry_days: 30,
                open_days: 90,
            },
            channels: Channels::default(),
            knocks: service::knocks::Knocks::default(),
            places: KnownPlaces::default(),
            events: RegisterEvents::default(),
            refused_release: RefusedRelease::default(),
        };
        Self {
            app,
            clock,
            masters,
            authority,
            folder,
            infrastructure,
            terminal,
            elsewhere,
            operator: operator.0,
            kiosk,
            wish: Mutex::new(0),
        }
    }

    /// 16 bytes that were not used before, as text.
    pub fn wish(&self) -> String {
        let mut wish = self.wish.lock().unwrap();
        *wish += 1;
        hex::encode([*wish; 16])
    }

    /// The session token of a fresh sign-in at the terminal.
    pub fn sign_in(&self) -> Result<String, Failure> {
        self.sign_in_at(TERMINAL, &self.terminal.1, OPERATOR, &self.operator)
    }

    fn sign_in_at(
        &self,
        id: &str,
        certificate: &[u8],
        operator: &str,
        card: &SoftKey,
    ) -> Result<String, Failure> {
        let terminal = self.app.terminal(certificate)?;
        let challenge = self.app.challenge_operator(
            &terminal,
            &ra::OperatorChallengeRequest {
                operator: operator.into(),
            },
        )?;
        let message = ra::operator_challenge_message(id, &challenge.challenge.0);
        let opened = self.app.sign_in(
            &terminal,
            &ra::OperatorSessionRequest {
                challenge_id: challenge.challenge_id,
                operator: operator.into(),
                signature: Base64(card.sign(EC, &message)),
            },
        )?;
        Ok(opened.session.0)
    }

    /// New certificates for terminal, operator and kiosk: theirs last a year.
    pub fn recertify(&mut self) {
        let certify = |key: &SoftKey, id: &str, profile: &str, random: u8| {
            let subject = Subject::Party(Certified {
                id,
                dns_names: &[],
                ip_addresses: &[],
            });
            let profile = sample(profile, EC);
            let now = self.clock.now();
            self.infrastructure
                .certify(&profile, now, random, &key.public(), subject)
                .into_der()
        };
        let terminal = certify(&self.terminal.0, TERMINAL, "terminal.toml", 11);
        let operator = certify(&self.operator, OPERATOR, "operator.toml", 12);
        let kiosk = certify(&self.kiosk.0, KIOSK, "kiosk.toml", 13);
        for (kind, id, certificate) in [
            (PartyKind::Terminal, TERMINAL, &terminal),
            (PartyKind::Operator, OPERATOR, &operator),
            (PartyKind::Kiosk, KIOSK, &kiosk),
        ] {
            let party = Party {
                certificate: certificate.clone(),
                ..self.app.store.party(kind, id).unwrap().unwrap()
            };
            let entry = AuditEntry {
                act: "register-party",
                ..AuditEntry::default()
            };
            let now = self.clock.now();
            self.app.store.register_party(&party, now, &entry).unwrap();
        }
        self.terminal.1 = terminal;
        self.kiosk.1 = kiosk;
    }

    /// A clerk of another municipality, at its own terminal.
    pub fn clerk_elsewhere(&self) -> Clerk {
        self.operator_at(ELSEWHERE, &self.elsewhere.1, "13102-0001", Role::Clerk)
            .0
    }

    /// A supervisor, at the window's terminal.
    pub fn supervisor(&self) -> Clerk {
        self.supervisor_with_card().0
    }

    /// The same with the key of their card.
    pub fn supervisor_with_card(&self) -> (Clerk, SoftKey) {
        self.operator_at(TERMINAL, &self.terminal.1, "13101-0009", Role::Supervisor)
    }

    /// Puts the decision on a reply up in the clerk's name, and the second person's card signs
    /// at the same terminal; the approval's id.
    pub fn second_eyes(
        &self,
        clerk: &Clerk,
        application: &ra::Application,
        (who, card): (&str, &SoftKey),
        verdict: Verdict,
    ) -> Result<String, Failure> {
        let asked = self.app.request_approval(
            clerk,
            &ra::ApprovalRequest {
                act: ApprovedAct::IdentityInquiry.as_str().into(),
                application: Some(application.id.clone()),
                reference: application.identity_sha256.clone().unwrap(),
                reason: REPLY_REASON.into(),
            },
        )?;
        let statement = Statement {
            version: 1,
            approval: asked.id.parse().unwrap(),
            act: ApprovedAct::IdentityInquiry,
            subject_sha256: asked.subject_sha256.parse().unwrap(),
            requested_by: asked.requested_by.parse().unwrap(),
            terminal: TERMINAL.parse().unwrap(),
            approver: who.parse().unwrap(),
            verdict,
        }
        .to_payload();
        let decision = ra::ApprovalDecision {
            signature: Base64(card.sign(EC, &[CONTEXT, &statement].concat())),
            statement: Base64(statement),
        };
        let terminal = self.app.terminal(&self.terminal.1)?;
        self.app.decide_approval(&terminal, &asked.id, &decision)?;
        Ok(asked.id)
    }

    fn operator_at(
        &self,
        at: &str,
        certificate_at: &[u8],
        operator: &str,
        role: Role,
    ) -> (Clerk, SoftKey) {
        let card = SoftKey::new(EC);
        let certificate = self
            .infrastructure
            .certify(
                &sample("operator.toml", EC),
                self.clock.now(),
                5,
                &card.public(),
                Subject::Party(Certified {
                    id: operator,
                    dns_names: &[],
                    ip_addresses: &[],
                }),
            )
            .into_der();
        let known = self.app.store.party(PartyKind::Operator, OPERATOR);
        let party = Party {
            id: operator.into(),
            municipality: operator[..5].parse().unwrap(),
            certificate,
            role: Some(role),
            ..known.unwrap().unwrap()
        };
        let entry = AuditEntry {
            act: "register-party",
            ..AuditEntry::default()
        };
        let now = self.clock.now();
        self.app.store.register_party(&party, now, &entry).unwrap();
        let token = self
            .sign_in_at(at, certificate_at, operator, &card)
            .unwrap();
        let terminal = self.app.terminal(certificate_at).unwrap();
        (self.app.clerk(terminal, Some(&token)).unwrap(), card)
    }

    /// The clerk, as the next request of a session finds them.
    pub fn clerk_of(&self, token: &str) -> Result<Clerk, Failure> {
        let terminal = self.app.terminal(&self.terminal.1)?;
        self.app.clerk(terminal, Some(token))
    }

    pub fn clerk(&self) -> Clerk {
        self.clerk_of(&self.sign_in().unwrap()).unwrap()
    }

    pub fn form(&self, name: &str, birth: &str, sex: &str, address: &str) -> ra::ReceiveRequest {
        ra::ReceiveRequest {
            idempotency_key: self.wish(),
            kind: ra::ApplicationKind::First,
            certificate_kind: ra::CertificateKind::Signature,
            resident: None,
            items: ra::FourItemsMessage {
                name: name.into(),
                birth_date: birth.into(),
                sex: sex.into(),
                address: address.into(),
            },
            applied_on: "2026-11-22".into(),
            evidence: None,
            proxy: None,
        }
    }

    pub fn taro(&self) -> ra::ReceiveRequest {
        self.form(
            "総務　太郎",
            "昭和25年4月1日",
            "男",
            "東京都千代田区霞が関2丁目1番2号",
        )
    }

    pub fn hanako(&self) -> ra::ReceiveRequest {
        self.form(
            "髙橋　花子",
            "平成2年2月3日",
            "女",
            "東京都千代田区丸の内1丁目1番1号",
        )
    }

    /// An act of this terminal and this operator.
    pub fn act(&self, application: &str, key: &str, deed: Deed) -> Act {
        Act::new(
            ActFrame {
                terminal: TERMINAL.parse().unwrap(),
                operator: OPERATOR.parse().unwrap(),
                application: application.parse().unwrap(),
                idempotency_key: key.parse().unwrap(),
                time: self.clock.now(),
            },
            deed,
        )
    }

    /// An act, signed by terminal and operator, whomever it names.
    pub fn sign(&self, act: &Act) -> SignedActMessage {
        let payload = act.to_payload();
        let terminal = Signatory::Terminal.message(&payload);
        let operator = Signatory::Operator.message(&payload);
        SignedActMessage {
            terminal_signature: Base64(self.terminal.0.sign(EC, &terminal)),
            operator_signature: Base64(self.operator.sign(EC, &operator)),
            payload: Base64(payload),
        }
    }

    /// An act of this terminal and this operator, signed by both.
    pub fn signed(&self, application: &str, key: &str, deed: Deed) -> SignedActMessage {
        self.sign(&self.act(application, key, deed))
    }

    /// What the terminal signs at 発行要求.
    pub fn issue_deed(&self, application: &ra::Application) -> IssueDeed {
        let digest =
            |text: &Option<String>| -> Sha256Digest { text.as_deref().unwrap().parse().unwrap() };
        IssueDeed {
            visit: application.visit.as_deref().unwrap().parse().unwrap(),
            card: application.card.as_deref().unwrap().parse().unwrap(),
            profile: application.profile.clone(),
            resident_sha256: application
                .resident
                .as_deref()
                .unwrap()
                .parse::<pki_core::id::ResidentNumber>()
                .unwrap()
                .digest(
                    application.id.parse().unwrap(),
                    application.municipality.parse().unwrap(),
                ),
            items_sha256: digest(&application.items_sha256),
            spki_sha256: digest(&application.spki_sha256),
            identity_sha256: digest(&application.identity_sha256),
            identified_at: application
                .identity
                .as_ref()
                .unwrap()
                .register_seen_at
                .parse()
                .unwrap(),
            request_made_at: self.clock.now(),
            replaces: None,
        }
    }

    pub fn issue_act(&self, application: &ra::Application, key: &str) -> ra::IssueActRequest {
        let deed = Deed::Issue(self.issue_deed(application));
        ra::IssueActRequest {
            act: self.signed(&application.id, key, deed),
        }
    }

    pub fn revoke_act(
        &self,
        application: &ra::Application,
        ground: Ground,
        identity_sha256: Sha256Digest,
    ) -> SignedActMessage {
        let certificate = &application.certificate.as_ref().unwrap().certificate.0;
        let deed = Deed::Revoke(RevokeDeed {
            serial: CertificateImage::decode(certificate).unwrap().serial,
            ground,
            identity_sha256,
        });
        self.signed(&application.id, &self.wish(), deed)
    }

    // ---------------------------------------------------------------- walking
    pub fn identified(&self, clerk: &Clerk, form: &ra::ReceiveRequest) -> ra::Application {
        self.identified_by(clerk, form, &licence())
    }

    pub fn identified_by(
        &self,
        clerk: &Clerk,
        form: &ra::ReceiveRequest,
        shown: &ra::IdentityRequest,
    ) -> ra::Application {
        let application = self.app.receive(clerk, form).unwrap();
        self.app.identify(clerk, &application.id, shown).unwrap()
    }

    pub fn key_read(
        &self,
        clerk: &Clerk,
        form: &ra::ReceiveRequest,
        card: &mut Card,
    ) -> (ra::Application, Generated) {
        let id = self.identified(clerk, form).id;
        self.key_of(clerk, &id, card)
    }

    pub fn key_of(&self, clerk: &Clerk, id: &str, card: &mut Card) -> (ra::Application, Generated) {
        self.relay(clerk, id, card, ra::ChannelPurpose::Prepare)
            .unwrap();
        let application = self.app.application(clerk, id).unwrap();
        assert_eq!(application.step, ra::Step::CardPrepared);
        let made = self.kiosk_visit(card, &application);
        let application = self
            .app
            .read_public_key(clerk, id, &made.message())
            .unwrap();
        (application, made)
    }

    pub fn settled(
        &self,
        clerk: &Clerk,
        form: &ra::ReceiveRequest,
        card: &mut Card,
    ) -> (ra::Application, Generated) {
        let (application, made) = self.key_read(clerk, form, card);
        self.without_substitutes(clerk, application, made)
    }

    /// As [`World::settled`], with another document.
    pub fn settled_by(
        &self,
        clerk: &Clerk,
        form: &ra::ReceiveRequest,
        card: &mut Card,
        shown: &ra::IdentityRequest,
    ) -> (ra::Application, Generated) {
        let id = self.identified_by(clerk, form, shown).id;
        let (application, made) = self.key_of(clerk, &id, card);
        self.without_substitutes(clerk, application, made)
    }

    fn without_substitutes(
        &self,
        clerk: &Clerk,
        application: ra::Application,
        made: Generated,
    ) -> (ra::Application, Generated) {
        let none = ra::CharacterChoices {
            choices: Vec::new(),
        };
        let application = self
            .app
            .settle_characters(clerk, &application.id, &none)
            .unwrap();
        (application, made)
    }

    pub fn issued(&self, clerk: &Clerk, card: &mut Card) -> (ra::Application, Generated) {
        let (application, made) = self.settled(clerk, &self.taro(), card);
        let act = self.issue_act(&application, &self.wish());
        let application = self
            .app
            .request_issue(clerk, &application.id, &act)
            .unwrap();
        assert_eq!(application.step, ra::Step::Issued);
        (application, made)
    }
}

pub fn licence() -> ra::IdentityRequest {
    ra::IdentityRequest {
        document: ra::IdentityDocument {
            kind: "drivers-licence".into(),
            issuer: Some("東京都公安委員会".into()),
            expires_on: Some("2028-05-01".into()),
        },
        face_matches: true,
        decision: ra::IdentityVerdict::Accepted,
        remark: None,
    }
}

/// The refusal's name, or a panic that tells what came instead.
#[track_caller]
pub fn refusal<T>(outcome: Result<T, Failure>) -> &'static str {
    match outcome {
        Err(Failure::Refused(refused)) => refused.reason.name(),
        Err(other) => panic!("not a refusal: {other:?}"),
        Ok(_) => panic!("it was done"),
    }
}
