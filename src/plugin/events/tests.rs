//! Laws of the way in and the way out.

use super::*;

fn on(timing: u32, channel: u8, key: u8) -> HostEvent {
    HostEvent::NoteOn {
        timing,
        voice_id: VoiceID::Wildcard,
        channel: HostChannel::Number(channel),
        key: Key::Number(key),
        velocity: 0.5,
    }
}

fn off(timing: u32, channel: HostChannel, key: Key) -> HostEvent {
    HostEvent::NoteOff { timing, voice_id: VoiceID::Wildcard, channel, key, velocity: 0.0 }
}

fn control(timing: u32, cc: u8) -> HostEvent {
    HostEvent::MidiCC { timing, channel: 2, cc, value: 0.0 }
}

/// The stretches as (start, frames) and the messages on their places in the block.
fn drain(
    inbox: &mut Inbox,
    frames: u32,
    events: Vec<HostEvent>,
) -> (Vec<(u32, u32)>, Vec<TimedMidi>) {
    let (mut stretches, mut messages) = (Vec::new(), Vec::new());
    let mut events = events.into_iter();
    inbox.drain(
        frames,
        || events.next(),
        |stretch, _| {
            stretches.push((stretch.start, stretch.frames));
            assert!(stretch.events.iter().all(|e| e.offset < stretch.frames.max(1)));
            assert!(stretch.events.is_sorted_by_key(|e| e.offset));
            messages.extend(
                stretch
                    .events
                    .iter()
                    .map(|e| TimedMidi { offset: e.offset + stretch.start, midi: e.midi }),
            );
        },
    );
    (stretches, messages)
}

fn offs(messages: &[TimedMidi]) -> Vec<(u32, u8, u8)> {
    messages
        .iter()
        .filter_map(|e| match e.midi {
            Midi::NoteOff { channel, key, .. } => Some((e.offset, channel.index(), key)),
            _ => None,
        })
        .collect()
}

#[test]
fn every_message_survives_the_way_out_and_in() {
    for status in (0x80..=0xef).step_by(7) {
        for data in [[0, 1], [60, 100], [127, 127], [64, 64], [1, 33]] {
            let Some(midi) = Midi::from_bytes(&[status, data[0], data[1]]) else { continue };
            let (_, seen) = drain(&mut Inbox::default(), 64, vec![to_host(7, midi)]);
            let ends_notes = matches!(midi, Midi::Control { controller: 120 | 123, .. });
            assert!(ends_notes || seen == [TimedMidi { offset: 7, midi }], "{midi:?} {seen:?}");
        }
    }
    for value in 0..=16_383 {
        let midi = Midi::PitchBend { channel: Channel::new(3), value };
        let (_, seen) = drain(&mut Inbox::default(), 1, vec![to_host(0, midi)]);
        assert_eq!(seen, [TimedMidi { offset: 0, midi }]);
    }
}

#[test]
fn a_quiet_block_is_one_stretch() {
    assert_eq!(drain(&mut Inbox::default(), 512, Vec::new()), (vec![(0, 512)], Vec::new()));
    assert_eq!(drain(&mut Inbox::default(), 0, Vec::new()), (vec![(0, 0)], Vec::new()));
}

#[test]
fn disorder_is_put_in_order_and_what_lies_outside_comes_in() {
    let events = vec![on(40, 0, 1), on(10, 0, 2), on(9_999, 0, 3), on(10, 0, 4), on(0, 0, 5)];
    let (stretches, messages) = drain(&mut Inbox::default(), 64, events);
    let seen: Vec<_> = messages
        .iter()
        .map(|e| match e.midi {
            Midi::NoteOn { key, .. } => (e.offset, key),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(stretches, [(0, 64)]);
    assert_eq!(seen, [(0, 5), (10, 2), (10, 4), (40, 1), (63, 3)], "equal times keep their order");
}

#[test]
fn a_flood_is_cut_and_nothing_is_lost_or_moved() {
    for spread in [1, 7, 64, 4_096] {
        let mut inbox = Inbox::default();
        let events: Vec<_> =
            (0..5_000_u32).map(|i| on(i * spread / 5_000, 0, (i % 128) as u8)).collect();
        let (stretches, messages) = drain(&mut inbox, 4_096, events.clone());
        assert_eq!(messages.len(), 5_000);
        for (event, message) in events.iter().zip(&messages) {
            assert_eq!(event.timing(), message.offset);
        }
        let total: u32 = stretches.iter().map(|s| s.1).sum();
        assert_eq!(total, 4_096, "the stretches fill the block");
        assert!(stretches.windows(2).all(|w| w[0].0 + w[0].1 == w[1].0));
    }
}

#[test]
fn an_off_for_all_keys_ends_those_that_are_down() {
    let mut inbox = Inbox::default();
    let events = vec![
        on(0, 0, 60),
        on(0, 0, 64),
        on(0, 9, 36),
        off(5, HostChannel::Number(0), Key::Number(64)),
        off(8, HostChannel::Wildcard, Key::Wildcard),
        off(9, HostChannel::Wildcard, Key::Wildcard),
    ];
    let (_, messages) = drain(&mut inbox, 16, events);
    assert_eq!(offs(&messages), [(5, 0, 64), (8, 0, 60), (8, 9, 36)]);
}

#[test]
fn a_choke_and_all_notes_off_end_the_players_keys() {
    let mut inbox = Inbox::default();
    let choke = HostEvent::Choke {
        timing: 3,
        voice_id: VoiceID::ID(1),
        channel: HostChannel::Number(2),
        key: Key::Number(60),
    };
    let (_, messages) = drain(
        &mut inbox,
        16,
        vec![on(0, 2, 60), on(0, 2, 62), on(0, 3, 62), choke, control(4, 123)],
    );
    assert_eq!(offs(&messages), [(3, 2, 60), (4, 2, 62)]);
    assert!(!inbox.silence, "a keyboard may send it with every last key");
}

#[test]
fn an_off_for_all_keys_is_complete_in_a_flood() {
    let mut inbox = Inbox::default();
    let all = (0..16).flat_map(|channel| (0..128).map(move |key| on(0, channel, key)));
    let events = all.chain([off(63, HostChannel::Wildcard, Key::Wildcard)]).collect();
    let (_, messages) = drain(&mut inbox, 64, events);
    assert_eq!(offs(&messages).len(), 16 * 128);
    assert_eq!(inbox.down, [0; 16]);
}

#[test]
fn all_sound_off_asks_for_silence_once() {
    let mut inbox = Inbox::default();
    let mut asked = Vec::new();
    for events in [vec![control(0, ALL_SOUND_OFF)], Vec::new()] {
        let mut events = events.into_iter();
        inbox.drain(16, || events.next(), |_, silence| asked.push(silence));
    }
    assert_eq!(asked, [true, false]);
}

#[test]
fn a_refused_event_is_said_to_be_refused() {
    let mut taken = Vec::new();
    let mut outbox = Outbox {
        start: 100,
        send: |event: HostEvent| {
            taken.push(event.timing());
            taken.len() < 2
        },
    };
    let midi = Midi::Pressure { channel: Channel::new(0), value: 1 };
    assert!(outbox.send(TimedMidi { offset: 5, midi }));
    assert!(!outbox.send(TimedMidi { offset: 6, midi }));
    assert_eq!(taken, [105, 106]);
}
