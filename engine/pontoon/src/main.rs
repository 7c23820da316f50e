//! Pontoon's executable: an engine whose heap, with every module loaded, was made when the program was built.
//!
//! What the linker makes has an empty heap. Run as `pontoon BYTECODE PARTS IMAGE` it loads the bundle that the compiler
//! (`compiler.rs`) has compiled, and writes its heap to the file IMAGE, with the parts that are loaded late behind it;
//! `scripts/build.mjs` puts these bytes into the executable, in the place of the empty heap. From then on a start calls `main` and
//! nothing else: no argument leads back here.
#![no_std]
#![no_main]

extern crate alloc;

mod arena;
mod block;
#[cfg(feature = "sanitized")]
mod compile;
mod engine;
mod last_words;
// It unpacks parts; the compiler packs them.
#[allow(dead_code)]
mod late;
mod making;
mod no_clock;
mod text;

use core::ffi::{c_char, c_int};
use host::{kernel, process};

/// # Safety
/// The C library calls it once, with the arguments of the process.
#[unsafe(no_mangle)]
unsafe extern "C" fn main(_count: c_int, arguments: *const *const c_char) -> c_int {
    // SAFETY: the list is the one that `main` got.
    unsafe { process::prepare(arguments) };
    #[cfg(feature = "sanitized")]
    if let Some(bundle) = process::getenv("PONTOON_BUNDLE".into()) {
        return engine::load_and_run(&bundle);
    }
    if arena::has_image() {
        return engine::run();
    }
    match process::argv().as_slice() {
        [bytecode, parts, image] => engine::make(bytecode, parts, image),
        _ => {
            kernel::write(2, b"usage: pontoon BYTECODE PARTS IMAGE\n");
            2
        }
    }
}
