//! The CLAP entry: the framework's plugin, and over it what the framework leaves out.
//!
//! Every instance is the framework's table of functions with a few of them replaced: its functions find their
//! object by `plugin_data`, which is copied, and never mind which table they were called by.
#![expect(unsafe_code, reason = "CLAP is an interface of C")]

use std::ffi::{CStr, c_char, c_void};
use std::ptr::null;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use clap_sys::events::{
    CLAP_CORE_EVENT_SPACE_ID, CLAP_EVENT_PARAM_VALUE, clap_event_header, clap_event_param_value,
    clap_input_events, clap_output_events,
};
use clap_sys::ext::params::{
    CLAP_EXT_PARAMS, CLAP_PARAM_IS_ENUM, CLAP_PARAM_IS_READONLY, CLAP_PARAM_IS_STEPPED,
    CLAP_PARAM_RESCAN_TEXT, CLAP_PARAM_RESCAN_VALUES, clap_host_params, clap_param_info,
    clap_plugin_params,
};
use clap_sys::ext::state::{CLAP_EXT_STATE, clap_host_state, clap_plugin_state};
use clap_sys::process::{CLAP_PROCESS_ERROR, clap_process, clap_process_status};
use clap_sys::stream::clap_istream;
use nice_plug::wrapper::clap::{
    CLAP_PLUGIN_FACTORY_ID, CLAP_VERSION, PluginDescriptor, Wrapper, clap_host, clap_plugin,
    clap_plugin_descriptor, clap_plugin_entry, clap_plugin_factory,
};
use nice_plug::wrapper::setup_logger;

use crate::plugin::Sideman;
use crate::plugin::desk::Desk;
use crate::plugin::readings::{self, READINGS, Told};

/// The entry point of the file.
#[unsafe(no_mangle)]
#[used]
pub static clap_entry: clap_plugin_entry = clap_plugin_entry {
    clap_version: CLAP_VERSION,
    init: Some(init),
    deinit: Some(deinit),
    get_factory: Some(get_factory),
};

static FACTORY: clap_plugin_factory = clap_plugin_factory {
    get_plugin_count: Some(get_plugin_count),
    get_plugin_descriptor: Some(get_plugin_descriptor),
    create_plugin: Some(create_plugin),
};

/// One instance as the host holds it.
#[repr(C)]
struct Face {
    /// What the host has a pointer to: it must come first.
    plugin: clap_plugin,
    /// The framework's own table.
    inner: clap_plugin,
    inner_params: clap_plugin_params,
    inner_state: clap_plugin_state,
    params: clap_plugin_params,
    state: clap_plugin_state,
    host: *const clap_host,
    desk: Arc<Desk>,
    is_active: AtomicBool,
    told: Told,
}

/// A host's pointer, for its functions that any thread may call.
struct Host(*const clap_host);

// SAFETY: only `request_callback` is called by it, which CLAP allows on any thread.
unsafe impl Send for Host {}
// SAFETY: as above.
unsafe impl Sync for Host {}

impl Host {
    fn request_callback(&self) {
        // SAFETY: the host outlives its plugins.
        unsafe {
            if let Some(request) = (*self.0).request_callback {
                request(self.0);
            }
        }
    }
}

/// Calls one of the framework's functions with the host's pointer and more.
macro_rules! inner {
    ($table:expr, $function:ident($($argument:expr),*), else $missing:expr) => {
        match $table.$function {
            // SAFETY: what the host passed, passed on.
            Some(function) => unsafe { function($($argument),*) },
            None => $missing,
        }
    };
}

/// # Safety
/// `plugin` is one that [`create_plugin`] made and that was not destroyed.
unsafe fn face<'a>(plugin: *const clap_plugin) -> &'a Face {
    // SAFETY: the table is the first field of a `Face` that lives until `destroy`.
    unsafe { &*plugin.cast::<Face>() }
}

extern "C" fn init(_: *const c_char) -> bool {
    setup_logger::<Sideman>();
    true
}

extern "C" fn deinit() {}

extern "C" fn get_factory(id: *const c_char) -> *const c_void {
    // SAFETY: the host passes a text or nothing.
    let is_ours = !id.is_null() && unsafe { CStr::from_ptr(id) } == CLAP_PLUGIN_FACTORY_ID;
    if is_ours { (&raw const FACTORY).cast() } else { null() }
}

fn descriptor() -> &'static PluginDescriptor {
    static DESCRIPTOR: OnceLock<PluginDescriptor> = OnceLock::new();
    DESCRIPTOR.get_or_init(PluginDescriptor::for_plugin::<Sideman>)
}

unsafe extern "C" fn get_plugin_count(_: *const clap_plugin_factory) -> u32 {
    1
}

unsafe extern "C" fn get_plugin_descriptor(
    _: *const clap_plugin_factory,
    index: u32,
) -> *const clap_plugin_descriptor {
    if index == 0 { descriptor().clap_plugin_descriptor() } else { null() }
}

unsafe extern "C" fn create_plugin(
    _: *const clap_plugin_factory,
    host: *const clap_host,
    id: *const c_char,
) -> *const clap_plugin {
    // SAFETY: the host passes a text or nothing.
    if id.is_null() || host.is_null() || unsafe { CStr::from_ptr(id) } != descriptor().clap_id() {
        return null();
    }
    // SAFETY: the host outlives its plugins.
    let (wrapper, desk) = Desk::of(|| unsafe { Wrapper::<Sideman>::new(host) });
    let inner = *wrapper.clap_plugin.borrow();
    // The framework's `destroy` takes this reference back.
    let wrapper = Arc::into_raw(wrapper);
    // SAFETY: the framework has both extensions, whose tables are part of the wrapper.
    let tables = unsafe {
        let table = (*wrapper).clap_plugin.as_ptr();
        let get = |id: &CStr| inner.get_extension.map_or(null(), |get| get(table, id.as_ptr()));
        (
            get(CLAP_EXT_PARAMS).cast::<clap_plugin_params>().as_ref(),
            get(CLAP_EXT_STATE).cast::<clap_plugin_state>().as_ref(),
        )
    };
    let (Some(desk), (Some(inner_params), Some(inner_state))) = (desk, tables) else {
        return null();
    };
    let caller = Host(host);
    desk.set_call_host(Box::new(move || caller.request_callback()));
    let face = Face {
        plugin: clap_plugin {
            destroy: Some(destroy),
            activate: Some(activate),
            deactivate: Some(deactivate),
            process: Some(process),
            get_extension: Some(get_extension),
            on_main_thread: Some(on_main_thread),
            ..inner
        },
        inner,
        inner_params: *inner_params,
        inner_state: *inner_state,
        params: clap_plugin_params {
            count: Some(count),
            get_info: Some(get_info),
            get_value: Some(get_value),
            value_to_text: Some(value_to_text),
            text_to_value: Some(text_to_value),
            flush: Some(flush),
        },
        state: clap_plugin_state { load: Some(load), ..*inner_state },
        host,
        desk,
        is_active: AtomicBool::new(false),
        told: Told::default(),
    };
    Box::into_raw(Box::new(face)).cast()
}

unsafe extern "C" fn destroy(plugin: *const clap_plugin) {
    // SAFETY: the host calls this once and last; `create_plugin` made it of a box.
    let face = unsafe { Box::from_raw(plugin.cast_mut().cast::<Face>()) };
    inner!(face.inner, destroy(plugin), else ());
}

unsafe extern "C" fn activate(
    plugin: *const clap_plugin,
    rate: f64,
    min_frames: u32,
    max_frames: u32,
) -> bool {
    // SAFETY: the host's pointer to this instance.
    let face = unsafe { face(plugin) };
    let is_active = inner!(face.inner, activate(plugin, rate, min_frames, max_frames), else false);
    face.is_active.store(is_active, Ordering::Relaxed);
    is_active
}

unsafe extern "C" fn deactivate(plugin: *const clap_plugin) {
    // SAFETY: the host's pointer to this instance.
    let face = unsafe { face(plugin) };
    inner!(face.inner, deactivate(plugin), else ());
    face.is_active.store(false, Ordering::Relaxed);
}

/// Audio thread. No allocation, lock or system call.
unsafe extern "C" fn process(
    plugin: *const clap_plugin,
    process: *const clap_process,
) -> clap_process_status {
    // SAFETY: the host's pointer to this instance.
    let face = unsafe { face(plugin) };
    let status = inner!(face.inner, process(plugin, process), else CLAP_PROCESS_ERROR);
    // SAFETY: the host lends both for the call.
    let lent =
        unsafe { process.as_ref().map(|block| (block.frames_count, block.out_events.as_ref())) };
    if let Some((frames @ 1.., Some(out))) = lent {
        face.tell(out, frames - 1);
    }
    status
}

unsafe extern "C" fn get_extension(plugin: *const clap_plugin, id: *const c_char) -> *const c_void {
    // SAFETY: the host's pointer to this instance, and a text or nothing.
    let (face, wanted) = unsafe { (face(plugin), id.as_ref().map(|id| CStr::from_ptr(id))) };
    match wanted {
        Some(id) if id == CLAP_EXT_PARAMS => (&raw const face.params).cast(),
        Some(id) if id == CLAP_EXT_STATE => (&raw const face.state).cast(),
        _ => inner!(face.inner, get_extension(plugin, id), else null()),
    }
}

unsafe extern "C" fn on_main_thread(plugin: *const clap_plugin) {
    // SAFETY: the host's pointer to this instance.
    let face = unsafe { face(plugin) };
    inner!(face.inner, on_main_thread(plugin), else ());
    face.retell();
}

unsafe extern "C" fn load(plugin: *const clap_plugin, stream: *const clap_istream) -> bool {
    // SAFETY: the host's pointer to this instance.
    let face = unsafe { face(plugin) };
    let loaded = face.desk.load(|| inner!(face.inner_state, load(plugin, stream), else false));
    face.desk.attend();
    loaded
}

unsafe extern "C" fn count(plugin: *const clap_plugin) -> u32 {
    // SAFETY: the host's pointer to this instance.
    let face = unsafe { face(plugin) };
    face.settings(plugin) + readings::COUNT as u32
}

unsafe extern "C" fn get_info(
    plugin: *const clap_plugin,
    index: u32,
    info: *mut clap_param_info,
) -> bool {
    // SAFETY: the host's pointer to this instance.
    let face = unsafe { face(plugin) };
    let Some(place) = index.checked_sub(face.settings(plugin)) else {
        let known = inner!(face.inner_params, get_info(plugin, index, info), else false);
        // SAFETY: the host lends a place for the answer.
        if let Some(info) = unsafe { info.as_mut() }.filter(|info| readings::is_menu(info.id)) {
            info.flags |= CLAP_PARAM_IS_ENUM;
        }
        return known;
    };
    let Some(reading) = READINGS.get(place as usize) else { return false };
    if info.is_null() {
        return false;
    }
    let kind = if reading.is_status { CLAP_PARAM_IS_STEPPED | CLAP_PARAM_IS_ENUM } else { 0 };
    let mut answer = clap_param_info {
        id: readings::number_of(reading.id),
        flags: CLAP_PARAM_IS_READONLY | kind,
        cookie: std::ptr::null_mut(),
        name: [0; _],
        module: [0; _],
        min_value: 0.0,
        max_value: reading.max,
        default_value: 0.0,
    };
    write_text(&mut answer.name, reading.name);
    write_text(&mut answer.module, "Meter");
    // SAFETY: the host lends a place for the answer.
    unsafe { info.write(answer) };
    true
}

unsafe extern "C" fn get_value(plugin: *const clap_plugin, id: u32, value: *mut f64) -> bool {
    // SAFETY: the host's pointer to this instance.
    let face = unsafe { face(plugin) };
    match readings::place_of(id) {
        Some(_) if value.is_null() => false,
        Some(place) => {
            // SAFETY: the host lends a place for the answer.
            unsafe { value.write(face.desk.values.get(place)) };
            true
        }
        None => inner!(face.inner_params, get_value(plugin, id, value), else false),
    }
}

unsafe extern "C" fn value_to_text(
    plugin: *const clap_plugin,
    id: u32,
    value: f64,
    text: *mut c_char,
    capacity: u32,
) -> bool {
    // SAFETY: the host's pointer to this instance.
    let face = unsafe { face(plugin) };
    let Some(place) = readings::place_of(id) else {
        return inner!(face.inner_params, value_to_text(plugin, id, value, text, capacity), else false);
    };
    if text.is_null() || capacity == 0 {
        return false;
    }
    // SAFETY: the host lends so many bytes.
    let buffer = unsafe { std::slice::from_raw_parts_mut(text, capacity as usize) };
    write_text(buffer, &face.desk.values.to_text(place, value, true));
    true
}

unsafe extern "C" fn text_to_value(
    plugin: *const clap_plugin,
    id: u32,
    text: *const c_char,
    value: *mut f64,
) -> bool {
    // SAFETY: the host's pointer to this instance.
    let face = unsafe { face(plugin) };
    let Some(place) = readings::place_of(id) else {
        return inner!(face.inner_params, text_to_value(plugin, id, text, value), else false);
    };
    if text.is_null() || value.is_null() {
        return false;
    }
    // SAFETY: the host passes a text.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
    let meant = face.desk.values.to_value(place, &text);
    if let Some(meant) = meant {
        // SAFETY: the host lends a place for the answer.
        unsafe { value.write(meant) };
    }
    meant.is_some()
}

/// Main thread while inactive, else the audio thread.
unsafe extern "C" fn flush(
    plugin: *const clap_plugin,
    events: *const clap_input_events,
    out: *const clap_output_events,
) {
    // SAFETY: the host's pointer to this instance.
    let face = unsafe { face(plugin) };
    inner!(face.inner_params, flush(plugin, events, out), else ());
    if !face.is_active.load(Ordering::Relaxed) {
        face.desk.attend();
        face.retell();
    }
    // SAFETY: the host lends it for the call.
    if let Some(out) = unsafe { out.as_ref() } {
        face.tell(out, 0);
    }
}

impl Face {
    /// How many parameters the framework has.
    fn settings(&self, plugin: *const clap_plugin) -> u32 {
        inner!(self.inner_params, count(plugin), else 0)
    }

    /// Tells the host what is new among the readings.
    ///
    /// Audio thread. No allocation, lock or system call.
    fn tell(&self, out: &clap_output_events, time: u32) {
        let Some(push) = out.try_push else { return };
        self.told.catch_up(&self.desk.values, |place, value| {
            let Some(reading) = READINGS.get(place) else { return true };
            let event = clap_event_param_value {
                header: clap_event_header {
                    size: size_of::<clap_event_param_value>() as u32,
                    time,
                    space_id: CLAP_CORE_EVENT_SPACE_ID,
                    type_: CLAP_EVENT_PARAM_VALUE,
                    flags: 0,
                },
                param_id: readings::number_of(reading.id),
                cookie: std::ptr::null_mut(),
                note_id: -1,
                port_index: -1,
                channel: -1,
                key: -1,
                value,
            };
            // SAFETY: the event outlives the call; the host copies it.
            unsafe { push(out, (&raw const event).cast()) }
        });
    }

    /// Tells the host of parameters that we have changed ourselves, and of new texts.
    ///
    /// Main thread.
    fn retell(&self) {
        // SAFETY: on the main thread the host's extensions may be called, and are tables of its own or nothing.
        unsafe {
            let Some(get) = (*self.host).get_extension else { return };
            let params = get(self.host, CLAP_EXT_PARAMS.as_ptr()).cast::<clap_host_params>();
            if let Some(rescan) = params.as_ref().and_then(|params| params.rescan) {
                rescan(self.host, CLAP_PARAM_RESCAN_VALUES | CLAP_PARAM_RESCAN_TEXT);
            }
            let state = get(self.host, CLAP_EXT_STATE.as_ptr()).cast::<clap_host_state>();
            if self.desk.take_retell()
                && let Some(mark_dirty) = state.as_ref().and_then(|state| state.mark_dirty)
            {
                mark_dirty(self.host);
            }
        }
    }
}

/// Writes a text and its closing zero, as much as there is room for.
fn write_text(buffer: &mut [c_char], text: &str) {
    let room = buffer.len().saturating_sub(1);
    let end = (0..=room.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    let bytes = text.as_bytes()[..end].iter().map(|byte| *byte as c_char).chain([0]);
    for (place, byte) in buffer.iter_mut().zip(bytes) {
        *place = byte;
    }
}
