//! The engine's memory while an image is made: each block that lasts lies in the segment, close to the next one.
//!
//! Loading a bundle asks for the same blocks in the same order each time. So it is done twice: a rehearsal in memory that
//! is in no image shows which of the blocks last, and at the performance these go into the segment, each behind the last one
//! of its group, without a head and without gaps between them. A performance that differs from its rehearsal ends the build.
use crate::arena;
use alloc::vec::Vec;
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::ops::Range;
use core::ptr::{self, null_mut};
use core::slice;
use rquickjs_sys as js;

/// Of an address that the engine may ask for.
const ALIGNMENT: usize = 8;
/// A page is copied when it is first written to, so blocks that calls write to lie apart from those that they read: objects, of so
/// many bytes each, and small blocks, whose references are counted, apart from functions and lists.
const OBJECT: usize = 72;
const SMALL: usize = 64;
/// In front of a block that is in no image: its number, and the bytes that were asked for.
type Label = (usize, usize);
const LABEL: usize = size_of::<Label>();

/// The group of a block of so many bytes; the first is that of the runtime.
const fn group(bytes: usize) -> usize {
    match bytes {
        OBJECT => 1,
        ..SMALL => 2,
        _ => 0,
    }
}
const GROUPS: usize = 3;

/// The bytes that a block takes up.
fn place(bytes: usize) -> usize {
    bytes.max(1).next_multiple_of(ALIGNMENT)
}

struct Making {
    /// The bytes of each block that the rehearsal asked for, in the order of asking.
    sizes: Vec<usize>,
    /// Whether it was there at the end.
    lasts: Vec<bool>,
    is_rehearsed: bool,
    /// How many blocks were asked for.
    count: usize,
    /// Where the next block of each group goes that lasts.
    next: [usize; GROUPS],
    /// Where the last group ends.
    last: usize,
    differs: bool,
}

struct State(UnsafeCell<Making>);

// SAFETY: the process has one thread.
unsafe impl Sync for State {}

static STATE: State = State(UnsafeCell::new(Making {
    sizes: Vec::new(),
    lasts: Vec::new(),
    is_rehearsed: false,
    count: 0,
    next: [0; GROUPS],
    last: 0,
    differs: false,
}));

/// No two references to it exist at a time: every function here ends before another one starts.
fn making() -> &'static mut Making {
    // SAFETY: one thread, and no function that holds the reference calls the engine.
    unsafe { &mut *STATE.0.get() }
}

/// Ends the rehearsal: from now on blocks that last go into the segment.
pub fn perform() {
    let making = making();
    making.is_rehearsed = true;
    making.count = 0;
    making.last = arena::space().start.next_multiple_of(ALIGNMENT);
    for at in 0..GROUPS {
        making.next[at] = making.last;
        let blocks = making.sizes.iter().zip(&making.lasts).filter(|&(bytes, lasts)| *lasts && group(*bytes) == at);
        making.last += blocks.map(|(bytes, _)| place(*bytes)).sum::<usize>();
    }
}

/// Ends the performance: hands the runtime `runtime`, which is the first block, over to the allocator of a start, and takes
/// the addresses of the stack out of it. Gives where the last block ends, or `None` when the performance was another one
/// than the rehearsal.
pub fn end(runtime: *mut js::JSRuntime, stack: Range<usize>) -> Option<usize> {
    let making = making();
    if making.differs || making.count != making.sizes.len() || runtime.addr() != arena::space().start.next_multiple_of(ALIGNMENT) {
        return None;
    }
    // SAFETY: the block holds so many bytes, and no reference to it is alive.
    let words = unsafe { slice::from_raw_parts_mut(runtime.cast::<usize>(), making.sizes[0] / size_of::<usize>()) };
    let pairs = addresses(&FUNCTIONS).into_iter().zip(addresses(&arena::FUNCTIONS));
    for (from, to) in pairs {
        for word in words.iter_mut().filter(|word| **word == from) {
            *word = to;
        }
    }
    for word in words.iter_mut().filter(|word| stack.contains(word)) {
        *word = 0;
    }
    Some(making.last)
}

fn addresses(functions: &js::JSMallocFunctions) -> [usize; 5] {
    [
        functions.js_calloc.map_or(0, |function| function as usize),
        functions.js_malloc.map_or(0, |function| function as usize),
        functions.js_free.map_or(0, |function| function as usize),
        functions.js_realloc.map_or(0, |function| function as usize),
        functions.js_malloc_usable_size.map_or(0, |function| function as usize),
    ]
}

fn allocate(bytes: usize) -> *mut u8 {
    let making = making();
    let number = making.count;
    making.count += 1;
    if !making.is_rehearsed {
        making.sizes.push(bytes);
        making.lasts.push(true);
    } else if making.sizes.get(number) != Some(&bytes) {
        making.differs = true;
    } else if making.lasts[number] {
        let next = &mut making.next[group(bytes)];
        let start = *next;
        *next += place(bytes);
        return if making.last > arena::space().end { null_mut() } else { ptr::with_exposed_provenance_mut(start) };
    }
    let block = arena::allocate(LABEL + bytes);
    if block.is_null() {
        return null_mut();
    }
    // What a block held before may be copied with it into the segment, and addresses of other memory must not be there.
    // SAFETY: the block is new, and large enough for both.
    unsafe {
        block.write_bytes(0, LABEL + bytes);
        block.cast::<Label>().write((number, bytes));
        block.add(LABEL)
    }
}

/// The label of a block; `None` of one in the segment.
fn label(block: *mut u8) -> Option<Label> {
    // SAFETY: every other block has a label in front of it.
    (!arena::space().contains(&block.addr())).then(|| unsafe { block.sub(LABEL).cast::<Label>().read() })
}

/// # Safety
/// `block` is one that was allocated here and is used no more.
unsafe fn release(block: *mut u8) {
    let making = making();
    match label(block) {
        None => making.differs = true,
        Some((number, _)) => {
            if !making.is_rehearsed {
                making.lasts[number] = false;
            }
            // SAFETY: the block with its label is one of the arena's.
            unsafe { arena::release(block.sub(LABEL)) }
        }
    }
}

/// What the engine calls while an image is made, as `JS_NewRuntime2` wants it.
pub static FUNCTIONS: js::JSMallocFunctions = js::JSMallocFunctions {
    js_calloc: Some(js_calloc),
    js_malloc: Some(js_malloc),
    js_free: Some(js_free),
    js_realloc: Some(js_realloc),
    js_malloc_usable_size: Some(js_usable_size),
};

unsafe extern "C" fn js_calloc(_: *mut c_void, count: u64, size: u64) -> *mut c_void {
    let bytes = (count * size) as usize;
    let block = allocate(bytes);
    if !block.is_null() {
        // SAFETY: the block holds as much.
        unsafe { block.write_bytes(0, bytes) };
    }
    block.cast()
}

unsafe extern "C" fn js_malloc(_: *mut c_void, size: u64) -> *mut c_void {
    allocate(size as usize).cast()
}

unsafe extern "C" fn js_free(_: *mut c_void, block: *mut c_void) {
    if !block.is_null() {
        // SAFETY: the engine gives back what it got.
        unsafe { release(block.cast()) }
    }
}

unsafe extern "C" fn js_realloc(_: *mut c_void, block: *mut c_void, size: u64) -> *mut c_void {
    if block.is_null() {
        return allocate(size as usize).cast();
    }
    // A block in the segment grew no further in the rehearsal.
    let Some((_, held)) = label(block.cast()) else { return block };
    if size as usize <= held {
        return block;
    }
    let other = allocate(size as usize);
    if !other.is_null() {
        // SAFETY: two blocks do not overlap, both hold as much, and the engine uses the first one no more.
        unsafe {
            ptr::copy_nonoverlapping(block.cast(), other, held);
            release(block.cast());
        }
    }
    other.cast()
}

/// Nothing beyond what was asked for: what the engine does shall not depend on where a block lies.
unsafe extern "C" fn js_usable_size(_: *const c_void) -> u64 {
    0
}
