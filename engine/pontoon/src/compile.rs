//! From a script to bytecode.
use crate::text::exception;
use alloc::ffi::CString;
use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::c_int;
use core::slice;
use host::process;
use rquickjs_sys as js;

/// The script in the file `path` as bytecode without its source text. Stack traces name it as the file, without folder and
/// extension. Gives what is wrong with it as text.
pub fn compile(path: &str) -> Result<Vec<u8>, String> {
    let Ok(source) = process::read_file(path) else { return Err(["cannot read ", path].concat()) };
    let Ok(source) = CString::new(source) else { return Err(["a NUL is in ", path].concat()) };
    let file = path.rsplit('/').next().unwrap_or(path);
    let name = CString::new(file.trim_end_matches(".mjs")).unwrap_or_default();
    // SAFETY: the source ends with NUL, as the parser wants it. The context outlives its values, each of which is used once.
    unsafe {
        let context = js::JS_NewContextRaw(js::JS_NewRuntime());
        js::JS_AddIntrinsicBaseObjects(context);
        js::JS_AddIntrinsicEval(context);
        js::JS_AddIntrinsicRegExp(context);
        let flags = js::JS_EVAL_TYPE_GLOBAL | js::JS_EVAL_FLAG_COMPILE_ONLY;
        let script = js::JS_Eval(context, source.as_ptr(), source.count_bytes() as js::size_t, name.as_ptr(), flags as c_int);
        if js::JS_IsException(script) {
            return Err(exception(context));
        }
        let mut length = 0;
        let bytes = js::JS_WriteObject(context, &mut length, script, (js::JS_WRITE_OBJ_BYTECODE | js::JS_WRITE_OBJ_STRIP_SOURCE) as c_int);
        if bytes.is_null() { Err(exception(context)) } else { Ok(slice::from_raw_parts(bytes, length as usize).to_vec()) }
    }
}
