//! What the synth promises: no clip, no click, no endless tone, sane levels.

use super::*;

const RATE: f32 = 48_000.0;

fn synth() -> Synth {
    Synth::new(SampleRate::new(f64::from(RATE)))
}

/// A synth of which both parts sound the same.
fn synth_of(patch: Patch) -> Synth {
    let mut synth = synth();
    let sound = PartSound::of(patch);
    synth.set_sounds(Sounds { player: sound, machine: sound });
    synth
}

/// The next `seconds` of both channels.
fn play(synth: &mut Synth, seconds: f32) -> [Vec<f32>; 2] {
    let mut left = vec![0.0; (seconds * RATE) as usize];
    let mut right = left.clone();
    synth.render(&mut left, &mut right);
    [left, right]
}

fn peak(sound: &[Vec<f32>; 2]) -> f32 {
    sound.iter().flatten().fold(0.0, |peak, s| peak.max(s.abs()))
}

fn rms_db(channel: &[f32]) -> f32 {
    let power = channel.iter().map(|s| s * s).sum::<f32>() / channel.len() as f32;
    10.0 * power.log10()
}

/// The largest step from one sample to the next.
fn largest_step(sound: &[Vec<f32>; 2]) -> f32 {
    let steps = sound.iter().flat_map(|channel| channel.windows(2).map(|w| (w[1] - w[0]).abs()));
    steps.fold(0.0, f32::max)
}

#[test]
fn thirty_dense_notes_neither_clip_nor_break() {
    let mut synth = synth();
    for i in 0..30 {
        let part = if i % 2 == 0 { Part::Player } else { Part::Machine };
        synth.note_on(part, 40 + i, 127);
    }
    let sound = play(&mut synth, 3.0);
    assert!(sound.iter().flatten().all(|s| s.is_finite()));
    let peak = peak(&sound);
    assert!((0.5..1.0).contains(&peak), "peak {peak}");
}

#[test]
fn every_key_and_velocity_is_finite_and_bounded() {
    for rate in [8_000.0, 44_100.0, 192_000.0] {
        let mut synth = Synth::new(SampleRate::new(rate));
        let mut left = [0.0; 700];
        let mut right = [0.0; 700];
        for key in (0..=255).step_by(5) {
            for part in [Part::Player, Part::Machine] {
                let patch = Patch::BUILT_IN[usize::from(key / 5) % Patch::BUILT_IN.len()];
                synth.set_sounds(Sounds { machine: PartSound::of(patch), ..Sounds::default() });
                for velocity in [0, 1, 64, 127, 255] {
                    synth.note_on(part, key, velocity);
                }
                synth.render(&mut left, &mut right);
                let fine = |s: &f32| s.is_finite() && s.abs() < 1.0;
                assert!(left.iter().chain(&right).all(fine), "key {key} at {rate} Hz");
                synth.note_off(part, key);
            }
        }
    }
}

#[test]
fn all_off_ends_in_silence() {
    let mut synth = synth();
    for key in 40..70 {
        synth.note_on(Part::Player, key, 110);
        synth.note_on(Part::Machine, key, 110);
    }
    synth.sustain(Part::Player, true);
    play(&mut synth, 0.5);
    synth.all_off();
    play(&mut synth, 3.0);
    assert_eq!(synth.sounding(), 0);
    let tail = peak(&play(&mut synth, 0.5));
    assert!(tail < 1e-4, "{tail} is left");
}

#[test]
fn a_note_end_makes_no_click() {
    for patch in Patch::BUILT_IN {
        for key in [28, 45, 60, 84] {
            let mut synth = synth_of(patch);
            synth.note_on(Part::Player, key, 100);
            play(&mut synth, 0.3);
            let before = largest_step(&play(&mut synth, 0.1));
            synth.note_off(Part::Player, key);
            let after = largest_step(&play(&mut synth, 0.1));
            // A pad still opens.
            let more = if patch == Patch::Pad { 1.2 } else { 1.05 };
            assert!(after <= before * more + 1e-4, "{patch} {key}: {before} before, {after} after");
        }
    }
}

#[test]
fn a_release_lasts_at_least_30_ms() {
    for patch in Patch::BUILT_IN {
        let mut synth = synth_of(patch);
        synth.note_on(Part::Player, 60, 100);
        play(&mut synth, 0.2);
        synth.note_off(Part::Player, 60);
        play(&mut synth, 0.03);
        assert_eq!(synth.sounding(), 1, "{patch}");
    }
}

#[test]
fn stolen_tones_fade() {
    let mut synth = synth();
    for key in 0..MAX_SOUNDING as u8 {
        synth.note_on(Part::Machine, 24 + key, 30);
    }
    play(&mut synth, 0.5);
    let before = largest_step(&play(&mut synth, 0.2));
    synth.note_on(Part::Player, 30, 1);
    assert_eq!(synth.sounding(), MAX_SOUNDING + 1);
    let after = largest_step(&play(&mut synth, 0.2));
    assert!(after <= before * 1.1 + 1e-4, "{before} before, {after} after");
    assert_eq!(synth.sounding(), MAX_SOUNDING);
}

#[test]
fn a_flood_inside_one_block_leaves_no_jump() {
    let mut synth = synth();
    for key in 0..SLOTS as u8 {
        synth.note_on(Part::Machine, 24 + key, 20);
        play(&mut synth, 0.001);
    }
    let before = largest_step(&play(&mut synth, 0.1));
    for key in 0..100 {
        synth.note_on(Part::Machine, key, 1);
    }
    let after = largest_step(&play(&mut synth, 0.1));
    assert!(after <= before * 1.5, "{before} before, {after} after");
}

#[test]
fn the_same_key_struck_again_sounds_once() {
    let mut synth = synth();
    for _ in 0..5 {
        synth.note_on(Part::Player, 60, 90);
        play(&mut synth, 0.6);
        assert_eq!(synth.sounding(), 1);
    }
}

#[test]
fn the_pedal_holds_what_the_key_lets_go() {
    let mut synth = synth();
    synth.sustain(Part::Player, true);
    synth.note_on(Part::Player, 60, 90);
    synth.note_off(Part::Player, 60);
    play(&mut synth, 1.0);
    assert_eq!(synth.sounding(), 1);
    synth.sustain(Part::Player, false);
    play(&mut synth, 1.0);
    assert_eq!(synth.sounding(), 0);
}

#[test]
fn a_single_note_has_a_sane_level_on_its_own_side() {
    for (part, near, far) in [(Part::Player, 0, 1), (Part::Machine, 1, 0)] {
        let mut synth = synth();
        synth.note_on(part, 60, 90);
        let sound = play(&mut synth, 1.0);
        let (near, far) = (rms_db(&sound[near]), rms_db(&sound[far]));
        assert!((-27.0..-17.0).contains(&near), "{part:?} at {near:.1} dBFS");
        assert!((1.0..8.0).contains(&(near - far)), "{part:?}: {near:.1} against {far:.1} dBFS");
    }
}

#[test]
fn harder_is_louder_and_brighter() {
    for patch in Patch::BUILT_IN {
        let strike = |velocity| {
            let mut synth = synth_of(patch);
            synth.note_on(Part::Player, 57, velocity);
            let sound = play(&mut synth, 0.4);
            // Steps grow with frequency, so their size against the level tells how bright it is.
            let steps: Vec<f32> = sound[0].windows(2).map(|w| w[1] - w[0]).collect();
            (rms_db(&sound[0]), rms_db(&steps) - rms_db(&sound[0]))
        };
        let (soft, hard) = (strike(30), strike(120));
        assert!(hard.0 > soft.0 + 8.0, "{patch}: {soft:?} {hard:?} dB");
        assert!(hard.1 > soft.1 + 1.0, "{patch}: {soft:?} {hard:?} dB");
    }
}

#[test]
fn the_cut_into_blocks_is_not_heard() {
    let render = |size: usize| {
        let mut synth = synth();
        let mut left = vec![0.0; 9_600];
        let mut right = left.clone();
        synth.note_on(Part::Player, 60, 100);
        synth.note_on(Part::Machine, 52, 80);
        for (i, patch) in Patch::BUILT_IN.into_iter().enumerate() {
            let machine = PartSound { patch, volume_db: -6.0 };
            synth.set_sounds(Sounds { machine, ..Sounds::default() });
            synth.note_on(Part::Machine, 60 + i as u8, 80);
        }
        for (left, right) in left.chunks_mut(size).zip(right.chunks_mut(size)) {
            synth.render(left, right);
        }
        (left, right)
    };
    let whole = render(9_600);
    assert!(render(1) == whole && render(37) == whole && render(480) == whole);
}

#[test]
fn what_sounds_keeps_its_patch_and_what_comes_has_the_new_one() {
    let sounds = Sounds { machine: PartSound::of(Patch::Lead), ..Sounds::default() };
    let mut changed = synth();
    let mut steady = synth();
    for synth in [&mut changed, &mut steady] {
        synth.note_on(Part::Machine, 60, 90);
        play(synth, 0.1);
    }
    changed.set_sounds(sounds);
    assert!(play(&mut changed, 0.3) == play(&mut steady, 0.3), "a tone that sounds was changed");
    for synth in [&mut changed, &mut steady] {
        synth.note_off(Part::Machine, 60);
        synth.note_on(Part::Machine, 64, 90);
    }
    assert!(play(&mut changed, 0.1) != play(&mut steady, 0.1));
    changed.note_off(Part::Machine, 64);
    play(&mut changed, 1.0);
    assert_eq!(changed.sounding(), 0);
}

#[test]
fn a_volume_glides_to_its_place() {
    let mut synth = synth_of(Patch::Pad);
    synth.note_on(Part::Machine, 48, 100);
    play(&mut synth, 3.0);
    let loud = play(&mut synth, 1.0);
    let softer = PartSound { patch: Patch::Pad, volume_db: -20.0 };
    synth.set_sounds(Sounds { machine: softer, ..Sounds::default() });
    let gliding = play(&mut synth, 0.1);
    assert!(largest_step(&gliding) <= largest_step(&loud) * 1.05, "the volume jumped");
    // The room rings out with what was loud.
    play(&mut synth, 2.0);
    let soft = rms_db(&play(&mut synth, 1.0)[1]) - rms_db(&loud[1]);
    assert!((-21.5..-18.5).contains(&soft), "{soft} dB");
}

#[test]
fn volumes_are_kept_within_reason() {
    let gain = |volume_db| PartSound { patch: Patch::Bass, volume_db }.gain();
    assert!((gain(f32::NAN) - 1.0).abs() < 1e-6);
    assert!(gain(f32::INFINITY) < 4.0 && gain(f32::NEG_INFINITY) > 0.0);
}

#[test]
fn every_patch_goes_by_its_name() {
    for patch in Patch::BUILT_IN {
        assert_eq!(Patch::built_in(&patch.to_string()), Some(patch));
        assert!(!patch.about().is_empty());
    }
    assert_eq!(Patch::built_in("soundfont"), None);
}
