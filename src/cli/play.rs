//! `sideman play`: a MIDI file's player part in, both parts out.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use clap::{Args, ValueEnum};

use crate::cli::sideman::{Playing, tell_heard, warn_of_device};
use crate::cli::sound_args::SoundArgs;
use crate::data::chord;
use crate::data::midi_file::{MidiFile, MidiFileError, Track};
use crate::data::midi_out::{MarkerEvent, MeterEvent, OutNote, OutTrack, Take, TempoEvent};
use crate::data::parts;
use crate::data::timed::TimedNote;
use crate::music::event::Midi;
use crate::music::time::{Beats, SampleRate};
use crate::standalone::Part;
use crate::standalone::performance::{PLAYER, Performance};
use crate::standalone::playback::{BLOCK, RATE, machine_notes, play_out, player_events, song_of};
use crate::standalone::roll::RollNote;
use crate::standalone::roll_png::{self, RollSpec};
use crate::standalone::synth::Sounds;
use crate::standalone::wav::{Depth, WavWriter};

/// Seconds of sound after the last note, for the room to ring out.
const RING_OUT_SECONDS: f64 = 2.0;

/// The arguments of `sideman play`.
#[derive(Args, Debug)]
pub(crate) struct PlayArgs {
    /// The MIDI file to play along to
    input: PathBuf,
    /// Where both parts go, as a MIDI file with the tracks Player and Sideman
    #[arg(long, short, value_name = "OUT.mid")]
    out: PathBuf,
    /// The player's part: a track's name or its number, counted from 1. Default: the melody
    #[arg(long, value_name = "NAME|N")]
    track: Option<String>,
    /// Chords that Sideman is to play over: those that the file's markers name
    #[arg(long, value_enum, value_name = "FROM")]
    chords: Option<ChordsFrom>,
    #[command(flatten)]
    playing: Playing,
    /// Where the sound goes, as a WAV file
    #[arg(long, value_name = "OUT.wav")]
    wav: Option<PathBuf>,
    /// Where a picture of the piano roll goes
    #[arg(long, value_name = "OUT.png")]
    png: Option<PathBuf>,
    /// The bars in the picture, as FIRST-LAST
    #[arg(long, value_name = "A-B", default_value = "1-16")]
    bars: String,
    /// Samples in a block, as a host would have it; changes nothing in the music
    #[arg(long, value_name = "SAMPLES", default_value_t = BLOCK, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    block: u32,
    /// Samples a second
    #[arg(long, value_name = "HERTZ", default_value_t = RATE, value_parser = clap::value_parser!(u32).range(8_000..=192_000))]
    rate: u32,
    #[command(flatten)]
    sound: SoundArgs,
}

/// Where chords are taken from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum ChordsFrom {
    /// The file's markers, such as `Am7`, `F#m7b5` or `A:min7/b3`
    Markers,
}

/// The melody of a MIDI file as messages by their times.
pub(crate) fn by_hand(path: &Path) -> anyhow::Result<Vec<(Duration, Midi)>> {
    let file = load(path)?;
    let track = choose_track(&file, None).with_context(|| format!("in {}", path.display()))?;
    let rate = SampleRate::new(1_000_000.0);
    let events = player_events(timed(&file, track), &song_of(&file, rate));
    Ok(events.into_iter().map(|(at, midi)| (Duration::from_micros(at), midi)).collect())
}

fn load(path: &Path) -> anyhow::Result<MidiFile> {
    MidiFile::load(path).map_err(|error| match error {
        MidiFileError::Io { .. } => anyhow::Error::new(error),
        _ => anyhow::Error::new(error).context(path.display().to_string()),
    })
}

pub(crate) fn run(args: &PlayArgs) -> anyhow::Result<()> {
    let bars = parse_bars(&args.bars)?;
    let settings = args.playing.settings()?;
    ensure!(
        settings.output != PLAYER,
        "channel 1 is the player's here: set output-channel to another"
    );
    ensure!(
        args.wav.is_some() || !args.sound.is_asked(),
        "sounds are heard in a WAV file: add --wav OUT.wav"
    );
    let models = args.playing.models()?;
    let file = load(&args.input)?;
    let track = choose_track(&file, args.track.as_deref())
        .with_context(|| format!("in {}", args.input.display()))?;
    let rate = SampleRate::new(f64::from(args.rate));
    let song = song_of(&file, rate);
    if args.chords == Some(ChordsFrom::Markers) {
        let chords = chord::of_markers(&file);
        ensure!(
            !chords.is_empty(),
            "--chords markers: no marker of {} names a chord",
            args.input.display()
        );
        models.chords().put(chords);
    }
    let events = player_events(timed(&file, track), &song);
    let mut performance = Performance::new(song, events, settings, models, true)
        .context("no thread could be started for the model")?;
    let mut wav = match &args.wav {
        Some(path) => {
            let sound = args.sound.sound(rate)?;
            Some((WavWriter::create(path, args.rate, Depth::default())?, sound))
        }
        None => None,
    };
    let started = std::time::Instant::now();
    play_out(&mut performance, file.beats(file.end()), args.block, &mut |frames, events| {
        if let Some((wav, sound)) = &mut wav {
            let (left, right) = sound.render(frames, events);
            wav.write(left, right)?;
        }
        anyhow::Ok(())
    })?;
    let elapsed = started.elapsed().as_secs_f64();
    let ending = performance.finish().to_vec();
    warn_of_device(performance.models());
    let mut sounds = Sounds::default();
    if let Some((mut wav, mut sound)) = wav {
        sounds = *sound.sounds();
        let (left, right) = sound.render((RING_OUT_SECONDS * rate.hertz()) as u32, &ending);
        wav.write(left, right)?;
        wav.finish()?;
    }
    let take = take_of(&file, track, &performance, &sounds);
    take.save(&args.out)?;
    if let Some(path) = &args.png {
        picture(&args.input, path, &take, &performance, bars)?;
    }
    report(args, track, &take, &performance, elapsed);
    Ok(())
}

fn parse_bars(text: &str) -> anyhow::Result<std::ops::Range<u32>> {
    let range = text
        .split_once('-')
        .and_then(|(a, b)| Some(a.trim().parse().ok()?..b.trim().parse().ok()?));
    match range {
        Some(range) if range.start >= 1 && range.end >= range.start && range.end < 100_000 => {
            Ok(range.start..range.end + 1)
        }
        _ => bail!("--bars takes FIRST-LAST, like 1-16, not '{text}'"),
    }
}

/// The track that the player plays: by name, by number, or the one that looks like a melody.
fn choose_track<'a>(file: &'a MidiFile, wanted: Option<&str>) -> anyhow::Result<&'a Track> {
    let names = || -> String {
        let list: Vec<String> =
            file.tracks.iter().enumerate().map(|(i, t)| format!("{} {}", i + 1, t.name)).collect();
        list.join(", ")
    };
    let track = match wanted {
        Some(text) => {
            let by_name =
                file.tracks.iter().find(|t| t.name.trim().eq_ignore_ascii_case(text.trim()));
            let by_number =
                || text.parse::<usize>().ok()?.checked_sub(1).and_then(|i| file.tracks.get(i));
            by_name
                .or_else(by_number)
                .with_context(|| format!("there is no track '{text}'; there are: {}", names()))?
        }
        None => parts::melody(file).map(|i| &file.tracks[i]).context("no track has notes")?,
    };
    ensure!(
        !track.notes.is_empty(),
        "the track '{}' has no notes; choose another with --track: {}",
        track.name,
        names()
    );
    Ok(track)
}

/// The notes of a track at their own times.
fn timed<'a>(file: &'a MidiFile, track: &'a Track) -> impl Iterator<Item = TimedNote> + use<'a> {
    track.notes.iter().map(|n| TimedNote::of(n, file))
}

fn take_of(file: &MidiFile, track: &Track, performance: &Performance, sounds: &Sounds) -> Take {
    let ppq = f64::from(file.ticks_per_quarter);
    let tick = |beats: f64| (beats * ppq).round() as u32;
    let machine = machine_notes(performance).map(|n| {
        let (from, to) = (tick(n.from), tick(n.to));
        let channel = performance.settings().output.index();
        OutNote {
            tick: from,
            duration: to.saturating_sub(from),
            key: n.key,
            velocity: n.velocity,
            channel,
        }
    });
    let player = track.notes.iter().map(|n| OutNote {
        tick: n.onset as u32,
        duration: n.duration as u32,
        key: n.key,
        velocity: n.velocity,
        channel: PLAYER.index(),
    });
    Take {
        ticks_per_quarter: file.ticks_per_quarter,
        tempos: file
            .tempos
            .iter()
            .map(|t| TempoEvent { tick: t.tick as u32, micros_per_quarter: t.micros_per_quarter })
            .collect(),
        meters: file
            .meters
            .iter()
            .map(|m| MeterEvent {
                tick: m.tick as u32,
                numerator: m.meter.numerator,
                denominator: m.meter.denominator,
            })
            .collect(),
        markers: file
            .markers
            .iter()
            .map(|m| MarkerEvent { tick: m.tick as u32, text: m.text.clone() })
            .collect(),
        player: OutTrack {
            program: sounds.player.patch.general_midi(),
            channel: PLAYER.index(),
            notes: player.collect(),
        },
        machine: OutTrack {
            program: sounds.machine.patch.general_midi(),
            channel: performance.settings().output.index(),
            notes: machine.collect(),
        },
    }
}

fn picture(
    input: &Path,
    path: &Path,
    take: &Take,
    performance: &Performance,
    bars: std::ops::Range<u32>,
) -> anyhow::Result<()> {
    let ppq = f64::from(take.ticks_per_quarter);
    let parts = [(Part::Player, &take.player), (Part::Machine, &take.machine)];
    let notes: Vec<RollNote> = parts
        .iter()
        .flat_map(|(part, track)| {
            track.notes.iter().map(|n| RollNote {
                part: *part,
                start_beats: f64::from(n.tick) / ppq,
                len_beats: f64::from(n.duration) / ppq,
                key: n.key,
                velocity: n.velocity,
                planned: false,
            })
        })
        .collect();
    let (_, meter) = performance.song().bars(Beats(0.0));
    let title = input.file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned());
    let model = performance.models().status().name;
    let subtitle = format!("{}, model {model}", performance.settings().mode.name());
    let spec = RollSpec {
        title: &title,
        subtitle: &subtitle,
        notes: &notes,
        bars,
        meter,
        bars_per_row: 8,
    };
    roll_png::save(&spec, path)?;
    Ok(())
}

fn report(args: &PlayArgs, track: &Track, take: &Take, performance: &Performance, elapsed: f64) {
    let seconds = performance.sample() as f64 / f64::from(args.rate);
    let meter = performance.meter();
    let status = performance.models().status();
    let hanging = performance.sounded().iter().filter(|n| n.to.is_none()).count();
    println!(
        "{}: {} notes of '{}', {} of Sideman ({}, model {} {}, seed {})",
        args.out.display(),
        take.player.notes.len(),
        track.name,
        take.machine.notes.len(),
        performance.settings().mode.name(),
        status.name,
        status.hash.get(..8).unwrap_or_default(),
        performance.settings().seed,
    );
    tell_heard(performance);
    println!(
        "{seconds:.0} s of music in {elapsed:.1} s, {} on {}, {hanging} hanging, {} late plans, {} late notes, \
         at most {} messages to the model and {} from it waiting",
        meter.times(),
        status.device.device,
        meter.late_plans.load(Ordering::Relaxed),
        meter.late_notes.load(Ordering::Relaxed),
        meter.to_worker.most(),
        meter.to_audio.most(),
    );
}
