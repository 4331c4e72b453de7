//! Both ends of the joint, one for each thread.

use std::sync::Arc;

use ringbuf::traits::{Consumer as _, Observer as _, Producer as _, Split as _};
use ringbuf::{HeapCons, HeapProd, HeapRb};

use crate::link::display::Display;
use crate::link::message::{ToAudio, ToWorker};
use crate::link::meter::Meter;

/// Messages that a ring holds: seconds of dense playing.
const CAPACITY: usize = 4096;

/// The audio thread's end.
pub struct AudioEnd {
    worker_tx: HeapProd<ToWorker>,
    worker_rx: HeapCons<ToAudio>,
    /// The shared counters.
    pub meter: Arc<Meter>,
    /// What windows may see.
    pub display: Arc<Display>,
}

/// The worker's end.
pub struct WorkerEnd {
    audio_tx: HeapProd<ToAudio>,
    audio_rx: HeapCons<ToWorker>,
    /// The shared counters.
    pub meter: Arc<Meter>,
    /// What windows may see.
    pub display: Arc<Display>,
}

/// Makes both ends. Allocates: call it off the audio thread.
pub fn pair() -> (AudioEnd, WorkerEnd) {
    let (worker_tx, audio_rx) = HeapRb::new(CAPACITY).split();
    let (audio_tx, worker_rx) = HeapRb::new(CAPACITY).split();
    let (meter, display) = (Arc::<Meter>::default(), Arc::<Display>::default());
    (
        AudioEnd { worker_tx, worker_rx, meter: Arc::clone(&meter), display: Arc::clone(&display) },
        WorkerEnd { audio_tx, audio_rx, meter, display },
    )
}

impl AudioEnd {
    /// Passes a message on, or says that the ring is full.
    ///
    /// Audio thread. No allocation, lock or system call.
    #[must_use]
    pub fn send(&mut self, message: ToWorker) -> bool {
        let is_sent = self.worker_tx.try_push(message).is_ok();
        self.meter.to_worker.set(self.worker_tx.occupied_len());
        is_sent
    }

    /// The next message, if there is one.
    ///
    /// Audio thread. No allocation, lock or system call.
    pub fn receive(&mut self) -> Option<ToAudio> {
        let message = self.worker_rx.try_pop();
        self.meter.to_audio.set(self.worker_rx.occupied_len());
        message
    }

    /// Sleeps until the worker may have said something. Gives up the thread: for offline renders only.
    pub fn wait(&self) -> bool {
        for pause in 0..WAIT_PAUSES {
            if !self.worker_rx.is_empty() {
                return true;
            }
            if !self.worker_rx.write_is_held() {
                return false;
            }
            if pause < 200 {
                std::hint::spin_loop();
                std::thread::yield_now();
            } else {
                std::thread::sleep(std::time::Duration::from_micros(100));
            }
        }
        false
    }
}

/// Pauses that an offline render makes before it gives a worker up: about three seconds.
const WAIT_PAUSES: u32 = 20_000;

impl WorkerEnd {
    /// The next message, if there is one.
    pub fn receive(&mut self) -> Option<ToWorker> {
        let message = self.audio_rx.try_pop();
        self.meter.to_worker.set(self.audio_rx.occupied_len());
        message
    }

    /// Whether messages wait.
    pub fn has_mail(&self) -> bool {
        !self.audio_rx.is_empty()
    }

    /// Makes the messages visible to the audio thread all at once. `false`, and nothing is sent, while they
    /// do not fit.
    #[must_use]
    pub fn send_all(&mut self, messages: &[ToAudio]) -> bool {
        if self.audio_tx.vacant_len() < messages.len() {
            return false;
        }
        let is_sent = self.audio_tx.push_slice(messages) == messages.len();
        self.meter.to_audio.set(self.audio_tx.occupied_len());
        is_sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::music::time::Tick;

    #[test]
    fn a_full_ring_refuses_and_loses_nothing() {
        let (mut audio, mut worker) = pair();
        let mut sent = 0;
        while audio.send(ToWorker::Closed { tick: Tick(sent) }) {
            sent += 1;
        }
        assert_eq!(sent, CAPACITY as i64);
        assert_eq!(audio.meter.to_worker.now(), CAPACITY);
        for tick in 0..sent {
            assert_eq!(worker.receive(), Some(ToWorker::Closed { tick: Tick(tick) }));
        }
        assert_eq!(worker.receive(), None);
        assert_eq!((audio.meter.to_worker.now(), audio.meter.to_worker.most()), (0, CAPACITY));
    }

    #[test]
    fn a_batch_is_sent_whole_or_not_at_all() {
        let (mut audio, mut worker) = pair();
        let batch = vec![ToAudio::Withdraw { era: 0, from: Tick(0) }; CAPACITY - 1];
        assert!(worker.send_all(&batch));
        assert!(!worker.send_all(&batch[..2]));
        assert_eq!(worker.meter.to_audio.now(), CAPACITY - 1);
        assert!(audio.receive().is_some());
        assert!(worker.send_all(&batch[..2]));
    }

    #[test]
    fn waiting_ends_when_the_worker_is_gone() {
        let (audio, worker) = pair();
        drop(worker);
        assert!(!audio.wait());
    }
}
