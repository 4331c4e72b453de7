//! A project that is loaded again goes on as the same player.

use std::sync::Arc;

use sideman::infer::memory::Memory;
use sideman::link::settings::Settings;

use crate::bench::{At, Bench, RATE, Restless, notes};
use crate::laws::{player, slice, transport};

/// A take with this memory in the ear.
fn take(memory: Option<&Memory>) -> (Vec<At>, Memory) {
    let mut bench = Bench::new(Arc::new(Restless));
    if let Some(memory) = memory {
        bench.remember(memory);
    }
    let events = player(21, 12.0);
    while bench.sample < (14.0 * RATE) as u64 {
        let at = bench.sample;
        bench.block(
            256,
            Some(transport(at, 126.0)),
            &Settings::default(),
            &slice(&events, at, 256),
        );
    }
    let memory = bench.memory();
    bench.improviser.panic();
    bench.block(256, None, &Settings::default(), &[]);
    (bench.out, memory)
}

#[test]
fn what_is_remembered_changes_what_is_played_and_always_in_the_same_way() {
    let (fresh, memory) = take(None);
    assert!(memory.remembered().window.len() > 20, "{memory:?}");
    let (again, _) = take(Some(&memory));
    assert_ne!(fresh, again);
    assert_eq!(take(Some(&memory)).0, again);
    assert!(!notes(&again).is_empty());
}

/// What two songs taught lies one behind the other: saved again, the older is not shuffled into the newer.
#[test]
fn what_was_learnt_twice_stays_in_its_order() {
    let (_, first) = take(None);
    let (_, second) = take(Some(&first));
    let lesson = |memory: &Memory| -> Vec<_> {
        memory.remembered().learned.iter().map(|n| (n.pitch, n.voice)).collect()
    };
    let (older, both) = (lesson(&first), lesson(&second));
    assert!(older.len() > 10 && both.len() > older.len() + 10);
    assert_eq!(both[..older.len()], older);
}
