//! Keyboards in, sound and notes out, on whatever clock there is: a sound card's, or none but the time of day.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::music::time::SampleRate;
use crate::standalone::arrivals::Arrivals;
use crate::standalone::sender::{Outbox, Sender};
use crate::standalone::stage::Stage;
use crate::standalone::urgency::Urgency;
use crate::standalone::wire::Wire;

/// Samples in a block where no sound card says otherwise, and in a piece of what one asks for at once.
const BLOCK: usize = 256;

/// Everything that plays.
pub struct Act {
    /// The engine and its sound.
    pub stage: Stage,
    /// What keyboards send.
    pub arrivals: Arrivals,
    /// Where notes leave for other instruments, if they do.
    pub outbox: Option<Outbox>,
    /// Who carries them; ends what sounds out there when the act ends.
    pub sender: Option<Sender>,
    /// Whether the player's notes leave too.
    pub thru: bool,
    /// Samples a second.
    pub rate: SampleRate,
    /// By how much what leaves is held back, so that it sounds with the built-in sound.
    pub hold_back: Duration,
    /// From when the stage's time is counted.
    begin: Instant,
    room: [[f32; BLOCK]; 2],
}

impl Act {
    /// An act without an instrument to play to.
    pub fn new(stage: Stage, arrivals: Arrivals, rate: SampleRate) -> Self {
        let (outbox, sender, thru, hold_back) = (None, None, false, Duration::ZERO);
        let (begin, room) = (Instant::now(), [[0.0; BLOCK]; 2]);
        Self { stage, arrivals, outbox, sender, thru, rate, hold_back, begin, room }
    }

    /// Plays samples from `now` on, piece by piece, and hands each piece's two sides over.
    ///
    /// Audio thread. No allocation or lock; the system's clock is not asked.
    pub fn play(
        &mut self,
        now: Instant,
        frames: usize,
        mut take: impl FnMut(usize, &[f32], &[f32]),
    ) {
        let mut done = 0;
        while done < frames {
            let piece = (frames - done).min(BLOCK);
            let at = now + self.time(done);
            // All that the callback plays came before it: each piece has what is as old as the pieces are long.
            let events = self.arrivals.block(now, frames - done, piece, |at, message| {
                self.stage.hear_clock(seconds(self.begin, at), message);
            });
            let [left, right] = &mut self.room;
            let (left, right) = (&mut left[..piece], &mut right[..piece]);
            self.stage.process(seconds(self.begin, at), events, left, right);
            if let Some(outbox) = &mut self.outbox {
                for (offset, wire) in self.stage.departures(self.thru) {
                    let late = Duration::from_secs_f64(f64::from(offset) / self.rate.hertz());
                    send(outbox, at + late + self.hold_back, wire);
                }
            }
            take(done, left, right);
            done += piece;
        }
    }

    fn time(&self, frames: usize) -> Duration {
        Duration::from_secs_f64(frames as f64 / self.rate.hertz())
    }
}

/// Seconds from one moment to another, in either direction.
fn seconds(from: Instant, to: Instant) -> f64 {
    to.saturating_duration_since(from).as_secs_f64()
        - from.saturating_duration_since(to).as_secs_f64()
}

fn send(outbox: &mut Outbox, due: Instant, wire: Wire) {
    // A sender that has stalled for thousands of notes loses what follows, and lifts all keys when it ends.
    let _ = outbox.put(due, wire);
}

/// An act that comes back when whoever plays it drops it.
pub struct OnLoan {
    act: Option<Box<Act>>,
    back: mpsc::Sender<Box<Act>>,
}

/// Lends an act, and gives the place where it comes back to.
pub fn lend(act: Box<Act>) -> (OnLoan, mpsc::Receiver<Box<Act>>) {
    let (back, returned) = mpsc::channel();
    (OnLoan { act: Some(act), back }, returned)
}

impl OnLoan {
    /// The act.
    pub fn act(&mut self) -> Option<&mut Act> {
        self.act.as_deref_mut()
    }
}

impl Drop for OnLoan {
    fn drop(&mut self) {
        if let Some(act) = self.act.take() {
            // Where nobody waits for it the program is at its end.
            let _ = self.back.send(act);
        }
    }
}

/// Plays without a sound card: the notes leave by MIDI, and the sound is thrown away. Dropping it ends the playing.
pub struct Silent {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Silent {
    /// Starts playing.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn start(mut act: OnLoan) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let thread = thread::Builder::new().name("sideman-clock".to_owned()).spawn(move || {
            let Some(act) = act.act() else { return };
            Urgency::Playing.claim();
            let block = act.time(BLOCK);
            let mut due = Instant::now();
            while !seen.load(Ordering::Acquire) {
                act.play(due, BLOCK, |_, _, _| {});
                due += block;
                let now = Instant::now();
                // After a sleep of the whole machine nobody wants the lost hours played.
                if now.saturating_duration_since(due) > Duration::from_secs(1) {
                    due = now;
                }
                thread::sleep(due.saturating_duration_since(now));
            }
        })?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
