//! The audio thread does nothing that may wait, in the built and unmodified plugin (in this program where
//! `SIDEMAN_CLAP` and `SIDEMAN_VST3` name none), while a host's main thread does all that it may beside it.
//!
//! The kernel watches for system calls, or in the build of `cargo xtask realtime` LLVM's sanitizer for whatever may
//! block. A guard that sees nothing would pass everything, so each is first shown to see what is planted.
#![cfg(any(rtsan, all(target_os = "linux", target_env = "gnu", target_arch = "x86_64")))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails loudly")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a test that is skipped says why")]

#[path = "rig/clap_host.rs"]
mod clap_host;
#[cfg_attr(rtsan, path = "rig/sanitizer.rs")]
#[cfg_attr(not(rtsan), path = "rig/syscalls.rs")]
mod guard;
#[path = "rig/host.rs"]
#[expect(dead_code, reason = "of the rigs this test needs only the blocks and the state")]
mod host;
#[path = "rig/oddities.rs"]
mod oddities;
#[path = "rig/vst3_host.rs"]
#[expect(dead_code, reason = "of the rigs this test needs only the blocks and the state")]
mod vst3_host;
#[path = "rig/vst3_objects.rs"]
mod vst3_objects;

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap_host::ClapHost;
use host::{Audio, Call, Host, RATE};
use oddities::{Oddities, automation};
use serde_json::{Value, json};
use sideman::infer::builtin;
use sideman::music::event::{Midi, TimedMidi};
use vst3_host::Vst3Host;

/// Blocks of a performance, where `SIDEMAN_REALTIME_BLOCKS` says nothing else.
const BLOCKS: u32 = 5_000;

/// Their sizes.
const FRAMES: [u32; 6] = [512, 64, 1, 333, 1_024, 128];

/// How much faster than the clock the blocks go: as fast as the plugin does not take for a render, in which it
/// may wait.
const SPEED: f64 = 2.0;

/// How long a model stays chosen.
const SWAP_EVERY: Duration = Duration::from_secs(1);

/// How much of that time states are loaded. Each sets the music back, and some should be played.
const LOAD_FOR: Duration = Duration::from_millis(100);

#[test]
fn the_clap_plugin_never_waits() {
    never_waits::<ClapHost>();
}

#[test]
fn the_vst3_plugin_never_waits() {
    never_waits::<Vst3Host>();
}

/// What the tests above rely on: each plant ends a program of its own, which had got as far as there.
#[test]
fn what_is_planted_is_found() {
    if let Err(reason) = guard::arm() {
        return eprintln!("skipped: {reason}");
    }
    for plant in [
        "planted_in_a_block_of_clap",
        "planted_in_a_block_of_vst3",
        "planted_in_the_clap_file",
        "planted_in_the_vst3_file",
    ] {
        let run = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", plant, "--ignored", "--nocapture"])
            .output()
            .unwrap();
        let [out, error] = [run.stdout, run.stderr].map(|b| String::from_utf8(b).unwrap());
        assert!(out.contains("before the plant"), "{plant}: {out}\n{error}");
        assert!(error.contains(guard::FOUND), "{plant}: {out}\n{error}");
        assert_eq!(run.status.code(), Some(guard::CODE), "{plant}: {out}\n{error}");
    }
}

#[test]
#[ignore = "ends the program: `what_is_planted_is_found` runs it in one of its own"]
fn planted_in_a_block_of_clap() {
    planted_in_a_block::<ClapHost>();
}

#[test]
#[ignore = "ends the program: `what_is_planted_is_found` runs it in one of its own"]
fn planted_in_a_block_of_vst3() {
    planted_in_a_block::<Vst3Host>();
}

#[test]
#[ignore = "ends the program: `what_is_planted_is_found` runs it in one of its own"]
fn planted_in_the_clap_file() {
    planted_in_the_file::<ClapHost>();
}

#[test]
#[ignore = "ends the program: `what_is_planted_is_found` runs it in one of its own"]
fn planted_in_the_vst3_file() {
    planted_in_the_file::<Vst3Host>();
}

/// The host does it when the plugin sends an event.
fn planted_in_a_block<H: Host>() {
    guard::arm().unwrap();
    let mut host = H::open();
    host.activate(false);
    let mut audio = host.lend();
    audio.set_guard(guard::guard);
    let mut oddities = Oddities::default();
    let mut play = |audio: &mut H::Audio, i| {
        let (frames, transport, events) = oddities.next(i, FRAMES);
        audio.process(&Call { frames, transport, events: &events, ..Call::default() }).events.len()
    };
    assert!((0..100).map(|i| play(&mut audio, i)).sum::<usize>() > 10);
    println!("before the plant");
    audio.plant(guard::plant);
    for i in 0..100 {
        play(&mut audio, i);
    }
}

/// The plugin itself does it: activation allocates and starts a thread.
fn planted_in_the_file<H: Host>() {
    guard::arm().unwrap();
    let mut host = H::open();
    host.activate(false);
    host.deactivate();
    println!("before the plant");
    guard::guard(&mut || host.activate(false));
}

/// Plays on a thread of its own in the guard while this one is the host's main thread.
fn never_waits<H: Host>() {
    if let Err(reason) = guard::arm() {
        return eprintln!("skipped: {reason}");
    }
    let blocks = std::env::var("SIDEMAN_REALTIME_BLOCKS");
    let blocks = blocks.map_or(BLOCKS, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let models = models(folder.path());
    let mut host = H::open();
    host.activate(false);
    let mut audio = host.lend();
    let done = AtomicBool::new(false);
    let (audio, heard, swaps) = thread::scope(|scope| {
        let player = scope.spawn(|| {
            // Whatever ends this thread ends the other one too.
            let _end = End(&done);
            guard::arm().unwrap();
            audio.set_guard(guard::guard);
            let heard = play(&mut audio, blocks);
            (audio, heard)
        });
        let swaps = be_the_main_thread(&mut host, &models, &done);
        let (audio, heard) = player.join().unwrap();
        (audio, heard, swaps)
    });
    host.take_back(audio);
    host.deactivate();
    println!("{blocks} blocks, {heard} notes of the machine, {swaps} models played");
    assert!(heard > blocks as usize / 500, "{heard}: it hardly played");
    assert!(swaps > blocks as usize / 1_000, "{swaps}: it hardly changed its model");
}

/// Tells the other thread to end.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Plays `blocks` odd blocks. The machine's notes that came out.
fn play(audio: &mut impl Audio, blocks: u32) -> usize {
    let mut oddities = Oddities::default();
    let (began, mut samples, mut heard) = (Instant::now(), 0.0, 0);
    for i in 0..blocks {
        let (frames, transport, events) = oddities.next(i, FRAMES);
        let points = automation(i, frames);
        let points = if i % 4 == 0 { &points[..] } else { &[] };
        audio.set_room(if i % 50 == 1 { 3 } else { usize::MAX });
        if i % 999 == 998 {
            audio.reset();
        }
        if i % 70 == 3 {
            audio.flush(&[(0, "temperature", f64::from(i % 5) / 5.0)]);
        }
        let call = Call { frames, transport, events: &events, automation: points };
        let answer = audio.process(&call);
        let is_machine = |e: &&TimedMidi| is_on(**e) && !events.iter().any(|p| p.midi == e.midi);
        heard += answer.events.iter().filter(is_machine).count();
        samples += f64::from(frames);
        let due = began + Duration::from_secs_f64(samples / RATE / SPEED);
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    heard
}

fn is_on(event: TimedMidi) -> bool {
    matches!(event.midi, Midi::NoteOn { .. })
}

/// Saves, loads and asks until it is done, and chooses one model after another. How many were
/// seen to play.
fn be_the_main_thread<H: Host>(host: &mut H, models: &[Value], done: &AtomicBool) -> usize {
    let mut swaps = 0;
    let mut last_hash = String::new();
    let mut chosen_at = Instant::now();
    let mut choices = models.iter().cycle();
    while !done.load(Ordering::Acquire) {
        let state = host.save();
        let hash = saved(&state)["model_hash"].as_str().unwrap().to_owned();
        if hash != last_hash {
            swaps += 1;
            last_hash = hash;
        }
        if chosen_at.elapsed() > SWAP_EVERY {
            chosen_at = Instant::now();
            assert!(host.load(&with_model(&state, choices.next().unwrap())));
        } else if chosen_at.elapsed() < LOAD_FOR {
            assert!(host.load(&state));
        }
        host.ask_around();
        // The worker too wants to run, on a machine with few cores.
        thread::sleep(Duration::from_millis(2));
    }
    swaps
}

/// Choices of models as they are saved: two folders, our own, and one that is not there.
fn models(folder: &Path) -> [Value; 4] {
    let mut checkpoint = builtin::checkpoint().unwrap();
    let [one, other, missing] = ["one", "other", "missing"].map(|name| folder.join(name));
    for (seed, path) in [(1, &one), (2, &other)] {
        let config = *checkpoint.parameters.config();
        checkpoint.parameters = sideman::model::Parameters::random(config, seed).unwrap();
        checkpoint.save(path).unwrap();
    }
    [
        json!({ "folder": one }),
        json!("builtin"),
        json!({ "folder": other }),
        json!({ "folder": missing }),
    ]
}

/// What we keep in a state beside the parameters.
fn saved(state: &[u8]) -> Value {
    serde_json::from_str(fields(&parse(state).1)["sideman"].as_str().unwrap()).unwrap()
}

/// The state with another model in it.
fn with_model(state: &[u8], model: &Value) -> Vec<u8> {
    let (has_length, mut whole) = parse(state);
    let mut saved = saved(state);
    saved["model"] = model.clone();
    whole["fields"]["sideman"] = json!(saved.to_string());
    let text = whole.to_string();
    let length = (text.len() as u64).to_le_bytes();
    if has_length { [&length, text.as_bytes()].concat() } else { text.into_bytes() }
}

fn fields(whole: &Value) -> &Value {
    &whole["fields"]
}

/// The framework's JSON, and whether its length stands before it, as in CLAP.
fn parse(state: &[u8]) -> (bool, Value) {
    // No text has a zero in it.
    let has_length = state[7] == 0;
    let text = if has_length { &state[8..] } else { state };
    (has_length, serde_json::from_slice(text).unwrap())
}
