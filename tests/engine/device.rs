//! A device that fails in the middle of a song is not heard.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use candle_core::Device;
use sideman::infer::builtin;
use sideman::infer::model_slot::{ModelChoice, ModelSlot};
use sideman::infer::net::{Net, with_fallback};
use sideman::link::settings::Settings;
use sideman::live::block::Transport;
use sideman::model::device::DeviceChoice;
use sideman::model::{CandleLstm, Engine, Lstm, ModelError, Precision, State, StepInput};
use sideman::music::event::{Channel, Midi, TimedMidi};
use sideman::music::time::{Beats, Meter, Tempo};

use crate::bench::{At, Bench, RATE, notes};

/// candle's CPU device, until it has done `good` steps.
#[derive(Debug)]
struct Fragile {
    candle: CandleLstm,
    good: usize,
    done: AtomicUsize,
    panics: bool,
}

impl Engine for Fragile {
    fn device(&self) -> &'static str {
        "fragile"
    }

    fn step(
        &self,
        input: StepInput<'_>,
        state: &mut State,
        logits: &mut [f32],
    ) -> Result<(), ModelError> {
        if self.done.fetch_add(1, Ordering::Relaxed) < self.good {
            return self.candle.step(input, state, logits);
        }
        assert!(!self.panics, "the card has left the bus");
        let problem = "the card has left the bus".to_owned();
        Err(ModelError::Device { device: self.device(), problem })
    }
}

/// A minute of a player who never rests.
fn song(net: Arc<dyn Net>) -> Vec<At> {
    const BLOCK: u32 = 480;
    let mut bench = Bench::new(net);
    let settings = Settings { seed: 4, ..Settings::default() };
    let channel = Channel::new(0);
    for block in 0..6_000_u32 {
        let transport = Transport {
            playing: true,
            tempo: Some(Tempo::new(120.0)),
            position: Some(Beats(f64::from(block * BLOCK) / RATE * 2.0)),
            bar_start: Some(Beats(0.0)),
            meter: Meter::default(),
        };
        let key = 60 + [0, 4, 7, 9, 5][(block / 50 % 5) as usize];
        let event = match block % 50 {
            0 => Some(Midi::NoteOn { channel, key, velocity: 90 }),
            40 => Some(Midi::NoteOff { channel, key, velocity: 0 }),
            _ => None,
        };
        let events: Vec<_> = event.map(|midi| TimedMidi { offset: 7, midi }).into_iter().collect();
        bench.block(BLOCK, Some(transport), &settings, &events);
    }
    bench.improviser.panic();
    bench.block(BLOCK, None, &settings, &[]);
    bench.out
}

#[test]
fn a_device_that_fails_mid_song_is_not_heard() {
    let parameters = builtin::checkpoint().unwrap().parameters;
    let packed = Lstm::packed(&parameters, Precision::F32);
    let (net, report) = with_fallback(packed.clone(), None);
    let reference = song(net);
    assert_eq!(report.status().device, "cpu-f32");
    let machine = notes(&reference).iter().filter(|n| n.0 == Channel::new(1)).count();
    assert!(machine > 20, "{machine} notes");
    for (good, panics) in [(0, false), (400, false), (401, true), (usize::MAX, false)] {
        let candle = CandleLstm::new(&parameters, &Device::Cpu).unwrap();
        let engine = Arc::new(Fragile { candle, good, done: AtomicUsize::new(0), panics });
        let (net, report) = with_fallback(packed.clone(), Some(Arc::clone(&engine) as _));
        assert_eq!(report.status().device, "fragile");
        assert_eq!(song(net), reference, "fails after {good} steps");
        let (done, status) = (engine.done.load(Ordering::Relaxed), report.status());
        if good == usize::MAX {
            assert!(done > 1_000 && status.problem.is_none(), "{done} steps, {status:?}");
        } else {
            assert_eq!(done, good + 1, "it is not asked again");
            assert_eq!(status.device, "cpu-f32");
            let problem = "the device fragile fails: the card has left the bus";
            assert_eq!(status.problem.as_deref(), Some(problem));
        }
    }
}

#[test]
fn a_device_that_is_not_there_leaves_the_model_playing() {
    let here = Lstm::new(&builtin::checkpoint().unwrap().parameters).device();
    for choice in [DeviceChoice::Cuda, DeviceChoice::Metal] {
        let slot = ModelSlot::on(ModelChoice::Builtin, choice);
        assert!(slot.load().is_some());
        let status = slot.status();
        assert_eq!(status.problem, None);
        if !choice.is_built() {
            assert_eq!(status.device.device, here);
            assert!(status.device.problem.unwrap().contains("this build has no"));
        }
    }
    let slot = ModelSlot::on(ModelChoice::Builtin, DeviceChoice::CandleCpu);
    assert!(slot.load().is_some());
    assert_eq!(slot.status().device.device, "candle-cpu");
    slot.choose_device(DeviceChoice::Cpu);
    assert!(slot.load().is_some());
    assert_eq!(slot.status().device.device, here);
}
