//! The other end of `cargo xtask peers`: weights for the engines of others, and turns for ours.
//!
//! A peer is a process with one engine. It says `ready` and its version on standard output, then answers each line
//! on standard input with one line: `logits N` with the logits after `N` steps from its start, `warm W N` with the
//! nanoseconds of `N` steps after `W` unmeasured ones, `cold N` with those of `N` steps, each after a walk through
//! 256 MiB. It ends when standard input does. Its log goes to standard error.

use std::fs;
use std::io::{BufRead, Write, stdin, stdout};
use std::path::Path;
use std::time::Instant;

use sideman::infer::builtin;

use crate::engine::{Engine, Eviction, Kind, features, input, parameters, shapes};

/// Steps whose inputs are told to the peers; then they begin again.
const INPUTS: usize = 2_000;

/// Writes, for the shapes S, M and L, a folder with weights and with what the steps are told.
pub(crate) fn export(folder: &Path) {
    for (name, config) in shapes() {
        let Some(letter @ ("S" | "M" | "L")) = name.split(' ').next() else { continue };
        let folder = folder.join(letter);
        fs::create_dir_all(&folder).unwrap();
        let mut checkpoint = builtin::checkpoint().unwrap();
        (checkpoint.parameters, checkpoint.manifest.config) = (parameters(&config), config);
        let (_, weights) = checkpoint.to_bytes().unwrap();
        fs::write(folder.join("weights.safetensors"), weights).unwrap();
        let features = features(&config);
        let inputs: Vec<_> = (1..=INPUTS).map(|n| input(&config, n, &features)).collect();
        let inputs = serde_json::json!({
            "layers": config.layers,
            "hidden": config.hidden,
            "tokens": inputs.iter().map(|i| i.token).collect::<Vec<_>>(),
            "places": inputs.iter().map(|i| i.place).collect::<Vec<_>>(),
            "features": features,
        });
        fs::write(folder.join("inputs.json"), inputs.to_string()).unwrap();
    }
}

/// Serves one of our engines, named as in the table, for the shape that begins with this letter.
pub(crate) fn serve(engine: &str, shape: &str) {
    let kind = Kind::ALL.into_iter().find(|kind| kind.name() == engine).unwrap();
    let (_, config) = shapes().into_iter().find(|(name, _)| name.starts_with(shape)).unwrap();
    let mut engine = Engine::new(kind, &config);
    let mut eviction = Eviction::new();
    engine.take_turn();
    say(&["ready", env!("CARGO_PKG_VERSION")]);
    for line in stdin().lock().lines() {
        let line = line.unwrap();
        let mut words = line.split(' ');
        let command = words.next().unwrap();
        let numbers: Vec<usize> = words.map(|word| word.parse().unwrap()).collect();
        let mut times = Vec::new();
        match (command, numbers[..].as_ref()) {
            ("logits", &[steps]) => {
                (0..steps).for_each(|_| engine.run());
                say(&engine.logits);
                continue;
            }
            ("warm", &[before, steps]) => {
                (0..before).for_each(|_| engine.run());
                times.extend((0..steps).map(|_| nanoseconds(|| engine.run())));
            }
            ("cold", &[steps]) => times.extend((0..steps).map(|_| {
                eviction.walk();
                nanoseconds(|| engine.run())
            })),
            _ => panic!("`{line}` is no command"),
        }
        say(&times);
    }
}

fn nanoseconds(work: impl FnOnce()) -> u128 {
    let began = Instant::now();
    work();
    began.elapsed().as_nanos()
}

fn say(words: &[impl ToString]) {
    let words: Vec<String> = words.iter().map(ToString::to_string).collect();
    let mut out = stdout().lock();
    writeln!(out, "{}", words.join(" ")).unwrap();
    out.flush().unwrap();
}
