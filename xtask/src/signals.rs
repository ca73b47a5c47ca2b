//! SIGINT, SIGTERM and SIGHUP: one thread waits for them and ends every program before the command.

use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;

use crate::process;

/// Exit code for a command that was told to stay until it is stopped.
static CODE: AtomicI32 = AtomicI32::new(-1);

/// Takes the signals over. Call once, first thing in `main`, before any thread is started: threads
/// inherit the blocked mask, children do not.
#[allow(unsafe_code)]
pub fn install() {
    // SAFETY: the set lives on this stack and is filled by sigemptyset before it is used.
    let set = unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
            libc::sigaddset(&raw mut set, signal);
        }
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
        set
    };
    thread::spawn(move || {
        let mut signal = 0;
        // SAFETY: both pointers are to live values of the right types.
        unsafe {
            libc::sigwait(&raw const set, &raw mut signal);
        }
        let code = match CODE.load(Ordering::SeqCst) {
            -1 => 128 + signal,
            code => code,
        };
        eprintln!("\n  stopping: ending the programs …");
        process::end_all();
        std::process::exit(code);
    });
}

/// From now on a signal is the regular end: exit with 0.
pub fn regular_end() {
    CODE.store(0, Ordering::SeqCst);
}
