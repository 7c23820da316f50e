//! The memory of the engine: blocks from one segment of the executable, at an address that the linker fixed.
//!
//! All that a heap image needs is in here: the blocks, and what this allocator knows of them. When the segment is used up,
//! the kernel is asked for more, a piece or a large block at a time; such memory is in no image.
//!
//! With the feature `sanitized` each block is one of the C library's, so that AddressSanitizer sees where it begins and ends.
//!
//! A block has a head of eight bytes with its size. Blocks of up to 1 KiB come in steps of 16 bytes, larger ones in four
//! steps for each power of two; a freed block waits in the list of its size.
use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::ops::Range;
use core::ptr::{self, null_mut};
use core::slice;
use rquickjs_sys as js;

const BYTES: usize = 6 << 20;
/// So much more is asked of the kernel at a time.
const PIECE: usize = 1 << 20;
/// Blocks from here on are asked of the kernel one by one, but not while an image is made.
const LARGE: usize = 128 << 10;
/// A call that wants more than this beyond the segment is refused: 16 MiB of JSON need a tenth.
const MOST: usize = 512 << 20;
const IS_SANITIZED: bool = cfg!(feature = "sanitized");
const HEAD: usize = 8;
const STEP: usize = 16;
const LAST_STEP: usize = 1024;
const CLASSES: usize = 64 + 4 * 20;
/// In the size of a block that the kernel gave for itself.
const MAPPED: usize = 1;
/// Fresh memory that a call is sure to touch, made ready in one call of the kernel (Linux 5.14) in the place of one fault for each page.
const READY: usize = 64 << 10;

/// What an image starts with.
#[repr(C)]
struct Image {
    /// The address of the segment, by which `scripts/build.mjs` finds it in the executable; 0 in an executable without an image.
    address: usize,
    /// The bytes in use, this head among them.
    bytes: usize,
    program: Program,
    /// Fresh memory.
    next: usize,
    end: usize,
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

#[unsafe(link_section = ".image")]
static SEGMENT: Segment = Segment {
    image: UnsafeCell::new(Image {
        address: 0,
        bytes: 0,
        program: Program { runtime: null_mut(), context: null_mut(), main: js::JS_MKVAL(js::JS_TAG_INT, 0) },
        next: 0,
        end: 0,
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

/// Opens the segment for an image that is to be made.
pub fn begin() {
    let start = SEGMENT.image.get().expose_provenance();
    image().next = (start + size_of::<Image>()).next_multiple_of(STEP) + HEAD;
    image().end = start + BYTES;
}

/// Clears the addresses of a range that a block holds: the engine keeps the top of a stack which is gone by the next start.
pub fn forget(block: *mut u8, addresses: Range<usize>) {
    // SAFETY: the block holds so many bytes, the segment's zeros where nothing was written, and no reference to it is alive.
    let words = unsafe { slice::from_raw_parts_mut(block.cast::<usize>(), room(block) / size_of::<usize>()) };
    for word in words {
        if addresses.contains(word) {
            *word = 0;
        }
    }
}

/// The image as it stands. Blocks that are free stay out of use: fresh objects shall lie side by side, not all over the image.
pub fn finish() -> &'static [u8] {
    let start = SEGMENT.image.get().addr();
    let image = image();
    image.free = [null_mut(); CLASSES];
    image.address = start;
    image.bytes = image.next - start;
    // SAFETY: `next` lies within the segment.
    unsafe { slice::from_raw_parts(SEGMENT.image.get().cast(), image.bytes) }
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

/// The size of a block for so many bytes (at most [`MOST`]), its head among them, and the list it belongs to.
const fn class(bytes: usize) -> (usize, usize) {
    let size = (bytes + HEAD).next_multiple_of(STEP);
    if size <= LAST_STEP {
        return (size, size / STEP - 1);
    }
    let power = (size - 1).ilog2() as usize;
    let quarter = 1 << (power - 2);
    let size = size.next_multiple_of(quarter);
    (size, 64 + (power - 10) * 4 + ((size - 1) >> (power - 2)) % 4)
}

/// A block of a list has the very size of that list: what is freed goes where the next one of its size is looked for.
const _: () = {
    let (mut bytes, mut expected) = (0, 0);
    while bytes <= MOST {
        let (size, list) = class(bytes);
        assert!(list == expected && list < CLASSES && size >= bytes + HEAD && size.is_multiple_of(STEP));
        let (largest, same) = class(size - HEAD);
        assert!(largest == size && same == list);
        bytes = size - HEAD + 1;
        expected += 1;
    }
};

fn size_of_block(block: *mut u8) -> usize {
    // The head is no part of what Rust knows as the block, so its address is made anew.
    let head = ptr::with_exposed_provenance::<usize>(block.expose_provenance() - HEAD);
    // SAFETY: every block has its size in front of it.
    unsafe { head.read() }
}

/// A block with its size written in front.
///
/// # Safety
/// So many bytes from `start` on are nobody's.
unsafe fn block_at(start: usize, size: usize) -> *mut u8 {
    let head = ptr::with_exposed_provenance_mut::<usize>(start);
    // SAFETY: the caller's promise.
    unsafe {
        head.write(size);
        head.add(1).cast()
    }
}

/// Null when there is no more. Only what the engine asks for gets into an image, but for small blocks that are free again by then.
fn allocate(bytes: usize, is_for_image: bool) -> *mut u8 {
    if bytes > MOST {
        return null_mut();
    }
    if IS_SANITIZED {
        // SAFETY: the C library gives a block or null.
        return unsafe { libc::malloc(bytes).cast() };
    }
    let image = image();
    let (size, list) = class(bytes);
    if size >= LARGE && (image.address != 0 || !is_for_image) {
        return allocate_large(image, bytes);
    }
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
    unsafe { block_at(start, size) }
}

/// Asks for the next piece; what is left of the last one stays unused.
fn extend(image: &mut Image) -> bool {
    if image.address == 0 {
        return false;
    }
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
        Some(start) => unsafe { block_at(start + STEP - HEAD, size | MAPPED) },
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
/// `block` is one that was allocated here and is used no more.
unsafe fn release(block: *mut u8) {
    if IS_SANITIZED {
        // SAFETY: the block is the C library's, and used no more.
        return unsafe { libc::free(block.cast()) };
    }
    let image = image();
    let size = size_of_block(block);
    if size & MAPPED != 0 {
        image.mapped -= size & !MAPPED;
        // SAFETY: this is the whole mapping of the block.
        unsafe { libc::munmap(block.sub(STEP).cast(), size & !MAPPED) };
        return;
    }
    let (_, list) = class(size - HEAD);
    let free = block.cast::<Free>();
    // SAFETY: a block has room for an address, and this one is nobody's now.
    unsafe { free.write(Free { next: image.free[list] }) };
    image.free[list] = free;
}

/// How many bytes a block holds.
fn room(block: *mut u8) -> usize {
    if IS_SANITIZED {
        // SAFETY: the block is the C library's.
        return unsafe { libc::malloc_usable_size(block.cast()) };
    }
    let size = size_of_block(block);
    if size & MAPPED != 0 { (size & !MAPPED) - STEP } else { size - HEAD }
}

/// # Safety
/// As for [`release`]; when the answer is null, `block` stays as it was.
unsafe fn resize(block: *mut u8, bytes: usize, is_for_image: bool) -> *mut u8 {
    if IS_SANITIZED {
        // SAFETY: the block is the C library's.
        return if bytes > MOST { null_mut() } else { unsafe { libc::realloc(block.cast(), bytes).cast() } };
    }
    let held = room(block);
    if bytes <= held && (held < LARGE || bytes > held / 2) {
        return block;
    }
    let other = allocate(bytes, is_for_image);
    if other.is_null() {
        return if bytes <= held { block } else { other };
    }
    // SAFETY: two blocks do not overlap, and both hold as much.
    unsafe {
        ptr::copy_nonoverlapping(block, other, held.min(bytes));
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
        if layout.align() > STEP { null_mut() } else { allocate(layout.size(), false) }
    }

    unsafe fn dealloc(&self, block: *mut u8, _: Layout) {
        // SAFETY: Rust gives back what it got.
        unsafe { release(block) }
    }

    unsafe fn realloc(&self, block: *mut u8, _: Layout, bytes: usize) -> *mut u8 {
        // SAFETY: as for `dealloc`.
        unsafe { resize(block, bytes, false) }
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
    let block = allocate(bytes as usize, true);
    if !block.is_null() {
        // SAFETY: the block holds as much.
        unsafe { block.write_bytes(0, bytes as usize) };
    }
    block.cast()
}

unsafe extern "C" fn js_malloc(_: *mut c_void, size: u64) -> *mut c_void {
    allocate(size as usize, true).cast()
}

unsafe extern "C" fn js_free(_: *mut c_void, block: *mut c_void) {
    if !block.is_null() {
        // SAFETY: the engine gives back what it got.
        unsafe { release(block.cast()) }
    }
}

unsafe extern "C" fn js_realloc(_: *mut c_void, block: *mut c_void, size: u64) -> *mut c_void {
    if block.is_null() {
        return allocate(size as usize, true).cast();
    }
    // SAFETY: as for `js_free`.
    unsafe { resize(block.cast(), size as usize, true).cast() }
}

unsafe extern "C" fn js_usable_size(block: *const c_void) -> u64 {
    room(block.cast_mut().cast()) as u64
}
