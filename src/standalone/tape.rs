//! A tape of what is heard: the audio thread puts samples in a ring, a thread of its own keeps the last minutes in memory.

use std::collections::VecDeque;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::Mutex;
use ringbuf::traits::{Consumer as _, Observer as _, Producer as _, Split as _};
use ringbuf::{HeapCons, HeapProd, HeapRb};

use crate::music::time::SampleRate;
use crate::standalone::wav::{Depth, WavError, WavWriter};

/// Seconds that the ring holds: as long may the thread be kept from its work.
const RING_SECONDS: f64 = 2.0;
/// The shortest block that is told apart; as many fit the ring.
const LEAST_BLOCK: usize = 16;
/// How often the thread looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Full scale of 16 bits.
const FULL: f32 = 32_767.0;
/// Samples over which a cut is faded.
const FADE: usize = 128;

/// Left and right.
type Frame = [i16; 2];

/// Samples of a block, where they lie in the ring of sound.
#[derive(Clone, Copy, Debug)]
struct Piece {
    sample: u64,
    frames: usize,
}

/// The audio thread's end.
pub struct TapeHead {
    sound: HeapProd<[f32; 2]>,
    pieces: HeapProd<Piece>,
    missed: Arc<AtomicU64>,
}

/// The tape, and the thread that winds it. Dropping it ends the recording.
pub struct Tape {
    reel: Arc<Mutex<Reel>>,
    missed: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    rate: SampleRate,
}

/// The last minutes as pieces of a second. Silent ones take no room: a pause does not push the music out.
#[derive(Debug)]
struct Reel {
    /// Whole seconds by their first samples.
    seconds: VecDeque<(u64, Arc<[Frame]>)>,
    /// The second under way.
    begun: Vec<Frame>,
    begun_at: u64,
    second: usize,
    most: usize,
    /// Pieces that wait to be filled. All memory is taken, and touched, before anybody plays: new pages in mid-play can keep a
    /// whole processor waiting, and whoever plays on it.
    blank: Vec<Arc<[Frame]>>,
}

/// A stretch of sound, or of silence where `samples` is none: what a kept piece consists of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Strip {
    /// The samples since the stage was built.
    pub samples: Option<Range<u64>>,
    /// How many there are.
    pub frames: u64,
}

/// What was cut off a tape, to be written on any thread.
pub struct Cut {
    strips: Vec<Strip>,
    seconds: Vec<(u64, Arc<[Frame]>)>,
    rate: u32,
}

/// Starts a tape of so many minutes. At 48 kHz a minute takes 11.5 MB, and the ring 1 MB.
///
/// # Errors
/// When the system has no thread to give.
pub fn tape(rate: SampleRate, minutes: u32) -> std::io::Result<(TapeHead, Tape)> {
    let room = (rate.hertz() * RING_SECONDS) as usize;
    let (mut sound, mut sound_rx) = HeapRb::new(room).split();
    let (mut pieces, mut pieces_rx) = HeapRb::new(room / LEAST_BLOCK).split();
    // Touches all of both.
    sound.push_iter(std::iter::repeat([0.0; 2]));
    pieces.push_iter(std::iter::repeat(Piece { sample: 0, frames: 0 }));
    sound_rx.clear();
    pieces_rx.clear();
    let missed = Arc::<AtomicU64>::default();
    let reel = Arc::new(Mutex::new(Reel::new(rate.hertz() as usize, minutes as usize * 60)));
    let stop = Arc::<AtomicBool>::default();
    let (seen, filled) = (Arc::clone(&stop), Arc::clone(&reel));
    let thread = thread::Builder::new()
        .name("sideman-tape".to_owned())
        .spawn(move || wind(sound_rx, pieces_rx, &filled, &seen))?;
    let head = TapeHead { sound, pieces, missed: Arc::clone(&missed) };
    Ok((head, Tape { reel, missed, stop, thread: Some(thread), rate }))
}

impl TapeHead {
    /// Records a block that began at a sample; where the other end has fetched none for long it is missing on the tape.
    ///
    /// Audio thread. No allocation, lock or system call.
    pub fn record(&mut self, sample: u64, left: &[f32], right: &[f32]) {
        let frames = left.len().min(right.len());
        if self.sound.vacant_len() < frames || self.pieces.is_full() {
            self.missed.fetch_add(frames as u64, Ordering::Relaxed);
            return;
        }
        self.sound.push_iter(left.iter().zip(right).map(|(l, r)| [*l, *r]));
        let _ = self.pieces.try_push(Piece { sample, frames });
    }
}

impl Tape {
    /// Cuts strips off, one behind the other. What is no longer on the tape is silent. Waits for the tape's thread, at
    /// most milliseconds.
    pub fn cut(&self, strips: Vec<Strip>) -> Cut {
        let reel = self.reel.lock();
        let wanted = |from: u64, frames: usize| {
            let until = from + frames as u64;
            let meets = |r: &Range<u64>| r.start < until && from < r.end;
            strips.iter().filter_map(|s| s.samples.as_ref()).any(meets)
        };
        let mut seconds: Vec<_> =
            reel.seconds.iter().filter(|(from, s)| wanted(*from, s.len())).cloned().collect();
        seconds.push((reel.begun_at, reel.begun.as_slice().into()));
        Cut { strips, seconds, rate: self.rate.hertz() as u32 }
    }

    /// The first sample from which on all that was not silent is on the tape.
    pub fn begin(&self) -> u64 {
        let reel = self.reel.lock();
        if reel.seconds.len() < reel.most {
            return 0;
        }
        reel.seconds.front().map_or(reel.begun_at, |(from, _)| *from)
    }

    /// Samples that are missing since this end was too slow.
    pub fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }
}

impl Drop for Tape {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn wind(
    mut sound: HeapCons<[f32; 2]>,
    mut pieces: HeapCons<Piece>,
    reel: &Mutex<Reel>,
    stop: &AtomicBool,
) {
    while !stop.load(Ordering::Acquire) {
        while let Some(Piece { sample, frames }) = pieces.try_pop() {
            reel.lock().put(sample, sound.pop_iter().take(frames));
        }
        thread::sleep(LOOK_EVERY);
    }
}

impl Reel {
    fn new(second: usize, most: usize) -> Self {
        // Copied from a piece that is no zeros, so that no system puts it off.
        let piece = vec![[1; 2]; second];
        let blank = (0..most).map(|_| Arc::from(piece.as_slice())).collect();
        let (seconds, begun) = (VecDeque::with_capacity(most), Vec::with_capacity(second));
        Self { seconds, begun, begun_at: 0, second, most, blank }
    }

    fn put(&mut self, sample: u64, frames: impl Iterator<Item = [f32; 2]>) {
        if sample != self.begun_at + self.begun.len() as u64 {
            self.end_second();
            self.begun_at = sample;
        }
        for frame in frames {
            self.begun.push(frame.map(|x| (x.clamp(-1.0, 1.0) * FULL).round() as i16));
            if self.begun.len() == self.second {
                self.end_second();
            }
        }
    }

    fn end_second(&mut self) {
        let next = self.begun_at + self.begun.len() as u64;
        if self.begun.iter().any(|frame| *frame != [0, 0]) && self.most > 0 {
            if self.seconds.len() == self.most {
                let oldest = self.seconds.pop_front().map(|(_, piece)| piece);
                self.blank.extend(oldest.filter(|piece| piece.len() == self.second));
            }
            // What was cut short by a gap takes room of its own.
            let whole = self.begun.len() == self.second;
            let blank = if whole { self.blank.pop() } else { None };
            let piece = blank.and_then(|piece| fill(piece, &self.begun));
            let piece = piece.unwrap_or_else(|| self.begun.as_slice().into());
            self.seconds.push_back((self.begun_at, piece));
        }
        self.begun.clear();
        self.begun_at = next;
    }
}

/// Fills a piece of the same length; none where it is of another, or still being written to a file.
fn fill(mut piece: Arc<[Frame]>, frames: &[Frame]) -> Option<Arc<[Frame]>> {
    let room = Arc::get_mut(&mut piece).filter(|room| room.len() == frames.len())?;
    room.copy_from_slice(frames);
    Some(piece)
}

impl Cut {
    /// How long it is.
    pub fn seconds(&self) -> f64 {
        self.strips.iter().map(|s| s.frames).sum::<u64>() as f64 / f64::from(self.rate.max(1))
    }

    /// Writes it as a WAV file of 16 bits.
    ///
    /// # Errors
    /// [`WavError`] when the disk refuses; no file is left then.
    pub fn save(&self, path: &Path) -> Result<(), WavError> {
        let written = self.write(path);
        if written.is_err() {
            // The error that matters is the first; the leftover may not even exist.
            let _ = std::fs::remove_file(path);
        }
        written
    }

    fn write(&self, path: &Path) -> Result<(), WavError> {
        let mut wav = WavWriter::create(path, self.rate, Depth::Sixteen)?;
        for (nth, strip) in self.strips.iter().enumerate() {
            let mut frames = vec![[0; 2]; strip.frames as usize];
            if let Some(samples) = &strip.samples {
                self.copy(samples.start, &mut frames);
                let fades = [nth > 0, nth + 1 < self.strips.len()];
                fade(&mut frames, fades);
            }
            wav.append(&frames)?;
        }
        wav.finish().map(|_| ())
    }

    fn copy(&self, from: u64, room: &mut [Frame]) {
        for (begin, second) in &self.seconds {
            let skip = from.saturating_sub(*begin) as usize;
            let at = begin.saturating_sub(from) as usize;
            if let (Some(second), Some(room)) = (second.get(skip..), room.get_mut(at..)) {
                let length = second.len().min(room.len());
                room[..length].copy_from_slice(&second[..length]);
            }
        }
    }
}

/// Softens the beginning and the end, where asked.
fn fade(frames: &mut [Frame], [begin, end]: [bool; 2]) {
    let length = FADE.min(frames.len() / 2);
    let soften = |frame: &mut Frame, step: usize| {
        *frame = frame.map(|x| (i32::from(x) * step as i32 / length.max(1) as i32) as i16);
    };
    if begin {
        frames.iter_mut().take(length).enumerate().for_each(|(step, frame)| soften(frame, step));
    }
    if end {
        frames.iter_mut().rev().take(length).enumerate().for_each(|(s, frame)| soften(frame, s));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strip(samples: Range<u64>) -> Strip {
        Strip { frames: samples.end - samples.start, samples: Some(samples) }
    }

    #[test]
    fn what_was_heard_is_on_the_tape_and_pauses_take_no_room() {
        let rate = SampleRate::new(8_000.0);
        let (mut head, tape) = tape(rate, 1).unwrap();
        // A ramp of two seconds, ten minutes of silence, a second of ramp.
        let ramp = |sample: u64| (sample % 1_000) as f32 / 1_000.0;
        let mut sample = 0;
        let mut play = |until: u64, silent: bool| {
            while sample < until {
                let sound: Vec<f32> =
                    (sample..sample + 100).map(|s| if silent { 0.0 } else { ramp(s) }).collect();
                head.record(sample, &sound, &sound);
                sample += 100;
                if sample % 8_000 == 0 {
                    while head.pieces.occupied_len() > 0 {
                        thread::sleep(Duration::from_millis(1));
                    }
                }
            }
        };
        play(16_000, false);
        play(800_000, true);
        play(808_000, false);
        assert_eq!(tape.missed(), 0);
        assert_eq!(tape.begin(), 0);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.wav");
        let pause = Strip { samples: None, frames: 50 };
        tape.cut(vec![strip(500..9_500), pause, strip(799_000..801_500)]).save(&path).unwrap();
        let mut wav = hound::WavReader::open(&path).unwrap();
        assert_eq!(u64::from(wav.duration()), 9_000 + 50 + 2_500);
        let left: Vec<i32> = wav.samples::<i32>().step_by(2).map(Result::unwrap).collect();
        let value = |sample| (ramp(sample) * FULL).round() as i32;
        let whole = 9_000 - FADE;
        assert!((500..).zip(&left[..whole]).all(|(sample, heard)| *heard == value(sample)));
        assert!(left[9_000..10_050].iter().all(|x| *x == 0), "the pause, and silence");
        assert!((800_000..).zip(&left[10_050..]).all(|(sample, heard)| *heard == value(sample)));
    }

    #[test]
    fn the_oldest_goes_first_and_a_slow_thread_is_told() {
        let mut reel = Reel::new(10, 3);
        for sample in (0..60).step_by(5) {
            reel.put(sample, [[0.5; 2]; 5].into_iter());
        }
        let firsts: Vec<u64> = reel.seconds.iter().map(|s| s.0).collect();
        assert_eq!(firsts, [30, 40, 50]);
        reel.put(100, [[0.5; 2]; 10].into_iter());
        assert_eq!(reel.seconds.back().map(|s| s.0), Some(100), "after a gap");
        let (sound, _kept) = HeapRb::new(100).split();
        let (pieces, _too) = HeapRb::new(10).split();
        let mut head = TapeHead { sound, pieces, missed: Arc::default() };
        for sample in [0, 60, 120] {
            head.record(sample, &[0.1; 60], &[0.1; 60]);
        }
        assert_eq!(head.missed.load(Ordering::Relaxed), 120);
    }
}
