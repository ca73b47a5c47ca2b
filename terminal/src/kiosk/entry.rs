//! What the resident is at on the screens of a visit: the page, and the passwords
//! typed so far. They are held here, in locked memory, so that no page ever carries
//! one back to the browser.

use std::time::Instant;

use super::password::Password;
use super::visit::VisitFault;
use crate::card::CardFault;
use crate::kiosk::channel::VisitChannelFault;
use pki_core::application::certificate_kind::CertificateKind;
use pki_core::card_channel::ChannelFault;

/// What the password is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A new key pair.
    Generate,
    /// Another password for the key on the card.
    Change,
}

/// A page of the visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// What to do.
    Menu,
    /// The rules, before anything is asked.
    Rules(Purpose),
    /// The present password.
    Present(Purpose),
    /// The new password.
    New(Purpose),
    /// The new password once more.
    Again(Purpose),
    /// The password has been changed.
    Changed,
}

/// Something that the resident has to be told, by its name in the message catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// `notice.<name>` in the catalogue.
    pub name: &'static str,
    /// What `{value}` stands for.
    pub value: String,
}

impl Notice {
    /// A notice without a value.
    pub fn of(name: &'static str) -> Self {
        Self {
            name,
            value: String::new(),
        }
    }
}

impl From<&VisitFault> for Notice {
    fn from(fault: &VisitFault) -> Self {
        let card = |fault: &CardFault| match fault {
            CardFault::ServiceAway | CardFault::ReaderMissing(_) => Self::of("reader-away"),
            CardFault::NoCard | CardFault::Removed => Self::of("no-card"),
            CardFault::Foreign => Self::of("foreign"),
            CardFault::WrongPassword(left) => Self {
                name: "wrong-password",
                value: left.to_string(),
            },
            CardFault::Blocked => Self::of("blocked"),
            _ => Self::of("card-faulty"),
        };
        match fault {
            VisitFault::Channel(VisitChannelFault::Card(fault)) => card(fault),
            VisitFault::Channel(VisitChannelFault::Channel(ChannelFault::Status(sw))) => {
                card(&CardFault::from_status(*sw))
            }
            VisitFault::NotPrepared(_) => Self::of("not-prepared"),
            VisitFault::OtherKiosk(kiosk) => Self {
                name: "other-kiosk",
                value: kiosk.clone(),
            },
            VisitFault::OtherCard => Self::of("other-card"),
            VisitFault::NotGenuine => Self::of("not-genuine"),
            // The present password is asked for wherever the card has one with tries
            // left: what the card still wants it for is a blocked one.
            VisitFault::OldPasswordNeeded => Self::of("blocked"),
            _ => Self::of("failed"),
        }
    }
}

/// The page and what was typed on the pages before it.
pub struct Entry {
    /// The page.
    pub page: Page,
    /// Keys of the card that have a password with tries left; in a visit only its own.
    pub keys: Vec<CertificateKind>,
    /// What was typed as the present password, checked by the card.
    pub present: Option<Password>,
    /// What was typed as the new one.
    pub new: Option<Password>,
    /// What has to be told on this page.
    pub notice: Option<Notice>,
    /// Counts the changes, so that a page knows that it is out of date.
    pub revision: u64,
    /// The last touch of the screen.
    pub touched: Instant,
}

impl Entry {
    /// Nothing begun.
    pub fn new() -> Self {
        Self {
            page: Page::Menu,
            keys: Vec::new(),
            present: None,
            new: None,
            notice: None,
            revision: 0,
            touched: Instant::now(),
        }
    }

    /// Goes to a page, with nothing to be told there.
    pub fn go(&mut self, page: Page) {
        self.page = page;
        self.notice = None;
        self.revision += 1;
    }

    /// Tells something on the present page.
    pub fn tell(&mut self, notice: Notice) {
        self.notice = Some(notice);
        self.revision += 1;
    }

    /// Erases what was typed.
    pub fn wipe(&mut self) {
        self.present = None;
        self.new = None;
    }

    /// The page after the rules: the present password where there is one.
    pub fn first_question(&self, purpose: Purpose) -> Page {
        if !self.keys.is_empty() || purpose == Purpose::Change {
            Page::Present(purpose)
        } else {
            Page::New(purpose)
        }
    }
}

impl Default for Entry {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_present_password_is_asked_first_where_there_is_one() {
        let mut entry = Entry::new();
        let asked = |entry: &Entry| entry.first_question(Purpose::Generate);
        assert_eq!(asked(&entry), Page::New(Purpose::Generate));
        entry.keys = vec![CertificateKind::Signature];
        assert_eq!(asked(&entry), Page::Present(Purpose::Generate));
    }
}
