//! The memory of the engine: an image at an address that the linker fixed, and fresh memory behind it.
//!
//! All that a heap image needs is in here: the blocks, and what this allocator knows of them. When the segment is used up,
//! the kernel is asked for more, a piece or a large block at a time; such memory is in no image.
//!
//! With the feature `sanitized` each block is one of the C library's, so that AddressSanitizer sees where it begins and ends.
//!
//! A freed block waits in the list of its size (`block.rs`). A block of the image (`making.rs`) has no head: it lies as close to
//! the next one as it can, its size is not known, and when it is freed it is not used again.
use crate::block::{CLASSES, HEAD, LAST_STEP, MAPPED, MOST, STEP, block_at, class, head_of};
use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::ops::Range;
use core::ptr::{self, null_mut};
use core::slice;
use rquickjs_sys as js;

/// The largest segment; `scripts/heap-image.mjs` gives an executable as much of it as its image names.
const BYTES: usize = 8 << 20;
/// Behind an image: an ADD needs a quarter of it.
const FRESH: usize = 512 << 10;
/// So much more is asked of the kernel at a time.
const PIECE: usize = 1 << 20;
/// Blocks from here on are asked of the kernel one by one.
const LARGE: usize = 128 << 10;
const IS_SANITIZED: bool = cfg!(feature = "sanitized");
/// Fresh memory that a call is sure to touch, made ready in one call of the kernel (Linux 5.14) in the place of one fault for each page.
const READY: usize = 64 << 10;

/// What an image starts with.
#[repr(C)]
struct Image {
    /// The address of the segment, by which `scripts/heap-image.mjs` finds it in the executable; 0 in an executable without an image.
    address: usize,
    /// Where the segment ends, and the fresh memory with it.
    end: usize,
    /// Where the blocks of the image end.
    last: usize,
    /// How many bytes lie between them and the fresh memory: the parts that are loaded late.
    late: usize,
    program: Program,
    /// Fresh memory.
    next: usize,
    /// What the kernel gave beyond the segment.
    mapped: usize,
    free: [*mut Free; CLASSES],
}

/// The engine in an image; all null until one is made.
#[repr(C)]
pub struct Program {
    pub runtime: *mut js::JSRuntime,
    pub context: *mut js::JSContext,
    pub main: js::JSValue,
}

struct Free {
    next: *mut Free,
}

#[repr(C, align(4096))]
struct Segment {
    image: UnsafeCell<Image>,
    space: UnsafeCell<[u8; BYTES - size_of::<Image>()]>,
}

// SAFETY: the process has one thread.
unsafe impl Sync for Segment {}

// What the linker puts behind everything else, so that the segment may be shorter in an executable with an image.
#[unsafe(link_section = ".ldata")]
static SEGMENT: Segment = Segment {
    image: UnsafeCell::new(Image {
        address: 0,
        end: 0,
        last: 0,
        late: 0,
        program: Program { runtime: null_mut(), context: null_mut(), main: js::JS_MKVAL(js::JS_TAG_INT, 0) },
        next: 0,
        mapped: 0,
        free: [null_mut(); CLASSES],
    }),
    space: UnsafeCell::new([0; BYTES - size_of::<Image>()]),
};

/// The one image. No two references to it exist at a time: every function here ends before another one starts.
fn image() -> &'static mut Image {
    // SAFETY: one thread, and no function that holds the reference calls the engine.
    unsafe { &mut *SEGMENT.image.get() }
}

/// True in an executable that has an image.
pub fn has_image() -> bool {
    image().address != 0
}

/// For the feature `sanitized`: from now on a program is there that is in no image.
#[cfg(feature = "sanitized")]
pub fn begin_without_image() {
    image().address = 1;
}

/// What the program is.
pub fn program() -> &'static mut Program {
    &mut image().program
}

/// Where the blocks of an image go: the addresses of the segment behind its own head.
pub fn space() -> Range<usize> {
    let start = SEGMENT.image.get().expose_provenance();
    start + size_of::<Image>()..start + BYTES
}

/// The image with its last block ending at `last`, and the parts that are loaded `late` behind it.
pub fn finish(last: usize, late: &[u8]) -> &'static [u8] {
    let start = SEGMENT.image.get().addr();
    let image = image();
    image.free = [null_mut(); CLASSES];
    image.mapped = 0;
    image.address = start;
    image.last = last;
    image.late = late.len();
    let used = last + late.len();
    image.next = used.next_multiple_of(STEP) + HEAD;
    image.end = (used + FRESH).next_multiple_of(4096).min(start + BYTES);
    // SAFETY: the segment holds both, and nothing lies behind the last block.
    unsafe {
        ptr::copy_nonoverlapping(late.as_ptr(), ptr::with_exposed_provenance_mut(last), late.len());
        slice::from_raw_parts(SEGMENT.image.get().cast(), used - start)
    }
}

/// The parts that are loaded late.
pub fn parts() -> &'static [u8] {
    let image = image();
    // SAFETY: they lie there from the start to the end.
    unsafe { slice::from_raw_parts(ptr::with_exposed_provenance(image.last), image.late) }
}

/// Makes the first fresh memory ready.
pub fn prepare() {
    if IS_SANITIZED {
        return;
    }
    let from = ptr::with_exposed_provenance_mut(image().next & !4095);
    // SAFETY: memory keeps what it holds, whether it is ours or not; a kernel that does not know this does nothing.
    unsafe { libc::madvise(from, READY, libc::MADV_POPULATE_WRITE) };
}

fn is_of_image(image: &Image, block: *mut u8) -> bool {
    // What the kernel gives lies behind the segment.
    block.addr() < image.last
}

/// A block for so many bytes; null when there is no more.
#[inline]
pub fn allocate(bytes: usize) -> *mut u8 {
    let image = image();
    if bytes > LAST_STEP - HEAD || IS_SANITIZED {
        return allocate_more(image, bytes);
    }
    let (size, list) = class(bytes);
    take(image, size, list)
}

/// The same for a block that may be large.
#[inline(never)]
fn allocate_more(image: &mut Image, bytes: usize) -> *mut u8 {
    if bytes > MOST {
        return null_mut();
    }
    if IS_SANITIZED {
        // SAFETY: the C library gives a block or null.
        return unsafe { libc::malloc(bytes).cast() };
    }
    let (size, list) = class(bytes);
    if size >= LARGE { allocate_large(image, bytes) } else { take(image, size, list) }
}

/// A free block of a list, else a new one.
#[inline(always)]
fn take(image: &mut Image, size: usize, list: usize) -> *mut u8 {
    let free = image.free[list];
    if !free.is_null() {
        // SAFETY: a free block holds the address of the next one.
        image.free[list] = unsafe { (*free).next };
        return free.cast();
    }
    if image.end - image.next < size && !extend(image) {
        return null_mut();
    }
    let start = image.next;
    image.next += size;
    // SAFETY: nothing between `next` and `end` was given away yet.
    unsafe { block_at(start, size - HEAD, list) }
}

/// Asks for the next piece; what is left of the last one stays unused.
#[cold]
fn extend(image: &mut Image) -> bool {
    let Some(start) = map(image, PIECE) else { return false };
    image.next = start + HEAD;
    image.end = start + PIECE;
    true
}

/// A block that the kernel gave for itself: its size counts from the start of the mapping.
fn allocate_large(image: &mut Image, bytes: usize) -> *mut u8 {
    let size = (bytes + STEP).next_multiple_of(4096);
    match map(image, size) {
        // SAFETY: the mapping is new and large enough.
        Some(start) => unsafe { block_at(start + STEP - HEAD, size - STEP, MAPPED) },
        None => null_mut(),
    }
}

fn map(image: &mut Image, bytes: usize) -> Option<usize> {
    if image.mapped + bytes > MOST {
        return None;
    }
    // SAFETY: a new mapping touches nothing that is there.
    let start = unsafe { libc::mmap(null_mut(), bytes, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0) };
    if start == libc::MAP_FAILED {
        return None;
    }
    image.mapped += bytes;
    Some(start.expose_provenance())
}

/// # Safety
/// `block` is one that was allocated here or is in the image, and is used no more.
#[inline(always)]
pub unsafe fn release(block: *mut u8) {
    if IS_SANITIZED {
        // SAFETY: the block is the C library's, and used no more.
        return unsafe { libc::free(block.cast()) };
    }
    let image = image();
    if is_of_image(image, block) {
        return;
    }
    let (room, list) = head_of(block);
    if list == MAPPED {
        // SAFETY: the caller's promise, and the head says so.
        return unsafe { release_large(image, block, room + STEP) };
    }
    let free = block.cast::<Free>();
    // SAFETY: a block has room for an address, and this one is nobody's now.
    unsafe { free.write(Free { next: image.free[list] }) };
    image.free[list] = free;
}

/// # Safety
/// `block` is one that the kernel gave for itself, `size` bytes with its head, and is used no more.
#[cold]
unsafe fn release_large(image: &mut Image, block: *mut u8, size: usize) {
    image.mapped -= size;
    // SAFETY: this is the whole mapping of the block.
    unsafe { libc::munmap(block.sub(STEP).cast(), size) };
}

/// How many bytes a block is known to hold: 0 of one in the image.
fn room(block: *mut u8) -> usize {
    if IS_SANITIZED {
        // SAFETY: the block is the C library's.
        return unsafe { libc::malloc_usable_size(block.cast()) };
    }
    if is_of_image(image(), block) {
        return 0;
    }
    head_of(block).0
}

/// # Safety
/// As for [`release`]; when the answer is null, `block` stays as it was.
#[inline(always)]
unsafe fn resize(block: *mut u8, bytes: usize) -> *mut u8 {
    let held = room(block);
    if bytes <= held && held < LARGE && !IS_SANITIZED {
        return block;
    }
    // SAFETY: the caller's promise.
    unsafe { move_or_shrink(block, bytes) }
}

/// # Safety
/// As for [`resize`].
#[inline(never)]
unsafe fn move_or_shrink(block: *mut u8, bytes: usize) -> *mut u8 {
    if IS_SANITIZED {
        if bytes > MOST {
            return null_mut();
        }
        // SAFETY: the block is the C library's.
        return unsafe { libc::realloc(block.cast(), bytes).cast() };
    }
    let held = room(block);
    if bytes <= held && bytes > held / 2 {
        return block;
    }
    let other = allocate(bytes);
    if other.is_null() {
        return if bytes <= held { block } else { other };
    }
    let copied = match held {
        // Too much is copied of a block whose size is not known, but nothing that is not in the image.
        0 => bytes.min(image().last - block.addr()),
        held => held.min(bytes),
    };
    // SAFETY: two blocks do not overlap, and both hold as much, or the image does.
    unsafe {
        ptr::copy_nonoverlapping(block, other, copied);
        release(block);
    }
    other
}

/// Rust's own texts and lists; none is alive while an image is written.
struct Heap;

#[global_allocator]
static HEAP: Heap = Heap;

// SAFETY: blocks are disjoint, as large as was asked for, and lie at multiples of 16.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() > STEP { null_mut() } else { allocate(layout.size()) }
    }

    unsafe fn dealloc(&self, block: *mut u8, _: Layout) {
        // SAFETY: Rust gives back what it got.
        unsafe { release(block) }
    }

    unsafe fn realloc(&self, block: *mut u8, _: Layout, bytes: usize) -> *mut u8 {
        // SAFETY: as for `dealloc`.
        unsafe { resize(block, bytes) }
    }
}

/// The same for the engine, as `JS_NewRuntime2` wants it.
pub static FUNCTIONS: js::JSMallocFunctions = js::JSMallocFunctions {
    js_calloc: Some(js_calloc),
    js_malloc: Some(js_malloc),
    js_free: Some(js_free),
    js_realloc: Some(js_realloc),
    js_malloc_usable_size: Some(js_usable_size),
};

unsafe extern "C" fn js_calloc(_: *mut c_void, count: u64, size: u64) -> *mut c_void {
    let Some(bytes) = count.checked_mul(size) else { return null_mut() };
    let block = allocate(bytes as usize);
    if !block.is_null() {
        // SAFETY: the block holds as much.
        unsafe { block.write_bytes(0, bytes as usize) };
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
    // SAFETY: as for `js_free`.
    unsafe { resize(block.cast(), size as usize).cast() }
}

unsafe extern "C" fn js_usable_size(block: *const c_void) -> u64 {
    room(block.cast_mut().cast()) as u64
}
