//! The life of an instance: whatever happens, what sounds ends, and threads end with it.

use sideman::music::event::{Midi, TimedMidi};

use crate::host::{Call, Host};
use crate::score::{BEAT, PLAYER, Stage, TALKATIVE, note, phrase, sounding};

/// Plays until the machine sounds while the player holds a key.
fn in_full_swing<H: Host>() -> Stage<H> {
    let mut stage = Stage::<H>::offline();
    stage.set(&TALKATIVE);
    stage.play(8 * BEAT, 512, &phrase());
    let held =
        TimedMidi { offset: 7, midi: Midi::NoteOn { channel: PLAYER, key: 72, velocity: 80 } };
    stage.block(512, &[held]);
    for _ in 0..2_000 {
        if machine_sounds(&stage) {
            return stage;
        }
        stage.block(128, &[]);
    }
    panic!("the machine never sounds");
}

fn machine_sounds<H>(stage: &Stage<H>) -> bool {
    sounding(&stage.heard).iter().any(|(channel, _)| *channel == 1)
}

fn player_sounds<H>(stage: &Stage<H>) -> bool {
    sounding(&stage.heard).contains(&(0, 72))
}

/// What silences the machine does so in the very next block.
pub(crate) fn whatever_stops_the_machine_ends_its_notes<H: Host>() {
    type Act<H> = fn(&mut Stage<H>);
    let acts: [(&str, Act<H>); 6] = [
        ("the transport stops", |stage| stage.playing = false),
        ("a seek", |stage| stage.beats = Some(33.3)),
        ("no transport any more", |stage| stage.beats = None),
        ("switched off", |stage| stage.set(&[("active", 0.0)])),
        ("bypass", |stage| stage.set(&[("bypass", 1.0)])),
        ("panic", |stage| stage.set(&[("panic", 1.0)])),
    ];
    for (name, act) in acts {
        let mut stage = in_full_swing::<H>();
        act(&mut stage);
        let before = stage.sample;
        stage.block(64, &[]);
        assert!(!machine_sounds(&stage), "{name}: hangs");
        let ends =
            stage.heard.iter().filter(|(at, m)| *at >= before && matches!(m, Midi::NoteOff { .. }));
        assert!(ends.count() > 0, "{name}");
        assert_eq!(
            player_sounds(&stage),
            name != "panic",
            "{name}: the player's key is the player's"
        );
    }
}

/// A panic is over once it has been: the machine plays on, and the switch works again.
pub(crate) fn a_panic_passes<H: Host>() {
    let mut stage = in_full_swing::<H>();
    stage.set(&[("panic", 1.0)]);
    stage.block(64, &[]);
    for _ in 0..3_000 {
        stage.block(64, &[]);
        if machine_sounds(&stage) {
            break;
        }
    }
    assert!(machine_sounds(&stage), "it plays on though the switch is still on");
    stage.set(&[("panic", 0.0)]);
    stage.block(1, &[]);
    stage.set(&[("panic", 1.0)]);
    stage.block(1, &[]);
    assert!(!machine_sounds(&stage));
}

/// After a reset, and after a new activation, all that sounded ends with the first block.
pub(crate) fn a_reset_and_a_new_activation_end_all_notes<H: Host>() {
    for is_reset in [true, false] {
        let mut stage = in_full_swing::<H>();
        assert!(player_sounds(&stage));
        if is_reset {
            stage.host.reset();
        } else {
            stage.host.deactivate();
            stage.host.activate(true);
        }
        let answer = stage.block(64, &[]);
        assert_eq!(sounding(&stage.heard), [], "reset: {is_reset}");
        assert!(answer.events.iter().all(|e| e.offset == 0), "at once");
        // The end of a key that has been ended comes to nothing, and the music goes on.
        let at = stage.sample;
        let mut score = vec![note(at, 72, 10)[1]];
        score.extend(phrase().iter().map(|(sample, midi)| (at + 10 + sample, *midi)));
        let ons = stage.machine_ons().len();
        stage.play(16 * BEAT, 512, &score);
        assert!(stage.machine_ons().len() > ons, "it plays again");
        let _ = sounding(&stage.heard);
    }
}

/// Orders of calls that a host should not, but may, make.
pub(crate) fn odd_orders_break_nothing<H: Host>() {
    let mut host = H::open();
    for _ in 0..3 {
        host.activate(false);
        host.deactivate();
    }
    host.activate(false);
    host.reset();
    host.reset();
    host.process(&Call::default());
    host.process(&Call { frames: 1, ..Call::default() });
    host.process(&Call::default());
    host.reset();
    let midi = Midi::NoteOn { channel: PLAYER, key: 60, velocity: 1 };
    let events = [TimedMidi { offset: 0, midi }];
    let answer = host.process(&Call { frames: 64, events: &events, ..Call::default() });
    assert_eq!(answer.events, events);
    host.deactivate();
    drop(host);
    // And without ever being used.
    drop(H::open());
}

/// Two instances do not hear each other.
pub(crate) fn instances_are_apart<H: Host>() {
    let (mut one, mut other) = (Stage::<H>::offline(), Stage::<H>::offline());
    one.set(&TALKATIVE);
    for _ in 0..400 {
        let at = one.sample;
        let score: Vec<_> =
            phrase().into_iter().filter(|(s, _)| (at..at + 512).contains(s)).collect();
        one.play(512, 512, &score);
        other.play(512, 512, &[]);
    }
    assert!(!one.machine_ons().is_empty());
    assert_eq!(other.heard, []);
}

/// Every active instance has one thread; none is left when it is deactivated or dropped.
#[cfg(target_os = "linux")]
pub(crate) fn threads_end_with_their_activation<H: Host>() {
    let workers = || {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap();
        let names = tasks.filter_map(|t| std::fs::read_to_string(t.ok()?.path().join("comm")).ok());
        names.filter(|name| name.trim() == "sideman-worker").count()
    };
    assert_eq!(workers(), 0, "another test runs beside this one");
    let (mut one, mut other) = (H::open(), H::open());
    one.activate(false);
    other.activate(false);
    // A thread takes its name when it first runs.
    let named = || {
        (0..500).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(2));
            workers() == 2
        })
    };
    assert!(named(), "{}", workers());
    one.deactivate();
    assert_eq!(workers(), 1);
    one.activate(true);
    one.deactivate();
    drop(other);
    assert_eq!(workers(), 0);
}
