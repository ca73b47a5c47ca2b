//! Step 5: what the certificate cannot carry is settled with the applicant – or nobody is asked,
//! because it carries none of the four items.

use jiff::Timestamp;

use super::Application;
use super::states::{CharactersSettled, KeyRead};
use crate::person::substitution::{self, Choice, SettleFault, SubstitutionList};

impl KeyRead {
    /// Puts the chosen substitutes in their places.
    ///
    /// # Errors
    /// Every fault of the choices.
    pub fn settle(
        self,
        choices: &[Choice],
        list: &SubstitutionList,
        settled_at: Timestamp,
    ) -> Result<CharactersSettled, Vec<SettleFault>> {
        if !self.case.certificate_kind.carries_items() {
            // What was sent to it all the same was chosen for nothing.
            return match choices {
                [] => Ok(self.settled_unasked(settled_at)),
                choices => Err(choices.iter().map(SettleFault::not_asked).collect()),
            };
        }
        let certificate_items = substitution::settle(&self.case.items, choices, list)?;
        Ok(CharactersSettled {
            read: self,
            certificate_items,
            list_version: list.version().to_owned(),
            settled_at,
            intent: None,
        })
    }

    /// What stands after a key was read: a certificate that carries none of the items needs no
    /// substitutes, and the step is left out.
    #[must_use]
    pub fn onward(self, now: Timestamp) -> Application {
        if self.case.certificate_kind.carries_items() {
            Application::KeyRead(self)
        } else {
            Application::CharactersSettled(self.settled_unasked(now))
        }
    }

    fn settled_unasked(self, settled_at: Timestamp) -> CharactersSettled {
        CharactersSettled {
            certificate_items: substitution::unchosen(&self.case.items),
            read: self,
            list_version: String::new(),
            settled_at,
            intent: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::certificate_kind::CertificateKind;
    use super::super::tests::given::{at, choice, key_read};
    use super::*;

    fn for_signing_in() -> KeyRead {
        let mut read = key_read();
        let case = &mut read.prepared.identified.received.case;
        case.certificate_kind = CertificateKind::UserAuthentication;
        read
    }

    #[test]
    fn who_signs_in_is_asked_for_no_substitute() {
        let Application::CharactersSettled(settled) = for_signing_in().onward(at(11)) else {
            panic!("the step is left out");
        };
        assert_eq!(settled.certificate_items.name(), "＊橋　花子");
        assert!(settled.list_version.is_empty());
        assert!(matches!(key_read().onward(at(11)), Application::KeyRead(_)));

        // Asked for by hand, it comes to the same; a choice is refused.
        let list = SubstitutionList::standard();
        assert_eq!(
            for_signing_in().settle(&[], &list, at(11)).unwrap(),
            settled
        );
        assert_eq!(
            for_signing_in().settle(&[choice()], &list, at(11)),
            Err(vec![SettleFault::not_asked(&choice())])
        );
    }
}
