//! The threads that share out the pieces of one operation.

use std::sync::{Mutex, PoisonError};

/// Threads, each with a run of numbers to work in that is kept from operation to operation.
#[derive(Debug)]
pub(crate) struct Crew {
    scratch: Vec<Vec<f32>>,
}

impl Crew {
    /// A crew of `threads`, the caller among them.
    pub(crate) fn new(threads: usize) -> Self {
        Self { scratch: vec![Vec::new(); threads.max(1)] }
    }

    /// Does `work` on every piece. Who is free takes the next one, so `work` must not depend on who does it.
    pub(crate) fn share<P, W>(&mut self, pieces: impl Iterator<Item = P> + Send, work: W)
    where
        P: Send,
        W: Fn(P, &mut Vec<f32>) + Sync,
    {
        let Some((own, others)) = self.scratch.split_first_mut() else { return };
        if others.is_empty() {
            pieces.for_each(|piece| work(piece, own));
            return;
        }
        let queue = Mutex::new(pieces);
        let toil = |scratch: &mut Vec<f32>| {
            loop {
                let piece = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                let Some(piece) = piece else { break };
                work(piece, scratch);
            }
        };
        std::thread::scope(|scope| {
            for scratch in others {
                scope.spawn(|| toil(scratch));
            }
            toil(own);
        });
    }
}

/// The first `len` numbers of a buffer that only grows; what they hold is left over from before.
pub(crate) fn grown(buffer: &mut Vec<f32>, len: usize) -> &mut [f32] {
    if buffer.len() < len {
        buffer.resize(len, 0.0);
    }
    &mut buffer[..len]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_is_done_once() {
        for threads in [0, 1, 2, 5] {
            let mut counts = [0_u32; 100];
            Crew::new(threads).share(counts.chunks_mut(7), |piece, scratch| {
                grown(scratch, 3)[0] += 1.0;
                for n in piece {
                    *n += 1;
                }
            });
            assert_eq!(counts, [1; 100]);
        }
    }
}
