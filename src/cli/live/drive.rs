//! What drives the act: JACK, a sound card, or the time of day.

use std::sync::mpsc::Receiver;
use std::time::Duration;

use anyhow::{Context as _, anyhow};

use crate::cli::live::args::{GearArgs, LiveArgs};
use crate::music::time::SampleRate;
use crate::standalone::act::{Act, Silent, lend};
use crate::standalone::arrivals::{Door, arrivals};
use crate::standalone::card_face::{Card, CardFace};
use crate::standalone::instrument::{self, Instrument};
use crate::standalone::jack_face::{JackFace, JackServer};
use crate::standalone::sender::Sender;
use crate::standalone::sieve::{Gestures, sieve};
use crate::standalone::stage::{Desk, Setup, Stage, build, give_sound};
use crate::standalone::tape::{Tape, tape};

/// Samples a second where no sound card says otherwise.
const RATE: f64 = 48_000.0;

/// What drives the act.
pub(super) enum Drive {
    Jack(JackFace),
    Card(CardFace, Receiver<Box<Act>>),
    Clock(Silent, Receiver<Box<Act>>, SampleRate),
    /// Between two of them.
    None,
}

/// All that was opened.
pub(super) struct Opened {
    pub(super) drive: Drive,
    pub(super) desk: Desk,
    /// Where keyboards come in, but for JACK's.
    pub(super) door: Option<Door>,
    pub(super) instrument: Option<Instrument>,
    pub(super) tape: Option<Tape>,
    pub(super) gestures: Gestures,
}

/// Builds everything and starts playing, on what there is.
pub(super) fn open(args: &LiveArgs, setup: Setup) -> anyhow::Result<Opened> {
    let gear = &args.gear;
    let models = args.playing.models()?;
    let no_thread = "no thread could be started for the model";
    let (sieve, gestures) = sieve();
    if gear.jack {
        let server =
            JackServer::connect().map_err(|e| anyhow!("{e}; start it, or leave --jack out"))?;
        let sound = args.sound.sound(server.rate())?;
        let (mut stage, mut desk) = build(server.rate(), setup, models).context(no_thread)?;
        give_sound(&mut stage, &mut desk, sound);
        let tape = record(&mut stage, server.rate(), args.wav_minutes)?;
        stage.sift(sieve);
        let period = server.period();
        let face = server
            .play(stage, gear.pass_on, args.time.gear_waits(), !gear.loose)
            .map_err(|e| anyhow!(e))?;
        println!(
            "Sideman listens as the JACK client \"{}\", {period} samples a period.",
            face.name()
        );
        let (door, instrument) = (None, None);
        return Ok(Opened { drive: Drive::Jack(face), desk, door, instrument, tape, gestures });
    }
    let asked = gear.card.is_some() || gear.buffer.is_some();
    let card = if gear.silent {
        Err("not asked for".to_owned())
    } else {
        match Card::choose(gear.card.as_deref(), gear.buffer) {
            Err(why) if asked => return Err(anyhow!(why)),
            card => card,
        }
    };
    let rate = card.as_ref().map_or(SampleRate::new(RATE), Card::rate);
    let sound = args.sound.sound(rate)?;
    let (mut stage, mut desk) = build(rate, setup, models).context(no_thread)?;
    give_sound(&mut stage, &mut desk, sound);
    let tape = record(&mut stage, rate, args.wav_minutes)?;
    let (door, arrivals) = arrivals(rate);
    door.sift(sieve);
    let mut act = Box::new(Act::new(stage, arrivals, rate));
    act.thru = gear.pass_on;
    act.hold_back = Duration::from_secs_f64(args.time.gear_waits());
    let mut instrument = None;
    let port = match &gear.to {
        Some(words) => Some(instrument::open(words).map_err(|e| anyhow!("--to: {e}"))?),
        // Nobody asked for it: without virtual ports there is none.
        None => instrument::own().ok(),
    };
    if let Some(port) = port {
        let (sender, outbox) = Sender::start(port).context("no thread for MIDI")?;
        act.outbox = Some(outbox);
        instrument = gear.to.clone().map(|words| Instrument::new(words, sender.switch()));
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
    Ok(Opened { drive, desk, door: Some(door), instrument, tape, gestures })
}

/// Puts a tape in, where minutes of it are asked for.
fn record(stage: &mut Stage, rate: SampleRate, minutes: u32) -> anyhow::Result<Option<Tape>> {
    if minutes == 0 {
        return Ok(None);
    }
    let (head, tape) = tape(rate, minutes).context("no thread for the tape")?;
    stage.record(head);
    Ok(Some(tape))
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
pub(super) fn repair(
    drive: &mut Drive,
    gear: &GearArgs,
    refused: &mut Option<String>,
) -> anyhow::Result<Option<String>> {
    let lost = "the music was lost on the way from one clock to the other";
    match std::mem::replace(drive, Drive::None) {
        Drive::Card(face, back) if face.is_lost() => {
            drop(face);
            *drive = on_clock(back.recv().context(lost)?)?;
            Ok(Some("the sound card is gone: playing on without".to_owned()))
        }
        Drive::Clock(silent, back, rate) if !gear.silent && refused.is_none() => {
            let Ok(card) = Card::choose(gear.card.as_deref(), gear.buffer) else {
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
