//! What the sounds of the program are like, by numbers: loudness, pitch, spectrum, and the ends of notes.
#![cfg(feature = "standalone")]
#![allow(clippy::unwrap_used, reason = "a test fails loudly")]

#[path = "sound/font.rs"]
mod font;
#[path = "sound/measures.rs"]
mod measures;

use font::SineFont;
use measures::{RATE, cents_off, click, loudness, offset, share_above, share_beside_partials};
use sideman::music::time::SampleRate;
use sideman::standalone::Part;
use sideman::standalone::sound_font::SoundFont;
use sideman::standalone::synth::{PartSound, Patch, Program, Sounds, Synth};

/// How late the limiter makes all sound, in samples.
const LATE: usize = 96;

fn synth(patch: Patch) -> Synth {
    let mut synth = Synth::new(SampleRate::new(f64::from(RATE)));
    synth.set_sounds(Sounds { machine: PartSound::of(patch), ..Sounds::default() });
    synth
}

/// One note of the machine's: both sides, with a second of its end.
fn note(synth: &mut Synth, key: u8, velocity: u8, held: usize) -> [Vec<f64>; 2] {
    let mut sides = [Vec::new(), Vec::new()];
    synth.note_on(Part::Machine, key, velocity);
    for samples in [held, RATE as usize] {
        let (mut left, mut right) = (vec![0.0; samples], vec![0.0; samples]);
        synth.render(&mut left, &mut right);
        sides[0].extend(left.iter().map(|x| f64::from(*x)));
        sides[1].extend(right.iter().map(|x| f64::from(*x)));
        synth.note_off(Part::Machine, key);
    }
    sides
}

fn hertz(key: u8) -> f64 {
    440.0 * ((f64::from(key) - 69.0) / 12.0).exp2()
}

fn middle(sides: &[Vec<f64>; 2]) -> Vec<f64> {
    sides[0].iter().zip(&sides[1]).map(|(left, right)| 0.5 * (left + right)).collect()
}

#[test]
fn patches_are_about_equally_loud() {
    for key in [36, 48, 60, 72] {
        let mut loud: Vec<(f64, Patch)> = Patch::BUILT_IN
            .into_iter()
            .map(|patch| {
                let held = RATE as usize;
                let sides = note(&mut synth(patch), key, 90, held);
                (loudness(&sides.map(|side| side[..held].to_vec())), patch)
            })
            .collect();
        loud.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (least, most) = (loud[0].0, loud[loud.len() - 1].0);
        assert!(most - least < 4.5 && least > -25.0 && most < -17.0, "key {key}: {loud:?}");
    }
}

#[test]
fn every_patch_is_in_tune_in_every_register() {
    for patch in Patch::BUILT_IN {
        for key in (24..=96).step_by(12) {
            let sound = middle(&note(&mut synth(patch), key, 80, RATE as usize));
            let off = cents_off(&sound[4_800..4_800 + 32_768], hertz(key));
            assert!(off.abs() < 4.0, "{patch}, key {key}: {off:.1} cents");
        }
    }
}

#[test]
fn nothing_folds_back_and_nothing_is_off_centre() {
    for patch in Patch::BUILT_IN {
        // Nothing of these pitches that folds back would land on a partial.
        for key in [61, 83, 97] {
            let sound = middle(&note(&mut synth(patch), key, 127, RATE as usize));
            let sound = &sound[9_600..9_600 + 32_768];
            let beside = share_beside_partials(sound, hertz(key));
            assert!(beside < -50.0, "{patch}, key {key}: {beside:.0} dB beside the partials");
            assert!(offset(sound) < -60.0, "{patch}, key {key}: {:.0} dB", offset(sound));
        }
        let sound = middle(&note(&mut synth(patch), 60, 100, RATE as usize));
        let high = share_above(&sound[..32_768], 10_000.0);
        assert!(high < -35.0, "{patch}: {high:.0} dB above 10 kHz");
    }
}

#[test]
fn a_note_ends_without_a_click() {
    for patch in Patch::BUILT_IN {
        for key in [36, 52, 67, 84] {
            // Not a whole number of periods: the wave is cut anywhere.
            let held = 24_000 + 37 * usize::from(key);
            let sound = middle(&note(&mut synth(patch), key, 100, held));
            let end = held + LATE;
            let heard = click(&sound, end);
            assert!(heard < 3.0, "{patch}, key {key}: {heard:.1} dB");
            if key > 70 {
                continue;
            }
            // The same note cut off at a crest: what is measured is there to be found.
            let crest = (end - 700..end).max_by(|a, b| sound[*a].abs().total_cmp(&sound[*b].abs()));
            let crest = crest.unwrap_or(end);
            let mut cut = sound;
            cut[crest..].fill(0.0);
            let heard = click(&cut, crest);
            assert!(heard > 9.0, "{patch}, key {key}: a cut of {heard:.1} dB goes unheard");
        }
    }
}

#[test]
fn a_soundfont_is_in_tune_and_its_notes_end_without_a_click() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), SineFont::default().bytes()).unwrap();
    let rate = SampleRate::new(f64::from(RATE));
    let font = SoundFont::load(file.path(), rate).unwrap();
    let machine = PartSound::of(Patch::Font(Program { bank: 0, number: 80 }));
    for key in [45_u8, 57, 69, 81] {
        let mut synth = Synth::with_font(rate, &font).unwrap();
        synth.set_sounds(Sounds { machine, ..Sounds::default() });
        let held = 40_000 + 37 * usize::from(key);
        let sound = middle(&note(&mut synth, key, 100, held));
        let off = cents_off(&sound[4_800..4_800 + 32_768], hertz(key));
        assert!(off.abs() < 2.0, "key {key}: {off:.2} cents");
        let high = share_above(&sound[4_800..4_800 + 32_768], 10_000.0);
        assert!(high < -50.0, "key {key}: {high:.0} dB above 10 kHz");
        let heard = click(&sound, held + LATE);
        assert!(heard < 6.0, "key {key}: {heard:.1} dB");
        let peak = |sound: &[f64]| sound.iter().fold(0.0_f64, |peak, x| x.abs().max(peak));
        let level = peak(&sound);
        assert!((0.05..0.9).contains(&level), "key {key}: peak {level}");
        assert!(peak(&sound[held + 40_000..]) < level * 0.01, "it does not end");
    }
}
