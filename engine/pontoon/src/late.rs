//! The parts of the program that are loaded late: their bytecode, which lies packed behind the image.
//!
//! One follows the other, each with a head in front: how many bytes it has, and how many packed, by deflate (RFC 1951).
use alloc::boxed::Box;
use alloc::vec::Vec;
use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

/// Of the library's, whose highest is 10.
const LEVEL: u8 = 10;

/// For the compiler. Puts a part behind those that `parts` has.
pub fn pack(parts: &mut Vec<u8>, part: &[u8]) {
    let packed = compress_to_vec(part, LEVEL);
    for number in [part.len(), packed.len()] {
        parts.extend_from_slice(&(number as u64).to_le_bytes());
    }
    parts.extend_from_slice(&packed);
}

/// The part number `place`; `None` when there is no memory for it, or no such part.
pub fn unpack(parts: &[u8], place: usize) -> Option<Vec<u8>> {
    let mut parts = parts;
    for _ in 0..place {
        parts = split(parts)?.2;
    }
    let (bytes, packed, _) = split(parts)?;
    let mut part = Vec::new();
    part.try_reserve_exact(bytes).ok()?;
    part.resize(bytes, 0);
    let mut state = Box::<DecompressorOxide>::default();
    let (status, _, written) = decompress(&mut state, packed, &mut part, 0, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF);
    (status == TINFLStatus::Done && written == bytes).then_some(part)
}

/// The length of the first part, its packed bytes, and the parts behind it.
fn split(parts: &[u8]) -> Option<(usize, &[u8], &[u8])> {
    let (bytes, rest) = number(parts)?;
    let (length, rest) = number(rest)?;
    let (packed, rest) = rest.split_at_checked(length)?;
    Some((bytes, packed, rest))
}

fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u64::from_le_bytes(*number) as usize, rest))
}
