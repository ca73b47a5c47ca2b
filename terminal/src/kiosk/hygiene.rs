//! What the process does so that nothing it held can be found elsewhere: memory that
//! never goes to swap, no core dumps, no debugger of the same user.

use std::io;

/// What holds of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hygiene {
    /// All memory, present and future, is locked (mlockall).
    pub memory_locked: bool,
    /// No core file is written, and the process cannot be attached to (RLIMIT_CORE,
    /// PR_SET_DUMPABLE).
    pub no_core_dumps: bool,
}

/// Locks memory and forbids dumps. Called before any secret comes in. What the system
/// refuses is in the answer; the self-test decides what follows.
pub fn harden() -> Hygiene {
    let memory_locked = lock_memory()
        .inspect_err(|error| tracing::warn!(%error, "memory cannot be locked"))
        .is_ok();
    let no_core_dumps = forbid_dumps()
        .inspect_err(|error| tracing::warn!(%error, "core dumps cannot be forbidden"))
        .is_ok();
    Hygiene {
        memory_locked,
        no_core_dumps,
    }
}

#[allow(unsafe_code)]
fn lock_memory() -> io::Result<()> {
    // ONFAULT: pages are locked when they are first touched, so that reserved but
    // unused address space (thread stacks) costs nothing.
    // SAFETY: mlockall takes flags only and touches no memory of ours.
    let done = unsafe { libc::mlockall(libc::MCL_CURRENT | libc::MCL_FUTURE | libc::MCL_ONFAULT) };
    if done == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[allow(unsafe_code)]
fn forbid_dumps() -> io::Result<()> {
    let none = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `none` lives through the call; prctl with PR_SET_DUMPABLE takes numbers only.
    let done = unsafe {
        libc::setrlimit(libc::RLIMIT_CORE, &none) == 0
            && libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) == 0
            && libc::prctl(libc::PR_GET_DUMPABLE, 0, 0, 0, 0) == 0
    };
    if done {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Overwrites the part of the stack that calls before this one may have used. Called
/// where a thread that held secrets ends: thread stacks are kept for later threads.
#[inline(never)]
pub fn scrub_stack() {
    let mut used = [0_u8; 256 * 1024];
    zeroize::Zeroize::zeroize(&mut used[..]);
    std::hint::black_box(&used);
}
