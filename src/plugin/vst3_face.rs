//! The VST3 entry: the framework's object, and over it what the framework leaves out.
#![expect(unsafe_code, reason = "VST3 is COM: every call is one into foreign memory")]
#![allow(clippy::unnecessary_cast, reason = "the format's enumerations are signed on Windows")]

use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nice_plug::wrapper::setup_logger;
use nice_plug::wrapper::vst3::vst3::Steinberg::Vst::ParameterInfo_::ParameterFlags_;
use nice_plug::wrapper::vst3::vst3::Steinberg::Vst::{
    BusDirection, BusInfo, CString, CtrlNumber, IAudioProcessor, IAudioProcessorTrait, IComponent,
    IComponentHandler, IComponentHandlerTrait as _, IComponentTrait, IEditController,
    IEditControllerTrait, IMidiMapping, IMidiMappingTrait, INoteExpressionController,
    INoteExpressionControllerTrait, IParamValueQueueTrait as _, IParameterChanges,
    IParameterChangesTrait as _, IProcessContextRequirements, IProcessContextRequirementsTrait,
    IUnitInfo, IUnitInfoTrait, IoMode, MediaType, NoteExpressionTypeID, NoteExpressionTypeInfo,
    NoteExpressionValue, ParamID, ParamValue, ParameterInfo, ProcessData, ProcessModes_,
    ProcessSetup, ProgramListID, ProgramListInfo, RestartFlags_, RoutingInfo, SpeakerArrangement,
    String128, TChar, UnitID, UnitInfo,
};
use nice_plug::wrapper::vst3::vst3::Steinberg::{
    FIDString, FUnknown, IBStream, IPlugView, IPluginBaseTrait, IPluginFactory, IPluginFactory2,
    IPluginFactory2Trait, IPluginFactory3, IPluginFactory3Trait, IPluginFactoryTrait, PClassInfo,
    PClassInfo2, PClassInfoW, PFactoryInfo, TBool, TUID, kInvalidArgument, kResultFalse, kResultOk,
    tresult,
};
use nice_plug::wrapper::vst3::vst3::{Class, ComPtr, ComRef, ComWrapper};
use nice_plug::wrapper::vst3::{PluginInfo, Wrapper};
use parking_lot::Mutex;

use crate::plugin::Sideman;
use crate::plugin::automation::Veil;
use crate::plugin::desk::Desk;
use crate::plugin::readings::{self, READINGS, Told};

/// The entry point of the file.
#[unsafe(no_mangle)]
pub extern "system" fn GetPluginFactory() -> *mut c_void {
    let factory = Factory(PluginInfo::for_plugin::<Sideman>());
    let factory = ComWrapper::new(factory).to_com_ptr::<IPluginFactory>();
    factory.map_or(std::ptr::null_mut(), |factory| factory.into_raw().cast())
}

/// Called when the file is loaded; each system has a name of its own for it.
#[cfg_attr(all(unix, not(target_os = "macos")), unsafe(export_name = "ModuleEntry"))]
#[cfg_attr(target_os = "macos", unsafe(export_name = "bundleEntry"))]
#[cfg(unix)]
pub(crate) extern "C" fn module_entry(_library: *mut c_void) -> bool {
    setup_logger::<Sideman>();
    true
}

/// Called before the file is unloaded.
#[cfg_attr(all(unix, not(target_os = "macos")), unsafe(export_name = "ModuleExit"))]
#[cfg_attr(target_os = "macos", unsafe(export_name = "bundleExit"))]
#[cfg(unix)]
pub(crate) extern "C" fn module_exit() -> bool {
    true
}

/// Called when the file is loaded.
#[cfg(windows)]
#[unsafe(export_name = "InitDll")]
pub(crate) extern "system" fn module_entry() -> bool {
    setup_logger::<Sideman>();
    true
}

/// Called before the file is unloaded.
#[cfg(windows)]
#[unsafe(export_name = "ExitDll")]
pub(crate) extern "system" fn module_exit() -> bool {
    true
}

/// Makes instances.
struct Factory(PluginInfo);

impl Class for Factory {
    type Interfaces = (IPluginFactory, IPluginFactory2, IPluginFactory3);
}

impl Factory {
    /// Answers for the one class.
    fn answer<T>(index: i32, place: *mut T, info: impl FnOnce() -> T) -> tresult {
        if index != 0 || place.is_null() {
            return kInvalidArgument;
        }
        // SAFETY: the host lends a place for the answer.
        unsafe { place.write(info()) };
        kResultOk
    }
}

impl IPluginFactoryTrait for Factory {
    unsafe fn getFactoryInfo(&self, info: *mut PFactoryInfo) -> tresult {
        Self::answer(0, info, || self.0.create_factory_info())
    }

    unsafe fn countClasses(&self) -> i32 {
        1
    }

    unsafe fn getClassInfo(&self, index: i32, info: *mut PClassInfo) -> tresult {
        Self::answer(index, info, || self.0.create_class_info())
    }

    unsafe fn createInstance(
        &self,
        class: FIDString,
        interface: FIDString,
        object: *mut *mut c_void,
    ) -> tresult {
        if class.is_null() || interface.is_null() || object.is_null() {
            return kInvalidArgument;
        }
        // SAFETY: a class id has 16 bytes.
        if unsafe { *class.cast::<[u8; 16]>() } != *self.0.cid {
            return kInvalidArgument;
        }
        let (inner, desk) = Desk::of(Wrapper::<Sideman>::new);
        let Some(desk) = desk else { return kResultFalse };
        let veil = Veil::new(desk.numbers());
        let face = ComWrapper::new(Face {
            inner,
            desk,
            handler: Mutex::default(),
            is_processing: AtomicBool::new(false),
            told: Told::default(),
            veil,
        });
        let Some(unknown) = face.to_com_ptr::<FUnknown>() else { return kResultFalse };
        let unknown = unknown.as_ptr();
        // SAFETY: the object lives in `face`; with the interface comes a reference of the host's own.
        unsafe { ((*(*unknown).vtbl).queryInterface)(unknown, interface.cast::<TUID>(), object) }
    }
}

impl IPluginFactory2Trait for Factory {
    unsafe fn getClassInfo2(&self, index: i32, info: *mut PClassInfo2) -> tresult {
        Self::answer(index, info, || self.0.create_class_info_2())
    }
}

impl IPluginFactory3Trait for Factory {
    unsafe fn getClassInfoUnicode(&self, index: i32, info: *mut PClassInfoW) -> tresult {
        Self::answer(index, info, || self.0.create_class_info_unicode())
    }

    unsafe fn setHostContext(&self, _: *mut FUnknown) -> tresult {
        kResultOk
    }
}

/// One instance as the host holds it.
struct Face {
    inner: Wrapper<Sideman>,
    desk: Arc<Desk>,
    /// Touched on the main thread only.
    handler: Mutex<Option<ComPtr<IComponentHandler>>>,
    is_processing: AtomicBool,
    told: Told,
    veil: Veil,
}

impl Class for Face {
    type Interfaces = (
        IComponent,
        IEditController,
        IAudioProcessor,
        IMidiMapping,
        INoteExpressionController,
        IProcessContextRequirements,
        IUnitInfo,
    );
}

/// Methods that the framework's object answers.
macro_rules! forward {
    ($interface:ident: $(fn $method:ident($($argument:ident: $type:ty),*) -> $result:ty;)+) => {
        $(unsafe fn $method(&self, $($argument: $type),*) -> $result {
            // SAFETY: what the host passed, passed on.
            unsafe { $interface::$method(&self.inner, $($argument),*) }
        })+
    };
}

impl IPluginBaseTrait for Face {
    forward! { IPluginBaseTrait:
        fn initialize(context: *mut FUnknown) -> tresult;
    }

    unsafe fn terminate(&self) -> tresult {
        *self.handler.lock() = None;
        // SAFETY: what the host passed, passed on.
        unsafe { IPluginBaseTrait::terminate(&self.inner) }
    }
}

impl IComponentTrait for Face {
    forward! { IComponentTrait:
        fn getControllerClassId(class: *mut TUID) -> tresult;
        fn setIoMode(mode: IoMode) -> tresult;
        fn getBusCount(kind: MediaType, direction: BusDirection) -> i32;
        fn getBusInfo(kind: MediaType, direction: BusDirection, index: i32, info: *mut BusInfo) -> tresult;
        fn getRoutingInfo(input: *mut RoutingInfo, output: *mut RoutingInfo) -> tresult;
        fn activateBus(kind: MediaType, direction: BusDirection, index: i32, state: TBool) -> tresult;
        fn setActive(state: TBool) -> tresult;
        fn getState(stream: *mut IBStream) -> tresult;
    }

    unsafe fn setState(&self, stream: *mut IBStream) -> tresult {
        // SAFETY: what the host passed, passed on.
        let load = || unsafe { IComponentTrait::setState(&self.inner, stream) == kResultOk };
        let loaded = self.desk.load(load);
        self.desk.attend();
        if loaded { kResultOk } else { kResultFalse }
    }
}

impl IEditControllerTrait for Face {
    forward! { IEditControllerTrait:
        fn setComponentState(stream: *mut IBStream) -> tresult;
        fn setState(stream: *mut IBStream) -> tresult;
        fn getState(stream: *mut IBStream) -> tresult;
        fn createView(name: FIDString) -> *mut IPlugView;
    }

    unsafe fn getParameterCount(&self) -> i32 {
        self.inner_parameters() + readings::COUNT as i32
    }

    unsafe fn getParameterInfo(&self, index: i32, info: *mut ParameterInfo) -> tresult {
        let place = index - self.inner_parameters();
        // SAFETY: the host lends a place for the answer, or none.
        let Some(info) = (unsafe { info.as_mut() }) else { return kInvalidArgument };
        if place < 0 {
            // SAFETY: what the host passed, passed on.
            let result = unsafe { self.inner.getParameterInfo(index, info) };
            if result == kResultOk && readings::is_menu(info.id) {
                info.flags |= ParameterFlags_::kIsList as i32;
            }
            return result;
        }
        let reading = usize::try_from(place).ok().and_then(|place| READINGS.get(place));
        let Some(reading) = reading else { return kInvalidArgument };
        let list = if reading.is_status { ParameterFlags_::kIsList as i32 } else { 0 };
        *info = ParameterInfo {
            id: readings::number_of(reading.id),
            title: [0; 128],
            shortTitle: [0; 128],
            units: [0; 128],
            stepCount: if reading.is_status { reading.max as i32 } else { 0 },
            defaultNormalizedValue: 0.0,
            unitId: 0,
            flags: ParameterFlags_::kIsReadOnly as i32 | list,
        };
        write_text(&mut info.title, reading.name);
        write_text(&mut info.shortTitle, reading.name);
        write_text(&mut info.units, reading.unit);
        kResultOk
    }

    unsafe fn getParamStringByValue(
        &self,
        id: ParamID,
        value: ParamValue,
        text: *mut String128,
    ) -> tresult {
        let Some((place, max)) = reading(id) else {
            // SAFETY: what the host passed, passed on.
            return unsafe { self.inner.getParamStringByValue(id, value, text) };
        };
        // SAFETY: the host lends a place for the answer, or none.
        let Some(text) = (unsafe { text.as_mut() }) else { return kInvalidArgument };
        write_text(text, &self.desk.values.to_text(place, value * max, false));
        kResultOk
    }

    unsafe fn getParamValueByString(
        &self,
        id: ParamID,
        text: *mut TChar,
        value: *mut ParamValue,
    ) -> tresult {
        let Some((place, max)) = reading(id) else {
            // SAFETY: what the host passed, passed on.
            return unsafe { self.inner.getParamValueByString(id, text, value) };
        };
        if text.is_null() || value.is_null() {
            return kInvalidArgument;
        }
        // SAFETY: the text ends with a zero, and is read no further than that.
        let text: Vec<u16> = unsafe {
            (0..128).map(|i| *text.add(i) as u16).take_while(|unit| *unit != 0).collect()
        };
        let meant = self.desk.values.to_value(place, &String::from_utf16_lossy(&text));
        let Some(meant) = meant else { return kResultFalse };
        // SAFETY: the host lends a place for the answer.
        unsafe { value.write(meant / max) };
        kResultOk
    }

    unsafe fn normalizedParamToPlain(&self, id: ParamID, value: ParamValue) -> ParamValue {
        match reading(id) {
            Some((_, max)) => value * max,
            // SAFETY: a call without pointers.
            None => unsafe { self.inner.normalizedParamToPlain(id, value) },
        }
    }

    unsafe fn plainParamToNormalized(&self, id: ParamID, value: ParamValue) -> ParamValue {
        match reading(id) {
            Some((_, max)) => value / max,
            // SAFETY: a call without pointers.
            None => unsafe { self.inner.plainParamToNormalized(id, value) },
        }
    }

    unsafe fn getParamNormalized(&self, id: ParamID) -> ParamValue {
        match reading(id) {
            Some((place, max)) => self.desk.values.get(place) / max,
            // SAFETY: a call without pointers.
            None => unsafe { self.inner.getParamNormalized(id) },
        }
    }

    unsafe fn setParamNormalized(&self, id: ParamID, value: ParamValue) -> tresult {
        if reading(id).is_some() {
            // What we told the host comes back from it.
            return kResultOk;
        }
        // SAFETY: a call without pointers.
        let result = unsafe { self.inner.setParamNormalized(id, value) };
        if !self.is_processing.load(Ordering::Relaxed) {
            self.desk.attend();
            self.retell();
        }
        result
    }

    unsafe fn setComponentHandler(&self, handler: *mut IComponentHandler) -> tresult {
        // SAFETY: the host passes a handler that lives for the call, or none.
        let ours = unsafe { ComRef::from_raw(handler) }.map(|handler| handler.to_com_ptr());
        *self.handler.lock() = ours;
        // SAFETY: what the host passed, passed on.
        unsafe { self.inner.setComponentHandler(handler) }
    }
}

impl IAudioProcessorTrait for Face {
    forward! { IAudioProcessorTrait:
        fn setBusArrangements(inputs: *mut SpeakerArrangement, input_count: i32, outputs: *mut SpeakerArrangement, output_count: i32) -> tresult;
        fn getBusArrangement(direction: BusDirection, index: i32, arrangement: *mut SpeakerArrangement) -> tresult;
        fn canProcessSampleSize(size: i32) -> tresult;
        fn getLatencySamples() -> u32;
        fn getTailSamples() -> u32;
    }

    unsafe fn setupProcessing(&self, setup: *mut ProcessSetup) -> tresult {
        // SAFETY: the host lends it for the call.
        if let Some(setup) = unsafe { setup.as_ref() } {
            let renders = setup.processMode == ProcessModes_::kOffline as i32;
            self.desk.renders.store(renders, Ordering::Relaxed);
        }
        // SAFETY: what the host passed, passed on.
        unsafe { self.inner.setupProcessing(setup) }
    }

    unsafe fn setProcessing(&self, state: TBool) -> tresult {
        self.is_processing.store(state != 0, Ordering::Relaxed);
        // SAFETY: what the host passed, passed on.
        unsafe { self.inner.setProcessing(state) }
    }

    /// Audio thread. No allocation, lock or system call.
    unsafe fn process(&self, data: *mut ProcessData) -> tresult {
        // SAFETY: the host lends it for the call.
        let Some(lent) = (unsafe { data.as_mut() }) else { return kInvalidArgument };
        let (host, samples) = (lent.inputParameterChanges, lent.numSamples);
        // SAFETY: as above.
        if let Some(changes) = unsafe { ComRef::from_raw(host) } {
            self.desk.automation.note(changes, samples.max(0) as u32);
            lent.inputParameterChanges = self.veil.over(host);
        }
        // SAFETY: what the host passed, with a list of ours that lives as long as this.
        let result = unsafe { self.inner.process(data) };
        self.desk.automation.end();
        // SAFETY: as above.
        let Some(lent) = (unsafe { data.as_mut() }) else { return result };
        lent.inputParameterChanges = host;
        // SAFETY: as above.
        let changes = unsafe { ComRef::from_raw(lent.outputParameterChanges) };
        if let (samples @ 1.., Some(changes)) = (samples, changes) {
            self.tell(changes, samples - 1);
        }
        result
    }
}

impl IMidiMappingTrait for Face {
    forward! { IMidiMappingTrait:
        fn getMidiControllerAssignment(bus: i32, channel: i16, controller: CtrlNumber, id: *mut ParamID) -> tresult;
    }
}

impl INoteExpressionControllerTrait for Face {
    forward! { INoteExpressionControllerTrait:
        fn getNoteExpressionCount(bus: i32, channel: i16) -> i32;
        fn getNoteExpressionInfo(bus: i32, channel: i16, index: i32, info: *mut NoteExpressionTypeInfo) -> tresult;
        fn getNoteExpressionStringByValue(bus: i32, channel: i16, id: NoteExpressionTypeID, value: NoteExpressionValue, text: *mut String128) -> tresult;
        fn getNoteExpressionValueByString(bus: i32, channel: i16, id: NoteExpressionTypeID, text: *const TChar, value: *mut NoteExpressionValue) -> tresult;
    }
}

impl IProcessContextRequirementsTrait for Face {
    forward! { IProcessContextRequirementsTrait:
        fn getProcessContextRequirements() -> u32;
    }
}

impl IUnitInfoTrait for Face {
    forward! { IUnitInfoTrait:
        fn getUnitCount() -> i32;
        fn getUnitInfo(index: i32, info: *mut UnitInfo) -> tresult;
        fn getProgramListCount() -> i32;
        fn getProgramListInfo(index: i32, info: *mut ProgramListInfo) -> tresult;
        fn getProgramName(list: ProgramListID, index: i32, name: *mut String128) -> tresult;
        fn getProgramInfo(list: ProgramListID, index: i32, attribute: CString, value: *mut String128) -> tresult;
        fn hasProgramPitchNames(list: ProgramListID, index: i32) -> tresult;
        fn getProgramPitchName(list: ProgramListID, index: i32, pitch: i16, name: *mut String128) -> tresult;
        fn getSelectedUnit() -> UnitID;
        fn selectUnit(unit: UnitID) -> tresult;
        fn getUnitByBus(kind: MediaType, direction: BusDirection, bus: i32, channel: i32, unit: *mut UnitID) -> tresult;
        fn setUnitProgramData(list: i32, index: i32, data: *mut IBStream) -> tresult;
    }
}

impl Face {
    /// How many parameters the framework has, those that stand for MIDI controllers included.
    fn inner_parameters(&self) -> i32 {
        // SAFETY: a call without pointers.
        unsafe { self.inner.getParameterCount() }
    }

    /// Tells the host what is new among the readings, and of parameters that we have changed ourselves.
    ///
    /// Audio thread. No allocation, lock or system call.
    fn tell(&self, changes: ComRef<'_, IParameterChanges>, last: i32) {
        let add = |id: ParamID, value: f64| {
            let mut index = 0;
            // SAFETY: the pointers outlive the calls; the queue is the host's and lives for this block.
            unsafe {
                let queue = changes.addParameterData(&raw const id, &raw mut index);
                let queue = ComRef::from_raw(queue);
                queue.is_some_and(|q| q.addPoint(last, value, &raw mut index) == kResultOk)
            }
        };
        self.told.catch_up(&self.desk.values, |place, value| {
            let Some(reading) = READINGS.get(place) else { return true };
            add(readings::number_of(reading.id), value / reading.max)
        });
        if self.desk.take_retell() {
            for id in self.desk.numbers() {
                // SAFETY: a call without pointers.
                add(*id, unsafe { self.inner.getParamNormalized(*id) });
            }
        }
    }

    /// Tells the host of parameters that we have changed ourselves while nothing is processed.
    ///
    /// Main thread.
    fn retell(&self) {
        if !self.desk.take_retell() {
            return;
        }
        let handler = self.handler.lock().clone();
        if let Some(handler) = handler {
            // SAFETY: the host's handler, on the thread that it asks for.
            unsafe { handler.restartComponent(RestartFlags_::kParamValuesChanged as i32) };
        }
    }
}

/// The place and the highest value of a reading of this number.
fn reading(id: ParamID) -> Option<(usize, f64)> {
    let place = readings::place_of(id)?;
    Some((place, READINGS.get(place)?.max))
}

/// Writes a text and its closing zero, as much as there is room for.
fn write_text(buffer: &mut [TChar], text: &str) {
    let room = buffer.len().saturating_sub(1);
    let units = text.encode_utf16().take(room).chain([0]);
    for (place, unit) in buffer.iter_mut().zip(units) {
        *place = unit as TChar;
    }
}
