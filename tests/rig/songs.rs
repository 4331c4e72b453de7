//! Songs that were saved by other versions of Sideman or on other machines.

use crate::host::{Host, param_id};
use crate::panel::{shown, until};
use crate::score::{BEAT, Stage, TALKATIVE, phrase};

/// What the first version saved, byte for byte.
const FIRST: &str = include_str!("../fixtures/state-1.json");

/// The state as this host's format frames it.
fn framed<H: Host>(host: &mut H, json: &str) -> Vec<u8> {
    let own = host.save();
    let has_length = own.first() != Some(&b'{');
    let length = if has_length { (json.len() as u64).to_le_bytes().to_vec() } else { Vec::new() };
    [length.as_slice(), json.as_bytes()].concat()
}

fn text<H: Host>(host: &mut H, id: &str) -> String {
    let value = host.value(param_id(id));
    host.to_text(param_id(id), value)
}

/// Everything that the first version saved is there; what it did not know is as it was for it.
pub(crate) fn a_song_of_the_first_version_loads<H: Host>() {
    let mut host = H::open();
    let other = host.to_value(param_id("device"), "CPU by candle").unwrap();
    host.set(param_id("device"), other);
    let used = ["style", "learning", "follow-tempo", "follow-style"];
    for id in used {
        host.set(param_id(id), 1.0);
    }
    let state = framed(&mut host, FIRST);
    assert!(host.load(&state));
    assert_eq!(text(&mut host, "mode"), "Answer");
    assert_eq!(text(&mut host, "thru"), "Off");
    assert_eq!(text(&mut host, "seed"), "8192");
    assert_eq!(text(&mut host, "register-low"), "F4");
    assert_eq!(text(&mut host, "device"), "Whatever is fastest");
    assert_eq!(text(&mut host, "preset"), "None");
    for id in used {
        assert!(host.value(param_id(id)).abs() < 1e-9, "{id}");
    }
    let saved = String::from_utf8_lossy(&host.save()).into_owned();
    assert!(saved.contains(r#"\"version\":5"#), "{saved}");
    let notes = |text: &str| text.matches("onset").count();
    assert!(notes(FIRST) > 10);
    assert_eq!(notes(&saved), notes(FIRST), "what was played is in the ear again");
}

/// What was picked up from the player comes back with the song, until it is to be forgotten.
pub(crate) fn what_a_song_has_learnt_is_kept_until_it_is_forgotten<H: Host>() {
    let mut stage = Stage::at(H::open(), false);
    let version = r#"\"version\":1"#;
    let learnt = r#"\"learned\":[[0,60],[6,190]]"#;
    let song = FIRST.replace(version, &format!(r#"\"version\":3,{learnt}"#));
    let state = framed(&mut stage.host, &song);
    assert!(stage.host.load(&state));
    let saved = |stage: &mut Stage<H>| String::from_utf8_lossy(&stage.host.save()).into_owned();
    assert!(saved(&mut stage).contains(learnt));
    stage.set(&[("forget", 1.0)]);
    stage.block(64, &[]);
    until(&mut stage, "it is told", |host| shown(host, "status").contains("Forgot"));
    until(&mut stage, "off again", |host| host.value(param_id("forget")) < 0.5);
    assert!(saved(&mut stage).contains(r#"\"learned\":[]"#));
}

/// What a later version saved loads as far as it is known, and the status says what is missing.
pub(crate) fn a_song_of_a_later_version_loads_and_says_so<H: Host>() {
    let mut stage = Stage::at(H::open(), false);
    let version = r#"\"version\":1"#;
    assert!(FIRST.contains(version) && FIRST.contains(r#""params":{"#));
    let later = FIRST
        .replace(version, r#"\"version\":9,\"moods\":[1,2]"#)
        .replace(r#""params":{"#, r#""params":{"moodiness":{"f32":0.5},"#);
    let state = framed(&mut stage.host, &later);
    assert!(stage.host.load(&state));
    assert_eq!(text(&mut stage.host, "mode"), "Answer");
    until(&mut stage, "it is told", |host| {
        shown(host, "status").contains("newer Sideman (state 9)")
    });
    let odd = FIRST.replace(r#""params":{"#, r#""params":{"moodiness":{"f32":0.5},"#);
    let state = framed(&mut stage.host, &odd);
    assert!(stage.host.load(&state));
    until(&mut stage, "it is named", |host| shown(host, "status").contains("moodiness"));
    // A host can read it all in a status line.
    assert!(shown(&mut stage.host, "status").chars().count() < 128);
}

/// On a machine without the song's model the own one plays, the status says so, and the song keeps its choice.
pub(crate) fn a_missing_model_is_told_and_the_own_one_plays<H: Host>() {
    let builtin = r#"\"model\":\"builtin\""#;
    assert!(FIRST.contains(builtin), "{FIRST}");
    let gone = FIRST.replace(builtin, r#"\"model\":{\"folder\":\"/gone/blue-trio\"}"#);
    let mut host = H::open();
    let state = framed(&mut host, &gone);
    assert!(host.load(&state));
    let mut stage = Stage::at(host, true);
    stage.host.shown(param_id("status"));
    stage.set(&TALKATIVE);
    stage.set(&[("mode", 0.0)]);
    stage.play(16 * BEAT, 512, &phrase());
    let says = |host: &mut H| {
        shown(host, "status").starts_with("Playing with duet: the model 'blue-trio'")
    };
    until(&mut stage, "the status", says);
    assert!(!stage.machine_ons().is_empty(), "the own model plays");
    let saved = String::from_utf8_lossy(&stage.host.save()).into_owned();
    assert!(saved.contains("/gone/blue-trio"), "the choice stays in the song: {saved}");
}
