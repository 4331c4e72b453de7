//! The CLAP plugin as a host sees it: in this program, or the built file where `SIDEMAN_CLAP` names one.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails loudly")]

#[path = "rig/cases.rs"]
#[macro_use]
mod cases;
#[path = "rig/clap_host.rs"]
mod clap_host;
#[path = "rig/host.rs"]
mod host;
#[path = "rig/life.rs"]
mod life;
#[path = "rig/notes.rs"]
mod notes;
#[path = "rig/score.rs"]
mod score;
#[path = "rig/song.rs"]
mod song;
#[path = "rig/surface.rs"]
mod surface;

use clap_host::ClapHost;

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
