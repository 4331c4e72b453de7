//! What hosts show of the plugin and keep of it.

use std::collections::BTreeSet;

use crate::host::{Host, param_id};
use crate::score::{BEAT, Stage, TALKATIVE, phrase};

/// Parameters have names and numbers of their own, and texts that lead back to their values.
pub(crate) fn parameters_are_told_apart_and_read_back<H: Host>() {
    let mut host = H::open();
    let params = host.params();
    assert!(params.len() >= 34, "{}", params.len());
    let ids: BTreeSet<u32> = params.iter().map(|p| p.id).collect();
    let names: BTreeSet<&str> = params.iter().map(|p| p.name.as_str()).collect();
    assert_eq!((ids.len(), names.len()), (params.len(), params.len()));
    assert_eq!(params.iter().filter(|p| p.is_bypass).count(), 1);
    for param in &params {
        assert!((host.value(param.id) - param.default).abs() < 1e-6, "{}", param.name);
        let steps = if param.steps == 0 { 20 } else { param.steps.min(200) };
        for step in 0..=steps {
            let value = f64::from(step) / f64::from(steps);
            let text = host.to_text(param.id, value);
            assert!(!text.is_empty() && text.trim() == text, "{}: '{text}'", param.name);
            let back = host.to_value(param.id, &text);
            let back = back.unwrap_or_else(|| panic!("{}: '{text}' is not read", param.name));
            assert_eq!(host.to_text(param.id, back), text, "{}", param.name);
        }
    }
    for nonsense in ["", "  ", "none of it", "\u{266d}", "999999999999999999999"] {
        for param in &params {
            let value = host.to_value(param.id, nonsense);
            assert!(value.is_none_or(|v| (0.0..=1.0).contains(&v)), "{}: {value:?}", param.name);
        }
    }
}

/// What musicians read.
pub(crate) fn values_read_well<H: Host>() {
    let mut host = H::open();
    let mut check = |id: &str, value: f64, expected: &str| {
        // VST3 hosts add the unit themselves.
        let text = host.to_text(param_id(id), value);
        let text = text.trim_end_matches(" %").trim_end_matches(" BPM");
        assert_eq!(text, expected);
    };
    check("mode", 0.0, "Accompany");
    check("register-low", 0.0, "A0");
    check("register-high", 1.0, "C8");
    check("key", 6.0 / 11.0, "F#");
    check("scale", 3.0 / 13.0, "Harmonic minor");
    check("input-channel", 0.0, "All");
    check("output-channel", 0.0, "1");
    check("top-p", 1.0, "100");
    check("tempo", 1.0, "400.0");
    check("phrase-gap", 1.0, "8 beats");
    check("thru", 1.0, "On");
}

/// A saved state comes back whole, in another instance and before or after activation.
pub(crate) fn a_state_comes_back<H: Host>() {
    let mut stage = Stage::<H>::offline();
    stage.set(&[
        ("mode", 0.25),
        ("register-low", 0.5),
        ("temperature", 0.25),
        ("thru", 0.0),
        ("seed", 0.125),
    ]);
    stage.play(16 * BEAT, 1_024, &phrase());
    stage.host.deactivate();
    let saved = stage.host.save();
    assert!(String::from_utf8_lossy(&saved).contains("onset"), "what was played is in it");
    let params = stage.host.params();
    for is_active in [false, true] {
        let mut host = H::open();
        if is_active {
            host.activate(false);
        }
        assert!(host.load(&saved));
        for param in params.iter().filter(|p| !p.is_read_only) {
            let (there, here) = (stage.host.value(param.id), host.value(param.id));
            // A momentary switch is not part of a song.
            assert!((there - here).abs() < 1e-6, "{}: {there} {here}", param.name);
        }
        assert_eq!(host.save(), saved);
    }
}

/// A song that is loaded and heard, and then rendered by an instance that is activated anew, is the same; and
/// not the one of an instance that remembers nothing.
pub(crate) fn a_reloaded_song_is_rendered_as_it_was_heard<H: Host>() {
    let play = |stage: &mut Stage<H>| {
        stage.set(&TALKATIVE);
        (stage.sample, stage.beats, stage.playing) = (0, Some(0.0), true);
        stage.heard.clear();
        stage.play(16 * BEAT, 512, &phrase());
        stage.playing = false;
        stage.block(512, &[]);
        stage.heard.clone()
    };
    let mut before = Stage::<H>::offline();
    let fresh = play(&mut before);
    before.host.deactivate();
    let mut host = H::open();
    assert!(host.load(&before.host.save()));
    let mut stage = Stage::at(host, true);
    let heard = play(&mut stage);
    stage.host.deactivate();
    stage.host.activate(true);
    assert_eq!(play(&mut stage), heard);
    assert_ne!(heard, fresh);
}

/// What is not a state is refused, and what is half of one does no harm.
pub(crate) fn garbage_is_refused<H: Host>() {
    let mut stage = Stage::<H>::offline();
    stage.play(8 * BEAT, 1_024, &phrase());
    let mut host = stage.host;
    host.deactivate();
    let good = host.save();
    let garbage: Vec<Vec<u8>> = vec![
        Vec::new(),
        vec![0],
        vec![0xff; 8],
        vec![0; 64],
        b"{}".to_vec(),
        good[..good.len() / 2].to_vec(),
        good[1..].to_vec(),
    ];
    // Every byte of a good state broken in turn: taken or refused, but never a crash.
    let broken = (0..good.len()).map(|i| {
        let mut bytes = good.clone();
        bytes[i] ^= 0x15;
        bytes
    });
    for bytes in &garbage {
        assert!(!host.load(bytes), "{bytes:?}");
        assert_eq!(host.save(), good, "a state that is refused changes nothing");
    }
    host.activate(false);
    for bytes in broken {
        let _ = host.load(&bytes);
    }
    assert!(host.load(&good));
    assert_eq!(host.save(), good);
}

/// Values far outside come into range, whoever wrote them.
pub(crate) fn hostile_values_come_into_range<H: Host>() {
    let mut host = H::open();
    let good = host.save();
    let text = String::from_utf8_lossy(&good).into_owned();
    let begin = text.find('{').unwrap();
    // What stands before the text is its length in eight bytes, or nothing.
    let has_length = begin > 0;
    let json = &text[begin..];
    for (from, to) in [
        ("\"register-low\":{\"i32\":28}", "\"register-low\":{\"i32\":-2147483648}"),
        ("\"seed\":{\"i32\":1}", "\"seed\":{\"i32\":2147483647}"),
        ("\"temperature\":{\"f32\":0.9}", "\"temperature\":{\"f32\":1e300}"),
        ("\"mode\":{\"string\":\"accompany\"}", "\"mode\":{\"i32\":9999}"),
        ("\"mode\":{\"string\":\"accompany\"}", "\"mode\":{\"string\":\"tango\"}"),
        ("\"key\":{\"i32\":0}", "\"key\":{\"bool\":true}"),
    ] {
        assert!(json.contains(from), "{json}");
        let hostile = json.replace(from, to);
        let mut state = Vec::new();
        if has_length {
            state.extend((hostile.len() as u64).to_le_bytes());
        }
        state.extend(hostile.bytes());
        let _ = host.load(&state);
        for param in host.params() {
            let value = host.value(param.id);
            assert!((0.0..=1.0).contains(&value), "{}: {value}", param.name);
            assert!(!host.to_text(param.id, value).is_empty());
        }
        let mut stage = Stage::at(host, false);
        stage.block(64, &[]);
        stage.host.deactivate();
        host = stage.host;
        assert!(host.load(&good));
    }
}
