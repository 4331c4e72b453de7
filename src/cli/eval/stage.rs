//! Takes through the live engine, by the very path of `sideman play`: notes on their own samples, the host's blocks, the
//! piece's tempo map and time signatures.

use std::collections::HashMap;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::{Context, Result, bail, ensure};

use super::Subject;
use crate::data::midi_file::MidiFile;
use crate::data::roles::Piece;
use crate::data::timed::TimedNote;
use crate::data::timed_piece::TimedPiece;
use crate::infer::memory::Remembered;
use crate::infer::model_slot::ModelSlot;
use crate::infer::net::Net;
use crate::link::settings::{Mode, Settings};
use crate::music::note::Note;
use crate::music::time::{Beats, Meter, SampleRate, Tempo};
use crate::standalone::performance::{HostLeg, Performance};
use crate::standalone::playback::{
    BLOCK, RATE, machine_notes, play_out, play_until, player_events,
};
use crate::standalone::song::Song;
use crate::train::situation::{Before, Situation};

/// How often a take is played that a busy machine has spoilt.
const TRIES: usize = 3;

/// A piece to play to.
pub(super) struct Chosen<'a> {
    pub(super) piece: &'a Piece,
    /// All of it, in its own time.
    pub(super) whole: TimedPiece,
    /// From the bar in which the melody begins, as many bars as were asked for.
    pub(super) cut: TimedPiece,
    /// Where the file ends, in beats.
    pub(super) end: f64,
}

/// As many held-out pieces as were asked for, spread evenly over those that have both parts in the first bars.
pub(super) fn chosen<'a>(
    subject: &'a Subject<'_>,
    files: &HashMap<[u8; 32], PathBuf>,
) -> Result<Vec<Chosen<'a>>> {
    let mut all = Vec::new();
    for piece in &subject.held_out {
        let path =
            files.get(&piece.hash).filter(|path| path.extension().is_none_or(|e| e != "json"));
        let file = path.map(|path| MidiFile::load(path)).transpose()?;
        let whole = match &file {
            Some(file) => TimedPiece::of_file(piece, file),
            None => TimedPiece::of_grid(piece),
        };
        let end = file.map_or(whole.end(), |file| file.beats(file.end()).0);
        let cut = whole.from_first_bar(subject.args.bars.into());
        if let Some(cut) = cut.filter(|cut| !cut.accompaniment.is_empty()) {
            all.push(Chosen { piece, whole, cut, end });
        }
    }
    ensure!(!all.is_empty(), "--data: no held-out piece has a melody and an accompaniment");
    let step = (all.len() / subject.args.pieces.max(1)).max(1);
    Ok(all.into_iter().step_by(step).take(subject.args.pieces).collect())
}

/// What the player and the host do.
pub(super) struct Take<'a> {
    /// The piece's name, for messages.
    pub(super) name: &'a str,
    /// What the player plays, in beats of the take.
    pub(super) notes: Vec<TimedNote>,
    pub(super) tempos: Vec<(Beats, Tempo)>,
    pub(super) meters: Vec<(Beats, Meter)>,
    /// As [`Situation::host`].
    pub(super) host: Vec<(f64, Option<f64>)>,
    /// Another mode up to a beat.
    pub(super) before: Option<(Mode, f64)>,
    /// What both have played before the take.
    pub(super) ear: Vec<Note>,
    /// The take's end in beats; the machine may go on for a while.
    pub(super) end: f64,
}

impl<'a> Take<'a> {
    /// A melody from the first beat to its end.
    pub(super) fn of(piece: &'a TimedPiece, notes: Vec<TimedNote>) -> Self {
        let end = notes.iter().map(|n| n.to).fold(0.0, f64::max);
        Self {
            name: &piece.name,
            notes,
            tempos: piece.tempos.iter().map(|(at, tempo)| (Beats(*at), *tempo)).collect(),
            meters: meters(piece),
            host: Vec::new(),
            before: None,
            ear: Vec::new(),
            end,
        }
    }

    /// A situation of a piece.
    pub(super) fn in_situation(piece: &'a TimedPiece, situation: &Situation) -> Self {
        let mode = |before: Before| match before {
            Before::Solo => Mode::Solo,
            Before::Trade => Mode::Trade,
        };
        let own = Self::of(piece, situation.notes.clone());
        // Bars are counted in the first time signature, in the piece and along every way through it.
        let first = own.meters.first().map_or(Meter::default(), |m| m.1);
        Self {
            tempos: situation.tempos(piece),
            meters: vec![(Beats(0.0), situation.meter.unwrap_or(first))],
            host: situation.host.clone(),
            before: situation.before.map(|(what, until)| (mode(what), until)),
            ..own
        }
    }

    /// What the machine plays to it, in beats of the take.
    ///
    /// # Errors
    /// When there is no thread for the model, or the machine was too busy for an offline render.
    pub(super) fn play(&self, net: &Arc<dyn Net>, settings: &Settings) -> Result<Vec<TimedNote>> {
        for _ in 0..TRIES {
            let mut performance = self.begin(net, settings)?;
            let Ok(()) = self.go(&mut performance, settings);
            if performance.meter().late_plans.load(Ordering::Relaxed) == 0 {
                return Ok(machine_notes(&performance).collect());
            }
        }
        bail!("{}: the machine is too busy to render; run this again", self.name)
    }

    fn begin(&self, net: &Arc<dyn Net>, settings: &Settings) -> Result<Performance> {
        let song = Song::new(SampleRate::new(f64::from(RATE)), &self.tempos, &self.meters);
        let events = player_events(self.notes.iter().copied(), &song);
        let leg = |(from, shift): &(f64, Option<f64>)| HostLeg {
            from: song.sample(Beats(*from)),
            shift: *shift,
        };
        let host = self.host.iter().map(leg).collect();
        let models = Arc::new(ModelSlot::given(Arc::clone(net)));
        if !self.ear.is_empty() {
            let (window, learned) = (self.ear.clone(), Vec::new());
            models.memory().restore(Remembered { window, learned });
        }
        let mode = self.before.map_or(settings.mode, |(mode, _)| mode);
        let mut performance =
            Performance::new(song, events, Settings { mode, ..*settings }, models, true)
                .context("no thread could be started for the model")?;
        performance.set_host(host);
        Ok(performance)
    }

    fn go(&self, performance: &mut Performance, settings: &Settings) -> Result<(), Infallible> {
        if let Some((_, until)) = self.before {
            let until = performance.song().sample(Beats(until));
            play_until::<Infallible>(performance, until, BLOCK, &mut |_, _| Ok(()))?;
            performance.set(*settings);
        }
        play_out::<Infallible>(performance, Beats(self.end), BLOCK, &mut |_, _| Ok(()))?;
        performance.finish();
        Ok(())
    }
}

/// The time signatures of a piece; where its file has none, the simplest one of its bars.
fn meters(piece: &TimedPiece) -> Vec<(Beats, Meter)> {
    if piece.meters.is_empty() {
        let eighths = (piece.bar * 2.0).round().clamp(1.0, 255.0) as u8;
        let whole = eighths.is_multiple_of(2);
        let numerator = if whole { eighths / 2 } else { eighths };
        let denominator = if whole { 4 } else { 8 };
        return vec![(Beats(0.0), Meter { numerator, denominator })];
    }
    piece.meters.iter().map(|(at, meter)| (Beats(*at), *meter)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infer::{builtin, net};
    use crate::train::situation::{PLAIN, situations};

    fn piece() -> TimedPiece {
        let note = |i: u8| TimedNote {
            from: f64::from(i) * 0.5 + 0.03,
            to: f64::from(i) * 0.5 + 0.4,
            key: [72, 74, 76, 77, 79, 77, 76, 74][usize::from(i) % 8],
            velocity: 80,
        };
        TimedPiece { melody: (0..64).map(note).collect(), bar: 4.0, ..TimedPiece::default() }
    }

    #[test]
    fn a_take_is_played_alike_and_never_before_the_player_in_a_count_in_that_stands() {
        let piece = piece();
        let net = net::playable(&builtin::checkpoint().unwrap()).unwrap();
        let play = |name: &str, seed: u32| {
            let situation = situations(&piece, 1).into_iter().find(|s| s.name == name).unwrap();
            let settings = Settings { seed, ..Settings::default() };
            (Take::in_situation(&piece, &situation).play(&net, &settings).unwrap(), situation)
        };
        let (plain, _) = play(PLAIN, 1);
        assert!(plain.len() > 10, "{}", plain.len());
        assert_eq!(plain, play(PLAIN, 1).0);
        assert_ne!(plain, play(PLAIN, 2).0);
        let (counted, _) = play("count-in of a bar, by the metronome", 1);
        assert!(counted.iter().all(|n| n.from >= 4.0 - 0.01));
        // Then it is the plain take, a bar later.
        let later: Vec<_> = plain.iter().map(|n| (n.from + 4.0, n.key)).collect();
        assert_eq!(counted.len(), later.len());
        for (n, (from, key)) in counted.iter().zip(later) {
            assert!((n.from - from).abs() < 1e-3 && n.key == key, "{n:?} {from} {key}");
        }
        let (stopped, situation) = play("stops, starts at bar 1", 1);
        let stand = situation.host[0].0..situation.host[1].0;
        assert!(
            stopped.iter().all(|n| !stand.contains(&(n.from + 0.01))),
            "no note while it stands"
        );
        assert!(stopped.iter().any(|n| n.from > stand.end));
    }

    #[test]
    fn what_was_played_before_is_in_the_ear() {
        use crate::music::note::Voice;
        use crate::music::pitch::Pitch;
        use crate::music::time::Tick;
        let piece = piece();
        let net = net::playable(&builtin::checkpoint().unwrap()).unwrap();
        let chord = |i: i64| Note {
            onset: Tick(12 * (i / 3)),
            pitch: Pitch::new([49, 53, 56][i as usize % 3]),
            voice: Voice::Machine,
            velocity: 80,
            duration: 12,
        };
        let cold = Take::of(&piece, piece.melody.clone());
        let primed =
            Take { ear: (0..24).map(chord).collect(), ..Take::of(&piece, piece.melody.clone()) };
        let play = |take: &Take<'_>| take.play(&net, &Settings::default()).unwrap();
        let heard = play(&primed);
        assert!(!heard.is_empty());
        assert_ne!(heard, play(&cold));
        assert_eq!(heard, play(&primed), "the same ear, the same take");
    }
}
