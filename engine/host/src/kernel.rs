//! System calls over checked slices. Each gives what the kernel gives: a number from 0 on, or `-errno`.
//!
//! The call numbers are those that every architecture has (`openat` for `open`), so nothing here names a processor.
//! All `unsafe` of this crate is in this file and in `process.rs`.
use alloc::ffi::CString;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::ffi::{c_int, c_long};
use core::ptr;
use libc::timespec;

/// A path or name that holds a NUL, which C would cut at, is EINVAL.
pub fn c_text(text: String) -> Result<CString, i64> {
    CString::new(text).map_err(|_| -i64::from(libc::EINVAL))
}

/// One system call. The arguments beyond those that `number` takes are zero and not looked at.
fn call(number: c_long, arguments: [i64; 6]) -> i64 {
    let [a, b, c, d, e, f] = arguments;
    // SAFETY: the callers below pass numbers, and addresses with lengths that come from one slice or C string which
    // lives until the call returns; the kernel writes nowhere else.
    let result = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    if result == -1 { -i64::from(errno()) } else { result }
}

fn errno() -> c_int {
    // SAFETY: the address is the calling thread's own and always valid.
    unsafe { *libc::__errno_location() }
}

/// Waits for the end of a child; gives its wait status.
pub fn wait(child: i64) -> i64 {
    let mut status: c_int = 0;
    loop {
        match call(libc::SYS_wait4, [child, address_mut(&mut status), 0, 0, 0, 0]) {
            refusal if refusal == -i64::from(libc::EINTR) => {}
            refusal @ ..0 => return refusal,
            _ => return i64::from(status),
        }
    }
}

/// Gives a descriptor that can be read once the process has ended.
pub fn pidfd_open(process: i64) -> i64 {
    call(libc::SYS_pidfd_open, [process, 0, 0, 0, 0, 0])
}

/// Ends all processes of the group that `leader` leads. No other number is let through: the kernel takes the low 32 bits, and
/// 0, 1 and -1 would mean others.
pub fn kill_group(leader: i64) -> i64 {
    if !(2..=i64::from(i32::MAX)).contains(&leader) {
        return -i64::from(libc::EINVAL);
    }
    call(libc::SYS_kill, [-leader, i64::from(libc::SIGKILL), 0, 0, 0, 0])
}

fn address<T: ?Sized>(value: &T) -> i64 {
    ptr::from_ref(value).cast::<u8>() as i64
}

fn address_mut<T: ?Sized>(value: &mut T) -> i64 {
    ptr::from_mut(value).cast::<u8>() as i64
}

const HERE: i64 = libc::AT_FDCWD as i64;

/// O_DIRECTORY of `asm-generic/fcntl.h`; arm64 has another number for it.
const O_DIRECTORY: i64 = 0o200000;

/// `flags` are those of `asm-generic/fcntl.h`, whatever the processor.
pub fn open(path: String, flags: i64, mode: i64) -> i64 {
    let flags = if flags & O_DIRECTORY == 0 { flags } else { flags & !O_DIRECTORY | i64::from(libc::O_DIRECTORY) };
    match c_text(path) {
        Ok(path) => call(libc::SYS_openat, [HERE, address(path.as_c_str()), flags | i64::from(libc::O_CLOEXEC), mode, 0, 0]),
        Err(refusal) => refusal,
    }
}

pub fn close(fd: i64) -> i64 {
    call(libc::SYS_close, [fd, 0, 0, 0, 0, 0])
}

pub fn read(fd: i64, buffer: &mut [u8]) -> i64 {
    call(libc::SYS_read, [fd, address_mut(buffer), buffer.len() as i64, 0, 0, 0])
}

pub fn write(fd: i64, bytes: &[u8]) -> i64 {
    call(libc::SYS_write, [fd, address(bytes), bytes.len() as i64, 0, 0, 0])
}

pub fn link(from: String, to: String) -> i64 {
    two_paths(from, to, |from, to| call(libc::SYS_linkat, [HERE, from, HERE, to, 0, 0]))
}

pub fn symlink(target: String, path: String) -> i64 {
    two_paths(target, path, |target, path| call(libc::SYS_symlinkat, [target, HERE, path, 0, 0, 0]))
}

pub fn rename(from: String, to: String) -> i64 {
    two_paths(from, to, |from, to| call(libc::SYS_renameat2, [HERE, from, HERE, to, 0, 0]))
}

fn two_paths(from: String, to: String, action: impl FnOnce(i64, i64) -> i64) -> i64 {
    match (c_text(from), c_text(to)) {
        (Ok(from), Ok(to)) => action(address(from.as_c_str()), address(to.as_c_str())),
        (Err(refusal), _) | (_, Err(refusal)) => refusal,
    }
}

/// Writes the text of a link into `buffer`, without a final zero; gives its length.
pub fn readlink(path: String, buffer: &mut [u8]) -> i64 {
    let (to, length) = (address_mut(buffer), buffer.len() as i64);
    one_path(path, |path| call(libc::SYS_readlinkat, [HERE, path, to, length, 0, 0]))
}

pub fn unlink(path: String) -> i64 {
    one_path(path, |path| call(libc::SYS_unlinkat, [HERE, path, 0, 0, 0, 0]))
}

pub fn fsync(fd: i64) -> i64 {
    call(libc::SYS_fsync, [fd, 0, 0, 0, 0, 0])
}

pub fn fchmod(fd: i64, mode: i64) -> i64 {
    call(libc::SYS_fchmod, [fd, mode, 0, 0, 0, 0])
}

pub fn mkdir(path: String, mode: i64) -> i64 {
    one_path(path, |path| call(libc::SYS_mkdirat, [HERE, path, mode, 0, 0, 0]))
}

fn one_path(path: String, action: impl FnOnce(i64) -> i64) -> i64 {
    match c_text(path) {
        Ok(path) => action(address(path.as_c_str())),
        Err(refusal) => refusal,
    }
}

/// Fills `status` with a `struct statx`; less room than it needs is EINVAL.
pub fn statx(directory: i64, path: String, flags: i64, mask: i64, status: &mut [u8]) -> i64 {
    if status.len() < size_of::<libc::statx>() {
        return -i64::from(libc::EINVAL);
    }
    one_path(path, |path| call(libc::SYS_statx, [directory, path, flags, mask, address_mut(status), 0]))
}

pub fn getdents64(fd: i64, buffer: &mut [u8]) -> i64 {
    call(libc::SYS_getdents64, [fd, address_mut(buffer), buffer.len() as i64, 0, 0, 0])
}

/// The names in what getdents64(2) wrote, without `.` and `..`. In a `struct linux_dirent64` the length of the entry stands
/// at 16, and the name from 19 on, with zeros behind it.
pub fn entry_names(mut entries: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    while let Some(length) = entries.get(16..18) {
        let length = usize::from(u16::from_ne_bytes([length[0], length[1]]));
        let Some(name) = entries.get(19..length) else { break };
        let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
        if name != b"." && name != b".." {
            names.push(text(name.to_vec()));
        }
        entries = &entries[length..];
    }
    names
}

/// The types of netlink attributes whose places are noted.
const ATTRIBUTE_TYPES: usize = 128;
/// NLA_TYPE_MASK of `linux/netlink.h`.
const ATTRIBUTE_TYPE: u16 = 0x3fff;
/// The size of a `struct nlattr`, and what each of them is padded to.
const ATTRIBUTE_HEAD: usize = 4;

/// By type, in two bytes each: the word in which the value of an attribute begins, from `start` to `end` of the bytes.
/// The walk ends where an attribute is shorter than its head, or claims more than there is.
pub fn attribute_places(bytes: &[u8], start: usize, end: usize) -> Vec<u8> {
    let mut places = vec![0; 2 * ATTRIBUTE_TYPES];
    let bytes = bytes.get(..end).unwrap_or_default();
    let mut at = start;
    while let Some(&[a, b, c, d, ..]) = bytes.get(at..) {
        let (size, kind) = (usize::from(u16::from_ne_bytes([a, b])), usize::from(u16::from_ne_bytes([c, d]) & ATTRIBUTE_TYPE));
        if size < ATTRIBUTE_HEAD || size > bytes.len() - at {
            break;
        }
        if let Some(place) = places.get_mut(2 * kind..2 * kind + 2) {
            place.copy_from_slice(&(((at + ATTRIBUTE_HEAD) / ATTRIBUTE_HEAD) as u16).to_le_bytes());
        }
        at += size.next_multiple_of(ATTRIBUTE_HEAD);
    }
    places
}

/// Text of UTF-8 bytes; what is none becomes U+FFFD.
pub fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|refused| String::from_utf8_lossy(refused.as_bytes()).into_owned())
}

/// Opens a file and reads it to its end, as a file on a disk: a read that gives less than was asked for is the last one.
/// A file of more than `most` bytes is EFBIG. Fills `status`, unless it is empty, with the `struct statx` of the file.
pub fn read_text(path: String, flags: i64, most: i64, status: &mut [u8]) -> Result<String, i64> {
    let fd = open(path, flags, 0);
    if fd < 0 {
        return Err(fd);
    }
    let known = if status.is_empty() { 0 } else { statx(fd, String::new(), libc::AT_EMPTY_PATH.into(), libc::STATX_BASIC_STATS.into(), status) };
    let bytes = if known < 0 { Err(known) } else { read_to_end(fd, most) };
    close(fd);
    bytes.map(text)
}

fn read_to_end(fd: i64, most: i64) -> Result<Vec<u8>, i64> {
    let mut bytes = vec![0; 4096];
    let mut length = 0;
    loop {
        match read(fd, &mut bytes[length..]) {
            refusal if refusal == -i64::from(libc::EINTR) => {}
            refusal @ ..0 => return Err(refusal),
            count => length += count as usize,
        }
        if length as i64 > most {
            return Err(-i64::from(libc::EFBIG));
        }
        if length < bytes.len() {
            bytes.truncate(length);
            return Ok(bytes);
        }
        bytes.resize((4 * length).min(most as usize + 1), 0);
    }
}

pub fn flock(fd: i64, operation: i64) -> i64 {
    call(libc::SYS_flock, [fd, operation, 0, 0, 0, 0])
}

pub fn memfd_create(name: String, flags: i64) -> i64 {
    one_path(name, |name| call(libc::SYS_memfd_create, [name, flags | i64::from(libc::MFD_CLOEXEC), 0, 0, 0, 0]))
}

pub fn socket(domain: i64, kind: i64, protocol: i64) -> i64 {
    call(libc::SYS_socket, [domain, kind | i64::from(libc::SOCK_CLOEXEC), protocol, 0, 0, 0])
}

pub fn bind(fd: i64, to: &[u8]) -> i64 {
    call(libc::SYS_bind, [fd, address(to), to.len() as i64, 0, 0, 0])
}

pub fn connect(fd: i64, to: &[u8]) -> i64 {
    call(libc::SYS_connect, [fd, address(to), to.len() as i64, 0, 0, 0])
}

pub fn listen(fd: i64, backlog: i64) -> i64 {
    call(libc::SYS_listen, [fd, backlog, 0, 0, 0, 0])
}

pub fn accept(fd: i64) -> i64 {
    call(libc::SYS_accept4, [fd, 0, 0, i64::from(libc::SOCK_CLOEXEC), 0, 0])
}

pub fn send(fd: i64, bytes: &[u8], flags: i64) -> i64 {
    call(libc::SYS_sendto, [fd, address(bytes), bytes.len() as i64, flags, 0, 0])
}

pub fn recv(fd: i64, buffer: &mut [u8], flags: i64) -> i64 {
    call(libc::SYS_recvfrom, [fd, address_mut(buffer), buffer.len() as i64, flags, 0, 0])
}

/// `fds` holds as many `struct pollfd` (eight bytes) as its length says. Below zero, `milliseconds` is without end.
pub fn poll(fds: &mut [u8], milliseconds: i64) -> i64 {
    let time = timespec { tv_sec: milliseconds / 1000, tv_nsec: (milliseconds % 1000) * 1_000_000 };
    let limit = if milliseconds < 0 { 0 } else { address(&time) };
    call(libc::SYS_ppoll, [address_mut(fds), (fds.len() / size_of::<libc::pollfd>()) as i64, limit, 0, 0, 0])
}

/// From now on the signal does not come by itself; gives a descriptor that can be read once it is there.
pub fn signalfd(signal: i64) -> i64 {
    let Some(set) = u32::try_from(signal - 1).ok().and_then(|bit| 1_u64.checked_shl(bit)) else {
        return -i64::from(libc::EINVAL);
    };
    let size = size_of_val(&set) as i64;
    match call(libc::SYS_rt_sigprocmask, [i64::from(libc::SIG_BLOCK), address(&set), 0, size, 0, 0]) {
        0 => call(libc::SYS_signalfd4, [-1, address(&set), size, i64::from(libc::SFD_CLOEXEC), 0, 0]),
        refusal => refusal,
    }
}

/// Gives how many bytes of `value` the kernel filled.
pub fn getsockopt(fd: i64, level: i64, option: i64, value: &mut [u8]) -> i64 {
    let mut length = value.len() as libc::socklen_t;
    match call(libc::SYS_getsockopt, [fd, level, option, address_mut(value), address_mut(&mut length), 0]) {
        // Some options say how much room they would have needed.
        0 => i64::from(length).min(value.len() as i64),
        refusal => refusal,
    }
}

pub fn setsockopt(fd: i64, level: i64, option: i64, value: &[u8]) -> i64 {
    call(libc::SYS_setsockopt, [fd, level, option, address(value), value.len() as i64, 0])
}

pub fn setns(fd: i64, kind: i64) -> i64 {
    call(libc::SYS_setns, [fd, kind, 0, 0, 0, 0])
}

pub fn unshare(flags: i64) -> i64 {
    call(libc::SYS_unshare, [flags, 0, 0, 0, 0, 0])
}

/// Mounts without data: a bind mount, a change of propagation, or a file system that needs none.
pub fn mount(source: String, target: String, kind: String, flags: i64) -> i64 {
    match c_text(kind) {
        Ok(kind) => two_paths(source, target, |source, target| call(libc::SYS_mount, [source, target, address(kind.as_c_str()), flags, 0, 0])),
        Err(refusal) => refusal,
    }
}

pub fn umount(target: String, flags: i64) -> i64 {
    one_path(target, |target| call(libc::SYS_umount2, [target, flags, 0, 0, 0, 0]))
}

/// The width of the terminal that `fd` is, in columns; 0 where the terminal does not know it.
pub fn terminal_columns(fd: i64) -> i64 {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    match call(libc::SYS_ioctl, [fd, libc::TIOCGWINSZ as i64, address_mut(&mut size), 0, 0, 0]) {
        0 => i64::from(size.ws_col),
        refusal => refusal,
    }
}

pub fn getrandom(buffer: &mut [u8]) -> i64 {
    call(libc::SYS_getrandom, [address_mut(buffer), buffer.len() as i64, 0, 0, 0, 0])
}

pub fn usleep(microseconds: i64) -> i64 {
    let time = timespec { tv_sec: microseconds / 1_000_000, tv_nsec: (microseconds % 1_000_000) * 1000 };
    call(libc::SYS_nanosleep, [address(&time), 0, 0, 0, 0, 0])
}

/// A clock in milliseconds; NaN for one that the kernel does not have.
pub fn clock_gettime(clock: i64) -> f64 {
    let mut time = timespec { tv_sec: 0, tv_nsec: 0 };
    match call(libc::SYS_clock_gettime, [clock, address_mut(&mut time), 0, 0, 0, 0]) {
        0 => time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6,
        _ => f64::NAN,
    }
}

pub fn geteuid() -> i64 {
    call(libc::SYS_geteuid, [0; 6])
}
