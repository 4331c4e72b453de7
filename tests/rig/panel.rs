//! What a musician sees and does at the host's own panel: readings, presets, the device.

use std::time::{Duration, Instant};

use crate::host::{Host, Param, param_id};
use crate::score::{BEAT, Stage, TALKATIVE, phrase};

const READINGS: [&str; 10] = [
    "status",
    "step-p50",
    "step-p99",
    "step-max",
    "reaction-p50",
    "reaction-p99",
    "late-plans",
    "dropped-notes",
    "queue-in",
    "queue-out",
];

/// Plays blocks in their own time until `done`, for a few seconds at most.
#[track_caller]
pub(crate) fn until<H: Host>(stage: &mut Stage<H>, what: &str, done: impl Fn(&mut H) -> bool) {
    let began = Instant::now();
    while !done(&mut stage.host) {
        assert!(began.elapsed() < Duration::from_secs(20), "{what}");
        stage.block(480, &[]);
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn param<H: Host>(host: &mut H, id: &str) -> Param {
    host.params().into_iter().find(|p| p.id == param_id(id)).unwrap()
}

/// The value at which the parameter reads `text`.
pub(crate) fn place<H: Host>(host: &mut H, id: &str, text: &str) -> f64 {
    host.to_value(param_id(id), text).unwrap_or_else(|| panic!("{id} has no '{text}'"))
}

/// What the host shows of a parameter, as text.
pub(crate) fn shown<H: Host>(host: &mut H, id: &str) -> String {
    let value = host.shown(param_id(id));
    host.to_text(param_id(id), value)
}

/// Readings are for showing only, come with their units, are told as they change, and are in no song.
pub(crate) fn readings_are_read_only_and_told<H: Host>() {
    let mut stage = Stage::<H>::offline();
    let params = stage.host.params();
    let read_only: Vec<u32> = params.iter().filter(|p| p.is_read_only).map(|p| p.id).collect();
    assert_eq!(read_only, READINGS.map(param_id));
    assert!(params.iter().all(|p| !(p.is_read_only && p.is_automatable)));
    for menu in ["preset", "device", "mode", "scale", "grid", "status"] {
        assert!(param(&mut stage.host, menu).is_menu, "{menu}");
    }
    for id in READINGS {
        // As it stands when the plugin is loaded.
        assert!(stage.host.shown(param_id(id)).abs() < f64::EPSILON, "{id}");
    }
    stage.set(&TALKATIVE);
    stage.play(16 * BEAT, 512, &phrase());
    until(&mut stage, "readings are told", |host| host.shown(param_id("reaction-p50")) > 0.0);
    for id in ["step-p50", "step-p99", "step-max", "reaction-p99", "queue-in", "queue-out"] {
        let shown = stage.host.shown(param_id(id));
        assert!(shown > 0.0 && shown <= 1.0, "{id}: {shown}");
        let number = shown_number(&mut stage.host, id);
        assert!(number > 0.0, "{id}: {number}");
    }
    // A key waits for the next tick, a twelfth of a half second, and never for seconds in an eager part.
    let reaction = shown_number(&mut stage.host, "reaction-p50");
    assert!((1.0..2_000.0).contains(&reaction), "{reaction} ms");
    assert!(shown(&mut stage.host, "status").starts_with("Ready: duet on cpu"));
    // What a host sends to a reading changes nothing.
    let before = stage.host.value(param_id("status"));
    stage.set(&[("status", 1.0)]);
    stage.block(64, &[]);
    assert!((stage.host.value(param_id("status")) - before).abs() < f64::EPSILON);
    let saved = String::from_utf8_lossy(&stage.host.save()).into_owned();
    for id in READINGS {
        assert!(!saved.contains(&format!("\"{id}\"")), "{id} is in the song: {saved}");
    }
}

/// The number at the head of what is shown.
fn shown_number<H: Host>(host: &mut H, id: &str) -> f64 {
    let text = shown(host, id);
    text.split(' ').next().unwrap().parse().unwrap_or_else(|_| panic!("{id}: '{text}'"))
}

/// Choosing a preset sets its settings, and the host knows; where the song listens and plays stays.
pub(crate) fn a_preset_is_put_in_place_and_told<H: Host>() {
    let mut stage = Stage::<H>::offline();
    stage.host.shown(param_id("preset"));
    let walking = place(&mut stage.host, "preset", "Walking low register");
    stage.set(&[("preset", walking), ("output-channel", 4.0 / 15.0)]);
    stage.block(512, &[]);
    let high = param_id("register-high");
    let before = stage.host.params().into_iter().find(|p| p.id == high).unwrap().default;
    until(&mut stage, "the host knows of it", |host| host.shown(high) < before);
    for param in stage.host.params().iter().filter(|p| !p.is_read_only) {
        // What the host set it knows of itself.
        if ![param_id("preset"), param_id("output-channel")].contains(&param.id) {
            let (shown, is) = (stage.host.shown(param.id), stage.host.value(param.id));
            assert!((shown - is).abs() < 1e-6, "{}: {shown} is shown of {is}", param.name);
        }
    }
    let value = stage.host.value(param_id("output-channel"));
    assert_eq!(stage.host.to_text(param_id("output-channel"), value), "5");
    assert_eq!(shown(&mut stage.host, "mode"), "Accompany");
    let first = shown(&mut stage.host, "register-high");
    // Another one, and what the first had set is gone.
    let slow = place(&mut stage.host, "preset", "Echoing answers");
    stage.set(&[("preset", slow)]);
    stage.block(512, &[]);
    until(&mut stage, "the second", |host| shown(host, "mode") == "Answer");
    assert_ne!(shown(&mut stage.host, "register-high"), first);
    // A choice that is changed by hand afterwards stays as the hand left it.
    stage.set(&[("temperature", 0.0)]);
    for _ in 0..20 {
        stage.block(480, &[]);
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(stage.host.value(param_id("temperature")).abs() < 1e-6);
}

/// Before anything plays, a preset is put in place within the host's own call.
pub(crate) fn a_preset_is_put_in_place_while_nothing_plays<H: Host>() {
    let mut host = H::open();
    let trades = place(&mut host, "preset", "Four-bar trades");
    host.set(param_id("preset"), trades);
    assert_eq!(shown(&mut host, "mode"), "Trade");
    let mut stage = Stage::at(host, true);
    stage.block(64, &[]);
    let mode = stage.host.value(param_id("mode"));
    assert_eq!(stage.host.to_text(param_id("mode"), mode), "Trade");
}

/// A preset is no part of a song that could undo what was changed after it: only its name is.
pub(crate) fn a_loaded_song_keeps_its_own_settings<H: Host>() {
    let mut host = H::open();
    let trades = place(&mut host, "preset", "Four-bar trades");
    host.set(param_id("preset"), trades);
    host.set(param_id("mode"), 0.25);
    let saved = host.save();
    for is_active in [false, true] {
        let mut stage = Stage::at(H::open(), false);
        let other = place(&mut stage.host, "preset", "Slow pads");
        stage.set(&[("preset", other)]);
        stage.block(64, &[]);
        if !is_active {
            stage.host.deactivate();
        }
        assert!(stage.host.load(&saved));
        if !is_active {
            stage.host.activate(false);
        }
        for _ in 0..20 {
            stage.block(480, &[]);
            std::thread::sleep(Duration::from_millis(5));
        }
        let mut text = |id: &str| {
            let value = stage.host.value(param_id(id));
            stage.host.to_text(param_id(id), value)
        };
        assert_eq!((text("mode").as_str(), text("preset").as_str()), ("Answer", "Four-bar trades"));
        assert_eq!(stage.host.save(), saved);
    }
}

/// Switching "save" on writes a preset file, says so, and switches itself off; the next instance offers it.
pub(crate) fn settings_are_kept_as_a_preset<H: Host>() {
    let folder = tempfile::tempdir().unwrap();
    let _presets = PresetFolder::at(folder.path());
    let mut stage = Stage::<H>::offline();
    stage.set(&[("mode", 1.0), ("temperature", 0.0), ("save-preset", 1.0)]);
    stage.block(64, &[]);
    until(&mut stage, "it is kept", |host| shown(host, "status").starts_with("Kept"));
    let status = shown(&mut stage.host, "status");
    let name = status.split('\'').nth(1).unwrap().to_owned();
    assert!(name.starts_with("Take 20"), "{status}");
    until(&mut stage, "off again", |host| host.value(param_id("save-preset")) < 0.5);
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().flatten().collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let text = std::fs::read_to_string(files[0].path()).unwrap();
    assert!(text.contains("mode = \"solo\"") && text.contains("temperature = 0.05"), "{text}");
    // A second one does not replace the first, not even within the minute.
    stage.set(&[("save-preset", 1.0)]);
    stage.block(64, &[]);
    until(&mut stage, "kept twice", |_| std::fs::read_dir(folder.path()).unwrap().count() == 2);
    let mut host = H::open();
    let place = place(&mut host, "preset", &name);
    host.set(param_id("preset"), place);
    assert_eq!(shown(&mut host, "mode"), "Solo");
}

/// A folder of the user's for as long as this lives.
struct PresetFolder;

impl PresetFolder {
    #[expect(unsafe_code, reason = "the environment belongs to the process")]
    fn at(folder: &std::path::Path) -> Self {
        // SAFETY: the tests of a file take turns, and at this moment no instance and so no worker is alive.
        unsafe { std::env::set_var("SIDEMAN_PRESETS", folder) };
        Self
    }
}

impl Drop for PresetFolder {
    #[expect(unsafe_code, reason = "as above")]
    fn drop(&mut self) {
        // SAFETY: dropped last of what the test has made: no instance and so no worker is alive.
        unsafe { std::env::remove_var("SIDEMAN_PRESETS") };
    }
}

/// Another device takes over while the music goes on; one that is not there leaves it to the CPU and says why.
pub(crate) fn the_device_is_changed_while_it_plays<H: Host>() {
    let mut stage = Stage::<H>::offline();
    stage.set(&TALKATIVE);
    let candle = place(&mut stage.host, "device", "CPU by candle");
    stage.play(8 * BEAT, 512, &phrase());
    stage.set(&[("device", candle)]);
    stage.block(64, &[]);
    until(&mut stage, "candle", |host| shown(host, "status") == "Ready: duet on candle-cpu");
    let ons = stage.machine_ons().len();
    let at = stage.sample;
    let again: Vec<_> = phrase().into_iter().map(|(sample, midi)| (at + sample, midi)).collect();
    stage.play(16 * BEAT, 512, &again);
    assert!(stage.machine_ons().len() > ons, "it plays on");
    assert!(String::from_utf8_lossy(&stage.host.save()).contains("candle-cpu"));
    if cfg!(feature = "cuda") {
        return;
    }
    let cuda = place(&mut stage.host, "device", "NVIDIA GPU");
    stage.set(&[("device", cuda)]);
    stage.block(64, &[]);
    until(&mut stage, "no cuda", |host| shown(host, "status").contains("this build has no cuda"));
    assert!(shown(&mut stage.host, "status").starts_with("On the cpu"));
    let ons = stage.machine_ons().len();
    let at = stage.sample;
    let again: Vec<_> = phrase().into_iter().map(|(sample, midi)| (at + sample, midi)).collect();
    stage.play(16 * BEAT, 512, &again);
    assert!(stage.machine_ons().len() > ons, "it plays on on the CPU");
}

/// What is heard is shown where it is followed, and only there.
pub(crate) fn the_style_that_is_heard_is_shown<H: Host>() {
    let mut stage = Stage::<H>::offline();
    stage.play(8 * BEAT, 512, &phrase());
    until(&mut stage, "ready", |host| shown(host, "status").starts_with("Ready: duet on "));
    assert!(!shown(&mut stage.host, "status").contains("hears"));
    stage.set(&[("follow-style", 1.0)]);
    let at = stage.sample;
    let again: Vec<_> = phrase().into_iter().map(|(sample, midi)| (at + sample, midi)).collect();
    stage.play(16 * BEAT, 512, &again);
    until(&mut stage, "it hears", |host| shown(host, "status").contains(", hears "));
    stage.set(&[("follow-style", 0.0)]);
    until(&mut stage, "no more", |host| !shown(host, "status").contains("hears"));
}

/// A host that says that it renders is waited for from the first sample, the first activation included.
pub(crate) fn a_render_is_never_late<H: Host>() {
    let mut stage = Stage::<H>::offline();
    stage.set(&TALKATIVE);
    // Faster than any live host, and for less than what tells a render by its pace.
    stage.play(48_000, 64, &phrase());
    until(&mut stage, "the status", |host| shown(host, "status").starts_with("Ready"));
    assert_eq!(shown(&mut stage.host, "late-plans"), "0");
}
