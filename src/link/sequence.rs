//! A sequence lock: one writer that never waits, whatever readers do, and readers that begin anew where they were overtaken.
//!
//! What it guards must be atomics of their own, read and written `Relaxed`.

use std::sync::atomic::{AtomicU64, Ordering, fence};

/// How often a reader begins anew. A writer takes a microsecond a block: once is rare, this often is a writer that was put
/// to sleep in the middle.
const ATTEMPTS: u32 = 32;

/// The lock. Odd while it is written.
#[derive(Debug, Default)]
pub(crate) struct Sequence(AtomicU64);

impl Sequence {
    /// Writes. Of one thread only.
    ///
    /// Audio thread. No allocation, lock or system call of its own.
    pub(crate) fn write(&self, store: impl FnOnce()) {
        let version = self.0.load(Ordering::Relaxed);
        self.0.store(version.wrapping_add(1), Ordering::Relaxed);
        // No word is seen before the odd version is.
        fence(Ordering::Release);
        store();
        self.0.store(version.wrapping_add(2), Ordering::Release);
    }

    /// What `load` reads between two writings; `None` where it was overtaken again and again.
    pub(crate) fn read<T>(&self, mut load: impl FnMut() -> T) -> Option<T> {
        for _ in 0..ATTEMPTS {
            let version = self.0.load(Ordering::Acquire);
            if version.is_multiple_of(2) {
                let read = load();
                // The version is looked at again only after the last word.
                fence(Ordering::Acquire);
                if self.0.load(Ordering::Relaxed) == version {
                    return Some(read);
                }
            }
            std::hint::spin_loop();
        }
        None
    }
}
