//! The compiler of the build: `compiler BYTECODE PARTS BUNDLE [PART...]`. The executable has no parser of scripts.
//!
//! BYTECODE gets the bytecode of the script BUNDLE, PARTS that of the scripts that are loaded late, as `late.rs` reads it.
#![no_std]
#![no_main]

extern crate alloc;

// Memory alone is wanted of it, and no image.
#[allow(dead_code)]
mod arena;
mod block;
mod compile;
mod last_words;
// It packs parts; the engine unpacks them.
#[allow(dead_code)]
mod late;
mod no_clock;
mod text;

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ffi::{c_char, c_int};
use host::{kernel, process};

/// # Safety
/// The C library calls it once, with the arguments of the process.
#[unsafe(no_mangle)]
unsafe extern "C" fn main(_count: c_int, arguments: *const *const c_char) -> c_int {
    // SAFETY: the list is the one that `main` got.
    unsafe { process::prepare(arguments) };
    let arguments = process::argv();
    let [bytecode, parts, bundle, late @ ..] = arguments.as_slice() else {
        return text::refuse(&["usage: compiler BYTECODE PARTS BUNDLE [PART...]"]);
    };
    match compile::compile(bundle).and_then(|bytes| save(bytecode, &bytes)).and_then(|()| save(parts, &packed(late)?)) {
        Ok(()) => 0,
        Err(problem) => text::refuse(&[&problem]),
    }
}

/// The scripts in these files, as `late.rs` reads them.
fn packed(scripts: &[String]) -> Result<Vec<u8>, String> {
    let mut parts = Vec::new();
    for script in scripts {
        late::pack(&mut parts, &compile::compile(script)?);
    }
    Ok(parts)
}

fn save(path: &str, bytes: &[u8]) -> Result<(), String> {
    let file = kernel::open(path.to_string(), i64::from(libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC), 0o644);
    if process::write_all(file, bytes) { Ok(()) } else { Err(["cannot write ", path].concat()) }
}
