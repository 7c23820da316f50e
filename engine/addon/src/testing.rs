//! System calls that only tests need. Each gives a number from 0 on, or `-errno`.
use host::{Answer, Arguments, Function, Refused};

pub static FUNCTIONS: [Function; 2] =
    [Function { name: "socketpair", is_pure: false, call: socketpair }, Function { name: "sendto", is_pure: false, call: sendto }];

/// `socketpair(domain, kind, protocol, pair)`: `pair` has eight bytes, for two descriptors.
fn socketpair(arguments: &mut dyn Arguments) -> Result<Answer<'_>, Refused> {
    let [domain, kind, protocol] = [arguments.number(0)?, arguments.number(1)?, arguments.number(2)?].map(|number| number as libc::c_int);
    let mut pair = [0; 2];
    // SAFETY: the kernel writes two numbers where there are two.
    let result = answer(unsafe { libc::socketpair(domain, kind | libc::SOCK_CLOEXEC, protocol, pair.as_mut_ptr()) } as isize);
    for (place, byte) in arguments.bytes(3)?.iter_mut().zip(pair.into_iter().flat_map(i32::to_ne_bytes)) {
        *place = byte;
    }
    Ok(result)
}

/// `sendto(fd, bytes, address)`: one datagram; `address` is a `struct sockaddr` of whichever family.
fn sendto(arguments: &mut dyn Arguments) -> Result<Answer<'_>, Refused> {
    let fd = arguments.number(0)? as libc::c_int;
    let bytes = arguments.bytes(1)?.to_vec();
    let address = arguments.bytes(2)?;
    // SAFETY: both addresses come with the length of their own bytes.
    Ok(answer(unsafe { libc::sendto(fd, bytes.as_ptr().cast(), bytes.len(), 0, address.as_ptr().cast(), address.len() as libc::socklen_t) }))
}

fn answer(result: isize) -> Answer<'static> {
    let code = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
    Answer::Number(if result < 0 { -f64::from(code) } else { result as f64 })
}
