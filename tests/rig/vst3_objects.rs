//! The objects that a VST3 host lends to a plugin: lists of events, queues of points, streams of bytes.
#![expect(unsafe_code, reason = "VST3 is COM: every call is one into foreign memory")]
#![allow(clippy::unnecessary_cast, reason = "the format's enumerations are signed on Windows")]

use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::ptr::null_mut;

use vst3::Steinberg::IBStream_::IStreamSeekMode_ as Seek;
use vst3::Steinberg::Vst::{
    Event, IComponentHandler, IComponentHandlerTrait, IEventList, IEventListTrait,
    IParamValueQueue, IParamValueQueueTrait, IParameterChanges, IParameterChangesTrait,
    RestartFlags_,
};
use vst3::Steinberg::{IBStream, IBStreamTrait, kResultFalse, kResultOk, tresult};
use vst3::{Class, ComPtr, ComWrapper};

/// A list of events that takes up to `room`. Allocates nothing while it has the capacity, but for a plant.
pub(crate) struct Events {
    list: RefCell<Vec<Event>>,
    room: usize,
    plant: fn(),
}

impl Events {
    /// A list that holds these, and does `plant` with each that it takes.
    pub(crate) fn new(events: Vec<Event>, room: usize, plant: fn()) -> Self {
        Self { list: RefCell::new(events), room, plant }
    }

    /// Takes all events out.
    pub(crate) fn take(&self) -> Vec<Event> {
        self.list.take()
    }
}

impl Class for Events {
    type Interfaces = (IEventList,);
}

impl IEventListTrait for Events {
    unsafe fn getEventCount(&self) -> i32 {
        self.list.borrow().len() as i32
    }

    unsafe fn getEvent(&self, index: i32, event: *mut Event) -> tresult {
        let Some(found) = self.list.borrow().get(index as usize).copied() else {
            return kResultFalse;
        };
        // SAFETY: the caller lends a place for one event.
        unsafe { event.write(found) };
        kResultOk
    }

    unsafe fn addEvent(&self, event: *mut Event) -> tresult {
        (self.plant)();
        if self.list.borrow().len() >= self.room {
            return kResultFalse;
        }
        // SAFETY: the caller lends one event.
        self.list.borrow_mut().push(unsafe { event.read() });
        kResultOk
    }
}

/// One queue of points for each parameter.
pub(crate) struct Changes {
    queues: Vec<ComPtr<IParamValueQueue>>,
}

impl Changes {
    /// Points as (parameter, sample, value).
    pub(crate) fn new(points: &[(u32, u32, f64)]) -> Self {
        let mut ids: Vec<u32> = points.iter().map(|p| p.0).collect();
        ids.sort_unstable();
        ids.dedup();
        let queue = |id: u32| {
            let points = points.iter().filter(|p| p.0 == id).map(|p| (p.1, p.2)).collect();
            ComWrapper::new(Queue { id: Cell::new(id), points: RefCell::new(points) })
                .to_com_ptr()
                .unwrap()
        };
        Self { queues: ids.into_iter().map(queue).collect() }
    }
}

impl Class for Changes {
    type Interfaces = (IParameterChanges,);
}

impl IParameterChangesTrait for Changes {
    unsafe fn getParameterCount(&self) -> i32 {
        self.queues.len() as i32
    }

    unsafe fn getParameterData(&self, index: i32) -> *mut IParamValueQueue {
        self.queues.get(index as usize).map_or(null_mut(), ComPtr::as_ptr)
    }

    unsafe fn addParameterData(&self, _: *const u32, _: *mut i32) -> *mut IParamValueQueue {
        null_mut()
    }
}

/// Parameters that the plugin tells new values of, each in a queue of its own. Allocates nothing once it is made.
pub(crate) struct Told {
    queues: Vec<ComWrapper<Queue>>,
    used: Cell<usize>,
}

impl Default for Told {
    fn default() -> Self {
        let queue = || {
            let points = RefCell::new(Vec::with_capacity(4));
            ComWrapper::new(Queue { id: Cell::new(0), points })
        };
        Self { queues: std::iter::repeat_with(queue).take(128).collect(), used: Cell::new(0) }
    }
}

impl Told {
    /// Forgets all.
    pub(crate) fn clear(&self) {
        self.used.set(0);
    }

    /// The last value of each, by id.
    pub(crate) fn last(&self) -> Vec<(u32, f64)> {
        let last =
            |queue: &ComWrapper<Queue>| Some((queue.id.get(), queue.points.borrow().last()?.1));
        self.queues[..self.used.get()].iter().filter_map(last).collect()
    }
}

impl Class for Told {
    type Interfaces = (IParameterChanges,);
}

impl IParameterChangesTrait for Told {
    unsafe fn getParameterCount(&self) -> i32 {
        self.used.get() as i32
    }

    unsafe fn getParameterData(&self, _: i32) -> *mut IParamValueQueue {
        null_mut()
    }

    unsafe fn addParameterData(&self, id: *const u32, index: *mut i32) -> *mut IParamValueQueue {
        let used = self.used.get();
        let Some(queue) = self.queues.get(used) else { return null_mut() };
        self.used.set(used + 1);
        queue.points.borrow_mut().clear();
        // SAFETY: the plugin lends the id, and a place for the index.
        unsafe {
            queue.id.set(*id);
            index.write(used as i32);
        }
        // Queues are lent, not given: the list keeps the reference.
        queue.as_com_ref::<IParamValueQueue>().unwrap().as_ptr()
    }
}

struct Queue {
    id: Cell<u32>,
    points: RefCell<Vec<(u32, f64)>>,
}

impl Class for Queue {
    type Interfaces = (IParamValueQueue,);
}

impl IParamValueQueueTrait for Queue {
    unsafe fn getParameterId(&self) -> u32 {
        self.id.get()
    }

    unsafe fn getPointCount(&self) -> i32 {
        self.points.borrow().len() as i32
    }

    unsafe fn getPoint(&self, index: i32, offset: *mut i32, value: *mut f64) -> tresult {
        let points = self.points.borrow();
        let Some(point) = points.get(index as usize) else { return kResultFalse };
        // SAFETY: the caller lends a place for each.
        unsafe {
            offset.write(point.0 as i32);
            value.write(point.1);
        }
        kResultOk
    }

    unsafe fn addPoint(&self, offset: i32, value: f64, _: *mut i32) -> tresult {
        self.points.borrow_mut().push((offset as u32, value));
        kResultOk
    }
}

/// The host's ear: what the plugin asks for on the main thread.
#[derive(Default)]
pub(crate) struct Handler {
    /// Whether it asked for its values to be read again.
    pub(crate) rescan: Cell<bool>,
}

impl Class for Handler {
    type Interfaces = (IComponentHandler,);
}

impl IComponentHandlerTrait for Handler {
    unsafe fn beginEdit(&self, _: u32) -> tresult {
        kResultOk
    }

    unsafe fn performEdit(&self, _: u32, _: f64) -> tresult {
        kResultOk
    }

    unsafe fn endEdit(&self, _: u32) -> tresult {
        kResultOk
    }

    unsafe fn restartComponent(&self, flags: i32) -> tresult {
        if flags & RestartFlags_::kParamValuesChanged as i32 != 0 {
            self.rescan.set(true);
        }
        kResultOk
    }
}

/// A stream in memory.
#[derive(Default)]
pub(crate) struct Stream {
    bytes: RefCell<Vec<u8>>,
    place: Cell<usize>,
}

impl Stream {
    /// A stream that holds these and stands at their beginning.
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self { bytes: RefCell::new(bytes.to_vec()), place: Cell::new(0) }
    }

    /// What was written.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.bytes.borrow().clone()
    }
}

impl Class for Stream {
    type Interfaces = (IBStream,);
}

impl IBStreamTrait for Stream {
    unsafe fn read(&self, buffer: *mut c_void, count: i32, done: *mut i32) -> tresult {
        let bytes = self.bytes.borrow();
        let rest = &bytes[self.place.get().min(bytes.len())..];
        let count = rest.len().min(count.max(0) as usize);
        // SAFETY: the caller lends `count` bytes, and a place for the answer or none.
        unsafe {
            buffer.cast::<u8>().copy_from(rest.as_ptr(), count);
            if !done.is_null() {
                done.write(count as i32);
            }
        }
        self.place.set(self.place.get() + count);
        kResultOk
    }

    unsafe fn write(&self, buffer: *mut c_void, count: i32, done: *mut i32) -> tresult {
        // SAFETY: the caller lends `count` bytes, and a place for the answer or none.
        unsafe {
            let bytes = std::slice::from_raw_parts(buffer.cast::<u8>(), count.max(0) as usize);
            self.bytes.borrow_mut().extend_from_slice(bytes);
            if !done.is_null() {
                done.write(count);
            }
        }
        kResultOk
    }

    unsafe fn seek(&self, to: i64, mode: i32, result: *mut i64) -> tresult {
        let base = match mode as u32 {
            mode if mode == Seek::kIBSeekSet as u32 => 0,
            mode if mode == Seek::kIBSeekCur as u32 => self.place.get() as i64,
            _ => self.bytes.borrow().len() as i64,
        };
        self.place.set((base + to).max(0) as usize);
        if !result.is_null() {
            // SAFETY: the caller lends a place for the answer.
            unsafe { result.write(self.place.get() as i64) };
        }
        kResultOk
    }

    unsafe fn tell(&self, place: *mut i64) -> tresult {
        // SAFETY: the caller lends a place for the answer.
        unsafe { place.write(self.place.get() as i64) };
        kResultOk
    }
}
