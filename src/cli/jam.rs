//! `sideman jam`: Sideman plays along to a tune in real time, in sight and, with a sound card, in sound.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;

use crate::cli::showing::{self, Showing};
use crate::cli::sideman::{Playing, tell_heard, warn_of_device};
use crate::cli::sound_args::SoundArgs;
use crate::data::midi_out::{MeterEvent, OutNote, OutTrack, Take, TempoEvent};
use crate::link::outlook::Plan;
use crate::music::event::Midi;
use crate::music::time::{Beats, SampleRate};
use crate::standalone::Part;
use crate::standalone::action::Action;
use crate::standalone::audio_out::AudioOut;
use crate::standalone::performance::{PLAYER, Performance};
use crate::standalone::phrase::Phrase;
use crate::standalone::roll::RollNote;
use crate::standalone::screen::{Asked, Look, Scene, Screen, TempoFrom};
use crate::standalone::song::{Song, beats_in};
use crate::standalone::synth::Sounds;
use crate::standalone::wav::{Depth, WavWriter};

/// Samples in a block: 5 ms, as on a stage.
const BLOCK: u32 = 256;

/// Samples that may wait for the sound card: what is seen is at most this far ahead of what is heard.
const LEAD_FRAMES: usize = 2_048;

/// Samples a second where no sound card says otherwise.
const RATE: u32 = 48_000;

/// MIDI ticks to a quarter note in `jam.mid`.
const PPQ: u16 = 480;

/// Bars of the machine alone after the tune.
const TAIL_BARS: f64 = 2.0;

/// What the keys can ask for: the tune sets the tempo.
const KEYS: [Action; 4] = [Action::NextMode, Action::Active, Action::Freeze, Action::Panic];

/// The arguments of `sideman jam`.
#[derive(Args, Debug)]
pub(crate) struct JamArgs {
    #[command(flatten)]
    playing: Playing,
    /// Play along to the built-in tune; there is no other, so this may be left out
    #[arg(long)]
    demo: bool,
    /// End after this many seconds instead of at the end of the tune
    #[arg(long, value_name = "N")]
    seconds: Option<f64>,
    /// Print a line a bar instead of the scrolling piano roll
    #[arg(long)]
    headless: bool,
    /// Don't look for a sound card
    #[arg(long)]
    silent: bool,
    /// Where both parts go, as a MIDI file
    #[arg(long, value_name = "OUT.mid", default_value = "jam.mid")]
    out: PathBuf,
    /// Where the sound goes, as a WAV file
    #[arg(long, value_name = "OUT.wav", default_value = "jam.wav")]
    wav: PathBuf,
    #[command(flatten)]
    sound: SoundArgs,
}

pub(crate) fn run(args: &JamArgs) -> anyhow::Result<()> {
    let settings = args.playing.settings()?;
    anyhow::ensure!(
        settings.output != PLAYER,
        "channel 1 is the player's here: set output-channel to another"
    );
    let models = args.playing.models()?;
    let tune = Phrase::lantern_street().context("the built-in tune")?;
    let mut card = if args.silent { Err("not asked for".to_owned()) } else { AudioOut::open() };
    let rate_hz = card.as_ref().map_or(RATE, AudioOut::rate);
    let rate = SampleRate::new(f64::from(rate_hz));
    let song = Song::steady(rate, tune.tempo, tune.meter);
    let tail = tune.len_beats() + TAIL_BARS * beats_in(tune.meter);
    let last = args
        .seconds
        .map_or_else(|| song.sample(Beats(tail)), |s| (s.max(0.0) * rate.hertz()) as u64);
    let mut performance = Performance::new(song, events(&tune, rate), settings, models, false)
        .context("no thread could be started for the model")?;
    let mut sound = args.sound.sound(rate)?;
    let mut wav = WavWriter::create(&args.wav, rate_hz, Depth::default())?;
    let stop = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&stop);
    // A second handler in one process is a test's; the jam then ends with the tune.
    let _ = ctrlc::set_handler(move || seen.store(true, Ordering::Release));
    match &card {
        Ok(card) => println!("Sideman plays along to \"{}\" on {}.", tune.title, card.name()),
        Err(why) => println!(
            "Sideman plays along to \"{}\". No sound here ({why}): see jam.wav.",
            tune.title
        ),
    }
    wait_for_model(&performance);
    let look = if args.headless { Look::Lines } else { Look::of_stdout() };
    let mut screen = Screen::open(look).context("the terminal can't be written to")?;
    let mut showing = Showing::default();
    let mut peaks = [0.0_f32; 2];
    let started = Instant::now();
    while performance.sample() < last && !stop.load(Ordering::Acquire) {
        let (frames, events) = performance.block(BLOCK);
        let (left, right) = sound.render(frames, events);
        wav.write(left, right)?;
        if let Ok(card) = &mut card {
            card.write(left, right);
        }
        for (peak, side) in peaks.iter_mut().zip([left, right]) {
            *peak = side.iter().fold(*peak, |most, x| most.max(x.abs()));
        }
        match screen.listen(performance.settings()) {
            Some(Asked::Quit) => break,
            Some(asked) => answer(asked, &mut performance),
            None => {}
        }
        if screen.is_due() {
            let notes = roll(&performance);
            let scene = scene(&mut showing, &performance, &tune, &notes);
            let peaks = Some(std::mem::take(&mut peaks));
            screen.paint(&Scene { peaks, ..scene }).context("the terminal can't be written to")?;
        }
        pace(&performance, card.as_ref().ok(), started, rate);
    }
    let ending = performance.finish().to_vec();
    let (left, right) = sound.render(rate_hz * 2, &ending);
    wav.write(left, right)?;
    let notes = roll(&performance);
    screen.close(&scene(&mut showing, &performance, &tune, &notes))?;
    warn_of_device(performance.models());
    let heard = wav.finish()?;
    let take = take_of(&performance, &tune, sound.sounds());
    take.save(&args.out)?;
    report(args, &performance, &take, heard.peak);
    Ok(())
}

/// The first notes should not be late because the model was still on the disk.
fn wait_for_model(performance: &Performance) {
    let patience = Instant::now();
    while performance.models().status().name.is_empty()
        && patience.elapsed() < Duration::from_secs(5)
    {
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn events(tune: &Phrase, rate: SampleRate) -> Vec<(u64, Midi)> {
    let song = Song::steady(rate, tune.tempo, tune.meter);
    let mut events = Vec::new();
    for note in &tune.notes {
        let (channel, key) = (PLAYER, note.pitch.number());
        let from = song.sample(Beats(note.start_beats));
        let to = song.sample(Beats(note.start_beats + note.len_beats)).max(from + 1);
        events.push((from, Midi::NoteOn { channel, key, velocity: note.velocity }));
        events.push((to, Midi::NoteOff { channel, key, velocity: 64 }));
    }
    events
}

/// Does what a key asks for.
fn answer(asked: Asked, performance: &mut Performance) {
    let settings = *performance.settings();
    match asked {
        Asked::Do(Action::Panic) => performance.panic(),
        Asked::Do(action) => performance.set(action.changed(&settings)),
        Asked::Play(settings) => performance.set(*settings),
        Asked::Take(preset) => {
            performance.set(showing::take(&preset, &settings, performance.models()));
        }
        Asked::Quit | Asked::Learn => {}
    }
}

/// Waits until the next block is due: when the sound card has room for it, or by the clock.
fn pace(performance: &Performance, card: Option<&AudioOut>, started: Instant, rate: SampleRate) {
    if let Some(card) = card {
        let mut patience = 0;
        while card.waiting() > LEAD_FRAMES && patience < 200 {
            std::thread::sleep(Duration::from_millis(1));
            patience += 1;
        }
        return;
    }
    let due = Duration::from_secs_f64(performance.sample() as f64 / rate.hertz());
    std::thread::sleep(due.saturating_sub(started.elapsed()));
}

fn roll(performance: &Performance) -> Vec<RollNote> {
    let song = performance.song();
    let now = performance.sample();
    let mut notes: Vec<RollNote> = performance
        .sounded()
        .iter()
        .map(|n| {
            let (from, to) = (song.beats(n.from).0, song.beats(n.to.unwrap_or(now)).0);
            RollNote {
                part: n.part,
                start_beats: from,
                len_beats: to - from,
                key: n.key,
                velocity: n.velocity,
                planned: false,
            }
        })
        .collect();
    let mut plan = Plan::new();
    performance.improviser().display().outlook.read(&mut plan);
    notes.extend(plan.iter().map(showing::planned));
    notes
}

fn scene<'a>(
    showing: &'a mut Showing,
    performance: &'a Performance,
    tune: &Phrase,
    notes: &'a [RollNote],
) -> Scene<'a> {
    let gauges = (performance.models(), performance.meter());
    let scene = showing.scene(gauges, performance.settings(), notes, "");
    Scene {
        now_beats: performance.song().beats(performance.sample()).0,
        running: true,
        tempo: tune.tempo,
        tempo_from: TempoFrom::Tune,
        meter: tune.meter,
        actions: &KEYS,
        ..scene
    }
}

fn take_of(performance: &Performance, tune: &Phrase, sounds: &Sounds) -> Take {
    let song = performance.song();
    let tick = |sample| (song.beats(sample).0 * f64::from(PPQ)).round() as u32;
    let track = |part, program, channel: u8| OutTrack {
        program,
        channel,
        notes: performance
            .sounded()
            .iter()
            .filter(|n| n.part == part)
            .map(|n| {
                let (from, to) = (tick(n.from), tick(n.to.unwrap_or(performance.sample())));
                let duration = to.saturating_sub(from);
                OutNote { tick: from, duration, key: n.key, velocity: n.velocity, channel }
            })
            .collect(),
    };
    Take {
        ticks_per_quarter: PPQ,
        tempos: vec![TempoEvent {
            tick: 0,
            micros_per_quarter: (tune.tempo.seconds_per_beat() * 1e6).round() as u32,
        }],
        meters: vec![MeterEvent {
            tick: 0,
            numerator: tune.meter.numerator,
            denominator: tune.meter.denominator,
        }],
        markers: Vec::new(),
        player: track(Part::Player, sounds.player.patch.general_midi(), PLAYER.index()),
        machine: track(
            Part::Machine,
            sounds.machine.patch.general_midi(),
            performance.settings().output.index(),
        ),
    }
}

fn report(args: &JamArgs, performance: &Performance, take: &Take, peak: f32) {
    let meter = performance.meter();
    let late = meter.late_notes.load(Ordering::Relaxed) + meter.late_plans.load(Ordering::Relaxed);
    println!(
        "{} notes of the tune, {} of Sideman, {late} late, {}, peak {:.1} dBFS.",
        take.player.notes.len(),
        take.machine.notes.len(),
        meter.times(),
        20.0 * f64::from(peak.max(1e-6)).log10(),
    );
    tell_heard(performance);
    println!("Both parts: {}    The sound: {}", args.out.display(), args.wav.display());
    println!(
        "Next: `cargo xtask bundle` builds the VST3 and CLAP for your DAW; `sideman play FILE.mid --out OUT.mid` \
         plays along to a melody of your own."
    );
}
