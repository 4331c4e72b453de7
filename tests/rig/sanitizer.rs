//! The guard of LLVM's real-time sanitizer: whatever allocates, frees, locks, reads, writes or else may block
//! in a guarded call, in any library of this process, prints its stack and ends the program.
//!
//! Its runtime comes with Rust and is linked by `cargo xtask realtime`.
#![expect(unsafe_code, reason = "the sanitizer is a C library")]

/// The exit code of a program that it ended.
pub(crate) const CODE: i32 = 43;

/// What it calls the plants.
pub(crate) const FOUND: &str = "RealtimeSanitizer: unsafe-library-call";

unsafe extern "C" {
    safe fn __rtsan_ensure_initialized();
    safe fn __rtsan_realtime_enter();
    safe fn __rtsan_realtime_exit();
}

/// Prepares this thread.
#[expect(clippy::unnecessary_wraps, reason = "the other guard can't be had everywhere")]
pub(crate) fn arm() -> Result<(), String> {
    __rtsan_ensure_initialized();
    Ok(())
}

/// Runs `call` as real-time code.
pub(crate) fn guard(call: &mut dyn FnMut()) {
    __rtsan_realtime_enter();
    call();
    __rtsan_realtime_exit();
}

/// What a plugin must never do in the middle of a block.
pub(crate) fn plant() {
    drop(std::hint::black_box(vec![0_u8]));
}
