//! `sideman` alone: an instrument. A keyboard in, sound and MIDI out.

mod args;
mod drive;
mod show;
mod time_args;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use crate::cli::sideman::warn_of_device;
use crate::link::settings::Settings;
use crate::standalone::Part;
use crate::standalone::action::Action;
use crate::standalone::instrument::Instrument;
use crate::standalone::jack_face::JackFace;
use crate::standalone::keyboards::{Keyboards, Plugged};
use crate::standalone::performance::PLAYER;
use crate::standalone::roll_terminal::{Look, Screen};
use crate::standalone::session::{Session, free_name};
use crate::standalone::stage::{Desk, Wish};

pub(crate) use args::LiveArgs;
use drive::{Drive, Opened, open, repair};
use show::{close, show};

/// How often keyboards and a lost sound card are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How often the desk listens.
const LISTEN_EVERY: Duration = Duration::from_millis(10);
/// What a session's file is called, before its number.
const NAME: &str = "sideman";

/// A session under way.
struct Live<'a> {
    args: &'a LiveArgs,
    drive: Drive,
    desk: Desk,
    keyboards: Option<Keyboards>,
    instrument: Option<Instrument>,
    session: Session,
    /// The last thing that happened to the gear.
    notice: String,
    /// What was said of a sound card that can't be taken.
    refused: Option<String>,
}

pub(crate) fn run(args: &LiveArgs) -> anyhow::Result<()> {
    let settings = Settings { thru: true, ..args.playing.settings()? };
    ensure!(
        settings.output != PLAYER,
        "channel 1 is the player's here: set output-channel to another"
    );
    if let Some(folder) = args.out.as_deref().and_then(Path::parent) {
        let there = folder.as_os_str().is_empty() || folder.is_dir();
        ensure!(there, "--out: there is no folder {}", folder.display());
    }
    let Opened { drive, desk, door, instrument } = open(args, args.time.setup(settings)?)?;
    let from = args.gear.from.clone();
    let keyboards = door.and_then(|door| match Keyboards::new(door, from) {
        Ok(keyboards) => Some(keyboards),
        Err(why) => {
            println!("{why}");
            None
        }
    });
    let stop = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&stop);
    let _ = ctrlc::set_handler(move || seen.store(true, Ordering::Release));
    let look = if args.headless { Look::Lines } else { Look::of_stdout() };
    let (session, notice) = (Session::default(), String::new());
    let mut live =
        Live { args, drive, desk, keyboards, instrument, session, notice, refused: None };
    let ended = live.lead(look, &stop);
    live.end(ended)
}

impl Live<'_> {
    /// Leads until the end is asked for, or what was played on is gone.
    fn lead(&mut self, look: Look, stop: &AtomicBool) -> anyhow::Result<()> {
        let mut screen =
            Screen::open(std::io::stdout(), look).context("the terminal can't be written to")?;
        let started = Instant::now();
        let mut looked: Option<Instant> = None;
        let over = |s: f64| started.elapsed().as_secs_f64() >= s;
        while !stop.load(Ordering::Acquire) && !self.args.seconds.is_some_and(over) {
            if looked.is_none_or(|at| at.elapsed() >= LOOK_EVERY) {
                looked = Some(Instant::now());
                for news in self.look_after_gear()? {
                    if look == Look::Lines {
                        println!("{news}");
                    }
                    self.notice = news;
                }
            }
            match screen.key() {
                Some('q') => break,
                Some(key) => {
                    if let Some(action) = Action::of_key(key) {
                        action.ask(&mut self.desk);
                    }
                }
                None => {}
            }
            self.hear();
            show(&mut screen, &self.desk, &mut self.session, &self.notice)?;
            std::thread::sleep(LISTEN_EVERY);
        }
        close(screen, &self.desk, &mut self.session)
    }

    /// Finds what came and what went, and says so.
    fn look_after_gear(&mut self) -> anyhow::Result<Vec<String>> {
        if matches!(&self.drive, Drive::Jack(face) if face.is_gone()) {
            bail!("the JACK server has ended");
        }
        let changes = self.keyboards.as_mut().map(Keyboards::refresh).unwrap_or_default();
        let repaired = repair(&mut self.drive, &self.args.gear, &mut self.refused)?;
        let instrument = self.instrument.as_mut().and_then(Instrument::refresh);
        Ok(changes.iter().map(told).chain(instrument).chain(repaired).collect())
    }

    fn hear(&mut self) {
        while let Some(heard) = self.desk.hear() {
            self.session.hear(&heard);
        }
    }

    /// Ends what sounds, keeps what was played, and says it.
    fn end(mut self, ended: anyhow::Result<()>) -> anyhow::Result<()> {
        self.desk.ask(Wish::Panic);
        let waits = Duration::from_secs_f64(self.args.time.gear_waits());
        std::thread::sleep(Duration::from_millis(50) + waits);
        let periods = if let Drive::Jack(face) = &self.drive { Some(periods(face)) } else { None };
        self.drive = Drive::None;
        self.hear();
        // First the music is kept, then it is said: a terminal that is gone must not cost it.
        let kept = keep(self.args, &self.desk, &self.session);
        warn_of_device(self.desk.models());
        tell(
            &self.desk,
            &self.session,
            periods.as_deref(),
            kept.as_ref().ok().and_then(Option::as_deref),
        );
        kept?;
        ended
    }
}

fn told(change: &Plugged) -> String {
    match change {
        Plugged::In(name) => format!("hears {name}"),
        Plugged::Out(name) => format!("{name} is gone; what it held has ended"),
        Plugged::Refused(name, why) => format!("can't hear {name}: {why}"),
    }
}

/// Writes the session, if anything was played, and says where.
fn keep(args: &LiveArgs, desk: &Desk, session: &Session) -> anyhow::Result<Option<PathBuf>> {
    if session.count(Part::Player) + session.count(Part::Machine) == 0 && args.out.is_none() {
        return Ok(None);
    }
    let take = session.take(desk.time_signature(), desk.settings().output.index());
    let wanted = args.out.clone().unwrap_or_else(|| free_name(Path::new("."), NAME));
    let Err(error) = take.save(&wanted) else { return Ok(Some(wanted)) };
    // The folder can't be written to, or is gone: better elsewhere than nowhere.
    let other = free_name(&std::env::temp_dir(), NAME);
    take.save(&other).map_err(|_| error)?;
    Ok(Some(other))
}

/// What became of JACK's periods.
fn periods(face: &JackFace) -> String {
    let millis = |time: Duration| 1e3 * time.as_secs_f64();
    let (longest, period) = (millis(face.longest()), millis(face.period()));
    format!(", {} xruns (our longest turn {longest:.1} of {period:.1} ms)", face.xruns())
}

/// Says what was played. Nobody may be there to read it.
fn tell(desk: &Desk, session: &Session, periods: Option<&str>, kept: Option<&Path>) {
    let meter = desk.meter();
    let late = meter.late_notes.load(Ordering::Relaxed) + meter.late_plans.load(Ordering::Relaxed);
    let mut out = std::io::stdout().lock();
    let _ = writeln!(
        out,
        "{} notes of yours, {} of Sideman, {late} late, {}{}.",
        session.count(Part::Player),
        session.count(Part::Machine),
        meter.times(),
        periods.unwrap_or_default(),
    );
    if desk.settings().follow_style {
        let _ = writeln!(out, "heard: {}", desk.models().heard());
    }
    if desk.unheard() > 0 {
        let _ = writeln!(
            out,
            "{} messages are missing: the terminal was held too long",
            desk.unheard()
        );
    }
    if let Some(path) = kept {
        let _ = writeln!(out, "Both parts: {}", path.display());
    }
}
