//! Automation in VST3, kept from the framework: on Linux it would wake a thread for each change, a system call on the audio
//! thread, to repaint a window that repaints by itself.
//!
//! The face notes what the host changes and where in the block, and shows the framework the same changes with a number that it
//! does not know: it cuts the block there and changes nothing. Each piece of the block then begins with what is due by then.

use std::ptr;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize};

use nice_plug::params::internals::ParamPtr;
use nice_plug::wrapper::vst3::vst3::Steinberg::Vst::{
    IParamValueQueue, IParamValueQueueTrait, IParameterChanges, IParameterChangesTrait, ParamID,
    ParamValue,
};
use nice_plug::wrapper::vst3::vst3::Steinberg::{kResultFalse, kResultOk, tresult};
use nice_plug::wrapper::vst3::vst3::{Class, ComRef, ComWrapper};

/// Changes of a block that are made on their samples; what goes beyond, as no host sends, is made at once.
const CAPACITY: usize = 2_048;

/// A number that no parameter has: the framework's own are below 2^31.
const NOBODY: ParamID = u32::MAX;

/// A change that was made.
const DONE: u64 = u64::MAX;

/// The changes of a block. Of the audio thread; atomics only because hosts may change that.
pub(crate) struct Automation {
    /// The parameters by number.
    params: Vec<(u32, ParamPtr)>,
    /// Sample, place among the parameters and bits of the value.
    changes: Box<[(AtomicU64, AtomicU32)]>,
    count: AtomicUsize,
    /// Samples of the block that have been played.
    played: AtomicU32,
}

impl Automation {
    /// Nothing yet, for these parameters by number. They must outlive it.
    pub(crate) fn new(params: Vec<(u32, ParamPtr)>) -> Self {
        let change = || (AtomicU64::new(DONE), AtomicU32::new(0));
        Self {
            params,
            changes: (0..CAPACITY).map(|_| change()).collect(),
            count: AtomicUsize::new(0),
            played: AtomicU32::new(0),
        }
    }

    /// Notes the changes of a block of so many samples.
    ///
    /// Audio thread. No allocation, lock or system call.
    #[expect(unsafe_code, reason = "the host's objects are called over COM")]
    pub(crate) fn note(&self, changes: ComRef<'_, IParameterChanges>, samples: u32) {
        self.count.store(0, Relaxed);
        self.played.store(0, Relaxed);
        // SAFETY: the host's objects live for the call.
        let queues = unsafe { changes.getParameterCount() };
        for index in 0..queues {
            // SAFETY: as above; an index within the count.
            let queue = unsafe { ComRef::from_raw(changes.getParameterData(index)) };
            let Some(queue) = queue else { continue };
            // SAFETY: as above.
            let (number, points) = unsafe { (queue.getParameterId(), queue.getPointCount()) };
            let Some(place) = self.place(number) else { continue };
            for point in 0..points {
                let (mut sample, mut value) = (0, 0.0);
                // SAFETY: as above; both places outlive the call.
                let told = unsafe { queue.getPoint(point, &raw mut sample, &raw mut value) };
                if told == kResultOk && (value as f32).is_finite() {
                    let sample = sample.max(0) as u32;
                    self.add(sample.min(samples.saturating_sub(1)), place, value as f32);
                }
            }
        }
    }

    fn place(&self, number: u32) -> Option<usize> {
        self.params.iter().position(|(known, _)| *known == number)
    }

    fn add(&self, sample: u32, place: usize, value: f32) {
        let count = self.count.load(Relaxed);
        let Some((change, bits)) = self.changes.get(count) else { return self.turn(place, value) };
        bits.store(value.to_bits(), Relaxed);
        change.store(u64::from(sample) << 32 | place as u64, Relaxed);
        self.count.store(count + 1, Relaxed);
    }

    /// Makes the changes that are due where a piece of the block begins that is so many samples long.
    ///
    /// Audio thread. No allocation, lock or system call.
    pub(crate) fn begin_piece(&self, samples: usize) {
        let begins = self.played.load(Relaxed);
        self.make(begins);
        self.played.store(begins.saturating_add(samples as u32), Relaxed);
    }

    /// Makes the changes that are left when the block is over: all, where nothing was played.
    ///
    /// Audio thread. No allocation, lock or system call.
    pub(crate) fn end(&self) {
        self.make(u32::MAX);
        self.count.store(0, Relaxed);
    }

    #[expect(unsafe_code, reason = "the framework has no safe way without an editor")]
    fn turn(&self, place: usize, value: f32) {
        if let Some((_, param)) = self.params.get(place) {
            // SAFETY: the parameters outlive this, and all that one holds is atomic.
            unsafe { param._internal_set_normalized_value(value) };
        }
    }

    fn make(&self, until: u32) {
        let count = self.count.load(Relaxed).min(self.changes.len());
        for (change, bits) in &self.changes[..count] {
            let word = change.load(Relaxed);
            if word == DONE || (word >> 32) as u32 > until {
                continue;
            }
            change.store(DONE, Relaxed);
            self.turn((word & 0xffff_ffff) as usize, f32::from_bits(bits.load(Relaxed)));
        }
    }
}

/// The host's changes as the framework sees them. One for each instance, lent the host's for each block.
pub(crate) struct Veil(ComWrapper<Changes>);

/// What stands for the host's list.
struct Changes {
    host: AtomicPtr<IParameterChanges>,
    queue: ComWrapper<Queue>,
}

/// What stands for the queue that was asked for last.
struct Queue {
    host: AtomicPtr<IParamValueQueue>,
    /// The parameters that are hidden.
    numbers: Vec<u32>,
}

impl Veil {
    /// One over parameters of these numbers.
    pub(crate) fn new(numbers: &[u32]) -> Self {
        let queue = Queue { host: AtomicPtr::new(ptr::null_mut()), numbers: numbers.to_vec() };
        let host = AtomicPtr::new(ptr::null_mut());
        Self(ComWrapper::new(Changes { host, queue: ComWrapper::new(queue) }))
    }

    /// Lays it over the host's list, for one block.
    ///
    /// Audio thread. No allocation, lock or system call.
    pub(crate) fn over(&self, host: *mut IParameterChanges) -> *mut IParameterChanges {
        self.0.host.store(host, Relaxed);
        self.0.as_com_ref::<IParameterChanges>().map_or(host, |changes| changes.as_ptr())
    }
}

impl Class for Changes {
    type Interfaces = (IParameterChanges,);
}

impl Class for Queue {
    type Interfaces = (IParamValueQueue,);
}

#[expect(unsafe_code, reason = "the host's objects are called over COM")]
impl IParameterChangesTrait for Changes {
    unsafe fn getParameterCount(&self) -> i32 {
        // SAFETY: the host's list lives for the block that it is veiled for.
        let host = unsafe { ComRef::from_raw(self.host.load(Relaxed)) };
        // SAFETY: as above.
        host.map_or(0, |host| unsafe { host.getParameterCount() })
    }

    unsafe fn getParameterData(&self, index: i32) -> *mut IParamValueQueue {
        // SAFETY: the host's list lives for the block that it is veiled for.
        let host = unsafe { ComRef::from_raw(self.host.load(Relaxed)) };
        // SAFETY: as above.
        let queue = host.map_or(ptr::null_mut(), |host| unsafe { host.getParameterData(index) });
        if queue.is_null() {
            return queue;
        }
        self.queue.host.store(queue, Relaxed);
        self.queue.as_com_ref::<IParamValueQueue>().map_or(queue, |queue| queue.as_ptr())
    }

    unsafe fn addParameterData(&self, _: *const ParamID, _: *mut i32) -> *mut IParamValueQueue {
        ptr::null_mut()
    }
}

#[expect(unsafe_code, reason = "the host's objects are called over COM")]
impl IParamValueQueueTrait for Queue {
    unsafe fn getParameterId(&self) -> ParamID {
        // SAFETY: the host's queue lives for the block that it is veiled for.
        let host = unsafe { ComRef::from_raw(self.host.load(Relaxed)) };
        // SAFETY: as above.
        let number = host.map_or(NOBODY, |host| unsafe { host.getParameterId() });
        if self.numbers.contains(&number) { NOBODY } else { number }
    }

    unsafe fn getPointCount(&self) -> i32 {
        // SAFETY: the host's queue lives for the block that it is veiled for.
        let host = unsafe { ComRef::from_raw(self.host.load(Relaxed)) };
        // SAFETY: as above.
        host.map_or(0, |host| unsafe { host.getPointCount() })
    }

    unsafe fn getPoint(&self, index: i32, sample: *mut i32, value: *mut ParamValue) -> tresult {
        // SAFETY: the host's queue lives for the block that it is veiled for.
        let host = unsafe { ComRef::from_raw(self.host.load(Relaxed)) };
        // SAFETY: as above; the caller's pointers, passed on.
        host.map_or(kResultFalse, |host| unsafe { host.getPoint(index, sample, value) })
    }

    unsafe fn addPoint(&self, _: i32, _: ParamValue, _: *mut i32) -> tresult {
        kResultFalse
    }
}
