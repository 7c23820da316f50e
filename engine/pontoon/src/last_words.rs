//! What is said when nothing can be computed any more: one text that was ready before.
use core::panic::PanicInfo;
use host::{kernel, process};

const WORDS: &[u8] = b"{
    \"cniVersion\": \"1.0.0\",
    \"code\": 999,
    \"msg\": \"internal error: pontoon had to stop\",
    \"details\": \"Cause: no memory was left, or a bug of pontoon. Hint: Give the plugin more memory and a larger stack (ulimit -v, ulimit -s); if that does not help, report this as a bug of pontoon, with the network configuration.\"
}
";

/// Says it on stdout, where a runtime reads, and ends the process with status 1.
pub fn stop() -> ! {
    kernel::write(1, WORDS);
    process::exit(1)
}

#[panic_handler]
fn panic(_: &PanicInfo) -> ! {
    stop()
}

/// The engine is compiled with this name in the place of `abort`.
#[unsafe(no_mangle)]
extern "C" fn pontoon_abort() -> ! {
    stop()
}

/// Rust's own libraries name this function, for panics that unwind; here none does.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() -> ! {
    stop()
}
