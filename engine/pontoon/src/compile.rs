//! From a script to bytecode.
use crate::text::exception;
use alloc::ffi::CString;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ffi::{c_int, c_void};
use core::ptr::null_mut;
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
        forget_variables(js::JS_VALUE_GET_PTR(script).cast())?;
        let mut length = 0;
        let bytes = js::JS_WriteObject(context, &mut length, script, (js::JS_WRITE_OBJ_BYTECODE | js::JS_WRITE_OBJ_STRIP_SOURCE) as c_int);
        if bytes.is_null() { Err(exception(context)) } else { Ok(slice::from_raw_parts(bytes, length as usize).to_vec()) }
    }
}

/// A function of the engine, `JSFunctionBytecode` of quickjs-ng 0.15.1. Its constants, variables and captures lie behind it, in
/// this order.
#[repr(C)]
struct Function {
    _head: [usize; 4],
    _code: *const u8,
    _code_length: c_int,
    _name: u32,
    /// Its arguments and its own variables; null where they are not described.
    variables: *mut Variable,
    /// What it uses of the functions around it.
    captures: *mut Capture,
    arguments_length: u16,
    own_length: u16,
    _defined: u16,
    _stack: u16,
    /// How many of its variables the functions within it use.
    captured: u16,
    captures_length: u16,
    constants_length: c_int,
    _realm: *const c_void,
    constants: *mut js::JSValue,
    _places: [usize; 5],
}

/// `JSVarDef`.
#[repr(C)]
struct Variable {
    name: u32,
    _rest: [u32; 4],
}

/// `JSClosureVar`.
#[repr(C)]
struct Capture {
    kind: u8,
    _rest: [u8; 3],
    name: u32,
}

/// The bits of [`Capture::kind`] that say where the variable is.
const WHERE: u8 = 7;
/// The last of these by which it is found without its name: JS_CLOSURE_REF.
const WITHOUT_NAME: u8 = 2;
/// JS_ATOM_NULL.
const NO_NAME: u32 = 0;

/// Takes the names of variables out of a function and of all within it, and the descriptions of variables that no other function
/// uses. The engine runs without them; an error about a variable that is read too early does not name it then.
///
/// # Safety
/// `function` was compiled by the engine, and has not run.
unsafe fn forget_variables(function: *mut Function) -> Result<(), String> {
    // SAFETY: the caller's promise. The lists are touched only where they are expected, which says that a function is as it is here.
    unsafe {
        let behind = function.add(1).cast();
        let function = &mut *function;
        let (constants, behind) = list(function.constants, behind, function.constants_length as usize)?;
        let (variables, behind) = list(function.variables, behind, usize::from(function.arguments_length + function.own_length))?;
        let (captures, _) = list(function.captures, behind, usize::from(function.captures_length))?;
        for variable in variables {
            variable.name = NO_NAME;
        }
        for capture in captures.iter_mut().filter(|capture| capture.kind & WHERE <= WITHOUT_NAME) {
            capture.name = NO_NAME;
        }
        if function.captured == 0 {
            function.variables = null_mut();
        }
        for constant in constants.iter().filter(|constant| js::JS_VALUE_GET_TAG(**constant) == js::JS_TAG_FUNCTION_BYTECODE) {
            forget_variables(js::JS_VALUE_GET_PTR(*constant).cast())?;
        }
        Ok(())
    }
}

/// So many values from `start` on, which is `expected` unless there are none; and what is behind them.
///
/// # Safety
/// The values are there, and nobody else uses them.
unsafe fn list<'a, T>(start: *mut T, expected: *mut u8, length: usize) -> Result<(&'a mut [T], *mut u8), String> {
    if length == 0 {
        return Ok((&mut [], expected));
    }
    if start != expected.cast() {
        return Err("a function of the engine is not what it was in quickjs-ng 0.15.1".to_string());
    }
    // SAFETY: the caller's promise.
    unsafe { Ok((slice::from_raw_parts_mut(start, length), start.add(length).cast())) }
}
