//! The clock that the engine does not have.
use core::ffi::c_int;

/// The engine is compiled with this name in the place of `gettimeofday`, which it asks for the seed of `Math.random`.
/// It has no clock, so the time stays as the caller wrote it; `Math.random` is not there.
///
/// # Safety
/// `time` is a `struct timeval`.
#[unsafe(no_mangle)]
unsafe extern "C" fn pontoon_no_clock(time: *mut libc::timeval, _: *mut libc::c_void) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { time.write(libc::timeval { tv_sec: 0, tv_usec: 0 }) };
    0
}
