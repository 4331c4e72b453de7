//! The plugin in a real host: the built VST3 in Ardour without a window, on a JACK server without a sound card.
//!
//! Skipped where Ardour or JACK is not installed, and where nothing gets real-time priority. Times are frames of the
//! server, exact: a client of our own plays and records.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails loudly")]
#![allow(
    clippy::print_stderr,
    reason = "the figures, or why there are none, are for whoever runs it"
)]
#![allow(clippy::float_cmp, reason = "what was saved comes back as it was")]

#[path = "ardour/jack.rs"]
mod jack;
#[path = "ardour/process.rs"]
mod process;
#[path = "ardour/rig.rs"]
mod rig;
#[path = "ardour/take.rs"]
mod take;

use std::sync::{Mutex, MutexGuard, PoisonError};

use rig::{MACHINE, PERIOD, PLAYER, RATE, Rig, Studio};
use take::Note;

/// One rig at a time: each takes a core.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Frames that a tick lasts at 120 quarter notes a minute, and a beat.
const TICK: u64 = 2_000;
const BEAT: u64 = 12 * TICK;

/// A melody in quavers at 120, from a frame on.
fn melody(from: u64, beats: u64) -> Vec<(u64, u8, u64)> {
    const KEYS: [u8; 16] = [67, 69, 71, 72, 74, 72, 71, 67, 64, 65, 67, 69, 71, 69, 67, 62];
    let quaver = BEAT / 2;
    (0..2 * beats).map(|i| (from + i * quaver, KEYS[(i % 16) as usize], quaver - 2_500)).collect()
}

/// What passes through is heard one block later, for the way there and back, and never later or earlier; the company
/// of a note comes ten milliseconds after it.
#[test]
fn each_note_passes_at_once_and_finds_company() {
    let _turn = turn();
    let Some(studio) = Studio::find() else { return };
    let Some(mut rig) = studio.create() else { return };
    rig.set("Mode", 3.0);
    rig.wait(RATE / 10);
    let begin = rig.soon();
    let score: Vec<_> =
        (0..32).map(|i| (begin + i * 12_037, 55 + (i * 5 % 20) as u8, 8_000)).collect();
    rig.play(&score);
    rig.wait_until(begin + 34 * 12_037);

    let (played, through) = (rig.take.played_ons(), rig.take.notes(PLAYER));
    assert_eq!(played.len(), score.len());
    let keys = |notes: &[Note]| notes.iter().map(|n| n.key).collect::<Vec<_>>();
    assert_eq!(keys(&through), played.iter().map(|(_, key)| *key).collect::<Vec<_>>());
    let latencies = || played.iter().zip(&through).map(|((at, _), note)| note.on - at);
    assert_eq!((latencies().min(), latencies().max()), (Some(PERIOD), Some(PERIOD)));

    let machine = rig.take.notes(MACHINE);
    let companies = through.iter().map(|note| {
        let range = note.on..note.off.unwrap();
        let begins = machine.iter().map(|m| m.on).filter(move |on| range.contains(on));
        begins.map(|on| on - note.on).collect::<Vec<_>>()
    });
    let companies: Vec<_> = companies.collect();
    let full = companies.iter().filter(|company| company.len() == 2).count();
    let mut delays = companies.concat();
    delays.sort_unstable();
    let (median, worst) = (delays[delays.len() / 2], delays[delays.len() - 1]);
    eprintln!(
        "through: {PERIOD} frames, jitter 0; company: {full} of {} notes, median {median} frames, \
         worst {worst}; {} late blocks",
        through.len(),
        rig.xruns()
    );
    // The worker has no real-time priority: on a busy machine it may miss a note or be late for a few.
    assert!(full + 2 >= through.len(), "{companies:?}");
    assert!(delays[delays.len() * 9 / 10] <= RATE / 50, "{companies:?}");
    assert_eq!(hanging(&rig), []);
}

/// Accompanies through all that a transport does.
#[test]
fn nothing_that_the_transport_does_leaves_a_note_behind() {
    let _turn = turn();
    let Some(studio) = Studio::find() else { return };
    let Some(mut rig) = studio.create() else { return };
    rig.set("Note density", 1.0);
    rig.tell("roll()");
    rig.wait_for_transport(true);

    let mut tempi = vec![(0, 120.0)];
    // It listens for a bar before it comes in.
    check_step(&mut rig, "roll", &tempi, 20, |_| ());
    check_step(&mut rig, "locate ahead", &tempi, 10, |rig| drop(rig.tell("locate(4800000)")));
    check_step(&mut rig, "locate back", &tempi, 8, |rig| drop(rig.tell("locate(96000)")));
    let beat = rig.take.last_place().unwrap().sample() / BEAT + 7;
    tempi.extend([(beat, 90.0), (beat + 3, 160.0)]);
    check_step(&mut rig, "two tempi", &tempi, 16, |rig| {
        rig.tell(&format!("tempo_map({{{{{beat},90}},{{{},160}}}}, {{}})", beat + 3));
    });
    check_step(&mut rig, "3/4", &tempi, 12, |rig| {
        // Two bars ahead, since tempi behind a new metre move with its bars.
        let bar = (beat_at(rig.take.last_place().unwrap().sample(), &tempi) / 4.0) as u64 + 2;
        rig.tell(&format!("tempo_map({{}}, {{{{{},3}}}})", 4 * bar));
    });

    rig.tell("stop()");
    let stopped = rig.wait_for_transport(false);
    rig.wait(RATE);
    let machine = rig.take.notes(MACHINE);
    let last = machine.iter().filter_map(|m| m.off).max().unwrap();
    eprintln!("stop: silent {} frames after it", last.saturating_sub(stopped));
    assert!(last <= stopped + 2 * PERIOD, "stopped at {stopped}: {machine:?}");
    assert_eq!(hanging(&rig), []);

    check_step(&mut rig, "played while it stands", &[], 8, |_| ());
    rig.tell("roll()");
    check_step(&mut rig, "roll again", &tempi, 8, |_| ());
    rig.tell("stop()");
    rig.wait(2 * RATE);
    assert_eq!(hanging(&rig), []);
    eprintln!("{} late blocks", rig.xruns());
}

/// The player goes on for some beats; in the middle of a note of the machine's something happens. Holds that the note
/// ends, that the machine plays on, and that all it plays lies on the grid of the song, if that has tempi.
#[track_caller]
fn check_step(
    rig: &mut Rig,
    name: &str,
    tempi: &[(u64, f64)],
    beats: u64,
    act: impl FnOnce(&mut Rig),
) {
    let begin = rig.soon();
    rig.play(&melody(begin, beats));
    rig.wait(BEAT);
    for _ in 0..4 * BEAT / PERIOD {
        if rig.take.notes(MACHINE).iter().any(|m| m.off.is_none()) {
            break;
        }
        rig.wait(PERIOD);
    }
    let sounding = hanging(rig).len();
    act(rig);
    let acted = rig.soon();
    rig.wait_until(begin + beats * BEAT);
    let machine = rig.take.notes(MACHINE);
    let later = machine.iter().filter(|m| m.on > acted).count();
    assert!(later > 0, "{name}: the machine does not go on");
    let stuck: Vec<_> = machine.iter().filter(|m| m.on <= acted && m.off.is_none()).collect();
    assert!(stuck.is_empty(), "{name}: {stuck:?}");
    let worst = if tempi.is_empty() { 0.0 } else { beside_grid(rig, tempi, begin) };
    eprintln!("{name}: {sounding} notes sounded, {later} later, {worst:.0} frames beside the grid");
    assert!(worst <= ROUNDING, "{name}: {worst} frames beside the grid");
}

/// Ardour rounds the song position that it tells to 1/1920 of a beat; at 90 that is 16 frames.
const ROUNDING: f64 = 17.0;

/// How far the worst of the machine's notes since a frame lies beside the ticks of the song, in frames.
#[track_caller]
fn beside_grid(rig: &Rig, tempi: &[(u64, f64)], since: u64) -> f64 {
    let machine = rig.take.notes(MACHINE);
    let samples = machine.iter().filter(|m| m.on > since).map(|m| {
        rig.take.song_at(m.on).unwrap_or_else(|| panic!("{m:?} begins while nothing rolls"))
    });
    let beside = samples.map(|sample| {
        let ticks = 12.0 * beat_at(sample, tempi);
        let tempo = tempi.iter().rev().find(|(beat, _)| *beat as f64 <= ticks / 12.0 + 1e-3);
        (ticks - ticks.round()).abs() * RATE as f64 * 5.0 / tempo.unwrap().1
    });
    beside.fold(0.0, f64::max)
}

/// The song's beat on a sample. The tempi are quarter notes a minute, each from a beat on.
fn beat_at(sample: u64, tempi: &[(u64, f64)]) -> f64 {
    let (mut begin, mut now) = (0.0, tempi[0]);
    for next in &tempi[1..] {
        let at = begin + (next.0 - now.0) as f64 * RATE as f64 * 60.0 / now.1;
        if at > sample as f64 {
            break;
        }
        (begin, now) = (at, *next);
    }
    now.0 as f64 + (sample as f64 - begin) * now.1 / 60.0 / RATE as f64
}

/// The machine's notes that still sound.
#[track_caller]
fn hanging(rig: &Rig) -> Vec<Note> {
    let mut notes = rig.take.notes(MACHINE);
    notes.extend(rig.take.notes(PLAYER));
    notes.retain(|note| note.off.is_none());
    notes
}

/// A saved session opens in another process as it was.
#[test]
fn a_session_comes_back() {
    let _turn = turn();
    let Some(studio) = Studio::find() else { return };
    let Some(mut rig) = studio.create() else { return };
    let chosen = [
        ("Mode", 3.0),
        ("Random seed", 4_242.0),
        ("Harmony voices", 4.0),
        ("Note density", -0.25),
        ("Lowest note", 30.0),
        ("Trade bars", 7.0),
        ("Listen to channel", 1.0),
        ("Humanise", 0.0625),
    ];
    let fresh: Vec<f64> = chosen.iter().map(|(name, _)| rig.get(name)).collect();
    rig.tell("save()");
    let empty = chunk(&studio);
    for (name, value) in chosen {
        rig.set(name, value);
    }
    let begin = rig.soon();
    rig.play(&melody(begin, 8));
    rig.wait_until(begin + 9 * BEAT);
    assert_eq!(hanging(&rig), []);
    rig.tell("save()");
    drop(rig);
    let saved = chunk(&studio);
    assert!(saved.len() > empty.len() + 200, "the memory of what was played is not in the state");

    let Some(mut rig) = studio.reopen() else { return };
    for ((name, value), fresh) in chosen.iter().zip(fresh) {
        assert_ne!(fresh, *value, "{name}");
        assert_eq!(rig.get(name), *value, "{name}");
    }
    rig.tell("save()");
    assert_eq!(chunk(&studio), saved);
    let begin = rig.soon();
    rig.play(&melody(begin, 4));
    rig.wait_until(begin + 5 * BEAT);
    let (player, machine) = (rig.take.notes(PLAYER), rig.take.notes(MACHINE));
    eprintln!("{} notes, {} join them", player.len(), machine.len());
    assert_eq!(player.len(), 8);
    assert!(machine.len() > 2 * player.len(), "more than the two voices of a new session");
    assert_eq!(hanging(&rig), []);
}

/// The plugin's own state in the session's file, as text.
fn chunk(studio: &Studio) -> String {
    let file = std::fs::read_to_string(studio.session_file()).unwrap();
    let (_, rest) = file.split_once("<chunk>").expect("the session holds the plugin's state");
    rest.split_once("</chunk>").unwrap().0.to_owned()
}

/// In a loop of four bars player and machine take turns of a bar.
#[test]
fn trades_keep_to_their_bars_in_a_loop() {
    let _turn = turn();
    let Some(studio) = Studio::find() else { return };
    let Some(mut rig) = studio.create() else { return };
    for (name, value) in [("Mode", 2.0), ("Trade bars", 1.0), ("Note density", 1.0)] {
        rig.set(name, value);
    }
    rig.wait(RATE / 4);
    rig.tell("save()");
    drop(rig);
    // Lua has no way to make a loop, so it is written into the file. A beat has 1,920 parts there.
    let file = std::fs::read_to_string(studio.session_file()).unwrap();
    let location = "<Locations><Location id=\"900000\" name=\"Loop\" start=\"b0\" end=\"b30720\" \
                    flags=\"IsAutoLoop\" locked=\"0\"/></Locations>";
    assert!(file.contains("<Locations/>"));
    std::fs::write(studio.session_file(), file.replace("<Locations/>", location)).unwrap();

    let Some(mut rig) = studio.reopen() else { return };
    rig.tell("loop(true)");
    rig.tell("roll()");
    rig.wait_for_transport(true);
    let place = rig.take.last_place().unwrap();
    let bar = 4 * BEAT;
    let start = place.frame() - place.sample();
    for turn in 0..6 {
        let from = (start + 2 * turn * bar).max(rig.soon());
        let beats = (start + (2 * turn + 1) * bar).saturating_sub(from) / BEAT;
        rig.play(&melody(from, beats));
        rig.wait_until(start + (2 * turn + 2) * bar - 40 * PERIOD);
    }
    rig.tell("stop()");
    rig.wait(RATE);
    let bars: Vec<u64> = rig
        .take
        .notes(MACHINE)
        .iter()
        .filter_map(|m| Some((rig.take.song_at(m.on)? + TICK / 2) / bar % 4))
        .collect();
    let jumps = rig.take.jumps_back();
    let in_bar = |bar| bars.iter().filter(|b| **b == bar).count();
    let counts = [0, 1, 2, 3].map(in_bar);
    eprintln!(
        "notes of the machine in the four bars: {counts:?}; the loop went back {jumps} times"
    );
    assert_eq!(jumps, 2);
    assert_eq!((counts[0], counts[2]), (0, 0));
    assert!(counts[1] > 2 && counts[3] > 2);
    assert_eq!(hanging(&rig), []);
}
