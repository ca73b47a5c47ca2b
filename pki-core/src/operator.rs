//! What operators (操作者) may do by their role.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The role of an operator, given by an officer of the prefecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// 窓口担当: acts at the window.
    Clerk,
    /// 責任者: acts at the window, and approves what needs a second person.
    Supervisor,
    /// 監査: reads, and never acts.
    Auditor,
}

/// A name that is no role's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be clerk, supervisor or auditor")]
pub struct UnknownRole;

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Clerk, Self::Supervisor, Self::Auditor];

    /// Name in messages and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clerk => "clerk",
            Self::Supervisor => "supervisor",
            Self::Auditor => "auditor",
        }
    }

    /// Whether it may change anything at the window.
    #[must_use]
    pub const fn may_act(self) -> bool {
        matches!(self, Self::Clerk | Self::Supervisor)
    }

    /// Whether it may be the second of two persons (四眼), and close what is final.
    #[must_use]
    pub const fn may_approve(self) -> bool {
        matches!(self, Self::Supervisor)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or(UnknownRole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_auditor_reads_only_and_only_a_supervisor_approves() {
        let may = |role: Role| (role.may_act(), role.may_approve());
        assert_eq!(may(Role::Clerk), (true, false));
        assert_eq!(may(Role::Supervisor), (true, true));
        assert_eq!(may(Role::Auditor), (false, false));
    }

    #[test]
    fn a_role_is_known_by_its_name() {
        for role in Role::ALL {
            assert_eq!(role.to_string().parse(), Ok(role));
        }
        assert_eq!("Clerk".parse::<Role>(), Err(UnknownRole));
    }
}
