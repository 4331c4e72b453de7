//! A performance that no musician gives and no host: everything that the audio thread must take, in turn.

use sideman::live::block::Transport;
use sideman::music::event::{Channel, Midi, TimedMidi};
use sideman::music::time::{Beats, Meter, Tempo};

use crate::host::RATE;

/// Samples from one key to the next.
const STRIKE_EVERY: u32 = 9_000;

/// What the player plays: models answer music.
const TUNE: [u8; 9] = [60, 64, 67, 69, 67, 65, 64, 62, 60];

/// A host that rolls, stops, jumps, changes tempo and metre, and a player who plays, rests and floods.
#[derive(Default)]
pub(crate) struct Oddities {
    beats: f64,
    samples: u32,
    keys: usize,
    down: Option<(Channel, u8)>,
}

impl Oddities {
    /// Block `i` of a performance in stretches of these sizes: its size, its transport and its events.
    pub(crate) fn next(
        &mut self,
        i: u32,
        sizes: [u32; 6],
    ) -> (u32, Option<Transport>, Vec<TimedMidi>) {
        let frames = sizes[(i / 64 % 6) as usize];
        let tempo = 90.0 + f64::from(i / 2_000 % 5) * 40.0;
        let transport = Transport {
            playing: i % 900 > 60,
            tempo: (i % 1_300 > 40).then(|| Tempo::new(tempo)),
            position: (i % 1_700 > 100).then_some(Beats(self.beats)),
            bar_start: (i / 500 % 3 != 1).then(|| Beats((self.beats / 3.0).floor() * 3.0)),
            meter: Meter { numerator: 3 + (i / 1_500 % 5) as u8, denominator: 4 },
        };
        let transport = (i % 2_500 > 300).then_some(transport);
        self.beats += f64::from(frames) / RATE * tempo / 60.0;
        if i % 611 == 610 {
            self.beats = f64::from(i % 97) - 7.3;
        }
        let mut events = Vec::new();
        let offset = i % frames;
        self.samples += frames;
        if self.samples >= STRIKE_EVERY {
            self.samples = 0;
            self.keys += 1;
            if let Some((channel, key)) = self.down.take() {
                events
                    .push(TimedMidi { offset, midi: Midi::NoteOff { channel, key, velocity: 0 } });
            }
            let (channel, key) = (Channel::new((i / 400 % 16) as u8), TUNE[self.keys % TUNE.len()]);
            events.push(TimedMidi { offset, midi: Midi::NoteOn { channel, key, velocity: 90 } });
            self.down = Some((channel, key));
        }
        if i % 40 == 7 {
            let channel = Channel::new(0);
            let controls = [
                Midi::Control { channel, controller: 64, value: (i % 128) as u8 },
                Midi::PitchBend { channel, value: (i % 16_384) as u16 },
                Midi::Pressure { channel, value: (i % 128) as u8 },
                Midi::Control { channel, controller: 113 + (i / 40 % 15) as u8, value: 0 },
            ];
            events.extend(controls.map(|midi| TimedMidi { offset, midi }));
        }
        if i % 1_500 == 750 {
            // More than a batch, and not in order.
            events.extend((0..4_000_u32).map(|n| {
                let (channel, key) = (Channel::new((n / 250 % 16) as u8), (n / 2 % 120) as u8);
                let on = Midi::NoteOn { channel, key, velocity: 60 };
                let off = Midi::NoteOff { channel, key, velocity: 0 };
                TimedMidi { offset: n * 7 % frames, midi: if n % 2 == 0 { on } else { off } }
            }));
        }
        (frames, transport, events)
    }
}

/// What a host may automate in block `i`.
pub(crate) fn automation(i: u32, frames: u32) -> [(u32, &'static str, f64); 12] {
    let switch = |on: bool| f64::from(u8::from(on));
    [
        (0, "density", 1.0),
        (frames / 3, "mode", f64::from(i / 250 % 5) / 4.0),
        (frames / 3, "swing", 0.5),
        (frames / 3, "humanise", f64::from(i / 40 % 3) / 2.0),
        (frames / 3, "freeze", switch(i % 2_000 > 1_800)),
        (frames / 3, "hold", switch(i % 2_200 > 2_100)),
        (frames / 3, "chord-lock", switch(i % 3_000 > 1_500)),
        (frames / 3, "temperature", f64::from(i / 40 % 7) / 7.0),
        (frames / 2, "active", switch(i % 1_000 > 20)),
        (frames / 2, "thru", switch(i % 700 > 10)),
        (frames - 1, "output-channel", f64::from(i / 300 % 16) / 15.0),
        (frames - 1, "panic", switch(i.is_multiple_of(777))),
    ]
}
