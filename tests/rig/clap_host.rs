//! A CLAP host: the entry of this very program, or of the built file that `SIDEMAN_CLAP` names.
#![expect(unsafe_code, reason = "a plugin is loaded and called over C")]

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::ffi::CString;
use std::sync::atomic::{AtomicBool, Ordering};

use clack_extensions::audio_ports_config::PluginAudioPortsConfig;
use clack_extensions::latency::PluginLatency;
use clack_extensions::params::{
    HostParams, HostParamsImplMainThread, HostParamsImplShared, ParamClearFlags, ParamInfoBuffer,
    ParamInfoFlags, ParamRescanFlags, PluginParams,
};
use clack_extensions::render::{PluginRender, RenderMode};
use clack_extensions::state::{HostState, HostStateImpl, PluginState};
use clack_host::events::event_types::{
    MidiEvent, NoteExpressionType, NoteOffEvent, NoteOnEvent, ParamValueEvent, TransportEvent,
    TransportFlags,
};
use clack_host::events::io::{OutputEventBuffer, TryPushError};
use clack_host::events::spaces::CoreEventSpace;
use clack_host::events::{EventFlags, EventHeader, Match};
use clack_host::prelude::*;
use clack_host::utils::{BeatTime, SecondsTime};
use sideman::live::block::Transport;
use sideman::music::event::{Channel, Midi, TimedMidi};

use crate::host::{
    Answer, Audio, BEFORE, Call, Guard, Host, MAX_FRAMES, Param, RATE, ROOM, param_id,
};

/// The plugin's id.
pub(crate) const ID: &std::ffi::CStr = c"org.sideman.sideman";

/// A host that does as it is asked.
pub(crate) struct Handlers;

impl HostHandlers for Handlers {
    type Shared<'a> = Shared;
    type MainThread<'a> = Main;
    type AudioProcessor<'a> = ();

    fn declare_extensions(builder: &mut HostExtensions<'_, Self>, _: &Shared) {
        builder.register::<HostParams>().register::<HostState>();
    }
}

/// What the plugin asks for on any thread.
#[derive(Default)]
pub(crate) struct Shared {
    callback: AtomicBool,
}

impl SharedHandler<'_> for Shared {
    fn request_restart(&self) {}
    fn request_process(&self) {}

    fn request_callback(&self) {
        self.callback.store(true, Ordering::Release);
    }
}

impl HostParamsImplShared for Shared {
    fn request_flush(&self) {}
}

/// What the plugin asks for on the main thread.
#[derive(Default)]
pub(crate) struct Main {
    rescan: Cell<bool>,
    dirty: Cell<bool>,
}

impl MainThreadHandler<'_> for Main {}

impl HostParamsImplMainThread for Main {
    fn rescan(&self, flags: ParamRescanFlags) {
        if flags.contains(ParamRescanFlags::VALUES) {
            self.rescan.set(true);
        }
    }

    fn clear(&self, _: ClapId, _: ParamClearFlags) {}
}

impl HostStateImpl for Main {
    fn mark_dirty(&self) {
        self.dirty.set(true);
    }
}

/// A host with one instance.
pub(crate) struct ClapHost {
    // Dropped in this order: the processor is part of the instance.
    audio: Option<ClapAudio>,
    /// The instance.
    pub(crate) instance: PluginInstance<Handlers>,
    /// What a user of the host sees, by id.
    shown: BTreeMap<u32, f64>,
    /// The highest values, by id.
    spans: BTreeMap<u32, f64>,
}

/// What belongs to the audio thread.
pub(crate) struct ClapAudio {
    processor: Option<PluginAudioProcessor<Handlers>>,
    is_effect: bool,
    /// The steps of parameters that have some: CLAP counts them, where others go from 0 to 1.
    steps: HashMap<u32, f64>,
    /// A transport that the next block's event list tells of, and its sample.
    pub(crate) retold: Option<(u32, Transport)>,
    input: EventBuffer,
    output: Outlet,
    buffers: [Vec<f32>; 4],
    input_ports: AudioPorts,
    output_ports: AudioPorts,
    guard: Guard,
}

/// The entry that is tested.
pub(crate) fn entry() -> PluginEntry {
    // SAFETY: the file is our own build, or the entry a static of this program.
    let entry = unsafe {
        match std::env::var_os("SIDEMAN_CLAP") {
            Some(path) => PluginEntry::load(path),
            None => return own_entry(),
        }
    };
    entry.expect("the plugin loads")
}

/// The entry of this very program.
pub(crate) fn own_entry() -> PluginEntry {
    // SAFETY: the entry is a static of this program.
    unsafe { PluginEntry::load_from_raw(&sideman::plugin::clap_entry, c"") }.unwrap()
}

impl Host for ClapHost {
    type Audio = ClapAudio;

    fn open() -> Self {
        Self::of(&entry())
    }

    fn choose_layout(&mut self, effect: bool) {
        let handle = self.instance.plugin_handle();
        let configs: PluginAudioPortsConfig = handle.get_extension().unwrap();
        configs.select(&handle, ClapId::new(u32::from(effect))).unwrap();
        self.audio().is_effect = effect;
    }

    fn activate(&mut self, offline: bool) {
        let handle = self.instance.plugin_handle();
        let render: PluginRender = handle.get_extension().unwrap();
        let mode = if offline { RenderMode::Offline } else { RenderMode::Realtime };
        render.set(&handle, mode).unwrap();
        let config = PluginAudioConfiguration {
            sample_rate: RATE,
            min_frames_count: 1,
            max_frames_count: MAX_FRAMES,
        };
        let processor = self.instance.activate(|_, _| (), config).unwrap();
        self.audio().processor = Some(processor.start_processing().unwrap().into());
    }

    fn deactivate(&mut self) {
        let processor = self.audio().processor.take().unwrap();
        self.instance.deactivate(processor.into_stopped());
    }

    fn reset(&mut self) {
        self.audio().reset();
    }

    fn process(&mut self, call: &Call<'_>) -> Answer {
        let answer = self.audio().process(call);
        for (id, value) in &answer.told {
            let span = self.span(*id);
            self.shown.insert(*id, value / span);
        }
        answer
    }

    fn set_room(&mut self, room: usize) {
        self.audio().set_room(room);
    }

    fn params(&mut self) -> Vec<Param> {
        let handle = self.instance.plugin_handle();
        let params: PluginParams = handle.get_extension().unwrap();
        let mut buffer = ParamInfoBuffer::new();
        (0..params.count(&handle))
            .map(|index| {
                let info = params.get_info(&handle, index, &mut buffer).unwrap();
                assert!(info.min_value.abs() < f64::EPSILON);
                let stepped = info.flags.contains(ParamInfoFlags::IS_STEPPED);
                Param {
                    id: info.id.get(),
                    name: String::from_utf8(info.name.to_vec()).unwrap(),
                    steps: if stepped { info.max_value as u32 } else { 0 },
                    default: info.default_value / info.max_value,
                    is_bypass: info.flags.contains(ParamInfoFlags::IS_BYPASS),
                    is_read_only: info.flags.contains(ParamInfoFlags::IS_READONLY),
                    is_automatable: info.flags.contains(ParamInfoFlags::IS_AUTOMATABLE),
                    is_menu: info.flags.contains(ParamInfoFlags::IS_ENUM),
                }
            })
            .collect()
    }

    fn value(&mut self, id: u32) -> f64 {
        let steps = self.span(id);
        let handle = self.instance.plugin_handle();
        let params: PluginParams = handle.get_extension().unwrap();
        params.get_value(&handle, ClapId::new(id)).unwrap() / steps
    }

    fn shown(&mut self, id: u32) -> f64 {
        if self.instance.access_shared_handler(|s| s.callback.swap(false, Ordering::Acquire)) {
            self.instance.call_on_main_thread_callback();
        }
        if self.shown.is_empty() || self.instance.access_handler(|m| m.rescan.take()) {
            self.read_all();
        }
        self.shown[&id]
    }

    fn set(&mut self, id: u32, value: f64) {
        self.shown(id);
        let value = value * self.span(id);
        let mut input = EventBuffer::new();
        input.push(&ParamValueEvent::new(0, ClapId::new(id), Pckn::match_all(), value));
        let mut handle = self.instance.inactive_plugin_handle().unwrap();
        let params: PluginParams = handle.get_extension().unwrap();
        let mut out = EventBuffer::new();
        params.flush(&mut handle, &input.as_input(), &mut out.as_output());
    }

    fn to_text(&mut self, id: u32, value: f64) -> String {
        let steps = self.span(id);
        let handle = self.instance.plugin_handle();
        let params: PluginParams = handle.get_extension().unwrap();
        let mut buffer = [0; 128];
        let text = params.value_to_text(&handle, ClapId::new(id), value * steps, &mut buffer);
        String::from_utf8(text.unwrap().to_vec()).unwrap()
    }

    fn to_value(&mut self, id: u32, text: &str) -> Option<f64> {
        let steps = self.span(id);
        let handle = self.instance.plugin_handle();
        let params: PluginParams = handle.get_extension().unwrap();
        let text = CString::new(text).unwrap();
        params.text_to_value(&handle, ClapId::new(id), &text).map(|value| value / steps)
    }

    fn save(&mut self) -> Vec<u8> {
        let handle = self.instance.plugin_handle();
        let state: PluginState = handle.get_extension().unwrap();
        let mut saved = Vec::new();
        state.save(&handle, &mut saved).unwrap();
        saved
    }

    fn load(&mut self, mut state: &[u8]) -> bool {
        let handle = self.instance.plugin_handle();
        let extension: PluginState = handle.get_extension().unwrap();
        extension.load(&handle, &mut state).is_ok()
    }

    fn latency(&mut self) -> u32 {
        let handle = self.instance.plugin_handle();
        let latency: PluginLatency = handle.get_extension().unwrap();
        latency.get(&handle)
    }

    fn ask_around(&mut self) {
        self.instance.call_on_main_thread_callback();
        for param in self.params() {
            self.value(param.id);
        }
        self.latency();
    }

    fn lend(&mut self) -> ClapAudio {
        self.audio.take().unwrap()
    }

    fn take_back(&mut self, audio: ClapAudio) {
        self.audio = Some(audio);
    }
}

impl ClapHost {
    /// A host with an instance from this entry.
    pub(crate) fn of(entry: &PluginEntry) -> Self {
        let host = HostInfo::new("Rig", "Sideman", "", "1").unwrap();
        let instance =
            PluginInstance::new(|()| Shared::default(), |_| Main::default(), entry, ID, &host)
                .unwrap();
        let audio = ClapAudio {
            processor: None,
            is_effect: false,
            steps: HashMap::new(),
            retold: None,
            input: EventBuffer::with_capacity(ROOM),
            output: Outlet {
                events: Vec::with_capacity(ROOM),
                told: Vec::with_capacity(256),
                room: ROOM,
                plant: || {},
            },
            buffers: std::array::from_fn(|_| vec![0.0; MAX_FRAMES as usize]),
            input_ports: AudioPorts::with_capacity(2, 1),
            output_ports: AudioPorts::with_capacity(2, 1),
            guard: |call| call(),
        };
        let (shown, spans) = (BTreeMap::new(), BTreeMap::new());
        let mut host = Self { audio: Some(audio), instance, shown, spans };
        let stepped = host.params().into_iter().filter(|p| p.steps > 0);
        host.audio().steps = stepped.map(|p| (p.id, f64::from(p.steps))).collect();
        host
    }

    /// What belongs to the audio thread, while it is not lent.
    pub(crate) fn audio(&mut self) -> &mut ClapAudio {
        self.audio.as_mut().unwrap()
    }

    /// Whether the plugin said that there is something new to save; asked once.
    #[allow(dead_code, reason = "only CLAP's tests ask")]
    pub(crate) fn take_dirty(&mut self) -> bool {
        self.instance.access_handler(|main| main.dirty.take())
    }

    fn read_all(&mut self) {
        for param in self.params() {
            let value = self.value(param.id);
            self.shown.insert(param.id, value);
        }
    }

    /// The highest value of a parameter; the lowest is 0.
    fn span(&mut self, id: u32) -> f64 {
        if let Some(span) = self.spans.get(&id) {
            return *span;
        }
        let handle = self.instance.plugin_handle();
        let params: PluginParams = handle.get_extension().unwrap();
        let mut buffer = ParamInfoBuffer::new();
        for index in 0..params.count(&handle) {
            let info = params.get_info(&handle, index, &mut buffer).unwrap();
            self.spans.insert(info.id.get(), info.max_value);
        }
        self.spans[&id]
    }
}

impl Audio for ClapAudio {
    fn reset(&mut self) {
        let processor = self.processor.as_mut().unwrap();
        (self.guard)(&mut || processor.reset());
    }

    fn process(&mut self, call: &Call<'_>) -> Answer {
        let range = ..call.frames as usize;
        self.input.clear();
        self.automate(call.automation);
        if let Some((time, transport)) = self.retold.take() {
            let header = EventHeader::new_core(time, EventFlags::empty());
            self.input.push(&TransportEvent { header, ..transport_event(&transport) });
        }
        for event in call.events {
            push(&mut self.input, *event);
        }
        // The order of equal times stays: a parameter counts before the notes on its sample.
        self.input.sort();
        self.output.events.clear();
        self.output.told.clear();
        for buffer in &mut self.buffers {
            buffer[range].fill(BEFORE);
        }
        let transport = call.transport.map(|t| transport_event(&t));
        let [in_left, in_right, out_left, out_right] = &mut self.buffers;
        let inputs = self.is_effect.then(|| AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_input_only(
                [in_left, in_right].into_iter().map(|b| InputChannel::variable(&mut b[range])),
            ),
        });
        let inputs = self.input_ports.with_input_buffers(inputs);
        let mut outputs = self.output_ports.with_output_buffers([AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_output_only(
                [&mut *out_left, &mut *out_right].into_iter().map(|b| &mut b[range]),
            ),
        }]);
        let processor = self.processor.as_mut().unwrap().as_started_mut().unwrap();
        let events = self.input.as_input();
        let mut out_events = OutputEvents::from_buffer(&mut self.output);
        let mut status = None;
        (self.guard)(&mut || {
            status = Some(processor.process(
                &inputs,
                &mut outputs,
                &events,
                &mut out_events,
                None,
                transport.as_ref(),
            ));
        });
        // With no samples there is nothing to keep alive for.
        if call.frames > 0 {
            assert_eq!(status.unwrap().unwrap(), ProcessStatus::Continue, "hosts put it to sleep");
        }
        Answer {
            events: self.output.events.clone(),
            told: self.output.told.clone(),
            sound: [out_left[range].to_vec(), out_right[range].to_vec()],
        }
    }

    fn set_room(&mut self, room: usize) {
        self.output.room = room;
    }

    fn flush(&mut self, automation: &[(u32, &str, f64)]) {
        self.input.clear();
        self.automate(automation);
        let processor = self.processor.as_mut().unwrap();
        let mut handle = processor.plugin_handle();
        let params: PluginParams = handle.get_extension().unwrap();
        let events = self.input.as_input();
        let mut out_events = OutputEvents::from_buffer(&mut self.output);
        (self.guard)(&mut || params.flush_active(&mut handle, &events, &mut out_events));
    }

    fn set_guard(&mut self, guard: Guard) {
        self.guard = guard;
    }

    fn plant(&mut self, plant: fn()) {
        self.output.plant = plant;
    }
}

impl ClapAudio {
    fn automate(&mut self, automation: &[(u32, &str, f64)]) {
        for (time, id, value) in automation {
            let id = param_id(id);
            let value = value * self.steps.get(&id).unwrap_or(&1.0);
            let event = ParamValueEvent::new(*time, ClapId::new(id), Pckn::match_all(), value);
            self.input.push(&event);
        }
    }
}

/// Takes events until it is full. Does nothing else, but for a plant.
struct Outlet {
    events: Vec<TimedMidi>,
    /// Values that the plugin tells, by id.
    told: Vec<(u32, f64)>,
    room: usize,
    plant: fn(),
}

impl OutputEventBuffer for Outlet {
    fn try_push(&mut self, event: &UnknownEvent) -> Result<(), TryPushError> {
        (self.plant)();
        if self.events.len() >= self.room.min(ROOM) {
            return Err(TryPushError::new());
        }
        let key = |pckn: Pckn| -> (Channel, u8) {
            assert_eq!(pckn.raw_port_index(), 0);
            (Channel::new(pckn.raw_channel() as u8), pckn.raw_key() as u8)
        };
        let to_127 = |velocity: f64| (velocity * 127.0).round() as u8;
        let midi = match event.as_core_event() {
            Some(CoreEventSpace::NoteOn(on)) => {
                let (channel, key) = key(on.pckn());
                Midi::NoteOn { channel, key, velocity: to_127(on.velocity()) }
            }
            Some(CoreEventSpace::NoteOff(off)) => {
                let (channel, key) = key(off.pckn());
                Midi::NoteOff { channel, key, velocity: to_127(off.velocity()) }
            }
            Some(CoreEventSpace::NoteExpression(expression)) => {
                assert_eq!(expression.expression_type(), Some(NoteExpressionType::Pressure));
                let (channel, key) = key(expression.pckn());
                Midi::KeyPressure { channel, key, value: to_127(expression.value()) }
            }
            Some(CoreEventSpace::ParamValue(value)) => {
                if self.told.len() < self.told.capacity() {
                    self.told.push((value.param_id().unwrap().get(), value.value()));
                }
                return Ok(());
            }
            Some(CoreEventSpace::Midi(midi)) => Midi::from_bytes(&midi.data()).unwrap(),
            _ => panic!("an event that no host asked for"),
        };
        self.events.push(TimedMidi { offset: event.header().time(), midi });
        Ok(())
    }
}

fn push(buffer: &mut EventBuffer, event: TimedMidi) {
    let pckn = |channel: Channel, key: u8| {
        Pckn::new(0_u16, u16::from(channel.index()), u16::from(key), Match::All)
    };
    let (time, unit) = (event.offset, |velocity: u8| f64::from(velocity) / 127.0);
    match event.midi {
        Midi::NoteOn { channel, key, velocity } => {
            buffer.push(&NoteOnEvent::new(time, pckn(channel, key), unit(velocity)));
        }
        Midi::NoteOff { channel, key, velocity } => {
            buffer.push(&NoteOffEvent::new(time, pckn(channel, key), unit(velocity)));
        }
        midi => buffer.push(&MidiEvent::new(time, 0, midi.to_bytes().0)),
    }
}

/// A transport as CLAP tells it.
pub(crate) fn transport_event(transport: &Transport) -> TransportEvent {
    let beats = |b: f64| BeatTime::from_bits((b * BeatTime::FACTOR as f64).round() as i64);
    let mut flags = TransportFlags::HAS_TIME_SIGNATURE;
    flags.set(TransportFlags::IS_PLAYING, transport.playing);
    flags.set(TransportFlags::HAS_TEMPO, transport.tempo.is_some());
    flags.set(TransportFlags::HAS_BEATS_TIMELINE, transport.position.is_some());
    let zero = BeatTime::from_bits(0);
    TransportEvent {
        header: EventHeader::new_core(0, EventFlags::empty()),
        flags,
        song_pos_beats: beats(transport.position.map_or(0.0, |b| b.0)),
        song_pos_seconds: SecondsTime::from_bits(0),
        tempo: transport.tempo.map_or(0.0, sideman::music::time::Tempo::beats_per_minute),
        tempo_inc: 0.0,
        loop_start_beats: zero,
        loop_end_beats: zero,
        loop_start_seconds: zero,
        loop_end_seconds: zero,
        bar_start: beats(transport.bar_start.map_or(0.0, |b| b.0)),
        bar_number: 0,
        time_signature_numerator: transport.meter.numerator.into(),
        time_signature_denominator: transport.meter.denominator.into(),
    }
}
