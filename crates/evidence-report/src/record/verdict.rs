//! The four verdicts, and the one rule that joins them: the worst wins.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The judgement of a check, of a target, or of a whole run.
///
/// The order is the rule "worst verdict wins": `Passed < Warned < Inconclusive < Failed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything that was required was checked, and was right.
    Passed,
    /// Right today, but someone should act.
    Warned,
    /// It could not be told: something required was not checked.
    Inconclusive,
    /// Something is wrong out there.
    Failed,
}

impl Verdict {
    /// The worst of many verdicts. Of none at all it is [`Verdict::Inconclusive`]: an empty glob is no pass.
    ///
    /// ```
    /// use evidence_report::record::Verdict;
    ///
    /// assert_eq!(Verdict::worst([Verdict::Passed, Verdict::Failed, Verdict::Inconclusive]), Verdict::Failed);
    /// assert_eq!(Verdict::worst([]), Verdict::Inconclusive, "an empty glob is no pass");
    /// assert_eq!(Verdict::Warned.exit_code(), 1);
    /// ```
    #[must_use]
    pub fn worst(verdicts: impl IntoIterator<Item = Self>) -> Self {
        verdicts.into_iter().max().unwrap_or(Self::Inconclusive)
    }

    /// The word that people read, in capitals.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Passed => "PASSED",
            Self::Warned => "WARNED",
            Self::Inconclusive => "INCONCLUSIVE",
            Self::Failed => "FAILED",
        }
    }

    /// The process exit code: 0 passed, 1 warned, 2 failed, 3 inconclusive
    /// (the convention of the monitoring plugins' development guidelines).
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Warned => 1,
            Self::Failed => 2,
            Self::Inconclusive => 3,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Where a run took place, from the lowest to the highest.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    clap::ValueEnum,
    Default,
)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// A developer's machine, a CI job, or an embedded source: never more than that.
    #[default]
    Local,
    /// A shared development environment.
    Development,
    /// The environment before production.
    Staging,
    /// Production.
    Production,
}

impl Environment {
    /// The word of the command line and of the record.
    ///
    /// ```
    /// use evidence_report::record::Environment;
    ///
    /// assert!(Environment::Local < Environment::Staging && Environment::Staging < Environment::Production);
    /// ```
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Development => "development",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_outweighs_inconclusive_outweighs_warned_outweighs_passed() {
        use Verdict::{Failed, Inconclusive, Passed, Warned};
        assert_eq!(Verdict::worst([Passed, Failed, Inconclusive, Warned]), Failed);
        assert_eq!(Verdict::worst([Passed, Inconclusive, Warned]), Inconclusive);
        assert_eq!(Verdict::worst([Passed, Warned]), Warned);
        assert_eq!(Verdict::worst([Passed, Passed]), Passed);
    }

    #[test]
    fn nothing_checked_is_inconclusive() {
        assert_eq!(Verdict::worst([]), Verdict::Inconclusive);
    }
}
