//! One of several equal parts of a list of targets, for several machines or pods that share the work. Each
//! target is in exactly one of them: its own words decide, not its place in the list, so that a list may be
//! reordered, and a target added to it moves no other. Pure.

use std::{fmt, str::FromStr};

use sha2::{Digest, Sha256};

use crate::wording::hexadecimal;

/// More parts than anybody starts.
const MOST: u32 = 10_000;

/// Which part: the `index`-th `of` so many, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shard {
    index: u32,
    of: u32,
}

/// What was typed: a part, or the part that a Kubernetes Indexed Job gives to this pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShardRequest {
    /// `3/8`.
    Named(Shard),
    /// `index/8`: the environment says which, by `JOB_COMPLETION_INDEX`, counted from 0.
    Indexed {
        /// How many parts there are.
        of: u32,
    },
}

/// The variable that Kubernetes sets in each pod of an Indexed Job.
pub const JOB_COMPLETION_INDEX: &str = "JOB_COMPLETION_INDEX";

impl Shard {
    fn new(index: u32, of: u32) -> Result<Self, String> {
        match (index, of) {
            (_, 0) => Err("there are no 0 shards; write 1/8 to 8/8".to_owned()),
            (_, of) if of > MOST => Err(format!("{of} shards are too many; at most {MOST} are made")),
            (0, of) => Err(format!("shards are counted from 1; write 1/{of} to {of}/{of}")),
            (index, of) if index > of => {
                Err(format!("there is no shard {index} of {of}; write 1/{of} to {of}/{of}"))
            }
            _ => Ok(Self { index, of }),
        }
    }

    /// Whether a target belongs to this part.
    #[must_use]
    pub fn holds(self, target: &str) -> bool {
        let digest: [u8; 32] = Sha256::digest(target).into();
        let [a, b, c, d, e, f, g, h, ..] = digest;
        let number = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        number % u64::from(self.of) == u64::from(self.index - 1)
    }
}

impl FromStr for ShardRequest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = || {
            format!("'{text}' is no shard; write 3/8 for the third of eight, or index/8 in an Indexed Job")
        };
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let (index, of) = text.split_once('/').filter(|(_, of)| is_number(of)).ok_or_else(refuse)?;
        let of = of.parse().map_err(|_| refuse())?;
        match index {
            "index" => Shard::new(1, of).map(|_| Self::Indexed { of }),
            index if is_number(index) => {
                Shard::new(index.parse().map_err(|_| refuse())?, of).map(Self::Named)
            }
            _ => Err(refuse()),
        }
    }
}

impl ShardRequest {
    /// The part that is meant. `completion_index` is what the environment says, where it says something.
    ///
    /// # Errors
    /// When the environment has to say it and does not, or says something else than one of the parts.
    pub fn resolve(self, completion_index: Option<&str>) -> Result<Shard, String> {
        let of = match self {
            Self::Named(shard) => return Ok(shard),
            Self::Indexed { of } => of,
        };
        let Some(text) = completion_index else {
            return Err(format!(
                "index/{of} asks for {JOB_COMPLETION_INDEX}, which is not set: Kubernetes sets it in the pods of a Job with completionMode: Indexed; elsewhere write 1/{of} to {of}/{of}"
            ));
        };
        let from_zero = text.parse().ok().filter(|index| *index < of);
        let from_zero: u32 = from_zero.ok_or_else(|| {
            let last = of - 1;
            format!("index/{of} needs a {JOB_COMPLETION_INDEX} from 0 to {last}, and it is '{text}': make the Job's completions {of} too")
        })?;
        Shard::new(from_zero + 1, of)
    }
}

/// What tells whether two shards were cut from the same list: SHA-256 over its targets, sorted, one a line; in
/// hexadecimal digits.
#[must_use]
pub fn digest_of_list(mut targets: Vec<String>) -> String {
    targets.sort();
    let mut digest = Sha256::new();
    for target in &targets {
        digest.update(target);
        digest.update("\n");
    }
    hexadecimal(&digest.finalize())
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str, environment: Option<&str>) -> String {
        let shard = text.parse::<ShardRequest>().and_then(|request| request.resolve(environment));
        shard.map_or_else(|error| error, |shard| shard.to_string())
    }

    #[test]
    fn shards_are_counted_from_one_and_kubernetes_counts_from_zero() {
        for (text, environment, meant) in [
            ("1/1", None, "1/1"),
            ("3/8", None, "3/8"),
            ("3/8", Some("0"), "3/8"),
            ("index/8", Some("0"), "1/8"),
            ("index/8", Some("7"), "8/8"),
        ] {
            assert_eq!(shown(text, environment), meant);
        }
        for (text, environment, words) in [
            ("0/8", None, "counted from 1"),
            ("9/8", None, "no shard 9 of 8"),
            ("1/0", None, "no 0 shards"),
            ("1/10001", None, "too many"),
            ("3", None, "write 3/8"),
            ("+3/8", None, "write 3/8"),
            ("3/8/2", None, "write 3/8"),
            ("Index/8", None, "write 3/8"),
            ("index/0", Some("0"), "no 0 shards"),
            ("index/8", None, "not set"),
            ("index/8", Some("8"), "from 0 to 7, and it is '8'"),
            ("index/8", Some(""), "from 0 to 7"),
        ] {
            let error = shown(text, environment);
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    /// These may never change: shards of an older and a newer program run side by side while it is rolled out.
    #[test]
    fn the_hash_is_for_ever() {
        let shard = |index| Shard { index, of: 4 };
        let of = |target: &str| (1..=4).find(|index| shard(*index).holds(target)).unwrap();
        assert_eq!(["shop.example:443", "api.example:443", "/etc/tls"].map(of), [4, 3, 3]);
        let digest = digest_of_list(vec!["b".to_owned(), "a".to_owned()]);
        assert_eq!(digest, "911169ddaaf146aff539f58c26c489af3b892dff0fe283c1c264c65ae5aa59a2");
    }

    proptest! {
        #[test]
        fn every_target_is_in_exactly_one_shard(target in "\\PC{0,30}", of in 1_u32..40) {
            let holding = (1..=of).filter(|index| Shard { index: *index, of }.holds(&target)).count();
            prop_assert_eq!(holding, 1);
        }

        #[test]
        fn the_order_of_a_list_plays_no_part(mut targets in proptest::collection::vec("[a-c]{1,3}", 0..6)) {
            let digest = digest_of_list(targets.clone());
            targets.reverse();
            prop_assert_eq!(digest_of_list(targets.clone()), digest.clone());
            targets.push("d".to_owned());
            prop_assert_ne!(digest_of_list(targets), digest);
        }
    }

    #[test]
    fn shards_are_of_about_the_same_size() {
        let targets: Vec<_> = (0..8000).map(|number| format!("host{number}.example:443")).collect();
        for index in 1..=8 {
            let held = targets.iter().filter(|target| Shard { index, of: 8 }.holds(target)).count();
            assert!((850..1150).contains(&held), "shard {index} holds {held}");
        }
    }
}
