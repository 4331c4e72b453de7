//! The log of a session on disk, so that a crash costs at most a blink: what sounded, record by record, each with its
//! length and checksum. A thread of its own writes; the file is locked while its program lives.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use crate::link::display::Now;
use crate::music::event::Midi;
use crate::music::time::{Bars, Beats, Meter, SampleRate, Tempo, Tick};
use crate::standalone::session::Session;
use crate::standalone::stage::Heard;

/// What every log begins with.
const MAGIC: &[u8; 8] = b"SIDELOG1";
/// What its name ends in.
const ENDING: &str = "sidelog";
/// The longest time between what sounds and the file that holds it.
const WRITE_EVERY: Duration = Duration::from_millis(100);
/// How often the disk is asked to keep it for good: a power failure costs as much.
const SYNC_EVERY: Duration = Duration::from_secs(2);
/// Batches that may wait for a slow disk: at ten a second, ten minutes.
const BATCHES: usize = 6_000;
/// Bytes of a record before its contents, and of a checksum.
const HEAD: usize = 1 + CHECK;
const CHECK: usize = 4;
/// The largest log that is read: a week of dense play.
const MAX_BYTES: u64 = 1 << 30;
/// The shortest and the longest contents.
const PLACE: usize = 8 + 1;
const FULL: usize = PLACE + 8 + 8 + 4 + 8;

/// What a log begins with.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Header {
    /// Samples a second.
    pub rate: SampleRate,
    /// The machine's channel.
    pub machine: u8,
    /// The time signature.
    pub meter: Meter,
}

/// A log that is written. Dropping it ends the writing and leaves the file: a session that was not kept.
pub struct SessionLog {
    path: PathBuf,
    batch: Vec<u8>,
    sent: Instant,
    batches: Option<SyncSender<Vec<u8>>>,
    thread: Option<JoinHandle<Option<io::Error>>>,
    lost: bool,
}

impl SessionLog {
    /// Begins a log in a folder, which is made where it is not there.
    ///
    /// # Errors
    /// When the folder can't be written to, or the system has no thread to give.
    pub fn begin(folder: &Path, header: Header) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let name = format!("{}-{}.{ENDING}", since.as_millis(), std::process::id());
        let path = folder.join(name);
        let mut file = OpenOptions::new().append(true).create_new(true).open(&path)?;
        // A file system without locks: the session may then be offered while it runs, which harms nothing.
        let _ = file.try_lock();
        file.write_all(MAGIC)?;
        file.write_all(&record(&header.encode()))?;
        let (batches, received) = sync_channel(BATCHES);
        let thread = thread::Builder::new()
            .name("sideman-log".to_owned())
            .spawn(move || write(&mut file, &received).err())?;
        let (batch, sent) = (Vec::new(), Instant::now());
        Ok(Self { path, batch, sent, batches: Some(batches), thread: Some(thread), lost: false })
    }

    /// Logs what sounded. Never waits for the disk.
    pub fn hear(&mut self, heard: &Heard) {
        if !self.lost {
            self.batch.extend(record(&encode(heard)));
        }
    }

    /// Sends what was heard on its way, now and then: call it often. Gives, once, why the disk takes no more.
    pub fn flush(&mut self) -> Option<String> {
        if self.lost || self.batch.is_empty() || self.sent.elapsed() < WRITE_EVERY {
            return None;
        }
        self.sent = Instant::now();
        let batch = std::mem::take(&mut self.batch);
        let sent = self.batches.as_ref().map(|batches| batches.try_send(batch));
        if matches!(sent, Some(Ok(()))) {
            return None;
        }
        self.lost = true;
        self.batches = None;
        // A thread that ended says why; one that still writes is left to it.
        let ended = self.thread.take().filter(JoinHandle::is_finished);
        let error = ended.and_then(|thread| thread.join().ok()?);
        Some(error.map_or_else(|| "the disk is too slow".to_owned(), |e| e.to_string()))
    }

    /// The session was kept: the log goes.
    pub fn finish(mut self) {
        self.close();
        // What can't be removed is offered next time, and is no loss.
        let _ = fs::remove_file(&self.path);
    }

    fn close(&mut self) {
        if let Some(batches) = self.batches.take() {
            let _ = batches.try_send(std::mem::take(&mut self.batch));
        }
        self.join();
    }

    fn join(&mut self) -> Option<io::Error> {
        self.thread.take()?.join().ok()?
    }
}

impl Drop for SessionLog {
    fn drop(&mut self) {
        self.close();
    }
}

/// Writes until nothing more comes.
fn write(file: &mut File, batches: &Receiver<Vec<u8>>) -> io::Result<()> {
    let (mut synced, mut dirty) = (Instant::now(), false);
    loop {
        match batches.recv_timeout(SYNC_EVERY) {
            Ok(batch) => {
                file.write_all(&batch)?;
                dirty = true;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return file.sync_data(),
        }
        if dirty && synced.elapsed() >= SYNC_EVERY {
            file.sync_data()?;
            (synced, dirty) = (Instant::now(), false);
        }
    }
}

/// A log that its program has left behind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Left {
    /// Where it lies.
    pub path: PathBuf,
    /// When it was last written.
    pub written: SystemTime,
}

/// The logs in a folder whose programs no longer run, the newest first.
pub fn left_behind(folder: &Path) -> Vec<Left> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let is_log = |path: &PathBuf| path.extension().is_some_and(|e| e == ENDING);
    let mut left: Vec<Left> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(is_log)
        .filter(|path| !is_running(path))
        .filter_map(|path| {
            let written = fs::metadata(&path).and_then(|m| m.modified()).ok()?;
            Some(Left { path, written })
        })
        .collect();
    left.sort_by_key(|l| std::cmp::Reverse(l.written));
    left
}

/// Whether the program that writes this log still lives.
pub fn is_running(path: &Path) -> bool {
    let open = || OpenOptions::new().append(true).open(path).or_else(|_| File::open(path));
    open().is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

/// What a log tells.
#[derive(Debug)]
pub struct Recovered {
    /// The session, as far as it was written.
    pub session: Session,
    /// What it was played with.
    pub header: Header,
    /// Bytes behind the last sound record: torn or foreign.
    pub lost: u64,
}

/// Why a log tells nothing.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// It can't be read.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is no log, or its first record is torn.
    #[error("{path}: this is no log of a session, or nothing of it was written", path = path.display())]
    NoLog {
        /// Which file.
        path: PathBuf,
    },
}

/// Reads what a session left. Whatever lies behind the last sound record is passed over; notes that sound are held to the
/// end.
///
/// # Errors
/// [`RecoverError`] names the file.
pub fn recover(path: &Path) -> Result<Recovered, RecoverError> {
    let io = |source| RecoverError::Io { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    File::open(path).map_err(io)?.take(MAX_BYTES).read_to_end(&mut bytes).map_err(io)?;
    read(&bytes).ok_or_else(|| RecoverError::NoLog { path: path.to_owned() })
}

fn read(bytes: &[u8]) -> Option<Recovered> {
    let mut rest = bytes.strip_prefix(MAGIC)?;
    let header = Header::decode(next(&mut rest)?)?;
    let mut session = Session::new(header.rate);
    while let Some(heard) = next(&mut rest).and_then(decode) {
        session.hear(&heard);
    }
    Some(Recovered { session, header, lost: rest.len() as u64 })
}

impl Header {
    fn encode(self) -> Vec<u8> {
        let mut bytes = self.rate.hertz().to_le_bytes().to_vec();
        bytes.extend([self.machine, self.meter.numerator, self.meter.denominator]);
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (rate, rest) = bytes.split_first_chunk::<8>()?;
        let &[machine, numerator, denominator] = rest else { return None };
        let known = machine < 16 && numerator > 0 && denominator.is_power_of_two();
        let rate = SampleRate::new(f64::from_le_bytes(*rate));
        known.then_some(Self { rate, machine, meter: Meter { numerator, denominator } })
    }
}

/// The contents of the next record, if it is whole.
fn next<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (&length, behind) = rest.split_first()?;
    let (sum, behind) = behind.split_first_chunk::<CHECK>()?;
    let contents = behind.get(..usize::from(length))?;
    if *sum != checksum(contents) {
        return None;
    }
    *rest = &rest[HEAD + contents.len()..];
    Some(contents)
}

/// Contents with length and checksum before them.
fn record(contents: &[u8]) -> Vec<u8> {
    let mut record = vec![contents.len() as u8];
    record.extend(checksum(contents));
    record.extend(contents);
    record
}

fn checksum(contents: &[u8]) -> [u8; CHECK] {
    let mut sum = [0; CHECK];
    sum.copy_from_slice(&blake3::hash(contents).as_bytes()[..CHECK]);
    sum
}

/// The sample, whether time passes, where the music is, the message's bytes.
fn encode(heard: &Heard) -> Vec<u8> {
    let mut bytes = heard.sample.to_le_bytes().to_vec();
    bytes.push(u8::from(heard.now.is_some()));
    if let Some(now) = heard.now {
        bytes.extend(now.beats.0.to_le_bytes());
        bytes.extend(now.bars.origin.0.to_le_bytes());
        bytes.extend((now.bars.length as u32).to_le_bytes());
        bytes.extend(now.tempo.beats_per_minute().to_le_bytes());
    }
    if let Some(midi) = heard.midi {
        let (message, length) = midi.to_bytes();
        bytes.extend(&message[..length]);
    }
    bytes
}

fn decode(bytes: &[u8]) -> Option<Heard> {
    let (sample, rest) = bytes.split_first_chunk::<8>()?;
    // Sound by its checksum, and yet written by whomever: a century of samples is no session.
    if u64::from_le_bytes(*sample) > 1 << 48 {
        return None;
    }
    let (&passes, mut rest) = rest.split_first()?;
    let mut now = None;
    if passes == 1 {
        let (place, message) = rest.split_at_checked(FULL - PLACE)?;
        let (beats, place) = place.split_first_chunk::<8>()?;
        let (origin, place) = place.split_first_chunk::<8>()?;
        let (length, place) = place.split_first_chunk::<4>()?;
        let (tempo, _) = place.split_first_chunk::<8>()?;
        let beats = f64::from_le_bytes(*beats);
        if !beats.is_finite() || beats.abs() > 1e9 {
            return None;
        }
        let origin = Tick(i64::from_le_bytes(*origin).clamp(-1 << 40, 1 << 40));
        let length = i64::from(u32::from_le_bytes(*length).clamp(1, 1 << 16));
        let tempo = Tempo::new(f64::from_le_bytes(*tempo));
        now = Some(Now { beats: Beats(beats), bars: Bars { origin, length }, tempo });
        rest = message;
    }
    let midi = if rest.is_empty() { None } else { Some(Midi::from_bytes(rest)?) };
    Some(Heard { sample: u64::from_le_bytes(*sample), now, midi })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::music::event::Channel;
    use crate::standalone::Part;

    fn heard(n: u64) -> Heard {
        let bars = Bars { origin: Tick(0), length: 48 };
        let beats = Beats(n as f64 * 0.25);
        let now = (n % 17 != 16).then(|| Now { beats, bars, tempo: Tempo::new(101.5) });
        let (channel, key) = (Channel::new((n / 2 % 2) as u8), 60 + (n / 2 % 12) as u8);
        let midi = match n % 4 {
            0 | 2 => Some(Midi::NoteOn { channel, key, velocity: 80 }),
            1 => Some(Midi::NoteOff { channel, key, velocity: 3 }),
            _ => None,
        };
        Heard { sample: n * 7_000, now, midi }
    }

    fn begin(folder: &Path) -> SessionLog {
        SessionLog::begin(folder, header()).unwrap()
    }

    fn header() -> Header {
        let meter = Meter { numerator: 6, denominator: 8 };
        Header { rate: SampleRate::new(44_100.0), machine: 3, meter }
    }

    fn bytes(records: u64) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(record(&header().encode()));
        (0..records).for_each(|n| bytes.extend(record(&encode(&heard(n)))));
        bytes
    }

    #[test]
    fn every_record_reads_back() {
        for n in 0..100 {
            assert_eq!(decode(&encode(&heard(n))), Some(heard(n)));
        }
    }

    #[test]
    fn a_log_lives_until_the_session_was_kept() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("deep/down");
        let mut log = begin(&folder);
        (0..50).for_each(|n| log.hear(&heard(n)));
        assert_eq!(left_behind(&folder), [], "it runs");
        drop(log);
        let left = left_behind(&folder);
        assert_eq!(left.len(), 1);
        let found = recover(&left[0].path).unwrap();
        assert_eq!((found.header, found.lost), (header(), 0));
        let notes = found.session.count(Part::Player) + found.session.count(Part::Machine);
        assert_eq!(notes, 25);
        let mut log = begin(&folder);
        log.hear(&heard(0));
        log.finish();
        assert_eq!(left_behind(&folder), left);
    }

    #[test]
    fn what_sounds_is_on_the_disk_within_a_quarter_of_a_second() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = begin(dir.path());
        let mut take = |count: usize| {
            log.hear(&heard(4 * count as u64));
            let begin = Instant::now();
            while recover(&log.path).unwrap().session.count(Part::Player) <= count {
                assert_eq!(log.flush(), None);
                assert!(begin.elapsed() < Duration::from_secs(5), "never");
                thread::sleep(Duration::from_millis(10));
            }
            begin.elapsed()
        };
        // A busy machine may take longer now and then.
        let best = (0..5).map(&mut take).min().unwrap();
        assert!(best < Duration::from_millis(250), "{best:?}");
    }

    #[test]
    fn torn_and_foreign_bytes_cost_only_themselves() {
        let whole = bytes(40);
        let count = |bytes: &[u8]| read(bytes).map(|r| r.session.count(Part::Player));
        let all = count(&whole);
        for cut in 0..whole.len() {
            let found = read(&whole[..cut]);
            assert_eq!(found.is_some(), cut >= MAGIC.len() + HEAD + 11, "{cut}");
            assert!(found.is_none_or(|r| r.lost < 64));
        }
        let mut garbage = whole.clone();
        garbage.extend([0xa5; 1_000]);
        assert_eq!(count(&garbage), all);
        for at in (0..whole.len()).step_by(7) {
            let mut bent = whole.clone();
            bent[at] ^= 0x10;
            let _ = count(&bent);
        }
        for nothing in [&b""[..], b"SIDE", b"MThd\0\0\0\x06\0\x01", &[0; 4_096]] {
            assert!(read(nothing).is_none());
        }
        let found = read(&whole).unwrap();
        let take = found.session.take(found.session.whole(), found.header.meter, 1);
        assert!(take.to_bytes().is_ok());
    }
}
