//! The CLAP plugin as a host sees it: in this program, or the built file where `SIDEMAN_CLAP` names one.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails loudly")]

#[path = "rig/cases.rs"]
#[macro_use]
mod cases;
#[path = "rig/clap_host.rs"]
mod clap_host;
#[expect(dead_code, reason = "the host's threads are one here")]
#[path = "rig/host.rs"]
mod host;
#[path = "rig/life.rs"]
mod life;
#[path = "rig/notes.rs"]
mod notes;
#[path = "rig/panel.rs"]
mod panel;
#[path = "rig/score.rs"]
mod score;
#[path = "rig/song.rs"]
mod song;
#[path = "rig/songs.rs"]
mod songs;
#[path = "rig/surface.rs"]
mod surface;

use clap_host::ClapHost;
use host::Host as _;
use score::{BEAT, Stage, TALKATIVE, TICK, phrase};
use sideman::live::block::Transport;
use sideman::music::event::{Channel, Midi, TimedMidi};
use sideman::music::time::{Beats, Meter, Tempo};

cases!(ClapHost);

#[test]
fn the_file_holds_one_plugin_that_says_what_it_is() {
    let entry = clap_host::entry();
    let factory = entry.get_plugin_factory().unwrap();
    assert_eq!(factory.plugin_count(), 1);
    let plugin = factory.plugin_descriptor(0).unwrap();
    assert_eq!(plugin.id(), Some(clap_host::ID));
    assert_eq!(plugin.name(), Some(c"Sideman"));
    assert_eq!(plugin.vendor(), Some(c"Sideman"));
    assert_eq!(plugin.version().unwrap().to_str(), Ok(env!("CARGO_PKG_VERSION")));
    assert_eq!(plugin.features().collect::<Vec<_>>(), [c"note-effect", c"utility"]);
}

#[test]
fn a_program_change_passes_through() {
    let _turn = cases::turn();
    let mut stage = Stage::<ClapHost>::offline();
    let program = Midi::Program { channel: Channel::new(3), program: 77 };
    let events = [TimedMidi { offset: 9, midi: program }];
    assert_eq!(stage.block(64, &events).events, events);
}

/// A host that asks before it closes a song must know that a preset changed it.
#[test]
fn a_preset_makes_the_song_dirty() {
    let _turn = cases::turn();
    let mut host = ClapHost::open();
    let pads = panel::place(&mut host, "preset", "Slow pads");
    host.set(host::param_id("preset"), pads);
    assert!(host.take_dirty());
    let saved = host.save();
    assert!(host.load(&saved));
    host.shown(host::param_id("preset"));
    assert!(!host.take_dirty(), "loading a song does not");
}

/// A CLAP host may tell of a jump in the middle of a block, and of automation after it.
#[test]
fn a_jump_inside_a_block_counts_from_its_sample() {
    let _turn = cases::turn();
    let mut stage = Stage::<ClapHost>::offline();
    stage.set(&TALKATIVE);
    stage.play(8 * BEAT, 512, &phrase());
    let mut on_grid = 0;
    for i in 0..40 {
        let (begin, jump, place) = (stage.sample, 1_000 + i * 13, 8.0 + f64::from(i));
        let transport = Transport {
            playing: true,
            tempo: Some(Tempo::new(120.0)),
            position: Some(Beats(place)),
            bar_start: Some(Beats(8.0)),
            meter: Meter::default(),
        };
        stage.host.audio().retold = Some((jump, transport));
        stage.automation = vec![(jump + 500, "seed", 0.5), (jump + 2_500, "seed", 0.5)];
        stage.block(8_192, &[]);
        stage.beats = Some(place + f64::from(8_192 - jump) / BEAT as f64);
        stage.play(2 * BEAT, 1_024, &[]);
        let since_jump = |at: &u64| at.checked_sub(begin + u64::from(jump));
        let ons: Vec<u64> = stage.machine_ons().iter().filter_map(since_jump).collect();
        assert!(ons.iter().all(|at| at % TICK == 0), "{ons:?}");
        on_grid += ons.len();
    }
    assert!(on_grid > 10, "{on_grid}");
}
