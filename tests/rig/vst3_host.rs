//! A VST3 host: the factory of this very program, or of the built file that `SIDEMAN_VST3` names.
#![expect(unsafe_code, reason = "VST3 is COM: every call is one into foreign memory")]
#![allow(clippy::unnecessary_cast, reason = "the format's enumerations are signed on Windows")]

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::ptr::null_mut;

use sideman::live::block::Transport;
use sideman::music::event::{Channel, Midi, TimedMidi};
use vst3::Steinberg::Vst::Event_::EventTypes_ as Kind;
use vst3::Steinberg::Vst::ProcessContext_::StatesAndFlags_ as Flag;
use vst3::Steinberg::Vst::{
    AudioBusBuffers, AudioBusBuffers__type0, Event, Event__type0, IAudioProcessor,
    IAudioProcessorTrait as _, IComponent, IComponentHandler, IComponentTrait as _,
    IEditController, IEditControllerTrait as _, IEventList, IMidiMapping, IMidiMappingTrait as _,
    IParameterChanges, NoteOffEvent, NoteOnEvent, ParameterInfo, ParameterInfo_::ParameterFlags_,
    PolyPressureEvent, ProcessContext, ProcessData, ProcessModes_, ProcessSetup, SpeakerArr,
    SymbolicSampleSizes_,
};
use vst3::Steinberg::{
    FUnknown, IBStream, IPluginBaseTrait as _, IPluginFactory, IPluginFactoryTrait as _,
    PClassInfo, kResultOk,
};
use vst3::{ComPtr, ComWrapper, Interface};

use crate::host::{
    Answer, Audio, BEFORE, Call, Guard, Host, MAX_FRAMES, Param, RATE, ROOM, param_id,
};
use crate::vst3_objects::{Changes, Events, Handler, Stream, Told};

/// A host with one instance.
pub(crate) struct Vst3Host {
    component: ComPtr<IComponent>,
    processor: ComPtr<IAudioProcessor>,
    controller: ComPtr<IEditController>,
    handler: ComWrapper<Handler>,
    /// What a user of the host sees, by id.
    shown: BTreeMap<u32, f64>,
    audio: Option<Vst3Audio>,
}

/// What belongs to the audio thread.
pub(crate) struct Vst3Audio {
    processor: ComPtr<IAudioProcessor>,
    /// The parameter that stands for each controller of each channel.
    controllers: Vec<u32>,
    told: ComWrapper<Told>,
    is_effect: bool,
    room: usize,
    buffers: [Vec<f32>; 4],
    guard: Guard,
    plant: fn(),
}

// SAFETY: VST3 has `process` called on a thread of its own, and a plugin counts its references atomically.
unsafe impl Send for Vst3Audio {}

/// Controllers of a channel that VST3 has parameters for: MIDI's 128, pressure and bend.
const CONTROLLERS: i16 = 130;

/// The factory that is tested. A library that was loaded stays.
pub(crate) fn factory() -> ComPtr<IPluginFactory> {
    type Entry = unsafe extern "system" fn() -> *mut c_void;
    let raw = match std::env::var_os("SIDEMAN_VST3") {
        // SAFETY: the file is our own build; the symbols are those that VST3 asks of it.
        Some(path) => unsafe {
            let library = Box::leak(Box::new(libloading::Library::new(path).unwrap()));
            #[cfg(target_os = "linux")]
            {
                type Enter = unsafe extern "C" fn(*mut c_void) -> bool;
                let enter = library.get::<Enter>(b"ModuleEntry\0").unwrap();
                assert!(enter(null_mut()));
            }
            library.get::<Entry>(b"GetPluginFactory\0").unwrap()()
        },
        None => sideman::plugin::GetPluginFactory(),
    };
    // SAFETY: the function hands over a reference to a factory.
    unsafe { ComPtr::from_raw(raw.cast()) }.unwrap()
}

/// The first class of the factory, and how many there are.
pub(crate) fn class(factory: &ComPtr<IPluginFactory>) -> (PClassInfo, i32) {
    // SAFETY: plain data, all zeros are a valid value; the factory fills it.
    unsafe {
        let mut info: PClassInfo = std::mem::zeroed();
        assert_eq!(factory.getClassInfo(0, &raw mut info), kResultOk);
        (info, factory.countClasses())
    }
}

impl Host for Vst3Host {
    type Audio = Vst3Audio;

    fn open() -> Self {
        let factory = factory();
        let (class, _) = class(&factory);
        let mut object = null_mut();
        // SAFETY: both ids are 16 bytes, and the object comes with a reference that is ours.
        let component = unsafe {
            let iid = IComponent::IID;
            let (cid, iid) = (class.cid.as_ptr(), iid.as_ptr().cast());
            assert_eq!(factory.createInstance(cid, iid, &raw mut object), kResultOk);
            ComPtr::<IComponent>::from_raw(object.cast()).unwrap()
        };
        // SAFETY: a host may pass no context.
        assert_eq!(unsafe { component.initialize(null_mut::<FUnknown>()) }, kResultOk);
        let mapping: ComPtr<IMidiMapping> = component.cast().unwrap();
        let all = (0..16).flat_map(|channel| (0..CONTROLLERS).map(move |c| (channel, c)));
        let audio = Vst3Audio {
            processor: component.cast().unwrap(),
            controllers: all.map(|(channel, c)| controller_id(&mapping, channel, c)).collect(),
            told: ComWrapper::new(Told::default()),
            is_effect: false,
            room: ROOM,
            buffers: std::array::from_fn(|_| vec![0.0; MAX_FRAMES as usize]),
            guard: |call| call(),
            plant: || {},
        };
        let controller: ComPtr<IEditController> = component.cast().unwrap();
        let handler = ComWrapper::new(Handler::default());
        let pointer = handler.to_com_ptr::<IComponentHandler>().unwrap();
        // SAFETY: the handler lives as long as the host.
        assert_eq!(unsafe { controller.setComponentHandler(pointer.as_ptr()) }, kResultOk);
        Self {
            processor: component.cast().unwrap(),
            controller,
            handler,
            shown: BTreeMap::new(),
            component,
            audio: Some(audio),
        }
    }

    fn choose_layout(&mut self, effect: bool) {
        let (mut stereo, mut outputs) = (SpeakerArr::kStereo, SpeakerArr::kStereo);
        // SAFETY: as many arrangements as are announced.
        let result = unsafe {
            self.processor.setBusArrangements(
                &raw mut stereo,
                i32::from(effect),
                &raw mut outputs,
                1,
            )
        };
        assert_eq!(result, kResultOk);
        self.audio().is_effect = effect;
    }

    fn activate(&mut self, offline: bool) {
        let mode = if offline { ProcessModes_::kOffline } else { ProcessModes_::kRealtime };
        let mut setup = ProcessSetup {
            processMode: mode as i32,
            symbolicSampleSize: SymbolicSampleSizes_::kSample32 as i32,
            maxSamplesPerBlock: MAX_FRAMES as i32,
            sampleRate: RATE,
        };
        // SAFETY: in the order that the format asks for.
        unsafe {
            assert_eq!(self.processor.setupProcessing(&raw mut setup), kResultOk);
            assert_eq!(self.component.setActive(1), kResultOk);
            assert_eq!(self.processor.setProcessing(1), kResultOk);
        }
    }

    fn deactivate(&mut self) {
        // SAFETY: in the order that the format asks for.
        unsafe {
            assert_eq!(self.processor.setProcessing(0), kResultOk);
            assert_eq!(self.component.setActive(0), kResultOk);
        }
    }

    fn reset(&mut self) {
        self.audio().reset();
    }

    fn process(&mut self, call: &Call<'_>) -> Answer {
        let answer = self.audio().process(call);
        self.shown.extend(answer.told.iter().copied());
        answer
    }

    fn set_room(&mut self, room: usize) {
        self.audio().set_room(room);
    }

    fn params(&mut self) -> Vec<Param> {
        // SAFETY: plain data, all zeros are a valid value; the controller fills it.
        let infos: Vec<ParameterInfo> = unsafe {
            (0..self.controller.getParameterCount())
                .map(|index| {
                    let mut info = std::mem::zeroed();
                    assert_eq!(self.controller.getParameterInfo(index, &raw mut info), kResultOk);
                    info
                })
                .collect()
        };
        let is_hidden = |info: &ParameterInfo| info.flags & (1 << 4) != 0;
        infos
            .iter()
            .filter(|info| !is_hidden(info))
            .map(|info| Param {
                id: info.id,
                name: text(&info.title),
                steps: info.stepCount as u32,
                default: info.defaultNormalizedValue,
                is_bypass: info.flags & ParameterFlags_::kIsBypass as i32 != 0,
                is_read_only: info.flags & ParameterFlags_::kIsReadOnly as i32 != 0,
                is_automatable: info.flags & ParameterFlags_::kCanAutomate as i32 != 0,
                is_menu: info.flags & ParameterFlags_::kIsList as i32 != 0,
            })
            .collect()
    }

    fn value(&mut self, id: u32) -> f64 {
        // SAFETY: a call without pointers.
        unsafe { self.controller.getParamNormalized(id) }
    }

    fn shown(&mut self, id: u32) -> f64 {
        if self.shown.is_empty() || self.handler.rescan.take() {
            for param in self.params() {
                let value = self.value(param.id);
                self.shown.insert(param.id, value);
            }
        }
        self.shown[&id]
    }

    fn set(&mut self, id: u32, value: f64) {
        self.shown(id);
        // SAFETY: a call without pointers.
        assert_eq!(unsafe { self.controller.setParamNormalized(id, value) }, kResultOk);
    }

    fn to_text(&mut self, id: u32, value: f64) -> String {
        let mut string = [0; 128];
        // SAFETY: the string is as long as the format says.
        let result = unsafe { self.controller.getParamStringByValue(id, value, &raw mut string) };
        assert_eq!(result, kResultOk);
        text(&string)
    }

    fn to_value(&mut self, id: u32, text: &str) -> Option<f64> {
        let mut string: Vec<_> = text.encode_utf16().chain([0]).collect();
        let mut value = 0.0;
        // SAFETY: the string ends with a zero.
        let result = unsafe {
            let string = string.as_mut_ptr().cast();
            self.controller.getParamValueByString(id, string, &raw mut value)
        };
        (result == kResultOk).then_some(value)
    }

    fn save(&mut self) -> Vec<u8> {
        let stream = ComWrapper::new(Stream::default());
        let pointer = stream.to_com_ptr::<IBStream>().unwrap();
        // SAFETY: the stream outlives the call.
        assert_eq!(unsafe { self.component.getState(pointer.as_ptr()) }, kResultOk);
        stream.bytes()
    }

    fn load(&mut self, state: &[u8]) -> bool {
        let stream = ComWrapper::new(Stream::new(state));
        let pointer = stream.to_com_ptr::<IBStream>().unwrap();
        // SAFETY: the stream outlives the call.
        unsafe { self.component.setState(pointer.as_ptr()) == kResultOk }
    }

    fn latency(&mut self) -> u32 {
        // SAFETY: a call without pointers.
        unsafe { self.processor.getLatencySamples() }
    }

    fn ask_around(&mut self) {
        for param in self.params() {
            let value = self.value(param.id);
            // A host tells the controller what it automates, so that an editor shows it.
            // SAFETY: a call without pointers.
            unsafe { self.controller.setParamNormalized(param.id, value) };
        }
        self.latency();
    }

    fn lend(&mut self) -> Vst3Audio {
        self.audio.take().unwrap()
    }

    fn take_back(&mut self, audio: Vst3Audio) {
        self.audio = Some(audio);
    }
}

impl Vst3Host {
    /// Activates or deactivates, and says nothing of processing.
    pub(crate) fn set_active(&mut self, active: bool) {
        // SAFETY: a call without pointers.
        assert_eq!(unsafe { self.component.setActive(active.into()) }, kResultOk);
    }

    /// Calls that no sound host makes in this order.
    pub(crate) fn deactivate_again(&mut self) {
        // SAFETY: the plugin must take it.
        unsafe {
            self.component.setActive(0);
            self.component.setActive(0);
        }
    }

    fn audio(&mut self) -> &mut Vst3Audio {
        self.audio.as_mut().unwrap()
    }
}

impl Audio for Vst3Audio {
    fn reset(&mut self) {
        (self.guard)(&mut || {
            // SAFETY: this is how VST3 asks for a reset.
            unsafe {
                assert_eq!(self.processor.setProcessing(0), kResultOk);
                assert_eq!(self.processor.setProcessing(1), kResultOk);
            }
        });
    }

    fn process(&mut self, call: &Call<'_>) -> Answer {
        let frames = call.frames as usize;
        let mut points = Vec::new();
        let mut notes = Vec::new();
        for (at, id, value) in call.automation {
            points.push((param_id(id), *at, *value));
        }
        for event in call.events {
            match self.message(*event) {
                Ok(note) => notes.push(note),
                Err((id, value)) => points.push((id, event.offset, value)),
            }
        }
        let changes = ComWrapper::new(Changes::new(&points));
        let input = ComWrapper::new(Events::new(notes, usize::MAX, || {}));
        let room = self.room.min(ROOM);
        let output = ComWrapper::new(Events::new(Vec::with_capacity(ROOM), room, self.plant));
        for buffer in &mut self.buffers {
            buffer[..frames].fill(BEFORE);
        }
        let mut channels = self.buffers.each_mut().map(Vec::as_mut_ptr);
        let (inputs, outputs) = channels.split_at_mut(2);
        let mut inputs = bus(inputs);
        let mut outputs = bus(outputs);
        let mut context = context(call.transport);
        let changes_pointer = changes.to_com_ptr::<IParameterChanges>().unwrap();
        let input_pointer = input.to_com_ptr::<IEventList>().unwrap();
        self.told.clear();
        let told_pointer = self.told.to_com_ptr::<IParameterChanges>().unwrap();
        let output_pointer = output.to_com_ptr::<IEventList>().unwrap();
        let mut data = ProcessData {
            processMode: 0,
            symbolicSampleSize: SymbolicSampleSizes_::kSample32 as i32,
            numSamples: call.frames as i32,
            numInputs: i32::from(self.is_effect),
            numOutputs: 1,
            inputs: if self.is_effect { &raw mut inputs } else { null_mut() },
            outputs: &raw mut outputs,
            inputParameterChanges: changes_pointer.as_ptr(),
            outputParameterChanges: told_pointer.as_ptr(),
            inputEvents: input_pointer.as_ptr(),
            outputEvents: output_pointer.as_ptr(),
            processContext: context.as_mut().map_or(null_mut(), |c| &raw mut *c),
        };
        let mut result = None;
        (self.guard)(&mut || {
            // SAFETY: everything that `data` points to outlives the call.
            result = Some(unsafe { self.processor.process(&raw mut data) });
        });
        assert_eq!(result, Some(kResultOk));
        let sound = [2, 3].map(|i: usize| self.buffers[i][..frames].to_vec());
        let events = output.take().iter().map(read).collect();
        Answer { events, told: self.told.last(), sound }
    }

    fn set_room(&mut self, room: usize) {
        self.room = room;
    }

    fn flush(&mut self, automation: &[(u32, &str, f64)]) {
        // This is how VST3 does it.
        self.process(&Call { automation, ..Call::default() });
    }

    fn set_guard(&mut self, guard: Guard) {
        self.guard = guard;
    }

    fn plant(&mut self, plant: fn()) {
        self.plant = plant;
    }
}

impl Vst3Audio {
    /// A message as an event, or as the parameter that stands for a controller.
    fn message(&self, event: TimedMidi) -> Result<Event, (u32, f64)> {
        let unit = |value: u8| f32::from(value) / 127.0;
        let (kind, field) = match event.midi {
            Midi::NoteOn { channel, key, velocity } => {
                let (channel, pitch) = (channel.index().into(), key.into());
                let velocity = unit(velocity);
                let on =
                    NoteOnEvent { channel, pitch, tuning: 0.0, velocity, length: 0, noteId: -1 };
                (Kind::kNoteOnEvent, Event__type0 { noteOn: on })
            }
            Midi::NoteOff { channel, key, velocity } => {
                let (channel, pitch) = (channel.index().into(), key.into());
                let velocity = unit(velocity);
                let off = NoteOffEvent { channel, pitch, velocity, noteId: -1, tuning: 0.0 };
                (Kind::kNoteOffEvent, Event__type0 { noteOff: off })
            }
            Midi::Control { channel, controller, value } => {
                return Err((self.controller_id(channel, controller.into()), unit(value).into()));
            }
            Midi::Pressure { channel, value } => {
                return Err((self.controller_id(channel, 128), unit(value).into()));
            }
            Midi::KeyPressure { channel, key, value } => {
                let (channel, pitch) = (channel.index().into(), key.into());
                let pressure = unit(value);
                let poly = PolyPressureEvent { channel, pitch, pressure, noteId: -1 };
                (Kind::kPolyPressureEvent, Event__type0 { polyPressure: poly })
            }
            Midi::Program { .. } => panic!("VST3 has no way in for program changes"),
            Midi::PitchBend { channel, value } => {
                return Err((self.controller_id(channel, 129), f64::from(value) / 16_383.0));
            }
        };
        Ok(Event {
            busIndex: 0,
            sampleOffset: event.offset as i32,
            ppqPosition: 0.0,
            flags: 0,
            r#type: kind as u16,
            __field0: field,
        })
    }

    fn controller_id(&self, channel: Channel, controller: i16) -> u32 {
        let channel = usize::from(channel.index());
        self.controllers[channel * CONTROLLERS as usize + controller as usize]
    }
}

/// The parameter that stands for a controller.
fn controller_id(mapping: &ComPtr<IMidiMapping>, channel: i16, controller: i16) -> u32 {
    let mut id = 0;
    // SAFETY: the id outlives the call.
    let result =
        unsafe { mapping.getMidiControllerAssignment(0, channel, controller, &raw mut id) };
    assert_eq!(result, kResultOk);
    id
}

impl Drop for Vst3Host {
    fn drop(&mut self) {
        // SAFETY: the last call before the references go.
        unsafe { self.component.terminate() };
    }
}

fn bus(channels: &mut [*mut f32]) -> AudioBusBuffers {
    AudioBusBuffers {
        numChannels: channels.len() as i32,
        silenceFlags: 0,
        __field0: AudioBusBuffers__type0 { channelBuffers32: channels.as_mut_ptr() },
    }
}

fn context(transport: Option<Transport>) -> Option<ProcessContext> {
    let transport = transport?;
    // SAFETY: plain data, all zeros are a valid value.
    let mut context: ProcessContext = unsafe { std::mem::zeroed() };
    let mut set = |is: bool, flag: u32| context.state |= if is { flag } else { 0 };
    set(transport.playing, Flag::kPlaying as u32);
    set(transport.tempo.is_some(), Flag::kTempoValid as u32);
    set(transport.position.is_some(), Flag::kProjectTimeMusicValid as u32);
    set(transport.bar_start.is_some(), Flag::kBarPositionValid as u32);
    set(true, Flag::kTimeSigValid as u32);
    context.sampleRate = RATE;
    context.tempo = transport.tempo.map_or(0.0, sideman::music::time::Tempo::beats_per_minute);
    context.projectTimeMusic = transport.position.map_or(0.0, |b| b.0);
    context.barPositionMusic = transport.bar_start.map_or(0.0, |b| b.0);
    context.timeSigNumerator = transport.meter.numerator.into();
    context.timeSigDenominator = transport.meter.denominator.into();
    Some(context)
}

fn read(event: &Event) -> TimedMidi {
    let to_127 = |velocity: f32| (velocity * 127.0).round() as u8;
    // SAFETY: the type says which field is meant.
    let midi = unsafe {
        match u32::from(event.r#type) {
            kind if kind == Kind::kNoteOnEvent as u32 => {
                let on = event.__field0.noteOn;
                let channel = Channel::new(on.channel as u8);
                Midi::NoteOn { channel, key: on.pitch as u8, velocity: to_127(on.velocity) }
            }
            kind if kind == Kind::kNoteOffEvent as u32 => {
                let off = event.__field0.noteOff;
                let channel = Channel::new(off.channel as u8);
                Midi::NoteOff { channel, key: off.pitch as u8, velocity: to_127(off.velocity) }
            }
            kind if kind == Kind::kPolyPressureEvent as u32 => {
                let poly = event.__field0.polyPressure;
                let channel = Channel::new(poly.channel as u8);
                Midi::KeyPressure { channel, key: poly.pitch as u8, value: to_127(poly.pressure) }
            }
            kind if kind == Kind::kLegacyMIDICCOutEvent as u32 => {
                let out = event.__field0.midiCCOut;
                let channel = Channel::new(out.channel as u8);
                let (low, high) = (out.value as u8, out.value2 as u8);
                match out.controlNumber {
                    128 => Midi::Pressure { channel, value: low },
                    129 => {
                        Midi::PitchBend { channel, value: u16::from(low) | u16::from(high) << 7 }
                    }
                    controller => Midi::Control { channel, controller, value: low },
                }
            }
            kind => panic!("event type {kind}, which no host asked for"),
        }
    };
    TimedMidi { offset: event.sampleOffset as u32, midi }
}

fn text(string: &[u16]) -> String {
    String::from_utf16(string.split(|c| *c == 0).next().unwrap()).unwrap()
}
