//! The compiler of the build: `compiler BUNDLE BYTECODE`. The executable has no parser of scripts.
#![no_std]
#![no_main]

extern crate alloc;

// Memory alone is wanted of it, and no image.
#[allow(dead_code)]
mod arena;
mod block;
mod compile;
mod last_words;
mod no_clock;
mod text;

use alloc::string::ToString;
use core::ffi::{c_char, c_int};
use host::{kernel, process};

/// # Safety
/// The C library calls it once, with the arguments of the process.
#[unsafe(no_mangle)]
unsafe extern "C" fn main(_count: c_int, arguments: *const *const c_char) -> c_int {
    // SAFETY: the list is the one that `main` got.
    unsafe { process::prepare(arguments) };
    let arguments = process::argv();
    let [bundle, bytecode] = arguments.as_slice() else {
        return text::refuse(&["usage: compiler BUNDLE BYTECODE"]);
    };
    let bytes = match compile::compile(bundle) {
        Ok(bytes) => bytes,
        Err(problem) => return text::refuse(&[&problem]),
    };
    let file = kernel::open(bytecode.to_string(), i64::from(libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC), 0o644);
    if process::write_all(file, &bytes) { 0 } else { text::refuse(&["cannot write ", bytecode]) }
}
