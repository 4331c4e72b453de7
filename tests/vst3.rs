//! The VST3 plugin as a host sees it: in this program, or the built file where `SIDEMAN_VST3` names one.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails loudly")]

#[path = "rig/cases.rs"]
#[macro_use]
mod cases;
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
#[path = "rig/vst3_host.rs"]
mod vst3_host;
#[path = "rig/vst3_objects.rs"]
mod vst3_objects;

use host::Host as _;
use score::{Stage, TALKATIVE, phrase, sounding};
use vst3_host::Vst3Host;

cases!(Vst3Host);

#[test]
fn the_file_holds_one_plugin_that_says_what_it_is() {
    let factory = vst3_host::factory();
    let (class, count) = vst3_host::class(&factory);
    let text = |chars: &[std::ffi::c_char]| -> String {
        chars.iter().take_while(|c| **c != 0).map(|c| char::from(*c as u8)).collect()
    };
    assert_eq!(count, 1);
    assert_eq!(text(&class.name), "Sideman");
    assert_eq!(text(&class.category), "Audio Module Class");
    let id: Vec<u8> = class.cid.iter().map(|c| *c as u8).collect();
    // Windows has the first eight bytes of it in another order.
    assert_eq!(id[8..], b"SidemanJazzDuet1"[8..]);
}

#[test]
fn deactivating_twice_is_no_more_than_once() {
    let _turn = cases::turn();
    let mut host = Vst3Host::open();
    host.deactivate_again();
    host.activate(false);
    host.deactivate();
    host.deactivate_again();
    host.activate(false);
    host.process(&host::Call { frames: 64, ..host::Call::default() });
    host.deactivate();
}

/// Some hosts never say when processing starts and stops.
#[test]
fn activation_alone_ends_what_sounded_before() {
    let _turn = cases::turn();
    let mut stage = Stage::<Vst3Host>::offline();
    stage.set(&TALKATIVE);
    stage.play(200_000, 512, &phrase()[..1]);
    assert_ne!(sounding(&stage.heard), []);
    stage.host.set_active(false);
    stage.host.set_active(true);
    stage.block(64, &[]);
    assert_eq!(sounding(&stage.heard), []);
}
