//! What is kept of a session while it goes on: pieces of it, and its log.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use crate::data::midi_out::Take;
use crate::music::time::{Meter, SampleRate};
use crate::preset::folder;
use crate::standalone::Part;
use crate::standalone::session::{Range, Session, take_name};
use crate::standalone::session_log::{Header, SessionLog};
use crate::standalone::stage::Heard;
use crate::standalone::tape::{Cut, Strip, Tape};

/// What a kept file is called, before its number.
const NAME: &str = "sideman";

/// Writes pieces of a session, each on a thread of its own.
pub(super) struct Keeper {
    tape: Option<Tape>,
    done: Sender<String>,
    news: Receiver<String>,
    threads: Vec<JoinHandle<()>>,
    missed: u64,
}

impl Keeper {
    pub(super) fn new(tape: Option<Tape>) -> Self {
        let (done, news) = channel();
        Self { tape, done, news, threads: Vec::new(), missed: 0 }
    }

    /// Keeps a range of a session as MIDI, and as sound where there is a tape. Gives what there is to say already.
    pub(super) fn keep(&mut self, session: &Session, range: Range, take: Take) -> Option<String> {
        if take.player.notes.is_empty() && take.machine.notes.is_empty() {
            return Some("nothing was played yet".to_owned());
        }
        let path = match free_name() {
            Ok(path) => path,
            Err(error) => return Some(format!("can't keep it: {error}")),
        };
        let sound = self.tape.as_ref().map(|tape| {
            let (strips, whole) = behind(session.strips(range), tape.begin());
            (tape.cut(strips), whole)
        });
        let done = self.done.clone();
        let write = move || {
            // Nobody may be there to hear it.
            let _ = done.send(write(&path, &take, sound));
        };
        match std::thread::Builder::new().name("sideman-keep".to_owned()).spawn(write) {
            Ok(thread) => self.threads.push(thread),
            Err(error) => return Some(format!("can't keep it: {error}")),
        }
        None
    }

    /// What became of a piece, or of the tape.
    pub(super) fn news(&mut self) -> Option<String> {
        self.threads.retain(|thread| !thread.is_finished());
        let missed = self.tape.as_ref().map_or(0, Tape::missed);
        if missed > self.missed {
            self.missed = missed;
            return Some("this machine is too busy: the tape has gaps".to_owned());
        }
        self.news.try_recv().ok()
    }

    /// Waits for what is being written, and gives the last news.
    pub(super) fn end(self) -> Vec<String> {
        let Self { done, news, threads, .. } = self;
        for thread in threads {
            let _ = thread.join();
        }
        drop(done);
        news.iter().collect()
    }
}

/// A free name here, or, where nothing can be written, in the folder for what is temporary.
pub(super) fn free_name() -> std::io::Result<PathBuf> {
    let other = |error| take_name(&std::env::temp_dir(), NAME).map_err(|_| error);
    take_name(Path::new("."), NAME).or_else(other)
}

/// The strips behind a sample, and whether these are all.
fn behind(mut strips: Vec<Strip>, begin: u64) -> (Vec<Strip>, bool) {
    let old = |s: &Strip| s.samples.as_ref().is_some_and(|samples| samples.end <= begin);
    let gone = strips.iter().rposition(old).map_or(0, |n| n + 1);
    strips.drain(..gone);
    let mut whole = gone == 0;
    for strip in &mut strips {
        if let Some(samples) = strip.samples.as_mut().filter(|samples| samples.start < begin) {
            samples.start = begin;
            strip.frames = samples.end - begin;
            whole = false;
        }
    }
    (strips, whole)
}

/// Writes a piece; says where it went, or why not.
fn write(path: &Path, take: &Take, sound: Option<(Cut, bool)>) -> String {
    if let Err(error) = take.save(path) {
        // The name that was taken for it.
        let _ = std::fs::remove_file(path);
        return format!("can't keep it: {error}");
    }
    let kept = format!("kept {}", path.display());
    let wav = path.with_extension("wav");
    let name = wav.file_name().unwrap_or_default().display();
    match sound.map(|(cut, whole)| (cut.save(&wav), cut.seconds(), whole)) {
        None => kept,
        Some((Ok(()), _, true)) => format!("{kept} and {name}"),
        Some((Ok(()), seconds, false)) => {
            format!("{kept} and {name}, the sound of its last {seconds:.0} s")
        }
        Some((Err(error), ..)) => format!("{kept}; {error}"),
    }
}

/// The log of the session, from the first note on.
pub(super) struct Logbook {
    folder: Option<PathBuf>,
    log: Option<SessionLog>,
    header: Header,
}

impl Logbook {
    pub(super) fn new(rate: SampleRate, machine: u8, meter: Meter) -> Self {
        let header = Header { rate, machine, meter };
        Self { folder: folder::sessions(), log: None, header }
    }

    /// Logs what sounded; gives, once, why it can't be.
    pub(super) fn hear(&mut self, heard: &Heard) -> Option<String> {
        if self.log.is_none() && heard.midi.is_some() {
            match SessionLog::begin(self.folder.take()?.as_path(), self.header) {
                Ok(log) => self.log = Some(log),
                Err(error) => return Some(unsafe_news(&error.to_string())),
            }
        }
        self.log.as_mut()?.hear(heard);
        None
    }

    /// Sends it to the disk; gives, once, why the disk takes no more.
    pub(super) fn flush(&mut self) -> Option<String> {
        self.log.as_mut()?.flush().map(|why| unsafe_news(&why))
    }

    /// The session has ended. Where it was kept the log goes, else it stays to be recovered; says whether it does.
    pub(super) fn end(self, kept: bool) -> bool {
        match self.log {
            Some(log) if kept => {
                log.finish();
                false
            }
            log => log.is_some(),
        }
    }
}

fn unsafe_news(why: &str) -> String {
    format!("a crash would cost this session: no log can be written ({why})")
}

/// Whether there is anything in a session.
pub(super) fn is_empty(session: &Session) -> bool {
    session.count(Part::Player) + session.count(Part::Machine) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_longer_on_the_tape_is_left_out() {
        let strip = |from: u64, to: u64| Strip { samples: Some(from..to), frames: to - from };
        let pause = Strip { samples: None, frames: 7 };
        let strips = || vec![strip(0, 100), pause.clone(), strip(200, 300)];
        assert_eq!(behind(strips(), 0), (strips(), true));
        assert_eq!(
            behind(strips(), 50),
            (vec![strip(50, 100), pause.clone(), strip(200, 300)], false)
        );
        assert_eq!(behind(strips(), 250), (vec![pause.clone(), strip(250, 300)], false));
        assert_eq!(behind(strips(), 900), (Vec::new(), false));
    }
}
