//! The plugin: one engine behind the CLAP and VST3 entry points.
//!
//! Notes come in, the player's and the machine's go out; sound is silence, or passes through where a host
//! insists on an effect. Every instance has a worker thread of its own, from activation to deactivation. The entries
//! `clap_face` and `vst3_face` add what the framework leaves out.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use nice_plug::prelude::{
    ActivateContext, AudioIOLayout, AuxiliaryBuffers, Buffer, BufferConfig, ClapFeature,
    ClapPlugin, MidiConfig, Params, Plugin, PluginApi, PluginState, PortNames, ProcessContext,
    ProcessMode, ProcessStatus, Vst3Plugin, Vst3SubCategory, nice_error,
};

use crate::infer::worker::Worker;
use crate::link::pair;
use crate::link::settings::Settings;
use crate::live::block::Block;
use crate::live::improviser::Improviser;
use crate::music::time::SampleRate;

use crate::plugin::desk::Desk;
use crate::plugin::events::{Inbox, Outbox};
use crate::plugin::render::Pace;
use crate::plugin::transport::{Seam, later};

mod automation;
mod bar_line;
mod choices;
mod clap_face;
mod desk;
#[cfg(feature = "window")]
mod editor;
mod events;
mod menu;
mod migrate;
mod params;
mod readings;
mod render;
mod state;
mod transport;
mod vst3_face;

pub use clap_face::clap_entry;
#[cfg(feature = "window")]
pub use editor::Editor;
pub use vst3_face::GetPluginFactory;

/// One instance.
pub struct Sideman {
    /// What is done off the audio thread, and with it the parameters.
    desk: Arc<Desk>,
    /// The worker of this activation; dropping it ends and joins its thread.
    worker: Option<Worker>,
    /// Outlives the activations: it owes the note-offs of what sounded when the last one ended.
    improviser: Improviser,
    rate: SampleRate,
    inbox: Inbox,
    seam: Seam,
    pace: Pace,
    /// Whether the host says that it renders.
    renders: bool,
    /// Whether the output has to be silenced; else it holds what came in.
    is_instrument: bool,
    /// The panic switch in the last block: the moment it is switched on is what counts.
    panic: bool,
    /// The tap switch likewise.
    tap: bool,
}

impl Default for Sideman {
    fn default() -> Self {
        let rate = SampleRate::new(48_000.0);
        Self {
            desk: Desk::new(),
            worker: None,
            improviser: Improviser::new(pair::pair().0, rate),
            rate,
            inbox: Inbox::default(),
            seam: Seam::default(),
            pace: Pace::default(),
            renders: false,
            is_instrument: true,
            panic: false,
            tap: false,
        }
    }
}

impl Plugin for Sideman {
    const NAME: &'static str = "Sideman";
    const VENDOR: &'static str = "Sideman";
    const URL: &'static str = "";
    const EMAIL: &'static str = "";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    // An instrument first: some hosts refuse a plugin without sound, others give notes to instruments only.
    const AUDIO_IO_LAYOUTS: &'static [AudioIOLayout] = &[
        AudioIOLayout {
            main_output_channels: NonZeroU32::new(2),
            names: PortNames { layout: Some("Instrument"), ..PortNames::const_default() },
            ..AudioIOLayout::const_default()
        },
        AudioIOLayout {
            main_input_channels: NonZeroU32::new(2),
            main_output_channels: NonZeroU32::new(2),
            names: PortNames { layout: Some("Effect"), ..PortNames::const_default() },
            ..AudioIOLayout::const_default()
        },
    ];

    // Hosts swallow what goes into a plugin that puts notes out. With less than this the player's pedal,
    // wheel and pressure would never reach the instrument behind us. In VST3 it costs 2,080 hidden parameters.
    const MIDI_INPUT: MidiConfig = MidiConfig::MidiCCs;
    const MIDI_OUTPUT: MidiConfig = MidiConfig::MidiCCs;

    // A switch of mode must fall on the same note whatever the block size.
    const SAMPLE_ACCURATE_AUTOMATION: bool = true;

    // Beyond this the framework allocates. It is far more than any keyboard or dense track sends in a block.
    const INPUT_EVENT_CAPACITY: usize = 8 * events::BATCH;

    #[cfg(feature = "window")]
    type Editor = Editor;
    #[cfg(not(feature = "window"))]
    type Editor = ();
    type SysExMessage = ();
    type BackgroundTask = ();

    fn params(&self) -> Arc<dyn Params> {
        Arc::clone(&self.desk.params) as Arc<dyn Params>
    }

    #[cfg(feature = "window")]
    fn editor(
        &mut self,
        _executor: nice_plug::prelude::AsyncExecutor<Self>,
    ) -> Option<Self::Editor> {
        Some(editor::editor(&self.desk))
    }

    fn filter_state(state: &mut PluginState) {
        state::sanitise(state);
    }

    fn activate(
        &mut self,
        layout: &AudioIOLayout,
        config: &BufferConfig,
        context: &mut impl ActivateContext<Self>,
    ) -> bool {
        self.rate = SampleRate::new(f64::from(config.sample_rate));
        self.is_instrument = layout.main_input_channels.is_none();
        self.renders = match context.plugin_api() {
            PluginApi::Vst3 => self.desk.renders.load(Ordering::Relaxed),
            _ => config.process_mode == ProcessMode::Offline,
        };
        self.pace = Pace::default();
        self.seam = Seam::default();
        // The old worker ends before a new one begins.
        self.worker = None;
        let (audio_end, worker_end) = pair::pair();
        self.desk.set_engine(&audio_end.display, &audio_end.meter);
        self.improviser.reconnect(audio_end, self.rate);
        self.desk.attend();
        let desk = Arc::clone(&self.desk);
        let models = Arc::clone(&desk.models);
        match Worker::spawn_with(worker_end, models, move || desk.attend()) {
            Ok(worker) => self.worker = Some(worker),
            Err(error) => {
                nice_error!("Sideman can't start its worker thread: {error}");
                return false;
            }
        }
        true
    }

    fn reset(&mut self) {
        self.improviser.reset();
    }

    fn deactivate(&mut self) {
        self.worker = None;
    }

    fn process(
        &mut self,
        buffer: &mut Buffer<'_>,
        _aux: &mut AuxiliaryBuffers<'_>,
        context: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        let is_render = self.pace.begin(Instant::now());
        self.desk.automation.begin_piece(buffer.samples());
        let params = &self.desk.params;
        let offline = self.renders || params.render.value() || is_render;
        let settings = params.settings();
        let panic = params.panic.value();
        if panic && !self.panic {
            self.improviser.panic();
        }
        self.panic = panic;
        let tap = params.tap.value();
        if tap && !self.tap {
            self.improviser.tap();
        }
        self.tap = tap;
        self.play(buffer, &settings, offline, context);
        if self.is_instrument {
            // Nobody else clears these buffers.
            for channel in buffer.as_slice() {
                channel.fill(0.0);
            }
        }
        let seconds = buffer.samples() as f64 / self.rate.hertz();
        self.pace.end(Instant::now(), seconds);
        ProcessStatus::KeepAlive
    }
}

impl Sideman {
    /// Runs the engine over one stretch of a host block.
    ///
    /// Audio thread. No allocation, lock or system call; waits for the worker only when `offline`.
    fn play(
        &mut self,
        buffer: &Buffer<'_>,
        settings: &Settings,
        offline: bool,
        context: &mut impl ProcessContext<Self>,
    ) {
        let samples: &[f32] = buffer.as_slice_immutable().first().map_or(&[], |channel| channel);
        let transport = self.seam.cross(context.transport(), samples, settings.tempo);
        let frames = samples.len().try_into().unwrap_or(u32::MAX);
        let (rate, improviser) = (self.rate, &mut self.improviser);
        let context = std::cell::RefCell::new(context);
        self.inbox.drain(
            frames,
            || context.borrow_mut().next_event(),
            |stretch, silence| {
                if silence {
                    improviser.panic();
                }
                let block = Block {
                    frames: stretch.frames,
                    transport: transport
                        .map(|t| later(t, stretch.start, rate.hertz(), settings.tempo)),
                    offline,
                    events: stretch.events,
                };
                let send = |event| context.borrow_mut().try_send_event(event).is_ok();
                improviser.process(&block, settings, &mut Outbox { start: stretch.start, send });
            },
        );
    }
}

impl ClapPlugin for Sideman {
    const CLAP_ID: &'static str = "org.sideman.sideman";
    const CLAP_DESCRIPTION: Option<&'static str> =
        Some("Listens to what you play and plays along: an improvising accompanist");
    const CLAP_MANUAL_URL: Option<&'static str> = None;
    const CLAP_SUPPORT_URL: Option<&'static str> = None;
    const CLAP_FEATURES: &'static [ClapFeature] = &[ClapFeature::NoteEffect, ClapFeature::Utility];
}

impl Vst3Plugin for Sideman {
    const VST3_CLASS_ID: [u8; 16] = *b"SidemanJazzDuet1";
    // VST3 knows no category for what makes notes. As an instrument every host gives us notes and takes ours.
    const VST3_SUBCATEGORIES: &'static [Vst3SubCategory] =
        &[Vst3SubCategory::Instrument, Vst3SubCategory::Tools];
}
