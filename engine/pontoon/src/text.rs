//! What the engine says, as text.
use alloc::string::{String, ToString};
use core::ffi::c_int;
use core::slice;
use host::kernel;
use rquickjs_sys as js;

/// Says on stderr why nothing was built. Gives the exit status.
pub fn refuse(parts: &[&str]) -> c_int {
    kernel::write(2, ["pontoon: ", &parts.concat(), "\n"].concat().as_bytes());
    1
}

/// What the engine has thrown, as text.
///
/// # Safety
/// `context` is alive.
pub unsafe fn exception(context: *mut js::JSContext) -> String {
    // SAFETY: the caller's promise, and the exception is a value of this context.
    unsafe { text_of(context, js::JS_GetException(context)) }
}

/// An error with its stack.
///
/// # Safety
/// `error` is a value of `context`, and both are alive.
unsafe fn text_of(context: *mut js::JSContext, error: js::JSValue) -> String {
    // SAFETY: the caller's promise.
    let text = |value| unsafe { text(context, value) }.unwrap_or_default();
    // SAFETY: as above, and the name ends with NUL.
    let stack = unsafe { js::JS_GetPropertyStr(context, error, c"stack".as_ptr()) };
    [text(error), text(stack)].join("\n")
}

/// A value as text; `None` when the engine has thrown.
///
/// # Safety
/// `value` is one of `context`, and both are alive.
pub unsafe fn text(context: *mut js::JSContext, value: js::JSValue) -> Option<String> {
    // SAFETY: the caller's promise; the engine gives as many bytes as it says, which stay until they are given back.
    unsafe {
        let mut length = 0;
        let start = js::JS_ToCStringLen2(context, &mut length, value, false);
        if start.is_null() {
            return None;
        }
        let text = well_formed(slice::from_raw_parts(start.cast(), length as usize));
        js::JS_FreeCString(context, start);
        Some(text)
    }
}

/// Text of the engine is UTF-8, but half of a surrogate pair is in it by its number (ED A0 80 to ED BF BF); it becomes U+FFFD, as long.
fn well_formed(bytes: &[u8]) -> String {
    if let Ok(text) = str::from_utf8(bytes) {
        return text.to_string();
    }
    let mut bytes = bytes.to_vec();
    for at in 0..bytes.len().saturating_sub(2) {
        if bytes[at] == 0xed && bytes[at + 1] >= 0xa0 {
            bytes[at..at + 3].copy_from_slice("\u{fffd}".as_bytes());
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
