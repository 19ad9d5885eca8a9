//! What was worked out once and is needed again: thousands of endpoints present the same issuers and the
//! same chains. It holds a bounded number of results, so that a run over many targets stays flat, and changes
//! nothing about any of them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// So many results are kept; what comes later is worked out each time.
const KEPT: usize = 8192;

/// Results by a digest of what they were worked out from.
#[derive(Debug)]
pub struct Memo<T> {
    known: Mutex<HashMap<[u8; 32], Arc<T>>>,
}

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self { known: Mutex::default() }
    }
}

impl<T> Memo<T> {
    /// The result for this digest, worked out where it is not known.
    ///
    /// # Errors
    /// Those of `work_out`; they are not kept.
    pub fn recall<E>(&self, key: [u8; 32], work_out: impl FnOnce() -> Result<T, E>) -> Result<Arc<T>, E> {
        let lock = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(&key) {
            return Ok(Arc::clone(known));
        }
        // Not under the lock: two may work out the same, and neither waits for the other.
        let new = Arc::new(work_out()?);
        let mut known = lock();
        if known.len() < KEPT {
            known.insert(key, Arc::clone(&new));
        }
        Ok(new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_not_worked_out_again_and_errors_are() {
        let memo = Memo::default();
        let recall =
            |number: u8, result: Result<u32, ()>| memo.recall([number; 32], || result).map(|value| *value);
        assert_eq!(recall(1, Err(())), Err(()));
        assert_eq!(recall(1, Ok(7)), Ok(7));
        assert_eq!(recall(1, Ok(8)), Ok(7));
        assert_eq!(recall(2, Ok(8)), Ok(8));
    }

    #[test]
    fn it_does_not_grow_beyond_its_bound() {
        let memo = Memo::default();
        for number in 0..KEPT as u64 + 100 {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&number.to_be_bytes());
            assert_eq!(memo.recall(key, || Ok::<_, ()>(number)).map(|value| *value), Ok(number));
        }
        assert_eq!(memo.known.lock().unwrap().len(), KEPT);
    }
}
