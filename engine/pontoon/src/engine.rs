//! The engine: loads the program while the executable is built, and calls it at each start.
use crate::arena;
#[cfg(feature = "sanitized")]
use crate::compile::compile;
use crate::last_words::stop;
use crate::late;
use crate::making;
use crate::text::{exception, refuse, text};
use alloc::ffi::CString;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ffi::{CStr, c_int};
use core::ptr::null_mut;
use core::slice;
use host::{Answer, Arguments, FUNCTIONS, Refused, kernel, process};
use rquickjs_sys as js;

/// The stack that the engine leaves to the C library and to the functions here.
const STACK_RESERVE: usize = 24 << 10;
/// More is not used, however large the process's stack may become.
const LARGEST_STACK: usize = 4 << 20;
/// Garbage in cycles is collected first when the heap has grown to so many bytes.
const GARBAGE_THRESHOLD: js::size_t = 16 << 20;

/// Calls the program of the image. Gives the exit status.
pub fn run() -> c_int {
    arena::prepare();
    let &mut arena::Program { runtime, context, main } = arena::program();
    // SAFETY: runtime, context and function are those of the image, whole and initialised.
    unsafe {
        js::JS_UpdateStackTop(runtime);
        js::JS_SetMaxStackSize(runtime, stack_size() as js::size_t);
        let status = js::JS_Call(context, main, js::JS_UNDEFINED, 0, null_mut());
        // An exception has left `main`, which catches all of its own.
        if js::JS_VALUE_GET_TAG(status) != js::JS_TAG_INT {
            stop();
        }
        js::JS_VALUE_GET_INT(status)
    }
}

/// How much of the stack is left from here to its end.
fn stack_size() -> usize {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the limit is written into a structure of ours.
    unsafe { libc::getrlimit(libc::RLIMIT_STACK, &mut limit) };
    let used = stack_bottom().saturating_sub((&raw const limit).addr());
    let whole = usize::try_from(limit.rlim_cur).unwrap_or(usize::MAX);
    whole.saturating_sub(used + STACK_RESERVE).clamp(1, LARGEST_STACK)
}

/// The highest address of the stack, nearly: the last thing there is the text of AT_EXECFN.
fn stack_bottom() -> usize {
    // SAFETY: it only looks into a list that the kernel made.
    unsafe { libc::getauxval(libc::AT_EXECFN) as usize }
}

/// Loads the bytecode in the file `program`, and writes the heap and what is in the file `parts` to `image`. Gives the exit
/// status; what is wrong is said on stderr.
pub fn make(program: &str, parts: &str, image: &str) -> c_int {
    let Ok(bytecode) = process::read_file(program) else { return refuse(&["cannot read ", program]) };
    let Ok(late) = process::read_file(parts) else { return refuse(&["cannot read ", parts]) };
    let last = match perform(&bytecode) {
        Ok(last) => last,
        Err(problem) => return refuse(&[&problem]),
    };
    // Opened first: nothing may ask for memory once the image is finished.
    let file = kernel::open(image.to_string(), i64::from(libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC), 0o644);
    if !process::write_all(file, arena::finish(last, &late)) {
        return refuse(&["cannot write ", image]);
    }
    0
}

/// Loads the program twice, as [`making`] says. Gives where the last block of the image ends.
fn perform(bytecode: &[u8]) -> Result<usize, String> {
    // SAFETY: the bytecode comes from the same engine.
    unsafe { load(bytecode, &making::FUNCTIONS)? };
    making::perform();
    // SAFETY: as above.
    unsafe { load(bytecode, &making::FUNCTIONS)? };
    let bottom = stack_bottom();
    making::end(arena::program().runtime, (&raw const bottom).addr() - LARGEST_STACK..bottom)
        .ok_or_else(|| "loading the bundle a second time asked for other memory than the first time".to_string())
}

/// For the feature `sanitized`: loads the bundle and calls its `main` in this process. Gives the exit status.
#[cfg(feature = "sanitized")]
pub fn load_and_run(bundle: &str) -> c_int {
    // SAFETY: the bytecode comes from the same engine.
    if let Err(problem) = compile(bundle).and_then(|bytecode| unsafe { load(&bytecode, &arena::FUNCTIONS) }) {
        return refuse(&[&problem]);
    }
    arena::begin_without_image();
    run()
}

/// Makes the engine in the image, gives it the native functions and loads the bundle.
///
/// Not there, on purpose: `eval`, `Date`, `performance` and `Math.random`, so no clock and no chance gets into an image.
///
/// # Safety
/// `bytecode` comes from the compiler (`compile.rs`): the engine does not check what it reads.
unsafe fn load(bytecode: &[u8], functions: &js::JSMallocFunctions) -> Result<(), String> {
    // SAFETY: the caller's promise. Runtime and context are never freed, every name ends with NUL, and each value is used
    // by the context that made it: once where the call takes it, as `JS_SetPropertyStr` and `JS_EvalFunction` do.
    unsafe {
        let runtime = js::JS_NewRuntime2(functions, null_mut());
        let context = js::JS_NewContextRaw(runtime);
        js::JS_AddIntrinsicBaseObjects(context);
        js::JS_AddIntrinsicRegExp(context);
        js::JS_AddIntrinsicJSON(context);
        js::JS_AddIntrinsicProxy(context);
        js::JS_AddIntrinsicMapSet(context);
        js::JS_AddIntrinsicTypedArrays(context);
        js::JS_AddIntrinsicPromise(context);
        js::JS_AddIntrinsicWeakRef(context);
        let global = js::JS_GetGlobalObject(context);
        let math = js::JS_GetPropertyStr(context, global, c"Math".as_ptr());
        js::JS_DeleteProperty(context, math, js::JS_NewAtom(context, c"random".as_ptr()), 0);
        js::JS_SetPropertyStr(context, global, c"native".as_ptr(), natives(context));
        let part = js::JS_NewCFunction2(context, Some(load_part), c"loadPart".as_ptr(), 1, js::JSCFunctionEnum_JS_CFUNC_generic, 0);
        js::JS_SetPropertyStr(context, global, c"loadPart".as_ptr(), part);
        let script = js::JS_ReadObject(context, bytecode.as_ptr(), bytecode.len() as js::size_t, js::JS_READ_OBJ_BYTECODE as c_int);
        if js::JS_IsException(script) || js::JS_IsException(js::JS_EvalFunction(context, script)) {
            return Err(exception(context));
        }
        let main = js::JS_GetPropertyStr(context, global, c"main".as_ptr());
        if !js::JS_IsFunction(context, main) {
            return Err("the bundle leaves no function main".to_string());
        }
        js::JS_RunGC(runtime);
        js::JS_SetGCThreshold(runtime, GARBAGE_THRESHOLD);
        js::JS_SetMaxStackSize(runtime, 0);
        *arena::program() = arena::Program { runtime, context, main };
        Ok(())
    }
}

/// The global function `loadPart`: loads the part of the program that has this number (`scripts/bundle.mjs`), and gives what it
/// exports.
///
/// # Safety
/// The engine calls it, with a context and as many values as it says.
unsafe extern "C" fn load_part(context: *mut js::JSContext, _: js::JSValue, count: c_int, values: *mut js::JSValue) -> js::JSValue {
    // SAFETY: the caller's promise. The bytecode comes from the compiler, and the engine keeps nothing of its bytes.
    unsafe {
        if count == 0 || js::JS_VALUE_GET_TAG(*values) != js::JS_TAG_INT {
            return js::JS_ThrowTypeError(context, c"a part has a number".as_ptr());
        }
        if !arena::has_image() {
            return js::JS_ThrowTypeError(context, c"what is loaded late is called while modules load".as_ptr());
        }
        let Some(bytecode) = late::unpack(arena::parts(), js::JS_VALUE_GET_INT(*values) as usize) else {
            return js::JS_ThrowOutOfMemory(context);
        };
        let script = js::JS_ReadObject(context, bytecode.as_ptr(), bytecode.len() as js::size_t, js::JS_READ_OBJ_BYTECODE as c_int);
        if js::JS_IsException(script) { script } else { js::JS_EvalFunction(context, script) }
    }
}

/// The global object `native`. A function is known by its place in the list.
///
/// # Safety
/// `context` is alive.
unsafe fn natives(context: *mut js::JSContext) -> js::JSValue {
    // SAFETY: the caller's promise; names end with NUL, the kind says how `call` is called, and the engine takes each function once.
    unsafe {
        let object = js::JS_NewObject(context);
        for (at, function) in FUNCTIONS.iter().enumerate() {
            let Ok(name) = CString::new(function.name) else { stop() };
            let kind = js::JSCFunctionType { generic_magic: Some(call) };
            let value = js::JS_NewCFunction2(context, kind.generic, name.as_ptr(), 0, js::JSCFunctionEnum_JS_CFUNC_generic_magic, at as c_int);
            js::JS_SetPropertyStr(context, object, name.as_ptr(), value);
        }
        object
    }
}

/// The native function number `place`.
///
/// # Safety
/// The engine calls it, with a context and as many values as it says.
unsafe extern "C" fn call(context: *mut js::JSContext, _: js::JSValue, count: c_int, values: *mut js::JSValue, place: c_int) -> js::JSValue {
    let function = &FUNCTIONS[place as usize];
    if !arena::has_image() && !function.is_pure {
        const TEXT: &CStr = c"native.%.*s is called while modules load: the build may not look at the machine";
        // SAFETY: the text wants a length and so many bytes, and gets them.
        return unsafe { js::JS_ThrowTypeError(context, TEXT.as_ptr(), function.name.len() as c_int, function.name.as_ptr()) };
    }
    let values: &[js::JSValue] = match count {
        // Their address may be null.
        0 => &[],
        // SAFETY: the caller's promise.
        _ => unsafe { slice::from_raw_parts(values, count as usize) },
    };
    let mut given = Given { context, values };
    match (function.call)(&mut given) {
        // SAFETY: the context is the caller's.
        Ok(answer) => unsafe { value_of(context, answer) },
        Err(Refused) => js::JS_EXCEPTION,
    }
}

/// What a function gives, as a value; an exception when there is no memory for it.
///
/// # Safety
/// `context` is alive.
unsafe fn value_of(context: *mut js::JSContext, answer: Answer) -> js::JSValue {
    // SAFETY: the caller's promise; every address comes with the length of its own bytes, and the list takes each text once.
    unsafe {
        match answer {
            Answer::Undefined => js::JS_UNDEFINED,
            Answer::Number(number) => js::JS_NewNumber(context, number),
            Answer::Text(text) => new_text(context, &text),
            Answer::Bytes(bytes) => js::JS_NewUint8ArrayCopy(context, bytes.as_ptr(), bytes.len() as js::size_t),
            Answer::Texts(texts) => {
                let list = js::JS_NewArray(context);
                for (at, text) in texts.iter().enumerate() {
                    let value = new_text(context, text);
                    if js::JS_IsException(value) || js::JS_SetPropertyUint32(context, list, at as u32, value) < 0 {
                        return js::JS_EXCEPTION;
                    }
                }
                list
            }
        }
    }
}

/// # Safety
/// `context` is alive.
unsafe fn new_text(context: *mut js::JSContext, text: &str) -> js::JSValue {
    // SAFETY: the caller's promise, and the address comes with the length of its own bytes.
    unsafe { js::JS_NewStringLen(context, text.as_ptr().cast(), text.len() as js::size_t) }
}

/// The arguments of a call.
struct Given<'a> {
    context: *mut js::JSContext,
    values: &'a [js::JSValue],
}

impl Given<'_> {
    fn value(&self, at: usize) -> js::JSValue {
        self.values.get(at).copied().unwrap_or(js::JS_UNDEFINED)
    }

    fn refuse<T>(&self, wanted: &CStr) -> Result<T, Refused> {
        // SAFETY: the text wants another one that ends with NUL, and gets it.
        unsafe { js::JS_ThrowTypeError(self.context, c"an argument is no %s".as_ptr(), wanted.as_ptr()) };
        Err(Refused)
    }

    fn text_of(&self, value: js::JSValue) -> Result<String, Refused> {
        // SAFETY: the value is alive as long as the call.
        if unsafe { !js::JS_IsString(value) } {
            return self.refuse(c"text");
        }
        // SAFETY: as above.
        unsafe { text(self.context, value) }.ok_or(Refused)
    }
}

impl Arguments for Given<'_> {
    fn number(&mut self, at: usize) -> Result<i64, Refused> {
        let value = self.value(at);
        // SAFETY: the tag says which number it is.
        unsafe {
            match js::JS_VALUE_GET_TAG(value) {
                js::JS_TAG_INT => Ok(i64::from(js::JS_VALUE_GET_INT(value))),
                js::JS_TAG_FLOAT64 => Ok(js::JS_VALUE_GET_FLOAT64(value) as i64),
                _ => self.refuse(c"number"),
            }
        }
    }

    fn text(&mut self, at: usize) -> Result<String, Refused> {
        self.text_of(self.value(at))
    }

    fn bytes(&mut self, at: usize) -> Result<&mut [u8], Refused> {
        let mut length = 0;
        // SAFETY: the engine gives the array's own bytes, which stay until the call is over: nothing of the engine runs meanwhile.
        unsafe {
            let start = js::JS_GetUint8Array(self.context, &mut length, self.value(at));
            if start.is_null() && js::JS_HasException(self.context) {
                return Err(Refused);
            }
            Ok(if start.is_null() { &mut [] } else { slice::from_raw_parts_mut(start, length as usize) })
        }
    }

    fn texts(&mut self, at: usize) -> Result<Vec<String>, Refused> {
        let list = self.value(at);
        let mut length = 0;
        // SAFETY: the list is alive as long as the call; each element is given back.
        unsafe {
            if !js::JS_IsArray(list) || js::JS_GetLength(self.context, list, &mut length) < 0 {
                return self.refuse(c"list");
            }
            let mut texts = Vec::new();
            for at in 0..length {
                let value = js::JS_GetPropertyInt64(self.context, list, at);
                let text = self.text_of(value);
                js::JS_FreeValue(self.context, value);
                texts.push(text?);
            }
            Ok(texts)
        }
    }
}
