//! Node's values as the native functions take and give them.
use host::{Answer, Arguments, Refused};
use napi_sys::{Status, TypedarrayType, napi_callback_info, napi_env, napi_status, napi_value};
use std::ffi::{CString, c_void};
use std::{ptr, slice};

/// More than any function takes.
const MOST: usize = 8;

/// Node refuses none of the calls that go through here, but for want of memory.
pub fn check(status: napi_status) {
    assert_eq!(status, Status::napi_ok, "Node refused a call of the add-on");
}

/// The arguments of one call.
pub struct Values {
    env: napi_env,
    values: [napi_value; MOST],
}

impl Values {
    /// The arguments of the call, and the data of its function. An argument that was left out is undefined.
    ///
    /// # Safety
    /// `env` and `info` are those of the call that is running now.
    pub unsafe fn of(env: napi_env, info: napi_callback_info) -> (Self, *mut c_void) {
        let (mut values, mut count, mut data) = ([ptr::null_mut(); MOST], MOST, ptr::null_mut());
        // SAFETY: the caller's promise, and the count is that of the values.
        check(unsafe { napi_sys::napi_get_cb_info(env, info, &mut count, values.as_mut_ptr(), ptr::null_mut(), &mut data) });
        (Self { env, values }, data)
    }

    fn refuse(&self, at: usize, wanted: &str) -> Refused {
        let text = CString::new(format!("argument {} is no {wanted}", at + 1)).unwrap_or_default();
        // SAFETY: `of` was promised a call that is running now; the text ends with NUL.
        check(unsafe { napi_sys::napi_throw_type_error(self.env, ptr::null(), text.as_ptr()) });
        Refused
    }

    fn text_of(&self, value: napi_value) -> Option<String> {
        let mut length = 0;
        // SAFETY: a value of the call that is running now; with a null pointer only the length is asked for.
        let status = unsafe { napi_sys::napi_get_value_string_utf8(self.env, value, ptr::null_mut(), 0, &mut length) };
        if status != Status::napi_ok {
            return None;
        }
        // Node ends the text with a NUL.
        let mut bytes = vec![0_u8; length + 1];
        // SAFETY: as above, and the buffer is as long as it says.
        check(unsafe { napi_sys::napi_get_value_string_utf8(self.env, value, bytes.as_mut_ptr().cast(), bytes.len(), &mut length) });
        bytes.truncate(length);
        String::from_utf8(bytes).ok()
    }

    fn texts_of(&self, value: napi_value) -> Option<Vec<String>> {
        let mut length = 0;
        // SAFETY: a value of the call that is running now.
        if unsafe { napi_sys::napi_get_array_length(self.env, value, &mut length) } != Status::napi_ok {
            return None;
        }
        let text_at = |at| {
            let mut element = ptr::null_mut();
            // SAFETY: as above.
            check(unsafe { napi_sys::napi_get_element(self.env, value, at, &mut element) });
            self.text_of(element)
        };
        (0..length).map(text_at).collect()
    }
}

impl Arguments for Values {
    fn number(&mut self, at: usize) -> Result<i64, Refused> {
        let mut number = 0;
        // SAFETY: a value of the call that is running now.
        match unsafe { napi_sys::napi_get_value_int64(self.env, self.values[at], &mut number) } {
            Status::napi_ok => Ok(number),
            _ => Err(self.refuse(at, "number")),
        }
    }

    fn text(&mut self, at: usize) -> Result<String, Refused> {
        self.text_of(self.values[at]).ok_or_else(|| self.refuse(at, "text"))
    }

    fn bytes(&mut self, at: usize) -> Result<&mut [u8], Refused> {
        let (mut kind, mut length, mut data) = (0, 0, ptr::null_mut());
        // SAFETY: a value of the call that is running now.
        let status = unsafe {
            napi_sys::napi_get_typedarray_info(self.env, self.values[at], &mut kind, &mut length, &mut data, ptr::null_mut(), ptr::null_mut())
        };
        if status != Status::napi_ok || kind != TypedarrayType::uint8_array {
            return Err(self.refuse(at, "Uint8Array"));
        }
        // An array without bytes may have no address.
        if length == 0 {
            return Ok(&mut []);
        }
        // SAFETY: the array is as long as Node says; no script runs during the call, and no function takes two arrays at a time.
        Ok(unsafe { slice::from_raw_parts_mut(data.cast(), length) })
    }

    fn texts(&mut self, at: usize) -> Result<Vec<String>, Refused> {
        self.texts_of(self.values[at]).ok_or_else(|| self.refuse(at, "list of texts"))
    }
}

/// What a function gives, as a value of Node.
///
/// # Safety
/// `env` is that of the call that is running now.
pub unsafe fn make(env: napi_env, answer: Answer<'_>) -> napi_value {
    let mut made = ptr::null_mut();
    // SAFETY: the caller's promise; every address comes with the length of its own bytes.
    unsafe {
        check(match answer {
            Answer::Undefined => napi_sys::napi_get_undefined(env, &mut made),
            Answer::Number(number) => napi_sys::napi_create_double(env, number, &mut made),
            Answer::Text(text) => napi_sys::napi_create_string_utf8(env, text.as_ptr().cast(), text.len() as isize, &mut made),
            Answer::Bytes(bytes) => {
                let (mut data, mut buffer) = (ptr::null_mut(), ptr::null_mut());
                check(napi_sys::napi_create_arraybuffer(env, bytes.len(), &mut data, &mut buffer));
                if !bytes.is_empty() {
                    ptr::copy_nonoverlapping(bytes.as_ptr(), data.cast(), bytes.len());
                }
                napi_sys::napi_create_typedarray(env, TypedarrayType::uint8_array, bytes.len(), buffer, 0, &mut made)
            }
            Answer::Texts(texts) => {
                check(napi_sys::napi_create_array_with_length(env, texts.len(), &mut made));
                for (at, text) in (0..).zip(texts) {
                    check(napi_sys::napi_set_element(env, made, at, make(env, Answer::Text(text.into()))));
                }
                Status::napi_ok
            }
        });
    }
    made
}
