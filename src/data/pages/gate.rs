//! Bounds what pages take of the memory at a time, however many threads there are.

use std::sync::{Condvar, Mutex, PoisonError};

/// Bytes that are free.
#[derive(Debug)]
pub struct Gate {
    all: u64,
    free: Mutex<u64>,
    more: Condvar,
}

impl Gate {
    /// So many bytes at a time.
    pub fn new(bytes: u64) -> Self {
        Self { all: bytes, free: Mutex::new(bytes), more: Condvar::new() }
    }

    /// Waits until there are so many bytes, or as many as there are in all, and holds them until what is returned goes.
    pub fn enter(&self, bytes: u64) -> Pass<'_> {
        let bytes = bytes.min(self.all);
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free < bytes {
            free = self.more.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= bytes;
        Pass { gate: self, bytes }
    }
}

/// Bytes that are held.
#[derive(Debug)]
pub struct Pass<'a> {
    gate: &'a Gate,
    bytes: u64,
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        *self.gate.free.lock().unwrap_or_else(PoisonError::into_inner) += self.bytes;
        self.gate.more.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::data::parallel::in_parallel;

    #[test]
    fn no_more_is_held_than_there_is() {
        let gate = Gate::new(10);
        let held = AtomicU64::new(0);
        let items: Vec<u64> = (0..200).map(|i| i % 7 + 1).collect();
        let most = in_parallel(&items, 8, |bytes| {
            let _pass = gate.enter(*bytes);
            let now = held.fetch_add(*bytes, Ordering::SeqCst) + bytes;
            std::thread::yield_now();
            held.fetch_sub(*bytes, Ordering::SeqCst);
            now
        });
        assert!(most.into_iter().all(|now| now <= 10));
        assert_eq!(gate.enter(1_000).bytes, 10, "what is larger than all waits for all");
    }
}
