//! The parts of a whole: which shard each one is, and whether they belong together.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::MergeError;
use crate::{
    document::hex,
    record::{Attachment, v1::Record},
    run::SHARD_FACT,
};

/// The fact that tells the whole list that was cut into shards.
const LIST_FACT: &str = "targets_sha256";

/// One shard's record.
#[derive(Debug)]
pub(in crate::command) struct Part {
    pub(super) path: PathBuf,
    pub(super) record: Record,
    pub(super) file: Attachment,
    /// From 1.
    pub(super) index: u32,
    pub(super) of: u32,
}

impl Part {
    pub(super) fn new(path: &Path, record: Record, bytes: &[u8]) -> Result<Self, MergeError> {
        let no_shard = |why: String| MergeError::NoShard { path: path.to_owned(), why };
        let shard = fact(&record, SHARD_FACT)
            .ok_or_else(|| no_shard(format!("it holds no fact '{SHARD_FACT}' such as 3/8")))?;
        fact(&record, LIST_FACT).ok_or_else(|| {
            no_shard(format!("it holds no fact '{LIST_FACT}': the digest of the whole list"))
        })?;
        let (index, of) = shard
            .split_once('/')
            .and_then(|(index, of)| Some((index.parse::<u32>().ok()?, of.parse::<u32>().ok()?)))
            .filter(|(index, of)| (1..=*of).contains(index))
            .ok_or_else(|| no_shard(format!("'{shard}' is no shard; 3/8 would be one")))?;
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let file = Attachment {
            name: format!("shard {index}/{of}: {name}"),
            sha256: hex(&Sha256::digest(bytes)),
            bytes: bytes.len() as u64,
        };
        Ok(Self { path: path.to_owned(), record, file, index, of })
    }

    /// `3/8`.
    pub(super) fn shard(&self) -> String {
        format!("{}/{}", self.index, self.of)
    }

    /// What all parts of one run share, in words.
    fn identity(&self) -> [(&'static str, String); 6] {
        let record = &self.record;
        [
            ("the tool", record.tool.name.clone()),
            ("the tool's version", record.tool.version.clone()),
            ("the title", record.title.clone()),
            ("the environment", record.environment.to_string()),
            (
                "the digest of the whole list of targets",
                fact(record, LIST_FACT).unwrap_or_default().to_owned(),
            ),
            ("the number of shards", self.of.to_string()),
        ]
    }
}

pub(super) fn fact<'r>(record: &'r Record, name: &str) -> Option<&'r str> {
    record.facts.iter().find(|fact| fact.name == name).map(|fact| fact.value.as_str())
}

/// The parts by shard, whatever the order of the files; and the shards that are missing.
pub(in crate::command) fn in_order(mut parts: Vec<Part>) -> Result<(Vec<Part>, Vec<u32>), MergeError> {
    parts.sort_by(|a, b| (a.index, &a.path).cmp(&(b.index, &b.path)));
    let Some(first) = parts.first() else { return Ok((parts, Vec::new())) };
    for part in &parts[1..] {
        let both = part.identity().into_iter().zip(first.identity());
        if let Some(((what, found), (_, expected))) =
            both.into_iter().find(|(found, expected)| found != expected)
        {
            let (path, first) = (part.path.clone(), first.path.clone());
            return Err(MergeError::Foreign { path, first, what, found, expected });
        }
    }
    if let Some(pair) = parts.windows(2).find(|pair| pair[0].index == pair[1].index) {
        let (first, second) = (pair[0].path.clone(), pair[1].path.clone());
        return Err(MergeError::Twice { first, second, shard: pair[0].shard() });
    }
    let missing = (1..=first.of).filter(|index| parts.iter().all(|part| part.index != *index)).collect();
    Ok((parts, missing))
}
