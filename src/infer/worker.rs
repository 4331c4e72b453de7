//! The worker thread: a shell around [`Session`], one for each player.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::infer::model_slot::ModelSlot;
use crate::infer::session::Session;
use crate::link::message::{ToAudio, ToWorker};
use crate::link::pair::WorkerEnd;

/// How long the worker looks for mail without giving up its core's time slice for long.
const EAGER_LOOKS: u32 = 40;

/// How long it sleeps between looks while music is played: what a message waits at most.
const NAP: Duration = Duration::from_micros(500);

/// How long it sleeps between looks when nothing was said for [`IDLE_AFTER`].
const IDLE_NAP: Duration = Duration::from_millis(4);

/// How often the rolling window is put where the faces can save it.
const KEEP_EVERY: Duration = Duration::from_millis(500);

/// See [`IDLE_NAP`].
const IDLE_AFTER: Duration = Duration::from_secs(2);

/// A running worker. Dropping it stops the thread and waits for its end.
#[derive(Debug)]
pub struct Worker {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts a worker that loads its model itself and then answers until it is dropped.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn spawn(end: WorkerEnd, models: Arc<ModelSlot>) -> std::io::Result<Self> {
        Self::spawn_with(end, models, || {})
    }

    /// The same, and calls `chores` every few milliseconds at least: small things that a face wants done off the
    /// audio thread. While one runs the music waits.
    ///
    /// # Errors
    /// As [`Self::spawn`].
    pub fn spawn_with(
        end: WorkerEnd,
        models: Arc<ModelSlot>,
        chores: impl FnMut() + Send + 'static,
    ) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let thread = thread::Builder::new()
            .name("sideman-worker".to_owned())
            .spawn(move || work(end, &models, &seen, chores))?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A panic in the worker has been reported by its own thread; the host must not fall with it.
            let _ = thread.join();
        }
    }
}

fn work(mut end: WorkerEnd, models: &ModelSlot, stop: &AtomicBool, mut chores: impl FnMut()) {
    let mut generation = models.generation();
    let Some(net) = models.load_or_builtin() else { return };
    let mut session = Session::new(net);
    session.set_listener(models.listener());
    session.tell_choices(end.display.forecast.clone());
    let mut out = Vec::with_capacity(256);
    let (mut memory, mut chords) = (0, 0);
    let mut forgotten = models.memory().forgotten();
    let mut last_kept = Instant::now();
    let mut last_mail = Instant::now();
    let mut looks = 0;
    while !stop.load(Ordering::Acquire) {
        chores();
        if generation != models.generation() {
            generation = models.generation();
            if let Some(net) = models.load() {
                session.set_listener(models.listener());
                session.set_net(net, &mut out);
            }
        }
        if memory != models.memory().generation() {
            memory = models.memory().generation();
            session.remember(models.memory().opening(), &mut out);
        }
        if chords != models.chords().generation() {
            chords = models.chords().generation();
            session.set_chords(models.chords().get(), &mut out);
        }
        if forgotten != models.memory().forgotten() {
            forgotten = models.memory().forgotten();
            session.forget(&mut out);
        }
        let began = Instant::now();
        let mut busy = false;
        while let Some(message) = end.receive() {
            let closes = matches!(message, ToWorker::Closed { .. });
            session.handle(message, &mut out);
            busy = true;
            if closes {
                break;
            }
        }
        if busy {
            last_mail = began;
            send(&mut end, &mut out, stop);
            end.meter.reaction.record(began.elapsed());
        }
        end.meter.set_key(session.expression.key());
        let ahead = !end.has_mail() && session.speculate(&mut out);
        if ahead {
            send(&mut end, &mut out, stop);
        }
        if let Some(heard) = session.take_heard() {
            models.set_heard(heard);
        }
        if busy && last_kept.elapsed() > KEEP_EVERY {
            last_kept = Instant::now();
            models.memory().keep(session.bars(), session.window(), session.learned());
        }
        let steps = session.take_steps();
        if steps > 0 {
            end.meter.step.record(began.elapsed() / u32::try_from(steps).unwrap_or(u32::MAX));
        }
        if busy || ahead {
            let nanos = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
            end.meter.busy_nanos.fetch_add(nanos, Ordering::Relaxed);
            looks = 0;
        } else if looks < EAGER_LOOKS {
            looks += 1;
            thread::yield_now();
        } else {
            let idle = last_mail.elapsed() > IDLE_AFTER;
            thread::park_timeout(if idle { IDLE_NAP } else { NAP });
        }
    }
    // A worker that was stopped before it remembered anything has nothing to say.
    if session.window().next().is_some() {
        models.memory().keep(session.bars(), session.window(), session.learned());
    }
}

/// Sends all of it at once, so that the audio thread never sees half a plan. Waits while the ring is full.
fn send(end: &mut WorkerEnd, out: &mut Vec<ToAudio>, stop: &AtomicBool) {
    while !out.is_empty() && !stop.load(Ordering::Acquire) {
        if end.send_all(out) {
            out.clear();
        } else {
            thread::park_timeout(NAP);
        }
    }
}
