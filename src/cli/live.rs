//! `sideman` alone: an instrument. A keyboard in, sound and MIDI out.

mod args;
mod drive;
mod keep;
#[cfg(feature = "window")]
mod pane;
mod show;
mod time_args;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use crate::cli::play::by_hand;
use crate::cli::recover::left_behind;
use crate::cli::showing;
use crate::cli::sideman::{keep_learnt, warn_of_device};
use crate::data::midi_out::Take;
use crate::link::settings::Settings;
use crate::music::event::Channel;
use crate::standalone::Part;
use crate::standalone::action::Action;
use crate::standalone::conductor::TimeKeeper;
use crate::standalone::hand::Hand;
use crate::standalone::instrument::Instrument;
use crate::standalone::jack_face::JackFace;
use crate::standalone::keyboards::{Keyboards, Plugged};
use crate::standalone::learnt::{Came, Control, Controls, Learnt};
use crate::standalone::performance::PLAYER;
use crate::standalone::screen::{Asked, Look, Screen};
use crate::standalone::session::{Range, Session};
use crate::standalone::stage::{Desk, Wish};

pub(crate) use args::LiveArgs;
use drive::{Drive, Opened, open, repair};
use keep::{Keeper, Logbook, free_name, is_empty};
#[cfg(feature = "window")]
use pane::{Link, Wanted};
use show::Show;

/// How often keyboards and a lost sound card are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A period of the end, at least: three are waited for.
const LEAST_END: Duration = Duration::from_millis(20);
/// How often the desk listens.
const LISTEN_EVERY: Duration = Duration::from_millis(10);

/// A control that is being learnt.
#[derive(Clone, Copy)]
enum Learning {
    /// It is to be moved.
    Control,
    /// It is known; what it does is to be said.
    Purpose(Control),
}

/// A session under way.
struct Live<'a> {
    args: &'a LiveArgs,
    /// To the window, where there is one.
    link: Option<&'a Link>,
    drive: Drive,
    desk: Desk,
    keyboards: Option<Keyboards>,
    instrument: Option<Instrument>,
    session: Session,
    keeper: Keeper,
    log: Logbook,
    /// Plays a file in, where one is asked for.
    hand: Option<Hand>,
    controls: Controls,
    learning: Option<Learning>,
    /// The last thing that happened to the gear.
    notice: String,
    /// What was said of a sound card that can't be taken.
    refused: Option<String>,
}

pub(crate) fn run(args: &LiveArgs) -> anyhow::Result<()> {
    #[cfg(feature = "window")]
    if args.window {
        return pane::run(args, |link| play(args, Some(link)));
    }
    play(args, None)
}

/// Without a window there is none to be led by.
#[cfg(not(feature = "window"))]
enum Link {}

/// Opens what is to be played on, and leads until the end.
fn play(args: &LiveArgs, link: Option<&Link>) -> anyhow::Result<()> {
    let settings = Settings { thru: true, ..args.playing.settings()? };
    ensure!(
        settings.output != PLAYER,
        "channel 1 is the player's here: set output-channel to another"
    );
    let known = args.seconds.is_none_or(|seconds| seconds.is_finite() && seconds >= 0.0);
    ensure!(known, "--seconds: a number of seconds from 0 on");
    if let Some(folder) = args.out.as_deref().and_then(Path::parent) {
        let there = folder.as_os_str().is_empty() || folder.is_dir();
        ensure!(there, "--out: there is no folder {}", folder.display());
    }
    let learnt: Result<Vec<Learnt>, _> = args.learn.iter().map(|one| one.parse()).collect();
    let learnt = learnt.context("--learn")?;
    let channels: Vec<Channel> = args.channel.iter().map(|n| Channel::new(n - 1)).collect();
    let played = args.play_in.as_deref().map(by_hand).transpose()?;
    let setup = args.time.setup(settings)?;
    let Opened { drive, desk, door, instrument, tape, gestures } = open(args, setup)?;
    let hand = match (played, &door) {
        (Some(messages), Some(door)) => {
            wait_for_model(&desk);
            Some(Hand::start(door.clone(), messages).context("no thread for the hand")?)
        }
        _ => None,
    };
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
    let look = if args.headless || link.is_some() { Look::Lines } else { Look::of_stdout() };
    let notice = left_behind().unwrap_or_default();
    if !notice.is_empty() {
        println!("{notice}");
    }
    let mut live = Live {
        args,
        link,
        session: Session::new(desk.rate()),
        keeper: Keeper::new(tape),
        log: Logbook::new(desk.rate(), settings.output.index(), desk.time_signature()),
        drive,
        desk,
        keyboards,
        instrument,
        hand,
        controls: Controls::new(gestures, learnt, &channels),
        learning: None,
        notice,
        refused: None,
    };
    let ended = live.lead(look, &stop);
    live.end(ended)
}

impl Live<'_> {
    /// Leads until the end is asked for, or what was played on is gone.
    fn lead(&mut self, look: Look, stop: &AtomicBool) -> anyhow::Result<()> {
        let mut screen = Screen::open(look).context("the terminal can't be written to")?;
        let mut show = Show::default();
        let started = Instant::now();
        let mut looked: Option<Instant> = None;
        let over = |s: f64| started.elapsed().as_secs_f64() >= s;
        while !stop.load(Ordering::Acquire) && !self.args.seconds.is_some_and(over) {
            if looked.is_none_or(|at| at.elapsed() >= LOOK_EVERY) {
                looked = Some(Instant::now());
                for news in self.look_after_gear()? {
                    self.say(news, look);
                }
            }
            match screen.listen(self.desk.settings()) {
                Some(Asked::Quit) => break,
                Some(asked) => self.answer(asked, look),
                None => {}
            }
            if !self.follow_window(look) {
                break;
            }
            self.follow_controls(look);
            for news in self.hear() {
                self.say(news, look);
            }
            show.paint(&mut screen, &self.desk, &self.session, &self.notice)?;
            std::thread::sleep(LISTEN_EVERY);
        }
        show.close(screen, &self.desk, &self.session)
    }

    fn say(&mut self, news: String, look: Look) {
        if look == Look::Lines {
            println!("{news}");
        }
        self.notice = news;
    }

    /// Does what a key asks for.
    fn answer(&mut self, asked: Asked, look: Look) {
        match asked {
            Asked::Quit => {}
            Asked::Learn => self.begin_or_leave_learning(look),
            Asked::Do(action) => match self.learning {
                Some(Learning::Purpose(control)) => {
                    self.learning = None;
                    self.learn(control, action, look);
                }
                Some(Learning::Control) | None => self.act(action, look),
            },
            Asked::Play(settings) => {
                self.desk.ask(Wish::Play(*settings));
            }
            Asked::Take(preset) => {
                let settings = showing::take(&preset, self.desk.settings(), self.desk.models());
                self.desk.ask(Wish::Play(settings));
                self.say(format!("plays with the preset \"{}\"", preset.name), look);
            }
        }
    }

    /// Does what the window asks for; `false` where it was closed.
    #[cfg(feature = "window")]
    fn follow_window(&mut self, look: Look) -> bool {
        let Some(link) = self.link else { return true };
        while let Some(wanted) = link.next() {
            match wanted {
                Wanted::Take(preset) => self.answer(Asked::Take(preset), look),
                Wanted::Asked(asked) => {
                    if let Some(news) = pane::answer(&mut self.desk, asked) {
                        self.say(news, look);
                        link.refresh();
                    }
                }
            }
        }
        link.show(&self.desk, &self.notice);
        !link.is_closed()
    }

    #[cfg(not(feature = "window"))]
    fn follow_window(&mut self, _look: Look) -> bool {
        self.link.is_none()
    }

    fn begin_or_leave_learning(&mut self, look: Look) {
        let begins = self.learning.is_none();
        self.controls.want(begins);
        self.learning = begins.then_some(Learning::Control);
        let news = if begins {
            "move what is to be learnt: a pedal, knob or pad; l leaves it"
        } else {
            "nothing was learnt"
        };
        self.say(news.to_owned(), look);
    }

    /// Does what learnt controls ask for.
    fn follow_controls(&mut self, look: Look) {
        for came in self.controls.follow(&mut self.desk) {
            match came {
                Came::Do(action) => self.act(action, look),
                Came::Control(control) => {
                    self.learning = Some(Learning::Purpose(control));
                    self.say(format!("{control}: now the key of what it does; l leaves it"), look);
                }
            }
        }
    }

    /// Learns a control, and keeps it where there is a file of options.
    fn learn(&mut self, control: Control, action: Action, look: Look) {
        let one = Learnt::new(control, action);
        self.controls.learn(one);
        if self.args.no_config {
            return self.say(format!("learnt {one}"), look);
        }
        let news = match keep_learnt(&one, self.args.config.as_deref()) {
            Ok(path) => format!("learnt {one}, kept in {}", path.display()),
            Err(error) => format!("learnt {one}; it can't be kept: {error:#}"),
        };
        self.say(news, look);
    }

    /// Does what a gesture asks for.
    fn act(&mut self, action: Action, look: Look) {
        if action.ask(&mut self.desk) {
            return;
        }
        let range = match self.args.capture_bars {
            bars if bars > 0 && action == Action::Capture => self.session.last_bars(bars),
            _ => self.session.whole(),
        };
        let take = take(&self.desk, &self.session, range);
        if let Some(news) = self.keeper.keep(&self.session, range, take) {
            self.say(news, look);
        }
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

    /// Follows what sounds; gives what there is to say.
    fn hear(&mut self) -> Vec<String> {
        let mut news = Vec::new();
        while let Some(heard) = self.desk.hear() {
            self.session.hear(&heard);
            news.extend(self.log.hear(&heard));
        }
        news.extend(self.log.flush());
        news.extend(self.keeper.news());
        news
    }

    /// Ends what sounds, keeps what was played, and says it.
    fn end(mut self, ended: anyhow::Result<()>) -> anyhow::Result<()> {
        drop(self.hand.take());
        // Nothing new begins while what sounds ends; what rolls by our clock stops.
        self.desk.ask(Wish::Play(Settings { active: false, ..*self.desk.settings() }));
        self.desk.ask(Wish::KeepTime(TimeKeeper::Player));
        self.desk.ask(Wish::Panic);
        let period = if let Drive::Jack(face) = &self.drive { face.period() } else { LEAST_END };
        let waits = Duration::from_secs_f64(self.args.time.gear_waits());
        std::thread::sleep(3 * period.max(LEAST_END) + waits);
        let periods = if let Drive::Jack(face) = &self.drive { Some(periods(face)) } else { None };
        self.drive = Drive::None;
        self.hear();
        // First the music is kept, then it is said: a terminal that is gone must not cost it.
        let kept = keep(self.args, &self.desk, &self.session);
        let is_left = self.log.end(kept.is_ok());
        let news = self.keeper.end();
        warn_of_device(self.desk.models());
        tell(
            &self.desk,
            &self.session,
            periods.as_deref(),
            kept.as_ref().ok().and_then(Option::as_deref),
        );
        let mut out = std::io::stdout().lock();
        for line in news {
            let _ = writeln!(out, "{line}");
        }
        if is_left {
            let _ = writeln!(out, "The session is not lost: `sideman recover` makes MIDI of it.");
        }
        kept?;
        ended
    }
}

/// The first notes should not be late because the model was still on the disk.
fn wait_for_model(desk: &Desk) {
    let patience = Instant::now();
    while desk.models().status().name.is_empty() && patience.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn told(change: &Plugged) -> String {
    match change {
        Plugged::In(name) => format!("hears {name}"),
        Plugged::Out(name) => format!("{name} is gone; what it held has ended"),
        Plugged::Refused(name, why) => format!("can't hear {name}: {why}"),
    }
}

fn take(desk: &Desk, session: &Session, range: Range) -> Take {
    let mut take = session.take(range, desk.time_signature(), desk.settings().output.index());
    let sounds = desk.sounds();
    take.player.program = sounds.player.patch.general_midi();
    take.machine.program = sounds.machine.patch.general_midi();
    take
}

/// Writes the session, if anything was played, and says where.
fn keep(args: &LiveArgs, desk: &Desk, session: &Session) -> anyhow::Result<Option<PathBuf>> {
    if is_empty(session) && args.out.is_none() {
        return Ok(None);
    }
    let take = take(desk, session, session.whole());
    let mut refused = None;
    if let Some(out) = &args.out {
        match take.save(out) {
            Ok(()) => return Ok(Some(out.clone())),
            Err(error) => refused = Some(anyhow::Error::new(error)),
        }
    }
    // Where it was to go can't be written to: better elsewhere than nowhere.
    let kept = free_name().map_err(anyhow::Error::new).and_then(|path| {
        take.save(&path).inspect_err(|_| {
            // The name that was taken for it.
            let _ = std::fs::remove_file(&path);
        })?;
        Ok(Some(path))
    });
    kept.map_err(|error| refused.unwrap_or(error))
}

/// What became of JACK's periods.
fn periods(face: &JackFace) -> String {
    let millis = |time: Duration| 1e3 * time.as_secs_f64();
    let (longest, period) = (millis(face.longest()), millis(face.period()));
    let (xruns, ours) = (face.xruns(), face.over());
    format!(", {xruns} xruns, {ours} of them ours (longest turn {longest:.1} of {period:.1} ms)")
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
