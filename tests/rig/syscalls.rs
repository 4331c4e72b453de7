//! The guard of the kernel's syscall user dispatch: whatever a guarded call asks of the kernel prints its stack
//! and ends the program.
#![expect(unsafe_code, reason = "the kernel is asked to watch us")]

use std::cell::Cell;
use std::ffi::{c_int, c_ulong, c_void};
use std::io::Write as _;
use std::sync::atomic::{Ordering, compiler_fence};

/// The exit code of a program that it ended.
pub(crate) const CODE: i32 = 44;

/// What it calls the plants.
pub(crate) const FOUND: &str = "system call";

const PR_SET_SYSCALL_USER_DISPATCH: c_int = 59;
const PR_SYS_DISPATCH_ON: c_ulong = 1;
const ALLOW: u8 = 0;
const BLOCK: u8 = 1;

thread_local! {
    /// Read by the kernel at each system call of this thread.
    static SELECTOR: Cell<u8> = const { Cell::new(ALLOW) };
}

/// Asks the kernel to watch this thread.
pub(crate) fn arm() -> Result<(), String> {
    // Where the clock can't be read without the kernel, the vDSO asks it itself: no fault of whoever reads it.
    let (offset, length) = vdso();
    let mut first = [std::ptr::null_mut(); 1];
    // SAFETY: room for one frame. The first call loads a library, which the handler must not.
    unsafe { libc::backtrace(first.as_mut_ptr(), 1) };
    // SAFETY: the handler and the selector stay where they are as long as the thread.
    let result = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = caught as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_NODEFER;
        assert_eq!(libc::sigaction(libc::SIGSYS, &raw const action, std::ptr::null_mut()), 0);
        let selector = SELECTOR.with(Cell::as_ptr);
        libc::prctl(
            PR_SET_SYSCALL_USER_DISPATCH,
            PR_SYS_DISPATCH_ON,
            offset as c_ulong,
            length as c_ulong,
            selector,
        )
    };
    if result == 0 {
        return Ok(());
    }
    let error = std::io::Error::last_os_error();
    Err(format!("this kernel has no syscall user dispatch: {error}"))
}

/// Runs `call`, which must not ask anything of the kernel.
pub(crate) fn guard(call: &mut dyn FnMut()) {
    SELECTOR.set(BLOCK);
    compiler_fence(Ordering::SeqCst);
    call();
    compiler_fence(Ordering::SeqCst);
    SELECTOR.set(ALLOW);
}

/// What a plugin must never do in the middle of a block.
pub(crate) fn plant() {
    std::thread::yield_now();
}

/// Tells which system call it was and whose, and ends the program.
extern "C" fn caught(_: c_int, _: *mut libc::siginfo_t, context: *mut c_void) {
    SELECTOR.set(ALLOW);
    // SAFETY: the kernel hands over the registers of this thread.
    let number = unsafe {
        let context = &*context.cast::<libc::ucontext_t>();
        context.uc_mcontext.gregs[libc::REG_RAX as usize]
    };
    // Nothing here allocates: the call may be the allocator's own. And the test harness would keep what is printed
    // its way.
    let mut line = std::io::Cursor::new([0_u8; 64]);
    let _ = writeln!(line, "system call {number} on the audio thread:");
    let mut frames = [std::ptr::null_mut(); 64];
    // SAFETY: as many bytes and frames as there are; then the program ends at once.
    unsafe {
        libc::write(2, line.get_ref().as_ptr().cast(), line.position() as usize);
        let count = libc::backtrace(frames.as_mut_ptr(), frames.len() as c_int);
        libc::backtrace_symbols_fd(frames.as_ptr(), count, 2);
        libc::_exit(CODE)
    }
}

/// The address and the size of the kernel's own library in this process; none is all zeros.
fn vdso() -> (usize, usize) {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let line = maps.lines().find(|line| line.ends_with("[vdso]"));
    let range = line.and_then(|line| line.split_whitespace().next()?.split_once('-'));
    let hex = |text| usize::from_str_radix(text, 16).unwrap_or(0);
    range.map_or((0, 0), |(begin, end)| (hex(begin), hex(end) - hex(begin)))
}
