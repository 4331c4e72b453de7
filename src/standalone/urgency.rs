//! What must not wait for other programs: threads that play, send and plan ask the system to run first.

use thread_priority::{ThreadPriority, set_current_thread_priority};

/// What a thread is for. Those above go before those below, and all of them before what has no time to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// Computes sound.
    Playing,
    /// Sends notes that are due.
    Sending,
    /// Plans notes that will be due in a tenth of a second.
    Planning,
}

impl Urgency {
    /// Asks for the calling thread: as real-time thread, else before others, else nothing changes. Who may have a
    /// real-time thread is up to the system: on Linux root and the members of a group, often `audio`. A system call.
    pub fn claim(self) {
        if !self.in_real_time() {
            // 75 of 100 is a nice value of -10, for a system that lets us have that at least.
            if let Ok(before_others) = 75.try_into() {
                let _ = set_current_thread_priority(ThreadPriority::Crossplatform(before_others));
            }
        }
    }

    /// Below what audio servers give themselves and their clients, from 55 for those of jackd with `-P 60` to 83 for
    /// `PipeWire`'s: a plan may be late by a period, sound may not.
    #[cfg(unix)]
    fn in_real_time(self) -> bool {
        use thread_priority::{
            RealtimeThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy,
            thread_native_id,
        };
        let percent: u8 = match self {
            Self::Playing => 40,
            Self::Sending => 30,
            Self::Planning => 20,
        };
        let Ok(percent) = percent.try_into() else { return false };
        let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::RoundRobin);
        let priority = ThreadPriority::Crossplatform(percent);
        set_thread_priority_and_policy(thread_native_id(), priority, policy).is_ok()
    }

    #[cfg(not(unix))]
    fn in_real_time(self) -> bool {
        let wanted = match self {
            Self::Playing | Self::Sending => ThreadPriority::Max,
            Self::Planning => return false,
        };
        set_current_thread_priority(wanted).is_ok()
    }
}
