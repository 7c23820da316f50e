//! The native functions by name, as `src/sys/native.ts` declares them.
use crate::process::Program;
use crate::{Answer, Arguments, Function, Refused, kernel, process};
use alloc::borrow::Cow;
use alloc::string::String;
use sha2::{Digest, Sha256, Sha512};

type Call = for<'a> fn(&'a mut dyn Arguments) -> Result<Answer<'a>, Refused>;

const fn calls(name: &'static str, call: Call) -> Function {
    Function { name, is_pure: false, call }
}

const fn computes(name: &'static str, call: Call) -> Function {
    Function { name, is_pure: true, call }
}

fn number(result: i64) -> Result<Answer<'static>, Refused> {
    Ok(Answer::Number(result as f64))
}

/// The six arguments of a function that runs a program.
fn program(a: &mut dyn Arguments) -> Result<Program, Refused> {
    let descriptors = [a.number(3)?, a.number(4)?, a.number(5)?];
    Ok(Program { file: a.text(0)?, arguments: a.texts(1)?, environment: a.texts(2)?, descriptors })
}

/// All native functions.
pub static FUNCTIONS: [Function; 54] = [
    calls("open", |a| number(kernel::open(a.text(0)?, a.number(1)?, a.number(2)?))),
    calls("close", |a| number(kernel::close(a.number(0)?))),
    calls("read", |a| number(kernel::read(a.number(0)?, a.bytes(1)?))),
    calls("read_text", |a| {
        let (path, flags, most) = (a.text(0)?, a.number(1)?, a.number(2)?);
        kernel::read_text(path, flags, most, a.bytes(3)?).map_or_else(number, |text| Ok(Answer::Text(Cow::Owned(text))))
    }),
    calls("write", |a| number(kernel::write(a.number(0)?, a.bytes(1)?))),
    calls("link", |a| number(kernel::link(a.text(0)?, a.text(1)?))),
    calls("symlink", |a| number(kernel::symlink(a.text(0)?, a.text(1)?))),
    calls("readlink", |a| number(kernel::readlink(a.text(0)?, a.bytes(1)?))),
    calls("unlink", |a| number(kernel::unlink(a.text(0)?))),
    calls("rename", |a| number(kernel::rename(a.text(0)?, a.text(1)?))),
    calls("fsync", |a| number(kernel::fsync(a.number(0)?))),
    calls("fchmod", |a| number(kernel::fchmod(a.number(0)?, a.number(1)?))),
    calls("mkdir", |a| number(kernel::mkdir(a.text(0)?, a.number(1)?))),
    calls("statx", |a| number(kernel::statx(a.number(0)?, a.text(1)?, a.number(2)?, a.number(3)?, a.bytes(4)?))),
    calls("getdents64", |a| number(kernel::getdents64(a.number(0)?, a.bytes(1)?))),
    calls("flock", |a| number(kernel::flock(a.number(0)?, a.number(1)?))),
    calls("memfd_create", |a| number(kernel::memfd_create(a.text(0)?, a.number(1)?))),
    calls("socket", |a| number(kernel::socket(a.number(0)?, a.number(1)?, a.number(2)?))),
    calls("bind", |a| number(kernel::bind(a.number(0)?, a.bytes(1)?))),
    calls("connect", |a| number(kernel::connect(a.number(0)?, a.bytes(1)?))),
    calls("listen", |a| number(kernel::listen(a.number(0)?, a.number(1)?))),
    calls("accept", |a| number(kernel::accept(a.number(0)?))),
    calls("send", |a| {
        let (fd, flags) = (a.number(0)?, a.number(2)?);
        number(kernel::send(fd, a.bytes(1)?, flags))
    }),
    calls("recv", |a| {
        let (fd, flags) = (a.number(0)?, a.number(2)?);
        number(kernel::recv(fd, a.bytes(1)?, flags))
    }),
    calls("poll", |a| {
        let milliseconds = a.number(1)?;
        number(kernel::poll(a.bytes(0)?, milliseconds))
    }),
    calls("signalfd", |a| number(kernel::signalfd(a.number(0)?))),
    calls("getsockopt", |a| number(kernel::getsockopt(a.number(0)?, a.number(1)?, a.number(2)?, a.bytes(3)?))),
    calls("setsockopt", |a| number(kernel::setsockopt(a.number(0)?, a.number(1)?, a.number(2)?, a.bytes(3)?))),
    calls("setns", |a| number(kernel::setns(a.number(0)?, a.number(1)?))),
    calls("unshare", |a| number(kernel::unshare(a.number(0)?))),
    calls("mount", |a| number(kernel::mount(a.text(0)?, a.text(1)?, a.text(2)?, a.number(3)?))),
    calls("umount", |a| number(kernel::umount(a.text(0)?, a.number(1)?))),
    calls("terminal_columns", |a| number(kernel::terminal_columns(a.number(0)?))),
    calls("getrandom", |a| number(kernel::getrandom(a.bytes(0)?))),
    calls("usleep", |a| number(kernel::usleep(a.number(0)?))),
    calls("clock_gettime", |a| Ok(Answer::Number(kernel::clock_gettime(a.number(0)?)))),
    calls("geteuid", |_| number(kernel::geteuid())),
    calls("getenv", |a| Ok(process::getenv(a.text(0)?).map_or(Answer::Undefined, |value| Answer::Text(Cow::Owned(value))))),
    calls("environment", |_| Ok(Answer::Texts(process::environment()))),
    calls("argv", |_| Ok(Answer::Texts(process::argv()))),
    calls("program_name", |_| Ok(Answer::Text(Cow::Owned(process::program_name())))),
    calls("spawn", |a| number(process::spawn(program(a)?))),
    calls("launch", |a| number(process::launch(program(a)?))),
    calls("pidfd_open", |a| number(kernel::pidfd_open(a.number(0)?))),
    calls("kill_group", |a| number(kernel::kill_group(a.number(0)?))),
    calls("wait", |a| number(kernel::wait(a.number(0)?))),
    calls("abort", |a| process::abort(&a.text(0)?)),
    computes("encode", |a| Ok(Answer::Bytes(a.text(0)?.into_bytes()))),
    computes("decode", |a| {
        let bytes = a.bytes(0)?;
        Ok(Answer::Text(str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)))
    }),
    computes("is_printable", |a| number(a.text(0)?.bytes().all(|byte| matches!(byte, b' '..=b'~')).into())),
    computes("attribute_places", |a| {
        let (start, end) = (a.number(1)?, a.number(2)?);
        Ok(Answer::Bytes(kernel::attribute_places(a.bytes(0)?, start as usize, end as usize)))
    }),
    computes("entry_names", |a| Ok(Answer::Texts(kernel::entry_names(a.bytes(0)?)))),
    computes("sha256", |a| hexadecimal(&Sha256::digest(a.text(0)?))),
    computes("sha512", |a| hexadecimal(&Sha512::digest(a.text(0)?))),
];

fn hexadecimal(digest: &[u8]) -> Result<Answer<'static>, Refused> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    Ok(Answer::Text(digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect::<String>().into()))
}
