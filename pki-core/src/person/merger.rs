//! Municipal mergers (市町村合併): which municipality took over from which. Certificates name
//! the municipality of their issue for as long as they last; windows and residents are the
//! successor's.

use std::collections::BTreeMap;

use super::municipality::MunicipalityCode;

/// Former municipality → the one it became part of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mergers(BTreeMap<MunicipalityCode, MunicipalityCode>);

/// Mergers that cannot have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergerFault {
    /// One municipality with two successors.
    #[error("{0} has two successors")]
    Twice(MunicipalityCode),
    /// A municipality that is its own successor, directly or through others.
    #[error("the successors of {0} lead back to it")]
    Circle(MunicipalityCode),
}

impl Mergers {
    /// From pairs of a former municipality and its successor.
    ///
    /// # Errors
    /// [`MergerFault`].
    pub fn new(
        pairs: impl IntoIterator<Item = (MunicipalityCode, MunicipalityCode)>,
    ) -> Result<Self, MergerFault> {
        let mut successors = BTreeMap::new();
        for (former, successor) in pairs {
            if successors.insert(former, successor).is_some() {
                return Err(MergerFault::Twice(former));
            }
        }
        for start in successors.keys() {
            // A way without a circle has at most as many steps as there are mergers.
            let mut at = start;
            for _ in 0..successors.len() {
                match successors.get(at) {
                    Some(next) => at = next,
                    None => break,
                }
            }
            if successors.contains_key(at) {
                return Err(MergerFault::Circle(*start));
            }
        }
        Ok(Self(successors))
    }

    /// The municipality that acts for this one today: itself, as long as it was not merged.
    #[must_use]
    pub fn today(&self, code: MunicipalityCode) -> MunicipalityCode {
        let mut at = code;
        while let Some(next) = self.0.get(&at) {
            at = *next;
        }
        at
    }

    /// Whether it was merged into another.
    #[must_use]
    pub fn is_former(&self, code: MunicipalityCode) -> bool {
        self.0.contains_key(&code)
    }

    /// This municipality and all that were merged into it, also through others.
    #[must_use]
    pub fn all_of(&self, code: MunicipalityCode) -> Vec<MunicipalityCode> {
        let formers = self.0.keys().copied();
        std::iter::once(code)
            .chain(formers.filter(|former| *former != code && self.leads(*former, code)))
            .collect()
    }

    fn leads(&self, former: MunicipalityCode, to: MunicipalityCode) -> bool {
        let mut at = former;
        while let Some(next) = self.0.get(&at) {
            if *next == to {
                return true;
            }
            at = *next;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> MunicipalityCode {
        text.parse().unwrap()
    }

    fn mergers(pairs: &[(&str, &str)]) -> Result<Mergers, MergerFault> {
        Mergers::new(pairs.iter().map(|(from, to)| (code(from), code(to))))
    }

    #[test]
    fn a_successor_acts_for_all_that_became_part_of_it() {
        let mergers =
            mergers(&[("13101", "13102"), ("13103", "13102"), ("13102", "13104")]).unwrap();
        assert_eq!(mergers.today(code("13101")), code("13104"));
        assert_eq!(mergers.today(code("13105")), code("13105"));
        assert!(mergers.is_former(code("13102")));
        assert!(!mergers.is_former(code("13104")));
        let all = |of| {
            mergers
                .all_of(code(of))
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        assert_eq!(all("13104"), ["13104", "13101", "13102", "13103"]);
        assert_eq!(all("13102"), ["13102", "13101", "13103"]);
        assert_eq!(all("13101"), ["13101"]);
    }

    #[test]
    fn successors_do_not_lead_back() {
        for circle in [
            &[("13101", "13101")][..],
            &[("13101", "13102"), ("13102", "13101")],
            &[("13101", "13102"), ("13102", "13103"), ("13103", "13101")],
            &[
                ("13109", "13101"),
                ("13101", "13102"),
                ("13102", "13103"),
                ("13103", "13101"),
            ],
        ] {
            assert!(
                matches!(mergers(circle), Err(MergerFault::Circle(_))),
                "{circle:?}"
            );
        }
        assert_eq!(
            mergers(&[("13101", "13102"), ("13101", "13103")]),
            Err(MergerFault::Twice(code("13101")))
        );
    }
}
