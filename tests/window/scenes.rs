//! Moments to look at: a tune that is played, what Sideman plays to it, and all that the window may have to show.

use std::path::PathBuf;
use std::time::Duration;

use sideman::link::forecast::{Barred, Choice, KEYS};
use sideman::link::settings::{Mode, Settings};
use sideman::music::key::Key;
use sideman::music::note::Voice;
use sideman::music::pitch::{Pitch, PitchClass};
use sideman::music::scale::Scale;
use sideman::music::time::{Tempo, Tick};
use sideman::window::scene::{
    Health, Host, ModelCard, PresetCard, Scene, SeenChord, SeenNote, Stage, Training, TrainingState,
};

/// A moment, with all that a scene borrows.
#[derive(Clone)]
pub(crate) struct Moment {
    pub(crate) notes: Vec<SeenNote>,
    pub(crate) chords: Vec<SeenChord>,
    pub(crate) now_beats: f64,
    pub(crate) running: bool,
    pub(crate) host_leads: bool,
    pub(crate) settings: Settings,
    pub(crate) key: Option<Key>,
    pub(crate) choice: Option<Choice>,
    pub(crate) models: Vec<ModelCard>,
    pub(crate) model: Option<usize>,
    pub(crate) model_problem: Option<String>,
    pub(crate) presets: Vec<PresetCard>,
    pub(crate) preset: Option<usize>,
    pub(crate) health: Health<'static>,
    pub(crate) training: Option<Training>,
    pub(crate) captured: Option<PathBuf>,
    pub(crate) notice: String,
    pub(crate) host: Host<'static>,
}

impl Moment {
    pub(crate) fn scene(&self) -> Scene<'_> {
        Scene {
            notes: &self.notes,
            chords: &self.chords,
            now_beats: self.now_beats,
            running: self.running,
            host_leads: self.host_leads,
            tempo: Tempo::new(112.0),
            bar_line_beats: 0.0,
            bar_beats: 4.0,
            settings: &self.settings,
            key: self.key,
            choice: self.choice.as_ref(),
            models: &self.models,
            model: self.model,
            model_problem: self.model_problem.as_deref(),
            presets: &self.presets,
            preset: self.preset,
            health: self.health,
            training: self.training.as_ref(),
            captured: self.captured.as_deref(),
            notice: &self.notice,
            host: self.host,
        }
    }
}

/// Nothing is played yet.
pub(crate) fn idle() -> Moment {
    Moment {
        notes: Vec::new(),
        chords: Vec::new(),
        now_beats: 0.0,
        running: false,
        host_leads: false,
        settings: Settings::default(),
        key: None,
        choice: None,
        models: models(),
        model: Some(0),
        model_problem: None,
        presets: presets(),
        preset: None,
        health: Health { device: "CPU", active: true, ..Health::default() },
        training: None,
        captured: None,
        notice: String::new(),
        host: Host { name: "Bitwig Studio", drags_out: true, automates: true },
    }
}

/// In the eleventh bar of a tune in A minor.
pub(crate) fn playing(mode: Mode) -> Moment {
    let now = 42.6;
    let choice = (mode != Mode::Harmonise).then(|| choice(now));
    Moment {
        notes: notes(mode, now),
        chords: CHORDS.iter().enumerate().map(chord).take_while(|c| c.start_beats <= now).collect(),
        now_beats: now,
        running: true,
        host_leads: true,
        settings: Settings { mode, follow_key: true, ..Settings::default() },
        key: Some(Key { tonic: PitchClass::new(9), scale: Scale::Minor }),
        choice,
        preset: Some(1),
        health: Health {
            answer: Some([Duration::from_micros(46_300), Duration::from_millis(71)]),
            reaction: Some([Duration::from_micros(2_100), Duration::from_micros(6_800)]),
            step: Some([Duration::from_micros(410), Duration::from_micros(930)]),
            played: 83,
            heard: 61,
            device: "CPU",
            cpu: Some(0.034),
            active: true,
            since_heard: Some(Duration::from_millis(320)),
            ..Health::default()
        },
        ..idle()
    }
}

/// One a bar; the last two come after the present.
const CHORDS: [&str; 13] = [
    "Am7", "Dm7", "G7", "Cmaj7", "Fmaj7", "Bm7b5", "E7", "Am", "Am7", "Dm7", "G7", "Cmaj7", "Fmaj7",
];

fn chord((bar, name): (usize, &&str)) -> SeenChord {
    SeenChord { start_beats: 4.0 * bar as f64, name: (*name).to_owned() }
}

/// A tune of two bars, in sequence: beat in the bar, length, degree above the chord's root in steps of the scale.
const FIGURE: [(f64, f64, i32); 7] = [
    (0.0, 1.5, 14),
    (1.5, 0.5, 13),
    (2.0, 1.0, 11),
    (3.0, 1.0, 12),
    (4.5, 0.5, 9),
    (5.0, 1.0, 11),
    (6.0, 1.75, 10),
];

/// The roots of the chords, as steps of A minor above A2.
const ROOTS: [i32; 13] = [0, 3, 6, 2, 5, 1, 4, 0, 0, 3, 6, 2, 5];

/// The key at a step of A minor.
fn key(step: i32) -> u8 {
    let degrees = [0, 2, 3, 5, 7, 8, 10];
    let (octave, degree) = (step.div_euclid(7), step.rem_euclid(7) as usize);
    (45 + 12 * octave + degrees[degree]) as u8
}

/// The player's tune and the machine's part, as the mode has it.
fn notes(mode: Mode, now: f64) -> Vec<SeenNote> {
    let mut notes = Vec::new();
    let mut add = |voice: Voice, start: f64, len: f64, key: u8, velocity: u8| {
        let is_machine = voice == Voice::Machine;
        // In Harmonise nothing is planned: each note is joined as it comes.
        if start > now && (!is_machine || mode == Mode::Harmonise) {
            return;
        }
        let stage = match start {
            _ if start <= now => Stage::Played,
            _ if start <= now + 2.0 => Stage::Committed,
            _ => Stage::Planned,
        };
        let len = if is_machine || start + len <= now { len } else { now - start };
        notes.push(SeenNote { voice, start_beats: start, len_beats: len, key, velocity, stage });
    };
    for bar in 0..13 {
        let begin = 4.0 * f64::from(bar);
        let root = ROOTS[bar as usize];
        let machines_turn = match mode {
            Mode::Trade => bar / 4 % 2 == 1,
            Mode::Answer => bar % 4 >= 2,
            Mode::Solo => bar >= 2,
            Mode::Accompany | Mode::Harmonise => false,
        };
        if bar % 2 == 0 {
            let lead = if machines_turn { Voice::Machine } else { Voice::Player };
            for (at, len, step) in FIGURE {
                let loud = 70 + ((at * 13.0) as u8 % 40);
                add(lead, begin + at, len, key(root + step), loud);
                if mode == Mode::Harmonise {
                    add(Voice::Machine, begin + at, len, key(root + step - 2), loud - 10);
                    add(Voice::Machine, begin + at, len, key(root + step - 4), loud - 16);
                }
            }
        }
        if mode == Mode::Accompany {
            add(Voice::Machine, begin, 1.75, key(root), 88);
            for (at, len) in [(1.5, 0.5), (2.5, 1.0)] {
                for third in [2, 4, 6] {
                    add(Voice::Machine, begin + at, len, key(root + third), 58 + 5 * third as u8);
                }
            }
        }
    }
    notes
}

/// A choice of the next note over D minor, in C major or A minor, from E1 to C7.
fn choice(now: f64) -> Choice {
    let mut choice = Choice {
        onset: Tick(((now + 0.5) * 12.0).ceil() as i64),
        chosen: Pitch::new(52),
        logits: [0.0; KEYS],
        barred: [Barred::default(); KEYS],
    };
    for number in 0..KEYS {
        let pitch = Pitch::new(number as u8);
        let class = pitch.class().number();
        let in_chord = matches!(class, 9 | 0 | 4 | 7);
        let away = (number as f32 - 54.0) / 9.0;
        choice.logits[number] = if in_chord { 4.0 } else { 1.5 } - away * away;
        if !(28..=96).contains(&number) {
            choice.barred[number] = Barred::REGISTER;
        }
        if matches!(class, 1 | 3 | 6 | 8 | 10) {
            choice.barred[number] = choice.barred[number].and(Barred::SCALE);
        }
    }
    choice.logits[52] += 1.0;
    choice
}

fn models() -> Vec<ModelCard> {
    vec![
        ModelCard {
            name: "Duet".to_owned(),
            recipe: "duet".to_owned(),
            parameters: 1_312_000,
            pieces: 2_104,
            notes: 1_480_000,
            nats_per_note: Some(1.83),
            styles: ["pop", "jazz", "songbook", "game", "chorale"].map(str::to_owned).into(),
            sources: vec![
                ("POP909".to_owned(), "MIT".to_owned()),
                ("Weimar Jazz Database".to_owned(), "ODbL".to_owned()),
            ],
            ..ModelCard::default()
        },
        ModelCard {
            name: "my-etudes".to_owned(),
            folder: Some(PathBuf::from("/home/ada/.local/share/sideman/models/my-etudes")),
            recipe: "duet".to_owned(),
            parameters: 1_312_000,
            pieces: 48,
            notes: 31_200,
            nats_per_note: Some(2.1),
            ..ModelCard::default()
        },
        ModelCard {
            name: "old".to_owned(),
            folder: Some(PathBuf::from("/home/ada/old")),
            problem: Some("weights.safetensors is cut off after 812 bytes".to_owned()),
            ..ModelCard::default()
        },
    ]
}

fn presets() -> Vec<PresetCard> {
    let preset = |name: &str, about: &str, mode: &'static str, own| PresetCard {
        name: name.to_owned(),
        about: about.to_owned(),
        mode,
        own,
    };
    vec![
        preset("Plain accompaniment", "As the model plays by itself.", "accompany", false),
        preset("Four-bar trades", "Four bars each, on the bar lines of the host.", "trade", false),
        preset("Blues answers", "Answers your phrases in the blues scale.", "answer", false),
        preset("Pads", "Long notes below what you play.", "accompany", false),
        preset("Sunday evening", "", "solo", true),
    ]
}

/// A training at a stage.
pub(crate) fn training(state: TrainingState) -> Moment {
    let is_offer = state == TrainingState::Offered;
    let points = if is_offer { 0 } else { 40 };
    let share = |point: i32| point as f32 / 60.0;
    let loss = |point: i32| 1.9 + 1.6 * (-3.0 * share(point)).exp() + 0.04 * (point as f32).sin();
    Moment {
        training: Some(Training {
            name: "my-waltzes".to_owned(),
            doing: if is_offer { "62 pieces, 41,000 notes" } else { "Epoch 4 of 6" }.to_owned(),
            share: (!is_offer).then_some(0.66),
            left: (state == TrainingState::Running).then_some(Duration::from_secs(610)),
            losses: (0..points).map(|point| [share(point), loss(point)]).collect(),
            state,
        }),
        ..playing(Mode::Accompany)
    }
}

/// Much is amiss at once.
pub(crate) fn trouble() -> Moment {
    let mut moment = playing(Mode::Trade);
    moment.host_leads = false;
    moment.model_problem = Some("model.json says 512 inputs, the weights have 256".to_owned());
    moment.health.late = 12;
    moment.health.refused = 3;
    moment.health.device_problem = Some("no driver of the GPU was found");
    moment.settings.freeze = true;
    moment
}
