//! A window with its terminal, clerk, kiosk, card and authority, all keys in memory.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use pki_core::{
    act::{Act, ActFrame, Deed, IssueDeed, RevokeDeed, Signatory, SignedAct},
    application::fee::FeeTable,
    card_channel::{
        BLOCK, Command, KEY_VERSION_VISIT, Key128, KeySet, PERSONALISATION_AID, Response,
        Scp03Channel, Scp03Host,
        kdf::{self, cmac_aes_256},
        wrap,
    },
    certificate::{CertificateImage, Party as Certified, SignatureAlgorithm, Subject, Subscriber},
    disclosure::RequestContent,
    id::{ApplicationId, Sha256Digest},
    kiosk_record::{Generation, KioskRecord},
    person::{
        certificate_items::{CertificateItems, CertificateItemsText},
        municipality::MunicipalityCode,
        substitution::SubstitutionList,
    },
    revocation::ground::Ground,
};
use ra_gateway::{
    adapter::{register_csv::CsvRegister, vault::TokenVault},
    app::{App, KnownPlaces, Settings, caller::Clerk, channel::Channels, refusal::Failure},
    config::IssuerConfig,
    port::{
        AuditEntry, Authority, AuthorityFault, Clock, Entropy, Masters, Party, PartyKind, Store,
    },
};
use schema::wire::{
    bytes::Base64,
    v1::{
        act::SignedActMessage,
        ca::{CertificateRecord, IssueRequest, IssueResponse, RevokeRequest, RevokeResponse},
        disclosure::{
            DeliveryRequest, DeliveryResponse, DisclosureLine, DisclosureList, DisclosureRequest,
        },
        ra,
    },
};
use terminal::virtual_card::{
    AesKey, Card, Id, KeySet as CardKeySet, SharedMemory, blank_resident, factory_image,
};

use super::{
    CountingEntropy, Folder, HandClock, MemoryMasters,
    certificate_support::{Governor, SoftKey, chiyoda, open, sample},
};

pub const REGISTER: &str = include_str!("../../samples/register.csv");
pub const TERMINAL: &str = "131010001";
pub const ELSEWHERE: &str = "131020001";
pub const KIOSK: &str = "13101K001";
pub const OPERATOR: &str = "13101-0001";
pub const CARD: [u8; 16] = [0xC1; 16];
const EC: SignatureAlgorithm = SignatureAlgorithm::EcdsaP256Sha256;

/// What the authority does next instead of its work.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It says that its token is away.
    TokenAway,
    /// It does its work and the answer is lost.
    AnswerLost,
    /// It decides against it.
    Refuses,
    /// It certifies other items than those asked for.
    OtherItems,
}

/// An authority that issues by the product's own profiles, once per idempotency key.
pub struct FakeAuthority {
    governor: Governor,
    clock: Arc<HandClock>,
    issued: Mutex<HashMap<String, IssueResponse>>,
    revoked: Mutex<HashMap<String, RevokeResponse>>,
    trouble: Mutex<Option<Trouble>>,
    disclosures: Mutex<Vec<DisclosureLine>>,
}

impl FakeAuthority {
    pub fn next(&self, trouble: Trouble) {
        *self.trouble.lock().unwrap() = Some(trouble);
    }

    pub fn issued(&self) -> usize {
        self.issued.lock().unwrap().len()
    }

    fn away(problem: &str) -> AuthorityFault {
        AuthorityFault::Away {
            problem: problem.into(),
            retry_after: Duration::from_secs(7),
        }
    }
}

impl Authority for FakeAuthority {
    fn issue(&self, request: &IssueRequest) -> Result<IssueResponse, AuthorityFault> {
        let trouble = self.trouble.lock().unwrap().take();
        match trouble {
            Some(Trouble::TokenAway) => return Err(Self::away("token-away")),
            Some(Trouble::Refuses) => {
                return Err(AuthorityFault::Refused {
                    problem: "key-unfit".into(),
                    detail: "the key is not fit".into(),
                    first_answer: true,
                });
            }
            _ => {}
        }
        let act = Act::from_payload(&request.act.payload.0).unwrap();
        let Deed::Issue(deed) = &act.deed else {
            panic!("asked to issue by another deed")
        };
        let mut issued = self.issued.lock().unwrap();
        let number = u8::try_from(issued.len()).unwrap() + 1;
        let response = issued
            .entry(act.idempotency_key.to_string())
            .or_insert_with(|| {
                let text = &request.items;
                let mut items = CertificateItemsText {
                    name: text.name.clone(),
                    name_substitution: text.name_substitution.clone(),
                    birth_date: text.birth_date.clone(),
                    sex: text.sex.clone(),
                    address: text.address.clone(),
                    address_substitution: text.address_substitution.clone(),
                };
                if trouble == Some(Trouble::OtherItems) {
                    items.name = "総務　次郎".into();
                }
                let key =
                    pki_core::certificate::request::parse_card_request(&request.request.0).unwrap();
                let certificate = self.governor.certify(
                    &sample("signature.toml", EC),
                    self.clock.now(),
                    number,
                    &key.public_key,
                    Subject::Subscriber(Subscriber {
                        items: &CertificateItems::parse(&items).unwrap(),
                        place: &chiyoda(),
                        terminal: act.terminal,
                        requested_at: deed.request_made_at,
                        sequence: 1,
                    }),
                );
                IssueResponse {
                    serial: certificate.serial().to_string(),
                    certificate: Base64(certificate.into_der()),
                    issuer_certificate: Base64(self.governor.certificate.clone()),
                }
            })
            .clone();
        if trouble == Some(Trouble::AnswerLost) {
            return Err(Self::away("unreachable"));
        }
        Ok(response)
    }

    fn revoke(&self, request: &RevokeRequest) -> Result<RevokeResponse, AuthorityFault> {
        if self.trouble.lock().unwrap().take().is_some() {
            return Err(Self::away("unreachable"));
        }
        let act = Act::from_payload(&request.act.payload.0).unwrap();
        let Deed::Revoke(deed) = &act.deed else {
            panic!("asked to revoke by another deed")
        };
        let mut revoked = self.revoked.lock().unwrap();
        Ok(revoked
            .entry(deed.serial.to_string())
            .or_insert_with(|| RevokeResponse {
                serial: deed.serial.to_string(),
                revoked_at: self.clock.now().to_string(),
                ground: deed.ground.as_str().into(),
                reason_code: Some(deed.ground.reason_code()),
            })
            .clone())
    }

    fn disclose(&self, request: &DisclosureRequest) -> Result<DisclosureLine, AuthorityFault> {
        let content = RequestContent::from_bytes(&request.request.0).unwrap();
        let act = Act::from_payload(&request.act.payload.0).unwrap();
        let line = DisclosureLine {
            id: act.application.to_string(),
            wish: "disclosure".into(),
            step: "open".into(),
            municipality: act.municipality.to_string(),
            requested_on: content.requested_on.to_string(),
            due: None,
            days_left: None,
            extended: false,
            addressee: "東京都知事".into(),
            received_at: self.clock.now().to_string(),
        };
        self.disclosures.lock().unwrap().push(line.clone());
        Ok(line)
    }

    fn disclosures(
        &self,
        municipality: MunicipalityCode,
    ) -> Result<DisclosureList, AuthorityFault> {
        let kept = self.disclosures.lock().unwrap();
        let here = |line: &&DisclosureLine| line.municipality == municipality.to_string();
        Ok(DisclosureList {
            disclosures: kept.iter().filter(here).cloned().collect(),
        })
    }

    fn disclosure(
        &self,
        municipality: MunicipalityCode,
        id: ApplicationId,
    ) -> Result<Option<DisclosureLine>, AuthorityFault> {
        let list = self.disclosures(municipality)?.disclosures;
        Ok(list.into_iter().find(|line| line.id == id.to_string()))
    }

    fn deliver_disclosure(
        &self,
        id: ApplicationId,
        _: &DeliveryRequest,
    ) -> Result<DeliveryResponse, AuthorityFault> {
        let kept = self.disclosures.lock().unwrap();
        let line = kept.iter().find(|line| line.id == id.to_string());
        Ok(DeliveryResponse {
            disclosure: line.unwrap().clone(),
            answer: Base64(b"%PDF-".to_vec()),
        })
    }

    fn certificate(&self, serial: &str) -> Result<Option<CertificateRecord>, AuthorityFault> {
        let revocation = self.revoked.lock().unwrap().get(serial).cloned();
        Ok(self
            .issued
            .lock()
            .unwrap()
            .values()
            .find(|issued| issued.serial == serial)
            .map(|issued| CertificateRecord {
                serial: serial.into(),
                certificate: issued.certificate.clone(),
                status: if revocation.is_some() {
                    "revoked"
                } else {
                    "live"
                }
                .into(),
                revocation,
            }))
    }
}

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
            clock: Arc::clone(&clock),
            issued: Mutex::default(),
            revoked: Mutex::default(),
            trouble: Mutex::default(),
            disclosures: Mutex::default(),
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
            settings: Settings {
                prefecture: "13".parse().unwrap(),
                profile: "signature".into(),
                issuer,
                fees: FeeTable::standard(),
                substitutes: SubstitutionList::standard(),
                session_s: 36_000,
                session_idle_s: 1_800,
                act_skew_s: 300,
            },
            channels: Channels::default(),
            knocks: service::knocks::Knocks::default(),
            places: KnownPlaces::default(),
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

    /// A clerk of another municipality, at its own terminal.
    pub fn clerk_elsewhere(&self) -> Clerk {
        let operator = "13102-0001";
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
            ..known.unwrap().unwrap()
        };
        let entry = AuditEntry {
            act: "register-party",
            ..AuditEntry::default()
        };
        let now = self.clock.now();
        self.app.store.register_party(&party, now, &entry).unwrap();
        let token = self
            .sign_in_at(ELSEWHERE, &self.elsewhere.1, operator, &card)
            .unwrap();
        let terminal = self.app.terminal(&self.elsewhere.1).unwrap();
        self.app.clerk(terminal, Some(&token)).unwrap()
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
            resident: None,
            items: ra::FourItemsMessage {
                name: name.into(),
                birth_date: birth.into(),
                sex: sex.into(),
                address: address.into(),
            },
            applied_on: "2026-11-22".into(),
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

    /// A blank card with the keys that the factory was given.
    pub fn card(&self) -> Card {
        let master = self.masters.key("card-master");
        let keys = kdf::card_keys(
            |message| Ok::<_, std::convert::Infallible>(cmac_aes_256(&master, message)),
            &CARD,
        )
        .unwrap();
        let own = |key: &Key128| AesKey::from(*key.expose());
        let image = blank_resident(
            Id(CARD),
            CardKeySet {
                enc: own(&keys.enc),
                mac: own(&keys.mac),
                dek: own(&keys.dek),
            },
        );
        Card::start(Box::new(SharedMemory::new(&factory_image(&image).unwrap()))).unwrap()
    }

    /// Relays a channel as a terminal does, until it is done.
    pub fn relay(
        &self,
        clerk: &Clerk,
        id: &str,
        card: &mut Card,
        purpose: ra::ChannelPurpose,
    ) -> Result<(), Failure> {
        let opened = self.app.open_card_channel(
            clerk,
            id,
            &ra::CardChannelRequest {
                card: hex::encode(CARD),
                purpose,
            },
        )?;
        let mut commands = opened.commands;
        loop {
            let responses = answers(card, &commands);
            let next =
                self.app
                    .relay_card(clerk, &opened.channel, &ra::CardRelayRequest { responses })?;
            if next.done {
                assert!(next.commands.is_empty());
                return Ok(());
            }
            commands = next.commands;
        }
    }

    /// The kiosk makes a key in this visit; gives the pair, the request and the record.
    pub fn kiosk_visit(&self, card: &mut Card, application: &ra::Application) -> Generated {
        let visit = bytes16(application.visit.as_deref().unwrap());
        let master = self.masters.key(&format!("kiosk-master-{KIOSK}"));
        let keys = kdf::visit_keys(
            |message| Ok::<_, std::convert::Infallible>(cmac_aes_256(&master, message)),
            KIOSK.as_bytes().try_into().unwrap(),
            &CARD,
            &visit,
        )
        .unwrap();
        let pair = SoftKey::new(SignatureAlgorithm::RsaPkcs1Sha256);
        let SoftKey::Rsa(rsa) = &pair else {
            unreachable!()
        };
        let pkcs8: Pkcs8V1Der<'_> = rsa.as_der().unwrap();
        let mut channel = channel(card, KEY_VERSION_VISIT, &keys);
        let wrapped = |data: &[u8]| wrap::kwp_wrap(&keys.dek, data).unwrap();
        let key = wrapped(pkcs8.as_ref());
        let count = key.chunks(BLOCK).count();
        for (number, block) in key.chunks(BLOCK).enumerate() {
            let p1 = if number + 1 == count { 0x81 } else { 0x01 };
            let number = u8::try_from(number).unwrap();
            send(
                card,
                &mut channel,
                &Command::new(0x80, 0xDA, p1, number).with_data(block),
            );
        }
        let password = Command::new(0x80, 0xDA, 0x02, 0x00).with_data(&wrapped(b"TARO1950"));
        send(card, &mut channel, &password);
        send(
            card,
            &mut channel,
            &Command::new(0x80, 0x46, 0, 0).with_le(256),
        );
        send(card, &mut channel, &Command::new(0x80, 0x47, 0, 0));
        let answer = card.process(&Command::new(0x80, 0xCA, 0, 3).with_le(65_536).to_bytes());
        let answer = Response::parse(&answer).unwrap();
        assert!(answer.is_ok());
        let record = self.record(&self.kiosk.0, KIOSK, application, &pair);
        Generated {
            request: answer.data.clone(),
            record,
            pair,
        }
    }

    /// A kiosk's signed record.
    pub fn record(
        &self,
        key: &SoftKey,
        kiosk: &str,
        application: &ra::Application,
        pair: &SoftKey,
    ) -> Vec<u8> {
        let id = |text: &Option<String>| text.clone().unwrap();
        let record = KioskRecord::new(Generation {
            kiosk: kiosk.parse().unwrap(),
            visit: id(&application.visit).parse().unwrap(),
            card: id(&application.card).parse().unwrap(),
            spki_sha256: Sha256Digest::from_bytes(pair.public().sha256()),
            software_sha256: Sha256Digest::of(b"kiosk"),
            generated_at: self.clock.now(),
        });
        record
            .signed(|message| Ok::<_, Infallible>(key.sign(EC, message)))
            .unwrap()
    }

    /// An act, signed by terminal and operator.
    pub fn signed(&self, application: &str, key: &str, deed: Deed) -> SignedActMessage {
        let act = Act::new(
            ActFrame {
                terminal: TERMINAL.parse().unwrap(),
                operator: OPERATOR.parse().unwrap(),
                application: application.parse().unwrap(),
                idempotency_key: key.parse().unwrap(),
                time: self.clock.now(),
            },
            deed,
        );
        let payload = act.to_payload();
        let signed = SignedAct {
            terminal_signature: self
                .terminal
                .0
                .sign(EC, &Signatory::Terminal.message(&payload)),
            operator_signature: self
                .operator
                .sign(EC, &Signatory::Operator.message(&payload)),
            payload,
        };
        SignedActMessage {
            payload: Base64(signed.payload),
            terminal_signature: Base64(signed.terminal_signature),
            operator_signature: Base64(signed.operator_signature),
        }
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
                .decided_at
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
        let application = self.app.receive(clerk, form).unwrap();
        self.app
            .identify(clerk, &application.id, &licence())
            .unwrap()
    }

    pub fn key_read(
        &self,
        clerk: &Clerk,
        form: &ra::ReceiveRequest,
        card: &mut Card,
    ) -> (ra::Application, Generated) {
        let id = self.identified(clerk, form).id;
        self.relay(clerk, &id, card, ra::ChannelPurpose::Prepare)
            .unwrap();
        let application = self.app.application(clerk, &id).unwrap();
        assert_eq!(application.step, ra::Step::CardPrepared);
        let made = self.kiosk_visit(card, &application);
        let application = self
            .app
            .read_public_key(clerk, &id, &made.message())
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

/// What the kiosk made.
pub struct Generated {
    pub pair: SoftKey,
    pub request: Vec<u8>,
    pub record: Vec<u8>,
}

impl Generated {
    pub fn message(&self) -> ra::PublicKeyRequest {
        ra::PublicKeyRequest {
            request: Base64(self.request.clone()),
            kiosk_record: Base64(self.record.clone()),
        }
    }

    /// A trial signature by the card's key.
    pub fn trial(&self, certificate_sha256: &str) -> ra::WrittenRequest {
        let message = b"a message of more than sixteen bytes".to_vec();
        ra::WrittenRequest {
            certificate_sha256: certificate_sha256.into(),
            trial_signature: Base64(self.pair.sign(SignatureAlgorithm::RsaPkcs1Sha256, &message)),
            trial_message: Base64(message),
        }
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

/// The card's answers to commands in order, up to the first that is not `9000`.
pub fn answers(card: &mut Card, commands: &[Base64]) -> Vec<Base64> {
    let mut responses = Vec::new();
    for command in commands {
        let answer = card.process(&command.0);
        let ok = answer.ends_with(&[0x90, 0x00]);
        responses.push(Base64(answer));
        if !ok {
            break;
        }
    }
    responses
}

pub fn bytes16(text: &str) -> [u8; 16] {
    let mut bytes = [0; 16];
    hex::decode_to_slice(text, &mut bytes).unwrap();
    bytes
}

fn channel(card: &mut Card, version: u8, keys: &KeySet) -> Scp03Channel {
    let select = Command::new(0x00, 0xA4, 0x04, 0x00)
        .with_data(&PERSONALISATION_AID)
        .with_le(256);
    assert!(card.process(&select.to_bytes()).ends_with(&[0x90, 0x00]));
    let (host, command) = Scp03Host::begin(version, keys, [3; 8]);
    let (opening, command) = host.answer(&card.process(&command)).unwrap();
    opening.confirm(&card.process(&command)).unwrap()
}

fn send(card: &mut Card, channel: &mut Scp03Channel, command: &Command) {
    let wrapped = channel.wrap(command).unwrap();
    channel.unwrap(&card.process(&wrapped)).unwrap();
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
