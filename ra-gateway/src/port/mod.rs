//! What the use-cases need from outside, as promises. The same contract tests run
//! on every implementation.

mod approval;
mod audit;
mod authority;
mod clock;
mod entropy;
mod kept_paper;
mod notice;
mod paper_order;
mod places;
mod procedure;
mod register;
mod registration;
mod statistics;
mod store;
mod till;
mod token;
mod vault;

pub use approval::{Approvals, Decision, StoredApproval};
pub use audit::{AuditEntry, AuditLog, AuditMac, AuditRecord};
pub use authority::{Announced, Authority, AuthorityFault};
pub use clock::Clock;
pub use entropy::Entropy;
pub use kept_paper::{Kept, KeptPapers, PaperHold, PaperSubject, StoredPaper};
pub use notice::{NoticeChange, NoticeStore, OpenedNotice, StoredNotice};
pub use paper_order::{GivenOrder, PaperOrders};
pub use places::{Extension, LoadedPlaces, Office, ShiftChange};
pub use procedure::Procedures;
pub use register::{Register, RegisterEntry, RegisterFault, RegisterQuery, Residence};
pub use registration::{Registration, Registrations};
pub use statistics::Statistics;
pub use store::{
    AdvanceError, BreakerStop, Challenge, Change, Effect, Index, KioskHealth, KioskRecord, NewFee,
    Party, PartyKind, Received, Session, Store, StoreError, StoredApplication, WrappedKey,
};
pub use till::{ClosedDay, Remittance, Till};
pub use token::{MasterFault, Masters};
pub use vault::{Vault, VaultFault};
