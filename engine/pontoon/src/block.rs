//! A block of memory that is in no image: its size, and the head of eight bytes in front of it.
//!
//! Blocks of up to 1 KiB come in steps of 16 bytes, larger ones in four steps for each power of two.
use core::ptr;

pub const HEAD: usize = 8;
pub const STEP: usize = 16;
pub const LAST_STEP: usize = 1024;
/// How many lists of free blocks there are.
pub const CLASSES: usize = 64 + 4 * 20;
/// In the place of a list: the kernel gave this block for itself.
pub const MAPPED: usize = 255;
/// A call that wants more than this beyond the segment is refused: 16 MiB of JSON need a tenth.
pub const MOST: usize = 512 << 20;

/// The size of a block for so many bytes (at most [`MOST`]), its head among them, and the list it belongs to.
pub const fn class(bytes: usize) -> (usize, usize) {
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

/// The head of a block that is in no image: how many bytes it holds, and its list.
pub fn head_of(block: *mut u8) -> (usize, usize) {
    // The head is no part of what Rust knows as the block, so its address is made anew.
    let head = ptr::with_exposed_provenance::<usize>(block.expose_provenance() - HEAD);
    // SAFETY: every such block has its head in front of it.
    let head = unsafe { head.read() };
    (head >> 8, head & 255)
}

/// A block with its head written in front.
///
/// # Safety
/// The head and so many bytes from `start` on are nobody's.
pub unsafe fn block_at(start: usize, room: usize, list: usize) -> *mut u8 {
    let head = ptr::with_exposed_provenance_mut::<usize>(start);
    // SAFETY: the caller's promise.
    unsafe {
        head.write(room << 8 | list);
        head.add(1).cast()
    }
}
