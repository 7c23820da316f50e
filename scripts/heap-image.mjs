// Puts a heap image into the executable that made it (engine/pontoon/src/arena.rs).
//
// The empty heap is the last thing in memory and has a segment of its own. The image takes its place in the
// file, and what lies behind it (names for a debugger) goes; beyond the image the kernel fills the segment
// with zeros, as it does for .bss, up to the end that the image names.

// Elf64_Ehdr and Elf64_Phdr (elf.h): offsets of what is read or changed.
const EHDR = { e_phoff: 32, e_shoff: 40, e_phnum: 56, e_shnum: 60, e_shstrndx: 62 };
const PHDR = { bytes: 56, p_type: 0, p_offset: 8, p_vaddr: 16, p_filesz: 32, p_memsz: 40 };
const PT_LOAD = 1;

/**
 * The executable with the image inside. Throws when they do not belong together.
 * @param {Buffer} executable
 * @param {Buffer} image
 */
export function withImage(executable, image) {
  const [address, end] = [number(image, 0), number(image, 8)];
  for (
    let count = executable.readUInt16LE(EHDR.e_phnum), at = number(executable, EHDR.e_phoff);
    count > 0;
    count--, at += PHDR.bytes
  ) {
    const [offset, start] = [number(executable, at + PHDR.p_offset), number(executable, at + PHDR.p_vaddr)];
    const [bytes, memory] = [number(executable, at + PHDR.p_filesz), number(executable, at + PHDR.p_memsz)];
    if (executable.readUInt32LE(at + PHDR.p_type) !== PT_LOAD || address < start || address >= start + bytes)
      continue;
    if (address + image.length > end || end > start + memory)
      throw new Error("the image is larger than the heap in the executable");
    const place = offset + address - start;
    if (executable.subarray(place, offset + bytes).some((byte) => byte !== 0))
      throw new Error("the heap in the executable is not empty, or not the last thing in its segment");
    const whole = Buffer.concat([executable.subarray(0, place), image]);
    whole.writeBigUInt64LE(BigInt(whole.length - offset), at + PHDR.p_filesz);
    whole.writeBigUInt64LE(BigInt(end - start), at + PHDR.p_memsz);
    whole.fill(0, EHDR.e_shoff, EHDR.e_shoff + 8);
    whole.fill(0, EHDR.e_shnum, EHDR.e_shstrndx + 2);
    return whole;
  }
  throw new Error("no segment of the executable holds the heap");
}

/**
 * @param {Buffer} bytes
 * @param {number} at
 */
function number(bytes, at) {
  return Number(bytes.readBigUInt64LE(at));
}
