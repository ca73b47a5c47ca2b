//! SIGINT, SIGTERM and SIGHUP end every program before the command. The handler only writes a byte; a thread
//! does the rest. (Blocking the signals instead would block them in the children, who inherit the mask.)

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd};
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;

use crate::process;

/// Exit code for a command that was told to stay until it is stopped.
static CODE: AtomicI32 = AtomicI32::new(-1);
/// Where the handler writes the signal's number.
static PIPE: AtomicI32 = AtomicI32::new(-1);

extern "C" fn note(signal: libc::c_int) {
    let byte = signal as u8;
    let pipe = PIPE.load(Ordering::SeqCst);
    write_byte(pipe, &byte);
}

#[allow(unsafe_code)]
fn write_byte(pipe: i32, byte: &u8) {
    // SAFETY: write is async-signal-safe; the byte lives through the call.
    unsafe {
        libc::write(pipe, std::ptr::from_ref(byte).cast(), 1);
    }
}

/// Takes the signals over. Call once, first thing in `main`.
#[allow(unsafe_code)]
pub fn install() -> std::io::Result<()> {
    let mut ends = [0; 2];
    // SAFETY: pipe2 fills the two descriptors of the array that it is given.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
        return Err(std::io::Error::last_os_error());
    }
    // SAFETY: both descriptors were just made and belong to nobody else.
    let (mut read, write) = unsafe { (File::from_raw_fd(ends[0]), File::from_raw_fd(ends[1])) };
    PIPE.store(write.as_raw_fd(), Ordering::SeqCst);
    // Open as long as the process lives: the handler may come at any time.
    let _ = write.into_raw_fd();
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
        // SAFETY: the handler does nothing but write to a pipe.
        unsafe {
            libc::signal(signal, note as *const () as libc::sighandler_t);
        }
    }
    thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            let mut byte = [0];
            if read.read_exact(&mut byte).is_err() {
                return;
            }
            let code = match CODE.load(Ordering::SeqCst) {
                -1 => 128 + i32::from(byte[0]),
                code => code,
            };
            eprintln!("\n  stopping: ending the programs …");
            process::end_all();
            std::process::exit(code);
        })?;
    Ok(())
}

/// From now on a signal is the regular end: exit with 0.
pub fn regular_end() {
    CODE.store(0, Ordering::SeqCst);
}
