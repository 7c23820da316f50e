//! A Node add-on: the native functions that the executable's engine has, for tests that run Pontoon's TypeScript in
//! process, and a few more that only tests need. Each of Node's threads has its own namespaces and its own errors.
mod testing;
mod value;

use host::{FUNCTIONS, Function};
use napi_sys::{napi_callback_info, napi_env, napi_value};
use std::ffi::c_void;
use std::ptr;
use value::{Values, check};

/// Node calls this for each thread that loads the add-on. Its exports are two objects: `native`, what
/// `src/sys/native.ts` declares, and `testing`, what `test/support/native.ts` declares.
///
/// # Safety
/// Node passes an environment, and an object in it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn napi_register_module_v1(env: napi_env, exports: napi_value) -> napi_value {
    for (name, functions) in [(c"native", &FUNCTIONS[..]), (c"testing", &testing::FUNCTIONS[..])] {
        let mut object = ptr::null_mut();
        // SAFETY: Node's environment and object of this very call; the name ends with NUL.
        check(unsafe { napi_sys::napi_create_object(env, &mut object) });
        for function in functions {
            // SAFETY: as above.
            unsafe { add(env, object, function) };
        }
        // SAFETY: as above.
        check(unsafe { napi_sys::napi_set_named_property(env, exports, name.as_ptr(), object) });
    }
    exports
}

/// # Safety
/// `object` is an object of `env`.
unsafe fn add(env: napi_env, object: napi_value, function: &'static Function) {
    let name = std::ffi::CString::new(function.name).unwrap_or_default();
    let data = ptr::from_ref(function).cast_mut().cast::<c_void>();
    let mut made = ptr::null_mut();
    // SAFETY: the caller's promise; `data` is a constant of this library, which Node never unloads.
    unsafe {
        check(napi_sys::napi_create_function(env, name.as_ptr(), -1, Some(run), data, &mut made));
        check(napi_sys::napi_set_named_property(env, object, name.as_ptr(), made));
    }
}

/// Called for every function: the data tells which.
unsafe extern "C" fn run(env: napi_env, info: napi_callback_info) -> napi_value {
    // SAFETY: Node passes the two of the call that is running now, and `add` gave it a function as its data.
    unsafe {
        let (mut values, data) = Values::of(env, info);
        let function = &*data.cast::<Function>();
        // Where an argument was refused an exception waits, and Node does not look at the result.
        (function.call)(&mut values).map_or(ptr::null_mut(), |answer| value::make(env, answer))
    }
}
