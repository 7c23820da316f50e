//! The functions of this crate over the kernel, as far as a script (test/runtime/native.test.ts) cannot see them.
use host::process::{self, Program};
use host::{FUNCTIONS, kernel};
use std::fs;

const EINVAL: i64 = -(libc::EINVAL as i64);
const ENOENT: i64 = -(libc::ENOENT as i64);
const EBADF: i64 = -(libc::EBADF as i64);
const HERE: i64 = libc::AT_FDCWD as i64;

fn null() -> i64 {
    kernel::open("/dev/null".into(), i64::from(libc::O_RDWR), 0)
}

fn run(file: &str, arguments: &[&str], descriptors: [i64; 3]) -> i64 {
    let arguments = arguments.iter().map(ToString::to_string).collect();
    process::spawn(Program { file: file.into(), arguments, environment: Vec::new(), descriptors })
}

#[test]
fn no_path_or_name_is_cut_at_a_nul() {
    let cut = || "/dev/null\0".to_string();
    assert_eq!(kernel::open(cut(), 0, 0), EINVAL);
    assert_eq!([kernel::unlink(cut()), kernel::mkdir(cut(), 0), kernel::memfd_create(cut(), 0)], [EINVAL; 3]);
    assert_eq!([kernel::link(cut(), "/a".into()), kernel::link("/a".into(), cut())], [EINVAL; 2]);
    assert_eq!([kernel::symlink(cut(), "/a".into()), kernel::symlink("/a".into(), cut())], [EINVAL; 2]);
    assert_eq!([kernel::rename(cut(), "/a".into()), kernel::rename("/a".into(), cut())], [EINVAL; 2]);
    assert_eq!(kernel::statx(HERE, cut(), 0, 0, &mut [0; 256]), EINVAL);
    assert_eq!(run("/bin/true", &["true", "a\0b"], [null(); 3]), EINVAL);
}

#[test]
fn a_buffer_too_short_for_a_status_is_not_written() {
    let mut short = [7; 255];
    assert_eq!(kernel::statx(HERE, "/".into(), 0, 0x7ff, &mut short), EINVAL);
    assert_eq!(short, [7; 255]);
}

#[test]
fn every_descriptor_is_close_on_exec() {
    let made = [null(), kernel::memfd_create("x".into(), 0), kernel::socket(i64::from(libc::AF_UNIX), i64::from(libc::SOCK_STREAM), 0)];
    for fd in made {
        let info = fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).unwrap();
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap().trim();
        assert_ne!(i32::from_str_radix(flags, 8).unwrap() & libc::O_CLOEXEC, 0, "{info}");
        assert_eq!([kernel::close(fd)], [0]);
    }
}

#[test]
fn an_option_fills_no_more_than_its_room() {
    let fd = kernel::socket(i64::from(libc::AF_NETLINK), i64::from(libc::SOCK_RAW), 0);
    // A member of group 1 (struct sockaddr_nl).
    assert_eq!(kernel::bind(fd, &[16, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]), 0);
    // The kernel says how much NETLINK_LIST_MEMBERSHIPS would need, however little there is.
    assert_eq!(kernel::getsockopt(fd, i64::from(libc::SOL_NETLINK), i64::from(libc::NETLINK_LIST_MEMBERSHIPS), &mut [0; 0]), 0);
}

#[test]
fn part_of_a_pollfd_is_not_polled() {
    let mut fds = [255; 15];
    fds[..8].copy_from_slice(&[255, 255, 255, 255, 1, 0, 0, 0]);
    assert_eq!(kernel::poll(&mut fds, 0), 0);
    assert_eq!(fds[8..], [255; 7]);
}

#[test]
fn a_program_ends_by_status_or_signal_or_cannot_be_started() {
    let null = null();
    assert_eq!(run("/bin/sh", &["sh", "-c", "exit 7"], [null; 3]), 7 << 8);
    assert_eq!(run("/bin/sh", &["sh", "-c", "kill -s KILL $$"], [null; 3]), i64::from(libc::SIGKILL));
    assert_eq!(run("/nowhere", &["nowhere"], [null; 3]), ENOENT);
    assert_eq!(run("/bin/true", &["true"], [null, null, 2]), EBADF);
    assert_eq!(run("/bin/true", &["true"], [null, null, i64::from(i32::MAX)]), EBADF);
}

#[test]
fn files_are_read_and_written_whole_or_not() {
    assert_eq!(process::read_file("/nowhere"), Err(ENOENT));
    assert_eq!(process::read_file("/"), Err(-i64::from(libc::EISDIR)));
    let own = "tests/kernel.rs";
    assert_eq!(process::read_file(own).unwrap(), fs::read(own).unwrap());
    assert!(!process::write_all(kernel::open("/dev/full".into(), i64::from(libc::O_WRONLY), 0), b"x"));
}

#[test]
fn typescript_declares_these_functions_and_no_others() {
    let declared = include_str!("../../../src/sys/native.ts");
    let declared = declared.lines().filter_map(|line| line.strip_prefix("  ")?.split_once('(')).map(|(name, _)| name);
    let declared: Vec<_> = declared.filter(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')).collect();
    assert_eq!(declared, FUNCTIONS.iter().map(|function| function.name).collect::<Vec<_>>());
}
