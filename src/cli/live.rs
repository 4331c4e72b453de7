//! `sideman` alone: an instrument. A keyboard in, sound and MIDI out.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail, ensure};
use clap::Args;

use crate::cli::sideman::{Playing, warn_of_device};
use crate::link::settings::{Mode, Settings};
use crate::live::clock::Now;
use crate::music::time::{Meter, SampleRate};
use crate::standalone::Part;
use crate::standalone::act::{Act, Silent, lend};
use crate::standalone::arrivals::{Door, arrivals};
use crate::standalone::card_face::{Card, CardFace, cards};
use crate::standalone::jack_face::{JackFace, JackServer};
use crate::standalone::keyboards::{self, Keyboards, Plugged, listed};
use crate::standalone::performance::PLAYER;
use crate::standalone::roll::RollNote;
use crate::standalone::roll_terminal::{Look, RollState, Screen};
use crate::standalone::sender::Sender;
use crate::standalone::session::{Session, free_name};
use crate::standalone::stage::{Desk, Wish, build};

/// Samples a second where no sound card says otherwise.
const RATE: f64 = 48_000.0;
/// How often keyboards and a lost sound card are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How often the desk listens.
const LISTEN_EVERY: Duration = Duration::from_millis(10);
/// What a session's file is called, before its number.
const NAME: &str = "sideman";
/// Beats that the roll shows at most.
const SHOWN_BEATS: f64 = 64.0;

/// What `sideman` alone takes.
#[derive(Args, Debug)]
pub(crate) struct LiveArgs {
    #[command(flatten)]
    playing: Playing,
    /// Listen only to keyboards whose names hold these words. May be repeated; default: all
    #[arg(long, value_name = "WORDS")]
    from: Vec<String>,
    /// Play to the MIDI output whose name holds these words too, besides the built-in sound
    #[arg(long, value_name = "WORDS")]
    to: Option<String>,
    /// The sound card whose name holds these words; default: the system's choice
    #[arg(long, value_name = "WORDS")]
    card: Option<String>,
    /// Samples in the sound card's buffer; smaller is faster; default: the system's choice
    #[arg(long, value_name = "SAMPLES")]
    buffer: Option<u32>,
    /// Pass what you play on to the MIDI output too
    #[arg(long)]
    pass_on: bool,
    /// Be a client of the JACK server that runs: sound and MIDI with exact times
    #[arg(long, conflicts_with_all = ["from", "to", "card", "buffer", "silent"])]
    jack: bool,
    /// With --jack: leave all ports unconnected
    #[arg(long, requires = "jack")]
    loose: bool,
    /// No sound: MIDI only
    #[arg(long)]
    silent: bool,
    /// Print a line a bar instead of the scrolling piano roll
    #[arg(long)]
    headless: bool,
    /// End after this many seconds
    #[arg(long, value_name = "N")]
    seconds: Option<f64>,
    /// Where both parts go in the end, as a MIDI file; default: the first free of sideman-1.mid, sideman-2.mid, ...
    #[arg(long, value_name = "OUT.mid")]
    out: Option<PathBuf>,
}

/// What drives the act.
enum Drive {
    Jack(JackFace),
    Card(CardFace, Receiver<Box<Act>>),
    Clock(Silent, Receiver<Box<Act>>, SampleRate),
    /// Between two of them.
    None,
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
    let (mut drive, mut desk, door) = open(args, settings)?;
    let mut keyboards = door.and_then(|door| match Keyboards::new(door, args.from.clone()) {
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
    let mut session = Session::default();
    let ended = lead(args, look, &stop, (&mut drive, &mut desk, &mut keyboards), &mut session);
    desk.ask(Wish::Panic);
    std::thread::sleep(Duration::from_millis(50));
    let xruns = if let Drive::Jack(face) = &drive { Some(face.xruns()) } else { None };
    drop(drive);
    while let Some(heard) = desk.hear() {
        session.hear(&heard);
    }
    // First the music is kept, then it is said: a terminal that is gone must not cost it.
    let kept = keep(args, &desk, &session);
    warn_of_device(desk.models());
    tell(&desk, &session, xruns, kept.as_ref().ok().and_then(Option::as_deref));
    kept?;
    ended
}

/// Leads the desk until the end is asked for, or what was played on is gone.
fn lead(
    args: &LiveArgs,
    look: Look,
    stop: &AtomicBool,
    (drive, desk, keyboards): (&mut Drive, &mut Desk, &mut Option<Keyboards>),
    session: &mut Session,
) -> anyhow::Result<()> {
    let mut screen =
        Screen::open(std::io::stdout(), look).context("the terminal can't be written to")?;
    let mut notice = String::new();
    let mut refused = None;
    let started = Instant::now();
    let mut looked: Option<Instant> = None;
    let over = |s: f64| started.elapsed().as_secs_f64() >= s;
    while !stop.load(Ordering::Acquire) && !args.seconds.is_some_and(over) {
        if looked.is_none_or(|at| at.elapsed() >= LOOK_EVERY) {
            looked = Some(Instant::now());
            let changes = keyboards.as_mut().map(Keyboards::refresh).unwrap_or_default();
            let repaired = repair(drive, args, &mut refused)?;
            for news in changes.iter().map(told).chain(repaired) {
                if look == Look::Lines {
                    println!("{news}");
                }
                notice = news;
            }
        }
        if matches!(&*drive, Drive::Jack(face) if face.is_gone()) {
            bail!("the JACK server has ended");
        }
        match screen.key() {
            Some('q') => break,
            Some(key) => press(key, desk),
            None => {}
        }
        while let Some(heard) = desk.hear() {
            session.hear(&heard);
        }
        show(&mut screen, desk, session, &notice)?;
        std::thread::sleep(LISTEN_EVERY);
    }
    let (notes, place) = seen(session, None);
    let model = desk.models().status().name;
    screen
        .close(&state(desk, place, &notes, &model, ""))
        .context("the terminal can't be written to")
}

/// Builds everything and starts playing, on what there is.
fn open(args: &LiveArgs, settings: Settings) -> anyhow::Result<(Drive, Desk, Option<Door>)> {
    let models = args.playing.models()?;
    let no_thread = "no thread could be started for the model";
    if args.jack {
        let server =
            JackServer::connect().map_err(|e| anyhow!("{e}; start it, or leave --jack out"))?;
        let (stage, desk) = build(server.rate(), settings, models).context(no_thread)?;
        let period = server.period();
        let face = server.play(stage, args.pass_on, !args.loose).map_err(|e| anyhow!(e))?;
        println!(
            "Sideman listens as the JACK client \"{}\", {period} samples a period.",
            face.name()
        );
        return Ok((Drive::Jack(face), desk, None));
    }
    let asked = args.card.is_some() || args.buffer.is_some();
    let card = if args.silent {
        Err("not asked for".to_owned())
    } else {
        match Card::choose(args.card.as_deref(), args.buffer) {
            Err(why) if asked => return Err(anyhow!(why)),
            card => card,
        }
    };
    let rate = card.as_ref().map_or(SampleRate::new(RATE), Card::rate);
    let (stage, desk) = build(rate, settings, models).context(no_thread)?;
    let (door, arrivals) = arrivals(rate);
    let mut act = Box::new(Act::new(stage, arrivals, rate));
    act.thru = args.pass_on;
    let port = match &args.to {
        Some(words) => Some(keyboards::open_output(words).map_err(|e| anyhow!("--to: {e}"))?),
        // Nobody asked for it: without virtual ports there is none.
        None => keyboards::own_output().ok(),
    };
    if let Some(port) = port {
        let (sender, outbox) = Sender::start(port).context("no thread for MIDI")?;
        act.outbox = Some(outbox);
        act.sender = Some(sender);
    }
    let drive = match card {
        Ok(card) => {
            println!("Sideman listens; you hear it on {}.", card.name());
            let name = card.name().to_owned();
            on_card(card, act).map_err(|(_, e)| anyhow!("{name}: {e}"))?
        }
        Err(why) => {
            println!("Sideman listens; no sound here ({why}), MIDI only.");
            on_clock(act)?
        }
    };
    Ok((drive, desk, Some(door)))
}

fn on_card(card: Card, act: Box<Act>) -> Result<Drive, (Option<Box<Act>>, String)> {
    let (loan, back) = lend(act);
    match card.play(loan) {
        Ok(face) => Ok(Drive::Card(face, back)),
        Err(why) => Err((back.recv().ok(), why)),
    }
}

fn on_clock(act: Box<Act>) -> anyhow::Result<Drive> {
    let rate = act.rate;
    let (loan, back) = lend(act);
    Ok(Drive::Clock(Silent::start(loan).context("no thread for the clock")?, back, rate))
}

/// A lost sound card: the music goes on without, and the card is taken back when it is there again. `refused` is what was
/// said of a card that can't be taken.
fn repair(
    drive: &mut Drive,
    args: &LiveArgs,
    refused: &mut Option<String>,
) -> anyhow::Result<Option<String>> {
    let lost = "the music was lost on the way from one clock to the other";
    match std::mem::replace(drive, Drive::None) {
        Drive::Card(face, back) if face.is_lost() => {
            drop(face);
            *drive = on_clock(back.recv().context(lost)?)?;
            Ok(Some("the sound card is gone: playing on without".to_owned()))
        }
        Drive::Clock(silent, back, rate) if !args.silent && refused.is_none() => {
            let Ok(card) = Card::choose(args.card.as_deref(), args.buffer) else {
                *drive = Drive::Clock(silent, back, rate);
                return Ok(None);
            };
            let name = card.name().to_owned();
            if card.rate() != rate {
                let (theirs, ours) = (card.rate().hertz(), rate.hertz());
                *refused =
                    Some(format!("{name} has {theirs} Hz, not {ours}: start again to hear it"));
                *drive = Drive::Clock(silent, back, rate);
                return Ok(refused.clone());
            }
            drop(silent);
            match on_card(card, back.recv().context(lost)?) {
                Ok(on) => {
                    *drive = on;
                    Ok(Some(format!("you hear it on {name}")))
                }
                Err((act, why)) => {
                    *drive = on_clock(act.context(lost)?)?;
                    *refused = Some(why);
                    Ok(refused.clone())
                }
            }
        }
        other => {
            *drive = other;
            Ok(None)
        }
    }
}

fn told(change: &Plugged) -> String {
    match change {
        Plugged::In(name) => format!("hears {name}"),
        Plugged::Out(name) => format!("{name} is gone; what it held has ended"),
        Plugged::Refused(name, why) => format!("can't hear {name}: {why}"),
    }
}

fn press(key: char, desk: &mut Desk) {
    match key {
        'm' => {
            let mut settings = *desk.settings();
            let at = Mode::ALL.iter().position(|m| *m == settings.mode).unwrap_or(0);
            settings.mode = Mode::ALL[(at + 1) % Mode::ALL.len()];
            desk.ask(Wish::Play(settings));
        }
        'f' => {
            let settings = *desk.settings();
            desk.ask(Wish::Play(Settings { freeze: !settings.freeze, ..settings }));
        }
        ' ' => {
            let settings = *desk.settings();
            desk.ask(Wish::Play(Settings { active: !settings.active, ..settings }));
        }
        't' => {
            desk.ask(Wish::Tap);
        }
        'p' => {
            desk.ask(Wish::Panic);
        }
        _ => {}
    }
}

/// What the roll shows, and where it is: moved so that bar lines fall on its own.
fn seen(session: &mut Session, now: Option<Now>) -> (Vec<RollNote>, f64) {
    let place = session.at(now);
    let early = session.bar_line();
    let mut notes = session.since(place - SHOWN_BEATS);
    for note in &mut notes {
        note.start_beats -= early;
    }
    (notes, place - early)
}

fn show(
    screen: &mut Screen<std::io::Stdout>,
    desk: &Desk,
    session: &mut Session,
    notice: &str,
) -> anyhow::Result<()> {
    let (notes, place) = seen(session, desk.now());
    let model = desk.models().status().name;
    let keys = "q ends, m mode, space on/off, t tap, f freeze, p panic";
    let hint = if notice.is_empty() { keys.to_owned() } else { format!("{keys}   {notice}") };
    screen
        .paint(&state(desk, place, &notes, &model, &hint))
        .context("the terminal can't be written to")
}

fn state<'a>(
    desk: &Desk,
    now_beats: f64,
    notes: &'a [RollNote],
    model: &'a str,
    hint: &'a str,
) -> RollState<'a> {
    let meter = desk.meter();
    RollState {
        notes,
        now_beats,
        tempo: desk.now().map_or(desk.settings().tempo, |now| now.tempo),
        meter: Meter::default(),
        mode: desk.settings().mode.name(),
        model,
        played: meter.notes.load(Ordering::Relaxed),
        late: meter.late_notes.load(Ordering::Relaxed) + meter.late_plans.load(Ordering::Relaxed),
        hint,
    }
}

/// Writes the session, if anything was played, and says where.
fn keep(args: &LiveArgs, desk: &Desk, session: &Session) -> anyhow::Result<Option<PathBuf>> {
    if session.count(Part::Player) + session.count(Part::Machine) == 0 && args.out.is_none() {
        return Ok(None);
    }
    let take = session.take(Meter::default(), desk.settings().output.index());
    let wanted = args.out.clone().unwrap_or_else(|| free_name(Path::new("."), NAME));
    let Err(error) = take.save(&wanted) else { return Ok(Some(wanted)) };
    // The folder can't be written to, or is gone: better elsewhere than nowhere.
    let other = free_name(&std::env::temp_dir(), NAME);
    take.save(&other).map_err(|_| error)?;
    Ok(Some(other))
}

/// Says what was played. Nobody may be there to read it.
fn tell(desk: &Desk, session: &Session, xruns: Option<u64>, kept: Option<&Path>) {
    let meter = desk.meter();
    let late = meter.late_notes.load(Ordering::Relaxed) + meter.late_plans.load(Ordering::Relaxed);
    let mut out = std::io::stdout().lock();
    let _ = writeln!(
        out,
        "{} notes of yours, {} of Sideman, {late} late, {}{}.",
        session.count(Part::Player),
        session.count(Part::Machine),
        meter.times(),
        xruns.map_or_else(String::new, |n| format!(", {n} xruns")),
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

/// Lists what can be played on.
pub(crate) fn ports() {
    match keyboards::ports() {
        Ok(ports) => {
            println!("keyboards: {}", listed(&ports.inputs));
            println!("MIDI outputs: {}", listed(&ports.outputs));
        }
        Err(why) => println!("MIDI: {why}"),
    }
    println!("sound cards: {}", listed(&cards()));
    match JackServer::connect() {
        Ok(server) => println!(
            "JACK: {:.0} Hz, {} samples a period; play with --jack",
            server.rate().hertz(),
            server.period()
        ),
        Err(why) => println!("JACK: {why}"),
    }
}
