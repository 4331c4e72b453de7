//! The host's events and ours: one into the other, in time order and with no note-off lost.

use arrayvec::ArrayVec;
use nice_plug::midi::{Channel as HostChannel, Key, NoteEvent, VoiceID};

use crate::live::block::Sink;
use crate::music::event::{Channel, Midi, TimedMidi};

/// A host event; we neither read nor write system-exclusive messages.
pub(crate) type HostEvent = NoteEvent<()>;

/// Events that are handed to the engine at once. A denser block is played in parts.
pub(crate) const BATCH: usize = 1024;

/// All Sound Off: hosts and controllers send it when something hangs.
const ALL_SOUND_OFF: u8 = 120;

/// All Notes Off. Some keyboards send it whenever the last key is let go.
const ALL_NOTES_OFF: u8 = 123;

/// One stretch of the block and the events on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch<'a> {
    /// Samples from the start of the block to its first.
    pub(crate) start: u32,
    /// Its samples; 0 when more events fall on one sample than a batch holds.
    pub(crate) frames: u32,
    /// What falls on it, by rising offset from `start`.
    pub(crate) events: &'a [TimedMidi],
}

/// What comes in. Puts a block's events in order and cuts a flood into stretches.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    batch: Box<ArrayVec<TimedMidi, BATCH>>,
    /// The player's keys that are down, a bit for each key of each channel.
    down: [u128; 16],
    /// Those of them whose note-offs are still to be made out of an event that ends several.
    ending: [u128; 16],
    ending_at: u32,
    /// Whether somebody asked for silence since this was last looked at.
    silence: bool,
}

impl Inbox {
    /// Plays a block of `frames` samples in as few stretches as its events allow. `next` is the host's next
    /// event; `play` is also given whether everything that sounds must end first.
    ///
    /// Audio thread. No allocation, lock or system call.
    pub(crate) fn drain(
        &mut self,
        frames: u32,
        mut next: impl FnMut() -> Option<HostEvent>,
        mut play: impl FnMut(Stretch<'_>, bool),
    ) {
        let last = frames.saturating_sub(1);
        let mut start = 0;
        self.batch.clear();
        loop {
            let event = if self.batch.is_full() { None } else { self.next(&mut next) };
            if let Some(TimedMidi { offset, midi }) = event {
                self.insert(TimedMidi { offset: offset.clamp(start, last.max(start)), midi });
                continue;
            }
            let flood = self.batch.is_full();
            let end = if flood { self.batch.last().map_or(start, |e| e.offset) } else { frames };
            // A full batch on one sample: first come up to that sample, then play it in no time.
            let count = if flood && end > start {
                self.batch.iter().filter(|e| e.offset < end).count()
            } else {
                self.batch.len()
            };
            for event in &mut self.batch[..count] {
                event.offset -= start;
            }
            let events = &self.batch[..count];
            play(Stretch { start, frames: end - start, events }, std::mem::take(&mut self.silence));
            self.batch.drain(..count);
            start = end;
            if !flood {
                return;
            }
        }
    }

    /// Keeps the batch in order. Hosts send events in order but for a few, so this is cheap.
    fn insert(&mut self, event: TimedMidi) {
        let place = self.batch.iter().rposition(|e| e.offset <= event.offset).map_or(0, |i| i + 1);
        // The caller has seen that there is room.
        let _ = self.batch.try_insert(place, event);
    }

    /// The next of the player's messages.
    fn next(&mut self, host: &mut impl FnMut() -> Option<HostEvent>) -> Option<TimedMidi> {
        loop {
            if let Some(event) = self.next_ending() {
                return Some(event);
            }
            let event = host()?;
            let offset = event.timing();
            let midi = match event {
                HostEvent::NoteOn { channel, key: Key::Number(key), velocity, .. } => {
                    let velocity = to_127(velocity).max(1);
                    Midi::NoteOn { channel: channel_of(channel), key: key & 127, velocity }
                }
                HostEvent::NoteOff {
                    channel: HostChannel::Number(channel),
                    key: Key::Number(key),
                    velocity,
                    ..
                } => Midi::NoteOff {
                    channel: Channel::new(channel),
                    key: key & 127,
                    velocity: to_127(velocity),
                },
                HostEvent::NoteOff { channel, key, .. } | HostEvent::Choke { channel, key, .. } => {
                    self.end_all(offset, channel, key);
                    continue;
                }
                HostEvent::MidiCC { channel, cc, value, .. } => {
                    if cc == ALL_SOUND_OFF || cc == ALL_NOTES_OFF {
                        self.silence |= cc == ALL_SOUND_OFF;
                        self.end_all(offset, HostChannel::Number(channel), Key::Wildcard);
                    }
                    let channel = Channel::new(channel);
                    Midi::Control { channel, controller: cc & 127, value: to_127(value) }
                }
                HostEvent::MidiPitchBend { channel, value, .. } => Midi::PitchBend {
                    channel: Channel::new(channel),
                    value: (value.clamp(0.0, 1.0) * BEND_MAX).round() as u16,
                },
                HostEvent::MidiChannelPressure { channel, pressure, .. } => {
                    Midi::Pressure { channel: Channel::new(channel), value: to_127(pressure) }
                }
                HostEvent::PolyPressure { channel, key: Key::Number(key), pressure, .. } => {
                    let (channel, key) = (channel_of(channel), key & 127);
                    Midi::KeyPressure { channel, key, value: to_127(pressure) }
                }
                HostEvent::MidiProgramChange { channel, program, .. } => {
                    Midi::Program { channel: Channel::new(channel), program: program & 127 }
                }
                _ => continue,
            };
            self.note(midi);
            return Some(TimedMidi { offset, midi });
        }
    }

    /// Remembers which keys are down.
    fn note(&mut self, midi: Midi) {
        match midi {
            Midi::NoteOn { channel, key, .. } => {
                self.down[usize::from(channel.index())] |= 1 << key;
            }
            Midi::NoteOff { channel, key, .. } => {
                self.down[usize::from(channel.index())] &= !(1 << key);
            }
            _ => {}
        }
    }

    /// Marks the keys that are down and meant as ending.
    fn end_all(&mut self, offset: u32, channel: HostChannel, key: Key) {
        let keys = key.number().map_or(u128::MAX, |key| 1 << (key & 127));
        for (index, down) in self.down.iter_mut().enumerate() {
            if channel.number().is_none_or(|only| usize::from(only) == index) {
                self.ending[index] |= *down & keys;
                *down &= !keys;
            }
        }
        self.ending_at = offset;
    }

    fn next_ending(&mut self) -> Option<TimedMidi> {
        let index = self.ending.iter().position(|keys| *keys != 0)?;
        let key = self.ending[index].trailing_zeros() as u8;
        self.ending[index] &= self.ending[index] - 1;
        let midi = Midi::NoteOff { channel: Channel::new(index as u8), key, velocity: 0 };
        Some(TimedMidi { offset: self.ending_at, midi })
    }
}

/// What goes out: a stretch's events on their places in the block.
pub(crate) struct Outbox<F> {
    /// Samples from the start of the block to the stretch's first.
    pub(crate) start: u32,
    /// Hands an event to the host and says whether it took it.
    pub(crate) send: F,
}

impl<F: FnMut(HostEvent) -> bool> Sink for Outbox<F> {
    fn send(&mut self, event: TimedMidi) -> bool {
        (self.send)(to_host(self.start.saturating_add(event.offset), event.midi))
    }
}

/// The widest turn of the pitch wheel.
const BEND_MAX: f32 = 16_383.0;

/// A message as the host wants it. Machine notes have no ids: a key sounds once on a channel.
fn to_host(timing: u32, midi: Midi) -> HostEvent {
    let voice_id = VoiceID::Wildcard;
    let note = |channel: Channel, key| (HostChannel::Number(channel.index()), Key::Number(key));
    match midi {
        Midi::NoteOn { channel, key, velocity } => {
            let (channel, key) = note(channel, key);
            HostEvent::NoteOn { timing, voice_id, channel, key, velocity: to_unit(velocity) }
        }
        Midi::NoteOff { channel, key, velocity } => {
            let (channel, key) = note(channel, key);
            HostEvent::NoteOff { timing, voice_id, channel, key, velocity: to_unit(velocity) }
        }
        Midi::Control { channel, controller, value } => HostEvent::MidiCC {
            timing,
            channel: channel.index(),
            cc: controller,
            value: to_unit(value),
        },
        Midi::PitchBend { channel, value } => HostEvent::MidiPitchBend {
            timing,
            channel: channel.index(),
            value: f32::from(value) / BEND_MAX,
        },
        Midi::Pressure { channel, value } => HostEvent::MidiChannelPressure {
            timing,
            channel: channel.index(),
            pressure: to_unit(value),
        },
        Midi::KeyPressure { channel, key, value } => {
            let (channel, key) = note(channel, key);
            HostEvent::PolyPressure { timing, voice_id, channel, key, pressure: to_unit(value) }
        }
        Midi::Program { channel, program } => {
            HostEvent::MidiProgramChange { timing, channel: channel.index(), program }
        }
    }
}

fn channel_of(channel: HostChannel) -> Channel {
    Channel::new(channel.number().unwrap_or(0))
}

fn to_127(unit: f32) -> u8 {
    // What is not a number becomes 0.
    (unit.clamp(0.0, 1.0) * 127.0).round() as u8
}

fn to_unit(value: u8) -> f32 {
    f32::from(value.min(127)) / 127.0
}

#[cfg(test)]
mod tests;
