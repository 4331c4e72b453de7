//! What stands behind the window, with the real trainer: a folder of MIDI files becomes a model that plays, a training that is
//! called off keeps what it learnt, and the machine's bars become a file.
#![cfg(all(feature = "window", feature = "train"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails loudly")]

#[path = "trainer/songs.rs"]
mod songs;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sideman::data::midi_file::{MidiFile, Track};
use sideman::infer::builtin;
use sideman::infer::model_slot::{ModelChoice, ModelSlot};
use sideman::link::display::{Display, Now};
use sideman::link::meter::Meter;
use sideman::link::past::Event;
use sideman::link::settings::Settings;
use sideman::model::Checkpoint;
use sideman::music::event::Channel;
use sideman::music::time::{Bars, Beats, Tempo, Tick};
use sideman::window::asked::Asked;
use sideman::window::backstage::{Backstage, Left};
use sideman::window::scene::{Host, TrainingState};

/// Names the folder that a test works in, inside its own program.
const INSIDE: &str = "SIDEMAN_TEST_INSIDE";

const HOST: Host<'static> = Host { name: "", drags_out: false, automates: false };

/// Runs a test in a program of its own, whose folders are elsewhere than the user's.
fn in_own_folders(test: &str) {
    let folder = tempfile::tempdir().unwrap();
    let mut inside = Command::new(std::env::current_exe().unwrap());
    inside.args(["--exact", &format!("inside::{test}"), "--nocapture", "--ignored"]);
    inside.env(INSIDE, folder.path()).env("SIDEMAN_TRAIN", env!("CARGO_BIN_EXE_sideman-train"));
    for name in ["MODELS", "PRESETS", "CAPTURES", "CACHE", "WINDOW"] {
        inside.env(format!("SIDEMAN_{name}"), folder.path().join(name.to_lowercase()));
    }
    let status = inside.status().unwrap();
    assert!(status.success(), "{test}: {status}");
}

#[test]
fn a_folder_of_songs_becomes_a_model_that_plays() {
    in_own_folders("train");
}

#[test]
fn a_training_that_is_called_off_keeps_what_it_learnt() {
    in_own_folders("stop");
}

#[test]
fn the_machines_last_bars_become_a_file() {
    in_own_folders("capture");
}

#[test]
fn a_broken_folder_is_told_for_what_it_is() {
    in_own_folders("broken");
}

/// What runs in a program of its own.
mod inside {
    use super::*;

    fn folder() -> Option<std::path::PathBuf> {
        std::env::var_os(INSIDE).map(Into::into)
    }

    fn backstage() -> (Backstage, Arc<ModelSlot>) {
        let models = Arc::<ModelSlot>::default();
        (Backstage::new(Arc::clone(&models), || {}), models)
    }

    /// Follows until it is so.
    fn until(stage: &mut Backstage, what: &str, mut is: impl FnMut(&Backstage) -> bool) {
        let begun = Instant::now();
        loop {
            stage.follow(&Settings::default(), Instant::now());
            if is(stage) {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(240), "{what} takes too long");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn state(stage: &Backstage) -> Option<TrainingState> {
        let settings = Settings::default();
        stage.scene(&settings, HOST).training.map(|training| training.state.clone())
    }

    fn offer(stage: &mut Backstage, folder: &Path) {
        let songs = folder.join("My songs");
        std::fs::create_dir_all(&songs).unwrap();
        songs::write(&songs, 24);
        assert_eq!(stage.answer(Asked::Open(songs)), Left::Nothing);
        until(stage, "the offer", |stage| state(stage) == Some(TrainingState::Offered));
    }

    #[test]
    #[ignore = "runs inside a_folder_of_songs_becomes_a_model_that_plays"]
    fn train() {
        let Some(folder) = folder() else { return };
        let (mut stage, models) = backstage();
        offer(&mut stage, &folder);
        stage.answer(Asked::Train(0));
        let mut seen = Vec::new();
        until(&mut stage, "the training", |stage| {
            let settings = Settings::default();
            let training = stage.scene(&settings, HOST).training.cloned().unwrap();
            if training.state == TrainingState::Running {
                seen.extend(training.share);
            }
            training.state != TrainingState::Running
        });
        assert_eq!(state(&stage), Some(TrainingState::Done));
        assert!(seen.windows(2).all(|w| w[0] <= w[1]) && seen.len() > 3, "{seen:?}");
        let settings = Settings::default();
        assert!(stage.scene(&settings, HOST).training.unwrap().losses.len() >= 3);
        let model = folder.join("models").join("my-songs");
        assert_eq!(models.choice(), ModelChoice::Folder(model.clone()), "it plays at once");
        assert!(models.load().is_some(), "{:?}", models.status().problem);
        assert!(Checkpoint::load(&model).unwrap().manifest.from.is_some(), "it began with ours");
        until(&mut stage, "the list", |stage| {
            let settings = Settings::default();
            let scene = stage.scene(&settings, HOST);
            scene.model.is_some_and(|place| scene.models[place].name == "my-songs")
        });
        stage.answer(Asked::EndTraining);
        assert_eq!(state(&stage), None, "its outcome is taken out of sight");
    }

    #[test]
    #[ignore = "runs inside a_training_that_is_called_off_keeps_what_it_learnt"]
    fn stop() {
        let Some(folder) = folder() else { return };
        let (mut stage, models) = backstage();
        offer(&mut stage, &folder);
        stage.answer(Asked::Train(5));
        until(&mut stage, "a better model", |stage| {
            let settings = Settings::default();
            let training = stage.scene(&settings, HOST).training.unwrap();
            training.losses.iter().any(|loss| loss[1] < training.losses[0][1])
        });
        assert_eq!(models.choice(), ModelChoice::Builtin);
        stage.answer(Asked::EndTraining);
        until(&mut stage, "the end", |stage| state(stage) != Some(TrainingState::Running));
        assert_eq!(state(&stage), Some(TrainingState::Stopped));
        let ModelChoice::Folder(model) = models.choice() else { panic!("it plays") };
        let (kept, began) = (Checkpoint::load(&model).unwrap(), builtin::checkpoint().unwrap());
        assert_ne!(kept.hash(), began.hash(), "what was learnt is kept");
    }

    #[test]
    #[ignore = "runs inside the_machines_last_bars_become_a_file"]
    fn capture() {
        let Some(folder) = folder() else { return };
        let (mut stage, _) = backstage();
        let (display, meter) = (Arc::<Display>::default(), Arc::<Meter>::default());
        stage.look_at(&display, &meter);
        stage.answer(Asked::Capture(4));
        let settings = Settings::default();
        assert!(stage.scene(&settings, HOST).captured.is_none(), "nothing was played");
        let (player, machine) = (Channel::new(0), Channel::new(1));
        for beat in 0..24_u8 {
            let at = f64::from(beat);
            display.past.add(Beats(at), Event::Struck { channel: player, key: 72, velocity: 90 });
            let key = 48 + beat % 12;
            display.past.add(Beats(at), Event::Began { channel: machine, key, velocity: 70 });
            display.past.add(Beats(at + 0.5), Event::Ended { channel: machine, key });
            display.past.add(Beats(at + 0.9), Event::Released { channel: player, key: 72 });
        }
        let bars = Bars { origin: Tick(0), length: 48 };
        let now = Now { beats: Beats(23.9), bars, tempo: Tempo::new(90.0) };
        display.set_now(Some(now), false);
        stage.follow(&settings, Instant::now());
        // One stops, and then captures.
        display.set_now(None, false);
        stage.follow(&settings, Instant::now());
        stage.answer(Asked::Capture(2));
        let path = stage.scene(&settings, HOST).captured.unwrap().to_owned();
        assert!(path.starts_with(folder.join("captures")), "{}", path.display());
        let file = MidiFile::load(&path).unwrap();
        let beat = u64::from(file.ticks_per_quarter);
        let played: Vec<&Track> = file.tracks.iter().filter(|t| !t.notes.is_empty()).collect();
        assert_eq!(played.len(), 1, "the machine's alone");
        let notes: Vec<(u64, u8)> = played[0].notes.iter().map(|n| (n.onset, n.key)).collect();
        let wanted: Vec<(u64, u8)> =
            (16..24).map(|n| (beat * (n - 16), 48 + (n % 12) as u8)).collect();
        assert_eq!(notes, wanted, "its last two bars, from their bar line on");
        stage.answer(Asked::Capture(0));
        let all = stage.scene(&settings, HOST).captured.unwrap().to_owned();
        assert_ne!(all, path, "no file is written over");
    }

    #[test]
    #[ignore = "runs inside a_broken_folder_is_told_for_what_it_is"]
    fn broken() {
        let Some(folder) = folder() else { return };
        let (mut stage, models) = backstage();
        assert!(models.load().is_some());
        std::fs::write(folder.join("model.json"), "{").unwrap();
        stage.answer(Asked::Open(folder.clone()));
        until(&mut stage, "the look", |_| models.choice() != ModelChoice::Builtin);
        assert!(models.load().is_none(), "the one before plays on");
        stage.follow(&Settings::default(), Instant::now());
        let settings = Settings::default();
        let scene = stage.scene(&settings, HOST);
        assert!(scene.model_problem.is_some_and(|why| why.contains("can't be used")));
        let before = models.status().name;
        until(&mut stage, "the list", |stage| {
            let scene = stage.scene(&settings, HOST);
            scene.model.is_some_and(|place| scene.models[place].name == before)
        });
        let scene = stage.scene(&settings, HOST);
        assert!(
            scene.models.iter().any(|card| card.problem.is_some()),
            "and the broken one says why"
        );
        for nothing in ["nowhere", "model.json"] {
            stage.answer(Asked::Open(folder.join(nothing)));
            until(&mut stage, "the look", |stage| {
                let notice = stage.scene(&settings, HOST).notice;
                notice.contains(nothing) && !notice.starts_with("looking")
            });
        }
    }
}
