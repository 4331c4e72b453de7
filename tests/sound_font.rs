//! SoundFonts: what they play, what they are refused for, and that nothing in one can stop the music.
#![cfg(feature = "standalone")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails loudly")]

#[path = "sound/font.rs"]
mod font;

use std::cell::Cell;
use std::path::Path;
use std::sync::Once;

use assert_cmd::Command;
use font::SineFont;
use proptest::prelude::*;
use sideman::music::time::SampleRate;
use sideman::standalone::Part;
use sideman::standalone::sound_font::{SoundFont, SoundFontError};
use sideman::standalone::synth::{PartSound, Patch, Program, Sounds, Synth};

/// Samples a second.
const RATE: u32 = 48_000;

fn rate() -> SampleRate {
    SampleRate::new(f64::from(RATE))
}

fn load(bytes: &[u8]) -> Result<SoundFont, SoundFontError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sines.sf2");
    std::fs::write(&path, bytes).unwrap();
    SoundFont::load(&path, rate())
}

/// A synth whose machine plays a program.
fn synth(font: &SoundFont, program: Program) -> Synth {
    let mut synth = Synth::with_font(rate(), font).unwrap();
    synth.set_sounds(Sounds { machine: PartSound::of(Patch::Font(program)), ..Sounds::default() });
    synth
}

fn play(synth: &mut Synth, samples: usize) -> Vec<f64> {
    let (mut left, mut right) = (vec![0.0; samples], vec![0.0; samples]);
    synth.render(&mut left, &mut right);
    left.iter().zip(&right).map(|(l, r)| f64::from(l + r) / 2.0).collect()
}

fn peak(sound: &[f64]) -> f64 {
    sound.iter().fold(0.0, |peak, x| x.abs().max(peak))
}

#[test]
fn the_pedal_holds_and_the_old_patch_ends_what_it_began() {
    let font = load(&SineFont::default().bytes()).unwrap();
    let mut synth = synth(&font, Program { bank: 0, number: 0 });
    synth.sustain(Part::Machine, true);
    synth.note_on(Part::Machine, 69, 100);
    let loud = peak(&play(&mut synth, 4_800));
    synth.note_off(Part::Machine, 69);
    play(&mut synth, 96_000);
    assert!(peak(&play(&mut synth, 4_800)) > loud / 2.0, "the pedal is down");
    synth.set_sounds(Sounds::default());
    assert!(peak(&play(&mut synth, 4_800)) > loud / 2.0, "what sounds goes on");
    synth.sustain(Part::Machine, false);
    play(&mut synth, 3 * RATE as usize);
    assert!(peak(&play(&mut synth, 4_800)) < loud / 100.0);
}

#[test]
fn a_program_goes_by_number_and_by_name() {
    let font = load(&SineFont::default().bytes()).unwrap();
    let lead = Program { bank: 0, number: 80 };
    let names: Vec<_> =
        font.programs().map(|(program, name)| format!("{program} {name}")).collect();
    assert_eq!(names, ["0:0 Soft sine", "0:80 Sine lead"]);
    for wanted in ["80", "0:80", " 0 : 80 ", "lead", "SINE LEAD"] {
        assert_eq!(font.find(wanted).unwrap(), lead, "{wanted}");
    }
    for (wanted, said) in [
        ("81", "it has no program 0:81"),
        ("70000:1", "no program is called '70000:1'"),
        ("oboe", "no program is called 'oboe'"),
        ("sine", "'sine' could be 0:0 Soft sine, 0:80 Sine lead"),
    ] {
        assert!(font.find(wanted).unwrap_err().to_string().ends_with(said), "{wanted}");
    }
    assert_eq!(font.program_or_first(80), Some(lead));
    assert_eq!(font.program_or_first(4), Some(Program { bank: 0, number: 0 }));
}

#[test]
fn a_key_that_would_outrun_its_loop_is_silent() {
    // At the top key 24 turns of 8 samples pass in a sample.
    let short = SineFont { period: 8, turns: 1, root: 48 };
    let font = load(&short.bytes()).unwrap();
    let mut synth = synth(&font, Program { bank: 0, number: 0 });
    synth.note_on(Part::Machine, 127, 127);
    assert!(peak(&play(&mut synth, 4_800)) < 1e-6);
    synth.note_on(Part::Machine, 60, 127);
    assert!(peak(&play(&mut synth, 4_800)) > 0.05);
}

#[test]
fn a_file_that_is_cut_anywhere_is_refused_in_one_line() {
    let whole = SineFont { period: 10, turns: 10, root: 69 }.bytes();
    for len in 0..whole.len() {
        let error = load(&whole[..len]).expect_err("a part of a file is no file").to_string();
        assert!(error.starts_with("can't play the SoundFont ") && !error.contains('\n'), "{error}");
    }
    load(&whole).unwrap();
}

#[test]
fn lists_that_point_nowhere_or_back_are_refused() {
    let whole = SineFont::default().bytes();
    let at = |id: &[u8; 4]| whole.windows(4).position(|w| w == id).unwrap() + 8;
    for (place, said) in [
        (at(b"phdr") + 24, "its list phdr points nowhere"),
        (at(b"pbag"), "its list pbag points nowhere"),
        (at(b"inst") + 20, "its list inst points nowhere"),
        (at(b"ibag") + 4, "its list ibag points nowhere"),
    ] {
        let mut bytes = whole.clone();
        bytes[place] = 9;
        let error = load(&bytes).unwrap_err().to_string();
        assert!(error.ends_with(said), "{error}");
    }
}

thread_local! {
    static PANICS: Cell<usize> = const { Cell::new(0) };
}

/// Panics of this thread, apart from those that loading answers for.
fn panics() -> usize {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANICS.set(PANICS.get() + 1);
            hook(info);
        }));
    });
    PANICS.get()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever the bytes say: refused in one line, or played without a panic, within full scale.
    #[test]
    fn no_file_stops_the_music(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        in_lists in any::<bool>(),
    ) {
        let before = panics();
        let mut bytes = SineFont { period: 10, turns: 2, root: 69 }.bytes();
        // Most of a file is samples; what matters is in the lists behind them.
        let from = if in_lists { bytes.windows(4).position(|w| w == b"phdr").unwrap() } else { 0 };
        let len = bytes.len() - from;
        for (at, byte) in changes {
            bytes[from + at.index(len)] = byte;
        }
        match load(&bytes) {
            Err(error) => prop_assert!(!error.to_string().contains('\n')),
            Ok(font) => {
                let programs: Vec<_> = font.programs().map(|(program, _)| program).collect();
                for program in programs {
                    let mut synth = synth(&font, program);
                    for key in (0..128).step_by(3) {
                        synth.note_on(Part::Machine, key, 127);
                        let sound = play(&mut synth, 200);
                        prop_assert!(sound.iter().all(|x| x.is_finite()) && peak(&sound) < 1.0);
                        synth.note_off(Part::Machine, key);
                    }
                    play(&mut synth, 4_000);
                }
            }
        }
        prop_assert_eq!(panics(), before, "it was stopped by a panic");
    }
}

fn sideman(dir: &Path) -> Command {
    let mut command = Command::cargo_bin("sideman").unwrap();
    command.current_dir(dir).env("SIDEMAN_PRESETS", dir.join("presets"));
    command
}

#[test]
fn the_program_lists_sounds_and_refuses_in_one_line() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("sines.sf2"), SineFont::default().bytes()).unwrap();
    std::fs::write(dir.path().join("text.sf2"), "not a SoundFont at all").unwrap();
    let said = |args: &[&str]| {
        let done = sideman(dir.path()).args(args).output().unwrap();
        let text = if done.status.success() { done.stdout } else { done.stderr };
        (done.status.success(), String::from_utf8(text).unwrap())
    };
    let (_, listed) = said(&["sounds"]);
    for patch in Patch::BUILT_IN {
        assert!(listed.contains(patch.name()), "{listed}");
    }
    let listed = said(&["sounds", "--soundfont", "sines.sf2"]);
    assert_eq!(listed, (true, "0:0      Soft sine\n0:80     Sine lead\n".to_owned()));
    for (args, error) in [
        (
            &["sounds", "--soundfont", "none.sf2"][..],
            "can't play the SoundFont none.sf2: No such file",
        ),
        (
            &["sounds", "--soundfont", "text.sf2"],
            "can't play the SoundFont text.sf2: it is no SoundFont 2 file\n",
        ),
        (&["jam", "--silent", "--your-sound", "kazoo"], "--your-sound: there is no sound 'kazoo'"),
        (
            &["jam", "--silent", "--soundfont", "sines.sf2", "--sideman-sound", "kazoo"],
            "can't play the SoundFont sines.sf2: no program is called 'kazoo'\n",
        ),
        (&["jam", "--silent", "--your-volume", "40"], "-60 to 12 decibels"),
    ] {
        let (fine, text) = said(args);
        assert!(!fine && text.contains(error), "{args:?}: {text}");
    }
}

#[test]
fn a_jam_sounds_as_it_was_asked_to() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("sines.sf2"), SineFont::default().bytes()).unwrap();
    let jam = |args: &[&str]| {
        let args = [&["jam", "--headless", "--silent", "--seconds", "2"], args].concat();
        sideman(dir.path()).args(args).assert().success();
        let mut wav = hound::WavReader::open(dir.path().join("jam.wav")).unwrap();
        let power: f64 = wav.samples::<i32>().map(|s| f64::from(s.unwrap()).powi(2)).sum();
        let midi = std::fs::read(dir.path().join("jam.mid")).unwrap();
        let programs: Vec<u8> =
            midi.windows(2).filter(|w| w[0] & 0xf0 == 0xc0 && w[1] < 128).map(|w| w[1]).collect();
        (power, programs)
    };
    let (loud, programs) = jam(&["--soundfont", "sines.sf2", "--sideman-sound", "lead"]);
    assert!(programs.contains(&0) && programs.contains(&81), "{programs:?}");
    let soft = ["--soundfont", "sines.sf2", "--your-volume", "-40", "--sideman-volume", "-40"];
    let (soft, _) = jam(&soft);
    assert!(soft > 0.0 && soft < loud / 100.0, "{soft} against {loud}");
}
