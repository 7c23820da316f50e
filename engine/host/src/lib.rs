//! The native functions of `src/sys/native.ts`: system calls, hashes, text, the process. No policy, no engine.
//!
//! An engine that carries Pontoon's TypeScript (crate `pontoon`), or a Node add-on, gives each of [`FUNCTIONS`] to its
//! scripts under its name. All it has to bring is [`Arguments`]: how its values become numbers, texts and bytes.
#![cfg_attr(not(test), no_std)]

extern crate alloc;

mod functions;
pub mod kernel;
pub mod process;

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

pub use functions::FUNCTIONS;

/// An argument that a function cannot take; the engine has thrown its exception already.
pub struct Refused;

/// The arguments of one call, as the engine holds them.
pub trait Arguments {
    /// A number without its fraction. Refused for anything else than a number.
    fn number(&mut self, at: usize) -> Result<i64, Refused>;
    /// A text as UTF-8; half of a surrogate pair is U+FFFD, as in the Encoding Standard (WHATWG). Refused for anything else than a text.
    fn text(&mut self, at: usize) -> Result<String, Refused>;
    /// The bytes of a Uint8Array, in place. Refused for anything else.
    fn bytes(&mut self, at: usize) -> Result<&mut [u8], Refused>;
    /// A list of texts. Refused for anything else.
    fn texts(&mut self, at: usize) -> Result<Vec<String>, Refused>;
}

/// What a function gives.
pub enum Answer<'a> {
    Undefined,
    Number(f64),
    Text(Cow<'a, str>),
    Bytes(Vec<u8>),
    Texts(Vec<String>),
}

/// A native function.
pub struct Function {
    pub name: &'static str,
    /// True when the answer depends on the arguments alone: it may be asked for while the program is built.
    pub is_pure: bool,
    pub call: for<'a> fn(&'a mut dyn Arguments) -> Result<Answer<'a>, Refused>,
}
