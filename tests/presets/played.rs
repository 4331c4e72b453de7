//! Every preset of ours plays sixteen bars, and keeps its word.

use std::sync::Arc;

use sideman::infer::builtin;
use sideman::infer::model_slot::{ModelChoice, ModelSlot};
use sideman::link::settings::{Grid, Mode, Settings};
use sideman::music::event::Midi;
use sideman::music::pitch::Pitch;
use sideman::music::time::{Beats, Meter, SampleRate, Tempo};
use sideman::preset::bank::Bank;
use sideman::standalone::Part;
use sideman::standalone::performance::{PLAYER, Performance};
use sideman::standalone::song::Song;

/// A note: its key, and the beats in which it begins and ends.
type Note = (u8, f64, f64);

const BAR: f64 = 4.0;
const BARS: f64 = 16.0;
const TICK: f64 = 1.0 / 12.0;
/// Seconds of a beat, at 120.
const BEAT: f64 = 0.5;

/// Where the player's phrases begin, in bars. Each is two bars of melody; then he rests for two. Where a preset
/// minds held chords, the second bar is one of F major.
const PHRASES: [f64; 4] = [0.0, 4.0, 8.0, 12.0];
const CHORD: [u8; 3] = [53, 57, 60];
const PHRASE_BEATS: f64 = 7.9;

fn player(holds_chords: bool) -> Vec<Note> {
    let mut notes = Vec::new();
    for (turn, bar) in PHRASES.into_iter().enumerate() {
        let at = bar * BAR;
        for (i, key) in [65, 67, 69, 72, 70, 69, 67, 64].into_iter().enumerate() {
            let from = at + i as f64 * 0.5;
            notes.push((key + [0, 2, 0, 5][turn], from, from + 0.45));
        }
        if holds_chords {
            notes.extend(CHORD.map(|key| (key, at + BAR, at + PHRASE_BEATS)));
        } else {
            let quarters = [65, 69, 72, 69].into_iter().zip([4.0, 5.0, 6.0, 7.0]);
            notes.extend(quarters.map(|(key, beat)| (key, at + beat, at + beat + 0.9)));
        }
    }
    notes
}

/// The machine's part, in order of its beginnings.
fn perform(settings: Settings) -> Vec<Note> {
    let rate = SampleRate::new(48_000.0);
    let song = Song::steady(rate, Tempo::new(120.0), Meter::default());
    let mut events = Vec::new();
    for (key, from, to) in player(settings.chord_lock) {
        let (channel, from, to) = (PLAYER, song.sample(Beats(from)), song.sample(Beats(to)));
        events.push((from, Midi::NoteOn { channel, key, velocity: 80 }));
        events.push((to, Midi::NoteOff { channel, key, velocity: 0 }));
    }
    let models = Arc::new(ModelSlot::new(ModelChoice::Builtin));
    let end = song.sample(Beats(BARS * BAR));
    let mut performance = Performance::new(song, events, settings, models, true).unwrap();
    while performance.sample() < end {
        performance.block(512);
    }
    performance.finish();
    let beats = |sample| performance.song().beats(sample).0;
    let note = |n: &sideman::standalone::performance::Sounded| {
        (n.key, beats(n.from), beats(n.to.expect("nothing hangs")))
    };
    let sounded = performance.sounded().iter();
    sounded.filter(|n| n.part == Part::Machine).map(note).collect()
}

/// The phrase that is under way at a beat: from its first key until it counts as ended.
fn phrase_at(beat: f64, settings: &Settings) -> Option<f64> {
    let gap = f64::from(settings.phrase_gap) * TICK;
    let begins = PHRASES.into_iter().map(|bar| bar * BAR);
    begins.filter(|b| *b <= beat).find(|b| beat < b + PHRASE_BEATS + gap)
}

fn bars_with_notes(notes: &[Note]) -> Vec<i64> {
    let mut bars: Vec<i64> = notes.iter().map(|n| (n.1 / BAR) as i64).collect();
    bars.dedup();
    bars
}

/// The mode's promise: when notes begin and end, and that there are some.
fn keeps_its_mode(id: &str, s: &Settings, notes: &[Note], learnt: bool) {
    // What was settled when the player came in again still begins and is ended a few ticks later.
    let slack = (f64::from(s.reaction) + 2.0) * TICK + f64::from(s.humanise) * 0.020 / BEAT;
    let in_phrase = |n: &&Note| phrase_at(n.1, s).is_some_and(|began| n.1 > began + slack);
    match s.mode {
        Mode::Accompany => {
            let under = notes.iter().filter(in_phrase).count();
            assert!(!learnt || under >= 3, "{id}: {under} notes under the phrases");
        }
        Mode::Answer | Mode::Solo => {
            assert_eq!(notes.iter().find(in_phrase), None, "{id}: speaks while the player does");
            let rests = PHRASES.map(|bar| bar * BAR + PHRASE_BEATS);
            let answered =
                |rest: &&f64| notes.iter().any(|n| n.1 > **rest && n.1 < **rest + 2.0 * BAR);
            let answers = rests.iter().filter(answered).count();
            assert!(answers >= 1, "{id}: {answers} answers");
            for (key, from, to) in notes {
                let next = PHRASES.into_iter().map(|bar| bar * BAR).find(|b| *b > *from);
                let yields = next.is_none_or(|next| *to <= next + slack + TICK);
                assert!(yields, "{id}: {key} from {from} to {to} sounds into the next phrase");
            }
        }
        Mode::Trade => {
            let turn = f64::from(s.trade_bars) * BAR;
            let machines = |turn: f64| (turn.rem_euclid(2.0) < 0.5) == s.machine_first;
            for (key, from, to) in notes {
                let number = ((from + 1e-6) / turn).floor();
                assert!(machines(number), "{id}: {key} at {from} in the player's turn");
                assert!(*to <= (number + 1.0) * turn + 1e-3, "{id}: {key} until {to} spills over");
            }
            for number in 0..(BARS * BAR / turn) as i64 {
                let begins = number as f64 * turn;
                let here = notes.iter().any(|n| n.1 >= begins && n.1 < begins + turn);
                let due = machines(number as f64);
                assert!(here == due || (due && !learnt), "{id}: turn {number}");
            }
        }
        Mode::Harmonise => {
            let player = player(s.chord_lock);
            // Company that two keys share begins anew with the second.
            let company = notes.iter().filter(|n| n.2 > n.1).collect::<Vec<_>>();
            for (key, from, to) in &company {
                let leads = |p: &&Note| {
                    let with_it = (0.0..0.015 / BEAT).contains(&(from - p.1));
                    with_it && (to - p.2).abs() < 0.001 && p.0 != *key
                };
                let leader = player.iter().find(leads);
                assert!(leader.is_some(), "{id}: {key} from {from} to {to} belongs to nobody");
            }
            let company = company.len();
            assert!(company >= player.len() / 2, "{id}: {company} notes join {}", player.len());
        }
    }
}

#[test]
fn every_preset_of_ours_plays_what_it_says() {
    // Notes have to come from a model that knows some: one that has not learnt yet may leave out an
    // accompaniment, but not break a rule.
    let learnt = builtin::checkpoint().unwrap().manifest.steps > 0;
    let mut takes: Vec<(String, Vec<Note>)> = Vec::new();
    for entry in Bank::factory().entries {
        let (id, s) = (entry.id, entry.preset.settings);
        let notes = perform(s);
        println!("{id}: {} notes in bars {:?}", notes.len(), bars_with_notes(&notes));
        keeps_its_mode(&id, &s, &notes, learnt);
        for (key, from, _) in &notes {
            assert!(s.permits(Pitch::new(*key)), "{id}: {key} is outside its register or scale");
            let sounding = notes.iter().filter(|n| n.1 <= *from && n.2 > *from + 1e-9).count();
            assert!(sounding <= usize::from(s.polyphony), "{id}: {sounding} at {from}");
            if s.grid != Grid::Free && s.swing == 0.0 && s.mode != Mode::Harmonise {
                let ticks = from / TICK;
                let late = f64::from(s.humanise) * 0.020 / BEAT / TICK + 0.01;
                let on_grid = |tick: i64| {
                    s.grid.allows(tick) && (-0.01..late).contains(&(ticks - tick as f64))
                };
                assert!((0..=800).any(on_grid), "{id}: {from} is off the grid");
            }
            let chord_held = PHRASES
                .into_iter()
                .any(|bar| (bar * BAR + BAR + 0.5..bar * BAR + PHRASE_BEATS).contains(from));
            if s.chord_lock && chord_held {
                let in_chord = CHORD.iter().any(|held| held % 12 == key % 12);
                assert!(in_chord, "{id}: {key} at {from} is not in the held chord");
            }
        }
        for (other, take) in &takes {
            let silent = !learnt && take.is_empty();
            assert!(silent || *take != notes, "{id} plays what {other} plays");
        }
        takes.push((id, notes));
    }
}
