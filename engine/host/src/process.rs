//! The process itself: its arguments and environment, its end, and other programs that it runs.
use crate::kernel::{c_text, close, open, poll, read, wait, write};
use alloc::ffi::CString;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ffi::{CStr, c_char, c_int};
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

unsafe extern "C" {
    static environ: *const *const c_char;
}

/// Signals of a write that fails, which gives EPIPE or EFBIG as well: a reader that is gone, a limit on the size of files.
/// They are ignored here, and as the system has them in a program that is run.
const ERRORS_OF_WRITE: [c_int; 2] = [libc::SIGPIPE, libc::SIGXFSZ];

static ARGUMENTS: AtomicPtr<*const c_char> = AtomicPtr::new(ptr::null_mut());

/// Prepares the process for the functions of this crate.
///
/// A closed standard descriptor is taken by one that can neither be read nor written, so that nothing which is opened
/// later gets its number; and what fails a write is an error of `write`, no signal.
///
/// # Safety
/// `arguments` is the list that `main` got.
pub unsafe fn prepare(arguments: *const *const c_char) {
    ARGUMENTS.store(arguments.cast_mut(), Ordering::Relaxed);
    for signal in ERRORS_OF_WRITE {
        // SAFETY: no handler is installed, so nothing of ours runs in a signal.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
    // Three `struct pollfd`: fd, events, revents.
    let mut standard = [0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0];
    poll(&mut standard, 0);
    for fd in 0..3_i64 {
        if i16::from(standard[8 * fd as usize + 6]) & libc::POLLNVAL != 0 {
            open("/".to_string(), i64::from(libc::O_PATH), 0);
        }
    }
}

/// The arguments of the process without its name; what is no UTF-8 has U+FFFD in its place.
pub fn argv() -> Vec<String> {
    // SAFETY: `prepare` was given a list that ends with a null pointer, or it is null.
    unsafe { texts(ARGUMENTS.load(Ordering::Relaxed)) }.into_iter().skip(1).collect()
}

/// The name by which the process was started, often with a path; nothing where its starter gave none.
pub fn program_name() -> String {
    // SAFETY: as for `argv`.
    unsafe { texts(ARGUMENTS.load(Ordering::Relaxed)) }.into_iter().next().unwrap_or_default()
}

/// The environment, each variable as `NAME=value`.
pub fn environment() -> Vec<String> {
    // SAFETY: the C library keeps this list, which ends with a null pointer; nobody here changes it.
    unsafe { texts(environ) }
}

/// The value of an environment variable.
pub fn getenv(name: String) -> Option<String> {
    let name = c_text(name).ok()?;
    // SAFETY: nobody here changes the environment, so the text stays.
    let value = unsafe { libc::getenv(name.as_ptr()) };
    if value.is_null() {
        return None;
    }
    // SAFETY: as above; a text of C ends with NUL.
    let value = unsafe { CStr::from_ptr(value) };
    Some(value.to_string_lossy().into_owned())
}

/// # Safety
/// `list` is null, or a list of C texts that ends with a null pointer.
unsafe fn texts(list: *const *const c_char) -> Vec<String> {
    let mut all = Vec::new();
    if list.is_null() {
        return all;
    }
    for at in 0.. {
        // SAFETY: no element behind the null pointer is read.
        let text = unsafe { *list.add(at) };
        if text.is_null() {
            break;
        }
        // SAFETY: the caller's promise.
        all.push(unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned());
    }
    all
}

/// Ends the process without any clean-up.
pub fn exit(status: i64) -> ! {
    // SAFETY: all that is open is the kernel's to close.
    unsafe { libc::_exit(status as c_int) }
}

/// Says `words` on stderr, where that is open, and ends the process by SIGABRT.
pub fn abort(words: &str) -> ! {
    write(2, words.as_bytes());
    // SAFETY: as for `exit`.
    unsafe { libc::abort() }
}

/// A program to run: all three descriptors are from 3 on.
pub struct Program {
    pub file: String,
    /// Its arguments, with its name.
    pub arguments: Vec<String>,
    /// Its whole environment, as `NAME=value`.
    pub environment: Vec<String>,
    pub descriptors: [i64; 3],
}

/// Runs a program to its end. Gives the wait status (wait(2): the signal in the low seven bits, else the exit status in the
/// next eight), or `-errno` when it could not be started.
pub fn spawn(program: Program) -> i64 {
    match start(program, false) {
        refusal @ ..0 => refusal,
        child => wait(child),
    }
}

/// Starts a program that leads a process group of its own. Gives its process id, which is to be waited for (`kernel::wait`), or
/// `-errno` when it could not be started.
pub fn launch(program: Program) -> i64 {
    start(program, true)
}

fn start(program: Program, leads_group: bool) -> i64 {
    match prepared(program) {
        Ok((file, arguments, environment, descriptors)) => fork(&file, &arguments, &environment, descriptors, leads_group),
        Err(refusal) => refusal,
    }
}

type Prepared = (CString, Vec<CString>, Vec<CString>, [c_int; 3]);

fn prepared(Program { file, arguments, environment, descriptors }: Program) -> Result<Prepared, i64> {
    if descriptors.iter().any(|&fd| !(3..=i64::from(c_int::MAX)).contains(&fd)) {
        return Err(-i64::from(libc::EBADF));
    }
    let all = |texts: Vec<String>| texts.into_iter().map(c_text).collect::<Result<Vec<_>, _>>();
    Ok((c_text(file)?, all(arguments)?, all(environment)?, descriptors.map(|fd| fd as c_int)))
}

fn fork(file: &CStr, arguments: &[CString], environment: &[CString], descriptors: [c_int; 3], leads_group: bool) -> i64 {
    let list = |texts: &[CString]| texts.iter().map(|text| text.as_ptr().cast_mut()).chain([ptr::null_mut()]).collect::<Vec<_>>();
    let (arguments, environment) = (list(arguments), list(environment));
    let mut report = [0; 2];
    // SAFETY: the list has room for both descriptors.
    if unsafe { libc::pipe2(report.as_mut_ptr(), libc::O_CLOEXEC) } < 0 {
        return -i64::from(errno());
    }
    // SAFETY: no argument. The child calls nothing but system calls until it is the program, so it needs no lock and no
    // memory that another thread of the parent may have held.
    let (parent, child) = unsafe { (libc::getpid(), libc::fork()) };
    if child == 0 {
        // SAFETY: the lists end with a null pointer, and all texts in them live in this copy of the memory.
        unsafe { become_program(parent, file, &arguments, &environment, descriptors, leads_group) };
        let refusal = errno().to_ne_bytes();
        write(i64::from(report[1]), &refusal);
        exit(127);
    }
    let refusal = errno();
    close(i64::from(report[1]));
    if child < 0 {
        close(i64::from(report[0]));
        return -i64::from(refusal);
    }
    let mut code = [0; 4];
    let count = read_whole(i64::from(report[0]), &mut code);
    close(i64::from(report[0]));
    if count < code.len() {
        return i64::from(child);
    }
    wait(i64::from(child));
    -i64::from(c_int::from_ne_bytes(code))
}

fn errno() -> c_int {
    // SAFETY: the C library gives the place of this thread's number.
    unsafe { *libc::__errno_location() }
}

/// Reads until the buffer is full or the other side is closed; gives how many bytes came.
fn read_whole(fd: i64, buffer: &mut [u8]) -> usize {
    let mut length = 0;
    while length < buffer.len() {
        match read(fd, &mut buffer[length..]) {
            count @ 1.. => length += count as usize,
            end if end == -i64::from(libc::EINTR) => {}
            _ => break,
        }
    }
    length
}

/// Makes the calling process the program; returns only when that is refused, and `errno` tells why.
///
/// The program dies with its caller: one that goes on alone would do its work when the caller's has been cleared away.
///
/// # Safety
/// The lists end with a null pointer, and the process is a child that does nothing else.
unsafe fn become_program(
    parent: libc::pid_t,
    file: &CStr,
    arguments: &[*mut c_char],
    environment: &[*mut c_char],
    descriptors: [c_int; 3],
    leads_group: bool,
) {
    // SAFETY: system calls on plain numbers, and the caller's promise for the lists.
    unsafe {
        if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) < 0 {
            return;
        }
        // The caller may have died before.
        if libc::getppid() != parent {
            exit(127);
        }
        if leads_group && libc::setpgid(0, 0) < 0 {
            return;
        }
        for (to, from) in descriptors.into_iter().enumerate() {
            if libc::dup2(from, to as c_int) < 0 {
                return;
            }
        }
        for signal in ERRORS_OF_WRITE {
            libc::signal(signal, libc::SIG_DFL);
        }
        libc::execve(file.as_ptr(), arguments.as_ptr().cast(), environment.as_ptr().cast());
    }
}

/// More than most files have.
const LIKELY_BYTES: usize = 4 << 20;

/// The whole content of a file, or `-errno`.
pub fn read_file(path: &str) -> Result<Vec<u8>, i64> {
    let fd = open(path.to_string(), i64::from(libc::O_RDONLY), 0);
    if fd < 0 {
        return Err(fd);
    }
    let mut bytes = Vec::with_capacity(LIKELY_BYTES);
    let mut part = [0; 4096];
    let end = loop {
        match read(fd, &mut part) {
            count @ 1.. => bytes.extend_from_slice(&part[..count as usize]),
            end => break end,
        }
    };
    close(fd);
    if end < 0 { Err(end) } else { Ok(bytes) }
}

/// Writes all bytes to a descriptor; false when that does not go.
pub fn write_all(fd: i64, mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        match write(fd, bytes) {
            count @ 1.. => bytes = &bytes[count as usize..],
            _ => return false,
        }
    }
    true
}
